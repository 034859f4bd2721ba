//! The example shop as a run: from builds to a verdict, offline, with the command of the README.

use serde_json::{Value, json};

use crate::{
    fixture::{CommandOutput, Fixture, assay, command, guest},
    tidy::root,
};

const RUN: &str = "run examples/shop --plugins examples/shop/plugins.toml --dev";

fn run(fixture: &Fixture, more: &[&str]) -> CommandOutput {
    let store = fixture.path("store").to_string();
    let fixed: Vec<&str> = RUN.split(' ').collect();
    let arguments = [&fixed[..], &["--store", &store], more].concat();
    CommandOutput::of(&command(&arguments).current_dir(root()).output().unwrap())
}

fn runs(fixture: &Fixture, arguments: &[&str]) -> CommandOutput {
    let store = fixture.path("store").to_string();
    assay(&[&["runs"], arguments, &["--store", &store]].concat())
}

#[test]
fn the_readme_has_the_command_of_the_example() {
    for (file, program) in [("README.md", "$ assay "), ("examples/shop/README.md", "-p assay -- ")] {
        let text = fs_err::read_to_string(root().join(file)).unwrap();
        assert!(text.contains(&format!("{program}{RUN}\n")), "{file} has no `{RUN}`");
    }
}

#[test]
fn the_example_goes_from_builds_to_a_verdict_offline() {
    let fixture = Fixture::empty();
    let (junit, output) = (fixture.path("junit.xml"), fixture.path("test-output.json"));
    let (events, all) = (fixture.path("events.jsonl"), fixture.path("run.json"));
    let outputs =
        [format!("junit={junit}"), format!("appstudio={output}"), format!("jsonl={events}"), format!("json={all}")];
    let more: Vec<&str> = outputs.iter().flat_map(|output| ["--output", output.as_str()]).collect();
    run(&fixture, &more).expect(0, "verdict allowed");
    let list = runs(&fixture, &["list", "--format", "json"]).json();
    let id = list["runs"][0]["id"].as_str().unwrap();
    let show = runs(&fixture, &["show", id, "--format", "json"]).json();
    let scenarios: Vec<_> = show["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scenario| (scenario["name"].as_str().unwrap(), scenario["state"].as_str().unwrap()))
        .collect();
    let want = [
        ("ec", "passed"),
        ("production", "failed"),
        ("registries", "passed"),
        ("report", "passed"),
        ("sources", "passed"),
    ];
    assert_eq!(scenarios, want);
    let part = |name: &str| show["scenarios"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    let verify = &part("ec")["tasks"][0];
    let test_output: Value = serde_json::from_str(verify["results"]["TEST_OUTPUT"].as_str().unwrap()).unwrap();
    assert_eq!((&test_output["result"], &test_output["failures"]), (&json!("SUCCESS"), &json!(0)));
    assert!(test_output["successes"].as_u64().unwrap() > 50, "{test_output}");
    let files: Vec<_> =
        verify["artifacts"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(files, ["report.json", "report.xml"]);
    runs(&fixture, &["logs", id, "--task", "ec/verify"]).expect(0, "All 5 components passed");
    let report: Vec<_> =
        part("report")["tasks"].as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap()).collect();
    assert_eq!(report, ["summary-0", "summary-1", "status"]);
    // What the reports say follows the verdict: the optional scenario fails nothing.
    let text = fs_err::read_to_string(&junit).unwrap();
    let head = text.split('>').find(|tag| tag.contains("<testsuites ")).unwrap();
    assert!(head.contains("failures=\"0\" errors=\"0\""), "{head}");
    assert_eq!(text.matches("<testsuite ").count(), 5);
    let whole: Value = serde_json::from_str(&fs_err::read_to_string(&output).unwrap()).unwrap();
    let counts = ["result", "successes", "failures", "warnings"].map(|name| &whole[name]);
    assert_eq!(counts, [&json!("SUCCESS"), &json!(4), &json!(0), &json!(0)]);
    let lines = fs_err::read_to_string(&events).unwrap();
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["change"]["ended"]["verdict"], "allowed");
    let document: Value = serde_json::from_str(&fs_err::read_to_string(&all).unwrap()).unwrap();
    assert_eq!(document, show);
}

#[test]
fn the_task_ec_denies_what_validate_image_denies_and_looks_at_the_components_that_are_wanted() {
    let folder = Fixture::empty();
    for file in ["components.yaml", "group.yaml", "pipelines.yaml"] {
        let text = fs_err::read_to_string(root().join("examples/shop/konflux").join(file)).unwrap();
        folder.file(&format!("shop/{file}"), &text);
    }
    let policy = fs_err::read_to_string(root().join("examples/shop/policy.yaml")).unwrap();
    // No registry that base images may come from.
    let strict = policy.replace("task_expiry_warning_days: 14", "allowed_registry_prefixes: [none.example/]");
    assert_ne!(policy, strict);
    folder.file("shop/policy.yaml", &strict);
    let scenarios = fs_err::read_to_string(root().join("examples/shop/konflux/scenarios.yaml")).unwrap();
    let ec = scenarios.split("---\n").next().unwrap();
    let with = |more: &str| {
        let pipeline = fs_err::read_to_string(root().join("examples/shop/konflux/pipelines.yaml")).unwrap();
        let extra = format!("    - {{name: EVIDENCE, value: $(params.EVIDENCE)}}\n{more}");
        folder.file(
            "shop/pipelines.yaml",
            &pipeline.replace("    - {name: EVIDENCE, value: $(params.EVIDENCE)}\n", &extra),
        );
        folder.file("shop/scenarios.yaml", ec);
        let store = folder.path(&format!("store-{}", more.len()));
        let arguments =
            ["run", folder.path("shop").as_str(), "--scenario", "ec", "--store", store.as_str()].map(str::to_owned);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = CommandOutput::of(
            &command(&[&arguments[..], &["--changed", "cart"]].concat()).current_dir(root()).output().unwrap(),
        );
        let list = assay(&["runs", "list", "--format", "json", "--store", store.as_str()]);
        (output, list.code == 0)
    };
    let (output, _) = with("");
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.out.contains("violations in cart, ") && output.out.contains(", payments"), "{output:?}");
    let (output, _) = with("    - {name: SINGLE_COMPONENT, value: 'true'}\n");
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.out.contains("violations in cart") && !output.out.contains(", payments"), "{output:?}");
    let (output, _) = with("    - {name: STRICT, value: 'false'}\n");
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.out.contains("warned"), "{output:?}");
    let (output, is_recorded) = with("    - {name: POLICY, value: x}\n");
    output.expect(2, "has no parameter `POLICY`");
    assert!(!is_recorded, "nothing was started");
    let (output, _) = with("    - {name: COMPONENTS, value: 'cart,nothing'}\n");
    output.expect(3, "the Snapshot has no component `nothing`");
}

#[test]
fn the_committed_tasks_behave_as_those_built_from_their_source() {
    let committed = fs_err::read(root().join("examples/shop-tests.wasm")).unwrap();
    assert!(committed.len() < 256 << 10, "{}", committed.len());
    let fixture = Fixture::empty();
    let built = guest("shop_tests");
    let list: String =
        ["sources", "registries", "summary"].map(|name| format!("[plugin.{name}]\nfile = '{built}'\n")).concat();
    let list = fixture.file("plugins.toml", &list);
    let store = fixture.path("fresh").to_string();
    let arguments = ["run", "examples/shop", "--plugins", list.as_str(), "--dev", "--store", &store];
    let fresh = CommandOutput::of(&command(&arguments).current_dir(root()).output().unwrap());
    let shown = |output: &CommandOutput| {
        // All but the ID of the run, which depends on the digests.
        output.out.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let committed = run(&fixture, &[]);
    assert_eq!((fresh.code, shown(&fresh)), (committed.code, shown(&committed)));
}
