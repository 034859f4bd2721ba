//! Reads small files and standard input with a limit.

use std::io::{self, Read};

use assay_model::bounded::{ReadError, read_bounded, read_expected};
use camino::Utf8Path;

use crate::error::{RequestError, RequestErrorKind};

/// The text of a file named by `flag`, of at most `limit` bytes.
///
/// # Errors
/// It cannot be read, is longer, or is not UTF-8.
pub fn read_text(path: &Utf8Path, flag: &str, limit: u64) -> Result<String, RequestError> {
    let bytes = read_bytes(path, flag, limit)?;
    String::from_utf8(bytes)
        .map_err(|_| RequestError::of(RequestErrorKind::File, format!("`{path}` ({flag}) is not valid UTF-8")))
}

/// The bytes of a file named by `flag`, of at most `limit` bytes.
///
/// # Errors
/// It cannot be read or is longer.
pub fn read_bytes(path: &Utf8Path, flag: &str, limit: u64) -> Result<Vec<u8>, RequestError> {
    read_within(path, flag, limit)?.ok_or_else(|| {
        let message = format!("`{path}` ({flag}) has more than the {limit} bytes allowed");
        RequestError::of(RequestErrorKind::File, message)
    })
}

/// The bytes of a file named by `flag`; none if it is longer than `limit`.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read_within(path: &Utf8Path, flag: &str, limit: u64) -> Result<Option<Vec<u8>>, RequestError> {
    let unreadable = |error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
            _ => error.to_string(),
        };
        RequestError::of(RequestErrorKind::File, format!("`{path}` ({flag}) cannot be read: {why}"))
            .hint("check the path; it is relative to the working directory")
    };
    let file = fs_err::File::open(path).map_err(|error| unreadable(plain(&error)))?;
    // The file itself is read into memory that nobody has cleared before, as components are large.
    let (file, _) = file.into_parts();
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    match read_expected(file, limit, size) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::TooLarge(_)) => Ok(None),
        Err(ReadError::Io(error)) => Err(unreadable(plain(&error))),
    }
}

/// The text on standard input, of at most `limit` bytes. What is longer is refused: of a document that is cut short the
/// rest would never be evaluated.
///
/// # Errors
/// It cannot be read, is longer, or is not UTF-8.
pub fn standard_input(what: &str, limit: u64) -> Result<String, RequestError> {
    text_of(io::stdin().lock(), what, limit)
}

fn text_of(stream: impl Read, what: &str, limit: u64) -> Result<String, RequestError> {
    let bytes = read_bounded(stream, limit).map_err(|error| match error {
        ReadError::TooLarge(_) => RequestError::of(
            RequestErrorKind::File,
            format!("{what} on standard input has more than the {limit} bytes allowed"),
        )
        .hint("split the input into smaller parts"),
        ReadError::Io(error) => {
            RequestError::of(RequestErrorKind::File, format!("{what} cannot be read from standard input: {error}"))
        }
    })?;
    String::from_utf8(bytes)
        .map_err(|_| RequestError::of(RequestErrorKind::File, format!("{what} on standard input is not valid UTF-8")))
}

/// The operating system's error without the path, which the sentence names already.
fn plain(error: &io::Error) -> io::Error {
    error.get_ref().and_then(|inner| inner.source()).and_then(|source| source.downcast_ref::<io::Error>()).map_or_else(
        || io::Error::new(error.kind(), error.kind().to_string()),
        |source| io::Error::new(source.kind(), source.to_string()),
    )
}

/// Makes temporary folders that only their owner may read.
#[must_use]
pub fn private_folder(prefix: &str) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_over_its_limit_is_refused_and_never_cut() {
        assert_eq!(text_of(&b"four"[..], "the query", 4).unwrap(), "four");
        let error = text_of(&b"fives"[..], "the query", 4).unwrap_err().message();
        assert!(error.contains("the query on standard input has more than the 4 bytes allowed"), "{error}");
        assert!(text_of(&b"\xff"[..], "the query", 4).unwrap_err().message().contains("not valid UTF-8"));
    }

    #[test]
    fn a_file_over_its_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let path = folder.join("large");
        fs_err::write(&path, vec![b'x'; 11]).unwrap();
        assert!(read_text(&path, "--images", 11).is_ok());
        let error = read_text(&path, "--images", 10).unwrap_err().message();
        assert!(error.contains("more than the 10 bytes"), "{error}");
        let error = read_text(&folder.join("none"), "--images", 10).unwrap_err().message();
        assert!(error.contains("no such file"), "{error}");
    }
}
