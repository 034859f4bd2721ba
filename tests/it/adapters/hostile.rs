//! Services that answer nonsense, and secrets that must not appear.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;

use super::shop::{Adapter, HTTP_JOB, OTHERS, RUST, SECRET, Shop, TESTING_FARM, for_each};

struct Case {
    fault: &'static str,
    state: &'static str,
    says: &'static [&'static str],
}

const CASES: [Case; 6] = [
    Case { fault: "html", state: "error", says: &["GET http://127.0.0.1", "<title>Sign in"] },
    Case { fault: "error-inside", state: "error", says: &["GET http://127.0.0.1", "the database is away"] },
    Case { fault: "other-tenant", state: "error", says: &["GET http://127.0.0.1", "answered "] },
    Case { fault: "redirect", state: "error", says: &["a redirect to `http://169.254.169.254/", "not followed"] },
    Case { fault: "entity-bomb", state: "passed", says: &[] },
    Case { fault: "many-cases", state: "passed", says: &[] },
];

/// IDs that lead elsewhere are put into no URL.
#[test]
fn an_id_with_slashes_is_refused_and_requested_nowhere() {
    for_each(&[HTTP_JOB, TESTING_FARM], |adapter| {
        let shop = Shop::new(&[*adapter], &["slash-id"], |_| {});
        let ended = shop.run();
        let task = ended.task();
        assert_eq!(task["state"], "error", "{task:#}");
        let message = task["cause"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("the job `../") && message.contains("no ID that a URL can have"), "{message}");
        let requests = shop.doubles[0].requests();
        let path = |request: &serde_json::Value| format!("{}?{}", request["path"], request["query"]);
        assert!(requests.iter().all(|request| !path(request).contains("..")), "{requests:#?}");
    });
}

/// A state that nobody has heard of, and a queue that never moves, end with the time limit of the scenario.
#[test]
fn a_job_that_never_gets_anywhere_ends_with_the_time_limit_and_is_canceled() {
    let all: Vec<(Adapter, &str)> =
        RUST.iter().flat_map(|adapter| ["unknown-state", "queued-for-ever"].map(|fault| (*adapter, fault))).collect();
    for_each(&all, |(adapter, fault)| {
        let shop = Shop::new(&[*adapter], &[fault], |_| {});
        let metadata = json!({"name": "remote", "annotations": {"test.appstudio.openshift.io/pipeline_timeout": "8s"}});
        shop.edit("resources.yaml", "\"metadata\":{\"name\":\"remote\"}", &format!("\"metadata\":{metadata}"));
        let ended = shop.run();
        let (task, jobs) = (ended.task(), shop.jobs());
        assert_eq!(task["state"], "timed-out", "{} {fault}: {task:#}", adapter.name);
        assert!(jobs.len() == 1 && !jobs[0].is_open, "{} {fault}: {jobs:#?}", adapter.name);
        let native = task["remote"]["native"].as_str().unwrap_or_default();
        assert!(!native.is_empty(), "the service's own word is kept: {task:#}");
    });
    // Where the plugin has a limit of its own.
    let shop = Shop::new(&[HTTP_JOB], &["unknown-state"], |_| {});
    let (before, after) = (json!({"name": "poll-seconds"}), json!({"name": "wait-minutes", "value": 0}));
    let before = before.to_string().trim_end_matches('}').to_owned();
    shop.edit("resources.yaml", &before, &format!("{after},{before}"));
    let ended = shop.run();
    let task = ended.task();
    assert_eq!(task["state"], "error", "{task:#}");
    assert!(task.to_string().contains("`levitating` is in neither `passed` nor `failed`"), "{task:#}");
}

fn check(adapter: Adapter, case: &Case) {
    let shop = Shop::new(&[adapter], &[case.fault], |_| {});
    let ended = shop.run();
    let task = ended.task();
    let about = || format!("{} {}: {task:#} {:?}", adapter.name, case.fault, ended.output);
    // A debug build on a busy machine may not read a million cases within the limits of the plugin, of which the error names one.
    let code = task["cause"]["code"].as_str().unwrap_or_default();
    if case.fault == "many-cases" && ["plugin-cpu-limit", "plugin-time-limit"].contains(&code) {
        return;
    }
    // Jenkins gives its report as JSON, which as a whole is more than a response may have.
    let message = task["cause"]["message"].as_str().unwrap_or_default();
    if case.fault == "many-cases" && adapter.name == "jenkins" {
        assert!(message.contains("/testReport/api/json") && message.contains("is too large"), "{}", about());
        return;
    }
    // A page for deck is one that has no fields of a job.
    assert_eq!(task["state"], case.state, "{}", about());
    if adapter.name != "prow" {
        assert!(case.says.iter().all(|says| message.contains(says)), "{}", about());
    }
    assert!(message.len() < 1_500, "{}", about());
}

fn check_all(adapters: &[Adapter]) {
    let all: Vec<(Adapter, &Case)> =
        adapters.iter().flat_map(|adapter| CASES.iter().map(move |case| (*adapter, case))).collect();
    for_each(&all, |(adapter, case)| check(*adapter, case));
}

#[test]
fn nonsense_of_a_service_ends_in_an_error_that_names_the_request_and_what_came_back() {
    check_all(&RUST);
}

#[test]
#[ignore = "needs the plugins in other languages: ASSAY_PLUGINS, the folder of `cargo xtask plugins`"]
fn nonsense_of_a_service_ends_in_an_error_in_another_language() {
    check_all(&OTHERS);
}

/// The ways in which a secret could be written.
fn forms() -> Vec<Vec<u8>> {
    let json = serde_json::to_string(SECRET).unwrap();
    let escaped: String = SECRET.chars().map(|one| format!("\\u{:04x}", u32::from(one))).collect();
    let url: String = SECRET
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let texts = [SECRET.to_owned(), json.trim_matches('"').to_owned(), escaped, url.clone(), url.to_lowercase()];
    // In base64 the first and last characters depend on what stands around it, and all on how many bytes stand before it.
    let shifted = (0..3).flat_map(|before| {
        let text = format!("{}{SECRET}", "x".repeat(before));
        [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)]
            .map(|text| text.chars().skip(4).take(text.len() - 8).collect())
    });
    texts.into_iter().chain(shifted).map(String::into_bytes).collect()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn check_secret(adapter: Adapter) {
    let shop = Shop::new(&[adapter], &["echo"], |_| {});
    let report = format!("junit={}", shop.fixture.path("junit.xml"));
    let trace = shop.fixture.path("trace.log");
    let ended = shop.run_with(&["--trace", "--logfile", trace.as_str(), "--output", report.as_str()]);
    let mut places = vec![
        ("trace".to_owned(), fs_err::read(&trace).unwrap()),
        ("report".to_owned(), fs_err::read(shop.fixture.path("junit.xml")).unwrap()),
        ("output".to_owned(), ended.output.out.clone().into_bytes()),
        ("errors".to_owned(), ended.output.err.clone().into_bytes()),
    ];
    let id = shop.id().unwrap();
    for command in [&["runs", "show", &id, "--format", "json"][..], &["runs", "explain", &id], &["runs", "logs", &id]] {
        let output = shop.assay(command);
        places.push((command.join(" "), [output.out, output.err].concat().into_bytes()));
    }
    let mut folders = vec![shop.fixture.path("store")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                folders.push(entry.path().to_owned());
            } else {
                places.push((entry.path().to_string(), fs_err::read(entry.path()).unwrap()));
            }
        }
    }
    assert!(places.len() > 6, "{places:?}");
    for (place, bytes) in &places {
        for form in forms() {
            assert!(!holds(bytes, &form), "{} has the secret in {place}", adapter.name);
        }
    }
    // It did reach the service.
    assert!(shop.doubles[0].requests().iter().any(|request| request["has_credential"] == true));
}

#[test]
fn a_secret_that_a_service_echoes_is_in_no_file_log_or_report() {
    for_each(&RUST, |adapter| check_secret(*adapter));
}

#[test]
#[ignore = "needs the plugins in other languages: ASSAY_PLUGINS, the folder of `cargo xtask plugins`"]
fn a_secret_that_a_service_echoes_is_nowhere_in_another_language() {
    for_each(&OTHERS, |adapter| check_secret(*adapter));
}
