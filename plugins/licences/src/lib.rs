//! Judges the SPDX licence expressions of the packages in an image's CycloneDX SBOM.
//!
//! In reading order: [`terms`] (which licences are allowed), [`sbom`] (the packages of a statement), [`verdict`] (what
//! there is to say), and `guest`, which ties them to the world `check` of `assay:plugin` and exists on wasm only, so
//! that everything else is tested natively by `cargo test`.

#[cfg(target_family = "wasm")]
mod guest;
pub mod sbom;
pub mod terms;
pub mod verdict;
