//! Reception: reads the command line, has the work done, and leaves with an exit code.
//!
//! Flags are read in `flags`, made sense of in `settings`, and carried out in `commands`, one file for each command.
//! Only `printer` prints, and only this file knows the environment and ends the process.

mod commands;
mod error;
mod exit;
mod files;
mod flags;
mod logs;
mod printer;
mod settings;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;

use crate::{
    flags::Flags,
    printer::Printer,
    settings::{Called, Surroundings},
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
    let around = surroundings();
    let done =
        logs::start(&flags.global, around.called).and_then(|()| commands::run(flags.command, &flags.global, around));
    match done {
        Ok(code) => code.into(),
        Err(unusable) => {
            Printer::new(false).error(&unusable.text());
            exit::UNUSABLE.into()
        }
    }
}

fn surroundings() -> Surroundings {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let no_colour = std::env::var("NO_COLOR").is_ok_and(|text| !text.is_empty());
    Surroundings {
        called: Called::by(std::env::args_os().next().as_deref()),
        now: jiff::Timestamp::now(),
        stdout_colours: !no_colour && std::io::stdout().is_terminal(),
    }
}
