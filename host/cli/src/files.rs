//! Reads small files and standard input with a limit, and writes reports whole or not at all.

use std::io::{self, Read, Write as _};

use assay_model::bounded::{ReadError, read_bounded};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{error::CliError, leftovers};

/// The text of a file named by `flag`, of at most `limit` bytes.
pub(crate) fn read_text(path: &Utf8Path, flag: &str, limit: u64) -> Result<String, CliError> {
    let bytes = read_bytes(path, flag, limit)?;
    String::from_utf8(bytes).map_err(|_| CliError::new(format!("`{path}` ({flag}) is not valid UTF-8")))
}

/// The bytes of a file named by `flag`, of at most `limit` bytes.
pub(crate) fn read_bytes(path: &Utf8Path, flag: &str, limit: u64) -> Result<Vec<u8>, CliError> {
    let unreadable = |error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
            _ => error.to_string(),
        };
        CliError::new(format!("`{path}` ({flag}) cannot be read: {why}"))
            .hint("check the path; it is relative to the working directory")
    };
    let file = fs_err::File::open(path).map_err(|error| unreadable(plain(&error)))?;
    read_bounded(file, limit).map_err(|error| match error {
        ReadError::TooLarge(_) => CliError::new(format!("`{path}` ({flag}) has more than the {limit} bytes allowed")),
        ReadError::Io(error) => unreadable(plain(&error)),
    })
}

/// The text on standard input, of at most `limit` bytes. What is longer is refused: of a document that is cut short the
/// rest would never be evaluated.
pub(crate) fn standard_input(what: &str, limit: u64) -> Result<String, CliError> {
    text_of(io::stdin().lock(), what, limit)
}

fn text_of(stream: impl Read, what: &str, limit: u64) -> Result<String, CliError> {
    let bytes = read_bounded(stream, limit).map_err(|error| match error {
        ReadError::TooLarge(_) => {
            CliError::new(format!("{what} on standard input has more than the {limit} bytes allowed"))
                .hint("split the input into smaller parts")
        }
        ReadError::Io(error) => CliError::new(format!("{what} cannot be read from standard input: {error}")),
    })?;
    String::from_utf8(bytes).map_err(|_| CliError::new(format!("{what} on standard input is not valid UTF-8")))
}

/// The operating system's error without the path, which the sentence names already.
fn plain(error: &io::Error) -> io::Error {
    error.get_ref().and_then(|inner| inner.source()).and_then(|source| source.downcast_ref::<io::Error>()).map_or_else(
        || io::Error::new(error.kind(), error.kind().to_string()),
        |source| io::Error::new(source.kind(), source.to_string()),
    )
}

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

/// Writes a file atomically, so that it has either its previous content or all of `bytes`: a temporary file next to it
/// is filled, synced and renamed. A destination that is not a regular file (a pipe, `/dev/stdout`) is written to
/// directly. A file that is replaced passes on its mode, and its owner where the system allows that.
pub(crate) fn write_whole(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let special = fs_err::metadata(path).is_ok_and(|found| !found.is_file());
    if special {
        return fs_err::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    // The file that a link points to is replaced, not the link.
    let target = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
    let before = fs_err::metadata(&target).ok();
    let mut builder = tempfile::Builder::new();
    // A new report has the mode of any new file. One that replaces another is nobody else's to read until its mode and
    // owner are known to be those of the other.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(if before.is_some() { 0o600 } else { 0o666 }));
    let name = target.file_name().unwrap_or("report");
    let mut file = builder.prefix(&format!(".{name}.")).suffix(PART).tempfile_in(folder_of(&target))?;
    leftovers::sweep(&folder_of(&target), &format!(".{name}."), PART, file.as_file());
    if let Some(before) = before {
        keep_access(file.as_file(), &before)?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
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

/// Makes temporary folders that only their owner may read.
pub(crate) fn private_folder(prefix: &str) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder
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

    #[test]
    fn standard_input_over_its_limit_is_refused_and_never_cut() {
        assert_eq!(text_of(&b"four"[..], "the query", 4).unwrap(), "four");
        let error = text_of(&b"fives"[..], "the query", 4).unwrap_err().text();
        assert!(error.contains("the query on standard input has more than the 4 bytes allowed"), "{error}");
        assert!(text_of(&b"\xff"[..], "the query", 4).unwrap_err().text().contains("not valid UTF-8"));
    }

    #[test]
    fn a_place_without_a_folder_is_refused_before_the_work() {
        let (_keep, folder) = folder();
        assert!(check_place(&folder.join("no/report.json")).unwrap_err().text().contains("does not exist"));
        assert!(check_place(&folder).unwrap_err().text().contains("is a directory"));
        assert!(check_place(&folder.join("report.json")).is_ok());
    }

    #[test]
    fn a_file_over_its_limit_is_refused() {
        let (_keep, folder) = folder();
        let path = folder.join("large");
        fs_err::write(&path, vec![b'x'; 11]).unwrap();
        assert!(read_text(&path, "--images", 11).is_ok());
        let error = read_text(&path, "--images", 10).unwrap_err().text();
        assert!(error.contains("more than the 10 bytes"), "{error}");
        let error = read_text(&folder.join("none"), "--images", 10).unwrap_err().text();
        assert!(error.contains("no such file"), "{error}");
    }
}
