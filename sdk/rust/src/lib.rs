//! What plugins of assay in Rust are written with.
//!
//! A plugin depends on this crate with the feature of its world, describes its parameters with [`params!`] and itself with
//! `check!`, `task!`, `adapter!` or `reporter!`, and is a function otherwise:
//!
//! ```ignore
//! assay_sdk::params! {
//!     /// The parameters.
//!     pub struct Params {
//!         /// The most layers that an image may have.
//!         max_layers: u64 = 40u64;
//!     }
//! }
//!
//! assay_sdk::check! {
//!     summary: "Checks how many layers an image has.",
//!     params: Params,
//!     rules: [Rule::new("layers.count", "Image must have few layers", Severity::Medium)],
//!     permissions: [Permission::evidence("layers are what is counted")],
//!     evaluate: evaluate,
//! }
//!
//! fn evaluate(ctx: &Context<Params>, image: &str) -> Result<Vec<Finding>, Error> { … }
//! ```
//!
//! Name, version and license of the manifest are those of the plugin's `Cargo.toml`. In unit tests, on any target but
//! WebAssembly, the host is the one of [`mock`] (feature `mock`).
//!
//! Invariant: nothing here reads a file, a clock or the environment; what the host gives is all there is.

#[cfg(all(
    not(any(
        feature = "check",
        feature = "task-offline",
        feature = "task",
        feature = "adapter",
        feature = "reporter"
    )),
    not(doc)
))]
compile_error!("choose the world of the plugin: one of the features check, task-offline, task, adapter, reporter");

macro_rules! bind {
    ($feature:literal) => {
        /// The contract, as generated; the macros of this crate name it.
        #[cfg(feature = $feature)]
        #[doc(hidden)]
        #[allow(missing_docs, reason = "generated")]
        pub mod bindings {
            wit_bindgen::generate!({
                path: "../../wit/assay-plugin/0.1",
                world: $feature,
                pub_export_macro: true,
                export_macro_name: "export_world",
                default_bindings_module: "assay_sdk::bindings",
                additional_derives: [PartialEq],
            });
        }
    };
}
bind!("check");
bind!("task-offline");
bind!("task");
bind!("adapter");
bind!("reporter");

#[cfg(not(feature = "check"))]
pub mod artifacts;
mod context;
mod error;
#[cfg(not(any(feature = "adapter", feature = "reporter")))]
pub mod evidence;
mod finding;
#[cfg(any(feature = "task", feature = "adapter", feature = "reporter"))]
pub mod http;
mod log;
mod manifest;
#[cfg(all(feature = "mock", not(target_family = "wasm")))]
pub mod mock;
mod output;
mod params;
#[cfg(not(feature = "reporter"))]
pub mod snapshot;
#[cfg(feature = "adapter")]
pub mod state;
mod worlds;

pub use bindings::assay::plugin::types::{Error, Finding, Outcome, Severity, Verdict};
pub use context::Context;
pub use error::{invalid, retry};
pub use finding::{FindingExt, VerdictExt, failure, verdict, warning};
pub use log::{debug, info, warn};
pub use manifest::{Permission, Rule};
pub use params::{ParamType, Parameters};
#[doc(hidden)]
pub use serde_json;

/// What the macros of this crate call.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        bindings::assay::plugin::types::Context as RawContext,
        params::{param_name, property, read_param},
    };
}

/// What is called: the host of the component, or the one of the tests.
#[allow(unused_imports, reason = "no world uses all of it")]
mod host {
    #[cfg(not(all(feature = "mock", not(target_family = "wasm"))))]
    pub(crate) use crate::bindings::assay::plugin::*;
    #[cfg(all(feature = "mock", not(target_family = "wasm")))]
    pub(crate) use crate::mock::host::*;
}
