//! [`Totals`]: the numbers of a run and the one word for it, as every report gives them.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    event::{RunFinished, StopReason},
    outcome::Verdict,
};

/// The numbers of a run. All successes count, shown or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals<'a> {
    pub(crate) components: usize,
    pub(crate) violations: usize,
    pub(crate) warnings: usize,
    pub(crate) successes: usize,
    /// Components that could not be evaluated.
    pub(crate) errors: usize,
    /// Components that the end of the run overtook; they are errors too.
    pub(crate) overtaken: usize,
    /// The first error, in the report's order.
    pub(crate) first_error: Option<&'a EvaluationError>,
}

impl<'a> Totals<'a> {
    /// Counts.
    pub(crate) fn of(end: &'a RunFinished) -> Self {
        let mut totals = Self {
            components: end.outcomes.len(),
            violations: 0,
            warnings: 0,
            successes: 0,
            errors: 0,
            overtaken: 0,
            first_error: None,
        };
        for outcome in &end.outcomes {
            totals.violations += outcome.decision.violations.len();
            totals.warnings += outcome.decision.warnings.len();
            totals.successes += outcome.decision.successes.len();
            if let Some(error) = &outcome.error {
                totals.errors += 1;
                totals.overtaken += usize::from(matches!(error.code, ErrorCode::Deadline | ErrorCode::Interrupted));
                totals.first_error = totals.first_error.or(Some(error));
            }
        }
        totals
    }

    /// The result of Konflux's `TEST_OUTPUT` for the run. Each outranks those below it; an error all of them.
    pub(crate) const fn result(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Error => "ERROR",
            Verdict::Denied => "FAILURE",
            Verdict::Allowed if self.warnings > 0 => "WARNING",
            Verdict::Allowed if self.successes == 0 => "SKIPPED",
            Verdict::Allowed => "SUCCESS",
        }
    }
}

/// The word for an early end in JSON. Stable: pipelines match on it.
pub(crate) const fn stop_label(stopped: StopReason) -> &'static str {
    match stopped {
        StopReason::Deadline => "deadline",
        StopReason::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use assay_model::finding::Finding;

    use super::*;
    use crate::test_data;

    #[test]
    fn the_result_is_the_worst_of_what_happened() {
        let finding = || Finding::new("a.b", "m");
        let success = test_data::component("a").success(finding()).evaluated();
        let warning = test_data::component("b").warning(finding()).evaluated();
        let violation = test_data::component("c").violation(finding()).warning(finding()).evaluated();
        let error =
            test_data::component("d").violation(finding()).failed(EvaluationError::new(ErrorCode::TooLarge, "m"));
        let skipped = test_data::component("e").evaluated();
        for (outcomes, result) in [
            (vec![&skipped], "SKIPPED"),
            (vec![&skipped, &success], "SUCCESS"),
            (vec![&success, &warning], "WARNING"),
            (vec![&success, &violation, &warning], "FAILURE"),
            (vec![&violation, &error, &success], "ERROR"),
            (vec![], "ERROR"),
        ] {
            let end = test_data::end(&outcomes.into_iter().cloned().collect::<Vec<_>>());
            assert_eq!(Totals::of(&end).result(end.verdict), result);
        }
    }
}
