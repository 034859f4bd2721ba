//! Makes sense of flags before any work: a file for each command, and one for each topic that commands share.
//!
//! Whatever cannot be used ends here, as an [`CliError`].

mod effective_time;
mod image;
mod input;
mod output;
mod plugin;
mod policy;
mod run;
mod snapshot;
mod sources;
mod trust;

use std::{ffi::OsStr, path::Path, time::Instant};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

pub(crate) use self::{
    effective_time::parse_effective_time,
    image::ImageSettings,
    input::{InputSettings, refuse_early},
    output::Output,
    plugin::PluginFlag,
    policy::parse_policy,
    run::parse_timeout,
    sources::{CacheDir, SourceSettings},
    trust::KeyText,
};
use crate::{error::CliError, exit, files::read_text, registries::Network};

/// What the environment says, read once in `main`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Environment {
    pub(crate) mode: Mode,
    pub(crate) now: Timestamp,
    /// Whether the environment enables or disables colors.
    pub(crate) colors: Option<bool>,
    pub(crate) stdout_is_terminal: bool,
    /// The folder that programs keep their caches in, if the user has one.
    pub(crate) cache_home: fn() -> Option<Utf8PathBuf>,
    /// The folder for temporary files.
    pub(crate) temporary: fn() -> Utf8PathBuf,
    /// What the environment says of registries.
    pub(crate) network: fn() -> Network,
    /// A variable of the environment that the user names.
    pub(crate) variable: fn(&str) -> Option<String>,
    /// When the program was started, from which its time limit counts.
    pub(crate) started: Instant,
    /// The end of the command, which no work outlasts.
    pub(crate) deadline: Option<Instant>,
}

/// The name that the program was invoked by. As `ec` it uses `ec`'s output and exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Native,
    EcCompat,
}

impl Mode {
    /// By the first argument of the process, a path.
    pub(crate) fn of_program(program: Option<&OsStr>) -> Self {
        let name = program.and_then(|path| Path::new(path).file_stem());
        if name.is_some_and(|name| name == "ec") { Self::EcCompat } else { Self::Native }
    }

    /// The exit code that stands for this one: `ec` knows only 0 and 1.
    pub(crate) const fn code(self, code: u8) -> u8 {
        match self {
            Self::Native => code,
            Self::EcCompat if code == exit::SUCCESS => exit::SUCCESS,
            Self::EcCompat => exit::VIOLATIONS,
        }
    }

    /// The text of an error, which begins with `error: `, as this name writes it.
    pub(crate) fn error(self, text: &str) -> String {
        match (self, text.strip_prefix("error: ")) {
            (Self::EcCompat, Some(text)) => format!("Error: {text}"),
            _ => text.to_owned(),
        }
    }
}

/// An argument that was given and is not empty: pipelines pass empty ones, which mean nothing.
fn non_empty(argument: Option<&str>) -> Option<&str> {
    argument.filter(|text| !text.is_empty())
}

/// The text that an argument names or is, and where it comes from.
fn read_file_or_text(argument: &str, flag: &str, limit: u64) -> Result<(String, String), CliError> {
    let path = Utf8Path::new(argument);
    // A text with a line break or a brace in front is never meant as a file.
    let is_text = argument.contains('\n') || argument.trim_start().starts_with(['{', '[']);
    if is_text {
        return Ok((argument.to_owned(), format!("the value of `{flag}`")));
    }
    if path.exists() || !argument.contains(':') {
        return Ok((read_text(path, flag, limit)?, format!("`{path}`")));
    }
    Ok((argument.to_owned(), format!("the value of `{flag}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_link_decides_whose_form_is_used() {
        for (program, want) in [
            ("assay", Mode::Native),
            ("/usr/bin/ec", Mode::EcCompat),
            ("./ec", Mode::EcCompat),
            ("ec.exe", Mode::EcCompat),
            ("rec", Mode::Native),
            ("", Mode::Native),
        ] {
            assert_eq!(Mode::of_program(Some(OsStr::new(program))), want, "{program}");
        }
        assert_eq!(Mode::of_program(None), Mode::Native);
    }

    #[test]
    fn ec_has_two_exit_codes_and_a_capital_initial() {
        for (code, ec_compat) in [(0, 0), (1, 1), (2, 1), (3, 1)] {
            assert_eq!((Mode::Native.code(code), Mode::EcCompat.code(code)), (code, ec_compat));
        }
        assert_eq!(Mode::EcCompat.error("error: no"), "Error: no");
        assert_eq!(Mode::Native.error("error: no"), "error: no");
    }
}
