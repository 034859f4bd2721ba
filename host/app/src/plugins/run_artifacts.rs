//! [`write_artifacts`]: the files of a plugin in a folder of the user.

use camino::Utf8Path;

use crate::error::{RequestError, RequestErrorKind};

/// Writes files below a folder, which is created. Their names are relative and have no `..`: the host has checked them when the
/// plugin wrote them.
///
/// # Errors
/// The folder or a file cannot be written.
pub(crate) fn write_artifacts<'a>(
    folder: &Utf8Path,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<(), RequestError> {
    let failed = |error: std::io::Error| {
        RequestError::from_error(&error)
            .with_kind(RequestErrorKind::File)
            .hint("name another folder with `--artifacts`")
    };
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
}
