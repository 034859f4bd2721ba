//! Checks the SPDX license expressions of the packages in an image's SBOM.
//!
//! In reading order: [`terms`] (which licenses are allowed), [`exceptions`] (and for which packages others are), `assay_sbom` (the packages of a statement),
//! [`findings`] (one finding for each package that is not allowed), and `guest`, which implements the world `check` of
//! `assay:plugin`. It exists on wasm only, so that `cargo test` runs the tests of the other modules natively.

#[cfg(target_family = "wasm")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit/assay-plugin/0.1", world: "check" });
}
pub mod exceptions;
pub mod findings;
#[cfg(target_family = "wasm")]
mod guest;
#[path = "../../../sdk/rust/src/output.rs"]
mod output;
pub mod terms;
