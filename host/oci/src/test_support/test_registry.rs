//! [`TestRegistry`]: a registry on a loopback port for tests, honest or hostile.
//!
//! Written on sockets, as a proper server would not let itself be made to lie about lengths.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use assay_model::digest::Digest;
use serde_json::Value;

/// The response to a request.
pub enum Reply {
    /// A complete response: status, headers, body.
    Whole(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// An announced length, and then these bytes and no more.
    Announced(u64, Vec<u8>),
    /// A part of content from this byte on, up to this total: these bytes, which may be fewer.
    Part(u64, u64, Vec<u8>),
    /// A body without announced length that never ends.
    Endless,
    /// A body that comes a byte at a time, forever.
    Drip,
    /// Nothing.
    Hang,
}

/// A running server. It ends with the test.
pub struct TestRegistry {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl TestRegistry {
    /// Responds to requests by path and the `Authorization` header. A `Range` header follows the path after a space.
    pub fn start(reply: impl Fn(&str, Option<&str>) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_on_requests(move |request| reply(&request.path, request.authorization.as_deref()))
    }

    fn start_on_requests(reply: impl Fn(&Incoming) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let registry = Self { address: listener.local_addr().unwrap(), requests: Arc::default(), stop: Arc::default() };
        let (reply, requests, stop) = (Arc::new(reply), Arc::clone(&registry.requests), Arc::clone(&registry.stop));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (reply, requests) = (Arc::clone(&reply), Arc::clone(&requests));
                // A client that goes away in the middle is what many tests are about.
                thread::spawn(move || serve(stream, &requests, &*reply).ok());
            }
        });
        registry
    }

    /// A registry that keeps what is pushed, with or without the API for referrers.
    pub fn writable(has_referrers: bool) -> Self {
        let content = WritableContent { has_referrers, ..WritableContent::default() };
        let content = Mutex::new(content);
        Self::start_on_requests(move |request| content.lock().unwrap().reply(request))
    }

    /// Serves a layout as a registry would; `other` may respond instead.
    pub fn layout(layout: PathBuf, other: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::start(move |path, _| other(path).unwrap_or_else(|| from_layout(&layout, path)))
    }

    /// The registry as it stands in image references.
    #[must_use]
    pub fn registry(&self) -> String {
        self.address.to_string()
    }

    /// The paths requested so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

/// A request.
struct Incoming {
    method: String,
    path: String,
    authorization: Option<String>,
    body: Vec<u8>,
}

/// What was pushed, by the paths that it is read from.
#[derive(Default)]
struct WritableContent {
    has_referrers: bool,
    content: std::collections::BTreeMap<String, Vec<u8>>,
    /// Manifests with a subject, by the path of the subject's list.
    referrers: std::collections::BTreeMap<String, Vec<Value>>,
}

impl WritableContent {
    fn reply(&mut self, request: &Incoming) -> Reply {
        let path = request.path.as_str();
        let not_found = || Reply::Whole(404, Vec::new(), br#"{"errors":[{"code":"UNKNOWN"}]}"#.to_vec());
        match request.method.as_str() {
            "POST" => Reply::Whole(202, vec![("Location", format!("{path}upload"))], Vec::new()),
            "PUT" => match path.split_once("/blobs/uploads/upload?digest=") {
                Some((repository, digest)) => {
                    let digest = digest.replace("%3A", ":");
                    if Digest::of(&request.body).to_string() != digest {
                        return Reply::Whole(400, Vec::new(), Vec::new());
                    }
                    self.content.insert(format!("{repository}/blobs/{digest}"), request.body.clone());
                    Reply::Whole(201, Vec::new(), Vec::new())
                }
                None => self.put_manifest(path, &request.body),
            },
            _ if path.ends_with("/tags/list") => {
                let folder = format!("{}manifests/", path.trim_end_matches("tags/list"));
                let names = self.content.keys().filter_map(|known| known.strip_prefix(&folder));
                let tags: Vec<_> = names.filter(|name| !name.contains(':')).collect();
                if tags.is_empty() {
                    return not_found();
                }
                Reply::Whole(200, Vec::new(), serde_json::json!({"name": "x", "tags": tags}).to_string().into_bytes())
            }
            _ if path.contains("/referrers/") && self.has_referrers => {
                let path = path.split('?').next().unwrap_or_default();
                let listed = self.referrers.get(path).cloned().unwrap_or_default();
                let index = serde_json::json!({
                    "schemaVersion": 2,
                    "mediaType": "application/vnd.oci.image.index.v1+json",
                    "manifests": listed,
                });
                Reply::Whole(200, Vec::new(), index.to_string().into_bytes())
            }
            _ => match self.content.get(path) {
                Some(bytes) => Reply::Whole(200, Vec::new(), bytes.clone()),
                None if path == "/v2/" => Reply::Whole(200, Vec::new(), b"{}".to_vec()),
                None => not_found(),
            },
        }
    }

    fn put_manifest(&mut self, path: &str, body: &[u8]) -> Reply {
        let digest = Digest::of(body).to_string();
        let manifest: Value = serde_json::from_slice(body).unwrap();
        let (folder, _) = path.rsplit_once('/').unwrap();
        self.content.insert(path.to_owned(), body.to_vec());
        self.content.insert(format!("{folder}/{digest}"), body.to_vec());
        let subject = manifest["subject"]["digest"].as_str();
        let Some(subject) = subject.filter(|_| self.has_referrers) else {
            return Reply::Whole(201, Vec::new(), Vec::new());
        };
        let listed = self.referrers.entry(format!("{}/referrers/{subject}", folder.trim_end_matches("/manifests")));
        listed.or_default().push(serde_json::json!({
            "mediaType": manifest["mediaType"], "digest": digest, "size": body.len(),
            "artifactType": manifest["artifactType"],
        }));
        Reply::Whole(201, vec![("OCI-Subject", subject.to_owned())], Vec::new())
    }
}

fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<String>>,
    reply: &dyn Fn(&Incoming) -> Reply,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let method = words.next().unwrap_or_default();
    let mut path = words.next().unwrap_or_default();
    let (mut authorization, mut length) = (None, 0);
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = Some(value.trim().to_owned());
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("range")
        {
            path = format!("{path} {}", value.trim());
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    // What is pushed is read to its end: a response before that would be lost.
    let mut body = Vec::new();
    lines.by_ref().take(length).read_to_end(&mut body)?;
    requests.lock().unwrap().push(path.clone());
    match reply(&Incoming { method, path, authorization, body }) {
        Reply::Whole(status, headers, body) => {
            write!(stream, "HTTP/1.1 {status} Status\r\nConnection: close\r\nContent-Length: {}\r\n", body.len())?;
            for (name, value) in headers {
                write!(stream, "{name}: {value}\r\n")?;
            }
            stream.write_all(b"\r\n")?;
            stream.write_all(&body)
        }
        Reply::Announced(length, body) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")?;
            stream.write_all(&body)
        }
        Reply::Part(start, total, body) => {
            let (last, length) = (total.saturating_sub(1), total.saturating_sub(start));
            write!(stream, "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Length: {length}\r\n")?;
            write!(stream, "Content-Range: bytes {start}-{last}/{total}\r\n\r\n")?;
            stream.write_all(&body)
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 64 << 10])?;
            }
        }
        Reply::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.set_read_timeout(Some(std::time::Duration::from_millis(20)))?;
            loop {
                stream.write_all(b"x")?;
                // The pause: a read that finds nothing until its own limit, or the end of the connection.
                if matches!(lines.read(&mut [0]), Ok(0)) {
                    return Ok(());
                }
            }
        }
        Reply::Hang => lines.read_to_end(&mut Vec::new()).map(drop),
    }
}

/// What a registry with this layout would respond.
fn from_layout(layout: &std::path::Path, path: &str) -> Reply {
    let not_found = || Reply::Whole(404, Vec::new(), br#"{"errors":[{"code":"UNKNOWN"}]}"#.to_vec());
    let Some((repository, kind, name)) = path.strip_prefix("/v2/").and_then(|path| {
        let (rest, name) = path.rsplit_once('/')?;
        let (repository, kind) = rest.rsplit_once('/')?;
        Some((repository, kind, name))
    }) else {
        return Reply::Whole(200, Vec::new(), b"{}".to_vec());
    };
    if kind == "referrers" {
        return not_found();
    }
    let digest = if kind == "blobs" {
        name.to_owned()
    } else {
        let index: Value = serde_json::from_slice(&fs_err::read(layout.join("index.json")).unwrap()).unwrap();
        let wanted = [format!("{repository}:{name}"), format!("{repository}@{name}")];
        let found = index["manifests"].as_array().unwrap().iter().find(|entry| {
            let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap();
            wanted.iter().any(|wanted| wanted == name)
        });
        let Some(found) = found else { return not_found() };
        found["digest"].as_str().unwrap().to_owned()
    };
    let digest: Digest = digest.parse().unwrap();
    match fs_err::read(layout.join("blobs/sha256").join(digest.hex())) {
        Ok(bytes) => Reply::Whole(200, vec![("Docker-Content-Digest", digest.to_string())], bytes),
        Err(_) => not_found(),
    }
}
