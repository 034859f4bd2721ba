//! `json`: the whole report for machines, on one line.
//!
//! Shape, order and bytes are those of `ec validate image --output json`. What `ec` does not have comes last in its
//! object, and only when there is something to report: `error` of a component that could not be evaluated, `notices` about evidence of
//! one that could not be read though enough else was found (never when invoked as `ec`), `plugins` that took part (the same),
//! `skipped-checks` that the
//! user requested to skip, `stopped` of a run that was ended early.

use std::{collections::BTreeMap, sync::Arc};

use assay_gocompat::json;
use assay_model::{
    error::EvaluationError,
    event::{PluginSummary, RunFinished, RunStarted},
    evidence::{AttestationSummary, Signature},
    finding::Finding,
    outcome::{Outcome, Verdict},
    policy::PolicySpec,
};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{Options, metadata::shown_metadata, totals::stop_label};

/// The report in full. Of the options it heeds `show_successes` and `info`.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    json::to_string(&Document::of(head, end, options))
}

/// The same as a value, for other forms of it. Nesting is not limited, as it would be through text.
pub(crate) fn value(head: &RunStarted, end: &RunFinished, options: Options) -> Result<Value, serde_json::Error> {
    serde_json::to_value(Document::of(head, end, options))
}

#[derive(Serialize)]
struct Document<'a> {
    success: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    snapshot: &'a str,
    components: Components<'a>,
    key: &'a str,
    policy: &'a PolicySpec,
    #[serde(rename = "ec-version")]
    version: &'a str,
    /// RFC 3339 in UTC, with as many decimals as are needed.
    #[serde(rename = "effective-time")]
    effective_time: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<PluginDocument<'a>>,
    #[serde(rename = "skipped-checks", skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<&'static str>,
}

/// The type that `ec` gives every attestation.
const FIRST_STATEMENT: &str = "https://in-toto.io/Statement/v0.1";

/// All components, each made when it is written: a large run must not be in memory twice.
struct Components<'a> {
    outcomes: &'a [Arc<Outcome>],
    options: Options,
}

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.outcomes.iter().map(|outcome| ComponentDocument::of(outcome, self.options)))
    }
}

/// A component as it stands in the report.
#[derive(Serialize)]
pub(crate) struct ComponentDocument<'a> {
    name: &'a str,
    #[serde(rename = "containerImage")]
    image: String,
    source: &'a Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<FindingDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<FindingDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    successes: Vec<FindingDocument<'a>>,
    success: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    signatures: &'a [Signature],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attestations: Vec<AttestationDocument<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notices: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a EvaluationError>,
}

/// A finding as it stands in every JSON document.
#[derive(Serialize)]
pub(crate) struct FindingDocument<'a> {
    #[serde(rename = "msg")]
    message: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, Value>,
}

#[derive(Serialize)]
struct AttestationDocument<'a> {
    #[serde(rename = "type")]
    statement_type: &'a str,
    #[serde(rename = "predicateType")]
    predicate_type: &'a str,
    #[serde(rename = "predicateBuildType", skip_serializing_if = "Option::is_none")]
    build_type: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    signatures: &'a [Signature],
}

/// A plugin that took part.
#[derive(Serialize)]
pub(crate) struct PluginDocument<'a> {
    name: &'a str,
    version: &'a str,
    digest: String,
    params: BTreeMap<&'a str, &'a str>,
}

impl<'a> PluginDocument<'a> {
    /// The plugins that took part; `ec` has none.
    pub(crate) fn all(head: &'a RunStarted, options: Options) -> Vec<Self> {
        let of = |plugin: &'a PluginSummary| Self {
            name: &plugin.name,
            version: &plugin.version,
            digest: plugin.digest.to_string(),
            params: plugin.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        };
        if options.ec_compat { Vec::new() } else { head.plugins.iter().map(of).collect() }
    }
}

impl<'a> Document<'a> {
    fn of(head: &'a RunStarted, end: &'a RunFinished, options: Options) -> Self {
        Self {
            success: end.verdict == Verdict::Allowed,
            snapshot: &head.snapshot,
            components: Components { outcomes: &end.outcomes, options },
            key: &head.key,
            policy: &head.policy,
            version: &head.version,
            effective_time: end.effective_time.to_string(),
            plugins: PluginDocument::all(head, options),
            skipped: head.skipped.iter().map(|check| check.code()).collect(),
            stopped: end.stopped.map(stop_label),
        }
    }
}

impl<'a> ComponentDocument<'a> {
    pub(crate) fn of(outcome: &'a Outcome, options: Options) -> Self {
        let decision = &outcome.decision;
        let all = |findings: &'a [Finding]| findings.iter().map(|one| FindingDocument::of(one, options.info)).collect();
        Self {
            name: &outcome.component.name,
            image: outcome.image_text(),
            source: &outcome.component.source,
            violations: all(&decision.violations),
            warnings: all(&decision.warnings),
            successes: if options.show_successes { all(&decision.successes) } else { Vec::new() },
            success: outcome.allowed(),
            signatures: &outcome.signatures,
            attestations: outcome
                .attestations
                .iter()
                .map(|one| AttestationDocument::of(one, options.ec_compat))
                .collect(),
            notices: options.notices(outcome),
            error: outcome.error.as_ref(),
        }
    }
}

impl<'a> FindingDocument<'a> {
    pub(crate) fn of(finding: &'a Finding, info: bool) -> Self {
        Self { message: &finding.message, metadata: shown_metadata(finding, info) }
    }
}

impl<'a> AttestationDocument<'a> {
    fn of(attestation: &'a AttestationSummary, ec_compat: bool) -> Self {
        Self {
            statement_type: if ec_compat { FIRST_STATEMENT } else { &attestation.statement_type },
            predicate_type: &attestation.predicate_type,
            build_type: attestation.build_type.as_deref(),
            signatures: &attestation.signatures,
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_model::{error::ErrorCode, event::StopReason, evidence::CheckKind};
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;
    use crate::{Format, test_data};

    fn written(options: Options, outcomes: &[Outcome]) -> String {
        let text = test_data::written(Format::Json, options, outcomes);
        serde_json::from_str::<Value>(&text).unwrap();
        assert!(text.ends_with("}\n") && text.lines().count() == 1);
        text
    }

    #[test]
    fn notices_stand_with_their_component_unless_called_ec() {
        let outcome = Outcome {
            notices: vec!["not all evidence could be read".to_owned()],
            ..test_data::component("cart").evaluated()
        };
        let native = written(Options::default(), std::slice::from_ref(&outcome));
        assert!(native.contains(r#""notices":["not all evidence could be read"]"#), "{native}");
        let ec_compat = written(Options { ec_compat: true, ..Options::default() }, &[outcome]);
        assert!(!ec_compat.contains("notices"), "{ec_compat}");
    }

    #[test]
    fn an_attestation_has_the_type_that_its_statement_has() {
        let text = test_data::written_at(Format::Json, Options::default(), test_data::mixed());
        assert!(text.contains("{\"type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":"), "{text}");
        let options = Options { ec_compat: true, ..Options::default() };
        let text = test_data::written_at(Format::Json, options, test_data::mixed());
        assert!(text.contains("{\"type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":"), "{text}");
        assert!(!text.contains("Statement/v1"), "{text}");
    }

    #[test]
    fn a_component_with_an_error_is_no_success_and_says_why() {
        let error = EvaluationError::new(ErrorCode::RegistryTimeout, "r.example did not answer").hint("try again");
        let finding = Finding::new("a.b", "<bad>").with("title", "T");
        let run =
            [test_data::component("cart").violation(finding).failed(error), test_data::component("shop").evaluated()];
        assert_snapshot!(written(Options::default(), &run), @r#"{"success":false,"components":[{"name":"cart","containerImage":"r.example/cart@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","source":{},"violations":[{"msg":"\u003cbad\u003e","metadata":{"code":"a.b"}}],"success":false,"error":{"code":"registry-timeout","message":"r.example did not answer","hint":"try again"}},{"name":"shop","containerImage":"r.example/shop@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","source":{},"success":true}],"key":"PEM\n","policy":{"publicKey":"k.pub"},"ec-version":"1.2.3","effective-time":"2026-12-01T12:00:00Z"}"#);
    }

    #[test]
    fn a_run_that_was_stopped_says_so_last() {
        for (stopped, word) in [(StopReason::Deadline, "deadline"), (StopReason::Interrupted, "interrupted")] {
            let mut end = test_data::end(&[]);
            end.stopped = Some(stopped);
            let text = test_data::written_at(Format::Json, Options::default(), end);
            assert!(text.ends_with(&format!("Z\",\"stopped\":\"{word}\"}}\n")), "{text}");
        }
    }

    #[test]
    fn checks_that_were_left_out_are_named() {
        let head = RunStarted { skipped: vec![CheckKind::ImageSignature], ..test_data::head() };
        let text = test_data::written_of(Format::Json, Options::default(), head, test_data::end(&[]));
        assert!(text.ends_with("Z\",\"skipped-checks\":[\"builtin.image.signature_check\"]}\n"), "{text}");
    }

    #[test]
    fn plugins_that_took_part_are_named_but_not_by_ec() {
        let text = |options| test_data::written_of(Format::Json, options, test_data::full_head(), test_data::end(&[]));
        let shown = text(Options::default());
        assert!(shown.contains(r#""plugins":[{"name":"licenses","version":"0.1.0","digest":"sha256:"#), "{shown}");
        assert!(shown.contains(r#""params":{"deny":"GPL-3.0-only"}}]"#), "{shown}");
        assert!(!text(Options { ec_compat: true, ..Options::default() }).contains("plugins"));
    }

    #[test]
    fn a_run_over_nothing_is_valid_json_and_no_success() {
        let text = written(Options::default(), &[]);
        assert!(text.starts_with(r#"{"success":false,"components":[],"#), "{text}");
    }

    #[test]
    fn successes_and_facts_are_shown_only_if_requested() {
        let finding = Finding::new("a.b", "Pass").with("title", "T").with("collections", json!(["x"]));
        let run = [test_data::component("cart").success(finding).evaluated()];
        let plain = Options::default();
        assert!(!written(plain, &run).contains("successes"));
        let shown = written(Options { show_successes: true, ..plain }, &run);
        assert!(shown.contains(r#""successes":[{"msg":"Pass","metadata":{"code":"a.b"}}],"success":true"#), "{shown}");
        let all = written(Options { show_successes: true, info: true, ..plain }, &run);
        assert!(all.contains(r#""metadata":{"code":"a.b","collections":["x"],"title":"T"}"#), "{all}");
    }

    #[test]
    fn times_have_the_decimals_they_need() {
        for (time, shown) in [
            ("2026-12-01T12:00:00Z", "2026-12-01T12:00:00Z"),
            ("2026-12-01T12:00:00.120Z", "2026-12-01T12:00:00.12Z"),
            ("2026-12-01T13:00:00.000000001+01:00", "2026-12-01T12:00:00.000000001Z"),
        ] {
            let end = RunFinished { effective_time: time.parse().unwrap(), ..test_data::end(&[]) };
            assert_eq!(Document::of(&test_data::head(), &end, Options::default()).effective_time, shown);
        }
    }

    #[test]
    fn hostile_messages_stay_inside_their_strings() {
        for message in test_data::hostile_messages() {
            let finding =
                Finding::new("a.b", message.clone()).with("term", json!([["x"], {"y": null}])).with("title", 5);
            let error = EvaluationError::new(ErrorCode::Malformed, message.clone()).hint(message.clone());
            let run = [test_data::component(&message).warning(finding).failed(error)];
            let text = written(Options { info: true, ..Options::default() }, &run);
            assert!(!text.contains('<') && !text.contains('\u{1b}') && !text.contains('\u{2028}'));
            let back: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(back["components"][0]["warnings"][0]["msg"], message.as_str());
            assert_eq!(back["components"][0]["error"]["hint"], *crate::sanitize::line(&message));
        }
    }
}
