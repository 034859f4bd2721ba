//! Layouts: what is found by which name, and what is refused.

use assay_model::{digest::Digest, error::ErrorCode, limits, port::Blobs as _};
use serde_json::json;

use super::{blob, refused, repository};
use crate::{
    ContentStore, LayoutError,
    test_support::{IMAGE, Layout, pinned, reference},
};

#[track_caller]
fn invalid(outcome: Result<ContentStore, LayoutError>, words: &[&str]) {
    let error = outcome.err().expect("should be refused");
    for word in words {
        assert!(error.to_string().contains(word), "{error} lacks {word}");
    }
    assert!(!error.hint().is_empty());
}

#[test]
fn images_are_found_by_tag_and_digest_with_and_without_their_registry() {
    let mut layout = Layout::new();
    let plain = layout.image("app/good", "v1");
    let exact = layout.image("quay.test/app/good", "v1");
    let ported = layout.image("127.0.0.1:5000/app/ported", "v1");
    let hub = layout.image("busybox", "latest");
    let store = layout.store();
    for (name, digest) in [
        ("other.test/app/good:v1", &plain),
        ("quay.test/app/good:v1", &exact),
        ("127.0.0.1:5000/app/ported:v1", &ported),
        ("busybox", &hub),
        ("docker.io/library/busybox", &hub),
    ] {
        let resolved = store.resolve(&reference(name)).unwrap();
        assert_eq!((&resolved.image.digest, resolved.manifest.digest()), (digest, digest), "{name}");
        assert_eq!(store.manifest(&pinned(&resolved.image.repository.to_string(), digest)).unwrap().digest(), digest);
    }
    // The exact name wins for the names it has; for others the path stands.
    assert_eq!(store.resolve(&reference(&format!("quay.test/app/good@{plain}"))).unwrap().image.digest, plain);
    refused(
        store.resolve(&reference("other.test/app/ported:v1")),
        ErrorCode::ImageNotFound,
        &["other.test/app/ported:v1", "the layout"],
    );
}

#[test]
fn what_is_absent_is_absent_and_never_fetched() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let store = layout.store();
    refused(store.resolve(&reference("quay.test/app/good:v2")), ErrorCode::ImageNotFound, &["app/good:v2"]);
    let nowhere = Digest::of(b"nowhere");
    refused(store.manifest(&pinned("quay.test/app/good", &nowhere)), ErrorCode::ImageNotFound, &[&nowhere.to_string()]);
    refused(store.manifest(&pinned("quay.test/app/none", &image)), ErrorCode::ImageNotFound, &["app/none"]);
    assert!(store.tagged(&repository("quay.test/app/good"), "v3").unwrap().is_none());
    refused(blob(&store, "quay.test/app/good", &nowhere, None, 9), ErrorCode::BlobNotFound, &[&nowhere.to_string()]);
    let layer = Digest::of(b"layer");
    assert_eq!(&*store.blob(&repository("quay.test/app/good"), &layer).unwrap(), b"layer");
    refused(blob(&store, "quay.test/app/none", &layer, None, 9), ErrorCode::BlobNotFound, &["app/none"]);
}

#[test]
fn a_manifest_that_only_an_index_names_is_found_by_digest() {
    let mut layout = Layout::new();
    layout.image("app/good", "v1");
    let config = layout.blob("c", b"{}");
    let child = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": []}).to_string();
    let child: Digest = layout.blob(IMAGE, child.as_bytes())["digest"].as_str().unwrap().parse().unwrap();
    assert!(layout.store().manifest(&pinned("quay.test/app/good", &child)).is_ok());
    assert!(layout.store().manifest(&pinned("quay.test/app/none", &child)).is_err());
}

#[test]
fn a_changed_byte_is_found_with_both_digests() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let layer = Digest::of(b"layer");
    fs_err::write(layout.file(&layer), b"LAYER").unwrap();
    let store = layout.store();
    refused(
        blob(&store, "q.test/app/good", &layer, Some(5), 9),
        ErrorCode::DigestMismatch,
        &[&layer.to_string(), &Digest::of(b"LAYER").to_string(), "app/good"],
    );
    let mut bytes = crate::test_support::content(&layout.file(&image));
    *bytes.last_mut().unwrap() = b' ';
    fs_err::write(layout.file(&image), &bytes).unwrap();
    for name in ["q.test/app/good:v1".to_owned(), format!("q.test/app/good@{image}")] {
        refused(
            layout.store().resolve(&reference(&name)),
            ErrorCode::DigestMismatch,
            &[&image.to_string(), &Digest::of(&bytes).to_string()],
        );
    }
}

#[test]
fn a_wrong_size_is_a_mismatch_in_either_direction() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    let layer = Digest::of(b"layer");
    let store = layout.store();
    for size in [4, 6] {
        let message = format!("announced {size} bytes");
        refused(blob(&store, "q.test/app/good", &layer, Some(size), 9), ErrorCode::DigestMismatch, &[&message]);
    }
    assert!(blob(&store, "q.test/app/good", &layer, Some(5), 9).is_ok());
    // Once cached, it is still checked against the request.
    refused(blob(&store, "q.test/app/good", &layer, Some(4), 9), ErrorCode::DigestMismatch, &["5 bytes long"]);
    refused(blob(&store, "q.test/app/good", &layer, None, 4), ErrorCode::TooLarge, &["limit of 4 bytes"]);

    fs_err::write(layout.file(&image), b"{").unwrap();
    refused(
        layout.store().resolve(&reference("q.test/app/good:v1")),
        ErrorCode::DigestMismatch,
        &["given by the index"],
    );
    fs_err::remove_file(layout.file(&image)).unwrap();
    refused(layout.store().resolve(&reference("q.test/app/good:v1")), ErrorCode::BlobNotFound, &["missing in"]);
}

#[test]
fn content_beyond_its_limit_is_refused_and_if_announced_not_even_looked_for() {
    let mut layout = Layout::new();
    layout.image("app/good", "v1");
    let store = layout.store();
    let layer = Digest::of(b"layer");
    refused(blob(&store, "q.test/app/good", &layer, None, 4), ErrorCode::TooLarge, &["limit of 4 bytes"]);
    let nowhere = Digest::of(b"nowhere");
    refused(
        blob(&store, "q.test/app/good", &nowhere, Some(2 << 30), limits::BLOB_BYTES),
        ErrorCode::TooLarge,
        &["announced as 2147483648 bytes"],
    );
    let size = limits::MANIFEST_BYTES + 1;
    let large = vec![b' '; usize::try_from(size).unwrap()];
    let descriptor = layout.blob(IMAGE, &large);
    layout.name("app/large:v1", &descriptor);
    layout.save();
    refused(layout.store().resolve(&reference("q.test/app/large:v1")), ErrorCode::TooLarge, &["app/large:v1"]);
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let mut layout = Layout::new();
    layout.image("app/good", "v1");
    let layer = Digest::of(b"layer");
    let aside = layout.path().join("aside");
    fs_err::rename(layout.file(&layer), &aside).unwrap();
    symlink(&aside, layout.file(&layer)).unwrap();
    let requested = blob(&layout.store(), "q.test/app/good", &layer, None, 9);
    refused(requested, ErrorCode::Malformed, &["a symbolic link", &layer.to_string()]);

    let blobs = layout.path().join("blobs");
    fs_err::rename(&blobs, layout.path().join("elsewhere")).unwrap();
    symlink(layout.path().join("elsewhere"), &blobs).unwrap();
    let requested = layout.store().resolve(&reference("q.test/app/good:v1"));
    refused(requested, ErrorCode::Malformed, &["a symbolic link"]);

    let index = layout.path().join("index.json");
    fs_err::rename(&index, &aside).unwrap();
    symlink(&aside, &index).unwrap();
    invalid(ContentStore::open_layout(&layout.path()), &["`index.json` is a symbolic link"]);
}

#[test]
fn a_folder_in_the_place_of_a_blob_is_refused() {
    let mut layout = Layout::new();
    layout.image("app/good", "v1");
    let nowhere = Digest::of(b"nowhere");
    fs_err::create_dir(layout.file(&nowhere)).unwrap();
    refused(blob(&layout.store(), "q.test/app/good", &nowhere, None, 9), ErrorCode::Malformed, &["not a regular file"]);
}

#[test]
fn an_index_that_does_not_mean_one_thing_is_refused() {
    let good = Digest::of(b"good").to_string();
    let entry = |name: &str, digest: &str, size: i64| {
        json!({
            "mediaType": IMAGE, "digest": digest, "size": size,
            "annotations": {"org.opencontainers.image.ref.name": name},
        })
    };
    let hex = good.trim_start_matches("sha256:");
    for (entries, message) in [
        (vec![entry("a:v1", "md5:d41d8cd98f00b204e9800998ecf8427e", 1)], "`a:v1`, but `md5:"),
        (vec![entry("a:v1", &good.to_uppercase(), 1)], "is not a digest"),
        (vec![entry("a:v1", &format!("sha256:{}", hex.to_uppercase()), 1)], "is not a digest"),
        (vec![entry("a:v1", "sha256:../../../../etc/passwd", 1)], "is not a digest"),
        (vec![entry("a:v1", &good, -1)], "cannot be parsed"),
        (vec![entry("a:v1", &good, 1), entry("a:v1", &Digest::of(b"other").to_string(), 1)], "both as"),
        (vec![entry("a:v1", &good, 1), entry("a:v2", &good, 2)], "once with 1 and once with 2 bytes"),
        (vec![entry(&format!("a@{}", Digest::of(b"other")), &good, 1)], "but points to"),
        (vec![entry("v1", &good, 1)], "names no image"),
        (vec![json!({"digest": good, "size": 1})], "names no image"),
        (Vec::new(), "names no image"),
    ] {
        let layout = Layout::new();
        let index = json!({"schemaVersion": 2, "manifests": entries}).to_string();
        fs_err::write(layout.path().join("index.json"), index).unwrap();
        invalid(ContentStore::open_layout(&layout.path()), &[message]);
    }
}

#[test]
fn what_is_no_layout_is_named() {
    let layout = Layout::new();
    invalid(ContentStore::open_layout(&layout.path().join("nowhere")), &["cannot be read"]);
    invalid(ContentStore::open_layout(&layout.path()), &["no `index.json`"]);
    fs_err::write(layout.path().join("index.json"), "{").unwrap();
    invalid(ContentStore::open_layout(&layout.path()), &["`index.json` cannot be parsed"]);
    fs_err::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    invalid(ContentStore::open_layout(&layout.path()), &["version is `2.0.0`"]);
    fs_err::write(layout.path().join("oci-layout"), " ".repeat(5000)).unwrap();
    invalid(ContentStore::open_layout(&layout.path()), &["larger than 4096 bytes"]);
    fs_err::remove_file(layout.path().join("oci-layout")).unwrap();
    invalid(ContentStore::open_layout(&layout.path()), &["no `oci-layout`"]);
}

#[test]
fn an_index_beyond_its_limit_is_refused() {
    let layout = Layout::new();
    let file = fs_err::File::create(layout.path().join("index.json")).unwrap();
    file.set_len(limits::LAYOUT_INDEX_BYTES + 1).unwrap();
    invalid(ContentStore::open_layout(&layout.path()), &["`index.json` is larger than 67108864 bytes"]);
    file.set_len(limits::LAYOUT_INDEX_BYTES).unwrap();
    invalid(ContentStore::open_layout(&layout.path()), &["`index.json` cannot be parsed"]);
}

#[test]
fn a_tar_file_is_read_like_the_folder() {
    let mut layout = Layout::new();
    let image = layout.image("app/good", "v1");
    for prefix in ["", "./"] {
        let store = ContentStore::open_layout(&layout.tar(prefix)).unwrap();
        let resolved = store.resolve(&reference("q.test/app/good:v1")).unwrap();
        assert_eq!(resolved.image.digest, image);
        assert_eq!(resolved.manifest.bytes(), layout.store().manifest(&resolved.image).unwrap().bytes());
        let layer = Digest::of(b"layer");
        assert_eq!(&*blob(&store, "q.test/app/good", &layer, Some(5), 9).unwrap(), b"layer");
        refused(blob(&store, "q.test/app/good", &layer, Some(4), 9), ErrorCode::DigestMismatch, &["announced 4"]);
        refused(blob(&store, "q.test/app/good", &Digest::of(b""), None, 9), ErrorCode::BlobNotFound, &[]);
    }
    let layer = Digest::of(b"layer");
    fs_err::write(layout.file(&layer), b"LAYER").unwrap();
    let store = ContentStore::open_layout(&layout.tar("")).unwrap();
    let requested = blob(&store, "q.test/app/good", &layer, None, 9);
    refused(requested, ErrorCode::DigestMismatch, &[&Digest::of(b"LAYER").to_string()]);
}

#[test]
fn a_tar_file_cut_short_is_a_mismatch() {
    let mut layout = Layout::new();
    layout.image("app/good", "v1");
    let to = layout.path().join("cut.tar");
    let mut tar = tar::Builder::new(Vec::new());
    for name in ["oci-layout", "index.json"] {
        tar.append_path_with_name(layout.path().join(name), name).unwrap();
    }
    let layer = Digest::of(b"layer");
    tar.append_path_with_name(layout.file(&layer), format!("blobs/sha256/{}", layer.hex())).unwrap();
    let bytes = tar.into_inner().unwrap();
    let at = bytes.windows(5).rposition(|window| window == b"layer").unwrap();
    fs_err::write(&to, bytes.get(..at + 3).unwrap()).unwrap();
    let store = ContentStore::open_layout(&to).unwrap();
    refused(blob(&store, "q.test/app/good", &layer, Some(5), 9), ErrorCode::DigestMismatch, &["3 bytes long"]);
    refused(
        blob(&store, "q.test/app/good", &layer, None, 9),
        ErrorCode::DigestMismatch,
        &[&Digest::of(b"lay").to_string()],
    );
}

#[test]
fn a_tar_file_that_is_compressed_or_none_is_named() {
    let layout = Layout::new();
    let to = layout.path().join("x.tar");
    for (start, message) in [
        (&b"\x1f\x8b\x08\0rest"[..], "compressed with gzip"),
        (b"\x28\xb5\x2f\xfdrest", "compressed with zstd"),
        (b"\xfd7zXZ\0rest", "compressed with xz"),
        (b"BZh91AY", "compressed with bzip2"),
        (b"", "no `oci-layout`"),
    ] {
        fs_err::write(&to, start).unwrap();
        invalid(ContentStore::open_layout(&to), &[message]);
    }
    fs_err::write(&to, [b'x'; 4096]).unwrap();
    invalid(ContentStore::open_layout(&to), &["is not a valid tar file"]);
    let quoted = ContentStore::open_layout(&to).err().map(|error| error.to_string());
    assert!(!quoted.unwrap().contains("xxx"), "the bytes of the file are printed");
}

/// A tar file of raw members: name, type, announced size, content.
fn tar_of(members: &[(&str, tar::EntryType, u64, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, size, content) in members {
        let mut header = tar::Header::new_gnu();
        // Not by `set_path`, which refuses what a hostile writer would not.
        header.as_old_mut().name.get_mut(..name.len()).unwrap().copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(*size);
        header.set_mode(0o644);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

#[test]
fn links_and_doubles_in_a_tar_file_are_refused() {
    use tar::EntryType;
    let layout = Layout::new();
    let to = layout.path().join("x.tar");
    let blob = format!("blobs/sha256/{}", Digest::of(b"x").hex());
    for (members, message) in [
        (vec![("index.json", EntryType::Symlink, 0, &b""[..])], "`index.json` is not a regular file"),
        (vec![(blob.as_str(), EntryType::Link, 0, b"")], "is not a regular file"),
        (
            vec![("index.json", EntryType::Regular, 2, b"{}"), ("./index.json", EntryType::Regular, 2, b"{}")],
            "more than once",
        ),
        (vec![("oci-layout", EntryType::Fifo, 0, b"")], "is not a regular file"),
        (vec![("../index.json", EntryType::Regular, 2, b"{}")], "no `oci-layout`"),
        (vec![("/oci-layout", EntryType::Regular, 2, b"{}")], "no `oci-layout`"),
    ] {
        fs_err::write(&to, tar_of(&members)).unwrap();
        invalid(ContentStore::open_layout(&to), &[message]);
    }
}

#[test]
fn a_long_name_of_gigabytes_in_a_tar_file_is_not_believed() {
    use tar::EntryType;
    let layout = Layout::new();
    let to = layout.path().join("x.tar");
    for kind in [EntryType::GNULongName, EntryType::XHeader, EntryType::XGlobalHeader] {
        fs_err::write(&to, tar_of(&[("index.json", kind, 7 << 30, b"x")])).unwrap();
        invalid(ContentStore::open_layout(&to), &["no `oci-layout`"]);
    }
}

#[test]
fn a_tar_file_of_endless_entries_is_refused() {
    let layout = Layout::new();
    let to = layout.path().join("x.tar");
    let one = tar_of(&[("a", tar::EntryType::Regular, 0, b"")]);
    let header = one.get(..512).unwrap();
    fs_err::write(&to, header.repeat(limits::LAYOUT_ENTRIES)).unwrap();
    invalid(ContentStore::open_layout(&to), &["no `oci-layout`"]);
    fs_err::write(&to, header.repeat(limits::LAYOUT_ENTRIES + 1)).unwrap();
    invalid(ContentStore::open_layout(&to), &["more than 200000 entries"]);
}

/// Adds an entry that only says what kind it is, as `cosign save` does.
fn saved(layout: &mut Layout, kind: &str, document: &serde_json::Value) -> Digest {
    let descriptor = layout.blob(IMAGE, document.to_string().as_bytes());
    layout.annotate(&descriptor, &json!({"kind": format!("dev.cosignproject.cosign/{kind}")}));
    descriptor["digest"].as_str().unwrap().parse().unwrap()
}

#[test]
fn what_cosign_saved_is_found_by_digest_with_its_signatures_and_attestations() {
    let mut layout = Layout::new();
    let config = layout.blob("application/vnd.oci.image.config.v1+json", b"{}");
    let document = |name: &str| json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [], "annotations": {"name": name}});
    let image = saved(&mut layout, "image", &document("image"));
    let signatures = saved(&mut layout, "sigs", &document("signatures"));
    let attestations = saved(&mut layout, "atts", &document("attestations"));
    let store = layout.store();
    let repository = repository("quay.test/app/any");
    assert_eq!(store.manifest(&pinned("quay.test/app/any", &image)).unwrap().digest(), &image);
    for (kind, want) in [("sig", Some(&signatures)), ("att", Some(&attestations)), ("sbom", None)] {
        let found = store.tagged(&repository, &format!("sha256-{}.{kind}", image.hex())).unwrap();
        assert_eq!(found.as_ref().map(|manifest| manifest.digest()), want, "{kind}");
    }
    let by_tag = store.resolve(&reference("quay.test/app/any:latest"));
    assert!(
        by_tag.as_ref().is_err_and(|error| error.hint.as_deref().is_some_and(|hint| hint.contains("by its digest")))
    );
    refused(by_tag, ErrorCode::ImageNotFound, &["latest"]);
    let other = format!("sha256-{}.sig", Digest::of(b"other").hex());
    assert!(store.tagged(&repository, &other).unwrap().is_none(), "signatures are those of the image");
    saved(&mut layout, "image", &document("another"));
    invalid(ContentStore::open_layout(&layout.path()), &["2 entries", "`kind`"]);
}
