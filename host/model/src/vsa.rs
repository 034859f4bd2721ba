//! Verification summary attestations (VSAs) of Conforma: what one says ([`ComponentPredicate`], [`SnapshotPredicate`]), how one
//! is read ([`Vsa`]), and whether it stands for an evaluation that somebody wants ([`WantedVsa`]).
//!
//! The form is that of `ec` (`internal/validate/vsa`), field by field. `effectiveTime`, `identity`, `filterType` and `skippedChecks` are ours
//! and come last: without them a VSA does not say which evaluation it sums up.

mod policy_difference;
mod predicate;
mod read;
mod wanted;

pub use policy_difference::{DifferenceKind, PolicyDifference};
pub use predicate::{ComponentPredicate, PredicateContext, SnapshotPredicate};
pub use read::Vsa;
pub use wanted::{VsaRefusal, VsaRefusalCode, WantedSigner, WantedVsa};

/// The predicate type of Conforma's VSAs.
pub const VSA_PREDICATE_TYPE: &str = "https://conforma.dev/verification_summary/v1";

/// The status of a VSA about something that passed.
pub const PASSED: &str = "passed";

/// The status of a VSA about something that did not.
pub const FAILED: &str = "failed";
