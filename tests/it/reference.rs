//! The reference has everything that the program has: commands, flags, variables, codes, functions and pages.

use std::{collections::BTreeSet, path::PathBuf};

use assay_conforma::FUNCTIONS;
use assay_model::error::ErrorCode;
use assay_report::Format;
use camino::Utf8PathBuf;
use regex::Regex;

use crate::{
    docs::{is_path, pages},
    tidy::{root, sources},
};

fn page(name: &str) -> String {
    fs_err::read_to_string(root().join("docs").join(name)).unwrap()
}

/// The words in the first cells of a page's tables.
fn first_cells(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")).filter_map(|line| line.split(" |").next());
    rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn the_pages_of_commands_and_variables_are_generated_from_the_program() {
    let commands = xtask::reference::commands(&Utf8PathBuf::from(env!("CARGO_BIN_EXE_assay"))).unwrap();
    let run = "run `cargo xtask reference` and commit the pages";
    assert!(page("reference/command-line.md") == xtask::reference::command_line(&commands).unwrap(), "{run}");
    let environment = page("reference/environment.md");
    assert!(environment == xtask::reference::with_variables(&environment, &commands).unwrap(), "{run}");
    assert!(commands.len() >= 40, "{}", commands.len());
    assert!(xtask::reference::variables(&commands).len() >= 40);
}

#[test]
fn every_variable_that_the_program_reads_is_in_the_reference() {
    let name = Regex::new(r#""([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)""#).unwrap();
    let not_read = [
        "SCREAMING_SNAKE_CASE",
        "SHA2_256",
        "SHA2_384",
        "SHA2_512",
        "FETCH_HEAD",
        "LC_ALL",
        "ASSAY_SHARED",
        "REMOTE_RESULT",
        // Parameters and results of the task `ec`.
        "TEST_OUTPUT",
        "POLICY_CONFIGURATION",
        "PUBLIC_KEY",
        "CERTIFICATE_IDENTITY",
        "CERTIFICATE_OIDC_ISSUER",
        "IGNORE_REKOR",
        "EFFECTIVE_TIME",
        "EXTRA_RULE_DATA",
        "SINGLE_COMPONENT",
    ];
    let crates = ["cli", "app", "oci", "evidence", "cluster", "wasm", "plugin-kit", "store", "scheduler"];
    let environment = page("reference/environment.md");
    let mut found = BTreeSet::new();
    for path in sources() {
        let is_ours = crates.iter().any(|name| path.starts_with(root().join("host").join(name).join("src")));
        if !is_ours || path.to_string_lossy().contains("test") {
            continue;
        }
        let text = fs_err::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        found.extend(name.captures_iter(code).map(|found| found[1].to_owned()));
    }
    // Git is started without its variables, and cargo's are of builds.
    found.retain(|name| !name.starts_with("GIT_") && !name.starts_with("CARGO_") && !not_read.contains(&name.as_str()));
    assert!(found.len() >= 50, "{found:?}");
    let missing: Vec<_> = found.iter().filter(|name| !environment.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/reference/environment.md lacks {missing:?}");
}

#[test]
fn every_error_code_has_a_cause_and_a_remedy() {
    let text = page("reference/error-codes.md");
    let sections: Vec<_> = text.split("\n## ").collect();
    let codes = first_cells(sections.get(1).unwrap());
    let known: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(codes, known);
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "{line}");
    }
}

#[test]
fn every_reason_of_a_verification_is_in_the_reference() {
    let code = fs_err::read_to_string(root().join("host/evidence/src/error.rs")).unwrap();
    let function = code.split("pub const fn code(").nth(1).and_then(|rest| rest.split("\n    }\n").next()).unwrap();
    let known: BTreeSet<_> =
        Regex::new(r#"=> "([a-z-]+)""#).unwrap().captures_iter(function).map(|c| c[1].to_owned()).collect();
    assert!(known.len() >= 15, "{known:?}");
    let text = page("reference/error-codes.md");
    assert_eq!(first_cells(text.split("\n## ").nth(2).unwrap()), known);
    let exit_codes = page("exit-codes.md");
    let missing: Vec<_> = known.iter().filter(|code| !exit_codes.contains(&format!("| `{code}` |"))).collect();
    assert!(missing.is_empty(), "docs/exit-codes.md lacks {missing:?}");
}

#[test]
fn every_cause_of_a_state_is_in_the_reference() {
    let cause = Regex::new(r#"Cause::new\(\s*"([a-z-]+)""#).unwrap();
    let mut known = BTreeSet::new();
    for name in ["scheduler", "store", "app"] {
        let folder = root().join("host").join(name).join("src");
        for path in sources().into_iter().filter(|path| path.starts_with(&folder)) {
            if !path.to_string_lossy().contains("tests") {
                let text = fs_err::read_to_string(path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                known.extend(cause.captures_iter(code).map(|found| found[1].to_owned()));
            }
        }
    }
    assert!(known.len() >= 15, "{known:?}");
    let text = page("reference/error-codes.md");
    let listed = first_cells(text.split("\n## ").nth(3).unwrap());
    let missing: Vec<_> = known.difference(&listed).collect();
    assert!(missing.is_empty(), "docs/reference/error-codes.md lacks {missing:?}");
}

#[test]
fn every_code_of_an_import_is_in_the_reference() {
    let issue = Regex::new(r#"issues\.(?:error|warn)\(\s*(?:[a-z!]+\([^()]*\)|[^,()]+),\s*"([a-z-]+)""#).unwrap();
    let mut known = BTreeSet::new();
    let folder = root().join("host/konflux/src");
    for path in sources().into_iter().filter(|path| path.starts_with(&folder)) {
        let text = fs_err::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        known.extend(issue.captures_iter(code).map(|found| found[1].to_owned()));
    }
    assert!(known.len() >= 15, "{known:?}");
    let listed = first_cells(&page("konflux.md"));
    let missing: Vec<_> = known.difference(&listed).collect();
    assert!(missing.is_empty(), "docs/konflux.md lacks {missing:?}");
}

#[test]
fn every_function_of_policies_is_in_the_reference() {
    let text = page("reference/builtins.md");
    let heading = Regex::new(r"(?m)^### `(ec\.[a-z_.]+)\(([a-z, ]*)\)`$").unwrap();
    let listed: BTreeSet<_> = heading.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    let known: BTreeSet<_> = FUNCTIONS.iter().map(|function| function.name().to_owned()).collect();
    assert_eq!(listed, known);
}

#[test]
fn every_field_of_a_policy_configuration_is_in_the_reference() {
    let code = fs_err::read_to_string(root().join("host/model/src/policy.rs")).unwrap();
    let types = code.split("/// Why a text is not a policy configuration.").next().unwrap();
    let fields = Regex::new(r"(?m)^    pub ([a-z_]+):").unwrap();
    let text = page("reference/policy-configuration.md");
    let mut count = 0;
    for field in fields.captures_iter(types) {
        let mut name = String::new();
        for (at, part) in field[1].split('_').enumerate() {
            let (first, rest) = part.split_at(1);
            name += &if at == 0 { first.to_owned() } else { first.to_uppercase() };
            name += rest;
        }
        assert!(Regex::new(&format!(r"[`.]{name}(\[\])?`")).unwrap().is_match(&text), "{name}");
        count += 1;
    }
    assert!(count >= 30, "{count}");
}

#[test]
fn every_format_of_reports_is_in_the_reference() {
    let listed = first_cells(&page("reports.md"));
    let missing: Vec<_> =
        Format::ALL.iter().map(|format| format.as_str()).filter(|name| !listed.contains(*name)).collect();
    assert!(missing.is_empty(), "docs/reports.md lacks {missing:?}");
}

/// The keys that the structs and variants of a source file have in JSON.
fn keys(source: &str) -> BTreeSet<String> {
    let code = fs_err::read_to_string(root().join("host").join(source)).unwrap();
    let types = Regex::new(r"(?ms)^(?:#\[[^\n]*\]\n)*#\[derive\([^)]*Serialize[^)]*\)\]\n.*?^\}").unwrap();
    let field = Regex::new(
        r#"(?:#\[serde\([^\]]*?rename = "(?<key>[^"]+)"[^\]]*\)\]\s*)?(?m:^) +(?:pub(?:\(crate\))? )?(?<name>[a-z_]+): "#,
    )
    .unwrap();
    let types = types.find_iter(&code).map(|found| found.as_str());
    types
        .flat_map(|of| field.captures_iter(of).collect::<Vec<_>>())
        .map(|found| found.name("key").unwrap_or_else(|| found.name("name").unwrap()).as_str().to_owned())
        .collect()
}

#[test]
fn every_field_of_a_report_is_in_the_reference() {
    let text = page("reference/report-fields.md");
    for (source, at_least) in [
        ("report/src/json.rs", 25),
        ("report/src/jsonl.rs", 15),
        ("report/src/appstudio.rs", 7),
        ("model/src/run/document.rs", 15),
        ("model/src/run/artifact.rs", 7),
    ] {
        let keys = keys(source);
        assert!(keys.len() >= at_least, "{source}: {keys:?}");
        let missing: Vec<_> = keys.iter().filter(|key| !text.contains(&format!("`{key}`"))).collect();
        assert!(missing.is_empty(), "docs/reference/report-fields.md lacks {missing:?} of {source}");
    }
}

#[test]
fn every_page_is_in_the_summary_and_links_stay_in_the_site() {
    let summary = page("SUMMARY.md");
    let folder = root().join("docs");
    let mut listed: Vec<PathBuf> = Vec::new();
    for target in summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        listed.push(folder.join(target));
    }
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(unique.len(), listed.len(), "a page is listed twice");
    let all: BTreeSet<_> = pages(&folder).into_iter().filter(|path| !path.ends_with("SUMMARY.md")).collect();
    assert_eq!(unique, all);
    for path in all {
        let text = fs_err::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{}: no title", path.display());
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if is_path(target) {
                let target = path.parent().unwrap().join(target).canonicalize().unwrap();
                assert!(target.starts_with(&folder), "{}: {} is outside of the site", path.display(), target.display());
            }
        }
    }
}

#[test]
fn links_to_headings_lead_to_one() {
    let mut links = 0;
    for path in pages(&root().join("docs")) {
        let text = fs_err::read_to_string(&path).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let Some((file, anchor)) = target.split_once('#').filter(|_| !target.contains("://")) else { continue };
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let text = fs_err::read_to_string(&file).unwrap();
            let anchors = text.lines().filter(|line| line.starts_with('#')).map(slug);
            assert!(anchors.into_iter().any(|slug| slug == anchor), "{}: {target}", path.display());
            links += 1;
        }
    }
    assert!(links < 1000, "{links}");
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character }).collect()
}

#[test]
fn anchors_are_made_of_headings() {
    assert_eq!(slug("## The `--output` flag, twice"), "the---output-flag-twice");
}
