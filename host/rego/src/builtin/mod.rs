//! The built-in functions of `ec`, and what they reach the world through: [`Host`].
//!
//! The conventions are `ec`'s: a reference that cannot be read and content that is not there make the call undefined.
//! An answer that could not be had ends the evaluation, however the policy would take it; a rule such as
//! `not ec.oci.blob(ref)` must not hold because a registry is down.

mod shape;

use std::sync::{Arc, Mutex, PoisonError};

use assay_model::failure::{ErrorCode, NoAnswer};
use serde_json::Value;

use crate::engine;

/// Why a host gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostError {
    /// There is nothing to give: the reference is malformed or not by digest, or nothing is there. The call is undefined;
    /// the text says why.
    Undefined(String),
    /// It is not known what there is. The evaluation ends.
    NoAnswer(NoAnswer),
}

/// What built-in functions reach the world through. A reference is as the policy wrote it, such as
/// `registry.example/app@sha256:…`. Calls come from the thread of the evaluation, and the same call only once in it.
pub trait Host: Send + Sync {
    /// `ec.oci.blob`: the blob as text.
    fn blob(&self, reference: &str) -> Result<String, HostError>;

    /// `ec.oci.image_manifest`: the manifest as its JSON says. What it leaves out is filled in here.
    fn image_manifest(&self, reference: &str) -> Result<Value, HostError>;

    /// `ec.oci.image_index`: the index as its JSON says. What it leaves out is filled in here.
    fn image_index(&self, reference: &str) -> Result<Value, HostError>;

    /// `ec.oci.descriptor`: at least `mediaType`, `size` and `digest`. What is left out is filled in here.
    fn descriptor(&self, reference: &str) -> Result<Value, HostError>;
}

/// A host that reaches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl NoHost {
    fn refuse<T>(reference: &str) -> Result<T, HostError> {
        let message = format!("`{reference}` was asked for, and no registry may be reached here");
        Err(HostError::NoAnswer(NoAnswer::new(ErrorCode::BuiltinFailed, message)))
    }
}

impl Host for NoHost {
    fn blob(&self, reference: &str) -> Result<String, HostError> {
        Self::refuse(reference)
    }

    fn image_manifest(&self, reference: &str) -> Result<Value, HostError> {
        Self::refuse(reference)
    }

    fn image_index(&self, reference: &str) -> Result<Value, HostError> {
        Self::refuse(reference)
    }

    fn descriptor(&self, reference: &str) -> Result<Value, HostError> {
        Self::refuse(reference)
    }
}

/// The built-ins that are answered here; the others of `ec` are not available yet.
const AVAILABLE: [&str; 4] = ["ec.oci.blob", "ec.oci.descriptor", "ec.oci.image_index", "ec.oci.image_manifest"];

/// Why a call ends the evaluation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallFailure {
    #[error("`{function}` has no answer: {cause}")]
    NoAnswer { function: String, cause: NoAnswer },
    #[error("`{0}` is not available yet")]
    NotAvailable(String),
}

/// Answers the calls of one evaluation and remembers what went wrong.
pub(crate) struct Calls {
    host: Arc<dyn Host>,
    failure: Mutex<Option<CallFailure>>,
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Calls").field("failure", &self.failure).finish_non_exhaustive()
    }
}

impl Calls {
    pub(crate) fn new(host: Arc<dyn Host>) -> Self {
        Self { host, failure: Mutex::default() }
    }

    /// The first failure.
    pub(crate) fn failure(&self) -> Option<CallFailure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The value of a call; none where it is undefined. After a failure every call fails with it.
    pub(crate) fn answer(&self, function: &str, arguments: &[Value]) -> Result<Option<Value>, CallFailure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        self.value(function, arguments).inspect_err(|failure| {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
        })
    }

    fn value(&self, function: &str, arguments: &[Value]) -> Result<Option<Value>, CallFailure> {
        if !AVAILABLE.contains(&function) {
            return Err(CallFailure::NotAvailable(function.to_owned()));
        }
        let Some(text) = arguments.first().and_then(Value::as_str) else { return Ok(None) };
        let found = match function {
            "ec.oci.blob" => self.host.blob(text).map(|blob| Some(Value::String(blob))),
            "ec.oci.descriptor" => self.host.descriptor(text).map(|json| shape::descriptor(&json)),
            "ec.oci.image_index" => self.host.image_index(text).map(|json| shape::index(&json)),
            _ => self.host.image_manifest(text).map(|json| shape::manifest(&json)),
        };
        match found {
            Ok(value) => Ok(value),
            Err(HostError::Undefined(_)) => Ok(None),
            Err(HostError::NoAnswer(cause)) => Err(CallFailure::NoAnswer { function: function.to_owned(), cause }),
        }
    }
}

impl engine::Host for Calls {
    fn call(&self, function: &str, args: &[regorus::Value]) -> Result<Option<regorus::Value>, engine::HostError> {
        let unreadable = |error: serde_json::Error| engine::HostError(error.to_string());
        let arguments: Result<Vec<_>, _> = args.iter().map(serde_json::to_value).collect();
        let answer = self.answer(function, &arguments.map_err(unreadable)?);
        let answer = answer.map_err(|failure| engine::HostError(failure.to_string()))?;
        answer.map(serde_json::from_value).transpose().map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_with_something_else_than_a_text_is_undefined() {
        let calls = Calls::new(Arc::new(NoHost));
        for function in AVAILABLE {
            assert_eq!(calls.answer(function, &[json!(["r"])]), Ok(None), "{function}");
        }
        assert_eq!(calls.failure(), None);
    }

    #[test]
    fn after_a_failure_every_call_fails_with_it() {
        let calls = Calls::new(Arc::new(NoHost));
        let error = calls.answer("ec.oci.blob", &[json!("r.example/a")]).unwrap_err();
        assert!(error.to_string().starts_with("`ec.oci.blob` has no answer: `r.example/a`"), "{error}");
        assert_eq!(calls.answer("ec.oci.descriptor", &[json!(["r"])]), Err(error.clone()));
        assert_eq!(calls.failure(), Some(error));
    }

    #[test]
    fn what_is_planned_is_not_taken_for_undefined() {
        let calls = Calls::new(Arc::new(NoHost));
        let error = calls.answer("ec.oci.image_files", &[json!("r"), json!([])]).unwrap_err();
        assert_eq!(error.to_string(), "`ec.oci.image_files` is not available yet");
    }
}
