//! [`LockFile`]: `assay.lock`, which says what exactly `plugins.toml` was resolved to. `assay plugin lock` writes it, and it is
//! reviewed like any other change.

use std::{collections::BTreeMap, fmt::Write as _};

use assay_model::digest::Digest;
use camino::Utf8Path;
use serde::Deserialize;

use super::plugins_file::{LIST_BYTES, PLUGINS, VERSION, line_of};
use crate::{error::RequestError, read::read_text};

/// The name of the file, beside `plugins.toml`.
pub const LOCK_NAME: &str = "assay.lock";

/// An `assay.lock`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFile {
    pub(crate) plugins: BTreeMap<String, LockedPlugin>,
}

/// A plugin, pinned.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockedPlugin {
    pub(crate) name: String,
    /// The repository and the tag that was resolved.
    pub(crate) source: String,
    /// The digest of the manifest, by which it is fetched.
    pub(crate) manifest: Digest,
    /// The digest of the component.
    pub(crate) component: Digest,
    pub(crate) world: String,
    /// The version of the contract.
    pub(crate) wit: String,
    /// Who signed it, for people: an identity, or the name of a key in `plugins.toml`.
    pub(crate) signer: Option<String>,
    /// The digest of what it requests.
    pub(crate) permissions: Digest,
    /// The digest of its vet statement.
    pub(crate) vet: Option<Digest>,
}

#[cfg(test)]
impl LockedPlugin {
    /// One for tests, of a name and a source.
    pub(crate) fn of_test(name: &str, source: &str) -> Self {
        Self {
            name: name.to_owned(),
            source: source.to_owned(),
            manifest: Digest::of(b"m"),
            component: Digest::of(b"c"),
            world: "task".to_owned(),
            wit: "0.1.0".to_owned(),
            signer: None,
            permissions: Digest::of(b"p"),
            vet: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    #[serde(default)]
    plugin: Vec<LockedPlugin>,
}

impl LockFile {
    /// Reads the file beside a list; one that is not there pins nothing.
    ///
    /// # Errors
    /// It cannot be read, or is not a lock file that this version knows all of.
    pub fn beside(list: &Utf8Path) -> Result<Self, RequestError> {
        let file = list.with_file_name(LOCK_NAME);
        if !file.exists() {
            return Ok(Self::default());
        }
        Self::parse(&read_text(&file, "--plugins", LIST_BYTES)?, &file)
    }

    /// Parses a lock file; `file` is where it was read, for messages.
    ///
    /// # Errors
    /// It is not a lock file that this version knows all of.
    pub fn parse(text: &str, file: &Utf8Path) -> Result<Self, RequestError> {
        let invalid = |what: String| {
            RequestError::new(format!("`{file}` is not a lock file: {what}")).hint("write it with `assay plugin lock`")
        };
        let document: Document =
            toml::from_str(text).map_err(|error| invalid(format!("{}{}", line_of(text, &error), error.message())))?;
        if document.version != VERSION {
            let version = document.version;
            return Err(invalid(format!("it has version {version}, and this program knows version {VERSION}")));
        }
        if document.plugin.len() > PLUGINS {
            return Err(invalid(format!("it has more than {PLUGINS} plugins")));
        }
        let mut plugins = BTreeMap::new();
        for plugin in document.plugin {
            let name = plugin.name.clone();
            if plugins.insert(name.clone(), plugin).is_some() {
                return Err(invalid(format!("it has the plugin `{name}` twice")));
            }
        }
        Ok(Self { plugins })
    }

    /// The text of the file: the same for the same content.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text =
            "# Written by `assay plugin lock`. Review its changes; do not edit it.\nversion = 1\n".to_owned();
        for plugin in self.plugins.values() {
            let mut line = |key: &str, value: &str| {
                // Writing to a String cannot fail.
                let _infallible = writeln!(text, "{key} = {}", quoted(value));
            };
            line("\n[[plugin]]\nname", &plugin.name);
            line("source", &plugin.source);
            line("manifest", &plugin.manifest.to_string());
            line("component", &plugin.component.to_string());
            line("world", &plugin.world);
            line("wit", &plugin.wit);
            if let Some(signer) = &plugin.signer {
                line("signer", signer);
            }
            line("permissions", &plugin.permissions.to_string());
            if let Some(vet) = &plugin.vet {
                line("vet", &vet.to_string());
            }
        }
        text
    }
}

/// A basic string of TOML: JSON's escapes are among its own, and the one character that TOML refuses beside those of JSON is
/// escaped too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(name: &str) -> LockedPlugin {
        LockedPlugin {
            name: name.to_owned(),
            source: format!("registry.example/acme/{name}:0.3.0"),
            manifest: Digest::of(b"m"),
            component: Digest::of(b"c"),
            world: "adapter".to_owned(),
            wit: "0.1.0".to_owned(),
            signer: Some("a \"quoted\" \\ name\n\u{7f}é".to_owned()),
            permissions: Digest::of(b"p"),
            vet: None,
        }
    }

    #[test]
    fn a_lock_file_is_read_back_sorted_whatever_is_in_it() {
        let vetted = LockedPlugin { vet: Some(Digest::of(b"v")), signer: None, ..locked("a") };
        let plugins = [locked("b"), vetted].map(|plugin| (plugin.name.clone(), plugin)).into();
        let lock = LockFile { plugins };
        let text = lock.to_toml();
        assert!(text.find("name = \"a\"").unwrap() < text.find("name = \"b\"").unwrap());
        assert_eq!(LockFile::parse(&text, Utf8Path::new("assay.lock")).unwrap(), lock);
    }

    #[test]
    fn what_was_edited_wrongly_is_refused() {
        let text = LockFile { plugins: [("a".to_owned(), locked("a"))].into() }.to_toml();
        for (from, to, says) in [
            ("version = 1", "version = 2", "it has version 2"),
            ("version = 1\n", "", "version"),
            ("world = ", "wurld = ", "line "),
            ("manifest = \"sha256:", "manifest = \"sha256:x", "line "),
        ] {
            let error = LockFile::parse(&text.replacen(from, to, 1), Utf8Path::new("assay.lock")).unwrap_err();
            assert!(error.message().contains(says), "{}", error.message());
        }
        let (_, body) = text.split_once("[[plugin]]").unwrap();
        let twice = format!("{text}\n[[plugin]]{body}");
        assert!(LockFile::parse(&twice, Utf8Path::new("x")).unwrap_err().message().contains("`a` twice"));
    }
}
