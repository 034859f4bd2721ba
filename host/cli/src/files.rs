//! Writes reports whole or not at all.

use std::io::{self, Write as _};

pub(crate) use assay_app::read::{private_folder, read_bytes, read_text, standard_input};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{error::CliError, leftovers};

/// Refuses a place that no file can be written to, before any work is done.
pub(crate) fn check_place(path: &Utf8Path) -> Result<(), CliError> {
    let folder = folder_of(path);
    if path.is_dir() {
        return Err(CliError::new(format!("`--output`: `{path}` is a directory")).hint("name a file"));
    }
    if !folder.is_dir() {
        return Err(CliError::new(format!("`--output`: the directory `{folder}` of `{path}` does not exist"))
            .hint("create the directory first"));
    }
    Ok(())
}

/// The end of the names of files that are being written.
const PART: &str = ".part";

/// The buffer of a file that is written piece by piece.
const BUFFER: usize = 64 << 10;

/// Writes a file atomically, so that it has either its previous content or all of `bytes`: a temporary file next to it
/// is filled, synced and renamed. A destination that is not a regular file (a pipe, `/dev/stdout`) is written to
/// directly. A file that is replaced passes on its mode, and its owner where the system allows that.
pub(crate) fn write_whole(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    write_streamed(path, |to| to.write_all(bytes))
}

/// The same for a file that only its owner may read.
pub(crate) fn write_private(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    write_as(path, 0o600, |to| to.write_all(bytes))
}

/// The same for content that `fill` writes piece by piece.
pub(crate) fn write_streamed<T>(
    path: &Utf8Path,
    fill: impl FnOnce(&mut dyn io::Write) -> io::Result<T>,
) -> io::Result<T> {
    // A new report has the mode of any new file.
    write_as(path, 0o666, fill)
}

/// The same, with a mode for a file that is new, of which the user's mask is taken.
fn write_as<T>(path: &Utf8Path, mode: u32, fill: impl FnOnce(&mut dyn io::Write) -> io::Result<T>) -> io::Result<T> {
    let special = fs_err::metadata(path).is_ok_and(|found| !found.is_file());
    if special {
        return fill(&mut fs_err::OpenOptions::new().write(true).open(path)?);
    }
    // The file that a link points to is replaced, not the link.
    let target = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
    let before = fs_err::metadata(&target).ok();
    let mut builder = tempfile::Builder::new();
    // One that replaces another is nobody else's to read until its mode and owner are known to be those of the other.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(if before.is_some() { 0o600 } else { mode }));
    #[cfg(not(unix))]
    let _unused = mode;
    let name = target.file_name().unwrap_or("report");
    let file = builder.prefix(&format!(".{name}.")).suffix(PART).tempfile_in(folder_of(&target))?;
    leftovers::sweep(&folder_of(&target), &format!(".{name}."), PART, file.as_file());
    if let Some(before) = before {
        keep_access(file.as_file(), &before)?;
    }
    let mut buffered = io::BufWriter::with_capacity(BUFFER, file.as_file());
    let filled = fill(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(filled)
}

/// Gives a file the mode and the owner of another.
#[cfg(unix)]
fn keep_access(file: &std::fs::File, before: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let now = file.metadata()?;
    let mut mode = before.mode() & 0o777;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        // The group of a file can be set by its members; the owner only by root.
        let given =
            fchown(file, Some(before.uid()), Some(before.gid())).or_else(|_| fchown(file, None, Some(before.gid())));
        if given.is_err() {
            // What one group may read, another may not.
            mode &= 0o707;
        }
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_access(file: &std::fs::File, before: &std::fs::Metadata) -> io::Result<()> {
    file.set_permissions(before.permissions())
}

fn folder_of(path: &Utf8Path) -> Utf8PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder.to_owned(),
        _ => Utf8PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let (_keep, folder) = folder();
        let path = folder.join("report.json");
        write_whole(&path, b"old").unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"new");
        assert_eq!(fs_err::read_dir(&folder).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_behind_a_link_is_replaced_and_the_link_stays() {
        let (_keep, folder) = folder();
        let (real, link) = (folder.join("real"), folder.join("link"));
        fs_err::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert_eq!(fs_err::read(&real).unwrap(), b"new");
        assert!(link.is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_report_that_replaces_another_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_keep, folder) = folder();
        let path = folder.join("report.json");
        for mode in [0o600, 0o640, 0o664, 0o444] {
            fs_err::write(&path, b"old").unwrap();
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            write_whole(&path, b"new").unwrap();
            assert_eq!(fs_err::read(&path).unwrap(), b"new");
            assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o7777, mode, "{mode:o}");
            fs_err::remove_file(&path).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_private_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_keep, folder) = folder();
        let path = folder.join("vsa.json");
        write_private(&path, b"x").unwrap();
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_place_without_a_folder_is_refused_before_the_work() {
        let (_keep, folder) = folder();
        assert!(check_place(&folder.join("no/report.json")).unwrap_err().text().contains("does not exist"));
        assert!(check_place(&folder).unwrap_err().text().contains("is a directory"));
        assert!(check_place(&folder.join("report.json")).is_ok());
    }
}
