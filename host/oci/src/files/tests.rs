//! Files of images and blobs from layouts made on the spot.

use std::slice::from_ref;

use assay_model::{digest::Digest, image::PinnedImage};
use serde_json::json;

use super::*;
use crate::{
    RegistryOptions,
    test_support::{IMAGE, Layout, Reply, TestRegistry, gzip, pinned, tar, zstd},
};

const REPOSITORY: &str = "app";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn image(layout: &mut Layout, layers: &[Vec<u8>]) -> PinnedImage {
    image_of(layout, LAYER, layers)
}

fn image_of(layout: &mut Layout, media_type: &str, layers: &[Vec<u8>]) -> PinnedImage {
    let config = layout.blob("application/vnd.oci.image.config.v1+json", b"{}");
    let layers: Vec<_> = layers.iter().map(|layer| layout.blob(media_type, layer)).collect();
    let document = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers});
    let digest = layout.manifest(REPOSITORY, None, &document);
    pinned("r.test/app", &digest)
}

#[track_caller]
fn check(layers: &[Vec<u8>], folders: &[&str], want: &[(&str, &str)]) {
    let mut layout = Layout::new();
    let image = image(&mut layout, layers);
    let files = image_files(&layout.store(), &image, folders).unwrap().unwrap();
    let got: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), std::str::from_utf8(bytes).unwrap())).collect();
    assert_eq!(got, want);
}

#[test]
fn yaml_and_json_files_right_in_a_folder_are_taken() {
    let layer = tar(&[
        ("manifests/", b""),
        ("manifests/a.yaml", b"a"),
        ("./manifests/b.YML", b"b"),
        ("manifests/c.json", b"c"),
        ("manifests/d.txt", b"d"),
        ("manifests/deep/e.yaml", b"e"),
        ("Manifests/f.yaml", b"f"),
        ("other/g.yaml", b"g"),
        ("h.yaml", b"h"),
    ]);
    let all =
        [("Manifests/f.yaml", "f"), ("manifests/a.yaml", "a"), ("manifests/b.YML", "b"), ("manifests/c.json", "c")];
    for layer in [layer.clone(), gzip(&layer), zstd(&layer)] {
        check(&[layer], &["manifests//"], &all);
    }
    check(from_ref(&layer), &["."], &[("h.yaml", "h")]);
    check(from_ref(&layer), &["other", "nothing"], &[("other/g.yaml", "g")]);
    check(from_ref(&layer), &["/manifests"], &[]);
    check(&[layer], &[], &[]);
}

#[test]
fn upper_layers_replace_and_remove() {
    let lower =
        tar(&[("m/a.yaml", b"old"), ("m/b.yaml", b"b"), ("m/c.yaml", b"c"), ("n/d.yaml", b"d"), ("o/e.yaml", b"e")]);
    let upper = tar(&[
        ("m/a.yaml", b"new"),
        ("m/.wh.b.yaml", b""),
        (".wh.n", b""),
        // What begins anew keeps what the same layer adds.
        ("o/f.yaml", b"f"),
        ("o/.wh..wh..opq", b""),
    ]);
    let both = [lower.clone(), upper];
    check(&both, &["m", "n", "o"], &[("m/a.yaml", "new"), ("m/c.yaml", "c"), ("o/f.yaml", "f")]);
    // A file in a folder's place removes what was in the folder.
    check(&[lower.clone(), tar(&[("m", b"")])], &["m", "n"], &[("n/d.yaml", "d")]);
    // A removal does not hold for its own layer, nor for those above.
    check(
        &[tar(&[("m/.wh.a.yaml", b"")]), lower.clone()],
        &["n", "m"],
        &[("m/a.yaml", "old"), ("m/b.yaml", "b"), ("m/c.yaml", "c"), ("n/d.yaml", "d")],
    );
    check(&[tar(&[("m/.wh.a.yaml", b""), ("m/a.yaml", b"same")])], &["m"], &[("m/a.yaml", "same")]);
}

#[test]
fn files_of_a_blob_are_found_by_their_exact_names() {
    let mut layout = Layout::new();
    image(&mut layout, &[]);
    let archive = tar(&[("a.yaml", b"a"), ("d/b", b"b"), ("c/d", b"first"), ("c/d", b"second")]);
    for bytes in [gzip(&archive), zstd(&archive), archive] {
        layout.blob(LAYER, &bytes);
        let blob = pinned("r.test/app", &Digest::of(&bytes));
        let files = blob_files(&layout.store(), &blob, &["a.yaml", "b", "c/d", "none"]).unwrap().unwrap();
        let want = [("a.yaml".to_owned(), b"a".to_vec()), ("c/d".to_owned(), b"second".to_vec())];
        assert_eq!(files, Files::from(want));
    }
    layout.blob(LAYER, b"no archive, whatever its media type says");
    let blob = pinned("r.test/app", &Digest::of(b"no archive, whatever its media type says"));
    assert_eq!(blob_files(&layout.store(), &blob, &["a"]).unwrap(), None);
    let absent = blob_files(&layout.store(), &pinned("r.test/app", &Digest::of(b"none")), &["a"]).unwrap_err();
    assert_eq!(absent.code, ErrorCode::BlobNotFound);
}

#[test]
fn a_layer_that_is_not_an_archive_has_no_files_and_one_that_lies_is_an_error() {
    let mut layout = Layout::new();
    let document = b"{\"an\": \"SBOM\", \"and\": \"more than four bytes\"}".to_vec();
    let none = image_of(&mut layout, "application/spdx+json", from_ref(&document));
    assert_eq!(image_files(&layout.store(), &none, &["m"]).unwrap(), None);
    // One that says that it is an archive is a broken one.
    let broken = image(&mut layout, &[document]);
    assert_eq!(image_files(&layout.store(), &broken, &["m"]).unwrap_err().code, ErrorCode::Malformed);
    // Long enough to be streamed, so that the digest is only known at the end.
    let large = tar(&[("m/a.yaml", b"a"), ("x", &vec![b'x'; 2 << 20])]);
    let lying = image(&mut layout, std::slice::from_ref(&large));
    assert_eq!(image_files(&layout.store(), &lying, &["m"]).unwrap().unwrap().len(), 1);
    let mut changed = large.clone();
    *changed.last_mut().unwrap() = 1;
    fs_err::write(layout.file(&Digest::of(&large)), changed).unwrap();
    let error = image_files(&layout.store(), &lying, &["m"]).unwrap_err();
    assert_eq!(error.code, ErrorCode::DigestMismatch);
}

#[test]
fn an_archive_that_is_cut_short_is_an_error() {
    let mut layout = Layout::new();
    let whole = tar(&[("m/a.yaml", b"a"), ("m/b.yaml", &[b'b'; 4096])]);
    image(&mut layout, &[]);
    let zipped = gzip(&whole);
    for cut in [whole.get(..2048).unwrap(), zipped.get(..zipped.len() - 12).unwrap(), zipped.get(..20).unwrap()] {
        let other = image_of(&mut layout, "application/octet-stream", &[cut.to_vec()]);
        assert_eq!(image_files(&layout.store(), &other, &["m"]).unwrap_err().code, ErrorCode::Malformed);
        let blob = pinned("r.test/app", &Digest::of(cut));
        assert_eq!(blob_files(&layout.store(), &blob, &["m/a.yaml"]).unwrap_err().code, ErrorCode::Malformed);
    }
}

#[test]
fn unpacking_ends_with_the_run() {
    let mut layout = Layout::new();
    let image = image(&mut layout, &[tar(&[("m/a.yaml", b"a")])]);
    let store = layout.store().until(Some(std::time::Instant::now()));
    assert_eq!(image_files(&store, &image, &["m"]).unwrap_err().code, ErrorCode::Deadline);
}

#[test]
fn dripping_layers_end_with_the_run() {
    let mut layout = Layout::new();
    // Announced longer than what is kept, so that they are streamed.
    let layers: Vec<Vec<u8>> = (0_u8..6).map(|number| vec![number; 2 << 20]).collect();
    let image = image(&mut layout, &layers);
    let served = TestRegistry::layout(layout.path(), |path| path.contains("/blobs/").then_some(Reply::Drip));
    let begun = std::time::Instant::now();
    let deadline = Some(begun + std::time::Duration::from_millis(500));
    let store = ContentStore::registry(RegistryOptions { deadline, ..RegistryOptions::default() }).unwrap();
    let image = pinned(&format!("{}/app", served.registry()), &image.digest);
    assert_eq!(image_files(&store, &image, &["m"]).unwrap_err().code, ErrorCode::Deadline);
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn layers_of_a_registry_are_read_as_they_come() {
    let mut layout = Layout::new();
    let large = tar(&[("m/a.yaml", b"a"), ("x", &vec![b'x'; 2 << 20])]);
    let image = image(&mut layout, std::slice::from_ref(&large));
    let layer = Digest::of(&large).to_string();
    let files = |invalid_predicate: Option<Reply>| {
        let (name, invalid_predicate) = (layer.clone(), std::sync::Mutex::new(invalid_predicate));
        let served = TestRegistry::layout(layout.path(), move |path| {
            invalid_predicate.lock().unwrap().take_if(|_| path.ends_with(&format!("blobs/{name}")))
        });
        let store = ContentStore::registry(RegistryOptions::default()).unwrap();
        image_files(&store, &pinned(&format!("{}/app", served.registry()), &image.digest), &["m"])
    };
    assert_eq!(files(None).unwrap().unwrap(), Files::from([("m/a.yaml".to_owned(), b"a".to_vec())]));
    let cut = large.get(..1 << 20).unwrap().to_vec();
    assert_eq!(files(Some(Reply::Announced(2 << 20, cut.clone()))).unwrap_err().code, ErrorCode::RegistryError);
    let other = files(Some(Reply::Whole(200, Vec::new(), cut)));
    assert_eq!(other.unwrap_err().code, ErrorCode::DigestMismatch);
    let gone = files(Some(Reply::Whole(404, Vec::new(), Vec::new())));
    assert_eq!(gone.unwrap_err().code, ErrorCode::BlobNotFound);
}

#[test]
fn too_large_files_and_too_many_are_an_error() {
    let refused = |entries: &[(&str, &[u8])]| {
        let mut flat = Flat::new(&["m"]);
        let mut upper = BTreeSet::new();
        let outcome = archive::walk(&mut &*tar(entries), &Remaining::of(LIMITS), |name, is_folder, content| {
            flat.entry(&mut upper, name, is_folder, content)
        });
        matches!(outcome, Err(ArchiveError::Limit(_)))
    };
    let half = vec![b'x'; (FILE_BYTES / 2) as usize];
    let large = [half.as_slice(), &half, b"x"].concat();
    assert!(refused(&[("m/a.yaml", &large)]));
    assert!(!refused(&[("m/a.txt", &large)]));
    let names: Vec<_> = (0..=FILES).map(|number| format!("m/.wh.{number}")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert!(refused(&entries));
    let mut taken = Taken::default();
    let outcome: Result<Vec<()>, _> = (0..9).map(|number| taken.take(&number.to_string(), &mut &*half)).collect();
    assert!(matches!(outcome, Err(ArchiveError::Limit(_))));
}

#[test]
fn paths_are_cleaned_as_go_cleans_them() {
    for (path, want) in [
        ("", "."),
        (".", "."),
        ("./a//b/", "a/b"),
        ("/a/../b", "/b"),
        ("../a", "../a"),
        ("/../a", "/a"),
        ("a/../..", ".."),
        ("/", "/"),
    ] {
        assert_eq!(clean(path), want, "{path}");
    }
}
