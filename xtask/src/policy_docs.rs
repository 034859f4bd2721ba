//! [`write()`]: `docs/policies.md`, made from the `# METADATA` of the rules in `policies/release`.
//!
//! The rules are those that the engine compiles, so the document lists what is judged and nothing else.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::Context as _;
use assay_model::rule::{RuleInfo, RuleKind};
use assay_rego::{PackageInfo, Policy, Sources};
use camino::{Utf8Path, Utf8PathBuf};

/// Where the document is, from the root of the repository.
pub const PLACE: &str = "docs/policies.md";

/// The collection whose rules have a mark.
const FIRST_DAY: &str = "minimal";

/// Writes the document of the repository at this place; gives where it is.
///
/// # Errors
/// A policy cannot be read or compiled, or the document cannot be written.
pub fn write(root: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let place = root.join(PLACE);
    fs_err::create_dir_all(root.join("docs"))?;
    fs_err::write(&place, text(root)?)?;
    Ok(place)
}

/// The document.
///
/// # Errors
/// A policy cannot be read or compiled.
pub fn text(root: &Utf8Path) -> anyhow::Result<String> {
    let mut sources = Sources::new();
    for folder in ["policies/lib", "policies/release"] {
        sources.add_policy(root.join(folder).as_std_path())?;
    }
    let policy = Policy::compile(sources)?;
    let mut packages: BTreeMap<&str, Vec<&RuleInfo>> = BTreeMap::new();
    for rule in policy.annotated_rules() {
        packages.entry(&rule.package).or_default().push(rule);
    }
    let mut text = HEAD.to_owned();
    for (name, rules) in packages {
        let file = root.join(format!("policies/release/{name}/{name}.rego"));
        let info = PackageInfo::read(&fs_err::read_to_string(&file)?);
        text.push_str(&package(name, &info, &rules).with_context(|| format!("in {file}"))?);
    }
    Ok(text)
}

const HEAD: &str = "\
# Rules of our policies

<!-- Made by `cargo xtask policy-docs` from the METADATA in policies/release: change it there. -->

How to use them stands in [policies/README.md](../policies/README.md). A rule goes by its code in `include` and `exclude`;
`package.rule:term` is one finding of it, `@collection` all rules of a collection. Rules marked with • are in the
collection `minimal`, too.
";

fn package(name: &str, info: &PackageInfo, rules: &[&RuleInfo]) -> anyhow::Result<String> {
    let title = info.title.as_deref().context("the package has no title")?;
    let about = info.description.as_deref().context("the package has no description")?;
    let mut text = String::new();
    writeln!(text, "\n## `{name}`: {title}\n\n{about}")?;
    if !info.rule_data.is_empty() {
        writeln!(text, "\n| Rule data | |\n| --- | --- |")?;
        for (key, what) in &info.rule_data {
            writeln!(text, "| `{key}` | {} |", what.replace('|', "\\|"))?;
        }
    }
    for rule in rules {
        text.push_str(&of_rule(rule).with_context(|| format!("of the rule {}", rule.code))?);
    }
    Ok(text)
}

fn of_rule(rule: &RuleInfo) -> anyhow::Result<String> {
    let title = rule.title.as_deref().context("the title is missing")?;
    let about = rule.description.as_deref().context("the description is missing")?;
    let solution = rule.solution.as_deref().context("the solution is missing")?;
    let mark = if rule.collections.iter().any(|name| name == FIRST_DAY) { " •" } else { "" };
    let kind = match rule.kind {
        RuleKind::Deny => "denies",
        RuleKind::Warn => "warns",
    };
    let mut text = String::new();
    writeln!(text, "\n### `{}`{mark}\n\n**{title}** ({kind}). {about}\n\n*To do:* {solution}", rule.code)?;
    let codes = |codes: &[String]| codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
    if !rule.depends_on.is_empty() {
        writeln!(text, "\n*Not told beside:* {}", codes(&rule.depends_on))?;
    }
    if let Some(moment) = &rule.effective_on {
        writeln!(text, "\n*Only warns before:* {moment}")?;
    }
    anyhow::ensure!(!rule.collections.is_empty(), "it is in no collection");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn root() -> Utf8PathBuf {
        Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
    }

    /// The policies that ship, tests left out.
    fn files() -> Vec<(Utf8PathBuf, String)> {
        let mut found = Vec::new();
        let mut folders = vec![root().join("policies")];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir_utf8().unwrap() {
                let path = entry.unwrap().path().to_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if path.as_str().ends_with(".rego") && !path.as_str().ends_with("_test.rego") {
                    found.push((path.clone(), fs_err::read_to_string(path).unwrap()));
                }
            }
        }
        found
    }

    #[test]
    fn the_committed_document_is_what_the_rules_say() {
        let committed = fs_err::read_to_string(root().join(PLACE)).unwrap_or_default();
        assert_eq!(committed, text(&root()).unwrap(), "run `cargo xtask policy-docs` and commit {PLACE}");
    }

    #[test]
    fn rule_data_that_are_read_are_declared_and_the_other_way_round() {
        let files = files();
        let declared: BTreeSet<_> =
            files.iter().flat_map(|(_, text)| PackageInfo::read(text).rule_data.into_keys()).collect();
        let mut read = BTreeSet::new();
        for (_, text) in &files {
            for call in ["rule_data.list(\"", "rule_data.object(\"", "rule_data.number(\"", "limit(\""] {
                let keys = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                read.extend(keys.map(str::to_owned));
            }
        }
        assert!(read.len() >= 15, "{read:?}");
        assert_eq!(declared, read);
    }

    #[test]
    fn a_rule_that_does_not_say_what_to_do_is_not_written_about() {
        let rule = RuleInfo {
            code: "p.r".to_owned(),
            package: "p".to_owned(),
            name: "deny".to_owned(),
            kind: RuleKind::Deny,
            title: Some("T".to_owned()),
            description: Some("D.".to_owned()),
            solution: None,
            effective_on: Some("2030-01-01T00:00:00Z".to_owned()),
            collections: vec!["minimal".to_owned()],
            pipeline_intention: Vec::new(),
            depends_on: vec!["p.q".to_owned()],
            place: (String::new(), 1),
        };
        assert_eq!(of_rule(&rule).unwrap_err().to_string(), "the solution is missing");
        let rule = RuleInfo { solution: Some("S.".to_owned()), ..rule };
        let want = "\n### `p.r` •\n\n**T** (denies). D.\n\n*To do:* S.\n\n*Not told beside:* `p.q`\n\n\
                    *Only warns before:* 2030-01-01T00:00:00Z\n";
        assert_eq!(of_rule(&rule).unwrap(), want);
    }
}
