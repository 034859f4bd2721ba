//! [`validate_vsas`]: whether for each image of a Snapshot there is a VSA that stands for the evaluation that a request to validate
//! them would be: signed by the key, about the image, the policy and the signer, passed, and recent enough.

use std::{sync::Arc, time::Duration};

use assay_evidence::PublicKey;
use assay_model::{
    effective_time::EffectiveTime,
    image::{ImageRef, PinnedImage},
    policy::PolicySpec,
    snapshot::Component,
    vsa::{PolicyDifference, VsaRefusal, WantedSigner, WantedVsa},
};
use assay_oci::{ContentStore, SourceRef};
use camino::Utf8PathBuf;
use jiff::Timestamp;

use super::stored::{FOLDER, StoredVsa, StoredVsas};
use crate::{
    compose::open_store,
    error::RequestError,
    event::EventSink,
    image_request::ValidateImageRequest,
    policy_sources::PolicySources,
    trust::{KeyText, SignerRequest, read_key},
};

/// A request to look for VSAs in place of an evaluation.
#[derive(Clone, Debug)]
pub struct ValidateVsasRequest {
    /// The evaluation.
    pub image: ValidateImageRequest,
    /// Files with VSAs.
    pub files: Vec<Utf8PathBuf>,
    /// Folders with VSAs.
    pub folders: Vec<Utf8PathBuf>,
    /// The key that must have signed them; none where signatures are not verified.
    pub key: Option<KeyText>,
    /// How old one may be; none for any age.
    pub expiration: Option<Duration>,
    /// The present time.
    pub now: Timestamp,
}

/// What is known of one image.
#[derive(Clone, Debug)]
pub struct CheckedVsa {
    /// The component.
    pub component: Component,
    /// The image by digest, if that is known.
    pub image: Option<PinnedImage>,
    /// Whether a VSA stands for its evaluation.
    pub verdict: VsaVerdict,
}

/// Whether a VSA stands for an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VsaVerdict {
    /// One does.
    Passed {
        /// Its file.
        place: String,
        /// When it was made.
        timestamp: Timestamp,
    },
    /// None does.
    Refused(RefusedVsa),
    /// Nobody knows which image it is.
    Unknown(String),
}

/// Why no VSA stands for an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedVsa {
    /// For programs.
    pub code: &'static str,
    /// For people: one sentence.
    pub reason: String,
    /// The file of the VSA that came closest.
    pub place: Option<String>,
    /// Its status, if its signature verified.
    pub status: Option<String>,
    /// What its policy and the wanted one differ in.
    pub differences: Vec<PolicyDifference>,
}

impl RefusedVsa {
    fn new(code: &'static str, reason: String) -> Self {
        Self { code, reason, place: None, status: None, differences: Vec::new() }
    }
}

/// Checks the VSAs of all components.
///
/// # Errors
/// The request cannot be used, a file cannot be read, or a source of the policy cannot be fetched.
pub fn validate_vsas(request: &ValidateVsasRequest, events: &dyn EventSink) -> Result<Vec<CheckedVsa>, RequestError> {
    let image = &request.image;
    let key = request.key.as_ref().map(|key| read_key(key, image.mode)).transpose()?;
    let signer = match &image.trust.signer {
        SignerRequest::Key(text) => WantedSigner::Key(read_key(text, image.mode)?.to_pem().to_owned()),
        SignerRequest::Identity(identity) => WantedSigner::Identity(identity.clone()),
    };
    let stored = read_vsas(request, key.as_ref())?;
    let (policy, store) = pinned_policy(image, events)?;
    let effective_time = match image.effective_time {
        EffectiveTime::At(time) => time,
        EffectiveTime::PerBuild { fallback } => fallback,
    };
    let check_component = |component: &Component| {
        let (found, verdict) = match resolve(&component.container_image, &store) {
            Ok(found) => {
                let wanted = WantedVsa {
                    image: &found,
                    component: &component.name,
                    policy: &policy,
                    signer: &signer,
                    filter_type: if image.by_intention { "ec-policy" } else { "" },
                    effective_time,
                    now: request.now,
                    expiration: request.expiration,
                };
                let verdict = find_verdict(&wanted, &stored);
                (Some(found), verdict)
            }
            Err(why) => (None, VsaVerdict::Unknown(why)),
        };
        CheckedVsa { component: component.clone(), image: found, verdict }
    };
    Ok(image.snapshot.components.iter().map(check_component).collect())
}

fn read_vsas(request: &ValidateVsasRequest, key: Option<&PublicKey>) -> Result<StoredVsas, RequestError> {
    let mut stored = StoredVsas::default();
    for file in &request.files {
        stored.add_file(file, key)?;
    }
    for folder in &request.folders {
        stored.add_folder(folder, key, FOLDER)?;
    }
    Ok(stored)
}

/// The policy with its sources as they are now, and the store that they came from.
fn pinned_policy(
    request: &ValidateImageRequest,
    events: &dyn EventSink,
) -> Result<(PolicySpec, Arc<ContentStore>), RequestError> {
    let store = Arc::new(open_store(request)?);
    let mut policy = request.policy.clone();
    let sources = PolicySources::of_policy(&policy, &request.sources, Some(Arc::clone(&store)), events)?;
    for text in policy.sources.iter().flat_map(|group| group.policy.iter().chain(&group.data)) {
        if SourceRef::parse(text).is_ok_and(|source| source.is_local()) {
            events.warn(format!("the source `{text}` is on this machine: a VSA does not say what it contained"));
        }
    }
    sources.pin(&mut policy);
    Ok((policy, store))
}

fn resolve(text: &str, store: &ContentStore) -> Result<PinnedImage, String> {
    let image: ImageRef =
        text.parse().map_err(|error| format!("`{text}` is not the reference of an image: {error}"))?;
    match image.pinned() {
        Some(pinned) => Ok(pinned),
        None => store.resolve(&image).map(|found| found.image).map_err(|error| error.to_string()),
    }
}

/// The newest VSA that is about the evaluation decides; an older one that passed does not help a newer one that did not.
fn find_verdict(wanted: &WantedVsa<'_>, stored: &StoredVsas) -> VsaVerdict {
    let about = |one: &&StoredVsa| one.subjects.contains(&wanted.image.digest);
    let mut matching = Vec::new();
    let mut closest: Option<(Option<Timestamp>, RefusedVsa)> = None;
    let mut refuse = |at: Option<Timestamp>, refused: RefusedVsa| {
        if closest.as_ref().is_none_or(|(before, _)| *before < at) {
            closest = Some((at, refused));
        }
    };
    for one in stored.found.iter().filter(about) {
        match &one.vsa {
            Ok(vsa) => match wanted.is_subject_of(vsa) {
                Ok(()) => matching.push((vsa, &one.place)),
                Err(refusal) => refuse(Some(vsa.timestamp), refused(refusal, &one.place, &vsa.status)),
            },
            Err(why) => {
                let reason = format!("the VSA in `{}` cannot be read: {why}", one.place);
                let refused = RefusedVsa::new("malformed", reason);
                refuse(None, RefusedVsa { place: Some(one.place.clone()), ..refused });
            }
        }
    }
    let Some(newest) = matching.iter().map(|(vsa, _)| vsa.timestamp).max() else {
        return VsaVerdict::Refused(closest.map_or_else(|| no_vsa(wanted, stored), |(_, refused)| refused));
    };
    // Of several that are equally new, each must pass.
    let mut passed = None;
    for (vsa, place) in matching.into_iter().filter(|(vsa, _)| vsa.timestamp == newest) {
        match wanted.is_passed_by(vsa) {
            Ok(()) => passed = Some(VsaVerdict::Passed { place: place.clone(), timestamp: newest }),
            Err(refusal) => return VsaVerdict::Refused(refused(refusal, place, &vsa.status)),
        }
    }
    passed.unwrap_or_else(|| VsaVerdict::Refused(no_vsa(wanted, stored)))
}

fn refused(refusal: VsaRefusal, place: &str, status: &str) -> RefusedVsa {
    RefusedVsa {
        code: refusal.code.as_str(),
        reason: refusal.reason,
        place: Some(place.to_owned()),
        status: Some(status.to_owned()),
        differences: refusal.differences,
    }
}

/// Why there is none: what else there is.
fn no_vsa(wanted: &WantedVsa<'_>, stored: &StoredVsas) -> RefusedVsa {
    let others = stored.found.len();
    match (stored.refused.as_slice(), others) {
        ([(place, code, reason)], 0) => {
            let refused = RefusedVsa::new(code, format!("the VSA in `{place}` does not count: {reason}"));
            RefusedVsa { place: Some(place.clone()), ..refused }
        }
        ([], 0) => RefusedVsa::new("no_vsa", format!("there is no VSA about {}", wanted.image)),
        ([], 1) => {
            let place = stored.found.first().map(|one| one.place.clone());
            let reason = format!("the VSA in `{}` is about another image", place.as_deref().unwrap_or_default());
            RefusedVsa { place, ..RefusedVsa::new("subject_mismatch", reason) }
        }
        (refused, others) => {
            let first = refused.first().map(|(place, _, reason)| format!(": `{place}`: {reason}")).unwrap_or_default();
            let reason = format!(
                "there is no VSA about {}; {others} are about other images, and {} do not count{first}",
                wanted.image,
                refused.len()
            );
            RefusedVsa::new("no_vsa", reason)
        }
    }
}

impl CheckedVsa {
    /// Whether a VSA stands for the evaluation.
    #[must_use]
    pub const fn passed(&self) -> bool {
        matches!(self.verdict, VsaVerdict::Passed { .. })
    }
}

#[cfg(test)]
mod tests;
