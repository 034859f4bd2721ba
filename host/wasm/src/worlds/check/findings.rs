//! [`decide`]: converts the findings of a plugin to a [`Decision`].
//!
//! A failure becomes a violation, a warning a warning, a success a success. A skipped rule is none of them: as it was not
//! evaluated, it is not a success either. A finding with the outcome `error` is an error of the component. Rules without
//! findings are successes, as in policies.

use std::collections::BTreeSet;

use assay_model::{
    decide::{Decision, PASS},
    error::{ErrorCode, EvaluationError},
    finding::Finding,
};
use serde_json::Value;

use crate::{
    findings::check_findings,
    limits,
    manifest::Manifest,
    text,
    values::{Outcome, PluginFinding, Rule},
};

/// Sorts the findings of one call. A finding that is not allowed is an error.
pub(crate) fn decide(plugin: &Manifest, findings: Vec<PluginFinding>) -> Result<Decision, EvaluationError> {
    check_findings(plugin, &findings)?;
    let mut mentioned = BTreeSet::new();
    let mut decision = Decision::default();
    for found in findings {
        let Some(rule) = plugin.rules.iter().find(|rule| rule.code == found.code) else { continue };
        mentioned.insert(rule.code.as_str());
        let list = match found.outcome {
            Outcome::Failure => &mut decision.violations,
            Outcome::Warning => &mut decision.warnings,
            Outcome::Success => &mut decision.successes,
            Outcome::Skipped => continue,
            Outcome::Error => {
                let message = text::one_line(&found.message, limits::TEXT_BYTES);
                let message = format!("plugin `{}` could not evaluate `{}`: {message}", plugin.name, rule.code);
                return Err(EvaluationError::new(ErrorCode::PluginError, message));
            }
        };
        list.push(finding(rule, found));
    }
    let without_findings = plugin.rules.iter().filter(|rule| !mentioned.contains(rule.code.as_str()));
    decision
        .successes
        .extend(without_findings.map(|rule| Finding::new(&rule.code, PASS).with("title", rule.title.as_str())));
    Ok(decision)
}

fn finding(rule: &Rule, found: PluginFinding) -> Finding {
    let shown = |text: &str| text::message(text, limits::TEXT_BYTES);
    let mut finding = Finding::new(&rule.code, shown(&found.message))
        .with("title", shown(&rule.title))
        .with("severity", found.severity.as_str());
    if let Some(solution) = found.solution {
        finding = finding.with("solution", shown(&solution));
    }
    let mut terms: Vec<_> = found.terms.iter().map(|term| text::one_line(term, limits::TEXT_BYTES)).collect();
    match terms.len() {
        0 => finding,
        1 => finding.with("term", terms.remove(0)),
        _ => finding.with("term", terms.into_iter().map(Value::String).collect::<Vec<_>>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Severity;

    fn manifest() -> Manifest {
        let rule =
            |code: &str| Rule { code: code.to_owned(), title: format!("Title of {code}"), severity: Severity::Low };
        Manifest {
            name: "gate".to_owned(),
            version: "1.0.0".to_owned(),
            summary: String::new(),
            license: String::new(),
            source: String::new(),
            documentation: String::new(),
            params: String::new(),
            rules: vec![rule("gate.a"), rule("gate.b"), rule("gate.c")],
        }
    }

    fn found(code: &str, outcome: Outcome) -> PluginFinding {
        PluginFinding {
            code: code.to_owned(),
            outcome,
            severity: Severity::High,
            message: "Says\x1b so.\nTwice.".to_owned(),
            subject: None,
            terms: Vec::new(),
            solution: None,
        }
    }

    #[test]
    fn outcomes_become_findings_with_their_metadata() {
        let terms = |terms: &[&str]| terms.iter().map(|term| (*term).to_owned()).collect();
        let decision = decide(
            &manifest(),
            vec![
                PluginFinding {
                    terms: terms(&["t"]),
                    solution: Some("Do.".to_owned()),
                    ..found("gate.a", Outcome::Failure)
                },
                PluginFinding { terms: terms(&["t", "u"]), ..found("gate.a", Outcome::Warning) },
                found("gate.b", Outcome::Success),
            ],
        )
        .unwrap();
        let json = serde_json::to_value([&decision.violations, &decision.warnings, &decision.successes]).unwrap();
        let message = "Says\\u{1b} so.\nTwice.";
        let a = serde_json::json!({"code": "gate.a", "title": "Title of gate.a", "severity": "high"});
        let with = |mut base: Value, more: Value| {
            base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            base
        };
        assert_eq!(
            json,
            serde_json::json!([
                [{"msg": message, "metadata": with(a.clone(), serde_json::json!({"term": "t", "solution": "Do."}))}],
                [{"msg": message, "metadata": with(a, serde_json::json!({"term": ["t", "u"]}))}],
                [
                    {"msg": message, "metadata": {"code": "gate.b", "title": "Title of gate.b", "severity": "high"}},
                    {"msg": "Pass", "metadata": {"code": "gate.c", "title": "Title of gate.c"}},
                ],
            ])
        );
    }

    #[test]
    fn a_skipped_rule_is_not_a_success() {
        let decision = decide(&manifest(), vec![found("gate.a", Outcome::Skipped)]).unwrap();
        let codes: Vec<_> = decision.successes.iter().filter_map(Finding::code).collect();
        assert_eq!(codes, ["gate.b", "gate.c"]);
        assert!(decision.violations.is_empty() && decision.warnings.is_empty());
    }

    #[test]
    fn findings_that_are_not_allowed_are_errors() {
        let long = |length: usize| "x".repeat(length);
        for (findings, says) in [
            (vec![found("cve.a", Outcome::Success)], "the code `cve.a`, which its manifest does not declare"),
            (vec![found("gate", Outcome::Failure)], "the code `gate`"),
            (vec![found("gate.a", Outcome::Error)], "could not evaluate `gate.a`: Says\\u{1b} so.\\nTwice."),
            (vec![found("gate.a", Outcome::Warning); limits::FINDINGS + 1], "returned 1001 findings"),
            (vec![PluginFinding { message: long(8193), ..found("gate.a", Outcome::Success) }], "a text of 8193 bytes"),
            (
                vec![PluginFinding { terms: vec![long(8193)], ..found("gate.a", Outcome::Success) }],
                "a text of 8193 bytes",
            ),
            (vec![PluginFinding { message: String::new(), ..found("gate.a", Outcome::Failure) }], "without a message"),
            (
                vec![PluginFinding { message: long(8000), ..found("gate.a", Outcome::Failure) }; 600],
                "more than the 4194304 bytes",
            ),
        ] {
            let error = decide(&manifest(), findings).unwrap_err();
            assert_eq!(error.code, ErrorCode::PluginError);
            assert!(error.message.starts_with("plugin `gate` ") && error.message.contains(says), "{error}");
        }
    }
}
