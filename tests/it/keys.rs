//! Keys and signatures as a user meets them: built-ins that verify, checks that are skipped, keys of other kinds.

use serde_json::{Value, json};

use crate::fixture::{CommandOutput, Fixture, component};

/// A policy that warns with what `ec.sigstore.*` say of the image.
const RULES: &str = r#"package p

import rego.v1

# METADATA
# title: Verified
# custom:
#   short_name: verified
warn contains result if {
	some name, answer in {
		"image": ec.sigstore.verify_image(input.image.ref, options),
		"attestation": ec.sigstore.verify_attestation(input.image.ref, options),
	}
	result := {"code": "p.verified", "term": name, "msg": sprintf("%v %v", [answer.success, answer.errors])}
}

options := object.union(data.config.default_sigstore_opts, object.get(data.rule_data__configuration__, "options", {}))
"#;

fn validate(fixture: &Fixture, options: &Value) -> CommandOutput {
    fixture.file("verify/p.rego", RULES);
    let source = json!({"policy": [fixture.path("verify")], "ruleData": {"options": options}});
    fixture.validate_with_policy(&json!({"sources": [source]}).to_string(), &["--output", "json", "--show-successes"])
}

/// What the two built-ins say about a component, the attestations first.
fn messages(output: &CommandOutput, name: &str) -> Vec<String> {
    let report = output.json();
    let warnings = component(&report, name)["warnings"].as_array().unwrap().clone();
    warnings.iter().map(|warning| warning["msg"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn built_ins_verify_with_the_runs_key_or_the_policys() {
    let fixture = Fixture::good();
    assert_eq!(messages(&validate(&fixture, &json!({})), "good"), ["true []", "true []"]);
    let other = Fixture::empty().key.public_pem().unwrap();
    let got = messages(&validate(&fixture, &json!({"public_key": other})), "good");
    let reasons = [
        "false [\"verify image attestation signature: no matching attestations: accepted signatures do not match threshold, Found: 0, Expected 1\"]",
        "false [\"verify image signature: no matching signatures: invalid signature when validating ASN.1 encoded signature\"]",
    ];
    assert_eq!(got, reasons);
    let got = messages(&validate(&fixture, &json!({"public_key": "key.pub"})), "good");
    assert!(
        got.iter().all(|messages| messages.starts_with("false [\"opts parameter: new policy: the key is not PEM")),
        "{got:?}"
    );
}

#[test]
fn built_ins_require_certificates_and_log_entries_where_the_policy_does() {
    let fixture = Fixture::good();
    let key = fixture.key.public_pem().unwrap();
    let identity = json!({"public_key": "", "certificate_identity": "me", "certificate_oidc_issuer": "them"});
    for (options, reason) in [
        (identity, "there is no certificate beside the signature"),
        (json!({"ignore_rekor": false}), "there is no log entry beside the signature"),
        (json!({"ignore_rekor": false, "rekor_public_key": key}), "there is no log entry beside the signature"),
        (json!({"ignore_rekor": false, "rekor_public_key": "cosign.pub"}), "new policy: `rekor_public_key`: "),
        (json!({"public_key": "", "certificate_identity": "me"}), "certificate OIDC issuer must be provided"),
        (
            json!({"public_key": "", "certificate_identity_regexp": "[", "certificate_oidc_issuer": "them"}),
            "the identity of the signer: the expression `[` is invalid",
        ),
    ] {
        let got = messages(&validate(&fixture, &options), "good");
        assert!(got.iter().all(|text| text.starts_with("false [") && text.contains(reason)), "{options}: {got:?}");
        assert_eq!(got.len(), 2, "{options}");
    }
}

#[test]
fn skipped_checks_are_absent_from_the_report() {
    let mut fixture = Fixture::empty();
    let unsigned = fixture.unsigned_image("unsigned", &[]);
    let statement = crate::fixture::provenance("unsigned", &unsigned).to_string().into_bytes();
    let stranger = Fixture::empty();
    fixture.layout.attest(&stranger.key, "app/unsigned", &unsigned, &[statement]).unwrap();
    let codes = |more: &[&str]| {
        let output = fixture.validate(&[&["--output", "json", "--show-successes"], more].concat());
        let report = output.json();
        let codes = |kind: &str| {
            let found = component(&report, "unsigned")[kind].as_array().cloned().unwrap_or_default();
            let code = |one: Value| one["metadata"]["code"].as_str().unwrap().to_owned();
            found.into_iter().map(code).filter(|code| code.starts_with("builtin.")).collect::<Vec<_>>()
        };
        (output.code, codes("violations"), codes("successes"))
    };
    let (signature, attestation, syntax) =
        ("builtin.image.signature_check", "builtin.attestation.signature_check", "builtin.attestation.syntax_check");
    let named = |codes: &[&str]| codes.iter().map(|&code| code.to_owned()).collect::<Vec<_>>();
    assert_eq!(codes(&[]), (1, named(&[attestation, signature]), named(&[])));
    assert_eq!(codes(&["--skip-att-sig-check"]), (1, named(&[signature]), named(&[syntax])));
    assert_eq!(codes(&["--skip-image-sig-check"]), (1, named(&[attestation]), named(&[])));
    assert_eq!(codes(&["--skip-image-sig-check", "--skip-att-sig-check"]), (0, named(&[]), named(&[syntax])));
}
