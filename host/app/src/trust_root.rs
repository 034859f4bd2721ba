//! [`TrustRootSettings`]: where the trust root of keyless and logged signatures is, and [`LazyTrustRoot`], which reads it
//! when something needs it.
//!
//! In this order: a file that the user names; the key files of cosign's variables, over what follows; what
//! `sigstore initialize` stored; the copy of the public good instance's in this program. Nothing is fetched.

use std::sync::{Arc, OnceLock};

use assay_evidence::keyless::{PUBLIC_GOOD, SigstoreKeys, TrustRoot, TrustRootError};
use assay_model::limits;
use assay_oci::EvidenceRecorder;
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    error::{RequestError, RequestErrorKind},
    read::read_text,
    tuf_store::StoredTrustRoot,
};

/// Where the trust root is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustRootSettings {
    /// A `trusted_root.json`: the value of `--trusted-root`.
    pub file: Option<Utf8PathBuf>,
    /// Files of single keys.
    pub variables: SigstoreFiles,
    /// Where `sigstore initialize` stores one.
    pub stored: Option<StoredTrustRoot>,
}

/// The files that cosign's variables name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigstoreFiles {
    /// `SIGSTORE_ROOT_FILE`.
    pub authority: Option<Utf8PathBuf>,
    /// `SIGSTORE_REKOR_PUBLIC_KEY`.
    pub log: Option<Utf8PathBuf>,
    /// `SIGSTORE_CT_LOG_PUBLIC_KEY_FILE`.
    pub certificate_log: Option<Utf8PathBuf>,
    /// `SIGSTORE_TSA_CERTIFICATE_FILE`.
    pub timestamp_authority: Option<Utf8PathBuf>,
}

/// A trust root that was read.
#[derive(Debug)]
pub(crate) struct LoadedTrustRoot {
    /// The root.
    pub(crate) root: Arc<TrustRoot>,
    /// The text of the `trusted_root.json` that it is made of; none for the copy in this program.
    pub(crate) text: Option<String>,
}

/// The trust root of a run, read once, when it is needed.
#[derive(Debug)]
pub(crate) struct LazyTrustRoot {
    settings: TrustRootSettings,
    /// Keeps what was used.
    recorder: Option<Arc<EvidenceRecorder>>,
    loaded: OnceLock<Result<LoadedTrustRoot, RequestError>>,
}

impl LazyTrustRoot {
    pub(crate) fn new(settings: TrustRootSettings) -> Arc<Self> {
        Self::recorded_by(settings, None)
    }

    /// The same for a run whose evidence is kept. What an archive has of a trust root is for people who read it: nobody is
    /// trusted because an archive says so.
    pub(crate) fn recorded_by(settings: TrustRootSettings, recorder: Option<Arc<EvidenceRecorder>>) -> Arc<Self> {
        Arc::new(Self { settings, recorder, loaded: OnceLock::new() })
    }

    /// The trust root.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(crate) fn load(&self) -> Result<&LoadedTrustRoot, RequestError> {
        let load = || {
            let loaded = load(&self.settings)?;
            if let Some(recorder) = &self.recorder {
                recorder.add_trust_root(loaded.text.as_deref().unwrap_or(PUBLIC_GOOD).as_bytes());
            }
            Ok(loaded)
        };
        self.loaded.get_or_init(load).as_ref().map_err(Clone::clone)
    }
}

fn load(settings: &TrustRootSettings) -> Result<LoadedTrustRoot, RequestError> {
    if let Some(file) = &settings.file {
        let text = read(file, "--trusted-root")?;
        let root = TrustRoot::from_json(&text).map_err(|error| invalid_root(&error, &format!("`{file}`")))?;
        return Ok(LoadedTrustRoot { root: Arc::new(root), text: Some(text) });
    }
    let files = &settings.variables;
    let read = |file: &Option<Utf8PathBuf>, variable| file.as_deref().map(|file| read(file, variable)).transpose();
    let keys = SigstoreKeys {
        authority: read(&files.authority, "SIGSTORE_ROOT_FILE")?,
        log: read(&files.log, "SIGSTORE_REKOR_PUBLIC_KEY")?,
        certificate_log: read(&files.certificate_log, "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE")?,
        timestamp_authority: read(&files.timestamp_authority, "SIGSTORE_TSA_CERTIFICATE_FILE")?,
    };
    // Where the variables name every part, nothing of a stored one is used.
    let is_whole = keys.authority.is_some()
        && keys.log.is_some()
        && keys.certificate_log.is_some()
        && keys.timestamp_authority.is_some();
    let stored = match &settings.stored {
        Some(stored) if !is_whole => stored.read()?,
        _ => None,
    };
    if keys == SigstoreKeys::default() {
        let root = match &stored {
            Some(text) => TrustRoot::from_json(text),
            None => TrustRoot::public_good(),
        };
        let root = root.map_err(|error| invalid_root(&error, "the stored trust root"))?;
        return Ok(LoadedTrustRoot { root: Arc::new(root), text: stored });
    }
    let text = TrustRoot::text_from_keys(&keys, stored.as_deref())
        .map_err(|error| invalid_root(&error, "the files of the `SIGSTORE_` variables"))?;
    let root =
        TrustRoot::from_json(&text).map_err(|error| invalid_root(&error, "the files of the `SIGSTORE_` variables"))?;
    Ok(LoadedTrustRoot { root: Arc::new(root), text: Some(text) })
}

fn read(file: &Utf8Path, whence: &str) -> Result<String, RequestError> {
    read_text(file, whence, limits::CONFIG_FILE_BYTES)
}

fn invalid_root(error: &TrustRootError, place: &str) -> RequestError {
    RequestError::of(RequestErrorKind::TrustRoot, format!("{error} ({place})")).hint(error.hint())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_in_this_program_is_used_where_nothing_else_is_named() {
        let root = LazyTrustRoot::new(TrustRootSettings::default());
        assert_eq!(root.load().unwrap().text, None);
    }

    #[test]
    fn a_named_file_counts_more_than_variables_and_both_are_errors_where_they_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let file = |name: &str, text: &str| {
            fs_err::write(folder.join(name), text).unwrap();
            Some(folder.join(name))
        };
        let (root, broken) = (file("root.json", assay_evidence::keyless::PUBLIC_GOOD), file("broken.pem", "no key"));
        let variables = || SigstoreFiles { log: broken.clone(), ..SigstoreFiles::default() };
        let settings = TrustRootSettings { file: root, variables: variables(), stored: None };
        assert!(LazyTrustRoot::new(settings).load().unwrap().text.is_some());
        let settings = TrustRootSettings { file: None, variables: variables(), stored: None };
        let error = LazyTrustRoot::new(settings).load().unwrap_err();
        assert_eq!(error.kind(), RequestErrorKind::TrustRoot);
        assert!(error.message().contains("`SIGSTORE_REKOR_PUBLIC_KEY`"), "{}", error.message());
        let settings = TrustRootSettings { file: broken.clone(), ..TrustRootSettings::default() };
        let error = LazyTrustRoot::new(settings).load().unwrap_err();
        assert!(error.message().contains("broken.pem"), "{}", error.message());
        let settings = TrustRootSettings { file: Some(folder.join("none")), ..TrustRootSettings::default() };
        assert!(LazyTrustRoot::new(settings).load().unwrap_err().message().contains("no such file"));
    }
}
