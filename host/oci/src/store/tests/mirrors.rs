//! What registries.conf says: mirrors that serve, fail or lie, locations, and blocks.

use assay_model::{digest::Digest, error::ErrorCode};
use serde_json::{Value, json};

use super::{blob, refused, registry::options, repository};
use crate::{
    ContentStore, RegistriesConf, RegistryOptions,
    test_support::{Layout, Reply, TestRegistry, pinned, reference},
};

fn store(registries: &Value) -> ContentStore {
    let mut registries_conf = RegistriesConf::default();
    registries_conf.add(&json!({"registry": registries})).unwrap();
    ContentStore::registry(RegistryOptions { registries_conf, ..options() }).unwrap()
}

/// A registry with one image, and its digest.
fn serving(name: &str) -> (Layout, TestRegistry, Digest) {
    let mut layout = Layout::new();
    let image = layout.image(name, "v1");
    let registry = TestRegistry::layout(layout.path(), |_| None);
    (layout, registry, image)
}

#[test]
fn a_mirror_serves_in_place_of_a_registry_that_is_not_there() {
    let (_layout, mirror, image) = serving("cache/app");
    let store =
        store(&json!([{"location": "127.0.0.1:1", "mirror": [{"location": format!("{}/cache", mirror.registry())}]}]));
    let resolved = store.resolve(&reference("127.0.0.1:1/app:v1")).unwrap();
    assert_eq!(resolved.image.to_string(), format!("127.0.0.1:1/app@{image}"), "its name stays");
    blob(&store, "127.0.0.1:1/app", &Digest::of(b"layer"), None, 9).unwrap();
    let read = |from: &mut dyn std::io::Read| std::io::read_to_string(from).unwrap();
    assert_eq!(store.stream(&repository("127.0.0.1:1/app"), &Digest::of(b"layer"), 9, read).unwrap(), "layer");
    assert!(mirror.requests().iter().all(|path| path.starts_with("/v2/cache/app/")), "{:?}", mirror.requests());
}

#[test]
fn a_mirror_that_lacks_something_fails_or_lies_is_passed_over() {
    let (_layout, own, image) = serving("app");
    let failing = [
        TestRegistry::start(|_, _| Reply::Whole(404, Vec::new(), Vec::new())),
        TestRegistry::start(|_, _| Reply::Whole(500, Vec::new(), Vec::new())),
        TestRegistry::start(|_, _| Reply::Whole(401, Vec::new(), Vec::new())),
        TestRegistry::start(|_, _| Reply::Whole(200, Vec::new(), b"other".to_vec())),
    ];
    for mirror in &failing {
        let store = store(&json!([{"location": own.registry(), "mirror": [{"location": mirror.registry()}]}]));
        let name = format!("{}/app", own.registry());
        assert_eq!(store.manifest(&pinned(&name, &image)).unwrap().digest(), &image);
        blob(&store, &name, &Digest::of(b"layer"), None, 9).unwrap();
        assert!(!mirror.requests().is_empty());
    }
    // One that is not there is requested once.
    let store = store(&json!([{"location": own.registry(), "mirror": [{"location": "127.0.0.1:1"}]}]));
    let name = format!("{}/app", own.registry());
    store.manifest(&pinned(&name, &image)).unwrap();
    blob(&store, &name, &Digest::of(b"layer"), None, 9).unwrap();
}

#[test]
fn an_empty_list_of_a_mirror_does_not_hide_what_refers_to_an_image() {
    let item = |digest: &Digest| json!({"mediaType": "a/b", "digest": digest, "size": 1, "artifactType": "c/d"});
    let list = |items: Vec<Value>| {
        let list = json!({"schemaVersion": 2, "mediaType": crate::test_support::INDEX, "manifests": items});
        move |_: &str, _: Option<&str>| Reply::Whole(200, Vec::new(), list.to_string().into_bytes())
    };
    let own = TestRegistry::start(list(vec![item(&Digest::of(b"own"))]));
    let empty = TestRegistry::start(list(Vec::new()));
    let store = store(&json!([{"location": own.registry(), "mirror": [{"location": empty.registry()}]}]));
    let found = store.referrers(&pinned(&format!("{}/app", own.registry()), &Digest::of(b"image"))).unwrap();
    assert_eq!(found.iter().map(|found| &found.descriptor.digest).collect::<Vec<_>>(), [&Digest::of(b"own")]);
    assert!(!empty.requests().is_empty());
}

#[test]
fn a_blocked_registry_is_not_contacted() {
    let (_layout, own, image) = serving("app");
    let store = store(&json!([{"location": own.registry(), "blocked": true}]));
    let name = format!("{}/app", own.registry());
    refused(store.manifest(&pinned(&name, &image)), ErrorCode::RegistryDenied, &["is blocked", "registries.conf"]);
    refused(store.referrers(&pinned(&name, &image)), ErrorCode::RegistryDenied, &["is blocked"]);
    refused(blob(&store, &name, &image, None, 9), ErrorCode::RegistryDenied, &["is blocked"]);
    assert!(own.requests().is_empty(), "{:?}", own.requests());
}

#[test]
fn credentials_of_a_registry_do_not_go_to_its_mirror() {
    let shown = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&shown);
    let mirror = TestRegistry::start(move |_, authorization| {
        seen.lock().unwrap().push(authorization.map(str::to_owned));
        Reply::Whole(401, vec![("WWW-Authenticate", "Basic realm=\"x\"".to_owned())], Vec::new())
    });
    let (_layout, own, image) = serving("app");
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("config.json");
    fs_err::write(&credentials, json!({"auths": {own.registry(): {"auth": "dTpw"}}}).to_string()).unwrap();
    let mut registries_conf = RegistriesConf::default();
    let registries = json!([{"location": own.registry(), "mirror": [{"location": mirror.registry()}]}]);
    registries_conf.add(&json!({"registry": registries})).unwrap();
    let options = RegistryOptions { registries_conf, credentials: vec![credentials], ..options() };
    let store = ContentStore::registry(options).unwrap();
    store.manifest(&pinned(&format!("{}/app", own.registry()), &image)).unwrap();
    let shown = shown.lock().unwrap();
    assert!(!shown.is_empty() && shown.iter().all(Option::is_none), "{shown:?}");
}
