//! The policy configuration: where it is, and what it says.

use assay_model::{limits, policy::PolicySpec};
use camino::Utf8Path;

use super::{Mode, non_empty, read_file_or_text};
use crate::{
    error::CliError,
    files::read_text,
    flags::{go, image::PolicyFlags},
};

/// The configuration with the extra rule data in it. Without `sources`, nothing is verified about an image but who
/// signed it, so that is an error unless requested; as `ec`, it is as there.
pub(super) fn load_policy(flags: &PolicyFlags, mode: Mode) -> Result<PolicySpec, CliError> {
    let argument = non_empty(flags.policy.as_deref());
    let mut policy = match argument {
        // As there, a text without a colon is the name of a resource, whatever it looks like.
        Some(text) if mode == Mode::EcCompat && text.starts_with('{') && !text.contains(':') => {
            let why = "policy configurations cannot be read from a cluster";
            return Err(CliError::new(format!("unable to fetch EnterpriseContractPolicy: `{text}`: {why}"))
                .hint("pass a policy configuration with `sources`"));
        }
        Some(argument) => parse_policy(argument)?,
        None => PolicySpec::default(),
    };
    if flags.no_policy && argument.is_some() {
        return Err(CliError::new("`--no-policy` cannot be combined with a policy configuration")
            .hint("remove `--no-policy`, or both `--policy` and the variable ASSAY_POLICY"));
    }
    if policy.sources.is_empty() && !flags.no_policy && mode == Mode::Native {
        let why =
            if argument.is_some() { "the policy configuration has no `sources`" } else { "no policy configuration" };
        return Err(CliError::new(format!("{why}: only the signatures of images would be verified"))
            .hint("pass `--policy` with a configuration that has `sources`, or `--no-policy` if intended"));
    }
    policy
        .add_rule_data(&parse_extra_rule_data(&flags.extra_rule_data)?)
        .map_err(|error| CliError::from_error(&error))?;
    Ok(policy)
}

/// Whether rules are chosen by the kind of pipeline they are meant for, too. Names that `ec` does not know mean its default
/// there.
pub(super) fn by_intention(name: &str, mode: Mode) -> Result<bool, CliError> {
    match name {
        "ec-policy" => Ok(true),
        "" | "include-exclude" => Ok(false),
        _ if mode == Mode::EcCompat => Ok(false),
        other => Err(CliError::new(format!("`--filter-type {other}` is not a rule filter"))
            .hint("use `include-exclude` or `ec-policy`")),
    }
}

/// The policy configuration that an argument names or is. One that is fetched is text by now.
pub(crate) fn parse_policy(argument: &str) -> Result<PolicySpec, CliError> {
    refuse_remote(argument, "--policy")?;
    let path = Utf8Path::new(argument);
    if !argument.contains(['{', ':', '\n']) && !path.exists() && path.extension().is_none() {
        return Err(CliError::new(format!(
            "`--policy {argument}`: there is no such file, and policy configurations cannot be read from a cluster"
        ))
        .hint("save the EnterpriseContractPolicy to a file and pass that"));
    }
    let (text, origin) = read_file_or_text(argument, "--policy", limits::CONFIG_FILE_BYTES)?;
    PolicySpec::parse(&text).map_err(|error| {
        CliError::new(format!("{error} ({origin})")).hint(
            "a policy configuration is an object with `sources`, each with `policy` and optionally `data`, \
             `ruleData` and `config`",
        )
    })
}

/// What is not on this machine is not read yet.
fn refuse_remote(argument: &str, flag: &str) -> Result<(), CliError> {
    let is_text = argument.trim_start().starts_with('{') || argument.contains('\n');
    let remote = ["https://", "http://", "git::", "git@", "git://", "oci::", "oci://", "k8s://"];
    let hosts = ["github.com/", "gitlab.com/", "bitbucket.org/"];
    let names_one =
        remote.iter().chain(&hosts).any(|prefix| argument.starts_with(prefix)) || argument.ends_with(".git");
    if !is_text && names_one && !Utf8Path::new(argument).exists() {
        return Err(CliError::new(format!("`{flag} {argument}`: only local policy configurations are supported"))
            .hint("fetch it first and pass the file"));
    }
    Ok(())
}

/// Keys and values. A value that names a JSON or YAML file is replaced by its contents.
fn parse_extra_rule_data(flags: &[String]) -> Result<Vec<(String, String)>, CliError> {
    let items = go::slice(flags).map_err(|error| CliError::new(format!("`--extra-rule-data`: {error}")))?;
    let mut pairs = Vec::new();
    let mut wrong = Vec::new();
    for (number, item) in items.iter().enumerate() {
        match item.split_once('=') {
            Some((key, value)) => pairs.push((key.to_owned(), parse_extra_value(value)?)),
            None => wrong.push(format!("incorrect syntax for --extra-rule-data {number}")),
        }
    }
    if wrong.is_empty() {
        return Ok(pairs);
    }
    Err(CliError::new(wrong.join("\n")).hint("pass `--extra-rule-data KEY=VALUE`, or KEY=FILE for a JSON or YAML file"))
}

fn parse_extra_value(value: &str) -> Result<String, CliError> {
    const FLAG: &str = "--extra-rule-data";
    refuse_remote(value, FLAG)?;
    let path = Utf8Path::new(value);
    // What looks like a file that is not there is an error: rules must not get its name instead of its data.
    if value.starts_with('{') || !matches!(path.extension(), Some("json" | "yaml" | "yml")) {
        return Ok(value.to_owned());
    }
    match read_text(path, FLAG, limits::DATA_FILE_BYTES)? {
        text if text.is_empty() => Err(CliError::new(format!("`{path}` ({FLAG}) is empty"))),
        text => Ok(text),
    }
}
