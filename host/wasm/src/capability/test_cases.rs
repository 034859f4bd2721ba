//! [`TestsView`]: the test cases that one call reports. Staged like artifacts.

use super::ingest::{self, IngestError};
use crate::{
    limits, text,
    values::{CaseCounts, TestCase},
};

/// An error that the guest receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TestsError {
    Quota(u64),
    UnknownFormat,
    Malformed(String),
}

/// The test cases of a call, beside how many earlier calls of the job reported.
pub(crate) struct TestsView {
    earlier: u64,
    cases: Vec<TestCase>,
    bytes: usize,
}

impl TestsView {
    pub(crate) const fn none() -> Self {
        Self::new(0)
    }

    pub(crate) const fn new(earlier: u64) -> Self {
        Self { earlier, cases: Vec::new(), bytes: 0 }
    }

    /// Adds all cases, or none.
    pub(crate) fn add(&mut self, cases: Vec<TestCase>) -> Result<(), TestsError> {
        let left = limits::TEST_CASES.saturating_sub(self.earlier + self.cases.len() as u64);
        let bytes: usize = cases.iter().map(size).sum();
        if cases.len() as u64 > left || bytes > MOST_BYTES.saturating_sub(self.bytes) {
            return Err(TestsError::Quota(left));
        }
        self.bytes += bytes;
        self.cases.extend(cases.into_iter().map(shown));
        Ok(())
    }

    /// Parses a report and adds its cases.
    pub(crate) fn ingest(&mut self, report: &[u8], format: &str) -> Result<CaseCounts, TestsError> {
        let cases = ingest::parse(report, format).map_err(|error| match error {
            IngestError::UnknownFormat => TestsError::UnknownFormat,
            IngestError::Malformed(why) => TestsError::Malformed(text::one_line(&why, 500)),
        })?;
        let mut counts = CaseCounts::default();
        cases.iter().for_each(|case| counts.add(case.outcome));
        self.add(cases)?;
        Ok(counts)
    }

    pub(crate) fn into_staged(self) -> Vec<TestCase> {
        self.cases
    }
}

/// Bytes of all cases of a call together.
const MOST_BYTES: usize = 32 << 20;

/// Bytes of a case besides its texts.
const CASE_BYTES: usize = 64;

fn size(case: &TestCase) -> usize {
    CASE_BYTES + case.suite.len() + case.name.len() + case.message.as_ref().map_or(0, String::len)
}

fn shown(case: TestCase) -> TestCase {
    TestCase {
        suite: text::one_line(&case.suite, limits::TEXT_BYTES),
        name: text::one_line(&case.name, limits::TEXT_BYTES),
        message: case.message.map(|message| text::message(&message, limits::TEXT_BYTES)),
        ..case
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Outcome;

    fn case(name: &str) -> TestCase {
        TestCase { suite: "s".to_owned(), name: name.to_owned(), outcome: Outcome::Success, millis: 1, message: None }
    }

    #[test]
    fn cases_of_a_job_are_bounded_and_added_all_or_none() {
        let mut view = TestsView::new(limits::TEST_CASES - 2);
        assert_eq!(view.add(vec![case("a"); 3]), Err(TestsError::Quota(2)));
        view.add(vec![case("a\x1b[31m"); 2]).unwrap();
        assert_eq!(view.add(vec![case("a")]), Err(TestsError::Quota(0)));
        assert_eq!(view.into_staged().first().unwrap().name, "a\\u{1b}[31m");
        let long = TestCase { message: Some("x".repeat(1 << 20)), ..case("a") };
        assert!(matches!(TestsView::none().add(vec![long; 33]), Err(TestsError::Quota(_))));
    }

    #[test]
    fn a_report_is_added_with_its_counts() {
        let mut view = TestsView::none();
        let counts = view.ingest(b"ok 1 - a\nnot ok 2 - b\n1..2\n", "tap").unwrap();
        assert_eq!((counts.successes, counts.failures, counts.total()), (1, 1, 2));
        assert_eq!(view.ingest(b"", "yaml"), Err(TestsError::UnknownFormat));
        assert!(matches!(view.ingest(b"<", "junit"), Err(TestsError::Malformed(_))));
        assert_eq!(view.into_staged().len(), 2);
    }
}
