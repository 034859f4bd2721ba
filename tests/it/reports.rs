//! Every report of the built program over one mixed run, none dependent on workers. That `ec`'s formats have the bytes
//! that were recorded is held in `ec_cases`.

use camino::Utf8Path;
use serde_json::Value;

use crate::fixture::Fixture;

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
