//! [`read_bounded`]: the one way to read what has no known length.
//!
//! A reader that is cut at a limit looks like one that ended there, and the rest of a document would never be evaluated.
//! So what is longer than its limit is refused, never shortened.

use std::io::{self, Read};

/// Why a stream was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is longer than the limit. Nothing of it is kept.
    #[error("larger than the limit of {0} bytes")]
    TooLarge(u64),
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a stream to its end, or refuses it if it has more than `limit` bytes.
///
/// At most one byte more than the limit is taken from the stream, so a stream without an end costs no more.
///
/// # Errors
/// [`ReadError::TooLarge`] for more than `limit` bytes, [`ReadError::Io`] when the stream fails.
///
/// ```
/// use assay_model::bounded::{ReadError, read_bounded};
///
/// assert_eq!(read_bounded(&b"four"[..], 4).unwrap(), b"four");
/// assert!(matches!(read_bounded(&b"fives"[..], 4), Err(ReadError::TooLarge(4))));
/// ```
pub fn read_bounded(stream: impl Read, limit: u64) -> Result<Vec<u8>, ReadError> {
    read_expected(stream, limit, 0)
}

/// The most memory that is taken before anything is read.
const EXPECTED: u64 = 64 << 20;

/// The same for a stream that is expected to have so many bytes: if it has, they are read without being copied once more. If it
/// has not, nothing else is different.
///
/// # Errors
/// As [`read_bounded`].
pub fn read_expected(stream: impl Read, limit: u64, expected: u64) -> Result<Vec<u8>, ReadError> {
    let room = expected.min(limit).min(EXPECTED).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
    let read = stream.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if read as u64 > limit { Err(ReadError::TooLarge(limit)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_whole_or_refused() {
        for length in [0, 1, 9, 10] {
            assert_eq!(read_bounded(io::repeat(7).take(length), 10).unwrap().len() as u64, length);
        }
        for length in [11, 12, 1 << 40] {
            assert!(matches!(read_bounded(io::repeat(7).take(length), 10), Err(ReadError::TooLarge(10))), "{length}");
        }
        assert!(matches!(read_bounded(io::empty(), 0).as_deref(), Ok([])));
        for expected in [0, 3, 7, 10, 1 << 40] {
            assert_eq!(read_expected(io::repeat(7).take(7), 10, expected).unwrap(), [7; 7], "{expected}");
            assert!(matches!(read_expected(io::repeat(7), 10, expected), Err(ReadError::TooLarge(10))), "{expected}");
        }
    }

    #[test]
    fn a_stream_that_fails_is_an_error_and_not_truncated_content() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let read = read_bounded((&b"begun"[..]).chain(Broken), 10);
        assert!(matches!(read, Err(ReadError::Io(error)) if error.to_string() == "gone"));
    }
}
