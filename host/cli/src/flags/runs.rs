//! The flags of `runs`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};

use super::{
    image_evidence::EvidenceFlags,
    run::{ExecutionFlags, PluginListFlags},
    sources::SourceFlags,
};

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List recorded runs, the newest first
    #[command(after_help = LIST_HELP)]
    List(ListFlags),

    /// Show the scenarios and tasks of a run
    #[command(after_help = SHOW_HELP)]
    Show(RunFlags),

    /// Print the logs of a run's tasks
    #[command(after_help = LOGS_HELP)]
    Logs(LogsFlags),

    /// Explain why a run is in its state
    #[command(after_help = EXPLAIN_HELP)]
    Explain(RunFlags),

    /// Cancel a run
    #[command(after_help = CANCEL_HELP)]
    Cancel(CancelFlags),

    /// Run a recorded run again, as another run with the same plan
    #[command(after_help = RERUN_HELP)]
    Rerun(Box<RerunFlags>),

    /// Find jobs of third parties that no run waits for any more, and cancel them
    #[command(after_help = ORPHANS_HELP)]
    Orphans(Box<OrphansFlags>),

    /// Keep a run regardless of its age, or stop keeping it
    #[command(after_help = PIN_HELP)]
    Pin(PinFlags),

    /// Remove old runs, Snapshots and files
    #[command(after_help = GC_HELP)]
    Gc(GcFlags),
}

const LIST_HELP: &str = "Examples:
  # the newest runs
  assay runs list

  # the next page, for a program
  assay runs list --format json --after 51

Exit codes:
  0  success
  2  invalid request: a flag is invalid, or there is no such store or run
  3  error: the store cannot be read or written";
const SHOW_HELP: &str = "Examples:
  # the state of every task
  assay runs show run-0123456789abcdef

  # everything that is recorded, for a program
  assay runs show run-0123456789abcdef --format json";
const LOGS_HELP: &str = "Examples:
  # follow one task
  assay runs logs run-0123456789abcdef --task e2e/smoke --follow

  # go on where an earlier command stopped
  assay runs logs run-0123456789abcdef --task e2e/smoke --offset 4096";
const EXPLAIN_HELP: &str = "Examples:
  # what failed, why, and what can be done about it
  assay runs explain run-0123456789abcdef";
const CANCEL_HELP: &str = "Examples:
  # cancel it, wherever it runs
  assay runs cancel run-0123456789abcdef --reason 'superseded by hand'";
const RERUN_HELP: &str = "Examples:
  # only the scenarios that did not pass
  assay runs rerun run-0123456789abcdef --failed --plugins plugins.toml

Exit codes:
  0  every required scenario passed
  1  a required scenario failed
  2  invalid request: there is no such run, it has not ended, or nothing of it failed
  3  error: a required scenario could not be carried out, or the store cannot be read or written";
const ORPHANS_HELP: &str = "Examples:
  # the store is lost: what does Jenkins still do for the run of these files?
  assay runs orphans tenants-config --images snapshot.yaml --plugin jenkins --plugins plugins.toml

  # cancel what the recorded runs left behind
  assay runs orphans --plugin jenkins --plugins plugins.toml --cancel

Exit codes:
  0  every job was looked for, and, with --cancel, none goes on
  2  invalid request: there is no such plugin, or another process coordinates the store
  3  error: a job could not be looked for or canceled, or the store cannot be read";
const PIN_HELP: &str = "Examples:
  # keep the run of a release
  assay runs pin run-0123456789abcdef

  # stop keeping it
  assay runs pin run-0123456789abcdef --remove";
const GC_HELP: &str = "Examples:
  # what would be removed if everything older than a month were?
  assay runs gc --max-age 720h --dry-run

  # keep the newest thousand
  assay runs gc --max-count 1000";

/// Where runs are recorded.
#[derive(Debug, Args)]
pub(crate) struct StoreFlags {
    /// Folder in which runs are recorded
    #[arg(long, value_name = "DIR", default_value = ".assay")]
    pub(crate) store: Utf8PathBuf,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(crate) format: RunsFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunsFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ListFlags {
    /// Runs on a page
    #[arg(long, value_name = "COUNT", default_value = "50", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,

    /// The `next` of the page before
    #[arg(long, value_name = "NEXT")]
    pub(crate) after: Option<String>,

    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(crate) struct RunFlags {
    /// ID of the run
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(crate) struct LogsFlags {
    /// ID of the run
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Task, as TASK or SCENARIO/TASK [default: every task that was started]
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,

    /// Follow the log until the task has ended
    #[arg(short, long, requires = "task")]
    pub(crate) follow: bool,

    /// Byte to begin at
    #[arg(long, value_name = "BYTES", default_value = "0", requires = "task")]
    pub(crate) offset: u64,

    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(crate) struct CancelFlags {
    /// ID of the run
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Reason that is recorded
    #[arg(long, value_name = "TEXT", default_value = "canceled by hand")]
    pub(crate) reason: String,

    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(crate) struct RerunFlags {
    /// ID of the run
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Run only the scenarios that did not pass; the results of the others count
    #[arg(long, help_heading = "Selection")]
    pub(crate) failed: bool,

    #[command(flatten)]
    pub(crate) execution: ExecutionFlags,
}

#[derive(Debug, Args)]
pub(crate) struct OrphansFlags {
    /// File or folder of the run, as `assay run` had it; repeatable [default: the recorded runs]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<Utf8PathBuf>,

    /// Adapter, by its name in the list of plugins
    #[arg(long, value_name = "NAME", help_heading = "Jobs")]
    pub(crate) plugin: String,

    /// Cancel what is found
    #[arg(long, help_heading = "Jobs")]
    pub(crate) cancel: bool,

    /// Snapshot of the run: a file or inline JSON or YAML
    #[arg(long, value_name = "SNAPSHOT", help_heading = "Run selection", requires = "paths")]
    pub(crate) images: Option<String>,

    /// Scenario of the run; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Run selection", requires = "paths")]
    pub(crate) scenario: Vec<String>,

    /// Component that changed; repeatable
    #[arg(long, value_name = "NAME", help_heading = "Run selection", requires = "paths")]
    pub(crate) changed: Vec<String>,

    /// Reruns of the run to look for as well
    #[arg(long, value_name = "COUNT", default_value = "0", help_heading = "Run selection", requires = "paths")]
    pub(crate) reruns: u16,

    #[command(flatten)]
    pub(crate) list: PluginListFlags,

    #[command(flatten)]
    pub(crate) evidence: EvidenceFlags,

    #[command(flatten, next_help_heading = "Record")]
    pub(crate) store: StoreFlags,

    #[command(flatten)]
    pub(crate) sources: SourceFlags,
}

#[derive(Debug, Args)]
pub(crate) struct PinFlags {
    /// ID of the run
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// Remove the pin
    #[arg(long)]
    pub(crate) remove: bool,

    #[command(flatten)]
    pub(crate) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(crate) struct GcFlags {
    /// Remove runs older than this, such as 720h
    #[arg(long, value_name = "DURATION")]
    pub(crate) max_age: Option<String>,

    /// Number of runs to keep
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_count: Option<u64>,

    /// Only print what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) store: StoreFlags,
}
