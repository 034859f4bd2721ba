//! Verification summary attestations (VSAs): [`make_vsas`] makes those of a run, [`validate_vsas`] says whether some stand for an
//! evaluation.

mod make;
mod stored;
mod validate;

pub use assay_evidence::SigningKey;
pub use assay_model::vsa::{DifferenceKind, PolicyDifference};
pub use make::{MadeVsa, MadeVsas, VsaSettings, make_vsas, read_signing_key};
pub use validate::{CheckedVsa, RefusedVsa, ValidateVsasRequest, VsaVerdict, validate_vsas};
