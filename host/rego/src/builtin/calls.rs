//! [`HostCalls`]: passes the calls of one evaluation to its host, and the results back as values.
//!
//! Content becomes a value once: JSON is read straight into it, and the evaluation keeps the value of a call, so that
//! an SBOM that twenty rules look at is parsed once.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use assay_model::error::{ErrorCode, EvaluationError};
use regorus::{Value, value::Object};

use super::{Host, HostError, sigstore, values};
use crate::engine;

/// Why a call ends the evaluation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{function}` failed: {cause}")]
pub(crate) struct CallFailure {
    /// The built-in.
    pub(crate) function: String,
    /// What its host says.
    pub(crate) cause: EvaluationError,
}

/// Serves the calls of one evaluation and records errors.
pub(crate) struct HostCalls {
    host: Arc<dyn Host>,
    failure: Mutex<Option<CallFailure>>,
}

impl fmt::Debug for HostCalls {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Calls").field("failure", &self.failure).finish_non_exhaustive()
    }
}

impl HostCalls {
    pub(crate) fn new(host: Arc<dyn Host>) -> Self {
        Self { host, failure: Mutex::default() }
    }

    /// The first failure.
    pub(crate) fn failure(&self) -> Option<CallFailure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The value of a call; none where it is undefined. After a failure every call fails with it.
    pub(crate) fn resolve(&self, function: &str, arguments: &[Value]) -> Result<Option<Value>, CallFailure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        match self.value(function, arguments) {
            Ok(value) => Ok(value),
            Err(HostError::Undefined(_)) => Ok(None),
            Err(HostError::Evaluation(cause)) => {
                let failure = CallFailure { function: function.to_owned(), cause };
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
                Err(failure)
            }
        }
    }

    fn value(&self, function: &str, arguments: &[Value]) -> Result<Option<Value>, HostError> {
        let host = &*self.host;
        match (function, arguments) {
            ("ec.oci.image_manifests", [Value::Set(references)]) => {
                let references: Option<Vec<&str>> = references.iter().map(text).collect();
                references.map_or(Ok(None), |references| manifests(host, &references))
            }
            ("ec.sigstore.verify_image", [reference, options]) => sigstore::image(host, reference, options),
            ("ec.sigstore.verify_attestation", [reference, options]) => sigstore::attestation(host, reference, options),
            (_, [Value::String(reference)]) => match function {
                "ec.oci.blob" => Ok(Some(Value::from(engine::text_of(&host.blob(reference)?)))),
                "ec.oci.parsed_blob" => parsed(reference, &host.blob(reference)?),
                "ec.oci.descriptor" => Ok(Some(values::described(host.descriptor(reference)?))),
                "ec.oci.image_index" => Ok(values::index(&host.image_index(reference)?)),
                "ec.oci.image_manifest" => Ok(values::manifest(&host.image_manifest(reference)?)),
                "ec.oci.image_referrers" => {
                    let referrers = host.image_referrers(reference)?;
                    Ok(Some(Value::from(referrers.into_iter().map(values::referrer).collect::<Vec<_>>())))
                }
                "ec.oci.image_tag_refs" => {
                    let references = host.image_tag_refs(reference)?;
                    Ok(Some(Value::from(references.into_iter().map(Value::from).collect::<Vec<_>>())))
                }
                _ => Ok(None),
            },
            (_, [Value::String(reference), Value::Array(paths)]) => {
                let paths: Option<Vec<&str>> = paths.iter().map(text).collect();
                let Some(paths) = paths else { return Ok(None) };
                match function {
                    "ec.oci.blob_files" => {
                        let files = host.blob_files(reference, &paths)?;
                        values::files(reference, &files).map(Some).map_err(HostError::Evaluation)
                    }
                    // In `ec` no folders give null, which is not the same as folders without files.
                    "ec.oci.image_files" if paths.is_empty() => {
                        host.image_files(reference, &paths).map(|_| Some(Value::Null))
                    }
                    "ec.oci.image_files" => {
                        let files = host.image_files(reference, &paths)?;
                        values::files(reference, &files).map(Some).map_err(HostError::Evaluation)
                    }
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }
}

/// Those of the manifests that are there.
fn manifests(host: &dyn Host, references: &[&str]) -> Result<Option<Value>, HostError> {
    let mut found = Object::new();
    for (reference, manifest) in references.iter().zip(host.image_manifests(references)) {
        match manifest {
            Ok(manifest) => {
                if let Some(manifest) = values::manifest(&manifest) {
                    found.insert(Value::from(*reference), manifest);
                }
            }
            Err(HostError::Undefined(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(Some(found.into_value()))
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Content that is text.
pub(super) fn content<'b>(reference: &str, bytes: &'b [u8]) -> Result<&'b str, HostError> {
    std::str::from_utf8(bytes).map_err(|_| unreadable(reference, "it is not valid UTF-8"))
}

/// The JSON in a blob. What is not JSON is undefined, as in `ec`; Go accepts deeper nesting than this parser.
pub(super) fn parsed(reference: &str, bytes: &[u8]) -> Result<Option<Value>, HostError> {
    match engine::read(content(reference, bytes)?) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.contains(TOO_DEEP) => Err(unreadable(reference, "it is nested too deeply")),
        Err(_) => Ok(None),
    }
}

/// What `serde_json` says of JSON that is nested more than 128 levels deep.
const TOO_DEEP: &str = "recursion limit exceeded";

/// `ec` reads such a blob, so rules that forbid must not find it absent.
fn unreadable(reference: &str, why: &str) -> HostError {
    let message = format!("the blob `{reference}` cannot be read: {why}");
    HostError::Evaluation(EvaluationError::new(ErrorCode::Malformed, message).hint("check what made the blob"))
}

impl engine::Host for HostCalls {
    fn call(&self, function: &str, args: &[Value]) -> Result<Option<Value>, engine::HostError> {
        self.resolve(function, args).map_err(|failure| engine::HostError(failure.to_string()))
    }
}
