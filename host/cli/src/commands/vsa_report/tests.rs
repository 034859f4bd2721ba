//! The report about VSAs in every form.

use assay_app::vsa::{PolicyDifference, RefusedVsa};
use assay_model::{digest::Digest, image::PinnedImage, snapshot::Component};

use super::*;

fn checked(name: &str, verdict: VsaVerdict) -> CheckedVsa {
    let image = PinnedImage::parse(&format!("r.example/shop@{}", Digest::of(name.as_bytes()))).unwrap();
    let component =
        Component { name: name.to_owned(), container_image: image.to_string(), source: json!({}), fields: Map::new() };
    CheckedVsa { component, image: Some(image), verdict }
}

fn passed(name: &str) -> CheckedVsa {
    let timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    checked(name, VsaVerdict::Passed { place: "vsa.json".to_owned(), timestamp })
}

fn refused(name: &str, code: &'static str, differences: Vec<PolicyDifference>) -> CheckedVsa {
    let refused = RefusedVsa {
        code,
        reason: format!("the VSA is {code}"),
        place: Some("vsa.json".to_owned()),
        status: Some("passed".to_owned()),
        differences,
    };
    checked(name, VsaVerdict::Refused(refused))
}

fn report(mode: Mode, checked: &[CheckedVsa]) -> VsaReport<'_> {
    let now = "2026-06-02T00:00:00.5Z".parse().unwrap();
    VsaReport { mode, now, signatures_verified: true, checked, fallback: None }
}

#[test]
fn the_text_is_that_of_ec_and_natively_says_why() {
    let all = [passed("cart"), refused("pay", "expired", vec![])];
    let [cart, pay] = ["cart", "pay"].map(|name| Digest::of(name.as_bytes()).hex().chars().take(8).collect::<String>());
    let want = format!(
        "=== VALIDATE VSA RESULT — 2026-06-02T00:00:00Z ===\n\nResult\n  Overall: ❌ FAILED\n  Images (2):\n    [1] …{cart}  \
         VSA=PASSED\n    [2] …{pay}  VSA=FAILED(reason=expired)\n\nVSA Summary\n  Signature: VERIFIED\n  Predicate: passed \
         (2/2)\n  Policy: matches (no differences)\n  Fallback reason(s): expired\n\n"
    );
    assert_eq!(report(Mode::EcCompat, &all).text(), want);
    let native = report(Mode::Native, &all).text();
    assert!(native.contains("        cart: `vsa.json`, made at 2026-06-01T12:00:00Z\n"), "{native}");
    assert!(native.contains("        pay: the VSA is expired\n"), "{native}");
    assert_eq!(report(Mode::Native, &all).failures(), ["pay: the VSA is expired"]);
}

#[test]
fn all_images_must_pass() {
    let verdict = |all: &[CheckedVsa]| report(Mode::EcCompat, all).verdict();
    assert_eq!(verdict(&[passed("a"), passed("b")]), Verdict::Allowed);
    assert_eq!(verdict(&[passed("a"), refused("b", "no_vsa", vec![])]), Verdict::Denied);
    let unknown = checked("c", VsaVerdict::Unknown("no such tag".to_owned()));
    assert_eq!(verdict(&[refused("b", "no_vsa", vec![]), unknown]), Verdict::Error);
    assert_eq!(verdict(&[]), Verdict::Error);
    assert_eq!(report(Mode::Native, &[passed("a")]).status(), r#"{"result":"SUCCESS"}"#);
    assert_eq!(report(Mode::Native, &[refused("a", "expired", vec![])]).status(), r#"{"result":"FAILURE"}"#);
}

#[test]
fn the_json_has_the_sections_of_ec_and_details() {
    let difference = PolicyDifference { kind: DifferenceKind::Added, what: "policy q".to_owned() };
    let all = [refused("pay\u{1b}[2J", "policy_mismatch", vec![difference])];
    let all: Vec<CheckedVsa> = all.into_iter().map(|one| CheckedVsa { image: None, ..one }).collect();
    let native: Value = serde_json::from_str(&report(Mode::Native, &all).json()).unwrap();
    assert_eq!(native["result"]["overall"], "❌ FAILED");
    assert_eq!(native["policy_diff"]["added"], "1");
    assert_eq!(native["vsa_summary"]["policy"], "mismatches on 1/1 images (adds=1, removes=0, changes=0)");
    let refused = &native["details"][0]["refused"];
    assert_eq!(
        (refused["code"].as_str(), refused["differences"][0]["kind"].as_str()),
        (Some("policy_mismatch"), Some("added"))
    );
    let as_ec: Value = serde_json::from_str(&report(Mode::EcCompat, &all).json()).unwrap();
    assert_eq!((as_ec["policy_diff"]["added"].as_str(), as_ec.get("details")), (Some("[include] 1"), None));
    // Names of components neither command a terminal nor break lines.
    let text = report(Mode::Native, &all).text();
    assert!(!text.contains('\u{1b}') && text.contains("+ "), "{text}");
    assert!(report(Mode::Native, &all).yaml().contains("policy_diff:"));
}
