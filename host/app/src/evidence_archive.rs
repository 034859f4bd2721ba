//! [`collect_evidence`]: reads everything that validating images reads, and keeps it.
//!
//! What policies request is known only when they are evaluated. So the images are validated, and every answer on the way
//! is kept: the same request gets the same answers from the archive.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    event::{RunFinished, StopReason},
};

use crate::{
    error::RequestError,
    event::{Event, EventSink},
    image_request::ValidateImageRequest,
    run::start,
};

/// What a collection came to.
#[derive(Debug)]
pub struct CollectedEvidence {
    /// How many components there were.
    pub components: usize,
    /// The components whose evidence could not be had, by name, with the reason.
    pub failed: Vec<(String, EvaluationError)>,
    /// Why the run ended early.
    pub stopped: Option<StopReason>,
}

/// Errors that evaluating the same evidence again gives again.
const OF_EVALUATION: [ErrorCode; 6] = [
    ErrorCode::PolicyError,
    ErrorCode::PluginTrap,
    ErrorCode::PluginCpuLimit,
    ErrorCode::PluginMemoryLimit,
    ErrorCode::PluginError,
    ErrorCode::NoResults,
];

/// Validates images while the recorder of the request keeps what is read. Violations are no failure here.
///
/// # Errors
/// The request cannot be carried out.
pub fn collect_evidence(
    request: ValidateImageRequest,
    events: &dyn EventSink,
) -> Result<CollectedEvidence, RequestError> {
    let mut run = start(request)?;
    for event in run.by_ref() {
        match event {
            Event::Run(_) | Event::Loaded => {}
            other => events.event(other),
        }
    }
    // Every thread has ended then, and no request is on its way any more.
    let finished = run.join()?.finished;
    Ok(collected(&finished))
}

fn collected(finished: &RunFinished) -> CollectedEvidence {
    let failed = finished.outcomes.iter().filter_map(|outcome| {
        let error = outcome.error.as_ref().filter(|error| !OF_EVALUATION.contains(&error.code))?;
        Some((outcome.component.name.clone(), error.clone()))
    });
    CollectedEvidence { components: finished.outcomes.len(), failed: failed.collect(), stopped: finished.stopped }
}
