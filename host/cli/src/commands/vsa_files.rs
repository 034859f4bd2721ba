//! [`write()`]: the attestations (VSAs) of a run, in files.

use std::io;

use assay_app::vsa::{MadeVsa, make_vsas};
use assay_model::{
    digest::Digest,
    event::{RunFinished, RunStarted},
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use crate::{error::CliError, files, printer::Printer, settings::VsaOutput};

/// What `ec` says of attestations that are in no folder that the user named.
const NOT_UPLOADED: &str = "[VSA] VSA files generated but not uploaded (no --vsa-upload backends specified)";

/// Makes the attestations and writes them, each file whole or not at all. False, after printing the reasons, if something could
/// not be made or written.
pub(super) fn write(output: &VsaOutput, head: &RunStarted, end: &RunFinished, printer: Printer) -> bool {
    let made = match make_vsas(&output.settings, head, end) {
        Ok(made) => made,
        Err(error) => {
            printer.error(&CliError::from(error).text());
            return false;
        }
    };
    for component in &made.left_out {
        printer.note(&format!("note: nothing is attested of `{component}`, which could not be evaluated"));
    }
    let all: Vec<&MadeVsa> = made.components.iter().chain(&made.snapshot).collect();
    let written = output.folder.as_ref().map_or(Ok(()), |folder| write_folder(output, folder, &all, printer));
    let written = written.and_then(|()| output.uploads.iter().try_for_each(|folder| keep(folder, &all)));
    if let Err((path, error)) = written {
        printer.error(&format!("error: the attestation `{path}` could not be written: {error}"));
        return false;
    }
    if output.settings.mode.is_ec() {
        if output.uploads.is_empty() && output.settings.signing_key.is_some() && !all.is_empty() {
            printer.warn(NOT_UPLOADED);
        }
        return true;
    }
    let folders: Vec<String> =
        output.folder.iter().chain(&output.uploads).map(|folder| format!("`{folder}`")).collect();
    let count = made.components.len();
    printer.note(&format!("note: what came of {count} images is attested in {}", folders.join(" and ")));
    true
}

type Failure = (Utf8PathBuf, io::Error);

/// The predicates, with their envelopes beside them.
fn write_folder(output: &VsaOutput, folder: &Utf8Path, all: &[&MadeVsa], printer: Printer) -> Result<(), Failure> {
    let folder = match output.is_temporary {
        true => temporary(folder).map_err(|error| (folder.to_owned(), error))?,
        false => folder.to_owned(),
    };
    fs_err::create_dir_all(&folder).map_err(|error| (folder.clone(), error))?;
    for vsa in all {
        let path = folder.join(&vsa.file);
        files::write_private(&path, vsa.predicate.as_bytes()).map_err(|error| (path.clone(), error))?;
        if let Some(envelope) = &vsa.envelope {
            let path = Utf8PathBuf::from(format!("{path}.intoto.jsonl"));
            files::write_whole(&path, envelope.as_bytes()).map_err(|error| (path.clone(), error))?;
        }
    }
    if output.is_temporary {
        printer.note(&format!("note: the attestations are in {folder}"));
    }
    Ok(())
}

/// A new folder for the user alone, which stays.
fn temporary(folder: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let path = files::private_folder("vsa-").tempdir_in(folder)?.keep();
    Utf8PathBuf::from_path_buf(path).map_err(|_| io::Error::other("its path is not valid UTF-8"))
}

/// The envelopes, under names of time and content, so that no run replaces what an earlier one kept.
fn keep(folder: &Utf8Path, all: &[&MadeVsa]) -> Result<(), Failure> {
    fs_err::create_dir_all(folder).map_err(|error| (folder.to_owned(), error))?;
    for envelope in all.iter().filter_map(|vsa| vsa.envelope.as_ref()) {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S.%9f").to_string();
        let digest: String = Digest::of(envelope.as_bytes()).hex().chars().take(16).collect();
        let path = folder.join(format!("vsa-{now}-{digest}.json"));
        files::write_private(&path, envelope.as_bytes()).map_err(|error| (path.clone(), error))?;
    }
    Ok(())
}
