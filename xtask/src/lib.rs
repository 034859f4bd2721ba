//! Tasks of the workspace, and the builder of signed image layouts that its tests and its example are made with.

pub mod bench;
pub mod bench_growth;
pub mod bench_keyless;
pub mod bench_polls;
mod bench_program;
pub mod bench_rego;
pub mod bench_runs;
pub mod bench_start;
pub mod contract_docs;
pub mod dist;
pub mod fixtures;
pub mod guests;
pub mod layer;
pub mod layout;
pub mod opa_cases;
pub mod opa_fuzz;
pub mod plugins;
pub mod policy_docs;
pub mod reference;
pub mod sign;
pub mod sigstore_verdicts;
