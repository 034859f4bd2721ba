//! [`ReadingClient`]: lets an adapter read and refuses the rest, and remembers both.
//!
//! A request that makes a job and one that looks for it may both be POST. What an adapter is refused at its first attempt, where
//! it looks for nothing, makes a job: only if it is refused the same at a later attempt, and has read more before that, it
//! looked for the job and found none ([`has_looked`]).

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use assay_model::{
    digest::Digest,
    port::{HttpClient, HttpError, HttpRequest, HttpResponse},
};
use assay_oci::PluginHttp;

/// Requests that are remembered; the limit of a call is lower.
const REMEMBERED: usize = 1_000;

/// What was sent during one call.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// The requests that were answered, before one was refused.
    reads: BTreeSet<(String, String)>,
    /// The first one that was refused.
    refused: Option<Refused>,
}

/// A request that does not only read.
#[derive(Debug, PartialEq, Eq)]
struct Refused {
    method: String,
    url: String,
    body: Digest,
}

impl Sent {
    pub(super) const fn is_refused(&self) -> bool {
        self.refused.is_some()
    }
}

impl Refused {
    /// For people; a query may have secrets in it.
    fn place(&self) -> String {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        format!("{} {url}", self.method)
    }
}

/// Whether an adapter that was refused something had looked for the job before. `first` is what it sent at its first attempt.
///
/// # Errors
/// It did not, or nobody knows. The text says why.
pub(super) fn has_looked(sent: &Sent, first: &Sent) -> Result<(), String> {
    let Some(refused) = &sent.refused else { return Ok(()) };
    if first.refused.as_ref() != Some(refused) {
        return Err(format!(
            "the plugin looks for its job by a request that may as well make one, and that was not sent: {}",
            refused.place()
        ));
    }
    if sent.reads.is_subset(&first.reads) {
        return Err(format!("the plugin does not look for its job before it makes one: {}", refused.place()));
    }
    Ok(())
}

/// Sends what only reads, and refuses the rest.
pub(super) struct ReadingClient {
    inner: PluginHttp,
    sent: Mutex<Sent>,
}

impl ReadingClient {
    pub(super) fn new(inner: PluginHttp) -> Self {
        Self { inner, sent: Mutex::default() }
    }

    /// What was sent since it was called last.
    pub(super) fn take_sent(&self) -> Sent {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpClient for ReadingClient {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let (method, url) = (request.method.to_owned(), request.url.to_owned());
        if matches!(request.method, "GET" | "HEAD") {
            let answered = self.inner.send(request);
            let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            if answered.is_ok() && sent.refused.is_none() && sent.reads.len() < REMEMBERED {
                sent.reads.insert((method, url));
            }
            return answered;
        }
        let body = Digest::of(request.body);
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.refused.get_or_insert(Refused { method, url, body });
        Err(HttpError::Denied("it is only looked for a job, and none is made".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(reads: &[&str], refused: Option<(&str, &[u8])>) -> Sent {
        let reads = reads.iter().map(|url| ("GET".to_owned(), (*url).to_owned())).collect();
        let refused = refused.map(|(url, body)| Refused {
            method: "POST".to_owned(),
            url: url.to_owned(),
            body: Digest::of(body),
        });
        Sent { reads, refused }
    }

    #[test]
    fn a_search_is_told_from_what_makes_a_job_by_what_the_first_attempt_sends() {
        let make = Some(("https://ci.test/jobs", b"key".as_slice()));
        let search = Some(("https://ci.test/graphql?q=secret", b"search".as_slice()));
        for (later, first, why) in [
            (sent(&["token", "jobs?key"], make), sent(&["token"], make), None),
            (sent(&["jobs?key"], make), sent(&[], make), None),
            (sent(&[], make), sent(&[], make), Some("does not look for its job")),
            (sent(&["token"], make), sent(&["token"], make), Some("does not look for its job")),
            (sent(&["token"], search), sent(&["token"], make), Some("not sent: POST https://ci.test/graphql")),
            (sent(&["jobs?key"], make), sent(&["jobs?key"], None), Some("may as well make one")),
        ] {
            let looked = has_looked(&later, &first);
            match why {
                None => assert_eq!(looked, Ok(())),
                Some(why) => {
                    let said = looked.unwrap_err();
                    assert!(said.contains(why) && !said.contains("secret"), "{said}");
                }
            }
        }
        // The same place with another body is another request.
        let mutation = Some(("https://ci.test/graphql?q=secret", b"mutation".as_slice()));
        assert!(has_looked(&sent(&["token"], search), &sent(&[], mutation)).is_err());
    }
}
