//! The verified evidence of images. A plugin needs the permission [`evidence`](crate::Permission::evidence).

pub use crate::bindings::assay::plugin::evidence::{Attestation, Layer, Signer};
use crate::{Error, bindings::assay::plugin::evidence, host};

/// The most bytes of one part, as the contract says.
const PART: u32 = 1 << 20;

fn error(what: &str, error: &evidence::Error) -> Error {
    Error::Internal(match error {
        evidence::Error::NotFound => format!("{what} cannot be read: not found"),
        evidence::Error::Denied(why) | evidence::Error::Unavailable(why) => format!("{what} cannot be read: {why}"),
        evidence::Error::TooLarge(size) => format!("{what} cannot be read: {size} bytes exceed the limit"),
    })
}

/// The attestations of an image.
///
/// # Errors
/// They cannot be read.
pub fn attestations(image: &str) -> Result<Vec<Attestation>, Error> {
    host::evidence::attestations(image).map_err(|cause| error("the attestations", &cause))
}

/// The whole in-toto statement of an attestation.
///
/// # Errors
/// It cannot be read.
pub fn statement(image: &str, attestation: &Attestation) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(usize::try_from(attestation.size).unwrap_or_default());
    loop {
        let part = host::evidence::read(image, &attestation.statement, bytes.len() as u64, PART)
            .map_err(|cause| error(&attestation.statement, &cause))?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend(part);
    }
}

/// The layers of an image, the lowest first.
///
/// # Errors
/// They cannot be read.
pub fn layers(image: &str) -> Result<Vec<Layer>, Error> {
    host::evidence::layers(image).map_err(|cause| error("the layers", &cause))
}

/// The configuration of an image.
///
/// # Errors
/// It cannot be read.
pub fn config(image: &str) -> Result<Vec<u8>, Error> {
    host::evidence::config(image).map_err(|cause| error("the configuration", &cause))
}

/// The verified signatures of an image.
///
/// # Errors
/// They cannot be read.
pub fn signatures(image: &str) -> Result<Vec<Signer>, Error> {
    host::evidence::signatures(image).map_err(|cause| error("the signatures", &cause))
}
