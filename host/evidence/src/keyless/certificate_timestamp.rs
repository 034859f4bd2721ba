//! [`check`]: the timestamp of a certificate transparency log in a certificate (RFC 6962 §3.2, §3.3).

use sigstore_verify::{
    crypto::{SigningScheme, VerificationKey, sha256},
    types::SignatureBytes,
};
use x509_cert::der::{
    Decode as _, Encode as _,
    asn1::{ObjectIdentifier, OctetString},
};

use super::{certificate::SigningCertificate, trust_root::TrustRoot};
use crate::error::VerificationError;

/// The extension that holds the list of timestamps.
const TIMESTAMPS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");
/// Timestamps in one certificate: Fulcio writes one.
pub(super) const LIMIT: usize = 32;

fn refused(why: impl std::fmt::Display) -> VerificationError {
    VerificationError::Sct(format!("the certificate's timestamp (SCT) does not count: {why}"))
}

/// One timestamp.
struct Timestamp<'a> {
    log: &'a [u8],
    milliseconds: u64,
    extensions: &'a [u8],
    algorithm: [u8; 2],
    signature: &'a [u8],
}

/// Refuses a certificate without a timestamp of a trusted log. `issuer` is the key that signed the certificate.
pub(super) fn check(
    certificate: &SigningCertificate,
    issuer: &[u8],
    root: &TrustRoot,
) -> Result<(), VerificationError> {
    let extension = certificate.extension(TIMESTAMPS)?.ok_or_else(|| refused("there is none"))?;
    let list = OctetString::from_der(extension).map_err(refused)?;
    let timestamps = list_of(list.as_bytes())?;
    let logged = logged_certificate(certificate)?;
    let issuer = sha256(issuer);
    let mut why = refused("there is none");
    for timestamp in timestamps {
        match verify(&timestamp, &logged, issuer.as_bytes(), root) {
            Ok(()) => return Ok(()),
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// What the log saw: the certificate's content without the timestamps.
fn logged_certificate(certificate: &SigningCertificate) -> Result<Vec<u8>, VerificationError> {
    let mut content = certificate.parsed.tbs_certificate.clone();
    if let Some(extensions) = &mut content.extensions {
        extensions.retain(|extension| extension.extn_id != TIMESTAMPS);
    }
    content.to_der().map_err(refused)
}

fn verify(timestamp: &Timestamp<'_>, logged: &[u8], issuer: &[u8], root: &TrustRoot) -> Result<(), VerificationError> {
    let log = root
        .certificate_logs
        .iter()
        .find(|log| log.id == timestamp.log)
        .ok_or_else(|| refused("it is of an unknown log"))?;
    let at = i64::try_from(timestamp.milliseconds).map_err(refused)?;
    if !log.window.contains(at) {
        return Err(refused(format_args!("its log is not trusted at {at} (milliseconds since 1970)")));
    }
    // Hash and signature algorithm (RFC 5246 §7.4.1.4.1).
    let scheme = match timestamp.algorithm {
        [4, 3] => SigningScheme::EcdsaP256Sha256,
        [5, 3] => SigningScheme::EcdsaP384Sha384,
        [4, 1] => SigningScheme::RsaPkcs1Sha256,
        [5, 1] => SigningScheme::RsaPkcs1Sha384,
        [6, 1] => SigningScheme::RsaPkcs1Sha512,
        other => return Err(refused(format_args!("its algorithm {other:?} is not supported"))),
    };
    let length = |bytes: &[u8], width: usize| -> Result<Vec<u8>, VerificationError> {
        let length = u32::try_from(bytes.len()).map_err(refused)?.to_be_bytes();
        let (zero, length) = length.split_at(length.len() - width);
        if zero.iter().any(|byte| *byte != 0) {
            return Err(refused("it is too long"));
        }
        Ok(length.to_vec())
    };
    // Version 1, a certificate's timestamp, and the entry of a precertificate.
    let mut signed = vec![0, 0];
    signed.extend(timestamp.milliseconds.to_be_bytes());
    signed.extend([0, 1]);
    signed.extend(issuer);
    signed.extend(length(logged, 3)?);
    signed.extend(logged);
    signed.extend(length(timestamp.extensions, 2)?);
    signed.extend(timestamp.extensions);
    VerificationKey::from_der(&log.key, scheme)
        .and_then(|key| key.verify(&signed, &SignatureBytes::new(timestamp.signature.to_vec())))
        .map_err(refused)
}

/// Reads the list of timestamps (RFC 6962 §3.3).
fn list_of(bytes: &[u8]) -> Result<Vec<Timestamp<'_>>, VerificationError> {
    let mut all = Reader(bytes);
    let mut list = Reader(all.with_length()?);
    all.end()?;
    let mut timestamps = Vec::new();
    while !list.0.is_empty() {
        if timestamps.len() == LIMIT {
            return Err(VerificationError::Limit(format!("the certificate has more than {LIMIT} timestamps (SCT)")));
        }
        let mut one = Reader(list.with_length()?);
        let version = one.take(1)?;
        let log = one.take(32)?;
        let milliseconds = one.take(8)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let extensions = one.with_length()?;
        let &[hash, kind] = one.take(2)? else { return Err(refused("it is truncated")) };
        let signature = one.with_length()?;
        one.end()?;
        // Other versions are for other readers.
        if version == [0] {
            timestamps.push(Timestamp { log, milliseconds, extensions, algorithm: [hash, kind], signature });
        }
    }
    Ok(timestamps)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], VerificationError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| refused("it is truncated"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Bytes behind their length in two bytes.
    fn with_length(&mut self) -> Result<&'a [u8], VerificationError> {
        let length = self.take(2)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        self.take(length)
    }

    fn end(&self) -> Result<(), VerificationError> {
        if self.0.is_empty() { Ok(()) } else { Err(refused("there is something behind it")) }
    }
}
