//! `assay plugin inspect`: what a component is, requests and declares.

use std::fmt::Write as _;

use assay_app::{
    PluginEngine, RequestError,
    plugin_distribution::pull_plugin,
    plugins::{ComponentFacts, PluginDescription, describe_changes, load_plugin},
};
use assay_model::limits;
use camino::Utf8Path;
use serde_json::json;

use super::{failed, print_result, source_settings};
use crate::{
    error::CliError, exit, files::read_bytes, flags::plugin::author::InspectFlags, printer::Printer,
    settings::Environment,
};

/// Describes a component, and what another one has differently.
pub(crate) fn run(
    flags: &InspectFlags,
    env: &Environment,
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    let settings = source_settings(&flags.registries, env)?;
    let describe = |text: &str| -> Result<Result<(PluginDescription, Vec<u8>), RequestError>, CliError> {
        let path = Utf8Path::new(text);
        let is_file = path.exists() || path.extension() == Some("wasm");
        if !is_file {
            return Ok(pull_plugin(text, &settings, engine).map(|pulled| (pulled.description, pulled.bytes)));
        }
        let bytes = read_bytes(path, "the component", limits::PLUGIN_BYTES)?;
        let plugin = load_plugin(engine, &format!("`{path}`"), &bytes)?;
        Ok(Ok((PluginDescription::of(&plugin, bytes.len()), bytes)))
    };
    let (about, bytes) = match describe(&flags.component)? {
        Ok(described) => described,
        Err(error) => return failed(error, printer),
    };
    let changes = match &flags.diff {
        Some(older) => match describe(older)? {
            Ok((older, _)) => Some(describe_changes(&older, &about)),
            Err(error) => return failed(error, printer),
        },
        None => None,
    };
    let mut json = serde_json::to_value(&about).map_err(|error| CliError::from_error(&error))?;
    if let Some(fields) = json.as_object_mut() {
        let facts = ComponentFacts::of(&bytes).unwrap_or_default();
        fields.insert("imports".to_owned(), json!(facts.imports));
        fields.insert("exports".to_owned(), json!(facts.exports));
        fields.insert("toolchain".to_owned(), json!(facts.producers));
        if let Some(changes) = &changes {
            fields.insert("changes".to_owned(), json!(changes));
        }
    }
    print_result(printer, flags.format, &for_people(&about, changes.as_deref()), &json)?;
    Ok(exit::SUCCESS)
}

fn for_people(about: &PluginDescription, changes: Option<&[String]>) -> String {
    let mut text = format!(
        "{} {}   world {}, wit {}\n  digest       {}\n  size         {} bytes\n  license      {}\n",
        about.name, about.version, about.world, about.wit, about.digest, about.size, about.license
    );
    let none = if about.permissions.is_empty() { "  permissions  none\n" } else { "" };
    text.push_str(none);
    // Writing to a String cannot fail.
    for permission in &about.permissions {
        let options: Vec<_> = permission.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let what = format!("{} {} {}", permission.kind, permission.name, options.join(" "));
        let _infallible = writeln!(text, "  permission   {}: {}", what.trim_end(), permission.reason);
    }
    let limits: Vec<_> = about.limits.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let _infallible = writeln!(text, "  limits       {}", limits.join(", "));
    for rule in &about.rules {
        let _infallible = writeln!(text, "  rule         {} ({}): {}", rule.code, rule.severity.as_str(), rule.title);
    }
    for change in changes.unwrap_or_default() {
        let _infallible = writeln!(text, "  {change}");
    }
    if changes.is_some_and(<[String]>::is_empty) {
        text.push_str("  no changes\n");
    }
    text
}
