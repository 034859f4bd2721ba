//! [`WORLD`]: the entry of `check` in the table of worlds.

use super::v0_1;
use crate::{
    limits::Budget,
    permissions::{Grantable, Permission},
    world::World,
};

/// The world `check`.
pub(crate) static WORLD: World = World {
    name: "check",
    exports: &["assay:plugin/metadata", "assay:plugin/image-check"],
    imports: &["assay:plugin/types", "assay:plugin/logging", "assay:plugin/snapshot", "assay:plugin/evidence"],
    grantable: Grantable { always: &[Permission::Logging], on_request: &[Permission::Evidence] },
    budget: Budget::FULL,
    add_to_linker: v0_1::add_to_linker,
    check_types: v0_1::check_types,
};
