//! Entry points of the fuzz targets in `fuzz/`: single readers over bytes from anywhere. Behind the feature `fuzzing`.

use assay_model::image::PinnedImage;

use crate::{cosign::fuzzing as readers, key::PublicKey};

/// Reads a DSSE envelope and the statement in it, as if it were signed, about this image.
///
/// # Errors
/// Why it does not count.
pub fn envelope(bytes: &[u8], image: &PinnedImage) -> Result<(), String> {
    readers::read_envelope(bytes, image).map_err(|error| error.to_string())
}

/// Reads a Sigstore bundle to its envelope and the statement in that.
///
/// # Errors
/// Why it does not count.
pub fn bundle(bytes: &[u8], image: &PinnedImage) -> Result<(), String> {
    readers::read_bundle(bytes, image).map_err(|error| error.to_string())
}

/// Reads a simple-signing payload about this image.
///
/// # Errors
/// Why it does not count.
pub fn payload(bytes: &[u8], image: &PinnedImage) -> Result<(), String> {
    readers::read_payload(bytes, image).map_err(|error| error.to_string())
}

/// Reads a public key. One that is read is written and read again as the same.
///
/// # Errors
/// Why it is none.
pub fn key(text: &str) -> Result<(), String> {
    let key = PublicKey::from_pem(text).map_err(|error| error.to_string())?;
    let again = PublicKey::from_pem(key.to_pem()).map_err(|error| format!("unstable: {error}"))?;
    if again.to_pem() == key.to_pem() { Ok(()) } else { Err("unstable: written otherwise".to_owned()) }
}

#[cfg(test)]
mod tests {
    use assay_model::digest::Digest;

    use super::*;

    #[test]
    fn each_reader_names_what_is_wrong_with_bytes() {
        let image = PinnedImage::parse(&format!("r.test/a@{}", Digest::of(b"a"))).unwrap();
        let says = |read: Result<(), String>, what: &str| {
            let error = read.unwrap_err();
            assert!(error.contains(what), "{error}");
        };
        says(envelope(b"{}", &image), "payloadType");
        says(bundle(b"{}", &image), "the bundle is invalid");
        says(payload(b"{}", &image), "critical");
        says(key("none"), "key");
    }
}
