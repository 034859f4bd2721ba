//! [`WantedVsa`]: the evaluation that a VSA must sum up, and why one does not ([`VsaRefusal`]).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    PASSED,
    policy_difference::{PolicyDifference, differences},
    read::Vsa,
};
use crate::{
    image::PinnedImage,
    policy::{Identity, PolicySpec},
};

/// How far a VSA's time may lie ahead: clocks differ by seconds.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Whose signatures of the image must have been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedSigner {
    /// Those of this key, in PEM.
    Key(String),
    /// Those of this identity.
    Identity(Identity),
}

/// An evaluation of one image.
#[derive(Clone, Copy, Debug)]
pub struct WantedVsa<'a> {
    /// The image.
    pub image: &'a PinnedImage,
    /// The component that it is in the Snapshot.
    pub component: &'a str,
    /// The policy, its sources pinned.
    pub policy: &'a PolicySpec,
    /// Whose signatures count.
    pub signer: &'a WantedSigner,
    /// The filter of rules, if it is not the default one.
    pub filter_type: &'a str,
    /// The time that the policy is evaluated for.
    pub effective_time: Timestamp,
    /// The present time.
    pub now: Timestamp,
    /// How old a VSA may be; none for any age.
    pub expiration: Option<Duration>,
}

/// Why a VSA does not stand for the evaluation; the codes of `ec`, and ours for what it does not look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VsaRefusalCode {
    /// It is older than allowed, or from the future.
    Expired,
    /// It does not say that the image passed.
    PredicateFailed,
    /// It is about another policy.
    PolicyMismatch,
    /// It is about another image.
    SubjectMismatch,
    /// The image's signatures were verified with another key or identity, or not at all.
    SignerMismatch,
}

impl VsaRefusalCode {
    /// The code in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::PredicateFailed => "predicate_failed",
            Self::PolicyMismatch => "policy_mismatch",
            Self::SubjectMismatch => "subject_mismatch",
            Self::SignerMismatch => "signer_mismatch",
        }
    }
}

/// Why a VSA does not stand for the evaluation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct VsaRefusal {
    /// For programs.
    pub code: VsaRefusalCode,
    /// For people, one sentence.
    pub reason: String,
    /// What the policies differ in.
    pub differences: Vec<PolicyDifference>,
}

impl VsaRefusal {
    fn new(code: VsaRefusalCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), differences: Vec::new() }
    }
}

impl WantedVsa<'_> {
    /// Whether a VSA that was signed by whom is trusted is about this image, policy and signer; nothing of whether it passed.
    ///
    /// # Errors
    /// What it is about instead.
    pub fn is_subject_of(&self, vsa: &Vsa) -> Result<(), VsaRefusal> {
        if !vsa.images.iter().any(|image| image.digest == self.image.digest) {
            let reason = format!("the VSA does not list {} among its `imageRefs`", self.image);
            return Err(VsaRefusal::new(VsaRefusalCode::SubjectMismatch, reason));
        }
        self.check_signer(vsa)?;
        if vsa.policy.sources.is_empty() {
            return Err(VsaRefusal::new(VsaRefusalCode::PolicyMismatch, "the policy of the VSA has no sources"));
        }
        if vsa.filter_type != self.filter_type {
            let reason = "the VSA is about an evaluation with another `--filter-type`";
            return Err(VsaRefusal::new(VsaRefusalCode::PolicyMismatch, reason));
        }
        let then = (&vsa.policy, vsa.effective_time.unwrap_or(vsa.timestamp));
        let differences = differences(then, (self.policy, self.effective_time), self.image, self.component);
        let Some(first) = differences.first() else { return Ok(()) };
        let more = match differences.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let reason = format!("the VSA is about another policy: {}{more}", first.what);
        Err(VsaRefusal { code: VsaRefusalCode::PolicyMismatch, reason, differences })
    }

    fn check_signer(&self, vsa: &Vsa) -> Result<(), VsaRefusal> {
        let other = |reason: &str| Err(VsaRefusal::new(VsaRefusalCode::SignerMismatch, reason));
        if !vsa.skipped_checks.is_empty() {
            return other(&format!("the VSA says that checks were skipped: {}", vsa.skipped_checks.join(", ")));
        }
        match self.signer {
            WantedSigner::Key(_) if vsa.public_key.is_empty() => {
                other("the VSA says that the image was verified with an identity, not with the public key")
            }
            WantedSigner::Key(pem) if !vsa.public_key.split_whitespace().eq(pem.split_whitespace()) => {
                other("the VSA says that the image was verified with another public key")
            }
            WantedSigner::Identity(_) if !vsa.public_key.is_empty() => {
                other("the VSA says that the image was verified with a public key, not with the identity")
            }
            WantedSigner::Identity(identity) if vsa.identity.as_ref() != Some(identity) => {
                other("the VSA says that the image was verified with another identity")
            }
            WantedSigner::Key(_) | WantedSigner::Identity(_) => Ok(()),
        }
    }

    /// Whether a VSA about this evaluation says that the image passed, and recently enough.
    ///
    /// # Errors
    /// It does not.
    pub fn is_passed_by(&self, vsa: &Vsa) -> Result<(), VsaRefusal> {
        let expired = |reason: String| Err(VsaRefusal::new(VsaRefusalCode::Expired, reason));
        if vsa.timestamp.duration_since(self.now) > CLOCK_SKEW {
            return expired(format!("the VSA is from the future: it was made at {}", vsa.timestamp));
        }
        if let Some(expiration) = self.expiration {
            let most = SignedDuration::try_from(expiration).unwrap_or(SignedDuration::MAX);
            if self.now.duration_since(vsa.timestamp) > most {
                return expired(format!(
                    "the VSA has expired: it was made at {}, and one may be {} old",
                    vsa.timestamp,
                    shown(expiration)
                ));
            }
            if let Some(time) = vsa.effective_time
                && self.effective_time.duration_since(time) > most
            {
                return expired(format!(
                    "the VSA has expired: the policy was evaluated for {time}, and that may be {} before {}",
                    shown(expiration),
                    self.effective_time
                ));
            }
        }
        let failed = |reason: String| Err(VsaRefusal::new(VsaRefusalCode::PredicateFailed, reason));
        if vsa.status != PASSED {
            let status: String = vsa.status.chars().take(60).collect();
            return failed(format!("the VSA has the status `{status}`, not `{PASSED}`"));
        }
        if vsa.violations > 0 {
            return failed(format!("the VSA contradicts itself: `{PASSED}` with {} violations", vsa.violations));
        }
        Ok(())
    }
}

/// A duration as flags take it.
fn shown(duration: Duration) -> String {
    const HOUR: u64 = 3600;
    match duration.as_secs() {
        seconds if seconds > 0 && seconds % (24 * HOUR) == 0 => format!("{}d", seconds / (24 * HOUR)),
        seconds if seconds > 0 && seconds % HOUR == 0 => format!("{}h", seconds / HOUR),
        _ => assay_gocompat::duration::format(duration),
    }
}

#[cfg(test)]
mod tests;
