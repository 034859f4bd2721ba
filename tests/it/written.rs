//! Answers reach their readers or are no answers: standard output that is closed or full, and the modes of reports.

use std::{
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use crate::world::{HOST, Ran, World, command, ec_command};

/// Runs the program by a shell that does this with its standard output.
fn shell(world: &World, redirection: &str, arguments: &[&str]) -> Ran {
    let program = command(&[]).get_program().to_owned();
    let script = format!("exec \"$0\" \"$@\" {redirection}");
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script).arg(program).args(arguments).current_dir(world.path(""));
    Ran::of(&shell.stdin(Stdio::null()).output().unwrap())
}

/// The arguments that judge a good image.
fn image(world: &World) -> Vec<String> {
    world.layout.write(&world.path("oci")).unwrap();
    let (snapshot, key, bundle) = (world.snapshot(HOST), world.path("key.pub"), world.path("oci"));
    let policy = world.policy();
    let fixed = ["validate", "image", "--ignore-rekor", "--images", &snapshot, "--policy", &policy];
    let fixed = fixed.iter().copied().chain(["--public-key", key.as_str(), "--bundle", bundle.as_str()]);
    fixed.map(str::to_owned).collect()
}

#[test]
fn an_answer_that_standard_output_does_not_take_is_no_answer() {
    let world = World::good();
    let file = world.file("in.json", "{}");
    let image = image(&world);
    let image: Vec<&str> = image.iter().map(String::as_str).collect();
    let (rules, policy) = (world.path("policy"), world.policy());
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
            let ran = shell(&world, redirection, arguments);
            assert!(ran.code == code && ran.err.contains(" be written"), "{redirection} {arguments:?}: {ran:?}");
        }
    }
    // A report in a file needs no standard output.
    let report = format!("json={}", world.path("report.json"));
    assert_eq!(shell(&world, ">&-", &[&image[..], &["--output", &report]].concat()).code, 0);
}

#[test]
fn a_reader_that_goes_away_is_not_told_and_gets_no_pass() {
    let world = World::good();
    let image = image(&world);
    let arguments: Vec<&str> = image.iter().map(String::as_str).collect();
    let run = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Ran::of(&command(arguments).stdout(writer).output().unwrap())
    };
    let ran = run(&arguments);
    assert_eq!((ran.code, ran.err.as_str()), (3, ""), "{ran:?}");
    let ran = run(&[&arguments[..], &["--output", "jsonl"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (3, ""), "{ran:?}");
    let ran = run(&["--help"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn a_report_that_is_replaced_keeps_its_mode() {
    let world = World::good();
    let report = world.file("report.json", "old");
    for mode in [0o600, 0o660, 0o604] {
        fs_err::set_permissions(&report, std::fs::Permissions::from_mode(mode)).unwrap();
        world.judge(&["--output", &format!("json={report}")]).expect(0, "");
        assert_eq!(fs_err::metadata(&report).unwrap().permissions().mode() & 0o777, mode, "{mode:o}");
        assert!(fs_err::read_to_string(&report).unwrap().starts_with('{'));
    }
}

#[test]
fn two_reports_for_one_file_are_refused_unless_called_ec() {
    let world = World::good();
    let (one, same) = (format!("json={}", world.path("r")), format!("yaml={}", world.path("./r")));
    world.judge(&["--output", &one, "--output", &same]).expect(2, "two reports would be written");
    assert!(!world.path("r").exists());
    let file = world.file("in.json", "{}");
    let arguments =
        ["validate", "input", file.as_str(), "--policy", &world.policy(), "--output", &one, "--output", &same];
    Ran::of(&command(&arguments).output().unwrap()).expect(2, "two reports would be written");
    assert_eq!(Ran::of(&ec_command(&world.path(""), &arguments).output().unwrap()).code, 0);
}

#[test]
fn warnings_are_written_where_and_how_messages_are() {
    let world = World::good();
    let log = world.path("messages.log");
    let image = image(&world);
    let image: Vec<&str> = image.iter().map(String::as_str).chain(["--skip-att-sig-check"]).collect();
    let says = "attestation signature check skipped, fetching attestations without verification";
    let as_ec = |more: &[&str]| Ran::of(&ec_command(&world.path(""), &[&image[..], more].concat()).output().unwrap());
    let ran = as_ec(&[]);
    let line = ran.err.lines().next().unwrap();
    assert!(line.starts_with("time=\"20") && line.contains(&format!(" level=warning msg=\"{says}\"")), "{ran:?}");
    assert!(!as_ec(&["--quiet"]).err.contains(says));
    assert!(!as_ec(&["--logfile", log.as_str()]).err.contains(says));
    assert!(fs_err::read_to_string(&log).unwrap().contains(&format!("level=warning msg=\"{says}\"")));
    let assay = |more: &[&str]| Ran::of(&command(&[&image[..], more].concat()).output().unwrap());
    assert!(assay(&[]).err.starts_with(&format!("warning: {says}\n")));
    let log = world.path("other.log");
    assert!(assay(&["--logfile", log.as_str()]).err.contains(&format!("warning: {says}")));
    assert!(fs_err::read_to_string(&log).unwrap().contains(&format!("warn: {says}")));
    let json = assay(&["--log-format", "json"]).err;
    assert_eq!(serde_json::from_str::<serde_json::Value>(json.lines().next().unwrap()).unwrap()["message"], says);
}
