//! Contexts: which Snapshots a scenario tests.
//!
//! Contexts are alternatives, and a scenario without any tests all Snapshots. Source of the rules: Konflux's integration
//! service, which lets an unknown name never match without a word; here it is an error of the import.

use assay_model::nearest::nearest;

/// The contexts, without `component_NAME`.
pub const KNOWN: [&str; 8] =
    ["application", "all", "component", "group", "override", "push", "pull_request", "disabled"];

/// The beginning of a context of one component.
pub const OF_COMPONENT: &str = "component_";

/// Whether a context has a meaning.
#[must_use]
pub fn is_known(name: &str) -> bool {
    KNOWN.contains(&name) || name.strip_prefix(OF_COMPONENT).is_some_and(|component| !component.is_empty())
}

/// What an unknown context may be meant to be.
#[must_use]
pub fn nearest_known(name: &str) -> Option<String> {
    let plain = name.to_lowercase().replace(['-', ' '], "_");
    if plain != name && is_known(&plain) {
        return Some(plain);
    }
    if let Some(component) = name.strip_prefix("component-").or_else(|| name.strip_prefix("component:")) {
        return Some(format!("{OF_COMPONENT}{component}"));
    }
    nearest(name, KNOWN.iter().copied()).map(str::to_owned)
}
