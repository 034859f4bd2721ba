//! What a shell sees of `assay`: completions, manual pages, messages and where they go.

use std::process::Command;

use crate::{
    fixture::{CommandOutput, Fixture, assay, command},
    tidy::root,
};

#[test]
fn completions_are_scripts_that_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let output = assay(&["completions", shell]);
        for says in ["validate", "completions", "effective-time"] {
            output.expect(0, says);
        }
        assert_eq!(output.err, "");
    }
    assay(&["completions", "cobol"]).expect(2, "cobol");
}

#[test]
fn bash_takes_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("assay");
    fs_err::write(&script, assay(&["completions", "bash"]).out).unwrap();
    let checked = Command::new("bash").arg("-n").arg(&script).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let page = assay(&["man"]);
    page.expect(0, ".TH assay 1");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert_eq!(assay(&["man", pages.to_str().unwrap()]).code, 0);
    for (name, says) in [
        ("assay.1", "assay\\-validate(1)"),
        ("assay-validate-image.1", "Exit codes:"),
        ("assay-man.1", "Examples:"),
        ("assay-completions.1", "fish"),
    ] {
        let text = fs_err::read_to_string(pages.join(name)).unwrap();
        assert!(text.contains(says), "{name} does not say {says}: {text}");
    }
    fs_err::write(folder.path().join("file"), "").unwrap();
    let under_a_file = folder.path().join("file/man1");
    assay(&["man", under_a_file.to_str().unwrap()]).expect(2, "hint:");
}

#[test]
fn messages_are_logged_if_requested_and_separate_from_the_report() {
    let fixture = Fixture::good();
    let quiet = fixture.validate(&["--quiet"]);
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""));
    let default = fixture.validate(&[]);
    assert_eq!((default.without_digits(), default.err.as_str()), (quiet.without_digits(), ""));
    let verbose = fixture.validate(&["--verbose"]);
    assert_eq!(verbose.without_digits(), default.without_digits());
    assert!(verbose.err.contains(" debug: the evaluation of a component finished component="), "{verbose:?}");
    assert!(!verbose.err.contains(".rs:"), "{verbose:?}");
    let debug = fixture.validate(&["--debug"]);
    assert!(debug.err.contains("log_reporter.rs:"), "{debug:?}");
    for line in fixture.validate(&["--trace", "--log-format", "json"]).err.lines() {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(message["time"].is_string() && message["level"].is_string(), "{line}");
    }
    assert_eq!(fixture.validate(&["--verbose=false", "--logfile="]).err, "");
    fixture.validate(&["--trace=everything"]).expect(2, "everything");
    assert!(fixture.validate(&["--trace=cpu"]).err.contains("warn: `--trace` does not profile"));
}

#[test]
fn a_logfile_is_added_to_and_keeps_standard_error_free() {
    let fixture = Fixture::good();
    let file = fixture.path("messages.log");
    for _ in 0..2 {
        let output = fixture.validate(&["--verbose", "--logfile", file.as_str()]);
        assert_eq!((output.code, output.err.as_str()), (0, ""));
    }
    let text = fs_err::read_to_string(&file).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("the run starts")).count(), 2, "{text}");
    fixture.validate(&["--logfile", fixture.path("absent/messages.log").as_str()]).expect(2, "--logfile");
}

#[test]
fn called_as_ec_messages_have_its_form() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("ec");
    let program = command(&[]).get_program().to_owned();
    std::os::unix::fs::symlink(program, &link).unwrap();
    let arguments = ["validate", "image", "--trace=mem", "--images", "{}", "--policy", "{}"];
    let output =
        CommandOutput::of(&Command::new(&link).args(arguments).current_dir(root()).env_clear().output().unwrap());
    let line = output.err.lines().next().unwrap();
    assert!(
        line.starts_with("time=\"20") && line.contains("Z\" level=warning msg=\"`--trace` does not profile"),
        "{output:?}"
    );
}
