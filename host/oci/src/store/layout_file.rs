//! [`ReadResult`]: a file of an OCI image layout, read within a limit; and [`LayoutError`], a layout that cannot be used.

use std::io;

use assay_model::bounded::{ReadError, read_bounded};

/// A layout that cannot be used at all. [`hint`](Self::hint) says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// There is nothing, or it cannot be read.
    #[error("the layout `{path}` cannot be read")]
    Unreadable {
        /// The layout.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A compressed file.
    #[error("the layout `{path}` is compressed with {with}")]
    Compressed {
        /// The layout.
        path: String,
        /// The tool that did it.
        with: &'static str,
    },
    /// Not an OCI image layout, or not one that can be trusted to mean one thing.
    #[error("`{path}` is not a valid OCI image layout: {why}")]
    Layout {
        /// The layout.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl LayoutError {
    /// What a person can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "pass the directory of an OCI image layout, or a tar file of one",
            Self::Compressed { .. } => "decompress it first: content is read with random access",
            Self::Layout { .. } => {
                "a layout holds `oci-layout`, `blobs/sha256/` and an `index.json` whose entries are annotated with \
                 `org.opencontainers.image.ref.name` = `repository:tag` or `repository@sha256:…`"
            }
        }
    }
}

/// The result of reading a file of a layout.
pub(super) enum ReadResult {
    Bytes(Vec<u8>),
    /// More than the limit; nothing is kept of it.
    TooLarge,
    Absent,
    /// Describes what is not a regular file.
    NotAFile(&'static str),
}

/// Reads to the end, or finds that there is more than the limit.
pub(super) fn read_within(file: impl io::Read, limit: u64) -> io::Result<ReadResult> {
    match read_bounded(file, limit) {
        Ok(bytes) => Ok(ReadResult::Bytes(bytes)),
        Err(ReadError::TooLarge(_)) => Ok(ReadResult::TooLarge),
        Err(ReadError::Io(error)) => Err(error),
    }
}
