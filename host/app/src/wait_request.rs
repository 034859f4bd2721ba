//! [`wait_for_signatures`]: waits until the images of a Snapshot have a signature and an attestation that count.
//!
//! What signs images works beside the build, and may be late or never come. What counts is what verifies, not what says
//! that something was signed.

use std::time::Duration;

use assay_evidence::{Proofs, Verified};
use assay_model::{
    port::{Clock, Wakeup},
    snapshot::Snapshot,
};
use serde::Serialize;

use crate::{
    error::{RequestError, RequestErrorKind},
    verify_request::{VerifyRequest, VerifySubject, verify},
};

/// What is waited for.
#[derive(Clone, Debug)]
pub struct WaitRequest {
    /// The images.
    pub snapshot: Snapshot,
    /// How each of them is verified; its subject is an image, which is replaced.
    pub verify: VerifyRequest,
    /// The longest time.
    pub limit: Duration,
    /// The time between two looks.
    pub interval: Duration,
}

/// How far a signature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitState {
    /// One is there that verifies.
    Signed,
    /// There is none yet.
    Waiting,
    /// It is not known, since something could not be read.
    Unreadable,
    /// There are some, and none verifies.
    Invalid,
}

/// What is known of a Snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitReport {
    /// That of the component that is farthest from being signed.
    pub state: WaitState,
    /// One sentence.
    pub summary: String,
    /// How long it was waited, in milliseconds.
    pub waited_ms: u64,
    /// The limit, in milliseconds.
    pub limit_ms: u64,
    /// How often it was looked.
    pub looks: u32,
    /// Each component.
    pub components: Vec<WaitComponent>,
}

/// What is known of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitComponent {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// The signature of the image.
    pub signature: WaitPart,
    /// The attestations about it.
    pub attestation: WaitPart,
}

/// A signature or an attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitPart {
    /// How far it is.
    pub state: WaitState,
    /// Why, unless it is there.
    pub message: String,
}

impl WaitPart {
    fn waiting() -> Self {
        Self { state: WaitState::Waiting, message: "there is none yet".to_owned() }
    }

    fn of(proofs: &Proofs) -> Self {
        let (state, message) = match (proofs.verdict(), proofs.refused.first(), proofs.unread.first()) {
            (Verified::Yes, ..) => (WaitState::Signed, String::new()),
            (Verified::Unknown, _, Some(error)) => (WaitState::Unreadable, error.message.clone()),
            (Verified::No, Some(refused), _) => (WaitState::Invalid, refused.error.to_string()),
            (Verified::No | Verified::Unknown, ..) => return Self::waiting(),
        };
        Self { state, message }
    }
}

/// Looks until everything is signed, something is signed by someone else, or the time is over. Each look is reported.
///
/// # Errors
/// The request cannot be used.
pub fn wait_for_signatures(
    request: &WaitRequest,
    on_look: &mut dyn FnMut(&WaitReport),
) -> Result<WaitReport, RequestError> {
    wait_by(&assay_store::SystemClock::new(), request, on_look)
}

fn wait_by(
    clock: &dyn Clock,
    request: &WaitRequest,
    on_look: &mut dyn FnMut(&WaitReport),
) -> Result<WaitReport, RequestError> {
    let started = clock.elapsed();
    let nothing = Wakeup::default();
    let component = |component: &assay_model::snapshot::Component| WaitComponent {
        name: component.name.clone(),
        image: component.container_image.clone(),
        signature: WaitPart::waiting(),
        attestation: WaitPart::waiting(),
    };
    let mut components: Vec<WaitComponent> = request.snapshot.components.iter().map(component).collect();
    let mut looks = 0;
    loop {
        for component in &mut components {
            look(request, component)?;
        }
        looks += 1;
        let waited = clock.elapsed().saturating_sub(started);
        let report = report(request, &components, waited, looks);
        on_look(&report);
        if matches!(report.state, WaitState::Signed | WaitState::Invalid) || waited >= request.limit {
            return Ok(report);
        }
        let seen = nothing.generation();
        clock.wait(&nothing, seen, clock.elapsed() + request.interval.min(request.limit.saturating_sub(waited)));
    }
}

/// What was there once is not looked at again.
fn look(request: &WaitRequest, component: &mut WaitComponent) -> Result<(), RequestError> {
    let VerifySubject::Image(place) = &request.verify.subject else {
        return Err(RequestError::of(RequestErrorKind::Internal, "assay has a bug: an image is to be waited for"));
    };
    let mut place = place.clone();
    place.image.clone_from(&component.image);
    let parts = [
        (&mut component.signature, VerifySubject::Image(place.clone())),
        (&mut component.attestation, VerifySubject::Attestations(place)),
    ];
    for (part, subject) in parts {
        if part.state == WaitState::Signed {
            continue;
        }
        *part = match verify(&VerifyRequest { subject, ..request.verify.clone() }) {
            Ok(result) => WaitPart::of(&result.proofs),
            Err(error) if matches!(error.kind(), RequestErrorKind::Evidence | RequestErrorKind::Registry) => {
                WaitPart { state: WaitState::Unreadable, message: error.message() }
            }
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

fn report(request: &WaitRequest, components: &[WaitComponent], waited: Duration, looks: u32) -> WaitReport {
    let parts = || components.iter().flat_map(|one| [&one.signature, &one.attestation]);
    let state = parts().map(|part| part.state).max().unwrap_or(WaitState::Waiting);
    let signed = components
        .iter()
        .filter(|one| [&one.signature, &one.attestation].iter().all(|part| part.state == WaitState::Signed))
        .count();
    let all = components.len();
    let limit = request.limit.as_secs();
    let rest = if waited >= request.limit {
        format!("the limit of {limit} s is over; raise it with --limit, or find out what does not sign")
    } else {
        format!("it is looked again every {} s, until {limit} s are over", request.interval.as_secs_f64())
    };
    let summary = match state {
        WaitState::Signed => format!("all {all} components are signed and attested"),
        WaitState::Waiting => format!("{signed} of {all} components are signed and attested; {rest}"),
        WaitState::Unreadable => {
            format!("{signed} of {all} components are signed and attested, and something could not be read; {rest}")
        }
        WaitState::Invalid => {
            "a signature or attestation is there that does not count, and waiting does not change that".to_owned()
        }
    };
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    WaitReport {
        state,
        summary,
        waited_ms: ms(waited),
        limit_ms: ms(request.limit),
        looks,
        components: components.to_vec(),
    }
}
