//! [`by_rule`]: the findings of a run by the rule they come from, with the rule's annotations.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::{event::RunFinished, finding::Finding};

use crate::component_status::ComponentStatus;

/// What begins the sentence that a violation's description ends with; it is about one term, not about the rule.
const EXCLUDE: &str = " To exclude this rule add ";

/// A rule with findings.
#[derive(Debug, Default)]
pub(crate) struct Rule<'a> {
    pub(crate) title: Option<&'a str>,
    /// Without the sentence on how to exclude it.
    pub(crate) description: Option<&'a str>,
    pub(crate) solution: Option<&'a str>,
    pub(crate) collections: BTreeSet<&'a str>,
    pub(crate) violations: usize,
    pub(crate) warnings: usize,
    pub(crate) successes: usize,
    /// The places in the run's list of the components that it denies or warns of, with their status.
    pub(crate) components: BTreeSet<(ComponentStatus, usize)>,
}

impl<'a> Rule<'a> {
    fn learn(&mut self, finding: &'a Finding) {
        self.title = self.title.or_else(|| title(finding));
        self.solution = self.solution.or_else(|| finding.text("solution"));
        self.description = self.description.or_else(|| finding.text("description").map(description));
        if let Some(collections) = finding.metadata.get("collections").and_then(|list| list.as_array()) {
            self.collections.extend(collections.iter().filter_map(|one| one.as_str()));
        }
    }
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

/// Every rule that denied, warned or succeeded, by its code. Findings without a code are under the empty one.
pub(crate) fn by_rule(end: &RunFinished) -> BTreeMap<&str, Rule<'_>> {
    let mut rules = BTreeMap::new();
    for (at, outcome) in end.outcomes.iter().enumerate() {
        let decision = &outcome.decision;
        let component = (ComponentStatus::of(outcome), at);
        for finding in &decision.violations {
            let rule = rule(&mut rules, finding);
            rule.violations += 1;
            rule.components.insert(component);
        }
        for finding in &decision.warnings {
            let rule = rule(&mut rules, finding);
            rule.warnings += 1;
            rule.components.insert(component);
        }
        for finding in &decision.successes {
            rule(&mut rules, finding).successes += 1;
        }
    }
    rules
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
}
