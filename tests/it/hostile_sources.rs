//! Policy sources, caches and settings of git that somebody else had a hand in, tried on the built program.

use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;

use crate::{
    sources::Repository,
    world::{RULES, Ran, World, command, ec_command},
};

/// Fetches a source into a folder of the world, with these variables beside those that are always there.
fn fetch(world: &World, source: &str, more: &[&str], variables: &[(&str, &str)]) -> Ran {
    let out = world.path("out");
    let mut command = command(&[&["fetch", "policy", "-s", source, "-d", out.as_str()], more].concat());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("XDG_CACHE_HOME", world.path("cache"));
    Ran::of(&command.envs(variables.iter().copied()).output().unwrap())
}

fn mode(path: &Utf8Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn settings_that_lie_about_make_git_run_nothing() {
    let world = World::empty();
    let repository = Repository::in_folder(world.path("repository"));
    repository.commit(&[("main.rego", RULES)]);
    let (home, marker) = (world.path("home"), world.path("marker"));
    let run = world.file("run.sh", &format!("#!/bin/sh\ntouch {marker}\nexec \"$@\"\n"));
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
        fetch(&world, &repository.place(""), &["--cache-dir="], variables).expect(0, "Downloading");
        // A repository that cannot be reached: what would be asked for a password, or run to get there.
        for source in ["git::ssh://git@127.0.0.1:1/a/b", "git::https://127.0.0.1:1/a/b"] {
            let ran = fetch(&world, source, &["--cache-dir="], variables);
            assert_eq!(ran.code, 2, "{ran:?}");
        }
        assert!(!marker.exists(), "{file:?} {variables:?}");
        if let Some(file) = file {
            fs_err::remove_file(home.join(file)).unwrap();
        }
    }
    // The error of a fetch says which settings were left out.
    fs_err::write(home.join(".gitconfig"), &settings).unwrap();
    let ran = fetch(&world, "git::ssh://git@127.0.0.1:1/a/b", &["--cache-dir="], &plain);
    assert!(
        ran.err.contains("was not given your settings `core.askpass`, `core.sshcommand`, `credential.helper`"),
        "{ran:?}"
    );
    // What reaches repositories stays: an address in another's place.
    let other = format!("[url \"{}/\"]\n\tinsteadOf = https://policies.example/\n", world.path(""));
    fs_err::write(home.join(".gitconfig"), other).unwrap();
    let ran = fetch(&world, "git::https://policies.example/repository", &["--cache-dir="], &plain);
    assert_eq!(ran.code, 2, "a folder does not stand in an address's place: {ran:?}");
}

#[test]
fn a_folder_named_like_a_remote_policy_is_not_taken_for_it() {
    let world = World::empty();
    for (name, local, remote) in [
        ("github.com/org/policy", "./github.com/org/policy", "git::https://github.com/org/policy"),
        ("quay.io/org/policy", "./quay.io/org/policy", "oci::quay.io/org/policy"),
        (
            "policies.example/org/policy.git",
            "./policies.example/org/policy.git",
            "git::https://policies.example/org/policy.git",
        ),
    ] {
        world.file(&format!("{name}/main.rego"), RULES);
        let arguments = ["fetch", "policy", "-s", name, "-d", "out"];
        let ran = Ran::of(&command(&arguments).current_dir(world.path("")).output().unwrap());
        ran.expect(2, "is a path here and looks like something to fetch");
        assert!(ran.err.contains(&format!("`{local}`")) && ran.err.contains(&format!("`{remote}`")), "{ran:?}");
        let validate = ["validate", "policy", "--policy", name];
        Ran::of(&command(&validate).current_dir(world.path("")).output().unwrap()).expect(2, "looks like something");
        let written = ["fetch", "policy", "-s", local, "-d", "out"];
        Ran::of(&command(&written).current_dir(world.path("")).output().unwrap()).expect(0, "Downloading");
        let mut ec = ec_command(&world.path(""), &arguments);
        Ran::of(&ec.current_dir(world.path("")).output().unwrap()).expect(0, "Downloading");
    }
}

#[test]
fn a_cache_that_others_can_write_to_is_not_used() {
    let world = World::empty();
    let repository = Repository::in_folder(world.path("repository"));
    let commit = repository.commit(&[("main.rego", RULES)]);
    let source = repository.place(&format!("?ref={commit}"));
    let cache = world.path("cache/assay");
    fs_err::create_dir_all(&cache).unwrap();
    mode(&cache, 0o777);
    fetch(&world, &source, &[], &[]).expect(0, "Downloading");
    assert_eq!(fs_err::read_dir(&cache).unwrap().count(), 0, "nothing was put there");
    let ran = fetch(&world, &source, &["--cache-dir", cache.as_str()], &[]);
    ran.expect(2, "can be written to by others");
    // A pipe in a good cache holds nothing up.
    mode(&cache, 0o700);
    fs_err::create_dir_all(cache.join("git")).unwrap();
    let pipe = cache.join(format!("git/{commit}.pack"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fetch(&world, &source, &[], &[]).expect(0, "Downloading");
    assert!(pipe.is_file(), "the pipe has become the pack");
}

#[test]
fn secrets_in_the_address_of_a_source_are_told_nobody() {
    let world = World::empty();
    for source in [
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
    ] {
        let ran = fetch(&world, source, &["--cache-dir="], &[]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(!ran.out.contains("SECRET") && !ran.err.contains("SECRET"), "{source}: {ran:?}");
        for arguments in [&["validate", "policy", "--policy", source][..], &["inspect", "policy", "-s", source]] {
            let mut command = command(arguments);
            let ran = Ran::of(&command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).output().unwrap());
            assert!(!ran.out.contains("SECRET") && !ran.err.contains("SECRET"), "{source}: {ran:?}");
        }
    }
}
