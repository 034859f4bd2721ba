//! The readers of evidence: manifests, envelopes with statements, bundles, signed payloads, keys and what registries say
//! about logging in.

#![no_main]

use std::sync::LazyLock;

use assay_evidence::fuzzing::{bundle, envelope, key, payload};
use assay_model::{digest::Digest, image::PinnedImage};
use assay_oci::fuzzing::{challenge, manifest};
use libfuzzer_sys::fuzz_target;

/// The image that everything is said to be about.
static IMAGE: LazyLock<PinnedImage> = LazyLock::new(|| {
    PinnedImage::parse(&format!("r.test/a@{}", Digest::of(b"a"))).unwrap_or_else(|error| panic!("{error}"))
});

fuzz_target!(|bytes: &[u8]| {
    let _read = manifest(bytes);
    let _read = envelope(bytes, &IMAGE);
    let _read = bundle(bytes, &IMAGE);
    let _read = payload(bytes, &IMAGE);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _read = challenge(text);
        if let Err(message) = key(text) {
            assert!(!message.starts_with("unstable"), "{message}");
        }
    }
});
