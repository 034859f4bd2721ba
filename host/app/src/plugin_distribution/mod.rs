//! Plugins between people: pushed to registries, signed, vetted, locked, and run as they were locked.
//!
//! In reading order: [`PluginsFile`] and [`LockFile`], the two files of a platform team; [`PluginSources`], which gives every
//! command its plugins; `artifact`, their form in registries; `signers` and `vet_statement`, whose word counts;
//! [`lock_plugins`], [`vet_plugin`], [`push_plugin`] and [`pull_plugin`], what the commands do.

mod artifact;
mod entry_of;
mod error;
mod grants;
mod inspect;
mod lock;
mod lock_file;
mod plugins_file;
mod pull;
mod push;
mod registry_pattern;
mod sbom;
mod signers;
mod signing;
mod sources;
mod vet;
mod vet_statement;

pub use inspect::{InspectPluginRequest, InspectedPlugin, inspect_plugin};
pub use lock::{ListedPlugin, LockProblem, LockRequest, Locked, Update, check_lock, list_plugins, lock_plugins};
pub use lock_file::{LOCK_NAME, LockFile};
pub use plugins_file::{PluginsFile, VetMode};
pub use pull::{PulledPlugin, pull_plugin, save_plugins};
pub use push::{PushRequest, PushedPlugin, push_plugin};
pub use signers::PluginSigner;
pub use signing::{Attached, PluginSigningKey, SBOM_BYTES, attach_sbom, attach_signature, attach_vet, sign_plugin};
pub use sources::{ComponentBytes, PluginSources, SourcedPlugin};
pub use vet::{VetRequest, VetResult, policy_of_folder, vet_plugin};
