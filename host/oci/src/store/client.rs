//! [`Client`]: requests to registries over HTTP, with what makes them work in real life: proxies, authorities, retries,
//! redirects and limits on how many are on their way.
//!
//! HTTPS, except for loopback hosts and those named insecure. A redirect never carries a credential to another host,
//! never leaves HTTPS, and never goes from a public registry to a private network: the response would be shown to
//! anyone who reads the report. No body of an error is read. Loopback is never accessed through a proxy.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::Repository,
};
use reqwest::{Certificate, ClientBuilder, NoProxy, Proxy, Response, StatusCode, Url, header, redirect};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    address::{NamedBy, PublicOnly, host, is_link_local, is_loopback, is_only_private, is_private, is_private_ip},
    registries_conf::RegistriesConf,
    registry_options::{RegistryOptions, RunBudget},
    request::{RegistryResponse, Request, RequestError, TransferError, Upload},
    retry::Retry,
};

/// Redirects in a row; registries use one, to where their blobs are.
const REDIRECTS: usize = 5;
/// Requests on their way to one host, and to all: more only wait at the other end.
const HOST_REQUESTS: usize = 16;
const ALL_REQUESTS: usize = 64;
/// The first capacity of a body. It grows with what comes, never with what is announced.
const FIRST_BYTES: usize = 16 << 10;
/// Sends requests.
pub(super) struct Client {
    /// For loopback hosts without HTTPS, round every proxy.
    plain: reqwest::Client,
    /// For loopback hosts, round every proxy.
    direct: LazyClient,
    /// For all others, through the proxy if there is one.
    outside: LazyClient,
    /// The same for hosts that must not be in a private network. Behind a proxy it is the proxy that resolves names.
    public: LazyClient,
    insecure: BTreeSet<String>,
    /// Hosts that may be in a private network, wherever they are named.
    allowed: BTreeSet<String>,
    retry: Retry,
    connect: Duration,
    idle: Duration,
    request: Duration,
    /// The end of the run, which no request outlasts.
    deadline: Option<Instant>,
    conf: RegistriesConf,
    /// What the run may request, and what it has requested so far.
    budget: RunBudget,
    requests: AtomicU64,
    bytes: AtomicU64,
    all: Arc<Semaphore>,
    hosts: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

/// Created on first use: reading the CA certificates of the system takes longer than evaluating an image.
type LazyClient = LazyLock<
    Result<reqwest::Client, EvaluationError>,
    Box<dyn FnOnce() -> Result<reqwest::Client, EvaluationError> + Send>,
>;

impl Client {
    pub(super) fn new(options: &RegistryOptions) -> Result<Self, EvaluationError> {
        let conf = &options.registries_conf;
        let mut authorities = Vec::new();
        for pem in &options.authorities {
            let found = Certificate::from_pem_bundle(pem).unwrap_or_default();
            if found.is_empty() {
                let message = "a CA file contains no PEM certificate";
                return Err(EvaluationError::new(ErrorCode::Internal, message)
                    .hint("pass a file that begins with `-----BEGIN CERTIFICATE-----`"));
            }
            authorities.extend(found);
        }
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(options.connect)
                .read_timeout(options.idle)
                .redirect(redirect::Policy::none())
                .referer(false)
                // What stands in the environment comes with the options.
                .no_proxy()
        };
        let no_proxy = options.proxies.no_proxy.as_deref().and_then(NoProxy::from_string);
        let trusting = || builder().tls_certs_merge(authorities.iter().cloned());
        let mut outside = trusting();
        let mut public = trusting();
        let mut except = BTreeSet::new();
        for (address, is_https) in [(&options.proxies.https, true), (&options.proxies.http, false)] {
            let Some(address) = address.as_deref().filter(|address| !address.is_empty()) else { continue };
            let proxy = if is_https { Proxy::https(address) } else { Proxy::http(address) };
            let proxy = proxy.map_err(|error| {
                let message = format!("`{}` is not the address of a proxy: {}", shown(address), root(&error));
                EvaluationError::new(ErrorCode::Internal, message)
            })?;
            let proxy = proxy.no_proxy(no_proxy.clone());
            except.extend(Url::parse(address).ok().and_then(|address| address.host_str().map(str::to_owned)));
            // Without a scheme it is the name of a host, too.
            except.extend(
                Url::parse(&format!("http://{address}")).ok().and_then(|url| url.host_str().map(str::to_owned)),
            );
            outside = outside.proxy(proxy.clone());
            public = public.proxy(proxy);
        }
        let public = lazy_client(public.dns_resolver(PublicOnly { except }));
        let outside = lazy_client(outside);
        // Authorities that were given are tried before anything else is done.
        if !options.authorities.is_empty() {
            outside.as_ref().map_err(Clone::clone)?;
        }
        Ok(Self {
            plain: built(builder().tls_certs_only([]))?,
            direct: lazy_client(trusting()),
            outside,
            public,
            insecure: options.insecure.iter().map(String::as_str).chain(conf.insecure()).map(str::to_owned).collect(),
            allowed: options
                .allowed
                .iter()
                .chain(&options.insecure)
                .map(String::as_str)
                .chain(conf.insecure())
                .chain(conf.mirrors())
                .map(str::to_owned)
                .collect(),
            conf: conf.clone(),
            budget: options.budget,
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            retry: options.retry,
            connect: options.connect,
            idle: options.idle,
            request: options.request,
            deadline: options.deadline,
            all: Arc::new(Semaphore::new(ALL_REQUESTS)),
            hosts: Mutex::default(),
        })
    }

    /// The time that a whole request may take from now on.
    pub(super) fn time(&self) -> Duration {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.map_or(self.request, |left| left.min(self.request))
    }

    /// Whether a host, given with or without its port, may be in a private network, wherever it is named.
    pub(super) fn is_allowed(&self, registry: &str) -> bool {
        self.allowed.contains(registry) || self.allowed.contains(host(registry))
    }

    /// The address of something in a repository.
    pub(super) fn address(&self, repository: &Repository, kind: &str, name: &str) -> Result<Url, EvaluationError> {
        let registry = repository.registry();
        let scheme = if self.is_plain(registry) { "http" } else { "https" };
        let nonsense = || {
            EvaluationError::new(ErrorCode::ImageReference, format!("`{registry}` is not the address of a registry"))
        };
        let mut address = Url::parse(&format!("{scheme}://{registry}/")).map_err(|_| nonsense())?;
        // Segment by segment, so that no name can become another path.
        let mut segments = address.path_segments_mut().map_err(|()| nonsense())?;
        segments.pop().push("v2").extend(repository.path().split('/')).extend([kind, name]);
        drop(segments);
        Ok(address)
    }

    /// Whether plain HTTP is used for a registry, given with or without its port.
    pub(super) fn is_plain(&self, registry: &str) -> bool {
        is_loopback(host(registry)) || self.insecure.contains(registry) || self.insecure.contains(host(registry))
    }

    /// Sends a request, and again after a wait while the other side says that this may help.
    pub(super) async fn send(&self, place: &str, request: &Request<'_>) -> Result<RegistryResponse, EvaluationError> {
        let mut attempts = 0;
        loop {
            let is_last = attempts >= self.retry.times;
            let requested = match self.send_once(place, request).await {
                Ok(reply) if !is_last && request.may_succeed_later(reply.response.status()) => {
                    retry_after(&reply.response)
                }
                Ok(reply) => return Ok(reply),
                Err(RequestError::Retryable(_)) if !is_last => None,
                Err(RequestError::Retryable(failure) | RequestError::Permanent(failure)) => return Err(failure),
            };
            tokio::time::sleep(self.retry.wait(attempts, requested)).await;
            attempts += 1;
        }
    }

    /// Does what gets content, and again after a wait when the content broke off.
    pub(super) async fn with_retries<T, W: Future<Output = Result<T, TransferError>>>(
        &self,
        work: impl Fn() -> W,
    ) -> Result<T, EvaluationError> {
        let mut attempts = 0;
        loop {
            match work().await {
                Err(TransferError::Interrupted(_)) if attempts < self.retry.times => {
                    tokio::time::sleep(self.retry.wait(attempts, None)).await;
                    attempts += 1;
                }
                outcome => return outcome.map_err(EvaluationError::from),
            }
        }
    }

    /// The client for an address, which must be public if that is required.
    fn client_of(&self, address: &Url, must_be_public: bool) -> Result<&reqwest::Client, EvaluationError> {
        let client = match (address.host_str().is_some_and(is_loopback), address.scheme()) {
            _ if must_be_public => &self.public,
            (true, "http") => return Ok(&self.plain),
            (true, _) => &self.direct,
            (false, _) => &self.outside,
        };
        client.as_ref().map_err(Clone::clone)
    }

    /// Sends a request and follows where it is sent on.
    async fn send_once(&self, place: &str, request: &Request<'_>) -> Result<RegistryResponse, RequestError> {
        if self.requests.fetch_add(1, Ordering::Relaxed) >= self.budget.requests {
            let what =
                format!("the run has sent {} requests to registries, the last to `{place}`", self.budget.requests);
            return Err(RequestError::Permanent(over_budget(what)));
        }
        let places = self.places(&request.address).await.map_err(RequestError::Permanent)?;
        let first = request.address.clone();
        let mut address = first.clone();
        // A name can resolve to a private address, too; the peer address shows it.
        let mut from_public = false;
        for _ in 0..=REDIRECTS {
            let is_by_image = request.named_by == NamedBy::Image;
            let must_be_public = (is_by_image || from_public) && !self.is_allowed(&authority(&address));
            if is_by_image && must_be_public && address.host_str().is_some_and(is_private) {
                return Err(RequestError::Permanent(only_private(&authority(&address))));
            }
            let client = self.client_of(&address, must_be_public).map_err(RequestError::Permanent)?;
            let mut sent = match (request.form, request.upload) {
                (Some(fields), _) => client.post(address.clone()).header(header::CONTENT_TYPE, FORM).body(form(fields)),
                (None, None) => client.get(address.clone()),
                (None, Some(Upload { is_new, media_type, bytes })) => {
                    let sent = if is_new { client.post(address.clone()) } else { client.put(address.clone()) };
                    sent.header(header::CONTENT_TYPE, media_type).body(bytes.to_vec())
                }
            };
            if request.start > 0 {
                sent = sent.header(header::RANGE, format!("bytes={}-", request.start));
            }
            if let Some(accept) = request.accept {
                sent = sent.header(header::ACCEPT, accept);
            }
            // Another host, another port or another scheme is somebody else.
            if let Some(authorization) = request.authorization.filter(|_| address.origin() == first.origin()) {
                sent = sent.header(header::AUTHORIZATION, authorization);
            }
            let response = sent.send().await.map_err(|error| match is_only_private(&error) {
                true if is_by_image => RequestError::Permanent(only_private(&authority(&address))),
                true => self.permanent(place, INTO_PRIVATE),
                false => self.request_error(place, &error),
            })?;
            let peer = response.remote_addr().map(|peer| is_private_ip(peer.ip()));
            from_public = peer == Some(false);
            let status = response.status();
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let Some(location) = location.filter(|_| status.is_redirection() && status != StatusCode::NOT_MODIFIED)
            else {
                return Ok(RegistryResponse {
                    response,
                    is_own: address.origin() == first.origin(),
                    places: Some(places),
                });
            };
            if request.form.is_some() {
                return Err(self.permanent(place, "a redirect of credentials"));
            }
            if request.upload.is_some() {
                return Err(self.permanent(place, "a redirect of a push"));
            }
            let next = address.join(location).map_err(|_| self.permanent(place, "a redirect without a location"))?;
            self.may_follow(&address, &next).map_err(|what| self.permanent(place, what))?;
            address = next;
        }
        Err(self.permanent(place, "too many redirects"))
    }

    /// Whether a redirect may be followed. The error is why not.
    pub(super) fn may_follow(&self, from: &Url, to: &Url) -> Result<(), &'static str> {
        match to.scheme() {
            "https" => {}
            "http" if from.scheme() == "https" => return Err("a redirect leaves HTTPS"),
            "http" if self.is_plain(&authority(to)) => {}
            _ => return Err("a redirect goes to plain HTTP"),
        }
        let is_private = |url: &Url| url.host_str().is_some_and(is_private);
        if is_private(to) && !is_private(from) && !self.is_allowed(&authority(to)) {
            return Err(INTO_PRIVATE);
        }
        let is_link_local = |url: &Url| url.host_str().is_some_and(is_link_local);
        if is_link_local(to) && !is_link_local(from) && !self.is_allowed(&authority(to)) {
            return Err("a redirect goes to a link-local address");
        }
        Ok(())
    }

    /// Whether a registry may name this address as its token service. The error is why not.
    pub(super) fn may_request_token(&self, registry: &str, service: &Url) -> Result<(), &'static str> {
        if service.scheme() != "https" && !self.is_plain(registry) {
            return Err("an address without HTTPS");
        }
        let is_own = service.host_str() == Some(host(registry));
        let is_allowed = is_own || self.is_allowed(&authority(service));
        if service.host_str().is_some_and(is_private) && !is_private(host(registry)) && !is_allowed {
            return Err("an address in a private network");
        }
        Ok(())
    }

    async fn places(&self, address: &Url) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), EvaluationError> {
        let host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            let name = address.host_str().unwrap_or_default().to_owned();
            Arc::clone(hosts.entry(name).or_insert_with(|| Arc::new(Semaphore::new(HOST_REQUESTS))))
        };
        let closed = |_| EvaluationError::new(ErrorCode::Internal, "no more requests are sent");
        // The host first: who waits for a slow host must not hold up the others.
        let host = host.acquire_owned().await.map_err(closed)?;
        Ok((host, Arc::clone(&self.all).acquire_owned().await.map_err(closed)?))
    }

    /// The body, or none if it is longer than the limit.
    pub(super) async fn read(
        &self,
        place: &str,
        reply: RegistryResponse,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, TransferError> {
        let mut bytes = Vec::new();
        let is_whole = self.read_into(place, reply, limit, &mut bytes).await?;
        Ok(is_whole.then_some(bytes))
    }

    /// Appends the body to what is there already. False if that is longer than the limit then.
    pub(super) async fn read_into(
        &self,
        place: &str,
        mut reply: RegistryResponse,
        limit: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, TransferError> {
        let left = limit.saturating_sub(bytes.len());
        let longer = |announced| usize::try_from(announced).map_or(true, |announced: usize| announced > left);
        if reply.response.content_length().is_some_and(longer) {
            return Ok(false);
        }
        bytes.reserve(FIRST_BYTES.min(left));
        while let Some(chunk) = reply.response.chunk().await.map_err(|error| self.transfer_error(place, &error))? {
            if chunk.len() > limit.saturating_sub(bytes.len()) {
                return Ok(false);
            }
            self.count(place, chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(true)
    }

    /// Counts bytes that came.
    pub(super) fn count(&self, place: &str, bytes: usize) -> Result<(), EvaluationError> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > self.budget.bytes {
            let what = format!(
                "the run has read more than {} bytes from registries, the last of `{place}`",
                self.budget.bytes
            );
            return Err(over_budget(what));
        }
        Ok(())
    }

    /// Whether another attempt is made after so many.
    pub(super) const fn may_retry(&self, attempts: u32) -> bool {
        attempts < self.retry.times
    }

    /// Waits before another attempt after so many.
    pub(super) async fn wait(&self, attempts: u32) {
        tokio::time::sleep(self.retry.wait(attempts, None)).await;
    }

    /// Which hosts stand for which registries.
    pub(super) const fn registries_conf(&self) -> &RegistriesConf {
        &self.conf
    }

    fn request_error(&self, place: &str, error: &reqwest::Error) -> RequestError {
        let failure = self.connection_error(place, error);
        if error.is_timeout() || error.is_builder() {
            RequestError::Permanent(failure)
        } else {
            RequestError::Retryable(failure)
        }
    }

    fn transfer_error(&self, place: &str, error: &reqwest::Error) -> TransferError {
        let failure = self.connection_error(place, error);
        if error.is_timeout() { TransferError::Permanent(failure) } else { TransferError::Interrupted(failure) }
    }

    /// What an error of the connection means.
    pub(super) fn connection_error(&self, place: &str, error: &reqwest::Error) -> EvaluationError {
        if error.is_timeout() {
            return self.too_slow(place, if error.is_connect() { self.connect } else { self.idle });
        }
        let cause = root(error);
        if error.is_connect() {
            let message = format!("the registry `{place}` cannot be reached: {cause}");
            return EvaluationError::new(ErrorCode::RegistryUnreachable, message)
                .hint("check the name, the network and the proxy; a registry without HTTPS needs --insecure-registry");
        }
        invalid_response(place, &cause)
    }

    fn permanent(&self, place: &str, what: &str) -> RequestError {
        RequestError::Permanent(invalid_response(place, what))
    }

    /// No response came within this time.
    pub(super) fn too_slow(&self, place: &str, time: Duration) -> EvaluationError {
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let message = format!("the registry `{place}` did not respond before the time limit of the run passed");
            return EvaluationError::new(ErrorCode::Deadline, message).hint("increase the limit with `--timeout`");
        }
        let whole = if time == self.request { " for the complete response" } else { "" };
        let message = format!("the registry `{place}` did not respond within {} ms{whole}", time.as_millis());
        EvaluationError::new(ErrorCode::RegistryTimeout, message).hint("try again, or check why the registry is slow")
    }
}

/// A run that reads on and on.
fn over_budget(what: String) -> EvaluationError {
    EvaluationError::new(ErrorCode::TooLarge, what).hint("validate fewer components in one run")
}

/// A response with an error status. Its body is not read: it is the registry's own text, of any length.
pub(super) fn status_error(place: &str, status: StatusCode) -> EvaluationError {
    let hint = if status == StatusCode::TOO_MANY_REQUESTS {
        "it is rate limiting requests; use fewer workers or wait"
    } else {
        "try again; if it persists, contact the operator of the registry"
    };
    EvaluationError::new(ErrorCode::RegistryError, format!("the registry `{place}` returned the status {status}"))
        .hint(hint)
}

fn invalid_response(place: &str, cause: &str) -> EvaluationError {
    EvaluationError::new(
        ErrorCode::RegistryError,
        format!("the response of the registry `{place}` is invalid: {cause}"),
    )
    .hint("try again; if it persists, contact the operator of the registry")
}

/// The delay that the registry requests. A date is not supported: the delays are short anyway.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

const FORM: &str = "application/x-www-form-urlencoded";

fn form(fields: &[(&str, &str)]) -> String {
    // The address only lends its encoder.
    let mut url = Url::parse("http://form/").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(fields);
    }
    url.and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
}

/// An address without the credentials that may stand in it.
fn shown(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, address)| address)
}

/// Host and port as they stand in a reference.
fn authority(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}

/// Why a host that only an image names is not accessed.
fn only_private(host: &str) -> EvaluationError {
    let message = format!("the host `{host}` is in a private network, and only an image refers to it");
    EvaluationError::new(ErrorCode::RegistryDenied, message)
        .hint(format!("if images may refer to it, allow it with `--allow-registry {host}`"))
}

const INTO_PRIVATE: &str = "a redirect goes from a public host to a private network";

fn built(builder: ClientBuilder) -> Result<reqwest::Client, EvaluationError> {
    builder.build().map_err(|error| {
        let message = format!("the HTTP client could not be created: {}", root(&error));
        EvaluationError::new(ErrorCode::Internal, message)
    })
}

fn lazy_client(builder: ClientBuilder) -> LazyClient {
    LazyLock::new(Box::new(move || built(builder)))
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
mod tests;
