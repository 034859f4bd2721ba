//! Runs plugins, which are WebAssembly components, each call in a fresh and limited instance.
//!
//! In reading order: [`engine`] (compiles and runs components), [`plugin`] (a compiled component with its
//! manifest), `world` and [`worlds`] (what a component exports and may import; a folder for each world of the
//! contract), [`manifest`], [`params`] and [`permissions`] (the validated description of a plugin), `inspect` (limits that
//! are checked before compilation), `call`, `call_context` and `store_state` (one call), `capability` (what a guest can
//! reach), [`limits`], [`values`] (what crosses the boundary), and `wit` (the versions of the contract).
//!
//! Invariant: a guest reaches only the evidence of the image that it is called for. It has no clock, no randomness of its
//! own, no files and no network. Nothing of wasmtime leaves this crate.

mod abort;
mod call;
mod call_context;
mod capability;
pub mod engine;
pub mod fuzzing;
mod inspect;
mod key;
pub mod limits;
pub mod manifest;
pub mod params;
pub mod permissions;
pub mod plugin;
mod store_state;
mod text;
pub mod values;
mod wit;
mod world;
pub mod worlds;

pub use call_context::RunContext;
pub use capability::logging::LogSink;
pub use engine::{Engine, EngineError, EngineOptions};
pub use manifest::Manifest;
pub use params::ParamError;
pub use permissions::{Permission, Permissions};
pub use plugin::{LoadError, Plugin};
pub use values::{Rule, Severity};
pub use worlds::check::{Check, CheckError, CheckOptions};
