//! `summary`: the findings of each component by code, the first message of each and how many more there are.
//!
//! Shape and bytes are those of `ec validate image --output summary`, but `success` is the run's: `ec` writes `false`
//! there whatever happened. A component that could not be evaluated has an `error`.

use std::collections::BTreeMap;

use assay_gocompat::{
    json,
    verbs::{verb_q, verb_v},
};
use assay_model::{
    decide::Decision,
    error::EvaluationError,
    event::{RunFinished, RunStarted},
    finding::Finding,
    outcome::{Outcome, Verdict},
};
use serde::Serialize;
use serde_json::Value;

use crate::Options;

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    snapshot: &'a str,
    components: Vec<Entry<'a>>,
    success: bool,
    key: &'a str,
}

/// The entry of one component, or of one file of `validate input`.
#[derive(Serialize)]
pub(crate) struct Entry<'a> {
    name: &'a str,
    success: bool,
    violations: BTreeMap<String, Vec<String>>,
    warnings: BTreeMap<String, Vec<String>>,
    successes: BTreeMap<String, Vec<String>>,
    total_violations: usize,
    total_warnings: usize,
    total_successes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a EvaluationError>,
}

impl<'a> Entry<'a> {
    /// An entry. All successes are counted, listed only when they are to be shown.
    pub(crate) fn new(
        name: &'a str,
        decision: &Decision,
        error: Option<&'a EvaluationError>,
        show_successes: bool,
    ) -> Self {
        Self {
            name,
            success: error.is_none() && decision.violations.is_empty(),
            violations: condensed(&decision.violations),
            warnings: condensed(&decision.warnings),
            successes: if show_successes { condensed(&decision.successes) } else { BTreeMap::new() },
            total_violations: decision.violations.len(),
            total_warnings: decision.warnings.len(),
            total_successes: decision.successes.len(),
            error,
        }
    }

    fn of(outcome: &'a Outcome, show_successes: bool) -> Self {
        Self::new(&outcome.component.name, &outcome.decision, outcome.error.as_ref(), show_successes)
    }
}

/// The summary of the run. Of the options it heeds `show_successes`.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    let show = options.show_successes;
    let components = end.outcomes.iter().map(|outcome| Entry::of(outcome, show)).collect();
    let success = end.verdict == Verdict::Allowed;
    json::to_string(&Document { snapshot: &head.snapshot, components, success, key: &head.key })
}

/// The first message of every code, and how many more there are. Findings without a code are only counted.
fn condensed(findings: &[Finding]) -> BTreeMap<String, Vec<String>> {
    let mut by_code: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    for finding in findings {
        if let Some(code) = finding.metadata.get("code") {
            let code = match code {
                Value::String(code) => code.clone(),
                other => verb_v(other),
            };
            by_code.entry(code).or_insert((&finding.message, 0)).1 += 1;
        }
    }
    let messages = |(code, (first, count)): (String, (&str, usize))| {
        let mut messages = vec![first.to_owned()];
        if count > 1 {
            messages.push(format!("There are {} more {} messages", count - 1, verb_q(&code)));
        }
        (code, messages)
    };
    by_code.into_iter().map(messages).collect()
}

#[cfg(test)]
mod tests {
    use assay_model::error::ErrorCode;
    use insta::assert_snapshot;

    use super::*;
    use crate::{Format, test_data};

    fn written(outcomes: &[Outcome]) -> String {
        test_data::written(Format::Summary, Options { show_successes: true, ..Options::default() }, outcomes)
    }

    #[test]
    fn the_first_message_of_each_code_stands_for_the_others() {
        let finding = |message: &str| Finding::new("a.b", message);
        let error = EvaluationError::new(ErrorCode::RegistryTimeout, "r.example did not answer").hint("try again");
        let run = [
            test_data::component("cart").warning(finding("1")).warning(finding("2")).warning(finding("3")).evaluated(),
            test_data::component("shop").success(finding("Pass")).failed(error),
        ];
        assert_snapshot!(written(&run));
    }

    #[test]
    fn success_is_the_verdict_of_the_run() {
        let good = || test_data::component("a").success(Finding::new("a.b", "Pass"));
        let bad = test_data::component("b").violation(Finding::new("a.b", "no")).evaluated();
        for (run, success) in
            [(vec![good().evaluated()], true), (vec![good().evaluated(), bad], false), (vec![], false)]
        {
            let document: Value = serde_json::from_str(&written(&run)).unwrap();
            assert_eq!(document["success"], success);
        }
    }

    #[test]
    fn hostile_texts_stay_inside_their_strings() {
        for message in test_data::hostile_messages() {
            let finding = || Finding::new(&message, message.clone());
            let run = [test_data::component(&message).violation(finding()).violation(finding()).evaluated()];
            let document: Value = serde_json::from_str(&written(&run)).unwrap();
            assert_eq!(document["components"][0]["violations"][&message][0], message.as_str());
        }
    }
}
