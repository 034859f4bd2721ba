//! [`Sources`]: the policy files and data of one source group, read from disk.
//!
//! Policy sources give their `*.rego` files, data sources their `.json`, `.yaml` and `.yml` files; see
//! [`data`](crate::data) for how data files become one document. Everything is read at once and in a fixed order, so
//! that a policy does not change during a run.

use std::{path::Path, sync::Arc};

use assay_model::{
    bounded::{ReadError, read_expected},
    limits::{DATA_FILE_BYTES, POLICY_FILE_BYTES},
    port::DerivedCache,
};
use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use crate::{
    bundle::Bundle,
    data_document::{DataDocument, DataFile, DataSource, object},
    folder::{FoundFile, files},
    limits::SOURCE_BYTES,
    source_error::SourceError,
    whole_numbers::with_whole_numbers,
};

/// What a policy is compiled from.
#[derive(Debug, Default)]
pub struct Sources {
    pub(crate) policies: Vec<PolicyFile>,
    pub(crate) data: DataDocument,
    pub(crate) bundles: Vec<Bundle>,
    bytes: u64,
    cache: Option<Cache>,
}

/// Where what is compiled is kept.
struct Cache(Arc<dyn DerivedCache>);

impl std::fmt::Debug for Cache {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Cache").finish_non_exhaustive()
    }
}

/// A policy file's name in messages and its text.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Whether it is Rego of before 1.0, where its bundle says; else what holds for all.
    pub(crate) v0: Option<bool>,
}

/// How images are verified; rules see it as `data.config.default_sigstore_opts`, with all keys `ec` has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigstoreDefaults {
    /// The identity in the signer's certificate, where there is no key.
    pub certificate_identity: String,
    /// The same as a regular expression.
    pub certificate_identity_regexp: String,
    /// Who knows the signer.
    pub certificate_oidc_issuer: String,
    /// The same as a regular expression.
    pub certificate_oidc_issuer_regexp: String,
    /// The public key in PEM; empty where there is an identity.
    pub public_key: String,
    /// Whether transparency logs are left out.
    pub ignore_rekor: bool,
    /// The transparency log.
    pub rekor_url: String,
}

impl Sources {
    /// No sources yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the policies of a folder, or of one file. Tests (`*_test.rego`) are left out.
    pub fn add_policy(&mut self, path: &Path) -> Result<(), SourceError> {
        self.add_rego(path, |name| name.ends_with(".rego") && !name.ends_with("_test.rego"))
    }

    /// Adds the policies of a folder, or of one file, with their tests; see [`testing`](crate::testing).
    pub fn add_policy_with_tests(&mut self, path: &Path) -> Result<(), SourceError> {
        self.add_rego(path, |name| name.ends_with(".rego"))
    }

    /// Adds a policy that was read elsewhere, by its name in messages.
    pub fn add_policy_text(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.policies.push(PolicyFile { name: name.into(), text: text.into(), v0: None });
    }

    fn add_rego(&mut self, path: &Path, wanted: fn(&str) -> bool) -> Result<(), SourceError> {
        let found = files(path, wanted)?;
        if found.is_empty() {
            return Err(SourceError::NoPolicy { path: path.to_owned() });
        }
        for FoundFile { path, .. } in found {
            let text = self.read(&path, POLICY_FILE_BYTES)?;
            self.policies.push(PolicyFile { name: path.display().to_string(), text, v0: None });
        }
        Ok(())
    }

    /// Keeps what the policies and data files added after this are compiled to, and takes it from there if it is known.
    pub fn set_cache(&mut self, cache: Arc<dyn DerivedCache>) {
        self.cache = Some(Cache(cache));
    }

    /// Adds the data of a folder, or of one file.
    pub fn add_data(&mut self, path: &Path) -> Result<(), SourceError> {
        self.add_data_of(&[path])
    }

    /// Adds the data of folders and files, all at once.
    pub fn add_data_of(&mut self, paths: &[&Path]) -> Result<(), SourceError> {
        let mut sources = Vec::with_capacity(paths.len());
        for path in paths {
            let found = files(path, |name| [".json", ".yaml", ".yml"].iter().any(|ending| name.ends_with(ending)))?;
            let mut files = Vec::with_capacity(found.len());
            for FoundFile { folders, path } in found {
                let text = self.read(&path, DATA_FILE_BYTES)?;
                files.push(DataFile { folders, origin: path.display().to_string(), text });
            }
            sources.push(DataSource { path: (*path).to_owned(), files });
        }
        self.data.add_sources(sources, self.cache.as_ref().map(|cache| &*cache.0))
    }

    /// The `ruleData` of a policy configuration, JSON, which rules see as `data.rule_data__configuration__`.
    pub fn set_rule_data(&mut self, json: &str) -> Result<(), SourceError> {
        let origin = "ruleData of the policy configuration";
        let path = ["rule_data__configuration__".to_owned()];
        let fields = object(origin, json)?.into_iter().map(|(name, value)| (name, with_whole_numbers(value)));
        self.data.add(origin, &path, fields.collect())
    }

    /// The effective time, which rules see as `data.config.policy.when_ns`.
    pub fn set_effective_time(&mut self, when: Timestamp) -> Result<(), SourceError> {
        let nanoseconds = Number::from_i128(when.as_nanosecond()).map_or(Value::Null, Value::Number);
        self.set_config("policy", json!({ "when_ns": nanoseconds }))
    }

    /// The file that conftest would have read the input from, which rules see as `data.conftest.file`. There is no such
    /// file here; rules may only show its name.
    pub fn set_input_file(&mut self, folder: &str, name: &str) -> Result<(), SourceError> {
        let file = Map::from_iter([("file".to_owned(), json!({"dir": folder, "name": name}))]);
        self.data.add("the settings of assay", &["conftest".to_owned()], file)
    }

    /// How images are verified, which rules see as `data.config.default_sigstore_opts`.
    pub fn set_sigstore_defaults(&mut self, defaults: &SigstoreDefaults) -> Result<(), SourceError> {
        let value = json!({
            "certificate_identity": defaults.certificate_identity,
            "certificate_identity_regexp": defaults.certificate_identity_regexp,
            "certificate_oidc_issuer": defaults.certificate_oidc_issuer,
            "certificate_oidc_issuer_regexp": defaults.certificate_oidc_issuer_regexp,
            "ignore_rekor": defaults.ignore_rekor,
            "public_key": defaults.public_key,
            "rekor_url": defaults.rekor_url,
        });
        self.set_config("default_sigstore_opts", value)
    }

    fn set_config(&mut self, key: &str, value: Value) -> Result<(), SourceError> {
        let document = Map::from_iter([(key.to_owned(), value)]);
        self.data.add("the settings of assay", &["config".to_owned()], document)
    }

    pub(crate) fn read(&mut self, path: &Path, limit: u64) -> Result<String, SourceError> {
        let unreadable = |error| SourceError::unreadable(path, error);
        // Opening a pipe would wait for someone to write into it.
        let about = fs_err::metadata(path).map_err(unreadable)?;
        if !about.is_file() {
            return Err(SourceError::NotAFile { path: path.to_owned() });
        }
        let file = fs_err::File::open(path).map_err(unreadable)?;
        let bytes = read_expected(file, limit, about.len()).map_err(|error| match error {
            ReadError::TooLarge(limit) => SourceError::TooLarge { path: path.to_owned(), limit },
            ReadError::Io(error) => unreadable(error),
        })?;
        self.bytes += bytes.len() as u64;
        if self.bytes > SOURCE_BYTES {
            return Err(SourceError::TooMuch { path: path.to_owned() });
        }
        String::from_utf8(bytes).map_err(|_| SourceError::NotText { path: path.to_owned() })
    }

    /// Reads the policies added so far as Rego of before 1.0, but for those whose bundle says what they are.
    pub fn set_v0(&mut self) {
        for file in &mut self.policies {
            file.v0.get_or_insert(true);
        }
    }

    /// The bundles among the sources.
    #[must_use]
    pub fn bundles(&self) -> &[Bundle] {
        &self.bundles
    }

    pub(crate) fn into_parts(self) -> (Vec<PolicyFile>, DataDocument) {
        (self.policies, self.data)
    }

    /// Where what is compiled is kept.
    pub(crate) fn cache(&self) -> Option<Arc<dyn DerivedCache>> {
        self.cache.as_ref().map(|cache| Arc::clone(&cache.0))
    }
}

#[cfg(test)]
impl Sources {
    /// Sources that were read elsewhere.
    pub(crate) fn of(policies: Vec<PolicyFile>, data: Value) -> Self {
        let mut sources = Self { policies, ..Self::default() };
        if let Value::Object(fields) = data {
            sources.data.add("data", &[], fields).unwrap_or_else(|clash| panic!("{clash:?}"));
        }
        sources
    }
}

#[cfg(test)]
mod tests;
