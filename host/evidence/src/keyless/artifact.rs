//! [`Artifact`]: what a bundle must be about.

/// What a bundle must be about.
#[derive(Clone, Copy, Debug)]
pub enum Artifact<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// Its SHA-256.
    Sha256(&'a [u8; 32]),
    /// Its SHA-512.
    Sha512(&'a [u8; 64]),
}
