//! `test`, `compare` and `track bundle` as a user meets them.

use assay_model::digest::Digest;
use serde_json::json;

use crate::{
    fixture::{CommandOutput, Fixture},
    registry::Registry,
    sources::{Repository, assay_in},
};

const RULES: &str = "package main\n\ndeny contains \"bad\" if input.bad\n\nwarn contains \"odd\" if input.odd\n\nwarn_x contains \
                     \"silenced\"\n\nexception contains [\"x\"] if input.quiet\n";

fn fixture() -> Fixture {
    let fixture = Fixture::empty();
    fixture.file("rules/main.rego", RULES);
    fixture.file("other.rego", "package other\n\ndeny contains data.reason if input.bad\n");
    fixture.file("data/reason.yaml", "reason: because\n");
    fixture.file("empty.rego", "package main\n\nx := 1\n");
    fixture.file("in/good.json", "{\"quiet\": true}");
    fixture.file("in/bad.yaml", "bad: true\nquiet: true\n---\nodd: true\nquiet: true\n");
    fixture.file("in/broken.txt", "no document");
    fixture
}

fn test(fixture: &Fixture, arguments: &[&str]) -> CommandOutput {
    let path = |text: &str| text.replace("@", fixture.path("").as_str());
    let arguments: Vec<String> = ["test"].iter().chain(arguments).map(|text| path(text)).collect();
    assay_in(fixture, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn rules_are_evaluated_as_conftest_evaluates_them() {
    let fixture = fixture();
    let output = test(&fixture, &["-p", "@rules", "@in/good.json"]);
    let want = "EXCP - GOOD - main - data.main.exception[_][_] == \"x\"\n\n3 tests, 2 passed, 0 warnings, 0 failures, 1 exception\n";
    assert_eq!((output.code, output.out), (0, want.replace("GOOD", fixture.path("in/good.json").as_str())));

    let output = test(&fixture, &["-p", "@rules", "@in", "-o", "json"]);
    let query = |rule: &str| json!({"query": format!("data.main.{rule}")});
    let excepted = json!({"msg": "data.main.exception[_][_] == \"x\""});
    let want = json!([
        {"filename": fixture.path("in/bad.yaml"), "namespace": "main", "successes": 2,
            "warnings": [{"msg": "odd", "metadata": query("warn")}], "failures": [{"msg": "bad", "metadata": query("deny")}],
            "exceptions": [excepted, excepted]},
        {"filename": fixture.path("in/good.json"), "namespace": "main", "successes": 2, "exceptions": [excepted]},
    ]);
    assert_eq!((output.code, output.json()), (1, want));

    let both = test(
        &fixture,
        &["-p", "@rules", "-p", "@other.rego", "-d", "@data", "--all-namespaces", "@in/bad.yaml", "-o", "json"],
    );
    assert_eq!(both.json()[1]["failures"][0]["msg"], "because", "{both:?}");
    let combined = test(&fixture, &["-p", "@rules", "--combine", "@in", "-o", "json"]).json();
    assert_eq!(combined[0]["filename"], "Combined");

    fixture.file("wrong.rego", "package main\n\ndeny if input.bad\n");
    test(&fixture, &["-p", "@wrong.rego", "@in/bad.yaml"]).expect(2, "is a boolean");
}

#[test]
fn the_exit_codes_are_those_of_conftest() {
    let fixture = fixture();
    fixture.file("in/odd.json", "{\"odd\": true, \"quiet\": true}");
    for (arguments, code) in [
        (&["@in/good.json"][..], 0),
        (&["@in/odd.json"], 0),
        (&["@in/bad.yaml"], 1),
        (&["@in/odd.json", "--fail-on-warn"], 1),
        (&["@in/bad.yaml", "--fail-on-warn"], 2),
        (&["@in/bad.yaml", "--fail-on-warn", "--no-fail"], 0),
    ] {
        let output = test(&fixture, &[&["-p", "@rules"], arguments].concat());
        assert_eq!(output.code, code, "{arguments:?}: {output:?}");
    }
    assert_eq!(test(&fixture, &["-p", "@rules", "@in/good.json", "--quiet"]).out, "");
}

#[test]
fn an_error_is_a_result_of_its_own_for_konflux() {
    let fixture = fixture();
    let says = "running test: load: loading policies: load: 1 error occurred during loading: stat none.rego: no such file or directory";
    let output = test(&fixture, &["-p", "none.rego", "@in/good.json", "-o", "appstudio"]);
    assert_eq!(output.json()["result"], "ERROR");
    assert_eq!(output.json()["note"], format!("Error: {says}"));
    output.expect(2, says);
    assert_eq!(test(&fixture, &["-p", "none.rego", "@in/good.json", "-o", "appstudio", "--no-fail"]).code, 0);
    test(&fixture, &["-p", "none.rego", "@in/good.json"]).expect(2, says);
    let skipped = test(&fixture, &["-p", "@empty.rego", "@in/good.json", "-o", "appstudio", "--allow-empty"]);
    assert_eq!((skipped.code, skipped.json()["result"].clone()), (0, json!("SKIPPED")), "{skipped:?}");
    let file = format!("appstudio={}", fixture.path("result.json"));
    test(&fixture, &["-p", "@rules", "@in/bad.yaml", "-o", &file]).expect(1, "");
    assert!(fs_err::read_to_string(fixture.path("result.json")).unwrap().contains("\"result\":\"FAILURE\""));
}

#[test]
fn what_conftest_has_and_assay_has_not_is_an_error() {
    let fixture = fixture();
    for (flag, says) in [
        ("--capabilities=x", "--capabilities"),
        ("--rego-version=v2", "neither v0 nor v1"),
        ("--parser=cue", "--parser cue"),
        ("--ignore=(", "not a regular expression"),
        ("--output=xml", "known are stdout, json"),
    ] {
        test(&fixture, &["-p", "@rules", "@in/good.json", flag]).expect(2, says);
    }
    test(&fixture, &["-p", "@rules", "@in/none.json"]).expect(2, "no such file or directory");
    test(&fixture, &["-p", "@rules", "@in/broken.txt"]).expect(2, "parse configurations");
    test(&fixture, &["-p", "@rules", "@in", "--ignore", "."]).expect(2, "no files found");
    // What only conftest reads is an error, in a directory or named.
    for name in ["a.cue", ".gitignore", "nginx.conf", "Jenkinsfile", "a.properties"] {
        fixture.file(&format!("kinds/{name}"), "x");
        test(&fixture, &["-p", "@rules", &format!("@kinds/{name}")]).expect(2, "which assay cannot parse");
        test(&fixture, &["-p", "@rules", "@kinds"]).expect(2, "which assay cannot parse");
    }
}

#[test]
fn files_of_a_folder_are_evaluated_whatever_they_are_written_in() {
    let fixture = fixture();
    fixture.file(
        "kinds.rego",
        "package main\n\ndeny contains \"tf\" if input.resource.a.b[_].open\n\ndeny contains \"ini\" if input.a.open\n\ndeny \
         contains \"jsonc\" if input.open\n\ndeny contains \"xml\" if input.a[\"-open\"] == \"yes\"\n\ndeny contains \"docker\" if \
         input[_].Value[0] == \"root\"\n\ndeny contains \"yaml\" if input.hostNetwork == true\n",
    );
    for (name, text, says) in [
        ("main.tf", "resource a b {\n  open = true\n}\n", "tf"),
        ("a.ini", "[a]\nopen = true\n", "ini"),
        ("a.jsonc", "{ // c\n\"open\": true }", "jsonc"),
        ("a.xml", "<a open=\"yes\"/>", "xml"),
        ("Dockerfile", "FROM x\nUSER root\n", "docker"),
        ("pod.yaml", "hostNetwork: yes\n", "yaml"),
    ] {
        fixture.file(&format!("one-{says}/{name}"), text);
        let output = test(&fixture, &["-p", "@kinds.rego", &format!("@one-{says}"), "-o", "json"]);
        let failures = output.json()[0]["failures"].clone();
        assert_eq!((output.code, failures[0]["msg"].as_str()), (1, Some(says)), "{output:?}");
    }
}

#[test]
fn rules_know_which_file_they_evaluate() {
    let fixture = fixture();
    fixture.file(
        "file.rego",
        "package main\n\ndeny contains sprintf(\"%s in %s\", [data.conftest.file.name, data.conftest.file.dir])\n",
    );
    let folder = fixture.path("in");
    let output = test(&fixture, &["-p", "@file.rego", "@in", "-o", "json"]);
    assert_eq!(output.code, 1, "{output:?}");
    for (at, name) in ["bad.yaml", "good.json"].iter().enumerate() {
        assert_eq!(output.json()[at]["failures"][0]["msg"], format!("{name} in {folder}"), "{output:?}");
    }
    fixture.file("policy.yaml", &format!("sources:\n- policy: [{}]\n", fixture.path("file.rego")));
    let policy = fixture.path("policy.yaml");
    let file = fixture.path("in/good.json");
    let output = assay_in(&fixture, &["validate", "input", file.as_str(), "--policy", policy.as_str()]);
    output.expect(1, &format!("good.json in {folder}"));
}

#[test]
fn policies_are_parsed_and_evaluated_by_the_flags() {
    let fixture = fixture();
    let traced = test(&fixture, &["-p", "@rules", "@in/bad.yaml", "--trace"]);
    assert!(traced.err.contains("`main.deny` at ") && traced.err.contains("holds: input.bad"), "{traced:?}");
    assert_eq!(traced.out, test(&fixture, &["-p", "@rules", "@in/bad.yaml"]).out);

    fixture.file("unused.rego", "package main\n\ndeny contains \"x\" if {\n\ty := 1\n\tinput.bad\n}\n");
    test(&fixture, &["-p", "@unused.rego", "@in/bad.yaml"]).expect(1, "");
    test(&fixture, &["-p", "@unused.rego", "@in/bad.yaml", "--strict"]).expect(2, "y unused");

    fixture.file("failing.rego", "package main\n\ndeny contains \"x\" if to_number(\"y\") == 1\n");
    test(&fixture, &["-p", "@failing.rego", "@in/bad.yaml"]).expect(0, "");
    test(&fixture, &["-p", "@failing.rego", "@in/bad.yaml", "--show-builtin-errors"]).expect(2, "to_number");

    fixture.file("old.rego", "package main\n\ndeny[msg] { input.bad; msg := \"old\" }\n");
    test(&fixture, &["-p", "@old.rego", "@in/bad.yaml", "--rego-version=v0"]).expect(1, "");
    test(&fixture, &["-p", "@old.rego", "@in/bad.yaml"]).expect(2, "");
}

#[test]
fn files_are_read_in_their_forms_and_each_once() {
    let fixture = fixture();
    fixture.file("shown.rego", "package main\n\ndeny contains json.marshal(input)\n");
    let shown = |arguments: &[&str]| {
        let output = test(&fixture, &[&["-p", "@shown.rego", "-o", "json"], arguments].concat()).json();
        let messages = |file: &serde_json::Value| -> Vec<String> {
            let found = file["failures"].as_array().unwrap().iter();
            found.map(|failure| failure["msg"].as_str().unwrap().to_owned()).collect()
        };
        output.as_array().unwrap().iter().map(messages).collect::<Vec<_>>()
    };
    fixture.file("a.toml", "a = 1\n");
    fixture.file(".env", "A=1\n");
    fixture.file("many.yaml", "a: 1\n---\n- 2\n");
    assert_eq!(shown(&["@a.toml", "@.env", "@a.toml"]), [[r#"{"a":1}"#], [r#"{"A":"1"}"#]]);
    let path = |name: &str| fixture.path(name).to_string();
    let combined = json!([
        {"contents": {"a": 1}, "path": path("a.toml")},
        {"contents": {"a": 1}, "path": path("many.yaml")},
        {"contents": [2], "path": path("many.yaml")},
    ]);
    assert_eq!(shown(&["@many.yaml", "@a.toml", "--combine"]), [[combined.to_string()]]);
}

#[test]
fn policies_are_compared() {
    let fixture = Fixture::empty();
    let one = fixture.file("one.yaml", "sources: [{policy: [a], config: {include: [x.*]}}]");
    let two =
        fixture.file("two.json", "{\"sources\": [{\"policy\": [\"file::a\"], \"config\": {\"include\": [\"x\"]}}]}");
    let three = fixture.file("three.yaml", "sources: [{policy: [b]}]");
    let compare = |more: &[&str]| assay_in(&fixture, &[&["compare", one.as_str()], more].concat());
    let time = ["--effective-time", "2030-01-01T00:00:00Z"];
    let output = compare(&[&[two.as_str()], &time[..]].concat());
    assert_eq!(
        (output.code, output.out.as_str()),
        (0, "✅ Policies are equivalent\nEffective time: 2030-01-01T00:00:00Z\n")
    );
    let output = compare(&[&[three.as_str(), "--output", "json", "--image-digest", "sha256:1"], &time[..]].concat());
    assert_eq!(
        (output.code, output.json()),
        (
            0,
            json!({"equivalent": false, "effective_time": "2030-01-01T00:00:00Z", "policy1": one, "policy2": three,
            "image_info": {"Digest": "sha256:1", "Ref": "", "URL": ""}})
        )
    );
    compare(&["none.yaml"]).expect(2, "none.yaml");
}

/// Pushes a Tekton bundle of things of these kinds, and gives its digest.
fn bundle(registry: &Registry, name: &str, kinds: &[&str]) -> Digest {
    let layer = |kind: &&str| {
        json!({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": Digest::of(kind.as_bytes()),
            "size": kind.len(), "annotations": {"dev.tekton.image.kind": kind, "dev.tekton.image.name": "it"}})
    };
    let manifest = json!({"schemaVersion": 2, "mediaType": xtask::layout::MANIFEST,
        "config": {"mediaType": xtask::layout::CONFIG, "digest": Digest::of(b"{}"), "size": 2},
        "layers": kinds.iter().map(layer).collect::<Vec<_>>(), "annotations": {"of": name}});
    registry.put_manifest(name, xtask::layout::MANIFEST, manifest.to_string().as_bytes())
}

#[test]
fn a_record_grows_with_what_is_tracked() {
    let fixture = Fixture::empty();
    let registry = Registry::start();
    let host = registry.host();
    let digest = bundle(&registry, "tasks/a:1", &["task", "pipeline"]);
    bundle(&registry, "tasks/p:1", &["pipeline"]);
    let (a, p) = (format!("{host}/tasks/a:1"), format!("{host}/tasks/p:1"));
    let track = |more: &[&str]| assay_in(&fixture, &[&["track", "bundle"], more].concat());

    assert_eq!(track(&["--bundle", &p]).out, "---\n{}\n");
    let first = format!("---\ntrusted_tasks:\n  oci://{a}:\n    - ref: {digest}\n");
    let record = fixture.path("record.yaml");
    assert_eq!(track(&["-b", &a, "-b", &p, "-o", record.as_str()]).code, 0);
    assert_eq!(fs_err::read_to_string(&record).unwrap(), first);

    let newer = bundle(&registry, "tasks/a:1", &["task"]);
    let git = "git+https://forge.test/tasks.git//task.yaml@f0cacc1a";
    let output =
        assay_in(&fixture, &["track", "tekton-task", "-i", record.as_str(), "--freshen", "-g", git, "--replace"]);
    let lines: Vec<_> = output.out.lines().collect();
    assert_eq!(
        lines.get(2..5).unwrap(),
        ["  git+https://forge.test/tasks.git//task.yaml:", "    - ref: f0cacc1a", &format!("  oci://{a}:")],
        "{output:?}"
    );
    assert_eq!(lines[5], format!("    - ref: {newer}"));
    assert!(lines[6].starts_with("    - expires_on: \"20") && lines[7] == format!("      ref: {digest}"), "{output:?}");
    assert_eq!(fs_err::read_to_string(&record).unwrap(), output.out);

    let repository = Repository::in_folder(fixture.path("repository"));
    let commit = repository.commit(&[("task.yaml", "kind: Task")]);
    let local = format!("git+file://{}//task.yaml", fixture.path("repository"));
    let output = track(&["--git", &local, "--freshen"]);
    assert_eq!(output.out, format!("---\ntrusted_tasks:\n  {local}:\n    - ref: {commit}\n"));

    for (arguments, says) in [
        (
            &["--git", "git+https://forge.test/tasks.git//task.yaml"][..],
            "to contain the revision information following the `@`",
        ),
        (&["--git", "git+https://forge.test/tasks.git"], "to separate the repository from the path"),
        (&["--bundle", &a, "--output", "oci:Not An Image"], "Not An Image"),
        (&["--bundle", &a, "--output", "oci:127.0.0.1:9/x:1", "--retry-max-retry=0"], "cannot be reached"),
        (&["--bundle", "quay.io/a/b"], "neither a tag nor a digest"),
        (&["--input", "none.yaml"], "none.yaml"),
        (&[], "--bundle"),
    ] {
        track(arguments).expect(2, says);
    }
}

#[test]
fn a_record_can_be_kept_in_a_registry_and_read_from_there_as_data() {
    let fixture = Fixture::empty();
    let registry = Registry::start();
    let host = registry.host();
    let digest = bundle(&registry, "tasks/a:1", &["task"]);
    let (a, record) = (format!("{host}/tasks/a:1"), format!("oci:{host}/data/trusted:latest"));
    let track = |more: &[&str]| assay_in(&fixture, &[&["track", "bundle"], more].concat());
    assert_eq!(track(&["-b", &a, "-o", &record]).code, 0);
    assert_eq!(track(&["-i", &record]).out, format!("---\ntrusted_tasks:\n  oci://{a}:\n    - ref: {digest}\n"));

    let newer = bundle(&registry, "tasks/a:1", &["task", "task2"]);
    let output = track(&["-i", &record, "--freshen", "--replace"]);
    assert!(output.code == 0 && output.out.contains(&format!("    - ref: {newer}\n")), "{output:?}");
    assert_eq!(track(&["-i", &record]).out, output.out);

    let source = format!("oci::{host}/data/trusted:latest");
    let data = assay_in(&fixture, &["inspect", "policy-data", "-s", &source]).json();
    assert_eq!(data["trusted_tasks"][format!("oci://{a}")][0]["ref"], newer.to_string());
}
