//! What is kept of compiled policies beside the program: the rules with their annotations, and the packages.

use std::collections::BTreeMap;

use assay_model::rule::{RuleInfo, RuleKind};
use assay_rego::{
    Location, Problem,
    stored::{Reader, Stored, Writer},
};

use super::{Outline, Package};
use crate::rules::Rules;

impl Stored for Outline {
    fn write(&self, to: &mut Writer) {
        let Self { rules, packages, files } = self;
        let Rules { all, annotated, non_result_value } = rules;
        all.len().write(to);
        all.iter().for_each(|rule| write_rule(rule, to));
        annotated.write(to);
        non_result_value.len().write(to);
        for problem in non_result_value {
            let Problem { location, message, .. } = problem;
            message.write(to);
            location.is_some().write(to);
            if let Some(Location { file, line, column }) = location {
                to.file(file);
                line.write(to);
                column.write(to);
            }
        }
        packages.len().write(to);
        for (name, Package { path, entries }) in packages {
            name.write(to);
            path.write(to);
            entries.len().write(to);
            for (name, kind) in entries {
                name.write(to);
                write_kind(*kind, to);
            }
        }
        files.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let all = list(from, read_rule)?;
        let annotated = usize::read(from)?;
        let non_result_value = list(from, |from| {
            let message = String::read(from)?;
            if !bool::read(from)? {
                return Some(Problem::new(None, message));
            }
            let location = Location { file: from.file()?, line: u32::read(from)?, column: u32::read(from)? };
            Some(Problem::at(location, message))
        })?;
        let packages: BTreeMap<_, _> = list(from, |from| {
            let (name, path) = (String::read(from)?, Stored::read(from)?);
            let entries = list(from, |from| Some((String::read(from)?, read_kind(from)?)))?;
            Some((name, Package { path, entries: entries.into_iter().collect() }))
        })?
        .into_iter()
        .collect();
        Some(Self { rules: Rules { all, annotated, non_result_value }, packages, files: usize::read(from)? })
    }
}

/// A list of what `read` reads.
fn list<T>(from: &mut Reader<'_>, mut read: impl FnMut(&mut Reader<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut all = Vec::new();
    for _ in 0..usize::read(from)? {
        all.push(read(from)?);
    }
    Some(all)
}

fn write_rule(rule: &RuleInfo, to: &mut Writer) {
    let RuleInfo {
        code,
        package,
        name,
        kind,
        title,
        description,
        solution,
        effective_on,
        collections,
        depends_on,
        pipeline_intention,
        location: (file, line),
    } = rule;
    for text in [code, package, name] {
        text.write(to);
    }
    write_kind(*kind, to);
    for text in [title, description, solution, effective_on] {
        text.write(to);
    }
    for texts in [collections, depends_on, pipeline_intention] {
        texts.write(to);
    }
    to.file(file);
    line.write(to);
}

fn read_rule(from: &mut Reader<'_>) -> Option<RuleInfo> {
    Some(RuleInfo {
        code: Stored::read(from)?,
        package: Stored::read(from)?,
        name: Stored::read(from)?,
        kind: read_kind(from)?,
        title: Stored::read(from)?,
        description: Stored::read(from)?,
        solution: Stored::read(from)?,
        effective_on: Stored::read(from)?,
        collections: Stored::read(from)?,
        depends_on: Stored::read(from)?,
        pipeline_intention: Stored::read(from)?,
        location: (from.file()?, Stored::read(from)?),
    })
}

fn write_kind(kind: RuleKind, to: &mut Writer) {
    (kind == RuleKind::Deny).write(to);
}

fn read_kind(from: &mut Reader<'_>) -> Option<RuleKind> {
    bool::read(from).map(|is_deny| if is_deny { RuleKind::Deny } else { RuleKind::Warn })
}
