//! [`WORLD`]: the entry of `reporter` in the table of worlds.

use super::v0_1;
use crate::{
    call_limits::CallLimits,
    engine_config::Metering,
    permissions::{Grantable, Permission},
    world::World,
};

/// The world `reporter`.
pub(crate) static WORLD: World = World {
    name: "reporter",
    exports: &["assay:plugin/metadata", "assay:plugin/renderer"],
    imports: &[
        "assay:plugin/types",
        "assay:plugin/logging",
        "assay:plugin/events",
        "assay:plugin/artifacts",
        "assay:plugin/http",
    ],
    grantable: Grantable { always: &[Permission::Logging], on_request: &[Permission::Http, Permission::Secret] },
    metering: Metering::Time,
    defaults: CallLimits::JOB,
    caps: CallLimits::JOB_CAP,
    needs_rules: false,
    add_to_linker: v0_1::add_to_linker,
    check_types: v0_1::check_types,
};
