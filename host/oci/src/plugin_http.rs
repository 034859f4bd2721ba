//! [`PluginHttp`]: sends the requests of plugins.
//!
//! The name of a host is resolved once, and the connection goes to an address of that answer: a second answer is never
//! requested. If any address of the answer may not be reached, none is. Redirects are responses, there is no proxy, nothing
//! is decompressed, and no connection is used twice.

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::LazyLock,
    time::Duration,
};

use assay_model::port::{HttpClient, HttpError, HttpRequest, HttpResponse, NetworkReach};
use reqwest::{
    Certificate, Client, Method, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use tokio::runtime::{Builder, Runtime};

/// The time for a connection, within the time of the request.
const CONNECT: Duration = Duration::from_secs(10);

/// The first capacity of a body; it grows with what comes.
const FIRST_BYTES: usize = 16 << 10;

/// Sends the requests of plugins. Callers are plain threads that wait.
pub struct PluginHttp {
    runtime: Result<Runtime, String>,
    public: LazyClient,
    private: LazyClient,
    loopback: LazyClient,
}

/// Created on first use: reading the CA certificates of the system takes long.
type LazyClient = LazyLock<Result<Client, String>, Box<dyn FnOnce() -> Result<Client, String> + Send>>;

impl PluginHttp {
    /// A client that trusts these authorities, each a text of PEM, beside those of the system.
    #[must_use]
    pub fn new(authorities: &[Vec<u8>]) -> Self {
        let lazy = |reach| -> LazyClient {
            let authorities = authorities.to_vec();
            LazyLock::new(Box::new(move || client(reach, &authorities)))
        };
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("plugin-http").enable_all().build();
        Self {
            runtime: runtime.map_err(|error| error.to_string()),
            public: lazy(NetworkReach::Public),
            private: lazy(NetworkReach::Private),
            loopback: lazy(NetworkReach::Loopback),
        }
    }
}

fn client(reach: NetworkReach, authorities: &[Vec<u8>]) -> Result<Client, String> {
    let mut certificates = Vec::new();
    for pem in authorities {
        certificates.extend(Certificate::from_pem_bundle(pem).map_err(|error| root(&error))?);
    }
    Client::builder()
        .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .pool_max_idle_per_host(0)
        .tls_certs_merge(certificates)
        .dns_resolver(Reachable(reach))
        .build()
        .map_err(|error| root(&error))
}

impl HttpClient for PluginHttp {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let transport = |error: &String| HttpError::Transport(error.clone());
        let url = Url::parse(request.url).map_err(|_| HttpError::Denied("the URL is malformed".to_owned()))?;
        // An address is never resolved, so it is checked here.
        if let Some(address) = literal(&url).filter(|address| !may_reach(*address, request.reach)) {
            return Err(denied(&url, address));
        }
        let lazy = match request.reach {
            NetworkReach::Public => &self.public,
            NetworkReach::Private => &self.private,
            NetworkReach::Loopback => &self.loopback,
        };
        let client = lazy.as_ref().map_err(transport)?;
        let runtime = self.runtime.as_ref().map_err(transport)?;
        runtime.block_on(async {
            let work = exchange(client, &url, &request);
            tokio::time::timeout(request.timeout, work).await.unwrap_or(Err(HttpError::Timeout))
        })
    }
}

impl std::fmt::Debug for PluginHttp {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("PluginHttp").finish_non_exhaustive()
    }
}

async fn exchange(client: &Client, url: &Url, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| HttpError::Denied("the method is malformed".to_owned()))?;
    let mut sent = client.request(method, url.clone()).headers(headers(request.headers)?);
    if !request.body.is_empty() || matches!(request.method, "POST" | "PUT" | "PATCH") {
        sent = sent.body(request.body.to_vec());
    }
    let response = sent.send().await.map_err(|error| failed(url, &error))?;
    read(url, response, request).await
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let malformed = || HttpError::Denied(format!("the header `{name}` is malformed"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| malformed())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

async fn read(url: &Url, mut response: Response, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
    let size: usize = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > request.most_header_bytes {
        return Err(HttpError::TooLarge(request.most_header_bytes as u64));
    }
    let text =
        |(name, value): (&HeaderName, &HeaderValue)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()));
    let headers = response.headers().iter().filter_map(text).collect();
    let mut body = Vec::with_capacity(FIRST_BYTES.min(request.most_bytes));
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(url, &error))? {
        if chunk.len() > request.most_bytes - body.len() {
            return Err(HttpError::TooLarge(request.most_bytes as u64));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse { status: response.status().as_u16(), headers, body })
}

fn failed(url: &Url, error: &reqwest::Error) -> HttpError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(Unreachable(address)) = found.downcast_ref::<Unreachable>() {
            return denied(url, *address);
        }
        cause = found.source();
    }
    if error.is_timeout() {
        return HttpError::Timeout;
    }
    let why = root(error);
    let is_tls = ["certificate", "tls", "TLS"].iter().any(|word| why.contains(word));
    let host = url.host_str().unwrap_or_default();
    if is_tls { HttpError::Tls(format!("`{host}`: {why}")) } else { HttpError::Transport(format!("`{host}`: {why}")) }
}

fn denied(url: &Url, address: IpAddr) -> HttpError {
    let host = url.host_str().unwrap_or_default();
    let hint = if may_reach(address, NetworkReach::Private) {
        "; for a host in a private network, add `private = true` to its grant in plugins.toml"
    } else if may_reach(address, NetworkReach::Loopback) {
        "; this machine can be reached in development alone, with `--dev`"
    } else {
        ""
    };
    HttpError::Denied(format!("`{host}` leads to the address {address}, which may not be reached{hint}"))
}

/// The innermost cause: the outer ones repeat the address.
fn root(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// An address of the answer may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("its name resolves to an address that may not be reached")]
struct Unreachable(IpAddr);

/// Resolves names, all addresses of which may be reached.
struct Reachable(NetworkReach);

impl Resolve for Reachable {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addresses = reachable(found, reach)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// All addresses of an answer, if each may be reached: an answer with one that may not is somebody's attempt.
fn reachable(found: Vec<SocketAddr>, reach: NetworkReach) -> Result<Vec<SocketAddr>, Unreachable> {
    match found.iter().find(|found| !may_reach(found.ip(), reach)) {
        Some(refused) => Err(Unreachable(refused.ip())),
        None => Ok(found),
    }
}

/// Whether an address may be reached. What is neither public, private nor this machine never is: link-local addresses,
/// carrier-grade NAT, protocol assignments, documentation, benchmarks, multicast.
fn may_reach(address: IpAddr, reach: NetworkReach) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => may_reach_v4(address, reach),
        IpAddr::V6(address) => may_reach_v6(address, reach),
    }
}

fn may_reach_v4(address: Ipv4Addr, reach: NetworkReach) -> bool {
    let [first, second, third, _] = address.octets();
    if address.is_loopback() {
        return reach == NetworkReach::Loopback;
    }
    if address.is_private() {
        return reach >= NetworkReach::Private;
    }
    let is_special = first == 0
        || first >= 224
        || address.is_link_local()
        || address.is_documentation()
        || (first == 100 && second & 0xc0 == 64)
        || (first == 192 && second == 0 && third == 0)
        || (first == 192 && second == 88 && third == 99)
        || (first == 198 && second & 0xfe == 18);
    !is_special
}

fn may_reach_v6(address: Ipv6Addr, reach: NetworkReach) -> bool {
    // Addresses of IPv4 within: compatible (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380).
    let embedded = match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some([high, low]),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some([high, low]),
        [0x2002, high, low, ..] => Some([high, low]),
        [0x2001, 0, .., high, low] => Some([!high, !low]),
        _ => None,
    };
    if let Some([high, low]) = embedded {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        return may_reach_v4(Ipv4Addr::new(a, b, c, d), reach);
    }
    if address.is_loopback() {
        return reach == NetworkReach::Loopback;
    }
    if address.is_unique_local() {
        // Where Amazon's machines get their secrets.
        let is_metadata = address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];
        return reach >= NetworkReach::Private && !is_metadata;
    }
    // Global unicast (RFC 4291), without documentation (RFC 3849, RFC 9637).
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000 && !(first == 0x2001 && second == 0xdb8) && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests;
