//! A run with three adapters that is killed again and again ends as one that was not.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::shop::{GITHUB, GITLAB, HTTP_JOB, Shop, wait_until};

/// How often the run is killed. Fewer times than what makes a task an error in a row.
const KILLS: u64 = 12;

#[test]
fn a_run_with_three_adapters_that_is_killed_again_and_again_submits_each_job_once() {
    let shop = Shop::new(&[HTTP_JOB, GITHUB, GITLAB], &[], |options| options.polls = 8);
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..KILLS {
        let mut child = shop.spawn();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::park_timeout(Duration::from_millis(150 + (seed >> 33) % 1_500));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let ended = shop.run();
    ended.output.expect(0, "");
    for task in ended.document["scenarios"][0]["tasks"].as_array().unwrap() {
        assert_eq!(task["state"], "passed", "{task:#}");
    }
    let jobs = shop.jobs();
    assert_eq!(jobs.len(), 3, "{jobs:#?}");
    assert!(jobs.iter().all(|job| !job.is_open), "{jobs:#?}");
}

#[test]
fn a_run_that_is_superseded_or_over_its_time_cancels_its_jobs() {
    let shop = Shop::new(&[HTTP_JOB, GITLAB], &["never"], |_| {});
    let metadata = json!({"name": "remote", "annotations": {"test.appstudio.openshift.io/pipeline_timeout": "9s"}});
    shop.edit("resources.yaml", "\"metadata\":{\"name\":\"remote\"}", &format!("\"metadata\":{metadata}"));
    let ended = shop.run();
    for task in ended.document["scenarios"][0]["tasks"].as_array().unwrap() {
        assert_eq!(task["state"], "timed-out", "{task:#}");
    }
    let jobs = shop.jobs();
    assert!(jobs.len() == 2 && jobs.iter().all(|job| job.state == "canceled"), "{jobs:#?}");
}

#[test]
fn no_more_jobs_are_with_a_service_than_it_has_tokens() {
    let shop = Shop::new(&[HTTP_JOB, GITLAB], &[], |options| options.polls = 3);
    for plugin in ["http-job", "gitlab-pipeline"] {
        shop.edit(
            "plugins.toml",
            &format!("[plugin.{plugin}]\n"),
            &format!("[plugin.{plugin}]\ngroup = 'farm'\nmax = 1\n"),
        );
    }
    let ended = shop.run();
    ended.output.expect(0, "");
    // With one token for both, the second job was made when the first had been collected.
    let kinds: Vec<usize> = shop.doubles.iter().map(|double| double.requests().len()).collect();
    assert!(kinds.iter().all(|count| *count > 3), "{kinds:?}");
    let mut spans = Vec::new();
    for task in ended.document["scenarios"][0]["tasks"].as_array().unwrap() {
        let attempts = task["attempts"].as_array().unwrap();
        let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
        spans.push((time(&attempts.first().unwrap()["started"]), time(&task["since"])));
    }
    spans.sort();
    assert!(spans[0].1 <= spans[1].0, "{spans:?}");
}

/// P17: a service that does one thing at a time, such as the builds of index images. Every task that waits says for what, and
/// how many were before it.
#[test]
fn a_service_with_one_place_gets_one_job_at_a_time_and_none_twice_after_a_crash() {
    const TASKS: usize = 20;
    let shop = Shop::new(&[HTTP_JOB], &[], |options| options.polls = 0);
    shop.repeat_task(TASKS);
    shop.edit("plugins.toml", "[plugin.http-job]\n", "[plugin.http-job]\ngroup = 'index-images'\nmax = 1\n");
    let most_open = || shop.jobs().iter().filter(|job| job.is_open).count();
    let mut most = 0;
    let mut child = shop.spawn();
    wait_until(|| {
        most = most.max(most_open());
        shop.jobs().len() > 1
    });
    // Those that wait say what for.
    let id = shop.id().unwrap();
    let document = shop.assay(&["runs", "show", &id, "--format", "json"]).json();
    let tasks = document["scenarios"][0]["tasks"].as_array().unwrap();
    let places: std::collections::BTreeSet<usize> = tasks
        .iter()
        .filter(|task| task["state"] == "queued" && task["cause"]["code"] == "service-full")
        .map(|task| {
            let message = task["cause"]["message"].as_str().unwrap();
            assert!(message.starts_with("the service `index-images` has 1 jobs already"), "{message}");
            let before = message.rsplit("; ").next().and_then(|place| place.split(' ').next()).unwrap();
            before.parse().unwrap_or_default()
        })
        .collect();
    // Two at most have started, and each of the others has another place.
    assert!(places.len() >= TASKS - 3 && places.last() == Some(&(TASKS - 2)), "{places:?} {document:#}");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = shop.spawn();
    wait_until(|| {
        most = most.max(most_open());
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(most, 1);
    let document = shop.assay(&["runs", "show", &id, "--format", "json"]).json();
    assert_eq!(document["verdict"], "allowed", "{document:#}");
    let keys: std::collections::BTreeSet<String> = shop.jobs().into_iter().map(|job| job.key).collect();
    assert_eq!((shop.jobs().len(), keys.len()), (TASKS, TASKS), "{:#?}", shop.jobs());
}
