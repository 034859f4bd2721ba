//! What a record has to change: which pointers a composed Snapshot or a verdict moves.
//!
//! Neither pointer waits for the other: `latest` moves when a build is recorded, before anything is tested, and `good` moves
//! when a component's own required scenarios have passed. A component that fails thus never stops another one.

use std::collections::BTreeSet;

use assay_model::port::{PointerKey, PointerKind, PointerMove};

use super::{
    ComposeRequest, Composed, ComposedComponent, Event, From, Mode, Owner,
    members::{members_of, owners},
};
use crate::import::Resources;

/// The moves of `latest` when a Snapshot is recorded. A build moves it in every application and group that the component is
/// in, an override in its own; a pull request moves nothing. `started` is when the command started, in milliseconds since
/// 1970: the fence of an override.
#[must_use]
pub fn of_record(
    resources: &Resources,
    owner: &Owner,
    request: &ComposeRequest,
    composed: &Composed,
    started: i64,
) -> Vec<PointerMove> {
    let is_override = request.mode == Mode::Override;
    if request.mode == Mode::Group || !is_override && matches!(request.event, Event::PullRequest(_)) {
        return Vec::new();
    }
    let wanted = if is_override { From::Override } else { From::Built };
    let build_start = request.build_start.unwrap_or(started);
    let mut groups: Vec<(String, BTreeSet<(String, String)>)> = Vec::new();
    for other in owners(resources).into_iter().filter(|other| other == owner || !is_override) {
        let members = members_of(resources, &other).unwrap_or_default();
        groups.push((other.name, members.into_iter().map(|member| (member.name, member.version)).collect()));
    }
    let mut moves = Vec::new();
    for component in composed.components.iter().filter(|component| component.from == wanted) {
        let key = (component.name.clone(), component.version.clone());
        for (group, _) in groups.iter().filter(|(_, members)| members.contains(&key)) {
            moves.push(one(group, component, PointerKind::Latest, build_start, is_override.then_some(started)));
        }
    }
    moves
}

/// The move of `good` of a component whose own required scenarios have passed.
#[must_use]
pub fn of_verdict(group: &str, component: &ComposedComponent, build_start: i64) -> PointerMove {
    one(group, component, PointerKind::Good, build_start, None)
}

fn one(
    group: &str,
    component: &ComposedComponent,
    kind: PointerKind,
    build_start: i64,
    override_start: Option<i64>,
) -> PointerMove {
    PointerMove {
        key: PointerKey {
            group: group.to_owned(),
            component: component.name.clone(),
            version: component.version.clone(),
        },
        kind,
        image: component.image.clone(),
        source: component.source.clone(),
        build_start,
        override_start,
    }
}
