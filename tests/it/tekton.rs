//! The commands that Conforma's two Tekton tasks run, and what their later steps do with the files.
//!
//! The tasks are `verify-enterprise-contract` and `verify-conforma-konflux-ta`, here with `IGNORE_REKOR=true`, without
//! a TUF mirror; what they attest is in `vsa.rs`. Parameters that a pipeline omits arrive as empty strings.

use camino::Utf8PathBuf;
use serde_json::{Value, json};

use crate::{
    fixture::{CommandOutput, Fixture, component, ec_command},
    registry::Registry,
};

/// What the two tasks differ in.
#[derive(Clone, Copy)]
struct Task {
    workers: &'static str,
    info: &'static str,
    extra: &'static [&'static str],
}

const TASKS: [Task; 2] = [
    Task { workers: "1", info: "true", extra: &[] },
    // Without attestations it passes none of their flags; some pipelines pass them empty.
    Task {
        workers: "4",
        info: "true",
        extra: &["--vsa=false", "--vsa-upload=", "--vsa-signing-key=", "--vsa-expiration=0"],
    },
];

struct Step {
    output: CommandOutput,
    home: Utf8PathBuf,
}

impl Step {
    fn file(&self, name: &str) -> String {
        fs_err::read_to_string(self.home.join(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.file(name)).unwrap()
    }

    /// The step `assert`: `jq -e '.result == "SUCCESS" or .result == "WARNING" or ($strict | not)'`.
    fn asserted(&self, strict: bool) -> bool {
        let result = self.json("TEST_OUTPUT")["result"].clone();
        result == "SUCCESS" || result == "WARNING" || !strict
    }
}

/// The step `validate`, with the Snapshot and the policy where the steps before it put them.
fn validate(task: Task, fixture: &Fixture, registry: &Registry, run: &str) -> Step {
    fixture.layout.write(&fixture.path("oci")).unwrap();
    registry.push_layout(fixture.path("oci").as_std_path());
    let home = fixture.path(run);
    fixture.file(&format!("{run}/snapshot.json"), &fixture.snapshot(&registry.host()));
    fixture.file(&format!("{run}/policy.yaml"), &fixture.policy());
    let given = |flag: &str, value: &str| format!("--{flag}={value}");
    let at = |name: &str| home.join(name).to_string();
    let mut arguments = vec![
        "validate".to_owned(),
        "image".to_owned(),
        given("images", &at("snapshot.json")),
        given("policy", &at("policy.yaml")),
        given("public-key", fixture.path("key.pub").as_str()),
        given("ignore-rekor", "true"),
        given("rekor-url", ""),
        given("workers", task.workers),
        given("info", task.info),
        given("timeout", "0"),
        given("strict", "false"),
        given("show-successes", "true"),
        given("show-policy-docs-link", "true"),
        given("effective-time", "now"),
        given("allow-past-effective-time", "false"),
        given("extra-rule-data", ""),
        given("retry-max-wait", "3s"),
        given("retry-max-retry", "3"),
        given("retry-duration", "1s"),
        given("retry-factor", "2.0"),
        given("retry-jitter", "0.1"),
        given("output", &format!("text={}?show-successes=false", at("text-report.txt"))),
        given("output", &format!("json={}", at("report-json.json"))),
        given("output", &format!("appstudio={}", at("TEST_OUTPUT"))),
    ];
    arguments.extend(task.extra.iter().map(|flag| (*flag).to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = ec_command(&home, &arguments);
    command.env("HOME", &home).env("EC_USE_OPA", "").env("SSL_CERT_DIR", "/tekton-custom-certs:/etc/ssl/certs:");
    Step { output: CommandOutput::of(&command.output().unwrap()), home }
}

#[test]
fn both_tasks_validate_a_good_application() {
    for (task, run) in TASKS.into_iter().zip(["first", "second"]) {
        let (fixture, registry) = (Fixture::good(), Registry::start());
        let step = validate(task, &fixture, &registry, run);
        step.output.expect(0, "");
        assert_eq!(step.output.out, "");
        // The steps `report-json` and `show-config`.
        let report = step.json("report-json.json");
        assert_eq!(report["success"], json!(true));
        assert_eq!(report["key"], json!(fixture.key.public_pem().unwrap()));
        assert_eq!(report["policy"]["publicKey"], json!(fixture.path("key.pub")));
        assert!(report["effective-time"].as_str().unwrap().ends_with('Z'));
        // With `--info` titles are there, and successes are listed.
        let titles = component(&report, "good")["successes"].as_array().unwrap();
        assert!(titles.iter().any(|finding| finding["metadata"]["title"] == "Not bad"), "{report}");
        // The steps `summary`, `detailed-report` and `assert`.
        assert_eq!(step.json("TEST_OUTPUT")["failures"], json!(0));
        let text = step.file("text-report.txt");
        assert!(text.contains("Success: true") && !text.contains("Not bad"), "{text}");
        assert!(step.asserted(true));
    }
}

#[test]
fn both_tasks_go_on_past_a_violation_and_an_unreachable_image_and_fail_in_their_last_step() {
    for (task, run) in TASKS.into_iter().zip(["first", "second"]) {
        let (mut fixture, registry) = (Fixture::good(), Registry::start());
        fixture.image("bad", &[("bad", "yes")]);
        fixture.components.push(("lost".to_owned(), "app/lost:1".to_owned()));
        let step = validate(task, &fixture, &registry, run);
        // Not strict: the step itself succeeds, so that the later ones run.
        step.output.expect(0, "");
        let report = step.json("report-json.json");
        assert_eq!(report["success"], json!(false));
        assert_eq!(component(&report, "good")["success"], json!(true));
        assert_eq!(component(&report, "bad")["violations"][0]["metadata"]["code"], json!("main.bad"));
        let lost = component(&report, "lost");
        let message = format!(
            "Image URL is not accessible: HEAD http://{}/v2/app/lost/manifests/1: unexpected status code 404 Not Found \
             (HEAD responses have no body, use GET for details)",
            registry.host()
        );
        assert_eq!(lost["violations"][0]["msg"], json!(message));
        assert_eq!(lost["containerImage"], json!(format!("{}/app/lost:1", registry.host())));
        assert_eq!(step.json("TEST_OUTPUT")["result"], json!("FAILURE"));
        assert!(!step.asserted(true) && step.asserted(false));
        assert!(step.file("text-report.txt").contains("main.bad"));
    }
}
