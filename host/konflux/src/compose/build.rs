//! [`Build`]: what a build PipelineRun that succeeded gives to a Snapshot: its image, what led to it, and the labels and
//! annotations that are passed on.
//!
//! Which ones those are, and how groups of pull requests are named, is as in Konflux's integration service.

use assay_model::{digest::Digest, image::PinnedImage};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{ComposeError, Composed, Event, Set};
use crate::{issue::short, labels};

/// Prefixes of labels and annotations that are passed on as they are.
const PASSED_ON: [&str; 2] = ["build.appstudio", "custom.appstudio.openshift.io/"];

/// Pipelines as Code's prefix on a build, and the one that a Snapshot has in its place.
const PAC: (&str, &str) = ("pipelinesascode.tekton.dev/", "pac.test.appstudio.openshift.io/");

const TYPE: &str = "pipelines.appstudio.openshift.io/type";
const VERSION: &str = "appstudio.openshift.io/version";
const BUILD: &str = "appstudio.openshift.io/build-pipelinerun";
const RESULT: &str = "test.appstudio.openshift.io/result-";
const GROUP: &str = "test.appstudio.openshift.io/pr-group";
const GROUP_SHA: &str = "test.appstudio.openshift.io/pr-group-sha";

/// A label has 63 characters at most, of which one is kept free, as in Konflux.
const SHA_CHARACTERS: usize = 62;

/// Results that are kept as annotations, and the bytes of one: a Snapshot is no place for reports.
const RESULTS: usize = 100;
const RESULT_BYTES: usize = 4_096;

/// A build that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// The name of its PipelineRun.
    pub name: String,
    /// Its image.
    pub set: Set,
    /// What led to it.
    pub event: Event,
    /// When it started, in milliseconds since 1970.
    pub started: Option<i64>,
    /// The pull request group that it belongs to.
    pub group: Option<String>,
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
}

impl Build {
    /// Reads a PipelineRun.
    ///
    /// # Errors
    /// It is none, is not of a build, did not succeed, or lacks its component or its image: one sentence.
    pub fn of_document(document: &Value) -> Result<Self, ComposeError> {
        let text = |at: &str| document.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let name = text("/metadata/name").to_owned();
        let wrong = |fact: String, hint: &str| ComposeError::new(format!("the build `{}` {fact}", short(&name)), hint);
        if text("/kind") != "PipelineRun" || !text("/apiVersion").starts_with("tekton.dev/") {
            let fact = format!(
                "a build is a PipelineRun of Tekton, not `{} {}`",
                short(text("/apiVersion")),
                short(text("/kind"))
            );
            return Err(ComposeError::new(
                fact,
                "name a file with one, such as `kubectl get pipelinerun NAME -o yaml` writes",
            ));
        }
        let part = |at: &str| document.pointer(at).and_then(Value::as_object);
        let (own_labels, own_annotations) = (part("/metadata/labels"), part("/metadata/annotations"));
        let label = |name: &str| labels::find(own_labels, name).map(|(_, text)| text);
        let either = |name: &str| label(name).or_else(|| labels::find(own_annotations, name).map(|(_, text)| text));
        if let Some(kind) = label(TYPE).filter(|kind| *kind != "build") {
            return Err(wrong(format!("is a PipelineRun of the type `{}`", short(kind)), "name that of a build"));
        }
        check_succeeded(document).map_err(|why| wrong(why, "a Snapshot is composed of builds that succeeded"))?;
        let component = label(labels::COMPONENT).filter(|component| !component.is_empty());
        let component = component.ok_or_else(|| wrong(format!("has no label `{}`", labels::COMPONENT), ""))?;
        let results = results(document);
        let result =
            |name: &str| results.iter().find(|(found, _)| *found == name).map_or("", |(_, value)| value.trim());
        let (url, digest) = (result("IMAGE_URL"), result("IMAGE_DIGEST"));
        let image = format!("{}@{digest}", url.split('@').next().unwrap_or_default());
        if let Err(why) = PinnedImage::parse(&image) {
            let fact = format!(
                "has no image: its results IMAGE_URL and IMAGE_DIGEST are `{}` and `{}`, and {why}",
                short(url),
                short(digest)
            );
            return Err(wrong(fact, "the pipeline must return both"));
        }
        let mut git = Map::new();
        for (field, from) in [("url", "CHAINS-GIT_URL"), ("revision", "CHAINS-GIT_COMMIT")] {
            let value = result(from);
            if !value.is_empty() && !value.chars().any(char::is_control) {
                git.insert(field.to_owned(), Value::from(value));
            }
        }
        let event = event(&either).map_err(|why| wrong(why, ""))?;
        let group = match event {
            Event::Push => None,
            Event::PullRequest(_) => group_of(&either),
        };
        let started = text("/status/startTime").parse::<Timestamp>().ok().map(|time| time.as_millisecond());
        let version = either(VERSION).filter(|version| !version.is_empty()).map(str::to_owned);
        let set = Set { component: component.to_owned(), version, image, git };
        let (mut labels, mut annotations) = (passed_on(own_labels), passed_on(own_annotations));
        labels.insert(BUILD.to_owned(), name.as_str().into());
        for (name, value) in results.iter().take(RESULTS).filter(|(_, value)| value.len() <= RESULT_BYTES) {
            annotations.insert(format!("{RESULT}{}", name.to_lowercase().replace('_', "-")), (*value).into());
        }
        Ok(Self { name, set, event, started, group, labels, annotations })
    }
}

impl Composed {
    /// Passes on the labels and annotations of the builds that a Snapshot was composed of: those that all of them have in the
    /// same way. What the Snapshot says itself stays. Its ID does not depend on them.
    ///
    /// # Errors
    /// They are of different groups of pull requests.
    pub fn pass_on(&mut self, builds: &[Build]) -> Result<(), ComposeError> {
        let Some((first, others)) = builds.split_first() else { return Ok(()) };
        if let Some(other) = others.iter().find(|other| other.group != first.group) {
            let shown = |build: &Build| short(build.group.as_deref().unwrap_or("none"));
            let fact = format!(
                "the builds are of different pull request groups: `{}` is of `{}`, `{}` of `{}`",
                short(&first.name),
                shown(first),
                short(&other.name),
                shown(other)
            );
            return Err(ComposeError::new(fact, "compose a Snapshot for each group"));
        }
        let in_all = |name: &String, value: &Value, of: fn(&Build) -> &Map<String, Value>| {
            others.iter().all(|other| of(other).get(name) == Some(value))
        };
        let (mut labels, mut annotations) = (Map::new(), Map::new());
        labels.extend(
            first.labels.clone().into_iter().filter(|(name, value)| in_all(name, value, |build| &build.labels)),
        );
        annotations.extend(
            first
                .annotations
                .clone()
                .into_iter()
                .filter(|(name, value)| in_all(name, value, |build| &build.annotations)),
        );
        if let Some(group) = &first.group {
            let sha: String = Digest::of(group.as_bytes()).hex().chars().take(SHA_CHARACTERS).collect();
            labels.insert(GROUP_SHA.to_owned(), sha.into());
            annotations.insert(GROUP.to_owned(), group.as_str().into());
        }
        for (part, more) in [("labels", labels), ("annotations", annotations)] {
            let Some(own) = self.snapshot.pointer_mut(&format!("/metadata/{part}")).and_then(Value::as_object_mut)
            else {
                continue;
            };
            for (name, value) in more {
                own.entry(name).or_insert(value);
            }
        }
        Ok(())
    }
}

fn check_succeeded(document: &Value) -> Result<(), String> {
    let conditions = document.pointer("/status/conditions").and_then(Value::as_array);
    let succeeded = conditions.into_iter().flatten().find(|condition| condition["type"] == "Succeeded");
    match succeeded.map(|condition| (&condition["status"], &condition["reason"])) {
        Some((status, _)) if status == "True" => Ok(()),
        Some((status, reason)) if status == "False" => {
            Err(format!("failed (`{}`)", short(reason.as_str().unwrap_or_default())))
        }
        _ => Err("has not ended".to_owned()),
    }
}

/// The results that are texts, of either version of Tekton's resource.
fn results(document: &Value) -> Vec<(&str, &str)> {
    let of = |at: &str| document.pointer(at).and_then(Value::as_array);
    let all = of("/status/results").or_else(|| of("/status/pipelineResults"));
    all.into_iter().flatten().filter_map(|one| Some((one["name"].as_str()?, one["value"].as_str()?))).collect()
}

/// A label or annotation of Pipelines as Code by its own name.
fn pac<'a>(either: &impl Fn(&str) -> Option<&'a str>, name: &str) -> Option<&'a str> {
    either(&format!("{}{name}", PAC.0)).or_else(|| either(&format!("{}{name}", PAC.1)))
}

fn event<'a>(either: &impl Fn(&str) -> Option<&'a str>) -> Result<Event, String> {
    const MERGE_QUEUE: &str = "gh-readonly-queue/";
    let branch = pac(either, "source-branch").unwrap_or_default();
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    // A merge queue's branch has the number in it: `gh-readonly-queue/main/pr-7-COMMIT`.
    let queued = branch.strip_prefix(MERGE_QUEUE).map(|rest| {
        let number = rest.rsplit('/').next().and_then(|last| last.strip_prefix("pr-")?.split('-').next()?.parse().ok());
        number.ok_or_else(|| format!("is of the merge queue branch `{}`, which names no pull request", short(branch)))
    });
    if let Some(number) = queued {
        return number.map(Event::PullRequest);
    }
    match pac(either, "event-type") {
        None | Some("push" | "Push") => Ok(Event::Push),
        Some(event) => {
            let number = pac(either, "pull-request").unwrap_or_default();
            number.parse().map(Event::PullRequest).map_err(|_| {
                let (event, number) = (short(event), short(number));
                format!("is of the event `{event}`, and its pull request is `{number}`, which is no number")
            })
        }
    }
}

/// The group of a pull request: its branch up to an `@`, which Renovate puts before a version. A branch that every repository
/// has gets the organization of its repository, which is the fork's.
fn group_of<'a>(either: &impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let branch = pac(either, "source-branch").filter(|branch| !branch.is_empty())?;
    let group = branch.split('@').next().unwrap_or_default();
    let organization = pac(either, "url-org").unwrap_or_default();
    Some(match group {
        "main" | "master" => format!("{group}-{organization}"),
        other => other.to_owned(),
    })
}

fn passed_on(metadata: Option<&Map<String, Value>>) -> Map<String, Value> {
    let renamed = |(name, value): (&String, &Value)| {
        let name = match name.strip_prefix(PAC.0) {
            Some(rest) => format!("{}{rest}", PAC.1),
            None if PASSED_ON.iter().any(|prefix| name.starts_with(prefix)) => name.clone(),
            None => return None,
        };
        value.is_string().then(|| (name, value.clone()))
    };
    metadata.into_iter().flatten().filter_map(renamed).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn build(labels: &Value, annotations: &Value) -> Value {
        let digest = format!("sha256:{}", "1".repeat(64));
        let mut document = json!({
            "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
            "metadata": {"name": "cart-on-push-x", "labels": {"appstudio.openshift.io/component": "cart"}, "annotations": annotations},
            "status": {"startTime": "2026-08-05T10:15:30Z", "conditions": [{"type": "Succeeded", "status": "True"}], "results": [
                {"name": "IMAGE_URL", "value": "localhost:5000/shop/cart:c1\n"}, {"name": "IMAGE_DIGEST", "value": digest},
                {"name": "CHAINS-GIT_URL", "value": "https://g.example/cart"}, {"name": "CHAINS-GIT_COMMIT", "value": "c1"},
                {"name": "SHOULD_RELEASE", "value": "false"}, {"name": "LIST", "value": ["a"]}]},
        });
        for (name, value) in labels.as_object().unwrap() {
            document["metadata"]["labels"][name] = value.clone();
        }
        document
    }

    fn group(branch: &str) -> Option<String> {
        let labels = json!({"pipelinesascode.tekton.dev/event-type": "pull_request", "pipelinesascode.tekton.dev/pull-request": "7",
            "pipelinesascode.tekton.dev/url-org": "org"});
        let annotations = json!({"pipelinesascode.tekton.dev/source-branch": branch});
        Build::of_document(&build(&labels, &annotations)).unwrap().group
    }

    /// B29: a name ends before an `@`, and a branch that every repository has is of its organization.
    #[test]
    fn a_pull_request_group_has_the_name_of_its_branch() {
        for (branch, name) in [
            ("feature", "feature"),
            ("renovate/a@1.2", "renovate/a"),
            ("main", "main-org"),
            ("master", "master-org"),
            ("main@x", "main-org"),
            ("mainline", "mainline"),
        ] {
            assert_eq!(group(branch).as_deref(), Some(name), "{branch}");
        }
        assert_eq!(group(""), None);
        assert_eq!(Build::of_document(&build(&json!({}), &json!({}))).unwrap().group, None, "a push has no group");
    }

    #[test]
    fn what_led_to_a_build_is_a_push_or_a_pull_request() {
        let event = |labels: &Value, branch: &str| {
            let annotations = json!({"pipelinesascode.tekton.dev/source-branch": branch});
            Build::of_document(&build(labels, &annotations)).map(|build| build.event)
        };
        let labels = |event: &str, number: &str| json!({"pipelinesascode.tekton.dev/event-type": event, "pipelinesascode.tekton.dev/pull-request": number});
        assert_eq!(event(&json!({}), "main"), Ok(Event::Push));
        for push in ["push", "Push"] {
            assert_eq!(event(&labels(push, ""), "main"), Ok(Event::Push));
        }
        for pull_request in ["pull_request", "Merge Request", "retest-all-comment"] {
            assert_eq!(event(&labels(pull_request, "7"), "a"), Ok(Event::PullRequest(7)));
        }
        let queue = "refs/heads/gh-readonly-queue/main/pr-9-abc";
        assert_eq!(event(&labels("push", ""), queue), Ok(Event::PullRequest(9)));
        assert!(event(&labels("pull_request", "x"), "a").is_err());
        assert!(event(&labels("push", ""), "gh-readonly-queue/main/x").is_err());
    }

    #[test]
    fn a_build_has_an_image_a_source_and_a_start() {
        let found = Build::of_document(&build(&json!({"appstudio.openshift.io/version": "v1"}), &json!({}))).unwrap();
        let digest = format!("sha256:{}", "1".repeat(64));
        assert_eq!(
            (found.set.shown().as_str(), found.set.image),
            ("cart@v1", format!("localhost:5000/shop/cart:c1@{digest}"))
        );
        assert_eq!(Value::Object(found.set.git), json!({"url": "https://g.example/cart", "revision": "c1"}));
        assert_eq!(found.started, Some(1_785_924_930_000));
    }

    #[test]
    fn what_is_no_build_that_succeeded_is_refused() {
        for (at, value, says) in [
            ("/kind", json!("TaskRun"), "a build is a PipelineRun"),
            ("/status/conditions/0/status", json!("False"), "failed"),
            ("/status/conditions", json!([]), "has not ended"),
            ("/metadata/labels", json!({}), "has no label `appstudio.openshift.io/component`"),
            ("/metadata/labels/appstudio.openshift.io~1component", json!(""), "has no label"),
            ("/status/results/1/value", json!("sha256:1"), "has no image"),
            ("/status/results/0/value", json!(""), "has no image"),
        ] {
            let mut document = build(&json!({}), &json!({}));
            *document.pointer_mut(at).unwrap() = value;
            let error = Build::of_document(&document).unwrap_err().fact;
            assert!(error.contains(says), "{error}");
        }
        let test = build(&json!({"pipelines.appstudio.openshift.io/type": "test"}), &json!({}));
        assert!(Build::of_document(&test).unwrap_err().fact.contains("of the type `test`"));
        assert!(Build::of_document(&json!(["a\u{1b}"])).is_err());
    }
}
