//! [`match_scenarios`]: which scenarios a Snapshot is tested by, and why.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use assay_model::snapshot::Snapshot;

use crate::{
    contexts,
    import::Resources,
    issue::short,
    labels,
    plan::Predecessor,
    resource::{ComponentGroup, Scenario},
};

/// The annotation of ours with the components that a scenario looks at, separated by commas: it is not affected by others.
pub const COMPONENTS: &str = "assay.dev/components";

/// Which scenarios run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Matches {
    /// By name.
    pub scenarios: Vec<Match>,
}

/// Whether a scenario runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Match {
    /// The scenario's name.
    pub name: String,
    /// Whether it runs.
    pub matched: bool,
    /// The context that decided; empty where none did.
    pub context: String,
    /// One sentence.
    pub reason: String,
    /// Whether its failure does not fail the Snapshot.
    pub optional: bool,
    /// Scenarios that end before it starts.
    pub after: Vec<String>,
    /// The run whose result counts, since nothing that the scenario looks at has changed.
    pub cached_from: Option<String>,
    /// [`after`](Self::after) with what their failure means.
    #[serde(skip)]
    pub predecessors: Vec<Predecessor>,
}

/// What a Snapshot is, as far as contexts go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// The application; empty when there is none.
    pub application: String,
    /// The component group; empty when there is none.
    pub component_group: String,
    /// The namespace; empty when none is stated.
    pub namespace: String,
    /// `component`, `group`, `override`, or empty for one that was made by hand.
    pub kind: String,
    /// The component that was built; empty when it is not one.
    pub component: String,
    /// Whether it is of a push.
    pub is_push: bool,
}

const EVENT: &str = "pac.test.appstudio.openshift.io/event-type";
const PULL_REQUEST: &str = "pac.test.appstudio.openshift.io/pull-request";
const SOURCE_BRANCH: &str = "pac.test.appstudio.openshift.io/source-branch";
const MERGE_QUEUE: &str = "gh-readonly-queue/";

impl SnapshotFacts {
    /// The facts of a Snapshot, from its labels and annotations.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let part = |field: &str| snapshot.metadata.get(field).and_then(Value::as_object);
        let (own_labels, annotations) = (part("labels"), part("annotations"));
        let label = |name: &str| labels::find(own_labels, name).map(|(_, text)| text);
        let text = |from: &Map<String, Value>, field: &str| {
            from.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let kind = label(labels::TYPE).unwrap_or_default().to_owned();
        let branch = labels::find(annotations, SOURCE_BRANCH).map_or("", |(_, text)| text);
        let is_queued = branch.strip_prefix("refs/heads/").unwrap_or(branch).starts_with(MERGE_QUEUE);
        let is_push_event = label(EVENT).is_none_or(|event| matches!(event, "push" | "Push"));
        Self {
            application: text(&snapshot.fields, "application"),
            component_group: text(&snapshot.fields, "componentGroup"),
            namespace: text(&snapshot.metadata, "namespace"),
            component: label(labels::COMPONENT).unwrap_or_default().to_owned(),
            is_push: !is_queued && kind != "group" && (is_push_event || label(PULL_REQUEST).is_none()),
            kind,
        }
    }

    /// Whether a context matches.
    #[must_use]
    pub fn fits(&self, context: &str) -> bool {
        match context {
            "application" | "all" => true,
            "component" | "group" | "override" => self.kind == context,
            "push" => self.is_push,
            "pull_request" => !self.is_push,
            other => other
                .strip_prefix(contexts::OF_COMPONENT)
                .is_some_and(|component| !component.is_empty() && component == self.component),
        }
    }

    fn in_words(&self) -> String {
        let kind = if self.kind.is_empty() { "no" } else { &self.kind };
        let event = if self.is_push { "push" } else { "pull request" };
        let of = if self.component.is_empty() { String::new() } else { format!(" of `{}`", short(&self.component)) };
        format!("type {kind}{of}, {event}")
    }
}

/// Decides for every scenario whether a Snapshot is tested by it. `changed` are the components that changed, where they are
/// known: scenarios that state what they look at do not run when none of it did.
#[must_use]
pub fn match_scenarios(resources: &Resources, snapshot: &Snapshot, changed: &[String]) -> Matches {
    let facts = SnapshotFacts::of(snapshot);
    let group = group_of(resources, &facts);
    let mut scenarios: Vec<Match> =
        resources.scenarios.iter().map(|scenario| decide(scenario, &facts, group, changed)).collect();
    scenarios.sort_by(|one, other| one.name.cmp(&other.name));
    Matches { scenarios }
}

fn group_of<'r>(resources: &'r Resources, facts: &SnapshotFacts) -> Option<&'r ComponentGroup> {
    resources
        .groups
        .iter()
        .find(|group| group.metadata.name == facts.component_group && same(&group.metadata.namespace, &facts.namespace))
}

/// Whether two namespaces are the same, where one that is not stated may be any.
fn same(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one == other
}

fn decide(scenario: &Scenario, facts: &SnapshotFacts, group: Option<&ComponentGroup>, changed: &[String]) -> Match {
    let (matched, context, reason) = reason(scenario, facts, changed);
    let is_own = !facts.component_group.is_empty() && scenario.component_group == facts.component_group;
    let graph = group.filter(|_| is_own).map(|group| &group.test_graph);
    let predecessors = graph.and_then(|graph| graph.get(&scenario.metadata.name)).cloned().unwrap_or_default();
    Match {
        name: scenario.metadata.name.clone(),
        matched,
        context,
        reason,
        optional: scenario.optional,
        after: predecessors.iter().map(|one| one.name.clone()).collect(),
        cached_from: None,
        predecessors,
    }
}

fn reason(scenario: &Scenario, facts: &SnapshotFacts, changed: &[String]) -> (bool, String, String) {
    let no = |reason: String| (false, String::new(), reason);
    let owners = [(&facts.application, &scenario.application), (&facts.component_group, &scenario.component_group)];
    let is_owned = owners.iter().any(|(owner, own)| !owner.is_empty() && owner == own);
    let has_owner = owners.iter().any(|(owner, _)| !owner.is_empty());
    if has_owner && !is_owned {
        let named = |application: &str, group: &str| match (application, group) {
            (application, "") => format!("the application `{}`", short(application)),
            (_, group) => format!("the component group `{}`", short(group)),
        };
        let own = named(&scenario.application, &scenario.component_group);
        let owner = named(&facts.application, &facts.component_group);
        return no(format!("it belongs to {own}, and the Snapshot to {owner}"));
    }
    if !same(&scenario.metadata.namespace, &facts.namespace) {
        return no(format!("it is in the namespace `{}`", short(&scenario.metadata.namespace)));
    }
    if scenario.disabled {
        return no("it is disabled by `spec.disabled`".to_owned());
    }
    let (context, why) = if scenario.contexts.is_empty() {
        (String::new(), "it has no contexts, so it tests every Snapshot".to_owned())
    } else {
        match scenario.contexts.iter().find(|context| facts.fits(context)) {
            Some(context) => (context.clone(), format!("the context `{context}` matches ({})", facts.in_words())),
            None if scenario.contexts.iter().all(|context| context == "disabled") => {
                return (false, "disabled".to_owned(), "it is disabled by its context".to_owned());
            }
            None => {
                let names = scenario.contexts.join(", ");
                return no(format!("none of its contexts ({}) matches ({})", short(&names), facts.in_words()));
            }
        }
    };
    let looked_at = components_of(scenario);
    if !changed.is_empty() && !looked_at.is_empty() && !changed.iter().any(|name| looked_at.contains(name.as_str())) {
        let names: Vec<_> = looked_at.into_iter().collect();
        return (
            false,
            context,
            format!("none of the components that it looks at changed ({})", short(&names.join(", "))),
        );
    }
    (true, context, why)
}

/// The components that a scenario looks at: those of its annotation, else those of its contexts where it has no others.
/// Empty when it looks at all of them.
pub(crate) fn components_of(scenario: &Scenario) -> BTreeSet<&str> {
    if let Some(text) = scenario.metadata.annotation(COMPONENTS) {
        return text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    }
    let named = scenario.contexts.iter().map(|context| context.strip_prefix(contexts::OF_COMPONENT));
    named.collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::import::{Source, import};

    #[expect(clippy::needless_pass_by_value, reason = "most are made where they are passed")]
    fn snapshot(labels: Value, annotations: Value) -> Snapshot {
        let digest = format!("sha256:{}", "1".repeat(64));
        let text = json!({
            "metadata": {"name": "s", "labels": labels, "annotations": annotations},
            "spec": {"application": "shop", "components": [
                {"name": "cart", "containerImage": format!("r.example/cart@{digest}")},
                {"name": "web", "containerImage": format!("r.example/web@{digest}")}]},
        });
        Snapshot::parse(&text.to_string()).unwrap()
    }

    fn scenario(name: &str, more: &str, spec: &str) -> String {
        format!(
            "---\napiVersion: appstudio.redhat.com/v1beta2\nkind: IntegrationTestScenario\nmetadata: {{name: {name}{more}}}\n\
             spec: {{resolverRef: {{resolver: cluster, params: []}}, {spec}}}\n"
        )
    }

    fn resources(text: &str) -> Resources {
        let imported = import([Source { file: "a.yaml", text, is_named: true }]);
        assert!(!imported.report.is_rejected(), "{:?}", imported.report);
        imported.resources
    }

    /// B13, P35: every context for every type of Snapshot.
    #[test]
    fn contexts_match_as_in_konflux() {
        const T: &str = "test.appstudio.openshift.io/type";
        const C: &str = "appstudio.openshift.io/component";
        let pull_request = json!({T: "component", C: "cart", EVENT: "pull_request", PULL_REQUEST: "7"});
        let queued = json!({SOURCE_BRANCH: "refs/heads/gh-readonly-queue/main/pr-7-abc"});
        let contexts = [
            "application",
            "all",
            "component",
            "component_cart",
            "component_web",
            "group",
            "override",
            "push",
            "pull_request",
            "disabled",
        ];
        for (labels, annotations, want) in [
            (
                json!({T: "component", C: "cart", EVENT: "push"}),
                json!({}),
                "application all component component_cart push",
            ),
            (
                json!({T: "component", C: "web", EVENT: "Push", PULL_REQUEST: "7"}),
                json!({}),
                "application all component component_web push",
            ),
            (pull_request.clone(), json!({}), "application all component component_cart pull_request"),
            (json!({EVENT: "pull_request"}), json!({}), "application all push"),
            (
                json!({T: "component", C: "cart", EVENT: "push"}),
                queued,
                "application all component component_cart pull_request",
            ),
            (
                json!({T: "group", EVENT: "pull_request", PULL_REQUEST: "7"}),
                json!({}),
                "application all group pull_request",
            ),
            (json!({T: "group"}), json!({}), "application all group pull_request"),
            (json!({T: "override"}), json!({}), "application all override push"),
            (json!({}), json!({}), "application all push"),
            (
                json!({"integration.konflux-ci.dev/type": "component", "build.konflux-ci.dev/component": "cart"}),
                json!({}),
                "application all component component_cart push",
            ),
        ] {
            let facts = SnapshotFacts::of(&snapshot(labels.clone(), annotations));
            let fitting: Vec<_> = contexts.into_iter().filter(|context| facts.fits(context)).collect();
            assert_eq!(fitting.join(" "), want, "{labels}");
        }
    }

    fn matched(text: &str, changed: &[&str]) -> Vec<(String, bool, String)> {
        let labels =
            json!({"test.appstudio.openshift.io/type": "component", "appstudio.openshift.io/component": "cart"});
        let changed: Vec<_> = changed.iter().map(|name| (*name).to_owned()).collect();
        let found = match_scenarios(&resources(text), &snapshot(labels, json!({})), &changed);
        found.scenarios.into_iter().map(|one| (one.name, one.matched, one.context)).collect()
    }

    #[test]
    fn a_scenario_of_another_owner_or_a_disabled_one_does_not_match() {
        for (spec, want) in [
            ("application: shop", (true, "")),
            ("application: other", (false, "")),
            ("componentGroup: shop", (false, "")),
            ("application: shop, disabled: true", (false, "")),
            ("application: shop, contexts: [{name: disabled}]", (false, "disabled")),
            ("application: shop, contexts: [{name: group}, {name: push}]", (true, "push")),
            ("application: shop, contexts: [{name: group}]", (false, "")),
        ] {
            let found = matched(&scenario("e2e", "", spec), &[]);
            assert_eq!(found, [("e2e".to_owned(), want.0, want.1.to_owned())], "{spec}");
        }
    }

    /// P13: what nobody changed need not be tested again.
    #[test]
    fn a_scenario_that_looks_at_other_components_than_those_that_changed_does_not_run() {
        let of_cart = scenario("cart", "", "application: shop, contexts: [{name: component_cart}]");
        let of_web = scenario("web", ", annotations: {assay.dev/components: 'web, new'}", "application: shop");
        let of_all = scenario("zall", "", "application: shop");
        let text = format!("{of_cart}{of_web}{of_all}");
        let names = |changed: &[&str]| {
            let found = matched(&text, changed).into_iter().filter(|(_, matched, _)| *matched);
            found.map(|(name, ..)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["cart", "web", "zall"]);
        assert_eq!(names(&["cart"]), ["cart", "zall"]);
        assert_eq!(names(&["new"]), ["web", "zall"]);
        let all = resources(&text);
        let of = |at: usize| components_of(&all.scenarios[at]).into_iter().collect::<Vec<_>>();
        assert_eq!([of(0), of(1), of(2)], [vec!["cart"], vec!["new", "web"], vec![]]);
    }

    /// B31: the order is that of the group that the Snapshot is of.
    #[test]
    fn the_test_graph_gives_the_scenarios_before_each() {
        let group = "---\napiVersion: konflux-ci.dev/v1beta2\nkind: ComponentGroup\nmetadata: {name: g}\n\
                     spec: {components: [], testGraph: {e2e: [{name: ec, failFast: true}, {name: lint}]}}\n";
        let text =
            format!("{group}{}{}", scenario("e2e", "", "componentGroup: g"), scenario("ec", "", "componentGroup: g"));
        let mut of_group = snapshot(json!({}), json!({}));
        of_group.fields = json!({"componentGroup": "g"}).as_object().cloned().unwrap();
        let found = match_scenarios(&resources(&text), &of_group, &[]);
        assert_eq!(found.scenarios[0].after, ["ec", "lint"]);
        assert!(found.scenarios[0].predecessors[0].fail_fast && found.scenarios[1].after.is_empty());
    }
}
