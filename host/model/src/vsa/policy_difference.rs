//! [`PolicyDifference`]: what the policy of a VSA and the policy that is wanted differ in, for one image.
//!
//! Compared is what decides: the sources by their pins, the rule data, and the criteria that hold for the image at the time of
//! each evaluation. Names, descriptions and the order of the sources decide nothing. Unlike `ec`, neither scheme nor digest nor
//! commit of a source is ignored: other rules are another policy.

use std::collections::BTreeSet;

use assay_gocompat::json;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    criteria::Criteria,
    image::PinnedImage,
    policy::{PolicySpec, SourceGroup},
    redact,
    selection::Selection,
};

/// Whether something is in the one policy, in the other, or in both and not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// In the wanted policy alone.
    Added,
    /// In the policy of the VSA alone.
    Removed,
    /// In both, and not the same.
    Changed,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDifference {
    /// Which way.
    pub kind: DifferenceKind,
    /// What differs, for people: `policy oci::…`, `ruleData`.
    pub what: String,
}

/// A policy as it decides about one image.
struct Deciding {
    policy: BTreeSet<String>,
    data: BTreeSet<String>,
    rule_data: String,
    criteria: Criteria,
}

/// What the policy of a VSA, at the time of its evaluation, and the wanted one differ in.
pub(super) fn differences(
    (vsa, then): (&PolicySpec, Timestamp),
    (wanted, now): (&PolicySpec, Timestamp),
    image: &PinnedImage,
    component: &str,
) -> Vec<PolicyDifference> {
    let groups = |policy: &PolicySpec, when| -> Vec<Deciding> {
        policy.sources.iter().map(|group| Deciding::of(policy, group, image, component, when)).collect()
    };
    let (mut old, mut new) = (groups(vsa, then), groups(wanted, now));
    // Groups that are the same say nothing, as often as they are there.
    old.retain(|one| match new.iter().position(|other| one.is(other)) {
        Some(at) => {
            new.remove(at);
            false
        }
        None => true,
    });
    let mut found = Vec::new();
    for one in old {
        match new.iter().position(|other| one.is_about_the_same(other)) {
            Some(at) => one.compare(&new.remove(at), &mut found),
            None => found.push(PolicyDifference::of(DifferenceKind::Removed, "source group", &one.name())),
        }
    }
    found.extend(new.iter().map(|one| PolicyDifference::of(DifferenceKind::Added, "source group", &one.name())));
    found
}

impl Deciding {
    fn of(policy: &PolicySpec, group: &SourceGroup, image: &PinnedImage, component: &str, when: Timestamp) -> Self {
        let rule_data = group.rule_data.as_ref().and_then(|data| serde_json::from_str::<Value>(data.get()).ok());
        // Numbers as Go writes floats: a policy is written anew on its way.
        let rule_data = rule_data.map(|data| json::sorted(&json::as_floats(&data)).to_string());
        Self {
            policy: group.policy.iter().cloned().collect(),
            data: group.data.iter().cloned().collect(),
            rule_data: rule_data.filter(|data| data != "{}").unwrap_or_default(),
            criteria: Selection::of(group, policy.configuration.as_ref()).at(image, component, when),
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.policy == other.policy
            && self.data == other.data
            && self.rule_data == other.rule_data
            && self.criteria.decides_as(&other.criteria)
    }

    /// Whether two groups are versions of one: they share a source, whatever it is pinned to.
    fn is_about_the_same(&self, other: &Self) -> bool {
        let places = |one: &Self| -> BTreeSet<String> { one.policy.iter().map(|text| place(text)).collect() };
        !places(self).is_disjoint(&places(other))
    }

    fn name(&self) -> String {
        self.policy.iter().chain(&self.data).map(|text| redact::source(text)).collect::<Vec<_>>().join(", ")
    }

    fn compare(&self, other: &Self, found: &mut Vec<PolicyDifference>) {
        let mut sets = |what: &str, old: BTreeSet<&str>, new: BTreeSet<&str>| {
            let of = |kind, texts: Vec<&&str>| -> Vec<PolicyDifference> {
                texts.into_iter().map(|text| PolicyDifference::of(kind, what, &redact::source(text))).collect()
            };
            found.extend(of(DifferenceKind::Removed, old.difference(&new).collect()));
            found.extend(of(DifferenceKind::Added, new.difference(&old).collect()));
        };
        sets(
            "policy",
            self.policy.iter().map(String::as_str).collect(),
            other.policy.iter().map(String::as_str).collect(),
        );
        sets("data", self.data.iter().map(String::as_str).collect(), other.data.iter().map(String::as_str).collect());
        let ([include, exclude], [new_include, new_exclude]) = (self.criteria.items(), other.criteria.items());
        let set = |items: &[String]| -> BTreeSet<String> { items.iter().cloned().collect() };
        for (what, old, new) in [("include", include, new_include), ("exclude", exclude, new_exclude)] {
            if sorted(old) != sorted(new) && set(old) == set(new) {
                found.push(PolicyDifference::of(DifferenceKind::Changed, what, "an item is there more than once"));
            }
            let of = |kind, texts: Vec<&String>| -> Vec<PolicyDifference> {
                texts.into_iter().map(|text| PolicyDifference::of(kind, what, text)).collect()
            };
            found.extend(of(DifferenceKind::Removed, set(old).difference(&set(new)).collect()));
            found.extend(of(DifferenceKind::Added, set(new).difference(&set(old)).collect()));
        }
        if self.rule_data != other.rule_data {
            found.push(PolicyDifference::of(
                DifferenceKind::Changed,
                "ruleData",
                &changed_keys(&self.rule_data, &other.rule_data),
            ));
        }
    }
}

impl PolicyDifference {
    fn of(kind: DifferenceKind, what: &str, text: &str) -> Self {
        Self { kind, what: format!("{what} {text}") }
    }
}

fn sorted(items: &[String]) -> Vec<&String> {
    let mut items: Vec<_> = items.iter().collect();
    items.sort();
    items
}

/// The top-level keys in which two texts of rule data differ. Their values may be secret.
fn changed_keys(old: &str, new: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (old, new) = (read(old), read(new));
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect() };
    let all: BTreeSet<String> = keys(&old).into_iter().chain(keys(&new)).collect();
    all.into_iter().filter(|key| old.get(key) != new.get(key)).collect::<Vec<_>>().join(", ")
}

/// A source without what it is pinned to, for messages alone.
fn place(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = text.get(..end).unwrap_or(text);
    text.split_once("@sha256:").map_or(text, |(before, _)| before).to_owned()
}
