//! Entry points of the fuzz targets in `fuzz/`: single readers over bytes from anywhere. Behind the feature `fuzzing`.

use assay_model::image::PinnedImage;

use crate::{
    cosign::fuzzing as readers,
    key::PublicKey,
    keyless::{PUBLIC_GOOD_TUF_ROOT, TrustRoot, TufFiles, fuzzing as keyless_readers, read_stored, update},
};

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

/// Reads a Sigstore bundle of any version, strictly.
///
/// # Errors
/// Why it is none.
pub fn sigstore_bundle(bytes: &[u8]) -> Result<(), String> {
    keyless_readers::read_bundle(bytes).map_err(|error| error.to_string())
}

/// Reads a signer's certificate in DER, and what it says.
///
/// # Errors
/// Why it is none.
pub fn certificate(der: &[u8]) -> Result<(), String> {
    keyless_readers::read_certificate(der).map_err(|error| error.to_string())
}

/// Reads a trust root.
///
/// # Errors
/// Why it is none.
pub fn trusted_root(text: &str) -> Result<(), String> {
    TrustRoot::from_json(text).map(drop).map_err(|error| error.to_string())
}

/// Reads what a log says of its state.
///
/// # Errors
/// Why it is none.
pub fn checkpoint(text: &str) -> Result<(), String> {
    sigstore_verify::types::Checkpoint::from_text(text).map(drop).map_err(|error| error.to_string())
}

/// Reads metadata of a trust root from a folder with the same content in every file, and as the successor of a root.
pub fn tuf_metadata(bytes: &[u8]) {
    struct Same<'a>(&'a [u8]);
    impl TufFiles for Same<'_> {
        fn read(&self, _name: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
            let fits = self.0.len() as u64 <= limit;
            fits.then(|| Some(self.0.to_vec())).ok_or_else(|| "too long".to_owned())
        }
    }
    let now = jiff::Timestamp::UNIX_EPOCH;
    let _read = read_stored(&Same(bytes), now);
    let _read = update(PUBLIC_GOOD_TUF_ROOT, None, &Same(bytes), now);
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
        says(sigstore_bundle(b"{}"), "media type");
        says(certificate(b"0"), "certificate");
        says(trusted_root("{}"), "media type");
        says(checkpoint("none"), "");
        tuf_metadata(b"{}");
    }
}
