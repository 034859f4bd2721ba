//! [`metadata`]: what a certificate says, in the words of `ec`'s reports (conforma/cli `internal/signature`; fulcio
//! `oid-info.md`).

use std::collections::BTreeMap;

use x509_cert::{
    der::{
        Decode as _,
        asn1::{ObjectIdentifier, Utf8StringRef},
    },
    ext::pkix::{SubjectAltName, SubjectKeyIdentifier, name::GeneralName},
};

use super::certificate::SigningCertificate;

const fn oid(id: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(id)
}

/// Extensions with raw text.
const RAW: [(ObjectIdentifier, &str); 6] = [
    (oid("1.3.6.1.4.1.57264.1.1"), "Fulcio Issuer"),
    (oid("1.3.6.1.4.1.57264.1.2"), "Fulcio GitHub Workflow Trigger"),
    (oid("1.3.6.1.4.1.57264.1.3"), "Fulcio GitHub Workflow SHA"),
    (oid("1.3.6.1.4.1.57264.1.4"), "Fulcio GitHub Workflow Name"),
    (oid("1.3.6.1.4.1.57264.1.5"), "Fulcio GitHub Workflow Repository"),
    (oid("1.3.6.1.4.1.57264.1.6"), "Fulcio GitHub Workflow Ref"),
];

/// Extensions with a string of DER.
const STRINGS: [(ObjectIdentifier, &str); 14] = [
    (oid("1.3.6.1.4.1.57264.1.8"), "Fulcio Issuer (V2)"),
    (oid("1.3.6.1.4.1.57264.1.9"), "Fulcio Build Signer URI"),
    (oid("1.3.6.1.4.1.57264.1.10"), "Fulcio Build Signer Digest"),
    (oid("1.3.6.1.4.1.57264.1.11"), "Fulcio Runner Environment"),
    (oid("1.3.6.1.4.1.57264.1.12"), "Fulcio Source Repository URI"),
    (oid("1.3.6.1.4.1.57264.1.13"), "Fulcio Source Repository Digest"),
    (oid("1.3.6.1.4.1.57264.1.14"), "Fulcio Source Repository Ref"),
    (oid("1.3.6.1.4.1.57264.1.15"), "Fulcio Source Repository Identifier"),
    (oid("1.3.6.1.4.1.57264.1.16"), "Fulcio Source Repository Owner URI"),
    (oid("1.3.6.1.4.1.57264.1.17"), "Fulcio Source Repository Owner Identifier"),
    (oid("1.3.6.1.4.1.57264.1.18"), "Fulcio Build Config URI"),
    (oid("1.3.6.1.4.1.57264.1.19"), "Fulcio Build Config Digest"),
    (oid("1.3.6.1.4.1.57264.1.20"), "Fulcio Build Trigger"),
    (oid("1.3.6.1.4.1.57264.1.21"), "Fulcio Run Invocation URI"),
];

/// What the certificate says, without what is empty or cannot be read as text.
pub(super) fn metadata(certificate: &SigningCertificate) -> BTreeMap<String, String> {
    let content = &certificate.parsed.tbs_certificate;
    let extension = |id: &ObjectIdentifier| certificate.extension(*id).ok()?;
    let raw = RAW
        .iter()
        .filter_map(|(id, name)| Some(((*name).to_owned(), String::from_utf8(extension(id)?.to_vec()).ok()?)));
    let strings = STRINGS.iter().filter_map(|(id, name)| {
        let text = Utf8StringRef::from_der(extension(id)?).ok()?;
        Some(((*name).to_owned(), text.as_str().to_owned()))
    });
    let serial: String = content.serial_number.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let time = |time: x509_cert::time::Time| {
        let time = time.to_date_time();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minutes(),
            time.seconds()
        )
    };
    let plain = [
        ("Subject", content.subject.to_string()),
        ("Issuer", content.issuer.to_string()),
        ("Serial Number", serial.trim_start_matches('0').to_owned()),
        ("Not Before", time(content.validity.not_before)),
        ("Not After", time(content.validity.not_after)),
        ("Subject Alternative Name", alternative_names(certificate)),
    ];
    let plain = plain.into_iter().map(|(name, text)| (name.to_owned(), text));
    raw.chain(strings).chain(plain).filter(|(_, text)| !text.is_empty()).collect()
}

/// The names of the signer by their kind.
fn alternative_names(certificate: &SigningCertificate) -> String {
    let Ok(Some((_, SubjectAltName(names)))) = certificate.parsed.tbs_certificate.get::<SubjectAltName>() else {
        return String::new();
    };
    let (mut uris, mut hosts, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    for name in &names {
        match name {
            GeneralName::UniformResourceIdentifier(name) => uris.push(name.as_str().to_owned()),
            GeneralName::DnsName(name) => hosts.push(name.as_str().to_owned()),
            GeneralName::Rfc822Name(name) => addresses.push(name.as_str().to_owned()),
            _ => {}
        }
    }
    let others = certificate.names.iter().filter(|name| !uris.contains(name) && !addresses.contains(name));
    let others: Vec<String> = others.cloned().collect();
    let kinds = [("URIs", uris), ("DNS Names", hosts), ("Email Addresses", addresses), ("OtherName", others)];
    let kinds = kinds.into_iter().filter(|(_, names)| !names.is_empty());
    kinds.map(|(kind, names)| format!("{kind}:{}", names.join(", "))).collect::<Vec<_>>().join("; ")
}

/// The identifier of the certificate's key, in hex, by which `ec` calls the key.
pub(super) fn key_identifier(certificate: &SigningCertificate) -> String {
    match certificate.parsed.tbs_certificate.get::<SubjectKeyIdentifier>() {
        Ok(Some((_, identifier))) => identifier.0.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => String::new(),
    }
}
