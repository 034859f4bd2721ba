//! HTTP through the host: every answer of a service becomes a value or the right error.
//!
//! The manifest requests the hosts, `plugins.toml` grants them. Redirects are answers and are not followed.

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use crate::bindings::assay::plugin::http::Response;
use crate::{
    Error,
    bindings::assay::plugin::http::{self, Body, Request},
    host, invalid, retry,
};

/// A request, built step by step.
#[derive(Clone, Debug)]
pub struct Call(Request);

/// Begins a request.
#[must_use]
pub fn call(method: &str, url: impl Into<String>) -> Call {
    Call(Request {
        method: method.to_owned(),
        url: url.into(),
        headers: Vec::new(),
        body: Body::None,
        auth: None,
        timeout_ms: None,
    })
}

/// Begins a GET request.
#[must_use]
pub fn get(url: impl Into<String>) -> Call {
    call("GET", url)
}

impl Call {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends JSON.
    #[must_use]
    pub fn json_body(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    /// Sends bytes.
    #[must_use]
    pub fn bytes(self, media_type: &str, bytes: Vec<u8>) -> Self {
        let mut with = self.header("content-type", media_type);
        with.0.body = Body::Bytes(bytes);
        with
    }

    /// Names a secret, whose value the host puts in.
    #[must_use]
    pub fn secret(mut self, name: &str) -> Self {
        self.0.auth = Some(name.to_owned());
        self
    }

    /// The most time for the response.
    #[must_use]
    pub fn timeout_ms(mut self, milliseconds: u32) -> Self {
        self.0.timeout_ms = Some(milliseconds);
        self
    }

    /// The response, whatever its status.
    ///
    /// # Errors
    /// There is none.
    pub fn send(&self) -> Result<Response, Error> {
        host::http::send(&self.0).map_err(|error| self.error(&error))
    }

    /// The successful response.
    ///
    /// # Errors
    /// There is none, or it is not successful: what the host does then follows from its status.
    pub fn successful(&self) -> Result<Response, Error> {
        let response = self.send()?;
        self.check(response.status, &response.headers)?;
        Ok(response)
    }

    /// The JSON of a successful response.
    ///
    /// # Errors
    /// As [`Call::successful`], or the body is not what is expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let response = self.successful()?;
        serde_json::from_slice(&response.body)
            .map_err(|error| Error::Lost(format!("{} answered something unexpected: {error}", self.0.url)))
    }

    /// Streams a successful response into an artifact. It never enters the memory of this plugin.
    ///
    /// # Errors
    /// As [`Call::successful`].
    pub fn download(&self, artifact: &str, media_type: &str) -> Result<u64, Error> {
        let saved = host::http::download(&self.0, artifact, media_type).map_err(|error| self.error(&error))?;
        self.check(saved.status, &saved.headers)?;
        Ok(saved.bytes)
    }

    fn check(&self, status: u16, headers: &[(String, String)]) -> Result<(), Error> {
        let url = &self.0.url;
        match status {
            401 | 403 => Err(Error::Auth(self.0.auth.clone().unwrap_or_else(|| "none".to_owned()))),
            429 | 500.. => Err(retry(format!("{url} answered {status}"), retry_after(headers))),
            404 => Err(Error::Lost(format!("{url} does not exist"))),
            300.. => Err(invalid(format!("{url} answered {status}"))),
            _ => Ok(()),
        }
    }

    fn error(&self, error: &http::Error) -> Error {
        let url = &self.0.url;
        match error {
            http::Error::Denied(why) => invalid(format!("{url} is denied: {why}")),
            http::Error::TooLarge(_) => invalid(format!("the response of {url} is too large")),
            http::Error::Timeout => retry(format!("{url} did not answer in time"), None),
            http::Error::Tls(why) | http::Error::Transport(why) => {
                retry(format!("{url} cannot be reached: {why}"), None)
            }
        }
    }
}

/// How long a service wants to be left alone, in milliseconds.
#[must_use]
pub fn retry_after(headers: &[(String, String)]) -> Option<u32> {
    let after = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    let seconds = after.and_then(|(_, value)| value.trim().parse::<u32>().ok())?;
    Some(seconds.saturating_mul(1000))
}
