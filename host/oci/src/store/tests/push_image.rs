//! Images and referrers that are pushed and read back.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::error::ErrorCode;

use crate::{
    ContentStore, PushedBlob, PushedImage, RegistryOptions,
    test_support::{TestRegistry, reference},
};

fn blob(media_type: &str, text: &str) -> PushedBlob {
    PushedBlob { media_type: media_type.to_owned(), annotations: BTreeMap::new(), bytes: Arc::from(text.as_bytes()) }
}

pub(super) fn image(text: &str) -> PushedImage {
    PushedImage {
        artifact_type: None,
        config: blob("application/vnd.example.config", "{}"),
        layers: vec![blob("application/wasm", text)],
        annotations: BTreeMap::from([("org.example.name".to_owned(), "x".to_owned())]),
    }
}

pub(super) fn store() -> ContentStore {
    ContentStore::registry(RegistryOptions::default()).unwrap()
}

#[test]
fn an_image_is_read_back_with_its_bytes_and_the_same_content_has_the_same_digest() {
    let registry = TestRegistry::writable(true);
    let reference = reference(&format!("{}/team/plugin:1.0.0", registry.registry()));
    let pushed = store().push_image(&reference, &image("bytes")).unwrap();
    assert_eq!(store().push_image(&reference, &image("bytes")).unwrap(), pushed);
    let read = store();
    let found = read.resolve(&reference).unwrap();
    assert_eq!(found.image, pushed);
    assert_eq!(found.manifest.annotation("org.example.name"), Some("x"));
    let layer = found.manifest.layers().first().unwrap().clone();
    let bytes = read.blob_within(reference.repository(), &layer.digest, Some(layer.size), 100).unwrap();
    assert_eq!((layer.media_type.as_str(), &*bytes), ("application/wasm", &b"bytes"[..]));
}

#[test]
fn a_referrer_is_found_with_and_without_the_api_and_others_stay_in_the_list() {
    for has_referrers in [true, false] {
        let registry = TestRegistry::writable(has_referrers);
        let reference = reference(&format!("{}/team/plugin:1.0.0", registry.registry()));
        let subject = store().push_image(&reference, &image("bytes")).unwrap();
        let referrer =
            |text: &str| PushedImage { artifact_type: Some("application/vnd.example.note".to_owned()), ..image(text) };
        let first = store().push_referrer(&subject, &referrer("one")).unwrap();
        let second = store().push_referrer(&subject, &referrer("two")).unwrap();
        assert_eq!(store().push_referrer(&subject, &referrer("two")).unwrap(), second);
        let listed = store().referrers(&subject).unwrap();
        let mut digests: Vec<_> = listed.iter().map(|referrer| referrer.descriptor.digest.clone()).collect();
        digests.dedup();
        assert_eq!(digests, [first.digest, second.digest.clone()], "{has_referrers}");
        assert!(listed.iter().all(|referrer| referrer.artifact_type == "application/vnd.example.note"));
        let manifest = store().manifest(&second).unwrap();
        assert_eq!(manifest.subject(), Some(&subject.digest));
    }
}

#[test]
fn nothing_is_pushed_by_digest() {
    let registry = TestRegistry::writable(true);
    let text = format!("{}/team/plugin@sha256:{}", registry.registry(), "0".repeat(64));
    let error = store().push_image(&reference(&text), &image("bytes")).unwrap_err();
    assert_eq!(error.code, ErrorCode::ImageReference);
    assert!(registry.requests().is_empty());
}
