//! [`with_suggestion`]: what was most likely meant by a command that does not exist.
//!
//! clap finds misspelled names; these are the names that other programs have for what assay has, and what it has not.

use assay_app::Mode;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Names of commands, and what to do instead.
const MISTAKEN: [(&str, &str); 16] = [
    ("eval", "a query is evaluated by `assay policy eval`"),
    ("check", "policies are compiled by `assay policy check`"),
    ("bench", "a query is measured by `assay policy bench`"),
    ("lint", "policies are checked by `assay policy check --strict`"),
    ("fmt", "policies are formatted by `assay policy fmt`"),
    ("image", "images are validated by `assay validate image`"),
    ("scan", "images are validated by `assay validate image`"),
    ("input", "files are validated by `assay validate input`"),
    ("conftest", "files are tested by `assay test`"),
    ("pull", "policies are fetched by `assay fetch policy`"),
    ("push", "policies are pushed by `oras push` or `conftest push`"),
    ("sign", "images are signed by `cosign sign`"),
    ("attest", "attestations are made by `cosign attest`"),
    ("new", "a policy to start from is written by `assay init policies`"),
    ("explain", "the evaluation of a rule is shown by `assay validate image --explain RULE`"),
    ("manual", "manual pages are printed by `assay man`"),
];

/// The error with a tip, if it is about such a command.
pub(super) fn with_suggestion(mode: Mode, mut error: clap::Error) -> clap::Error {
    if mode.is_ec() {
        return error;
    }
    // clap takes `--format` for a misspelled `--log-format`, which is about something else.
    if error.get(ContextKind::InvalidArg) == Some(&ContextValue::String("--format".to_owned()))
        && error.remove(ContextKind::SuggestedArg).is_some()
    {
        let tip = "the format of a report is chosen by `--output`";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.to_owned().into()]));
        // The usage has the flag that was suggested.
        error.remove(ContextKind::Usage);
    }
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    if let Some((_, tip)) = MISTAKEN.into_iter().find(|(known, _)| known == name) {
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.to_owned().into()]));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Flags;

    #[test]
    fn a_command_of_another_program_is_answered_with_ours() {
        for (arguments, tip) in [
            (&["eval", "data.x"][..], "assay policy eval"),
            (&["fmt"], "assay policy fmt"),
            (&["scan"], "assay validate image"),
        ] {
            let read = |mode| Flags::read(mode, ["assay"].iter().chain(arguments)).unwrap_err().to_string();
            let text = read(Mode::Native);
            assert!(text.contains("tip: ") && text.contains(tip), "{text}");
            assert!(!read(Mode::EcCompat).contains(tip));
        }
        let text =
            Flags::read(Mode::Native, ["assay", "validate", "image", "--format", "json"]).unwrap_err().to_string();
        assert!(text.contains("`--output`") && !text.contains("--log-format"), "{text}");
        // What is only misspelled is clap's.
        let text = Flags::read(Mode::Native, ["assay", "valdate"]).unwrap_err().to_string();
        assert!(text.contains("'validate'"), "{text}");
    }

    #[test]
    fn no_command_of_ours_is_taken_for_a_mistake() {
        let definition = Flags::definition(Mode::Native);
        for (name, _) in MISTAKEN {
            assert!(definition.find_subcommand(name).is_none(), "{name}");
        }
    }
}
