//! The work: one file for each command, and what they share.
//!
//! [`run`] gives the exit code. `wire` puts the workshops together, `builtins` answers policies from the store, `as_ec` words what
//! only `ec` says.

mod as_ec;
mod builtins;
mod excluded;
mod explained;
mod policy;
mod progress;
mod validate_image;
mod wire;

use crate::{
    error::Unusable,
    flags::{Command, Validate},
    printer::Printer,
    settings::Surroundings,
};

/// Carries out a command. An error is a request that cannot be carried out.
pub(crate) fn run(command: Command, around: Surroundings) -> Result<u8, Unusable> {
    match command {
        Command::Validate { what: Validate::Image(flags) } => {
            let printer = Printer::new(flags.report.quiet);
            validate_image::run(*flags, around, printer)
        }
        Command::Policy { what } => policy::run(what),
        Command::Opa { what } => policy::opa(what),
    }
}
