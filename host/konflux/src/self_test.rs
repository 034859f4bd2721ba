//! [`of_change`]: a pull request that changes its own test is tested by what it changes.

use assay_model::snapshot::Snapshot;
use serde_json::Value;

use crate::{labels, matching::SnapshotFacts, resource::ResolverRef};

const REPO_URL: &str = "pac.test.appstudio.openshift.io/repo-url";
const BRANCH: &str = "pac.test.appstudio.openshift.io/branch";
const SOURCE_REPO_URL: &str = "pac.test.appstudio.openshift.io/source-repo-url";
const SHA: &str = "pac.test.appstudio.openshift.io/sha";

/// The reference to a scenario's pipeline for this Snapshot. Where the Snapshot is of a pull request into the repository and
/// branch that the reference names, it is the pull request's repository and commit, as in Konflux; else it stays.
#[must_use]
pub fn of_change(reference: &ResolverRef, snapshot: &Snapshot) -> ResolverRef {
    let mut changed = reference.clone();
    if reference.resolver != "git" || SnapshotFacts::of(snapshot).is_push {
        return changed;
    }
    let part = |field: &str| snapshot.metadata.get(field).and_then(Value::as_object);
    let text = |name: &str| {
        let found = labels::find(part("annotations"), name).or_else(|| labels::find(part("labels"), name));
        found.map_or("", |(_, text)| text)
    };
    let plain = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_owned();
    let (target, branch, sha) = (text(REPO_URL), text(BRANCH), text(SHA));
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    let is_own = reference.param("url").is_some_and(|url| !target.is_empty() && plain(url) == plain(target))
        && reference.param("revision").is_some_and(|revision| !branch.is_empty() && revision == branch);
    if !is_own || sha.is_empty() {
        return changed;
    }
    let source = Some(text(SOURCE_REPO_URL)).filter(|url| !url.is_empty()).unwrap_or(target);
    for (name, value) in &mut changed.params {
        match name.as_str() {
            "url" => source.clone_into(value),
            "revision" => sha.clone_into(value),
            _ => {}
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(event: &str, source: &str) -> Snapshot {
        let document = json!({
            "apiVersion": "appstudio.redhat.com/v1alpha1",
            "kind": "Snapshot",
            "metadata": {
                "name": "s",
                "labels": {
                    "pac.test.appstudio.openshift.io/event-type": event,
                    "pac.test.appstudio.openshift.io/pull-request": "7",
                    "pac.test.appstudio.openshift.io/sha": "4c1f9e2",
                },
                "annotations": {
                    "pac.test.appstudio.openshift.io/repo-url": "https://git.example/shop/cart",
                    "pac.test.appstudio.openshift.io/branch": "refs/heads/main",
                    "pac.test.appstudio.openshift.io/source-repo-url": source,
                },
            },
            "spec": {"application": "shop", "components": [{"name": "cart", "containerImage": "r.example/cart:1"}]},
        });
        Snapshot::parse(&document.to_string()).unwrap()
    }

    fn reference(resolver: &str, url: &str, revision: &str) -> ResolverRef {
        let params = [("url", url), ("revision", revision), ("pathInRepo", "it.yaml")];
        ResolverRef {
            resolver: resolver.to_owned(),
            is_pipeline_run: false,
            params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        }
    }

    /// B38.
    #[test]
    fn a_pull_request_that_changes_its_test_is_tested_by_the_change_and_no_other_one_is() {
        let own = "https://git.example/shop/cart";
        let fork = "https://git.example/someone/cart";
        let of = |resolver: &str, url: &str, revision: &str, event: &str, source: &str| {
            let found = of_change(&reference(resolver, url, revision), &snapshot(event, source));
            assert_eq!(found.param("pathInRepo"), Some("it.yaml"));
            [found.param("url").unwrap().to_owned(), found.param("revision").unwrap().to_owned()]
        };
        let pair = |url: &str, revision: &str| [url.to_owned(), revision.to_owned()];
        assert_eq!(of("git", own, "main", "pull_request", fork), pair(fork, "4c1f9e2"));
        let with_ending = format!("{own}.git");
        assert_eq!(of("git", &with_ending, "main", "pull_request", ""), pair(own, "4c1f9e2"));
        for (resolver, url, revision, event) in [
            ("git", own, "v1", "pull_request"),
            ("git", "https://git.example/shop/tests", "main", "pull_request"),
            ("git", own, "main", "push"),
            ("cluster", own, "main", "pull_request"),
        ] {
            assert_eq!(of(resolver, url, revision, event, fork), pair(url, revision), "{resolver} {url} {event}");
        }
    }
}
