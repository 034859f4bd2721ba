//! `assay plugin new`: the source of a plugin from a template.

use std::fmt::Write as _;

use assay_plugin_kit::{CreateError, create};
use serde_json::json;

use super::print_result;
use crate::{error::CliError, exit, flags::plugin::author::NewFlags, printer::Printer};

/// Writes the project and prints its files.
pub(crate) fn run(flags: &NewFlags, printer: Printer) -> Result<u8, CliError> {
    let folder = flags.dir.clone().unwrap_or_else(|| flags.name.as_str().into());
    let files = create(&flags.name, flags.lang, flags.world, &folder).map_err(|error| match &error {
        CreateError::Io(_) => CliError::from_error(&error),
        _ => CliError::new(error.to_string()),
    })?;
    let mut text = format!("created {folder}   world {}, {}\n", flags.world, flags.lang);
    for file in &files {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "  {file}");
    }
    print_result(printer, flags.format, &text, &json!({"path": folder, "files": files}))?;
    printer.note(&format!("next: cd {folder} && assay plugin build && assay plugin test"));
    Ok(exit::SUCCESS)
}
