//! The flags of every command: how much is said, where and in which form.

use clap::{ArgAction, Args, ValueEnum};

use super::go;

pub(super) fn help() -> &'static str {
    "Examples:
  # what a command takes, with examples
  assay validate image --help

  # see what happens, in a form for machines
  assay --verbose --log-format json validate image --policy policy.yaml \\
      --image registry.example/shop/cart:1.2

Called through a link named `ec`, assay answers with the exit codes and in the form of `ec`."
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct GlobalFlags {
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, env = "ASSAY_QUIET", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) quiet: bool,

    /// Say what happens
    #[arg(long, global = true, env = "ASSAY_VERBOSE", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) verbose: bool,

    /// Say what happens, and where in the program
    #[arg(long, global = true, env = "ASSAY_DEBUG", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) debug: bool,

    /// Say everything of a kind: log (the flag alone), opa, all or none; with `all` the libraries speak, too
    #[arg(long, global = true, env = "ASSAY_TRACE", value_name = "KIND", value_delimiter = ',', num_args = 0..=1,
        require_equals = true, default_missing_value = "log", hide_possible_values = true)]
    pub(crate) trace: Vec<Trace>,

    /// Write messages to the end of a file instead of standard error
    #[arg(long, global = true, env = "ASSAY_LOGFILE", value_name = "FILE")]
    pub(crate) logfile: Option<String>,

    /// Form of messages: text for people (called as `ec`: as it writes them), json with one object on each line
    #[arg(
        long,
        global = true,
        env = "ASSAY_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) log_format: LogFormat,

    /// End the command with an error after this time, such as 90s, 5m or 1h30m; 0 for never
    #[arg(long, global = true, value_name = "DURATION", help_heading = "Run")]
    pub(crate) timeout: Option<String>,

    /// How to reach a cluster, from which nothing is read
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    pub(crate) kubeconfig: Option<String>,
}

/// What `--trace` can be about, in the words of `ec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Trace {
    None,
    All,
    Log,
    Opa,
    /// Measured by tools of the system here.
    Perf,
    /// Measured by tools of the system here.
    Cpu,
    /// Measured by tools of the system here.
    Mem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl GlobalFlags {
    /// Whether so much is said that a progress bar would be in the way.
    pub(crate) fn is_talkative(&self) -> bool {
        self.verbose || self.debug || self.traces()
    }

    /// Whether everything is to be said.
    pub(crate) fn traces(&self) -> bool {
        self.trace.iter().any(|kind| matches!(kind, Trace::All | Trace::Log | Trace::Opa))
    }
}
