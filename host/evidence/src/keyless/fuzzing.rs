//! Readers over bytes from anywhere, for the fuzz targets.

use super::{bundle_format, certificate::SigningCertificate, certificate_metadata};
use crate::error::VerificationError;

/// Reads a bundle.
pub(crate) fn read_bundle(bytes: &[u8]) -> Result<(), VerificationError> {
    let read = bundle_format::read(bytes)?;
    read.certificate.map_or(Ok(()), |certificate| read_certificate(&certificate))
}

/// Reads a certificate, and what it says.
pub(crate) fn read_certificate(der: &[u8]) -> Result<(), VerificationError> {
    let certificate = SigningCertificate::read(der.to_vec())?;
    let _said = certificate_metadata::metadata(&certificate);
    let _said = certificate_metadata::key_identifier(&certificate);
    Ok(())
}
