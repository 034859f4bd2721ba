//! `assay fetch policy`: fetches sources into directories.

use assay_model::redact;
use assay_oci::SourceRef;
use camino::{Utf8Path, Utf8PathBuf};

use super::{
    folders::{clean, copy_into},
    policy_sources::PolicySources,
};
use crate::{
    error::CliError,
    exit,
    files::private_folder,
    flags::fetch::FetchPolicyFlags,
    printer::Printer,
    settings::{Environment, SourceSettings},
};

/// Fetches, and prints what is written where.
pub(crate) fn run(flags: &FetchPolicyFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let settings = SourceSettings::new(&flags.sources, env)?;
    let dest = if flags.work_dir { work_folder(&(env.temporary)())? } else { flags.dest.clone() };
    let wanted = [("policy", &flags.source), ("data", &flags.data_source)];
    let wanted = wanted.into_iter().flat_map(|(kind, texts)| texts.iter().map(move |text| (kind, text.as_str())));
    let wanted: Vec<(&str, Utf8PathBuf)> =
        wanted.map(|(kind, text)| (text, clean(&dest.join(kind).join(assay_oci::folder_name(text))))).collect();
    let sources = PolicySources::fetch(wanted.iter().map(|(text, _)| *text), &settings, None, printer);
    let Ok(sources) = sources else {
        // As `ec`, which prints source and destination before it fetches.
        for (text, to) in &wanted {
            let is_local = SourceRef::parse(text).is_ok_and(|place| place.is_local());
            if is_local && !Utf8Path::new(text).exists() {
                break;
            }
            print_stdout(printer, &format!("Downloading {} to {to}\n", redact::source(text)))?;
            if !is_local {
                break;
            }
        }
        return sources.map(|_| exit::USAGE);
    };
    for (text, to) in wanted {
        print_stdout(printer, &format!("Downloading {} to {to}\n", redact::source(text)))?;
        let from = sources.path(text)?;
        let from = Utf8Path::from_path(from)
            .ok_or_else(|| CliError::new(format!("the path of `{}` is not valid UTF-8", redact::source(text))))?;
        copy_into(from, &to)?;
    }
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
