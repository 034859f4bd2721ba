//! `assay plugin`: a file for each topic. Data goes to standard output, everything else to standard error.

mod build;
mod cache;
mod create;
mod inspect;
mod run;
mod test;

use assay_app::{PluginEngine, RequestErrorKind, plugins::Plugin, plugins::load_plugin};
use assay_model::limits;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::{
    commands::fetch_policy::print_stdout,
    error::CliError,
    exit,
    files::read_bytes,
    flags::{
        global::GlobalFlags,
        plugin::{Format, PluginCommand},
    },
    printer::Printer,
    settings::Environment,
};

/// Carries out one of the commands.
pub(crate) fn run(
    command: PluginCommand,
    global: &GlobalFlags,
    env: &Environment,
    printer: Printer,
) -> Result<u8, CliError> {
    let engine = PluginEngine::from_environment(env.variable, (env.cache_home)()).map_err(CliError::new)?;
    match command {
        PluginCommand::New(flags) => create::run(&flags, printer),
        PluginCommand::Build(flags) => build::run(&flags, global.debug, &engine, printer),
        PluginCommand::Test(flags) => test::run(&flags, global.traces(), &engine, printer),
        PluginCommand::Run(flags) => run::run(&flags, global.is_talkative(), env, &engine, printer),
        PluginCommand::Inspect(flags) => inspect::run(&flags, &engine, printer),
        PluginCommand::Cache { what } => cache::run(&what, &engine, printer),
    }
}

/// Prints a result in the requested form; `text` has its line ends.
fn print_result(printer: Printer, format: Format, text: &str, json: &Value) -> Result<(), CliError> {
    match format {
        Format::Text => print_stdout(printer, text),
        Format::Json => print_stdout(printer, &format!("{json}\n")),
    }
}

/// Reads and loads a component, and gives its size, too.
fn load_file(file: &Utf8Path, engine: &PluginEngine) -> Result<(Plugin, usize), CliError> {
    let bytes = read_bytes(file, "the component", limits::PLUGIN_BYTES)?;
    Ok((load_plugin(engine, &format!("`{file}`"), &bytes)?, bytes.len()))
}

/// A path that means the same in another folder.
fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, CliError> {
    camino::absolute_utf8(path).map_err(|error| CliError::new(format!("{path} cannot be used: {error}")))
}

/// An error that is not one of the request: it is printed, and the exit code says so.
fn failed(error: assay_app::RequestError, printer: Printer) -> Result<u8, CliError> {
    if error.kind() == RequestErrorKind::Plugin {
        printer.error(&CliError::from(error).text());
        return Ok(exit::ERROR);
    }
    Err(error.into())
}
