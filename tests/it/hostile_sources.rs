//! Policy sources, caches and settings of git that somebody else had a hand in, tried on the built program.

use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;

use crate::{
    fixture::{CommandOutput, Fixture, RULES, command, ec_command},
    sources::Repository,
};

/// Fetches a source into a folder of the world, with these variables beside those that are always there.
fn fetch(fixture: &Fixture, source: &str, more: &[&str], variables: &[(&str, &str)]) -> CommandOutput {
    let out = fixture.path("out");
    let mut command = command(&[&["fetch", "policy", "-s", source, "-d", out.as_str()], more].concat());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("XDG_CACHE_HOME", fixture.path("cache"));
    CommandOutput::of(&command.envs(variables.iter().copied()).output().unwrap())
}

fn mode(path: &Utf8Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn git_settings_found_on_the_machine_run_nothing() {
    let fixture = Fixture::empty();
    let repository = Repository::in_folder(fixture.path("repository"));
    repository.commit(&[("main.rego", RULES)]);
    let (home, marker) = (fixture.path("home"), fixture.path("marker"));
    let run = fixture.file("run.sh", &format!("#!/bin/sh\ntouch {marker}\nexec \"$@\"\n"));
    mode(&run, 0o755);
    fs_err::create_dir_all(home.join(".config/git/hooks")).unwrap();
    let settings = format!(
        "[uploadpack]\n\tpackObjectsHook = {run}\n[core]\n\tsshCommand = {run}\n\tfsmonitor = {run}\n\thooksPath = \
         {home}/.config/git/hooks\n\taskPass = {run}\n[credential]\n\thelper = !{run}\n[alias]\n\tfetch = !{run}\n"
    );
    fs_err::copy(&run, home.join(".config/git/hooks/reference-transaction")).unwrap();
    let plain = [("HOME", home.as_str())];
    let injected = [
        ("HOME", home.as_str()),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "uploadpack.packObjectsHook"),
        ("GIT_CONFIG_VALUE_0", run.as_str()),
    ];
    let listed = format!("'uploadpack.packobjectshook={run}'");
    let parameters = [("HOME", home.as_str()), ("GIT_CONFIG_PARAMETERS", listed.as_str())];
    for (file, variables) in
        [(Some(".gitconfig"), &plain[..]), (Some(".config/git/config"), &plain), (None, &injected), (None, &parameters)]
    {
        if let Some(file) = file {
            fs_err::write(home.join(file), &settings).unwrap();
        }
        fetch(&fixture, &repository.place(""), &["--cache-dir="], variables).expect(0, "Downloading");
        // A repository that cannot be reached: what would prompt for a password, or run a program.
        for source in ["git::ssh://git@127.0.0.1:1/a/b", "git::https://127.0.0.1:1/a/b"] {
            let output = fetch(&fixture, source, &["--cache-dir="], variables);
            assert_eq!(output.code, 2, "{output:?}");
        }
        assert!(!marker.exists(), "{file:?} {variables:?}");
        if let Some(file) = file {
            fs_err::remove_file(home.join(file)).unwrap();
        }
    }
    // The error of a fetch says which settings were left out.
    fs_err::write(home.join(".gitconfig"), &settings).unwrap();
    let output = fetch(&fixture, "git::ssh://git@127.0.0.1:1/a/b", &["--cache-dir="], &plain);
    assert!(
        output.err.contains("your git settings `core.askpass`, `core.sshcommand`, `credential.helper`"),
        "{output:?}"
    );
    // What reaches repositories stays: an address in another's place.
    let other = format!("[url \"{}/\"]\n\tinsteadOf = https://policies.example/\n", fixture.path(""));
    fs_err::write(home.join(".gitconfig"), other).unwrap();
    let output = fetch(&fixture, "git::https://policies.example/repository", &["--cache-dir="], &plain);
    assert_eq!(output.code, 2, "a folder does not stand in an address's place: {output:?}");
}

#[test]
fn a_folder_named_like_a_remote_policy_is_not_taken_for_it() {
    let fixture = Fixture::empty();
    for (name, local, remote) in [
        ("github.com/org/policy", "./github.com/org/policy", "git::https://github.com/org/policy"),
        ("quay.io/org/policy", "./quay.io/org/policy", "oci::quay.io/org/policy"),
        (
            "policies.example/org/policy.git",
            "./policies.example/org/policy.git",
            "git::https://policies.example/org/policy.git",
        ),
    ] {
        fixture.file(&format!("{name}/main.rego"), RULES);
        let arguments = ["fetch", "policy", "-s", name, "-d", "out"];
        let output = CommandOutput::of(&command(&arguments).current_dir(fixture.path("")).output().unwrap());
        output.expect(2, "is both a local path and a remote address");
        assert!(
            output.err.contains(&format!("`{local}`")) && output.err.contains(&format!("`{remote}`")),
            "{output:?}"
        );
        let validate = ["validate", "policy", "--policy", name];
        CommandOutput::of(&command(&validate).current_dir(fixture.path("")).output().unwrap())
            .expect(2, "both a local path");
        let written = ["fetch", "policy", "-s", local, "-d", "out"];
        CommandOutput::of(&command(&written).current_dir(fixture.path("")).output().unwrap()).expect(0, "Downloading");
        let mut ec = ec_command(&fixture.path(""), &arguments);
        CommandOutput::of(&ec.current_dir(fixture.path("")).output().unwrap()).expect(0, "Downloading");
    }
}

#[test]
fn a_cache_that_others_can_write_to_is_not_used() {
    let fixture = Fixture::empty();
    let repository = Repository::in_folder(fixture.path("repository"));
    let commit = repository.commit(&[("main.rego", RULES)]);
    let source = repository.place(&format!("?ref={commit}"));
    let cache = fixture.path("cache/assay");
    fs_err::create_dir_all(&cache).unwrap();
    mode(&cache, 0o777);
    fetch(&fixture, &source, &[], &[]).expect(0, "Downloading");
    assert_eq!(fs_err::read_dir(&cache).unwrap().count(), 0, "nothing was put there");
    let output = fetch(&fixture, &source, &["--cache-dir", cache.as_str()], &[]);
    output.expect(2, "is writable by others");
    // A pipe in a good cache holds nothing up.
    mode(&cache, 0o700);
    fs_err::create_dir_all(cache.join("git")).unwrap();
    let pipe = cache.join(format!("git/{commit}.pack"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fetch(&fixture, &source, &[], &[]).expect(0, "Downloading");
    assert!(pipe.is_file(), "the pipe has become the pack");
}

#[test]
fn secrets_in_the_address_of_a_source_are_redacted() {
    let fixture = Fixture::empty();
    let sources = [
        "git::https://user:SECRET@127.0.0.1:1/a/b",
        "git::https://user:a/SECRET@127.0.0.1:1/a/b",
        "git::user:SECRET@127.0.0.1:1/a/b",
        "user:SECRET@github.invalid/github.com/a",
        "git::https://127.0.0.1:1/a?token=SECRET",
        "https://user:SECRET@127.0.0.1:1/a.yaml",
        "https://127.0.0.1:1/a.yaml?token=SECRET",
        "https://user%3ASECRET@127.0.0.1:1/a.yaml",
        "oci::user:SECRET@127.0.0.1:1/a/b",
        "http://user:SECRET@127.0.0.1:1/a.yaml",
        "s3::https://user:SECRET@127.0.0.1:1/a",
        "user:SECRET@nothing.invalid/a",
    ];
    // Each waits between its attempts.
    crate::adapters::for_each(&sources, |source| {
        let output = fetch(&fixture, source, &["--cache-dir="], &[]);
        assert_eq!(output.code, 2, "{output:?}");
        assert!(!output.out.contains("SECRET") && !output.err.contains("SECRET"), "{source}: {output:?}");
        for arguments in [&["validate", "policy", "--policy", source][..], &["inspect", "policy", "-s", source]] {
            let mut command = command(arguments);
            let output =
                CommandOutput::of(&command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).output().unwrap());
            assert!(!output.out.contains("SECRET") && !output.err.contains("SECRET"), "{source}: {output:?}");
        }
    });
}
