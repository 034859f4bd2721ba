//! [`Progress`]: what a thread of a run reports to it.

use assay_model::{error::EvaluationError, outcome::Outcome, port::ResolvedImage};

/// What a thread reports to the run.
#[derive(Debug)]
pub(crate) enum Progress {
    Resolved(usize, Result<ResolvedImage, EvaluationError>),
    Started(usize),
    Finished(usize, Box<Outcome>),
}
