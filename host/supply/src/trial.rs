//! The readers of evidence by themselves, over bytes from anywhere: what the fuzzers in `fuzz/` knock at.
//!
//! Nothing else of assay uses them, and nothing that they read is trusted.

use std::io::{self, Read};

use assay_model::{digest::Digest, image::PinnedImage};

use crate::{
    archive::{self, Bounds, Left},
    cosign,
    key::PublicKey,
    store::{self, Manifest},
};

/// How much an archive may hold here.
const BOUNDS: Bounds = Bounds { entries: 1_000, bytes: 4 << 20 };

/// Reads a manifest or an index.
///
/// # Errors
/// What is wrong with it.
pub fn manifest(bytes: &[u8]) -> Result<(), String> {
    Manifest::parse(Digest::of(bytes), bytes.to_vec()).map(drop)
}

/// Reads a DSSE envelope and the statement in it, as if it were signed, about this image.
///
/// # Errors
/// Why it does not count.
pub fn envelope(bytes: &[u8], image: &PinnedImage) -> Result<(), String> {
    cosign::trial_envelope(bytes, image)
}

/// Reads a Sigstore bundle to its envelope and the statement in that.
///
/// # Errors
/// Why it does not count.
pub fn bundle(bytes: &[u8], image: &PinnedImage) -> Result<(), String> {
    cosign::trial_bundle(bytes, image)
}

/// Reads a simple-signing payload about this image.
///
/// # Errors
/// Why it does not count.
pub fn payload(bytes: &[u8], image: &PinnedImage) -> Result<(), String> {
    cosign::trial_payload(bytes, image)
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

/// Reads what a registry says about how to log in, and whether that was understood.
#[must_use]
pub fn challenge(header: &str) -> bool {
    store::trial_challenge(header)
}

/// Walks an archive, plain or compressed, and gives its entries and the bytes read from them.
///
/// # Errors
/// It is broken, or too large.
pub fn archive(mut bytes: &[u8]) -> Result<(usize, u64), String> {
    let (mut entries, mut read) = (0, 0);
    let visit = |_: &str, _: bool, content: &mut dyn Read| {
        entries += 1;
        // What breaks off shows when the next entry is looked for.
        read += io::copy(content, &mut io::sink()).unwrap_or_default();
        Ok(())
    };
    archive::walk(&mut bytes, &Left::of(BOUNDS), visit).map_err(|trouble| format!("{trouble:?}"))?;
    Ok((entries, read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> PinnedImage {
        PinnedImage::parse(&format!("r.test/a@{}", Digest::of(b"a"))).unwrap()
    }

    #[test]
    fn each_reader_says_what_is_wrong_with_bytes() {
        let says = |read: Result<(), String>, what: &str| {
            let error = read.unwrap_err();
            assert!(error.contains(what), "{error}");
        };
        says(manifest(b"[]"), "not a JSON object");
        says(envelope(b"{}", &image()), "payloadType");
        says(bundle(b"{}", &image()), "the bundle does not read");
        says(payload(b"{}", &image()), "critical");
        says(key("none"), "key");
        assert!(challenge("Bearer realm=\"https://r.test/token\"") && !challenge("Digest x"));
        assert!(archive(b"no archive").is_err());
        assert_eq!(archive(&[0; 1024]), Ok((0, 0)));
    }
}
