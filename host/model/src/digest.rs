//! [`Digest`]: the sha256 of a manifest, blob or statement, the only name by which bytes are trusted.

use std::{fmt, io, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// A sha256 digest: `sha256:` and 64 lowercase hex digits. Any other spelling or algorithm is refused.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

/// Hashes what is written.
struct Hashed(sha2::Sha256);

impl io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The text is not `sha256:` and 64 lowercase hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a digest; expected `sha256:` and 64 lowercase hex digits")]
pub struct DigestError {
    text: String,
}

/// Bytes do not have the digest they were requested by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("content has the digest {actual}, not {expected}")]
pub struct DigestMismatch {
    /// The digest the content was named by.
    pub expected: Digest,
    /// The digest the content has.
    pub actual: Digest,
}

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of all these bytes, one part behind the other.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hash = sha2::Sha256::new();
        parts.iter().for_each(|part| hash.update(part));
        Self(hash.finalize().into())
    }

    /// The digest of a document's JSON, which is never in memory as a whole.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn of_json<T: Serialize + ?Sized>(document: &T) -> Result<Self, serde_json::Error> {
        let mut hashed = Hashed(sha2::Sha256::new());
        serde_json::to_writer(&mut hashed, document)?;
        Ok(Self(hashed.0.finalize().into()))
    }

    /// A digest from a finished SHA-256 hash, for content that was hashed while it streamed.
    #[must_use]
    pub const fn from_sha256(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash itself.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 lowercase hex digits, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            // Writing to a String cannot fail.
            let _infallible = write!(text, "{byte:02x}");
        }
        text
    }

    /// Refuses bytes that do not have this digest.
    pub fn check(&self, bytes: &[u8]) -> Result<(), DigestMismatch> {
        let actual = Self::of(bytes);
        if actual == *self { Ok(()) } else { Err(DigestMismatch { expected: self.clone(), actual }) }
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let error = || DigestError { text: text.chars().take(100).collect() };
        let hex = text.strip_prefix("sha256:").ok_or_else(error)?.as_bytes();
        let nibble = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut hash = [0; 32];
        if hex.len() != 64 {
            return Err(error());
        }
        let (pairs, _) = hex.as_chunks::<2>();
        for (to, [high, low]) in hash.iter_mut().zip(pairs) {
            *to = nibble(*high).ok_or_else(error)? << 4 | nibble(*low).ok_or_else(error)?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, to)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_sha256_is_a_digest() {
        let good = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), good);
        assert_eq!(good.parse::<Digest>().unwrap(), Digest::of(b""));
        let hex = good.trim_start_matches("sha256:");
        for bad in [
            hex.to_owned(),
            format!("sha512:{hex}"),
            format!("sha256:{}", hex.to_uppercase()),
            format!("sha256:{hex}0"),
            good.chars().take(70).collect(),
            format!("sha256:{}\u{e9}", hex.chars().take(62).collect::<String>()),
            String::new(),
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn other_bytes_are_refused_with_both_digests() {
        let error = Digest::of(b"a").check(b"b").unwrap_err();
        assert!(error.to_string().contains(&Digest::of(b"a").to_string()));
        assert!(error.to_string().contains(&Digest::of(b"b").to_string()));
    }
}
