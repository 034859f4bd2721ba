//! Limits of policies and their evaluation beyond those of [`assay_model::limits`], with the attack each stops.

use std::time::Duration;

/// Text of all policy and data files of one group of sources together.
pub(crate) const SOURCE_BYTES: u64 = 512 << 20;

/// Time of one evaluation. The costliest policies known need some seconds; what needs more loops forever.
pub const EVALUATION_TIME: Duration = Duration::from_secs(120);

/// What is kept of an evaluation's error: it may quote a whole document.
pub(crate) const MESSAGE_CHARACTERS: usize = 400;

/// Errors of a policy that are kept to be reported.
pub const PROBLEMS: usize = 100;
