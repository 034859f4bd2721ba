//! `ec.oci.*`: content of registries as policies see it.
//!
//! JSON is read straight into a value, and an evaluation keeps the value of a call, so that an SBOM that twenty rules
//! look at is parsed once. Arguments of other types than the declared ones make a call undefined.

use assay_model::error::{ErrorCode, EvaluationError};
use assay_rego::{
    HostError,
    value::{Object, Value, read_json, text_of, value_with_whole_numbers},
};

use crate::{
    host::{Host, Outcome},
    values,
};

/// `ec.oci.blob`.
pub(crate) fn blob(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [Value::String(reference)] = arguments else { return Ok(None) };
    Ok(Some(Value::from(text_of(&host.blob(reference)?))))
}

/// `ec.oci.parsed_blob`.
pub(crate) fn parsed_blob(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [Value::String(reference)] = arguments else { return Ok(None) };
    parsed(reference, &host.blob(reference)?)
}

/// `ec.oci.descriptor`.
pub(crate) fn descriptor(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [Value::String(reference)] = arguments else { return Ok(None) };
    Ok(Some(values::described(host.descriptor(reference)?)))
}

/// `ec.oci.image_index`.
pub(crate) fn image_index(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [Value::String(reference)] = arguments else { return Ok(None) };
    Ok(values::index(&host.image_index(reference)?))
}

/// `ec.oci.image_manifest`.
pub(crate) fn image_manifest(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [Value::String(reference)] = arguments else { return Ok(None) };
    Ok(values::manifest(&host.image_manifest(reference)?))
}

/// `ec.oci.image_manifests`.
pub(crate) fn image_manifests(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [Value::Set(references)] = arguments else { return Ok(None) };
    let references: Option<Vec<&str>> = references.iter().map(text).collect();
    references.map_or(Ok(None), |references| manifests(host, &references))
}

/// `ec.oci.image_referrers`.
pub(crate) fn image_referrers(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [Value::String(reference)] = arguments else { return Ok(None) };
    let referrers = host.image_referrers(reference)?;
    Ok(Some(Value::from(referrers.into_iter().map(values::referrer).collect::<Vec<_>>())))
}

/// `ec.oci.image_tag_refs`.
pub(crate) fn image_tag_refs(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [Value::String(reference)] = arguments else { return Ok(None) };
    let references = host.image_tag_refs(reference)?;
    Ok(Some(Value::from(references.into_iter().map(Value::from).collect::<Vec<_>>())))
}

/// `ec.oci.blob_files`.
pub(crate) fn blob_files(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let Some((reference, paths)) = reference_and_paths(arguments) else { return Ok(None) };
    let files = host.blob_files(reference, &paths)?;
    values::files(reference, &files).map(Some).map_err(HostError::Evaluation)
}

/// `ec.oci.image_files`. In `ec` no folders give null, which is not the same as folders without files.
pub(crate) fn image_files(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let Some((reference, paths)) = reference_and_paths(arguments) else { return Ok(None) };
    let files = host.image_files(reference, &paths)?;
    if paths.is_empty() {
        return Ok(Some(Value::Null));
    }
    values::files(reference, &files).map(Some).map_err(HostError::Evaluation)
}

fn reference_and_paths(arguments: &[Value]) -> Option<(&str, Vec<&str>)> {
    let [Value::String(reference), Value::Array(paths)] = arguments else { return None };
    Some((reference, paths.iter().map(text).collect::<Option<_>>()?))
}

/// Those of the manifests that are there.
fn manifests(host: &dyn Host, references: &[&str]) -> Outcome {
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
pub(crate) fn content<'b>(reference: &str, bytes: &'b [u8]) -> Result<&'b str, HostError> {
    std::str::from_utf8(bytes).map_err(|_| unreadable(reference, "it is not valid UTF-8"))
}

/// The JSON in a blob. What is not JSON is undefined, as in `ec`; Go accepts deeper nesting than this parser.
pub(crate) fn parsed(reference: &str, bytes: &[u8]) -> Outcome {
    match read_json(content(reference, bytes)?) {
        // `ec` reads numbers as floats.
        Ok(value) => Ok(Some(value_with_whole_numbers(value))),
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
