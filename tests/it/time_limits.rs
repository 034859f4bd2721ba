//! `--timeout` ends every command, whatever it waits for, with the right exit code, and leaves no files.
//!
//! The tests wait for what never ends, so a command without a limit would block them forever.

use std::process::Command;

use camino::Utf8Path;
use serde_json::{Value, json};

use crate::fixture::{CommandOutput, Fixture, command, component, ec_command};

fn pipe(path: &Utf8Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A policy whose compilation takes longer than anyone waits: each type is made of the one before it, twice.
fn endless() -> String {
    use std::fmt::Write as _;
    let mut text = "package p\n\nimport rego.v1\n\nt0 := {\"a\": 1, \"b\": input.x}\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        writeln!(text, "t{level} := {{\"a{level}\": t{before}, \"b{level}\": t{before}}}").unwrap();
    }
    text + "\ndeny contains t39.a39.a38.a37.a36 if t39.b39.b38.b37.b36.x == 1\n"
}

#[test]
fn a_pipe_that_nobody_writes_to_ends_every_command_in_time() {
    let fixture = Fixture::good();
    let fifo = fixture.path("pipe.yaml");
    pipe(&fifo);
    let (fifo, rules) = (fifo.as_str(), fixture.path("policy"));
    let rules = rules.as_str();
    for (arguments, code) in [
        (&["validate", "image", "--images", fifo, "--no-policy", "--ignore-rekor"][..], 3),
        (&["validate", "image", "--image", "a", "--policy", fifo], 3),
        (&["validate", "input", fifo, "--policy", fifo], 3),
        (&["validate", "policy", "--policy", fifo], 3),
        (&["compare", fifo, fifo], 3),
        (&["track", "bundle", "--input", fifo], 3),
        (&["test", fifo, "-p", rules], 2),
        (&["policy", "eval", "--input", fifo, "1"], 2),
        (&["policy", "bench", "--input", fifo, "1"], 2),
        (&["opa", "eval", "--input", fifo, "1"], 2),
    ] {
        let output = CommandOutput::of(&command(&[arguments, &["--timeout", "200ms"]].concat()).output().unwrap());
        output.expect(code, "exceeded allowed execution time of 200ms");
    }
    let arguments = ["validate", "image", "--image", "a", "--policy", fifo, "--timeout=200ms"];
    let output = CommandOutput::of(&ec_command(&fixture.path(""), &arguments).output().unwrap());
    output.expect(1, "Error: exceeded allowed execution time of 200ms, ");
}

#[test]
fn policies_that_take_too_long_are_an_error_and_still_reported() {
    let fixture = Fixture::good();
    let check = fixture.path("check.wasm");
    pipe(&check);
    let report = fixture.path("report.json");
    let output = format!("json={report}");
    let output = fixture.validate(&[
        "--plugin",
        check.as_str(),
        "--timeout",
        "1s",
        "--output",
        &output,
        "--output",
        "appstudio",
    ]);
    output.expect(3, "the time limit passed");
    assert_eq!(output.json()["result"], json!("ERROR"));
    let report: Value = serde_json::from_slice(&fs_err::read(&report).unwrap()).unwrap();
    assert_eq!(component(&report, "good")["error"]["code"], json!("deadline"));
    assert_eq!(report["policy"]["sources"][0]["policy"][0], json!(fixture.path("policy")));
}

#[test]
fn tools_end_in_time_with_a_policy_that_compiles_for_ever() {
    let fixture = Fixture::good();
    let endless = fixture.file("endless/p.rego", &endless());
    let endless = endless.as_str();
    for arguments in [
        &["policy", "check", endless][..],
        &["policy", "test", endless],
        &["policy", "eval", "--data", endless, "data.p.deny"],
        &["policy", "bench", "--data", endless, "data.p.deny"],
        &["policy", "inspect", endless],
        &["opa", "check", endless],
    ] {
        let output = CommandOutput::of(&command(&[arguments, &["--timeout", "500ms"]].concat()).output().unwrap());
        assert!(!output.err.contains("panicked") && output.code <= 2, "{arguments:?}: {output:?}");
    }
    // What is measured for an hour ends as well.
    let bench = ["policy", "bench", "1", "--benchtime", "1h", "--timeout", "300ms"];
    CommandOutput::of(&command(&bench).output().unwrap()).expect(2, "exceeded allowed execution time of 300ms");
}

#[test]
fn nothing_is_left_in_the_temporary_folder_when_the_time_is_over() {
    let fixture = Fixture::good();
    let (temporary, fifo) = (fixture.path("tmp"), fixture.path("pipe.yaml"));
    fs_err::create_dir(&temporary).unwrap();
    pipe(&fifo);
    for arguments in [
        &["validate", "input", fifo.as_str(), "--policy", &fixture.policy()][..],
        &["validate", "image", "--image", "a", "--policy", fifo.as_str()],
    ] {
        let arguments = [arguments, &["--timeout", "200ms"]].concat();
        let output = CommandOutput::of(&command(&arguments).env("TMPDIR", &temporary).output().unwrap());
        assert_eq!(output.code, 3, "{output:?}");
        assert_eq!(fs_err::read_dir(&temporary).unwrap().count(), 0, "{arguments:?}");
    }
}

#[test]
fn a_pipe_in_a_folder_is_passed_over_or_refused_and_one_that_is_named_is_read() {
    let fixture = Fixture::good();
    fixture.file("rules/main.rego", "package main\n\nimport rego.v1\n\ndeny contains \"bad\" if input.bad\n");
    let rules = fixture.path("rules");
    fixture.file("in/a.yaml", "bad: false\n");
    pipe(&fixture.path("in/p.yaml"));
    let folder = fixture.path("in");
    let policy = fixture.policy();
    let limit = ["--timeout", "30s"];
    let run = |arguments: &[&str]| CommandOutput::of(&command(&[arguments, &limit].concat()).output().unwrap());
    run(&["test", folder.as_str(), "-p", rules.as_str()]).expect(0, "1 test, 1 passed");
    run(&["validate", "input", folder.as_str(), "--policy", &policy]).expect(0, "");
    pipe(&fixture.path("rules/p.rego"));
    run(&["policy", "check", rules.as_str()]).expect(1, "p.rego");
    fs_err::remove_file(fixture.path("rules/p.rego")).unwrap();
    let script = format!("exec \"$0\" test --parser yaml -p {rules} /dev/fd/3 3< <(echo 'bad: true')");
    let program = command(&[]).get_program().to_owned();
    let output = CommandOutput::of(&Command::new("bash").arg("-c").arg(&script).arg(program).output().unwrap());
    output.expect(1, "bad");
}
