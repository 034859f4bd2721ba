//! Findings and verdicts, built step by step.

use crate::{Finding, Outcome, Severity, Verdict};

fn finding(code: &str, message: impl Into<String>, outcome: Outcome, severity: Severity) -> Finding {
    Finding {
        code: code.to_owned(),
        outcome,
        severity,
        message: message.into(),
        subject: None,
        terms: Vec::new(),
        solution: None,
    }
}

/// A failure of the severity `high`. Its code must be among the rules of the manifest.
pub fn failure(code: &str, message: impl Into<String>) -> Finding {
    finding(code, message, Outcome::Failure, Severity::High)
}

/// A warning of the severity `low`.
pub fn warning(code: &str, message: impl Into<String>) -> Finding {
    finding(code, message, Outcome::Warning, Severity::Low)
}

/// More about a finding.
pub trait FindingExt {
    /// The image, file or test that it is about.
    #[must_use]
    fn about(self, subject: &str) -> Self;
    /// A term by which it can be excluded.
    #[must_use]
    fn term(self, term: impl Into<String>) -> Self;
    /// How to fix it.
    #[must_use]
    fn solution(self, solution: &str) -> Self;
    /// Another severity.
    #[must_use]
    fn severity(self, severity: Severity) -> Self;
}

impl FindingExt for Finding {
    fn about(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }

    fn term(mut self, term: impl Into<String>) -> Self {
        self.terms.push(term.into());
        self
    }

    fn solution(mut self, solution: &str) -> Self {
        self.solution = Some(solution.to_owned());
        self
    }

    fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// The verdict that follows from what was right and what was found: a failure if there is one, then a warning.
pub fn verdict(successes: u32, findings: Vec<Finding>) -> Verdict {
    let count = |outcome: Outcome| {
        u32::try_from(findings.iter().filter(|finding| finding.outcome == outcome).count()).unwrap_or(u32::MAX)
    };
    let (failures, warnings) = (count(Outcome::Failure), count(Outcome::Warning));
    let outcome = match (failures, warnings) {
        (0, 0) => Outcome::Success,
        (0, _) => Outcome::Warning,
        _ => Outcome::Failure,
    };
    Verdict {
        outcome,
        successes,
        failures,
        warnings,
        namespace: None,
        note: None,
        timestamp: None,
        findings,
        results: Vec::new(),
        links: Vec::new(),
    }
}

/// More about a verdict.
pub trait VerdictExt {
    /// One line for people.
    #[must_use]
    fn note(self, note: impl Into<String>) -> Self;
    /// A named result, which later tasks can use.
    #[must_use]
    fn result(self, name: &str, value: impl Into<String>) -> Self;
    /// A link for people.
    #[must_use]
    fn link(self, title: &str, url: &str) -> Self;
}

impl VerdictExt for Verdict {
    fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn result(mut self, name: &str, value: impl Into<String>) -> Self {
        self.results.push((name.to_owned(), value.into()));
        self
    }

    fn link(mut self, title: &str, url: &str) -> Self {
        self.links.push((title.to_owned(), url.to_owned()));
        self
    }
}
