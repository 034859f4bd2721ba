//! `ec.sigstore.verify_image` and `ec.sigstore.verify_attestation`: their options and their results.
//!
//! The results are never undefined: they say whether verification succeeded, and with what or why not.

use std::collections::BTreeMap;

use assay_model::evidence::Signature;
use regorus::{Value, value::Object};

use super::{Attested, Host, HostError, values::record};

/// What a policy demands of a signature: `data.config.default_sigstore_opts`, or its own. Empty is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigstoreOptions {
    /// The identity in the signer's certificate.
    pub certificate_identity: String,
    /// The same as a regular expression.
    pub certificate_identity_regexp: String,
    /// The issuer of the identity.
    pub certificate_oidc_issuer: String,
    /// The same as a regular expression.
    pub certificate_oidc_issuer_regexp: String,
    /// Whether to do without transparency logs.
    pub ignore_rekor: bool,
    /// The signer's public key, PEM.
    pub public_key: String,
    /// The transparency log.
    pub rekor_url: String,
    /// The transparency log's key.
    pub rekor_public_key: String,
}

impl SigstoreOptions {
    /// Reads the options; what is of another type counts as not given, as in `ec`.
    fn read(options: &Object) -> Self {
        let get = |key: &str| options.get(&Value::from(key));
        let text = |key: &str| match get(key) {
            Some(Value::String(text)) => text.to_string(),
            _ => String::new(),
        };
        Self {
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
}

/// `ec.sigstore.verify_image`.
pub(super) fn image(host: &dyn Host, reference: &Value, options: &Value) -> Result<Option<Value>, HostError> {
    let verify = |reference: &str, options: &SigstoreOptions| {
        let signatures = host.verify_image(reference, options)?;
        Ok(signatures.into_iter().map(signature).collect())
    };
    result("signatures", reference, options, verify)
}

/// `ec.sigstore.verify_attestation`.
pub(super) fn attestation(host: &dyn Host, reference: &Value, options: &Value) -> Result<Option<Value>, HostError> {
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
) -> Result<Option<Value>, HostError> {
    let verified = match (reference, options) {
        (Value::String(reference), Value::Object(options)) => verify(reference, &SigstoreOptions::read(options)),
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
    let statement = crate::engine::read(statement).map_err(unreadable)?;
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

/// An object of strings.
pub(super) fn texts(map: BTreeMap<String, String>) -> Value {
    map.into_iter().map(|(key, value)| (Value::from(key), Value::from(value))).collect::<Object>().into_value()
}
