//! [`ComponentGroup`]: components that are tested together, and the order of their tests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::metadata::{Metadata, NameForm};
use crate::{
    fields::{self, join},
    graph,
    issue::{Issues, short},
    names,
    plan::Predecessor,
};

/// Members of one group.
pub const MEMBERS: usize = 10_000;

/// Groups in groups.
pub const NESTING: usize = 15;

/// The scenarios that each scenario waits for.
pub type TestGraph = BTreeMap<String, Vec<Predecessor>>;

/// Components that are tested together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentGroup {
    /// Its name and labels.
    pub metadata: Metadata,
    /// Its members.
    pub members: Vec<Member>,
    /// The order of its tests.
    pub test_graph: TestGraph,
    /// `status.globalCandidateList`.
    pub candidates: Vec<Candidate>,
}

/// A component with its version, or a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// The version of a component; empty when none is stated.
    pub version: String,
    /// Whether it is a group.
    pub is_group: bool,
}

/// An entry of the global candidate list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The component.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The repository of its source.
    pub url: String,
    /// Its image; empty when it has none.
    pub image: String,
    /// The commit it was built from.
    pub commit: String,
}

impl ComponentGroup {
    /// Reads a group. What is wrong with it is noted.
    #[must_use]
    pub fn read(document: &Map<String, Value>, issues: &mut Issues) -> Self {
        let metadata = Metadata::read(document, NameForm::Subdomain, issues);
        let empty = Map::new();
        let spec = fields::object(document, "", "spec", issues).unwrap_or(&empty);
        fields::warn_of_unknown(spec, "spec", &["components", "testGraph", "snapshotCreator"], issues);
        let status = fields::object(document, "", "status", issues).unwrap_or(&empty);
        let text = |object: &Map<String, Value>, field: &str| {
            object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let candidates = fields::objects(status, "status", "globalCandidateList", issues);
        let candidate = |(_, object): &(String, &Map<String, Value>)| Candidate {
            name: text(object, "name"),
            version: text(object, "version"),
            url: text(object, "url"),
            image: text(object, "lastPromotedImage"),
            commit: text(object, "lastPromotedCommit"),
        };
        Self {
            members: read_members(spec, &metadata.name, issues),
            test_graph: read_test_graph(spec, issues),
            candidates: candidates.iter().map(candidate).collect(),
            metadata,
        }
    }
}

fn read_members(spec: &Map<String, Value>, own_name: &str, issues: &mut Issues) -> Vec<Member> {
    if !spec.contains_key("components") {
        issues.error("spec.components", "required", "the group has no `components`", "");
    }
    let mut members = Vec::new();
    let mut seen = BTreeSet::new();
    for (place, object) in fields::objects(spec, "spec", "components", issues) {
        if members.len() >= MEMBERS {
            issues.error(place, "limit", format!("the group has more than {MEMBERS} components"), "");
            break;
        }
        let name = fields::text(object, &place, "name", issues).unwrap_or_default();
        if name.is_empty() {
            issues.error(join(&place, "name"), "required", "the component has no name", "");
            continue;
        }
        if !names::is_dns_1123(name) && !name.contains("{{") {
            let message = format!("`{}` is not the name of a component", short(name));
            issues.error(join(&place, "name"), "name", message, names::as_label(name));
        }
        let kind = fields::text(object, &place, "kind", issues).unwrap_or("component");
        let is_group = kind.eq_ignore_ascii_case("componentGroup");
        if !is_group && !kind.eq_ignore_ascii_case("component") {
            let message = format!("there is no kind `{}` of component", short(kind));
            issues.error(join(&place, "kind"), "component-kind", message, "component or componentGroup");
        }
        let version = fields::object(object, &place, "componentVersion", issues);
        if is_group && version.is_some() {
            let message = "only a component has a version, and this is a group";
            issues.warn(join(&place, "componentVersion"), "unused-field", message, "remove it");
        }
        let version = version.map(|version| read_version(version, &place, issues)).unwrap_or_default();
        if is_group && name == own_name {
            let message = format!("the group contains itself: {0} → {0}", short(name));
            issues.error(join(&place, "name"), "cycle", message, "remove it");
        }
        let member =
            Member { name: name.to_owned(), version: if is_group { String::new() } else { version }, is_group };
        if !seen.insert(member.clone()) {
            let message = format!("`{}` is there twice in the same version", short(name));
            issues.error(place, "duplicate", message, "keep one of them");
            continue;
        }
        members.push(member);
    }
    members
}

/// The version's name. Upstream's samples write the branch as `revision` and its type reads `version`; both are read.
fn read_version(version: &Map<String, Value>, place: &str, issues: &mut Issues) -> String {
    let place = join(place, "componentVersion");
    let name = fields::text(version, &place, "name", issues);
    let revision = fields::text(version, &place, "version", issues);
    let revision = revision.or_else(|| fields::text(version, &place, "revision", issues));
    if name.is_none() {
        issues.warn(join(&place, "name"), "required", "the version has no name; its revision is used", "");
    }
    name.or(revision).unwrap_or_default().to_owned()
}

fn read_test_graph(spec: &Map<String, Value>, issues: &mut Issues) -> TestGraph {
    let mut out = TestGraph::new();
    let Some(object) = fields::object(spec, "spec", "testGraph", issues) else { return out };
    const PATH: &str = "spec.testGraph";
    for scenario in object.keys() {
        let mut before = Vec::new();
        for (place, parent) in fields::objects(object, PATH, scenario, issues) {
            match fields::text(parent, &place, "name", issues) {
                None => issues.error(join(&place, "name"), "required", "the scenario has no name", ""),
                Some(name) => before.push(Predecessor {
                    name: name.to_owned(),
                    fail_fast: fields::boolean(parent, &place, "failFast", issues),
                }),
            }
        }
        out.insert(scenario.clone(), before);
    }
    let edges = out.iter().map(|(name, before)| (name.as_str(), before.iter().map(|one| one.name.as_str()).collect()));
    if let Some(cycle) = graph::find_cycle(&edges.collect()) {
        let message = format!("the scenarios wait for each other: {}", graph::written(&cycle));
        issues.error(PATH, "cycle", message, "remove one scenario from the cycle");
    }
    out
}
