//! [`World`]: what the host knows of one world of the contract. [`World::select`] finds the world of a component.

use wasmtime::{
    Result,
    component::{InstancePre, Linker},
};

use crate::{
    call_limits::CallLimits,
    capability::wasi,
    engine_config::Metering,
    inspect::Surface,
    permissions::Grantable,
    store_state::StoreState,
    text,
    wit::{self, Interface},
};

/// One world of the contract. Each has a folder in `worlds`, and an entry in its table.
pub(crate) struct World {
    /// The name in the contract.
    pub(crate) name: &'static str,
    /// The interfaces that its components export, without versions.
    pub(crate) exports: &'static [&'static str],
    /// The interfaces that its components may import besides WASI, without versions.
    pub(crate) imports: &'static [&'static str],
    pub(crate) grantable: Grantable,
    /// How the computing of a call is limited.
    pub(crate) metering: Metering,
    /// What one call may use unless its manifest requests something else.
    pub(crate) defaults: CallLimits,
    /// What a manifest may request at most.
    pub(crate) caps: CallLimits,
    /// Whether a manifest declares one rule at least.
    pub(crate) needs_rules: bool,
    /// Adds its imports to a linker that has WASI only.
    pub(crate) add_to_linker: fn(&mut Linker<StoreState>) -> Result<()>,
    /// Checks the types of its exports.
    pub(crate) check_types: fn(&InstancePre<StoreState>) -> Result<()>,
}

/// Exports that toolchains generate and nobody calls.
const IGNORED_EXPORTS: [&str; 2] = ["init", "exports"];

/// Exports and worlds that a message lists at most.
const LISTED: usize = 5;

impl World {
    /// The world of a component, by the names of its exports and imports, before it is compiled. The error is the end of a
    /// sentence that begins with the plugin.
    pub(crate) fn select(worlds: &'static [&'static Self], surface: &Surface) -> Result<&'static Self, String> {
        let exports: Vec<&str> = surface.exports.iter().map(String::as_str).filter(|name| !is_ignored(name)).collect();
        let candidates = Self::of_exports(worlds, &exports)?;
        let mut refused = String::new();
        for world in candidates {
            let Some(name) = surface.imports.iter().find(|name| !world.may_import(name)) else { return Ok(world) };
            let name = text::one_line(name, 200);
            refused = format!("imports `{name}`, which the world `{}` does not offer", world.name);
        }
        Err(refused)
    }

    /// The worlds with these exports, of which there is one at least.
    fn of_exports(worlds: &'static [&'static Self], exports: &[&str]) -> Result<Vec<&'static Self>, String> {
        let interfaces: Vec<_> = exports.iter().map(|name| Interface::parse(name)).collect();
        let unsupported = interfaces.iter().filter(|interface| interface.is_of_contract() && !interface.is_supported());
        if let Some(version) = unsupported.filter_map(|interface| interface.version).next() {
            return Err(format!(
                "uses assay:plugin {}, this host supports {}; build it against a version that both support",
                text::one_line(version, 50),
                wit::SUPPORTED_VERSIONS
            ));
        }
        let is_exported = |base: &&str| interfaces.iter().any(|interface| interface.base == *base);
        let candidates: Vec<_> =
            worlds.iter().copied().filter(|world| world.exports.iter().all(&is_exported)).collect();
        let Some(world) = candidates.first() else {
            let exported = text::list(exports.iter().copied().take(LISTED), "nothing");
            let worlds: Vec<_> = worlds.iter().take(LISTED).map(|world| world.expectation()).collect();
            return Err(format!("exports {exported}; {}", worlds.join("; ")));
        };
        match interfaces.iter().zip(exports).find(|(interface, _)| !world.exports.contains(&interface.base)) {
            Some((_, name)) => {
                Err(format!("exports `{}`, which is not part of the world `{}`", text::one_line(name, 200), world.name))
            }
            None => Ok(candidates),
        }
    }

    /// What a component of this world exports, as a sentence.
    fn expectation(&self) -> String {
        let exports: Vec<_> = self.exports.iter().map(|base| format!("{base}@{}", wit::SUPPORTED_VERSIONS)).collect();
        let exports = text::list(exports.iter().map(String::as_str), "nothing");
        format!("a component of the world `{}` exports {exports}", self.name)
    }

    fn may_import(&self, name: &str) -> bool {
        let interface = Interface::parse(name);
        let own = self.imports.contains(&interface.base) && interface.is_supported();
        own || (wasi::INTERFACES.contains(&interface.base) && interface.is_version(wasi::VERSION))
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_tuple("World").field(&self.name).finish()
    }
}

fn is_ignored(export: &str) -> bool {
    IGNORED_EXPORTS.contains(&export) || export.starts_with("cabi_")
}
