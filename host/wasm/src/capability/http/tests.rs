//! What a call may send, with a client that keeps what it was given.

use std::sync::Mutex;

use super::*;
use crate::grants::{SecretGrant, SecretScheme, SecretValue};

/// Keeps requests, and responds with what it got.
#[derive(Default)]
struct Echo(Mutex<Vec<Sent>>);

/// URL, headers and reach of a request.
type Sent = (String, Vec<(String, String)>, NetworkReach);

impl HttpClient for Echo {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        self.0.lock().unwrap().push((request.url.to_owned(), request.headers.to_vec(), request.reach));
        if request.url.ends_with("/broken") {
            return Err(HttpError::Transport(format!("broke while sending {:?}", request.headers)));
        }
        let headers = request.headers.iter().map(|(name, value)| (format!("x-{name}"), value.clone())).collect();
        Ok(HttpResponse { status: 302, headers, body: request.body.to_vec() })
    }
}

const SECRET: &str = "robot:pass word/1";

fn permission(kind: &str, name: &str, options: &[(&str, &str)]) -> RawPermission {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    RawPermission { kind: kind.to_owned(), name: name.to_owned(), options, reason: String::new() }
}

fn grant(host: &str) -> HttpGrant {
    HttpGrant { host: host.parse().unwrap(), methods: vec!["GET".to_owned()], plain: false, private: false }
}

fn grants() -> Grants {
    let secret = SecretGrant {
        value: SecretValue::new(SECRET),
        host: "ci.test".parse().unwrap(),
        header: "Authorization".to_owned(),
        scheme: SecretScheme::Basic,
        body: true,
    };
    Grants {
        http: vec![grant("ci.test"), HttpGrant { private: true, ..grant("inner.test:8443") }, grant("evil.test")],
        secrets: [("ci".to_owned(), secret)].into(),
        ..Grants::default()
    }
}

fn view(client: &Arc<Echo>) -> HttpView {
    let requested = [
        permission("http", "ci.test", &[("methods", "get, POST")]),
        permission("http", "{url}", &[]),
        permission("http", "{none}", &[]),
        permission("http", "evil.test", &[]),
        permission("http", "ungranted.test", &[]),
        permission("secret", "ci", &[]),
    ];
    let url = Param { name: "url".to_owned(), value: ParamValue::Text("https://inner.test:8443/job/x".to_owned()) };
    HttpView::new("jenkins", &requested, &[url], &grants(), Some(Arc::clone(client) as Arc<dyn HttpClient>), [7; 32])
}

fn get(url: &str) -> GuestRequest {
    GuestRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        auth: None,
        timeout: None,
    }
}

fn send(view: &mut HttpView, request: GuestRequest) -> Result<HttpResponse, HttpError> {
    view.send(request, Duration::from_secs(1), CallLimits::JOB, 1 << 20)
}

fn denied(request: GuestRequest) -> (String, Vec<String>) {
    let client = Arc::new(Echo::default());
    let mut view = view(&client);
    let Err(HttpError::Denied(what)) = send(&mut view, request) else { panic!("it was sent") };
    assert!(client.0.lock().unwrap().is_empty());
    (what, view.denials().iter().map(|denial| denial.text.clone()).collect())
}

#[test]
fn what_is_requested_and_granted_is_sent_and_a_redirect_is_a_response() {
    let client = Arc::new(Echo::default());
    let mut view = view(&client);
    assert_eq!(send(&mut view, get("https://CI.test:443/a/../b#part")).unwrap().status, 302);
    send(&mut view, get("https://inner.test:8443/")).unwrap();
    let sent = client.0.lock().unwrap();
    let shown: Vec<_> = sent.iter().map(|(url, _, reach)| (url.as_str(), *reach)).collect();
    assert_eq!(
        shown,
        [("https://ci.test/b", NetworkReach::Public), ("https://inner.test:8443/", NetworkReach::Private)]
    );
}

#[test]
fn what_is_missing_is_named_with_the_line_to_add() {
    let (what, hints) = denied(get("https://other.test/"));
    assert_eq!(what, "its manifest does not request GET to `other.test:443`");
    assert!(hints.first().unwrap().contains("add the permission `http` of the name `other.test:443`"), "{hints:?}");
    let (what, hints) = denied(get("https://ungranted.test/"));
    assert_eq!(what, "plugins.toml does not grant GET to `https://ungranted.test:443`");
    let line =
        "add `http = [{ host = \"ungranted.test:443\", methods = [\"GET\"] }]` to [plugin.jenkins] of plugins.toml";
    assert!(hints.first().unwrap().contains(line), "{hints:?}");
    let (what, _) = denied(GuestRequest { method: "POST".to_owned(), ..get("https://ci.test/") });
    assert_eq!(what, "plugins.toml does not grant POST to `https://ci.test:443`");
}

#[test]
fn urls_with_two_meanings_are_not_sent() {
    for url in [
        "https://other.test/",
        "https://ci.test:8443/",
        "http://ci.test/",
        "http://ci.test:443/",
        "https://ci.test./",
        "https://user:pass@ci.test/",
        "https://ci.test@evil.example/",
        "https://evil.example\\@ci.test/",
        "https://evil.example/ci.test",
        "https://c\u{131}.test/",
        "https://0x7f.1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::1%25lo]/",
        "ftp://ci.test/",
        "file:///etc/passwd",
        "ci.test",
        "",
    ] {
        denied(get(url));
    }
    denied(GuestRequest { method: "TRACE".to_owned(), ..get("https://ci.test/") });
    denied(GuestRequest { method: "get".to_owned(), ..get("https://ci.test/") });
    denied(get(&format!("https://ci.test/{}", "x".repeat(limits::HTTP_URL_BYTES))));
}

#[test]
fn headers_of_the_connection_are_refused() {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for headers in [
        vec![header("Host", "evil.test")],
        vec![header("authorization", "Bearer x")],
        vec![header("Proxy-Anything", "x")],
        vec![header("Transfer-Encoding", "chunked")],
        vec![header("content-length", "0")],
        vec![header("Connection", "upgrade")],
        vec![header("x", "a\r\nHost: evil.test")],
        vec![header("x\r\ny", "a")],
        vec![header("", "a")],
        vec![header("x", "1"), header("X", "2")],
    ] {
        denied(GuestRequest { headers, ..get("https://ci.test/") });
    }
    let client = Arc::new(Echo::default());
    let headers = (0..=limits::HTTP_HEADERS).map(|at| header(&format!("h{at}"), "v")).collect();
    let many = send(&mut view(&client), GuestRequest { headers, ..get("https://ci.test/") });
    assert!(matches!(many, Err(HttpError::TooLarge(_))));
}

#[test]
fn more_requests_than_the_limit_are_denied_with_its_name() {
    let client = Arc::new(Echo::default());
    let mut view = view(&client);
    let most = usize::try_from(CallLimits::JOB.http_requests).unwrap();
    assert_eq!((0..10_000).take_while(|_| send(&mut view, get("https://ci.test/")).is_ok()).count(), most);
    let Err(HttpError::Denied(what)) = send(&mut view, get("https://ci.test/")) else { panic!("it was sent") };
    assert!(what.contains("quota") && what.contains("`http-requests`"), "{what}");
    assert_eq!(view.denials().len(), 2);
}

#[test]
fn a_secret_goes_to_its_host_and_never_comes_back() {
    let client = Arc::new(Echo::default());
    let mut view = view(&client);
    let word = view.placeholder("ci", Form::Url).unwrap();
    let body = format!("token={word}").into_bytes();
    let response =
        send(&mut view, GuestRequest { auth: Some("ci".to_owned()), body, ..get("https://ci.test/") }).unwrap();
    assert_eq!(client.0.lock().unwrap().first().unwrap().1.first().unwrap().1, "Basic cm9ib3Q6cGFzcyB3b3JkLzE=");
    assert_eq!(response.headers.first().unwrap().1, "Basic ***E=", "{response:?}");
    assert_eq!(response.body, b"token=***");
    let error = send(&mut view, GuestRequest { auth: Some("ci".to_owned()), ..get("https://ci.test/broken") });
    assert!(!error.unwrap_err().to_string().contains("cm9ib3Q6cGFzcyB3b3JkLzE"), "errors are redacted, too");
    // At another host the word goes out as it is, and the name is refused.
    let body = word.clone().into_bytes();
    assert_eq!(send(&mut view, GuestRequest { body, ..get("https://evil.test/") }).unwrap().body, word.as_bytes());
    let refused = send(&mut view, GuestRequest { auth: Some("ci".to_owned()), ..get("https://evil.test/") });
    let unknown = send(&mut view, GuestRequest { auth: Some("xy".to_owned()), ..get("https://evil.test/") });
    let text = |result: Result<_, HttpError>| result.unwrap_err().to_string();
    assert_eq!(text(refused), text(unknown).replace("xy", "ci"));
    // In the next call it is worth nothing.
    let mut next = self::view(&client);
    let body = word.clone().into_bytes();
    assert_eq!(send(&mut next, GuestRequest { body, ..get("https://ci.test/") }).unwrap().body, word.as_bytes());
}
