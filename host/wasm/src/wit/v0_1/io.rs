//! Version 0.1 of the interfaces that all worlds but `check` import: artifacts, tests, HTTP, checkpoint and events.

use std::time::Duration;

use assay_model::port::HttpError;
use wasmtime::Result;

use super::bindings::assay::plugin::{artifacts, checkpoint, events, http, tests};
use crate::{
    abort::Abort,
    capability::{
        artifacts::ArtifactError, checkpoint::CheckpointError, http::GuestRequest, secrets::Form,
        test_cases::TestsError,
    },
    limits,
    store_state::StoreState,
    values::TestCase,
};

impl artifacts::Host for StoreState {
    fn append(
        &mut self,
        name: String,
        media_type: String,
        chunk: Vec<u8>,
    ) -> Result<std::result::Result<u64, artifacts::Error>> {
        self.move_bytes(name.len() + media_type.len() + chunk.len())?;
        let appended = self.artifacts.append(&name, &media_type, &chunk);
        self.note_artifacts(appended.as_ref().err());
        Ok(appended.map_err(Into::into))
    }

    fn digest_of(&mut self, name: String) -> Result<std::result::Result<String, artifacts::Error>> {
        self.move_bytes(name.len())?;
        let digest = self.artifacts.digest_of(&name);
        let work = self.artifacts.take_work();
        self.work_bytes(work)?;
        Ok(digest.map_err(Into::into))
    }

    fn read(
        &mut self,
        name: String,
        offset: u64,
        length: u32,
    ) -> Result<std::result::Result<Vec<u8>, artifacts::Error>> {
        let bytes = self.artifacts.read(&name, offset, length);
        self.move_bytes(name.len() + bytes.as_ref().map_or(0, Vec::len))?;
        Ok(bytes.map_err(Into::into))
    }
}

impl From<ArtifactError> for artifacts::Error {
    fn from(error: ArtifactError) -> Self {
        match error {
            ArtifactError::Quota(left) => Self::Quota(left),
            ArtifactError::BadName => Self::BadName,
            ArtifactError::NotFound => Self::NotFound,
        }
    }
}

impl tests::Host for StoreState {
    fn add(&mut self, cases: Vec<tests::TestCase>) -> Result<std::result::Result<(), tests::Error>> {
        let size = |case: &tests::TestCase| {
            64 + case.suite.len() + case.name.len() + case.message.as_ref().map_or(0, String::len)
        };
        self.move_bytes(cases.iter().map(size).sum())?;
        let convert = |case: tests::TestCase| TestCase {
            suite: case.suite,
            name: case.name,
            outcome: case.outcome.into(),
            millis: case.millis,
            message: case.message,
        };
        let added = self.tests.add(cases.into_iter().map(convert).collect());
        self.note_cases(added.as_ref().err());
        Ok(added.map_err(Into::into))
    }

    fn ingest(&mut self, artifact: String, format: String) -> Result<std::result::Result<tests::Counts, tests::Error>> {
        let report = match self.artifacts.whole(&artifact, limits::INGESTED_BYTES) {
            Ok(report) => report,
            Err(ArtifactError::Quota(most)) => {
                self.denials.quota(&format!("quota: a report has more than {most} bytes"), None);
                return Ok(Err(tests::Error::Quota(most)));
            }
            Err(ArtifactError::BadName | ArtifactError::NotFound) => return Ok(Err(tests::Error::NotFound)),
        };
        self.work_bytes(report.len())?;
        let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let ingested = self.tests.ingest(&report, &format);
        self.note_cases(ingested.as_ref().err());
        let counts = ingested.map(|counts| tests::Counts {
            successes: number(counts.successes),
            failures: number(counts.failures),
            warnings: number(counts.warnings),
            skipped: number(counts.skipped),
        });
        Ok(counts.map_err(Into::into))
    }
}

impl From<TestsError> for tests::Error {
    fn from(error: TestsError) -> Self {
        match error {
            TestsError::Quota(left) => Self::Quota(left),
            TestsError::UnknownFormat => Self::UnknownFormat,
            TestsError::Malformed(why) => Self::Malformed(why),
        }
    }
}

impl StoreState {
    /// Notes that the files of the job are as large, or as many, as they may be.
    fn note_artifacts(&mut self, error: Option<&ArtifactError>) {
        let Some(ArtifactError::Quota(left)) = error else { return };
        let what = format!(
            "quota: a job has at most {} files of {} MiB together, and {left} bytes are left",
            limits::ARTIFACTS,
            self.limits.artifact_mib
        );
        self.denials.quota(&what, Some("artifact-mib"));
    }

    /// Notes that there are as many test cases as there may be.
    fn note_cases(&mut self, error: Option<&TestsError>) {
        if let Some(TestsError::Quota(left)) = error {
            let what = format!("quota: a job has at most {} test cases, and {left} are left", limits::TEST_CASES);
            self.denials.quota(&what, None);
        }
    }

    /// The request of a guest, with a body that may be an artifact.
    fn request(&mut self, request: http::Request) -> Result<std::result::Result<GuestRequest, http::Error>> {
        let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let body = match request.body {
            http::Body::None => Vec::new(),
            http::Body::Bytes(bytes) => bytes,
            http::Body::Artifact(name) => match self.artifacts.whole(&name, self.limits.http_bytes()) {
                Ok(bytes) => bytes,
                Err(ArtifactError::Quota(most)) => {
                    let what = format!("quota: the body of a request has more than {} MiB", self.limits.http_mib);
                    self.denials.quota(&what, Some("http-mib"));
                    return Ok(Err(http::Error::TooLarge(most)));
                }
                Err(ArtifactError::BadName | ArtifactError::NotFound) => {
                    return Ok(Err(http::Error::Denied("there is no such artifact".to_owned())));
                }
            },
        };
        self.move_bytes(headers + request.url.len() + body.len())?;
        Ok(Ok(GuestRequest {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body,
            auth: request.auth,
            timeout: request.timeout_ms.map(|time| Duration::from_millis(time.into())),
        }))
    }

    /// The time until the end of this call.
    fn left(&self) -> Duration {
        self.limits.call_time().saturating_sub(self.watch.wall())
    }
}

impl http::Host for StoreState {
    fn send(&mut self, request: http::Request) -> Result<std::result::Result<http::Response, http::Error>> {
        let request = match self.request(request)? {
            Ok(request) => request,
            Err(error) => return Ok(Err(error)),
        };
        let (left, limits) = (self.left(), self.limits);
        let response = match self.http.send(request, left, limits, limits.http_bytes()) {
            Ok(response) => response,
            Err(error) => return Ok(Err(error.into())),
        };
        let headers: usize = response.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.move_bytes(headers + response.body.len())?;
        Ok(Ok(http::Response { status: response.status, headers: response.headers, body: response.body }))
    }

    fn download(
        &mut self,
        request: http::Request,
        artifact: String,
        media_type: String,
    ) -> Result<std::result::Result<http::Saved, http::Error>> {
        let request = match self.request(request)? {
            Ok(request) => request,
            Err(error) => return Ok(Err(error)),
        };
        // The name is checked before anything is sent.
        let had_added = self.artifacts.has_added(&artifact);
        if let Err(error) = self.artifacts.append(&artifact, &media_type, b"") {
            self.note_artifacts(Some(&error));
            return Ok(Err(not_saved(&error)));
        }
        let (left, limits, most) = (self.left(), self.limits, self.artifacts.left());
        let response = match self.http.send(request, left, limits, most) {
            Ok(response) => response,
            Err(error) => {
                if !had_added {
                    self.artifacts.take_back_empty(&artifact);
                }
                return Ok(Err(error.into()));
            }
        };
        self.work_bytes(response.body.len())?;
        let is_success = (200..300).contains(&response.status);
        if !is_success && !had_added {
            self.artifacts.take_back_empty(&artifact);
        }
        let saved = if is_success { self.artifacts.append(&artifact, &media_type, &response.body) } else { Ok(0) };
        Ok(match saved {
            Ok(_) => Ok(http::Saved {
                status: response.status,
                headers: response.headers,
                bytes: if is_success { response.body.len() as u64 } else { 0 },
            }),
            Err(error) => Err(not_saved(&error)),
        })
    }

    fn placeholder(&mut self, name: String, form: http::Form) -> Result<std::result::Result<String, http::Error>> {
        self.move_bytes(name.len())?;
        let form = match form {
            http::Form::Raw => Form::Raw,
            http::Form::Json => Form::Json,
            http::Form::Url => Form::Url,
            http::Form::Base64 => Form::Base64,
        };
        Ok(self.http.placeholder(&name, form).map_err(Into::into))
    }
}

fn not_saved(error: &ArtifactError) -> http::Error {
    match error {
        ArtifactError::Quota(left) => http::Error::TooLarge(*left),
        ArtifactError::BadName | ArtifactError::NotFound => {
            http::Error::Denied("the artifact has an invalid name, or is of another media type".to_owned())
        }
    }
}

impl From<HttpError> for http::Error {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Denied(why) => Self::Denied(why),
            HttpError::Timeout => Self::Timeout,
            HttpError::TooLarge(most) => Self::TooLarge(most),
            HttpError::Tls(why) => Self::Tls(why),
            HttpError::Transport(why) => Self::Transport(why),
        }
    }
}

impl checkpoint::Host for StoreState {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        let found = self.checkpoint.get(&key).map_err(Abort::from);
        let found = self.or_abort(found)?;
        self.move_bytes(key.len() + found.as_ref().map_or(0, Vec::len))?;
        Ok(found)
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<std::result::Result<(), checkpoint::Error>> {
        self.move_bytes(key.len() + value.len())?;
        if !self.checkpoint.is_granted() {
            let what = "set a checkpoint without the permission `checkpoint`".to_owned();
            let hint = "add the permission `checkpoint` to its manifest".to_owned();
            return self.or_abort(Err(Abort::Denied { what, hint }));
        }
        match self.checkpoint.set(&key, &value) {
            Ok(()) => Ok(Ok(())),
            Err(CheckpointError::Quota(left)) => {
                let what = format!(
                    "quota: the notes of a job have at most {} keys and {} KiB, and {left} bytes are left",
                    limits::CHECKPOINT_KEYS,
                    limits::CHECKPOINT_BYTES >> 10
                );
                self.denials.quota(&what, None);
                Ok(Err(checkpoint::Error::Quota(left)))
            }
            Err(CheckpointError::BadKey) => Ok(Err(checkpoint::Error::BadKey)),
            Err(CheckpointError::Evaluation(error)) => self.or_abort(Err(error.into())),
        }
    }

    fn keys(&mut self) -> Result<Vec<String>> {
        let found = self.checkpoint.keys().map_err(Abort::from);
        let found = self.or_abort(found)?;
        self.move_bytes(found.iter().map(String::len).sum())?;
        Ok(found)
    }
}

impl events::Host for StoreState {
    fn after(&mut self, number: u64, limit: u32) -> Result<Vec<events::Event>> {
        let found = self.events.after(number, limit).map_err(Abort::from);
        let found = self.or_abort(found)?;
        self.move_bytes(found.iter().map(|event| event.document.len()).sum())?;
        let convert = |event: crate::capability::events::StoredEvent| events::Event {
            number: event.number,
            at: event.at,
            document: event.document,
        };
        Ok(found.into_iter().map(convert).collect())
    }
}
