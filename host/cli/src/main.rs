//! Reception: reads the command line, has the work done, and leaves with an exit code.
//!
//! Flags are read in `flags`, made sense of in `settings`, and carried out in `commands`, one file for each command.
//! Only `printer` prints, and only this file knows the environment and ends the process.

mod commands;
mod error;
mod exit;
mod files;
mod flags;
mod heap;
mod leftovers;
mod limit;
mod logs;
mod printer;
mod registries;
mod settings;

use std::{io::IsTerminal as _, process::ExitCode, time::Duration};

use camino::Utf8PathBuf;
use clap::Parser as _;

use crate::{
    error::Unusable,
    flags::{Command, Flags, Validate},
    printer::Printer,
    registries::Network,
    settings::{Called, Surroundings, timeout},
};

fn main() -> ExitCode {
    heap::keep_little();
    let around = surroundings();
    let called = around.called;
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) if !error.use_stderr() => {
            // Help and version go to standard output and are no errors. A closed pipe is nobody's fault.
            let _closed = error.print();
            return exit::ALLOWED.into();
        }
        Err(error) => {
            Printer::new(false).error(called.error(&error.render().to_string()).trim_end());
            return called.code(exit::UNUSABLE).into();
        }
    };
    if called == Called::Ec && matches!(flags.command, Command::Test(_)) && !is_experimental() {
        Printer::new(false).error("Error: unknown command \"test\" for \"ec\"");
        return exit::DENIED.into();
    }
    // The exit codes of this command are conftest's, by whatever name it is called.
    let has_own_codes = matches!(flags.command, Command::Test(_));
    let limit = match limit_of(&flags) {
        Ok(limit) => limit,
        Err(unusable) => {
            Printer::new(false).error(&called.error(&unusable.text()));
            return called.code(exit::UNUSABLE).into();
        }
    };
    let started = logs::start(&flags.global, called);
    let asked = flags.global.timeout.clone().unwrap_or_default();
    let work = move || started.and_then(|()| commands::run(flags.command, &flags.global, around));
    let Some(done) = limit::within(limit, work) else {
        // The words are `ec`'s.
        let why = "the timeout can be adjusted using the --timeout command line argument";
        Printer::new(false).error(&called.error(&format!("error: exceeded allowed execution time of {asked}, {why}")));
        return called.code(if has_own_codes { exit::UNUSABLE } else { exit::NO_ANSWER }).into();
    };
    match done {
        Ok(code) if has_own_codes => code.into(),
        Ok(code) => called.code(code).into(),
        Err(unusable) => {
            Printer::new(false).error(&called.error(&unusable.text()));
            called.code(exit::UNUSABLE).into()
        }
    }
}

/// The `--timeout` of commands that do not see to it themselves, and by default have none.
fn limit_of(flags: &Flags) -> Result<Option<Duration>, Unusable> {
    match &flags.command {
        Command::Validate { what: Validate::Image(_) } | Command::Policy { .. } | Command::Opa { .. } => Ok(None),
        _ => flags.global.timeout.as_deref().filter(|text| !text.is_empty()).map_or(Ok(None), timeout),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn surroundings() -> Surroundings {
    Surroundings {
        called: Called::by(std::env::args_os().next().as_deref()),
        now: jiff::Timestamp::now(),
        colours: if is_set(&NO_COLOUR) { Some(false) } else { is_set(&FORCE_COLOUR).then_some(true) },
        stdout_is_terminal: std::io::stdout().is_terminal(),
        cache_home,
        temporary: || Utf8PathBuf::from_path_buf(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into()),
        network: || Network::read(environment),
    }
}

/// `$XDG_CACHE_HOME`, else `~/.cache`, as the XDG Base Directory Specification says.
fn cache_home() -> Option<Utf8PathBuf> {
    let folder = |name: &str| environment(name).map(Utf8PathBuf::from).filter(|folder| folder.is_absolute());
    folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
}

/// Whether `ec` has its experimental commands.
fn is_experimental() -> bool {
    environment("EC_EXPERIMENTAL").is_some_and(|text| text == "1")
}

/// The names of the environment that ask for a text without colours, as `ec` has them.
const NO_COLOUR: [&str; 4] = ["NO_COLOR", "NO_COLOUR", "EC_NO_COLOR", "EC_NO_COLOUR"];
/// The names that ask for colours wherever the text goes.
const FORCE_COLOUR: [&str; 4] = ["FORCE_COLOR", "FORCE_COLOUR", "EC_FORCE_COLOR", "EC_FORCE_COLOUR"];

fn is_set(names: &[&str]) -> bool {
    names.iter().any(|name| std::env::var_os(name).is_some_and(|text| !text.is_empty()))
}
