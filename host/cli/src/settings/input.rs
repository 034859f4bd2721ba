//! [`InputSettings`]: the flags of `validate input` made sense of.

use std::{collections::BTreeSet, num::NonZeroUsize, str::FromStr as _};

use assay_model::policy::PolicySpec;
use assay_report::{InputFormat, Options};
use camino::Utf8PathBuf;
use jiff::Timestamp;

use super::{Surroundings, moment::instant, policy::policy_of};
use crate::{error::Unusable, flags::input::ValidateInputFlags};

/// Everything that judging documents needs to know.
#[derive(Debug)]
pub(crate) struct InputSettings {
    /// What was asked to be judged, each once, in the order given.
    pub(crate) arguments: Vec<String>,
    pub(crate) policy: PolicySpec,
    pub(crate) effective_time: Timestamp,
    pub(crate) outputs: Vec<InputOutput>,
    pub(crate) strict: bool,
    pub(crate) workers: NonZeroUsize,
}

/// `--output FORMAT[=FILE][?OPTION=BOOL&…]`
#[derive(Debug, Clone)]
pub(crate) struct InputOutput {
    pub(crate) format: InputFormat,
    pub(crate) file: Option<Utf8PathBuf>,
    pub(crate) options: Options,
}

/// What can be said before a policy configuration is fetched.
pub(crate) fn refuse_early(flags: &ValidateInputFlags) -> Result<(), Unusable> {
    if flags.server && !arguments(flags).is_empty() {
        return Err(Unusable::new("--server and input files are mutually exclusive"));
    }
    if flags.server || flags.server_address.is_some() || flags.server_port.is_some() {
        return Err(Unusable::new("`--server`: documents are not judged over HTTP yet").hint("give the files as arguments"));
    }
    if arguments(flags).is_empty() {
        return Err(Unusable::new(
            "at least one input file must be specified as a positional argument or via the --file flag",
        ));
    }
    Ok(())
}

fn arguments(flags: &ValidateInputFlags) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let given = flags.file.iter().chain(&flags.files).filter(|text| !text.trim().is_empty());
    given.filter(|text| seen.insert(text.as_str())).cloned().collect()
}

impl InputSettings {
    /// `policy` is the configuration's text or file, fetched if it had to be.
    pub(crate) fn new(flags: &ValidateInputFlags, policy: &str, around: Surroundings) -> Result<Self, Unusable> {
        let colour = flags.color || (around.stdout_colours && !flags.no_color);
        let options = Options {
            show_successes: flags.show_successes,
            show_warnings: flags.show_warnings,
            show_policy_docs_link: flags.show_policy_docs_link,
            info: flags.info,
            colour,
        };
        Ok(Self {
            arguments: arguments(flags),
            policy: policy_of(policy)?,
            effective_time: instant(&flags.effective_time, flags.allow_past_effective_time, around.now)?,
            outputs: outputs(&flags.output, options)?,
            strict: flags.strict,
            workers: flags.workers,
        })
    }
}

fn outputs(flags: &[String], options: Options) -> Result<Vec<InputOutput>, Unusable> {
    let flags: Vec<&str> = flags.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let flags = if flags.is_empty() { vec!["text"] } else { flags };
    flags.into_iter().map(|text| output(text, options)).collect()
}

fn output(text: &str, mut options: Options) -> Result<InputOutput, Unusable> {
    let error = |what: String| Unusable::new(format!("`--output {text}`: {what}"));
    let (target, query) = text.split_once('?').unwrap_or((text, ""));
    let (format, file) = match target.split_once('=') {
        Some((format, file)) => (format, Some(file).filter(|file| !file.is_empty())),
        None => (target, None),
    };
    let format = if format.is_empty() { "text" } else { format };
    let format = InputFormat::from_str(format).map_err(|why| error(why.to_string()))?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let value: bool = value.parse().map_err(|_| error(format!("`{value}` is neither true nor false")))?;
        match name {
            "show-successes" => options.show_successes = value,
            "show-warnings" => options.show_warnings = value,
            "show-policy-docs-link" => options.show_policy_docs_link = value,
            _ => {
                return Err(error(format!("`{name}` is not an option"))
                    .hint("options are show-successes, show-warnings, show-policy-docs-link"));
            }
        }
    }
    Ok(InputOutput { format, file: file.map(Utf8PathBuf::from), options })
}
