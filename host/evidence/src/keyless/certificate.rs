//! [`SigningCertificate`]: a signer's certificate (fulcio `certificate-specification.md`, RFC 5280), what it says and who
//! vouches for it.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use sigstore_verify::{
    crypto::{KeyAlgorithm, SigningScheme, WEBPKI_VERIFICATION_ALGS, verify_signature},
    types::{DerPublicKey, SignatureBytes},
};
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::{
    Certificate,
    der::{
        Any, Decode as _, Encode as _, Tag,
        asn1::{ObjectIdentifier, Utf8StringRef},
    },
    ext::pkix::{ExtendedKeyUsage, SubjectAltName, name::GeneralName},
    time::Time,
};

use super::{
    identity::{self, Identity},
    trust_root::{Authority, TrustRoot},
};
use crate::{
    error::{VerificationError, shown},
    key::{self, PublicKey},
};

/// `id-kp-codeSigning`, the purpose that the certificate must have (RFC 5280).
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
/// The kind of other name that Fulcio writes.
const OTHER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");
/// The issuer as raw text, and as a string of DER.
const ISSUER_V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
const ISSUER_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
/// A certificate's size: Fulcio's have 1 kB.
pub(super) const CERTIFICATE_BYTES: usize = 64 << 10;

/// A certificate that was read. Nothing of it is verified until [`check_at`](Self::check_at) says so.
#[derive(Debug)]
pub(crate) struct SigningCertificate {
    pub(super) der: Vec<u8>,
    pub(super) parsed: Certificate,
    pub(super) key: DerPublicKey,
    /// None for a key on P-521, which `sigstore-verify` does not know.
    algorithm: Option<KeyAlgorithm>,
    /// URIs, e-mail addresses and other names of the signer.
    pub(super) names: Vec<String>,
    pub(super) issuer: Option<String>,
    /// The first and the last second at which it is valid.
    validity: (i64, i64),
}

/// Who issued a certificate.
pub(super) struct Issuer<'a> {
    /// The key that signed it, as a whole `SubjectPublicKeyInfo`.
    pub(super) key: Vec<u8>,
    /// The authority that the key belongs to.
    pub(super) authority: &'a Authority,
}

fn unreadable(why: impl std::fmt::Display) -> VerificationError {
    VerificationError::Certificate(format!("the certificate cannot be read: {why}"))
}

impl SigningCertificate {
    /// Reads a certificate.
    pub(super) fn read(der: Vec<u8>) -> Result<Self, VerificationError> {
        if der.len() > CERTIFICATE_BYTES {
            let why = format!("the certificate has more than {CERTIFICATE_BYTES} bytes");
            return Err(VerificationError::Limit(why));
        }
        let parsed = Certificate::from_der(&der).map_err(unreadable)?;
        let key = parsed.tbs_certificate.subject_public_key_info.to_der().map_err(unreadable)?;
        let key = DerPublicKey::new(key);
        let algorithm = match key::p521_point(key.as_bytes()) {
            Some(_) => None,
            None => Some(
                KeyAlgorithm::from_spki(&key)
                    .map_err(|error| VerificationError::Unsupported(format!("the certificate's key: {error}")))?,
            ),
        };
        let seconds = |time: Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
        let validity = &parsed.tbs_certificate.validity;
        let validity = (seconds(validity.not_before), seconds(validity.not_after));
        let (names, issuer) = (names(&parsed)?, issuer(&parsed)?);
        Ok(Self { der, parsed, key, algorithm, names, issuer, validity })
    }

    /// What an extension has, if it is there once.
    pub(super) fn extension(&self, id: ObjectIdentifier) -> Result<Option<&[u8]>, VerificationError> {
        extension(&self.parsed, id)
    }

    /// Refuses the certificate unless an authority of the root issued it for signing, and all of it was valid at a verified
    /// time, in seconds. Gives who issued it.
    pub(super) fn check_at<'a>(&self, time: i64, root: &'a TrustRoot) -> Result<Issuer<'a>, VerificationError> {
        let (first, last) = self.validity;
        if time < first || time > last {
            return Err(VerificationError::CertificateTime(format!(
                "the certificate is valid from {first} to {last}, but the signature was made at {time} (seconds since 1970)"
            )));
        }
        let purposes = self.parsed.tbs_certificate.get::<ExtendedKeyUsage>().map_err(unreadable)?;
        if !purposes.is_some_and(|(_, ExtendedKeyUsage(purposes))| purposes.contains(&CODE_SIGNING)) {
            return Err(VerificationError::Certificate("the certificate is not for signing code".to_owned()));
        }
        let milliseconds = time.saturating_mul(1000);
        let leaf = CertificateDer::from(self.der.as_slice());
        let leaf = EndEntityCert::try_from(&leaf).map_err(unreadable)?;
        let seconds = u64::try_from(time).map_err(unreadable)?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let mut why = None;
        for authority in &root.authorities {
            if !authority.window.contains(milliseconds) {
                // What an authority within its window says is more to the point.
                if why.is_none() {
                    why = Some(VerificationError::CertificateTime(format!(
                        "no certificate authority of the trust root is trusted at {time} (seconds since 1970)"
                    )));
                }
                continue;
            }
            for trusted in &authority.roots {
                let path = leaf.verify_for_usage(
                    WEBPKI_VERIFICATION_ALGS,
                    std::slice::from_ref(&trusted.anchor),
                    &authority.intermediates,
                    at,
                    // Go requires it of an authority only where that has extended key usages at all.
                    KeyUsage::required_if_present(CODE_SIGNING.as_bytes()),
                    None,
                    None,
                );
                match path {
                    Ok(_) if !trusted.window.contains(milliseconds) => {
                        why = Some(VerificationError::CertificateTime(format!(
                            "the root certificate is not valid at {time} (seconds since 1970)"
                        )));
                    }
                    Ok(path) => return Ok(Issuer { key: issuer_key(&path)?, authority }),
                    Err(webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }) => {
                        why = Some(VerificationError::CertificateTime(format!(
                            "a certificate of the chain is not valid at {time} (seconds since 1970)"
                        )));
                    }
                    Err(error) => {
                        why = Some(VerificationError::Certificate(format!(
                            "the certificate was not issued by a trusted authority for signing code: {error}"
                        )));
                    }
                }
            }
        }
        Err(why.unwrap_or_else(|| {
            VerificationError::Certificate("the trust root has no certificate authority".to_owned())
        }))
    }

    /// Refuses a certificate of another identity. Gives the name that is wanted, and the issuer.
    pub(super) fn check_identity(&self, identities: &[Identity]) -> Result<(String, String), VerificationError> {
        let name = identity::check(identities, &self.names, self.issuer.as_deref())?;
        Ok((name, self.issuer.clone().unwrap_or_default()))
    }

    /// Whether a signature is of the certificate's key over the parts in a row, as cosign verifies: with SHA-256, or with
    /// the default hash of the curve.
    pub(super) fn verify(&self, message: &[&[u8]], signature: &[u8]) -> bool {
        let schemes: &[SigningScheme] = match self.algorithm {
            Some(KeyAlgorithm::EcdsaP256) => &[SigningScheme::EcdsaP256Sha256],
            Some(KeyAlgorithm::EcdsaP384) => &[SigningScheme::EcdsaP384Sha256, SigningScheme::EcdsaP384Sha384],
            Some(KeyAlgorithm::Rsa) => &[SigningScheme::RsaPkcs1Sha256],
            Some(KeyAlgorithm::Ed25519) => &[SigningScheme::Ed25519],
            Some(_) => &[],
            None => {
                return PublicKey::from_pem(&self.key.to_pem()).is_ok_and(|key| key.verifies(message, signature));
            }
        };
        let (message, signature) = (message.concat(), SignatureBytes::new(signature.to_vec()));
        schemes.iter().any(|scheme| verify_signature(&self.key, &message, &signature, *scheme).is_ok())
    }
}

/// The key that signed the leaf, as a whole `SubjectPublicKeyInfo`.
fn issuer_key(path: &webpki::VerifiedPath<'_>) -> Result<Vec<u8>, VerificationError> {
    match path.intermediate_certificates().next() {
        Some(issuer) => Ok(issuer.subject_public_key_info().as_ref().to_vec()),
        // An anchor has the content of the sequence alone.
        None => Any::new(Tag::Sequence, path.anchor().subject_public_key_info.as_ref())
            .and_then(|any| any.to_der())
            .map_err(unreadable),
    }
}

fn extension(certificate: &Certificate, id: ObjectIdentifier) -> Result<Option<&[u8]>, VerificationError> {
    let mut found = certificate.tbs_certificate.extensions.iter().flatten().filter(|extension| extension.extn_id == id);
    match (found.next(), found.next()) {
        (found, None) => Ok(found.map(|extension| extension.extn_value.as_bytes())),
        (_, Some(_)) => Err(unreadable(format_args!("the extension {id} is there twice"))),
    }
}

/// The names of the signer.
fn names(certificate: &Certificate) -> Result<Vec<String>, VerificationError> {
    let Some((_, SubjectAltName(names))) = certificate.tbs_certificate.get::<SubjectAltName>().map_err(unreadable)?
    else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for name in names {
        match name {
            GeneralName::Rfc822Name(name) => found.push(name.as_str().to_owned()),
            GeneralName::UniformResourceIdentifier(name) => found.push(name.as_str().to_owned()),
            GeneralName::OtherName(other) if other.type_id == OTHER_NAME => {
                let text = other.value.decode_as::<Utf8StringRef<'_>>().map_err(unreadable)?;
                found.push(text.as_str().to_owned());
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The issuer, which may be written in two ways that must say the same.
fn issuer(certificate: &Certificate) -> Result<Option<String>, VerificationError> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(unreadable);
    let first = extension(certificate, ISSUER_V1)?.map(text).transpose()?;
    let second = extension(certificate, ISSUER_V2)?
        .map(|der| Utf8StringRef::from_der(der).map(|text| text.as_str().to_owned()).map_err(unreadable))
        .transpose()?;
    match (first, second) {
        (Some(first), Some(second)) if first != second => Err(VerificationError::Issuer(format!(
            "the certificate has two issuers, `{}` and `{}`",
            shown(&first),
            shown(&second)
        ))),
        (first, second) => Ok(second.or(first)),
    }
}
