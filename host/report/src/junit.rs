//! `junit` of `ec`: a test suite for each component, a test case for each finding.
//!
//! Ours is in [`junit_native`]; this one is written when the program is invoked as `ec`, and has
//! shape and bytes of `ec validate image --output junit`: a violation is a failure, a warning is skipped. A
//! component that could not be evaluated has a case of its own, with an `<error>`, which `ec` does not have.

use assay_gocompat::verbs::verb_v;
use assay_model::{
    error::EvaluationError,
    event::{RunFinished, RunStarted},
    finding::Finding,
    outcome::{Outcome, Verdict},
};

use crate::{
    Options, junit_native,
    metadata::shown_metadata,
    timestamp::seconds,
    totals::Totals,
    xml::{Xml, property},
};

/// The suites of the run: those of `ec` only for its name.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    if !options.ec_compat {
        return Ok(junit_native::render(head, end, options));
    }
    let mut xml = Xml::default();
    let totals = Totals::of(end);
    let no_components = end.outcomes.is_empty();
    let errors = totals.errors + usize::from(no_components);
    let successes = if options.show_successes { totals.successes } else { 0 };
    let counted = |count: usize| (count > 0).then(|| count.to_string());
    let tests = counted(successes + totals.violations + totals.warnings + errors);
    let (errors, failures, skipped) = (counted(errors), counted(totals.violations), counted(totals.warnings));
    xml.open(
        "testsuites",
        &[
            ("tests", tests.as_deref()),
            ("errors", errors.as_deref()),
            ("failures", failures.as_deref()),
            ("skipped", skipped.as_deref()),
        ],
    );
    let at = seconds(end.at);
    for outcome in &end.outcomes {
        suite(&mut xml, head, outcome, &at, options);
    }
    if no_components && end.verdict == Verdict::Error {
        // A file without a test would be taken for a run in which nothing failed.
        let attributes =
            [("name", Some("assay")), ("tests", Some("1")), ("failures", Some("0")), ("errors", Some("1"))];
        xml.open("testsuite", &attributes);
        error_case(&mut xml, "no component was evaluated", "No component was evaluated.", "");
        xml.close();
    }
    Ok(xml.finish())
}

fn suite(xml: &mut Xml, head: &RunStarted, outcome: &Outcome, at: &str, options: Options) {
    let decision = &outcome.decision;
    let successes = if options.show_successes { decision.successes.as_slice() } else { &[] };
    let image = outcome.image_text();
    let errors = usize::from(outcome.error.is_some());
    let (failures, warnings) = (decision.violations.len(), decision.warnings.len());
    let skipped = (warnings > 0).then(|| warnings.to_string());
    xml.open(
        "testsuite",
        &[
            ("name", Some(&format!("{} ({image})", outcome.component.name))),
            ("tests", Some(&(successes.len() + failures + warnings + errors).to_string())),
            ("failures", Some(&failures.to_string())),
            ("errors", Some(&errors.to_string())),
            ("id", Some("0")),
            ("skipped", skipped.as_deref()),
            ("time", Some("")),
            ("timestamp", Some(at)),
        ],
    );
    xml.open("properties", &[]);
    property(xml, "image", &image);
    property(xml, "key", &head.key);
    property(xml, "success", if outcome.allowed() { "true" } else { "false" });
    for signature in &outcome.signatures {
        property(xml, "keyId", &signature.keyid);
        property(xml, "signature", &signature.sig);
        for (name, value) in &signature.metadata {
            property(xml, &format!("metadata.{name}"), value);
        }
    }
    xml.close();
    if let Some(EvaluationError { code, message, hint }) = &outcome.error {
        let hint = hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        error_case(xml, &format!("{}: {message}", code.as_str()), message, &hint);
    }
    for finding in successes {
        case(xml, finding, None, options);
    }
    for finding in &decision.violations {
        case(xml, finding, Some("failure"), options);
    }
    for finding in &decision.warnings {
        case(xml, finding, Some("skipped"), options);
    }
    xml.close();
}

fn error_case(xml: &mut Xml, name: &str, message: &str, more: &str) {
    xml.open("testcase", &[("name", Some(name)), ("classname", Some(name))]);
    result(xml, "error", message, more);
    xml.close();
}

fn case(xml: &mut Xml, finding: &Finding, result_of: Option<&'static str>, options: Options) {
    let mut metadata = shown_metadata(finding, options.info);
    let code = metadata.remove("code");
    let mut known: Vec<_> = metadata.iter().map(|(key, value)| format!("{key}={}", verb_v(value))).collect();
    known.sort();
    let known = if known.is_empty() { String::new() } else { format!(" [{}]", known.join(", ")) };
    let code = code.as_ref().and_then(|code| code.as_str()).map(|code| format!("{code}: ")).unwrap_or_default();
    let name = format!("{code}{}{known}", finding.message);
    xml.open("testcase", &[("name", Some(&name)), ("classname", Some(&name))]);
    if let Some(element) = result_of {
        result(xml, element, &finding.message, "");
    }
    xml.close();
}

fn result(xml: &mut Xml, element: &'static str, message: &str, more: &str) {
    xml.open(element, &[("message", Some(message))]);
    xml.cdata(&format!("{message}{more}"));
    xml.close();
}

#[cfg(test)]
mod tests {
    use assay_model::error::ErrorCode;
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;
    use crate::{Format, test_data};

    fn written(options: Options, outcomes: &[Outcome]) -> String {
        let text = test_data::written(Format::Junit, Options { ec_compat: true, ..options }, outcomes);
        roxmltree::Document::parse(&text).unwrap();
        text
    }

    #[test]
    fn an_evaluation_error_is_an_error_of_its_component() {
        let error = EvaluationError::new(ErrorCode::RegistryTimeout, "r.example did not answer").hint("try again");
        let finding = Finding::new("a.b", "<bad>").with("term", json!(["x", 1, null]));
        let run =
            [test_data::component("cart").violation(finding).evaluated(), test_data::component("shop").failed(error)];
        assert_snapshot!(written(Options::default(), &run).replace("><", ">\n<"));
    }

    #[test]
    fn a_run_over_nothing_is_an_error_and_no_empty_success() {
        assert_snapshot!(written(Options::default(), &[]));
    }

    #[test]
    fn hostile_texts_stay_inside_their_elements() {
        for message in test_data::hostile_messages() {
            let finding = || Finding::new("a.b", message.clone()).with("term", message.clone());
            let error = EvaluationError::new(ErrorCode::Malformed, message.clone()).hint(message.clone());
            let options = Options { show_successes: true, info: true, ..Options::default() };
            let component = test_data::component(&message).violation(finding()).warning(finding()).success(finding());
            let text = written(options, &[component.failed(error)]);
            let document = roxmltree::Document::parse(&text).unwrap();
            let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
            assert_eq!(["testsuite", "testcase", "failure", "skipped", "error"].map(count), [1, 4, 1, 1, 1]);
            assert!(!text.contains('\u{1b}'));
        }
    }
}
