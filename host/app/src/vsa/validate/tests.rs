//! Which VSA decides, and what is read of files and folders.

use assay_model::{digest::Digest, vsa::Vsa};
use serde_json::{Value, json};

use super::{
    super::stored::{FILE_BYTES, FolderLimits, LINES},
    *,
};

fn image(content: &str) -> PinnedImage {
    PinnedImage::parse(&format!("r.example/cart@{}", Digest::of(content.as_bytes()))).unwrap()
}

/// A VSA about an image, made at this hour of the day.
fn vsa(content: &str, hour: u8, change: impl FnOnce(&mut Value)) -> StoredVsa {
    let mut predicate = json!({
        "policy": {"sources": [{"policy": ["oci::r.example/p@sha256:1"]}]},
        "imageRefs": [image(content).to_string()],
        "timestamp": format!("2026-06-01T{hour:02}:00:00Z"),
        "status": "passed",
        "summary": {"violations": 0},
        "publicKey": "PEM",
    });
    change(&mut predicate);
    StoredVsa {
        place: format!("{content}-{hour}"),
        subjects: vec![image(content).digest],
        vsa: Vsa::read(&predicate.to_string()),
    }
}

fn verdict(found: Vec<StoredVsa>, refused: Vec<(String, &'static str, String)>) -> VsaVerdict {
    let policy = PolicySpec::parse(r#"{"sources": [{"policy": ["oci::r.example/p@sha256:1"]}]}"#).unwrap();
    let (image, now) = (image("a"), "2026-06-01T23:00:00Z".parse().unwrap());
    let wanted = WantedVsa {
        image: &image,
        component: "cart",
        policy: &policy,
        signer: &WantedSigner::Key("PEM".to_owned()),
        filter_type: "",
        effective_time: now,
        now,
        expiration: None,
    };
    find_verdict(&wanted, &StoredVsas { found, refused })
}

fn code(found: Vec<StoredVsa>) -> &'static str {
    match verdict(found, vec![]) {
        VsaVerdict::Passed { .. } => "passed",
        VsaVerdict::Refused(refused) => refused.code,
        VsaVerdict::Unknown(_) => "unknown",
    }
}

fn failed(predicate: &mut Value) {
    predicate["status"] = json!("failed");
}

fn of_another_policy(predicate: &mut Value) {
    predicate["policy"] = json!({"sources": [{"policy": ["oci::r.example/p@sha256:2"]}]});
}

#[test]
fn attack_the_newest_vsa_about_the_evaluation_decides() {
    assert_eq!(code(vec![vsa("a", 1, |_| ())]), "passed");
    assert_eq!(code(vec![vsa("a", 1, |_| ()), vsa("a", 2, failed)]), "predicate_failed");
    assert_eq!(code(vec![vsa("a", 3, |_| ()), vsa("a", 2, failed)]), "passed");
    // Of two at the same time the one that failed.
    assert_eq!(code(vec![vsa("a", 2, |_| ()), vsa("a", 2, failed)]), "predicate_failed");
    // Newer ones about something else decide nothing.
    assert_eq!(code(vec![vsa("a", 1, |_| ()), vsa("b", 2, failed), vsa("a", 3, of_another_policy)]), "passed");
    let found = verdict(vec![vsa("a", 1, |_| ()), vsa("a", 2, |_| ())], vec![]);
    let timestamp = "2026-06-01T02:00:00Z".parse().unwrap();
    assert_eq!(found, VsaVerdict::Passed { place: "a-2".to_owned(), timestamp });
}

#[test]
fn attack_what_does_not_count_says_why() {
    assert_eq!(code(vec![]), "no_vsa");
    assert_eq!(code(vec![vsa("b", 1, |_| ())]), "subject_mismatch");
    assert_eq!(code(vec![vsa("b", 1, |_| ()), vsa("c", 1, |_| ())]), "no_vsa");
    assert_eq!(code(vec![vsa("a", 1, of_another_policy)]), "policy_mismatch");
    assert_eq!(code(vec![vsa("a", 1, |predicate| predicate["publicKey"] = json!("other"))]), "signer_mismatch");
    assert_eq!(code(vec![vsa("a", 1, |predicate| predicate["timestamp"] = json!("now"))]), "malformed");
    // The statement is about the image, and what it says is not.
    let mut forged = vsa("b", 1, |_| ());
    forged.subjects = vec![image("a").digest];
    assert_eq!(code(vec![forged]), "subject_mismatch");
    let unsigned = ("vsa.json".to_owned(), "signature", "no signature found".to_owned());
    let VsaVerdict::Refused(refused) = verdict(vec![], vec![unsigned.clone()]) else { panic!("it counts") };
    assert_eq!((refused.code, refused.place.as_deref()), ("signature", Some("vsa.json")));
    assert_eq!(refused.reason, "the VSA in `vsa.json` does not count: no signature found");
    let VsaVerdict::Refused(refused) = verdict(vec![vsa("b", 1, |_| ())], vec![unsigned]) else { panic!("it counts") };
    assert!(refused.reason.contains("1 are about other images, and 1 do not count: `vsa.json`"), "{}", refused.reason);
}

#[test]
fn a_folder_is_read_within_its_limits_and_other_files_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let folder = camino::Utf8Path::from_path(folder.path()).unwrap();
    let write = |name: &str, text: &[u8]| fs_err::write(folder.join(name), text).unwrap();
    write("report.json", br#"{"success": true}"#);
    write("envelope.txt", br#"{"payloadType": "x"}"#);
    write("bad.json", br#"{"payloadType": "text/plain", "payload": "", "signatures": []}"#);
    write("two.jsonl", b"{\"payloadType\": 1}\n\n{\"payloadType\": 2}\n");
    fs_err::create_dir(folder.join("sub.json")).unwrap();
    let large = fs_err::File::create(folder.join("large.json")).unwrap();
    large.set_len(FILE_BYTES + 1).unwrap();
    let mut stored = StoredVsas::default();
    stored.add_folder(folder, None, FOLDER).unwrap();
    let codes: Vec<_> = stored.refused.iter().map(|(_, code, _)| *code).collect();
    assert_eq!((stored.found.len(), codes), (0, vec!["unsupported", "limit", "malformed", "malformed"]));
    assert!(stored.add_folder(&folder.join("none"), None, FOLDER).is_err());
    let within = |files, bytes| {
        let limits = FolderLimits { files, bytes };
        StoredVsas::default().add_folder(folder, None, limits).map_err(|error| error.message())
    };
    assert!(within(3, FOLDER.bytes).unwrap_err().contains("there are more than 3 files"));
    assert!(within(4, 10).unwrap_err().contains("they have more than 10 bytes"));
    write("lines.jsonl", "{}\n".repeat(LINES + 1).as_bytes());
    let mut lines = StoredVsas::default();
    lines.add_file(&folder.join("lines.jsonl"), None).unwrap();
    assert_eq!(lines.refused.len(), 1);
    assert!(stored.add_file(&folder.join("none.json"), None).is_err());
    // A file that is named must be one.
    let mut named = StoredVsas::default();
    named.add_file(&folder.join("report.json"), None).unwrap();
    assert_eq!(named.refused.len(), 1);
}
