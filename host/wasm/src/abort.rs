//! [`Abort`]: why the host ended a call, and [`Failure`]: why a call has no value.

use assay_model::error::{ErrorCode, EvaluationError};

use crate::limits;

/// Why the host ended a call, as the end of a sentence that begins with the plugin.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Abort {
    #[error("requested more than {} MiB of memory", .0 >> 20)]
    Memory(usize),
    #[error("requested a table of more than {} elements", limits::TABLE_ELEMENTS)]
    Table,
    #[error("used up its computing time of {0} ms")]
    Cpu(u64),
    #[error("did not end within {0} ms")]
    Time(u64),
    #[error("called the host more than {} times", limits::HOST_CALLS)]
    HostCalls,
    #[error("moved more than {} MiB between itself and the host", limits::HOST_BYTES >> 20)]
    HostBytes,
    #[error("used up its computing budget of {0} instructions with work of the host on its behalf")]
    HostWork(u64),
    #[error("logged more than {flood} times its quota of {0} KiB", flood = limits::LOG_FLOOD)]
    LogFlood(u64),
    #[error("requested {0} random bytes at once, more than the {max} allowed", max = limits::RANDOM_BYTES)]
    Random(u64),
    /// Nobody waits for the result.
    #[error("was canceled")]
    Canceled,
    /// A permission that it does not have: what it did, and what would allow it.
    #[error("{what}")]
    Denied { what: String, hint: String },
    /// An error that the plugin did not cause.
    #[error("{0}")]
    Evaluation(#[from] EvaluationError),
}

impl Abort {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::Memory(_) | Self::Table => ErrorCode::PluginMemoryLimit,
            Self::Cpu(_) | Self::HostCalls | Self::HostBytes | Self::HostWork(_) => ErrorCode::PluginCpuLimit,
            Self::Time(_) => ErrorCode::PluginTimeLimit,
            Self::LogFlood(_) => ErrorCode::PluginLogLimit,
            Self::Canceled => ErrorCode::Interrupted,
            Self::Random(_) => ErrorCode::PluginError,
            Self::Denied { .. } => ErrorCode::PluginDenied,
            Self::Evaluation(error) => error.code,
        }
    }

    /// The setting that raises the limit, or that nothing does.
    fn hint(&self) -> Option<String> {
        let fixed = "the limit is fixed; let the plugin do less in one call";
        match self {
            Self::Memory(_) => Some(raise("memory-mib")),
            Self::Cpu(_) | Self::HostWork(_) => Some(raise("cpu-ms")),
            Self::Time(_) => Some(raise("call-ms")),
            Self::LogFlood(_) => Some(raise("log-kib")),
            Self::Table | Self::HostCalls | Self::HostBytes | Self::Random(_) => Some(fixed.to_owned()),
            Self::Canceled => None,
            Self::Denied { hint, .. } => Some(hint.clone()),
            Self::Evaluation(error) => error.hint.clone(),
        }
    }
}

/// How a limit is raised.
pub(crate) fn raise(limit: &str) -> String {
    format!(
        "the limit is `{limit}`: the plugin can request more in the `limits` of its manifest, and the operator's \
         `limits` in plugins.toml must not be lower"
    )
}

/// Why a call has no value. Says nothing of the plugin, as it is also called before its name is known.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: ErrorCode,
    /// The end of a sentence that begins with the plugin.
    pub(crate) what: String,
    pub(crate) hint: Option<String>,
    /// An error that the plugin did not cause, which is reported as it is.
    other: Option<EvaluationError>,
}

impl Failure {
    pub(crate) fn new(code: ErrorCode, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), hint: None, other: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The failure of the plugin of this name.
    pub(crate) fn of(self, plugin: &str) -> EvaluationError {
        if let Some(other) = self.other {
            return other;
        }
        let error = EvaluationError::new(self.code, format!("plugin `{plugin}` {}", self.what));
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<&Abort> for Failure {
    fn from(abort: &Abort) -> Self {
        let other = match abort {
            Abort::Evaluation(error) => Some(error.clone()),
            _ => None,
        };
        Self { code: abort.code(), what: abort.to_string(), hint: abort.hint(), other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_limit_names_the_setting_that_raises_it() {
        for (abort, setting) in [
            (Abort::Memory(1 << 20), "`memory-mib`"),
            (Abort::Cpu(1), "`cpu-ms`"),
            (Abort::HostWork(1), "`cpu-ms`"),
            (Abort::Time(1), "`call-ms`"),
            (Abort::LogFlood(1), "`log-kib`"),
            (Abort::HostCalls, "fixed"),
        ] {
            let error = Failure::from(&abort).of("gate");
            assert!(error.message.starts_with("plugin `gate` "), "{error}");
            assert!(error.hint.as_ref().unwrap().contains(setting), "{error:?}");
        }
    }

    #[test]
    fn an_error_of_others_is_reported_as_it_is() {
        let other = EvaluationError::new(ErrorCode::RegistryUnreachable, "the registry cannot be reached");
        assert_eq!(Failure::from(&Abort::Evaluation(other.clone())).of("gate"), other);
    }
}
