//! HTTP through the host: every answer of a service becomes a value or an error of the right class.
//!
//! | answer | error |
//! | --- | --- |
//! | no response in time, a reset, a cut body, 408, 425, 429, 5xx | `transient`, with `Retry-After` |
//! | 401, 403 | `auth`, with the name of the secret |
//! | 400, 409, 422 and other 4xx | `invalid`, with the service's sentence |
//! | 404 and 410 of a job, a redirect, a page instead of JSON | `lost` |
//! | a certificate that does not verify | `invalid` |

use serde_json::Value;

use crate::{
    Error,
    bindings::assay::plugin::{
        http::{self, Body, Request, Response},
        types::Retry,
    },
    invalid,
};

/// As much of what a service says is shown.
const SHOWN: usize = 300;

/// The time of one request, so that a slow service leaves time to say so.
const TIMEOUT_MS: u32 = 10_000;

/// A request, built step by step.
#[derive(Clone)]
pub struct Call(Request);

/// Begins a request.
pub fn call(method: &str, url: impl Into<String>) -> Call {
    Call(Request {
        method: method.to_owned(),
        url: url.into(),
        headers: Vec::new(),
        body: Body::None,
        auth: None,
        timeout_ms: Some(TIMEOUT_MS),
    })
}

/// A part of a path or query, percent-encoded.
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Where a job answers that it does not exist.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The job is lost.
    Lost,
    /// The request can never work.
    Invalid,
}

impl Call {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends JSON.
    pub fn body(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    pub fn bytes(mut self, media_type: &str, bytes: Vec<u8>) -> Self {
        self.0.headers.push(("content-type".to_owned(), media_type.to_owned()));
        self.0.body = Body::Bytes(bytes);
        self
    }

    /// Names a secret, whose value the host puts in.
    pub fn secret(mut self, name: &str) -> Self {
        self.0.auth = Some(name.to_owned());
        self
    }

    /// The answer, whatever its status.
    ///
    /// # Errors
    /// There is none.
    pub fn send(&self) -> Result<Response, Error> {
        http::send(&self.0).map_err(|error| self.error(&error))
    }

    /// A successful answer.
    ///
    /// # Errors
    /// See the module.
    pub fn ok(&self, missing: Missing) -> Result<Response, Error> {
        let response = self.send()?;
        self.check(&response, missing)?;
        Ok(response)
    }

    /// The JSON of a successful answer.
    ///
    /// # Errors
    /// See the module.
    pub fn json(&self, missing: Missing) -> Result<Value, Error> {
        self.parse(&self.ok(missing)?)
    }

    /// The JSON of an answer.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(&self, response: &Response) -> Result<Value, Error> {
        serde_json::from_slice(&response.body).map_err(|_| {
            Error::Lost(format!("{} answered something that is not JSON: {}", self.name(), shown(&response.body)))
        })
    }

    /// Streams a successful answer into an artifact. It never enters the memory of this plugin.
    ///
    /// # Errors
    /// See the module; the artifact does not exist then.
    pub fn download(&self, artifact: &str, media_type: &str) -> Result<u64, Error> {
        let saved = http::download(&self.0, artifact, media_type).map_err(|error| self.error(&error))?;
        self.check(&Response { status: saved.status, headers: saved.headers, body: Vec::new() }, Missing::Lost)?;
        Ok(saved.bytes)
    }

    /// The error of an answer that is none of success.
    ///
    /// # Errors
    /// See the module.
    pub fn check(&self, response: &Response, missing: Missing) -> Result<(), Error> {
        let (status, name) = (response.status, self.name());
        let says = sentence(&response.body);
        let is_limited = status == 403
            && (header(response, "retry-after").is_some() || header(response, "x-ratelimit-remaining") == Some("0"));
        match status {
            200..300 => Ok(()),
            408 | 425 | 429 | 500.. => Err(transient(format!("{name} answered {status}{says}"), retry_after(response))),
            _ if is_limited => Err(transient(format!("{name} answered {status}{says}"), retry_after(response))),
            401 | 403 => {
                let secret =
                    self.0.auth.as_deref().map_or("none was sent".to_owned(), |name| format!("secret `{name}`"));
                Err(Error::Auth(format!("{secret}: {name} answered {status}{says}")))
            }
            404 | 410 if missing == Missing::Lost => Err(Error::Lost(format!("{name} answered {status}{says}"))),
            300..=399 => {
                let place = header(response, "location").unwrap_or_default();
                let place: String = place.split(['?', '#']).next().unwrap_or_default().chars().take(80).collect();
                Err(Error::Lost(format!(
                    "{name} answered {status} with a redirect to `{place}`, which is not followed"
                )))
            }
            _ => Err(invalid(format!("{name} answered {status}{says}"))),
        }
    }

    /// The request in messages: without its query, which may be long.
    pub fn name(&self) -> String {
        let url = self.0.url.split(['?', '#']).next().unwrap_or_default();
        format!("{} {}", self.0.method, url.chars().take(200).collect::<String>())
    }

    fn error(&self, error: &http::Error) -> Error {
        let name = self.name();
        match error {
            http::Error::Denied(why) => invalid(format!("{name} is denied: {why}")),
            http::Error::TooLarge(most) => invalid(format!("the answer to {name} is larger than {most} bytes")),
            http::Error::Timeout => transient(format!("{name} was not answered in time"), None),
            http::Error::Tls(why) => invalid(format!("{name} has no certificate that verifies: {why}")),
            http::Error::Transport(why) => transient(format!("{name} failed: {why}"), None),
        }
    }
}

/// The same call is made again later.
pub fn transient(message: String, after_ms: Option<u32>) -> Error {
    Error::Transient(Retry { message, after_ms })
}

/// A header of an answer.
pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// The seconds of `Retry-After`. A date is read against the service's own clock, which may be another one than ours.
fn retry_after(response: &Response) -> Option<u32> {
    let text = header(response, "retry-after")?;
    let seconds = match text.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => date(text)?.saturating_sub(header(response, "date").and_then(date)?),
    };
    u32::try_from(seconds.min(24 * 3_600).saturating_mul(1_000)).ok()
}

/// The seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
fn date(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace().skip(1);
    let day: u64 = words.next()?.parse().ok()?;
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = words.next()?;
    let month = u64::try_from(names.iter().position(|known| *known == name)?).ok()? + 1;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let (shifted, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * month + 2) / 5 + day;
    Some(((days.checked_sub(719_469)? * 24 + hour) * 60 + minute) * 60 + second)
}

/// What a service says in its error, as the end of a sentence.
fn sentence(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let found = ["message", "error", "detail", "error_description"].iter().find_map(|name| match &json[*name] {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => Some(Value::Object(fields.clone()).to_string()),
        _ => None,
    });
    let text = found
        .unwrap_or_else(|| String::from_utf8_lossy(body.get(..SHOWN.min(body.len())).unwrap_or_default()).into_owned());
    if text.trim().is_empty() { String::new() } else { format!(": {}", shown(text.as_bytes())) }
}

/// The beginning of what came back, on one line.
pub fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..SHOWN.min(bytes.len())).unwrap_or_default());
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_its_seconds() {
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date("Sat, 29 Feb 2020 12:00:00 GMT"), Some(1_582_977_600));
        for text in ["", "x", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_urls_are_encoded() {
        assert_eq!(encode("a/b c?=é"), "a%2Fb%20c%3F%3D%C3%A9");
    }
}
