//! What was recorded is read again as it was answered, every damage is found, and hostile archives are refused.

use std::{io::Write as _, path::PathBuf, sync::Arc};

use assay_model::{
    digest::Digest,
    error::ErrorCode,
    image::{PinnedImage, Repository},
};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    ContentStore, RegistryOptions, Retry,
    test_support::{IMAGE, INDEX, Layout, Reply, TestRegistry, reference},
};

/// A registry with an image, and a store that records.
struct World {
    folder: TempDir,
    registry: TestRegistry,
    image: Digest,
    layer: Digest,
}

impl World {
    fn new() -> Self {
        let mut layout = Layout::new();
        let image = layout.image("app", "v1");
        layout.evidence("app", &image, "sig", &[layout.blob("text/plain", b"signature")]);
        let folder = TempDir::new().unwrap();
        let kept = folder.path().join("layout");
        fs_err::rename(layout.path(), &kept).unwrap();
        let registry = TestRegistry::layout(kept, |path| {
            path.contains("/broken/").then(|| Reply::Whole(500, Vec::new(), Vec::new()))
        });
        Self { folder, registry, image, layer: Digest::of(b"layer") }
    }

    fn recorder(&self) -> Arc<EvidenceRecorder> {
        Arc::new(EvidenceRecorder::new(self.folder.path()).unwrap())
    }

    fn store(&self, recorder: &Arc<EvidenceRecorder>) -> ContentStore {
        let retry = Retry { times: 0, ..Retry::default() };
        let options = RegistryOptions { recorder: Some(Arc::clone(recorder)), retry, ..RegistryOptions::default() };
        ContentStore::registry(options).unwrap()
    }

    fn repository(&self, name: &str) -> Repository {
        reference(&format!("{}/{name}", self.registry.registry())).repository().clone()
    }

    fn image(&self) -> PinnedImage {
        self.repository("app").at(self.image.clone())
    }

    /// What a store says to the same requests, errors included.
    fn answers(&self, store: &ContentStore) -> Vec<String> {
        let (app, image) = (self.repository("app"), self.image());
        let tag = format!("sha256-{}.sig", self.image.hex());
        let mut answers = vec![
            format!("{:?}", store.resolve(&reference(&format!("{app}:v1"))).map(|found| found.image)),
            format!("{:?}", store.resolve(&reference(&format!("{app}:v2"))).map(|found| found.image)),
            format!("{:?}", store.tagged(&app, &tag).map(|found| found.map(|manifest| manifest.digest().clone()))),
            format!("{:?}", store.referrers(&image)),
            format!("{:?}", store.lacks_referrers_api(&app)),
            format!("{:?}", store.blob_within(&app, &Digest::of(b"none"), None, 9)),
            format!("{:?}", store.manifest(&self.repository("broken").at(self.image.clone()))),
        ];
        let streamed = store.stream(&app, &self.layer, 100, |from| std::io::read_to_string(from).unwrap());
        answers.push(format!("{streamed:?}"));
        answers
    }

    fn collect(&self) -> (PathBuf, Vec<String>) {
        let recorder = self.recorder();
        let answers = self.answers(&self.store(&recorder));
        recorder.add_plugin("a.wasm", b"plugin");
        recorder.add_cluster_object("Snapshot a/b", b"{}");
        recorder.add_pack("https://user:secret@g.test/a", None, "c0ffee", &mut &b"pack"[..]);
        (self.write(&recorder), answers)
    }

    fn write(&self, recorder: &EvidenceRecorder) -> PathBuf {
        let mut file = tempfile::Builder::new().suffix(".tar").tempfile_in(self.folder.path()).unwrap();
        write_archive(recorder, &mut file).unwrap();
        file.keep().unwrap().1
    }
}

#[test]
fn an_archive_answers_as_the_registry_did_without_it() {
    let world = World::new();
    let (path, answers) = world.collect();
    let requests = world.registry.requests().len();
    let store = ContentStore::open_layout(&path).unwrap();
    assert_eq!(world.answers(&store), answers);
    assert_eq!(world.registry.requests().len(), requests, "something was fetched");
    let archive = store.archive().unwrap();
    assert_eq!(archive.plugin("a.wasm").unwrap().unwrap(), b"plugin");
    assert_eq!(archive.cluster_object("Snapshot a/b").unwrap().unwrap(), b"{}");
    assert!(archive.pack("https://g.test/a", None).is_some(), "passwords are no part of a name");
    assert!(archive.pack("https://g.test/a", Some("c0ffee")).is_some(), "a commit is found by itself");
    assert!(archive.pack("https://g.test/a", Some("main")).is_none());
    assert!(!String::from_utf8_lossy(&fs_err::read(&path).unwrap()).contains("secret"));
}

#[test]
fn what_nobody_requested_is_not_known_to_be_absent() {
    let world = World::new();
    let (path, _) = world.collect();
    let store = ContentStore::open_layout(&path).unwrap();
    let (app, other) = (world.repository("app"), Digest::of(b"other"));
    let image = world.repository("never").at(other.clone());
    for error in [
        store.resolve(&reference(&format!("{app}:v3"))).map(drop).unwrap_err(),
        store.tagged(&app, "v4").map(drop).unwrap_err(),
        store.manifest(&app.at(other.clone())).map(drop).unwrap_err(),
        store.referrers(&image).map(drop).unwrap_err(),
        store.blob_within(&app, &other, None, 9).map(drop).unwrap_err(),
        store.stream(&app, &other, 9, |_| ()).unwrap_err(),
    ] {
        assert_eq!(error.code, ErrorCode::NotInArchive, "{error}");
        assert!(error.message.contains("does not hold the") && error.hint.is_some(), "{error:?}");
    }
}

#[test]
fn the_same_answers_make_the_same_bytes_and_no_image_layout_is_an_archive() {
    let world = World::new();
    let [first, second] = [world.collect().0, world.collect().0];
    assert_eq!(fs_err::read(&first).unwrap(), fs_err::read(second).unwrap());
    let record = verify_archive(&first).unwrap();
    fuzz_record(&record.to_json());
    let mut layout = Layout::new();
    layout.image("app", "v1");
    assert!(matches!(verify_archive(&layout.tar("")), Err(ArchiveError::NotAnArchive(_))));
}

#[test]
fn every_changed_byte_and_every_cut_is_found() {
    let world = World::new();
    let path = world.collect().0;
    let whole = fs_err::read(&path).unwrap();
    let check = |bytes: &[u8], what: &str| {
        fs_err::write(&path, bytes).unwrap();
        assert!(verify_archive(&path).is_err(), "{what} is not found");
    };
    for at in (0..whole.len()).step_by(7).chain(whole.len() - 3..whole.len()) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        check(&changed, &format!("a change at {at}"));
    }
    for cut in (0..whole.len()).step_by(256).chain([whole.len() - 1]) {
        check(&whole[..cut], &format!("a cut at {cut}"));
    }
    check(&[&whole[..], b"\0"].concat(), "a byte behind the end");
    fs_err::write(&path, &whole).unwrap();
    verify_archive(&path).unwrap();
}

/// An archive with this record.
fn forged(record: &serde_json::Value) -> Layout {
    let mut layout = Layout::new();
    let config = layout.blob(EVIDENCE_TYPE, record.to_string().as_bytes());
    let document =
        json!({"schemaVersion": 2, "mediaType": IMAGE, "artifactType": EVIDENCE_TYPE, "config": config, "layers": []});
    let mut descriptor = layout.blob(IMAGE, document.to_string().as_bytes());
    descriptor["artifactType"] = json!(EVIDENCE_TYPE);
    layout.name("evidence", &descriptor);
    layout.save();
    layout
}

#[test]
fn records_that_cannot_be_trusted_to_mean_one_thing_are_refused() {
    let digest = Digest::of(b"x");
    let opened = |record: &serde_json::Value| EvidenceArchive::open(&forged(record).path()).map(drop);
    assert!(opened(&json!({"schemaVersion": 1})).is_ok());
    for (record, says) in [
        (json!({"schemaVersion": 2}), "version"),
        (json!({"schemaVersion": 1, "more": 1}), "more"),
        (json!({"schemaVersion": 1, "repositories": {"a/b": {"tags": {"v1": {"found": digest}}}}}), "tag `v1`"),
        (
            json!({"schemaVersion": 1, "plugins": {"a": {"digest": digest, "size": 1}, "b": {"digest": digest, "size": 2}}}),
            "1 and 2 bytes",
        ),
        (json!({"schemaVersion": 1, "repositories": {"a/b": {"blobs": {"md5:0": "absent"}}}}), "md5:0"),
        (json!([]), "invalid"),
    ] {
        let error = opened(&record).unwrap_err().to_string();
        assert!(error.contains(says), "{error} lacks {says}");
    }
    let mut twice = forged(&json!({"schemaVersion": 1}));
    let mut descriptor = twice.blob(INDEX, b"{}");
    descriptor["artifactType"] = json!(EVIDENCE_TYPE);
    twice.name("evidence2", &descriptor);
    twice.save();
    assert!(EvidenceArchive::open(&twice.path()).unwrap_err().to_string().contains("several records"));
}

#[test]
fn a_record_over_its_limit_and_content_that_was_replaced_are_refused() {
    let layout = forged(&json!({"schemaVersion": 1, "plugins": {"p": {"digest": Digest::of(b"x"), "size": 1}}}));
    fs_err::write(layout.file(&Digest::of(b"x")), b"y").unwrap();
    let archive = EvidenceArchive::open(&layout.path()).unwrap().unwrap();
    assert_eq!(archive.plugin("p").unwrap().unwrap_err().code, ErrorCode::DigestMismatch);
    fs_err::remove_file(layout.file(&Digest::of(b"x"))).unwrap();
    assert_eq!(archive.plugin("p").unwrap().unwrap_err().code, ErrorCode::NotInArchive);

    let record = json!({"schemaVersion": 1}).to_string();
    let layout = forged(&json!({"schemaVersion": 1}));
    let mut large = fs_err::File::create(layout.file(&Digest::of(record.as_bytes()))).unwrap();
    large.write_all(b"{").unwrap();
    large.set_len(RECORD_BYTES + 1).unwrap();
    assert!(EvidenceArchive::open(&layout.path()).unwrap_err().to_string().contains("larger than"));
}

#[test]
fn a_trust_root_over_its_limit_is_not_read() {
    let with = |length: u64| {
        let bytes = vec![b' '; usize::try_from(length).unwrap()];
        let digest = Digest::of(&bytes);
        let layout = forged(&json!({"schemaVersion": 1, "trustRoot": {"digest": digest, "size": length}}));
        layout.blob("application/json", &bytes);
        let archive = EvidenceArchive::open(&layout.path()).unwrap().unwrap();
        archive.trust_root().unwrap().map(|found| found.len()).map_err(|error| error.code)
    };
    assert_eq!(with(OBJECT_BYTES), Ok(usize::try_from(OBJECT_BYTES).unwrap()));
    assert_eq!(with(OBJECT_BYTES + 1), Err(ErrorCode::TooLarge));
}
