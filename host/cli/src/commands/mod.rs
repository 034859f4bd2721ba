//! The work: one file for each command, and what they share.
//!
//! [`run`] gives the exit code. `compose` connects the crates, `builtins` serves policies from the store, `ec_compat`
//! phrases what only `ec` says.

mod compare;
mod completions;
mod events;
mod evidence;
mod fetch_policy;
mod import;
mod init_policies;
mod inspect;
mod log_reporter;
mod man;
mod orphans;
mod plugin;
mod policy;
mod progress;
mod run_files;
mod run_progress;
mod run_reports;
mod run_text;
mod runs;
mod scenarios;
mod sigstore;
mod snapshot;
mod snapshot_wait;
mod test;
mod track_bundle;
mod validate_image;
mod validate_input;
mod validate_policy;
mod validate_vsa;
mod verify;
mod version;
mod vsa_files;
mod vsa_report;

use assay_app::ClusterAccess;

pub(crate) use self::progress::terminal_width;
use crate::{
    error::CliError,
    flags::{
        Command, Validate, fetch::Fetch, global::GlobalFlags, init::Init, inspect::Inspect,
        scenarios::ScenariosCommand, sigstore::Sigstore, snapshot::SnapshotCommand, track::Track, verify::Verify,
    },
    printer::Printer,
    settings::{Environment, cluster_access},
};

/// Carries out a command. An error is a request that cannot be carried out.
pub(crate) fn run(command: Command, global: &GlobalFlags, env: Environment) -> Result<u8, CliError> {
    let printer = Printer::new(global.quiet).without_progress(global.is_talkative());
    let cluster = cluster_access(global, &env);
    match command {
        Command::Validate { what: Validate::Image(flags) } => validate_image::run(*flags, env, &cluster, printer),
        Command::Validate { what: Validate::Input(flags) } => validate_input::run(&flags, &env, &cluster, printer),
        Command::Validate { what: Validate::Policy(flags) } => validate_policy::run(*flags, &env, &cluster, printer),
        Command::Validate { what: Validate::Vsa(flags) } => validate_vsa::run(*flags, env, &cluster, printer),
        Command::Verify { what } => {
            let is_offline = matches!(&what, Verify::Image(flags) if flags.place.evidence.is_some())
                || matches!(&what, Verify::Attestation(flags) if flags.place.evidence.is_some());
            let cluster = if is_offline { ClusterAccess::offline(env.mode) } else { cluster };
            verify::run(&what, &env, &cluster, printer)
        }
        Command::Policy { what } => policy::run(what, &env, printer),
        Command::Opa { what } => policy::opa(what, &env, printer),
        Command::Sigstore { what: Sigstore::Initialize(flags) } => sigstore::run(&flags, &env, printer),
        Command::Evidence { what } => evidence::run(what, env, &cluster, printer),
        Command::Fetch { what: Fetch::Policy(flags) } => fetch_policy::run(&flags, &env, printer),
        Command::Inspect { what: Inspect::Policy(flags) } => inspect::policy(&flags, &env, &cluster, printer),
        Command::Inspect { what: Inspect::PolicyData(flags) } => inspect::policy_data(&flags, &env, printer),
        Command::Init { what: Init::Policies(flags) } => init_policies::run(&flags, env.mode, printer),
        Command::Import(flags) => import::run(&flags, printer),
        Command::Snapshot { what: SnapshotCommand::Compose(flags) } => snapshot::compose(&flags, &env, printer),
        Command::Snapshot { what: SnapshotCommand::Wait(flags) } => snapshot_wait::run(&flags, &env, &cluster, printer),
        Command::Scenarios { what: ScenariosCommand::Match(flags) } => scenarios::run(&flags, &env, printer),
        Command::Compare(flags) => compare::run(&flags, &env, &cluster, printer),
        Command::Track { what: Track::Bundle(flags) } => track_bundle::run(&flags, &env, printer),
        Command::Run(flags) => run_files::run(&flags, &env, &cluster, printer),
        Command::Runs { what } => runs::run(&what, (&env, &cluster), printer),
        Command::Test(flags) => test::run(&flags, global.traces(), &env, printer),
        Command::Plugin { what } => plugin::run(what, global, &env, &cluster, printer),
        Command::Version(flags) => version::run(&flags, &env, printer),
        Command::Completions(flags) => completions::run(&flags, env, printer),
        Command::Man(flags) => man::run(&flags, printer),
    }
}
