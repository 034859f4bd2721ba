//! `junit` of assay: a test suite for each component, a test case for each rule and term.
//!
//! Names are stable, so that a CI system recognizes a test from build to build: a case is called `rule [term]` in the class
//! of its package, a suite as its component, without digest, tag or message. Successes are always there, since a test that
//! vanishes when it passes cannot be followed; a warning is skipped. Files for the name `ec` have `ec`'s form, see
//! [`junit`](crate::junit).

use std::collections::BTreeMap;

use assay_model::{
    event::{RunFinished, RunStarted},
    finding::Finding,
    outcome::{Outcome, Verdict},
    snapshot::UNNAMED,
};

use crate::{
    Options,
    by_rule::{description, message, solution, title},
    images::{Image, Images, Member},
    timestamp::seconds,
    totals::Totals,
    xml::{Xml, property},
};

/// The class of cases that are about assay and not about a rule.
const OWN_CLASS: &str = "assay";

/// The name of the case of a finding without a code.
const NO_RULE: &str = "without a rule";

/// A suite by its name.
type Suite<'a> = (String, &'a Outcome);

/// The suites of the run.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> String {
    let mut xml = Xml::default();
    let totals = Totals::of(end);
    let nothing = usize::from(end.outcomes.is_empty() && end.verdict == Verdict::Error);
    let errors = totals.errors + nothing;
    let tests = totals.successes + totals.violations + totals.warnings + errors;
    let time = head.started_at.map(|start| end.at.duration_since(start).as_millis().max(0));
    let time = time.map(|millis| format!("{}.{:03}", millis / 1000, millis % 1000));
    xml.open(
        "testsuites",
        &[
            ("name", Some(if head.application.is_empty() { OWN_CLASS } else { &head.application })),
            ("tests", Some(&tests.to_string())),
            ("failures", Some(&totals.violations.to_string())),
            ("errors", Some(&errors.to_string())),
            ("skipped", Some(&totals.warnings.to_string())),
            ("time", time.as_deref()),
        ],
    );
    let at = seconds(end.at);
    for (name, outcome) in suites(end) {
        suite(&mut xml, head, &name, outcome, &at, options);
    }
    if nothing > 0 {
        // A file without a test would be taken for a run in which nothing failed.
        let attributes =
            [("name", Some(OWN_CLASS)), ("tests", Some("1")), ("failures", Some("0")), ("errors", Some("1"))];
        xml.open("testsuite", &attributes);
        case(&mut xml, "evaluation", OWN_CLASS, Some(("error", "no-components", "No component was evaluated.")), "");
        xml.close();
    }
    xml.finish()
}

/// The suites by their names, in the order of these: the order of the report depends on digests.
fn suites(end: &RunFinished) -> Vec<Suite<'_>> {
    let images = Images::of(end);
    let mut suites: Vec<Suite<'_>> = Vec::new();
    for image in &images.all {
        let members = image.members.iter().filter_map(|member| Some((member, end.outcomes.get(member.at)?)));
        suites.extend(members.map(|(member, outcome)| (suite_name(image, member, outcome), outcome.as_ref())));
    }
    suites.sort_by(|a, b| a.0.cmp(&b.0));
    let mut seen = BTreeMap::new();
    for (name, _) in &mut suites {
        *name = numbered(&mut seen, name);
    }
    suites
}

/// The component's name with its architecture, if it is part of an index; its repository, if it has no name.
fn suite_name(image: &Image<'_>, member: &Member<'_>, outcome: &Outcome) -> String {
    let name = outcome.component.name.as_str();
    let repository =
        || outcome.image.as_ref().map_or_else(|| "unnamed".to_owned(), |image| image.repository.to_string());
    let named = |name: &str| if name.is_empty() || name == UNNAMED { repository() } else { name.to_owned() };
    if member.variant.is_empty() { named(name) } else { format!("{} ({})", named(&image.name), member.variant) }
}

/// The name, with a number if it was there before.
fn numbered(seen: &mut BTreeMap<String, usize>, name: &str) -> String {
    let count = seen.entry(name.to_owned()).or_default();
    *count += 1;
    if *count == 1 { name.to_owned() } else { format!("{name} ({count})") }
}

fn suite(xml: &mut Xml, head: &RunStarted, name: &str, outcome: &Outcome, at: &str, options: Options) {
    let decision = &outcome.decision;
    let errors = usize::from(outcome.error.is_some());
    let (failures, warnings) = (decision.violations.len(), decision.warnings.len());
    xml.open(
        "testsuite",
        &[
            ("name", Some(name)),
            ("tests", Some(&(decision.successes.len() + failures + warnings + errors).to_string())),
            ("failures", Some(&failures.to_string())),
            ("errors", Some(&errors.to_string())),
            ("skipped", Some(&warnings.to_string())),
            ("timestamp", Some(at)),
        ],
    );
    properties(xml, head, outcome, options);
    if let Some(error) = &outcome.error {
        let hint = error.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        case(xml, "evaluation", OWN_CLASS, Some(("error", error.code.as_str(), &error.message)), &hint);
    }
    let mut seen = BTreeMap::new();
    for finding in &decision.successes {
        finding_case(xml, &mut seen, finding, None);
    }
    for finding in &decision.violations {
        finding_case(xml, &mut seen, finding, Some(("failure", "violation")));
    }
    for finding in &decision.warnings {
        finding_case(xml, &mut seen, finding, Some(("skipped", "warning")));
    }
    xml.close();
}

/// What is known of the component and of what it was evaluated by.
fn properties(xml: &mut Xml, head: &RunStarted, outcome: &Outcome, options: Options) {
    xml.open("properties", &[]);
    property(xml, "image", &outcome.image_text());
    property(xml, "success", if outcome.allowed() { "true" } else { "false" });
    for signature in &outcome.signatures {
        property(xml, "keyId", &signature.keyid);
    }
    for plugin in &head.plugins {
        property(xml, "plugin", &format!("{} {} {}", plugin.name, plugin.version, plugin.digest));
    }
    for check in &head.skipped {
        property(xml, "skippedCheck", check.code());
    }
    for notice in options.notices(outcome) {
        property(xml, "notice", notice);
    }
    xml.close();
}

/// The case of a finding: `rule [term]` in the class of its package.
fn finding_case(
    xml: &mut Xml,
    seen: &mut BTreeMap<String, usize>,
    finding: &Finding,
    result: Option<(&'static str, &str)>,
) {
    let code = finding.code().unwrap_or_default();
    let (package, rule) = code.rsplit_once('.').unwrap_or((OWN_CLASS, code));
    let terms = finding.terms().join(", ");
    let rule = if rule.is_empty() { NO_RULE } else { rule };
    let name = if terms.is_empty() { rule.to_owned() } else { format!("{rule} [{terms}]") };
    let name = numbered(seen, &name);
    let result = result.map(|(element, kind)| (element, kind, message(finding)));
    case(xml, &name, package, result, &if result.is_some() { help(finding) } else { String::new() });
}

/// What the rule requires and how to fix what it found.
fn help(finding: &Finding) -> String {
    let requirement = finding.text("description").map(description).or_else(|| title(finding));
    let requirement = requirement.map(|text| format!("\nrequirement: {text}")).unwrap_or_default();
    let fix = solution(finding).map(|text| format!("\nfix: {text}")).unwrap_or_default();
    format!("{requirement}{fix}")
}

fn case(xml: &mut Xml, name: &str, class: &str, result: Option<(&'static str, &str, &str)>, more: &str) {
    xml.open("testcase", &[("name", Some(name)), ("classname", Some(class))]);
    if let Some((element, kind, message)) = result {
        let kind = (element != "skipped").then_some(kind);
        xml.open(element, &[("type", kind), ("message", Some(message))]);
        xml.cdata(&format!("{message}{more}"));
        xml.close();
    }
    xml.close();
}

#[cfg(test)]
mod tests {
    use assay_model::{
        digest::Digest,
        error::{ErrorCode, EvaluationError},
    };
    use insta::assert_snapshot;

    use super::*;
    use crate::{Format, test_data};

    fn written(outcomes: &[Outcome]) -> String {
        let end = test_data::end(outcomes);
        let text = test_data::written_of(Format::Junit, Options::default(), test_data::full_head(), end);
        roxmltree::Document::parse(&text).unwrap();
        text
    }

    fn names(text: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(text).unwrap();
        let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
        let of = |node: roxmltree::Node<'_, '_>| {
            [node.parent().unwrap().attribute("name"), node.attribute("classname"), node.attribute("name")]
                .map(Option::unwrap)
                .join(" / ")
        };
        cases.map(of).collect()
    }

    #[test]
    fn a_case_is_a_rule_with_its_term_in_the_class_of_its_package() {
        let error = EvaluationError::new(ErrorCode::RegistryTimeout, "r.example did not answer").hint("try again");
        let finding = Finding::new("release.tasks.trusted", "<bad>").with("term", "build").with("solution", "Fix it.");
        let cart = test_data::component("cart").violation(finding.clone()).violation(finding);
        let cart = cart.warning(Finding::new("a.b", "odd")).success(Finding::new("a.c", "Pass"));
        let run = [cart.evaluated(), test_data::component("shop").failed(error)];
        assert_snapshot!(written(&run).replace("><", ">\n<"));
    }

    #[test]
    fn names_are_equal_between_two_builds_of_one_image() {
        let build = |number: usize| {
            let mut run = test_data::index("cart", &["amd64", "arm64"]);
            run.extend(test_data::many(2));
            for (at, outcome) in run.iter_mut().enumerate() {
                let digest = Digest::of(format!("{number} {at}").as_bytes());
                let old = outcome.image.take().unwrap();
                outcome.component.name = outcome.component.name.replace(&old.digest.to_string(), &digest.to_string());
                outcome.image = Some(old.repository.at(digest));
                outcome.decision.violations.push(Finding::new("a.b", format!("message of build {number}")));
            }
            let mut unnamed = test_data::component("app").success(Finding::new("a.b", "Pass")).evaluated();
            UNNAMED.clone_into(&mut unnamed.component.name);
            unnamed.image =
                unnamed.image.map(|image| image.repository.at(Digest::of(&[u8::try_from(number).unwrap()])));
            run.push(unnamed);
            // The report's order depends on digests.
            if number == 1 {
                run.reverse();
            }
            names(&written(&run))
        };
        let first = build(1);
        assert_eq!(first, build(2));
        assert!(first.contains(&"cart (amd64) / a / b".to_owned()), "{first:?}");
        assert!(first.contains(&"r.example/app / a / b".to_owned()), "{first:?}");
    }

    #[test]
    fn what_is_counted_is_there() {
        let text = written(&test_data::many(4));
        let document = roxmltree::Document::parse(&text).unwrap();
        let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count().to_string();
        let root = document.root_element();
        for (attribute, element) in [("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")] {
            assert_eq!(root.attribute(attribute), Some(count(element).as_str()), "{attribute}");
        }
        assert_eq!((root.attribute("time"), root.attribute("name")), (Some("3.200"), Some("shop")));
        assert!(text.contains("licenses 0.1.0 sha256:"));
    }

    #[test]
    fn a_run_over_nothing_is_an_error_and_no_empty_success() {
        let text = written(&[]);
        assert!(text.contains("tests=\"1\" failures=\"0\" errors=\"1\"") && text.contains("<error type="), "{text}");
    }

    #[test]
    fn hostile_texts_stay_inside_their_elements() {
        for message in test_data::hostile_messages() {
            let text = test_data::written_at(Format::Junit, Options::default(), test_data::hostile(&message));
            let document = roxmltree::Document::parse(&text).unwrap();
            let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
            assert_eq!(["testsuite", "testcase", "failure", "skipped", "error"].map(count), [1, 4, 1, 1, 1]);
            assert!(!text.contains('\u{1b}'));
        }
    }
}
