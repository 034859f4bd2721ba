//! Konflux's resources without a cluster: what an integration run is made of.
//!
//! Pure: texts and values in, values out; no clock, disk, network or threads. [`mod@import`] reads files into resources
//! ([`resource`], [`tekton`]); [`plan`] is what a scheduler takes.

pub mod compose;
pub mod contexts;
mod fields;
pub mod graph;
pub mod import;
pub mod issue;
pub mod kind;
pub mod labels;
pub mod matching;
pub mod names;
pub mod plan;
pub mod resource;
pub mod run_labels;
pub mod self_test;
pub mod tekton;
pub mod template;
pub mod timeouts;
