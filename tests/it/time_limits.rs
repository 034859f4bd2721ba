//! `--timeout` ends every command, whatever it waits for, with an honest exit code and nothing left behind.
//!
//! The tests wait for what never ends, so that a command without a limit would keep them for ever.

use std::process::Command;

use camino::Utf8Path;
use serde_json::{Value, json};

use crate::world::{Ran, World, command, component, ec_command};

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
    let world = World::good();
    let fifo = world.path("pipe.yaml");
    pipe(&fifo);
    let (fifo, rules) = (fifo.as_str(), world.path("policy"));
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
        let ran = Ran::of(&command(&[arguments, &["--timeout", "200ms"]].concat()).output().unwrap());
        ran.expect(code, "exceeded allowed execution time of 200ms");
    }
    let arguments = ["validate", "image", "--image", "a", "--policy", fifo, "--timeout=200ms"];
    let ran = Ran::of(&ec_command(&world.path(""), &arguments).output().unwrap());
    ran.expect(1, "Error: exceeded allowed execution time of 200ms, ");
}

#[test]
fn judges_that_cost_more_than_the_time_there_is_cost_the_answer_and_not_the_report() {
    let world = World::good();
    let check = world.path("check.wasm");
    pipe(&check);
    let report = world.path("report.json");
    let output = format!("json={report}");
    let ran =
        world.judge(&["--check", check.as_str(), "--timeout", "1s", "--output", &output, "--output", "appstudio"]);
    ran.expect(3, "the time limit passed");
    assert_eq!(ran.json()["result"], json!("ERROR"));
    let report: Value = serde_json::from_slice(&fs_err::read(&report).unwrap()).unwrap();
    assert_eq!(component(&report, "good")["error"]["code"], json!("deadline"));
    assert_eq!(report["policy"]["sources"][0]["policy"][0], json!(world.path("policy")));
}

#[test]
fn tools_end_in_time_with_a_policy_that_compiles_for_ever() {
    let world = World::good();
    let endless = world.file("endless/p.rego", &endless());
    let endless = endless.as_str();
    for arguments in [
        &["policy", "check", endless][..],
        &["policy", "test", endless],
        &["policy", "eval", "--data", endless, "data.p.deny"],
        &["policy", "bench", "--data", endless, "data.p.deny"],
        &["policy", "inspect", endless],
        &["opa", "check", endless],
    ] {
        let ran = Ran::of(&command(&[arguments, &["--timeout", "500ms"]].concat()).output().unwrap());
        assert!(!ran.err.contains("panicked") && ran.code <= 2, "{arguments:?}: {ran:?}");
    }
    // What is measured for an hour ends as well.
    let bench = ["policy", "bench", "1", "--benchtime", "1h", "--timeout", "300ms"];
    Ran::of(&command(&bench).output().unwrap()).expect(2, "exceeded allowed execution time of 300ms");
}

#[test]
fn nothing_is_left_in_the_temporary_folder_when_the_time_is_over() {
    let world = World::good();
    let (temporary, fifo) = (world.path("tmp"), world.path("pipe.yaml"));
    fs_err::create_dir(&temporary).unwrap();
    pipe(&fifo);
    for arguments in [
        &["validate", "input", fifo.as_str(), "--policy", &world.policy()][..],
        &["validate", "image", "--image", "a", "--policy", fifo.as_str()],
    ] {
        let arguments = [arguments, &["--timeout", "200ms"]].concat();
        let ran = Ran::of(&command(&arguments).env("TMPDIR", &temporary).output().unwrap());
        assert_eq!(ran.code, 3, "{ran:?}");
        assert_eq!(fs_err::read_dir(&temporary).unwrap().count(), 0, "{arguments:?}");
    }
}

#[test]
fn a_pipe_in_a_folder_is_passed_over_or_refused_and_one_that_is_named_is_read() {
    let world = World::good();
    world.file("rules/main.rego", "package main\n\nimport rego.v1\n\ndeny contains \"bad\" if input.bad\n");
    let rules = world.path("rules");
    world.file("in/a.yaml", "bad: false\n");
    pipe(&world.path("in/p.yaml"));
    let folder = world.path("in");
    let policy = world.policy();
    let limit = ["--timeout", "30s"];
    let run = |arguments: &[&str]| Ran::of(&command(&[arguments, &limit].concat()).output().unwrap());
    run(&["test", folder.as_str(), "-p", rules.as_str()]).expect(0, "1 test, 1 passed");
    run(&["validate", "input", folder.as_str(), "--policy", &policy]).expect(0, "");
    pipe(&world.path("rules/p.rego"));
    run(&["policy", "check", rules.as_str()]).expect(1, "p.rego");
    fs_err::remove_file(world.path("rules/p.rego")).unwrap();
    let script = format!("exec \"$0\" test --parser yaml -p {rules} /dev/fd/3 3< <(echo 'bad: true')");
    let program = command(&[]).get_program().to_owned();
    let ran = Ran::of(&Command::new("bash").arg("-c").arg(&script).arg(program).output().unwrap());
    ran.expect(1, "bad");
}
