//! `crypto.x509.*` and `crypto.parse_private_keys`: certificates, requests and private keys as documents.
//!
//! Only what policies ask about is in the documents: names, alternative names, serial number and validity.

use regorus::Value;
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::{Any, Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::request::CertReq;

use super::encodings::{STANDARD, URL};
use super::errors::BuiltinError;
use super::jwt_keys::pem_block;
use super::operands::{list, record, some, string, whole};
use super::types::{DOCUMENT, Type, array_of};
use super::{Builtin, Outcome, builtin};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("crypto.x509.parse_certificates"(text: Type::String) -> array_of(&DOCUMENT) => parse_certificates),
    builtin!("crypto.x509.parse_certificate_request"(text: Type::String) -> DOCUMENT => parse_request),
    builtin!("crypto.x509.parse_rsa_private_key"(text: Type::String) -> DOCUMENT => parse_rsa_private_key),
    builtin!("crypto.parse_private_keys"(text: Type::String) -> array_of(&DOCUMENT) => parse_private_keys),
];

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

fn malformed(_error: x509_cert::der::Error) -> BuiltinError {
    BuiltinError::failed("x509: malformed certificate")
}

fn parse_certificates(text: &Value) -> Outcome {
    let mut all = Vec::new();
    for block in blocks(string(text, 1)?, "CERTIFICATE")? {
        let mut rest = &*block;
        // Several certificates may stand behind one another in DER.
        while !rest.is_empty() {
            let (certificate, used) = first_certificate(rest)?;
            all.push(document(&certificate)?);
            rest = rest.get(used..).unwrap_or_default();
        }
    }
    some(list(all))
}

fn first_certificate(bytes: &[u8]) -> Result<(Certificate, usize), BuiltinError> {
    let mut reader = x509_cert::der::SliceReader::new(bytes).map_err(malformed)?;
    let certificate = Certificate::decode(&mut reader).map_err(malformed)?;
    let used = usize::try_from(certificate.encoded_len().map_err(malformed)?).unwrap_or(bytes.len());
    Ok((certificate, used))
}

fn document(certificate: &Certificate) -> Result<Value, BuiltinError> {
    let body = &certificate.tbs_certificate;
    let time = |time: x509_cert::time::Time| {
        let at = jiff::Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX));
        at.map_or(Value::Null, |at| Value::from(at.to_string()))
    };
    let (mut dns, mut emails, mut uris, mut addresses) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    if let Some((_, names)) = body.get::<SubjectAltName>().map_err(malformed)? {
        for name in names.0 {
            match name {
                GeneralName::DnsName(name) => dns.push(Value::from(name.as_str())),
                GeneralName::Rfc822Name(name) => emails.push(Value::from(name.as_str())),
                GeneralName::UniformResourceIdentifier(name) => uris.push(Value::from(name.as_str())),
                GeneralName::IpAddress(bytes) => addresses.extend(address(bytes.as_bytes())),
                _ => {}
            }
        }
    }
    // Go has null for a list that is empty.
    let names = |all: Vec<Value>| if all.is_empty() { Value::Null } else { Value::from(all) };
    let serial = num_bigint::BigInt::from_signed_bytes_be(body.serial_number.as_bytes());
    let raw = certificate.to_der().map_err(malformed)?;
    Ok(record([
        ("Subject", distinguished(&body.subject)),
        ("Issuer", distinguished(&body.issuer)),
        ("SerialNumber", whole(serial)),
        ("Version", Value::from(u64::from(body.version as u8) + 1)),
        ("NotBefore", time(body.validity.not_before)),
        ("NotAfter", time(body.validity.not_after)),
        ("DNSNames", names(dns)),
        ("EmailAddresses", names(emails)),
        ("URIStrings", names(uris)),
        ("IPAddresses", names(addresses)),
        ("Raw", Value::from(STANDARD.encode(&raw, true))),
    ]))
}

fn address(bytes: &[u8]) -> Option<Value> {
    let address: std::net::IpAddr = match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
        (Ok(four), _) => four.into(),
        (_, Ok(sixteen)) => sixteen.into(),
        _ => return None,
    };
    Some(Value::from(address.to_string()))
}

fn text_of(value: &Any) -> Option<String> {
    match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str().to_owned()),
        Tag::PrintableString => value.decode_as::<PrintableStringRef<'_>>().ok().map(|text| text.as_str().to_owned()),
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().ok().map(|text| text.as_str().to_owned()),
        Tag::TeletexString => value.decode_as::<TeletexStringRef<'_>>().ok().map(|text| text.as_str().to_owned()),
        _ => None,
    }
}

/// A name with its parts under Go's field names.
fn distinguished(name: &Name) -> Value {
    let all = |oid: &str| -> Vec<String> {
        let parts = name.0.iter().flat_map(|part| part.0.iter());
        parts.filter(|part| part.oid.to_string() == oid).filter_map(|part| text_of(&part.value)).collect()
    };
    let many = |oid: &str| {
        let found = all(oid);
        if found.is_empty() { Value::Null } else { list(found) }
    };
    let one = |oid: &str| Value::from(all(oid).pop().unwrap_or_default());
    record([
        ("CommonName", one("2.5.4.3")),
        ("SerialNumber", one("2.5.4.5")),
        ("Country", many("2.5.4.6")),
        ("Locality", many("2.5.4.7")),
        ("Province", many("2.5.4.8")),
        ("StreetAddress", many("2.5.4.9")),
        ("Organization", many("2.5.4.10")),
        ("OrganizationalUnit", many("2.5.4.11")),
        ("PostalCode", many("2.5.4.17")),
    ])
}

fn parse_request(text: &Value) -> Outcome {
    let invalid = || BuiltinError::failed("invalid PEM-encoded certificate signing request");
    let blocks = blocks(string(text, 1)?, "CERTIFICATE REQUEST")?;
    let block = blocks.first().ok_or_else(invalid)?;
    let request = CertReq::from_der(block).map_err(malformed)?;
    some(record([("Subject", distinguished(&request.info.subject))]))
}

/// The eight numbers of a key in PKCS#1, or in PKCS#8 around it.
fn rsa_numbers(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut outer = der_items(der_items(bytes)?.into_iter().find(|(tag, _)| *tag == 0x30)?.1)?;
    if let [(2, _), (0x30, _), (4, inner), ..] = outer[..] {
        outer = der_items(der_items(inner)?.first()?.1)?;
    }
    let numbers: Vec<Vec<u8>> = outer
        .into_iter()
        .skip(1)
        .take(8)
        .filter(|(tag, _)| *tag == 2)
        .map(|(_, bytes)| bytes.iter().copied().skip_while(|byte| *byte == 0).collect())
        .collect();
    (numbers.len() == 8).then_some(numbers)
}

/// The tagged items one after the other.
fn der_items(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut items = Vec::new();
    while let [tag, length, rest @ ..] = bytes {
        let (length, rest) = match usize::from(*length) {
            short @ 0..0x80 => (short, rest),
            long => {
                let (digits, rest) = rest.split_at_checked(long & 0x7f).filter(|(digits, _)| digits.len() <= 4)?;
                (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        items.push((*tag, content));
        bytes = rest;
    }
    bytes.is_empty().then_some(items)
}

fn rsa_document(numbers: &[Vec<u8>]) -> Value {
    let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
    let fields = names.into_iter().zip(numbers).map(|(name, bytes)| (name, URL.encode(bytes, false)));
    let all = fields.chain([("kty", "RSA".to_owned())]);
    super::operands::object_of(all.map(|(name, text)| (Value::from(name), Value::from(text))))
}

fn parse_rsa_private_key(text: &Value) -> Outcome {
    let blocks = blocks(string(text, 1)?, "PRIVATE KEY")?;
    let numbers = blocks.first().and_then(|block| rsa_numbers(block));
    let numbers = numbers.ok_or_else(|| BuiltinError::failed("failed to parse an RSA private key"))?;
    some(rsa_document(&numbers))
}

/// The keys of a text; null for an empty one.
fn parse_private_keys(text: &Value) -> Outcome {
    let text = string(text, 1)?;
    if text.is_empty() {
        return some(Value::Null);
    }
    let (mut keys, mut rest) = (Vec::new(), text);
    while let Some((block, behind)) = pem_block(rest) {
        keys.extend(rsa_numbers(&block.bytes).map(|numbers| rsa_document(&numbers)));
        rest = behind;
    }
    some(list(keys))
}
