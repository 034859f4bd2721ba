//! [`write_archive`]: an archive of what a recorder has kept.

use std::io::{self, Read as _, Write};

use super::{
    members::{Body, END, Members, header, padding},
    record::EvidenceRecord,
    recorder::EvidenceRecorder,
};

/// Writes an archive, and gives its record. Content is copied piece by piece.
///
/// # Errors
/// Content could not be kept or read, or `to` cannot be written.
pub fn write_archive(recorder: &EvidenceRecorder, to: &mut dyn Write) -> io::Result<EvidenceRecord> {
    let record = recorder.record()?;
    let members = Members::of(&record, record.to_json()).map_err(io::Error::other)?;
    for (name, body) in members.in_order() {
        let size = body.size();
        to.write_all(header(&name, size)?.as_bytes())?;
        match body {
            Body::Bytes(bytes) => to.write_all(bytes)?,
            Body::Content(digest, size) => {
                let copied = io::copy(&mut recorder.open(digest)?.take(size), to)?;
                if copied != size {
                    return Err(io::Error::other(format!("the temporary file of {digest} was changed")));
                }
            }
        }
        to.write_all(&vec![0; padding(size)])?;
    }
    to.write_all(&[0; END])?;
    Ok(record)
}
