//! Reads small files with a limit, and writes reports whole or not at all.

use std::io::{self, Read as _, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

use crate::{error::Unusable, leftovers};

/// The text of a file named by `flag`, of at most `limit` bytes.
pub(crate) fn read_text(path: &Utf8Path, flag: &str, limit: u64) -> Result<String, Unusable> {
    let bytes = read_bytes(path, flag, limit)?;
    String::from_utf8(bytes).map_err(|_| Unusable::new(format!("`{path}` ({flag}) is not UTF-8 text")))
}

/// The bytes of a file named by `flag`, of at most `limit` bytes.
pub(crate) fn read_bytes(path: &Utf8Path, flag: &str, limit: u64) -> Result<Vec<u8>, Unusable> {
    let unreadable = |error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
            _ => error.to_string(),
        };
        Unusable::new(format!("`{path}` ({flag}) cannot be read: {why}"))
            .hint("check the path; it is relative to the working folder")
    };
    let file = fs_err::File::open(path).map_err(|error| unreadable(plain(&error)))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| unreadable(plain(&error)))?;
    if bytes.len() as u64 > limit {
        return Err(Unusable::new(format!("`{path}` ({flag}) has more than the {limit} bytes allowed")));
    }
    Ok(bytes)
}

/// The operating system's error without the path, which the sentence names already.
fn plain(error: &io::Error) -> io::Error {
    error.get_ref().and_then(|inner| inner.source()).and_then(|source| source.downcast_ref::<io::Error>()).map_or_else(
        || io::Error::new(error.kind(), error.kind().to_string()),
        |source| io::Error::new(source.kind(), source.to_string()),
    )
}

/// Refuses a place that no file can be written to, before any work is done.
pub(crate) fn check_place(path: &Utf8Path) -> Result<(), Unusable> {
    let folder = folder_of(path);
    if path.is_dir() {
        return Err(Unusable::new(format!("`--output`: `{path}` is a folder")).hint("name a file"));
    }
    if !folder.is_dir() {
        return Err(Unusable::new(format!("`--output`: there is no folder `{folder}` for `{path}`"))
            .hint("make the folder first"));
    }
    Ok(())
}

/// Writes a file so that its place holds either what was there before or all of `bytes`: a temporary file beside it
/// is filled, synced and renamed. A place that is no regular file (a pipe, `/dev/stdout`) is written to as it is.
pub(crate) fn write_whole(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let special = fs_err::metadata(path).is_ok_and(|found| !found.is_file());
    if special {
        return fs_err::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    // The file that a link points to is replaced, not the link.
    let target = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let name = target.file_name().unwrap_or("report");
    let mut file = builder.prefix(&format!(".{name}.")).suffix(".part").tempfile_in(folder_of(&target))?;
    leftovers::sweep(&folder_of(&target), &format!(".{name}."), ".part", file.as_file());
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
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

    #[test]
    fn a_place_without_a_folder_is_refused_before_the_work() {
        let (_keep, folder) = folder();
        assert!(check_place(&folder.join("no/report.json")).unwrap_err().text().contains("there is no folder"));
        assert!(check_place(&folder).unwrap_err().text().contains("is a folder"));
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
        assert!(error.contains("there is no such file"), "{error}");
    }
}
