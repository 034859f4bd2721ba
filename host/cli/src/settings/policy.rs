//! The policy configuration of `validate image`: where it is, what it says, and the extra rule data.

use assay_app::{
    Mode,
    policy_argument::{parse_policy, refuse_remote},
};
use assay_model::{limits, policy::PolicySpec};
use camino::Utf8Path;

use super::non_empty;
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
        Some(text) if mode.is_resource_name(text) => {
            let why = "it is not the name of a resource";
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
    if policy.sources.is_empty() && !flags.no_policy && mode.needs_sources() {
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
        _ if mode.ignores_unknown_filters() => Ok(false),
        other => Err(CliError::new(format!("`--filter-type {other}` is not a rule filter"))
            .hint("use `include-exclude` or `ec-policy`")),
    }
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
