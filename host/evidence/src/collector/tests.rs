//! Evidence end to end: the same from a folder, a tar file and a registry, and as recorded with `ec`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use assay_model::{
    digest::Digest,
    error::ErrorCode,
    evidence::{CheckKind, Evidence},
    limits,
    port::IndexEntry,
};
use assay_oci::{RegistryOptions, Retry};
use serde_json::{Value, json};

use super::*;
use crate::{
    PublicKey, Relocation,
    fixture::{Attach as _, INDEX, Layout, Reply, Signer, TestRegistry, content, pinned, reference},
};

pub(super) fn collector(store: ContentStore, key: PublicKey) -> EvidenceCollector {
    let trust = Trust::in_key(key, Relocation::Refused);
    EvidenceCollector::new(Arc::new(store), trust, CollectOptions::strict())
}

pub(super) fn remote() -> ContentStore {
    let retry = Retry { wait: Duration::from_millis(1), longest: Duration::from_millis(2), ..Retry::default() };
    ContentStore::registry(RegistryOptions { retry, ..RegistryOptions::default() }).unwrap()
}

/// Everything that evidence says, to compare.
fn summary(evidence: &Evidence) -> Value {
    let attestations: Vec<_> = evidence
        .attestations
        .iter()
        .map(|one| {
            json!({
                "statement": String::from_utf8_lossy(&one.statement),
                "digest": one.digest,
                "type": one.statement_type,
                "predicateType": one.predicate_type,
                "buildType": one.build_type,
                "signatures": one.signatures,
            })
        })
        .collect();
    json!({
        "digest": evidence.image.digest,
        "mediaType": evidence.media_type,
        "manifest": String::from_utf8_lossy(&evidence.manifest),
        "config": evidence.config.as_deref().map(|blob| serde_json::from_slice::<Value>(blob).unwrap()),
        "parent": evidence.base_image.as_ref().map(|base_image| String::from_utf8_lossy(&base_image.config)),
        "signatures": evidence.signatures,
        "attestations": attestations,
        "checks": evidence.checks.iter().map(|check| json!([check.kind.code(), check.failure])).collect::<Vec<_>>(),
    })
}

#[test]
fn a_folder_a_tar_file_and_a_registry_give_the_same_evidence() {
    let (mut layout, signer) = (Layout::new(), Signer::new());
    layout.signed("app/good", "v1", &signer);
    layout.image("app/unsigned", "v1");
    layout.signed("app/wrongkey", "v1", &Signer::new());
    let served = TestRegistry::layout(layout.path(), |_| None);
    let folder = collector(layout.store(), signer.public());
    let tar = collector(ContentStore::open_layout(&layout.tar("")).unwrap(), signer.public());
    let registry = collector(remote(), signer.public());
    for name in ["app/good", "app/unsigned", "app/wrongkey"] {
        let name = reference(&format!("{}/{name}:v1", served.registry()));
        let located = folder.resolve(&name).unwrap();
        assert_eq!(located.index, None);
        let expected = summary(&folder.collect(&located.image).unwrap());
        for other in [&tar, &registry] {
            let located = other.resolve(&name).unwrap();
            assert_eq!(summary(&other.collect(&located.image).unwrap()), expected);
        }
    }
}

#[test]
fn evidence_of_an_image_is_fetched_once_however_often_it_is_collected() {
    let (mut layout, signer) = (Layout::new(), Signer::new());
    let image = layout.signed("app/good", "v1", &signer);
    let served = TestRegistry::layout(layout.path(), |_| None);
    let collector = collector(remote(), signer.public());
    let image = pinned(&format!("{}/app/good", served.registry()), &image);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| collector.collect(&image).unwrap());
        }
    });
    let mut requests = served.requests();
    assert_eq!(requests.len(), 8, "manifest, config, referrers twice, and each tag with its layer: {requests:?}");
    requests.sort();
    requests.dedup();
    assert_eq!(requests.len(), 8);
}

/// An image with this config and these layers, attested by the signer.
fn attested(layout: &mut Layout, config: &[u8], layers: &[Vec<u8>], signer: &Signer) -> PinnedImage {
    let config = layout.blob("application/vnd.oci.image.config.v1+json", config);
    let layers: Vec<_> =
        layers.iter().map(|layer| layout.blob("application/vnd.oci.image.layer.v1.tar", layer)).collect();
    let document = json!({"schemaVersion": 2, "mediaType": crate::fixture::IMAGE, "config": config, "layers": layers});
    let image = layout.manifest("app/operator", None, &document);
    let attestation = layout.attestation(&signer.envelope(crate::fixture::statement(&image).to_string().as_bytes()));
    layout.evidence("app/operator", &image, "att", &[attestation]);
    pinned("q.test/app/operator", &image)
}

#[test]
fn messages_name_the_kind_of_signer_that_is_wanted() {
    use crate::{
        SignerReports,
        keyless::{CertificateLogPolicy, Identity, LogPolicy, Matcher, TrustRoot},
    };
    let mut layout = Layout::new();
    let image = layout.signed("app/a", "1", &Signer::new());
    let image = pinned("app/a", &image);
    let identity = || Identity { subject: Matcher::new("s", "").unwrap(), issuer: Matcher::new("i", "").unwrap() };
    let root = Arc::new(TrustRoot::public_good().unwrap());
    let of_identity = || {
        let (log, certificates) = (LogPolicy::Required, CertificateLogPolicy::Required);
        Trust::in_identities(vec![identity()], &root, log, certificates, Relocation::Refused)
    };
    let of_key = Trust::in_key(Signer::new().public(), Relocation::Refused);
    for (trust, name) in [
        (of_key, "public key"),
        (of_identity(), "identity"),
        (of_identity().with_reports(SignerReports::AsEc), "public key"),
    ] {
        let store = Arc::new(layout.store());
        let evidence = EvidenceCollector::new(store, trust, CollectOptions::strict()).collect(&image).unwrap();
        let failures: Vec<&str> = evidence.checks.iter().filter_map(|check| check.failure.as_deref()).collect();
        let says = format!("matching the given {name}. Verify the correct {name} was provided");
        assert!(failures.len() == 2 && failures.iter().all(|text| text.contains(&says)), "{failures:?}");
    }
}

#[test]
fn an_operators_manifests_are_evidence() {
    let (mut layout, signer) = (Layout::new(), Signer::new());
    let layer = crate::fixture::tar(&[
        ("manifests/a.yaml", b"kind: A\n---\nkind: B\n"),
        ("other/b.yaml", b"kind: B"),
        ("other/broken.yaml", b"[1"),
    ]);
    let mut files = |labels: Value| {
        let config = json!({"config": {"Labels": labels}}).to_string();
        let image = attested(&mut layout, config.as_bytes(), std::slice::from_ref(&layer), &signer);
        collector(layout.store(), signer.public()).collect(&image).unwrap().files
    };
    let want = [("manifests/a.yaml".to_owned(), json!({"kind": "A"}))];
    assert_eq!(files(json!({OPERATOR_MANIFESTS: "manifests/"})), BTreeMap::from(want));
    assert_eq!(files(json!({"other": "label"})), BTreeMap::new());
    assert_eq!(files(json!(null)), BTreeMap::new());
}

#[test]
fn operator_manifests_that_cannot_be_read_are_errors_and_not_absent() {
    let (mut layout, signer) = (Layout::new(), Signer::new());
    let config = json!({"config": {"Labels": {OPERATOR_MANIFESTS: "manifests/"}}}).to_string();
    let mut error = |layers: &[Vec<u8>]| {
        let image = attested(&mut layout, config.as_bytes(), layers, &signer);
        collector(layout.store(), signer.public()).collect(&image).unwrap_err()
    };
    let good = ("manifests/a.yaml", &b"kind: A"[..]);
    let tar = |entries: &[(&str, &[u8])]| crate::fixture::tar(entries);
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for bad in [&b"[1"[..], b"a: 1\na: 2", br#"{"a":1,"a":2}"#, b"\xff", b"{} x", deep.as_bytes()] {
        let error = error(&[tar(&[good, ("manifests/b.yaml", bad)])]);
        assert_eq!(error.code, ErrorCode::Malformed);
        assert!(error.message.contains("`manifests/b.yaml`"), "{error}");
    }
    let linked = |name: &str, target: &str| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, name, target).unwrap();
        builder.into_inner().unwrap()
    };
    let real = tar(&[("real/a.yaml", b"kind: A")]);
    let whole = tar(&[good, ("manifests/b.yaml", &[b'#'; 4096])]);
    let zipped = crate::fixture::gzip(&whole);
    for (layers, says) in [
        (vec![whole[..2048].to_vec()], "not a valid archive"),
        (vec![zipped[..zipped.len() / 2].to_vec()], "not a valid archive"),
        (vec![tar(&[good]), b"this is not an archive, but long enough".repeat(40)], "not a valid archive"),
        (vec![real.clone(), linked("manifests/a.yaml", "../real/a.yaml")], "`manifests/a.yaml` is empty, or a link"),
        (vec![real.clone(), linked("manifests", "real")], "`manifests` is a link or a file"),
        (vec![linked("manifests", "real"), real], "`manifests` is a link or a file"),
    ] {
        let error = error(&layers);
        assert_eq!(error.code, ErrorCode::Malformed);
        assert!(error.message.contains(says), "{error}");
    }
    // What an upper layer replaces is not there.
    let mut layout = Layout::new();
    let layers = [linked("manifests", "real"), tar(&[(".wh.manifests", b"")]), tar(&[good])];
    let image = attested(&mut layout, config.as_bytes(), &layers, &signer);
    assert_eq!(collector(layout.store(), signer.public()).collect(&image).unwrap().files.len(), 1);
}

#[test]
fn a_config_that_cannot_be_read_is_an_error_and_not_absent() {
    let (mut layout, signer) = (Layout::new(), Signer::new());
    let nested = format!(r#"{{"config":{{}},"x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for config in [
        &br#"{"config":{"labels":{}}}"#[..],
        br#"{"Config":{}}"#,
        br#"{"config":{},"config":{}}"#,
        br#"{"config":{}} x"#,
        b"{\"author\":\"\xff\"}",
        nested.as_bytes(),
        b"",
    ] {
        let image = attested(&mut layout, config, &[], &signer);
        let error = collector(layout.store(), signer.public()).collect(&image).unwrap_err();
        assert_eq!(error.code, ErrorCode::Malformed);
        assert!(error.message.starts_with(&format!("the config of {image} cannot be read: ")), "{error}");
    }
}

#[test]
fn a_signed_statement_that_cannot_be_read_is_an_error_beside_one_that_can() {
    let (mut layout, signer) = (Layout::new(), Signer::new());
    let image = layout.image("app/good", "v1");
    let good = crate::fixture::statement(&image).to_string();
    let twice = good.replacen('{', "{\"x\":1,\"x\":2,", 1);
    let deep = good.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(200), "]".repeat(200)), 1);
    let layer = |layout: &Layout, signer: &Signer, text: &str| layout.attestation(&signer.envelope(text.as_bytes()));
    let collect =
        |layout: &Layout| collector(layout.store(), signer.public()).collect(&pinned("q.test/app/good", &image));
    for bad in [&twice, &deep] {
        let mut layout = layout.copy();
        let layers = [layer(&layout, &signer, &good), layer(&layout, &signer, bad)];
        layout.evidence("app/good", &image, "att", &layers);
        let error = collect(&layout).unwrap_err();
        assert_eq!(error.code, ErrorCode::Malformed);
        assert!(error.message.contains("cannot be read"), "{error}");
        // What another key signed does not matter.
        let mut layout = Layout::copy(&layout);
        layout.forget(&format!("app/good:sha256-{}.att", image.hex()));
        let layers = [layer(&layout, &signer, &good), layer(&layout, &Signer::new(), bad)];
        layout.evidence("app/good", &image, "att", &layers);
        assert!(collect(&layout).unwrap().is_evaluable());
    }
}

#[test]
fn nothing_of_an_image_that_nobody_vouches_for_is_read() {
    let (mut layout, stranger) = (Layout::new(), Signer::new());
    let config = json!({"config": {"Labels": {OPERATOR_MANIFESTS: "manifests/"}}}).to_string();
    let dense = format!("[{}1]", "1,".repeat(4 << 20)).into_bytes();
    let layer = crate::fixture::tar(&[("manifests/a.yaml", &dense), ("manifests/b.yaml", b"[1")]);
    for config in [config.as_bytes(), b"not a config"] {
        let image = attested(&mut layout, config, std::slice::from_ref(&layer), &stranger);
        // Not even looked for.
        fs_err::remove_file(layout.file(&Digest::of(&layer))).unwrap();
        let evidence = collector(layout.store(), Signer::new().public()).collect(&image).unwrap();
        assert!(!evidence.is_evaluable() && evidence.files.is_empty());
    }
    let mut layout = Layout::new();
    // With a signature, it is too much for the memory that the files of an image may take.
    let image = attested(&mut layout, config.as_bytes(), std::slice::from_ref(&layer), &stranger);
    let error = collector(layout.store(), stranger.public()).collect(&image).unwrap_err();
    assert_eq!(error.code, ErrorCode::TooLarge);
}

#[test]
fn an_index_is_resolved_with_its_manifests_and_collected_as_itself() {
    let (mut layout, signer) = (Layout::new(), Signer::new());
    let (amd, arm) = (layout.signed("app/index", "amd", &signer), layout.signed("app/index", "arm", &signer));
    let item = |digest: &Digest, platform: Value| {
        let size = content(&layout.file(digest)).len();
        json!({"mediaType": crate::fixture::IMAGE, "digest": digest, "size": size, "platform": platform})
    };
    let items = [item(&amd, json!({"architecture": "amd64", "os": "linux"})), item(&arm, json!(null))];
    let index =
        layout.manifest("app/index", Some("v1"), &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": items}));
    let collector = collector(layout.store(), signer.public());
    let located = collector.resolve(&reference("q.test/app/index:v1")).unwrap();
    assert_eq!(located.image, pinned("q.test/app/index", &index));
    assert_eq!(
        located.index.unwrap(),
        [
            IndexEntry { digest: amd.clone(), position: 0, architecture: Some("amd64".to_owned()) },
            IndexEntry { digest: arm, position: 1, architecture: None },
        ]
    );
    // A signature of its manifests is none of the index, and the other way round.
    let evidence = collector.collect(&located.image).unwrap();
    // The config is that of the image for the default platform.
    assert_eq!((evidence.media_type.as_str(), evidence.config.is_some()), (INDEX, true));
    assert!(!evidence.is_evaluable());
    assert!(collector.collect(&pinned("q.test/app/index", &amd)).unwrap().is_evaluable());
}

#[test]
fn an_index_of_too_many_manifests_is_refused() {
    let mut layout = Layout::new();
    let mut index = |tag: &str, count: usize| {
        let item = json!({"mediaType": crate::fixture::IMAGE, "digest": Digest::of(b"x"), "size": 1});
        let items = vec![item; count];
        layout.manifest("app/index", Some(tag), &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": items}));
    };
    index("most", limits::INDEX_MANIFESTS);
    index("more", limits::INDEX_MANIFESTS + 1);
    let collector = collector(layout.store(), Signer::new().public());
    assert_eq!(collector.resolve(&reference("q.test/app/index:most")).unwrap().index.unwrap().len(), 1000);
    let error = collector.resolve(&reference("q.test/app/index:more")).unwrap_err();
    assert_eq!(error.code, ErrorCode::TooLarge);
    assert!(error.message.contains("1001 manifests"), "{error}");
}

#[test]
fn the_base_image_is_shown_if_it_can_be_read() {
    let mut layout = Layout::new();
    let base = layout.image("base/os", "9");
    let size = content(&layout.file(&base)).len();
    let item = json!({
        "mediaType": crate::fixture::IMAGE, "digest": base, "size": size,
        "platform": {"architecture": "amd64", "os": "linux"},
    });
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [item]});
    let index = layout.manifest("base/os", Some("multi"), &index);
    let (name, digest) = ("org.opencontainers.image.base.name", "org.opencontainers.image.base.digest");
    let none = Digest::of(b"none");
    for (annotations, expected) in [
        (json!({name: "b.test/base/os:9"}), None),
        (json!({name: "b.test/base/os:9", digest: base}), Some(format!("b.test/base/os:9@{base}"))),
        (json!({name: format!("b.test/base/os@{base}"), digest: none}), Some(format!("b.test/base/os@{base}"))),
        (json!({name: "b.test/base/os:multi", digest: index}), Some(format!("b.test/base/os:multi@{index}"))),
        (json!({name: "b.test/base/os:9", digest: none}), None),
        (json!({name: "b.test/base/os"}), None),
        (json!({name: "not an image"}), None),
        (json!({digest: base}), None),
    ] {
        let image = layout.image_with("app/good", "v1", &annotations);
        layout.forget("app/good:v1");
        let collector = collector(layout.store(), Signer::new().public());
        let evidence = collector.collect(&pinned("q.test/app/good", &image)).unwrap();
        assert_eq!(
            evidence.base_image.as_ref().map(|base_image| base_image.reference.clone()),
            expected,
            "{annotations}"
        );
        assert!(
            evidence
                .base_image
                .is_none_or(|base_image| String::from_utf8_lossy(&base_image.config).contains("base/os:9"))
        );
    }
}

#[test]
fn whatever_cannot_be_fetched_is_an_error() {
    let (mut layout, signer) = (Layout::new(), Signer::new());
    let image = layout.signed("app/good", "v1", &signer);
    for part in [".sig", ".att", "/blobs/"] {
        let served = TestRegistry::layout(layout.path(), move |path| {
            (path.contains(part)).then(|| Reply::Whole(500, Vec::new(), Vec::new()))
        });
        let image = pinned(&format!("{}/app/good", served.registry()), &image);
        let error = collector(remote(), signer.public()).collect(&image).unwrap_err();
        assert_eq!(error.code, ErrorCode::RegistryError, "{part}: {error}");
        let served = TestRegistry::layout(layout.path(), move |path| {
            (path.contains(part)).then(|| Reply::Whole(200, Vec::new(), b"something else".to_vec()))
        });
        let image = pinned(&format!("{}/app/good", served.registry()), &image.digest);
        let error = collector(remote(), signer.public()).collect(&image).unwrap_err();
        let code = if part == "/blobs/" { ErrorCode::DigestMismatch } else { ErrorCode::Malformed };
        assert_eq!(error.code, code, "{part}: {error}");
    }
}

#[test]
fn an_image_without_its_config_is_an_error() {
    let (mut layout, signer) = (Layout::new(), Signer::new());
    let image = layout.signed("app/good", "v1", &signer);
    let manifest: Value = serde_json::from_slice(&content(&layout.file(&image))).unwrap();
    let config: Digest = manifest["config"]["digest"].as_str().unwrap().parse().unwrap();
    fs_err::remove_file(layout.file(&config)).unwrap();
    let error = collector(layout.store(), signer.public()).collect(&pinned("q.test/app/good", &image)).unwrap_err();
    assert_eq!(error.code, ErrorCode::BlobNotFound);
    assert!(error.message.contains(&config.to_string()), "{error}");
}

#[test]
fn a_config_beyond_its_limit_is_an_error() {
    let mut layout = Layout::new();
    let size = limits::CONFIG_BYTES + 1;
    let config =
        json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": Digest::of(b""), "size": size});
    let image = layout.manifest("app/good", None, &json!({"schemaVersion": 2, "config": config, "layers": []}));
    let collector = collector(layout.store(), Signer::new().public());
    let error = collector.collect(&pinned("q.test/app/good", &image)).unwrap_err();
    assert_eq!(error.code, ErrorCode::TooLarge);
    assert!(error.message.contains("announced as 8388609 bytes"), "{error}");
}

/// The recorded cases, which are not part of this repository.
#[expect(clippy::disallowed_methods, reason = "where shared data is, only the environment of the test can say")]
fn recorded() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var("ASSAY_SHARED").map_or_else(|_| root.join("../shared"), PathBuf::from);
    shared.join("data/ec")
}

#[test]
#[ignore = "needs shared data"]
fn images_recorded_with_ec_give_the_recorded_checks_and_signatures() {
    let recorded = recorded();
    let key = PublicKey::from_pem(&fs_err::read_to_string(recorded.join("common/cosign.pub")).unwrap()).unwrap();
    let bundle = ContentStore::open_layout(&recorded.join("oci")).unwrap();
    let served = TestRegistry::layout(recorded.join("oci"), |_| None);
    let (bundle, registry) = (collector(bundle, key.clone()), collector(remote(), key.clone()));
    for case in ["out-all-pass", "sig-unsigned", "sig-wrongkey", "sig-several", "index", "real-slsa3"] {
        let report = fs_err::read_to_string(recorded.join("cases").join(case).join("expected/out/json")).unwrap();
        let report: Value = serde_json::from_str(&report.replace("{REGISTRY}", &served.registry())).unwrap();
        assert_eq!(report["key"], key.to_pem(), "{case}");
        for component in report["components"].as_array().unwrap() {
            let image = PinnedImage::parse(component["containerImage"].as_str().unwrap()).unwrap();
            let evidence = bundle.collect(&image).unwrap();
            let (mut here, mut there) = (summary(&evidence), summary(&registry.collect(&image).unwrap()));
            // One base image is recorded with a port of its own, where nobody listens now.
            (here["parent"], there["parent"]) = (Value::Null, Value::Null);
            assert!(here == there, "{case}: bundle and registry differ");
            let shown = json!({
                "signatures": evidence.signatures,
                "attestations": evidence.attestations.iter().map(|one| {
                    // `ec` reports every statement as v0.1; what it gives its policies is the statement's own type.
                    let mut shown = json!({
                        "type": "https://in-toto.io/Statement/v0.1",
                        "predicateType": one.predicate_type,
                        "signatures": one.signatures,
                    });
                    if let Some(build_type) = &one.build_type {
                        shown["predicateBuildType"] = json!(build_type);
                    }
                    shown
                }).collect::<Vec<_>>(),
            });
            for field in ["signatures", "attestations"] {
                let expected = component.get(field).cloned().unwrap_or(json!([]));
                assert_eq!(shown[field], expected, "{case}: {field}");
            }
            let outcome = |kind: CheckKind| evidence.checks.iter().find(|check| check.kind == kind);
            let listed = |list: &str, code: &str| {
                let items = component.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
                items.into_iter().find(|item| item["metadata"]["code"] == code).map(|item| item["msg"].clone())
            };
            for kind in [CheckKind::AttestationSignature, CheckKind::AttestationSyntax, CheckKind::ImageSignature] {
                let failure = outcome(kind).and_then(|check| check.failure.clone());
                assert_eq!(failure.map(Value::from), listed("violations", kind.code()), "{case}: {}", kind.code());
                if component.get("successes").is_some() {
                    let passed = outcome(kind).is_some_and(|check| check.failure.is_none());
                    assert_eq!(passed, listed("successes", kind.code()).is_some(), "{case}: {}", kind.code());
                }
            }
        }
    }
}
