//! The documents are correct as far as a test can check: links have targets, and differences have tests.

use std::path::{Path, PathBuf};

use crate::tidy::{root, sources};

/// What people read: the README and its like, and every page of `docs`.
pub(crate) fn documents() -> Vec<PathBuf> {
    let top = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "policies/README.md",
        "examples/shop/README.md",
    ];
    top.into_iter().map(|name| root().join(name)).chain(pages(&root().join("docs"))).collect()
}

/// The pages in a folder and in the folders below it, in order.
pub(crate) fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Whether the target of a link is a file, and not an address, an anchor or code in brackets.
pub(crate) fn is_path(target: &str) -> bool {
    !target.is_empty() && !target.contains("://") && !target.contains(['"', '(', ' '])
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut links = 0;
    for document in documents() {
        let text = fs_err::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if is_path(target) {
                assert!(document.parent().unwrap().join(target).exists(), "{}: {target}", document.display());
                links += 1;
            }
        }
    }
    assert!(links >= 5, "only {links} links were found");
}

#[test]
fn both_commands_of_the_readme_install_the_toolchain_where_rustup_does_not_by_itself() {
    for document in [".ci/run", "README.md"] {
        let text = fs_err::read_to_string(root().join(document)).unwrap();
        assert!(text.contains("RUSTUP_AUTO_INSTALL=1"), "{document}");
    }
    let text = fs_err::read_to_string(root().join("README.md")).unwrap();
    let commands: Vec<_> = text
        .split("```console\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .flat_map(str::lines)
        .filter(|line| line.contains("cargo "))
        .collect();
    assert!(commands.len() >= 2, "{commands:?}");
    let starts = |command: &&str| command.trim_start_matches("$ ").starts_with("RUSTUP_AUTO_INSTALL=1 cargo ");
    assert!(commands.iter().all(starts), "{commands:?}");
}

#[test]
fn every_difference_from_ec_has_a_test() {
    every_row_has_a_test("docs/differences-from-ec.md", 4, 10);
}

#[test]
fn every_promise_about_security_has_a_test() {
    every_row_has_a_test("docs/security.md", 3, 20);
}

/// Each row of the table in a document names in its last cell tests that are there.
fn every_row_has_a_test(document: &str, columns: usize, at_least: usize) {
    let text = fs_err::read_to_string(root().join(document)).unwrap();
    let code: String = sources().iter().map(|path| fs_err::read_to_string(path).unwrap()).collect();
    let lines: Vec<_> = text.lines().collect();
    // The first line of a table is before the one of dashes.
    let is_head = |at: usize| lines.get(at + 1).is_some_and(|next| next.starts_with("| ---"));
    let is_row = |at: usize, line: &str| line.starts_with("| ") && !line.starts_with("| ---") && !is_head(at);
    let rows: Vec<_> = lines.iter().enumerate().filter(|(at, line)| is_row(*at, line)).map(|(_, line)| *line).collect();
    assert!(rows.len() >= at_least, "{rows:?}");
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), columns, "{row}");
        let tests = cells.last().unwrap();
        let names: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty() || *tests == "the same", "no test is named: {row}");
        for name in names {
            let exists =
                if name.contains('/') { root().join(name).exists() } else { code.contains(&format!("fn {name}(")) };
            assert!(exists, "there is no `{name}`: {row}");
        }
    }
}
