//! [`HttpClient`]: requests of plugins, sent by the host.

use std::time::Duration;

/// Which addresses a request may reach. Link-local addresses, among them those where clouds give a machine its secrets, are
/// never reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkReach {
    /// Public addresses.
    Public,
    /// Those of private networks, too (RFC 1918, RFC 4193).
    Private,
    /// This machine as well, for development.
    Loopback,
}

/// One request. The caller has decided that it may be sent; where its host's name leads is decided by the client.
#[derive(Clone, Copy)]
pub struct HttpRequest<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The URL in its normal form: `http` or `https`, without credentials.
    pub url: &'a str,
    /// The headers besides those of the connection. Their values may be secrets.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
    /// The addresses that it may reach.
    pub reach: NetworkReach,
    /// The time until the end of the response.
    pub timeout: Duration,
    /// The longest body of a response.
    pub most_bytes: usize,
    /// All headers of a response together.
    pub most_header_bytes: usize,
}

/// A response of any status. Redirects are responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The headers in their order; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent: nothing is decompressed.
    pub body: Vec<u8>,
}

/// Why there is no response. No text has a part of the request but its host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The host's name leads to an address that may not be reached, or the request is malformed.
    #[error("{0}")]
    Denied(String),
    /// No response within the time.
    #[error("no response in time")]
    Timeout,
    /// The response has more than so many bytes, in its body or headers.
    #[error("a response of more than {0} bytes")]
    TooLarge(u64),
    /// The server's certificate, or its TLS.
    #[error("{0}")]
    Tls(String),
    /// Anything else of the connection.
    #[error("{0}")]
    Transport(String),
}

/// Sends requests. Blocks until the response is there.
pub trait HttpClient: Send + Sync {
    /// Resolves the host once, refuses it if any of its addresses may not be reached, and sends the request to one of
    /// them. Follows no redirect and uses no proxy.
    ///
    /// # Errors
    /// There is no response that may be used.
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError>;
}
