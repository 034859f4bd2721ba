//! Jobs that nobody waits for any more are found by their keys, listed and canceled.

use serde_json::{Value, json};

use super::shop::{Adapter, OTHERS, RUST, Shop, for_each, wait_until};

/// A run that was killed while the job of its task went on.
fn killed(adapter: Adapter) -> Shop {
    let shop = Shop::new(&[adapter], &["never"], |_| {});
    let mut child = shop.spawn();
    wait_until(|| shop.jobs().iter().any(|job| job.state == "running"));
    child.kill().unwrap();
    child.wait().unwrap();
    shop
}

/// `runs orphans` with the plugins of a shop; with its files if the store is lost.
fn orphans(shop: &Shop, adapter: Adapter, with_files: bool, more: &[&str]) -> crate::fixture::CommandOutput {
    let (files, plugins) = (shop.fixture.path("resources.yaml"), shop.fixture.path("plugins.toml"));
    let files = if with_files { vec![files.as_str()] } else { Vec::new() };
    let fixed = ["--plugin", adapter.name, "--plugins", plugins.as_str(), "--dev", "--format", "json"];
    shop.assay(&[&["runs", "orphans"], files.as_slice(), &fixed, more].concat())
}

fn check(adapter: Adapter) {
    for is_lost in [true, false] {
        let shop = killed(adapter);
        if is_lost {
            fs_err::remove_dir_all(shop.fixture.path("store")).unwrap();
        }
        let about = |what: &str| format!("{} {is_lost} {what}: {:#?}", adapter.name, shop.doubles[0].requests());
        let listed = orphans(&shop, adapter, is_lost, &[]);
        assert_eq!(listed.code, 0, "{} {listed:?}", about("list"));
        let document = listed.json();
        assert_eq!(document["looked_for"], 1, "{document:#}");
        let orphan = &document["orphans"][0];
        let job = &shop.jobs()[0];
        assert_eq!(orphan["outcome"], "running", "{} {document:#}", about("list"));
        assert_eq!((orphan["task"].as_str(), orphan["scenario"].as_str()), (Some(adapter.name), Some("remote")));
        assert_eq!(orphan["key"], job.key.as_str(), "{document:#}");
        // Of some doubles, the service's number is the job's with another beginning.
        assert!(orphan["id"].as_str().unwrap().ends_with(&job.id), "{document:#}");
        assert!(job.is_open && shop.jobs().len() == 1, "{}", about("list"));
        let canceled = orphans(&shop, adapter, is_lost, &["--cancel"]);
        assert_eq!(canceled.code, 0, "{} {canceled:?}", about("cancel"));
        assert_eq!(canceled.json()["orphans"][0]["outcome"], "canceled", "{}", about("cancel"));
        let jobs = shop.jobs();
        assert!(jobs.len() == 1 && !jobs[0].is_open, "{jobs:#?}");
        let again = orphans(&shop, adapter, is_lost, &["--cancel"]);
        assert_eq!((again.code, again.json()["orphans"].as_array().unwrap().len()), (0, 0), "{again:?}");
        assert_eq!(shop.jobs().len(), 1, "{}", about("again"));
    }
}

#[test]
fn a_job_that_nobody_waits_for_is_found_by_its_key_and_canceled() {
    for_each(&RUST, |adapter| check(*adapter));
}

#[test]
#[ignore = "needs the plugins in other languages: ASSAY_PLUGINS, the folder of `cargo xtask plugins`"]
fn a_job_that_nobody_waits_for_is_found_in_another_language() {
    for_each(&OTHERS, |adapter| check(*adapter));
}

#[test]
fn a_run_without_a_job_has_no_orphan_and_none_is_made_by_looking() {
    let shop = Shop::new(&RUST, &[], |_| {});
    for adapter in RUST {
        let found = orphans(&shop, adapter, true, &[]);
        assert_eq!(found.code, 0, "{found:?}");
        assert_eq!((&found.json()["looked_for"], &found.json()["orphans"]), (&1.into(), &serde_json::json!([])));
    }
    assert!(shop.jobs().is_empty(), "{:#?}", shop.jobs());
}

#[test]
fn where_nobody_looked_nobody_says_that_there_is_no_job() {
    let remote = |params| Adapter { name: "remote-job", secret: "token", params, ..RUST[0] };
    let without_find: fn(&str) -> Value = |base| json!({"submit": format!("{base}/jobs"), "status": format!("{base}/jobs/{{id}}"), "passed": ["passed"], "failed": ["failed"]});
    for (adapter, says) in [
        (remote(|base| json!({"url": base})), "does not look for its job before it makes one: POST http://127.0.0.1:"),
        (remote(|base| json!({"url": base, "search": "true"})), "that was not sent: POST http://127.0.0.1:"),
        (Adapter { params: without_find, ..RUST[0] }, "does not look for its job before it makes one: POST"),
    ] {
        let shop = Shop::new(&[adapter], &[], |_| {});
        if adapter.name == "remote-job" {
            shop.edit("resources.yaml", r#",{"name":"poll-seconds","value":"1"}"#, "");
        }
        let found = orphans(&shop, adapter, true, &[]);
        let message = found.json()["unknown"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(says) && message.contains("look at the service for the key "), "{message}");
        assert_eq!((found.code, shop.jobs().len()), (3, 0), "{found:?}");
    }
}

#[test]
fn what_cannot_be_looked_for_is_said() {
    let adapter = RUST[0];
    let shop = Shop::new(&[adapter], &["expired"], |_| {});
    let found = orphans(&shop, adapter, true, &[]);
    assert_eq!(found.code, 3, "{found:?}");
    let message = found.json()["unknown"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("secret `job`"), "{message}");
    orphans(&shop, adapter, false, &[]).expect(2, "there is no store");
    let other = Adapter { name: "absent", ..adapter };
    orphans(&shop, other, true, &[]).expect(2, "no task of the run calls the plugin `absent`");
}
