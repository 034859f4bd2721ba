//! `attestation` and `policy-input`: what was evaluated rather than the results, one JSON text on a line each; and `vsa`: the
//! predicate of a verification summary attestation about all components.
//!
//! The runner keeps these texts only on request, as they are as large as the attestations. Components stand in
//! the order of every other report; `ec` writes its policy inputs in the order in which its workers got done.

use assay_gocompat::json;
use assay_model::{
    event::{RunFinished, RunStarted},
    vsa::PredicateContext,
};

use crate::Options;

/// Every verified statement, byte for byte as it was signed, but that what a terminal or a pipeline could obey is escaped.
/// Without any there is one empty line.
pub(crate) fn attestation(_: &RunStarted, end: &RunFinished, _: Options) -> Result<String, serde_json::Error> {
    let statements = end.outcomes.iter().flat_map(|outcome| &outcome.statements);
    // A statement was read as JSON before it was kept, and JSON is UTF-8.
    let texts: Vec<_> = statements.map(|statement| json::harmless(&String::from_utf8_lossy(statement))).collect();
    Ok(texts.join("\n"))
}

/// The input document of every component; an empty line for one that was not evaluated.
pub(crate) fn policy_input(_: &RunStarted, end: &RunFinished, _: Options) -> Result<String, serde_json::Error> {
    let texts: Vec<_> = end.outcomes.iter().map(|outcome| outcome.input.as_deref().unwrap_or_default()).collect();
    Ok(texts.join("\n"))
}

/// The predicate about all components, on one line.
pub(crate) fn vsa(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    let verifier = if options.ec_compat { "conforma" } else { "assay" };
    let context = PredicateContext { head, end, policy_source: "", identity: None, filter_type: None, verifier };
    json::to_string(&context.snapshot())
}

#[cfg(test)]
mod tests {
    use assay_model::outcome::Outcome;

    use crate::{Format, Options, test_data};

    #[test]
    fn the_predicate_of_all_components_is_one_line_of_json() {
        let run = [test_data::component("a").evaluated()];
        let text = test_data::written(Format::Vsa, Options::default(), &run);
        assert_eq!(text.lines().count(), 1);
        let predicate: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (predicate["verifier"].as_str(), predicate["summary"]["components"].as_u64()),
            (Some("assay"), Some(1))
        );
        assert_eq!(predicate["summary"]["component_details"][0]["name"], "a");
        let as_ec = Options { ec_compat: true, ..Options::default() };
        assert!(test_data::written(Format::Vsa, as_ec, &run).contains(r#""verifier":"conforma""#));
    }

    #[test]
    fn inputs_and_statements_stand_in_the_order_of_the_report() {
        let component = |name: &str, input: Option<&str>, statements: &[&str]| Outcome {
            input: input.map(Into::into),
            statements: statements.iter().map(|text| text.as_bytes().into()).collect(),
            ..test_data::component(name).evaluated()
        };
        let run = [
            component("c", None, &[]),
            component("b", Some("{\"b\":1}"), &["{\"x\": 1}", "{\"y\":2}"]),
            component("a", Some("{}"), &["{}"]),
        ];
        let written = |format, run: &[Outcome]| test_data::written(format, Options::default(), run);
        assert_eq!(written(Format::PolicyInput, &run), "\n{\"b\":1}\n{}\n");
        assert_eq!(written(Format::Attestation, &run), "{\"x\": 1}\n{\"y\":2}\n{}\n");
        assert_eq!(written(Format::Attestation, &[]), "\n");
    }
}
