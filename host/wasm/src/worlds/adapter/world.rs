//! [`WORLD`]: the entry of `adapter` in the table of worlds.

use super::v0_1;
use crate::{
    call_limits::CallLimits,
    engine_config::Metering,
    permissions::{Grantable, Permission},
    world::World,
};

/// The world `adapter`.
pub(crate) static WORLD: World = World {
    name: "adapter",
    exports: &["assay:plugin/metadata", "assay:plugin/remote-job"],
    imports: &[
        "assay:plugin/types",
        "assay:plugin/logging",
        "assay:plugin/snapshot",
        "assay:plugin/artifacts",
        "assay:plugin/tests",
        "assay:plugin/http",
        "assay:plugin/checkpoint",
    ],
    grantable: Grantable {
        always: &[Permission::Logging],
        on_request: &[Permission::Http, Permission::Secret, Permission::Checkpoint],
    },
    metering: Metering::Time,
    defaults: CallLimits::JOB,
    caps: CallLimits::JOB_CAP,
    needs_rules: false,
    add_to_linker: v0_1::add_to_linker,
    check_types: v0_1::check_types,
};
