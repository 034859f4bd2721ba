//! `assay inspect policy` and `assay inspect policy-data`: what sources hold.

use std::{collections::BTreeMap, fmt::Write as _};

use assay_conforma::{Inspected, inspect};
use assay_gocompat::json;
use assay_model::{limits, yaml};
use assay_rego::Sources;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value};

use super::{
    fetch_policy::print_stdout,
    folders::{copy_into, files_below},
    policy_sources::{PolicySources, fetch_configuration},
};
use crate::{
    error::CliError,
    exit,
    files::read_text,
    flags::inspect::{InspectDataFlags, InspectPolicyFlags},
    printer::Printer,
    settings::{Environment, SourceSettings, parse_policy},
};

const POLICY_FORMATS: [&str; 4] = ["json", "text", "names", "short-names"];
const DATA_FORMATS: [&str; 2] = ["json", "yaml"];

/// Shows rules.
pub(crate) fn policy(flags: &InspectPolicyFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    known_format(&flags.output, &POLICY_FORMATS)?;
    let settings = SourceSettings::new(&flags.sources, env)?;
    let texts = match fetch_configuration(flags.policy.clone(), &settings, printer)? {
        Some(policy) => parse_policy(&policy)?.sources.into_iter().flat_map(|group| group.policy).collect(),
        None => flags.source.clone(),
    };
    let sources = PolicySources::fetch(texts.iter().map(String::as_str), &settings, None, printer)?;
    let mut found: BTreeMap<String, Vec<Inspected>> = BTreeMap::new();
    for text in &texts {
        let place = fetch_into(&sources, text, flags.dest.as_deref(), "policy")?;
        let mut entries = entries(&place)?;
        entries.retain(|entry| is_wanted(entry, flags));
        found.insert(sources.pinned(text), entries);
    }
    let shown = if flags.output == "json" { as_json(&found)? } else { as_text(&found, &flags.output) };
    print_stdout(printer, &shown)?;
    Ok(exit::SUCCESS)
}

/// Shows data.
pub(crate) fn policy_data(flags: &InspectDataFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    known_format(&flags.output, &DATA_FORMATS)?;
    let settings = SourceSettings::new(&flags.sources, env)?;
    let sources = PolicySources::fetch(flags.source.iter().map(String::as_str), &settings, None, printer)?;
    let mut all = Map::new();
    for text in &flags.source {
        let place = fetch_into(&sources, text, flags.dest.as_deref(), "policy")?;
        for file in files_below(&place)? {
            let end = file.extension().map(str::to_ascii_lowercase);
            if !end.is_some_and(|end| ["json", "yaml", "yml"].contains(&end.as_str())) {
                continue;
            }
            let text = read_text(&file, "--source", limits::DATA_FILE_BYTES)?;
            let document = yaml::parse(&text).map_err(|error| CliError::new(format!("`{file}`: {error}")))?;
            let fields = match document {
                Value::Object(fields) => fields,
                Value::Null => continue,
                _ => return Err(CliError::new(format!("the data file `{file}` is not an object"))),
            };
            for (key, value) in fields {
                if all.contains_key(&key) {
                    return Err(CliError::new(format!("Merge error. The '{key}' key was found more than once!")));
                }
                all.insert(key, value);
            }
        }
    }
    // Numbers as `ec` writes them, but with all their digits.
    let all = json::as_yaml_numbers(&json::sorted(&Value::Object(all)));
    let shown = match flags.output.as_str() {
        "yaml" => assay_report::to_yaml(&all),
        _ => json::to_string(&all).map_err(|error| CliError::from_error(&error))?,
    };
    print_stdout(printer, &format!("{shown}\n"))?;
    Ok(exit::SUCCESS)
}

fn known_format(format: &str, known: &[&str]) -> Result<(), CliError> {
    if known.contains(&format) {
        return Ok(());
    }
    // The words are `ec`'s.
    Err(CliError::new(format!("invalid value for --output '{format}'. accepted values: {}", known.join(", "))))
}

/// Where a source is to be looked at: where it was fetched to, or a copy in the folder that was asked for.
fn fetch_into(
    sources: &PolicySources,
    text: &str,
    dest: Option<&Utf8Path>,
    kind: &str,
) -> Result<Utf8PathBuf, CliError> {
    let path = sources.path(text)?;
    let path = Utf8Path::from_path(path)
        .ok_or_else(|| CliError::new(format!("the path of `{}` is not UTF-8", assay_model::redact::source(text))))?;
    let Some(dest) = dest else { return Ok(path.to_owned()) };
    let to = dest.join(kind).join(assay_supply::folder_name(text));
    copy_into(path, &to)?;
    Ok(to)
}

/// The entries of a source, with file names as they stand in it.
fn entries(place: &Utf8Path) -> Result<Vec<Inspected>, CliError> {
    let mut sources = Sources::new();
    sources.add_policy(place.as_std_path()).map_err(|error| CliError::from_error(&error).hint(error.hint()))?;
    let mut entries = inspect(sources).map_err(|error| CliError::from_error(&error).hint(error.hint()))?;
    let base = if place.is_dir() { Some(place) } else { place.parent() };
    for entry in &mut entries {
        let short = base.and_then(|base| Utf8Path::new(&entry.location.file).strip_prefix(base).ok());
        if let Some(short) = short.map(Utf8Path::to_string) {
            entry.location.file = short;
        }
    }
    Ok(entries)
}

fn is_wanted(entry: &Inspected, flags: &InspectPolicyFlags) -> bool {
    let (rule, package, collection) = (&flags.rule, &flags.package, &flags.collection);
    if [rule, package, collection].iter().all(|filter| filter.is_empty()) {
        return true;
    }
    let short = entry.short_name();
    let is_rule = || *rule == short || *rule == format!("{}.{short}", entry.package_name());
    (!rule.is_empty() && is_rule())
        || (!package.is_empty() && *package == entry.package_name())
        || (!collection.is_empty() && entry.collections().contains(&collection.as_str()))
}

fn as_json(found: &BTreeMap<String, Vec<Inspected>>) -> Result<String, CliError> {
    let entries = |entries: &Vec<Inspected>| Value::Array(entries.iter().map(Inspected::to_json).collect());
    let all: Map<String, Value> = found.iter().map(|(source, list)| (source.clone(), entries(list))).collect();
    json::to_string(&all).map(|text| text + "\n").map_err(|error| CliError::from_error(&error))
}

fn as_text(found: &BTreeMap<String, Vec<Inspected>>, format: &str) -> String {
    let mut text = String::new();
    for (source, entries) in found {
        if format == "text" {
            let _infallible = write!(text, "# Source: {source}\n\n");
        }
        for entry in entries {
            match &entry.annotations {
                None => {
                    let _infallible = write!(text, "{}\n(No annotations found)\n--\n", entry.path.join("."));
                }
                // What is said of packages and documents is left out, as in `ec`.
                Some(_) if entry.text("scope") != "rule" => {}
                Some(_) if format == "text" => text.push_str(&for_people(entry)),
                Some(_) => {
                    let _infallible = writeln!(text, "{}.{}", entry.package_name(), entry.short_name());
                }
            }
        }
    }
    text
}

fn for_people(entry: &Inspected) -> String {
    let (package, short) = (entry.package_name(), entry.short_name());
    let kind = entry.path.last().map(String::as_str).filter(|kind| ["deny", "warn"].contains(kind)).unwrap_or("other");
    let mut text = format!("{package}.{short} ({kind})\n");
    if let Some(last) = entry.package.last().filter(|_| !short.is_empty()) {
        let page = format!("https://conforma.dev/docs/policy/packages/release_{last}.html#{last}__{short}");
        text.push_str(&page);
        text.push('\n');
    }
    let _infallible = write!(text, "{}\n{}", entry.text("title"), entry.description());
    let collections = entry.collections();
    if !collections.is_empty() {
        let _infallible = write!(text, "\n[{}]", collections.join(" "));
    }
    text.push_str("\n--\n");
    text
}
