//! `assay fetch policy`: fetches sources into directories.

use assay_app::{FetchPolicyRequest, fetch_policy};
use camino::{Utf8Path, Utf8PathBuf};

use super::events::Printed;
use crate::{
    error::CliError,
    exit,
    files::private_folder,
    flags::fetch::FetchPolicyFlags,
    printer::Printer,
    settings::{Environment, source_settings},
};

/// Fetches, and prints what is written where.
pub(crate) fn run(flags: &FetchPolicyFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let settings = source_settings(&flags.sources, env)?;
    let dest = if flags.work_dir { work_folder(&(env.temporary)())? } else { flags.dest.clone() };
    let request =
        FetchPolicyRequest { policies: flags.source.clone(), data: flags.data_source.clone(), dest, settings };
    fetch_policy(&request, &Printed::new(printer), &mut |fetched| {
        print_stdout(printer, &format!("Downloading {} to {}\n", fetched.source, fetched.to))
    })?;
    Ok(exit::SUCCESS)
}

fn work_folder(temporary: &Utf8Path) -> Result<Utf8PathBuf, CliError> {
    let failed = |error: std::io::Error| CliError::new(format!("a temporary directory cannot be created: {error}"));
    // With a number at its end, as `ec` names it. A folder that already exists is an error.
    let number = jiff::Timestamp::now().as_nanosecond().unsigned_abs() % 10_000_000_000;
    let name = format!("ec-work-{number}");
    let folder = private_folder(&name).rand_bytes(0).tempdir_in(temporary).map_err(failed)?.keep();
    Utf8PathBuf::from_path_buf(folder).map_err(|_| CliError::new("the path of the temporary folder is not valid UTF-8"))
}

/// Text on standard output.
pub(crate) fn print_stdout(printer: Printer, text: &str) -> Result<(), CliError> {
    printer.data(text.as_bytes()).map_err(|error| CliError::write_failed(&error))
}
