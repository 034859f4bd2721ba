//! Registries: what is requested how often, and the result of every kind of invalid response.

use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use assay_model::{digest::Digest, error::ErrorCode, limits, port::Blobs as _};

use super::{blob, refused, repository};
use crate::{
    Artifact, ArtifactLayer, ContentStore, Proxies, RegistryOptions, Retry,
    test_support::{Layout, Reply, TestRegistry, reference},
};

/// Options without a wait that anyone would notice.
pub(super) fn options() -> RegistryOptions {
    let retry = Retry { wait: Duration::from_millis(1), longest: Duration::from_millis(20), ..Retry::default() };
    RegistryOptions { retry, ..RegistryOptions::default() }
}

fn store() -> ContentStore {
    ContentStore::registry(options()).unwrap()
}

fn hasty(idle: u64, request: u64) -> ContentStore {
    let options =
        RegistryOptions { idle: Duration::from_millis(idle), request: Duration::from_millis(request), ..options() };
    ContentStore::registry(options).unwrap()
}

/// A registry with one response to every request, and a repository on it.
fn always(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (TestRegistry, String) {
    let served = TestRegistry::start(move |_, _| reply());
    let at = format!("{}/app/good", served.registry());
    (served, at)
}

#[test]
fn a_layout_served_is_read_like_the_layout() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let served = TestRegistry::layout(layout.path(), |_| None);
    let (store, at) = (store(), format!("{}/app/good", served.registry()));
    let resolved = store.resolve(&reference(&format!("{at}:v1"))).unwrap();
    assert_eq!(resolved.image.digest, image);
    let local = layout.store().resolve(&reference(&format!("{at}:v1"))).unwrap();
    assert_eq!(resolved.manifest.bytes(), local.manifest.bytes());
    assert_eq!(resolved.manifest.media_type(), local.manifest.media_type());
    assert_eq!(&*store.blob(&repository(&at), &Digest::of(b"layer")).unwrap(), b"layer");
    assert!(store.tagged(&repository(&at), "none").unwrap().is_none());
    refused(store.resolve(&reference(&format!("{at}:v2"))), ErrorCode::ImageNotFound, &[&format!("{at}:v2")]);
    refused(blob(&store, &at, &Digest::of(b""), None, 9), ErrorCode::BlobNotFound, &[&at]);
}

#[test]
fn twenty_threads_cause_one_request_for_each_thing() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let served = TestRegistry::layout(layout.path(), |_| None);
    let (store, at, start) = (store(), format!("{}/app/good", served.registry()), Barrier::new(20));
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                start.wait();
                let resolved = store.resolve(&reference(&format!("{at}:v1"))).unwrap();
                store.manifest(&resolved.image).unwrap();
                blob(&store, &at, &Digest::of(b"layer"), Some(5), 9).unwrap();
                store.blob(&repository(&at), &Digest::of(b"layer")).unwrap();
                assert!(store.tagged(&repository(&at), "none").unwrap().is_none());
            });
        }
    });
    let mut requests = served.requests();
    requests.sort();
    assert_eq!(
        requests,
        [
            format!("/v2/app/good/blobs/{}", Digest::of(b"layer")),
            "/v2/app/good/manifests/none".to_owned(),
            "/v2/app/good/manifests/v1".to_owned(),
        ]
    );
    assert_eq!(store.resolve(&reference(&format!("{at}:v1"))).unwrap().image.digest, image);
}

#[test]
fn a_tag_that_moves_stays_where_it_was_first_seen() {
    let (mut before, mut after) = (Layout::new(), Layout::new());
    let (first, second) =
        (before.image("app/good", "v1"), after.image_with("app/good", "v1", &serde_json::json!({"a": "b"})));
    assert_ne!(first, second);
    let path = before.path();
    let served = TestRegistry::layout(path.clone(), |_| None);
    let (store, name) = (store(), reference(&format!("{}/app/good:v1", served.registry())));
    assert_eq!(store.resolve(&name).unwrap().image.digest, first);
    fs_err::copy(after.path().join("index.json"), path.join("index.json")).unwrap();
    fs_err::copy(after.file(&second), before.file(&second)).unwrap();
    assert_eq!(store.resolve(&name).unwrap().image.digest, first);
}

#[test]
fn a_failure_is_not_kept() {
    let requested = AtomicUsize::new(0);
    let (_served, at) = always(move || match requested.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Whole(501, Vec::new(), b"down".to_vec()),
        _ => Reply::Whole(200, Vec::new(), b"layer".to_vec()),
    });
    let (store, layer) = (store(), Digest::of(b"layer"));
    refused(blob(&store, &at, &layer, None, 9), ErrorCode::RegistryError, &["501"]);
    assert!(blob(&store, &at, &layer, None, 9).is_ok());
}

#[test]
fn every_status_has_its_code() {
    for (status, code, words) in [
        (500, ErrorCode::RegistryError, "500"),
        (503, ErrorCode::RegistryError, "503"),
        (429, ErrorCode::RegistryError, "429"),
        (204, ErrorCode::RegistryError, "204"),
        (401, ErrorCode::RegistryDenied, "without credentials"),
        (403, ErrorCode::RegistryDenied, "without credentials"),
    ] {
        let (served, at) = always(move || Reply::Whole(status, Vec::new(), Vec::new()));
        let place = served.registry();
        refused(store().resolve(&reference(&format!("{at}:v1"))), code, &[words, &place]);
        refused(blob(&store(), &at, &Digest::of(b""), None, 9), code, &[words, &place]);
        refused(store().tagged(&repository(&at), "sha256-0.sig"), code, &[words, &place]);
    }
}

#[test]
fn what_is_no_http_and_no_manifest_is_named() {
    let (_served, at) = always(|| Reply::Whole(200, Vec::new(), b"<html>".to_vec()));
    refused(store().resolve(&reference(&format!("{at}:v1"))), ErrorCode::Malformed, &["not a JSON object", "v1"]);

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("{}/app/good", listener.local_addr().unwrap());
    let babbler = thread::spawn(move || {
        use std::io::Write as _;
        // The first time, and each time that it is tried again.
        for _ in 0..=Retry::default().times {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n").unwrap();
        }
    });
    refused(blob(&store(), &at, &Digest::of(b""), None, 9), ErrorCode::RegistryError, &["is invalid"]);
    babbler.join().unwrap();
}

#[test]
fn a_registry_that_is_not_there_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("{}/app/good", listener.local_addr().unwrap());
    drop(listener);
    refused(
        store().resolve(&reference(&format!("{at}:v1"))),
        ErrorCode::RegistryUnreachable,
        &[at.trim_end_matches("/app/good")],
    );
}

#[test]
fn a_registry_that_hangs_or_drips_is_given_up() {
    let begun = Instant::now();
    let (served, at) = always(|| Reply::Hang);
    let place = served.registry();
    refused(
        hasty(200, 60_000).resolve(&reference(&format!("{at}:v1"))),
        ErrorCode::RegistryTimeout,
        &[&place, "200 ms"],
    );
    // Bytes that keep coming never reach the idle timeout, so the whole request has a limit too.
    let (served, at) = always(|| Reply::Drip);
    let place = served.registry();
    let requested = blob(&hasty(60_000, 300), &at, &Digest::of(b""), None, 1 << 30);
    refused(requested, ErrorCode::RegistryTimeout, &[&place, "300 ms"]);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_lying_digest_is_found_wherever_it_lies() {
    let (_served, at) = always(|| {
        let lie = ("Docker-Content-Digest", Digest::of(b"other").to_string());
        Reply::Whole(200, vec![lie], b"{}".to_vec())
    });
    let (actual, other) = (Digest::of(b"{}").to_string(), Digest::of(b"other").to_string());
    refused(store().resolve(&reference(&format!("{at}:v1"))), ErrorCode::DigestMismatch, &[&actual, &other]);
    let pinned = reference(&format!("{at}@{other}"));
    refused(store().resolve(&pinned), ErrorCode::DigestMismatch, &[&actual, &other]);
    refused(blob(&store(), &at, &Digest::of(b"other"), None, 9), ErrorCode::DigestMismatch, &[&actual, &other]);
}

#[test]
fn bodies_without_end_are_left_at_the_limit() {
    let (_served, at) = always(|| Reply::Endless);
    let digest = Digest::of(b"");
    refused(store().resolve(&reference(&format!("{at}:v1"))), ErrorCode::TooLarge, &["limit of 4194304"]);
    refused(blob(&store(), &at, &digest, None, 1 << 20), ErrorCode::TooLarge, &["limit of 1048576"]);
    refused(
        blob(&store(), &at, &digest, Some(10), 1 << 20),
        ErrorCode::DigestMismatch,
        &["longer, not the announced 10"],
    );
}

#[test]
fn a_body_announced_as_two_gigabytes_is_not_read() {
    let (served, at) = always(|| Reply::Announced(2 << 30, Vec::new()));
    let digest = Digest::of(b"");
    refused(blob(&store(), &at, &digest, None, limits::BLOB_BYTES), ErrorCode::TooLarge, &["67108864"]);
    refused(store().resolve(&reference(&format!("{at}:v1"))), ErrorCode::TooLarge, &["4194304"]);
    let before = served.requests().len();
    refused(blob(&store(), &at, &digest, Some(2 << 30), limits::BLOB_BYTES), ErrorCode::TooLarge, &["2147483648"]);
    assert_eq!(served.requests().len(), before, "what is announced too large is not requested");
}

#[test]
fn a_body_cut_short_is_no_content() {
    let (_served, at) = always(|| Reply::Announced(10, b"half".to_vec()));
    refused(blob(&store(), &at, &Digest::of(b"half"), None, 99), ErrorCode::RegistryError, &["is invalid"]);
}

#[test]
fn a_registry_that_wants_a_token_gets_an_anonymous_one_for_that_repository() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let path = layout.path();
    let inner = TestRegistry::layout(path, |_| None);
    let tokens = TestRegistry::start(|_, _| Reply::Whole(200, Vec::new(), br#"{"token":"t0ken"}"#.to_vec()));
    let (realm, behind) = (tokens.registry(), inner.registry());
    let served = TestRegistry::start(move |path, authorization| {
        let challenge = format!("Bearer realm=\"http://{realm}/token\",service=\"s p\",scope=\"everything\"");
        match authorization {
            Some("Bearer t0ken") => Reply::Whole(307, vec![("Location", format!("http://{behind}{path}"))], Vec::new()),
            _ => Reply::Whole(401, vec![("WWW-Authenticate", challenge)], Vec::new()),
        }
    });
    let (store, at) = (store(), format!("{}/app/good", served.registry()));
    assert_eq!(store.resolve(&reference(&format!("{at}:v1"))).unwrap().image.digest, image);
    assert!(blob(&store, &at, &Digest::of(b"layer"), Some(5), 9).is_ok());
    assert_eq!(tokens.requests(), ["/token?service=s+p&scope=repository%3Aapp%2Fgood%3Apull"]);
    assert_eq!(served.requests().len(), 3, "the token is used again");
}

fn artifact() -> Artifact {
    let annotations = [("org.opencontainers.image.title".to_owned(), "a.yaml".to_owned())].into();
    let layer = ArtifactLayer { media_type: "m".to_owned(), annotations, bytes: b"a: 1".to_vec() };
    Artifact { made_by: "a test".to_owned(), layers: vec![layer] }
}

#[test]
fn a_push_requests_a_token_to_push_and_sends_it_to_the_registry_alone() {
    let tokens = TestRegistry::start(|_, _| Reply::Whole(200, Vec::new(), br#"{"token":"t0ken"}"#.to_vec()));
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    let denied_after_redirect = TestRegistry::start(move |_, authorization| {
        seen.lock().unwrap().push(authorization.map(str::to_owned));
        Reply::Whole(201, Vec::new(), Vec::new())
    });
    let (realm, blobs) = (tokens.registry(), denied_after_redirect.registry());
    let served = TestRegistry::start(move |path, authorization| match authorization {
        Some("Bearer t0ken") if path.ends_with("/blobs/uploads/") => {
            Reply::Whole(202, vec![("Location", format!("http://{blobs}/up?at=1"))], Vec::new())
        }
        Some("Bearer t0ken") => Reply::Whole(201, Vec::new(), Vec::new()),
        _ => {
            let challenge = format!("Bearer realm=\"http://{realm}/token\",service=\"s\"");
            Reply::Whole(401, vec![("WWW-Authenticate", challenge)], Vec::new())
        }
    });
    let image = reference(&format!("{}/app/record:1", served.registry()));
    let digest = store().push(&image, &artifact()).unwrap();
    assert_eq!(tokens.requests(), ["/token?service=s&scope=repository%3Aapp%2Frecord%3Apull%2Cpush"]);
    assert_eq!(*shown.lock().unwrap(), [None, None], "the configuration and the layer, without the token");
    assert!(
        denied_after_redirect.requests().contains(&format!("/up?at=1&digest=sha256%3A{}", Digest::of(b"a: 1").hex()))
    );
    assert_eq!(served.requests().last().unwrap(), "/v2/app/record/manifests/1");
    assert_eq!(digest, store().push(&image, &artifact()).unwrap(), "the same content is the same image");
}

#[test]
fn what_is_not_taken_is_an_error_and_no_manifest_follows() {
    type Headers = Vec<(&'static str, String)>;
    let to = |place: &str| -> Headers { vec![("Location", place.to_owned())] };
    for (status, headers, code, says) in [
        (401, vec![], ErrorCode::RegistryDenied, "denies pushing"),
        (403, vec![], ErrorCode::RegistryDenied, "denies pushing"),
        (500, vec![], ErrorCode::RegistryError, "500"),
        (201, vec![], ErrorCode::RegistryError, "201"),
        (202, vec![], ErrorCode::RegistryError, "nowhere"),
        (202, to("http://registry.example/x"), ErrorCode::RegistryError, "plain HTTP"),
        (307, to("/other"), ErrorCode::RegistryError, "a redirect of a push"),
    ] {
        let served = TestRegistry::start(move |_, _| Reply::Whole(status, headers.clone(), Vec::new()));
        let image = reference(&format!("{}/app/record:1", served.registry()));
        let error = store().push(&image, &artifact()).unwrap_err();
        assert!(error.code == code && error.message.contains(says), "{status}: {error}");
        assert!(served.requests().iter().all(|path| path == "/v2/app/record/blobs/uploads/"), "{status}");
    }
    let pinned = reference(&format!("r.example/a@{}", Digest::of(b"")));
    assert_eq!(store().push(&pinned, &artifact()).unwrap_err().code, ErrorCode::ImageReference);
}

#[test]
fn a_token_service_without_a_token_is_an_error() {
    for (reply, code) in [
        ((401, &b""[..]), ErrorCode::RegistryDenied),
        ((500, b""), ErrorCode::RegistryError),
        ((200, b"{}"), ErrorCode::RegistryError),
        ((200, br#"{"token":"a\nb"}"#), ErrorCode::RegistryError),
        ((200, &[b' '; 70_000]), ErrorCode::RegistryError),
    ] {
        let tokens = TestRegistry::start(move |_, _| Reply::Whole(reply.0, Vec::new(), reply.1.to_vec()));
        let challenge = format!("Bearer realm=\"http://{}/token\"", tokens.registry());
        let (_served, at) =
            always(move || Reply::Whole(401, vec![("WWW-Authenticate", challenge.clone())], Vec::new()));
        let error = store().resolve(&reference(&format!("{at}:v1"))).unwrap_err();
        assert_eq!(error.code, code, "{error}");
    }
}

#[test]
fn redirects_come_to_an_end() {
    let served = TestRegistry::start(|path, _| Reply::Whole(307, vec![("Location", format!("{path}x"))], Vec::new()));
    let at = format!("{}/app/good", served.registry());
    refused(store().resolve(&reference(&format!("{at}:v1"))), ErrorCode::RegistryError, &["too many redirects"]);
    assert!(served.requests().len() < 10);
}

#[test]
fn loopback_bypasses_every_proxy() {
    let mut layout = Layout::new();
    layout.image("app/good", "v1");
    let served = TestRegistry::layout(layout.path(), |_| None);
    let proxy = TestRegistry::start(|_, _| Reply::Whole(501, Vec::new(), Vec::new()));
    let address = Some(format!("http://{}", proxy.registry()));
    let proxies = Proxies { https: address.clone(), http: address, no_proxy: Some("direct.invalid".to_owned()) };
    let insecure = ["elsewhere.test", "direct.invalid"].map(str::to_owned).to_vec();
    let store = ContentStore::registry(RegistryOptions { proxies, insecure, ..options() }).unwrap();
    assert!(store.resolve(&reference(&format!("{}/app/good:v1", served.registry()))).is_ok());
    assert_eq!(served.requests(), ["/v2/app/good/manifests/v1"]);
    refused(store.resolve(&reference("elsewhere.test/app/good:v1")), ErrorCode::RegistryError, &["501"]);
    assert_eq!(proxy.requests(), ["http://elsewhere.test/v2/app/good/manifests/v1"]);
    refused(store.resolve(&reference("direct.invalid/a:v1")), ErrorCode::RegistryUnreachable, &["direct.invalid"]);
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn what_may_succeed_later_is_tried_again() {
    for status in [429, 408, 503, 499, 500, 502, 504, 522] {
        let requested = AtomicUsize::new(0);
        let (served, at) = always(move || match requested.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Reply::Whole(status, vec![("Retry-After", "0".to_owned())], b"later".to_vec()),
            _ => Reply::Whole(200, Vec::new(), b"layer".to_vec()),
        });
        assert!(blob(&store(), &at, &Digest::of(b"layer"), None, 9).is_ok(), "{status}");
        assert_eq!(served.requests().len(), 3);
    }
    // An interrupted body is requested again, too.
    let requested = AtomicUsize::new(0);
    let (_served, at) = always(move || match requested.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Announced(10, b"la".to_vec()),
        _ => Reply::Whole(200, Vec::new(), b"layer".to_vec()),
    });
    assert!(blob(&store(), &at, &Digest::of(b"layer"), None, 99).is_ok());
}

#[test]
fn a_request_is_retried_so_often_and_no_more() {
    for (times, want) in [(0, 1), (2, 3)] {
        let (served, at) = always(|| Reply::Whole(503, Vec::new(), Vec::new()));
        let retry = Retry { times, ..options().retry };
        let store = ContentStore::registry(RegistryOptions { retry, ..options() }).unwrap();
        refused(blob(&store, &at, &Digest::of(b""), None, 9), ErrorCode::RegistryError, &["503"]);
        assert_eq!(served.requests().len(), want);
    }
}

/// A store whose user has this file of credentials.
pub(super) fn with_config(config: &str) -> (tempfile::TempDir, ContentStore) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    fs_err::write(&file, config).unwrap();
    let store = ContentStore::registry(RegistryOptions { credentials: vec![file], ..options() }).unwrap();
    (folder, store)
}

pub(super) const USER: &str = "Basic dXNlcjpzZWNyZXQ=";

#[test]
fn a_registry_that_wants_a_password_gets_the_users() {
    let served = TestRegistry::start(|_, authorization| match authorization {
        Some(USER) => Reply::Whole(200, Vec::new(), b"layer".to_vec()),
        _ => Reply::Whole(401, vec![("WWW-Authenticate", "Basic realm=\"r\"".to_owned())], Vec::new()),
    });
    let (registry, layer) = (served.registry(), Digest::of(b"layer"));
    let (_folder, store) = with_config(&format!(r#"{{"auths": {{"{registry}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#));
    assert!(blob(&store, &format!("{registry}/a"), &layer, None, 9).is_ok());
    let (_folder, wrong) = with_config(&format!(r#"{{"auths": {{"{registry}": {{"auth": "dXNlcjpvdGhlcg=="}}}}}}"#));
    let requested = blob(&wrong, &format!("{registry}/a"), &layer, None, 9);
    refused(requested, ErrorCode::RegistryDenied, &["with the credentials for it"]);
    let (_folder, none) = with_config("{}");
    refused(
        blob(&none, &format!("{registry}/a"), &layer, None, 9),
        ErrorCode::RegistryDenied,
        &["without credentials"],
    );
}

#[test]
fn a_token_is_fetched_with_the_users_credentials_and_anew_when_it_ends() {
    let given = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&given);
    let tokens = TestRegistry::start(move |_, authorization| match authorization {
        Some(USER) => {
            let token = format!(r#"{{"access_token": "t{}"}}"#, count.fetch_add(1, Ordering::SeqCst));
            Reply::Whole(200, Vec::new(), token.into_bytes())
        }
        _ => Reply::Whole(401, Vec::new(), Vec::new()),
    });
    let realm = tokens.registry();
    let served = TestRegistry::start(move |_, authorization| {
        // Only the newest token counts.
        let newest = given.load(Ordering::SeqCst).checked_sub(1).map(|newest| format!("Bearer t{newest}"));
        if newest.is_some() && authorization == newest.as_deref() {
            given.fetch_add(1, Ordering::SeqCst);
            return Reply::Whole(200, Vec::new(), b"layer".to_vec());
        }
        let challenge = format!("Bearer realm=\"http://{realm}/token\"");
        Reply::Whole(401, vec![("WWW-Authenticate", challenge)], Vec::new())
    });
    let registry = served.registry();
    let auths = format!(r#"{{"auths": {{"{registry}": {{"username": "user", "password": "secret"}}}}}}"#);
    let (_folder, store) = with_config(&auths);
    // Streamed, as cached content would not be requested again.
    for _ in 0..2 {
        let at = repository(&format!("{registry}/a"));
        assert!(store.stream(&at, &Digest::of(b"layer"), 9, |_| ()).is_ok());
    }
    assert_eq!(tokens.requests().len(), 2);
}

#[test]
fn a_redirect_to_somebody_else_carries_no_credential() {
    let other = TestRegistry::start(|_, authorization| match authorization {
        None => Reply::Whole(200, Vec::new(), b"layer".to_vec()),
        Some(_) => Reply::Whole(400, Vec::new(), Vec::new()),
    });
    let denied_after_redirect = other.registry();
    let served = TestRegistry::start(move |path, authorization| match authorization {
        Some(USER) => {
            Reply::Whole(307, vec![("Location", format!("http://{denied_after_redirect}{path}"))], Vec::new())
        }
        _ => Reply::Whole(401, vec![("WWW-Authenticate", "Basic".to_owned())], Vec::new()),
    });
    let registry = served.registry();
    let (_folder, store) = with_config(&format!(r#"{{"auths": {{"{registry}": {{"auth": "dXNlcjpzZWNyZXQ="}}}}}}"#));
    assert!(blob(&store, &format!("{registry}/a"), &Digest::of(b"layer"), None, 9).is_ok());
    assert_eq!(other.requests().len(), 1);
}

/// Helper programs are found by the process's path, so they are called in a separate process: by this test, which
/// starts itself.
#[cfg(unix)]
#[test]
fn a_helper_program_is_called_once() {
    use std::os::unix::fs::PermissionsExt as _;

    const INNER: &str = "ASSAY_TEST_OF_HELPERS";
    if std::env::var_os(INNER).is_some() {
        return fetch_with_helper();
    }
    let folder = tempfile::tempdir().unwrap();
    let (program, log) = (folder.path().join("docker-credential-test"), folder.path().join("log"));
    let script = format!(
        "#!/bin/sh\nread server\necho \"$1 $server\" >> {}\necho '{{\"Username\": \"user\", \"Secret\": \"secret\"}}'\n",
        log.display()
    );
    fs_err::write(&program, script).unwrap();
    fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "store::tests::registry::a_helper_program_is_called_once", "--nocapture"]).env(INNER, "1");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path)));
    let output = again.env("PATH", path.unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let requested = fs_err::read_to_string(&log).unwrap();
    assert_eq!(requested.lines().count(), 1, "{requested}");
    assert!(requested.starts_with("get 127.0.0.1:"), "{requested}");
}

#[cfg(unix)]
fn fetch_with_helper() {
    let served = TestRegistry::start(|_, authorization| match authorization {
        Some(USER) => Reply::Whole(200, Vec::new(), b"layer".to_vec()),
        _ => Reply::Whole(401, vec![("WWW-Authenticate", "Basic".to_owned())], Vec::new()),
    });
    let registry = served.registry();
    let (_folder, store) = with_config(&format!(r#"{{"credHelpers": {{"{registry}": "test"}}}}"#));
    for name in ["a", "b"] {
        assert!(blob(&store, &format!("{registry}/{name}"), &Digest::of(b"layer"), None, 9).is_ok());
    }
}

#[test]
fn a_redirect_to_plain_http_elsewhere_is_not_followed() {
    let to = "http://registry.invalid/v2/";
    let (_served, at) = always(move || Reply::Whole(302, vec![("Location", to.to_owned())], Vec::new()));
    refused(blob(&store(), &at, &Digest::of(b""), None, 9), ErrorCode::RegistryError, &["goes to plain HTTP"]);
}

#[test]
fn referrers_come_from_the_list_of_all_its_pages_or_from_the_tag() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let item = |kind: &str| serde_json::json!({"mediaType": crate::test_support::IMAGE, "digest": Digest::of(kind.as_bytes()), "size": 1, "artifactType": kind});
    let page = |kinds: &[&str]| {
        let items: Vec<_> = kinds.iter().map(|kind| item(kind)).collect();
        serde_json::json!({"schemaVersion": 2, "mediaType": crate::test_support::INDEX, "manifests": items}).to_string()
    };
    let (first, second) = (page(&["a", "b"]), page(&["c"]));
    let served = TestRegistry::layout(layout.path(), move |path| {
        let is_second = path.ends_with("?page=2");
        let link = vec![("Link", "</v2/app/good/referrers/more?page=2>; rel=\"next\"".to_owned())];
        match path.contains("/referrers/") {
            true if is_second => Some(Reply::Whole(200, Vec::new(), second.clone().into_bytes())),
            true => Some(Reply::Whole(200, link, first.clone().into_bytes())),
            false => None,
        }
    });
    let kinds = |store: &ContentStore, at: &str| {
        let image = repository(at).at(image.clone());
        store.referrers(&image).unwrap().iter().map(|one| one.artifact_type.clone()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&store(), &format!("{}/app/good", served.registry())), ["a", "b", "c"]);

    let index = serde_json::from_str(&page(&["t"])).unwrap();
    layout.manifest("app/good", Some(&format!("sha256-{}", image.hex())), &index);
    let served = TestRegistry::layout(layout.path(), |_| None);
    let at = format!("{}/app/good", served.registry());
    let store = store();
    assert_eq!(kinds(&store, &at), ["t"]);
    assert_eq!(kinds(&layout.store(), &at), ["t"]);
    // A registry without the referrers API is not queried for another list.
    store.referrers(&repository(&at).at(Digest::of(b"other"))).unwrap();
    let lists = served.requests().iter().filter(|path| path.contains("/referrers/")).count();
    assert_eq!(lists, 1);
}

#[test]
fn a_list_of_referrers_without_end_is_an_error() {
    let (_served, at) = always(|| {
        let link = vec![("Link", "</v2/app/good/referrers/x>; rel=\"next\"".to_owned())];
        Reply::Whole(200, link, br#"{"schemaVersion": 2, "manifests": []}"#.to_vec())
    });
    let image = repository(&at).at(Digest::of(b"image"));
    refused(store().referrers(&image), ErrorCode::TooLarge, &["more than 20 pages"]);
}
