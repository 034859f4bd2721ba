//! cosign 3 and this program verify what the other signs, and refuse what the other refuses: `.ci/install-cosign` installs it.
//! `openssl` makes the RSA key.
//!
//! There is no log to write to, so cosign signs without one; a log's entry is one of the tests of `assay-evidence`.

mod vsa;

use std::process::Command;

use camino::Utf8PathBuf;
use serde_json::{Value, json};

use crate::{
    fixture::{CommandOutput, Fixture, command},
    registry::Registry,
};

/// A folder with keys, and a registry with an image.
struct World {
    fixture: Fixture,
    registry: Registry,
    image: String,
}

/// How cosign writes signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Tags,
    Bundles,
}

impl Form {
    const BOTH: [Self; 2] = [Self::Tags, Self::Bundles];

    const fn flag(self) -> &'static str {
        match self {
            Self::Tags => "--new-bundle-format=false",
            Self::Bundles => "--new-bundle-format=true",
        }
    }
}

impl World {
    fn new() -> Self {
        let mut fixture = Fixture::empty();
        let digest = fixture.unsigned_image("cart", &[]);
        fixture.layout.write(&fixture.path("oci")).unwrap();
        let registry = Registry::start();
        registry.push_layout(fixture.path("oci").as_std_path());
        let image = format!("{}/app/cart@{digest}", registry.host());
        Self { fixture, registry, image }
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        self.fixture.path(name)
    }

    /// Runs cosign, which reaches nothing but the registry of the test.
    fn cosign(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("cosign")
            .args(arguments)
            .current_dir(self.path(""))
            .env("COSIGN_PASSWORD", "")
            .env("HOME", self.path("home"))
            .env("TUF_ROOT", self.path("tuf"))
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap_or_else(|error| panic!("cosign: {error}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// The private and the public key of a kind.
    fn key(&self, kind: &str) -> (String, String) {
        if kind == "rsa" {
            let made = Command::new("openssl")
                .args(["genrsa", "-traditional", "-out", "rsa.pem", "2048"])
                .current_dir(self.path(""))
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
            self.cosign(&["import-key-pair", "--key", "rsa.pem", "--output-key-prefix", kind]).unwrap();
        } else {
            self.cosign(&["generate-key-pair", "--output-key-prefix", kind]).unwrap();
        }
        (format!("{kind}.key"), self.path(&format!("{kind}.pub")).to_string())
    }

    fn sign(&self, form: Form, key: &str) {
        let fixed = ["sign", "--yes", "--tlog-upload=false", "--use-signing-config=false", form.flag(), "--key", key];
        self.cosign(&[&fixed[..], &[&self.image]].concat()).unwrap();
        let predicate = self.fixture.file("predicate.json", &provenance().to_string());
        let fixed = ["attest", "--yes", "--tlog-upload=false", "--use-signing-config=false", form.flag(), "--key", key];
        let more = ["--type", "slsaprovenance", "--predicate", predicate.as_str(), &self.image];
        self.cosign(&[&fixed[..], &more].concat()).unwrap();
    }

    fn verify(&self, what: &str, key: &str, more: &[&str]) -> CommandOutput {
        let fixed = ["verify", what, &self.image, "--key", key, "--output", "json"];
        let home = self.path("home");
        let output = command(&[&fixed[..], more].concat()).env("HOME", home).env("TUF_ROOT", self.path("tuf")).output();
        CommandOutput::of(&output.unwrap())
    }
}

fn provenance() -> Value {
    json!({"builder": {"id": "https://build.test"}, "buildType": "https://build.test/type", "invocation": {}})
}

fn codes(output: &CommandOutput) -> Vec<String> {
    let refused = output.json()["refused"].as_array().cloned().unwrap_or_default();
    refused.iter().map(|one| one["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
#[ignore = "needs cosign"]
fn what_cosign_signs_is_verified_and_only_by_its_key() {
    for kind in ["p256", "rsa"] {
        for form in Form::BOTH {
            let world = World::new();
            let (private, public) = world.key(kind);
            world.sign(form, &private);
            for what in ["image", "attestation"] {
                let verified = world.verify(what, &public, &["--ignore-rekor"]);
                assert_eq!(verified.code, 0, "{kind} {form:?} {what}: {} {}", verified.out, verified.err);
                let signature = &verified.json()["signatures"][0];
                assert_eq!(signature["kind"], what, "{signature}");
                let place = signature["place"].as_str().unwrap();
                assert_eq!(place.starts_with("referrer "), form == Form::Bundles, "{place}");
                // Nobody logged it.
                let unlogged = world.verify(what, &public, &[]);
                assert_eq!(unlogged.code, 1, "{} {}", unlogged.out, unlogged.err);
                assert!(codes(&unlogged).contains(&"log-entry".to_owned()), "{}", unlogged.out);
                let stranger = world.fixture.path("key.pub");
                let refused = world.verify(what, stranger.as_str(), &["--ignore-rekor"]);
                assert_eq!(refused.code, 1, "{} {}", refused.out, refused.err);
                assert!(codes(&refused).contains(&"signature".to_owned()), "{}", refused.out);
            }
            let of_type = |name: &str| world.verify("attestation", &public, &["--ignore-rekor", "--type", name]);
            assert_eq!(of_type("slsaprovenance").code, 0);
            let other = of_type("spdx");
            assert_eq!(other.code, 1, "{}", other.out);
            assert!(codes(&other).iter().all(|code| code == "predicate-type"), "{}", other.out);
        }
    }
}

#[test]
#[ignore = "needs cosign"]
fn a_file_that_cosign_signs_is_verified_by_its_bytes_and_its_digest() {
    let world = World::new();
    for kind in ["p256", "rsa"] {
        let (private, public) = world.key(kind);
        let file = world.fixture.file("file.txt", "content\n");
        let fixed = ["sign-blob", "--yes", "--tlog-upload=false", "--use-signing-config=false", "--key", &private];
        world.cosign(&[&fixed[..], &["--bundle", "file.json", file.as_str()]].concat()).unwrap();
        let bundle = world.path("file.json");
        let verify = |artifact: &str, more: &[&str]| {
            let fixed =
                ["verify", "bundle", "--bundle", bundle.as_str(), artifact, "--key", &public, "--output", "json"];
            CommandOutput::of(&command(&[&fixed[..], more].concat()).env("HOME", world.path("home")).output().unwrap())
        };
        let digest = assay_model::digest::Digest::of(b"content\n").to_string();
        for artifact in [file.as_str(), &digest] {
            let verified = verify(artifact, &["--ignore-rekor"]);
            assert_eq!(verified.code, 0, "{kind} {artifact}: {} {}", verified.out, verified.err);
            assert_eq!(verify(artifact, &[]).code, 1);
        }
        let other = verify(&assay_model::digest::Digest::of(b"other").to_string(), &["--ignore-rekor"]);
        assert_eq!(other.code, 1, "{} {}", other.out, other.err);
    }
}

#[test]
#[ignore = "needs cosign"]
fn cosign_verifies_what_fixtures_sign_and_refuses_another_key() {
    let mut fixture = Fixture::empty();
    let digest = fixture.image("cart", &[]);
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let registry = Registry::start();
    registry.push_layout(fixture.path("oci").as_std_path());
    let image = format!("{}/app/cart@{digest}", registry.host());
    let world = World { fixture, registry, image };
    let (_, stranger) = world.key("p256");
    let own = world.path("key.pub");
    let verify = |command: &[&str], key: &str| {
        let fixed = ["--insecure-ignore-tlog=true", "--new-bundle-format=false", "--key", key, &world.image];
        world.cosign(&[command, &fixed[..]].concat())
    };
    let attestation = ["verify-attestation", "--type", "slsaprovenance"];
    for command in [&["verify"][..], &attestation] {
        assert!(verify(command, own.as_str()).is_ok(), "{:?}", verify(command, own.as_str()));
        assert!(verify(command, &stranger).is_err());
    }
    for what in ["image", "attestation"] {
        assert_eq!(world.verify(what, own.as_str(), &["--ignore-rekor"]).code, 0);
        assert_eq!(world.verify(what, &stranger, &["--ignore-rekor"]).code, 1);
    }
    assert!(!world.registry.requests().is_empty());
}
