//! The worlds of the contract that this host runs: a folder for each, and the table of them all.

pub mod check;

use crate::world::World;

/// Every world that a plugin can be of.
pub(crate) static WORLDS: [&World; 1] = [&check::world::WORLD];
