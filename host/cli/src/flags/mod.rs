//! The command line as it is written, one file for each command. [`settings`](crate::settings) makes sense of it.

pub(crate) mod go;
pub(crate) mod image;
pub(crate) mod policy;

use clap::{Parser, Subcommand};

/// Decides whether a set of container images may ship
#[derive(Debug, Parser)]
#[command(name = "assay", version, about, propagate_version = true, max_term_width = 110)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judges something by a policy
    Validate {
        #[command(subcommand)]
        what: Validate,
    },
    /// Tests, asks, checks, shows and measures policies
    Policy {
        #[command(subcommand)]
        what: policy::PolicyCommand,
    },
    /// The same tools under the names of `opa`, so that scripts go on working
    Opa {
        #[command(subcommand)]
        what: policy::OpaCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Validate {
    /// Judges the images of a Snapshot: signatures, provenance, policies and checks
    #[command(after_help = image::help())]
    Image(Box<image::ImageFlags>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_definitions_hold_together_and_help_tells_the_exit_codes() {
        let mut command = Flags::command();
        command.clone().debug_assert();
        let help = |command: &mut clap::Command, path: &[&str]| {
            let found = path.iter().try_fold(command, |command, name| command.find_subcommand_mut(name)).unwrap();
            found.render_long_help().to_string()
        };
        assert!(help(&mut command, &["validate", "image"]).contains(crate::exit::HELP));
        for name in ["test", "eval", "check", "inspect", "bench"] {
            for under in ["policy", "opa"] {
                let text = help(&mut command, &[under, name]);
                assert!(text.contains("Exit codes:") && text.contains("Examples:"), "{under} {name}: {text}");
            }
        }
    }
}
