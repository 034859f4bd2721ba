//! Plugins between this program, Debian's `docker-registry`, `oras` and `wkg`: `.ci/install-plugin-registry-tools` installs them.
//!
//! The registry has no API for referrers, so what refers to a plugin is found under a tag.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use camino::Utf8PathBuf;
use serde_json::Value;

use crate::{
    fixture::{CommandOutput, guest},
    plugin_distribution::Team,
};

/// Debian's registry; it ends with the test.
struct DebianRegistry {
    process: Child,
    host: String,
    folder: tempfile::TempDir,
}

impl DebianRegistry {
    #[expect(clippy::disallowed_methods, reason = "the server sends no event; the loop has a deadline")]
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (host, folder) = (format!("127.0.0.1:{port}"), tempfile::tempdir().unwrap());
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: {host}}}\n",
            folder.path().join("content").display()
        );
        let file = folder.path().join("config.yml");
        fs_err::write(&file, config).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("docker-registry: {error}"));
        let begun = Instant::now();
        while TcpStream::connect(&host).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "docker-registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, host, folder }
    }

    /// Changes one byte of a blob on disk, where it has this digest.
    fn change(&self, digest: &str) {
        let hex = digest.trim_start_matches("sha256:");
        let folder = self.folder.path().join("content/docker/registry/v2/blobs/sha256");
        let file = folder.join(hex.get(..2).unwrap()).join(hex).join("data");
        let mut bytes = fs_err::read(&file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs_err::write(&file, bytes).unwrap();
    }
}

impl Drop for DebianRegistry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn tool(program: &str, folder: &camino::Utf8Path, arguments: &[&str]) -> CommandOutput {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env("COSIGN_PASSWORD", "")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    CommandOutput::of(&output)
}

fn component() -> (Utf8PathBuf, Vec<u8>) {
    let path = guest("licenses");
    let bytes = fs_err::read(&path).unwrap();
    (path, bytes)
}

#[test]
#[ignore = "needs docker-registry, oras and wkg"]
fn what_is_pushed_here_oras_and_wkg_read_with_equal_bytes() {
    let registry = DebianRegistry::start();
    let team = Team::new(&registry.host);
    let (_, bytes) = component();
    let reference = team.publish();
    let folder = team.fixture.path("out");
    fs_err::create_dir_all(&folder).unwrap();
    tool("oras", &folder, &["pull", "--plain-http", &reference]).expect(0, "");
    assert_eq!(fs_err::read(folder.join("licenses.wasm")).unwrap(), bytes);
    let tag = format!("{}/acme/licenses:0.1.0", registry.host);
    tool("wkg", &folder, &["oci", "pull", "--insecure", &registry.host, &tag, "-o", "wkg.wasm"]).expect(0, "");
    assert_eq!(fs_err::read(folder.join("wkg.wasm")).unwrap(), bytes);
    // What refers to it is there for others, too.
    let found = tool("oras", &folder, &["discover", "--plain-http", "--format", "json", &reference]);
    found.expect(0, "application/vnd.dev.sigstore.bundle.v0.3+json");
}

#[test]
#[ignore = "needs docker-registry, oras and wkg"]
fn what_oras_and_wkg_push_is_pulled_here_with_equal_bytes() {
    let registry = DebianRegistry::start();
    let team = Team::new(&registry.host);
    let (path, bytes) = component();
    let folder = team.fixture.path("in");
    fs_err::create_dir_all(&folder).unwrap();
    fs_err::copy(&path, folder.join("licenses.wasm")).unwrap();
    let (by_oras, by_wkg) = (format!("{}/acme/oras:0.1.0", registry.host), format!("{}/acme/wkg:0.1.0", registry.host));
    let push = ["push", "--plain-http", &by_oras, "licenses.wasm:application/wasm"];
    tool("oras", &folder, &push).expect(0, "");
    tool("wkg", &folder, &["oci", "push", "--insecure", &registry.host, &by_wkg, "licenses.wasm"]).expect(0, "");
    for (reference, file) in [(by_oras, "oras.wasm"), (by_wkg, "wkg.wasm")] {
        let out = team.path(file);
        team.plugin(&["pull", &reference, "--out", &out]).expect(0, "@sha256:");
        assert_eq!(fs_err::read(&out).unwrap(), bytes, "{reference}");
    }
}

#[test]
#[ignore = "needs docker-registry, oras and wkg"]
fn debians_registry_cannot_change_what_runs() {
    let registry = DebianRegistry::start();
    let team = Team::new(&registry.host);
    let (_, bytes) = component();
    let reference = team.publish();
    team.list("stranger");
    team.verify().expect(1, "plugin-not-signed");
    team.list("author");
    let moved = team.push(team.changed().as_str());
    assert_ne!(moved, reference);
    team.lock(&["--check"]).expect(1, "plugin-lock-mismatch");
    team.verify().expect(0, "verified");
    let strict = "package vet\ndeny contains {\"code\": \"vet.no\", \"msg\": \"withdrawn\"}\n";
    fs_err::create_dir_all(team.fixture.path("strict")).unwrap();
    team.fixture.file("strict/vet.rego", strict);
    let (strict, list, key) = (team.path("strict"), team.path("plugins.toml"), team.path("vetter.key"));
    team.plugin(&["vet", &reference, "--policy", &strict, "--plugins", &list, "--sign-key", &key]).expect(1, "denied");
    team.verify().expect(1, "plugin-not-vetted");
    team.vet(&reference).expect(0, "accepted");
    team.lock(&[]).expect(0, "vet statement");
    team.verify().expect(0, "verified");
    let lock = team.path("assay.lock");
    let locked = fs_err::read_to_string(&lock).unwrap();
    fs_err::write(&lock, locked.replace(":0.1.0", ":0.0.9")).unwrap();
    team.verify().expect(1, "plugin-lock-mismatch");
    fs_err::write(&lock, locked).unwrap();
    registry.change(&assay_model::digest::Digest::of(&bytes).to_string());
    let output = team.verify();
    // The registry itself checks what it serves, or gives the changed byte.
    assert!(output.code != 0 && !output.err.contains("verified"), "{output:?}");
    team.plugin(&["pull", &reference]).expect(3, "digest-mismatch");
}

#[test]
#[ignore = "needs docker-registry, oras and wkg"]
fn saved_plugins_run_where_there_is_no_network() {
    let registry = DebianRegistry::start();
    let team = Team::new(&registry.host);
    let reference = team.publish();
    let (tar, list) = (team.path("plugins.tar"), team.path("plugins.toml"));
    team.plugin(&["pull", "--save", &tar, "--plugins", &list]).expect(0, &reference);
    let verify = |plugin: &str| team.command(&["plugin", "verify", plugin, "--plugins", &list, "--from", &tar]);
    let offline = |inner: &Command| {
        let mut command = Command::new("unshare");
        command.args(["-n", "--"]).arg(inner.get_program()).args(inner.get_args()).env_clear().stdin(Stdio::null());
        // Nothing is compiled yet there.
        command.env("ASSAY_PLUGIN_CACHE", team.path("cache-offline")).current_dir(team.fixture.path(""));
        CommandOutput::of(&command.output().unwrap())
    };
    for plugin in ["licenses", &reference] {
        offline(&verify(plugin)).expect(0, "verified");
        offline(&team.validation_of_saved(plugin, &tar)).expect(1, "licenses.sbom");
    }
    let bytes = fs_err::read(&tar).unwrap();
    assert!(!bytes.windows(4).any(|four| four == b"\x7fELF"), "native code");
}

#[test]
#[ignore = "needs docker-registry, oras and wkg, and cosign"]
fn cosign_verifies_what_is_signed_here_and_the_reverse() {
    let registry = DebianRegistry::start();
    let team = Team::new(&registry.host);
    let folder = team.fixture.path("");
    let reference = team.push(guest("licenses").as_str());
    let verify = |key: &str| {
        let fixed = ["verify", "--insecure-ignore-tlog=true", "--new-bundle-format=true", "--key", key, &reference];
        tool("cosign", &folder, &fixed)
    };
    verify("author.pub").expect(0, "");
    assert_ne!(verify("stranger.pub").code, 0);
    team.vet(&reference).expect(0, "accepted");
    let attested = tool(
        "cosign",
        &folder,
        &[
            "verify-attestation",
            "--insecure-ignore-tlog=true",
            "--new-bundle-format=true",
            "--type",
            "https://assay.dev/vet/v1",
            "--key",
            "vetter.pub",
            &reference,
        ],
    );
    attested.expect(0, "");
    let fixed =
        ["sign", "--yes", "--tlog-upload=false", "--use-signing-config=false", "--key", "stranger.key", &reference];
    tool("cosign", &folder, &fixed).expect(0, "");
    team.plugin(&["verify", &reference, "--key", &team.path("stranger.pub"), "--ignore-rekor"]).expect(0, "verified");
    let listed: Value = team
        .plugin(&["verify", &reference, "--key", &team.path("author.pub"), "--ignore-rekor", "--output", "json"])
        .json();
    assert_eq!(listed["verified"], true);
}
