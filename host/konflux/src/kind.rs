//! [`Kind`]: which resources are read, in which API groups and versions.

use assay_model::nearest::nearest;

/// A kind that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An application of components.
    Application,
    /// One component.
    Component,
    /// Components that are tested together.
    ComponentGroup,
    /// Images that are tested together.
    Snapshot,
    /// A test of Snapshots.
    IntegrationTestScenario,
    /// A policy configuration.
    EnterpriseContractPolicy,
    /// Kept, and not acted on.
    ReleasePlan,
    /// Kept, and not acted on.
    NudgeConfig,
    /// Tekton's pipeline.
    Pipeline,
    /// Tekton's run of a pipeline.
    PipelineRun,
    /// Tekton's task.
    Task,
    /// A pipeline of plugins, `assay.dev/v1`.
    PluginPipeline,
}

/// Konflux's group.
pub const APPSTUDIO: &str = "appstudio.redhat.com";
/// Konflux's newer group.
pub const KONFLUX: &str = "konflux-ci.dev";
/// Tekton's group.
pub const TEKTON: &str = "tekton.dev";
/// Our own group.
pub const ASSAY: &str = "assay.dev";

/// Group, name, kind, and versions with whether they are deprecated.
type Row = (&'static str, &'static str, Kind, &'static [(&'static str, bool)]);

#[rustfmt::skip]
const KINDS: [Row; 14] = [
    (APPSTUDIO, "Application", Kind::Application, &[("v1alpha1", false)]),
    (APPSTUDIO, "Component", Kind::Component, &[("v1alpha1", false)]),
    (APPSTUDIO, "Snapshot", Kind::Snapshot, &[("v1alpha1", false)]),
    (APPSTUDIO, "EnterpriseContractPolicy", Kind::EnterpriseContractPolicy, &[("v1alpha1", false)]),
    (APPSTUDIO, "ReleasePlan", Kind::ReleasePlan, &[("v1alpha1", false)]),
    (APPSTUDIO, "IntegrationTestScenario", Kind::IntegrationTestScenario, &[("v1beta2", false), ("v1beta1", true), ("v1alpha1", true)]),
    (KONFLUX, "ComponentGroup", Kind::ComponentGroup, &[("v1beta2", false)]),
    (APPSTUDIO, "ComponentGroup", Kind::ComponentGroup, &[("v1beta2", true)]),
    (KONFLUX, "NudgeConfig", Kind::NudgeConfig, &[("v1beta2", false)]),
    (APPSTUDIO, "NudgeConfig", Kind::NudgeConfig, &[("v1beta2", true)]),
    (TEKTON, "Pipeline", Kind::Pipeline, &[("v1", false), ("v1beta1", true)]),
    (TEKTON, "PipelineRun", Kind::PipelineRun, &[("v1", false), ("v1beta1", true)]),
    (TEKTON, "Task", Kind::Task, &[("v1", false), ("v1beta1", true)]),
    (ASSAY, "Pipeline", Kind::PluginPipeline, &[("v1", false)]),
];

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Classified {
    /// A kind that is read; with the API version to use instead of a deprecated one.
    Known(Kind, Option<String>),
    /// A kind that is read, in a version that is not; with those that are.
    UnknownVersion(Kind, String),
    /// Nothing that is read; with a sentence if it may have been meant to be.
    Other(Option<String>),
}

/// What a document is by its `apiVersion` and `kind`.
#[must_use]
pub fn classify(api_version: &str, kind: &str) -> Classified {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let row = KINDS.iter().find(|(known, name, ..)| *known == group && *name == kind);
    if let Some((group, _, kind, versions)) = row {
        let newest = || {
            let moved = KINDS.iter().find(|(to, _, other, _)| other == kind && *to == KONFLUX);
            let (to, versions) = moved.map_or((*group, *versions), |(to, _, _, versions)| (*to, *versions));
            format!("{to}/{}", versions.first().map_or("v1", |(version, _)| version))
        };
        return match versions.iter().find(|(known, _)| *known == version) {
            Some((_, is_deprecated)) => Classified::Known(*kind, is_deprecated.then(newest)),
            None => Classified::UnknownVersion(*kind, newest()),
        };
    }
    // A test that is left out for a misspelled group would never be missed.
    let distinctive = ["IntegrationTestScenario", "ComponentGroup", "EnterpriseContractPolicy", "NudgeConfig"];
    if distinctive.contains(&kind) {
        let groups = KINDS.iter().filter(|(_, name, ..)| *name == kind).map(|(group, ..)| *group).collect::<Vec<_>>();
        return Classified::Other(Some(format!("{kind} is read in the API group {} only", groups.join(" and "))));
    }
    if [APPSTUDIO, KONFLUX].contains(&group)
        && let Some(near) = nearest(kind, KINDS.iter().filter(|row| row.0 == group).map(|row| row.1))
        && near != kind
        && !["ReleasePlanAdmission", "ComponentVersion"].contains(&kind)
    {
        return Classified::Other(Some(format!("there is no kind {kind} in {group}; did you mean {near}?")));
    }
    Classified::Other(None)
}

/// Whether a text names a group that is read.
#[must_use]
pub(crate) fn is_mentioned(text: &str) -> bool {
    [APPSTUDIO, KONFLUX, TEKTON, ASSAY].iter().any(|group| text.contains(&format!("{group}/")))
}

/// Whether a kind of that name is read in any group.
#[must_use]
pub(crate) fn is_known_name(kind: &str) -> bool {
    KINDS.iter().any(|row| row.1 == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_in_their_groups_and_versions() {
        use Classified::{Known, Other, UnknownVersion};
        for (version, kind, want) in [
            ("appstudio.redhat.com/v1beta2", "IntegrationTestScenario", Known(Kind::IntegrationTestScenario, None)),
            (
                "appstudio.redhat.com/v1beta1",
                "IntegrationTestScenario",
                Known(Kind::IntegrationTestScenario, Some("appstudio.redhat.com/v1beta2".to_owned())),
            ),
            ("konflux-ci.dev/v1beta2", "ComponentGroup", Known(Kind::ComponentGroup, None)),
            (
                "appstudio.redhat.com/v1beta2",
                "ComponentGroup",
                Known(Kind::ComponentGroup, Some("konflux-ci.dev/v1beta2".to_owned())),
            ),
            ("tekton.dev/v1beta1", "Task", Known(Kind::Task, Some("tekton.dev/v1".to_owned()))),
            ("tekton.dev/v1alpha1", "Task", UnknownVersion(Kind::Task, "tekton.dev/v1".to_owned())),
            ("v1", "ConfigMap", Other(None)),
            ("argoproj.io/v1alpha1", "Application", Other(None)),
            ("backstage.io/v1alpha1", "Component", Other(None)),
            ("appstudio.redhat.com/v1alpha1", "ReleasePlanAdmission", Other(None)),
            ("", "", Other(None)),
        ] {
            assert_eq!(classify(version, kind), want, "{version} {kind}");
        }
        let Other(Some(hint)) = classify("appstudio.openshift.io/v1beta2", "IntegrationTestScenario") else {
            panic!("a scenario in another group is left without a word")
        };
        assert!(hint.contains("appstudio.redhat.com"), "{hint}");
    }
}
