//! The worlds of the contract that this host runs: a folder for each, and the table of them all.

pub mod adapter;
pub mod check;
pub mod reporter;
pub mod task;

use crate::world::World;

/// Every world that a plugin can be of. Where two have the same exports, the one with fewer imports stands first.
pub(crate) static WORLDS: [&World; 5] = [
    &check::world::WORLD,
    &task::world::TASK_OFFLINE,
    &task::world::TASK,
    &adapter::world::WORLD,
    &reporter::world::WORLD,
];
