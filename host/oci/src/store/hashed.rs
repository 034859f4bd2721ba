//! [`hashed`]: a blob that is read as it comes, counted, hashed and ended with the run.

use std::{io, time::Instant};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::Repository,
};
use aws_lc_rs::digest::{Context, SHA256};

use super::errors::{larger_blob, other_content};

/// Counts and hashes what is read through it.
struct Hashed<R> {
    inner: R,
    hash: Context,
    left: u64,
    deadline: Option<Instant>,
    broken: Option<io::Error>,
}

impl<R: io::Read> io::Read for Hashed<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.broken = Some(io::ErrorKind::TimedOut.into());
            return Err(io::ErrorKind::TimedOut.into());
        }
        let read = self.inner.read(to).inspect_err(|error| {
            self.broken = Some(io::Error::new(error.kind(), error.to_string()));
        })?;
        self.hash.update(to.get(..read).unwrap_or_default());
        match self.left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX)) {
            Some(left) => self.left = left,
            None => {
                self.left = 0;
                self.broken = Some(io::Error::from(io::ErrorKind::FileTooLarge));
                return Err(io::Error::from(io::ErrorKind::FileTooLarge));
            }
        }
        Ok(read)
    }
}

/// Reads a stream, and returns the result if the content has its digest. `broken` reports a failure of the stream.
pub(super) fn hashed<R: io::Read, T>(
    (repository, digest): (&Repository, &Digest),
    (limit, deadline): (u64, Option<Instant>),
    from: R,
    read: impl FnOnce(&mut dyn io::Read) -> T,
    broken: impl Fn(&io::Error, &mut R) -> EvaluationError,
) -> Result<T, EvaluationError> {
    let mut from = Hashed { inner: from, hash: Context::new(&SHA256), left: limit, deadline, broken: None };
    let outcome = read(&mut from);
    let rest = if from.broken.is_none() { io::copy(&mut from, &mut io::sink()) } else { Ok(0) };
    if let Some(error) = from.broken.take().or(rest.err()) {
        return Err(match error.kind() {
            io::ErrorKind::FileTooLarge => larger_blob(repository, digest, limit),
            io::ErrorKind::TimedOut if deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                let message =
                    format!("the blob {digest} of {repository} was not read before the time limit of the run");
                EvaluationError::new(ErrorCode::Deadline, message).hint("increase the limit with `--timeout`")
            }
            _ => broken(&error, &mut from.inner),
        });
    }
    let actual = finished(from.hash);
    if actual == *digest { Ok(outcome) } else { Err(other_content(repository, digest, &actual)) }
}

/// The digest of what was hashed.
pub(crate) fn finished(hash: Context) -> Digest {
    let mut bytes = [0; 32];
    for (to, byte) in bytes.iter_mut().zip(hash.finish().as_ref()) {
        *to = *byte;
    }
    Digest::from_sha256(bytes)
}
