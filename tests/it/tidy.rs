//! The source tree keeps its own rules: file sizes, head comments, and an ARCHITECTURE.md that is true.

use std::path::{Path, PathBuf};

/// The most lines of a source file.
const LINES: usize = 800;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn architecture() -> String {
    fs_err::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
}

/// Every Rust file of ours, guests included.
pub(crate) fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["host", "xtask", "plugins", "sdk", "tests", "examples"] {
        walk(&root().join(folder), &mut found);
    }
    found.sort();
    assert!(found.len() > 50, "the walk found only {} files", found.len());
    found
}

#[test]
fn no_source_file_is_longer_than_a_person_reads_at_once() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|path| (fs_err::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > LINES)
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn every_module_says_first_what_it_is_for() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|path| {
            let text = fs_err::read_to_string(path).unwrap();
            let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
            !first.is_some_and(|line| line.starts_with("//!"))
        })
        .collect();
    assert!(silent.is_empty(), "these open without a `//!` head comment: {silent:?}");
}

#[test]
fn every_path_that_architecture_names_exists() {
    let text = architecture();
    let named = text.split('`').skip(1).step_by(2).filter(|name| {
        let is_path = name.contains('/') || [".md", ".toml", ".rs"].iter().any(|ending| name.ends_with(ending));
        is_path && !name.contains([' ', '<', '*', '{', ':', '…', '=']) && !name.starts_with(['-', '/', '.'])
    });
    let named: Vec<_> = named.collect();
    assert!(named.len() > 20, "only {} paths are named", named.len());
    let missing: Vec<_> = named.into_iter().filter(|name| !root().join(name).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:?}");
}

#[test]
fn every_crate_stands_in_the_code_map() {
    let text = architecture();
    for entry in fs_err::read_dir(root().join("host")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(text.contains(&format!("`host/{name}`")), "host/{name} is missing in ARCHITECTURE.md");
    }
}
