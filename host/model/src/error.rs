//! [`EvaluationError`]: why a component could not be evaluated. A violation and an error are different types here.

use serde::{Deserialize, Serialize, de::Error as _};

use assay_gocompat::sanitize;

/// What kept a component from being evaluated. The codes are stable: pipelines match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The component's image reference cannot be read.
    ImageReference,
    /// The registry or layout does not hold the image.
    ImageNotFound,
    /// The registry or layout does not hold something the image names.
    BlobNotFound,
    /// The evidence archive does not hold it, because nothing requested it when the archive was made.
    NotInArchive,
    /// Content does not have the digest or size it was named by.
    DigestMismatch,
    /// Content is larger than its limit.
    TooLarge,
    /// A manifest, config or payload is not what its media type says.
    Malformed,
    /// The registry cannot be reached.
    RegistryUnreachable,
    /// The registry did not respond in time.
    RegistryTimeout,
    /// The registry returned a server error (5xx) or an invalid response.
    RegistryError,
    /// The registry requires credentials or rejects them.
    RegistryDenied,
    /// The policy failed to evaluate.
    PolicyError,
    /// A built-in function could not fetch what the policy requested.
    BuiltinFailed,
    /// A file is not a plugin that this host runs.
    PluginRefused,
    /// A plugin trapped.
    PluginTrap,
    /// A plugin used up its computing budget.
    PluginCpuLimit,
    /// A plugin did not end in time.
    PluginTimeLimit,
    /// A plugin exceeded its memory limit.
    PluginMemoryLimit,
    /// A plugin logged far more than its quota.
    PluginLogLimit,
    /// A plugin takes too much time or memory to compile.
    PluginCompileLimit,
    /// A plugin exceeded the quota of something that it keeps or sends.
    PluginQuota,
    /// A plugin did what it has no permission for.
    PluginDenied,
    /// A plugin returned an error, or an invalid result.
    PluginError,
    /// A plugin's verdict contradicts what it reported.
    PluginContradiction,
    /// Nobody who is trusted for a plugin signed it.
    PluginNotSigned,
    /// A plugin has no vet statement that accepts it, or was withdrawn.
    PluginNotVetted,
    /// A plugin is another one than `assay.lock` says, or the lock file is not that of `plugins.toml`.
    PluginLockMismatch,
    /// The deadline passed first.
    Deadline,
    /// The run was interrupted first.
    Interrupted,
    /// No evaluator had a result: neither a violation, a warning nor a success.
    NoResults,
    /// A bug in assay itself.
    Internal,
}

impl ErrorCode {
    /// Every code, for documentation and tests.
    pub const ALL: [Self; 31] = [
        Self::ImageReference,
        Self::ImageNotFound,
        Self::BlobNotFound,
        Self::NotInArchive,
        Self::DigestMismatch,
        Self::TooLarge,
        Self::Malformed,
        Self::RegistryUnreachable,
        Self::RegistryTimeout,
        Self::RegistryError,
        Self::RegistryDenied,
        Self::PolicyError,
        Self::BuiltinFailed,
        Self::PluginRefused,
        Self::PluginTrap,
        Self::PluginCpuLimit,
        Self::PluginTimeLimit,
        Self::PluginMemoryLimit,
        Self::PluginLogLimit,
        Self::PluginCompileLimit,
        Self::PluginQuota,
        Self::PluginDenied,
        Self::PluginError,
        Self::PluginContradiction,
        Self::PluginNotSigned,
        Self::PluginNotVetted,
        Self::PluginLockMismatch,
        Self::Deadline,
        Self::Interrupted,
        Self::NoResults,
        Self::Internal,
    ];

    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImageReference => "image-reference",
            Self::ImageNotFound => "image-not-found",
            Self::BlobNotFound => "blob-not-found",
            Self::NotInArchive => "not-in-archive",
            Self::DigestMismatch => "digest-mismatch",
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::RegistryUnreachable => "registry-unreachable",
            Self::RegistryTimeout => "registry-timeout",
            Self::RegistryError => "registry-error",
            Self::RegistryDenied => "registry-denied",
            Self::PolicyError => "policy-error",
            Self::BuiltinFailed => "builtin-failed",
            Self::PluginRefused => "plugin-refused",
            Self::PluginTrap => "plugin-trap",
            Self::PluginCpuLimit => "plugin-cpu-limit",
            Self::PluginTimeLimit => "plugin-time-limit",
            Self::PluginMemoryLimit => "plugin-memory-limit",
            Self::PluginLogLimit => "plugin-log-limit",
            Self::PluginCompileLimit => "plugin-compile-limit",
            Self::PluginQuota => "plugin-quota",
            Self::PluginDenied => "plugin-denied",
            Self::PluginError => "plugin-error",
            Self::PluginContradiction => "plugin-contradiction",
            Self::PluginNotSigned => "plugin-not-signed",
            Self::PluginNotVetted => "plugin-not-vetted",
            Self::PluginLockMismatch => "plugin-lock-mismatch",
            Self::Deadline => "deadline",
            Self::Interrupted => "interrupted",
            Self::NoResults => "no-results",
            Self::Internal => "internal",
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        let known = Self::ALL.into_iter().find(|code| code.as_str() == word);
        known.ok_or_else(|| D::Error::custom(format_args!("`{word}` is not an error code")))
    }
}

/// Why a component could not be evaluated: one sentence with the fact, and a hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(from = "StoredError")]
#[error("{message}")]
pub struct EvaluationError {
    /// The kind of failure.
    pub code: ErrorCode,
    /// The fact and the place, one sentence without a full stop.
    pub message: String,
    /// What a person can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// An error as it was stored, by anyone with access to the store.
#[derive(Deserialize)]
struct StoredError {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
}

impl From<StoredError> for EvaluationError {
    fn from(StoredError { code, message, hint }: StoredError) -> Self {
        let error = Self::new(code, message);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl EvaluationError {
    /// A failure without a hint. The message quotes what comes from outside, so it is made harmless here, once for every
    /// report and for standard error.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self { code, message: sanitize::line(&message).into_owned(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint: String = hint.into();
        self.hint = Some(sanitize::line(&hint).into_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), ErrorCode::ALL.len());
        assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
    }
}
