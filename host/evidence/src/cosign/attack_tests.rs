//! Evidence of another image and in another place than its own: indexes and their images, referrers, and bundles that are
//! not what they are listed as. Each is refused with its code, and its good twin accepted.

use std::time::Duration;

use assay_model::{digest::Digest, image::PinnedImage};
use assay_oci::{ContentStore, RegistryOptions, Retry};
use serde_json::{Value, json};

use super::*;
use crate::{
    Relocation,
    fixture::{
        Attach as _, IMAGE, INDEX, Layout, Reply, SLSA, Signer as Keys, TestRegistry, content, payload, pinned,
        reference, statement,
    },
};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIGNS_IMAGE: &str = "https://sigstore.dev/cosign/sign/v1";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const APP: &str = "app/good";

/// The codes of what was refused; `ok` before them if something verifies.
fn codes(proofs: &Proofs) -> String {
    assert!(proofs.unread.is_empty(), "{proofs:?}");
    let ok = proofs.verified.iter().map(|_| "ok");
    ok.chain(proofs.refused.iter().map(|refused| refused.error.code())).collect::<Vec<_>>().join(" ")
}

fn trust(keys: &Keys) -> Trust {
    Trust::in_key(keys.public(), Relocation::Refused)
}

fn image(digest: &Digest) -> PinnedImage {
    pinned(&format!("registry.test/{APP}"), digest)
}

fn proven(layout: &Layout, digest: &Digest, keys: &Keys) -> String {
    codes(&prove_image(&layout.store(), &image(digest), &trust(keys)).unwrap())
}

/// The layer that signs an image.
fn signature(layout: &Layout, keys: &Keys, digest: &Digest) -> Value {
    let payload = payload(APP, digest).to_string();
    layout.signature(payload.as_bytes(), &keys.sig(payload.as_bytes()))
}

#[test]
fn attack_a_signature_of_an_index_signs_none_of_its_images_nor_theirs_the_index() {
    let (mut layout, keys) = (Layout::new(), Keys::new());
    let child = layout.image(APP, "child");
    let size = content(&layout.file(&child)).len();
    let item = json!({"mediaType": IMAGE, "digest": child, "size": size, "platform": {"architecture": "amd64", "os": "linux"}});
    let index = layout.manifest(APP, Some("v1"), &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [item]}));
    let mut signed_index = layout.copy();
    let of_index = signature(&signed_index, &keys, &index);
    signed_index.evidence(APP, &index, "sig", std::slice::from_ref(&of_index));
    assert_eq!(proven(&signed_index, &index, &keys), "ok");
    assert_eq!(proven(&signed_index, &child, &keys), "", "nothing is inherited");
    signed_index.evidence(APP, &child, "sig", &[of_index]);
    assert_eq!(proven(&signed_index, &child, &keys), "subject", "the tag binds nothing");

    let of_child = signature(&layout, &keys, &child);
    layout.evidence(APP, &child, "sig", std::slice::from_ref(&of_child));
    assert_eq!(proven(&layout, &child, &keys), "ok");
    assert_eq!(proven(&layout, &index, &keys), "");
    layout.evidence(APP, &index, "sig", &[of_child]);
    assert_eq!(proven(&layout, &index, &keys), "subject");
}

/// A bundle with a statement of this type about an image.
fn bundle(keys: &Keys, digest: &Digest, predicate_type: &str) -> Value {
    let mut statement = statement(digest);
    statement["predicateType"] = json!(predicate_type);
    statement["subject"] = json!([{"digest": {"sha256": digest.hex()}}]);
    json!({
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": "any"}},
        "dsseEnvelope": keys.envelope(statement.to_string().as_bytes()),
    })
}

/// A manifest that refers to `subject`, with these layers.
fn refer(layout: &mut Layout, subject: &Digest, layers: &[Value]) -> Digest {
    let config = layout.blob(EMPTY, b"{}");
    let document = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "artifactType": BUNDLE, "config": config, "layers": layers,
        "subject": {"mediaType": IMAGE, "digest": subject, "size": 1},
    });
    layout.manifest(APP, None, &document)
}

#[test]
fn attack_a_referrer_that_is_listed_under_an_image_to_which_it_does_not_refer_does_not_count() {
    let (mut layout, keys) = (Layout::new(), Keys::new());
    let digest = layout.image(APP, "v1");
    let other = layout.image(APP, "other");
    let bytes = bundle(&keys, &digest, SIGNS_IMAGE).to_string();
    let layer = layout.blob(BUNDLE, bytes.as_bytes());
    let good = refer(&mut layout, &digest, std::slice::from_ref(&layer));
    let moved = refer(&mut layout, &other, &[layer]);
    let retry = Retry { wait: Duration::from_millis(1), longest: Duration::from_millis(2), ..Retry::default() };
    for (listed, expected) in [(&good, "ok"), (&moved, "subject")] {
        let size = content(&layout.file(listed)).len();
        let item = json!({"mediaType": IMAGE, "digest": listed, "size": size, "artifactType": BUNDLE});
        let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [item]}).to_string();
        let served = TestRegistry::layout(layout.path(), move |path| {
            path.contains("/referrers/").then(|| Reply::Whole(200, Vec::new(), list.clone().into_bytes()))
        });
        let options = RegistryOptions { retry, ..RegistryOptions::default() };
        let store = ContentStore::registry(options).unwrap();
        let at = pinned(&format!("{}/{APP}", served.registry()), &digest);
        assert_eq!(codes(&prove_image(&store, &at, &trust(&keys)).unwrap()), expected);
    }
}

#[test]
fn attack_bundles_beside_another_layer_or_of_another_media_type_do_not_count() {
    let keys = Keys::new();
    let of = |layers: &dyn Fn(&Layout, &str) -> Vec<Value>| {
        let mut layout = Layout::new();
        let digest = layout.image(APP, "v1");
        let bytes = bundle(&keys, &digest, SIGNS_IMAGE).to_string();
        let layers = layers(&layout, &bytes);
        refer(&mut layout, &digest, &layers);
        proven(&layout, &digest, &keys)
    };
    let blob = |layout: &Layout, kind: &str, bytes: &str| layout.blob(kind, bytes.as_bytes());
    assert_eq!(of(&|layout, bytes| vec![blob(layout, BUNDLE, bytes)]), "ok");
    assert_eq!(of(&|layout, bytes| vec![blob(layout, BUNDLE, bytes), blob(layout, BUNDLE, bytes)]), "malformed");
    assert_eq!(of(&|layout, bytes| vec![blob(layout, BUNDLE, bytes), blob(layout, "text/plain", "x")]), "malformed");
    assert_eq!(of(&|layout, bytes| vec![blob(layout, "application/json", bytes)]), "malformed");
    assert_eq!(of(&|_, _| Vec::new()), "malformed");
    let old = "application/vnd.dev.sigstore.bundle+json;version=0.1";
    assert_eq!(of(&|layout, bytes| vec![blob(layout, old, &bytes.replace(BUNDLE, old))]), "unsupported");
}

#[test]
fn attack_a_strangers_bundle_does_not_keep_the_tags_from_being_read() {
    let (mut layout, keys, stranger) = (Layout::new(), Keys::new(), Keys::new());
    let digest = layout.signed(APP, "v1", &keys);
    assert_eq!(proven(&layout, &digest, &keys), "ok");
    for bytes in [bundle(&stranger, &digest, SIGNS_IMAGE).to_string(), "no bundle".to_owned()] {
        let layer = layout.blob(BUNDLE, bytes.as_bytes());
        refer(&mut layout, &digest, &[layer]);
    }
    let found = proven(&layout, &digest, &keys);
    assert!(found == "ok signature malformed" || found == "ok malformed signature", "{found}");
    let attested = codes(&prove_attestations(&layout.store(), &image(&digest), &trust(&keys), None).unwrap());
    assert!(attested.starts_with("ok "), "{attested}");
}

#[test]
fn attack_statements_of_another_type_than_the_wanted_one_do_not_count() {
    let (mut layout, keys) = (Layout::new(), Keys::new());
    let digest = layout.signed(APP, "v1", &keys);
    let attested = |layout: &Layout, wanted: &str| {
        codes(&prove_attestations(&layout.store(), &image(&digest), &trust(&keys), Some(wanted)).unwrap())
    };
    assert_eq!(attested(&layout, SLSA), "ok");
    assert_eq!(attested(&layout, "https://spdx.dev/Document"), "predicate-type");
    layout.forget(&format!("{APP}:sha256-{}.sig", digest.hex()));
    layout.forget(&format!("{APP}:sha256-{}.att", digest.hex()));
    let mut layout = layout.copy();
    // A provenance in a bundle signs no image, and what signs the image attests nothing.
    let layer = layout.blob(BUNDLE, bundle(&keys, &digest, SLSA).to_string().as_bytes());
    refer(&mut layout, &digest, &[layer]);
    assert_eq!(proven(&layout, &digest, &keys), "predicate-type");
    assert_eq!(attested(&layout, SLSA), "ok");
    let layer = layout.blob(BUNDLE, bundle(&keys, &digest, SIGNS_IMAGE).to_string().as_bytes());
    refer(&mut layout, &digest, &[layer]);
    assert_eq!(proven(&layout, &digest, &keys), "ok");
    assert_eq!(attested(&layout, "https://spdx.dev/Document"), "predicate-type predicate-type");
}

#[test]
fn attack_a_tag_that_moves_between_its_resolution_and_its_signatures_does_not_pass_another_image() {
    let (mut layout, keys) = (Layout::new(), Keys::new());
    let signed = layout.signed(APP, "v1", &keys);
    let served = TestRegistry::layout(layout.path(), |_| None);
    let store = ContentStore::registry(RegistryOptions::default()).unwrap();
    let name = reference(&format!("{}/{APP}:v1", served.registry()));
    assert_eq!(store.resolve(&name).unwrap().image.digest, signed);
    layout.forget(&format!("{APP}:v1"));
    let unsigned = layout.image_with(APP, "v1", &json!({"build": "2"}));
    assert_ne!(unsigned, signed);
    // What was resolved once stays, and its digest decides.
    let resolved = store.resolve(&name).unwrap().image;
    assert_eq!(resolved.digest, signed);
    assert_eq!(codes(&prove_image(&store, &resolved, &trust(&keys)).unwrap()), "ok");
    let later = ContentStore::registry(RegistryOptions::default()).unwrap();
    let resolved = later.resolve(&name).unwrap().image;
    assert_eq!(resolved.digest, unsigned);
    assert_eq!(codes(&prove_image(&later, &resolved, &trust(&keys)).unwrap()), "");
}
