//! [`read_file`], [`read_text`]: files of a project, each up to a limit, whatever the file is.

use std::io;

use assay_model::bounded::{ReadError, read_bounded};
use camino::Utf8Path;

/// Reads a file, or refuses it if it has more than `limit` bytes. Devices and files that grow are read no further.
pub(crate) fn read_file(file: &Utf8Path, limit: u64) -> io::Result<Vec<u8>> {
    read_bounded(fs_err::File::open(file)?, limit).map_err(|error| match error {
        ReadError::TooLarge(limit) => io::Error::other(format!("{file} has more than the {limit} allowed bytes")),
        ReadError::Io(error) => error,
    })
}

/// As [`read_file`], for text.
pub(crate) fn read_text(file: &Utf8Path, limit: u64) -> io::Result<String> {
    let bytes = read_file(file, limit)?;
    String::from_utf8(bytes).map_err(|_| io::Error::other(format!("{file} is not valid UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_refused_also_one_without_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("a");
        fs_err::write(&file, "four").unwrap();
        assert_eq!(read_text(&file, 4).unwrap(), "four");
        assert!(read_text(&file, 3).unwrap_err().to_string().contains("more than the 3 allowed"));
        assert!(
            read_file(Utf8Path::new("/dev/zero"), 10).unwrap_err().to_string().contains("more than the 10 allowed")
        );
        fs_err::write(&file, [0xff]).unwrap();
        assert!(read_text(&file, 4).unwrap_err().to_string().contains("UTF-8"));
    }
}
