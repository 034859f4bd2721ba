//! `appstudio`: Konflux's `TEST_OUTPUT`, the few numbers that a pipeline shows and decides by.
//!
//! A component with an error makes the result `ERROR`, whatever the others say, and adds a `note`; `ec` has neither,
//! as it reports nothing then.

use assay_gocompat::json;
use assay_model::event::{RunFinished, RunStarted};
use serde::Serialize;

use crate::{Options, sanitize::cut, totals::Totals};

/// A Tekton result shares 4096 bytes with all others of its task; a longer note is cut.
const NOTE_CHARACTERS: usize = 400;

/// The numbers of the run. No option changes them.
pub(crate) fn render(_: &RunStarted, end: &RunFinished, _: Options) -> Result<String, serde_json::Error> {
    json::to_string(&Document::of(end))
}

#[derive(Serialize)]
struct Document {
    /// Seconds since 1970, as text.
    timestamp: String,
    /// Always empty: policies of many namespaces are evaluated.
    namespace: &'static str,
    successes: usize,
    failures: usize,
    warnings: usize,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Document {
    fn of(end: &RunFinished) -> Self {
        let totals = Totals::of(end);
        Self {
            timestamp: end.at.as_second().to_string(),
            namespace: "",
            successes: totals.successes,
            failures: totals.violations,
            warnings: totals.warnings,
            result: totals.result(end.verdict),
            note: note(&totals),
        }
    }
}

/// What a person should know about errors, in at most [`NOTE_CHARACTERS`].
fn note(totals: &Totals<'_>) -> Option<String> {
    let note = match (totals.components, totals.first_error) {
        (0, _) => "no component was evaluated".to_owned(),
        (_, None) => return None,
        (components, Some(error)) => {
            let first = if totals.errors == 1 { "" } else { "the first: " };
            let of = totals.errors;
            format!("{of} of {components} components could not be evaluated; {first}{}: {error}", error.code.as_str())
        }
    };
    Some(cut(&note, NOTE_CHARACTERS).into_owned())
}

#[cfg(test)]
mod tests {
    use assay_model::{
        error::{ErrorCode, EvaluationError},
        finding::Finding,
        outcome::Outcome,
    };
    use insta::assert_snapshot;

    use super::*;
    use crate::{Format, test_data};

    fn written(outcomes: &[Outcome]) -> String {
        test_data::written(Format::Appstudio, Options::default(), outcomes)
    }

    #[test]
    fn everything_is_counted_though_successes_are_not_shown() {
        let finding = || Finding::new("a.b", "m");
        let run = [
            test_data::component("a").success(finding()).success(finding()).warning(finding()).evaluated(),
            test_data::component("b").violation(finding()).evaluated(),
        ];
        assert_eq!(
            written(&run),
            "{\"timestamp\":\"1795881600\",\"namespace\":\"\",\"successes\":2,\"failures\":1,\"warnings\":1,\"result\":\"FAILURE\"}\n"
        );
    }

    #[test]
    fn an_error_outranks_a_failure_and_is_named() {
        let violation = test_data::component("a").violation(Finding::new("a.b", "m")).evaluated();
        let timeout =
            test_data::component("b").failed(EvaluationError::new(ErrorCode::RegistryTimeout, "r.example is silent"));
        let large = test_data::component("c").failed(EvaluationError::new(ErrorCode::TooLarge, "a blob is too large"));
        assert_snapshot!(written(&[violation.clone(), timeout.clone()]), @r#"{"timestamp":"1795881600","namespace":"","successes":0,"failures":1,"warnings":0,"result":"ERROR","note":"1 of 2 components could not be evaluated; registry-timeout: r.example is silent"}"#);
        assert_snapshot!(written(&[violation, timeout, large]), @r#"{"timestamp":"1795881600","namespace":"","successes":0,"failures":1,"warnings":0,"result":"ERROR","note":"2 of 3 components could not be evaluated; the first: registry-timeout: r.example is silent"}"#);
        assert_snapshot!(written(&[]), @r#"{"timestamp":"1795881600","namespace":"","successes":0,"failures":0,"warnings":0,"result":"ERROR","note":"no component was evaluated"}"#);
    }

    #[test]
    fn a_note_fits_into_a_tekton_result_however_long_its_cause_is() {
        for message in test_data::hostile_messages() {
            let text =
                written(&[test_data::component("a").failed(EvaluationError::new(ErrorCode::Malformed, message))]);
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(document["note"].as_str().unwrap().chars().count() <= NOTE_CHARACTERS);
            assert_eq!(text.lines().count(), 1);
        }
    }
}
