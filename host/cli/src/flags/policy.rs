//! The flags of `policy` and `opa`: the tools of those who write policies. Names and defaults are those of `opa`.

use std::{ffi::OsString, num::NonZeroUsize};

use clap::{Args, Subcommand, ValueEnum};

use super::registry::RegistryFlags;

/// The tools for policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Runs the tests of policies: rules named `test_…` that must be true
    #[command(after_help = test_help())]
    Test(Box<TestFlags>),

    /// Asks policies anything and prints the answer
    #[command(after_help = eval_help())]
    Eval(Box<EvalFlags>),

    /// Compiles policies and prints everything that is wrong with them
    #[command(after_help = check_help())]
    Check(CheckFlags),

    /// Shows the packages and annotations of policies
    #[command(after_help = inspect_help())]
    Inspect(InspectFlags),

    /// Measures how long a query takes
    #[command(after_help = bench_help())]
    Bench(Box<BenchFlags>),

    /// Formats policies (not written yet: an error)
    #[command(hide = true)]
    Fmt(AnyFlags),
}

/// What `opa` can do; here under its old name, so that scripts go on working.
#[derive(Debug, Subcommand)]
pub(crate) enum OpaCommand {
    #[command(flatten)]
    Tool(PolicyCommand),

    /// Prints the version
    #[command(after_help = "Examples:
  assay opa version

`assay version` says more.")]
    Version,

    /// What of `opa` is not here.
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// The tools under `opa` are those under `policy`, and so are their examples, which call them as they are called here.
pub(super) fn as_opa(tool: clap::Command) -> clap::Command {
    match tool.get_after_help().map(|help| help.to_string().replace("assay policy ", "assay opa ")) {
        Some(help) => tool.after_help(help),
        None => tool,
    }
}

/// Whatever is written behind a command that is not there.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct AnyFlags {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, num_args = 0..)]
    pub(crate) rest: Vec<OsString>,
}

/// How files are loaded, as all tools take it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Loading")]
pub(crate) struct LoadFlags {
    /// Names of files and folders to leave out, such as '.*' or '*_test.rego'; repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,

    /// Read Rego of before OPA 1.0
    #[arg(long)]
    pub(crate) v0_compatible: bool,

    /// Read Rego of OPA 1.0, which is the default
    #[arg(long, hide = true, conflicts_with = "v0_compatible")]
    pub(crate) v1_compatible: bool,

    /// Schemas to check references against (not supported: an error)
    #[arg(short, long, value_name = "PATH", hide = true)]
    pub(crate) schema: Option<String>,

    /// What built-ins there are (not supported: an error)
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) capabilities: Option<String>,

    /// What runs the policies: only `rego`
    #[arg(short, long, value_name = "TARGET", hide = true, default_value = "rego")]
    pub(crate) target: String,
}

/// How tests are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormat {
    Pretty,
    Json,
    Junit,
}

/// How much of an evaluation is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Explain {
    Off,
    Full,
    Notes,
    Fails,
    Debug,
}

/// The order of a JSON report of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestSort {
    None,
    Duration,
}

fn test_help() -> String {
    format!(
        "Examples:
  # run all tests of a folder, with data
  assay policy test data.yml policy

  # run some tests, and see what each did
  assay policy test policy --run 'tasks_test.test_required' --verbose

  # which lines do the tests not reach?
  assay policy test policy --coverage --format pretty

{}",
        crate::exit::TEST_HELP
    )
}

/// Flags of `policy test`.
#[derive(Debug, Args)]
pub(crate) struct TestFlags {
    /// Files and folders with policies, tests and data
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,

    /// The paths are bundles: their data is only in files called data.json or data.yaml
    #[arg(short, long, help_heading = "Loading")]
    pub(crate) bundle: bool,

    #[command(flatten)]
    pub(crate) load: LoadFlags,

    /// Run only tests whose full name, such as `data.lib_test.test_x`, matches the regular expression
    #[arg(short, long, value_name = "REGEX", help_heading = "Tests")]
    pub(crate) run: Option<String>,

    /// How often each test is run
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Tests")]
    pub(crate) count: NonZeroUsize,

    /// How many tests run at a time [default: the number of cores]
    #[arg(short, long, value_name = "N", help_heading = "Tests")]
    pub(crate) parallel: Option<usize>,

    /// Time after which loading the policies, or a test, ends with an error, such as 5s [default: 5s for a test]
    #[arg(long, value_name = "DURATION", help_heading = "Tests")]
    pub(crate) timeout: Option<String>,

    /// Run again whenever a file changes
    #[arg(short, long, help_heading = "Tests")]
    pub(crate) watch: bool,

    /// Measure tests (not supported: an error)
    #[arg(long, hide = true)]
    pub(crate) bench: bool,

    /// How results are printed: `json` and `junit` are for machines
    #[arg(short, long, value_name = "FORMAT", help_heading = "Report")]
    pub(crate) format: Option<TestFormat>,

    /// Print every test, and why those failed that did
    #[arg(short, long, help_heading = "Report")]
    pub(crate) verbose: bool,

    /// What is shown of failed tests with --verbose
    #[arg(long, value_name = "DETAIL", default_value = "fails", help_heading = "Report")]
    pub(crate) explain: Explain,

    /// Show the values of the line that failed, which is always done
    #[arg(long, hide = true)]
    pub(crate) var_values: bool,

    /// The order of tests in JSON
    #[arg(long, value_name = "ORDER", default_value = "none", help_heading = "Report")]
    pub(crate) sort: TestSort,

    /// Report which lines were at work instead, as JSON or with --format pretty for people
    #[arg(short, long, help_heading = "Report")]
    pub(crate) coverage: bool,

    /// With --coverage: fail when fewer percent of the lines were at work
    #[arg(long, value_name = "PERCENT", default_value = "0", help_heading = "Report")]
    pub(crate) threshold: f64,

    /// Skipped tests are no failure
    #[arg(short = 'z', long, help_heading = "Report")]
    pub(crate) exit_zero_on_skipped: bool,

    /// No test at all is no failure; under the name `opa` it never is
    #[arg(long, help_heading = "Report")]
    pub(crate) allow_empty: bool,

    /// No test at all is a failure, as it is without the flag but under the name `opa`
    #[arg(long, conflicts_with = "allow_empty", help_heading = "Report")]
    pub(crate) fail_on_empty: bool,

    /// How many compile errors are printed; 0 for all
    #[arg(short, long, value_name = "N", default_value = "0", help_heading = "Report")]
    pub(crate) max_errors: usize,
}

/// How the answer of a query is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalFormat {
    Json,
    Values,
    Bindings,
    Pretty,
    Source,
    Raw,
    Discard,
}

/// What a query is, and what it is asked of.
#[derive(Debug, Args)]
pub(crate) struct QueryFlags {
    /// The question, in Rego
    #[arg(value_name = "QUERY", required_unless_present = "stdin", conflicts_with = "stdin")]
    pub(crate) query: Option<String>,

    /// Read the question from standard input
    #[arg(long, help_heading = "Query")]
    pub(crate) stdin: bool,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,

    /// The package whose rules the question may call by their names
    #[arg(long, value_name = "PACKAGE", help_heading = "Query")]
    pub(crate) package: Option<String>,

    /// Imports of the question, such as 'data.lib.time as t'; repeatable
    #[arg(long, value_name = "IMPORT", help_heading = "Query")]
    pub(crate) import: Vec<String>,

    /// File with the input document, JSON or YAML
    #[arg(short, long, value_name = "FILE", conflicts_with = "stdin_input", help_heading = "Query")]
    pub(crate) input: Option<String>,

    /// Read the input document from standard input
    #[arg(short = 'I', long, conflicts_with = "stdin", help_heading = "Query")]
    pub(crate) stdin_input: bool,

    /// File or folder with policies and data; repeatable
    #[arg(short, long, value_name = "PATH", help_heading = "Loading")]
    pub(crate) data: Vec<String>,

    /// Folder of a bundle; repeatable
    #[arg(short, long, value_name = "PATH", help_heading = "Loading")]
    pub(crate) bundle: Vec<String>,

    #[command(flatten)]
    pub(crate) load: LoadFlags,

    /// Paths that are unknown (partial evaluation is not supported: an error)
    #[arg(short, long, value_name = "PATH", hide = true)]
    pub(crate) unknowns: Vec<String>,

    /// Evaluate partially (not supported: an error)
    #[arg(short, long, hide = true)]
    pub(crate) partial: bool,
}

fn eval_help() -> String {
    format!(
        "Examples:
  # the value of a rule for an input document
  assay policy eval --data policy --input input.json 'data.release.tasks.deny'

  # why does it say that?
  assay policy eval --data policy --input input.json 'data.release.tasks.deny' --explain fails

  # what takes so long?
  assay policy eval --data policy --input input.json 'data.release' --profile --format pretty

{}",
        crate::exit::EVAL_HELP
    )
}

/// Flags of `policy eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalFlags {
    #[command(flatten)]
    pub(crate) asks: QueryFlags,

    /// What is only untidy in policies is an error too
    #[arg(short = 'S', long, help_heading = "Loading")]
    pub(crate) strict: bool,

    /// The first error of a built-in function ends the evaluation
    #[arg(long, help_heading = "Evaluation")]
    pub(crate) strict_builtin_errors: bool,

    /// Time after which the command ends with an error, for each time that the question is asked, such as 30s
    #[arg(long, value_name = "DURATION", default_value = "2m", help_heading = "Evaluation")]
    pub(crate) timeout: String,

    /// How often the question is asked
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Evaluation")]
    pub(crate) count: NonZeroUsize,

    /// How the answer is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "json", help_heading = "Report")]
    pub(crate) format: EvalFormat,

    /// Exit with 1 when the answer is undefined or there is none
    #[arg(long, help_heading = "Report")]
    pub(crate) fail: bool,

    /// Exit with 1 when there is an answer
    #[arg(long, conflicts_with = "fail", help_heading = "Report")]
    pub(crate) fail_defined: bool,

    /// Print what happened: all of it, what did not hold, or what `trace` says
    #[arg(long, value_name = "DETAIL", default_value = "off", help_heading = "Report")]
    pub(crate) explain: Explain,

    /// Print the values of variables with --explain
    #[arg(long, help_heading = "Report")]
    pub(crate) var_values: bool,

    /// Print what lines and rules cost
    #[arg(long, help_heading = "Report")]
    pub(crate) profile: bool,

    /// How many lines and rules --profile prints; 0 for all
    #[arg(long, value_name = "N", default_value = "10", help_heading = "Report")]
    pub(crate) profile_limit: usize,

    /// The order of --profile: total_time_ns, num_eval, num_gen_expr, file or line; repeatable
    #[arg(long, value_name = "ORDER", value_delimiter = ',', help_heading = "Report")]
    pub(crate) profile_sort: Vec<ProfileSort>,

    /// Print how long each step took
    #[arg(long, help_heading = "Report")]
    pub(crate) metrics: bool,

    /// The same as --metrics
    #[arg(long, hide = true)]
    pub(crate) instrument: bool,

    /// Report which lines were at work
    #[arg(long, help_heading = "Report")]
    pub(crate) coverage: bool,

    /// Characters of a value in a table
    #[arg(long, value_name = "N", default_value = "80", help_heading = "Report")]
    pub(crate) pretty_limit: usize,

    /// For optimised bundles, which are not needed here
    #[arg(short = 'O', long, hide = true, value_name = "LEVEL")]
    pub(crate) optimize: Option<u8>,

    /// For optimised bundles, which are not needed here
    #[arg(short, long, hide = true, value_name = "PATH")]
    pub(crate) entrypoint: Vec<String>,

    /// Changes nothing but speed
    #[arg(long, hide = true)]
    pub(crate) disable_early_exit: bool,

    /// Changes nothing but speed
    #[arg(long, hide = true)]
    pub(crate) disable_indexing: bool,
}

/// What a profile is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileSort {
    #[value(name = "total_time_ns")]
    Time,
    #[value(name = "num_eval", alias = "num_redo")]
    Evaluations,
    #[value(name = "num_gen_expr")]
    Expressions,
    #[value(name = "file")]
    File,
    #[value(name = "line")]
    Line,
}

/// Text for people or JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    Pretty,
    Json,
}

fn check_help() -> String {
    format!(
        "Examples:
  # is everything in these folders well-formed?
  assay policy check policy data --strict

{}",
        crate::exit::CHECK_HELP
    )
}

/// Flags of `policy check`.
#[derive(Debug, Args)]
pub(crate) struct CheckFlags {
    /// Files and folders with policies and data
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,

    /// The paths are bundles: their data is only in files called data.json or data.yaml
    #[arg(short, long, help_heading = "Loading")]
    pub(crate) bundle: bool,

    #[command(flatten)]
    pub(crate) load: LoadFlags,

    /// What is only untidy is an error too: unused variables and imports, names that hide others
    #[arg(short = 'S', long, help_heading = "Checks")]
    pub(crate) strict: bool,

    /// How errors are printed
    #[arg(short, long, value_name = "FORMAT", default_value = "pretty", help_heading = "Report")]
    pub(crate) format: PlainFormat,

    /// How many errors are printed; 0 for all
    #[arg(short, long, value_name = "N", default_value = "0", help_heading = "Report")]
    pub(crate) max_errors: usize,

    /// Check against the language of before and since OPA 1.0 (not supported: an error)
    #[arg(long, hide = true)]
    pub(crate) v0_v1: bool,
}

fn inspect_help() -> String {
    format!(
        "Examples:
  # which packages and rules are there, and what do they say about themselves?
  assay policy inspect policy --annotations

{}",
        crate::exit::CHECK_HELP
    )
}

/// Flags of `policy inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectFlags {
    /// Files and folders with policies
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,

    #[command(flatten)]
    pub(crate) load: LoadFlags,

    /// Show the annotations of packages and rules
    #[arg(short, long, help_heading = "Report")]
    pub(crate) annotations: bool,

    /// How it is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "pretty", help_heading = "Report")]
    pub(crate) format: PlainFormat,
}

/// How measurements are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchFormat {
    Pretty,
    Json,
    Gobench,
}

fn bench_help() -> String {
    format!(
        "Examples:
  # how long does a rule take for an input document?
  assay policy bench --data policy --input input.json 'data.release.tasks.deny'

{}",
        crate::exit::BENCH_HELP
    )
}

/// Flags of `policy bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchFlags {
    #[command(flatten)]
    pub(crate) asks: QueryFlags,

    /// How often the measurement is repeated
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Measurement")]
    pub(crate) count: NonZeroUsize,

    /// How long a measurement lasts, such as 1s
    #[arg(long, value_name = "DURATION", default_value = "1s", help_heading = "Measurement")]
    pub(crate) benchtime: String,

    /// Exit with 1 when the answer is undefined
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true,
        action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true, help_heading = "Report")]
    pub(crate) fail: bool,

    /// How the measurement is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "pretty", help_heading = "Report")]
    pub(crate) format: BenchFormat,

    /// Percentiles are always printed
    #[arg(long, hide = true, default_value = "true", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = clap::ArgAction::Set)]
    pub(crate) metrics: bool,

    /// Allocations are not counted
    #[arg(long, hide = true, default_value = "true", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = clap::ArgAction::Set)]
    pub(crate) benchmem: bool,
}
