//! `assay policy fmt` and `assay opa fmt`.

use std::{io::Write as _, process::Stdio};

use crate::fixture::{CommandOutput, Fixture, command};

const LOOSE: &str = "package a\nx=1 # one\ny  :=[1,\n2]\n";
const NEAT: &str = "package a\n\nx := 1 # one\ny := [\n\t1,\n\t2,\n]\n";

fn folder() -> Fixture {
    let fixture = Fixture::empty();
    fixture.file("p/loose.rego", LOOSE);
    fixture.file("p/neat.rego", NEAT);
    fixture.file("p/data.json", "{}");
    fixture
}

fn run(fixture: &Fixture, arguments: &[&str]) -> CommandOutput {
    CommandOutput::of(&command(arguments).current_dir(fixture.path("")).output().unwrap())
}

#[test]
fn a_policy_is_printed_formatted() {
    let fixture = folder();
    for name in ["policy", "opa"] {
        let output = run(&fixture, &[name, "fmt", "p/loose.rego"]);
        assert_eq!((output.code, output.out.as_str(), output.err.as_str()), (0, NEAT, ""));
    }
    assert_eq!(run(&fixture, &["policy", "fmt", "p"]).out, NEAT.repeat(2));
}

#[test]
fn files_that_are_not_formatted_are_listed_and_may_fail() {
    let fixture = folder();
    for (arguments, code, out) in [
        (&["--list", "p"][..], 0, "p/loose.rego\n"),
        (&["--list", "--fail", "p"], 2, "p/loose.rego\n"),
        (&["--list", "--fail", "p/neat.rego"], 0, ""),
        (&["--fail", "p/loose.rego"], 2, ""),
        (&["--fail", "p/neat.rego"], 0, NEAT),
    ] {
        let output = run(&fixture, &[&["policy", "fmt"], arguments].concat());
        assert_eq!((output.code, output.out.as_str()), (code, out), "{arguments:?}");
        assert_eq!(output.err.contains("unexpected diff"), code == 2, "{arguments:?}");
    }
}

#[test]
fn a_diff_shows_what_would_change() {
    let fixture = folder();
    let output = run(&fixture, &["policy", "fmt", "--diff", "p"]);
    output.expect(0, "--- p/loose.rego\n+++ p/loose.rego (formatted)\n");
    assert!(output.out.contains("-x=1 # one\n") && output.out.contains("+x := 1 # one\n"), "{output:?}");
    assert!(!output.out.contains("neat.rego"), "{output:?}");
}

#[test]
fn files_are_written_only_when_they_change() {
    let fixture = folder();
    let before = fs_err::metadata(fixture.path("p/neat.rego")).unwrap().modified().unwrap();
    let output = run(&fixture, &["policy", "fmt", "--write", "p"]);
    assert_eq!((output.code, output.out.as_str()), (0, ""));
    assert_eq!(fs_err::read_to_string(fixture.path("p/loose.rego")).unwrap(), NEAT);
    assert_eq!(fs_err::metadata(fixture.path("p/neat.rego")).unwrap().modified().unwrap(), before);
}

#[test]
fn standard_input_is_formatted_where_no_path_is_named() {
    let mut child = command(&["policy", "fmt"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(LOOSE.as_bytes()).unwrap();
    let output = CommandOutput::of(&child.wait_with_output().unwrap());
    assert_eq!((output.code, output.out.as_str()), (0, NEAT));
}

#[test]
fn older_policies_are_formatted_as_they_are_or_for_both_versions() {
    let fixture = Fixture::empty();
    fixture.file("old.rego", "package a\np { input.x }\n");
    for (flags, code, says) in [
        (&[][..], 2, "failed to format Rego source file: 1 error occurred: old.rego:2: rego_parse_error: `if` keyword"),
        (&["--v0-compatible"], 0, "package a\n\np {\n\tinput.x\n}\n"),
        (&["--v0-v1"], 0, "package a\n\nimport rego.v1\n\np if input.x\n"),
    ] {
        run(&fixture, &[&["policy", "fmt"], flags, &["old.rego"]].concat()).expect(code, says);
    }
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let fixture = folder();
    run(&fixture, &["policy", "fmt", "nowhere"]).expect(1, "`nowhere` cannot be read");
    fixture.file("p/bad.rego", "package a\nx := \n");
    let output = run(&fixture, &["policy", "fmt", "--write", "p/bad.rego"]);
    output.expect(2, "failed to format Rego source file: 1 error occurred: p/bad.rego:3: rego_parse_error");
    assert_eq!(fs_err::read_to_string(fixture.path("p/bad.rego")).unwrap(), "package a\nx := \n");
}
