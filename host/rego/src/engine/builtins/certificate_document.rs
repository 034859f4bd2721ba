//! [`document`]: a certificate as the document that policies see, under the field names of Go's `x509.Certificate`.

use num_bigint::BigInt;
use regorus::Value;
use x509_cert::Certificate;
use x509_cert::der::asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Any, Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::crl::CrlDistributionPoints;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, ExtendedKeyUsage,
    KeyUsage, NameConstraints, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, Extensions};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Time;

use super::encodings::STANDARD;
use super::errors::BuiltinError;
use super::key_parts::{curve_key, der_items, point};
use super::operands::{list, record, whole};

/// Purposes of a key by the numbers Go gives them, from 0.
pub(super) const PURPOSES: [(&str, &str); 14] = [
    ("Any", "2.5.29.37.0"),
    ("ServerAuth", "1.3.6.1.5.5.7.3.1"),
    ("ClientAuth", "1.3.6.1.5.5.7.3.2"),
    ("CodeSigning", "1.3.6.1.5.5.7.3.3"),
    ("EmailProtection", "1.3.6.1.5.5.7.3.4"),
    ("IPSECEndSystem", "1.3.6.1.5.5.7.3.5"),
    ("IPSECTunnel", "1.3.6.1.5.5.7.3.6"),
    ("IPSECUser", "1.3.6.1.5.5.7.3.7"),
    ("TimeStamping", "1.3.6.1.5.5.7.3.8"),
    ("OCSPSigning", "1.3.6.1.5.5.7.3.9"),
    ("MicrosoftServerGatedCrypto", "1.3.6.1.4.1.311.10.3.3"),
    ("NetscapeServerGatedCrypto", "2.16.840.1.113730.4.1"),
    ("MicrosoftCommercialCodeSigning", "1.3.6.1.4.1.311.2.1.22"),
    ("MicrosoftKernelCodeSigning", "1.3.6.1.4.1.311.61.1.1"),
];

/// Signature algorithms by the numbers Go gives them. 13 to 15 are RSA-PSS, whose hash stands in its parameters.
const SIGNATURES: [(&str, u64); 12] = [
    ("1.2.840.113549.1.1.2", 1),
    ("1.2.840.113549.1.1.4", 2),
    ("1.2.840.113549.1.1.5", 3),
    ("1.2.840.113549.1.1.11", 4),
    ("1.2.840.113549.1.1.12", 5),
    ("1.2.840.113549.1.1.13", 6),
    ("1.2.840.10040.4.3", 7),
    ("1.2.840.10045.4.1", 9),
    ("1.2.840.10045.4.3.2", 10),
    ("1.2.840.10045.4.3.3", 11),
    ("1.2.840.10045.4.3.4", 12),
    ("1.3.101.112", 16),
];

/// Extensions that a verifier knows what to do with: the others, when critical, are `UnhandledCriticalExtensions`.
const HANDLED: [&str; 11] = [
    "2.5.29.14",
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.30",
    "2.5.29.31",
    "2.5.29.32",
    "2.5.29.35",
    "2.5.29.36",
    "2.5.29.37",
    "2.5.29.54",
];

pub(super) fn malformed(_error: x509_cert::der::Error) -> BuiltinError {
    BuiltinError::failed("x509: malformed certificate")
}

fn base64(bytes: &[u8]) -> Value {
    Value::from(STANDARD.encode(bytes, true))
}

fn number(number: impl Into<BigInt>) -> Value {
    whole(number.into())
}

/// Go has null for a list that is empty.
fn some_or_null(all: Vec<Value>) -> Value {
    if all.is_empty() { Value::Null } else { Value::from(all) }
}

fn encoded(part: &impl Encode) -> Result<Value, BuiltinError> {
    Ok(base64(&part.to_der().map_err(malformed)?))
}

fn numbers(oid: &ObjectIdentifier) -> Value {
    list(oid.arcs().map(|arc| Value::from(u64::from(arc))))
}

fn timestamp(time: Time) -> Value {
    let at = jiff::Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX));
    at.map_or(Value::Null, |at| Value::from(at.to_string()))
}

/// The extension of a type, if the certificate has it.
pub(super) fn extension<'e, T: Decode<'e> + AssociatedOid>(
    certificate: &'e Certificate,
) -> Result<Option<(bool, T)>, BuiltinError> {
    certificate.tbs_certificate.get::<T>().map_err(malformed)
}

/// Critical extensions that no verifier knows.
pub(super) fn unhandled(certificate: &Certificate) -> impl Iterator<Item = &Extension> {
    let all = certificate.tbs_certificate.extensions.iter().flatten();
    all.filter(|each| each.critical && !HANDLED.contains(&each.extn_id.to_string().as_str()))
}

/// The number of a signature's algorithm, 0 for an unknown one.
fn signature_number(algorithm: &x509_cert::spki::AlgorithmIdentifierOwned) -> u64 {
    let oid = algorithm.oid.to_string();
    if oid == "1.2.840.113549.1.1.10" {
        let hash = algorithm.parameters.as_ref().and_then(|parameters| parameters.to_der().ok()).unwrap_or_default();
        // The last byte of the hash's identifier: SHA-256, SHA-384, SHA-512.
        return match pss_hash(&hash) {
            Some(1) => 13,
            Some(2) => 14,
            Some(3) => 15,
            _ => 0,
        };
    }
    SIGNATURES.iter().find(|(known, _)| *known == oid).map_or(0, |(_, number)| *number)
}

/// The last number of the first SHA-2 identifier in the parameters of RSA-PSS.
pub(super) fn pss_hash(parameters: &[u8]) -> Option<u8> {
    const SHA2: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let at = parameters.windows(SHA2.len()).position(|window| window == SHA2)?;
    parameters.get(at + SHA2.len()).copied()
}

/// The document of a certificate.
pub(super) fn document(certificate: &Certificate) -> Result<Value, BuiltinError> {
    let body = &certificate.tbs_certificate;
    let constraints = extension::<BasicConstraints>(certificate)?;
    let is_ca = constraints.as_ref().is_some_and(|(_, basic)| basic.ca);
    let length = constraints.as_ref().map_or(0, |(_, basic)| basic.path_len_constraint.map_or(-1, i64::from));
    let usage = extension::<KeyUsage>(certificate)?.map_or(0, |(_, usage)| u64::from(usage.0.bits()));
    let key_id = extension::<SubjectKeyIdentifier>(certificate)?.map(|(_, id)| base64(id.0.as_bytes()));
    let authority = extension::<AuthorityKeyIdentifier>(certificate)?.and_then(|(_, id)| id.key_identifier);
    let serial = BigInt::from_signed_bytes_be(body.serial_number.as_bytes());
    let (key, algorithm) = public_key(&body.subject_public_key_info);
    let mut all = vec![
        ("Raw", encoded(certificate)?),
        ("RawTBSCertificate", encoded(body)?),
        ("RawSubjectPublicKeyInfo", encoded(&body.subject_public_key_info)?),
        ("RawSubject", encoded(&body.subject)?),
        ("RawIssuer", encoded(&body.issuer)?),
        ("Signature", base64(certificate.signature.raw_bytes())),
        ("SignatureAlgorithm", Value::from(signature_number(&certificate.signature_algorithm))),
        ("PublicKeyAlgorithm", Value::from(algorithm)),
        ("PublicKey", key),
        ("Version", Value::from(u64::from(body.version as u8) + 1)),
        ("SerialNumber", whole(serial)),
        ("Issuer", distinguished(&body.issuer)),
        ("Subject", distinguished(&body.subject)),
        ("NotBefore", timestamp(body.validity.not_before)),
        ("NotAfter", timestamp(body.validity.not_after)),
        ("KeyUsage", Value::from(usage)),
        ("BasicConstraintsValid", Value::from(constraints.is_some())),
        ("IsCA", Value::from(is_ca)),
        ("MaxPathLen", number(length)),
        ("MaxPathLenZero", Value::from(constraints.is_some() && length == 0)),
        ("SubjectKeyId", key_id.unwrap_or(Value::Null)),
        ("AuthorityKeyId", authority.map_or(Value::Null, |id| base64(id.as_bytes()))),
        ("Extensions", extensions(body.extensions.as_ref())),
        ("ExtraExtensions", Value::Null),
        (
            "UnhandledCriticalExtensions",
            some_or_null(unhandled(certificate).map(|each| numbers(&each.extn_id)).collect()),
        ),
    ];
    all.extend(purposes(certificate)?);
    all.extend(alternatives(certificate)?);
    all.extend(constrained(certificate)?);
    all.extend(places(certificate)?);
    all.extend(policies(certificate)?);
    Ok(super::operands::object_of(all.into_iter().map(|(name, value)| (Value::from(name), value))))
}

type Fields = Vec<(&'static str, Value)>;

fn extensions(all: Option<&Extensions>) -> Value {
    let one = |each: &Extension| {
        record([
            ("Id", numbers(&each.extn_id)),
            ("Critical", Value::from(each.critical)),
            ("Value", base64(each.extn_value.as_bytes())),
        ])
    };
    some_or_null(all.into_iter().flatten().map(one).collect())
}

fn purposes(certificate: &Certificate) -> Result<Fields, BuiltinError> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for oid in extension::<ExtendedKeyUsage>(certificate)?.into_iter().flat_map(|(_, usage)| usage.0) {
        let text = oid.to_string();
        match PURPOSES.iter().position(|(_, purpose)| *purpose == text) {
            Some(at) => known.push(number(at)),
            None => unknown.push(numbers(&oid)),
        }
    }
    Ok(vec![("ExtKeyUsage", some_or_null(known)), ("UnknownExtKeyUsage", some_or_null(unknown))])
}

fn alternatives(certificate: &Certificate) -> Result<Fields, BuiltinError> {
    let (mut dns, mut emails, mut texts, mut uris, mut addresses) = (vec![], vec![], vec![], vec![], vec![]);
    for name in extension::<SubjectAltName>(certificate)?.into_iter().flat_map(|(_, names)| names.0) {
        match name {
            GeneralName::DnsName(name) => dns.push(Value::from(name.as_str())),
            GeneralName::Rfc822Name(name) => emails.push(Value::from(name.as_str())),
            GeneralName::UniformResourceIdentifier(name) => {
                texts.push(Value::from(name.as_str()));
                uris.push(uri(name.as_str()));
            }
            GeneralName::IpAddress(bytes) => addresses.extend(address(bytes.as_bytes()).map(|ip| ip.to_string())),
            _ => {}
        }
    }
    Ok(vec![
        ("DNSNames", some_or_null(dns)),
        ("EmailAddresses", some_or_null(emails)),
        ("URIStrings", some_or_null(texts)),
        ("URIs", some_or_null(uris)),
        ("IPAddresses", some_or_null(addresses.into_iter().map(Value::from).collect())),
    ])
}

/// An address of four or sixteen bytes.
pub(super) fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
        (Ok(four), _) => Some(four.into()),
        (_, Ok(sixteen)) => Some(sixteen.into()),
        _ => None,
    }
}

/// The parts of a URI under the field names of Go's `url.URL`.
fn uri(text: &str) -> Value {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = rest.split_once(':').unwrap_or(("", rest));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path, opaque) = match rest.strip_prefix("//") {
        Some(rest) => {
            let at = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(at);
            (authority, path, "")
        }
        None if rest.starts_with('/') => ("", rest, ""),
        None => ("", "", rest),
    };
    let (user, host) = match authority.rsplit_once('@') {
        // What is in it Go keeps to itself.
        Some((_, host)) => (Value::new_object(), host),
        None => (Value::Null, authority),
    };
    record([
        ("Scheme", Value::from(scheme.to_lowercase())),
        ("Opaque", Value::from(opaque)),
        ("User", user),
        ("Host", Value::from(host)),
        ("Path", Value::from(path)),
        ("RawPath", Value::from("")),
        ("OmitHost", Value::from(false)),
        ("ForceQuery", Value::from(text.ends_with('?'))),
        ("RawQuery", Value::from(query)),
        ("Fragment", Value::from(fragment)),
        ("RawFragment", Value::from("")),
    ])
}

fn constrained(certificate: &Certificate) -> Result<Fields, BuiltinError> {
    let (critical, constraints) = match extension::<NameConstraints>(certificate)? {
        Some((critical, constraints)) => (critical, Some(constraints)),
        None => (false, None),
    };
    let permitted = constraints.as_ref().and_then(|all| all.permitted_subtrees.as_deref()).unwrap_or_default();
    let excluded = constraints.as_ref().and_then(|all| all.excluded_subtrees.as_deref()).unwrap_or_default();
    let mut fields = vec![("PermittedDNSDomainsCritical", Value::from(critical))];
    let names = [
        ("PermittedDNSDomains", "PermittedIPRanges", "PermittedEmailAddresses", "PermittedURIDomains"),
        ("ExcludedDNSDomains", "ExcludedIPRanges", "ExcludedEmailAddresses", "ExcludedURIDomains"),
    ];
    for ((dns_name, range_name, email_name, uri_name), trees) in names.into_iter().zip([permitted, excluded]) {
        let (mut dns, mut ranges, mut emails, mut uris) = (vec![], vec![], vec![], vec![]);
        for tree in trees {
            match &tree.base {
                GeneralName::DnsName(name) => dns.push(Value::from(name.as_str())),
                GeneralName::Rfc822Name(name) => emails.push(Value::from(name.as_str())),
                GeneralName::UniformResourceIdentifier(name) => uris.push(Value::from(name.as_str())),
                GeneralName::IpAddress(bytes) => ranges.extend(range(bytes.as_bytes())),
                _ => {}
            }
        }
        fields.push((dns_name, some_or_null(dns)));
        fields.push((range_name, some_or_null(ranges)));
        fields.push((email_name, some_or_null(emails)));
        fields.push((uri_name, some_or_null(uris)));
    }
    Ok(fields)
}

/// An address with its mask.
fn range(bytes: &[u8]) -> Option<Value> {
    let (ip, mask) = bytes.split_at_checked(bytes.len() / 2)?;
    Some(record([("IP", Value::from(address(ip)?.to_string())), ("Mask", base64(mask))]))
}

fn places(certificate: &Certificate) -> Result<Fields, BuiltinError> {
    let (mut ocsp, mut issuers, mut lists) = (vec![], vec![], vec![]);
    for access in extension::<AuthorityInfoAccessSyntax>(certificate)?.into_iter().flat_map(|(_, all)| all.0) {
        let GeneralName::UniformResourceIdentifier(place) = &access.access_location else { continue };
        match access.access_method.to_string().as_str() {
            "1.3.6.1.5.5.7.48.1" => ocsp.push(Value::from(place.as_str())),
            "1.3.6.1.5.5.7.48.2" => issuers.push(Value::from(place.as_str())),
            _ => {}
        }
    }
    for point in extension::<CrlDistributionPoints>(certificate)?.into_iter().flat_map(|(_, all)| all.0) {
        let Some(DistributionPointName::FullName(names)) = point.distribution_point else { continue };
        for name in names {
            if let GeneralName::UniformResourceIdentifier(place) = name {
                lists.push(Value::from(place.as_str()));
            }
        }
    }
    Ok(vec![
        ("OCSPServer", some_or_null(ocsp)),
        ("IssuingCertificateURL", some_or_null(issuers)),
        ("CRLDistributionPoints", some_or_null(lists)),
    ])
}

fn policies(certificate: &Certificate) -> Result<Fields, BuiltinError> {
    let (mut identifiers, mut texts) = (vec![], vec![]);
    for policy in extension::<CertificatePolicies>(certificate)?.into_iter().flat_map(|(_, all)| all.0) {
        identifiers.push(numbers(&policy.policy_identifier));
        texts.push(Value::from(policy.policy_identifier.to_string()));
    }
    let (zero, no) = (Value::from(0_u64), Value::from(false));
    Ok(vec![
        ("PolicyIdentifiers", some_or_null(identifiers)),
        ("Policies", some_or_null(texts)),
        ("PolicyMappings", Value::Null),
        ("InhibitAnyPolicy", zero.clone()),
        ("InhibitAnyPolicyZero", no.clone()),
        ("InhibitPolicyMapping", zero.clone()),
        ("InhibitPolicyMappingZero", no.clone()),
        ("RequireExplicitPolicy", zero),
        ("RequireExplicitPolicyZero", no),
    ])
}

/// A public key as Go shows it, with the number of its algorithm.
pub(super) fn public_key(info: &SubjectPublicKeyInfoOwned) -> (Value, u64) {
    let bytes = info.subject_public_key.raw_bytes();
    match info.algorithm.oid.to_string().as_str() {
        "1.2.840.113549.1.1.1" => (rsa_public_key(bytes).unwrap_or(Value::Null), 1),
        "1.2.840.10040.4.1" => (Value::Null, 2),
        "1.2.840.10045.2.1" => (point(bytes).map_or(Value::Null, |[x, y]| curve_key([("X", x), ("Y", y)])), 3),
        "1.3.101.112" => (base64(bytes), 4),
        _ => (Value::Null, 0),
    }
}

fn rsa_public_key(bytes: &[u8]) -> Option<Value> {
    let items = der_items(bytes)?;
    let [(0x30, inner)] = items[..] else { return None };
    let numbers = der_items(inner)?;
    let [(2, modulus), (2, exponent)] = numbers[..] else { return None };
    let value = |bytes: &[u8]| whole(BigInt::from_signed_bytes_be(bytes));
    Some(record([("N", value(modulus)), ("E", value(exponent))]))
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
pub(super) fn distinguished(name: &Name) -> Value {
    let parts = || name.0.iter().flat_map(|part| part.0.iter());
    let all = |oid: &str| -> Vec<Value> {
        let parts = parts().filter(|part| part.oid.to_string() == oid);
        parts.filter_map(|part| text_of(&part.value)).map(Value::from).collect()
    };
    let one = |oid: &str| all(oid).pop().unwrap_or_else(|| Value::from(""));
    let names = parts().map(|part| {
        let value = text_of(&part.value).map_or(Value::Null, Value::from);
        record([("Type", numbers(&part.oid)), ("Value", value)])
    });
    record([
        ("CommonName", one("2.5.4.3")),
        ("SerialNumber", one("2.5.4.5")),
        ("Country", some_or_null(all("2.5.4.6"))),
        ("Locality", some_or_null(all("2.5.4.7"))),
        ("Province", some_or_null(all("2.5.4.8"))),
        ("StreetAddress", some_or_null(all("2.5.4.9"))),
        ("Organization", some_or_null(all("2.5.4.10"))),
        ("OrganizationalUnit", some_or_null(all("2.5.4.11"))),
        ("PostalCode", some_or_null(all("2.5.4.17"))),
        ("Names", some_or_null(names.collect())),
        ("ExtraNames", Value::Null),
    ])
}

/// The document of a certificate request.
pub(super) fn request(request: &x509_cert::request::CertReq) -> Result<Value, BuiltinError> {
    let info = &request.info;
    let (key, algorithm) = public_key(&info.public_key);
    Ok(record([
        ("Raw", encoded(request)?),
        ("RawTBSCertificateRequest", encoded(info)?),
        ("RawSubjectPublicKeyInfo", encoded(&info.public_key)?),
        ("RawSubject", encoded(&info.subject)?),
        ("Version", Value::from(u64::from(info.version as u8))),
        ("Signature", base64(request.signature.raw_bytes())),
        ("SignatureAlgorithm", Value::from(signature_number(&request.algorithm))),
        ("PublicKeyAlgorithm", Value::from(algorithm)),
        ("PublicKey", key),
        ("Subject", distinguished(&info.subject)),
        ("Attributes", Value::Null),
        ("Extensions", Value::Null),
        ("ExtraExtensions", Value::Null),
        ("DNSNames", Value::Null),
        ("EmailAddresses", Value::Null),
        ("IPAddresses", Value::Null),
        ("URIs", Value::Null),
    ]))
}
