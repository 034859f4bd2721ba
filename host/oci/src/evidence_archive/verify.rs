//! [`verify_archive`]: whether every byte of an archive is as it was written.
//!
//! An archive has one form only, so the headers, the index and the padding that belong to its record are made again and
//! compared, and every content is hashed. A record that was replaced together with all that depends on it makes another
//! archive, which is whole, too: who must know which one it is compares the digest of the file.

use std::{
    io::{self, BufReader, Read},
    path::Path,
};

use aws_lc_rs::digest::{Context, SHA256};

use super::{
    members::{Body, END, Members, header, padding},
    opened::EvidenceArchive,
    record::EvidenceRecord,
};
use crate::store::{LayoutError, finished};

/// Why a file is no whole archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be opened as an image layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// It is an image layout without a record.
    #[error("`{0}` is an OCI image layout, but not an evidence archive")]
    NotAnArchive(String),
    /// It was changed or cut short.
    #[error("the archive `{path}` is damaged: {what}")]
    Damaged {
        /// The file.
        path: String,
        /// Where, and what is wrong there.
        what: String,
    },
    /// It cannot be read.
    #[error("the archive `{path}` cannot be read")]
    Unreadable {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Compares every byte of an archive with what its record says, and gives the record.
///
/// # Errors
/// It is no archive, or not whole.
pub fn verify_archive(path: &Path) -> Result<EvidenceRecord, ArchiveError> {
    let shown = path.display().to_string();
    let damaged = |what: String| ArchiveError::Damaged { path: shown.clone(), what };
    let archive = EvidenceArchive::open(path)?.ok_or_else(|| ArchiveError::NotAnArchive(shown.clone()))?;
    let (record, bytes) = archive.read_record().map_err(damaged)?;
    let members = Members::of(&record, bytes).map_err(damaged)?;
    let unreadable = |source: io::Error| ArchiveError::Unreadable { path: shown.clone(), source };
    let file = fs_err::File::open(path).map_err(unreadable)?;
    compare(&members, BufReader::with_capacity(1 << 16, file)).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => damaged(error.to_string()),
        io::ErrorKind::UnexpectedEof => damaged("it was cut short".to_owned()),
        _ => unreadable(error),
    })?;
    Ok(record)
}

fn compare(members: &Members, mut file: impl Read) -> io::Result<()> {
    let differs = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    for (name, body) in members.in_order() {
        let size = body.size();
        if !starts_with(&mut file, header(&name, size)?.as_bytes())? {
            return Err(differs(format!("`{name}` does not begin where it should")));
        }
        let is_same = match body {
            Body::Bytes(bytes) => starts_with(&mut file, bytes)?,
            Body::Content(digest, size) => {
                let (mut left, mut context, mut buffer) = (size, Context::new(&SHA256), vec![0; 1 << 16]);
                while left > 0 {
                    let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                    let piece = buffer.get_mut(..most).unwrap_or_default();
                    file.read_exact(piece)?;
                    context.update(piece);
                    left -= u64::try_from(most).unwrap_or_default();
                }
                finished(context) == *digest
            }
        };
        if !is_same {
            return Err(differs(format!("the content of `{name}` was changed")));
        }
        if !starts_with(&mut file, &vec![0; padding(size)])? {
            return Err(differs(format!("there is something between `{name}` and the next file")));
        }
    }
    if !starts_with(&mut file, &[0; END])? {
        return Err(differs("there is something behind its last file".to_owned()));
    }
    match file.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(differs("there is something behind its end".to_owned())),
    }
}

/// Whether the next bytes of a file are these.
fn starts_with(file: &mut impl Read, expected: &[u8]) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    for wanted in expected.chunks(buffer.len()) {
        let piece = buffer.get_mut(..wanted.len()).unwrap_or_default();
        file.read_exact(piece)?;
        if piece != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}
