//! The unpacking of archives of policies, into a folder beside a canary that no archive may touch.
//!
//! The first byte decides how the rest is read: as a tar file, as a zip file, or as the choices of which a crooked but well
//! formed tar file is made. Whatever is unpacked ends inside its folder, and what is refused leaves nothing.

#![no_main]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use assay_oci::fuzzing;
use libfuzzer_sys::fuzz_target;

/// A folder for this process, with `outside/canary` in it.
static BENCH: LazyLock<PathBuf> = LazyLock::new(|| {
    let bench = std::env::temp_dir().join(format!("assay-fuzz-{}", std::process::id()));
    fs::create_dir_all(bench.join("outside")).expect("a folder");
    fs::write(bench.join("outside/canary"), "alive").expect("a canary");
    bench
});

/// Every path below a folder; links are not followed.
fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        found.push(entry.path());
        if entry.file_type().expect("a kind").is_dir() {
            found.extend(listing(&entry.path()));
        }
    }
    found
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let (bench, root) = (&*BENCH, BENCH.join("tree"));
    let outside = bench.join("outside");
    let way = format!("{}{}", "../".repeat(30), outside.display().to_string().trim_start_matches('/'));
    fs::create_dir(&root).expect("an empty folder");
    let unpacked = match kind % 3 {
        0 => fuzzing::source_archive(bytes, false, &root),
        1 => fuzzing::source_archive(bytes, true, &root),
        _ => fuzzing::source_archive(&fuzzing::crooked_tar(bytes, &way), false, &root),
    };
    let inside = listing(&root);
    match unpacked {
        Ok(()) => {
            let real = fs::canonicalize(&root).expect("a folder");
            for path in &inside {
                let end = fs::canonicalize(path).expect("no link leads nowhere");
                assert!(end.starts_with(&real), "{} ends at {}", path.display(), end.display());
            }
        }
        Err(why) => assert!(inside.is_empty(), "refused ({why}), and left {inside:?}"),
    }
    fs::remove_dir_all(&root).expect("the folder can be removed");
    assert_eq!(listing(bench), [outside.clone(), outside.join("canary")], "nothing else is touched");
    assert_eq!(fs::read(outside.join("canary")).expect("the canary"), b"alive");
});
