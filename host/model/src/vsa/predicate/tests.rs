//! What VSAs say of a run.

use std::sync::Arc;

use serde_json::{Map, json};

use super::*;
use crate::{
    decide::Decision,
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::CheckKind,
    finding::Finding,
    image::PinnedImage,
    snapshot::Component,
    vsa::Vsa,
};

fn head() -> RunStarted {
    RunStarted {
        snapshot: "tenant/shop".to_owned(),
        application: String::new(),
        key: "PEM".to_owned(),
        policy: PolicySpec::parse(r#"{"sources":[{"policy":["oci::r.example/p@sha256:1"],"ruleData":{"b":1}}]}"#)
            .unwrap(),
        skipped: vec![],
        plugins: vec![],
        started_at: None,
        effective_time: "2026-06-01T12:00:00Z".parse().unwrap(),
        version: "assay-0".to_owned(),
    }
}

fn image(content: &str) -> PinnedImage {
    PinnedImage::parse(&format!("r.example/shop/cart@{}", Digest::of(content.as_bytes()))).unwrap()
}

fn outcome(name: &str, content: &str, violations: usize) -> Outcome {
    let findings = |count: usize| -> Vec<Finding> { (0..count).map(|_| Finding::new("a.b", "m")).collect() };
    let decision = Decision { violations: findings(violations), warnings: findings(1), successes: findings(3) };
    Outcome {
        component: Component {
            name: name.to_owned(),
            container_image: "r.example/shop/cart:1".to_owned(),
            source: json!({"git": {"url": "u"}}),
            fields: Map::new(),
        },
        image: Some(image(content)),
        decision,
        signatures: vec![],
        attestations: vec![],
        evaluated_at: Some("2026-06-01T12:00:00Z".parse().unwrap()),
        input: None,
        statements: vec![],
        notices: vec![],
        error: None,
    }
}

fn end(outcomes: Vec<Outcome>) -> RunFinished {
    RunFinished {
        verdict: Verdict::of(outcomes.iter()),
        outcomes: outcomes.into_iter().map(Arc::new).collect(),
        stopped: None,
        effective_time: "2026-06-01T12:00:00Z".parse().unwrap(),
        at: "2026-06-01T12:00:05.75Z".parse().unwrap(),
    }
}

fn predicate(head: &RunStarted, end: &RunFinished, at: usize) -> Option<Value> {
    let context = PredicateContext {
        head,
        end,
        policy_source: "team/policy",
        identity: None,
        filter_type: None,
        verifier: "conforma",
    };
    context.component(end.outcomes.get(at).unwrap()).map(|predicate| serde_json::to_value(predicate).unwrap())
}

#[test]
fn a_predicate_has_the_fields_of_ec_in_their_order_and_what_decides_after_them() {
    let (head, end) = (head(), end(vec![outcome("cart", "a", 0)]));
    let image = image("a");
    let want = json!({
        "policy": {"sources": [{"policy": ["oci::r.example/p@sha256:1"], "ruleData": {"b": 1}}]},
        "policySource": "team/policy",
        "imageRefs": [image.to_string()],
        "timestamp": "2026-06-01T12:00:05Z",
        "status": "passed",
        "verifier": "conforma",
        "summary": {
            "violations": 0, "warnings": 1, "successes": 3,
            "Components": [
                {"Name": "cart", "ImageRef": image.to_string(), "Violations": 0, "Warnings": 1, "Successes": 3}
            ],
            "component": {"name": "cart", "containerImage": image.to_string(), "source": {"git": {"url": "u"}}},
        },
        "publicKey": "PEM",
        "effectiveTime": "2026-06-01T12:00:00Z",
    });
    assert_eq!(predicate(&head, &end, 0).unwrap().to_string(), want.to_string());
    // What is written is what is read.
    let read = Vsa::read(&want.to_string()).unwrap();
    assert_eq!((read.status.as_str(), read.public_key.as_str(), read.violations), ("passed", "PEM", 0));
    assert_eq!(read.images, [image]);
    assert_eq!(read.effective_time, Some("2026-06-01T12:00:00Z".parse().unwrap()));
}

#[test]
fn who_signed_and_what_was_skipped_are_said() {
    let mut head = head();
    head.skipped = vec![CheckKind::ImageSignature];
    let end = end(vec![outcome("cart", "a", 0)]);
    let identity = Identity { subject: "me".to_owned(), ..Identity::default() };
    let context = PredicateContext {
        head: &head,
        end: &end,
        policy_source: "",
        identity: Some(&identity),
        filter_type: Some("ec-policy"),
        verifier: "assay",
    };
    let predicate = serde_json::to_value(context.component(end.outcomes.first().unwrap()).unwrap()).unwrap();
    assert_eq!(predicate["identity"], json!({"subject": "me"}));
    assert_eq!(predicate["skippedChecks"], json!([CheckKind::ImageSignature.code()]));
    let read = Vsa::read(&predicate.to_string()).unwrap();
    assert_eq!(read.filter_type, "ec-policy");
    assert_eq!((read.identity, read.skipped_checks.len()), (Some(identity), 1));
}

#[test]
fn nothing_is_said_of_what_is_not_known() {
    let mut unknown = outcome("cart", "a", 0);
    unknown.image = None;
    let mut failed = outcome("cart", "b", 0);
    failed.error = Some(EvaluationError::new(ErrorCode::TooLarge, "m"));
    let (head, end) = (head(), end(vec![unknown, failed, outcome("cart", "c", 1)]));
    assert_eq!((predicate(&head, &end, 0), predicate(&head, &end, 1)), (None, None));
    assert_eq!(predicate(&head, &end, 2).unwrap()["status"], "failed");
}

#[test]
fn an_index_passes_only_with_everything_in_it() {
    let part =
        |content: &str, violations| outcome(&format!("cart-{}-amd64", image(content).digest), content, violations);
    for (violations, error, want) in [(0, false, Some("passed")), (2, false, Some("failed")), (0, true, None)] {
        let mut inner = part("b", violations);
        inner.error = error.then(|| EvaluationError::new(ErrorCode::TooLarge, "m"));
        // Beside it, one of another name, and one whose name has another digest.
        let stranger = outcome(&format!("cart-{}-amd64", image("x").digest), "c", 1);
        let (head, end) = (head(), end(vec![outcome("cart", "a", 0), inner, outcome("other", "d", 1), stranger]));
        let found = predicate(&head, &end, 0);
        assert_eq!(found.as_ref().map(|found| found["status"].as_str().unwrap()), want);
        let Some(found) = found else { continue };
        assert_eq!(found["imageRefs"], json!([image("a").to_string(), image("b").to_string()]));
        assert_eq!(found["summary"]["violations"], violations);
        assert_eq!(found["summary"]["Components"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn the_predicate_of_a_snapshot_counts_all_components() {
    let (head, end) = (head(), end(vec![outcome("cart", "a", 1), outcome("pay", "b", 0), outcome("again", "b", 0)]));
    let context = PredicateContext {
        head: &head,
        end: &end,
        policy_source: "",
        identity: None,
        filter_type: None,
        verifier: "conforma",
    };
    let detail = |name: &str, content: &str, violations: usize| {
        json!({
            "name": name, "containerImage": image(content).to_string(), "success": violations == 0,
            "violations": violations, "warnings": 1, "successes": 3,
        })
    };
    let want = json!({
        "policy": {"sources": [{"policy": ["oci::r.example/p@sha256:1"], "ruleData": {"b": 1}}]},
        "imageRefs": [image("a").to_string(), image("b").to_string()],
        "timestamp": "2026-06-01T12:00:05Z",
        "status": "failed",
        "verifier": "conforma",
        "summary": {
            "snapshot": "tenant/shop", "components": 3, "success": false, "key": "PEM", "ec_version": "assay-0",
            "component_details": [detail("cart", "a", 1), detail("pay", "b", 0), detail("again", "b", 0)],
            "Violations": 1, "Warnings": 3,
        },
    });
    assert_eq!(serde_json::to_value(context.snapshot()).unwrap().to_string(), want.to_string());
}
