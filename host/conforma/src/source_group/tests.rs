//! Tests of the evaluator: with rules of our own, and with recorded ones if available.

use std::path::{Path, PathBuf};

use assay_model::{
    digest::Digest,
    error::ErrorCode,
    evidence::Evidence,
    finding::Finding,
    image::PinnedImage,
    policy::{SourceConfig, SourceGroup},
    snapshot::{Component, Snapshot},
};
use assay_rego::Sources;

use super::*;
use crate::NoHost;

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn group(policy: &Arc<Policy>, include: &[&str], exclude: &[&str]) -> SourceGroupEvaluator {
    let config = SourceConfig { include: strings(include), exclude: strings(exclude) };
    let source = SourceGroup { config: Some(config), ..SourceGroup::default() };
    SourceGroupEvaluator::new("mine", Arc::clone(policy), Selection::of(&source, None), Arc::new(NoHost))
}

fn evaluate(group: &SourceGroupEvaluator, input: &str) -> Result<Decision, EvaluationError> {
    evaluate_together(group, &[input])
}

fn evaluate_together(group: &SourceGroupEvaluator, inputs: &[&str]) -> Result<Decision, EvaluationError> {
    let snapshot = Snapshot::of_image("r.example/cart:1");
    let component: &Component = snapshot.components.first().unwrap();
    let evidence = Evidence {
        image: PinnedImage::parse(&format!("r.example/cart@{}", Digest::of(b""))).unwrap(),
        media_type: "m".to_owned(),
        manifest: (*b"{}").into(),
        config: None,
        base_image: None,
        files: std::collections::BTreeMap::new(),
        signatures: vec![],
        attestations: vec![],
        notices: vec![],
        checks: vec![],
    };
    let when = "2025-06-01T00:00:00Z".parse().unwrap();
    let context =
        EvaluationContext { component, evidence: &evidence, when, input: inputs.first().copied().unwrap_or_default() };
    if inputs.len() == 1 {
        group.evaluate(&context)
    } else {
        group.evaluate_together(&context, None, inputs.iter().copied())
    }
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code().unwrap_or("-")).collect()
}

const TEXT: &str = "package fine\n\n# METADATA\n# title: Fine\n# custom:\n#   short_name: ok\n#   collections: [small]\n\
                    deny contains result if {\n\tfalse\n\tresult := {\"code\": \"fine.ok\", \"msg\": \"\"}\n}\n";

const OTHER: &str = "package other\n\n# METADATA\n# title: Bad\n# custom:\n#   short_name: bad\n\
                     deny contains {\"code\": \"other.bad\", \"msg\": \"No.\"} if not input.good\n\n\
                     warn contains \"bare\"\n\n\
                     deny contains result if {\n\tinput.stuck\n\tresult := {\"code\": \"other.slow\", \"msg\": \"\"}\n}\n";

fn own_policy() -> Arc<Policy> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("a.rego"), TEXT).unwrap();
    fs_err::write(folder.path().join("b.rego"), OTHER).unwrap();
    let mut sources = Sources::new();
    sources.add_policy(folder.path()).unwrap();
    Arc::new(Policy::compile(sources).unwrap())
}

#[test]
fn a_rule_passes_of_several_documents_only_if_it_has_nothing_to_say_about_any() {
    let group = group(&own_policy(), &[], &[]);
    for (inputs, violations, successes) in [
        (&[r#"{"good": true}"#, r#"{"good": true}"#][..], &[][..], &["fine.ok", "other.bad"][..]),
        (&[r#"{"good": true}"#, "{}"], &["other.bad"], &["fine.ok"]),
        (&["{}", "{}"], &["other.bad", "other.bad"], &["fine.ok"]),
    ] {
        let decision = evaluate_together(&group, inputs).unwrap();
        assert_eq!(
            (codes(&decision.violations), codes(&decision.successes)),
            (violations.to_vec(), successes.to_vec())
        );
    }
}

#[test]
fn a_group_evaluates_the_packages_of_which_something_is_included() {
    let policy = own_policy();
    for (include, exclude, packages, violations, warnings, successes) in [
        (&[][..], &[][..], &["fine", "other"][..], &["other.bad"][..], &["-"][..], &["fine.ok"][..]),
        (&["@small"], &[], &["fine"], &[], &[], &["fine.ok"]),
        (&["other"], &[], &["other"], &["other.bad"], &["-"], &[]),
        // Included by the code that a bare rule says in its body, but that rule has nothing to say.
        (&["other.slow"], &[], &["other"], &[], &["-", "-"], &[]),
        (&["*"], &["other.*"], &["fine"], &[], &[], &["fine.ok"]),
        // Only a term: everything is evaluated, as any rule may return it.
        (&["other.bad:t"], &[], &["fine", "other"], &[], &["-", "-"], &[]),
        // A misspelled criterion: everything is evaluated, and it is reported.
        (&["fien"], &[], &["fine", "other"], &[], &["-", "-"], &[]),
    ] {
        let group = group(&policy, include, exclude);
        let criteria = Criteria::new(&strings(include), &strings(exclude));
        let requested = group.packages(&criteria, &criteria);
        assert_eq!(requested, strings(packages).into_iter().collect(), "{include:?} {exclude:?}");
        let decision = evaluate(&group, "{}").unwrap();
        assert_eq!(codes(&decision.violations), violations, "{include:?} {exclude:?}");
        assert_eq!(codes(&decision.warnings), warnings, "{include:?} {exclude:?}");
        assert_eq!(codes(&decision.successes), successes, "{include:?} {exclude:?}");
    }
    let decision = evaluate(&group(&policy, &[], &[]), r#"{"good": 1}"#).unwrap();
    assert_eq!(codes(&decision.successes), ["fine.ok", "other.bad"]);
    assert_eq!(decision.successes.first().and_then(|finding| finding.text("title")), Some("Fine"));
}

const NESTED: &str = "package deep.er.pkg\n\nimport rego.v1\n\n# METADATA\n# custom:\n#   short_name: at\n#   \
                      pipeline_intention: [release]\ndeny contains {\"code\": \"deep.er.pkg.at\", \"msg\": msg} if {\n\t\
                      msg := sprintf(\"%d\", [data.config.policy.when_ns])\n}\n\n# METADATA\n# custom:\n#   \
                      short_name: other\ndeny contains {\"code\": \"deep.er.pkg.other\", \"msg\": \"No.\"}\n";

fn nested_policy() -> Arc<Policy> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("a.rego"), NESTED).unwrap();
    let mut sources = Sources::new();
    sources.add_policy(folder.path()).unwrap();
    sources.set_effective_time("2000-01-01T00:00:00Z".parse().unwrap()).unwrap();
    Arc::new(Policy::compile(sources).unwrap())
}

#[test]
fn rules_see_the_time_of_the_evaluation_and_nested_packages_have_two_names() {
    let policy = nested_policy();
    for include in [&[][..], &["pkg"], &["deep.er.pkg"], &["deep.er.pkg.at"]] {
        let decision = evaluate(&group(&policy, include, &["pkg.other"]), "{}").unwrap();
        let messages: Vec<_> = decision.violations.iter().map(|finding| finding.message.as_str()).collect();
        // 2025-06-01, the effective time of the case.
        assert_eq!(messages, ["1748736000000000000"], "{include:?}");
    }
}

#[test]
fn called_ec_rules_of_nested_packages_are_evaluated_only_if_no_package_is_selected() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("a.rego"), NESTED).unwrap();
    fs_err::write(folder.path().join("b.rego"), TEXT).unwrap();
    let mut sources = Sources::new();
    sources.add_policy(folder.path()).unwrap();
    sources.set_effective_time("2000-01-01T00:00:00Z".parse().unwrap()).unwrap();
    let policy = Arc::new(Policy::compile(sources).unwrap());
    for (include, flat, nested) in [
        (&[][..], false, true),
        (&[][..], true, false),
        // Its package is chosen as `deep`, which is none.
        (&["pkg", "fine"], true, false),
        // Nothing is chosen, so that everything is.
        (&["fien", "pkg.other:x"], true, false),
    ] {
        let group = group(&policy, include, &["pkg.at"]).with_ec_compat(flat);
        let decision = evaluate(&group, "{}").unwrap();
        assert_eq!(codes(&decision.violations).contains(&"deep.er.pkg.other"), nested, "{include:?} {flat}");
        assert_eq!(
            group.skipped_packages().into_iter().collect::<Vec<_>>(),
            ["deep.er.pkg"].get(..usize::from(flat)).unwrap()
        );
    }
    let group = group(&policy, &["nothing"], &[]).with_ec_compat(true);
    let criteria = Criteria::new(&strings(&["nothing"]), &[]);
    assert_eq!(group.packages(&criteria, &criteria), strings(&["deep.er.pkg", "fine"]).into_iter().collect());
}

#[test]
fn only_rules_for_pipelines_of_the_wanted_kind_are_evaluated() {
    let policy = nested_policy();
    for (intentions, want) in [(&[][..], "deep.er.pkg.other"), (&["release"], "deep.er.pkg.at")] {
        let decision = evaluate(&group(&policy, &[], &[]).with_intentions(&strings(intentions)), "{}").unwrap();
        assert_eq!(codes(&decision.violations), [want], "{intentions:?}");
    }
    let none = evaluate(&group(&policy, &[], &[]).with_intentions(&strings(&["build"])), "{}").unwrap();
    assert!(none.is_empty());
    // As nothing is selected, everything is evaluated; what has no code is meant for all.
    let none = evaluate(&group(&own_policy(), &["@none"], &[]).with_intentions(&strings(&["build"])), "{}").unwrap();
    assert_eq!(codes(&none.warnings), ["-", "-"]);
}

#[test]
fn a_failed_evaluation_is_an_error_and_names_the_source() {
    let group = group(&own_policy(), &[], &[]);
    assert_eq!(group.name(), "mine");
    let error = evaluate(&group, "{").unwrap_err();
    assert_eq!(error.code, ErrorCode::PolicyError);
    assert!(error.message.starts_with("policy source `mine`: the input document cannot be read"), "{}", error.message);
    let error = evaluate(&group.with_deadline(Some(Instant::now())), "{}").unwrap_err();
    assert_eq!(error.code, ErrorCode::Deadline);
}

/// Recorded rules and results, which are not part of the project.
#[expect(clippy::disallowed_methods, reason = "an environment variable locates the records of this test")]
fn recorded() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var("ASSAY_SHARED").map_or(beside, PathBuf::from).join("data/ec/common/rego")
}

#[test]
#[ignore = "needs shared data"]
fn recorded_rules_are_evaluated_as_recorded() {
    let folder = recorded();
    let policy = |parts: &[&str]| {
        let mut sources = Sources::new();
        for part in parts {
            sources.add_policy(&folder.join(part)).unwrap();
        }
        for data in ["data1", "data2"] {
            sources.add_data(&folder.join(data)).unwrap();
        }
        Policy::compile(sources)
    };
    let broken = policy(&["broken"]).unwrap_err().to_string();
    assert!(broken.contains("broken/main.rego:6:43: undefined function undefined_function"), "{broken}");

    let pass = evaluate(&group(&Arc::new(policy(&["pass"]).unwrap()), &[], &[]), "{}").unwrap();
    assert_eq!(
        (codes(&pass.violations), codes(&pass.warnings), codes(&pass.successes)),
        (vec![], vec![], vec!["main.fine"])
    );

    let mixed = Arc::new(policy(&["mixed", "pass"]).unwrap());
    let mut decision = evaluate(&group(&mixed, &[], &[]), "{}").unwrap();
    decision.sort();
    let violations = [
        "alpha.bad",
        "alpha.listed",
        "alpha.listed",
        "alpha.raised",
        "alpha.several",
        "beta.intention",
        "beta.needs_never",
        "beta.needs_three",
        "beta.raw",
    ];
    assert_eq!(codes(&decision.violations), violations);
    assert_eq!(codes(&decision.warnings), ["-", "alpha.lowered", "alpha.soon", "alpha.warned", "beta.untitled"]);
    assert_eq!(codes(&decision.successes), ["alpha.never", "main.fine"]);

    let input = Arc::new(policy(&["input"]).unwrap());
    let decision = evaluate(&group(&input, &[], &[]), r#"{"colour": "mauve", "size": 11}"#).unwrap();
    let mut messages: Vec<_> =
        decision.violations.iter().chain(&decision.warnings).map(|finding| finding.message.as_str()).collect();
    messages.sort_unstable();
    assert_eq!(messages, ["Colour mauve is not known", "No kind", "Size 11 is large"]);
}
