//! [`compose`]: a Snapshot of what was built and of the candidates of the other components.
//!
//! Equal inputs give equal bytes: components are sorted, and [`Composed::id`] is the digest of the canonical document, in
//! which neither names of runs nor times stand. Nothing is written; what a record would have to change is returned
//! ([`moves`]).

mod build;
mod document;
mod members;
pub mod moves;
mod set;

use serde::Serialize;
use serde_json::{Map, Value};

use assay_model::{image::PinnedImage, nearest::nearest, port::Pointer};

use crate::{import::Resources, issue::short};

pub use build::Build;
pub use document::{NAME_PREFIX, canonical, parse_build_start};
pub use members::{Owner, OwnerKind, select_owner};
pub use set::{Set, SetError};

use members::{MemberInfo, members_of};

/// How a Snapshot comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One component was built.
    Component,
    /// Components of one pull request group, tested together.
    Group,
    /// The images are replaced by hand.
    Override,
    /// Components that depend on each other, built together.
    Coupled,
    /// All components that one commit built.
    Commit,
}

impl Mode {
    /// The word in flags.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Group => "group",
            Self::Override => "override",
            Self::Coupled => "coupled",
            Self::Commit => "commit",
        }
    }

    /// The mode of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Component, Self::Group, Self::Override, Self::Coupled, Self::Commit]
            .into_iter()
            .find(|mode| mode.as_str() == word)
    }

    /// Where the images that were given come from.
    const fn from(self) -> From {
        match self {
            Self::Component | Self::Coupled | Self::Commit => From::Built,
            Self::Group => From::Group,
            Self::Override => From::Override,
        }
    }
}

/// What led to the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A push: candidates move.
    Push,
    /// A pull request of that number: candidates stay.
    PullRequest(u64),
}

/// What is composed.
#[derive(Clone, Debug)]
pub struct ComposeRequest {
    /// How.
    pub mode: Mode,
    /// What led to it.
    pub event: Event,
    /// The images that were built or are put in.
    pub sets: Vec<Set>,
    /// When the build started, in milliseconds since 1970.
    pub build_start: Option<i64>,
    /// Whether the others are those that passed last, instead of those that were built last.
    pub is_good_base: bool,
}

/// Where an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// It was built.
    Built,
    /// It is the component's candidate.
    Candidate,
    /// It was built for the pull request group.
    Group,
    /// It was put in by hand.
    Override,
}

/// A Snapshot with the reasons for what is in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Composed {
    /// The digest of the canonical document.
    pub id: String,
    /// The Snapshot's name.
    pub name: String,
    /// The Snapshot as a resource.
    pub snapshot: Value,
    /// By name and version.
    pub components: Vec<ComposedComponent>,
    /// By name and version.
    pub omitted: Vec<Omitted>,
    /// The canonical document: the Snapshot without its name and what depends on times. A record keeps it under the ID.
    #[serde(skip)]
    pub document: String,
}

/// A component of a composed Snapshot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComposedComponent {
    /// Its name.
    pub name: String,
    /// Its version; empty when it has none.
    pub version: String,
    /// Its image by digest.
    pub image: String,
    /// Where the image comes from.
    pub from: From,
    /// One sentence.
    pub reason: String,
    /// `source`, whole.
    #[serde(skip)]
    pub source: Value,
}

/// A component that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Omitted {
    /// Its name; `NAME@VERSION` when it has a version.
    pub name: String,
    /// One sentence.
    pub reason: String,
}

/// Why nothing can be composed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fact}")]
pub struct ComposeError {
    /// What is wrong.
    pub fact: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

impl ComposeError {
    fn new(fact: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { fact: fact.into(), hint: hint.into() }
    }
}

/// Composes a Snapshot of an application or group. `pointers` are those of the record, of the kind that the request wants;
/// they count before the candidates in the resources.
///
/// # Errors
/// The images do not fit the mode or the owner, one is invalid, or no component is left.
pub fn compose(
    resources: &Resources,
    owner: &Owner,
    request: &ComposeRequest,
    pointers: &[Pointer],
) -> Result<Composed, ComposeError> {
    let members = members_of(resources, owner)?;
    let sets = fit(&request.sets, &members, owner)?;
    check_mode(request, &sets, members::always_makes_groups(resources, owner))?;
    let mut components = Vec::new();
    let mut omitted = Vec::new();
    for member in &members {
        let set = sets.iter().find(|(_, name, version)| (name, version) == (&&*member.name, &&*member.version));
        match set {
            Some((set, ..)) => components.push(given(set, member, request.mode)?),
            None => match candidate(member, request.is_good_base, pointers) {
                Ok(component) => components.push(component),
                Err(reason) => omitted.push(Omitted { name: member.shown(), reason }),
            },
        }
    }
    if components.is_empty() {
        return Err(ComposeError::new(
            format!("{} has no component with a valid image", owner.shown()),
            "build one, or put one in with `--mode override --set COMPONENT=IMAGE@DIGEST`",
        ));
    }
    Ok(document::assemble(owner, Some(request), components, omitted))
}

/// Composes a Snapshot of candidates alone, for a run that no build led to, such as one by the clock. It has no type, as one
/// that is made by hand.
///
/// # Errors
/// No component has a valid image.
pub fn compose_candidates(
    resources: &Resources,
    owner: &Owner,
    is_good_base: bool,
    pointers: &[Pointer],
) -> Result<Composed, ComposeError> {
    let mut components = Vec::new();
    let mut omitted = Vec::new();
    for member in members_of(resources, owner)? {
        match candidate(&member, is_good_base, pointers) {
            Ok(component) => components.push(component),
            Err(reason) => omitted.push(Omitted { name: member.shown(), reason }),
        }
    }
    if components.is_empty() {
        let fact = format!("{} has no component with a valid image", owner.shown());
        return Err(ComposeError::new(fact, "build one, or name a Snapshot with `--images`"));
    }
    Ok(document::assemble(owner, None, components, omitted))
}

type Fitted<'a> = (&'a Set, &'a str, &'a str);

/// Each image with the member that it belongs to.
fn fit<'a>(sets: &'a [Set], members: &'a [MemberInfo], owner: &Owner) -> Result<Vec<Fitted<'a>>, ComposeError> {
    let mut out: Vec<Fitted<'a>> = Vec::new();
    for set in sets {
        let named: Vec<_> = members.iter().filter(|member| member.name == set.component).collect();
        let found = match (&set.version, named.as_slice()) {
            (_, []) => {
                let near = nearest(set.component.as_str(), members.iter().map(|member| member.name.as_str()));
                let hint = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
                let fact = format!("{} has no component `{}`", owner.shown(), short(&set.component));
                return Err(ComposeError::new(fact, hint));
            }
            (None, [only]) => *only,
            (None, several) => {
                let versions: Vec<_> = several.iter().map(|member| member.shown()).collect();
                let fact = format!("`{}` is in {} in several versions", short(&set.component), owner.shown());
                return Err(ComposeError::new(fact, format!("name one of {}", versions.join(", "))));
            }
            (Some(version), several) => match several.iter().find(|member| member.version == *version) {
                Some(member) => *member,
                None => {
                    let versions: Vec<_> = several.iter().map(|member| member.shown()).collect();
                    let fact = format!("{} has no `{}`", owner.shown(), short(&set.shown()));
                    return Err(ComposeError::new(fact, format!("it has {}", versions.join(", "))));
                }
            },
        };
        if out.iter().any(|(_, name, version)| (*name, *version) == (found.name.as_str(), found.version.as_str())) {
            let fact = format!("two images are given for `{}`", found.shown());
            return Err(ComposeError::new(fact, "keep one `--set` for each component"));
        }
        out.push((set, &found.name, &found.version));
    }
    Ok(out)
}

fn check_mode(request: &ComposeRequest, sets: &[Fitted<'_>], always_groups: bool) -> Result<(), ComposeError> {
    let count = sets.len();
    match request.mode {
        Mode::Component if count != 1 => Err(ComposeError::new(
            format!("`--mode component` takes one image, and {count} are given"),
            "use `--mode coupled` for components that depend on each other, or `--mode commit` for one commit",
        )),
        Mode::Group if count == 1 && always_groups => Ok(()),
        Mode::Group | Mode::Coupled if count < 2 => Err(ComposeError::new(
            format!("`--mode {}` takes at least two images, and {count} are given", request.mode.as_str()),
            "use `--mode component` for one component",
        )),
        Mode::Override | Mode::Commit if count == 0 => Err(ComposeError::new(
            format!("`--mode {}` takes at least one image", request.mode.as_str()),
            "add `--set`",
        )),
        Mode::Commit => check_commit(sets),
        _ => Ok(()),
    }
}

/// One commit builds from one repository at one revision.
fn check_commit(sets: &[Fitted<'_>]) -> Result<(), ComposeError> {
    let mut commit: Option<(&str, &str)> = None;
    for (set, ..) in sets {
        let Some(revision) = set.git.get("revision").and_then(Value::as_str) else {
            let fact = format!("`--mode commit` needs the revision of `{}`", short(&set.shown()));
            return Err(ComposeError::new(fact, "append `,revision=COMMIT` to the image"));
        };
        let url = set.git.get("url").and_then(Value::as_str).unwrap_or_default();
        match commit {
            None => commit = Some((url, revision)),
            Some(first) if first == (url, revision) => {}
            Some((_, first)) => {
                let fact = format!("the images are of different commits: `{}` and `{}`", short(first), short(revision));
                return Err(ComposeError::new(fact, "use `--mode coupled` for builds of several commits"));
            }
        }
    }
    Ok(())
}

fn given(set: &Set, member: &MemberInfo, mode: Mode) -> Result<ComposedComponent, ComposeError> {
    // What the build does not say is as the component has it.
    let mut git = member.git.clone();
    git.extend(set.git.clone());
    let has_source = git.get("url").and_then(Value::as_str).is_some_and(|url| !url.is_empty());
    if mode == Mode::Override && !has_source {
        let fact = format!("the source of `{}` is not known, so nothing could verify its image", member.shown());
        return Err(ComposeError::new(fact, "append `,url=URL,revision=COMMIT` to the image"));
    }
    let reason = match mode {
        Mode::Component => "it was built",
        Mode::Coupled => "it was built together with the others",
        Mode::Commit => "it was built from the commit",
        Mode::Group => "it was built for the pull request group",
        Mode::Override => "it is put in by hand",
    };
    let image = set.image.to_string();
    Ok(component(member, image, mode.from(), reason.to_owned(), git))
}

fn candidate(member: &MemberInfo, is_good: bool, pointers: &[Pointer]) -> Result<ComposedComponent, String> {
    let pointer =
        pointers.iter().find(|at| (&*at.key.component, &*at.key.version) == (&*member.name, &*member.version));
    let (image, git, reason) = match pointer {
        Some(pointer) => {
            let git = pointer.source.get("git").and_then(Value::as_object).cloned().unwrap_or_default();
            let reason = if is_good { "its last build that passed" } else { "its last build" };
            (pointer.image.as_str(), git, format!("{reason}, by the record"))
        }
        None if is_good => return Err("no build of it has passed".to_owned()),
        None if member.candidate.is_empty() => return Err("it has no image: no build of it is known".to_owned()),
        None => {
            let mut git = member.git.clone();
            if !member.commit.is_empty() {
                git.insert("revision".to_owned(), Value::from(member.commit.as_str()));
            }
            (member.candidate.as_str(), git, "its candidate, by the imported status".to_owned())
        }
    };
    let Ok(pinned) = PinnedImage::parse(image) else {
        return Err(format!("its candidate `{}` has no valid digest", short(image)));
    };
    if git.get("url").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err("the git source of its candidate is not known".to_owned());
    }
    // The image stays as it is written, and only its form is checked.
    let _valid = pinned;
    Ok(component(member, image.to_owned(), From::Candidate, reason, git))
}

fn component(
    member: &MemberInfo,
    image: String,
    from: From,
    reason: String,
    git: Map<String, Value>,
) -> ComposedComponent {
    let mut source = Map::new();
    if !git.is_empty() {
        source.insert("git".to_owned(), Value::Object(git));
    }
    ComposedComponent {
        name: member.name.clone(),
        version: member.version.clone(),
        image,
        from,
        reason,
        source: Value::Object(source),
    }
}

#[cfg(test)]
mod tests;
