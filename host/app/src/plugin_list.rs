//! [`PluginList`]: the plugins that tasks can name, from `plugins.toml`.

use std::collections::BTreeMap;

use assay_model::digest::Digest;
use assay_scheduler::ServiceLimit;
use assay_wasm::Grants;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::{
    error::{RequestError, RequestErrorKind},
    plugin_grants::{GrantEntry, HttpEntry, SecretEntry, service_limit},
};

/// One entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// A component on this machine, relative to the list. For development only.
    file: Option<Utf8PathBuf>,
    /// What the component must be.
    digest: Option<Digest>,
    /// Hosts that it may send requests to.
    #[serde(default)]
    http: Vec<HttpEntry>,
    /// Secrets by the name that it uses.
    #[serde(default)]
    secret: BTreeMap<String, SecretEntry>,
    /// Caps for its limits.
    #[serde(default)]
    limits: BTreeMap<String, u64>,
    /// The service whose tokens its jobs need; the plugin's own if there is none.
    group: Option<String>,
    /// Jobs that may be with the service at a time.
    max: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    plugin: BTreeMap<String, Entry>,
}

/// The plugins by name.
#[derive(Debug, Default)]
pub(crate) struct PluginList {
    entries: BTreeMap<String, Entry>,
    folder: Utf8PathBuf,
}

impl PluginList {
    /// Reads a list.
    ///
    /// # Errors
    /// It is not a list that this version knows all of.
    pub(crate) fn parse(text: &str, file: &Utf8Path) -> Result<Self, RequestError> {
        let document: Document = toml::from_str(text)
            .map_err(|error| RequestError::new(format!("`{file}` is not a list of plugins: {}", error.message())))?;
        Ok(Self { entries: document.plugin, folder: file.parent().map(Utf8Path::to_owned).unwrap_or_default() })
    }

    /// The bytes of a plugin, or none if it is not listed.
    ///
    /// # Errors
    /// It cannot be read, is another one than listed, or is a file and `is_dev` is false.
    pub(crate) fn load(&self, name: &str, is_dev: bool) -> Result<Option<Vec<u8>>, RequestError> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        let refused = |fact: String| RequestError::of(RequestErrorKind::Plugin, fact);
        let Some(file) = &entry.file else {
            return Err(refused(format!("the plugin `{name}` has no `file` in plugins.toml")));
        };
        if !is_dev {
            return Err(refused(format!("the plugin `{name}` is a file, which is for development"))
                .hint("pass --dev to run it all the same"));
        }
        let bytes = crate::read::read_bytes(&self.folder.join(file), "the plugin", assay_model::limits::PLUGIN_BYTES)?;
        if let Some(digest) = &entry.digest {
            digest
                .check(&bytes)
                .map_err(|error| refused(format!("the plugin `{name}` is another one than listed: {error}")))?;
        }
        Ok(Some(bytes))
    }

    /// What a plugin is granted. `variable` gives secrets that are in the environment; `is_dev` lets it reach this machine.
    ///
    /// # Errors
    /// A host is none, or a secret is not there.
    pub(crate) fn grants(
        &self,
        name: &str,
        variable: &dyn Fn(&str) -> Option<String>,
        is_dev: bool,
    ) -> Result<Grants, RequestError> {
        let Some(entry) = self.entries.get(name) else { return Ok(Grants::default()) };
        let grants = GrantEntry { http: &entry.http, secrets: Some(&entry.secret), limits: Some(&entry.limits) };
        grants.read(name, &self.folder, variable, is_dev)
    }

    /// How many jobs of a plugin may be with its service at a time; none is no limit.
    ///
    /// # Errors
    /// The numbers are out of their range.
    pub(crate) fn service_limit(&self, name: &str) -> Result<Option<ServiceLimit>, RequestError> {
        let entry = self.entries.get(name);
        entry.map_or(Ok(None), |entry| service_limit(name, entry.group.as_deref(), entry.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_needs_dev_and_its_digest_and_what_is_not_known_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8PathBuf::from_path_buf(folder.path().join("plugins.toml")).unwrap();
        fs_err::write(folder.path().join("a.wasm"), "bytes").unwrap();
        let (right, wrong) = (Digest::of(b"bytes"), Digest::of(b"other"));
        let text = format!(
            "[plugin.a]\nfile = 'a.wasm'\ndigest = '{right}'\n[plugin.b]\nfile = 'a.wasm'\ndigest = '{wrong}'\n"
        );
        let list = PluginList::parse(&text, &file).unwrap();
        assert_eq!(list.load("a", true).unwrap().unwrap(), b"bytes");
        assert!(list.load("c", true).unwrap().is_none());
        for (name, is_dev, says) in [("a", false, "for development"), ("b", true, "another one than listed")] {
            assert!(list.load(name, is_dev).unwrap_err().to_string().contains(says));
        }
        for text in ["[plugin.a]\nfiles = 'a'", "[plugins]", "x = ["] {
            assert!(PluginList::parse(text, &file).is_err(), "{text}");
        }
    }
}
