//! The program: reads the command line, has the work done, and leaves with an exit code.
//!
//! Flags are read in `flags`, made sense of in `settings`, and carried out in `commands`, one file for each command.
//! Only `printer` prints, and only this file knows the environment and ends the process.

mod allocator;
mod commands;
mod error;
mod exit;
mod files;
mod flags;
mod leftovers;
mod logs;
mod printer;
mod registries;
mod scratch;
mod settings;
mod signals;
mod stdout;
mod timeout;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use assay_app::{COMPILE_VERB, Mode, run_compiler};
use camino::Utf8PathBuf;

use crate::{
    error::CliError,
    flags::{
        Command, Flags, Validate,
        evidence::EvidenceCommand,
        policy::{OpaCommand, PolicyCommand},
    },
    printer::Printer,
    registries::Network,
    scratch::Scratch,
    settings::{Environment, error_text, mode_of_program, parse_timeout},
};

/// How much longer than its time limit a command may take that ends by itself and then writes reports of what it has.
/// Whatever it does then, the process ends within two seconds of the limit.
const GRACE: Duration = Duration::from_millis(1600);

fn main() -> ExitCode {
    if let Some(code) = compile_component() {
        return code;
    }
    let env = read_environment();
    let mode = env.mode;
    let flags = match Flags::read(mode, std::env::args_os()) {
        Ok(flags) => flags,
        Err(error) if !error.use_stderr() => return help(&error),
        Err(error) => {
            Printer::new(false).error(error_text(mode, &error.render().to_string()).trim_end());
            return exit::in_mode(mode, exit::USAGE).into();
        }
    };
    if mode.is_ec() && matches!(flags.command, Command::Test(_)) && !is_experimental() {
        Printer::new(false).error("Error: unknown command \"test\" for \"ec\"");
        return exit::VIOLATIONS.into();
    }
    let codes = Codes::of(&flags.command);
    let requested = time_limit_text(&flags);
    let limit = match requested.as_deref().map_or(Ok(None), parse_timeout) {
        Ok(limit) => limit.map(|limit| limit.saturating_mul(times(&flags.command))),
        Err(error) => return print_error(&error, mode, codes),
    };
    // Where there is no limit, temporary files are removed by the code that created them.
    let _scratch = limit.map(|_| Scratch::new(&(env.temporary)()).in_use());
    let env = Environment { deadline: limit.map(|limit| env.started + limit), ..env };
    let until =
        limit.map(|limit| env.started + limit + if ends_itself(&flags.command, mode) { GRACE } else { Duration::ZERO });
    // Opening a file takes as long as the file likes.
    let work = move || {
        logs::start(&flags.global, mode)?;
        commands::run(flags.command, &flags.global, env)
    };
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    match timeout::run(left, work) {
        Some(Ok(code)) => codes.code(mode, code).into(),
        Some(Err(error)) => print_error(&error, mode, codes),
        None => {
            let text = format!("error: {}", timeout::exceeded(&requested.unwrap_or_default()));
            Printer::new(false).error(&error_text(mode, &text));
            codes.code(mode, codes.error_code()).into()
        }
    }
}

/// What the child process does that compiles a component for a plugin, if this is one: see `assay_wasm::compiler`.
fn compile_component() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != COMPILE_VERB {
        return None;
    }
    let arguments: Vec<_> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    Some(match run_compiler(&arguments, io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => exit::SUCCESS.into(),
        Err(error) => {
            Printer::new(false).error(&error);
            exit::VIOLATIONS.into()
        }
    })
}

/// Help and version go to standard output and are not results: a reader that closes the pipe has read enough.
fn help(text: &clap::Error) -> ExitCode {
    match stdout::check().and_then(|()| text.print()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Printer::new(false).error(&CliError::write_failed(&error).text());
            exit::ERROR.into()
        }
        _ => exit::SUCCESS.into(),
    }
}

/// Prints an error, and returns its exit code.
fn print_error(error: &CliError, mode: Mode, codes: Codes) -> ExitCode {
    if !error.is_silent() {
        Printer::new(false).error(&error_text(mode, &error.text()));
    }
    let code = if error.is_write_failure() || error.is_unavailable() { codes.error_code() } else { exit::USAGE };
    exit::in_mode(mode, code).into()
}

/// Whose exit codes a command has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codes {
    /// Ours.
    Assay,
    /// Those of conftest, by whatever name the program is called.
    Conftest,
    /// Those of `opa`.
    Opa,
}

impl Codes {
    const fn of(command: &Command) -> Self {
        match command {
            Command::Test(_) => Self::Conftest,
            Command::Policy { .. } | Command::Opa { .. } => Self::Opa,
            _ => Self::Assay,
        }
    }

    /// The exit code of an error, or of output that could not be written.
    const fn error_code(self) -> u8 {
        match self {
            Self::Assay => exit::ERROR,
            Self::Conftest => exit::USAGE,
            Self::Opa => exit::opa_exit::ERROR,
        }
    }

    const fn code(self, mode: Mode, code: u8) -> u8 {
        match self {
            Self::Conftest => code,
            Self::Assay | Self::Opa => exit::in_mode(mode, code),
        }
    }
}

/// Whether a command gives up by itself when its time is over, and then writes what it has.
const fn ends_itself(command: &Command, mode: Mode) -> bool {
    match command {
        Command::Validate { what: Validate::Image(_) } | Command::Evidence { what: EvidenceCommand::Collect(_) } => {
            true
        }
        // `ec` writes no report of documents then.
        Command::Validate { what: Validate::Input(_) } => !mode.is_ec(),
        Command::Policy { what } | Command::Opa { what: OpaCommand::Tool(what) } => {
            matches!(what, PolicyCommand::Eval(_))
        }
        _ => false,
    }
}

/// The time that a command may take, with all that it does, as it is written.
fn time_limit_text(flags: &Flags) -> Option<String> {
    let requested = match &flags.command {
        Command::Validate { what: Validate::Image(flags) } => Some(&flags.run.timeout),
        Command::Validate { what: Validate::Vsa(flags) } => Some(&flags.run.timeout),
        Command::Evidence { what: EvidenceCommand::Collect(flags) } => Some(&flags.run.timeout),
        Command::Policy { what } | Command::Opa { what: OpaCommand::Tool(what) } => match what {
            // The flag is about each test.
            PolicyCommand::Test(_) => None,
            PolicyCommand::Eval(flags) => Some(&flags.timeout),
            _ => flags.global.timeout.as_ref(),
        },
        _ => flags.global.timeout.as_ref(),
    };
    requested.filter(|text| !text.is_empty()).cloned()
}

/// How often a command does what its time limit is for.
fn times(command: &Command) -> u32 {
    match command {
        Command::Policy { what: PolicyCommand::Eval(flags) }
        | Command::Opa { what: OpaCommand::Tool(PolicyCommand::Eval(flags)) } => {
            u32::try_from(flags.count.get()).unwrap_or(u32::MAX)
        }
        _ => 1,
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn env_var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn read_environment() -> Environment {
    let mode = mode_of_program(std::env::args_os().next().as_deref());
    // `ec` does not know this variable, in which `0` means no.
    let is_forced = !mode.is_ec() && env_var("CLICOLOR_FORCE").is_some_and(|text| !text.is_empty() && text != "0");
    let is_terminal = io::stdout().is_terminal();
    Environment {
        mode,
        now: jiff::Timestamp::now(),
        colors: if is_set(&NO_COLOR) { Some(false) } else { (is_forced || is_set(&FORCE_COLOR)).then_some(true) },
        stdout_is_terminal: is_terminal && env_var("TERM").is_none_or(|terminal| terminal != "dumb"),
        terminal_width: if is_terminal { commands::terminal_width() } else { None },
        cache_home,
        temporary: || Utf8PathBuf::from_path_buf(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into()),
        network: || Network::read(env_var),
        variable: env_var,
        started: Instant::now(),
        deadline: None,
    }
}

/// `$XDG_CACHE_HOME`, else `~/.cache`, as the XDG Base Directory Specification says.
fn cache_home() -> Option<Utf8PathBuf> {
    let folder = |name: &str| env_var(name).map(Utf8PathBuf::from).filter(|folder| folder.is_absolute());
    folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
}

/// Whether `ec` has its experimental commands.
fn is_experimental() -> bool {
    env_var("EC_EXPERIMENTAL").is_some_and(|text| text == "1")
}

/// The environment variables that disable colors, as in `ec`.
const NO_COLOR: [&str; 4] = ["NO_COLOR", "NO_COLOUR", "EC_NO_COLOR", "EC_NO_COLOUR"];
/// The environment variables that force colors.
const FORCE_COLOR: [&str; 4] = ["FORCE_COLOR", "FORCE_COLOUR", "EC_FORCE_COLOR", "EC_FORCE_COLOUR"];

fn is_set(names: &[&str]) -> bool {
    names.iter().any(|name| std::env::var_os(name).is_some_and(|text| !text.is_empty()))
}
