//! The tools for policies, one file for each: `test`, `eval`, `check`, `fmt`, `inspect`, `bench`. They leave with the exit
//! codes of `opa`, under either name.

mod bench;
mod check;
mod eval;
mod fmt;
mod inspect;
mod json;
mod load;
mod profile;
mod restrictions;
mod table;
mod test;
mod test_bench;
mod test_reports;
mod times;
mod trace;

use std::ffi::OsString;

use super::fetch_policy::print_stdout as print;
use crate::{
    error::CliError,
    exit::opa_exit,
    flags::policy::{OpaCommand, PolicyCommand},
    printer::Printer,
    settings::Environment,
};

/// Carries out a command of `assay policy`.
pub(crate) fn run(command: PolicyCommand, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    run_as(command, false, env, printer)
}

fn run_as(command: PolicyCommand, as_opa: bool, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    match command {
        PolicyCommand::Test(flags) => test::run(&flags, as_opa, printer),
        PolicyCommand::Eval(flags) => eval::run(&flags, env, printer),
        PolicyCommand::Bench(flags) => bench::run(&flags, env, printer),
        PolicyCommand::Inspect(flags) => inspect::run(&flags, printer),
        PolicyCommand::Check(flags) => check::run(&flags, printer),
        PolicyCommand::Fmt(flags) => fmt::run(&flags, printer),
    }
}

/// Carries out a command of `assay opa`.
pub(crate) fn opa(command: OpaCommand, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    match command {
        OpaCommand::Tool(command) => run_as(command, true, env, printer),
        OpaCommand::Version => {
            let version = env!("CARGO_PKG_VERSION");
            let text = format!("Version: assay-{version}\nRego Version: v1\nWebAssembly: unavailable\n");
            print(printer, &text)?;
            Ok(opa_exit::OK)
        }
        OpaCommand::Other(words) => {
            let name = words.first().cloned().unwrap_or_else(|| OsString::from(""));
            Err(CliError::new(format!("assay has no `opa {}`", name.to_string_lossy())).hint(
                "use `test`, `eval`, `check`, `fmt`, `inspect`, `bench` or `version`, or OPA itself for other commands",
            ))
        }
    }
}
