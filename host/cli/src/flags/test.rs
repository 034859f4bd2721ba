//! The flags of `test`, which are those of `conftest test`.

use clap::{ArgAction, Args};

use super::{go, sources::SourceFlags};

pub(super) fn help() -> &'static str {
    "Examples:
  # test files against the package `main` in the directory `policy`
  assay test deployment.yaml service.yaml

  # test all files of a directory together against another package, with data, for a pipeline
  assay test manifests --combine --policy rules --data settings.yaml --namespace release.tasks \\
      --output junit

Exit codes:
  0  no failures, or --no-fail is given
  1  failures; with --fail-on-warn: warnings, but no failures
  2  flags, files or policies are invalid or cannot be read; with --fail-on-warn: failures

With --trace, evaluation traces are printed to standard error."
}

#[derive(Debug, Args)]
pub(crate) struct TestFlags {
    /// Files to test: JSON, YAML, TOML or dotenv files, directories of such files, or `-` for standard input
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) files: Vec<String>,

    /// Policy files, directories or sources; repeatable [default: policy]
    #[arg(short, long, value_name = "SOURCE", help_heading = "Policies")]
    pub(crate) policy: Vec<String>,

    /// Data files, directories or sources; repeatable
    #[arg(short, long, value_name = "SOURCE", help_heading = "Policies")]
    pub(crate) data: Vec<String>,

    /// Policy source to fetch before testing; repeatable
    #[arg(short, long, value_name = "SOURCE", help_heading = "Policies")]
    pub(crate) update: Vec<String>,

    /// Packages to evaluate; repeatable [default: main]
    #[arg(short, long, value_name = "PACKAGE", help_heading = "Policies")]
    pub(crate) namespace: Vec<String>,

    /// Evaluate all packages
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Policies")]
    pub(crate) all_namespaces: bool,

    /// Accept packages without deny or warn rules
    #[arg(long, help_heading = "Policies")]
    pub(crate) allow_empty: bool,

    /// Combine all files into one input: a list of `path` and `contents`
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Files")]
    pub(crate) combine: bool,

    /// Skip paths in directories that match REGEX
    #[arg(long, value_name = "REGEX", default_value = "", hide_default_value = true, help_heading = "Files")]
    pub(crate) ignore: String,

    /// Parser to use for all files, whatever their names: json, yaml, toml, dotenv, jsonc, hcl2, dockerfile, ini or xml
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = "Files")]
    pub(crate) parser: String,

    /// Output format: stdout, json, tap, table, junit, github, azuredevops, sarif or appstudio[=FILE]
    #[arg(short, long, value_name = "FORMAT", default_value = "stdout", help_heading = "Report")]
    pub(crate) output: String,

    /// Omit messages from the names of JUnit test cases
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) junit_hide_message: bool,

    /// Exit with code 1 for warnings and 2 for failures
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) fail_on_warn: bool,

    /// Exit with code 0 even if there are failures
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) no_fail: bool,

    /// Never color the text report
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) no_color: bool,

    /// Omit exceptions from the text report
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) suppress_exceptions: bool,

    /// Print nothing if nothing failed
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE,
        help_heading = "Report")]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) policy_flags: TestPolicyFlags,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}

/// How policies are parsed and evaluated.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policies")]
pub(crate) struct TestPolicyFlags {
    /// Enable strict mode for policies (unused variables and imports, shadowing)
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) strict: bool,

    /// Report built-in errors instead of treating them as undefined
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) show_builtin_errors: bool,

    /// Rego version of the policies: v0 or v1
    #[arg(long, value_name = "VERSION", default_value = "v1")]
    pub(crate) rego_version: String,

    /// Capabilities file (not supported: an error)
    #[arg(long, default_value = "", hide = true)]
    pub(crate) capabilities: String,

    /// Directories of Protocol Buffers definitions (not supported: such files cannot be read)
    #[arg(long, hide = true)]
    pub(crate) proto_file_dirs: Vec<String>,

    /// Fetch policies over TLS, which is always used if a registry supports it
    #[arg(long, default_value = "true", default_missing_value = "true", hide = true,
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go::TRUE)]
    pub(crate) tls: bool,
}
