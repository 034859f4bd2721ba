//! Chores of the workspace, and the builder of signed image layouts that its tests and its example are made with.

pub mod bench;
pub mod fixtures;
pub mod guests;
pub mod layer;
pub mod layout;
pub mod policy_docs;
pub mod sign;
