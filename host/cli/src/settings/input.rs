//! [`InputSettings`]: the flags of `validate input` made sense of.

use std::{collections::BTreeSet, str::FromStr as _};

use assay_app::{Mode, SourceSettings, ValidateInputRequest, parse_policy};
use assay_report::{InputFormat, Options};
use camino::Utf8PathBuf;

use super::{
    Environment, effective_time::parse_effective_time, non_empty, output::refuse_shared_files, run::parse_workers,
};
use crate::{
    error::CliError,
    flags::{go, input::ValidateInputFlags},
};

/// The settings of an evaluation of documents.
#[derive(Debug)]
pub(crate) struct InputSettings {
    pub(crate) request: ValidateInputRequest,
    pub(crate) outputs: Vec<InputOutput>,
    pub(crate) strict: bool,
}

/// `--output FORMAT[=FILE][?OPTION=BOOL&…]`
#[derive(Debug, Clone)]
pub(crate) struct InputOutput {
    pub(crate) format: InputFormat,
    pub(crate) file: Option<Utf8PathBuf>,
    pub(crate) options: Options,
}

/// What can be said before a policy configuration is fetched.
pub(crate) fn refuse_early(flags: &ValidateInputFlags) -> Result<(), CliError> {
    if flags.server && !arguments(flags)?.is_empty() {
        return Err(CliError::new("--server and input files are mutually exclusive"));
    }
    if flags.server || flags.server_address.is_some() || flags.server_port.is_some() {
        return Err(CliError::new("`--server`: serving requests over HTTP is not supported yet")
            .hint("pass the files as arguments"));
    }
    if arguments(flags)?.is_empty() {
        return Err(CliError::new(
            "at least one input file must be specified as a positional argument or via the --file flag",
        ));
    }
    Ok(())
}

fn arguments(flags: &ValidateInputFlags) -> Result<Vec<String>, CliError> {
    let mut given = go::slice(&flags.file).map_err(|error| CliError::new(format!("`--file`: {error}")))?;
    given.extend(flags.files.iter().cloned());
    let mut seen = BTreeSet::new();
    given.retain(|text| !text.trim().is_empty() && seen.insert(text.clone()));
    Ok(given)
}

impl InputSettings {
    /// `policy` is the configuration's text or file, fetched if it had to be.
    pub(crate) fn new(
        flags: &ValidateInputFlags,
        policy: &str,
        sources: SourceSettings,
        env: &Environment,
    ) -> Result<Self, CliError> {
        let requested = if flags.no_color { Some(false) } else { flags.color.then_some(true).or(env.colors) };
        let options = Options {
            show_successes: flags.show_successes,
            show_warnings: flags.show_warnings,
            show_policy_docs_link: flags.show_policy_docs_link,
            info: flags.info,
            color: requested.unwrap_or(false),
            width: None,
            ec_compat: env.mode.is_ec(),
        };
        let mut outputs = parse_outputs(&flags.output, options)?;
        if env.mode.refuses_shared_files() {
            refuse_shared_files(outputs.iter().filter_map(|output| output.file.as_deref()))?;
        }
        // Colors are on by default for a terminal, and off for a file.
        for output in outputs.iter_mut().filter(|output| output.file.is_none()) {
            output.options.color = requested.unwrap_or(env.stdout_is_terminal);
        }
        if flags.effective_time.eq_ignore_ascii_case("attestation") {
            return Err(CliError::new("`--effective-time attestation`: a document has no attestation")
                .hint("use `now`, a date or an RFC 3339 time"));
        }
        let when = parse_effective_time(&flags.effective_time, flags.allow_past_effective_time, env.now);
        let request = ValidateInputRequest {
            mode: env.mode,
            inputs: arguments(flags)?,
            policy: parse_policy(policy)?,
            effective_time: when?.default(),
            // Zero workers would never finish; `ec` waits forever.
            workers: parse_workers(non_empty(Some(&flags.workers)).or(Some("5")), Mode::Native)?,
            strict_config: flags.strict_config,
            sources,
        };
        Ok(Self { request, outputs, strict: flags.strict })
    }
}

fn parse_outputs(flags: &[String], options: Options) -> Result<Vec<InputOutput>, CliError> {
    let mut wanted = go::slice(flags).map_err(|error| CliError::new(format!("`--output`: {error}")))?;
    wanted.retain(|text| !text.is_empty());
    if wanted.is_empty() {
        wanted.push("text".to_owned());
    }
    wanted.iter().map(|text| parse_output(text, options)).collect()
}

fn parse_output(text: &str, mut options: Options) -> Result<InputOutput, CliError> {
    let error = |what: String| CliError::new(format!("`--output {text}`: {what}"));
    let (target, query) = text.split_once('?').unwrap_or((text, ""));
    let (format, file) = match target.split_once('=') {
        Some((format, file)) => (format, Some(file).filter(|file| !file.is_empty())),
        None => (target, None),
    };
    let format = if format.is_empty() { "text" } else { format };
    let format = InputFormat::from_str(format).map_err(|why| error(why.to_string()))?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let value = go::parse_bool(value).ok_or_else(|| error(format!("`{value}` is not a boolean")))?;
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
