//! Every report of the built program over one mixed run, none dependent on workers. That `ec`'s formats have the bytes
//! that were recorded is held in `ec_cases`.

use camino::Utf8Path;
use serde_json::Value;

use crate::fixture::{CommandOutput, Fixture, command};

/// The formats of `ec`.
const EC: [&str; 9] =
    ["json", "yaml", "text", "junit", "appstudio", "summary", "summary-markdown", "attestation", "policy-input"];

/// Our own, but for the event stream.
const OURS: [&str; 3] = ["sarif", "markdown", "html"];

/// A world with a good image, one that is denied, one that is warned of, and one that is not there.
fn mixed() -> Fixture {
    let mut fixture = Fixture::good();
    fixture.image("bad", &[("bad", "yes")]);
    fixture.image("odd", &[("odd", "yes")]);
    let missing = format!("app/gone@sha256:{}", "0".repeat(64));
    fixture.components.push(("gone".to_owned(), missing));
    fixture
}

fn outputs(folder: &Utf8Path, formats: &[&str]) -> Vec<String> {
    fs_err::create_dir_all(folder).unwrap();
    formats.iter().flat_map(|format| ["--output".to_owned(), format!("{format}={}", folder.join(format))]).collect()
}

#[test]
fn every_report_has_all_components_whatever_the_workers() {
    let fixture = mixed();
    let formats: Vec<_> = EC.into_iter().chain(OURS).collect();
    let written = |workers: &str| {
        let folder = fixture.path(workers);
        let outputs = outputs(&folder, &formats);
        let fixed = ["--workers", workers, "--show-successes", "--info", "--effective-time", "2100-01-01"];
        let arguments: Vec<&str> = fixed.into_iter().chain(outputs.iter().map(String::as_str)).collect();
        fixture.validate(&arguments).expect(3, "1 of 4 components could not be evaluated");
        // The time of the end differs between runs, and is all that does.
        let read = |format: &&str| fs_err::read_to_string(folder.join(format)).unwrap();
        formats.iter().map(read).map(|text| text.replace(|digit: char| digit.is_ascii_digit(), "")).collect::<Vec<_>>()
    };
    let (one, eight) = (written("1"), written("8"));
    for ((format, one), eight) in formats.iter().zip(one).zip(eight) {
        assert_eq!(one, eight, "{format}");
        let counts_only = ["appstudio", "summary-markdown", "attestation", "policy-input"].contains(format);
        for says in ["Image bad is bad", "image-not-found", "good"] {
            assert!(counts_only || one.contains(says), "{format} does not say {says}: {one}");
        }
    }
}

#[test]
fn events_are_lines_on_standard_output_and_in_a_file_alike() {
    let fixture = mixed();
    let file = fixture.path("events");
    let output = fixture.validate(&["--output", "jsonl", "--output", &format!("jsonl={file}"), "--workers", "1"]);
    output.expect(3, "1 of 4 components could not be evaluated");
    assert_eq!(output.out, fs_err::read_to_string(file).unwrap());
    let events: Vec<Value> = output.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((names.first(), names.get(1), names.last()), (Some(&"started"), Some(&"planned"), Some(&"ended")));
    assert_eq!(names.iter().filter(|name| **name == "component-ended").count(), 4);
    assert_eq!(events.last().unwrap()["result"], "ERROR");
}

#[test]
fn the_text_report_is_by_rule_and_ends_with_the_verdict_and_where_the_other_reports_are() {
    let fixture = mixed();
    let file = fixture.path("report.html");
    let html = format!("html={file}");
    let output = fixture.validate(&["--output", "text", "--output", &html]);
    output.expect(3, &format!("note: the html report is in {file}"));
    let lines: Vec<_> = output.out.lines().collect();
    assert_eq!(lines.first(), Some(&"? image-not-found (could not be evaluated)"), "{output:#?}");
    assert!(lines.contains(&"✓ passed: good, odd") || lines.contains(&"✓ passed: odd, good"), "{output:#?}");
    let last = lines.last().unwrap();
    let verdict = "? 1 of 4 components could not be evaluated, 1 failed: 1 violation, 1 warning, ";
    assert!(last.starts_with(verdict) && last.ends_with(" s"), "{last}");
    // In a pipe nothing is colored unless the environment says so.
    let colored = |variables: &[(&str, &str)]| {
        fixture.validate(&[]);
        let evidence = fixture.path("oci");
        let more = ["--evidence", evidence.as_str()];
        fixture.run_with_env(crate::fixture::HOST, &fixture.policy(), &more, variables).out.contains('\u{1b}')
    };
    assert!(!colored(&[]) && colored(&[("CLICOLOR_FORCE", "1")]) && !colored(&[("CLICOLOR_FORCE", "0")]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn a_snapshot_or_a_policy_can_come_from_standard_input() {
    let fixture = Fixture::good();
    fixture.validate(&[]).expect(0, " passed: ");
    let (snapshot, policy) = (fixture.snapshot(crate::fixture::HOST), fixture.policy());
    let (key, evidence) = (fixture.path("key.pub"), fixture.path("oci"));
    let run = |images: &str, configuration: &str, input: &str| {
        let arguments = [
            "validate",
            "image",
            "--images",
            images,
            "--policy",
            configuration,
            "--public-key",
            key.as_str(),
            "--ignore-rekor",
            "--evidence",
            evidence.as_str(),
        ];
        let file = fixture.file("input", input);
        let input = std::process::Stdio::from(fs_err::File::open(file).unwrap().into_parts().0);
        CommandOutput::of(&command(&arguments).stdin(input).output().unwrap())
    };
    run("-", &policy, &snapshot).expect(0, " passed: ");
    run(&snapshot, "-", &policy).expect(0, " passed: ");
    run("-", "-", &policy).expect(2, "cannot both be read from standard input");
    run("-", &policy, "").expect(2, "no components");
}
