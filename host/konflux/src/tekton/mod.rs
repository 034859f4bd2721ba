//! Tekton's pipelines: read, checked, and made into plans.

pub mod check;
pub mod pipeline;
pub mod planning;
pub mod short;
pub(crate) mod variable;
