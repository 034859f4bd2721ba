//! `assay verify` of what an identity signed: the exit codes, the results and the trust roots. The signatures are those of the
//! benches, of a Sigstore instance of the tests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use xtask::bench_keyless::{REPOSITORY, fixture, signed};

use crate::fixture::{CommandOutput, Fixture, assay, command};

/// What was signed, as files.
struct Signed {
    folder: Fixture,
    fixture: Value,
    root: String,
}

impl Signed {
    fn new() -> Self {
        let (folder, fixture) = (Fixture::empty(), fixture().unwrap());
        signed(&fixture).unwrap().write(&folder.path("oci")).unwrap();
        for (at, bundle) in fixture["bundles"].as_array().unwrap().iter().enumerate() {
            folder.file(&format!("bundle{at}.json"), bundle["bundle"].as_str().unwrap());
        }
        let root = folder.file("trusted_root.json", &fixture["root"].to_string()).into_string();
        Self { folder, fixture, root }
    }

    fn text(&self, field: &str) -> &str {
        self.fixture[field].as_str().unwrap()
    }

    fn identity(&self) -> [&str; 4] {
        let (subject, issuer) = (self.text("subject"), self.text("issuer"));
        ["--certificate-identity", subject, "--certificate-oidc-issuer", issuer]
    }

    /// Verifies the attestation in its bundle, with these arguments in place of the signer's.
    fn bundle(&self, of: &str, subject: &str, more: &[&str]) -> CommandOutput {
        let bundle = self.folder.path(of);
        assay(&[&["verify", "bundle", "--bundle", bundle.as_str(), subject, "--output", "json"], more].concat())
    }

    fn image(&self) -> String {
        format!("any.test/{REPOSITORY}@{}", self.text("image"))
    }
}

/// Whether it is verified, and the codes of what is not.
fn verdict(output: &CommandOutput) -> (i32, bool, Vec<String>) {
    let document = output.json();
    let refused = document["refused"].as_array().unwrap();
    let codes = refused.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect();
    (output.code, document["verified"].as_bool().unwrap(), codes)
}

#[test]
fn a_bundle_is_verified_or_refused_with_a_code() {
    let signed = Signed::new();
    let (image, root) = (signed.text("image"), ["--trusted-root", &signed.root]);
    let with = |bundle: &str, subject: &str, signer: [&str; 4], more: &[&str]| {
        verdict(&signed.bundle(bundle, subject, &[&root[..], &signer, more].concat()))
    };
    let identity = signed.identity();
    let no = |code: &str| (1, false, vec![code.to_owned()]);
    let good = signed.bundle("bundle1.json", image, &[&root[..], &identity].concat());
    assert_eq!(verdict(&good), (0, true, vec![]));
    let found = &good.json()["signatures"][0];
    assert_eq!(found["kind"], "blob");
    assert_eq!(found["signer"]["identity"], signed.text("subject"));
    assert_eq!(found["times"][0], json!({"source": "log", "at": "2023-11-14T22:13:20Z", "authority": null}));
    assert_eq!(found["predicateType"], "https://slsa.dev/provenance/v0.2");
    assert_eq!(with("bundle1.json", image, identity, &["--type", "slsaprovenance"]), (0, true, vec![]));
    assert_eq!(with("bundle1.json", image, identity, &["--type", "spdx"]), no("predicate-type"));
    let other = ["--certificate-identity", "me", "--certificate-oidc-issuer", signed.text("issuer")];
    assert_eq!(with("bundle1.json", image, other, &[]), no("identity"));
    let other = ["--certificate-identity", signed.text("subject"), "--certificate-oidc-issuer", "https://other.test"];
    assert_eq!(with("bundle1.json", image, other, &[]), no("issuer"));
    assert_eq!(with("bundle1.json", &format!("sha256:{}", "0".repeat(64)), identity, &[]), no("subject"));
    signed.folder.file("none.json", "{}");
    assert_eq!(with("none.json", image, identity, &[]), no("malformed"));
    // Longer than what is read: a file with nothing in it.
    let long = fs_err::File::create(signed.folder.path("long.json")).unwrap();
    long.set_len(assay_model::limits::ENVELOPE_BYTES + 1).unwrap();
    assert_eq!(with("long.json", image, identity, &[]), no("limit"));
    // The public good instance knows neither the log nor the authority.
    assert_eq!(verdict(&signed.bundle("bundle1.json", image, &identity)), no("log-entry"));
}

#[test]
fn a_request_that_cannot_be_used_is_no_verdict() {
    let signed = Signed::new();
    let (image, identity) = (signed.text("image"), signed.identity());
    let root = ["--trusted-root", &signed.root];
    let none = ["--trusted-root", "no/such/file"];
    let expression = ["--certificate-identity-regexp", "[", "--certificate-oidc-issuer", "x"];
    let half = ["--certificate-identity", "x"];
    let refused = |subject: &str, more: &[&[&str]], says: &str| {
        let output = signed.bundle("bundle1.json", subject, &more.concat());
        output.expect(2, says);
        assert_eq!(output.out, "");
    };
    refused(image, &[&none, &identity], "no/such/file");
    refused(image, &[&root, &expression], "the expression `[` is invalid");
    refused(image, &[&root, &half], "issuer");
    refused(image, &[&root], "no public key and no identity");
    refused("sha256:00", &[&root, &identity], "is not a digest");
    refused(image, &[&root, &identity, &["--type", "provenance"]], "is not a predicate type");
    refused("no/such/file", &[&root, &identity], "no/such/file");
    let missing = signed.bundle("missing.json", image, &[&root[..], &identity].concat());
    missing.expect(2, "no such file");
}

#[test]
fn an_image_is_verified_from_a_layout_by_a_trust_root_or_by_the_key_files_of_the_variables() {
    let signed = Signed::new();
    let (image, layout, identity) = (signed.image(), signed.folder.path("oci"), signed.identity());
    let with = |what: &str, signer: &[&str], variables: &[(&str, String)]| {
        let fixed = ["verify", what, &image, "--evidence", layout.as_str(), "--output", "json"];
        let variables = variables.iter().map(|(name, value)| (*name, value.as_str()));
        CommandOutput::of(&command(&[&fixed[..], signer].concat()).envs(variables).output().unwrap())
    };
    let root = ["--trusted-root", &signed.root];
    for what in ["image", "attestation"] {
        let verified = with(what, &[&root[..], &identity].concat(), &[]);
        assert_eq!(verdict(&verified), (0, true, vec![]), "{what}");
        assert_eq!(verified.json()["subject"], image.as_str());
        assert_eq!(verified.json()["signatures"][0]["kind"], what);
        let stranger = ["--certificate-identity-regexp", "^other$", "--certificate-oidc-issuer-regexp", ".*"];
        let refused = with(what, &[&root[..], &stranger].concat(), &[]);
        assert_eq!(verdict(&refused), (1, false, vec!["identity".to_owned()]), "{what}");
    }
    let pem = |name: &str, kind: &str, place: &str| {
        let base64 = signed.fixture["root"].pointer(place).unwrap().as_str().unwrap();
        assert!(STANDARD.decode(base64).is_ok());
        let text = format!("-----BEGIN {kind}-----\n{base64}\n-----END {kind}-----\n");
        signed.folder.file(name, &text).into_string()
    };
    let authority = pem("ca.pem", "CERTIFICATE", "/certificateAuthorities/0/certChain/certificates/0/rawBytes");
    let variables = [
        ("SIGSTORE_ROOT_FILE", authority),
        ("SIGSTORE_REKOR_PUBLIC_KEY", pem("log.pem", "PUBLIC KEY", "/tlogs/0/publicKey/rawBytes")),
        ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", pem("ct.pem", "PUBLIC KEY", "/ctlogs/0/publicKey/rawBytes")),
    ];
    assert_eq!(verdict(&with("image", &identity, &variables)), (0, true, vec![]));
    // One of them is missing, so that the public good instance's stands for it.
    for (missing, code) in [(0, "certificate"), (1, "log-entry"), (2, "sct")] {
        let mut some = variables.to_vec();
        some.remove(missing);
        let (exit, _, codes) = verdict(&with("image", &identity, &some));
        assert_eq!((exit, codes), (1, vec![code.to_owned()]));
    }
    let mut some = variables.to_vec();
    some.remove(2);
    assert_eq!(with("image", &[&identity[..], &["--ignore-sct"]].concat(), &some).code, 0);
}

#[test]
fn an_image_in_a_registry_that_is_gone_is_neither_verified_nor_refused() {
    let signed = Signed::new();
    let image = format!("127.0.0.1:9/{REPOSITORY}@{}", signed.text("image"));
    let fixed = ["verify", "image", &image, "--trusted-root", &signed.root, "--retry-max-retry", "0"];
    let output = assay(&[&fixed[..], &signed.identity()].concat());
    output.expect(3, "could not be verified");
}
