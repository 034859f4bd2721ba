//! [`all`]: the probes of `probes.txt`.

use anyhow::{Context as _, bail};

/// What is read.
const TEXT: &str = include_str!("probes.txt");

/// Data of `input.n` elements, made by rules so that only what a probe needs is made.
const DATA: &str = r#"package p
ns := numbers.range(1, input.n)
names := [sprintf("k%d", [i]) | some i in ns]
members := {i | some i in ns}
named := {sprintf("k%d", [i]): i | some i in ns}
objects := [{"k": sprintf("k%d", [i % 100]), "v": i} | some i in ns]
text := concat(" ", names)
"#;

/// Something whose time is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    /// What it is.
    pub name: String,
    /// Its sizes, where it has some of its own.
    pub sizes: Vec<u32>,
    rules: String,
}

impl Probe {
    /// The whole module for data of this size, of which `data.p.deny` is evaluated.
    pub(super) fn module(&self, size: u32) -> String {
        let mut module = DATA.to_owned();
        for rule in self.rules.lines() {
            match rule.strip_prefix('*') {
                Some(rule) => module.extend((1..=size).map(|at| rule.replace('%', &at.to_string()) + "\n")),
                None => module.extend([rule, "\n"]),
            }
        }
        module
    }
}

/// All probes in their order.
///
/// # Errors
/// A line is none of those that the module describes.
pub(super) fn all() -> anyhow::Result<Vec<Probe>> {
    let mut probes: Vec<Probe> = Vec::new();
    for line in TEXT.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rule) = line.strip_prefix('\t') {
            let probe = probes.last_mut().context("rules stand in front of their name")?;
            probe.rules.push_str(rule);
            probe.rules.push('\n');
            continue;
        }
        let (kind, rest) = line.split_once(' ').with_context(|| format!("`{line}` is no probe"))?;
        let (name, term) =
            if kind == "rules" { (rest, "") } else { rest.split_once(": ").context("a term is missing")? };
        let (name, sizes) = name.split_once(" @").unwrap_or((name, ""));
        let sizes = sizes.split(',').filter(|size| !size.is_empty()).map(str::parse).collect::<Result<_, _>>()?;
        let rules = match kind {
            "rules" => String::new(),
            "once" => format!("value := {term}\ndeny := type_name(value)\n"),
            "call" => format!("deny := count([1 | some i, s in names; x := {term}; x != \"-\"])\n"),
            _ => bail!("`{kind}` is none of rules, once and call"),
        };
        let name = match kind {
            "call" => format!("{name}, for each element"),
            _ => name.to_owned(),
        };
        probes.push(Probe { name, sizes, rules });
    }
    Ok(probes)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use assay_rego::{CompileOptions, fuzzing};

    use super::*;

    #[test]
    fn every_probe_has_a_name_of_its_own_and_a_value() {
        let probes = all().unwrap();
        assert_eq!(probes.iter().map(|probe| &probe.name).collect::<BTreeSet<_>>().len(), probes.len());
        for probe in probes {
            let document = |module: &str| {
                let limit = Duration::from_secs(60);
                fuzzing::document(module, "p", r#"{"n": 20}"#, CompileOptions::default(), limit)
            };
            let value = document(&probe.module(20)).unwrap_or_else(|refusal| panic!("{}: {refusal:?}", probe.name));
            assert!(value.contains("\"deny\":"), "{} has no value", probe.name);
        }
    }
}
