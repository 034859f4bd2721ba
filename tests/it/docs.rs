//! The documents are correct as far as a test can check: links have targets, and differences have tests.

use std::path::PathBuf;

use crate::tidy::{root, sources};

fn documents() -> Vec<PathBuf> {
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "policies/README.md"].map(|name| root().join(name));
    let folder = fs_err::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    top.into_iter().chain(folder.filter(|path| path.extension().is_some_and(|ending| ending == "md"))).collect()
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut links = 0;
    for document in documents() {
        let text = fs_err::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !target.is_empty() && !target.contains("://") {
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
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert!(commands.iter().all(|command| command.starts_with("RUSTUP_AUTO_INSTALL=1 cargo ")), "{commands:?}");
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
    let rows: Vec<_> =
        text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")).skip(1).collect();
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
