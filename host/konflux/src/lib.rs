//! Konflux's resources without a cluster: what an integration run is made of.
//!
//! Pure: texts and values in, values out; no clock, disk, network or threads. [`plan`] is what a scheduler takes.

pub mod plan;
