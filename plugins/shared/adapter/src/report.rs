//! The verdict of a job: its outcome by the service's word, its cases, and what could not be collected.

use crate::{
    Context, Error, Finding, Outcome, Severity, Verdict, Work,
    bindings::assay::plugin::{artifacts, logging, tests},
    http::{Call, Missing, header},
};

/// As much of a log is passed on in one call.
const LOG_BYTES: usize = 1 << 20;

/// Attempts to download a log before it is given up.
const LOG_ATTEMPTS: u32 = 3;

/// Collects what a job left. What is missing is a warning in the verdict's note.
#[derive(Default)]
pub struct Report {
    warnings: Vec<String>,
    counts: Option<tests::Counts>,
    links: Vec<(String, String)>,
    results: Vec<(String, String)>,
}

impl Report {
    /// Downloads a file. A missing one is a warning.
    ///
    /// # Errors
    /// The service may have it later.
    pub fn file(&mut self, call: &Call, name: &str, media_type: &str) -> Result<bool, Error> {
        match call.download(name, media_type) {
            Ok(_) => Ok(true),
            Err(error @ (Error::Transient(_) | Error::Auth(_))) => Err(error),
            Err(Error::Lost(why) | Error::Invalid(why) | Error::Internal(why)) => {
                self.warn(format!("`{name}` was not collected: {why}"));
                Ok(false)
            }
        }
    }

    /// Downloads a log. One that never ends, or never comes, is a warning after some attempts.
    ///
    /// # Errors
    /// The service may have it later.
    pub fn log(&mut self, ctx: &Context, call: &Call, name: &str) -> Result<(), Error> {
        match call.download(name, "text/plain") {
            Ok(_) => {}
            Err(error @ Error::Transient(_)) if ctx.attempt <= LOG_ATTEMPTS => return Err(error),
            Err(error @ Error::Auth(_)) => return Err(error),
            Err(Error::Transient(retry)) => self.warn(format!("`{name}` was not collected: {}", retry.message)),
            Err(Error::Lost(why) | Error::Invalid(why) | Error::Internal(why)) => {
                self.warn(format!("`{name}` was not collected: {why}"));
            }
        }
        Ok(())
    }

    /// Has the host read the test cases of a file.
    pub fn ingest(&mut self, name: &str, format: &str) {
        match tests::ingest(name, format) {
            Ok(counts) => self.counted(counts),
            Err(tests::Error::Malformed(why)) => self.warn(format!("`{name}` is not a report: {why}")),
            Err(tests::Error::Quota(_)) => self.warn(format!("`{name}` has more than can be read")),
            Err(error) => self.warn(format!("`{name}` was not read: {error:?}")),
        }
    }

    /// Adds test cases.
    pub fn cases(&mut self, cases: &[tests::TestCase]) {
        match tests::add(cases) {
            Ok(()) => {
                let count = |outcome| {
                    cases.iter().filter(|case| case.outcome == outcome).count().try_into().unwrap_or(u32::MAX)
                };
                self.counted(tests::Counts {
                    successes: count(Outcome::Success),
                    failures: count(Outcome::Failure),
                    warnings: count(Outcome::Warning),
                    skipped: count(Outcome::Skipped),
                });
            }
            Err(error) => self.warn(format!("the test cases were not kept: {error:?}")),
        }
    }

    fn counted(&mut self, more: tests::Counts) {
        let counts = self.counts.get_or_insert(tests::Counts { successes: 0, failures: 0, warnings: 0, skipped: 0 });
        counts.successes += more.successes;
        counts.failures += more.failures;
        counts.warnings += more.warnings;
        counts.skipped += more.skipped;
    }

    pub fn warn(&mut self, what: String) {
        logging::log(logging::Level::Warn, &what);
        self.warnings.push(what);
    }

    pub fn link(&mut self, title: &str, url: &str) {
        self.links.push((title.to_owned(), url.to_owned()));
    }

    pub fn result(&mut self, name: &str, value: &str) {
        self.results.push((name.to_owned(), value.to_owned()));
    }

    /// The verdict of a job of `service` that ended as `outcome`. Somebody else canceled it if `is_canceled`.
    pub fn verdict(mut self, service: &str, code: &str, work: &Work, outcome: Outcome, is_canceled: bool) -> Verdict {
        let mut note = format!("{service}: {}", work.native);
        let counted = self.counts.as_ref().map_or(0, |counts| counts.failures);
        let contradicts = outcome == Outcome::Success && counted > 0;
        let outcome = if contradicts { Outcome::Failure } else { outcome };
        let message = match outcome {
            Outcome::Success | Outcome::Skipped => None,
            _ if is_canceled => Some(format!("the job {} was canceled at {service}", work.id)),
            _ if contradicts => {
                Some(format!("{service} says `{}`, and its report has {counted} failures", work.native))
            }
            _ => Some(format!("the job {} ended as `{}`", work.id, work.native)),
        };
        let findings: Vec<Finding> = message
            .map(|message| Finding {
                code: code.to_owned(),
                outcome,
                severity: Severity::High,
                message,
                subject: work.url.clone(),
                terms: Vec::new(),
                solution: None,
            })
            .into_iter()
            .collect();
        for warning in &self.warnings {
            if note.len() + warning.len() < 1_500 {
                note.push_str("; ");
                note.push_str(warning);
            }
        }
        if is_canceled {
            self.result("REMOTE_RESULT", "canceled");
        }
        if let Some(url) = &work.url {
            self.links.push(("job".to_owned(), url.clone()));
        }
        let (successes, failures, warnings) = match (&self.counts, outcome) {
            (Some(counts), Outcome::Failure) => (counts.successes, counts.failures.max(1), counts.warnings),
            (Some(counts), _) => (counts.successes, counts.failures, counts.warnings),
            (None, Outcome::Success) => (1, 0, 0),
            (None, Outcome::Failure) => (0, 1, 0),
            (None, Outcome::Warning) => (0, 0, 1),
            (None, _) => (0, 0, 0),
        };
        Verdict {
            outcome,
            successes,
            failures,
            warnings,
            namespace: None,
            note: Some(note),
            timestamp: None,
            findings,
            results: self.results,
            links: self.links,
        }
    }
}

/// Passes on what a log has got since the last time. An error of the log is none of the job.
pub fn follow(call: Call, work: &mut Work) {
    let Ok(response) = call.header("range", &format!("bytes={}-", work.log)).send() else { return };
    let known = usize::try_from(work.log).unwrap_or(usize::MAX);
    let new = match response.status {
        206 if header(&response, "content-range").is_some_and(|range| range.contains(&format!(" {known}-"))) => {
            response.body.as_slice()
        }
        200 => response.body.get(known.min(response.body.len())..).unwrap_or_default(),
        _ => return,
    };
    let new = new.get(..new.len().min(LOG_BYTES)).unwrap_or_default();
    if !new.is_empty() {
        logging::remote_output(new);
        work.log += new.len() as u64;
    }
}

/// Makes a small file of JSON, such as the last answer of a service.
pub fn keep(name: &str, value: &serde_json::Value) {
    // What does not fit is not kept: it is for people alone.
    let _full = artifacts::append(name, "application/json", value.to_string().as_bytes());
}

/// What [`Missing`] is for a search.
pub const SEARCH: Missing = Missing::Invalid;
