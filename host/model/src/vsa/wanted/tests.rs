//! VSAs that stand for an evaluation, and those that do not.

use serde_json::{Value, json};

use super::*;
use crate::{digest::Digest, vsa::DifferenceKind};

const NOW: &str = "2026-06-08T12:00:00Z";
const MADE: &str = "2026-06-05T12:00:00Z";

fn image(content: &str) -> PinnedImage {
    PinnedImage::parse(&format!("r.example/shop/cart@{}", Digest::of(content.as_bytes()))).unwrap()
}

fn policy() -> Value {
    json!({"sources": [{
        "policy": ["oci::r.example/p:1@sha256:1"], "data": ["git::g.example/d?ref=abc"], "ruleData": {"a": 1, "b": [2]},
        "config": {"include": ["@min"], "exclude": ["tasks.x"]},
    }]})
}

fn vsa() -> Value {
    json!({
        "policy": policy(), "policySource": "p", "imageRefs": [image("a").to_string()], "timestamp": MADE,
        "status": "passed", "verifier": "conforma", "summary": {"violations": 0}, "publicKey": "BEGIN\nKEY\n",
        "effectiveTime": MADE,
    })
}

/// The code of the refusal, and its differences.
type Checked = Result<(), (&'static str, String, Vec<PolicyDifference>)>;

fn check(vsa: &Value, policy: &Value, change: impl FnOnce(&mut WantedVsa<'_>)) -> Checked {
    let vsa = Vsa::read(&vsa.to_string()).map_err(|why| ("malformed", why, vec![]))?;
    let policy = PolicySpec::parse(&policy.to_string()).unwrap();
    let (image, signer) = (image("a"), WantedSigner::Key("BEGIN\r\nKEY".to_owned()));
    let now: Timestamp = NOW.parse().unwrap();
    let week = Some(Duration::from_secs(7 * 24 * 3600));
    let mut wanted = WantedVsa {
        image: &image,
        component: "cart",
        policy: &policy,
        signer: &signer,
        filter_type: "",
        effective_time: now,
        now,
        expiration: week,
    };
    change(&mut wanted);
    let checked = wanted.is_subject_of(&vsa).and_then(|()| wanted.is_passed_by(&vsa));
    checked.map_err(|refusal| (refusal.code.as_str(), refusal.reason, refusal.differences))
}

fn code(vsa: &Value) -> &'static str {
    check(vsa, &policy(), |_| ()).map_or_else(|(code, ..)| code, |()| "passed")
}

fn with(name: &str, value: Value) -> Value {
    let mut vsa = vsa();
    vsa[name] = value;
    vsa
}

#[test]
fn attack_only_a_vsa_that_passed_counts() {
    assert_eq!(code(&vsa()), "passed");
    for status in [json!("failed"), json!(""), json!(null), json!("PASSED"), json!("passed ")] {
        assert_eq!(code(&with("status", status.clone())), "predicate_failed", "{status}");
    }
    let mut without = vsa();
    without.as_object_mut().unwrap().remove("status");
    assert_eq!(code(&without), "predicate_failed");
    assert_eq!(code(&with("status", json!(true))), "malformed");
    assert_eq!(code(&with("summary", json!({"violations": 1}))), "predicate_failed");
    for summary in [json!({}), json!(null), json!({"violations": "0"}), json!({"violations": -1})] {
        assert_eq!(code(&with("summary", summary)), "malformed");
    }
}

#[test]
fn attack_an_expired_vsa_and_one_from_the_future_are_refused() {
    let at = |made: &str| with("timestamp", json!(made));
    for (made, want) in [
        ("2026-06-01T12:00:00Z", "passed"),
        ("2026-06-01T11:59:59Z", "expired"),
        ("2026-06-08T12:05:00Z", "passed"),
        ("2026-06-08T12:05:01Z", "expired"),
        ("2026-06-08", "malformed"),
        ("", "malformed"),
    ] {
        assert_eq!(code(&at(made)), want, "{made}");
    }
    let (_, reason, _) = check(&at("2026-01-01T00:00:00Z"), &policy(), |_| ()).unwrap_err();
    assert_eq!(reason, "the VSA has expired: it was made at 2026-01-01T00:00:00Z, and one may be 7d old");
    // Of any age, and still not from the future.
    let any_age = |vsa: &Value| check(vsa, &policy(), |wanted| wanted.expiration = None);
    assert_eq!(any_age(&at("2020-01-01T00:00:00Z")), Ok(()));
    assert_eq!(any_age(&at("2030-01-01T00:00:00Z")).unwrap_err().0, "expired");
    // One that was made today for a policy of the past is as old as that.
    assert_eq!(code(&with("effectiveTime", json!("2020-01-01T00:00:00Z"))), "expired");
    let mut of_ec = vsa();
    of_ec.as_object_mut().unwrap().remove("effectiveTime");
    assert_eq!(code(&of_ec), "passed");
}

#[test]
fn attack_a_vsa_about_another_image_is_refused() {
    for images in [json!([]), json!(null), json!([image("b").to_string()]), json!(["r.example/shop/cart:1"])] {
        assert_eq!(code(&with("imageRefs", images)), "subject_mismatch");
    }
    // One image of several, in whatever registry.
    let copied = image("a").to_string().replace("r.example", "mirror.example");
    assert_eq!(code(&with("imageRefs", json!([image("b").to_string(), copied]))), "passed");
    let many = |count: usize| with("imageRefs", json!(vec![image("a").to_string(); count]));
    assert_eq!(code(&many(1_002)), "passed");
    assert_eq!(code(&many(1_003)), "malformed");
}

#[test]
fn attack_an_image_that_was_verified_for_another_signer_is_refused() {
    for key in [json!("BEGIN\nOTHER\n"), json!(""), json!(null)] {
        assert_eq!(code(&with("publicKey", key)), "signer_mismatch");
    }
    assert_eq!(code(&with("skippedChecks", json!(["builtin.image.signature_check"]))), "signer_mismatch");
    assert_eq!(code(&with("skippedChecks", json!([]))), "passed");
    let identity = Identity { subject: "me".to_owned(), issuer: "i".to_owned(), ..Identity::default() };
    let by = |vsa: &Value, signer: &WantedSigner| {
        let policy = PolicySpec::parse(&policy().to_string()).unwrap();
        let vsa = Vsa::read(&vsa.to_string()).unwrap();
        let (image, now) = (image("a"), NOW.parse().unwrap());
        let wanted = WantedVsa {
            image: &image,
            component: "",
            policy: &policy,
            signer,
            filter_type: "",
            effective_time: now,
            now,
            expiration: None,
        };
        wanted.is_subject_of(&vsa).map_err(|refusal| refusal.code.as_str())
    };
    let mut keyless = with("publicKey", json!(""));
    keyless["identity"] = json!({"subject": "me", "issuer": "i"});
    assert_eq!(by(&keyless, &WantedSigner::Identity(identity.clone())), Ok(()));
    assert_eq!(by(&vsa(), &WantedSigner::Identity(identity.clone())), Err("signer_mismatch"));
    let other = Identity { issuer: "j".to_owned(), ..identity };
    assert_eq!(by(&keyless, &WantedSigner::Identity(other)), Err("signer_mismatch"));
}

#[test]
fn attack_a_vsa_about_another_policy_is_refused_with_what_differs() {
    use DifferenceKind::{Added, Changed, Removed};
    let differ = |change: &dyn Fn(&mut Value)| -> Vec<(DifferenceKind, String)> {
        let mut wanted = policy();
        change(&mut wanted);
        match check(&vsa(), &wanted, |_| ()) {
            Ok(()) => vec![],
            Err((code, _, differences)) => {
                assert_eq!(code, "policy_mismatch");
                differences.into_iter().map(|one| (one.kind, one.what)).collect()
            }
        }
    };
    let of = |kind, what: &str| (kind, what.to_owned());
    // What `ec` does not look at: digest, commit, scheme.
    assert_eq!(
        differ(&|policy| policy["sources"][0]["policy"] = json!(["oci::r.example/p:1@sha256:2"])),
        [of(Removed, "policy oci::r.example/p:1@sha256:1"), of(Added, "policy oci::r.example/p:1@sha256:2")]
    );
    assert_eq!(
        differ(&|policy| policy["sources"][0]["data"] = json!(["git::g.example/d?ref=def"])),
        [of(Removed, "data git::g.example/d?ref=abc"), of(Added, "data git::g.example/d?ref=def")]
    );
    assert_eq!(differ(&|policy| policy["sources"][0]["policy"] = json!(["git::r.example/p:1@sha256:1"])).len(), 2);
    assert_eq!(differ(&|policy| policy["sources"][0]["ruleData"]["b"] = json!([3])), [of(Changed, "ruleData b")]);
    assert_eq!(
        differ(&|policy| policy["sources"][0]["config"]["exclude"] = json!(["tasks.y"])),
        [of(Removed, "exclude tasks.x"), of(Added, "exclude tasks.y")]
    );
    assert_eq!(
        differ(&|policy| policy["sources"][0]["config"]["include"] = json!(["@min", "@min"])),
        [of(Changed, "include an item is there more than once")]
    );
    assert_eq!(
        differ(&|policy| policy["sources"].as_array_mut().unwrap().push(json!({"policy": ["q"]}))),
        [of(Added, "source group q")]
    );
    assert_eq!(differ(&|policy| policy["sources"] = json!([{"policy": ["q"]}])).len(), 2);
    // What decides nothing: a name, an order, how a number is written, a fallback that is not needed.
    for change in [
        (|policy: &mut Value| policy["name"] = json!("n")) as fn(&mut Value),
        |policy| policy["publicKey"] = json!("k"),
        |policy| policy["sources"][0]["name"] = json!("n"),
        |policy| policy["sources"][0]["ruleData"] = json!({"b": [2.0], "a": 1}),
        |policy| policy["configuration"] = json!({"exclude": ["z"]}),
    ] {
        assert_eq!(differ(&change), []);
    }
    assert_eq!(code(&with("filterType", json!("ec-policy"))), "policy_mismatch");
    // A policy without sources is none.
    assert_eq!(code(&with("policy", json!({}))), "policy_mismatch");
}

#[test]
fn attack_an_exclusion_that_has_ended_since_is_another_policy() {
    let volatile = |until: &str| {
        let mut policy = policy();
        policy["sources"][0]["volatileConfig"] = json!({"exclude": [{"value": "tasks.z", "effectiveUntil": until}]});
        policy
    };
    let made_under = |policy: Value| with("policy", policy);
    // It held when the VSA was made, and does not any more.
    let ended = volatile("2026-06-06T00:00:00Z");
    let refused = check(&made_under(ended.clone()), &ended, |_| ()).unwrap_err();
    assert_eq!((refused.0, refused.2.len()), ("policy_mismatch", 1));
    // It holds on.
    let holds = volatile("2026-07-01T00:00:00Z");
    assert_eq!(check(&made_under(holds.clone()), &holds, |_| ()), Ok(()));
    // It had ended before.
    let before = volatile("2026-06-01T00:00:00Z");
    assert_eq!(check(&made_under(before.clone()), &before, |_| ()), Ok(()));
}
