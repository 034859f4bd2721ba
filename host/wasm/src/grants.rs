//! [`Grants`]: the hosts, secrets and limits that an operator grants a plugin, in `plugins.toml`.
//!
//! What a plugin gets is what its manifest requests and the operator grants. Without grants it has no network.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::{Host, Url};

use crate::{capability::redact::Redactor, text};

/// What an operator grants one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// The name of its entry in `plugins.toml`, for messages; without one, its own name stands there.
    pub entry: Option<String>,
    /// Hosts that it may send requests to.
    pub http: Vec<HttpGrant>,
    /// Secrets by the name that it uses.
    pub secrets: BTreeMap<String, SecretGrant>,
    /// Caps for its limits, by the names in [`CallLimits`](crate::CallLimits).
    pub limits: BTreeMap<String, u64>,
    /// Whether it may reach this machine, for development.
    pub loopback: bool,
}

impl Grants {
    /// Bytes without the secrets of these grants, in whatever encoding.
    #[must_use]
    pub fn redact(&self, bytes: Vec<u8>) -> Vec<u8> {
        Redactor::new(self.secrets.values().map(|grant| grant.value.reveal().as_bytes())).redact(bytes)
    }
}

/// A host that a plugin may send requests to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGrant {
    /// The host.
    pub host: HostPattern,
    /// The methods, in upper case.
    pub methods: Vec<String>,
    /// Whether plain HTTP may be used.
    pub plain: bool,
    /// Whether it may be in a private network.
    pub private: bool,
}

/// A secret that the host sends for a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretGrant {
    /// Its value.
    pub value: SecretValue,
    /// The host that it may travel to.
    pub host: HostPattern,
    /// The header that it travels in.
    pub header: String,
    /// Its form there.
    pub scheme: SecretScheme,
    /// Whether it may also replace placeholders in bodies and queries.
    pub body: bool,
}

/// How a secret is written into its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretScheme {
    /// As it is.
    Plain,
    /// `Bearer` and the value.
    Bearer,
    /// `Basic` and the base64 of the value, which is `user:password` (RFC 7617).
    Basic,
}

/// The value of a secret. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Arc<str>);

impl SecretValue {
    /// A value without the line end that files have.
    #[must_use]
    pub fn new(value: &str) -> Self {
        Self(Arc::from(value.trim_end_matches(['\r', '\n'])))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("***")
    }
}

impl SecretGrant {
    /// The value of its header.
    pub(crate) fn header_value(&self) -> String {
        let value = self.value.reveal();
        match self.scheme {
            SecretScheme::Plain => value.to_owned(),
            SecretScheme::Bearer => format!("Bearer {value}"),
            SecretScheme::Basic => format!("Basic {}", STANDARD.encode(value)),
        }
    }
}

/// A host: `ci.example.com`, `ci.example.com:8443`, `*.example.com` or an IP address. Without a port it stands for the port
/// of the scheme. A pattern with `*` stands for names below, never for addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    below: bool,
    host: Host<String>,
    port: Option<u16>,
}

/// A text is not a [`HostPattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host: use `ci.example.com`, `ci.example.com:8443`, `*.example.com` or an IP address")]
pub struct HostPatternError(String);

impl std::str::FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || HostPatternError(text::one_line(text, 200));
        let (below, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        if rest.is_empty() || rest.contains(['/', '@', '*', '?', '#', '\\', '%', ' ']) {
            return Err(refused());
        }
        // The scheme only lends its parser; it must not drop the port that is written.
        let url = Url::parse(&format!("http://{rest}/")).map_err(|_| refused())?;
        let host = url.host().ok_or_else(refused)?.to_owned();
        let port = match rest.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => Some(port.parse().map_err(|_| refused())?),
            _ => None,
        };
        let is_name = matches!(&host, Host::Domain(name) if !name.ends_with('.'));
        match &host {
            Host::Domain(_) if is_name => Ok(Self { below, host, port }),
            Host::Ipv4(_) | Host::Ipv6(_) if !below => Ok(Self { below, host, port }),
            _ => Err(refused()),
        }
    }
}

impl HostPattern {
    /// Whether it stands for the host of this URL.
    pub(crate) fn contains(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let is_host = match (&self.host, &host) {
            (Host::Domain(own), Host::Domain(name)) if self.below => {
                name.strip_suffix(own.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (Host::Domain(own), Host::Domain(name)) => own == name,
            (Host::Ipv4(own), Host::Ipv4(address)) => own == address,
            (Host::Ipv6(own), Host::Ipv6(address)) => own == address,
            _ => false,
        };
        let default = if url.scheme() == "http" { 80 } else { 443 };
        is_host && url.port_or_known_default() == Some(self.port.unwrap_or(default))
    }
}

impl std::fmt::Display for HostPattern {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}{}", if self.below { "*." } else { "" }, self.host)?;
        self.port.map_or(Ok(()), |port| write!(to, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_its_hosts_only() {
        for (pattern, url, is_contained) in [
            ("ci.example.com", "https://ci.example.com/job", true),
            ("ci.example.com", "https://CI.EXAMPLE.com:443/", true),
            ("ci.example.com", "http://ci.example.com/", true),
            ("ci.example.com:443", "https://ci.example.com/", true),
            ("ci.example.com:443", "http://ci.example.com/", false),
            ("ci.example.com", "https://ci.example.com:8443/", false),
            ("ci.example.com:8443", "https://ci.example.com:8443/", true),
            ("ci.example.com", "https://ci.example.com./", false),
            ("ci.example.com", "https://ci.example.com.evil.test/", false),
            ("ci.example.com", "https://xci.example.com/", false),
            ("*.example.com", "https://a.example.com/", true),
            ("*.example.com", "https://b.a.example.com/", true),
            ("*.example.com", "https://example.com/", false),
            ("*.example.com", "https://.example.com/", false),
            ("*.example.com", "https://xexample.com/", false),
            ("127.0.0.1", "https://0x7f.1/", true),
            ("ci.example.com", "https://0x7f.1/", false),
            ("[::1]:80", "http://[::1]/", true),
            ("bücher.example", "https://xn--bcher-kva.example/", true),
        ] {
            let pattern: HostPattern = pattern.parse().unwrap();
            assert_eq!(pattern.contains(&Url::parse(url).unwrap()), is_contained, "{pattern} {url}");
        }
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        let bad = ["", "*", "*.", "a/b", "u@h", "https://a", "*.127.0.0.1", "a:b", "a:99999", "a b", "a.*.b", "host."];
        for bad in bad {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let grant = SecretGrant {
            value: SecretValue::new("user:password\n"),
            host: "a".parse().unwrap(),
            header: "Authorization".to_owned(),
            scheme: SecretScheme::Basic,
            body: false,
        };
        assert_eq!(grant.header_value(), "Basic dXNlcjpwYXNzd29yZA==");
        let shown = format!("{grant:?}");
        assert!(shown.contains("***") && !shown.contains("password"), "{shown}");
    }
}
