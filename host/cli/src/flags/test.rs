//! The flags of `test`, which are those of `conftest test`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

pub(super) fn help() -> &'static str {
    "Examples:
  # judge files by the package `main` in the folder `policy`
  assay test deployment.yaml service.yaml

  # judge all files of a folder together by other packages, with data, for a pipeline
  assay test manifests --combine --policy rules --data settings.yaml --namespace release.tasks \\
      --output junit

Exit codes:
  0  nothing failed, or --no-fail is given
  1  something failed; with --fail-on-warn: a warning and nothing worse
  2  flags, files or policies cannot be read; with --fail-on-warn: something failed

With --trace it is told on standard error how the rules came to their answers."
}

#[derive(Debug, Args)]
pub(crate) struct TestFlags {
    /// Files to judge: JSON, YAML, TOML or dotenv, folders with such files, or `-` for standard input
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) files: Vec<String>,

    /// Policy files, folders or sources; repeatable [default: policy]
    #[arg(short, long, value_name = "SOURCE", help_heading = "Policies")]
    pub(crate) policy: Vec<String>,

    /// Data files, folders or sources; repeatable
    #[arg(short, long, value_name = "SOURCE", help_heading = "Policies")]
    pub(crate) data: Vec<String>,

    /// Policy sources to fetch first; repeatable
    #[arg(short, long, value_name = "SOURCE", help_heading = "Policies")]
    pub(crate) update: Vec<String>,

    /// Packages whose rules are asked; repeatable [default: main]
    #[arg(short, long, value_name = "PACKAGE", help_heading = "Policies")]
    pub(crate) namespace: Vec<String>,

    /// Ask the rules of all packages
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Policies")]
    pub(crate) all_namespaces: bool,

    /// A package without rules that deny or warn is no error
    #[arg(long, help_heading = "Policies")]
    pub(crate) allow_empty: bool,

    /// Judge all files together, as a list of `path` and `contents`
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Files")]
    pub(crate) combine: bool,

    /// Regular expression of paths in folders that are passed over
    #[arg(long, value_name = "REGEX", default_value = "", hide_default_value = true, help_heading = "Files")]
    pub(crate) ignore: String,

    /// How to read the files, whatever their names: json, yaml, toml, dotenv, jsonc, hcl2, dockerfile, ini or xml
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = "Files")]
    pub(crate) parser: String,

    /// Report to write: stdout, json, tap, table, junit, github, azuredevops, sarif or appstudio[=FILE]
    #[arg(short, long, value_name = "FORMAT", default_value = "stdout", help_heading = "Report")]
    pub(crate) output: String,

    /// Leave messages out of the names of JUnit tests
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) junit_hide_message: bool,

    /// Exit with 1 for warnings and 2 for failures
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) fail_on_warn: bool,

    /// Exit with 0 even for failures
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) no_fail: bool,

    /// Never colour the text
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) no_color: bool,

    /// Leave exceptions out of the text
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) suppress_exceptions: bool,

    /// Write nothing where nothing failed
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) of_policies: TestPolicyFlags,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}

/// How policies are read and asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policies")]
pub(crate) struct TestPolicyFlags {
    /// Refuse what is only untidy in policies, such as unused variables
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) strict: bool,

    /// Take an error of a built-in function for an error, not for undefined
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) show_builtin_errors: bool,

    /// Version of Rego that policies are written in: v0 or v1
    #[arg(long, value_name = "VERSION", default_value = "v1")]
    pub(crate) rego_version: String,

    /// What built-ins there are (not supported: an error)
    #[arg(long, default_value = "", hide = true)]
    pub(crate) capabilities: String,

    /// Folders of Protocol Buffers definitions; files that need them cannot be read
    #[arg(long, hide = true)]
    pub(crate) proto_file_dirs: Vec<String>,

    /// Fetch policies over TLS, which is done wherever a registry has it
    #[arg(long, default_value = "true", default_missing_value = "true", hide = true,
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::TRUE)]
    pub(crate) tls: bool,
}
