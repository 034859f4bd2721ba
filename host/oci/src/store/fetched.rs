//! [`Fetched`]: content as a layout or a registry returned it, before it is verified.

use assay_model::digest::Digest;

/// What names a manifest in a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reference {
    Tag(String),
    Digest(Digest),
}

/// What a source returned. None of it is verified yet.
pub(crate) enum Fetched {
    Found(Body),
    /// More bytes than the limit; nothing is kept of them.
    TooLarge,
    Absent,
}

/// Content, not verified yet.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// The digest that the source itself gives for it, if any.
    pub(crate) named: Option<Digest>,
}

impl Body {
    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }
}
