//! [`parse_policy`]: the policy configuration that an argument names or is.

use assay_model::{limits, policy::PolicySpec};
use camino::Utf8Path;

use crate::{
    error::RequestError,
    read::{read_text, standard_input},
};

/// The policy configuration that an argument names or is. One that is fetched is text by now.
///
/// # Errors
/// There is no such file, or its text is not a policy configuration.
pub fn parse_policy(argument: &str) -> Result<PolicySpec, RequestError> {
    refuse_remote(argument, "--policy")?;
    let (text, origin) = read_file_or_text(argument, "--policy", limits::CONFIG_FILE_BYTES)?;
    PolicySpec::parse(&text).map_err(|error| {
        RequestError::new(format!("{error} ({origin})"))
            .hint("a policy configuration is an object with `sources`, each with `policy` and optionally `data`, `ruleData` and `config`")
    })
}

/// What is not on this machine is not read yet.
///
/// # Errors
/// The argument names something on another machine.
pub fn refuse_remote(argument: &str, flag: &str) -> Result<(), RequestError> {
    let is_text = argument.trim_start().starts_with('{') || argument.contains('\n');
    let remote = ["https://", "http://", "git::", "git@", "git://", "oci::", "oci://", "k8s://"];
    let hosts = ["github.com/", "gitlab.com/", "bitbucket.org/"];
    let names_one =
        remote.iter().chain(&hosts).any(|prefix| argument.starts_with(prefix)) || argument.ends_with(".git");
    if !is_text && names_one && !Utf8Path::new(argument).exists() {
        return Err(RequestError::new(format!("`{flag} {argument}`: only local policy configurations are supported"))
            .hint("fetch it first and pass the file"));
    }
    Ok(())
}

/// The argument that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// The text that an argument names or is, and where it comes from.
///
/// # Errors
/// The file or standard input cannot be read.
pub fn read_file_or_text(argument: &str, flag: &str, limit: u64) -> Result<(String, String), RequestError> {
    if argument == STANDARD_INPUT {
        return Ok((standard_input(&format!("the text of `{flag}`"), limit)?, format!("standard input, `{flag}`")));
    }
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
