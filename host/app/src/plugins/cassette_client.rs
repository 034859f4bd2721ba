//! [`CassetteClient`]: a service that answers from a cassette, and can break on purpose.
//!
//! It stands for a real service, so a request that is made again gets the response of its kind again: what a service knows
//! does not depend on how often it is requested.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use assay_model::port::{HttpClient, HttpError, HttpRequest, HttpResponse};
use assay_plugin_kit::{Exchange, RecordedResponse};

/// How a service breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Too many requests, try in a second.
    TooMany,
    /// A server error of this status.
    Status(u16),
    /// The connection is reset before the response.
    Reset,
    /// The response never comes.
    Slow,
    /// The body ends early.
    CutBody,
    /// The credential has expired.
    Expired,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::TooMany,
        Self::Status(500),
        Self::Status(502),
        Self::Status(503),
        Self::Reset,
        Self::Slow,
        Self::CutBody,
        Self::Expired,
    ];

    /// The name in reports.
    pub(crate) fn name(self) -> String {
        match self {
            Self::TooMany => "429".to_owned(),
            Self::Status(status) => status.to_string(),
            Self::Reset => "reset".to_owned(),
            Self::Slow => "slow".to_owned(),
            Self::CutBody => "cut-body".to_owned(),
            Self::Expired => "expired-token".to_owned(),
        }
    }
}

/// A service that answers from a cassette.
#[derive(Debug)]
pub(crate) struct CassetteClient {
    exchanges: Vec<Exchange>,
    /// The exchanges that were answered, and all requests with their statuses.
    state: Mutex<State>,
    /// The number of requests and other effects so far.
    effects: AtomicUsize,
    /// The number of effects after which the plugin is dead to the world.
    dies_after: AtomicUsize,
    is_dead: AtomicBool,
    /// The request that breaks, and how.
    fault: Option<(usize, Fault)>,
}

#[derive(Debug, Default)]
struct State {
    used: Vec<bool>,
    requests: Vec<String>,
    unknown: Option<String>,
}

impl CassetteClient {
    pub(crate) fn new(exchanges: Vec<Exchange>, fault: Option<(usize, Fault)>) -> Self {
        let state = Mutex::new(State { used: vec![false; exchanges.len()], ..State::default() });
        Self {
            exchanges,
            state,
            effects: AtomicUsize::new(0),
            dies_after: AtomicUsize::new(usize::MAX),
            is_dead: AtomicBool::new(false),
            fault,
        }
    }

    /// From now on the plugin dies after so many more effects: nothing that it does then reaches anyone.
    pub(crate) fn die_after(&self, effects: usize) {
        self.effects.store(0, Ordering::SeqCst);
        self.dies_after.store(effects, Ordering::SeqCst);
    }

    /// Brings the plugin back to life, and returns whether it had died.
    pub(crate) fn revive(&self) -> bool {
        self.dies_after.store(usize::MAX, Ordering::SeqCst);
        self.is_dead.swap(false, Ordering::SeqCst)
    }

    /// Counts an effect; false if the plugin is dead and it must not happen.
    pub(crate) fn count_effect(&self) -> bool {
        if self.effects.fetch_add(1, Ordering::SeqCst) >= self.dies_after.load(Ordering::SeqCst) {
            self.is_dead.store(true, Ordering::SeqCst);
            return false;
        }
        true
    }

    /// The number of requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.locked().requests.clone()
    }

    /// The first request that the cassette does not have.
    pub(crate) fn unknown(&self) -> Option<String> {
        self.locked().unknown.clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &HttpRequest<'_>) -> Option<RecordedResponse> {
        let mut state = self.locked();
        let is_same =
            |exchange: &Exchange| exchange.request.method == request.method && exchange.request.url == request.url;
        let mut same = self.exchanges.iter().enumerate().filter(|(_, exchange)| is_same(exchange));
        let unused = same.clone().find(|(at, _)| !state.used.get(*at).copied().unwrap_or(true));
        // What was answered already is answered as the last time.
        let (at, exchange) = unused.or_else(|| same.next_back())?;
        if let Some(used) = state.used.get_mut(at) {
            *used = true;
        }
        Some(exchange.response.clone())
    }
}

impl HttpClient for CassetteClient {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        if !self.count_effect() {
            return Err(HttpError::Transport("the plugin was killed".to_owned()));
        }
        let shown = format!("{} {}", request.method, request.url);
        let number = {
            let mut state = self.locked();
            state.requests.push(shown.clone());
            state.requests.len() - 1
        };
        let simple = |status: u16| HttpResponse { status, headers: Vec::new(), body: Vec::new() };
        let fault = self.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        match fault {
            Some(Fault::TooMany) => {
                let headers = vec![("retry-after".to_owned(), "1".to_owned())];
                return Ok(HttpResponse { headers, ..simple(429) });
            }
            Some(Fault::Status(status)) => return Ok(simple(status)),
            Some(Fault::Reset) => return Err(HttpError::Transport("connection reset".to_owned())),
            Some(Fault::Slow) => return Err(HttpError::Timeout),
            Some(Fault::Expired) => return Ok(simple(401)),
            Some(Fault::CutBody) | None => {}
        }
        let Some(found) = self.answer(&request) else {
            self.locked().unknown.get_or_insert(shown.clone());
            return Err(HttpError::Denied(format!("the cassette has no request `{shown}`")));
        };
        if fault == Some(Fault::CutBody) {
            return Err(HttpError::Transport("the body ended early".to_owned()));
        }
        Ok(HttpResponse { status: found.status, headers: found.headers, body: found.body.into_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use assay_model::port::NetworkReach;
    use assay_plugin_kit::RecordedRequest;

    use super::*;

    fn exchange(method: &str, status: u16) -> Exchange {
        Exchange {
            request: RecordedRequest { method: method.to_owned(), url: "https://a/".to_owned() },
            response: RecordedResponse { status, headers: Vec::new(), body: String::new() },
        }
    }

    fn send(client: &CassetteClient, method: &str) -> Result<u16, HttpError> {
        let request = HttpRequest {
            method,
            url: "https://a/",
            headers: &[],
            body: &[],
            reach: NetworkReach::Public,
            timeout: Duration::from_secs(1),
            most_bytes: 100,
            most_header_bytes: 100,
        };
        client.send(request).map(|response| response.status)
    }

    #[test]
    fn responses_come_in_order_and_the_last_one_again() {
        let client = CassetteClient::new(vec![exchange("GET", 200), exchange("POST", 201), exchange("GET", 204)], None);
        assert_eq!(["GET", "GET", "GET", "POST"].map(|method| send(&client, method).unwrap()), [200, 204, 204, 201]);
        assert!(matches!(send(&client, "PUT"), Err(HttpError::Denied(_))));
        assert_eq!(client.unknown(), Some("PUT https://a/".to_owned()));
    }

    #[test]
    fn a_dead_plugin_reaches_nobody_and_a_fault_happens_once() {
        let client = CassetteClient::new(vec![exchange("GET", 200)], Some((1, Fault::Status(503))));
        client.die_after(2);
        assert_eq!(send(&client, "GET"), Ok(200));
        assert_eq!(send(&client, "GET"), Ok(503));
        assert!(send(&client, "GET").is_err());
        assert_eq!(client.requests().len(), 2);
        assert!(client.revive() && !client.revive());
        assert_eq!(send(&client, "GET"), Ok(200));
    }
}
