//! The flags of `policy` and `opa`: tools for policy authors. Names and defaults are those of `opa`.

use std::{ffi::OsString, num::NonZeroUsize};

use clap::{Args, Subcommand, ValueEnum};

use super::{policy_fmt::FmtFlags, registry::RegistryFlags};

/// The tools for policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Run policy tests (`test_…` rules)
    #[command(after_help = test_help())]
    Test(Box<TestFlags>),

    /// Evaluate a Rego query
    #[command(after_help = eval_help())]
    Eval(Box<EvalFlags>),

    /// Compile policies and report all errors
    #[command(after_help = check_help())]
    Check(CheckFlags),

    /// Show the packages and annotations of policies
    #[command(after_help = inspect_help())]
    Inspect(InspectFlags),

    /// Benchmark a Rego query
    #[command(after_help = bench_help())]
    Bench(Box<BenchFlags>),

    /// Format policies
    #[command(after_help = super::policy_fmt::help())]
    Fmt(FmtFlags),
}

/// The commands of `opa` under their own names, so that scripts keep working.
#[derive(Debug, Subcommand)]
pub(crate) enum OpaCommand {
    #[command(flatten)]
    Tool(PolicyCommand),

    /// Print the version
    #[command(after_help = "Examples:
  assay opa version

`assay version` prints more.")]
    Version,

    /// Any other command of `opa`.
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// The tools under `opa` are those under `policy`, and so are their examples, with the name replaced.
pub(super) fn as_opa(tool: clap::Command) -> clap::Command {
    match tool.get_after_help().map(|help| help.to_string().replace("assay policy ", "assay opa ")) {
        Some(help) => tool.after_help(help),
        None => tool,
    }
}

/// How files are loaded, for all tools.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Loading")]
pub(crate) struct LoadFlags {
    /// Ignore files and directories that match PATTERN, such as '.*' or '*_test.rego'; repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,

    /// Accept Rego v0
    #[arg(long)]
    pub(crate) v0_compatible: bool,

    /// Accept Rego v1, which is the default
    #[arg(long, hide = true, conflicts_with = "v0_compatible")]
    pub(crate) v1_compatible: bool,

    /// JSON schema of the input, or directory of schemas that annotations name, to check references against
    #[arg(short, long, value_name = "PATH")]
    pub(crate) schema: Option<String>,

    /// Restrict policies to the functions and features in a capabilities file, as `opa capabilities` prints it
    #[arg(long, value_name = "FILE")]
    pub(crate) capabilities: Option<String>,

    /// Evaluation target: only `rego`
    #[arg(short, long, value_name = "TARGET", hide = true, default_value = "rego")]
    pub(crate) target: String,
}

/// How tests are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormat {
    Pretty,
    Json,
    Junit,
    // That of Go's benchmarks, for `--bench` alone. Documentation of it would make the help of all flags long.
    Gobench,
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

/// The order of tests in the JSON report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestSort {
    None,
    Duration,
}

fn test_help() -> String {
    format!(
        "Examples:
  # run all tests of a directory, with data
  assay policy test data.yml policy

  # run some tests, and print the result of each
  assay policy test policy --run 'tasks_test.test_required' --verbose

  # which lines do the tests not cover?
  assay policy test policy --coverage --format pretty

{}",
        crate::exit::TEST_HELP
    )
}

/// Flags of `policy test`.
#[derive(Debug, Args)]
pub(crate) struct TestFlags {
    /// Files and directories with policies, tests and data
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,

    /// Treat paths as OPA bundles (data only in data.json or data.yaml)
    #[arg(short, long, help_heading = "Loading")]
    pub(crate) bundle: bool,

    #[command(flatten)]
    pub(crate) load: LoadFlags,

    /// Only run tests whose full name, such as `data.lib_test.test_x`, matches REGEX
    #[arg(short, long, value_name = "REGEX", help_heading = "Tests")]
    pub(crate) run: Option<String>,

    /// Number of times to run each test
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Tests")]
    pub(crate) count: NonZeroUsize,

    /// Number of tests to run concurrently [default: the number of cores]
    #[arg(short, long, value_name = "N", help_heading = "Tests")]
    pub(crate) parallel: Option<usize>,

    /// Time limit for loading the policies and for each test, such as 10s [default: 5s for each test]
    #[arg(long, value_name = "DURATION", help_heading = "Tests")]
    pub(crate) timeout: Option<String>,

    /// Watch for file changes and rerun the tests
    #[arg(short, long, help_heading = "Tests")]
    pub(crate) watch: bool,

    /// Measure how long each test takes, for a second each
    #[arg(long, conflicts_with = "coverage", help_heading = "Tests")]
    pub(crate) bench: bool,

    /// Accepted and ignored: allocations are not counted
    #[arg(long, hide = true, default_value = "true", action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) benchmem: bool,

    /// Output format
    #[arg(short, long, value_name = "FORMAT", help_heading = "Report")]
    pub(crate) format: Option<TestFormat>,

    /// Print every test, and why tests failed
    #[arg(short, long, help_heading = "Report")]
    pub(crate) verbose: bool,

    /// Level of detail of the trace of failed tests with --verbose
    #[arg(long, value_name = "DETAIL", default_value = "fails", help_heading = "Report")]
    pub(crate) explain: Explain,

    /// Accepted and ignored: the values of the line that failed are always shown
    #[arg(long, hide = true)]
    pub(crate) var_values: bool,

    /// Order of tests in the JSON report
    #[arg(long, value_name = "ORDER", default_value = "none", help_heading = "Report")]
    pub(crate) sort: TestSort,

    /// Report line coverage instead of test results, as JSON or with --format pretty
    #[arg(short, long, help_heading = "Report")]
    pub(crate) coverage: bool,

    /// With --coverage, fail if coverage is below PERCENT
    #[arg(long, value_name = "PERCENT", default_value = "0", help_heading = "Report")]
    pub(crate) threshold: f64,

    /// Do not fail on skipped tests
    #[arg(short = 'z', long, help_heading = "Report")]
    pub(crate) exit_zero_on_skipped: bool,

    /// Do not fail if no tests run (the default of `assay opa test`)
    #[arg(long, help_heading = "Report")]
    pub(crate) allow_empty: bool,

    /// Fail if no tests run (the default of `assay policy test`)
    #[arg(long, conflicts_with = "allow_empty", help_heading = "Report")]
    pub(crate) fail_on_empty: bool,

    /// Maximum number of compile errors to print (0: all)
    #[arg(short, long, value_name = "N", default_value = "0", help_heading = "Report")]
    pub(crate) max_errors: usize,
}

/// How the result of a query is printed.
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

/// A query, its input, and the policies and data it is evaluated with.
#[derive(Debug, Args)]
pub(crate) struct QueryFlags {
    /// Rego query to evaluate
    #[arg(value_name = "QUERY", required_unless_present = "stdin", conflicts_with = "stdin")]
    pub(crate) query: Option<String>,

    /// Read the query from standard input
    #[arg(long, help_heading = "Query")]
    pub(crate) stdin: bool,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,

    /// Package in which the query is evaluated
    #[arg(long, value_name = "PACKAGE", help_heading = "Query")]
    pub(crate) package: Option<String>,

    /// Import for the query, such as 'data.lib.time as t'; repeatable
    #[arg(long, value_name = "IMPORT", help_heading = "Query")]
    pub(crate) import: Vec<String>,

    /// Input document: a JSON or YAML file
    #[arg(short, long, value_name = "FILE", conflicts_with = "stdin_input", help_heading = "Query")]
    pub(crate) input: Option<String>,

    /// Read the input document from standard input
    #[arg(short = 'I', long, conflicts_with = "stdin", help_heading = "Query")]
    pub(crate) stdin_input: bool,

    /// File or directory with policies and data; repeatable
    #[arg(short, long, value_name = "PATH", help_heading = "Loading")]
    pub(crate) data: Vec<String>,

    /// Bundle directory; repeatable
    #[arg(short, long, value_name = "PATH", help_heading = "Loading")]
    pub(crate) bundle: Vec<String>,

    #[command(flatten)]
    pub(crate) load: LoadFlags,

    /// Unknown paths (partial evaluation is not supported: an error)
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

  # why does the rule have this value?
  assay policy eval --data policy --input input.json 'data.release.tasks.deny' --explain fails

  # which lines and rules are slow?
  assay policy eval --data policy --input input.json 'data.release' --profile --format pretty

{}",
        crate::exit::EVAL_HELP
    )
}

/// Flags of `policy eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalFlags {
    #[command(flatten)]
    pub(crate) query_flags: QueryFlags,

    /// Enable strict compiler checks
    #[arg(short = 'S', long, help_heading = "Loading")]
    pub(crate) strict: bool,

    /// Stop at the first error of a built-in function
    #[arg(long, help_heading = "Evaluation")]
    pub(crate) strict_builtin_errors: bool,

    /// Time limit for each evaluation of the query, such as 30s
    #[arg(long, value_name = "DURATION", default_value = "2m", help_heading = "Evaluation")]
    pub(crate) timeout: String,

    /// Number of times to evaluate the query
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Evaluation")]
    pub(crate) count: NonZeroUsize,

    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "json", help_heading = "Report")]
    pub(crate) format: EvalFormat,

    /// Exit with code 1 if the result is undefined or empty
    #[arg(long, help_heading = "Report")]
    pub(crate) fail: bool,

    /// Exit with code 1 if the result is defined and not empty
    #[arg(long, conflicts_with = "fail", help_heading = "Report")]
    pub(crate) fail_defined: bool,

    /// Print an evaluation trace: all events, failed expressions, or notes of `trace`
    #[arg(long, value_name = "DETAIL", default_value = "off", help_heading = "Report")]
    pub(crate) explain: Explain,

    /// Include the values of variables in the trace
    #[arg(long, help_heading = "Report")]
    pub(crate) var_values: bool,

    /// Print a profile
    #[arg(long, help_heading = "Report")]
    pub(crate) profile: bool,

    /// Maximum number of lines and rules in the profile (0: all)
    #[arg(long, value_name = "N", default_value = "10", help_heading = "Report")]
    pub(crate) profile_limit: usize,

    /// Sort order of the profile: total_time_ns, num_eval, num_gen_expr, file or line; repeatable
    #[arg(long, value_name = "ORDER", value_delimiter = ',', help_heading = "Report")]
    pub(crate) profile_sort: Vec<ProfileSort>,

    /// Print the time taken by each step
    #[arg(long, help_heading = "Report")]
    pub(crate) metrics: bool,

    /// The same as --metrics
    #[arg(long, hide = true)]
    pub(crate) instrument: bool,

    /// Report line coverage
    #[arg(long, help_heading = "Report")]
    pub(crate) coverage: bool,

    /// Maximum number of characters of a value in a table
    #[arg(long, value_name = "N", default_value = "80", help_heading = "Report")]
    pub(crate) pretty_limit: usize,

    /// Accepted and ignored: bundles need not be optimized
    #[arg(short = 'O', long, hide = true, value_name = "LEVEL")]
    pub(crate) optimize: Option<u8>,

    /// Accepted and ignored: bundles need not be optimized
    #[arg(short, long, hide = true, value_name = "PATH")]
    pub(crate) entrypoint: Vec<String>,

    /// Accepted and ignored: only affects speed
    #[arg(long, hide = true)]
    pub(crate) disable_early_exit: bool,

    /// Accepted and ignored: only affects speed
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

/// Readable text or JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    Pretty,
    Json,
}

fn check_help() -> String {
    format!(
        "Examples:
  # compile everything in these directories, in strict mode
  assay policy check policy data --strict

{}",
        crate::exit::CHECK_HELP
    )
}

/// Flags of `policy check`.
#[derive(Debug, Args)]
pub(crate) struct CheckFlags {
    /// Files and directories with policies and data
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,

    /// Treat paths as OPA bundles (data only in data.json or data.yaml)
    #[arg(short, long, help_heading = "Loading")]
    pub(crate) bundle: bool,

    #[command(flatten)]
    pub(crate) load: LoadFlags,

    /// Enable strict mode (unused variables and imports, shadowing)
    #[arg(short = 'S', long, help_heading = "Checks")]
    pub(crate) strict: bool,

    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "pretty", help_heading = "Report")]
    pub(crate) format: PlainFormat,

    /// Maximum number of errors to print (0: all)
    #[arg(short, long, value_name = "N", default_value = "0", help_heading = "Report")]
    pub(crate) max_errors: usize,

    /// Check for compatibility with both Rego v0 and v1 (not supported: an error)
    #[arg(long, hide = true)]
    pub(crate) v0_v1: bool,
}

fn inspect_help() -> String {
    format!(
        "Examples:
  # which packages and rules are there, and what are their annotations?
  assay policy inspect policy --annotations

{}",
        crate::exit::CHECK_HELP
    )
}

/// Flags of `policy inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectFlags {
    /// Files and directories with policies
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,

    #[command(flatten)]
    pub(crate) load: LoadFlags,

    /// Show the annotations of packages and rules
    #[arg(short, long, help_heading = "Report")]
    pub(crate) annotations: bool,

    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "pretty", help_heading = "Report")]
    pub(crate) format: PlainFormat,
}

/// The output formats of `policy bench`.
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
    pub(crate) query_flags: QueryFlags,

    /// Number of times to repeat the benchmark
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Benchmark")]
    pub(crate) count: NonZeroUsize,

    /// Duration of each benchmark, such as 1s
    #[arg(long, value_name = "DURATION", default_value = "1s", help_heading = "Benchmark")]
    pub(crate) benchtime: String,

    /// Exit with code 1 if the result is undefined
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true,
        action = clap::ArgAction::Set, value_name = "BOOL", hide_possible_values = true, help_heading = "Report")]
    pub(crate) fail: bool,

    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "pretty", help_heading = "Report")]
    pub(crate) format: BenchFormat,

    /// Accepted and ignored: percentiles are always printed
    #[arg(long, hide = true, default_value = "true", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = clap::ArgAction::Set)]
    pub(crate) metrics: bool,

    /// Accepted and ignored: allocations are not counted
    #[arg(long, hide = true, default_value = "true", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = clap::ArgAction::Set)]
    pub(crate) benchmem: bool,
}
