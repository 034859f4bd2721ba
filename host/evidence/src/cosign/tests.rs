//! Attacks on key-based signatures and attestations, each a layer that anyone with push access could push.

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::{CheckKind, Evidence},
    limits,
    port::EvidenceProvider as _,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    CollectOptions, EvidenceCollector, Proofs, Relocation, Trust,
    fixture::{Attach as _, ENVELOPE, IN_TOTO, Layout, SIGNATURE, Signer, pae, payload, pinned, statement},
    prove_attestations, prove_image,
};

const APP: &str = "app/good";

/// An image under attack: good evidence is there until a test replaces it.
struct Case {
    layout: Layout,
    signer: Signer,
    image: Digest,
}

impl Case {
    fn new() -> Self {
        let (mut layout, signer) = (Layout::new(), Signer::new());
        let image = layout.signed(APP, "v1", &signer);
        Self { layout, signer, image }
    }

    /// Gathers with these layers in the place of the good ones.
    fn with(&self, kind: &str, layers: &[Value]) -> Result<Evidence, EvaluationError> {
        collect(&self.layout_with(kind, layers), &self.signer, &self.image, Relocation::Refused)
    }

    fn layout_with(&self, kind: &str, layers: &[Value]) -> Layout {
        let mut layout = self.layout.copy();
        layout.forget(&format!("{APP}:sha256-{}.{kind}", self.image.hex()));
        layout.evidence(APP, &self.image, kind, layers);
        layout
    }

    /// A layer with this payload, signed by the good key.
    fn signed(&self, payload: &Value) -> Value {
        let payload = payload.to_string();
        self.layout.signature(payload.as_bytes(), &self.signer.sig(payload.as_bytes()))
    }

    /// A layer with this statement, signed by the good key.
    fn attested(&self, statement: &str) -> Value {
        self.layout.attestation(&self.signer.envelope(statement.as_bytes()))
    }

    fn payload(&self) -> Value {
        payload(APP, &self.image)
    }

    fn statement(&self) -> Value {
        statement(&self.image)
    }
}

fn collect(
    layout: &Layout,
    signer: &Signer,
    image: &Digest,
    relocation: Relocation,
) -> Result<Evidence, EvaluationError> {
    let store = std::sync::Arc::new(layout.store());
    let collector = EvidenceCollector::new(store, Trust::in_key(signer.public(), relocation), CollectOptions::strict());
    collector.collect(&pinned(&format!("registry.test/{APP}"), image))
}

fn failure(evidence: &Evidence, kind: CheckKind) -> Option<&str> {
    evidence.checks.iter().find(|check| check.kind == kind).and_then(|check| check.failure.as_deref())
}

/// The signature does not count with this code, and the reason holds these words.
#[track_caller]
fn unsigned(case: &Case, row: &str, code: &str, layers: &[Value], found_message: &str) {
    let layout = case.layout_with("sig", layers);
    let evidence = collect(&layout, &case.signer, &case.image, Relocation::Refused).unwrap();
    let reason = failure(&evidence, CheckKind::ImageSignature).unwrap_or_else(|| panic!("{row} was accepted"));
    assert!(reason.contains(found_message), "{row}: {reason} lacks {found_message}");
    assert!(evidence.signatures.is_empty(), "{row}");
    assert_eq!(failure(&evidence, CheckKind::AttestationSignature), None, "{row} says nothing of the attestation");
    let trust = Trust::in_key(case.signer.public(), Relocation::Refused);
    let proofs = prove_image(&layout.store(), &pinned(&format!("registry.test/{APP}"), &case.image), &trust).unwrap();
    assert_eq!(codes(&proofs), code, "{row}");
}

/// The attestation does not count with this code, and the reason holds these words.
#[track_caller]
fn unattested(case: &Case, row: &str, code: &str, layers: &[Value], found_message: &str) {
    let layout = case.layout_with("att", layers);
    let evidence = collect(&layout, &case.signer, &case.image, Relocation::Refused).unwrap();
    let reason = failure(&evidence, CheckKind::AttestationSignature).unwrap_or_else(|| panic!("{row} was accepted"));
    assert!(reason.contains(found_message), "{row}: {reason} lacks {found_message}");
    assert!(!evidence.is_evaluable());
    assert!(evidence.attestations.is_empty() && evidence.signatures.is_empty(), "{row}");
    assert!(evidence.checks.iter().all(|check| check.kind != CheckKind::AttestationSyntax), "{row}");
    let trust = Trust::in_key(case.signer.public(), Relocation::Refused);
    let image = pinned(&format!("registry.test/{APP}"), &case.image);
    assert_eq!(codes(&prove_attestations(&layout.store(), &image, &trust, None).unwrap()), code, "{row}");
}

/// Why nothing verifies: the codes of what was found, in a row.
fn codes(proofs: &Proofs) -> String {
    assert!(proofs.verified.is_empty() && proofs.unread.is_empty(), "{proofs:?}");
    proofs.refused.iter().map(|refused| refused.error.code()).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn all_pass(evidence: &Evidence) {
    assert!(evidence.checks.iter().all(|check| check.failure.is_none()), "{:?}", evidence.checks);
    assert_eq!(evidence.checks.len(), 3);
}

#[test]
fn good_evidence_passes_and_is_kept_byte_for_byte() {
    let case = Case::new();
    let evidence = collect(&case.layout, &case.signer, &case.image, Relocation::Refused).unwrap();
    all_pass(&evidence);
    assert_eq!((evidence.signatures.len(), evidence.attestations.len()), (1, 1));
    let attestation = &evidence.attestations[0];
    assert_eq!(&*attestation.statement, case.statement().to_string().as_bytes());
    assert_eq!(attestation.digest, Digest::of(&attestation.statement));
    assert_eq!(attestation.build_type.as_deref(), Some("tekton.dev/v1beta1/PipelineRun"));
    assert_eq!(attestation.signatures[0].keyid, "SHA256:any");
    assert_eq!(evidence.signatures[0].keyid, "");
}

#[test]
fn attack_signatures_that_are_not_the_keys_do_not_count() {
    const INVALID: &str = "no matching signatures: invalid signature when validating ASN.1 encoded signature";
    let case = Case::new();
    let bytes = case.payload().to_string().into_bytes();
    let good = case.signer.sign(&bytes);
    let layer = |sig: &str| case.layout.signature(&bytes, sig);
    let mut no_annotation = layer("");
    no_annotation["annotations"] = json!({});
    let changed = String::from_utf8(bytes.clone()).unwrap().replace("optional", "Optional");
    let rows = [
        ("1 wrong key", "signature", layer(&Signer::new().sig(&bytes)), INVALID),
        ("3 payload changed", "signature", case.layout.signature(changed.as_bytes(), &STANDARD.encode(&good)), INVALID),
        ("4 empty", "signature", layer(""), INVALID),
        ("4 not base64", "malformed", layer("***"), "is not base64"),
        ("4 base64 with a line break", "malformed", layer(&format!("{}\n", STANDARD.encode(&good))), "is not base64"),
        ("4 truncated", "signature", layer(&STANDARD.encode(good.split_last().unwrap().1)), INVALID),
        ("5 r = s = 0", "signature", layer(&STANDARD.encode([0x30, 6, 2, 1, 0, 2, 1, 0])), INVALID),
        ("no annotation", "malformed", no_annotation, "is missing \"dev.cosignproject.cosign/signature\" annotation"),
    ];
    for (row, code, layer, found_message) in rows {
        unsigned(&case, row, code, &[layer], found_message);
    }
}

#[test]
fn a_stranger_gets_the_sentence_of_ec() {
    let case = Case::new();
    let (layout, image) = (&case.layout, &case.image);
    let evidence = collect(layout, &Signer::new(), image, Relocation::Refused).unwrap();
    assert_eq!(
        failure(&evidence, CheckKind::ImageSignature),
        Some(
            "No image signatures found matching the given public key. Verify the correct public key was provided, \
             and a signature was created. Error: no matching signatures: invalid signature when validating ASN.1 \
             encoded signature"
        )
    );
    assert_eq!(
        failure(&evidence, CheckKind::AttestationSignature),
        Some(
            "No image attestations found matching the given public key. Verify the correct public key was provided, \
             and one or more attestations were created. Error: no matching attestations: accepted signatures do not \
             match threshold, Found: 0, Expected 1"
        )
    );
}

#[test]
fn attack_nothing_and_layers_of_other_kinds_are_no_signature() {
    let case = Case::new();
    let config = case.layout.blob("application/vnd.oci.image.layer.v1.tar", b"x");
    let mut as_attestation = case.signed(&case.payload());
    as_attestation["mediaType"] = json!(ENVELOPE);
    let mut as_signature = case.attested(&case.statement().to_string());
    as_signature["mediaType"] = json!(SIGNATURE);
    as_signature["annotations"] = json!({"dev.cosignproject.cosign/signature": ""});
    for (kind, layers, code, found_message) in [
        ("sig", vec![], "", "Image signature check failed: no signatures found"),
        ("sig", vec![config.clone()], "", "no signatures found"),
        ("sig", vec![case.attested(&case.statement().to_string())], "", "no signatures found"),
        ("sig", vec![as_signature], "signature", "invalid signature"),
        ("att", vec![], "", "Error: no matching attestations: "),
        ("att", vec![config], "", "Error: no matching attestations: "),
        ("att", vec![case.signed(&case.payload())], "", "Error: no matching attestations: "),
        ("att", vec![as_attestation], "malformed", "has no `payloadType`"),
    ] {
        let check = if kind == "sig" { unsigned } else { unattested };
        check(&case, "50", code, &layers, found_message);
    }
}

#[test]
fn attack_every_claim_of_a_payload_must_hold() {
    let case = Case::new();
    let set = |at: &str, with: Value| {
        let mut payload = case.payload();
        *payload.pointer_mut(at).unwrap() = with;
        payload
    };
    let other = Digest::of(b"other");
    let digest = "/critical/image/docker-manifest-digest";
    let name = "/critical/identity/docker-reference";
    let upper = case.image.to_string().to_uppercase();
    for (row, code, payload, found_message) in [
        ("2 another digest", "subject", payload(APP, &other), format!("invalid or missing digest in claim: {other}")),
        ("no digest", "subject", set(digest, json!("")), "invalid or missing digest in claim: ".to_owned()),
        ("upper case", "subject", set(digest, json!(upper)), format!("in claim: {upper}")),
        ("no text", "malformed", set(digest, json!([case.image])), "lacks a required string".to_owned()),
        ("7 type", "unsupported", set("/critical/type", json!("something else")), "`something else`".to_owned()),
        (
            "7 no type",
            "malformed",
            set("/critical", json!({"image": {"docker-manifest-digest": case.image}})),
            "has no `type`".into(),
        ),
        (
            "7 repository",
            "subject",
            set(name, json!("a.test/app/evil")),
            "the repository a.test/app/evil, not app/good".into(),
        ),
        ("7 path inside", "subject", set(name, json!("a.test/x/app/good")), "x/app/good, not app/good".into()),
        ("7 empty", "subject", set(name, json!("")), "the repository , not app/good".into()),
        ("no critical", "malformed", json!({"critical": null}), "is invalid".into()),
        ("no object", "malformed", json!([]), "is invalid".into()),
    ] {
        unsigned(&case, row, code, &[case.signed(&payload)], &found_message);
    }
    for raw in [
        r#"{"critical":{},"Critical":{}}"#.to_owned(),
        r#"{"critical":{},"critical":{}}"#.to_owned(),
        case.payload().to_string().replace("\"docker-manifest-digest\"", "\"Docker-Manifest-Digest\""),
    ] {
        let layer = case.layout.signature(raw.as_bytes(), &case.signer.sig(raw.as_bytes()));
        unsigned(&case, "46, 47", "malformed", &[layer], "the JSON has the key");
    }
}

#[test]
fn attack_the_signed_repository_may_be_on_another_host_and_elsewhere_only_if_allowed() {
    let case = Case::new();
    for name in ["app/good", "mirror.test:5000/app/good", "mirror.test/app/good:v1", "docker.io/app/good"] {
        let mut payload = case.payload();
        payload["critical"]["identity"]["docker-reference"] = json!(name);
        payload["critical"]["type"] = json!("atomic container signature");
        all_pass(&case.with("sig", &[case.signed(&payload)]).unwrap());
    }
    let layers = [case.signed(&payload("app/elsewhere", &case.image))];
    let moved = case.layout_with("sig", &layers);
    unsigned(
        &case,
        "moved",
        "subject",
        &layers,
        "the signature is for the repository signed.test/app/elsewhere, not app/good",
    );
    all_pass(&collect(&moved, &case.signer, &case.image, Relocation::Allowed).unwrap());
}

#[test]
fn attack_a_moved_signature_tag_binds_nothing() {
    let mut case = Case::new();
    let other = case.layout.image(APP, "other");
    let (signature, attestation) = (case.signed(&case.payload()), case.attested(&case.statement().to_string()));
    case.layout.evidence(APP, &other, "sig", &[signature]);
    case.layout.evidence(APP, &other, "att", &[attestation]);
    let evidence = collect(&case.layout, &case.signer, &other, Relocation::Refused).unwrap();
    let signature = failure(&evidence, CheckKind::ImageSignature).unwrap();
    assert!(signature.contains(&format!("digest in claim: {}", case.image)), "{signature}");
    let attestation = failure(&evidence, CheckKind::AttestationSignature).unwrap();
    assert!(attestation.ends_with("no matching attestations: no matching subject digest found"), "{attestation}");
    let (store, trust) = (case.layout.store(), Trust::in_key(case.signer.public(), Relocation::Refused));
    let at = pinned(&format!("registry.test/{APP}"), &other);
    assert_eq!(codes(&prove_image(&store, &at, &trust).unwrap()), "subject");
    assert_eq!(codes(&prove_attestations(&store, &at, &trust, None).unwrap()), "subject");
}

#[test]
fn attack_one_good_layer_among_forged_ones_suffices_and_is_all_that_is_listed() {
    let case = Case::new();
    let bytes = case.payload().to_string().into_bytes();
    let forged = case.layout.signature(&bytes, &Signer::new().sig(&bytes));
    let evidence = case.with("sig", &[forged.clone(), case.signed(&case.payload()), forged.clone()]).unwrap();
    all_pass(&evidence);
    assert_eq!(evidence.signatures.len(), 1);

    let mut later = case.statement();
    later["predicateType"] = json!("https://spdx.dev/Document");
    let layers = [
        case.layout.attestation(&Signer::new().envelope(case.statement().to_string().as_bytes())),
        case.attested(&later.to_string()),
        case.attested(&statement(&Digest::of(b"other")).to_string()),
        case.attested(&case.statement().to_string()),
        case.layout.blob(ENVELOPE, b"not JSON"),
    ];
    let evidence = case.with("att", &layers).unwrap();
    all_pass(&evidence);
    let types: Vec<_> = evidence.attestations.iter().map(|one| one.predicate_type.as_str()).collect();
    assert_eq!(types, ["https://spdx.dev/Document", crate::fixture::SLSA]);
    assert_eq!(evidence.attestations[0].build_type, None);

    let both = [forged, case.layout.signature(&bytes, "***")];
    unsigned(
        &case,
        "8 all forged",
        "signature malformed",
        &both,
        "ASN.1 encoded signature\n the signature of the layer",
    );
}

#[test]
fn attack_envelopes_that_the_key_did_not_sign_as_statements_do_not_count() {
    const THRESHOLD: &str = "accepted signatures do not match threshold, Found: 0, Expected 1";
    let case = Case::new();
    let payload = case.statement().to_string();
    let good = case.signer.envelope(payload.as_bytes());
    let set = |at: &str, with: Value| {
        let mut envelope = good.clone();
        *envelope.pointer_mut(at).unwrap() = with;
        envelope
    };
    let sig = |signed: &[u8]| set("/signatures/0/sig", json!(case.signer.sig(signed)));
    let mut changed = payload.clone();
    changed.push(' ');
    let mut relabelled = case.signer.envelope(payload.as_bytes());
    relabelled["signatures"][0]["sig"] = json!(case.signer.sig(&pae("text/plain", payload.as_bytes())));
    let base64 = STANDARD.encode(&payload);
    let url_safe = STANDARD.encode([0xfb, 0xff]).replace('+', "-").replace('/', "_");
    let mut two = good.clone();
    two["payload"] = json!(base64.clone());
    let two = two.to_string().replacen('{', &format!("{{\"payload\":\"{base64}\","), 1);
    let rows = [
        (
            "35 type",
            "unsupported",
            set("/payloadType", json!("application/json")).to_string(),
            "invalid payloadType application/json",
        ),
        (
            "35 parameter",
            "unsupported",
            set("/payloadType", json!(format!("{IN_TOTO}; v=1"))).to_string(),
            "invalid payloadType",
        ),
        (
            "35 case",
            "unsupported",
            set("/payloadType", json!(IN_TOTO.to_uppercase())).to_string(),
            "invalid payloadType",
        ),
        ("36 relabelled", "signature", relabelled.to_string(), THRESHOLD),
        ("37 no PAE", "signature", sig(payload.as_bytes()).to_string(), THRESHOLD),
        ("40 none", "signature", set("/signatures", json!([])).to_string(), "no signature found"),
        ("40 null", "malformed", set("/signatures", json!(null)).to_string(), "lacks a required array"),
        ("changed", "signature", set("/payload", json!(STANDARD.encode(&changed))).to_string(), THRESHOLD),
        ("empty sig", "signature", set("/signatures/0/sig", json!("")).to_string(), THRESHOLD),
        ("sig not base64", "signature", set("/signatures/0/sig", json!("***")).to_string(), THRESHOLD),
        ("sig number", "malformed", set("/signatures/0/sig", json!(1)).to_string(), "lacks a required string"),
        ("payload not base64", "malformed", set("/payload", json!("***")).to_string(), "the payload is not base64"),
        (
            "payload broken lines",
            "malformed",
            set("/payload", json!(format!("{base64}\n"))).to_string(),
            "is not base64",
        ),
        ("payload url-safe", "malformed", set("/payload", json!(url_safe)).to_string(), "is not base64"),
        ("46 payload twice", "malformed", two, "more than once"),
        ("47 Payload", "malformed", good.to_string().replacen('{', "{\"Payload\":\"\",", 1), "more than once"),
        ("no payload", "malformed", json!({"payloadType": IN_TOTO, "signatures": []}).to_string(), "has no `payload`"),
        ("list", "malformed", json!([good]).to_string(), "is invalid"),
        ("trailing", "malformed", format!("{good}{good}"), "is incomplete"),
        ("48 deep", "malformed", "[".repeat(100_000), "is invalid"),
    ];
    for (row, code, envelope, found_message) in rows {
        let layer = case.layout.blob(ENVELOPE, envelope.as_bytes());
        unattested(&case, row, code, &[layer], found_message);
    }
    let utf16 = case.layout.blob(ENVELOPE, b"\xff\xfe{\0}\0");
    unattested(&case, "49", "malformed", &[utf16], "not valid UTF-8");
}

#[test]
fn attack_a_second_signature_suffices_and_the_keyid_decides_nothing() {
    let case = Case::new();
    let payload = case.statement().to_string();
    let mut envelope = case.signer.envelope(payload.as_bytes());
    let good = envelope["signatures"][0]["sig"].clone();
    let stranger = Signer::new().envelope(payload.as_bytes())["signatures"][0].clone();
    envelope["signatures"] = json!([stranger, {"sig": good}, {"sig": good, "keyid": null, "cert": "ignored"}]);
    let evidence = case.with("att", &[case.layout.attestation(&envelope)]).unwrap();
    all_pass(&evidence);
    let keyids: Vec<_> = evidence.attestations[0].signatures.iter().map(|one| one.keyid.as_str()).collect();
    assert_eq!(keyids, ["", ""], "that of another key is not listed");
}

#[test]
fn attack_statements_about_something_else_do_not_count() {
    const SUBJECT: &str = "no matching attestations: no matching subject digest found";
    let case = Case::new();
    let hex = case.image.hex();
    let subject = |subject: Value| {
        let mut statement = case.statement();
        statement["subject"] = subject;
        statement.to_string()
    };
    let with_predicate = |predicate: Value| {
        let mut statement = case.statement();
        statement["predicate"] = predicate;
        statement.to_string()
    };
    let good = case.statement().to_string();
    for (row, code, statement, found_message) in [
        ("41", "subject", statement(&Digest::of(b"other")).to_string(), SUBJECT),
        ("42 none", "subject", subject(json!([])), SUBJECT),
        ("42 sha512", "subject", subject(json!([{"digest": {"sha512": hex}}])), SUBJECT),
        ("42 upper case", "subject", subject(json!([{"digest": {"sha256": hex.to_uppercase()}}])), SUBJECT),
        ("42 prefix", "subject", subject(json!([{"digest": {"sha256": case.image}}])), SUBJECT),
        ("42 no digest", "subject", subject(json!([{"name": hex}])), SUBJECT),
        ("42 null digest", "subject", subject(json!([{"digest": null}])), SUBJECT),
        ("42 null subject", "malformed", subject(json!(null)), "lacks a required array"),
        ("42 object", "malformed", subject(json!({"digest": {"sha256": hex}})), "lacks a required array"),
        ("42 text", "malformed", subject(json!([{"digest": hex}])), "is invalid"),
        ("42 null", "malformed", subject(json!([{"digest": {"sha256": null}}])), "lacks a required string"),
        ("45 type", "unsupported", good.replace("Statement/v0.1", "Statement/v2"), "Statement/v2"),
        ("45 no type", "malformed", good.replace("_type", "type"), "has no `_type`"),
        ("text as predicate", "malformed", with_predicate(json!("text")), "not an object"),
        ("list as predicate", "malformed", with_predicate(json!([])), "not an object"),
        ("no predicateType", "malformed", good.replace("predicateType", "predicatetype_"), "has no `predicateType`"),
        ("46", "malformed", good.replacen('{', r#"{"predicateType":"x","#, 1), "is duplicated"),
        ("46 inside", "malformed", good.replace(r#""builder""#, r#""buildType":"x","builder""#), "is duplicated"),
        ("47", "malformed", good.replacen('{', r#"{"Subject":[],"#, 1), "more than once"),
        ("47 alone", "malformed", good.replace("\"subject\"", "\"SUBJECT\""), "instead of `subject`"),
        ("47 digest", "malformed", good.replace("\"sha256\"", "\"Sha256\""), "instead of `sha256`"),
        (
            "48",
            "malformed",
            good.replace(r#""app""#, &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
            "ambiguous",
        ),
        ("49 number", "malformed", good.replace(r#""app""#, "1e400"), "out of range"),
        ("49 surrogate", "malformed", good.replace(r#""app""#, r#""\ud800""#), "ambiguous"),
        ("49 BOM", "malformed", format!("\u{feff}{good}"), "ambiguous"),
        ("list", "malformed", json!([case.statement()]).to_string(), "is invalid"),
        ("empty", "malformed", String::new(), "ambiguous"),
    ] {
        unattested(&case, row, code, &[case.attested(&statement)], found_message);
    }
    let latin1 = case.layout.attestation(&case.signer.envelope(b"{\"a\":\"\xe9\"}"));
    unattested(&case, "49 UTF-8", "malformed", &[latin1], "not valid UTF-8");
}

#[test]
fn attack_the_second_subject_and_either_version_of_a_statement_count() {
    let case = Case::new();
    let mut statement = case.statement();
    statement["_type"] = json!("https://in-toto.io/Statement/v1");
    statement["predicateType"] = json!("https://slsa.dev/provenance/v1");
    statement["subject"] = json!([
        {"name": "other", "digest": {"sha512": "ab"}},
        {"name": "app", "digest": {"sha256": case.image.hex()}},
    ]);
    statement["predicate"] = json!({
        "buildDefinition": {"buildType": "https://build.test/v1", "externalParameters": {}},
        "runDetails": {"builder": {"id": "https://build.test/b"}},
    });
    let evidence = case.with("att", &[case.attested(&statement.to_string())]).unwrap();
    all_pass(&evidence);
    let attestation = &evidence.attestations[0];
    assert_eq!(attestation.statement_type, "https://in-toto.io/Statement/v1");
    assert_eq!(attestation.build_type.as_deref(), Some("https://build.test/v1"));
}

#[test]
fn broken_provenance_fails_its_own_check_and_is_still_evaluated() {
    let case = Case::new();
    let mut statement = case.statement();
    statement["predicate"]["materials"] = json!("none");
    let mut without = case.statement();
    without["predicate"] = json!(null);
    let layers = [case.attested(&statement.to_string()), case.attested(&without.to_string())];
    let evidence = case.with("att", &layers).unwrap();
    assert!(evidence.is_evaluable());
    assert_eq!(evidence.attestations.len(), 2);
    let reason = failure(&evidence, CheckKind::AttestationSyntax).unwrap();
    for found_message in [
        "Attestation syntax check failed: ",
        &Digest::of(statement.to_string().as_bytes()).to_string(),
        "`predicate.materials` is not a list; ",
        "`predicate` is not an object",
    ] {
        assert!(reason.contains(found_message), "{reason} lacks {found_message}");
    }
}

#[test]
fn attack_too_many_or_too_large_layers_are_an_error() {
    let case = Case::new();
    let layer = case.signed(&case.payload());
    let sized =
        |media_type: &str, size: u64| json!({"mediaType": media_type, "digest": Digest::of(b"x"), "size": size});
    let ok = vec![layer.clone(); limits::EVIDENCE_LAYERS];
    assert!(case.with("sig", &ok).is_ok());
    for (kind, layers, found_message) in [
        ("sig", vec![layer; limits::EVIDENCE_LAYERS + 1], "1001 layers"),
        ("sig", vec![sized(SIGNATURE, limits::SIGNATURE_PAYLOAD_BYTES + 1)], "announced as 1048577 bytes"),
        ("att", vec![sized(ENVELOPE, limits::ENVELOPE_BYTES + 1)], "announced as 134217729 bytes"),
        ("att", vec![sized(ENVELOPE, limits::ENVELOPE_BYTES); 3], "402653184 bytes together"),
        ("att", vec![sized(ENVELOPE, u64::MAX); 2], "bytes together"),
    ] {
        let error = case.with(kind, &layers).unwrap_err();
        assert_eq!(error.code, ErrorCode::TooLarge, "{error}");
        assert!(error.message.contains(found_message), "{error} lacks {found_message}");
    }
}

#[test]
fn attack_a_layer_that_cannot_be_read_is_an_error_and_not_an_unsigned_image() {
    let case = Case::new();
    for kind in ["sig", "att"] {
        let layer = if kind == "sig" { case.signed(&case.payload()) } else { case.attested("{}") };
        let digest: Digest = layer["digest"].as_str().unwrap().parse().unwrap();
        let good = crate::fixture::content(&case.layout.file(&digest));
        fs_err::write(case.layout.file(&digest), good.split_last().unwrap().1).unwrap();
        let error = case.with(kind, std::slice::from_ref(&layer)).unwrap_err();
        assert_eq!(error.code, ErrorCode::DigestMismatch, "{error}");
        fs_err::remove_file(case.layout.file(&digest)).unwrap();
        let error = case.with(kind, &[layer]).unwrap_err();
        assert_eq!(error.code, ErrorCode::BlobNotFound, "{error}");
        assert!(error.message.contains(&digest.to_string()));
        fs_err::write(case.layout.file(&digest), good).unwrap();
    }
}
