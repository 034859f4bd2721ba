//! The entries of `task-offline` and `task` in the table of worlds: the same export, without and with HTTP.

use super::v0_1;
use crate::{
    call_limits::CallLimits,
    engine_config::Metering,
    permissions::{Grantable, Permission},
    world::World,
};

const EXPORTS: &[&str] = &["assay:plugin/metadata", "assay:plugin/custom-task"];

/// The world `task-offline`.
pub(crate) static TASK_OFFLINE: World = World {
    name: "task-offline",
    exports: EXPORTS,
    imports: &[
        "assay:plugin/types",
        "assay:plugin/logging",
        "assay:plugin/snapshot",
        "assay:plugin/evidence",
        "assay:plugin/artifacts",
        "assay:plugin/tests",
    ],
    grantable: Grantable { always: &[Permission::Logging], on_request: &[Permission::Evidence] },
    metering: Metering::Time,
    defaults: CallLimits::JOB,
    caps: CallLimits::JOB_CAP,
    needs_rules: false,
    add_to_linker: v0_1::add_to_linker_offline,
    check_types: v0_1::check_types,
};

/// The world `task`.
pub(crate) static TASK: World = World {
    name: "task",
    imports: &[
        "assay:plugin/types",
        "assay:plugin/logging",
        "assay:plugin/snapshot",
        "assay:plugin/evidence",
        "assay:plugin/artifacts",
        "assay:plugin/tests",
        "assay:plugin/http",
    ],
    grantable: Grantable {
        always: &[Permission::Logging],
        on_request: &[Permission::Evidence, Permission::Http, Permission::Secret],
    },
    add_to_linker: v0_1::add_to_linker,
    ..TASK_OFFLINE
};
