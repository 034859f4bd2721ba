//! [`decide`]: turns the results of a policy's rules into a [`Decision`].
//!
//! The rules are `ec`'s: annotations complete each result, the criteria drop what does not count, dates and severities
//! move findings between violations and warnings, and rules that had nothing to say are successes. Where `ec` loses or
//! doubles something (a failing rule excluded for one term becomes a success, a finding with several dependencies is
//! shown several times), the finding stands once and is never turned into a success.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    criteria::Criteria,
    date,
    evidence::{CheckKind, Evidence},
    finding::Finding,
    rule::{RuleInfo, RuleKind, RuleResult},
};

/// Findings by what they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Why the image is denied.
    pub violations: Vec<Finding>,
    /// What people should know.
    pub warnings: Vec<Finding>,
    /// What was looked at and is fine.
    pub successes: Vec<Finding>,
}

impl Decision {
    /// Adds another evaluator's decision to this one.
    pub fn extend(&mut self, other: Self) {
        self.violations.extend(other.violations);
        self.warnings.extend(other.warnings);
        self.successes.extend(other.successes);
    }

    /// Sorts each list in the order of reports.
    pub fn sort(&mut self) {
        for list in [&mut self.violations, &mut self.warnings, &mut self.successes] {
            list.sort_by(Finding::compare);
        }
    }

    /// True when nothing was said at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.violations.is_empty() && self.warnings.is_empty() && self.successes.is_empty()
    }
}

/// An `effective_on` that has been in force for longer than this is not worth showing.
const EFFECTIVE_ON_SHOWN: SignedDuration = SignedDuration::from_hours(24 * 90);

/// The message of a success.
pub const PASS: &str = "Pass";

/// What `ec` says of an image that no attestation is about.
const UNATTESTED: &str = "No attestations contain a subject that match the given image.";

/// The checks that no policy can exclude, as findings.
#[must_use]
pub fn decide_checks(evidence: &Evidence) -> Decision {
    let mut decision = Decision::default();
    for check in &evidence.checks {
        let CheckTexts { code, title, description } = texts(check.kind);
        let finding = Finding::new(code, check.failure.as_deref().unwrap_or(PASS)).with("title", title);
        let finding = finding.with("description", description);
        if check.failure.is_some() { &mut decision.violations } else { &mut decision.successes }.push(finding);
    }
    if evidence.attestations.is_empty() && !evidence.is_unattested() {
        // Only if the verification of signatures was skipped; evaluating nothing is not a pass.
        decision.violations.push(Finding { message: UNATTESTED.to_owned(), metadata: Arc::default() });
    }
    decision
}

/// The finding that an image cannot be reached, in `ec`'s words. `why` ends the sentence.
///
/// For assay itself that is an error; `ec` calls it a violation.
#[must_use]
pub fn unreachable_image(why: &str) -> Finding {
    Finding::new("builtin.image.accessible", format!("Image URL is not accessible: {why}"))
        .with("title", "Image URL is accessible")
        .with("description", "The image URL is available and accessible.")
}

struct CheckTexts {
    code: &'static str,
    title: &'static str,
    description: &'static str,
}

const fn texts(kind: CheckKind) -> CheckTexts {
    CheckTexts { code: kind.code(), title: kind.title(), description: kind.description() }
}

/// How findings are put.
pub struct DecideOptions<'a> {
    /// What is said of a rule that passed, such as by [`success`]; it can be made once for all images.
    pub success: &'a dyn Fn(&RuleInfo) -> Finding,
    /// Whether it is put as `ec` does: a finding is repeated for each code that it depends on and that is not reported, and a
    /// rule of which nothing is reported is a success, also where what it said is excluded for its term.
    pub ec_compat: bool,
}

/// Rules by their codes.
type Rules<'r> = BTreeMap<&'r str, &'r RuleInfo>;

/// The decision from the results of one source group about one image at the time `when`.
///
/// `rules` are all rules of the group's evaluated packages, `results` what they said. A decision that is empty says
/// that nothing was evaluated: misspelled criteria are only reported along with other results.
#[must_use]
pub fn decide(
    rules: &[&RuleInfo],
    results: Vec<RuleResult>,
    criteria: &Criteria,
    when: Timestamp,
    options: &DecideOptions<'_>,
) -> Decision {
    let by_code: Rules<'_> = rules.iter().map(|rule| (rule.code.as_str(), *rule)).collect();
    let findings: Vec<(RuleKind, Finding)> =
        results.into_iter().map(|result| (result.kind, apply_annotations(&by_code, result, when))).collect();
    let missing = missing_includes(rules, &findings, criteria);
    let mut decision = Decision::default();
    let mut with_results = BTreeSet::new();
    for (kind, mut finding) in findings {
        if let Some(code) = finding.code() {
            let counts = criteria.includes(code, &finding.terms(), &collections(&finding));
            if counts || !options.ec_compat {
                with_results.insert(code.to_owned());
            }
            if !counts {
                continue;
            }
        }
        match effective_kind(&mut finding, kind, when) {
            RuleKind::Deny => decision.violations.push(finding),
            RuleKind::Warn => decision.warnings.push(finding),
        }
    }
    for rule in rules {
        if !with_results.contains(&rule.code) && criteria.includes(&rule.code, &[], &rule.collections) {
            decision.successes.push((options.success)(rule));
        }
    }
    if decision.is_empty() {
        return decision;
    }
    let reported = codes(decision.violations.iter().chain(&decision.warnings));
    drop_dependents(&mut decision, &by_code);
    decision.violations.iter_mut().for_each(append_exclude_hint);
    if options.ec_compat {
        duplicate_per_dependency(&mut decision, &reported, &by_code);
    }
    decision.warnings.extend(missing);
    decision
}

/// A warning for each include item that is the name of no rule and no finding: most likely a misspelling.
fn missing_includes(rules: &[&RuleInfo], findings: &[(RuleKind, Finding)], criteria: &Criteria) -> Vec<Finding> {
    let of_rules = rules.iter().map(|rule| (rule.code.as_str(), Vec::new(), rule.collections.clone()));
    let of_findings = findings
        .iter()
        .filter_map(|(_, finding)| finding.code().map(|code| (code, finding.terms(), collections(finding))));
    let unmatched = criteria.unmatched_includes(of_rules.chain(of_findings));
    let message = |item| format!("Include criterion '{item}' doesn't match any policy rule");
    unmatched.into_iter().map(|item| Finding { message: message(item), metadata: Arc::default() }).collect()
}

/// The result completed by its rule's annotations.
fn apply_annotations(rules: &Rules<'_>, result: RuleResult, when: Timestamp) -> Finding {
    let mut finding = Finding { message: result.message, metadata: Arc::new(result.metadata) };
    // As in `ec`, what has no code is shown as it is.
    let Some(code) = finding.code() else { return finding };
    if let Some(rule) = rules.get(code).copied() {
        annotate(&mut finding, rule);
        if let Some(solution) = &rule.solution {
            finding = finding.with("solution", solution.as_str());
        }
        if let Some(date) = &rule.effective_on {
            finding = finding.with("effective_on", date.as_str());
        }
    }
    let long_since = finding
        .text("effective_on")
        .and_then(date::parse_rfc3339_utc)
        .is_some_and(|from| from < when - EFFECTIVE_ON_SHOWN);
    if long_since {
        finding.unset("effective_on");
    }
    // Names are strings; anything but a list names no collections.
    match finding.metadata.get("collections") {
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {}
        Some(Value::Array(names)) => {
            let text = |name: &Value| name.as_str().map_or_else(|| name.to_string(), str::to_owned);
            let names: Vec<_> = names.iter().map(text).collect();
            finding.set("collections", Value::from(names));
        }
        Some(_) => finding.unset("collections"),
        None => {}
    }
    finding
}

fn annotate(finding: &mut Finding, rule: &RuleInfo) {
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            finding.set(key, value);
        }
    };
    let list = |items: &[String]| (!items.is_empty()).then(|| Value::from(items.to_vec()));
    set("title", rule.title.as_deref().map(Value::from));
    set("description", rule.description.as_deref().map(Value::from));
    set("collections", list(&rule.collections));
    set("depends_on", list(&rule.depends_on));
}

/// What is said of a rule that passed.
#[must_use]
pub fn success(rule: &RuleInfo) -> Finding {
    let mut finding = Finding::new(&rule.code, PASS);
    annotate(&mut finding, rule);
    if let Some(date) = &rule.effective_on {
        finding = finding.with("effective_on", date.as_str());
    }
    finding
}

fn collections(finding: &Finding) -> Vec<String> {
    let names = finding.metadata.get("collections").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Violation or warning: the rule's kind, unless severity or a date yet to come says otherwise.
fn effective_kind(finding: &mut Finding, kind: RuleKind, when: Timestamp) -> RuleKind {
    match (kind, finding.text("severity")) {
        (RuleKind::Warn, Some("failure")) => return RuleKind::Deny,
        (RuleKind::Warn, _) | (RuleKind::Deny, Some("warning")) => return RuleKind::Warn,
        (RuleKind::Deny, _) => {}
    }
    let Some(text) = finding.text("effective_on") else { return RuleKind::Deny };
    match date::parse_rfc3339_utc(text) {
        Some(from) if from >= when => {
            let message = finding.message.strip_suffix('.').unwrap_or(&finding.message);
            finding.message = format!("{message}. This will become a failure starting on {text}");
            RuleKind::Warn
        }
        // A date that cannot be read must not silence a violation.
        Some(_) | None => RuleKind::Deny,
    }
}

/// A finding that only follows from others that are reported says nothing new.
///
/// In `ec` findings that follow from one another all vanish, and a violation vanishes behind a warning. Here what is
/// dropped follows from something that stays, and a violation only from violations.
fn drop_dependents(decision: &mut Decision, rules: &Rules<'_>) {
    let reported = codes(decision.violations.iter().chain(&decision.warnings));
    let violations = codes(decision.violations.iter());
    let follows = |finding: &Finding| {
        let on = depends_on(finding, rules);
        !on.is_empty() && on.iter().all(|code| reported.contains(code))
    };
    let stays = |finding: &Finding| {
        !follows(finding) || !depends_on(finding, rules).iter().any(|code| violations.contains(code))
    };
    let anchors = codes(decision.violations.iter().filter(|finding| stays(finding)));
    let anchors = transitive_dependents(&decision.violations, rules, anchors, &follows);
    decision.violations.retain(|finding| !(follows(finding) && depends_on_any(finding, rules, &anchors)));

    let roots = decision.warnings.iter().filter(|finding| !follows(finding));
    let anchors = codes(roots).into_iter().chain(violations.iter().cloned()).collect();
    let anchors = transitive_dependents(&decision.warnings, rules, anchors, &follows);
    decision.warnings.retain(|finding| !(follows(finding) && depends_on_any(finding, rules, &anchors)));
    decision.successes.retain(|finding| !follows(finding));
}

/// Says each finding once for each code it depends on that is not reported. In `ec` the copies share their facts, so that
/// each of them adds to the same description how to exclude the rule.
fn duplicate_per_dependency(decision: &mut Decision, reported: &BTreeSet<String>, rules: &Rules<'_>) {
    let times =
        |finding: &Finding| depends_on(finding, rules).iter().filter(|code| !reported.contains(*code)).count().max(1);
    for violation in &mut decision.violations {
        for _ in 1..times(violation) {
            append_exclude_hint(violation);
        }
    }
    for list in [&mut decision.violations, &mut decision.warnings, &mut decision.successes] {
        *list = list.drain(..).flat_map(|finding| vec![finding.clone(); times(&finding)]).collect();
    }
}

/// The anchors, and the codes of all findings that follow from them, however far.
fn transitive_dependents(
    findings: &[Finding],
    rules: &Rules<'_>,
    mut anchors: BTreeSet<String>,
    follows: &dyn Fn(&Finding) -> bool,
) -> BTreeSet<String> {
    loop {
        let more = findings.iter().filter(|finding| follows(finding) && depends_on_any(finding, rules, &anchors));
        let before = anchors.len();
        let more = codes(more);
        anchors.extend(more);
        if anchors.len() == before {
            return anchors;
        }
    }
}

fn depends_on_any(finding: &Finding, rules: &Rules<'_>, anchors: &BTreeSet<String>) -> bool {
    depends_on(finding, rules).iter().any(|code| anchors.contains(code))
}

fn codes<'a>(findings: impl Iterator<Item = &'a Finding>) -> BTreeSet<String> {
    findings.filter_map(Finding::code).map(str::to_owned).collect()
}

/// What the annotations of a finding's rule say. What the finding says itself is shown, but means nothing, as in `ec`: a
/// result must not make itself vanish.
fn depends_on<'r>(finding: &Finding, rules: &Rules<'r>) -> &'r [String] {
    finding.code().and_then(|code| rules.get(code)).map_or(&[], |rule| rule.depends_on.as_slice())
}

fn append_exclude_hint(violation: &mut Finding) {
    let (Some(code), Some(description)) = (violation.code(), violation.text("description")) else { return };
    let quoted: Vec<_> = violation.terms().iter().map(|term| format!("\"{code}:{term}\"")).collect();
    let what = match quoted.as_slice() {
        [] => format!("\"{code}\""),
        [one] => one.clone(),
        several => format!("one or more of {}", several.join(", ")),
    };
    let text = format!(
        "{}. To exclude this rule add {what} to the `exclude` section of the policy configuration.",
        description.strip_suffix('.').unwrap_or(description)
    );
    violation.set("description", Value::String(text));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const WHEN: &str = "2025-06-01T00:00:00Z";

    fn rule(code: &str) -> RuleInfo {
        let package = code.rsplit_once('.').unwrap().0.to_owned();
        RuleInfo {
            code: code.to_owned(),
            package,
            name: "deny".to_owned(),
            kind: RuleKind::Deny,
            title: Some(format!("Title of {code}")),
            description: None,
            solution: None,
            effective_on: None,
            collections: Vec::new(),
            depends_on: Vec::new(),
            pipeline_intention: Vec::new(),
            location: ("p.rego".to_owned(), 1),
        }
    }

    fn result(kind: RuleKind, metadata: &Value) -> RuleResult {
        let metadata = metadata.as_object().cloned().unwrap_or_default();
        RuleResult { kind, package: "p".to_owned(), message: "No.".to_owned(), metadata }
    }

    fn run(rules: &[RuleInfo], results: Vec<RuleResult>, include: &[&str], exclude: &[&str]) -> Decision {
        let strings = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let criteria = Criteria::new(&strings(include), &strings(exclude));
        let options = DecideOptions { success: &success, ec_compat: false };
        decide(&rules.iter().collect::<Vec<_>>(), results, &criteria, WHEN.parse().unwrap(), &options)
    }

    fn shown(decision: &Decision) -> Vec<String> {
        let line = |level: &'static str| {
            move |finding: &Finding| format!("{level} {}: {}", finding.code().unwrap_or("-"), finding.message)
        };
        let mut lines: Vec<_> = decision.violations.iter().map(line("deny")).collect();
        lines.extend(decision.warnings.iter().map(line("warn")));
        lines.extend(decision.successes.iter().map(line("pass")));
        lines
    }

    #[test]
    fn rules_without_results_are_successes() {
        let decision =
            run(&[rule("p.a"), rule("p.b")], vec![result(RuleKind::Deny, &json!({"code": "p.a"}))], &[], &[]);
        assert_eq!(shown(&decision), ["deny p.a: No.", "pass p.b: Pass"]);
        assert_eq!(decision.violations.first().unwrap().text("title"), Some("Title of p.a"));
    }

    #[test]
    fn a_failing_rule_excluded_for_a_term_is_no_success() {
        let results = vec![result(RuleKind::Deny, &json!({"code": "p.a", "term": "x"}))];
        assert_eq!(shown(&run(&[rule("p.a")], results.clone(), &["*"], &["p.a:x"])), [""; 0]);
        // In `ec` it is, unless something else that it said is reported.
        let options = DecideOptions { success: &success, ec_compat: true };
        let criteria = Criteria::new(&[], &["p.a:x".to_owned()]);
        let decided = |results| decide(&[&rule("p.a")], results, &criteria, WHEN.parse().unwrap(), &options);
        assert_eq!(shown(&decided(results.clone())), ["pass p.a: Pass"]);
        let other = result(RuleKind::Deny, &json!({"code": "p.a", "term": "y"}));
        assert_eq!(shown(&decided([results, vec![other]].concat())), ["deny p.a: No."]);
    }

    #[test]
    fn severity_and_dates_move_findings() {
        for (kind, metadata, want) in [
            (RuleKind::Deny, json!({"code": "p.a", "severity": "warning"}), "warn p.a: No."),
            (RuleKind::Warn, json!({"code": "p.a", "severity": "failure"}), "deny p.a: No."),
            (RuleKind::Deny, json!({"code": "p.a", "severity": "odd"}), "deny p.a: No."),
            (
                RuleKind::Deny,
                json!({"code": "p.a", "effective_on": "2025-06-02T00:00:00Z"}),
                "warn p.a: No. This will become a failure starting on 2025-06-02T00:00:00Z",
            ),
            (RuleKind::Deny, json!({"code": "p.a", "effective_on": "2025-05-31T00:00:00Z"}), "deny p.a: No."),
            (RuleKind::Deny, json!({"code": "p.a", "effective_on": "2099-06-02"}), "deny p.a: No."),
            (RuleKind::Deny, json!({"code": "p.a", "effective_on": 5}), "deny p.a: No."),
            (
                RuleKind::Deny,
                json!({"code": "p.a", "effective_on": "9999-12-31T00:00:00Z"}),
                "warn p.a: No. This will become a failure starting on 9999-12-31T00:00:00Z",
            ),
        ] {
            assert_eq!(shown(&run(&[], vec![result(kind, &metadata)], &[], &[])), [want], "{metadata}");
        }
    }

    #[test]
    fn collections_of_a_result_are_strings() {
        for (given, want) in
            [(json!(["q", 1]), Some(json!(["q", "1"]))), (json!("q"), None), (json!([]), Some(json!([])))]
        {
            let results = vec![result(RuleKind::Deny, &json!({"code": "p.a", "collections": given}))];
            let decision = run(&[], results.clone(), &[], &[]);
            assert_eq!(decision.violations.first().unwrap().metadata.get("collections"), want.as_ref(), "{given}");
            let included = run(&[], results, &["@1"], &[]);
            assert_eq!(included.violations.len(), usize::from(given == json!(["q", 1])), "{given}");
        }
    }

    #[test]
    fn a_date_long_past_is_not_shown() {
        let shows = |metadata: &Value| {
            let decision = run(&[], vec![result(RuleKind::Deny, metadata)], &[], &[]);
            decision.violations.first().unwrap().text("effective_on").is_some()
        };
        assert!(shows(&json!({"code": "p.a", "effective_on": "2025-04-01T00:00:00Z"})));
        assert!(!shows(&json!({"code": "p.a", "effective_on": "2025-01-01T00:00:00Z"})));
        assert!(shows(&json!({"effective_on": "2025-01-01T00:00:00Z"})));
    }

    #[test]
    fn what_follows_from_a_reported_finding_is_dropped_and_never_doubled() {
        let mut follower = rule("p.b");
        follower.depends_on = vec!["p.a".to_owned()];
        let mut of_two = rule("p.c");
        of_two.depends_on = vec!["p.x".to_owned(), "p.y".to_owned(), "p.a".to_owned()];
        let results = ["p.a", "p.b", "p.c"].map(|code| result(RuleKind::Deny, &json!({ "code": code })));
        let rules = [rule("p.a"), follower, of_two];
        let decision = run(&rules, results.to_vec(), &[], &[]);
        assert_eq!(shown(&decision), ["deny p.a: No.", "deny p.c: No."]);
        // What a result says itself means nothing.
        let own = result(RuleKind::Deny, &json!({"code": "p.d", "depends_on": ["p.a"]}));
        let with_own = [results.to_vec(), vec![own]].concat();
        assert_eq!(shown(&run(&rules, with_own, &[], &[])), ["deny p.a: No.", "deny p.c: No.", "deny p.d: No."]);
        // As `ec`: once for each of `p.x` and `p.y`.
        let options = DecideOptions { success: &success, ec_compat: true };
        let criteria = Criteria::new(&[], &[]);
        let rules: Vec<_> = rules.iter().collect();
        let decision = decide(&rules, results.to_vec(), &criteria, WHEN.parse().unwrap(), &options);
        assert_eq!(shown(&decision), ["deny p.a: No.", "deny p.c: No.", "deny p.c: No."]);
    }

    #[test]
    fn something_stays_for_whatever_is_dropped_and_no_violation_hides_behind_a_warning() {
        for (depends, warned, want) in [
            // Findings that follow from one another, or from themselves.
            (vec![("p.a", vec!["p.b"]), ("p.b", vec!["p.a"])], vec![], vec!["deny p.a: No.", "deny p.b: No."]),
            (vec![("p.a", vec!["p.a"])], vec![], vec!["deny p.a: No."]),
            (vec![("p.a", vec![]), ("p.b", vec!["p.a"]), ("p.c", vec!["p.b"])], vec![], vec!["deny p.a: No."]),
            (vec![("p.a", vec!["p.w"])], vec!["p.w"], vec!["deny p.a: No.", "warn p.w: No."]),
            (vec![("p.a", vec![]), ("p.b", vec!["p.a", "p.w"])], vec!["p.w"], vec!["deny p.a: No.", "warn p.w: No."]),
        ] {
            let rules: Vec<_> = depends
                .iter()
                .map(|(code, on)| RuleInfo { depends_on: on.iter().map(|on| (*on).to_owned()).collect(), ..rule(code) })
                .collect();
            let denied = depends.iter().map(|(code, _)| result(RuleKind::Deny, &json!({ "code": code })));
            let warned = warned.iter().map(|code| result(RuleKind::Warn, &json!({ "code": code })));
            assert_eq!(shown(&run(&rules, denied.chain(warned).collect(), &[], &[])), want, "{depends:?}");
        }
    }

    #[test]
    fn misspelled_criteria_alone_are_an_error() {
        assert!(run(&[rule("p.a")], vec![], &["typo"], &[]).is_empty());
    }

    #[test]
    fn an_include_that_matches_nothing_is_a_warning_without_metadata() {
        let decision = run(&[rule("p.a")], vec![], &["p", "typo"], &[]);
        assert_eq!(
            shown(&decision),
            ["warn -: Include criterion 'typo' doesn't match any policy rule", "pass p.a: Pass"]
        );
        assert_eq!(decision.warnings.first().unwrap().metadata, Arc::default());
    }

    #[test]
    fn a_result_without_code_always_counts() {
        let decision = run(&[rule("p.a")], vec![result(RuleKind::Deny, &json!({}))], &["p.a"], &["*"]);
        assert_eq!(shown(&decision), ["deny -: No.", "pass p.a: Pass"]);
    }

    #[test]
    fn the_description_says_how_to_exclude() {
        for (term, want) in [
            (json!(null), "D. To exclude this rule add \"p.a\" to the `exclude` section of the policy configuration."),
            (json!("t"), "D. To exclude this rule add \"p.a:t\" to the `exclude` section of the policy configuration."),
            (
                json!(["t", "u"]),
                "D. To exclude this rule add one or more of \"p.a:t\", \"p.a:u\" to the `exclude` section of the policy configuration.",
            ),
        ] {
            let results = vec![result(RuleKind::Deny, &json!({"code": "p.a", "term": term, "description": "D."}))];
            let decision = run(&[], results, &[], &[]);
            assert_eq!(decision.violations.first().unwrap().text("description"), Some(want));
        }
    }
}
