//! A registry in this process, on port 0: what `assay` gets when it requests an image over HTTP.
//!
//! It serves and takes manifests and blobs as the distribution specification says, counts the requests, and can
//! be configured to misbehave for some paths.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use assay_model::digest::Digest;
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri, header},
    serve::ListenerExt as _,
};
use serde_json::{Value, json};

/// How a registry may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Never responds.
    Hang,
    /// Returns 500.
    Broken,
    /// Returns other bytes than requested.
    Corrupt,
    /// Sends half of the bytes and ends the connection.
    Truncate,
    /// Returns 429 the first time, and a correct response from then on.
    Later,
    /// Returns 429 every time.
    Throttled,
    /// Sends half of the bytes as if they were all.
    Short,
    /// Sends bytes without end.
    Endless,
}

#[derive(Default)]
struct Content {
    /// By `repository:tag` and `repository@digest`.
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    /// By digest.
    blobs: BTreeMap<String, Vec<u8>>,
    /// What was sent of uploads in parts, by their paths.
    uploads: BTreeMap<String, Vec<u8>>,
    next_upload: usize,
    faults: Vec<(String, Fault)>,
    requests: Vec<String>,
    /// Where paths that hold a part are sent on to.
    redirects: Vec<(String, String)>,
    /// The `Authorization` headers that were shown.
    authorizations: Vec<Option<String>>,
    /// The `Authorization` header that it wants to see.
    wants: Option<String>,
    /// The scopes that tokens were given for, if it wants tokens.
    tokens: Option<Vec<String>>,
    connections: usize,
}

/// A running registry; it ends with the test.
pub(crate) struct Registry {
    address: SocketAddr,
    content: Arc<Mutex<Content>>,
    _runtime: tokio::runtime::Runtime,
}

impl Registry {
    /// An empty registry.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let content = Arc::new(Mutex::new(Content::default()));
        let router = Router::new().fallback(result).with_state(Arc::clone(&content));
        let connected = Arc::clone(&content);
        let listener = listener.tap_io(move |_| connected.lock().unwrap().connections += 1);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, content, _runtime: runtime }
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Pushes everything an OCI layout names.
    pub(crate) fn push_layout(&self, folder: &Path) {
        let index: Value = serde_json::from_slice(&fs_err::read(folder.join("index.json")).unwrap()).unwrap();
        let mut content = self.content.lock().unwrap();
        for entry in index["manifests"].as_array().unwrap() {
            let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap();
            let digest = entry["digest"].as_str().unwrap();
            let bytes = fs_err::read(folder.join("blobs/sha256").join(digest.trim_start_matches("sha256:"))).unwrap();
            content.manifests.insert(name.to_owned(), (entry["mediaType"].as_str().unwrap().to_owned(), bytes));
        }
        for blob in fs_err::read_dir(folder.join("blobs/sha256")).unwrap() {
            let path = blob.unwrap().path();
            let digest = format!("sha256:{}", path.file_name().unwrap().to_str().unwrap());
            content.blobs.insert(digest, fs_err::read(&path).unwrap());
        }
    }

    /// Adds a blob.
    pub(crate) fn put_blob(&self, bytes: &[u8]) {
        self.content.lock().unwrap().blobs.insert(Digest::of(bytes).to_string(), bytes.to_vec());
    }

    /// Adds a manifest as `repository:tag`, and gives its digest.
    pub(crate) fn put_manifest(&self, name: &str, media_type: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let repository = name.rsplit_once(':').unwrap().0;
        let mut content = self.content.lock().unwrap();
        for name in [name.to_owned(), format!("{repository}@{digest}")] {
            content.manifests.insert(name, (media_type.to_owned(), bytes.to_vec()));
        }
        digest
    }

    /// Removes what refers to the image of a digest and has this predicate type, as a registry's owner can.
    pub(crate) fn remove_statements(&self, predicate_type: &str) {
        let mut content = self.content.lock().unwrap();
        content.manifests.retain(|_, (_, bytes)| !String::from_utf8_lossy(bytes).contains(predicate_type));
    }

    /// Misbehaves for every path that holds `part`.
    pub(crate) fn fault(&self, part: &str, fault: Fault) {
        self.content.lock().unwrap().faults.push((part.to_owned(), fault));
    }

    /// Sends every path that holds `part` on to another host.
    pub(crate) fn redirect(&self, part: &str, host: &str) {
        self.content.lock().unwrap().redirects.push((part.to_owned(), host.to_owned()));
    }

    /// The `Authorization` headers of all requests so far.
    pub(crate) fn authorizations(&self) -> Vec<Option<String>> {
        self.content.lock().unwrap().authorizations.clone()
    }

    /// Refuses who does not show this name and password, `NAME:PASSWORD` in base64.
    pub(crate) fn want(&self, basic: &str) {
        self.content.lock().unwrap().wants = Some(format!("Basic {basic}"));
    }

    /// Wants a token for each repository, which it gives to anyone.
    pub(crate) fn want_tokens(&self) {
        self.content.lock().unwrap().tokens = Some(Vec::new());
    }

    /// The scopes of the tokens that it gave.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.content.lock().unwrap().tokens.clone().unwrap_or_default()
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.content.lock().unwrap().connections
    }

    /// All requests so far, `METHOD path`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.content.lock().unwrap().requests.clone()
    }
}

fn plain(status: StatusCode) -> Response<Body> {
    Response::builder().status(status).body(Body::from(r#"{"errors":[]}"#)).unwrap()
}

async fn result(
    State(content): State<Arc<Mutex<Content>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    uploaded: axum::body::Bytes,
) -> Response<Body> {
    let path = uri.path();
    let (found, fault) = {
        let mut content = content.lock().unwrap();
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        content.authorizations.push(shown.map(str::to_owned));
        if content.wants.is_some() && shown != content.wants.as_deref() {
            let refused = Response::builder().status(StatusCode::UNAUTHORIZED);
            return refused.header(header::WWW_AUTHENTICATE, "Basic realm=\"here\"").body(Body::empty()).unwrap();
        }
        if let Some(answer) = content.check_token(&uri, &headers) {
            return answer;
        }
        let request = format!("{method} {path}");
        let is_first = !content.requests.contains(&request);
        content.requests.push(request);
        if let Some((_, host)) = content.redirects.iter().find(|(part, _)| path.contains(part.as_str())) {
            let moved = Response::builder().status(StatusCode::TEMPORARY_REDIRECT);
            return moved.header(header::LOCATION, format!("http://{host}{path}")).body(Body::empty()).unwrap();
        }
        let fault = content.faults.iter().find(|(part, _)| path.contains(part.as_str())).map(|(_, fault)| *fault);
        (content.find(path), fault.filter(|fault| *fault != Fault::Later || is_first))
    };
    match fault {
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Broken) => return plain(StatusCode::INTERNAL_SERVER_ERROR),
        Some(Fault::Later) => {
            let later = Response::builder().status(StatusCode::TOO_MANY_REQUESTS);
            return later.header(header::RETRY_AFTER, "0").body(Body::empty()).unwrap();
        }
        Some(Fault::Throttled) => return plain(StatusCode::TOO_MANY_REQUESTS),
        Some(Fault::Endless) => {
            let pieces = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 << 10]));
            return Response::new(Body::from_stream(pieces));
        }
        Some(Fault::Corrupt | Fault::Truncate | Fault::Short) | None => {}
    }
    if path == "/v2/" {
        return plain(StatusCode::OK);
    }
    if method == Method::POST {
        let mut content = content.lock().unwrap();
        content.next_upload += 1;
        let place = format!("{path}{}?x=y", content.next_upload);
        let here = Response::builder().status(StatusCode::ACCEPTED).header(header::LOCATION, place);
        return here.body(Body::empty()).unwrap();
    }
    if method == Method::PATCH {
        content.lock().unwrap().uploads.entry(path.to_owned()).or_default().extend(&uploaded);
        let here = Response::builder().status(StatusCode::ACCEPTED).header(header::LOCATION, format!("{path}?x=y"));
        return here.body(Body::empty()).unwrap();
    }
    if method == Method::PUT {
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        return plain(content.lock().unwrap().take(path, uri.query(), media_type, &uploaded));
    }
    let Some((media_type, mut bytes)) = found else { return plain(StatusCode::NOT_FOUND) };
    let digest = Digest::of(&bytes).to_string();
    if fault == Some(Fault::Short) {
        bytes.truncate(bytes.len() / 2);
    }
    let length = bytes.len();
    match fault {
        Some(Fault::Corrupt) => bytes.iter_mut().for_each(|byte| *byte = if *byte == b'1' { b'2' } else { *byte }),
        Some(Fault::Truncate) => bytes.truncate(length / 2),
        _ => {}
    }
    let response = Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_LENGTH, length)
        .header("Docker-Content-Digest", digest);
    if method == Method::HEAD {
        return response.body(Body::empty()).unwrap();
    }
    // A stream has no length of its own, so a truncated body stays shorter than its head says.
    let parts = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes)]);
    response.body(Body::from_stream(parts)).unwrap()
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Content {
    /// A token, or the challenge for one; none where the request shows that of its repository, or none is wanted.
    fn check_token(&mut self, uri: &Uri, headers: &HeaderMap) -> Option<Response<Body>> {
        let tokens = self.tokens.as_mut()?;
        // A token is its scope.
        if uri.path() == "/token" {
            let scope = uri.query()?.split('&').find_map(|pair| pair.strip_prefix("scope="))?;
            let scope = scope.replace("%3A", ":").replace("%2F", "/");
            tokens.push(scope.clone());
            return Some(Response::new(Body::from(json!({"token": scope}).to_string())));
        }
        let parts = ["/manifests/", "/blobs/", "/referrers/", "/tags/"];
        let rest = uri.path().strip_prefix("/v2/")?;
        let repository = parts.iter().find_map(|part| Some(rest.split_once(part)?.0))?;
        let token = format!("Bearer repository:{repository}:pull");
        if headers.get(header::AUTHORIZATION).is_some_and(|shown| shown.as_bytes() == token.as_bytes()) {
            return None;
        }
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"it\"");
        let refused = Response::builder().status(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, challenge);
        refused.body(Body::empty()).ok()
    }

    /// The index of what says that it is about this digest (distribution specification, "Listing Referrers").
    fn referrers(&self, repository: &str, digest: &str) -> Vec<u8> {
        let mut found = BTreeMap::new();
        for (name, (media_type, bytes)) in &self.manifests {
            let Ok(manifest) = serde_json::from_slice::<Value>(bytes) else { continue };
            let is_here = name.strip_prefix(repository).is_some_and(|rest| rest.starts_with([':', '@']));
            if is_here && manifest["subject"]["digest"] == digest {
                let own = Digest::of(bytes).to_string();
                let artifact_type = manifest.get("artifactType").unwrap_or(&manifest["config"]["mediaType"]);
                let mut item = json!({"mediaType": media_type, "size": bytes.len(), "digest": own});
                item["artifactType"] = artifact_type.clone();
                if let Some(annotations) = manifest.get("annotations") {
                    item["annotations"] = annotations.clone();
                }
                found.insert(own, item);
            }
        }
        let items: Vec<Value> = found.into_values().collect();
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": items}).to_string().into_bytes()
    }

    /// Takes a blob whose digest is right, or a manifest whose blobs are all there.
    fn take(&mut self, path: &str, query: Option<&str>, media_type: &str, bytes: &[u8]) -> StatusCode {
        let sent = self.uploads.remove(path).unwrap_or_default();
        let bytes = &[&sent, bytes].concat()[..];
        let digest = Digest::of(bytes).to_string();
        let Some((repository, tag)) = path.strip_prefix("/v2/").and_then(|rest| rest.split_once("/manifests/")) else {
            let is_right = query.is_some_and(|query| {
                let mut given = query.split('&').filter_map(|pair| pair.strip_prefix("digest="));
                query.contains("x=y") && given.next() == Some(&digest.replace(':', "%3A"))
            });
            if !is_right {
                return StatusCode::BAD_REQUEST;
            }
            self.blobs.insert(digest, bytes.to_vec());
            return StatusCode::CREATED;
        };
        let manifest: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let is_index = manifest["manifests"].is_array();
        let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
        let named = layers.iter().chain([&manifest["config"]]);
        let mut named = named.map(|one| one["digest"].as_str().unwrap_or_default());
        if !is_index && !named.all(|digest| self.blobs.contains_key(digest)) {
            return StatusCode::BAD_REQUEST;
        }
        for name in [format!("{repository}:{tag}"), format!("{repository}@{digest}")] {
            self.manifests.insert(name, (media_type.to_owned(), bytes.to_vec()));
        }
        StatusCode::CREATED
    }

    fn find(&self, path: &str) -> Option<(String, Vec<u8>)> {
        let rest = path.strip_prefix("/v2/")?;
        if let Some((repository, reference)) = rest.split_once("/manifests/") {
            let separator = if reference.starts_with("sha256:") { '@' } else { ':' };
            return self.manifests.get(&format!("{repository}{separator}{reference}")).cloned();
        }
        if let Some(repository) = rest.strip_suffix("/tags/list") {
            let prefix = format!("{repository}:");
            let tags: Vec<_> = self.manifests.keys().filter_map(|name| name.strip_prefix(&prefix)).collect();
            return Some(("application/json".to_owned(), json!({"tags": tags}).to_string().into_bytes()));
        }
        if let Some((repository, digest)) = rest.split_once("/referrers/") {
            return Some((INDEX.to_owned(), self.referrers(repository, digest)));
        }
        let (_, digest) = rest.split_once("/blobs/")?;
        self.blobs.get(digest).map(|bytes| ("application/octet-stream".to_owned(), bytes.clone()))
    }
}
