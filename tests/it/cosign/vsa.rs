//! What is attested (`validate image --vsa`) is signed with keys that cosign 3 encrypted, and cosign verifies it: as a file and
//! attached to its image. `.ci/install-cosign` installs it; `openssl` makes the keys that cosign does not.

use std::process::Command;

use camino::Utf8PathBuf;

use crate::{
    fixture::{Fixture, assay},
    registry::Registry,
};

const PASSWORD: &str = "a password, with spaces";
const TYPE: &str = "https://conforma.dev/verification_summary/v1";

/// A folder with keys and attestations, and a registry with two images.
struct World {
    fixture: Fixture,
    registry: Registry,
}

impl World {
    fn new() -> Self {
        let mut fixture = Fixture::good();
        fixture.image("other", &[]);
        fixture.layout.write(&fixture.path("oci")).unwrap();
        let registry = Registry::start();
        registry.push_layout(fixture.path("oci").as_std_path());
        Self { fixture, registry }
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        self.fixture.path(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.path(""))
            .env("COSIGN_PASSWORD", PASSWORD)
            .env("HOME", self.path("home"))
            .env("TUF_ROOT", self.path("tuf"))
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn cosign(&self, arguments: &[&str]) -> Result<String, String> {
        self.run("cosign", arguments)
    }

    /// A key pair `KIND.key` and `KIND.pub`, encrypted by cosign.
    fn make_key(&self, kind: &str) {
        let made: &[&str] = match kind {
            "p256" => {
                self.cosign(&["generate-key-pair", "--output-key-prefix", kind]).unwrap();
                return;
            }
            "rsa" => &["genrsa", "-out", "plain.pem", "3072"],
            "p384" => &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "plain.pem"],
            other => panic!("no such kind: {other}"),
        };
        self.run("openssl", made).unwrap();
        self.cosign(&["import-key-pair", "--key", "plain.pem", "--output-key-prefix", kind]).unwrap();
    }

    /// Validates both images and attests the result.
    fn attest(&self, kind: &str) {
        let (key, folder) = (self.path(&format!("{kind}.key")), self.path(kind));
        let more = ["--vsa", "--vsa-signing-key", key.as_str(), "--attestation-output-dir", folder.as_str()];
        let fixture = &self.fixture;
        let variables = [("COSIGN_PASSWORD", PASSWORD)];
        let output = fixture.run_with_env(&self.registry.host(), &fixture.policy(), &more, &variables);
        output.expect(0, "note: what came of 2 images is attested in");
    }

    fn image(&self, at: usize) -> String {
        format!("{}/{}", self.registry.host(), self.fixture.components.get(at).unwrap().1)
    }
}

#[test]
#[ignore = "needs cosign"]
fn cosign_verifies_what_is_attested_with_its_keys_and_refuses_another_key_and_image() {
    for kind in ["p256", "rsa"] {
        let world = World::new();
        world.make_key(kind);
        world.attest(kind);
        world.cosign(&["generate-key-pair", "--output-key-prefix", "stranger"]).unwrap();
        let envelope = world.path(kind).join("vsa-good.json.intoto.jsonl");
        let public = format!("{kind}.pub");
        // As a file.
        let (image, other) = (world.image(0), world.image(1));
        let verify = |key: &str, image: &str, predicate_type: &str| {
            let fixed =
                ["verify-blob-attestation", "--insecure-ignore-tlog=true", "--new-bundle-format=false", "--key", key];
            let hex = image.rsplit(':').next().unwrap();
            let more =
                ["--signature", envelope.as_str(), "--type", predicate_type, "--digest", hex, "--digestAlg", "sha256"];
            world.cosign(&[&fixed[..], &more].concat())
        };
        verify(&public, &image, TYPE).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(verify("stranger.pub", &image, TYPE).is_err());
        assert!(verify(&public, &other, TYPE).is_err());
        assert!(verify(&public, &image, "slsaprovenance").is_err());
        // Attached to its image, where this program finds it, too.
        world.cosign(&["attach", "attestation", "--attestation", envelope.as_str(), &image]).unwrap();
        let verify = |key: &str, predicate_type: &str| {
            let fixed =
                ["verify-attestation", "--insecure-ignore-tlog=true", "--new-bundle-format=false", "--key", key];
            world.cosign(&[&fixed[..], &["--type", predicate_type, &image]].concat())
        };
        let verified = verify(&public, TYPE).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(verified.contains("application/vnd.in-toto+json"), "{verified}");
        assert!(verify("stranger.pub", TYPE).is_err());
        let public = world.path(&public);
        let fixed = ["verify", "attestation", &image, "--ignore-rekor", "--type", TYPE, "--key"];
        assay(&[&fixed[..], &[public.as_str()]].concat()).expect(0, "verified");
        assay(&[&fixed[..], &[world.path("stranger.pub").as_str()]].concat()).expect(1, "not verified");
    }
}

#[test]
#[ignore = "needs cosign"]
fn keys_that_cosign_encrypted_sign_what_validate_vsa_accepts_and_only_with_their_password() {
    for kind in ["p256", "rsa", "p384"] {
        let world = World::new();
        world.make_key(kind);
        world.attest(kind);
        let (image, policy) = (world.image(0), world.fixture.policy());
        let (places, public, signer) =
            (format!("local@{}", world.path(kind)), world.path(&format!("{kind}.pub")), world.path("key.pub"));
        let validate = |key: &str, more: &[&str]| {
            let fixed = [
                "validate",
                "vsa",
                &image,
                "--vsa-retrieval",
                &places,
                "--policy",
                &policy,
                "--public-key",
                signer.as_str(),
                "--vsa-public-key",
                key,
            ];
            assay(&[&fixed[..], more].concat())
        };
        validate(public.as_str(), &[]).expect(0, "Signature: VERIFIED");
        validate(signer.as_str(), &[]).expect(1, "there is no VSA about");
        validate(public.as_str(), &["--vsa-expiration=1ns"]).expect(1, "the VSA has expired");
        let key = world.path(&format!("{kind}.key"));
        let more = ["--vsa", "--vsa-signing-key", key.as_str(), "--vsa-upload=local@x"];
        let wrong = [("COSIGN_PASSWORD", "a password")];
        let refused = world.fixture.run_with_env(&world.registry.host(), &policy, &more, &wrong);
        refused.expect(2, "the password is wrong");
    }
}
