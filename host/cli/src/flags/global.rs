//! The flags of every command: how much is logged, where and in which format.

use clap::{ArgAction, Args, ValueEnum};

use super::go;

pub(super) fn help() -> &'static str {
    "Examples:
  # show the flags of a command, with examples
  assay validate image --help

  # log progress as JSON
  assay --verbose --log-format json validate image --policy policy.yaml \\
      --image registry.example/shop/cart:1.2

When invoked as `ec`, assay uses ec's flags, output and exit codes."
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct GlobalFlags {
    /// Only print errors
    #[arg(short, long, global = true, env = "ASSAY_QUIET", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) quiet: bool,

    /// Enable verbose logging
    #[arg(long, global = true, env = "ASSAY_VERBOSE", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) verbose: bool,

    /// Enable debug logging
    #[arg(long, global = true, env = "ASSAY_DEBUG", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) debug: bool,

    /// Trace: log (default), opa, all (with libraries) or none
    #[arg(long, global = true, env = "ASSAY_TRACE", value_name = "KIND", value_delimiter = ',', num_args = 0..=1,
        require_equals = true, default_missing_value = "log", hide_possible_values = true)]
    pub(crate) trace: Vec<Trace>,

    /// Append log messages to FILE instead of writing them to standard error
    #[arg(long, global = true, env = "ASSAY_LOGFILE", value_name = "FILE")]
    pub(crate) logfile: Option<String>,

    /// Log format: text or json (one object per line)
    #[arg(
        long,
        global = true,
        env = "ASSAY_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) log_format: LogFormat,

    /// Time limit, such as 90s, 5m or 1h30m (0: none)
    #[arg(long, global = true, value_name = "DURATION", help_heading = "Run")]
    pub(crate) timeout: Option<String>,

    /// Kubeconfig for resources named in a cluster [default: the files of KUBECONFIG, ~/.kube/config, the account of the pod]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Run")]
    pub(crate) kubeconfig: Option<String>,
}

/// The values of `--trace`, which are those of `ec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Trace {
    None,
    All,
    Log,
    Opa,
    /// Accepted and ignored: use the profiling tools of the system.
    Perf,
    /// Accepted and ignored: use the profiling tools of the system.
    Cpu,
    /// Accepted and ignored: use the profiling tools of the system.
    Mem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl GlobalFlags {
    /// Whether so much is logged that a progress bar would be in the way.
    pub(crate) fn is_talkative(&self) -> bool {
        self.verbose || self.debug || self.traces()
    }

    /// Whether log messages are traced.
    pub(crate) fn traces(&self) -> bool {
        self.trace.iter().any(|kind| matches!(kind, Trace::All | Trace::Log | Trace::Opa))
    }
}
