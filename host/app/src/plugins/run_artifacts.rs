//! [`write_artifacts`]: the files of a plugin in a folder of the user, which has no others.

use camino::Utf8Path;

use crate::error::{RequestError, RequestErrorKind};

/// Refuses a folder that has something: a plugin names its files, and could replace `.git/config` or a script.
///
/// # Errors
/// The folder is not empty, or cannot be read.
pub(crate) fn check_folder(folder: &Utf8Path) -> Result<(), RequestError> {
    let fact = match fs_err::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Ok(false) => format!("the folder `{folder}` has files already, which those of a plugin must not replace"),
        Err(error) => error.to_string(),
    };
    Err(RequestError::of(RequestErrorKind::File, fact).hint("name a new or an empty folder with `--artifacts`"))
}

/// Writes files below a folder, which is created and must have none. Their names are relative and have no `..`: the host has
/// checked them when the plugin wrote them.
///
/// # Errors
/// The folder is not empty, or it or a file cannot be written.
pub(crate) fn write_artifacts<'a>(
    folder: &Utf8Path,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<(), RequestError> {
    let failed = |error: std::io::Error| {
        RequestError::from_error(&error)
            .with_kind(RequestErrorKind::File)
            .hint("name another folder with `--artifacts`")
    };
    check_folder(folder)?;
    fs_err::create_dir_all(folder).map_err(failed)?;
    for (name, bytes) in files {
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            fs_err::create_dir_all(parent).map_err(failed)?;
        }
        fs_err::write(&file, bytes).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_with_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().join("new");
        write_artifacts(&path, [("a/b.txt", b"1".as_slice()), ("c", b"".as_slice())].into_iter()).unwrap();
        assert_eq!(fs_err::read(path.join("a/b.txt")).unwrap(), b"1");
        assert_eq!(fs_err::read(path.join("c")).unwrap(), b"");
        let error = write_artifacts(&path.join("c"), std::iter::empty()).unwrap_err();
        assert_eq!(error.kind(), RequestErrorKind::File);
    }

    #[test]
    fn files_that_are_there_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir(path.join(".git")).unwrap();
        fs_err::write(path.join(".git/config"), b"mine").unwrap();
        let error = write_artifacts(path, [(".git/config", b"theirs".as_slice())].into_iter()).unwrap_err();
        assert!(error.message().contains("has files already"), "{}", error.message());
        assert_eq!(fs_err::read(path.join(".git/config")).unwrap(), b"mine");
        // A folder that is empty, or not there, may be used.
        fs_err::create_dir(path.join("empty")).unwrap();
        assert!(check_folder(&path.join("empty")).is_ok() && check_folder(&path.join("absent")).is_ok());
    }
}
