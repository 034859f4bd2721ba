//! [`Verdict`]: what a custom task or a remote job found, after the host has counted for itself.
//!
//! A success beside a failing finding, test case or count, and a success without anything done, is a contradiction and so
//! an error: absence is never a pass. Other outcomes stand, since a parameter may say that failures are warnings.

use assay_model::error::{ErrorCode, EvaluationError};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    findings::check_findings,
    limits,
    manifest::Manifest,
    text,
    values::{CaseCounts, Outcome, PluginFinding, RawVerdict},
};

/// What a task or remote job found. Its texts come from the plugin and contain no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// Successes: as stated, else counted from findings and test cases.
    pub successes: u64,
    /// Failures.
    pub failures: u64,
    /// Warnings.
    pub warnings: u64,
    /// The namespace; `default` unless the plugin names another.
    pub namespace: String,
    /// A sentence for people.
    pub note: String,
    /// When it was found.
    #[serde(serialize_with = "as_text")]
    pub timestamp: Timestamp,
    /// The findings.
    pub findings: Vec<PluginFinding>,
    /// More named results, such as `SCAN_OUTPUT`.
    pub results: Vec<(String, String)>,
    /// Titles with `http` or `https` URLs.
    pub links: Vec<(String, String)>,
}

fn as_text<S: Serializer>(timestamp: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(timestamp)
}

/// The result `TEST_OUTPUT` of a Tekton task (Konflux, ADR 30).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestOutput {
    result: &'static str,
    timestamp: String,
    namespace: String,
    successes: u64,
    failures: u64,
    warnings: u64,
    note: String,
}

impl Verdict {
    /// The verdict as Konflux reads it.
    #[must_use]
    pub fn test_output(&self) -> TestOutput {
        TestOutput {
            result: self.outcome.as_str(),
            timestamp: self.timestamp.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
            namespace: self.namespace.clone(),
            successes: self.successes,
            failures: self.failures,
            warnings: self.warnings,
            note: self.note.clone(),
        }
    }
}

/// Validates a verdict. `cases` are all test cases of the job.
pub(crate) fn accept(
    plugin: &Manifest,
    raw: RawVerdict,
    cases: CaseCounts,
    now: Timestamp,
) -> Result<Verdict, EvaluationError> {
    check_findings(plugin, &raw.findings)?;
    let name = &plugin.name;
    let error = |code, what: String| EvaluationError::new(code, format!("plugin `{name}` {what}"));
    check_texts(&raw).map_err(|what| error(ErrorCode::PluginQuota, what))?;
    let mut counted = cases;
    raw.findings.iter().for_each(|finding| counted.add(finding.outcome));
    let stated = [raw.successes, raw.failures, raw.warnings].map(u64::from);
    let [successes, failures, warnings] =
        if stated == [0; 3] { [counted.successes, counted.failures, counted.warnings] } else { stated };
    let note = raw.note.as_deref().map(|note| text::one_line(note, limits::TEXT_BYTES)).unwrap_or_default();
    let contradiction = |what: &str| {
        error(ErrorCode::PluginContradiction, what.to_owned())
            .hint("this is a bug in the plugin; report it to its author")
    };
    if raw.outcome == Outcome::Success {
        if failures > 0 || counted.failures > 0 {
            let count = failures.max(counted.failures);
            return Err(contradiction(&format!("returned a success beside {count} failures")));
        }
        if successes == 0 && warnings == 0 && counted.total() == 0 && note.is_empty() {
            return Err(contradiction("returned a success without having counted, reported or noted anything"));
        }
    }
    let shown = |pairs: Vec<(String, String)>| {
        pairs
            .into_iter()
            .map(|(key, value)| (text::one_line(&key, limits::TEXT_BYTES), text::message(&value, limits::TEXT_BYTES)))
            .collect::<Vec<_>>()
    };
    Ok(Verdict {
        outcome: raw.outcome,
        successes,
        failures,
        warnings,
        namespace: raw.namespace.map_or_else(|| "default".to_owned(), |text| text::one_line(&text, 200)),
        note,
        timestamp: raw.timestamp.and_then(instant).unwrap_or(now),
        findings: raw.findings.into_iter().map(shown_finding).collect(),
        results: shown(raw.results),
        links: shown(raw.links).into_iter().filter(|(_, url)| is_link(url)).collect(),
    })
}

fn instant(milliseconds: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()
}

fn is_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// The limits of a verdict besides its findings. The error is the end of a sentence that begins with the plugin.
fn check_texts(raw: &RawVerdict) -> Result<(), String> {
    for (what, count, most) in
        [("results", raw.results.len(), limits::RESULTS), ("links", raw.links.len(), limits::LINKS)]
    {
        if count > most {
            return Err(format!("returned {count} {what}, more than the {most} allowed"));
        }
    }
    let pairs = raw.results.iter().chain(&raw.links).flat_map(|(key, value)| [key, value]);
    let texts = pairs.chain(&raw.namespace).chain(&raw.note);
    match texts.map(String::len).find(|length| *length > limits::TEXT_BYTES) {
        Some(size) => Err(format!("returned a text of {size} bytes, more than the {} allowed", limits::TEXT_BYTES)),
        None => Ok(()),
    }
}

/// The finding without control characters.
pub(crate) fn shown_finding(finding: PluginFinding) -> PluginFinding {
    let line = |text: String| text::one_line(&text, limits::TEXT_BYTES);
    PluginFinding {
        message: text::message(&finding.message, limits::TEXT_BYTES),
        subject: finding.subject.map(line),
        terms: finding.terms.into_iter().map(line).collect(),
        solution: finding.solution.map(|text| text::message(&text, limits::TEXT_BYTES)),
        ..finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Rule, Severity};

    fn manifest() -> Manifest {
        Manifest {
            name: "gate".to_owned(),
            version: "1.0.0".to_owned(),
            summary: String::new(),
            license: String::new(),
            source: String::new(),
            documentation: String::new(),
            params: String::new(),
            rules: vec![Rule { code: "gate.a".to_owned(), title: "A".to_owned(), severity: Severity::Low }],
        }
    }

    fn raw(outcome: Outcome) -> RawVerdict {
        RawVerdict {
            outcome,
            successes: 0,
            failures: 0,
            warnings: 0,
            namespace: None,
            note: None,
            timestamp: None,
            findings: Vec::new(),
            results: Vec::new(),
            links: Vec::new(),
        }
    }

    fn finding(outcome: Outcome) -> PluginFinding {
        PluginFinding {
            code: "gate.a".to_owned(),
            outcome,
            severity: Severity::Low,
            message: "it is\x1b so".to_owned(),
            subject: None,
            terms: Vec::new(),
            solution: None,
        }
    }

    fn accept(raw: RawVerdict, cases: CaseCounts) -> Result<Verdict, EvaluationError> {
        super::accept(&manifest(), raw, cases, "2026-11-22T11:30:00.250Z".parse().unwrap())
    }

    #[test]
    fn counts_are_filled_in_and_become_the_test_output() {
        let findings = vec![finding(Outcome::Failure), finding(Outcome::Success), finding(Outcome::Warning)];
        let cases = CaseCounts { successes: 5, failures: 1, ..CaseCounts::default() };
        let verdict = accept(RawVerdict { findings, ..raw(Outcome::Failure) }, cases).unwrap();
        assert_eq!(
            serde_json::to_string(&verdict.test_output()).unwrap(),
            r#"{"result":"FAILURE","timestamp":"2026-11-22T11:30:00+00:00","namespace":"default","successes":6,"failures":2,"warnings":1,"note":""}"#
        );
        assert_eq!(verdict.findings.first().unwrap().message, "it is\\u{1b} so");
        let stated = RawVerdict { successes: 3, timestamp: Some(0), ..raw(Outcome::Success) };
        let stated = accept(stated, CaseCounts::default()).unwrap();
        assert_eq!((stated.successes, stated.timestamp), (3, Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn a_success_that_contradicts_what_was_reported_is_an_error() {
        let failed = CaseCounts { failures: 1, ..CaseCounts::default() };
        for (raw, cases) in [
            (raw(Outcome::Success), CaseCounts::default()),
            (RawVerdict { successes: 9, ..raw(Outcome::Success) }, failed),
            (RawVerdict { failures: 1, ..raw(Outcome::Success) }, CaseCounts::default()),
            (RawVerdict { findings: vec![finding(Outcome::Failure)], ..raw(Outcome::Success) }, CaseCounts::default()),
            (RawVerdict { findings: vec![finding(Outcome::Error)], ..raw(Outcome::Success) }, CaseCounts::default()),
        ] {
            assert_eq!(accept(raw, cases).unwrap_err().code, ErrorCode::PluginContradiction);
        }
        let noted = RawVerdict { note: Some("nothing to do".to_owned()), ..raw(Outcome::Success) };
        assert!(accept(noted, CaseCounts::default()).is_ok());
        assert!(accept(raw(Outcome::Warning), failed).is_ok(), "a parameter may say that failures are warnings");
    }

    #[test]
    fn a_verdict_is_bounded_and_its_links_are_of_the_web() {
        let pair = || ("a".to_owned(), "https://a".to_owned());
        for raw in [
            RawVerdict { results: vec![pair(); limits::RESULTS + 1], ..raw(Outcome::Failure) },
            RawVerdict { links: vec![pair(); limits::LINKS + 1], ..raw(Outcome::Failure) },
            RawVerdict { note: Some("x".repeat(limits::TEXT_BYTES + 1)), ..raw(Outcome::Failure) },
        ] {
            assert_eq!(accept(raw, CaseCounts::default()).unwrap_err().code, ErrorCode::PluginQuota);
        }
        let links = vec![pair(), ("b".to_owned(), "javascript:alert(1)".to_owned())];
        let verdict = accept(RawVerdict { links, ..raw(Outcome::Failure) }, CaseCounts::default()).unwrap();
        assert_eq!(verdict.links, [pair()]);
    }
}
