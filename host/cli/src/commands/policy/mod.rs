//! The tools for policies, one file for each: `test`, `eval`, `check`, `inspect`, `bench`. They leave with the exit
//! codes of `opa`, under either name.

mod bench;
mod check;
mod eval;
mod inspect;
mod json;
mod load;
mod profile;
mod table;
mod test;
mod test_reports;
mod times;
mod trace;

use std::ffi::OsString;

use super::fetch_policy::say as print;
use crate::{
    error::Unusable,
    exit::tool,
    flags::policy::{OpaCommand, PolicyCommand},
    printer::Printer,
    settings::Surroundings,
};

/// Carries out a command of `assay policy`.
pub(crate) fn run(command: PolicyCommand, around: &Surroundings, printer: Printer) -> Result<u8, Unusable> {
    run_as(command, false, around, printer)
}

fn run_as(command: PolicyCommand, as_opa: bool, around: &Surroundings, printer: Printer) -> Result<u8, Unusable> {
    match command {
        PolicyCommand::Test(flags) => test::run(&flags, as_opa, printer),
        PolicyCommand::Eval(flags) => eval::run(&flags, around, printer),
        PolicyCommand::Bench(flags) => bench::run(&flags, around, printer),
        PolicyCommand::Inspect(flags) => inspect::run(&flags, printer),
        PolicyCommand::Check(flags) => check::run(&flags, printer),
        PolicyCommand::Fmt(_) => Err(Unusable::new("assay cannot format policies yet").hint("use `opa fmt` for this")),
    }
}

/// Carries out a command of `assay opa`.
pub(crate) fn opa(command: OpaCommand, around: &Surroundings, printer: Printer) -> Result<u8, Unusable> {
    match command {
        OpaCommand::Tool(command) => run_as(command, true, around, printer),
        OpaCommand::Version => {
            let version = env!("CARGO_PKG_VERSION");
            let text = format!("Version: assay-{version}\nRego Version: v1\nWebAssembly: unavailable\n");
            print(printer, &text)?;
            Ok(tool::FINE)
        }
        OpaCommand::Other(words) => {
            let name = words.first().cloned().unwrap_or_else(|| OsString::from(""));
            Err(Unusable::new(format!("assay has no `opa {}`", name.to_string_lossy())).hint(
                "it has `test`, `eval`, `check`, `inspect`, `bench` and `version`; use `opa` itself for the rest",
            ))
        }
    }
}
