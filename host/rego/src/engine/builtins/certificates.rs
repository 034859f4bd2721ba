//! `crypto.x509.*` and `crypto.parse_private_keys`: certificates, requests and private keys as documents, and chains of
//! certificates that sign one another.

use regorus::Value;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::request::CertReq;

use super::certificate_chain::{Wanted, verified};
use super::certificate_document::{PURPOSES, document, malformed, request};
use super::encodings::STANDARD;
use super::errors::BuiltinError;
use super::jwt_keys::pem_block;
use super::operands::{field, list, object, record, some, string};
use super::private_keys::{private_key, rsa_web_key};
use super::scope::Scope;
use super::types::{ANY, DOCUMENT, Type, array_of, tuple};
use super::{Builtin, Outcome, builtin};

const CHAIN: Type = tuple(&[Type::Boolean, array_of(&DOCUMENT)]);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("crypto.x509.parse_certificates"(text: Type::String) -> array_of(&DOCUMENT) => parse_certificates),
    builtin!("crypto.x509.parse_certificate_request"(text: Type::String) -> DOCUMENT => parse_request),
    builtin!("crypto.x509.parse_rsa_private_key"(text: Type::String) -> DOCUMENT => parse_rsa_private_key),
    builtin!("crypto.x509.parse_keypair"(certificate: Type::String, key: Type::String) -> DOCUMENT => parse_keypair),
    builtin!("crypto.x509.parse_and_verify_certificates"(text: Type::String) -> CHAIN => scoped verify).volatile(),
    builtin!("crypto.x509.parse_and_verify_certificates_with_options"(text: Type::String, options: OPTIONS) -> CHAIN => scoped verify_with).volatile(),
    builtin!("crypto.parse_private_keys"(text: Type::String) -> array_of(&DOCUMENT) => parse_private_keys),
];

const OPTIONS: Type = super::types::object_of(&Type::String, &ANY);

/// PEM as it is, or base64 of PEM or DER: the blocks of the text.
fn blocks(text: &str, label: &str) -> Result<Vec<Vec<u8>>, BuiltinError> {
    let mut text = text.to_owned();
    if !text.starts_with("-----BEGIN") {
        let bytes = STANDARD.decode(&text, true)?;
        match String::from_utf8(bytes) {
            Ok(inner) if inner.starts_with("-----BEGIN") => text = inner,
            Ok(inner) => return Ok(vec![inner.into_bytes()]),
            Err(bytes) => return Ok(vec![bytes.into_bytes()]),
        }
    }
    let (mut found, mut rest) = (Vec::new(), &*text);
    while let Some((block, behind)) = pem_block(rest) {
        if !block.label.ends_with(label) {
            return Err(BuiltinError::failed(format!("PEM block type is '{}', expected {label}", block.label)));
        }
        found.push(block.bytes);
        rest = behind;
    }
    Ok(found)
}

/// The certificates of a text, several of which may stand behind one another in DER too.
fn certificates(text: &str) -> Result<Vec<Certificate>, BuiltinError> {
    let mut all = Vec::new();
    for block in blocks(text, "CERTIFICATE")? {
        let mut rest = &*block;
        while !rest.is_empty() {
            let mut reader = x509_cert::der::SliceReader::new(rest).map_err(malformed)?;
            let certificate = Certificate::decode(&mut reader).map_err(malformed)?;
            let used = usize::try_from(certificate.encoded_len().map_err(malformed)?).unwrap_or(rest.len());
            all.push(certificate);
            rest = rest.get(used..).unwrap_or_default();
        }
    }
    Ok(all)
}

fn parse_certificates(text: &Value) -> Outcome {
    let all: Result<Vec<_>, _> = certificates(string(text, 1)?)?.iter().map(document).collect();
    some(list(all?))
}

fn verify(scope: &mut Scope<'_>, text: &Value) -> Outcome {
    let now_ns = i128::from(scope.now_ns);
    chain(string(text, 1)?, &Wanted { now_ns, name: String::new(), purposes: vec![SERVER] })
}

/// The default purpose, by its index in [`PURPOSES`].
const SERVER: usize = 1;

fn verify_with(scope: &mut Scope<'_>, text: &Value, options: &Value) -> Outcome {
    let mut wanted = Wanted { now_ns: i128::from(scope.now_ns), name: String::new(), purposes: Vec::new() };
    for (key, value) in object(options, 2)?.iter() {
        let wrong = || BuiltinError::failed(format!("invalid key-value for option {key}"));
        match (string(key, 2)?, value) {
            ("DNSName", Value::String(name)) => wanted.name = name.to_string(),
            ("CurrentTime", Value::Number(time)) => wanted.now_ns = i128::from(time.as_i64().ok_or_else(wrong)?),
            // Go's bound on its work; ours is fixed.
            ("MaxConstraintComparisons", Value::Number(_)) => {}
            ("KeyUsages", Value::Array(_) | Value::Set(_)) => {
                for usage in super::operands::elements(value).unwrap_or_default() {
                    let name = string(usage, 2)?.strip_prefix("KeyUsage").ok_or_else(wrong)?;
                    let purpose = PURPOSES.iter().position(|(purpose, _)| *purpose == name).ok_or_else(wrong)?;
                    wanted.purposes.push(purpose);
                }
            }
            _ => return Err(wrong()),
        }
    }
    if wanted.purposes.is_empty() {
        wanted.purposes.push(SERVER);
    }
    chain(string(text, 1)?, &wanted)
}

/// Whether the last certificate of a string chains to the first, and the chain between them.
fn chain(text: &str, wanted: &Wanted) -> Outcome {
    let all = certificates(text).unwrap_or_default();
    let documents: Option<Vec<_>> =
        verified(&all, wanted).and_then(|chain| chain.into_iter().map(|one| document(one).ok()).collect());
    some(list([Value::from(documents.is_some()), list(documents.unwrap_or_default())]))
}

fn parse_request(text: &Value) -> Outcome {
    let invalid = || BuiltinError::failed("invalid PEM-encoded certificate signing request");
    let blocks = blocks(string(text, 1)?, "CERTIFICATE REQUEST")?;
    let block = blocks.first().ok_or_else(invalid)?;
    some(request(&CertReq::from_der(block).map_err(malformed)?)?)
}

fn parse_rsa_private_key(text: &Value) -> Outcome {
    let blocks = blocks(string(text, 1)?, "PRIVATE KEY")?;
    let key = blocks.first().and_then(|block| rsa_web_key(block));
    some(key.ok_or_else(|| BuiltinError::failed("failed to parse an RSA private key"))?)
}

fn parse_keypair(certificate: &Value, key: &Value) -> Outcome {
    let all = certificates(string(certificate, 1)?)?;
    let blocks = blocks(string(key, 2)?, "PRIVATE KEY")?;
    let key = blocks.first().and_then(|block| private_key(block));
    let (Some(leaf), Some(key)) = (all.first(), key) else {
        return Err(BuiltinError::failed("tls: failed to find a certificate or a key"));
    };
    let leaf = document(leaf)?;
    let public = object(&leaf, 1).ok().and_then(|leaf| field(leaf, "PublicKey"));
    if !public.is_some_and(|public| belongs(&key, public)) {
        return Err(BuiltinError::failed("tls: private key does not match public key"));
    }
    let raw: Result<Vec<_>, _> =
        all.iter().map(|one| Ok(STANDARD.encode(&one.to_der().map_err(malformed)?, true))).collect();
    some(record([
        ("Certificate", list(raw?)),
        ("Leaf", leaf),
        ("PrivateKey", key),
        ("OCSPStaple", Value::Null),
        ("SignedCertificateTimestamps", Value::Null),
        ("SupportedSignatureAlgorithms", Value::Null),
    ]))
}

/// Whether a private key holds all numbers of a public one.
fn belongs(key: &Value, public: &Value) -> bool {
    match (key, public) {
        (Value::Object(key), Value::Object(public)) => {
            public.iter().all(|(name, number)| key.get(name).is_some_and(|own| own == number))
        }
        (Value::String(key), Value::String(public)) => {
            let (key, public) = (STANDARD.decode(key, true), STANDARD.decode(public, true));
            matches!((key, public), (Ok(key), Ok(public)) if key.ends_with(&public))
        }
        _ => false,
    }
}

/// The keys of a text; null for an empty one.
fn parse_private_keys(text: &Value) -> Outcome {
    let text = string(text, 1)?;
    if text.is_empty() {
        return some(Value::Null);
    }
    let (mut keys, mut rest) = (Vec::new(), text);
    while let Some((block, behind)) = pem_block(rest) {
        keys.extend(private_key(&block.bytes));
        rest = behind;
    }
    some(list(keys))
}
