//! Runs checks that are WebAssembly components, each call in a fresh and limited instance.
//!
//! In reading order: [`engine`] (what components run on), [`plugin`] (a component that was read, compiled and asked what
//! it is), [`manifest`] and [`params`] (what it says of itself and may be given), [`check`] (a plugin with its
//! parameters, as a judge), `findings` (what its findings amount to), `inspect` and
//! `types` (what a component holds, counted before it is compiled), `call` and `state` (one call), `capability` (what a
//! guest can reach), [`limits`], and `wit` (the versions of the contract, converted at the edge).
//!
//! Invariant: a guest reaches nothing but the evidence of the image it is asked about; it has no clock, no randomness
//! of its own, no files, no network. Nothing of wasmtime leaves this crate.

mod call;
mod capability;
pub mod check;
pub mod engine;
mod findings;
pub mod fuzzing;
mod inspect;
pub mod limits;
pub mod manifest;
pub mod params;
pub mod plugin;
mod state;
mod text;
mod types;
mod wit;

pub use check::{Check, CheckOptions, LogSink};
pub use engine::{Engine, EngineError, EngineOptions};
pub use manifest::{Manifest, Rule, Severity};
pub use params::ParamError;
pub use plugin::{LoadError, Plugin};
