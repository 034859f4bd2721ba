//! The command line as it is written, one file for each command. [`settings`](crate::settings) makes sense of it.

pub(crate) mod compare;
pub(crate) mod fetch;
pub(crate) mod go;
pub(crate) mod image;
pub(crate) mod init;
pub(crate) mod input;
pub(crate) mod inspect;
pub(crate) mod missing;
pub(crate) mod policy_file;
pub(crate) mod sources;
pub(crate) mod test;
pub(crate) mod track;
pub(crate) mod version;

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

    /// Fetches policies
    Fetch {
        #[command(subcommand)]
        what: fetch::Fetch,
    },

    /// Shows what policies hold
    Inspect {
        #[command(subcommand)]
        what: inspect::Inspect,
    },

    /// Writes files to start from
    Init {
        #[command(subcommand)]
        what: init::Init,
    },

    /// Records which Tekton tasks are trusted
    Track {
        #[command(subcommand)]
        what: track::Track,
    },

    /// Says whether two policy configurations would judge alike
    Compare(compare::CompareFlags),

    /// Judges files by the rules of packages, as conftest does
    Test(Box<test::TestFlags>),

    /// Prepares trust in Sigstore (not there: an error)
    #[command(hide = true)]
    Sigstore {
        #[command(subcommand)]
        what: missing::Sigstore,
    },

    /// Prints what this program is
    Version(version::VersionFlags),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Validate {
    /// Judges the images of a Snapshot: signatures, provenance, policies and checks
    #[command(after_help = image::help())]
    Image(Box<image::ImageFlags>),

    /// Judges JSON and YAML documents by policies
    #[command(after_help = crate::exit::HELP)]
    Input(Box<input::ValidateInputFlags>),

    /// Judges by summaries of earlier verifications (not there: an error)
    #[command(hide = true)]
    Vsa(missing::Anything),

    /// Checks a policy configuration by its format
    Policy(policy_file::ValidatePolicyFlags),
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
    }
}
