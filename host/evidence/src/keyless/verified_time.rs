//! [`VerifiedTime`]: a time that somebody vouches for, and [`TimeSource`]: who.

/// Who vouches for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// A transparency log, by its promise to keep an entry.
    Log,
    /// A timestamp authority (RFC 3161).
    TimestampAuthority,
}

/// A verified time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedTime {
    /// Who vouches for it.
    pub source: TimeSource,
    /// Seconds since 1970.
    pub at: i64,
}
