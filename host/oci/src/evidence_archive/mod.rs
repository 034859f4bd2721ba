//! [`EvidenceArchive`]: everything that validating images read, in one OCI image layout, so that it can be read again without
//! a network and with the same answers.
//!
//! In reading order: the document that says which request had which answer ([`EvidenceRecord`]), what fills it during a
//! run ([`EvidenceRecorder`]), the files of an archive in their order (`members`), its writer and the check of every byte
//! ([`write_archive`], [`verify_archive`]), and the archive that is read in place of registries and repositories.
//!
//! The same answers give the same bytes: members are sorted, and have no times, owners or other notes. What was not
//! requested when the archive was made is not known to be absent: it is an error, and is never fetched.

mod members;
mod opened;
mod record;
mod recorder;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use self::{
    opened::EvidenceArchive,
    record::{ArchivedContent, EvidenceRecord, GitAnswer, RepositoryAnswers},
    recorder::EvidenceRecorder,
    verify::{ArchiveError, verify_archive},
    writer::write_archive,
};

/// Reads a record, and compares what is written for it with what was read; for [`fuzzing`](crate::fuzzing).
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn fuzz_record(bytes: &[u8]) {
    if let Ok(record) = EvidenceRecord::read(bytes) {
        let written = record.to_json();
        assert_eq!(EvidenceRecord::read(&written).as_ref(), Ok(&record));
        assert!(members::Members::of(&record, written).is_ok());
    }
}

/// The media type of the record, and the artifact type of the manifest that names it.
pub const EVIDENCE_TYPE: &str = "application/vnd.assay.evidence.v1+json";

/// The record of an archive: one of 10,000 images has about 10 MB. A larger one would fill the memory.
pub(crate) const RECORD_BYTES: u64 = 64 << 20;

/// The memory of a record once it is read.
pub(crate) const RECORD_MEMORY: u64 = 512 << 20;

/// An object of a cluster, or a trust root.
pub(crate) const OBJECT_BYTES: u64 = 4 << 20;
