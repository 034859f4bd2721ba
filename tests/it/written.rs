//! Output is written completely or is an error: standard output that is closed or full, and the modes of reports.

use std::{
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use crate::fixture::{CommandOutput, Fixture, HOST, command, ec_command};

/// Runs the program by a shell that does this with its standard output.
fn shell(fixture: &Fixture, redirection: &str, arguments: &[&str]) -> CommandOutput {
    let program = command(&[]).get_program().to_owned();
    let script = format!("exec \"$0\" \"$@\" {redirection}");
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script).arg(program).args(arguments).current_dir(fixture.path(""));
    CommandOutput::of(&shell.stdin(Stdio::null()).output().unwrap())
}

/// The arguments that validate a good image.
fn image(fixture: &Fixture) -> Vec<String> {
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let (snapshot, key, bundle) = (fixture.snapshot(HOST), fixture.path("key.pub"), fixture.path("oci"));
    let policy = fixture.policy();
    let fixed = ["validate", "image", "--ignore-rekor", "--images", &snapshot, "--policy", &policy];
    let fixed = fixed.iter().copied().chain(["--public-key", key.as_str(), "--evidence", bundle.as_str()]);
    fixed.map(str::to_owned).collect()
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let fixture = Fixture::good();
    let file = fixture.file("in.json", "{}");
    let image = image(&fixture);
    let image: Vec<&str> = image.iter().map(String::as_str).collect();
    let (rules, policy) = (fixture.path("policy"), fixture.policy());
    for redirection in [">&-", ">/dev/full"] {
        for (arguments, code) in [
            (&image[..], 3),
            (&[&image[..], &["--output", "jsonl"]].concat(), 3),
            (&["validate", "input", file.as_str(), "--policy", &policy], 3),
            (&["validate", "policy", "--policy", &policy], 3),
            (&["test", file.as_str(), "-p", rules.as_str()], 2),
            (&["policy", "eval", "1"], 2),
            (&["opa", "version"], 2),
            (&["compare", &policy, &policy], 3),
            (&["completions", "bash"], 3),
            (&["version"], 3),
            (&["--help"], 3),
        ] {
            let output = shell(&fixture, redirection, arguments);
            assert!(
                output.code == code && output.err.contains(" be written"),
                "{redirection} {arguments:?}: {output:?}"
            );
        }
    }
    // A report in a file needs no standard output.
    let report = format!("json={}", fixture.path("report.json"));
    assert_eq!(shell(&fixture, ">&-", &[&image[..], &["--output", &report]].concat()).code, 0);
}

#[test]
fn a_reader_that_goes_away_gets_no_message_and_no_pass() {
    let fixture = Fixture::good();
    let image = image(&fixture);
    let arguments: Vec<&str> = image.iter().map(String::as_str).collect();
    let run = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        CommandOutput::of(&command(arguments).stdout(writer).output().unwrap())
    };
    let output = run(&arguments);
    assert_eq!((output.code, output.err.as_str()), (3, ""), "{output:?}");
    let output = run(&[&arguments[..], &["--output", "jsonl"]].concat());
    assert_eq!((output.code, output.err.as_str()), (3, ""), "{output:?}");
    let output = run(&["--help"]);
    assert_eq!((output.code, output.err.as_str()), (0, ""), "{output:?}");
}

#[test]
fn a_report_that_is_replaced_keeps_its_mode() {
    let fixture = Fixture::good();
    let report = fixture.file("report.json", "old");
    for mode in [0o600, 0o660, 0o604] {
        fs_err::set_permissions(&report, std::fs::Permissions::from_mode(mode)).unwrap();
        fixture.validate(&["--output", &format!("json={report}")]).expect(0, "");
        assert_eq!(fs_err::metadata(&report).unwrap().permissions().mode() & 0o777, mode, "{mode:o}");
        assert!(fs_err::read_to_string(&report).unwrap().starts_with('{'));
    }
}

#[test]
fn two_reports_for_one_file_are_refused_unless_called_ec() {
    let fixture = Fixture::good();
    let (one, same) = (format!("json={}", fixture.path("r")), format!("yaml={}", fixture.path("./r")));
    fixture.validate(&["--output", &one, "--output", &same]).expect(2, "more than one report would be written");
    assert!(!fixture.path("r").exists());
    let file = fixture.file("in.json", "{}");
    let arguments =
        ["validate", "input", file.as_str(), "--policy", &fixture.policy(), "--output", &one, "--output", &same];
    CommandOutput::of(&command(&arguments).output().unwrap()).expect(2, "more than one report would be written");
    assert_eq!(CommandOutput::of(&ec_command(&fixture.path(""), &arguments).output().unwrap()).code, 0);
}

#[test]
fn warnings_are_written_where_and_how_messages_are() {
    let fixture = Fixture::good();
    let log = fixture.path("messages.log");
    let image = image(&fixture);
    let image: Vec<&str> = image.iter().map(String::as_str).chain(["--skip-att-sig-check"]).collect();
    let says = "attestation signature check skipped, fetching attestations without verification";
    let as_ec = |more: &[&str]| {
        CommandOutput::of(&ec_command(&fixture.path(""), &[&image[..], more].concat()).output().unwrap())
    };
    let output = as_ec(&[]);
    let line = output.err.lines().next().unwrap();
    assert!(line.starts_with("time=\"20") && line.contains(&format!(" level=warning msg=\"{says}\"")), "{output:?}");
    assert!(!as_ec(&["--quiet"]).err.contains(says));
    assert!(!as_ec(&["--logfile", log.as_str()]).err.contains(says));
    assert!(fs_err::read_to_string(&log).unwrap().contains(&format!("level=warning msg=\"{says}\"")));
    let assay = |more: &[&str]| CommandOutput::of(&command(&[&image[..], more].concat()).output().unwrap());
    assert!(assay(&[]).err.starts_with(&format!("warning: {says}\n")));
    let log = fixture.path("other.log");
    assert!(assay(&["--logfile", log.as_str()]).err.contains(&format!("warning: {says}")));
    assert!(fs_err::read_to_string(&log).unwrap().contains(&format!("warn: {says}")));
    let json = assay(&["--log-format", "json"]).err;
    assert_eq!(serde_json::from_str::<serde_json::Value>(json.lines().next().unwrap()).unwrap()["message"], says);
}
