//! The results for good and bad images, read from a layout.

use assay_model::digest::Digest;
use serde_json::{Value, json};
use xtask::{
    layout::{ImageSpec, Platform},
    sign::{Envelope, Key, SignedPayload, simple_signing},
};

use crate::fixture::{Fixture, HOST, component, provenance};

fn codes(component: &Value, list: &str) -> Vec<String> {
    let findings = component[list].as_array().cloned().unwrap_or_default();
    findings.iter().map(|finding| finding["metadata"]["code"].as_str().unwrap_or("-").to_owned()).collect()
}

#[test]
fn a_good_image_is_allowed_and_the_report_says_what_was_looked_at() {
    let output = Fixture::good().validate(&["--output", "json", "--show-successes"]);
    output.expect(0, "");
    assert_eq!(output.err, "");
    let report = output.json();
    assert_eq!(report["success"], json!(true));
    let component = &report["components"][0];
    assert_eq!(
        codes(component, "successes"),
        [
            "builtin.attestation.signature_check",
            "builtin.attestation.syntax_check",
            "builtin.image.signature_check",
            "main.bad",
            "main.odd",
        ]
    );
    assert_eq!(component["attestations"][0]["predicateType"], json!("https://slsa.dev/provenance/v0.2"));
    assert_eq!(component["signatures"].as_array().unwrap().len(), 1);
}

#[test]
fn a_violation_denies_and_leniency_forgives_it() {
    let mut fixture = Fixture::good();
    fixture.image("bad", &[("bad", "yes"), ("odd", "yes")]);
    let output = fixture.validate(&[]);
    output.expect(1, "Image bad is bad");
    output.expect(1, "1 of 2 components failed");
    fixture.validate(&["--strict=false"]).expect(0, "Image bad is bad");
    let report = fixture.validate(&["--output", "json"]).json();
    let bad = component(&report, "bad");
    assert_eq!(
        (codes(bad, "violations"), codes(bad, "warnings")),
        (vec!["main.bad".to_owned()], vec!["main.odd".to_owned()])
    );
    assert_eq!(report["success"], json!(false));
}

#[test]
fn criteria_drop_what_does_not_count() {
    let mut fixture = Fixture::empty();
    fixture.image("bad", &[("bad", "yes")]);
    let policy =
        |config: Value| json!({"sources": [{"policy": [fixture.path("policy")], "config": config}]}).to_string();
    let validate = |config| fixture.validate_with_policy(&policy(config), &[]);
    validate(json!({})).expect(1, "main.bad");
    validate(json!({"exclude": ["main.bad"]})).expect(0, " passed: 0 violations");
    validate(json!({"exclude": ["main"], "include": ["main.odd"]})).expect(0, " passed: 0 violations");
    validate(json!({"include": ["main.bad", "main.typo"]}))
        .expect(1, "Include criterion 'main.typo' doesn't match any policy rule");
}

#[test]
fn signatures_that_do_not_fit_deny() {
    /// What is wrong, how the image is signed, and what the report says.
    type Case<'a> = (&'a str, fn(&mut Fixture, &Digest), &'a str);
    let cases: &[Case<'_>] = &[
        ("no signature", |_, _| {}, "no signatures found"),
        (
            "another key",
            |fixture, digest| fixture.layout.sign(&Key::generate().unwrap(), "app/it", digest).unwrap(),
            "invalid signature",
        ),
        (
            "another digest",
            |fixture, digest| {
                let payload = SignedPayload::of(&fixture.key, "app/it", &Digest::of(b"other")).unwrap();
                fixture.layout.attach_signatures("app/it", digest, &[payload]);
            },
            "digest",
        ),
        (
            "another repository",
            |fixture, digest| {
                let payload = SignedPayload::of(&fixture.key, "registry.example/app/other", digest).unwrap();
                fixture.layout.attach_signatures("app/it", digest, &[payload]);
            },
            "app/other",
        ),
        (
            "another kind of payload",
            |fixture, digest| {
                let mut payload = simple_signing("app/it", digest);
                payload["critical"]["type"] = json!("a shopping list");
                let payload = SignedPayload::of_bytes(&fixture.key, payload.to_string().into_bytes()).unwrap();
                fixture.layout.attach_signatures("app/it", digest, &[payload]);
            },
            "a shopping list",
        ),
    ];
    for (name, sign, says) in cases {
        let mut fixture = Fixture::empty();
        let digest = fixture.unsigned_image("it", &[]);
        sign(&mut fixture, &digest);
        let statement = provenance("it", &digest).to_string().into_bytes();
        fixture.layout.attest(&fixture.key, "app/it", &digest, &[statement]).unwrap();
        let report = fixture.validate(&["--output", "json"]);
        report.expect(1, says);
        assert_eq!(codes(&report.json()["components"][0], "violations"), ["builtin.image.signature_check"], "{name}");
    }
}

#[test]
fn a_signature_for_another_repository_is_accepted_where_relocation_is_allowed() {
    let mut fixture = Fixture::empty();
    let digest = fixture.unsigned_image("it", &[]);
    let payload = SignedPayload::of(&fixture.key, "registry.example/before/it", &digest).unwrap();
    fixture.layout.attach_signatures("app/it", &digest, &[payload]);
    let statement = provenance("it", &digest).to_string().into_bytes();
    fixture.layout.attest(&fixture.key, "app/it", &digest, &[statement]).unwrap();
    fixture.validate(&[]).expect(1, "before/it");
    fixture.validate(&["--allow-relocation"]).expect(0, " passed: 0 violations");
}

#[test]
fn attestations_that_do_not_fit_deny() {
    /// What is wrong, and how the image is attested.
    type Case<'a> = (&'a str, fn(&mut Fixture, &Digest));
    let cases: &[Case<'_>] = &[
        ("none", |_, _| {}),
        ("another key", |fixture, digest| {
            let statement = provenance("it", digest).to_string().into_bytes();
            fixture.layout.attest(&Key::generate().unwrap(), "app/it", digest, &[statement]).unwrap();
        }),
        ("another subject", |fixture, digest| {
            let statement = provenance("it", &Digest::of(b"other")).to_string().into_bytes();
            fixture.layout.attest(&fixture.key, "app/it", digest, &[statement]).unwrap();
        }),
        ("another payload type", |fixture, digest| {
            let statement = provenance("it", digest).to_string();
            let envelope = Envelope::of_type(&fixture.key, "text/plain", statement.as_bytes()).unwrap();
            fixture.layout.attach_envelopes("app/it", digest, &[envelope]);
        }),
    ];
    for (name, attest) in cases {
        let mut fixture = Fixture::empty();
        let digest = fixture.unsigned_image("it", &[("bad", "never evaluated")]);
        fixture.layout.sign(&fixture.key, "app/it", &digest).unwrap();
        attest(&mut fixture, &digest);
        let report = fixture.validate(&["--output", "json"]);
        assert_eq!(report.code, 1, "{name}: {report:?}");
        let component = report.json()["components"][0].clone();
        assert_eq!(codes(&component, "violations"), ["builtin.attestation.signature_check"], "{name}");
    }
}

#[test]
fn an_index_is_evaluated_as_itself_and_as_each_manifest() {
    let mut fixture = Fixture::empty();
    let mut parts = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let platform = Platform::linux(architecture);
        let digest =
            fixture.layout.image("app/multi", None, &ImageSpec { platform: platform.clone(), ..ImageSpec::default() });
        parts.push((platform, digest));
    }
    let index = fixture.layout.index("app/multi", Some("1"), &parts).unwrap();
    for digest in parts.iter().map(|(_, digest)| digest).chain([&index]) {
        fixture.layout.sign(&fixture.key, "app/multi", digest).unwrap();
        let statement = provenance("multi", digest).to_string().into_bytes();
        fixture.layout.attest(&fixture.key, "app/multi", digest, &[statement]).unwrap();
    }
    fixture.components.push(("multi".to_owned(), "app/multi:1".to_owned()));
    let output = fixture.validate(&["--output", "json"]);
    output.expect(0, "");
    let report = output.json();
    let mut shown: Vec<_> = report["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|component| {
            (component["name"].as_str().unwrap().to_owned(), component["containerImage"].as_str().unwrap().to_owned())
        })
        .collect();
    shown.sort();
    let image = |digest: &Digest| format!("{HOST}/app/multi@{digest}");
    let mut want = vec![("multi".to_owned(), image(&index))];
    want.extend(
        parts.iter().map(|(platform, digest)| (format!("multi-{digest}-{}", platform.architecture), image(digest))),
    );
    want.sort();
    assert_eq!(shown, want, "the tag is pinned, and the index adds two more components");
}

#[test]
fn an_error_of_one_component_leaves_the_others_evaluated() {
    let mut fixture = Fixture::good();
    fixture.components.push(("lost".to_owned(), format!("app/lost@{}", Digest::of(b"lost"))));
    fixture.image("bad", &[("bad", "yes")]);
    let path = fixture.path("report.json");
    let output = fixture.validate(&[
        "--output",
        &format!("json={path}"),
        "--output",
        "text",
        "--output",
        &format!("appstudio={}", fixture.path("out")),
    ]);
    output.expect(3, "image-not-found");
    output.expect(3, "1 of 3 components could not be evaluated, 1 failed");
    let report: Value = serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap();
    let error = |name: &str| component(&report, name)["error"].clone();
    assert_eq!(error("lost")["code"], json!("image-not-found"));
    assert_eq!((error("good"), error("bad")), (Value::Null, Value::Null));
    let output: Value = serde_json::from_slice(&fs_err::read(fixture.path("out")).unwrap()).unwrap();
    assert_eq!(output["result"], json!("ERROR"));
    fixture.validate(&["--strict=false"]).expect(3, "image-not-found");
}

#[test]
fn the_report_does_not_depend_on_the_number_of_workers() {
    let mut fixture = Fixture::empty();
    for number in 0..12 {
        let labels: &[(&str, &str)] = if number % 3 == 0 { &[("bad", "yes")] } else { &[] };
        fixture.image(&format!("c{number}"), labels);
    }
    let validate = |workers: &str| {
        let pinned = ["--effective-time", "2030-01-01", "--workers", workers, "--show-successes"];
        let output = fixture.validate(&[&pinned[..], &["--output", "json", "--output", "text"]].concat());
        assert_eq!(output.code, 1);
        // The last line of the text has the duration of the run.
        let (all, duration) = output.out.trim_end().rsplit_once(" in ").expect("no duration");
        assert!(duration.ends_with(" s"), "{duration}");
        all.to_owned()
    };
    assert_eq!(validate("1"), validate("8"));
}

#[test]
fn a_tar_file_is_a_bundle_like_its_folder() {
    let fixture = Fixture::good();
    fixture.layout.write_tar(&fixture.path("oci.tar")).unwrap();
    let pinned = ["--effective-time", "2030-01-01", "--output", "json", "--show-successes"];
    let tar = fixture.path("oci.tar");
    let of_tar = fixture.validate_on(HOST, &[&["--evidence", tar.as_str()], &pinned[..]].concat());
    assert_eq!((of_tar.code, &of_tar.out), (0, &fixture.validate(&pinned).out));
}
