//! Evidence from images and registries that hide it: indexes in indexes, lists that fail or lie, archives cut short.

use assay_model::{digest::Digest, error::ErrorCode, evidence::Evidence};
use serde_json::{Value, json};

use super::{
    tests::{collector, remote},
    *,
};
use crate::{
    Relocation,
    fixture::{
        Attach as _, IMAGE, INDEX, Layout, Reply, Signer, TestRegistry, content, payload, pinned, reference, statement,
    },
};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const APP: &str = "app/good";

fn item(layout: &Layout, digest: &Digest, media_type: &str, platform: &Value) -> Value {
    let size = content(&layout.file(digest)).len();
    json!({"mediaType": media_type, "digest": digest, "size": size, "platform": platform})
}

fn index_of(items: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": items})
}

fn amd64() -> Value {
    json!({"architecture": "amd64", "os": "linux"})
}

#[test]
fn images_of_an_index_in_an_index_are_resolved_too() {
    let mut layout = Layout::new();
    let (one, two) = (layout.image("app/index", "one"), layout.image("app/index", "two"));
    let inner = index_of(&[item(&layout, &one, IMAGE, &amd64())]);
    let inner = layout.manifest("app/index", None, &inner);
    // One without a media type may be an index, too.
    let items = [item(&layout, &two, IMAGE, &json!(null)), item(&layout, &inner, "", &json!(null))];
    layout.manifest("app/index", Some("v1"), &index_of(&items));
    let collector = collector(layout.store(), Signer::new().public());
    let located = collector.resolve(&reference("q.test/app/index:v1")).unwrap();
    let entries = located.index.unwrap();
    let found: Vec<_> = entries.iter().map(|entry| (entry.digest.clone(), entry.position)).collect();
    assert_eq!(found, [(two, 0), (inner.clone(), 1), (one, 0)]);
    assert!(collector.collect(&pinned("q.test/app/index", &inner)).is_ok());
}

#[test]
fn indexes_below_one_another_have_a_limit_on_depth_and_on_number() {
    let mut layout = Layout::new();
    let mut child = layout.image("app/index", "one");
    let mut kind = IMAGE;
    for level in 0..=limits::INDEX_DEPTH + 1 {
        let document = index_of(&[item(&layout, &child, kind, &json!(null))]);
        (child, kind) = (layout.manifest("app/index", Some(&format!("v{level}")), &document), INDEX);
    }
    let collector = collector(layout.store(), Signer::new().public());
    let resolve = |tag: &str| collector.resolve(&reference(&format!("q.test/app/index:{tag}")));
    let deepest = resolve(&format!("v{}", limits::INDEX_DEPTH)).unwrap();
    assert_eq!(deepest.index.as_ref().unwrap().len(), limits::INDEX_DEPTH + 1);
    assert!(collector.collect(&deepest.image).unwrap().config.is_some());
    let error = resolve(&format!("v{}", limits::INDEX_DEPTH + 1)).unwrap_err();
    assert!(error.code == ErrorCode::TooLarge && error.message.contains("below one another"), "{error}");

    // Each level names the one below many times.
    let many = index_of(&vec![item(&layout, &child, INDEX, &json!(null)); 40]);
    let many = layout.manifest("app/index", None, &many);
    layout.manifest("app/index", Some("many"), &index_of(&vec![item(&layout, &many, INDEX, &json!(null)); 40]));
    assert_eq!(
        super::tests::collector(layout.store(), Signer::new().public())
            .resolve(&reference("q.test/app/index:many"))
            .unwrap_err()
            .code,
        ErrorCode::TooLarge
    );
}

#[test]
fn an_index_that_is_announced_as_an_image_is_an_error() {
    let mut layout = Layout::new();
    let one = layout.image("app/index", "one");
    let inner = index_of(&[item(&layout, &one, IMAGE, &amd64())]);
    let inner = layout.manifest("app/index", None, &inner);
    layout.manifest("app/index", Some("v1"), &index_of(&[item(&layout, &inner, IMAGE, &json!(null))]));
    let collector = collector(layout.store(), Signer::new().public());
    assert_eq!(collector.resolve(&reference("q.test/app/index:v1")).unwrap().index.unwrap().len(), 1);
    let error = collector.collect(&pinned("q.test/app/index", &inner)).unwrap_err();
    assert!(error.code == ErrorCode::Malformed && error.message.contains("states another media type"), "{error}");
}

/// A layout with an image signed in a bundle, whose statement calls it so.
fn bundled(name: Option<&str>, artifact_type: bool, signer: &Signer) -> (Layout, Digest) {
    let mut layout = Layout::new();
    let image = layout.image(APP, "v1");
    let mut statements = [statement(&image), statement(&image)];
    statements[0]["predicateType"] = json!("https://sigstore.dev/cosign/sign/v1");
    statements[0]["subject"] = json!([{"name": name, "digest": {"sha256": image.hex()}}]);
    for statement in statements {
        let bundle = json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": "any"}},
            "dsseEnvelope": signer.envelope(statement.to_string().as_bytes()),
        });
        let (config, layer) = (layout.blob(EMPTY, b"{}"), layout.blob(BUNDLE, bundle.to_string().as_bytes()));
        let mut document = json!({
            "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [layer],
            "subject": {"mediaType": IMAGE, "digest": image, "size": 1},
        });
        if artifact_type {
            document["artifactType"] = json!(BUNDLE);
        }
        layout.manifest(APP, None, &document);
    }
    (layout, image)
}

/// The referrers of a layout as a list that says nothing true about their types.
fn list(layout: &Layout, kind: Option<&str>) -> Value {
    let index: Value = serde_json::from_slice(&content(&layout.path().join("index.json"))).unwrap();
    let mut items = Vec::new();
    for entry in index["manifests"].as_array().unwrap() {
        let digest: Digest = entry["digest"].as_str().unwrap().parse().unwrap();
        let manifest: Value = serde_json::from_slice(&content(&layout.file(&digest))).unwrap();
        if manifest.get("subject").is_some() {
            items.push(json!({"mediaType": IMAGE, "digest": digest, "size": entry["size"], "artifactType": kind}));
        }
    }
    index_of(&items)
}

fn failures(evidence: &Evidence) -> Vec<&str> {
    evidence.checks.iter().filter_map(|check| check.failure.as_deref()).collect()
}

#[test]
fn what_a_list_says_of_a_referrer_does_not_decide_whether_it_is_a_bundle() {
    let signer = Signer::new();
    for (kind, artifact_type) in [(Some(EMPTY), true), (None, true), (Some("text/plain"), true), (Some(EMPTY), false)] {
        let (mut layout, image) = bundled(None, artifact_type, &signer);
        let list = list(&layout, kind);
        // Without the referrers API, the list stands under a tag.
        layout.manifest(APP, Some(&format!("sha256-{}", image.hex())), &list);
        let body = list.to_string();
        for api in [false, true] {
            let body = body.clone();
            let served = TestRegistry::layout(layout.path(), move |path| {
                (api && path.contains("/referrers/")).then(|| Reply::Whole(200, Vec::new(), body.clone().into_bytes()))
            });
            let at = pinned(&format!("{}/{APP}", served.registry()), &image);
            let evidence = collector(remote(), signer.public()).collect(&at).unwrap();
            assert!(failures(&evidence).is_empty(), "{kind:?} {artifact_type} {api}: {evidence:?}");
            assert_eq!((evidence.signatures.len(), evidence.attestations.len()), (1, 1), "{kind:?} {api}");
        }
    }
}

#[test]
fn a_signature_in_a_bundle_is_for_the_repository_that_it_names() {
    let signer = Signer::new();
    let collect = |name: Option<&str>, relocation| {
        let (layout, image) = bundled(name, true, &signer);
        let trust = Trust::in_key(signer.public(), relocation);
        let collector = EvidenceCollector::new(Arc::new(layout.store()), trust, CollectOptions::strict());
        collector.collect(&pinned(&format!("other.test/{APP}"), &image)).unwrap()
    };
    for name in ["signed.test/app/good", "app/good"] {
        let evidence = collect(Some(name), Relocation::Refused);
        assert!(failures(&evidence).is_empty() && evidence.notices.is_empty(), "{name}: {evidence:?}");
    }
    for name in ["signed.test/app/other", "app/other", "good"] {
        let evidence = collect(Some(name), Relocation::Refused);
        let found_message = format!("the signature is for the repository {name}, not app/good");
        assert!(failures(&evidence).iter().any(|failure| failure.contains(&found_message)), "{name}: {evidence:?}");
        assert!(evidence.signatures.is_empty());
        assert!(failures(&collect(Some(name), Relocation::Allowed)).is_empty());
    }
    // cosign names none: it counts, and the report says so.
    for name in [None, Some(""), Some("_")] {
        let evidence = collect(name, Relocation::Refused);
        assert!(failures(&evidence).is_empty(), "{evidence:?}");
        assert!(evidence.notices.iter().any(|notice| notice.contains("names no repository")), "{evidence:?}");
        assert!(collect(name, Relocation::Allowed).notices.is_empty());
    }
}

#[test]
fn attack_one_way_that_fails_does_not_lose_what_the_other_has_and_is_named() {
    let signer = Signer::new();
    let html = || Reply::Whole(200, Vec::new(), b"<html>".to_vec());
    // Signed under tags, on a registry whose list of referrers fails.
    let mut layout = Layout::new();
    let image = layout.signed(APP, "v1", &signer);
    for status in [200, 401, 403, 404, 500, 503] {
        let served = TestRegistry::layout(layout.path(), move |path| {
            let reply = if status == 200 { html() } else { Reply::Whole(status, Vec::new(), Vec::new()) };
            path.contains("/referrers/").then_some(reply)
        });
        let at = pinned(&format!("{}/{APP}", served.registry()), &image);
        let evidence = collector(remote(), signer.public()).collect(&at).unwrap();
        assert!(failures(&evidence).is_empty(), "{status}: {evidence:?}");
        let is_named = evidence.notices.iter().any(|notice| notice.contains("not all evidence could be read"));
        assert_eq!(is_named, status != 404, "{status}: {:?}", evidence.notices);
        // Another key: nothing verifies, and what was not read might have been the good one.
        let outcome = collector(remote(), Signer::new().public()).collect(&at);
        assert_eq!(outcome.is_err(), status != 404, "{status}");
    }
    // The other way round.
    let (layout, image) = bundled(Some(APP), true, &signer);
    let list = list(&layout, Some(BUNDLE)).to_string();
    for status in [200, 401, 403, 500] {
        let list = list.clone();
        let served = TestRegistry::layout(layout.path(), move |path| {
            let reply = if status == 200 { html() } else { Reply::Whole(status, Vec::new(), Vec::new()) };
            match path.contains("/referrers/") {
                true => Some(Reply::Whole(200, Vec::new(), list.clone().into_bytes())),
                false => (path.ends_with(".sig") || path.ends_with(".att")).then_some(reply),
            }
        });
        let at = pinned(&format!("{}/{APP}", served.registry()), &image);
        let evidence = collector(remote(), signer.public()).collect(&at).unwrap();
        assert!(failures(&evidence).is_empty(), "{status}: {evidence:?}");
        assert!(!evidence.notices.is_empty(), "{status}");
    }
}

#[test]
fn one_layer_that_cannot_be_read_beside_a_good_one_is_named() {
    let signer = Signer::new();
    let mut layout = Layout::new();
    let image = layout.signed(APP, "v1", &signer);
    let text = payload(APP, &image).to_string();
    let good = layout.signature(text.as_bytes(), &signer.sig(text.as_bytes()));
    let lost = layout.signature(b"lost", &signer.sig(b"lost"));
    layout.evidence(APP, &image, "sig", &[good, lost.clone()]);
    layout.forget(&format!("{APP}:sha256-{}.sig", image.hex()));
    let mut layout = layout.copy();
    layout.evidence(APP, &image, "sig", &[layout.signature(text.as_bytes(), &signer.sig(text.as_bytes())), lost]);
    fs_err::remove_file(layout.file(&Digest::of(b"lost"))).unwrap();
    let evidence =
        collector(layout.store(), signer.public()).collect(&pinned(&format!("q.test/{APP}"), &image)).unwrap();
    assert!(failures(&evidence).is_empty(), "{evidence:?}");
    assert!(evidence.notices.iter().any(|notice| notice.contains(&Digest::of(b"lost").to_string())), "{evidence:?}");
}

#[test]
fn called_ec_evidence_that_cannot_be_read_fails_its_check() {
    let signer = Signer::new();
    let mut layout = Layout::new();
    let image = layout.signed(APP, "v1", &signer);
    for part in [".sig", ".att", "/referrers/"] {
        let served = TestRegistry::layout(layout.path(), move |path| {
            path.contains(part).then(|| Reply::Whole(500, Vec::new(), Vec::new()))
        });
        let at = pinned(&format!("{}/{APP}", served.registry()), &image);
        let options = CollectOptions { on_unreadable: OnUnreadable::Fail, ..CollectOptions::strict() };
        let trust = Trust::in_key(signer.public(), Relocation::Allowed);
        let evidence = EvidenceCollector::new(Arc::new(remote()), trust, options).collect(&at).unwrap();
        let is_lost = part != "/referrers/";
        assert_eq!(failures(&evidence).iter().any(|failure| failure.contains("500")), is_lost, "{part}: {evidence:?}");
    }
}

#[test]
fn called_ec_an_index_without_the_default_platform_has_no_config() {
    let mut layout = Layout::new();
    let one = json!({"mediaType": IMAGE, "digest": Digest::of(b"none"), "size": 4, "platform": amd64()});
    layout.manifest("app/index", Some("v1"), &index_of(&[one]));
    let collect = |on_unreadable| {
        let options = CollectOptions { on_unreadable, ..CollectOptions::strict() };
        let trust = Trust::in_key(Signer::new().public(), Relocation::Refused);
        let collector = EvidenceCollector::new(Arc::new(layout.store()), trust, options);
        let image = collector.resolve(&reference("q.test/app/index:v1")).unwrap().image;
        (collector.check_exists(&image).is_ok(), collector.collect(&image))
    };
    assert!(matches!(collect(OnUnreadable::Fail), (true, Ok(evidence)) if evidence.config.is_none()));
    assert!(matches!(collect(OnUnreadable::Error), (true, Err(error)) if error.code == ErrorCode::ImageNotFound));
}

#[test]
fn the_base_image_is_requested_anonymously_unless_the_user_names_its_registry() {
    let (mut layout, mut bases) = (Layout::new(), Layout::new());
    let base = bases.image("base/os", "9");
    let served_bases = TestRegistry::layout(bases.path(), |_| None);
    let host = served_bases.registry();
    let image = layout.image_with(
        APP,
        "v1",
        &json!({"org.opencontainers.image.base.name": format!("{host}/base/os:9"), "org.opencontainers.image.base.digest": base}),
    );
    let served = TestRegistry::layout(layout.path(), |_| None);
    let at = pinned(&format!("{}/{APP}", served.registry()), &image);
    let stranger = collector(remote(), Signer::new().public());
    let evidence = stranger.collect(&at).unwrap();
    assert!(evidence.base_image.is_none());
    assert!(evidence.notices.iter().any(|notice| notice.contains("the base image was not read")), "{evidence:?}");
    assert_eq!(served_bases.requests(), [""; 0]);
    // Named in the Snapshot, it is accessed.
    let known = collector(remote(), Signer::new().public());
    known.resolve(&reference(&format!("{host}/base/os:9"))).unwrap();
    assert!(known.collect(&at).unwrap().base_image.is_some());
}
