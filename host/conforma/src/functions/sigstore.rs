//! `ec.sigstore.verify_image` and `ec.sigstore.verify_attestation`: their options and their results.
//!
//! The results are never undefined: they say whether verification succeeded, and with what or why not.

use assay_model::evidence::Signature;
use assay_rego::{
    HostError,
    types::{ANY, STRINGS, Type, array_of, object_of},
    value::{Object, Value, read_json},
};

use crate::{
    host::{Attested, Host, Outcome, SigstoreOptions},
    values::{record, texts},
};

/// The type of the options.
pub(crate) const OPTIONS: Type =
    Type::Object { fixed: &[("ignore_rekor", Type::Boolean)], rest: Some((&Type::String, &Type::String)) };
const SIGNATURE: Type = Type::Object {
    fixed: &[
        ("keyid", Type::String),
        ("signature", Type::String),
        ("certificate", Type::String),
        ("chain", STRINGS),
        ("metadata", object_of(&Type::String, &Type::String)),
    ],
    rest: None,
};
/// The type of what `ec.sigstore.verify_image` gives.
pub(crate) const VERIFIED_IMAGE: Type = Type::Object {
    fixed: &[("success", Type::Boolean), ("errors", STRINGS), ("signatures", array_of(&SIGNATURE))],
    rest: None,
};
const ATTESTATION: Type =
    Type::Object { fixed: &[("statement", ANY), ("signatures", array_of(&SIGNATURE))], rest: None };
/// The type of what `ec.sigstore.verify_attestation` gives.
pub(crate) const VERIFIED_ATTESTATION: Type = Type::Object {
    fixed: &[("success", Type::Boolean), ("errors", STRINGS), ("attestations", array_of(&ATTESTATION))],
    rest: None,
};

/// Reads the options; what is of another type counts as not given, as in `ec`.
fn read_options(options: &Object) -> SigstoreOptions {
    let get = |key: &str| options.get(&Value::from(key));
    let text = |key: &str| match get(key) {
        Some(Value::String(text)) => text.to_string(),
        _ => String::new(),
    };
    SigstoreOptions {
        certificate_identity: text("certificate_identity"),
        certificate_identity_regexp: text("certificate_identity_regexp"),
        certificate_oidc_issuer: text("certificate_oidc_issuer"),
        certificate_oidc_issuer_regexp: text("certificate_oidc_issuer_regexp"),
        ignore_rekor: matches!(get("ignore_rekor"), Some(Value::Bool(true))),
        public_key: text("public_key"),
        rekor_url: text("rekor_url"),
        rekor_public_key: text("rekor_public_key"),
    }
}

/// `ec.sigstore.verify_image`.
pub(crate) fn verify_image(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [reference, options] = arguments else { return Ok(None) };
    let verify = |reference: &str, options: &SigstoreOptions| {
        let signatures = host.verify_image(reference, options)?;
        Ok(signatures.into_iter().map(signature).collect())
    };
    result("signatures", reference, options, verify)
}

/// `ec.sigstore.verify_attestation`.
pub(crate) fn verify_attestation(host: &dyn Host, arguments: &[Value]) -> Outcome {
    let [reference, options] = arguments else { return Ok(None) };
    let verify = |reference: &str, options: &SigstoreOptions| {
        let attestations = host.verify_attestation(reference, options)?;
        attestations.into_iter().map(attested).collect()
    };
    result("attestations", reference, options, verify)
}

fn result(
    found: &str,
    reference: &Value,
    options: &Value,
    verify: impl FnOnce(&str, &SigstoreOptions) -> Result<Vec<Value>, HostError>,
) -> Outcome {
    let verified = match (reference, options) {
        (Value::String(reference), Value::Object(options)) => verify(reference, &read_options(options)),
        (Value::String(_), _) => Err(HostError::Undefined("opts parameter: it is not an object".to_owned())),
        _ => Err(HostError::Undefined("ref parameter: it is not a string".to_owned())),
    };
    let (values, errors) = match verified {
        Ok(values) => (values, Vec::new()),
        Err(HostError::Undefined(why)) => (Vec::new(), vec![Value::from(why)]),
        Err(failure) => return Err(failure),
    };
    Ok(Some(record([
        ("success", Value::Bool(errors.is_empty())),
        ("errors", Value::from(errors)),
        (found, Value::from(values)),
    ])))
}

fn attested(attested: Attested) -> Result<Value, HostError> {
    let unreadable = |why: String| HostError::Undefined(format!("unmarshalling statement: {why}"));
    let statement = std::str::from_utf8(&attested.statement).map_err(|error| unreadable(error.to_string()))?;
    let statement = read_json(statement).map_err(unreadable)?;
    let signatures: Vec<_> = attested.signatures.into_iter().map(signature).collect();
    Ok(record([("statement", statement), ("signatures", Value::from(signatures))]))
}

/// A signature as policies see it: every field is there.
fn signature(signature: Signature) -> Value {
    let Signature { keyid, sig, certificate, chain, metadata } = signature;
    record([
        ("keyid", Value::from(keyid)),
        ("signature", Value::from(sig)),
        ("certificate", Value::from(certificate.unwrap_or_default())),
        ("chain", Value::from(chain.into_iter().map(Value::from).collect::<Vec<_>>())),
        ("metadata", texts(metadata)),
    ])
}
