//! Makes sense of flags before any work: a file for each command, and one for each topic that commands share.
//!
//! Whatever cannot be used ends here, as a [`CliError`](crate::error::CliError).

mod cluster;
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
mod verify;
mod vsa;

use std::{ffi::OsStr, path::Path, time::Instant};

use assay_app::Mode;
use camino::Utf8PathBuf;
use jiff::Timestamp;

pub(crate) use self::{
    cluster::cluster_access,
    effective_time::parse_effective_time,
    image::ImageSettings,
    input::{InputSettings, refuse_early},
    output::Output,
    plugin::evidence_request,
    run::parse_timeout,
    sources::source_settings,
    trust::{stored_trust_root, trust_root_settings},
    verify::{verify_request, wait_verification},
    vsa::{VsaOutput, load_vsa_key, refuse_skipped_checks, vsa_places},
};
use crate::registries::Network;

/// What the environment says, read once in `main`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Environment {
    pub(crate) mode: Mode,
    pub(crate) now: Timestamp,
    /// Whether the environment enables or disables colors.
    pub(crate) colors: Option<bool>,
    /// Whether standard output is a terminal that shows colors.
    pub(crate) stdout_is_terminal: bool,
    /// The columns of the terminal that standard output is; none of a file or a pipe.
    pub(crate) terminal_width: Option<u16>,
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

/// The mode by the first argument of the process, a path: through a link named `ec` the program has `ec`'s output and exit
/// codes.
pub(crate) fn mode_of_program(program: Option<&OsStr>) -> Mode {
    let name = program.and_then(|path| Path::new(path).file_stem());
    if name.is_some_and(|name| name == "ec") { Mode::EcCompat } else { Mode::Native }
}

/// The text of an error, which begins with `error: `, as the program prints it in this mode.
pub(crate) fn error_text(mode: Mode, text: &str) -> String {
    match text.strip_prefix("error: ") {
        Some(text) if mode.is_ec() => format!("Error: {text}"),
        _ => text.to_owned(),
    }
}

/// An argument that was given and is not empty: pipelines pass empty ones, which mean nothing.
fn non_empty(argument: Option<&str>) -> Option<&str> {
    argument.filter(|text| !text.is_empty())
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
            assert_eq!(mode_of_program(Some(OsStr::new(program))), want, "{program}");
        }
        assert_eq!(mode_of_program(None), Mode::Native);
    }

    #[test]
    fn ec_capitalizes_errors() {
        assert_eq!(error_text(Mode::EcCompat, "error: no"), "Error: no");
        assert_eq!(error_text(Mode::Native, "error: no"), "error: no");
    }
}
