//! The work: one file for each command, and what they share.
//!
//! [`run`] gives the exit code. `wire` puts the workshops together, `builtins` answers policies from the store, `as_ec` words what
//! only `ec` says.

mod as_ec;
mod builtins;
mod completions;
mod excluded;
mod man;
mod narrator;
mod progress;
mod validate_image;
mod wire;

use crate::{
    error::Unusable,
    flags::{Command, Validate, global::GlobalFlags},
    printer::Printer,
    settings::Surroundings,
};

/// Carries out a command. An error is a request that cannot be carried out.
pub(crate) fn run(command: Command, global: &GlobalFlags, around: Surroundings) -> Result<u8, Unusable> {
    match command {
        Command::Validate { what: Validate::Image(flags) } => {
            let printer = Printer::new(global.quiet).without_progress(global.is_talkative());
            validate_image::run(*flags, around, printer)
        }
        Command::Completions(flags) => completions::run(&flags, around, Printer::new(global.quiet)),
        Command::Man(flags) => man::run(&flags, Printer::new(global.quiet)),
    }
}
