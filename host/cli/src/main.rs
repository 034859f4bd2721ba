//! Reception: reads the command line, has the work done, and leaves with an exit code.
//!
//! Flags are read in `flags`, made sense of in `settings`, wired to the workshops in `wire`, and carried out in
//! `validate_image`. Only `printer` prints, and only this file knows the environment and ends the process.

mod builtins;
mod error;
mod excluded;
mod exit;
mod files;
mod flags;
mod printer;
mod progress;
mod settings;
mod validate_image;
mod wire;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;

use crate::{
    flags::{Command, Flags, Validate},
    printer::Printer,
    settings::Surroundings,
};

fn main() -> ExitCode {
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) => {
            // Help and version go to standard output and are no errors. A closed pipe is nobody's fault.
            let _closed = error.print();
            return if error.use_stderr() { exit::UNUSABLE.into() } else { exit::ALLOWED.into() };
        }
    };
    let Command::Validate { what: Validate::Image(flags) } = flags.command;
    let printer = Printer::new(flags.report.quiet);
    match validate_image::run(*flags, surroundings(), printer) {
        Ok(code) => code.into(),
        Err(unusable) => {
            printer.error(&unusable.text());
            exit::UNUSABLE.into()
        }
    }
}

fn surroundings() -> Surroundings {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let no_colour = std::env::var("NO_COLOR").is_ok_and(|text| !text.is_empty());
    Surroundings { now: jiff::Timestamp::now(), stdout_colours: !no_colour && std::io::stdout().is_terminal() }
}
