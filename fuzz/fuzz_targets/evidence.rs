//! The readers of evidence: manifests, envelopes with statements, bundles, signed payloads, keys and what registries say
//! about logging in.

#![no_main]

use std::sync::LazyLock;

use assay_model::{digest::Digest, image::PinnedImage};
use assay_supply::fuzzing;
use libfuzzer_sys::fuzz_target;

/// The image that everything is said to be about.
static IMAGE: LazyLock<PinnedImage> = LazyLock::new(|| {
    PinnedImage::parse(&format!("r.test/a@{}", Digest::of(b"a"))).unwrap_or_else(|error| panic!("{error}"))
});

fuzz_target!(|bytes: &[u8]| {
    let _read = fuzzing::manifest(bytes);
    let _read = fuzzing::envelope(bytes, &IMAGE);
    let _read = fuzzing::bundle(bytes, &IMAGE);
    let _read = fuzzing::payload(bytes, &IMAGE);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _read = fuzzing::challenge(text);
        if let Err(message) = fuzzing::key(text) {
            assert!(!message.starts_with("unstable"), "{message}");
        }
    }
});
