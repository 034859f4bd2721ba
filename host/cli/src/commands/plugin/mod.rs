//! `assay plugin`: a file for each topic. Data goes to standard output, everything else to standard error.

mod create;

use serde_json::Value;

use crate::{
    commands::fetch_policy::print_stdout,
    error::CliError,
    flags::plugin::{Format, PluginCommand},
    printer::Printer,
    settings::Environment,
};

/// Carries out one of the commands.
pub(crate) fn run(command: PluginCommand, _env: &Environment, printer: Printer) -> Result<u8, CliError> {
    match command {
        PluginCommand::New(flags) => create::run(&flags, printer),
    }
}

/// Prints a result in the requested form; `text` has its line ends.
fn print_result(printer: Printer, format: Format, text: &str, json: &Value) -> Result<(), CliError> {
    match format {
        Format::Text => print_stdout(printer, text),
        Format::Json => print_stdout(printer, &format!("{json}\n")),
    }
}
