//! [`RecordingClient`]: writes what a plugin exchanges with a service into a cassette, without secrets.

use std::{
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use assay_model::port::{HttpClient, HttpError, HttpRequest, HttpResponse};
use assay_plugin_kit::{Exchange, RecordedRequest, RecordedResponse};
use assay_wasm::Grants;
use camino::Utf8Path;

use crate::error::{RequestError, RequestErrorKind};

/// Headers of responses that are secrets of the service, or differ each time.
const LEFT_OUT: [&str; 3] = ["set-cookie", "date", "server-timing"];

/// Sends requests, and records them with their responses. An exchange without a response is not recorded.
pub(crate) struct RecordingClient {
    inner: Arc<dyn HttpClient>,
    grants: Grants,
    file: Mutex<fs_err::File>,
}

impl RecordingClient {
    /// Adds to a cassette, or makes it.
    pub(crate) fn new(inner: Arc<dyn HttpClient>, grants: Grants, file: &Utf8Path) -> Result<Self, RequestError> {
        let failed = |error: &std::io::Error| RequestError::from_error(error).with_kind(RequestErrorKind::File);
        if let Some(folder) = file.parent() {
            fs_err::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        let mut options = fs_err::OpenOptions::new();
        let file = options.create(true).append(true).open(file).map_err(|error| failed(&error))?;
        Ok(Self { inner, grants, file: Mutex::new(file) })
    }

    fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.grants.redact(text.as_bytes().to_vec())).into_owned()
    }

    fn record(&self, request: &HttpRequest<'_>, response: &HttpResponse) -> std::io::Result<()> {
        let headers =
            response.headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.to_ascii_lowercase().as_str()));
        let exchange = Exchange {
            request: RecordedRequest { method: request.method.to_owned(), url: self.text(request.url) },
            response: RecordedResponse {
                status: response.status,
                headers: headers.map(|(name, value)| (name.clone(), self.text(value))).collect(),
                body: String::from_utf8_lossy(&self.grants.redact(response.body.clone())).into_owned(),
            },
        };
        let line = serde_json::to_string(&exchange)? + "\n";
        // One write: a process that is killed leaves whole lines.
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
    }
}

impl HttpClient for RecordingClient {
    fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let response = self.inner.send(request)?;
        self.record(&request, &response)
            .map_err(|error| HttpError::Transport(format!("the cassette cannot be written: {error}")))?;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use assay_model::port::NetworkReach;
    use assay_plugin_kit::read_cassette;
    use assay_wasm::{SecretGrant, SecretScheme, SecretValue};

    use super::*;

    struct Echo;

    impl HttpClient for Echo {
        fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
            let headers =
                vec![("Set-Cookie".to_owned(), "x".to_owned()), ("location".to_owned(), request.url.to_owned())];
            Ok(HttpResponse { status: 200, headers, body: request.headers[0].1.clone().into_bytes() })
        }
    }

    #[test]
    fn a_cassette_has_no_secret_wherever_the_service_repeats_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("new/c.jsonl");
        let secret = SecretGrant {
            value: SecretValue::new("hunter2"),
            host: "a".parse().unwrap(),
            header: "Authorization".to_owned(),
            scheme: SecretScheme::Bearer,
            body: true,
        };
        let grants = Grants { secrets: BTreeMap::from([("token".to_owned(), secret)]), ..Grants::default() };
        let client = RecordingClient::new(Arc::new(Echo), grants, &file).unwrap();
        let headers = [("authorization".to_owned(), "Bearer hunter2".to_owned())];
        let request = HttpRequest {
            method: "GET",
            url: "https://a/?token=hunter2",
            headers: &headers,
            body: b"",
            reach: NetworkReach::Public,
            timeout: Duration::from_secs(1),
            most_bytes: 100,
            most_header_bytes: 100,
        };
        let response = client.send(request).unwrap();
        assert_eq!(response.body, b"Bearer hunter2");
        let recorded = read_cassette(&file).unwrap();
        assert_eq!(recorded[0].request.url, "https://a/?token=***");
        assert_eq!(recorded[0].response.body, "Bearer ***");
        assert_eq!(recorded[0].response.headers, [("location".to_owned(), "https://a/?token=***".to_owned())]);
    }
}
