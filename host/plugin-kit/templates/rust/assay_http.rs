//! HTTP through the host, part of the template: every response of a service becomes a value or the right error.
//!
//! The manifest requests the hosts, `plugins.toml` grants them. Redirects are responses and are not followed.
#![allow(dead_code, reason = "a template of helpers")]

use serde_json::Value;

use crate::{
    assay::{invalid, retry},
    bindings::assay::plugin::{
        http::{self, Body, Request, Response},
        types::Error,
    },
};

/// A request, built step by step.
pub struct Call(Request);

/// Begins a request.
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

impl Call {
    /// Sends JSON.
    pub fn body(mut self, body: &Value) -> Self {
        self.0.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        self.0.body = Body::Bytes(body.to_string().into_bytes());
        self
    }

    /// Names a secret, whose value the host inserts.
    pub fn secret(mut self, name: &str) -> Self {
        self.0.auth = Some(name.to_owned());
        self
    }

    /// The response, whatever its status.
    pub fn send(&self) -> Result<Response, Error> {
        http::send(&self.0).map_err(|error| self.error(&error))
    }

    /// The JSON of a successful response.
    pub fn json(&self) -> Result<Value, Error> {
        let response = self.send()?;
        self.check(response.status, &response.headers)?;
        serde_json::from_slice(&response.body)
            .map_err(|error| Error::Lost(format!("{} answered something that is not JSON: {error}", self.0.url)))
    }

    /// Streams a successful response into an artifact. It never enters the memory of this plugin.
    pub fn download(&self, artifact: &str, media_type: &str) -> Result<u64, Error> {
        let saved = http::download(&self.0, artifact, media_type).map_err(|error| self.error(&error))?;
        self.check(saved.status, &saved.headers)?;
        Ok(saved.bytes)
    }

    fn check(&self, status: u16, headers: &[(String, String)]) -> Result<(), Error> {
        let url = &self.0.url;
        match status {
            401 | 403 => Err(Error::Auth(self.0.auth.clone().unwrap_or_else(|| "none".to_owned()))),
            429 | 500.. => {
                let after = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
                let seconds = after.and_then(|(_, value)| value.parse::<u32>().ok());
                Err(retry(format!("{url} answered {status}"), seconds.map(|seconds| seconds.saturating_mul(1000))))
            }
            404 => Err(Error::Lost(format!("{url} does not exist"))),
            300.. => Err(invalid(format!("{url} answered {status}"))),
            _ => Ok(()),
        }
    }

    fn error(&self, error: &http::Error) -> Error {
        let url = &self.0.url;
        match error {
            http::Error::Denied(why) => invalid(format!("{url} is denied: {why}")),
            http::Error::TooLarge(_) => invalid(format!("the answer of {url} is too large")),
            http::Error::Timeout => retry(format!("{url} did not answer in time"), None),
            http::Error::Tls(why) | http::Error::Transport(why) => {
                retry(format!("{url} cannot be reached: {why}"), None)
            }
        }
    }
}
