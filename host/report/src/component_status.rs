//! [`ComponentStatus`]: the status of a component, and the words in which reports put it and the result of the run.

use std::borrow::Cow;

use assay_model::{
    digest::Digest,
    event::{RunFinished, RunStarted, StopReason},
    outcome::Outcome,
};

use crate::totals::Totals;

/// The status of a component, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ComponentStatus {
    /// It could not be evaluated.
    Error,
    /// It has violations.
    Denied,
    /// It passed with warnings.
    Warned,
    /// It passed.
    Allowed,
}

impl ComponentStatus {
    pub(crate) const ALL: [Self; 4] = [Self::Error, Self::Denied, Self::Warned, Self::Allowed];

    pub(crate) fn of(outcome: &Outcome) -> Self {
        if outcome.error.is_some() {
            Self::Error
        } else if !outcome.decision.violations.is_empty() {
            Self::Denied
        } else if !outcome.decision.warnings.is_empty() {
            Self::Warned
        } else {
            Self::Allowed
        }
    }

    /// In words, for a person.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Denied => "failed",
            Self::Warned => "passed with warnings",
            Self::Allowed => "passed",
        }
    }

    /// Whether the component passed.
    pub(crate) const fn allows(self) -> bool {
        matches!(self, Self::Warned | Self::Allowed)
    }
}

/// The characters of a digest by which people distinguish images.
const DIGEST_CHARACTERS: usize = 12;

/// A component's name for a person: a digest in it, as those of an index's images have one, is cut short.
pub(crate) fn short_name(name: &str) -> Cow<'_, str> {
    const MARK: &str = "sha256:";
    let Some((before, rest)) = name.split_once(MARK) else { return name.into() };
    let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    match (rest.get(..DIGEST_CHARACTERS), rest.get(digits..)) {
        (Some(start), Some(after)) if digits == 64 => format!("{before}{MARK}{start}…{after}").into(),
        _ => name.into(),
    }
}

/// The start of a digest, by which people distinguish images.
pub(crate) fn short_digest(digest: &Digest) -> String {
    let hex: String = digest.hex().chars().take(DIGEST_CHARACTERS).collect();
    format!("sha256:{hex}")
}

/// A number of things: `1 component`, `2 components`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Why the run ended early, and what that left undone.
pub(crate) fn stopped_early(stopped: StopReason, totals: &Totals<'_>) -> String {
    let why = match stopped {
        StopReason::Deadline => "the deadline passed",
        StopReason::Interrupted => "the run was interrupted",
    };
    match (totals.overtaken, totals.components) {
        (_, 0) => format!("Stopped early: {why} before any component was evaluated."),
        (0, _) => format!("Stopped early: {why} when every component was done."),
        (overtaken, all) => format!("Stopped early: {why}; {overtaken} of {all} components were not evaluated."),
    }
}

/// How long the run took, in words; nothing where its start is not known.
pub(crate) fn duration(head: &RunStarted, end: &RunFinished) -> Option<String> {
    let taken = end.at.duration_since(head.started_at?);
    // A clock that was set back measures nothing.
    let millis = u64::try_from(taken.as_millis()).ok()?;
    let (seconds, tenths) = (millis / 1000, millis % 1000 / 100);
    Some(match seconds {
        0..60 => format!("{seconds}.{tenths} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    })
}

/// The result of the run in one sentence.
pub(crate) fn summary_line(end: &RunFinished) -> String {
    let of = |wanted: fn(ComponentStatus) -> bool| {
        end.outcomes.iter().filter(|one| wanted(ComponentStatus::of(one))).count()
    };
    let all = end.outcomes.len();
    let errors = of(|status| status == ComponentStatus::Error);
    let denied = of(|status| status == ComponentStatus::Denied);
    match (all, errors, denied) {
        (0, ..) => "No component was evaluated.".to_owned(),
        (1, 0, 0) => "The component passed.".to_owned(),
        (all, 0, 0) => format!("All {all} components passed."),
        (all, 0, denied) => format!("{denied} of {} failed.", count(all, "component")),
        (all, errors, 0) => format!("{errors} of {} could not be evaluated.", count(all, "component")),
        (all, errors, denied) => {
            format!("{errors} of {} could not be evaluated, {denied} failed.", count(all, "component"))
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_model::{
        error::{ErrorCode, EvaluationError},
        finding::Finding,
    };

    use super::*;
    use crate::test_data;

    #[test]
    fn a_digest_in_a_name_is_cut_short_and_nothing_else_is() {
        let digest = "0123456789abcdef".repeat(4);
        for (name, short) in [
            (format!("cart-sha256:{digest}-amd64"), "cart-sha256:0123456789ab…-amd64"),
            (format!("sha256:{digest}"), "sha256:0123456789ab…"),
            ("cart-sha256:0123456789abcdef".to_owned(), "cart-sha256:0123456789abcdef"),
            ("sha256:é".to_owned(), "sha256:é"),
            ("cart".to_owned(), "cart"),
        ] {
            assert_eq!(short_name(&name), short);
        }
    }

    #[test]
    fn a_duration_is_put_into_words_where_it_is_known() {
        let end = test_data::end(&[]);
        let taken = |seconds: &str| {
            let start = end.at.checked_sub(seconds.parse::<jiff::SignedDuration>().unwrap()).unwrap();
            duration(&RunStarted { started_at: Some(start), ..test_data::head() }, &end)
        };
        for (seconds, shown) in [("0s", "0.0 s"), ("3250ms", "3.2 s"), ("61s", "1 min 1 s"), ("2h 5m", "2 h 5 min")] {
            assert_eq!(taken(seconds).as_deref(), Some(shown));
        }
        assert_eq!((taken("-1s"), duration(&test_data::head(), &end)), (None, None));
    }

    #[test]
    fn the_result_is_put_into_one_sentence() {
        let finding = || Finding::new("a.b", "m");
        let fine = test_data::component("fine").evaluated();
        let warned = test_data::component("warned").warning(finding()).evaluated();
        let denied = test_data::component("denied").violation(finding()).warning(finding()).evaluated();
        let failed = test_data::component("error").failed(EvaluationError::new(ErrorCode::TooLarge, "m"));
        let statuses: Vec<_> = [&failed, &denied, &warned, &fine].map(ComponentStatus::of).into();
        assert_eq!(statuses, ComponentStatus::ALL);
        for (run, says) in [
            (vec![], "No component was evaluated."),
            (vec![&fine], "The component passed."),
            (vec![&fine, &warned], "All 2 components passed."),
            (vec![&fine, &denied], "1 of 2 components failed."),
            (vec![&failed], "1 of 1 component could not be evaluated."),
            (vec![&failed, &failed, &denied], "2 of 3 components could not be evaluated, 1 failed."),
        ] {
            assert_eq!(summary_line(&test_data::end(&run.into_iter().cloned().collect::<Vec<_>>())), says);
        }
    }
}
