//! Checks across documents.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::nearest::nearest;

use super::{
    Imported,
    report::{DocumentReport, Status},
};
use crate::{contexts, graph, issue::short, resource::group::NESTING};

/// Checks what no document shows by itself. What is wrong is noted in the report of the document that refers to something.
pub(super) fn check(imported: &mut Imported) {
    let resources = &imported.resources;
    let components: BTreeSet<&str> =
        resources.components.iter().map(|component| component.metadata.name.as_str()).collect();
    let members = resources.groups.iter().flat_map(|group| group.members.iter()).filter(|member| !member.is_group);
    let components: BTreeSet<&str> = components.into_iter().chain(members.map(|member| member.name.as_str())).collect();
    let scenarios: BTreeSet<&str> =
        resources.scenarios.iter().map(|scenario| scenario.metadata.name.as_str()).collect();
    let mut notes: Vec<(&str, &str, Note)> = Vec::new();
    for scenario in &resources.scenarios {
        for (at, context) in scenario.contexts.iter().enumerate() {
            let Some(name) = context.strip_prefix(contexts::OF_COMPONENT) else { continue };
            if !components.is_empty() && !components.contains(name) {
                let near =
                    nearest(name, components.iter().copied()).map(|near| format!("did you mean `component_{near}`?"));
                notes.push((
                    "IntegrationTestScenario",
                    &scenario.metadata.name,
                    Note {
                        path: format!("spec.contexts[{at}].name"),
                        code: "unknown-component",
                        message: format!("no component `{}` was imported", short(name)),
                        suggestion: near.unwrap_or_default(),
                        is_error: false,
                    },
                ));
            }
        }
    }
    for group in resources.groups.iter().filter(|_| !scenarios.is_empty()) {
        let names = group.test_graph.iter().flat_map(|(name, before)| {
            std::iter::once(name.as_str()).chain(before.iter().map(|one| one.name.as_str()))
        });
        for name in names.filter(|name| !scenarios.contains(name)).collect::<BTreeSet<_>>() {
            let near = nearest(name, scenarios.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            notes.push((
                "ComponentGroup",
                &group.metadata.name,
                Note {
                    path: "spec.testGraph".to_owned(),
                    code: "unknown-scenario",
                    message: format!("no scenario `{}` was imported", short(name)),
                    suggestion: near.unwrap_or_default(),
                    is_error: false,
                },
            ));
        }
    }
    let edges: BTreeMap<&str, Vec<&str>> = resources
        .groups
        .iter()
        .map(|group| {
            let inner = group.members.iter().filter(|member| member.is_group).map(|member| member.name.as_str());
            (group.metadata.name.as_str(), inner.collect())
        })
        .collect();
    if let Some(cycle) = graph::find_cycle(&edges) {
        let first = cycle.first().map(String::as_str).unwrap_or_default();
        if let Some((name, _)) = edges.get_key_value(first) {
            notes.push((
                "ComponentGroup",
                name,
                Note {
                    path: "spec.components".to_owned(),
                    code: "cycle",
                    message: format!("the groups contain each other: {}", graph::written(&cycle)),
                    suggestion: "remove one group from the cycle".to_owned(),
                    is_error: true,
                },
            ));
        }
    } else if let Some(name) = edges.keys().find(|name| depth(name, &edges) > NESTING) {
        notes.push((
            "ComponentGroup",
            name,
            Note {
                path: "spec.components".to_owned(),
                code: "nesting",
                message: format!("groups are nested more than {NESTING} levels deep"),
                suggestion: String::new(),
                is_error: true,
            },
        ));
    }
    let mut by_kind: BTreeMap<(&str, &str), Vec<&Note>> = BTreeMap::new();
    for (kind, name, note) in &notes {
        by_kind.entry((kind, name)).or_default().push(note);
    }
    for document in &mut imported.report.documents {
        let Some(notes) = by_kind.get(&(document.kind.as_str(), document.name.as_str())).cloned() else {
            continue;
        };
        if document.status == Status::Accepted {
            for note in notes {
                note.add_to(document);
            }
        }
    }
}

struct Note {
    path: String,
    code: &'static str,
    message: String,
    suggestion: String,
    is_error: bool,
}

impl Note {
    fn add_to(&self, document: &mut DocumentReport) {
        let (path, message, suggestion) = (self.path.as_str(), self.message.as_str(), self.suggestion.as_str());
        if self.is_error {
            document.issues.error(path, self.code, message, suggestion);
            document.status = Status::Rejected;
        } else {
            document.issues.warn(path, self.code, message, suggestion);
        }
    }
}

/// How deep groups are nested below one, of a graph without cycles. Each level is gone through once.
fn depth(name: &str, edges: &BTreeMap<&str, Vec<&str>>) -> usize {
    let mut level: BTreeSet<&str> = BTreeSet::from([name]);
    let mut depth = 0;
    while !level.is_empty() && depth <= NESTING {
        level = level.iter().filter_map(|name| edges.get(name)).flatten().copied().collect();
        depth += 1;
    }
    depth
}
