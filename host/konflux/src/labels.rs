//! Labels and annotations: each has an older and a newer name, and both are read.

use serde_json::{Map, Value};

use crate::issue::Issues;

/// Prefixes of one family: the newer one, then the older one.
const FAMILIES: [(&str, &str); 2] = [
    ("integration.konflux-ci.dev/", "test.appstudio.openshift.io/"),
    ("build.konflux-ci.dev/", "appstudio.openshift.io/"),
];

/// A single name that moved as a whole.
const MOVED: [(&str, &str); 1] = [("pipelines.konflux-ci.dev/type", "pipelines.appstudio.openshift.io/type")];

/// The label that makes a scenario optional, without its prefix.
pub const OPTIONAL: &str = "test.appstudio.openshift.io/optional";
/// The label with a Snapshot's type.
pub const TYPE: &str = "test.appstudio.openshift.io/type";
/// The label with the component that was built.
pub const COMPONENT: &str = "appstudio.openshift.io/component";
/// The annotation with the start of a Snapshot's build.
pub const BUILD_START: &str = "test.appstudio.openshift.io/pipelinerunstarttime";
/// The annotation that keeps a scenario's pipeline short; `tasks_timeout` and `finally_timeout` beside it.
pub const PIPELINE_TIMEOUT: &str = "test.appstudio.openshift.io/pipeline_timeout";
/// See [`PIPELINE_TIMEOUT`].
pub const TASKS_TIMEOUT: &str = "test.appstudio.openshift.io/tasks_timeout";
/// See [`PIPELINE_TIMEOUT`].
pub const FINALLY_TIMEOUT: &str = "test.appstudio.openshift.io/finally_timeout";

/// The newer name of an older one.
#[must_use]
pub fn newer_name(name: &str) -> Option<String> {
    if let Some((newer, _)) = MOVED.iter().find(|(_, older)| *older == name) {
        return Some((*newer).to_owned());
    }
    FAMILIES.iter().find_map(|(newer, older)| name.strip_prefix(older).map(|rest| format!("{newer}{rest}")))
}

/// A label or annotation by its older name: the newer one wins. With the name that was used.
#[must_use]
pub fn find<'m>(metadata: Option<&'m Map<String, Value>>, older: &str) -> Option<(String, &'m str)> {
    let metadata = metadata?;
    let newer = newer_name(older);
    let found = |name: &str| metadata.get(name).and_then(Value::as_str);
    newer
        .and_then(|name| found(&name).map(|text| (name.clone(), text)))
        .or_else(|| found(older).map(|text| (older.to_owned(), text)))
}

/// Warns of each label or annotation that has two names with two values.
pub(crate) fn warn_of_conflicts(metadata: &Map<String, Value>, path: &str, issues: &mut Issues) {
    for (older, value) in metadata {
        let Some(newer) = newer_name(older) else { continue };
        if let Some(other) = metadata.get(&newer)
            && other != value
        {
            let message = format!("`{newer}` and `{older}` have different values; `{newer}` counts");
            issues.warn(format!("{path}.{older}"), "label-conflict", message, format!("remove `{older}`"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_names_of_a_label_are_read_and_the_newer_one_wins() {
        for (labels, want) in [
            (json!({}), None),
            (json!({"test.appstudio.openshift.io/type": "group"}), Some(("test.appstudio.openshift.io/type", "group"))),
            (
                json!({"integration.konflux-ci.dev/type": "override", "test.appstudio.openshift.io/type": "group"}),
                Some(("integration.konflux-ci.dev/type", "override")),
            ),
        ] {
            let found = find(labels.as_object(), TYPE);
            assert_eq!(found.as_ref().map(|(name, text)| (name.as_str(), *text)), want);
        }
        let build = json!({"build.konflux-ci.dev/component": "a"});
        assert_eq!(find(build.as_object(), COMPONENT).map(|found| found.1), Some("a"));
        assert_eq!(
            newer_name("pipelines.appstudio.openshift.io/type").as_deref(),
            Some("pipelines.konflux-ci.dev/type")
        );
    }

    #[test]
    fn two_values_of_one_label_are_a_warning() {
        let labels = json!({"integration.konflux-ci.dev/type": "override", "test.appstudio.openshift.io/type": "group",
            "build.konflux-ci.dev/component": "a", "appstudio.openshift.io/component": "a"});
        let mut issues = Issues::default();
        warn_of_conflicts(labels.as_object().unwrap(), "metadata.labels", &mut issues);
        assert_eq!(issues.warnings.len(), 1);
        assert_eq!(issues.warnings[0].path, "metadata.labels.test.appstudio.openshift.io/type");
    }
}
