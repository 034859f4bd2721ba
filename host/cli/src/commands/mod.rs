//! The work: one file for each command, and what they share.
//!
//! [`run`] gives the exit code. `wire` puts the workshops together, `builtins` answers policies from the store, `as_ec` words what
//! only `ec` says.

mod as_ec;
mod builtins;
mod compare;
mod completions;
mod documents;
mod excluded;
mod explained;
mod fetch_policy;
mod folders;
mod init_policies;
mod inspect;
mod man;
mod narrator;
mod policy;
mod policy_sources;
mod progress;
mod test;
mod track_bundle;
mod unmatched;
mod validate_image;
mod validate_input;
mod validate_policy;
mod version;
mod wire;

use crate::{
    error::Unusable,
    flags::{
        Command, Validate,
        fetch::Fetch,
        global::GlobalFlags,
        init::Init,
        inspect::Inspect,
        missing::{Anything, Sigstore},
        track::Track,
    },
    printer::Printer,
    settings::Surroundings,
};

/// Carries out a command. An error is a request that cannot be carried out.
pub(crate) fn run(command: Command, global: &GlobalFlags, around: Surroundings) -> Result<u8, Unusable> {
    let printer = Printer::new(global.quiet).without_progress(global.is_talkative());
    match command {
        Command::Validate { what: Validate::Image(flags) } => validate_image::run(*flags, around, printer),
        Command::Validate { what: Validate::Input(flags) } => validate_input::run(&flags, &around, printer),
        Command::Validate { what: Validate::Policy(flags) } => validate_policy::run(*flags, &around, printer),
        Command::Validate { what: Validate::Vsa(given) } => {
            Err(missing("validate vsa", &given).hint("judge the images themselves with `validate image`"))
        }
        Command::Policy { what } => policy::run(what, &around, printer),
        Command::Opa { what } => policy::opa(what, &around, printer),
        Command::Sigstore { what: Sigstore::Initialize(given) } => Err(missing("sigstore initialize", &given)
            .hint("give the keys of a transparency log and of certificates as files")),
        Command::Fetch { what: Fetch::Policy(flags) } => fetch_policy::run(&flags, &around, printer),
        Command::Inspect { what: Inspect::Policy(flags) } => inspect::policy(&flags, &around, printer),
        Command::Inspect { what: Inspect::PolicyData(flags) } => inspect::policy_data(&flags, &around, printer),
        Command::Init { what: Init::Policies(flags) } => init_policies::run(&flags, printer),
        Command::Compare(flags) => compare::run(&flags, &around, printer),
        Command::Track { what: Track::Bundle(flags) } => track_bundle::run(&flags, &around, printer),
        Command::Test(flags) => test::run(&flags, global.traces(), &around, printer),
        Command::Version(flags) => version::run(&flags, around.now, printer),
        Command::Completions(flags) => completions::run(&flags, around, printer),
        Command::Man(flags) => man::run(&flags, printer),
    }
}

fn missing(command: &str, given: &Anything) -> Unusable {
    let given = if given.arguments.is_empty() { String::new() } else { format!(" {}", given.arguments.join(" ")) };
    Unusable::new(format!("`{command}{given}`: this command of ec is not supported"))
}
