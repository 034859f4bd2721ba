//! [`Registry`]: manifests and blobs from registries over HTTP (distribution-spec 1.1), anonymously.
//!
//! HTTPS, except for loopback hosts and those named insecure. Written on `reqwest` itself: the ready-made client
//! reads whole manifests, errors and tokens into memory whatever their length, and cannot be told to go round a
//! proxy for one host. Here no body is read past its limit, the body of an error not at all, every request has
//! three time limits, a redirect never leaves HTTPS, and loopback is never asked through a proxy.
//!
//! A small runtime moves the bytes; callers are plain threads that wait. Nothing is checked against digests here:
//! the store does that, on the caller's thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    future::Future,
    io::{self, Read},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use assay_model::{
    digest::Digest,
    failure::{ErrorCode, NoAnswer},
    image::Repository,
};
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use tokio::runtime::{Builder, Runtime};

use super::{
    Body, Fetched, Name,
    manifest::ACCEPT,
    token::{Challenge, Token},
};

/// The time limit for a connection, by default.
pub const REGISTRY_CONNECT: Duration = Duration::from_secs(10);
/// The time limit for a silence, by default: no byte came for so long.
pub const REGISTRY_IDLE: Duration = Duration::from_secs(30);
/// The time limit for a whole request, by default, with its redirects, its token and its body: 128 MiB at 4 Mbit/s.
pub const REGISTRY_REQUEST: Duration = Duration::from_secs(300);

/// Threads that move bytes. They do nothing else, so two are enough for many workers.
const THREADS: usize = 2;
/// Redirects in a row; registries use one, to where their blobs are.
const REDIRECTS: usize = 5;
/// The answer of a token service; tokens have some kilobytes.
const TOKEN_BYTES: usize = 64 << 10;
/// Pages of a list of referrers.
const REFERRER_PAGES: usize = 20;
/// How registries answer that do not know lists of referrers.
const NO_REFERRERS: [StatusCode; 5] = [
    StatusCode::NOT_FOUND,
    StatusCode::BAD_REQUEST,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::NOT_ACCEPTABLE,
    StatusCode::NOT_IMPLEMENTED,
];
/// Pieces of a streamed blob that may wait for their reader.
const STREAM_CHUNKS: usize = 8;
/// The first capacity of a body. It grows with what comes, never with what is announced.
const FIRST_BYTES: usize = 16 << 10;

/// How registries are asked.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Hosts, with or without port, that are asked over plain HTTP. Loopback hosts always are.
    pub insecure: Vec<String>,
    /// The time limit for a connection.
    pub connect: Duration,
    /// The time limit for a silence.
    pub idle: Duration,
    /// The time limit for a whole request.
    pub request: Duration,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self { insecure: Vec::new(), connect: REGISTRY_CONNECT, idle: REGISTRY_IDLE, request: REGISTRY_REQUEST }
    }
}

/// All registries.
pub(super) struct Registry {
    // Taken when dropped: a runtime must not be waited for, as a hanging request would hold up the end.
    runtime: Option<Runtime>,
    wire: Arc<Wire>,
}

/// What a request on the runtime needs.
struct Wire {
    /// For loopback hosts, round every proxy.
    direct: Client,
    /// For all others, through the proxy of the environment if there is one.
    outside: Client,
    insecure: BTreeSet<String>,
    connect: Duration,
    idle: Duration,
    request: Duration,
    tokens: Mutex<BTreeMap<Repository, String>>,
}

impl Registry {
    /// Prepares connections.
    pub(super) fn new(options: RegistryOptions) -> Result<Self, NoAnswer> {
        let failed = |what: &str, error: &dyn Error| {
            NoAnswer::new(ErrorCode::Internal, format!("{what} could not be prepared: {}", root(error)))
        };
        let builder = || {
            Client::builder()
                .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(options.connect)
                .read_timeout(options.idle)
                .redirect(redirect::Policy::custom(redirect))
                .referer(false)
        };
        let direct = builder().no_proxy().build().map_err(|error| failed("connections to registries", &error))?;
        let outside = builder().build().map_err(|error| failed("connections to registries", &error))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("registry")
            .enable_all()
            .build()
            .map_err(|error| failed("threads for registries", &error))?;
        let wire = Wire {
            direct,
            outside,
            insecure: options.insecure.into_iter().collect(),
            connect: options.connect,
            idle: options.idle,
            request: options.request,
            tokens: Mutex::new(BTreeMap::new()),
        };
        Ok(Self { runtime: Some(runtime), wire: Arc::new(wire) })
    }

    /// A manifest by name.
    pub(super) fn manifest(&self, repository: &Repository, name: &Name, limit: u64) -> Result<Fetched, NoAnswer> {
        let reference = match name {
            Name::Tag(tag) => tag.clone(),
            Name::Digest(digest) => digest.to_string(),
        };
        self.fetch(repository, "manifests", reference, limit)
    }

    /// A blob.
    pub(super) fn blob(&self, repository: &Repository, digest: &Digest, limit: u64) -> Result<Fetched, NoAnswer> {
        self.fetch(repository, "blobs", digest.to_string(), limit)
    }

    fn fetch(
        &self,
        repository: &Repository,
        kind: &'static str,
        name: String,
        limit: u64,
    ) -> Result<Fetched, NoAnswer> {
        let (wire, repository) = (Arc::clone(&self.wire), repository.clone());
        self.wait(async move {
            let time = wire.request;
            let work = wire.fetch(&repository, kind, &name, limit);
            tokio::time::timeout(time, work).await.unwrap_or_else(|_| Err(wire.too_slow(repository.registry(), time)))
        })
    }

    /// The pages of the list of an image's referrers; none if the registry makes no such lists.
    pub(super) fn referrers(
        &self,
        repository: &Repository,
        image: &Digest,
        limit: u64,
    ) -> Result<Option<Vec<Vec<u8>>>, NoAnswer> {
        let (wire, repository, image) = (Arc::clone(&self.wire), repository.clone(), image.to_string());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.wait(async move {
            let time = wire.request;
            let work = wire.referrers(&repository, &image, limit);
            tokio::time::timeout(time, work).await.unwrap_or_else(|_| Err(wire.too_slow(repository.registry(), time)))
        })
    }

    /// A blob as it comes.
    pub(super) fn stream(&self, repository: &Repository, digest: &Digest) -> Result<Option<Stream>, NoAnswer> {
        let (wire, repository, name) = (Arc::clone(&self.wire), repository.clone(), digest.to_string());
        let response = {
            let (wire, repository) = (Arc::clone(&wire), repository.clone());
            self.wait(async move {
                let time = wire.request;
                let work = wire.ask(&repository, "blobs", &name);
                tokio::time::timeout(time, work)
                    .await
                    .unwrap_or_else(|_| Err(wire.too_slow(repository.registry(), time)))
            })?
        };
        let Some(mut response) = response else { return Ok(None) };
        let (sender, chunks) = tokio::sync::mpsc::channel(STREAM_CHUNKS);
        let pump = async move {
            let place = repository.registry();
            let send = async {
                loop {
                    let chunk = response.chunk().await.map_err(|error| wire.failure(place, &error));
                    let Some(chunk) = chunk.transpose() else { return };
                    let ends = chunk.is_err();
                    // The reader may have seen enough.
                    if sender.send(chunk.map(Vec::from)).await.is_err() || ends {
                        return;
                    }
                }
            };
            if tokio::time::timeout(wire.request, send).await.is_err() {
                sender.send(Err(wire.too_slow(place, wire.request))).await.ok();
            }
        };
        if let Some(runtime) = &self.runtime {
            runtime.spawn(pump);
        }
        Ok(Some(Stream { chunks, current: Vec::new(), at: 0, failure: None }))
    }

    /// Runs the work on the runtime and waits for it, from any thread.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, NoAnswer>> + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let (sender, receiver) = mpsc::sync_channel(1);
        if let Some(runtime) = &self.runtime {
            // Nobody is left to tell if the receiver is gone.
            runtime.spawn(async move { sender.send(work.await).ok() });
        }
        receiver
            .recv()
            .unwrap_or_else(|_| Err(NoAnswer::new(ErrorCode::Internal, "a request ended without an outcome")))
    }
}

/// A blob on its way, read on a plain thread. A failure shows as an error of reading, and its cause is kept.
pub(super) struct Stream {
    chunks: tokio::sync::mpsc::Receiver<Result<Vec<u8>, NoAnswer>>,
    current: Vec<u8>,
    at: usize,
    failure: Option<NoAnswer>,
}

impl Stream {
    /// What broke it.
    pub(super) fn failure(&mut self) -> Option<NoAnswer> {
        self.failure.take()
    }
}

impl Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at == self.current.len() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(Ok(chunk)) => (self.current, self.at) = (chunk, 0),
                Some(Err(failure)) => {
                    let error = io::Error::other(failure.to_string());
                    self.failure = Some(failure);
                    return Err(error);
                }
            }
        }
        let mut rest = self.current.get(self.at..).unwrap_or_default();
        let read = rest.read(to)?;
        self.at += read;
        Ok(read)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Wire {
    async fn fetch(&self, repository: &Repository, kind: &str, name: &str, limit: u64) -> Result<Fetched, NoAnswer> {
        let Some(response) = self.ask(repository, kind, name).await? else { return Ok(Fetched::Absent) };
        let named = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok()?.parse().ok());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        match self.read(repository.registry(), response, limit).await? {
            Some(bytes) => Ok(Fetched::Found(Body { bytes, named })),
            None => Ok(Fetched::Longer),
        }
    }

    async fn referrers(
        &self,
        repository: &Repository,
        image: &str,
        limit: usize,
    ) -> Result<Option<Vec<Vec<u8>>>, NoAnswer> {
        let registry = repository.registry();
        let mut next = Some(self.address(repository, "referrers", image)?);
        let mut pages = Vec::new();
        while let Some(address) = next {
            if pages.len() == REFERRER_PAGES {
                let message = format!("the registry `{registry}` lists referrers of {repository}@{image} without end");
                return Err(NoAnswer::new(ErrorCode::TooLarge, message).hint("see who may push to the repository"));
            }
            let response = self.get(repository, address.clone(), Some(ACCEPT)).await?;
            match response.status() {
                StatusCode::OK => {}
                status if pages.is_empty() && NO_REFERRERS.contains(&status) => return Ok(None),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    return Err(self.denied(repository, "referrers", image));
                }
                status => return Err(answered(registry, status)),
            }
            next = next_page(&response, &address);
            let page = self.read(registry, response, limit).await?.ok_or_else(|| {
                let message = format!("the list of referrers of {repository}@{image} is longer than {limit} bytes");
                NoAnswer::new(ErrorCode::TooLarge, message).hint("see who may push to the repository")
            })?;
            pages.push(page);
        }
        Ok(Some(pages))
    }

    fn denied(&self, repository: &Repository, kind: &str, name: &str) -> NoAnswer {
        let registry = repository.registry();
        let message = format!("the registry `{registry}` refuses {kind}/{name} of {repository} without credentials");
        NoAnswer::new(ErrorCode::RegistryDenied, message)
            .hint("registries are asked anonymously so far; use a bundle for private images")
    }

    /// The answer with the content; none if there is no such content.
    async fn ask(&self, repository: &Repository, kind: &str, name: &str) -> Result<Option<Response>, NoAnswer> {
        let registry = repository.registry();
        let accept = (kind == "manifests").then_some(ACCEPT);
        let response = self.get(repository, self.address(repository, kind, name)?, accept).await?;
        match response.status() {
            StatusCode::OK => Ok(Some(response)),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.denied(repository, kind, name)),
            status => Err(answered(registry, status)),
        }
    }

    fn address(&self, repository: &Repository, kind: &str, name: &str) -> Result<Url, NoAnswer> {
        let registry = repository.registry();
        let scheme = if self.is_plain(registry) { "http" } else { "https" };
        let nonsense =
            || NoAnswer::new(ErrorCode::ImageReference, format!("`{registry}` is not the address of a registry"));
        let mut address = Url::parse(&format!("{scheme}://{registry}/")).map_err(|_| nonsense())?;
        // Segment by segment, so that no name can become another path.
        let mut segments = address.path_segments_mut().map_err(|()| nonsense())?;
        segments.pop().push("v2").extend(repository.path().split('/')).extend([kind, name]);
        drop(segments);
        Ok(address)
    }

    fn is_plain(&self, registry: &str) -> bool {
        is_loopback(host(registry)) || self.insecure.contains(registry) || self.insecure.contains(host(registry))
    }

    /// Asks, and asks again with a token if the registry wants one.
    async fn get(&self, repository: &Repository, address: Url, accept: Option<&str>) -> Result<Response, NoAnswer> {
        let kept = self.tokens().get(repository).cloned();
        let response = self.send(repository.registry(), address.clone(), accept, kept.as_deref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let challenge = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let Some(challenge) = challenge.and_then(Challenge::read) else { return Ok(response) };
        let token = self.token(repository, &challenge).await?;
        let response = self.send(repository.registry(), address, accept, Some(&token)).await?;
        self.tokens().insert(repository.clone(), token);
        Ok(response)
    }

    /// An anonymous token to pull from this repository.
    async fn token(&self, repository: &Repository, challenge: &Challenge) -> Result<String, NoAnswer> {
        let registry = repository.registry();
        let nonsense = |what: &str| {
            NoAnswer::new(ErrorCode::RegistryError, format!("the registry `{registry}` sends for a token to {what}"))
        };
        let mut address = Url::parse(&challenge.realm).map_err(|_| nonsense("no address"))?;
        if address.scheme() != "https" && !self.is_plain(registry) {
            return Err(nonsense("an address without HTTPS"));
        }
        if let Some(service) = &challenge.service {
            address.query_pairs_mut().append_pair("service", service);
        }
        address.query_pairs_mut().append_pair("scope", &format!("repository:{}:pull", repository.path()));
        let place = address.host_str().unwrap_or_default().to_owned();
        let response = self.send(&place, address, None, None).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let message = format!("`{place}` gives no anonymous token for {repository}");
                return Err(NoAnswer::new(ErrorCode::RegistryDenied, message)
                    .hint("registries are asked anonymously so far; use a bundle for private images"));
            }
            status => return Err(answered(&place, status)),
        }
        let body = self.read(&place, response, TOKEN_BYTES).await?;
        body.and_then(|body| serde_json::from_slice::<Token>(&body).ok()?.text())
            .filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| {
                NoAnswer::new(ErrorCode::RegistryError, format!("`{place}` answers with no token for {repository}"))
            })
    }

    async fn send(
        &self,
        place: &str,
        address: Url,
        accept: Option<&str>,
        token: Option<&str>,
    ) -> Result<Response, NoAnswer> {
        let client = if address.host_str().is_some_and(is_loopback) { &self.direct } else { &self.outside };
        let mut request = client.get(address);
        if let Some(accept) = accept {
            request = request.header(header::ACCEPT, accept);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.map_err(|error| self.failure(place, &error))
    }

    /// The body, or none if it is longer than the limit.
    async fn read(&self, place: &str, mut response: Response, limit: usize) -> Result<Option<Vec<u8>>, NoAnswer> {
        let longer = |announced| usize::try_from(announced).map_or(true, |announced: usize| announced > limit);
        if response.content_length().is_some_and(longer) {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(FIRST_BYTES.min(limit));
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(place, &error))? {
            if chunk.len() > limit - bytes.len() {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, BTreeMap<Repository, String>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self, place: &str, error: &reqwest::Error) -> NoAnswer {
        if error.is_timeout() {
            return self.too_slow(place, if error.is_connect() { self.connect } else { self.idle });
        }
        let cause = root(error);
        if error.is_connect() {
            let message = format!("the registry `{place}` cannot be reached: {cause}");
            return NoAnswer::new(ErrorCode::RegistryUnreachable, message)
                .hint("check the name, the network and the proxy; a registry without HTTPS needs --insecure-registry");
        }
        NoAnswer::new(ErrorCode::RegistryError, format!("the answer of the registry `{place}` is broken: {cause}"))
            .hint("try again; if it stays, ask who runs the registry")
    }

    fn too_slow(&self, place: &str, time: Duration) -> NoAnswer {
        let whole = if time == self.request { " for the whole answer" } else { "" };
        let message = format!("the registry `{place}` did not answer within {} ms{whole}", time.as_millis());
        NoAnswer::new(ErrorCode::RegistryTimeout, message).hint("try again, or see why the registry is slow")
    }
}

/// An answer with a status that leads nowhere. Its body is not read: it is the registry's own text, of any length.
fn answered(place: &str, status: StatusCode) -> NoAnswer {
    let hint = if status == StatusCode::TOO_MANY_REQUESTS {
        "it allows no more requests for now; use fewer workers or wait"
    } else {
        "try again; if it stays, ask who runs the registry"
    };
    NoAnswer::new(ErrorCode::RegistryError, format!("the registry `{place}` answers with the status {status}"))
        .hint(hint)
}

/// Where the list goes on (RFC 8288), if that is at the same place.
fn next_page(response: &Response, address: &Url) -> Option<Url> {
    let link = response.headers().get(header::LINK)?.to_str().ok()?;
    let is_next = |link: &&str| link.contains("rel=\"next\"") || link.contains("rel=next");
    let target = link.split(',').find(is_next)?.split_once('<')?.1.split_once('>')?.0;
    address.join(target).ok().filter(|next| next.origin() == address.origin())
}

fn redirect(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let leaves_https =
        attempt.url().scheme() != "https" && attempt.previous().last().is_some_and(|from| from.scheme() == "https");
    if leaves_https {
        attempt.error("a redirect leaves HTTPS")
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}

/// A registry's host, without its port.
fn host(registry: &str) -> &str {
    match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => registry,
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The innermost cause: the outer ones repeat the address.
fn root(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(registry: &str, insecure: &[&str]) -> bool {
        let insecure = insecure.iter().map(|&host| host.to_owned()).collect();
        Registry::new(RegistryOptions { insecure, ..RegistryOptions::default() }).unwrap().wire.is_plain(registry)
    }

    #[test]
    fn only_loopback_and_named_hosts_are_asked_without_https() {
        for registry in ["127.0.0.1", "127.9.9.9:5000", "localhost:80", "localhost", "[::1]:5000", "[::1]"] {
            assert!(plain(registry, &[]), "{registry}");
        }
        for registry in ["quay.io", "128.0.0.1:5000", "localhost.example.org", "127.0.0.1.example.org", "[::2]:5000"] {
            assert!(!plain(registry, &[]), "{registry}");
        }
        assert!(plain("registry.test:5000", &["registry.test:5000"]));
        assert!(plain("registry.test:5000", &["registry.test"]));
        assert!(!plain("registry.test:5000", &["registry.test:5001", "other.test"]));
    }

    #[test]
    fn a_name_cannot_become_another_path() {
        let registry = Registry::new(RegistryOptions::default()).unwrap();
        let image: assay_model::image::ImageRef = "quay.io/a/b".parse().unwrap();
        let address = |name: &str| registry.wire.address(image.repository(), "manifests", name).unwrap().to_string();
        assert_eq!(address("v1.0"), "https://quay.io/v2/a/b/manifests/v1.0");
        assert_eq!(address("../x?y#z"), "https://quay.io/v2/a/b/manifests/..%2Fx%3Fy%23z");
    }
}
