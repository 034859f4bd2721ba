//! The flags of `test`, which are those of `conftest test`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

#[derive(Debug, Args)]
pub(crate) struct TestFlags {
    /// Files to judge: JSON or YAML, folders with such files, or `-` for standard input
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) files: Vec<String>,

    /// Policy files, folders or sources; repeatable [default: policy]
    #[arg(short, long, value_name = "SOURCE")]
    pub(crate) policy: Vec<String>,

    /// Data files, folders or sources; repeatable
    #[arg(short, long, value_name = "SOURCE")]
    pub(crate) data: Vec<String>,

    /// Policy sources to fetch first; repeatable
    #[arg(short, long, value_name = "SOURCE")]
    pub(crate) update: Vec<String>,

    /// Packages whose rules are asked; repeatable [default: main]
    #[arg(short, long, value_name = "PACKAGE")]
    pub(crate) namespace: Vec<String>,

    /// Ask the rules of all packages
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) all_namespaces: bool,

    /// Judge all files together, as a list of `path` and `contents`
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) combine: bool,

    /// Regular expression of paths in folders that are passed over
    #[arg(long, value_name = "REGEX", default_value = "")]
    pub(crate) ignore: String,

    /// How to read the files, whatever their names: json or yaml
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) parser: String,

    /// Report to write: stdout, json, tap, table, junit, github, azuredevops, sarif or appstudio[=FILE]
    #[arg(short, long, value_name = "FORMAT", default_value = "stdout")]
    pub(crate) output: String,

    /// Leave messages out of the names of JUnit tests
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) junit_hide_message: bool,

    /// Exit with 1 for warnings and 2 for failures
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) fail_on_warn: bool,

    /// Exit with 0 even for failures
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) no_fail: bool,

    /// Never colour the text
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) no_color: bool,

    /// Leave exceptions out of the text
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) suppress_exceptions: bool,

    /// Write nothing where nothing failed
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) unsupported: Unsupported,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}

/// Flags of conftest that would change the answer and that are not there yet: giving one is an error.
#[derive(Debug, Args)]
pub(crate) struct Unsupported {
    #[arg(long, default_value = "false", default_missing_value = "true", hide = true,
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::FALSE)]
    pub(crate) trace: bool,

    #[arg(long, default_value = "false", default_missing_value = "true", hide = true,
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::FALSE)]
    pub(crate) strict: bool,

    #[arg(long, default_value = "false", default_missing_value = "true", hide = true,
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::FALSE)]
    pub(crate) show_builtin_errors: bool,

    #[arg(long, default_value = "", hide = true)]
    pub(crate) capabilities: String,

    #[arg(long, default_value = "v1", hide = true)]
    pub(crate) rego_version: String,

    #[arg(long, hide = true)]
    pub(crate) proto_file_dirs: Vec<String>,

    #[arg(long, default_value = "true", default_missing_value = "true", hide = true,
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::TRUE)]
    pub(crate) tls: bool,
}
