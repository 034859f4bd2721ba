//! Konflux's resources, as far as a run needs them.

pub mod component;
pub mod group;
pub mod metadata;
pub mod scenario;

pub use component::{Application, ComponentResource};
pub use group::{ComponentGroup, Member, TestGraph};
pub use metadata::Metadata;
pub use scenario::{ResolverRef, Scenario};
