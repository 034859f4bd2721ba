//! `assay sigstore initialize`: stores the trust root of a Sigstore instance.

use assay_app::{InitializeRequest, initialize};

use crate::{
    error::CliError,
    exit,
    flags::sigstore::InitializeFlags,
    printer::Printer,
    registries,
    settings::{Environment, stored_trust_root},
};

/// Fetches, verifies and stores it.
pub(crate) fn run(flags: &InitializeFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let given = |flag: &Option<String>| flag.clone().filter(|text| !text.is_empty());
    let stored = stored_trust_root(env).ok_or_else(|| {
        CliError::new("there is no folder to store the trust root in")
            .hint("set the variable `TUF_ROOT` to a folder, or `HOME`")
    })?;
    let (mirror, root) = (given(&flags.mirror), given(&flags.root));
    let mut registries = registries::parse_options(&flags.registries, (env.network)())?;
    registries.deadline = env.deadline;
    let request = InitializeRequest { mirror, root, folder: stored.folder.clone(), registries, now: env.now };
    let done = initialize(&request)?;
    if !env.mode.is_ec() {
        printer.note(&format!(
            "note: the trust root of {} is stored in {} and expires at {}",
            done.mirror, stored.folder, done.expires
        ));
    }
    Ok(exit::SUCCESS)
}
