//! `assay policy inspect`: the packages of policies and what their annotations say, as `opa inspect` shows them.

use std::{collections::BTreeMap, fmt::Write as _};

use assay_conforma::{Inspected, inspect};
use assay_rego::{Ignore, Sources, packages};
use serde_json::{Map, Value, json};

use super::{
    json::pretty,
    load::{self, LoadError},
    print,
    table::Table,
};
use crate::{
    error::CliError,
    exit::opa_exit,
    flags::policy::{InspectFlags, PlainFormat},
    printer::Printer,
};

pub(super) fn run(flags: &InspectFlags, printer: Printer) -> Result<u8, CliError> {
    load::refuse(&flags.load)?;
    let ignore = load::ignore(&flags.load)?;
    let read = || read(&flags.paths, &ignore);
    let found = read().and_then(|sources| packages(sources).map_err(LoadError::Compile));
    let annotations = || -> Result<Vec<Inspected>, LoadError> {
        if flags.annotations { inspect(read()?).map(annotated).map_err(LoadError::Compile) } else { Ok(Vec::new()) }
    };
    let (packages, annotations) = match found.and_then(|packages| Ok((packages, annotations()?))) {
        Ok(found) => found,
        Err(error) => {
            printer.error(&error.text(0));
            return Ok(opa_exit::FAIL);
        }
    };
    print(
        printer,
        &match flags.format {
            PlainFormat::Json => pretty(&as_json(&packages, flags.annotations.then_some(&annotations))) + "\n",
            PlainFormat::Pretty => as_text(&packages, &annotations),
        },
    )?;
    Ok(opa_exit::OK)
}

fn read(paths: &[String], ignore: &Ignore) -> Result<Sources, LoadError> {
    let mut sources = Sources::new();
    // As for `opa`, a folder is a bundle: other data in it than `data.json` is not looked at.
    paths.iter().try_for_each(|path| sources.add_bundle(path, ignore)).map_err(LoadError::Source)?;
    Ok(sources)
}

/// Each annotation once, in the order of paths, then of places.
fn annotated(found: Vec<Inspected>) -> Vec<Inspected> {
    let mut once: Vec<Inspected> = Vec::new();
    for entry in found.into_iter().filter(|entry| entry.annotations.is_some()) {
        if !once.contains(&entry) {
            once.push(entry);
        }
    }
    once.sort_by(|one, other| (&one.path, &one.location).cmp(&(&other.path, &other.location)));
    once
}

fn as_json(packages: &BTreeMap<String, Vec<String>>, annotations: Option<&Vec<Inspected>>) -> Value {
    let namespaces: Map<_, _> = packages.iter().map(|(name, files)| (name.clone(), files.clone().into())).collect();
    let mut json = json!({
        "manifest": {"revision": "", "roots": [""]},
        "signatures_config": {},
        "namespaces": namespaces,
    });
    if let Some(annotations) = annotations {
        json["annotations"] = annotations.iter().map(Inspected::to_json).collect();
    }
    json
}

fn as_text(packages: &BTreeMap<String, Vec<String>>, annotations: &[Inspected]) -> String {
    let mut table = Table::new(&["NAMESPACE", "FILE"]);
    for (name, files) in packages {
        for (at, file) in files.iter().enumerate() {
            table.row(vec![if at == 0 { name.clone() } else { String::new() }, file.clone()]);
        }
    }
    let mut text = format!("NAMESPACES:\n{}", table.text());
    if !annotations.is_empty() {
        text.push_str("ANNOTATIONS:\n");
    }
    for entry in annotations {
        annotation_text(&mut text, entry);
    }
    text
}

fn annotation_text(text: &mut String, entry: &Inspected) {
    let title = entry.text("title");
    if !title.is_empty() {
        let _infallible = writeln!(text, "{title}\n{}\n", "=".repeat(title.chars().count()));
    }
    let description = entry.text("description");
    if !description.is_empty() {
        let _infallible = writeln!(text, "{}\n", description.trim());
    }
    let _infallible = writeln!(text, "Package:  {}", entry.package_name());
    if entry.path.len() > entry.package.len() {
        let rule = entry.path.get(entry.package.len()..).unwrap_or_default().join(".");
        let _infallible = writeln!(text, "Rule:     {rule}");
    }
    let _infallible = writeln!(text, "Location: {}:{}", entry.location.file, entry.location.line);
    let _infallible = writeln!(text, "Scope: {}\n", entry.text("scope"));
    let fields = entry.annotations.as_ref();
    for (key, name) in
        [("organizations", "Organizations"), ("authors", "Authors"), ("related_resources", "Related Resources")]
    {
        let Some(items) = fields.and_then(|fields| fields.get(key)).and_then(Value::as_array) else { continue };
        let _infallible = writeln!(text, "{name}:");
        for item in items {
            let shown = match item {
                Value::String(text) => text.clone(),
                Value::Object(fields) => fields.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
                other => other.to_string(),
            };
            let _infallible = writeln!(text, " {shown}");
        }
        text.push('\n');
    }
    if let Some(Value::Object(custom)) = fields.and_then(|fields| fields.get("custom")) {
        text.push_str("Custom:\n");
        for (key, value) in custom {
            let _infallible = writeln!(text, " {key}: {value}");
        }
        text.push('\n');
    }
}
