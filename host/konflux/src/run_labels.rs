//! [`RunLabels`]: how a run shares a machine with others, as labels and annotations of its Snapshot and scenarios say.

use std::collections::BTreeMap;

use assay_model::{
    run::{Concurrency, OnFull, Priority},
    snapshot::Snapshot,
};
use serde_json::{Map, Value};

use crate::{
    labels,
    matching::SnapshotFacts,
    resource::{Metadata, Scenario},
};

/// The label of ours with the tenant of a Snapshot; without it the tenant is the namespace.
pub const TENANT: &str = "assay.dev/tenant";
/// The label of ours with the priority of a Snapshot: `urgent`, `normal` or `bulk`.
pub const PRIORITY: &str = "assay.dev/priority";
/// The annotation of ours on a scenario: scenarios with the same text share something scarce.
pub const CONCURRENCY_GROUP: &str = "assay.dev/concurrency-group";
/// The annotation of ours beside it: how many of them run at a time, 1 if it is not given.
pub const CONCURRENCY_MAX: &str = "assay.dev/concurrency-max";
/// The annotation of ours beside it: `queue` makes a scenario wait, `cancel-older` cancels the oldest one.
pub const CONCURRENCY_ON_FULL: &str = "assay.dev/concurrency-on-full";
/// The annotation of ours on an application or component group: how many tasks of its tenant run at a time.
pub const MAX_TASKS: &str = "assay.dev/max-tasks";

const IGNORE_SUPERSESSION: &str = "test.appstudio.openshift.io/ignore-supersession";
const PROVIDER: &str = "pac.test.appstudio.openshift.io/git-provider";
const REPO_URL: &str = "pac.test.appstudio.openshift.io/repo-url";
const URL_ORG: &str = "pac.test.appstudio.openshift.io/url-org";
const URL_REPOSITORY: &str = "pac.test.appstudio.openshift.io/url-repository";
const PULL_REQUEST: &str = "pac.test.appstudio.openshift.io/pull-request";

/// How a run shares a machine with others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunLabels {
    /// The tenant; empty when nothing says it.
    pub tenant: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Runs with the same text replace one another; only those of pull requests do.
    pub supersedes: Option<String>,
}

impl RunLabels {
    /// Reads a Snapshot.
    ///
    /// # Errors
    /// A label is not one of its words: one sentence.
    pub fn of(snapshot: &Snapshot) -> Result<Self, String> {
        let part = |field: &str| snapshot.metadata.get(field).and_then(Value::as_object);
        let label = |name: &str| labels::find(part("labels"), name).map(|(_, text)| text.to_owned());
        let facts = SnapshotFacts::of(snapshot);
        let priority = match label(PRIORITY).as_deref() {
            None | Some("normal") => Priority::Normal,
            Some("urgent") => Priority::Urgent,
            Some("bulk") => Priority::Bulk,
            Some(other) => {
                let other = crate::issue::short(other);
                return Err(format!("the label `{PRIORITY}` is `{other}`, not `urgent`, `normal` or `bulk`"));
            }
        };
        let tenant = label(TENANT).unwrap_or_else(|| facts.namespace.clone());
        Ok(Self { tenant, priority, supersedes: supersedes(snapshot, &facts, part("labels"), part("annotations")) })
    }
}

/// The provider, the repository, the number, what the Snapshot is of, and what was built. A number alone says nothing: two
/// repositories have pull requests of the same number, and two groups have the same component.
fn supersedes(
    snapshot: &Snapshot,
    facts: &SnapshotFacts,
    all_labels: Option<&Map<String, Value>>,
    annotations: Option<&Map<String, Value>>,
) -> Option<String> {
    let of = |name: &str| {
        let found = labels::find(all_labels, name).or_else(|| labels::find(annotations, name));
        found.map_or("", |(_, text)| text)
    };
    let number = of(PULL_REQUEST);
    if facts.is_push || number.is_empty() || of(IGNORE_SUPERSESSION) == "true" {
        return None;
    }
    let of_source = || {
        let built = snapshot.components.iter().find(|component| component.name == facts.component);
        built.and_then(|component| component.source.pointer("/git/url")?.as_str()).unwrap_or_default()
    };
    let repository = match (of(REPO_URL), of(URL_ORG), of(URL_REPOSITORY)) {
        ("", "", "") => of_source().to_owned(),
        ("", org, name) => format!("{org}/{name}"),
        (url, ..) => url.to_owned(),
    };
    let owner = if facts.component_group.is_empty() { &facts.application } else { &facts.component_group };
    let parts = [of(PROVIDER), &repository, number, &facts.namespace, owner, &facts.kind, &facts.component];
    serde_json::to_string(&parts).ok()
}

/// The concurrency groups of scenarios by name.
///
/// # Errors
/// An annotation is not one of its words or numbers: one sentence.
pub fn concurrency(scenarios: &[Scenario]) -> Result<BTreeMap<String, Concurrency>, String> {
    let mut groups = BTreeMap::new();
    for scenario in scenarios {
        let Some(group) = scenario.metadata.annotation(CONCURRENCY_GROUP).filter(|group| !group.is_empty()) else {
            continue;
        };
        let name = &scenario.metadata.name;
        let max = limit(&scenario.metadata, CONCURRENCY_MAX).map_err(|why| format!("the scenario `{name}`: {why}"))?;
        let on_full = match scenario.metadata.annotation(CONCURRENCY_ON_FULL) {
            None | Some("queue") => OnFull::Queue,
            Some("cancel-older") => OnFull::CancelOlder,
            Some(other) => {
                let other = crate::issue::short(other);
                return Err(format!(
                    "the scenario `{name}`: the annotation `{CONCURRENCY_ON_FULL}` is `{other}`, not `queue` or `cancel-older`"
                ));
            }
        };
        groups.insert(name.clone(), Concurrency { group: group.to_owned(), max: max.unwrap_or(1), on_full });
    }
    Ok(groups)
}

/// How many tasks of the tenant of an application or group run at a time, where it says so.
///
/// # Errors
/// The annotation is not a number from 1: one sentence.
pub fn max_tasks(metadata: &Metadata) -> Result<Option<u32>, String> {
    limit(metadata, MAX_TASKS).map_err(|why| format!("`{}`: {why}", metadata.name))
}

fn limit(metadata: &Metadata, annotation: &str) -> Result<Option<u32>, String> {
    let Some(text) = metadata.annotation(annotation) else { return Ok(None) };
    match text.parse::<u32>() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(format!("the annotation `{annotation}` is `{}`, not a number from 1", crate::issue::short(text))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::import::{Source, import};

    fn snapshot(labels: &Value, annotations: &Value) -> Snapshot {
        let document = json!({
            "apiVersion": "appstudio.redhat.com/v1alpha1",
            "kind": "Snapshot",
            "metadata": {"name": "s", "namespace": "team", "labels": labels, "annotations": annotations},
            "spec": {"application": "shop", "components": [{
                "name": "cart",
                "containerImage": "r.example/cart:1",
                "source": {"git": {"url": "https://g.example/cart"}},
            }]},
        });
        Snapshot::parse(&document.to_string()).unwrap()
    }

    fn of(labels: &Value) -> RunLabels {
        RunLabels::of(&snapshot(labels, &json!({}))).unwrap()
    }

    fn pull_request(number: &str, repository: &str) -> Value {
        json!({
            "pac.test.appstudio.openshift.io/event-type": "pull_request",
            "pac.test.appstudio.openshift.io/pull-request": number,
            "pac.test.appstudio.openshift.io/url-org": "org",
            "pac.test.appstudio.openshift.io/url-repository": repository,
            "test.appstudio.openshift.io/type": "component",
            "appstudio.openshift.io/component": "cart",
        })
    }

    /// D5, D22: what replaces one another is of one repository, one number and one owner.
    #[test]
    fn runs_of_one_pull_request_replace_one_another_and_no_others_do() {
        let one = of(&pull_request("7", "a")).supersedes.unwrap();
        assert_eq!(of(&pull_request("7", "a")).supersedes, Some(one.clone()));
        for other in [pull_request("8", "a"), pull_request("7", "b")] {
            assert_ne!(of(&other).supersedes.unwrap(), one);
        }
        let mut other_component = pull_request("7", "a");
        other_component["appstudio.openshift.io/component"] = json!("web");
        assert_ne!(of(&other_component).supersedes.unwrap(), one);
        let mut other_owner = snapshot(&pull_request("7", "a"), &json!({}));
        other_owner.fields.insert("application".to_owned(), json!("other"));
        assert_ne!(RunLabels::of(&other_owner).unwrap().supersedes.unwrap(), one);
        // A text with a separator in it is not another pull request.
        let mut split = pull_request("7", "a");
        split["pac.test.appstudio.openshift.io/url-org"] = json!("org/a");
        split["pac.test.appstudio.openshift.io/url-repository"] = json!("");
        assert_ne!(of(&split).supersedes.unwrap(), one);
        assert_eq!(of(&json!({})).supersedes, None, "a push replaces nothing");
        let ignored = json!({"test.appstudio.openshift.io/ignore-supersession": "true"});
        assert_eq!(RunLabels::of(&snapshot(&pull_request("7", "a"), &ignored)).unwrap().supersedes, None);
    }

    #[test]
    fn the_tenant_is_the_namespace_or_a_label_and_the_priority_one_of_three_words() {
        assert_eq!(of(&json!({})).tenant, "team");
        assert_eq!(of(&json!({"assay.dev/tenant": "qe"})).tenant, "qe");
        assert_eq!(of(&json!({"assay.dev/priority": "bulk"})).priority, Priority::Bulk);
        let wrong = RunLabels::of(&snapshot(&json!({"assay.dev/priority": "now"}), &json!({}))).unwrap_err();
        assert!(wrong.contains("not `urgent`, `normal` or `bulk`"), "{wrong}");
    }

    #[test]
    fn scenarios_of_a_concurrency_group_say_how_many_run_at_a_time() {
        let text = |annotations: &str| {
            format!(
                "apiVersion: appstudio.redhat.com/v1beta2\nkind: IntegrationTestScenario\nmetadata: {{name: a, annotations: {{{annotations}}}}}\nspec: {{application: shop, resolverRef: {{resolver: cluster, params: [{{name: name, value: p}}]}}}}\n"
            )
        };
        let groups = |annotations: &str| {
            let text = text(annotations);
            concurrency(&import([Source { file: "a.yaml", text: &text, is_named: true }]).resources.scenarios)
        };
        assert!(groups("").unwrap().is_empty());
        let group = |max, on_full| Concurrency { group: "lab".to_owned(), max, on_full };
        assert_eq!(groups("assay.dev/concurrency-group: lab").unwrap()["a"], group(1, OnFull::Queue));
        let more = "assay.dev/concurrency-group: lab, assay.dev/concurrency-max: '3', assay.dev/concurrency-on-full: cancel-older";
        assert_eq!(groups(more).unwrap()["a"], group(3, OnFull::CancelOlder));
        for (wrong, says) in
            [("concurrency-max: '0'", "not a number from 1"), ("concurrency-on-full: drop", "not `queue`")]
        {
            let error = groups(&format!("assay.dev/concurrency-group: lab, assay.dev/{wrong}")).unwrap_err();
            assert!(error.contains(says) && error.contains("the scenario `a`"), "{error}");
        }
    }
}
