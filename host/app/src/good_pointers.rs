//! [`move_good`]: the image of a component becomes its `good` one when its own required scenarios passed.

use assay_konflux::{
    compose::{ComposedComponent, From, moves, parse_build_start},
    labels,
    matching::SnapshotFacts,
    plan::ScenarioPlan,
};
use assay_model::{port::SnapshotRecord as _, run::RunDocument, snapshot::Snapshot};
use assay_store::Store;
use serde_json::Value;

use crate::error::RequestError;

/// What is needed of a scenario's plan after the run: the plan itself is given away, as it may be large.
pub(crate) struct PlannedScenario {
    name: String,
    optional: bool,
    components: Vec<String>,
}

impl PlannedScenario {
    pub(crate) fn of(plan: &ScenarioPlan) -> Self {
        Self { name: plan.name.clone(), optional: plan.optional, components: plan.components.clone() }
    }
}

/// Moves `good` of the component whose push led to the Snapshot. Its own scenarios are the required ones that look at it;
/// where there is none, nothing was tested and nothing moves.
///
/// # Errors
/// The store cannot be written.
pub(crate) fn move_good(
    store: &Store,
    snapshot: &Snapshot,
    scenarios: &[PlannedScenario],
    document: &RunDocument,
) -> Result<(), RequestError> {
    let facts = SnapshotFacts::of(snapshot);
    let group = if facts.component_group.is_empty() { &facts.application } else { &facts.component_group };
    let annotations = snapshot.metadata.get("annotations").and_then(Value::as_object);
    let started = labels::find(annotations, labels::BUILD_START).and_then(|(_, text)| parse_build_start(text));
    let (true, "component", Some(build_start)) = (facts.is_push, facts.kind.as_str(), started) else { return Ok(()) };
    let Some(component) = snapshot.components.iter().find(|component| component.name == facts.component) else {
        return Ok(());
    };
    let looks_at_it = |plan: &&PlannedScenario| {
        !plan.optional && (plan.components.is_empty() || plan.components.contains(&facts.component))
    };
    let has_passed = |plan: &PlannedScenario| {
        document.scenarios.iter().any(|scenario| scenario.name == plan.name && scenario.state.is_passed())
    };
    let own: Vec<_> = scenarios.iter().filter(looks_at_it).collect();
    if own.is_empty() || !own.iter().all(|plan| has_passed(plan)) {
        return Ok(());
    }
    let version = component.fields.get("version").and_then(Value::as_str).unwrap_or_default();
    let moved = ComposedComponent {
        name: component.name.clone(),
        version: version.to_owned(),
        image: component.container_image.clone(),
        source: component.source.clone(),
        from: From::Built,
        reason: String::new(),
    };
    store.move_pointers(vec![moves::of_verdict(group, &moved, build_start)])?;
    Ok(())
}
