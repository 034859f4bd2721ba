//! `assay plugin inspect`: what a component is, requests and declares.

use std::fmt::Write as _;

use assay_app::{
    PluginEngine,
    plugins::{PluginDescription, describe_changes},
};
use serde_json::json;

use super::{load_file, print_result};
use crate::{error::CliError, exit, flags::plugin::author::InspectFlags, printer::Printer};

/// Describes a component, and what another one has differently.
pub(crate) fn run(flags: &InspectFlags, engine: &PluginEngine, printer: Printer) -> Result<u8, CliError> {
    let describe = |file| load_file(file, engine).map(|(plugin, size)| PluginDescription::of(&plugin, size));
    let about = describe(&flags.component)?;
    let changes = match &flags.diff {
        Some(older) => Some(describe_changes(&describe(older)?, &about)),
        None => None,
    };
    let mut json = serde_json::to_value(&about).map_err(|error| CliError::from_error(&error))?;
    if let (Some(fields), Some(changes)) = (json.as_object_mut(), &changes) {
        fields.insert("changes".to_owned(), json!(changes));
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
