//! `assay plugin inspect`: what a component is, requests and declares.

use std::fmt::Write as _;

use assay_app::{
    PluginEngine,
    plugin_distribution::{InspectPluginRequest, InspectedPlugin, inspect_plugin},
    plugins::describe_changes,
};
use serde_json::json;

use super::{failed, print_result, read_list, source_settings};
use crate::{error::CliError, exit, flags::plugin::author::InspectFlags, printer::Printer, settings::Environment};

/// Describes a plugin, and what another one has differently.
pub(crate) fn run(
    flags: &InspectFlags,
    env: &Environment,
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    let (plugins, lock) = read_list(flags.plugins.as_deref())?;
    let request = InspectPluginRequest {
        plugins,
        lock,
        saved: flags.from.clone(),
        sources: source_settings(&flags.registries, env)?,
        engine: engine.clone(),
    };
    let inspect = || {
        let inspected = inspect_plugin(&request, &flags.plugin)?;
        let older = flags.diff.as_deref().map(|older| inspect_plugin(&request, older)).transpose()?;
        Ok((inspected, older))
    };
    let (inspected, older) = match inspect() {
        Ok(inspected) => inspected,
        Err(error) => return failed(error, printer),
    };
    let changes = older.map(|older| describe_changes(&older.description, &inspected.description));
    let mut json = serde_json::to_value(&inspected.description).map_err(|error| CliError::from_error(&error))?;
    if let Some(fields) = json.as_object_mut() {
        let InspectedPlugin { facts, image, granted, signers, sbom, .. } = &inspected;
        let mut insert = |name: &str, value: serde_json::Value| fields.insert(name.to_owned(), value);
        insert("reference", json!(image.as_ref().map(ToString::to_string)));
        insert("imports", json!(facts.imports));
        insert("exports", json!(facts.exports));
        insert("toolchain", json!(facts.producers));
        insert("granted", json!(granted));
        insert("signers", json!(signers));
        insert("sbom", sbom.clone());
        if let Some(changes) = &changes {
            insert("changes", json!(changes));
        }
    }
    print_result(printer, flags.format, &for_people(&inspected, changes.as_deref()), &json)?;
    Ok(exit::SUCCESS)
}

fn for_people(inspected: &InspectedPlugin, changes: Option<&[String]>) -> String {
    let about = &inspected.description;
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
    for granted in &inspected.granted {
        let _infallible = writeln!(text, "  granted      {} {} {}", granted.kind, granted.name, granted.options);
    }
    for signer in &inspected.signers {
        let who = signer.identity.as_ref().or(signer.key_id.as_ref()).map(String::as_str).unwrap_or_default();
        let _infallible = writeln!(text, "  signer       {}: {who}", signer.trust);
    }
    if let Some(packages) = inspected.sbom["packages"].as_array() {
        let _infallible = writeln!(text, "  sbom         {} packages", packages.len());
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
