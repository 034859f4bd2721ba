//! [`HttpView`]: the requests that one call may send.
//!
//! A request is sent where the manifest requests its host and method and the operator grants them. The URL is parsed once,
//! here; what is compared is its normal form. Where the name of the host leads is decided by the
//! [`HttpClient`]. Secrets are put in last, and removed from whatever comes back.

use std::{sync::Arc, time::Duration};

use assay_model::port::{HttpClient, HttpError, HttpRequest, HttpResponse, NetworkReach};
use url::Url;

use super::secrets::{Form, NotGranted, Secrets};
use crate::{
    call_limits::CallLimits,
    denial::{Denial, Denials},
    grants::{Grants, HostPattern, HttpGrant},
    limits, text,
    values::{Param, ParamValue, RawPermission},
};

/// A request as a guest makes it.
pub(crate) struct GuestRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) auth: Option<String>,
    pub(crate) timeout: Option<Duration>,
}

/// Headers of the connection and of identity, which the host sets itself or nobody does.
const FORBIDDEN: [&str; 16] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
];

/// Methods that a grant can name.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The network of one call, or none.
pub(crate) struct HttpView(Option<Box<Access>>);

struct Access {
    /// The name of its entry in the list of plugins.
    entry: String,
    requested: Vec<Requested>,
    grants: Grants,
    secrets: Secrets,
    client: Option<Arc<dyn HttpClient>>,
    call: [u8; 32],
    sent: u64,
    denials: Denials,
}

/// A host that a manifest requests.
struct Requested {
    host: HostPattern,
    methods: Vec<String>,
}

impl HttpView {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// `call` is the key of the call.
    pub(crate) fn new(
        plugin: &str,
        requested: &[RawPermission],
        params: &[Param],
        grants: &Grants,
        client: Option<Arc<dyn HttpClient>>,
        call: [u8; 32],
    ) -> Self {
        let hosts = requested.iter().filter(|one| one.kind == "http").filter_map(|one| Requested::new(one, params));
        let entry = grants.entry.as_deref().unwrap_or(plugin);
        Self(Some(Box::new(Access {
            entry: entry.to_owned(),
            requested: hosts.collect(),
            grants: grants.clone(),
            secrets: Secrets::new(entry, requested, grants),
            client,
            call,
            sent: 0,
            denials: Denials::new(),
        })))
    }

    /// What was denied, with what would allow it.
    pub(crate) fn denials(&self) -> &[Denial] {
        self.0.as_ref().map_or(&[], |access| access.denials.as_slice())
    }

    /// Sends a request, for at most `left`.
    pub(crate) fn send(
        &mut self,
        request: GuestRequest,
        left: Duration,
        limits: CallLimits,
        most_bytes: usize,
    ) -> Result<HttpResponse, HttpError> {
        match &mut self.0 {
            Some(access) => access.send(request, left, limits, most_bytes),
            None => Err(HttpError::Denied("this call has no network".to_owned())),
        }
    }

    /// A word that stands for a secret.
    pub(crate) fn placeholder(&mut self, name: &str, form: Form) -> Result<String, HttpError> {
        match &mut self.0 {
            Some(access) => {
                let made = access.secrets.placeholder(name, form, &access.call);
                made.map_err(|error| access.deny_secret(error))
            }
            None => Err(HttpError::Denied("this call has no network".to_owned())),
        }
    }
}

impl Access {
    fn send(
        &mut self,
        request: GuestRequest,
        left: Duration,
        limits: CallLimits,
        most_bytes: usize,
    ) -> Result<HttpResponse, HttpError> {
        self.sent += 1;
        if self.sent > limits.http_requests {
            let what =
                format!("quota: this call sent {} requests, all that `http-requests` allows", limits.http_requests);
            self.denials.quota(&what, Some("http-requests"));
            return Err(HttpError::Denied(what));
        }
        if request.body.len() > limits.http_bytes() {
            let what = format!("quota: the body of a request has more than {} MiB", limits.http_mib);
            self.denials.quota(&what, Some("http-mib"));
            return Err(HttpError::TooLarge(limits.http_bytes() as u64));
        }
        let mut url = parse(&request.url)?;
        let reach = self.admit(&request.method, &url)?;
        let mut headers = request.headers;
        check_headers(&headers)?;
        if let Some(name) = &request.auth {
            let header = self.secrets.header(name, &url).map_err(|error| self.deny_secret(error))?;
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case(&header.0));
            headers.push(header);
        }
        let body = self.secrets.fill(&mut url, request.body);
        let Some(client) = &self.client else {
            return Err(HttpError::Denied("this run has no network".to_owned()));
        };
        let response = client.send(HttpRequest {
            method: &request.method,
            url: url.as_str(),
            headers: &headers,
            body: &body,
            reach,
            timeout: request.timeout.map_or(left, |timeout| timeout.min(left)),
            most_bytes,
            most_header_bytes: limits::HTTP_HEADER_BYTES,
        });
        let response = self.redacted(response);
        match &response {
            Err(HttpError::Denied(what)) => self.denials.refused(what.clone()),
            Err(HttpError::TooLarge(most)) => {
                let setting = match usize::try_from(*most) {
                    Ok(most) if most == limits.http_bytes() => Some("http-mib"),
                    Ok(most) if most == most_bytes => Some("artifact-mib"),
                    _ => None,
                };
                self.denials.quota(&format!("quota: a response has more than {most} bytes"), setting);
            }
            _ => {}
        }
        response
    }

    /// The response without secrets.
    fn redacted(&self, response: Result<HttpResponse, HttpError>) -> Result<HttpResponse, HttpError> {
        let redactor = self.secrets.redactor();
        let text = |text: String| redactor.redact_text(&text::one_line(&text, 500));
        match response {
            Ok(HttpResponse { status, headers, body }) => {
                let headers = headers
                    .into_iter()
                    .take(limits::HTTP_HEADERS)
                    .map(|(name, value)| (name, redactor.redact_text(&value)))
                    .collect();
                Ok(HttpResponse { status, headers, body: redactor.redact(body) })
            }
            Err(HttpError::Denied(what)) => Err(HttpError::Denied(text(what))),
            Err(HttpError::Tls(what)) => Err(HttpError::Tls(text(what))),
            Err(HttpError::Transport(what)) => Err(HttpError::Transport(text(what))),
            Err(other) => Err(other),
        }
    }

    /// Whether the request may be sent, and which addresses it may reach.
    fn admit(&mut self, method: &str, url: &Url) -> Result<NetworkReach, HttpError> {
        let place = authority(url);
        if !METHODS.contains(&method) {
            let methods = METHODS.join(", ");
            return Err(HttpError::Denied(format!("the method `{}` is none of {methods}", text::one_line(method, 50))));
        }
        let is_requested =
            self.requested.iter().any(|one| one.host.contains(url) && one.methods.iter().any(|own| own == method));
        if !is_requested {
            let what = format!("its manifest does not request {method} to `{place}`");
            let hint = format!(
                "add the permission `http` of the name `{place}` with the option `methods` = `{method}` to its manifest"
            );
            return Err(self.deny(what, &hint));
        }
        let is_plain = url.scheme() == "http";
        let fits = |grant: &&HttpGrant| {
            grant.host.contains(url) && grant.methods.iter().any(|own| own == method) && (!is_plain || grant.plain)
        };
        match self.grants.http.iter().find(fits) {
            Some(_) if self.grants.loopback => Ok(NetworkReach::Loopback),
            Some(grant) if grant.private => Ok(NetworkReach::Private),
            Some(_) => Ok(NetworkReach::Public),
            None => {
                let what = format!("plugins.toml does not grant {method} to `{}://{place}`", url.scheme());
                let plain = if is_plain { ", plain = true" } else { "" };
                let hint = format!(
                    "add `http = [{{ host = \"{place}\", methods = [\"{method}\"]{plain} }}]` to [plugin.{}] of plugins.toml",
                    self.entry
                );
                Err(self.deny(what, &hint))
            }
        }
    }

    fn deny_secret(&mut self, NotGranted { what, hint }: NotGranted) -> HttpError {
        self.deny(what, &hint)
    }

    fn deny(&mut self, what: String, hint: &str) -> HttpError {
        self.denials.deny(&what, hint);
        HttpError::Denied(what)
    }
}

impl Requested {
    fn new(permission: &RawPermission, params: &[Param]) -> Option<Self> {
        Some(Self { host: host_of(&permission.name, params)?, methods: methods_of(permission) })
    }
}

/// The host of a permission: `{param}` stands for the host of that parameter, which is a host or a URL; without a value it is
/// not requested.
pub(crate) fn host_of(name: &str, params: &[Param]) -> Option<HostPattern> {
    let named = name.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
    match named {
        None => name.parse().ok(),
        Some(param) => {
            let value = params.iter().find(|one| one.name == param).and_then(|one| match &one.value {
                ParamValue::Text(text) => Some(text.as_str()),
                _ => None,
            })?;
            let place = match Url::parse(value) {
                Ok(url) if value.contains("://") => authority(&url),
                _ => value.to_owned(),
            };
            place.parse().ok()
        }
    }
}

/// The methods of a permission.
pub(crate) fn methods_of(permission: &RawPermission) -> Vec<String> {
    let methods = permission.options.iter().find(|(name, _)| name == "methods").map_or("GET", |(_, value)| value);
    methods.split(',').map(|method| method.trim().to_ascii_uppercase()).collect()
}

/// The URL in its normal form.
fn parse(text: &str) -> Result<Url, HttpError> {
    let denied = |why: &str| HttpError::Denied(format!("`{}` {why}", text::one_line(text, 200)));
    if text.len() > limits::HTTP_URL_BYTES {
        return Err(denied("is too long"));
    }
    let mut url = Url::parse(text).map_err(|_| denied("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(denied("is neither `https` nor `http`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpError::Denied("a URL with credentials in it is not sent".to_owned()));
    }
    url.set_fragment(None);
    Ok(url)
}

/// Host and port, always with the port.
fn authority(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

fn check_headers(headers: &[(String, String)]) -> Result<(), HttpError> {
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > limits::HTTP_HEADER_BYTES || headers.len() > limits::HTTP_HEADERS {
        return Err(HttpError::TooLarge(limits::HTTP_HEADER_BYTES as u64));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        let denied = |why: &str| Err(HttpError::Denied(format!("the header `{}` {why}", text::one_line(name, 100))));
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return denied("is not a name of a header");
        }
        if !value.bytes().all(|byte| byte == b'\t' || (0x20..0x7f).contains(&byte)) {
            return denied("has a value with control characters");
        }
        if FORBIDDEN.contains(&lower.as_str()) || lower.starts_with("proxy-") || lower.starts_with("sec-") {
            return denied("is set by the host alone");
        }
        if !seen.insert(lower) {
            return denied("is there twice");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
