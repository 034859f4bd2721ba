//! [`prove_image`], [`prove_attestations`] and [`prove_bundle`]: what verifies of an image or a file and by whom, when and
//! where, and why the rest does not, for people who verify one thing.
//!
//! What was signed is bound by its digest alone: a copy in another repository verifies, as with cosign.

use std::collections::BTreeMap;

use assay_model::{error::EvaluationError, image::PinnedImage};
use assay_oci::ContentStore;

use super::{
    attestation::{self, Attested},
    bundle::SIGNS_IMAGE,
    verification_result::{Proven, Refused, VerificationResult},
};
use crate::{
    error::{VerificationError, shown},
    keyless::{Artifact, BundleVerifier, LayerEvidence, VerifiedTime},
    trust::Trust,
};

/// What was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofKind {
    /// An image.
    Image,
    /// A statement about an image.
    Attestation,
    /// A file, or a statement about one.
    Blob,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The given key.
    Key,
    /// An identity.
    Identity {
        /// The name in the certificate.
        name: String,
        /// Who knows it.
        issuer: String,
        /// What else the certificate says, by the names of `ec`'s reports.
        extensions: BTreeMap<String, String>,
    },
}

/// One signature that verifies.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What was signed.
    pub kind: ProofKind,
    /// The tag or the referrer, and the layer; or the file.
    pub place: String,
    /// The type of a signed statement's predicate.
    pub predicate_type: Option<String>,
    /// Who signed.
    pub signer: Signer,
    /// The verified times, each with the address of who vouches for it, if that is known.
    pub times: Vec<(VerifiedTime, Option<String>)>,
    /// The log's identifier in hex, and the place of the entry in it.
    pub log: Option<(String, i64)>,
}

/// What verifies, and what does not.
#[derive(Clone, Debug, Default)]
pub struct Proofs {
    /// What verifies.
    pub verified: Vec<Proof>,
    /// What does not.
    pub refused: Vec<Refused>,
    /// What could not be read.
    pub unread: Vec<EvaluationError>,
}

/// Whether anything verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// At least one signature does.
    Yes,
    /// None does, and everything could be read.
    No,
    /// None does of what could be read.
    Unknown,
}

impl Proofs {
    /// Whether anything verifies.
    #[must_use]
    pub const fn verdict(&self) -> Verified {
        match (self.verified.is_empty(), self.unread.is_empty()) {
            (false, _) => Verified::Yes,
            (true, true) => Verified::No,
            (true, false) => Verified::Unknown,
        }
    }

    fn add<T>(&mut self, found: VerificationResult<T>, trust: &Trust, check: impl Fn(&T) -> Checked) {
        self.refused.extend(found.errors);
        // The same list of referrers is read once for signatures and once for attestations.
        self.unread.extend(found.unread.into_iter().filter(|error| !self.unread.contains(error)).collect::<Vec<_>>());
        for Proven { value, place, evidence } in found.verified {
            match check(&value) {
                Ok((kind, predicate_type)) => {
                    self.verified.push(proof(kind, place, predicate_type, evidence, |time, log| {
                        trust.root().and_then(|root| root.authority_of(time, log))
                    }));
                }
                Err(error) => self.refused.push(Refused { place, error }),
            }
        }
    }
}

/// What was signed and the type of its predicate, or why it is not what was wanted.
type Checked = Result<(ProofKind, Option<String>), VerificationError>;

fn proof(
    kind: ProofKind,
    place: String,
    predicate_type: Option<String>,
    evidence: LayerEvidence,
    authority: impl Fn(&VerifiedTime, Option<&str>) -> Option<String>,
) -> Proof {
    let log = evidence.log.as_ref().map(|(id, _)| id.as_str());
    let times = evidence.times.iter().map(|time| (*time, authority(time, log))).collect();
    let signer = match evidence.identity {
        Some((name, issuer)) => Signer::Identity { name, issuer, extensions: evidence.metadata },
        None => Signer::Key,
    };
    Proof { kind, place, predicate_type, signer, times, log: evidence.log }
}

fn of_type(found: &str, wanted: Option<&str>) -> Result<(), VerificationError> {
    match wanted {
        Some(wanted) if wanted != found => Err(VerificationError::PredicateType(format!(
            "the statement has the predicate type `{}`, not `{wanted}`",
            shown(found)
        ))),
        _ => Ok(()),
    }
}

/// The signatures of an image: under its tag, and in bundles that refer to it.
///
/// # Errors
/// A limit is exceeded, or the time is over; what else could not be read is in the result.
pub fn prove_image(store: &ContentStore, image: &PinnedImage, trust: &Trust) -> Result<Proofs, EvaluationError> {
    let bundled = super::bundles(store, image, trust)?;
    let mut proofs = Proofs::default();
    proofs.add(super::signatures(store, image, trust)?, trust, |_| Ok((ProofKind::Image, None)));
    proofs.add(bundled.signatures, trust, |_| Ok((ProofKind::Image, Some(SIGNS_IMAGE.to_owned()))));
    if !proofs.verified.is_empty() {
        return Ok(proofs);
    }
    // An attestation signs no image, whatever it says.
    for Proven { value: Attested { attestation, .. }, place, .. } in bundled.attestations.verified {
        let error = of_type(&attestation.predicate_type, Some(SIGNS_IMAGE)).err();
        proofs.refused.extend(error.map(|error| Refused { place, error }));
    }
    Ok(proofs)
}

/// The attestations about an image: under its tag, and in bundles that refer to it; of one predicate type, if it is given.
///
/// # Errors
/// A limit is exceeded, or the time is over; what else could not be read is in the result.
pub fn prove_attestations(
    store: &ContentStore,
    image: &PinnedImage,
    trust: &Trust,
    predicate_type: Option<&str>,
) -> Result<Proofs, EvaluationError> {
    let bundled = super::bundles(store, image, trust)?;
    let mut proofs = Proofs::default();
    let check = |attested: &Attested| {
        let found = &attested.attestation.predicate_type;
        of_type(found, predicate_type)?;
        Ok((ProofKind::Attestation, Some(found.clone())))
    };
    proofs.add(super::attestations(store, image, trust)?, trust, check);
    proofs.add(bundled.attestations, trust, check);
    if !proofs.verified.is_empty() {
        return Ok(proofs);
    }
    for Proven { place, .. } in bundled.signatures.verified {
        let why = "the statement signs the image and says nothing else about it";
        proofs.refused.push(Refused { place, error: VerificationError::PredicateType(why.to_owned()) });
    }
    Ok(proofs)
}

/// A bundle in a file, about a file.
#[must_use]
pub fn prove_bundle(
    verifier: &BundleVerifier,
    bundle: &[u8],
    place: &str,
    artifact: Artifact<'_>,
    predicate_type: Option<&str>,
) -> Proofs {
    let verified = verifier.verify(bundle, artifact).and_then(|verified| {
        let found = verified.statement.as_deref().map(attestation::predicate_type).transpose()?;
        match (&found, predicate_type) {
            (Some(found), _) => of_type(found, predicate_type)?,
            (None, Some(wanted)) => {
                let why =
                    format!("the bundle has a signature alone, and no statement of the predicate type `{wanted}`");
                return Err(VerificationError::PredicateType(why));
            }
            (None, None) => {}
        }
        let authority = |time: &VerifiedTime, log: Option<&str>| verifier.root().authority_of(time, log);
        Ok(proof(ProofKind::Blob, place.to_owned(), found, verified.evidence, authority))
    });
    match verified {
        Ok(proof) => Proofs { verified: vec![proof], ..Proofs::default() },
        Err(error) => Proofs { refused: vec![Refused { place: place.to_owned(), error }], ..Proofs::default() },
    }
}
