//! Members: the components of an application or of a group, nested groups included.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{ComposeError, ComposeRequest};
use crate::{
    import::Resources,
    issue::short,
    resource::{ComponentGroup, ComponentResource, Metadata, group::NESTING},
};

/// What a Snapshot belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// Application or group.
    pub kind: OwnerKind,
    /// Its namespace; empty when none is stated.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What owns Snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnerKind {
    /// An application.
    Application,
    /// A component group.
    ComponentGroup,
}

impl OwnerKind {
    /// The field of a spec that names it.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::ComponentGroup => "componentGroup",
        }
    }
}

impl Owner {
    pub(super) fn shown(&self) -> String {
        match self.kind {
            OwnerKind::Application => format!("the application `{}`", short(&self.name)),
            OwnerKind::ComponentGroup => format!("the component group `{}`", short(&self.name)),
        }
    }
}

/// A component as far as a Snapshot needs it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MemberInfo {
    pub(super) name: String,
    pub(super) version: String,
    /// The source's known fields.
    pub(super) git: Map<String, Value>,
    /// The image of the imported status; may be empty.
    pub(super) candidate: String,
    /// The commit of that image; may be empty.
    pub(super) commit: String,
}

impl MemberInfo {
    pub(super) fn shown(&self) -> String {
        if self.version.is_empty() { self.name.clone() } else { format!("{}@{}", self.name, self.version) }
    }
}

/// All applications and groups. An application is one also when only its components were imported.
pub(super) fn owners(resources: &Resources) -> BTreeSet<Owner> {
    let owner =
        |kind, namespace: &str, name: &str| Owner { kind, namespace: namespace.to_owned(), name: name.to_owned() };
    let mut owners = BTreeSet::new();
    for group in &resources.groups {
        owners.insert(owner(OwnerKind::ComponentGroup, &group.metadata.namespace, &group.metadata.name));
    }
    for application in &resources.applications {
        let metadata = &application.metadata;
        owners.insert(owner(OwnerKind::Application, &metadata.namespace, &metadata.name));
    }
    for component in resources.components.iter().filter(|component| !component.application.is_empty()) {
        owners.insert(owner(OwnerKind::Application, &component.metadata.namespace, &component.application));
    }
    owners
}

/// The owner that a request is about: the named one, else the only one that has all the components.
///
/// # Errors
/// There is none, or there are several.
pub fn select_owner(
    resources: &Resources,
    request: &ComposeRequest,
    named: Option<(OwnerKind, &str)>,
) -> Result<Owner, ComposeError> {
    let owners = owners(resources);
    if let Some((kind, name)) = named {
        let found = owners.iter().find(|owner| owner.kind == kind && owner.name == name);
        return found.cloned().ok_or_else(|| {
            let known: Vec<_> = owners.iter().map(Owner::shown).take(10).collect();
            ComposeError::new(
                format!("there is no {} `{}` among the imported files", kind.field(), short(name)),
                if known.is_empty() { String::new() } else { format!("there are {}", known.join(", ")) },
            )
        });
    }
    let has_all = |owner: &&Owner| {
        let Ok(members) = members_of(resources, owner) else { return false };
        request.sets.iter().all(|set| members.iter().any(|member| member.name == set.component))
    };
    let fitting: Vec<&Owner> = owners.iter().filter(has_all).collect();
    let several: Vec<&Owner> = if fitting.is_empty() { owners.iter().collect() } else { fitting };
    match several.as_slice() {
        [] => Err(ComposeError::new(
            "no application or component group was imported",
            "name files with `--from` that have an Application with its Components, or a ComponentGroup",
        )),
        [only] => Ok((*only).clone()),
        several => {
            let known: Vec<_> = several.iter().map(|owner| owner.shown()).take(10).collect();
            Err(ComposeError::new(
                format!("the components are in several places: {}", known.join(", ")),
                "name one with `--application NAME` or `--component-group NAME`",
            ))
        }
    }
}

/// The members by name and version. A component that is in a group and in a group of it belongs to the outer one.
pub(super) fn members_of(resources: &Resources, owner: &Owner) -> Result<Vec<MemberInfo>, ComposeError> {
    let mut members = match owner.kind {
        OwnerKind::Application => resources
            .components
            .iter()
            .filter(|component| {
                component.application == owner.name && same(&component.metadata.namespace, &owner.namespace)
            })
            .map(|component| of_component(component, String::new()))
            .collect(),
        OwnerKind::ComponentGroup => of_group(resources, owner)?,
    };
    members.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    members.dedup_by(|one, other| (&one.name, &one.version) == (&other.name, &other.version));
    Ok(members)
}

/// Whether the owner wants a group Snapshot for a single build as well, by its annotation.
pub(super) fn always_makes_groups(resources: &Resources, owner: &Owner) -> bool {
    const ALWAYS: &str = "test.appstudio.openshift.io/always-create-group-snapshots";
    let is_owner = |metadata: &Metadata| metadata.name == owner.name && same(&metadata.namespace, &owner.namespace);
    let says_so = |metadata: &Metadata| is_owner(metadata) && metadata.annotation(ALWAYS) == Some("true");
    match owner.kind {
        OwnerKind::Application => resources.applications.iter().any(|application| says_so(&application.metadata)),
        OwnerKind::ComponentGroup => resources.groups.iter().any(|group| says_so(&group.metadata)),
    }
}

/// Whether two namespaces are the same, where one that is not stated may be any.
fn same(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one == other
}

fn of_component(component: &ComponentResource, version: String) -> MemberInfo {
    let mut git = component.git.clone();
    if !git.contains_key("url") && !component.url.is_empty() {
        git.insert("url".to_owned(), Value::from(component.url.as_str()));
    }
    MemberInfo {
        name: component.metadata.name.clone(),
        version,
        git,
        candidate: component.candidate.clone(),
        commit: component.candidate_commit.clone(),
    }
}

fn of_group(resources: &Resources, owner: &Owner) -> Result<Vec<MemberInfo>, ComposeError> {
    let find = |name: &str| {
        let named =
            |group: &&ComponentGroup| group.metadata.name == name && same(&group.metadata.namespace, &owner.namespace);
        resources.groups.iter().find(named)
    };
    let mut members: Vec<MemberInfo> = Vec::new();
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut visited: BTreeSet<&str> = BTreeSet::from([owner.name.as_str()]);
    let mut level: Vec<&ComponentGroup> = find(&owner.name).into_iter().collect();
    for depth in 0.. {
        if level.is_empty() {
            break;
        }
        if depth > NESTING {
            let fact = format!("groups in {} are nested more than {NESTING} levels deep", owner.shown());
            return Err(ComposeError::new(fact, ""));
        }
        let mut next = Vec::new();
        for group in level {
            for member in &group.members {
                if member.is_group {
                    let inner = find(&member.name).ok_or_else(|| {
                        let fact = format!(
                            "{} contains the group `{}`, which was not imported",
                            owner.shown(),
                            short(&member.name)
                        );
                        ComposeError::new(fact, "name its file with `--from` as well")
                    })?;
                    // Groups that contain each other were rejected; one that is reached twice is gone through once.
                    if visited.insert(&inner.metadata.name) {
                        next.push(inner);
                    }
                } else if seen.insert((member.name.clone(), member.version.clone())) {
                    members.push(of_member(resources, group, &member.name, &member.version));
                }
            }
        }
        level = next;
    }
    Ok(members)
}

/// The group's own candidate counts before the component's status, which belongs to its application.
fn of_member(resources: &Resources, group: &ComponentGroup, name: &str, version: &str) -> MemberInfo {
    let component = resources.components.iter().find(|component| {
        component.metadata.name == name && same(&component.metadata.namespace, &group.metadata.namespace)
    });
    let mut info = component.map(|component| of_component(component, version.to_owned())).unwrap_or(MemberInfo {
        name: name.to_owned(),
        version: version.to_owned(),
        git: Map::new(),
        candidate: String::new(),
        commit: String::new(),
    });
    info.candidate = String::new();
    info.commit = String::new();
    let known = group
        .candidates
        .iter()
        .find(|candidate| candidate.name == name && (candidate.version == version || candidate.version.is_empty()));
    if let Some(candidate) = known {
        info.candidate.clone_from(&candidate.image);
        info.commit.clone_from(&candidate.commit);
        if !candidate.url.is_empty() {
            info.git.insert("url".to_owned(), Value::from(candidate.url.as_str()));
        }
    }
    info
}
