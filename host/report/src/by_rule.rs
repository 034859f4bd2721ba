//! [`by_rule`]: the findings of a run by the rule they come from, with the rule's annotations and its distinct messages.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::{event::RunFinished, evidence::CheckKind, finding::Finding};

use crate::component_status::ComponentStatus;

/// What begins the sentence that a violation's description ends with; it is about one term, not about the rule.
const EXCLUDE: &str = " To exclude this rule add ";

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Violation,
    Warning,
}

/// A message of a rule, however many components it is about.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) level: Level,
    pub(crate) text: &'a str,
    /// The terms that the message does not quote.
    pub(crate) terms: Vec<&'a str>,
    /// The places in the run's list of the components that it is about.
    pub(crate) components: BTreeSet<usize>,
}

/// A rule with findings.
#[derive(Debug, Default)]
pub(crate) struct Rule<'a> {
    pub(crate) title: Option<&'a str>,
    /// Without the sentence on how to exclude it.
    pub(crate) description: Option<&'a str>,
    pub(crate) solution: Option<&'a str>,
    pub(crate) effective_on: Option<&'a str>,
    pub(crate) collections: BTreeSet<&'a str>,
    pub(crate) violations: usize,
    pub(crate) warnings: usize,
    pub(crate) successes: usize,
    /// The places in the run's list of the components that it denies or warns of, with their status.
    pub(crate) components: BTreeSet<(ComponentStatus, usize)>,
    /// The violations and warnings, each once, in the order of the report.
    pub(crate) messages: Vec<Message<'a>>,
    known: BTreeMap<(Level, &'a str, Vec<&'a str>), usize>,
}

impl<'a> Rule<'a> {
    fn learn(&mut self, finding: &'a Finding) {
        self.title = self.title.or_else(|| title(finding));
        self.solution = self.solution.or_else(|| solution(finding));
        self.description = self.description.or_else(|| finding.text("description").map(description));
        self.effective_on = self.effective_on.or_else(|| finding.text("effective_on"));
        if let Some(collections) = finding.metadata.get("collections").and_then(|list| list.as_array()) {
            self.collections.extend(collections.iter().filter_map(|one| one.as_str()));
        }
    }

    fn add(&mut self, level: Level, finding: &'a Finding, component: (ComponentStatus, usize)) {
        match level {
            Level::Violation => self.violations += 1,
            Level::Warning => self.warnings += 1,
        }
        self.components.insert(component);
        let text = message(finding);
        let terms: Vec<_> = finding.terms().into_iter().filter(|term| !text.contains(term)).collect();
        let place = *self.known.entry((level, text, terms)).or_insert_with_key(|(_, _, terms)| {
            let terms = terms.clone();
            self.messages.push(Message { level, text, terms, components: BTreeSet::new() });
            self.messages.len() - 1
        });
        if let Some(message) = self.messages.get_mut(place) {
            message.components.insert(component.1);
        }
    }

    /// The messages of that level.
    pub(crate) fn at_level(&self, level: Level) -> Vec<&Message<'a>> {
        self.messages.iter().filter(|message| message.level == level).collect()
    }
}

/// What cosign says of a signature that another key made.
const MISMATCHES: [&str; 4] = [
    "invalid signature when validating ASN.1 encoded signature",
    "crypto/rsa: verification error",
    "failed to verify signature",
    "accepted signatures do not match threshold, Found: 0, Expected 1",
];

/// A finding's message. Where a signature is another key's, `ec` says so in three sentences, of which the first is enough;
/// where it fails for another reason, the reason stays.
pub(crate) fn message(finding: &Finding) -> &str {
    let text = finding.message.as_str();
    if !finding.code().is_some_and(|code| code.starts_with("builtin.")) {
        return text;
    }
    let Some((first, rest)) = text.split_once(". Verify the correct ") else { return text };
    let reasons = rest.split_once("Error: no matching ").and_then(|(_, reasons)| reasons.split_once(": "));
    let is_mismatch = |reason: &str| MISMATCHES.contains(&reason.trim());
    if reasons.is_some_and(|(_, reasons)| reasons.split('\n').all(is_mismatch)) { first } else { text }
}

/// A finding's description without the sentence on how to exclude it.
pub(crate) fn description(text: &str) -> &str {
    text.split_once(EXCLUDE).map_or(text, |(before, _)| before)
}

/// A finding's title. `ec` titles its own checks as if they had passed; over a violation that would mislead.
pub(crate) fn title(finding: &Finding) -> Option<&str> {
    let title = finding.text("title")?;
    let is_builtin = finding.code().is_some_and(|code| code.starts_with("builtin."));
    if is_builtin { title.strip_suffix(" passed").or(Some(title)) } else { Some(title) }
}

/// How to fix what was found. `ec`'s own checks have no solution in its reports.
pub(crate) fn solution(finding: &Finding) -> Option<&str> {
    finding.text("solution").or_else(|| finding.code().and_then(builtin_solution))
}

fn builtin_solution(code: &str) -> Option<&'static str> {
    const KINDS: [CheckKind; 3] =
        [CheckKind::ImageSignature, CheckKind::AttestationSignature, CheckKind::AttestationSyntax];
    let kind = KINDS.into_iter().find(|kind| kind.code() == code)?;
    Some(match kind {
        CheckKind::ImageSignature => "Sign the image, or verify it with the key or identity of its signer.",
        CheckKind::AttestationSignature => {
            "Build the image where provenance is attested, or verify it with the key or identity of the signer."
        }
        CheckKind::AttestationSyntax => "Have the build write provenance that conforms to the SLSA schema.",
    })
}

/// Every rule that denied, warned or succeeded, by its code. Findings without a code are under the empty one.
pub(crate) fn by_rule(end: &RunFinished) -> BTreeMap<&str, Rule<'_>> {
    let mut rules = BTreeMap::new();
    for (at, outcome) in end.outcomes.iter().enumerate() {
        let decision = &outcome.decision;
        let component = (ComponentStatus::of(outcome), at);
        for finding in &decision.violations {
            rule(&mut rules, finding).add(Level::Violation, finding, component);
        }
        for finding in &decision.warnings {
            rule(&mut rules, finding).add(Level::Warning, finding, component);
        }
        for finding in &decision.successes {
            rule(&mut rules, finding).successes += 1;
        }
    }
    rules
}

/// The rules with findings of that level, those about most components first.
pub(crate) fn widest_first<'m, 'a>(
    rules: &'m BTreeMap<&'a str, Rule<'a>>,
    level: Level,
) -> Vec<(&'a str, &'m Rule<'a>)> {
    let has = |rule: &Rule<'_>| rule.messages.iter().any(|message| message.level == level);
    let mut found: Vec<_> = rules.iter().filter(|(_, rule)| has(rule)).map(|(code, rule)| (*code, rule)).collect();
    found.sort_by_key(|(_, rule)| std::cmp::Reverse(components_at(rule, level).len()));
    found
}

/// The components with findings of that level.
pub(crate) fn components_at(rule: &Rule<'_>, level: Level) -> BTreeSet<usize> {
    let messages = rule.messages.iter().filter(|message| message.level == level);
    messages.flat_map(|message| message.components.iter().copied()).collect()
}

fn rule<'m, 'a>(rules: &'m mut BTreeMap<&'a str, Rule<'a>>, finding: &'a Finding) -> &'m mut Rule<'a> {
    let rule = rules.entry(finding.code().unwrap_or_default()).or_default();
    rule.learn(finding);
    rule
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_data;

    #[test]
    fn a_rule_is_described_once_however_many_findings_it_has() {
        let finding = |term: &str| {
            Finding::new("a.b", "m")
                .with("title", "T")
                .with("description", format!("Why.{EXCLUDE}\"a.b:{term}\" to the `exclude` section."))
                .with("collections", json!(["x", "y"]))
        };
        let run = test_data::end(&[
            test_data::component("one").violation(finding("1")).violation(finding("2")).evaluated(),
            test_data::component("two").warning(finding("1").with("solution", "S")).evaluated(),
            test_data::component("three").success(finding("1")).evaluated(),
        ]);
        let rules = by_rule(&run);
        let rule = &rules["a.b"];
        assert_eq!((rules.len(), rule.title, rule.description, rule.solution), (1, Some("T"), Some("Why."), Some("S")));
        assert_eq!((rule.violations, rule.warnings, rule.successes), (2, 1, 1));
        assert_eq!(rule.components.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(rule.collections.len(), 2);
    }

    #[test]
    fn a_message_is_listed_once_with_the_components_that_it_is_about() {
        let finding = |message: &str, term: &str| Finding::new("a.b", message).with("term", term);
        let run = test_data::end(&[
            test_data::component("one").violation(finding("m", "x")).violation(finding("m", "y")).evaluated(),
            test_data::component("two").violation(finding("m", "x")).warning(finding("has x", "x")).evaluated(),
        ]);
        let rules = by_rule(&run);
        let messages = &rules["a.b"].messages;
        let shown: Vec<_> = messages
            .iter()
            .map(|one| (one.level, one.text, one.terms.join(","), one.components.iter().copied().collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            shown,
            [
                (Level::Violation, "m", "x".to_owned(), vec![0, 1]),
                (Level::Violation, "m", "y".to_owned(), vec![0]),
                (Level::Warning, "has x", String::new(), vec![1]),
            ]
        );
        assert_eq!(widest_first(&rules, Level::Violation).len(), 1);
        assert_eq!(components_at(&rules["a.b"], Level::Warning).into_iter().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_wrong_key_is_one_sentence_and_any_other_reason_stays() {
        let text = |reason: &str| {
            let message = format!(
                "No image signatures found matching the given public key. Verify the correct public key was provided, and \
                 a signature was created. Error: no matching signatures: {reason}"
            );
            Finding::new("builtin.image.signature_check", message)
        };
        let wrong = text(&format!("{}\n {}\n {}", MISMATCHES[0], MISMATCHES[1], MISMATCHES[3]));
        assert_eq!(message(&wrong), "No image signatures found matching the given public key");
        let other = text("the certificate expired");
        assert_eq!(message(&other), other.message);
        let by_policy = Finding::new("a.b", wrong.message.clone());
        assert_eq!(message(&by_policy), wrong.message);
    }

    #[test]
    fn checks_of_ec_have_a_solution_of_ours() {
        assert!(solution(&Finding::new("builtin.image.signature_check", "m")).is_some());
        assert_eq!(solution(&Finding::new("builtin.image.signature_check", "m").with("solution", "S")), Some("S"));
        assert_eq!(solution(&Finding::new("a.b", "m")), None);
    }
}
