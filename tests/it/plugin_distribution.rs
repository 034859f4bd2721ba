//! Plugins in a registry: pushed, signed, vetted, locked and run; and every way in which one is not what it was.

use std::process::Command;

use camino::Utf8PathBuf;
use serde_json::{Value, json};
use xtask::sign::Key;

use crate::{
    fixture::{CommandOutput, Fixture, command, guest},
    registry::{Fault, Registry},
};

/// The predicate type of vet statements.
const VET: &str = "https://assay.dev/vet/v1";

/// A team with its keys, its list of plugins, and an image to validate.
pub(crate) struct Team {
    pub(crate) fixture: Fixture,
    pub(crate) host: String,
}

impl Team {
    /// A team whose list has the plugin `licenses` of a registry.
    pub(crate) fn new(host: &str) -> Self {
        let fixture = Fixture::good();
        fixture.layout.write(&fixture.path("oci")).unwrap();
        for name in ["author", "vetter", "stranger"] {
            let key = Key::generate().unwrap();
            fixture.file(&format!("{name}.pub"), &key.public_pem().unwrap());
            fixture.file(&format!("{name}.key"), &key.encrypted_pem("").unwrap());
        }
        let team = Self { fixture, host: host.to_owned() };
        team.list("author");
        team
    }

    /// Writes the list; the signer is one of the keys.
    pub(crate) fn list(&self, signer: &str) {
        let text = format!(
            "version = 1\nregistries = [\"{host}/acme/*\"]\nvetters = [\"vetter\"]\n\
             [trust.author]\nkey = \"{signer}.pub\"\n[trust.vetter]\nkey = \"vetter.pub\"\n\
             [plugin.licenses]\nsource = \"{host}/acme/licenses\"\nversion = \">=0.1\"\ntrust = \"author\"\n",
            host = self.host
        );
        self.fixture.file("plugins.toml", &text);
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.fixture.path(name).to_string()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("ASSAY_PLUGIN_CACHE", self.path("cache"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> CommandOutput {
        CommandOutput::of(&self.command(arguments).output().unwrap())
    }

    /// `assay plugin …`
    pub(crate) fn plugin(&self, arguments: &[&str]) -> CommandOutput {
        self.run(&[&["plugin"][..], arguments].concat())
    }

    /// Pushes a component, signed by the author, and gives its reference by digest.
    pub(crate) fn push(&self, component: &str) -> String {
        let (reference, key) = (format!("{}/acme/licenses", self.host), self.path("author.key"));
        let output = self.plugin(&["push", component, &reference, "--sign-key", &key]);
        output.expect(0, "@sha256:");
        output.out.trim().to_owned()
    }

    /// Vets and signs the verdict.
    pub(crate) fn vet(&self, reference: &str) -> CommandOutput {
        let (list, key) = (self.path("plugins.toml"), self.path("vetter.key"));
        self.plugin(&["vet", reference, "--policy", "policies/vet", "--plugins", &list, "--sign-key", &key])
    }

    pub(crate) fn lock(&self, more: &[&str]) -> CommandOutput {
        let list = self.path("plugins.toml");
        self.plugin(&[&["lock", "--plugins", &list][..], more].concat())
    }

    /// Verifies the listed plugin as a run would.
    pub(crate) fn verify(&self) -> CommandOutput {
        self.plugin(&["verify", "licenses", "--plugins", &self.path("plugins.toml")])
    }

    /// Validates the image of the registry with a plugin.
    pub(crate) fn validate(&self, plugin: &str) -> CommandOutput {
        CommandOutput::of(&self.validation(plugin, &self.host, &[]).output().unwrap())
    }

    /// Validates the image of the layout with a saved plugin.
    pub(crate) fn validation_of_saved(&self, plugin: &str, saved: &str) -> Command {
        let evidence = self.path("oci");
        self.validation(plugin, "registry.test", &["--evidence", &evidence, "--plugins-from", saved])
    }

    fn validation(&self, plugin: &str, host: &str, more: &[&str]) -> Command {
        let (list, snapshot, policy) = (self.path("plugins.toml"), self.fixture.snapshot(host), self.fixture.policy());
        let key = self.path("key.pub");
        let fixed = ["validate", "image", "--images", &snapshot, "--policy", &policy, "--public-key", &key];
        let plugin = ["--ignore-rekor", "--plugin", plugin, "--plugins", &list, "--output", "json"];
        self.command(&[&fixed[..], &plugin, more].concat())
    }

    /// Everything up to the run; gives the reference by digest.
    pub(crate) fn publish(&self) -> String {
        let reference = self.push(guest("licenses").as_str());
        self.vet(&reference).expect(0, "accepted");
        self.lock(&[]).expect(0, "+ licenses");
        reference
    }

    /// The component with another custom section: the same plugin, and other bytes.
    pub(crate) fn changed(&self) -> Utf8PathBuf {
        let mut bytes = fs_err::read(guest("licenses")).unwrap();
        bytes.extend(b"\0\x06\x04noteX");
        let path = self.fixture.path("changed.wasm");
        fs_err::write(&path, bytes).unwrap();
        path
    }
}

fn start() -> (Registry, Team) {
    let registry = Registry::start();
    let team = Team::new(&registry.host());
    registry.push_layout(team.fixture.path("oci").as_std_path());
    (registry, team)
}

fn codes(report: &Value) -> Vec<String> {
    let found = report["components"][0]["violations"].as_array().cloned().unwrap_or_default();
    found.iter().map(|finding| finding["metadata"]["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_plugin_is_pushed_signed_vetted_locked_and_run_by_its_name_and_by_its_digest() {
    let (_registry, team) = start();
    let sbom = json!({"bomFormat": "CycloneDX", "components": [{"name": "spdx", "licenses": [{"expression": "MIT"}]}]});
    let sbom = team.fixture.file("sbom.json", &sbom.to_string());
    let (reference, key, list) =
        (format!("{}/acme/licenses", team.host), team.path("author.key"), team.path("plugins.toml"));
    let fixed = ["push", guest("licenses").as_str(), &reference, "--sign-key", &key, "--sbom", sbom.as_str()]
        .map(str::to_owned);
    let fixed: Vec<&str> = fixed.iter().map(String::as_str).collect();
    let pushed = team.plugin(&[&fixed[..], &["--format", "json"]].concat());
    pushed.expect(0, "signature, SBOM");
    let image = pushed.json()["reference"].as_str().unwrap().to_owned();
    // The same component is the same image.
    assert_eq!(team.push(guest("licenses").as_str()), image);

    let vet = ["vet", &image, "--policy", "policies/vet", "--plugins", &list, "--format", "json", "--show-input"];
    let vetted = team.plugin(&vet);
    vetted.expect(0, "vet.provenance");
    let vetted = vetted.json();
    assert_eq!((&vetted["accepted"], &vetted["violations"]), (&json!(true), &json!([])));
    assert_eq!(vetted["input"]["sbom"]["packages"][0]["name"], "spdx");
    assert_eq!(vetted["input"]["signers"][0]["trust"], "author");
    team.lock(&[]).expect(3, "plugin-not-vetted");
    team.vet(&image).expect(0, "accepted");
    team.lock(&[]).expect(0, "+ licenses");
    team.lock(&["--check"]).expect(0, "");
    let again = team.lock(&["--format", "json"]);
    assert_eq!(again.json()["changes"], json!([]), "{again:?}");
    team.verify().expect(0, "verified");
    team.plugin(&["verify", &image, "--key", &team.path("author.pub"), "--ignore-rekor"]).expect(0, "verified");
    let listed = team.plugin(&["list", "--plugins", &list, "--format", "json"]).json();
    assert_eq!(
        (&listed["plugins"][0]["signer"], &listed["plugins"][0]["world"]),
        (&json!("key author"), &json!("check"))
    );

    let of_file = codes(&team.fixture.validate(&["--plugin", guest("licenses").as_str(), "--output", "json"]).json());
    for plugin in ["licenses", &image] {
        let output = team.validate(plugin);
        assert_eq!((output.code, codes(&output.json())), (1, of_file.clone()), "{output:?}");
    }
    let tag = format!("{reference}:0.1.0");
    team.validate(&tag).expect(2, "names a tag");
}

#[test]
fn what_is_not_what_it_was_is_refused_with_its_code() {
    let (registry, team) = start();
    let reference = team.publish();
    team.validate("licenses").expect(1, "licenses.sbom");

    // A wrong signer.
    team.list("stranger");
    team.verify().expect(1, "plugin-not-signed");
    team.lock(&[]).expect(3, "plugin-not-signed");
    team.validate("licenses").expect(2, "plugin-not-signed");
    team.list("author");
    team.verify().expect(0, "verified");

    // A lock file that is not that of the list, or names another component.
    let lock = team.path("assay.lock");
    let locked = fs_err::read_to_string(&lock).unwrap();
    let other = format!("component = \"sha256:{}\"", "0".repeat(64));
    let edited: String = locked
        .lines()
        .map(|line| if line.starts_with("component") { other.as_str() } else { line })
        .collect::<Vec<_>>()
        .join("\n");
    fs_err::write(&lock, &edited).unwrap();
    team.verify().expect(1, "plugin-lock-mismatch");
    team.lock(&["--check"]).expect(1, "plugin-lock-mismatch");
    team.validate("licenses").expect(2, "plugin-lock-mismatch");
    fs_err::write(&lock, "version = 1\n").unwrap();
    team.validate("licenses").expect(2, "plugin-lock-mismatch");
    fs_err::write(&lock, &locked).unwrap();

    // A tag that was moved does not change what runs, and is found.
    let moved = team.push(team.changed().as_str());
    assert_ne!(moved, reference);
    team.lock(&["--check"]).expect(1, "was moved to");
    team.lock(&["--check"]).expect(1, "plugin-lock-mismatch");
    team.verify().expect(0, "verified");
    assert_eq!(team.push(guest("licenses").as_str()), reference);
    team.lock(&["--check"]).expect(0, "");

    // A vet statement that is gone, and one that denies.
    registry.remove_statements(VET);
    team.verify().expect(1, "plugin-not-vetted");
    team.validate("licenses").expect(2, "plugin-not-vetted");
    team.vet(&reference).expect(0, "accepted");
    // It is another statement than the lock file names.
    team.verify().expect(1, "plugin-not-vetted");
    team.lock(&[]).expect(0, "vet statement");
    team.verify().expect(0, "verified");
    let policy = "package vet\ndeny contains {\"code\": \"vet.no\", \"msg\": \"withdrawn\"}\n";
    fs_err::create_dir_all(team.fixture.path("strict")).unwrap();
    team.fixture.file("strict/vet.rego", policy);
    let (strict, list, key) = (team.path("strict"), team.path("plugins.toml"), team.path("vetter.key"));
    let fixed = ["vet", &reference, "--policy", &strict, "--plugins", &list, "--sign-key", &key];
    team.plugin(&fixed).expect(1, "denied");
    team.verify().expect(1, "is withdrawn");
    team.verify().expect(1, "plugin-not-vetted");
}

#[test]
fn one_changed_byte_is_found_by_its_digest() {
    let (registry, team) = start();
    let reference = team.publish();
    let bytes = fs_err::read(guest("licenses")).unwrap();
    registry.fault(&format!("/blobs/{}", assay_model::digest::Digest::of(&bytes)), Fault::Corrupt);
    team.plugin(&["pull", &reference]).expect(3, "digest-mismatch");
    team.verify().expect(1, "digest-mismatch");
    team.validate("licenses").expect(2, "digest-mismatch");
}

#[test]
fn what_was_saved_runs_without_the_registry_and_has_no_native_code() {
    let (registry, team) = start();
    let reference = team.publish();
    let (tar, list) = (team.path("plugins.tar"), team.path("plugins.toml"));
    team.plugin(&["pull", "--save", &tar, "--plugins", &list]).expect(0, &reference);
    drop(registry);
    for plugin in ["licenses", &reference] {
        let output = CommandOutput::of(&team.validation_of_saved(plugin, &tar).output().unwrap());
        output.expect(1, "licenses.sbom");
    }
    team.plugin(&["verify", "licenses", "--plugins", &list, "--from", &tar]).expect(0, "verified");
    let bytes = fs_err::read(&tar).unwrap();
    assert!(!bytes.windows(4).any(|four| four == b"\x7fELF"), "native code");
}

#[test]
fn an_empty_policy_accepts_no_plugin() {
    let (_registry, team) = start();
    let reference = team.push(guest("licenses").as_str());
    fs_err::create_dir_all(team.fixture.path("empty")).unwrap();
    team.fixture.file("empty/other.rego", "package other\nx := 1\n");
    let output = team.plugin(&["vet", &reference, "--policy", &team.path("empty")]);
    assert!(output.code > 1, "{output:?}");
}

#[test]
fn a_component_is_measured_beside_an_empty_one() {
    let team = Team::new("127.0.0.1:1");
    let output = team.plugin(&["bench", guest("licenses").as_str(), "--runs", "5", "--format", "json"]);
    output.expect(0, "cold_us");
    let measured = output.json();
    let times = ["/cold_us/p50", "/cold_us/p99", "/alone_us/p50", "/bare_us/p50", "/bare_us/p50_without_memory"];
    for name in times.into_iter().chain(["/load_ms", "/mapped_ms", "/compile_ms", "/fuel", "/memory_bytes"]) {
        assert!(
            measured.pointer(name).and_then(Value::as_f64).is_some_and(|number| number > 0.0),
            "{name}: {measured}"
        );
    }
}
