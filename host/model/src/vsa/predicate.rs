//! [`ComponentPredicate`] and [`SnapshotPredicate`]: what a VSA says about one image, and about all of a run.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{FAILED, PASSED};
use crate::{
    event::{RunFinished, RunStarted},
    image::PinnedImage,
    outcome::{Outcome, Verdict},
    policy::{Identity, PolicySpec},
};

/// What is known of a run beside its events.
#[derive(Clone, Copy, Debug)]
pub struct PredicateContext<'a> {
    /// The start of the run.
    pub head: &'a RunStarted,
    /// Its end.
    pub end: &'a RunFinished,
    /// Where the policy configuration was, as it was given.
    pub policy_source: &'a str,
    /// Whose signatures counted, where it was not a key.
    pub identity: Option<&'a Identity>,
    /// The filter of rules, if it is not the default one.
    pub filter_type: Option<&'a str>,
    /// Who says it.
    pub verifier: &'a str,
}

/// What a VSA says about one image. Fields stand in the order of `ec`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentPredicate<'a> {
    policy: &'a PolicySpec,
    policy_source: &'a str,
    image_refs: Vec<String>,
    timestamp: String,
    status: &'static str,
    verifier: &'a str,
    summary: ComponentSummary<'a>,
    public_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a Identity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped_checks: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct ComponentSummary<'a> {
    violations: usize,
    warnings: usize,
    successes: usize,
    #[serde(rename = "Components")]
    components: Vec<Part<'a>>,
    component: Named<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Part<'a> {
    name: &'a str,
    image_ref: String,
    violations: usize,
    warnings: usize,
    successes: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'a> {
    name: &'a str,
    container_image: String,
    source: &'a Value,
}

/// What a VSA says about all images of a run. Fields stand in the order of `ec`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotPredicate<'a> {
    policy: &'a PolicySpec,
    image_refs: Vec<String>,
    timestamp: String,
    status: &'static str,
    verifier: &'a str,
    summary: SnapshotSummary<'a>,
}

#[derive(Debug, Serialize)]
struct SnapshotSummary<'a> {
    snapshot: &'a str,
    components: usize,
    success: bool,
    key: &'a str,
    ec_version: &'a str,
    component_details: Vec<Detail<'a>>,
    #[serde(rename = "Violations")]
    violations: usize,
    #[serde(rename = "Warnings")]
    warnings: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    name: &'a str,
    container_image: String,
    success: bool,
    violations: usize,
    warnings: usize,
    successes: usize,
}

impl<'a> PredicateContext<'a> {
    /// What is said about one component; none of one whose image or verdict is not known, which would say something that nobody
    /// knows. An index passes only with everything in it.
    #[must_use]
    pub fn component(&self, outcome: &'a Outcome) -> Option<ComponentPredicate<'a>> {
        let image = outcome.image.as_ref()?;
        let parts: Vec<&Outcome> = [outcome].into_iter().chain(self.parts(outcome, image)).collect();
        if parts.iter().any(|part| part.error.is_some()) {
            return None;
        }
        let part = |outcome: &&'a Outcome| Part {
            name: &outcome.component.name,
            image_ref: outcome.image_text(),
            violations: outcome.decision.violations.len(),
            warnings: outcome.decision.warnings.len(),
            successes: outcome.decision.successes.len(),
        };
        let components: Vec<Part<'_>> = parts.iter().map(part).collect();
        let total = |count: fn(&Part<'_>) -> usize| components.iter().map(count).sum();
        Some(ComponentPredicate {
            policy: &self.head.policy,
            policy_source: self.policy_source,
            image_refs: unique(parts.iter().map(|part| part.image_text())),
            timestamp: self.timestamp(),
            status: status(parts.iter().all(|part| part.allowed())),
            verifier: self.verifier,
            summary: ComponentSummary {
                violations: total(|part| part.violations),
                warnings: total(|part| part.warnings),
                successes: total(|part| part.successes),
                components,
                component: Named {
                    name: &outcome.component.name,
                    container_image: outcome.image_text(),
                    source: &outcome.component.source,
                },
            },
            public_key: &self.head.key,
            effective_time: outcome.evaluated_at.map(|time| time.to_string()),
            identity: self.identity,
            filter_type: self.filter_type,
            skipped_checks: self.head.skipped.iter().map(|check| check.code()).collect(),
        })
    }

    /// What is said about all components together.
    #[must_use]
    pub fn snapshot(&self) -> SnapshotPredicate<'a> {
        let outcomes = &self.end.outcomes;
        let detail = |outcome: &'a Outcome| Detail {
            name: &outcome.component.name,
            container_image: outcome.image_text(),
            success: outcome.allowed(),
            violations: outcome.decision.violations.len(),
            warnings: outcome.decision.warnings.len(),
            successes: outcome.decision.successes.len(),
        };
        let details: Vec<Detail<'_>> = outcomes.iter().map(|outcome| detail(outcome)).collect();
        let success = self.end.verdict == Verdict::Allowed;
        SnapshotPredicate {
            policy: &self.head.policy,
            image_refs: unique(outcomes.iter().map(|outcome| outcome.image_text())),
            timestamp: self.timestamp(),
            status: status(success),
            verifier: self.verifier,
            summary: SnapshotSummary {
                snapshot: &self.head.snapshot,
                components: outcomes.len(),
                success,
                key: &self.head.key,
                ec_version: &self.head.version,
                violations: details.iter().map(|detail| detail.violations).sum(),
                warnings: details.iter().map(|detail| detail.warnings).sum(),
                component_details: details,
            },
        }
    }

    /// The components that an index was expanded into: those with the name that expansion gives them, in the repository of the
    /// index.
    fn parts(&self, index: &'a Outcome, image: &'a PinnedImage) -> impl Iterator<Item = &'a Outcome> {
        self.end.outcomes.iter().map(AsRef::as_ref).filter(move |part| {
            let Some(part_image) = &part.image else { return false };
            let rest = part.component.name.strip_prefix(&index.component.name).and_then(|rest| rest.strip_prefix('-'));
            let rest = rest.and_then(|rest| rest.strip_prefix(&part_image.digest.to_string()));
            part_image.repository == image.repository && rest.is_some_and(|rest| rest.starts_with('-'))
        })
    }

    /// RFC 3339 in whole seconds, as `ec` writes it.
    fn timestamp(&self) -> String {
        Timestamp::from_second(self.end.at.as_second()).unwrap_or(self.end.at).to_string()
    }
}

const fn status(passed: bool) -> &'static str {
    if passed { PASSED } else { FAILED }
}

/// The texts without repetitions, in their order.
fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for text in texts {
        if seen.insert(text.clone()) {
            found.push(text);
        }
    }
    found
}

#[cfg(test)]
mod tests;
