//! Registries: what is asked for how often, and what becomes of every way to answer wrongly.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use assay_model::{digest::Digest, failure::ErrorCode, limits, port::Blobs as _};

use super::{blob, refused, repository};
use crate::{
    RegistryOptions, Store,
    fixture::{Layout, reference},
    served::{Answer, Served},
};

fn store() -> Store {
    Store::registry(RegistryOptions::default()).unwrap()
}

fn hasty(idle: u64, request: u64) -> Store {
    let options = RegistryOptions {
        idle: Duration::from_millis(idle),
        request: Duration::from_millis(request),
        ..RegistryOptions::default()
    };
    Store::registry(options).unwrap()
}

/// A registry that answers every request in one way, and a repository on it.
fn always(answer: impl Fn() -> Answer + Send + Sync + 'static) -> (Served, String) {
    let served = Served::start(move |_, _| answer());
    let at = format!("{}/app/good", served.registry());
    (served, at)
}

#[test]
fn a_layout_served_is_read_like_the_layout() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let served = Served::layout(layout.path(), |_| None);
    let (store, at) = (store(), format!("{}/app/good", served.registry()));
    let resolved = store.resolve(&reference(&format!("{at}:v1"))).unwrap();
    assert_eq!(resolved.image.digest, image);
    let bundled = layout.store().resolve(&reference(&format!("{at}:v1"))).unwrap();
    assert_eq!(resolved.manifest.bytes(), bundled.manifest.bytes());
    assert_eq!(resolved.manifest.media_type(), bundled.manifest.media_type());
    assert_eq!(&*store.blob(&repository(&at), &Digest::of(b"layer")).unwrap(), b"layer");
    assert!(store.tagged(&repository(&at), "none").unwrap().is_none());
    refused(store.resolve(&reference(&format!("{at}:v2"))), ErrorCode::ImageNotFound, &[&format!("{at}:v2")]);
    refused(blob(&store, &at, &Digest::of(b""), None, 9), ErrorCode::BlobNotFound, &[&at]);
}

#[test]
fn twenty_threads_cause_one_request_for_each_thing() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let served = Served::layout(layout.path(), |_| None);
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
    let served = Served::layout(path.clone(), |_| None);
    let (store, name) = (store(), reference(&format!("{}/app/good:v1", served.registry())));
    assert_eq!(store.resolve(&name).unwrap().image.digest, first);
    fs_err::copy(after.path().join("index.json"), path.join("index.json")).unwrap();
    fs_err::copy(after.file(&second), before.file(&second)).unwrap();
    assert_eq!(store.resolve(&name).unwrap().image.digest, first);
}

#[test]
fn a_failure_is_not_kept() {
    let asked = AtomicUsize::new(0);
    let (_served, at) = always(move || match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Whole(500, Vec::new(), b"down".to_vec()),
        _ => Answer::Whole(200, Vec::new(), b"layer".to_vec()),
    });
    let (store, layer) = (store(), Digest::of(b"layer"));
    refused(blob(&store, &at, &layer, None, 9), ErrorCode::RegistryError, &["500"]);
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
        let (served, at) = always(move || Answer::Whole(status, Vec::new(), Vec::new()));
        let place = served.registry();
        refused(store().resolve(&reference(&format!("{at}:v1"))), code, &[words, &place]);
        refused(blob(&store(), &at, &Digest::of(b""), None, 9), code, &[words, &place]);
        refused(store().tagged(&repository(&at), "sha256-0.sig"), code, &[words, &place]);
    }
}

#[test]
fn what_is_no_http_and_no_manifest_is_named() {
    let (_served, at) = always(|| Answer::Whole(200, Vec::new(), b"<html>".to_vec()));
    refused(store().resolve(&reference(&format!("{at}:v1"))), ErrorCode::Malformed, &["not a JSON object", "v1"]);

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("{}/app/good", listener.local_addr().unwrap());
    let babbler = thread::spawn(move || {
        use std::io::Write as _;
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n").unwrap();
    });
    refused(blob(&store(), &at, &Digest::of(b""), None, 9), ErrorCode::RegistryError, &["is broken"]);
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
    let (served, at) = always(|| Answer::Hang);
    let place = served.registry();
    refused(
        hasty(200, 60_000).resolve(&reference(&format!("{at}:v1"))),
        ErrorCode::RegistryTimeout,
        &[&place, "200 ms"],
    );
    // Bytes that never stop coming keep the silence short, so the whole has a limit too.
    let (served, at) = always(|| Answer::Drip);
    let place = served.registry();
    let asked = blob(&hasty(60_000, 300), &at, &Digest::of(b""), None, 1 << 30);
    refused(asked, ErrorCode::RegistryTimeout, &[&place, "300 ms"]);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_lying_digest_is_found_wherever_it_lies() {
    let (_served, at) = always(|| {
        let lie = ("Docker-Content-Digest", Digest::of(b"other").to_string());
        Answer::Whole(200, vec![lie], b"{}".to_vec())
    });
    let (actual, other) = (Digest::of(b"{}").to_string(), Digest::of(b"other").to_string());
    refused(store().resolve(&reference(&format!("{at}:v1"))), ErrorCode::DigestMismatch, &[&actual, &other]);
    let pinned = reference(&format!("{at}@{other}"));
    refused(store().resolve(&pinned), ErrorCode::DigestMismatch, &[&actual, &other]);
    refused(blob(&store(), &at, &Digest::of(b"other"), None, 9), ErrorCode::DigestMismatch, &[&actual, &other]);
}

#[test]
fn bodies_without_end_are_left_at_the_limit() {
    let (_served, at) = always(|| Answer::Endless);
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
    let (served, at) = always(|| Answer::Announced(2 << 30, Vec::new()));
    let digest = Digest::of(b"");
    refused(blob(&store(), &at, &digest, None, limits::BLOB_BYTES), ErrorCode::TooLarge, &["67108864"]);
    refused(store().resolve(&reference(&format!("{at}:v1"))), ErrorCode::TooLarge, &["4194304"]);
    let before = served.requests().len();
    refused(blob(&store(), &at, &digest, Some(2 << 30), limits::BLOB_BYTES), ErrorCode::TooLarge, &["2147483648"]);
    assert_eq!(served.requests().len(), before, "what is announced too large is not asked for");
}

#[test]
fn a_body_cut_short_is_no_content() {
    let (_served, at) = always(|| Answer::Announced(10, b"half".to_vec()));
    refused(blob(&store(), &at, &Digest::of(b"half"), None, 99), ErrorCode::RegistryError, &["is broken"]);
}

#[test]
fn a_registry_that_wants_a_token_gets_an_anonymous_one_for_that_repository() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let path = layout.path();
    let inner = Served::layout(path, |_| None);
    let tokens = Served::start(|_, _| Answer::Whole(200, Vec::new(), br#"{"token":"t0ken"}"#.to_vec()));
    let (realm, behind) = (tokens.registry(), inner.registry());
    let served = Served::start(move |path, authorization| {
        let challenge = format!("Bearer realm=\"http://{realm}/token\",service=\"s p\",scope=\"everything\"");
        match authorization {
            Some("Bearer t0ken") => {
                Answer::Whole(307, vec![("Location", format!("http://{behind}{path}"))], Vec::new())
            }
            _ => Answer::Whole(401, vec![("WWW-Authenticate", challenge)], Vec::new()),
        }
    });
    let (store, at) = (store(), format!("{}/app/good", served.registry()));
    assert_eq!(store.resolve(&reference(&format!("{at}:v1"))).unwrap().image.digest, image);
    assert!(blob(&store, &at, &Digest::of(b"layer"), Some(5), 9).is_ok());
    assert_eq!(tokens.requests(), ["/token?service=s+p&scope=repository%3Aapp%2Fgood%3Apull"]);
    assert_eq!(served.requests().len(), 3, "the token is used again");
}

#[test]
fn a_token_service_that_gives_none_is_no_answer() {
    for (answer, code) in [
        ((401, &b""[..]), ErrorCode::RegistryDenied),
        ((500, b""), ErrorCode::RegistryError),
        ((200, b"{}"), ErrorCode::RegistryError),
        ((200, br#"{"token":"a\nb"}"#), ErrorCode::RegistryError),
        ((200, &[b' '; 70_000]), ErrorCode::RegistryError),
    ] {
        let tokens = Served::start(move |_, _| Answer::Whole(answer.0, Vec::new(), answer.1.to_vec()));
        let challenge = format!("Bearer realm=\"http://{}/token\"", tokens.registry());
        let (_served, at) =
            always(move || Answer::Whole(401, vec![("WWW-Authenticate", challenge.clone())], Vec::new()));
        let error = store().resolve(&reference(&format!("{at}:v1"))).unwrap_err();
        assert_eq!(error.code, code, "{error}");
    }
}

#[test]
fn redirects_come_to_an_end() {
    let served = Served::start(|path, _| Answer::Whole(307, vec![("Location", format!("{path}x"))], Vec::new()));
    let at = format!("{}/app/good", served.registry());
    refused(store().resolve(&reference(&format!("{at}:v1"))), ErrorCode::RegistryError, &["too many redirects"]);
    assert!(served.requests().len() < 10);
}

/// In a process of its own, as the environment belongs to all threads.
#[test]
fn loopback_is_asked_round_every_proxy() {
    let mut layout = Layout::new();
    layout.image("app/good", "v1");
    let served = Served::layout(layout.path(), |_| None);
    let proxy = Served::start(|_, _| Answer::Whole(502, Vec::new(), Vec::new()));
    let here = std::env::current_exe().unwrap();
    let mut again = std::process::Command::new(here);
    again.args(["--exact", "store::tests::registry::proxied_process", "--ignored", "--nocapture"]);
    again.env("ASSAY_TEST_REGISTRY", served.registry()).env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        again.env(name, format!("http://{}", proxy.registry()));
    }
    let output = again.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(served.requests(), ["/v2/app/good/manifests/v1"]);
    // The environment did reach the client: a host that is not loopback goes through the proxy.
    assert_eq!(proxy.requests(), ["http://elsewhere.test/v2/app/good/manifests/v1"]);
}

#[test]
#[ignore = "the other half of loopback_is_asked_round_every_proxy, which starts it"]
#[expect(clippy::disallowed_methods, reason = "the two halves have only the environment to talk by")]
fn proxied_process() {
    let registry = std::env::var("ASSAY_TEST_REGISTRY").unwrap();
    assert!(store().resolve(&reference(&format!("{registry}/app/good:v1"))).is_ok());
    let options = RegistryOptions { insecure: vec!["elsewhere.test".to_owned()], ..RegistryOptions::default() };
    let store = Store::registry(options).unwrap();
    refused(store.resolve(&reference("elsewhere.test/app/good:v1")), ErrorCode::RegistryError, &["502"]);
}
