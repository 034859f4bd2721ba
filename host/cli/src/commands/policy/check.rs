//! `assay policy check`: compiles, and says everything that is wrong.

use super::load::{self, Paths};
use crate::{
    error::CliError,
    exit::opa_exit,
    flags::policy::{CheckFlags, PlainFormat},
    printer::Printer,
};

pub(super) fn run(flags: &CheckFlags, printer: Printer) -> Result<u8, CliError> {
    load::refuse(&flags.load)?;
    if flags.v0_v1 {
        return Err(CliError::new("`--v0-v1`: policies cannot be checked for two versions of Rego at once")
            .hint("run the check twice, with and without `--v0-compatible`"));
    }
    let none = Vec::new();
    let (paths, bundles) = if flags.bundle { (&none, &flags.paths) } else { (&flags.paths, &none) };
    match load::load(&Paths { paths, bundles, strict: flags.strict }, &flags.load)? {
        Ok(_) => Ok(opa_exit::OK),
        Err(error) => {
            // As `opa check` does: errors go to standard error, in either format.
            printer.error(&match flags.format {
                PlainFormat::Pretty => error.text(flags.max_errors),
                PlainFormat::Json => super::json::pretty(&error.json(flags.max_errors)),
            });
            Ok(opa_exit::FAIL)
        }
    }
}
