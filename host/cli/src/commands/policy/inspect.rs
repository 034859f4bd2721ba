//! `assay policy inspect`: the packages of policies and what their annotations say, as `opa inspect` shows them.

use std::{collections::BTreeMap, fmt::Write as _};

use assay_conforma::{Inspected, inspect};
use assay_rego::{Manifest, SourceError, Sources, packages};
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
    let sources = match read(flags)? {
        Ok(sources) => sources,
        Err(error) => {
            printer.error(&LoadError::Source(error).text(0));
            return Ok(opa_exit::FAIL);
        }
    };
    let manifests: Vec<_> = sources.bundles().iter().map(|bundle| bundle.manifest.clone()).collect();
    let found = packages(sources).map_err(LoadError::Compile);
    let annotations = || -> Result<Result<Vec<Inspected>, LoadError>, CliError> {
        if !flags.annotations {
            return Ok(Ok(Vec::new()));
        }
        Ok(match read(flags)? {
            Ok(sources) => inspect(sources).map(annotated).map_err(LoadError::Compile),
            Err(error) => Err(LoadError::Source(error)),
        })
    };
    let annotations = annotations()?;
    let (packages, annotations) = match found.and_then(|packages| Ok((packages, annotations?))) {
        Ok(found) => found,
        Err(error) => {
            printer.error(&error.text(0));
            return Ok(opa_exit::FAIL);
        }
    };
    print(
        printer,
        &match flags.format {
            PlainFormat::Json => {
                pretty(&as_json(&manifests, &packages, flags.annotations.then_some(&annotations))) + "\n"
            }
            PlainFormat::Pretty => as_text(&manifests, &packages, &annotations),
        },
    )?;
    Ok(opa_exit::OK)
}

fn read(flags: &InspectFlags) -> Result<Result<Sources, SourceError>, CliError> {
    let ignore = load::ignore(&flags.load)?;
    let mut sources = Sources::new();
    // As for `opa`, a folder is a bundle: other data in it than `data.json` is not looked at.
    for path in &flags.paths {
        if let Err(error) = load::add_bundle(&mut sources, path, &ignore)? {
            return Ok(Err(error));
        }
    }
    if flags.load.v0_compatible {
        sources.set_v0();
    }
    Ok(Ok(sources))
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

fn as_json(
    manifests: &[Option<Manifest>],
    packages: &BTreeMap<String, Vec<String>>,
    annotations: Option<&Vec<Inspected>>,
) -> Value {
    let namespaces: Map<_, _> = packages.iter().map(|(name, files)| (name.clone(), files.clone().into())).collect();
    let mut manifest = json!({"revision": "", "roots": [""]});
    for written in manifests.iter().flatten() {
        manifest = json!({"revision": "", "roots": written.roots});
        for (key, value) in &written.document {
            if key != "roots" {
                manifest[key] = value.clone();
            }
        }
    }
    let mut json = json!({
        "manifest": manifest,
        "signatures_config": {},
        "namespaces": namespaces,
    });
    if let Some(annotations) = annotations {
        json["annotations"] = annotations.iter().map(Inspected::to_json).collect();
    }
    json
}

fn as_text(
    manifests: &[Option<Manifest>],
    packages: &BTreeMap<String, Vec<String>>,
    annotations: &[Inspected],
) -> String {
    let mut text = manifests.iter().flatten().map(manifest_text).collect::<String>();
    let mut table = Table::new(&["NAMESPACE", "FILE"]);
    for (name, files) in packages {
        for (at, file) in files.iter().enumerate() {
            table.row(vec![if at == 0 { name.clone() } else { String::new() }, file.clone()]);
        }
    }
    let _infallible = write!(text, "NAMESPACES:\n{}", table.text());
    if !annotations.is_empty() {
        text.push_str("ANNOTATIONS:\n");
    }
    for entry in annotations {
        annotation_text(&mut text, entry);
    }
    text
}

/// The fields of a manifest that are set, as `opa inspect` lists them.
fn manifest_text(manifest: &Manifest) -> String {
    let mut table = Table::new(&["FIELD", "VALUE"]);
    let field = |key: &str| manifest.document.get(key).filter(|value| !value.is_null());
    if let Some(version) = field("rego_version") {
        table.row(vec!["Rego Version".to_owned(), version.to_string()]);
    }
    if let Some(revision) = field("revision").and_then(Value::as_str).filter(|revision| !revision.is_empty()) {
        table.row(vec!["Revision".to_owned(), revision.to_owned()]);
    }
    let mut roots: Vec<_> = manifest.roots.iter().filter(|root| !root.is_empty()).collect();
    roots.sort();
    for (at, root) in roots.into_iter().enumerate() {
        table.row(vec![if at == 0 { "Roots".to_owned() } else { String::new() }, root.clone()]);
    }
    if let Some(metadata) = field("metadata") {
        table.row(vec!["Metadata".to_owned(), metadata.to_string()]);
    }
    if table.is_empty() { String::new() } else { format!("MANIFEST:\n{}", table.text()) }
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
