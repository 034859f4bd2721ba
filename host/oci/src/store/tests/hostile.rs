//! Registries and images that try to obtain credentials, responses of private networks, or time.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use assay_model::{digest::Digest, error::ErrorCode};

use super::{
    blob, refused,
    registry::{USER, options, with_config},
    repository,
};
use crate::{
    ContentStore, RegistryOptions,
    test_support::{Reply, TestRegistry, reference},
};

type Shown = Arc<Mutex<Vec<Option<String>>>>;

/// A server with a fixed response that records the credentials it received.
fn recording(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (TestRegistry, Shown) {
    let shown = Shown::default();
    let seen = Arc::clone(&shown);
    let served = TestRegistry::start(move |_, authorization| {
        seen.lock().unwrap().push(authorization.map(str::to_owned));
        reply()
    });
    (served, shown)
}

fn unauthorized(challenge: &str) -> Reply {
    Reply::Whole(401, vec![("WWW-Authenticate", challenge.to_owned())], Vec::new())
}

#[test]
fn a_challenge_from_where_a_registry_redirects_to_gets_no_credentials() {
    let (service, at_service) = recording(|| Reply::Whole(200, Vec::new(), br#"{"token":"t"}"#.to_vec()));
    let bearer = format!("Bearer realm=\"http://{}/token\"", service.registry());
    for challenge in ["Basic realm=\"r\"".to_owned(), bearer] {
        let (stranger, at_stranger) = recording(move || unauthorized(&challenge));
        let to = format!("http://{}/v2/x", stranger.registry());
        let served = TestRegistry::start(move |_, _| Reply::Whole(307, vec![("Location", to.clone())], Vec::new()));
        let registry = served.registry();
        let (_folder, store) =
            with_config(&format!(r#"{{"auths": {{"{registry}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#));
        let requested = blob(&store, &format!("{registry}/a"), &Digest::of(b"layer"), None, 9);
        refused(requested, ErrorCode::RegistryDenied, &["redirects", "none are sent"]);
        assert_eq!(*at_stranger.lock().unwrap(), [None]);
    }
    assert_eq!(*at_service.lock().unwrap(), []);
}

#[test]
fn a_registry_cannot_name_another_token_service_later() {
    let (first, at_first) = recording(|| Reply::Whole(200, Vec::new(), br#"{"token":"t"}"#.to_vec()));
    let (second, at_second) = recording(|| Reply::Whole(200, Vec::new(), br#"{"token":"t"}"#.to_vec()));
    let (one, two) = (first.registry(), second.registry());
    let served = TestRegistry::start(move |path, authorization| match authorization {
        Some("Bearer t") => Reply::Whole(200, Vec::new(), b"layer".to_vec()),
        _ if path.starts_with("/v2/a/") => unauthorized(&format!("Bearer realm=\"http://{one}/token\"")),
        _ => unauthorized(&format!("Bearer realm=\"http://{two}/token\"")),
    });
    let registry = served.registry();
    let (_folder, store) = with_config(&format!(r#"{{"auths": {{"{registry}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#));
    let layer = Digest::of(b"layer");
    assert!(blob(&store, &format!("{registry}/a"), &layer, None, 9).is_ok());
    let requested = blob(&store, &format!("{registry}/b"), &layer, None, 9);
    refused(
        requested,
        ErrorCode::RegistryError,
        &["names an unacceptable token service", &second.registry(), &first.registry()],
    );
    assert_eq!(*at_first.lock().unwrap(), [Some(USER.to_owned())]);
    assert_eq!(*at_second.lock().unwrap(), []);
}

#[test]
fn what_only_an_image_names_is_accessed_without_credentials_and_not_in_private_networks() {
    let (served, shown) = recording(|| unauthorized("Basic"));
    let registry = served.registry();
    let config = format!(r#"{{"auths": {{"{registry}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#);
    let (folder, store) = with_config(&config);
    for host in [registry.as_str(), "localhost:1", "169.254.169.254", "10.0.0.1:5000", "[fd00::1]:5000"] {
        let requested = store.named_by_images().resolve(&reference(&format!("{host}/a:v1")));
        refused(requested, ErrorCode::RegistryDenied, &["private network", "only an image refers to it"]);
    }
    assert_eq!(*shown.lock().unwrap(), []);

    let credentials = vec![folder.path().join("config.json")];
    let allowed = vec![registry.clone()];
    let store = ContentStore::registry(RegistryOptions { credentials, allowed, ..options() }).unwrap();
    assert!(store.is_allowed(&registry) && !store.is_allowed("other.test"));
    let requested = store.named_by_images().resolve(&reference(&format!("{registry}/a:v1")));
    refused(requested, ErrorCode::RegistryDenied, &["without credentials"]);
    assert_eq!(*shown.lock().unwrap(), [None]);
}

#[test]
fn what_may_not_be_done_twice_is_not_tried_again() {
    let served = TestRegistry::start(|_, _| Reply::Whole(502, Vec::new(), Vec::new()));
    let store = ContentStore::registry(options()).unwrap();
    let image = reference(&format!("{}/app/record:1", served.registry()));
    let error = store.push(&image, &crate::Artifact::default()).unwrap_err();
    assert!(error.message.contains("502"), "{error}");
    assert_eq!(served.requests().len(), 1, "an upload is started once");
}

#[test]
fn nothing_that_is_fetched_outlasts_the_run() {
    let served = TestRegistry::start(|_, _| Reply::Drip);
    let (begun, digest) = (Instant::now(), Digest::of(b"layer"));
    let deadline = Some(begun + Duration::from_millis(300));
    let store = ContentStore::registry(RegistryOptions { deadline, ..options() }).unwrap();
    let at = repository(&format!("{}/app", served.registry()));
    refused(blob(&store, &at.to_string(), &digest, None, 1 << 30), ErrorCode::Deadline, &["time limit of the run"]);
    let streamed = store.stream(&at, &digest, 1 << 30, |from| std::io::copy(from, &mut std::io::sink()).ok());
    refused(streamed, ErrorCode::Deadline, &["time limit of the run"]);
    refused(store.resolve(&reference(&format!("{at}:v1"))), ErrorCode::Deadline, &["time limit of the run"]);
    refused(store.referrers(&at.at(digest)), ErrorCode::Deadline, &["time limit of the run"]);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
