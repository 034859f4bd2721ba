//! `assay inspect policy` and `assay inspect policy-data`: what sources hold.

use std::{collections::BTreeMap, fmt::Write as _};

use assay_app::{
    ClusterAccess, InspectDataRequest, InspectPolicyRequest, fetch_configuration, inspect_data, inspect_policy,
    parse_policy,
};
use assay_conforma::Inspected;
use assay_gocompat::json;
use serde_json::{Map, Value};

use super::{events::Printed, fetch_policy::print_stdout};
use crate::{
    error::CliError,
    exit,
    flags::inspect::{InspectDataFlags, InspectPolicyFlags},
    printer::Printer,
    settings::{Environment, source_settings},
};

const POLICY_FORMATS: [&str; 4] = ["json", "text", "names", "short-names"];
const DATA_FORMATS: [&str; 2] = ["json", "yaml"];

/// Shows rules.
pub(crate) fn policy(
    flags: &InspectPolicyFlags,
    env: &Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    known_format(&flags.output, &POLICY_FORMATS)?;
    let settings = source_settings(&flags.sources, env)?;
    let events = Printed::new(printer);
    let texts = match fetch_configuration(flags.policy.clone(), &settings, cluster, &events)? {
        Some(policy) => parse_policy(&policy)?.sources.into_iter().flat_map(|group| group.policy).collect(),
        None => flags.source.clone(),
    };
    let request = InspectPolicyRequest { sources: texts, dest: flags.dest.clone(), settings };
    let mut found = inspect_policy(&request, &events)?;
    for entries in found.values_mut() {
        entries.retain(|entry| is_wanted(entry, flags));
    }
    let shown = if flags.output == "json" { as_json(&found)? } else { as_text(&found, &flags.output) };
    print_stdout(printer, &shown)?;
    Ok(exit::SUCCESS)
}

/// Shows data.
pub(crate) fn policy_data(flags: &InspectDataFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    known_format(&flags.output, &DATA_FORMATS)?;
    let settings = source_settings(&flags.sources, env)?;
    let request = InspectDataRequest { sources: flags.source.clone(), dest: flags.dest.clone(), settings };
    let all = inspect_data(&request, &Printed::new(printer))?;
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
