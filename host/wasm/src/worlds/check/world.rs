//! [`WORLD`]: the entry of `check` in the table of worlds.

use super::v0_1;
use crate::{
    call_limits::CallLimits,
    engine_config::Metering,
    permissions::{Grantable, Permission},
    world::World,
};

/// The world `check`.
pub(crate) static WORLD: World = World {
    name: "check",
    exports: &["assay:plugin/metadata", "assay:plugin/image-check"],
    imports: &["assay:plugin/types", "assay:plugin/logging", "assay:plugin/snapshot", "assay:plugin/evidence"],
    grantable: Grantable { always: &[Permission::Logging], on_request: &[Permission::Evidence] },
    metering: Metering::Fuel,
    defaults: CallLimits::CHECK,
    caps: CallLimits::CHECK_CAP,
    needs_rules: true,
    add_to_linker: v0_1::add_to_linker,
    check_types: v0_1::check_types,
};
