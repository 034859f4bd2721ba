//! [`update`] and [`read_stored`]: the metadata by which a Sigstore instance distributes its trust root (The Update
//! Framework 1.0), verified by `sigstore-tuf` from a root that is trusted already.
//!
//! Where files come from is the caller's matter; nothing here reads a disk or a network. A file that two readers could take
//! for different ones is refused before it is read.

use assay_model::{
    digest::Digest,
    memory::Memory,
    strict::{self, Shape},
};
use jiff::Timestamp;
use sigstore_tuf::{Error, TrustedMetadataSet};

/// The first root of the public good instance that is trusted: what `sigstore-trust-root` 0.15.1 has.
pub const PUBLIC_GOOD_TUF_ROOT: &[u8] = include_bytes!("public_good_root.json");

/// The name of the target that is the trust root.
const TARGET: &str = "trusted_root.json";
/// A root: the largest known one has 6 kB (`sigstore-tuf`'s limit).
pub const ROOT_BYTES: u64 = 512_000;
/// A timestamp has less than 1 kB.
pub(super) const TIMESTAMP_BYTES: u64 = 16_384;
pub(super) const SNAPSHOT_BYTES: u64 = 2_000_000;
pub(super) const TARGETS_BYTES: u64 = 5_000_000;
/// The trust root itself: GitHub's, the largest known one, has 30 kB.
pub(super) const TARGET_BYTES: u64 = 4_000_000;
/// Successors of a root: the public good instance has had 15 in five years.
pub(super) const SUCCESSORS: u64 = 256;
const MEMORY: u64 = 64 << 20;

/// Where metadata is read: a mirror, or a folder.
pub trait TufFiles {
    /// The content of a file by its name below the mirror, of at most `limit` bytes; none if there is no such file.
    ///
    /// # Errors
    /// It cannot be read, or is longer.
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, String>;
}

/// Metadata that verifies, file by file, and the trust root.
#[derive(Clone, Debug)]
pub struct TufMetadata {
    /// `root.json`.
    pub root: Vec<u8>,
    /// `timestamp.json`.
    pub timestamp: Vec<u8>,
    /// `snapshot.json`.
    pub snapshot: Vec<u8>,
    /// `targets.json`.
    pub targets: Vec<u8>,
    /// `trusted_root.json`.
    pub trusted_root: String,
    /// When the first part of it expires.
    pub expires: Timestamp,
}

/// Why metadata is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TufError {
    /// A part is too old.
    #[error("the {role} metadata expired at {at}")]
    Expired {
        /// Which part.
        role: String,
        /// When.
        at: Timestamp,
    },
    /// A part is not there.
    #[error("there is no `{0}`")]
    Absent(String),
    /// A part cannot be read.
    #[error("`{name}` cannot be read: {why}")]
    Unread {
        /// Its name.
        name: String,
        /// Why not.
        why: String,
    },
    /// A part does not verify.
    #[error("`{name}` is not valid: {why}")]
    Invalid {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

/// A time of the library, which has another version of the crate for times.
fn time(time: &dyn std::fmt::Display) -> Timestamp {
    time.to_string().parse().unwrap_or(Timestamp::MIN)
}

fn invalid(name: &str, error: Error) -> TufError {
    match error {
        Error::Expired { role, expires } => TufError::Expired { role, at: time(&expires) },
        error => {
            let mut why = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                why = format!("{why}: {error}");
                cause = error.source();
            }
            TufError::Invalid { name: name.to_owned(), why }
        }
    }
}

/// A file that must be there, in one meaning.
fn read(files: &dyn TufFiles, name: &str, limit: u64) -> Result<Vec<u8>, TufError> {
    let bytes = files.read(name, limit).map_err(|why| TufError::Unread { name: name.to_owned(), why })?;
    let bytes = bytes.ok_or_else(|| TufError::Absent(name.to_owned()))?;
    check(name, &bytes)?;
    Ok(bytes)
}

fn check(name: &str, bytes: &[u8]) -> Result<(), TufError> {
    let checked = strict::check(bytes, &Shape::Any, &Memory::of(MEMORY));
    checked.map(drop).map_err(|why| TufError::Invalid { name: name.to_owned(), why })
}

/// Reads what was stored: its root is trusted, as the command that stored it verified it.
///
/// # Errors
/// It does not verify, or has expired.
pub fn read_stored(files: &dyn TufFiles, now: Timestamp) -> Result<TufMetadata, TufError> {
    let root = read(files, "root.json", ROOT_BYTES)?;
    let trusted = TrustedMetadataSet::from_root(&root).map_err(|error| invalid("root.json", error))?;
    finish(trusted, files, &Names::stored(), now)
}

/// Verifies what a mirror has from a trusted root on. What an earlier update gave must not be newer.
///
/// # Errors
/// A part is absent, does not verify, has expired, or is older than what is stored.
pub fn update(
    root: &[u8],
    earlier: Option<&dyn TufFiles>,
    mirror: &dyn TufFiles,
    now: Timestamp,
) -> Result<TufMetadata, TufError> {
    check("root.json", root)?;
    let mut trusted = TrustedMetadataSet::from_root(root).map_err(|error| invalid("root.json", error))?;
    let first = trusted.root().version;
    for version in first.saturating_add(1).. {
        let name = format!("{version}.root.json");
        if version > first.saturating_add(SUCCESSORS) {
            let why = format!("the root has more than {SUCCESSORS} successors");
            return Err(TufError::Invalid { name, why });
        }
        match read(mirror, &name, ROOT_BYTES) {
            Ok(bytes) => trusted.update_root(&bytes).map_err(|error| invalid(&name, error))?,
            Err(TufError::Absent(_)) => break,
            Err(error) => return Err(error),
        }
    }
    let floor = earlier.and_then(|earlier| Floor::read(earlier, trusted.clone()));
    let names = Names::of_mirror(trusted.root().consistent_snapshot);
    let metadata = finish(trusted, mirror, &names, now)?;
    if let Some(floor) = floor {
        floor.check(&metadata)?;
    }
    Ok(metadata)
}

/// The versions that were stored earlier, which a mirror must not go back behind.
struct Floor {
    timestamp: u64,
    snapshot: u64,
    targets: u64,
}

/// The version of a part.
fn version(bytes: &[u8]) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    value.pointer("/signed/version")?.as_u64()
}

impl Floor {
    /// What was stored, if it verifies by the roles of the current root. It may have expired, as it is only compared.
    fn read(earlier: &dyn TufFiles, mut trusted: TrustedMetadataSet) -> Option<Self> {
        let timestamp = read(earlier, "timestamp.json", TIMESTAMP_BYTES).ok()?;
        let snapshot = read(earlier, "snapshot.json", SNAPSHOT_BYTES).ok()?;
        let targets = read(earlier, "targets.json", TARGETS_BYTES).ok()?;
        // Nothing has expired at the beginning of time; what the roles did not sign says nothing.
        let at = "0001-01-01T00:00:00Z".parse().ok()?;
        trusted.update_timestamp(&timestamp, at).ok()?;
        trusted.update_snapshot(&snapshot, at).ok()?;
        trusted.update_targets(&targets, at).ok()?;
        Some(Self { timestamp: version(&timestamp)?, snapshot: version(&snapshot)?, targets: version(&targets)? })
    }

    fn check(&self, found: &TufMetadata) -> Result<(), TufError> {
        for (name, bytes, stored) in [
            ("timestamp.json", &found.timestamp, self.timestamp),
            ("snapshot.json", &found.snapshot, self.snapshot),
            ("targets.json", &found.targets, self.targets),
        ] {
            let version = version(bytes).unwrap_or_default();
            if version < stored {
                let why = format!("its version {version} is older than the version {stored} that is stored");
                return Err(TufError::Invalid { name: name.to_owned(), why });
            }
        }
        Ok(())
    }
}

/// What files are called.
struct Names {
    has_versions: bool,
    has_digests: bool,
}

impl Names {
    const fn stored() -> Self {
        Self { has_versions: false, has_digests: false }
    }

    const fn of_mirror(is_consistent: bool) -> Self {
        Self { has_versions: is_consistent, has_digests: is_consistent }
    }

    fn metadata(&self, role: &str, version: Option<u64>) -> String {
        match version.filter(|_| self.has_versions) {
            Some(version) => format!("{version}.{role}.json"),
            None => format!("{role}.json"),
        }
    }

    fn target(&self, digest: &str) -> String {
        if self.has_digests { format!("targets/{digest}.{TARGET}") } else { format!("targets/{TARGET}") }
    }
}

/// Verifies everything below the root.
fn finish(
    mut trusted: TrustedMetadataSet,
    files: &dyn TufFiles,
    names: &Names,
    now: Timestamp,
) -> Result<TufMetadata, TufError> {
    let wrong = |name: &str| {
        let name = name.to_owned();
        move |error| invalid(&name, error)
    };
    let at = now.to_string().parse().map_err(|_| TufError::Absent("time".to_owned()))?;
    trusted.check_root_expired(at).map_err(wrong("root.json"))?;
    let timestamp = read(files, "timestamp.json", TIMESTAMP_BYTES)?;
    trusted.update_timestamp(&timestamp, at).map_err(wrong("timestamp.json"))?;
    let pinned = trusted.timestamp().and_then(|timestamp| timestamp.snapshot_meta()).map(|pin| pin.version);
    let name = names.metadata("snapshot", pinned);
    let snapshot = read(files, &name, SNAPSHOT_BYTES)?;
    trusted.update_snapshot(&snapshot, at).map_err(wrong(&name))?;
    let pinned = trusted.snapshot().and_then(|snapshot| snapshot.meta.get("targets.json")).map(|pin| pin.version);
    let name = names.metadata("targets", pinned);
    let targets = read(files, &name, TARGETS_BYTES)?;
    trusted.update_targets(&targets, at).map_err(wrong(&name))?;
    let role = trusted.targets_role("targets");
    let target = role.and_then(|targets| targets.target(TARGET)).ok_or_else(|| TufError::Absent(TARGET.to_owned()))?;
    // Of the two that instances write, the one that is compared here.
    let digest = target.hashes.get("sha256").ok_or_else(|| TufError::Invalid {
        name: name.clone(),
        why: format!("the target `{TARGET}` has no SHA-256"),
    })?;
    let place = names.target(digest);
    let bytes = read(files, &place, TARGET_BYTES)?;
    if u64::try_from(bytes.len()).ok() != Some(target.length) || Digest::of(&bytes).hex() != *digest {
        let why = "it has another length or digest than the metadata says".to_owned();
        return Err(TufError::Invalid { name: place, why });
    }
    let trusted_root = String::from_utf8(bytes)
        .map_err(|_| TufError::Invalid { name: place, why: "it is not valid UTF-8".to_owned() })?;
    let all = [
        Some(time(&trusted.root().expires)),
        trusted.timestamp().map(|timestamp| time(&timestamp.expires)),
        trusted.snapshot().map(|snapshot| time(&snapshot.expires)),
        role.map(|targets| time(&targets.expires)),
    ];
    let expires = all.into_iter().flatten().min().unwrap_or(now);
    Ok(TufMetadata { root: trusted.root_bytes().to_vec(), timestamp, snapshot, targets, trusted_root, expires })
}
