//! The command line as it is written, one file for each command. [`settings`](crate::settings) validates the values.

pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod evidence;
pub(crate) mod fetch;
pub(crate) mod global;
pub(crate) mod go;
pub(crate) mod identity;
pub(crate) mod image;
pub(crate) mod image_evidence;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod input;
pub(crate) mod inspect;
pub(crate) mod man;
mod mistaken;
pub(crate) mod plugin;
pub(crate) mod policy;
pub(crate) mod policy_file;
pub(crate) mod policy_fmt;
pub(crate) mod registry;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod scenarios;
pub(crate) mod sigstore;
pub(crate) mod snapshot;
pub(crate) mod sources;
pub(crate) mod test;
pub(crate) mod track;
pub(crate) mod validate_vsa;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod vsa;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use assay_app::Mode;

/// Verify container images and evaluate release policies
#[derive(Debug, Parser)]
#[command(name = "assay", version, about, propagate_version = true, max_term_width = 110, after_help = global::help())]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) global: global::GlobalFlags,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Flags {
    /// The whole command line as it is read.
    pub(crate) fn definition(mode: Mode) -> clap::Command {
        let definition = go::as_pflag(Self::command());
        match mode {
            Mode::Native => definition,
            Mode::EcCompat => definition.mut_subcommand("validate", |validate| {
                validate.mut_subcommand("image", |image| image::without_target(image::with_short_of_ec(image)))
            }),
        }
    }

    /// Reads arguments, the first of which is the program's name.
    pub(crate) fn read<T: Into<OsString> + Clone>(
        mode: Mode,
        arguments: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let mut definition = Self::definition(mode);
        let found = definition.try_get_matches_from_mut(arguments);
        let mut found = found.map_err(|error| mistaken::with_suggestion(mode, error))?;
        Self::from_arg_matches_mut(&mut found).map_err(|error| error.format(&mut definition))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Validate images, input files or policies
    Validate {
        #[command(subcommand)]
        what: Validate,
    },

    /// Verify the signatures of an image, its attestations, or a file with a Sigstore bundle
    Verify {
        #[command(subcommand)]
        what: verify::Verify,
    },

    /// Test, evaluate, check, inspect and benchmark Rego policies
    Policy {
        #[command(subcommand)]
        what: policy::PolicyCommand,
    },

    /// Drop-in replacement for `opa test`, `eval`, `check`, `inspect` and `bench`
    #[command(mut_subcommands(policy::as_opa))]
    Opa {
        #[command(subcommand)]
        what: policy::OpaCommand,
    },

    /// Collect everything that validating images reads into one archive, and check such archives
    Evidence {
        #[command(subcommand)]
        what: evidence::EvidenceCommand,
    },

    /// Fetch policies
    Fetch {
        #[command(subcommand)]
        what: fetch::Fetch,
    },

    /// List the rules and data of policy sources
    Inspect {
        #[command(subcommand)]
        what: inspect::Inspect,
    },

    /// Create a starter policy
    Init {
        #[command(subcommand)]
        what: init::Init,
    },

    /// Record trusted Tekton tasks
    Track {
        #[command(subcommand)]
        what: track::Track,
    },

    /// Read Konflux resources and Tekton pipelines, and report problems in them
    #[command(after_help = import::help())]
    Import(import::ImportFlags),

    /// Compose Snapshots
    Snapshot {
        #[command(subcommand)]
        what: snapshot::SnapshotCommand,
    },

    /// Show which integration test scenarios apply to a Snapshot
    Scenarios {
        #[command(subcommand)]
        what: scenarios::ScenariosCommand,
    },

    /// Compare two policy configurations
    #[command(after_help = compare::help())]
    Compare(compare::CompareFlags),

    /// Run the scenarios of a Snapshot and record the results
    #[command(after_help = run::help())]
    Run(Box<run::RunFilesFlags>),

    /// List, show, explain, cancel and remove recorded runs
    Runs {
        #[command(subcommand)]
        what: runs::RunsCommand,
    },

    /// Test configuration files against policies (like conftest)
    #[command(after_help = test::help())]
    Test(Box<test::TestFlags>),

    /// Store the trust root of a Sigstore instance
    Sigstore {
        #[command(subcommand)]
        what: sigstore::Sigstore,
    },

    /// Create, build, test and run plugins
    Plugin {
        #[command(subcommand)]
        what: plugin::PluginCommand,
    },

    /// Print version information
    #[command(after_help = version::help())]
    Version(version::VersionFlags),

    /// Print shell completions
    #[command(alias = "completion", after_help = completions::help())]
    Completions(completions::CompletionsFlags),

    /// Print the manual page, or write one for each command
    #[command(after_help = man::help())]
    Man(man::ManFlags),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Validate {
    /// Validate the images of a Snapshot: signatures, provenance, policies and plugins
    #[command(after_help = image::help())]
    Image(Box<image::ImageFlags>),

    /// Validate JSON and YAML documents against policies
    #[command(after_help = input::help())]
    Input(Box<input::ValidateInputFlags>),

    /// Validate images by attestations of earlier validations (VSAs) in place of an evaluation
    #[command(after_help = validate_vsa::help())]
    Vsa(Box<validate_vsa::ValidateVsaFlags>),

    /// Check that a policy configuration is well formed
    #[command(after_help = policy_file::help())]
    Policy(Box<policy_file::ValidatePolicyFlags>),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command that does something, with its name from the root on. Hidden ones are left out.
    fn leaves() -> Vec<(String, clap::Command)> {
        fn walk(name: &str, command: &clap::Command, found: &mut Vec<(String, clap::Command)>) {
            let inner: Vec<_> = command.get_subcommands().filter(|inner| !inner.is_hide_set()).collect();
            if inner.is_empty() {
                found.push((name.to_owned(), command.clone()));
            }
            for command in inner {
                walk(&format!("{name} {}", command.get_name()), command, found);
            }
        }
        let mut root = Flags::definition(Mode::Native).disable_help_subcommand(true);
        root.build();
        let mut found = Vec::new();
        walk("assay", &root, &mut found);
        assert!(found.len() >= 3, "{found:?}");
        found
    }

    #[test]
    fn the_command_definitions_hold_together_and_help_lists_the_exit_codes() {
        for mode in [Mode::Native, Mode::EcCompat] {
            Flags::definition(mode).debug_assert();
        }
        let (_, mut command) = leaves().into_iter().find(|(name, _)| name == "assay validate image").unwrap();
        assert!(command.render_long_help().to_string().contains(crate::exit::HELP));
    }

    #[test]
    fn every_command_has_examples_and_every_flag_says_what_it_is_for() {
        for (name, command) in leaves() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Examples:\n"), "`{name} --help` has no examples");
            assert!(after.contains(&format!("\n  {name}")), "the examples of `{name}` do not call it");
            assert!(command.get_about().is_some(), "{name}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name}: {}", argument.get_id());
            }
        }
    }

    #[test]
    fn no_example_or_note_is_wrapped_in_a_window_of_100_characters() {
        for (name, command) in leaves() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let long: Vec<_> = after.lines().filter(|line| line.chars().count() > 100).collect();
            assert!(long.is_empty(), "{name}: {long:?}");
        }
    }

    #[test]
    fn every_boolean_flag_takes_a_value_and_the_last_one_counts() {
        let mut seen = 0;
        for (name, command) in leaves() {
            for flag in command.get_arguments() {
                assert!(!matches!(flag.get_action(), clap::ArgAction::SetTrue), "{name}: {}", flag.get_id());
                seen += usize::from(flag.is_require_equals_set());
            }
        }
        assert!(seen > 40, "only {seen} flags are booleans");
        let read = |more: &[&str]| {
            let fixed = ["assay", "validate", "input", "a.yaml", "--policy", "p"];
            let flags = Flags::read(Mode::Native, fixed.iter().chain(more)).unwrap();
            let Command::Validate { what: Validate::Input(flags) } = flags.command else { panic!("another command") };
            flags
        };
        assert!(read(&["--color"]).color && read(&["--color=true"]).color && !read(&["--color=false"]).color);
        assert!(!read(&["--color", "--no-color", "--color=0"]).color);
        assert_eq!(read(&["--policy", "q", "--workers=2", "--workers=3"]).policy, "q");
        assert!(Flags::read(Mode::Native, ["assay", "version", "--short=true", "--short=false"]).is_ok());
        assert!(Flags::read(Mode::Native, ["assay", "version", "--short=maybe"]).is_err());
    }

    #[test]
    fn many_flags_are_listed_under_headings() {
        for (name, command) in leaves() {
            let own: Vec<_> = command.get_opts().filter(|flag| !flag.is_hide_set() && !flag.is_global_set()).collect();
            let bare: Vec<_> =
                own.iter().filter(|flag| flag.get_help_heading().is_none()).map(|flag| flag.get_id()).collect();
            assert!(own.len() <= 6 || bare.is_empty(), "{name}: {bare:?} have no heading");
        }
    }
}
