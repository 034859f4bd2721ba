//! [`Plugin`]: a compiled component with its manifest.
//!
//! A file that is not a component, is of no known world, imports more than its world offers, or uses an unsupported
//! version of the contract is refused with the reason, before anything of it runs.

use std::sync::Arc;

use assay_model::{digest::Digest, error::EvaluationError, limits::PLUGIN_BYTES};
use wasmtime::component::{Component, InstancePre};

use crate::{
    call::call,
    call_context::{CallContext, Capabilities, RunContext},
    engine::Engine,
    inspect::{InspectError, inspect},
    key,
    limits::Budget,
    manifest::{self, Accepted, Manifest},
    permissions::Permissions,
    store_state::StoreState,
    wit::v0_1::Describer,
    world::World,
    worlds::WORLDS,
};

/// A plugin that can be called. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    engine: Engine,
    world: &'static World,
    component: InstancePre<StoreState>,
    digest: Digest,
    accepted: Accepted,
}

/// A file is not a plugin that this host can run. One sentence with the file and the reason.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is empty.
    #[error("plugin {file} is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// More than [`PLUGIN_BYTES`].
    #[error("plugin {file} has {size} bytes, more than the {max} allowed", max = PLUGIN_BYTES)]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        size: u64,
    },
    /// A core module.
    #[error("plugin {file} is a core WebAssembly module, not a component; build it for the target wasm32-wasip2")]
    CoreModule {
        /// The file.
        file: String,
    },
    /// Native code, which is never run, as it is not sandboxed.
    #[error("plugin {file} is precompiled; pass the component that it was compiled from")]
    Precompiled {
        /// The file.
        file: String,
    },
    /// Another file.
    #[error("plugin {file} is not a WebAssembly component")]
    NotAComponent {
        /// The file.
        file: String,
    },
    /// Exceeds a limit of compilation.
    #[error("plugin {file} cannot be compiled: it {why}")]
    TooMuch {
        /// The file.
        file: String,
        /// The limit, as the end of a sentence.
        why: String,
    },
    /// Invalid, or uses WebAssembly proposals that are disabled.
    #[error("plugin {file} cannot be compiled")]
    Compile {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Of no known world or version, or with other imports or exports.
    #[error("plugin {file} {why}")]
    World {
        /// The file.
        file: String,
        /// What is wrong, as the end of a sentence.
        why: String,
    },
    /// Its functions do not have the types of the version that it names.
    #[error("plugin {file} does not match the interfaces that it names")]
    Types {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its description failed.
    #[error("plugin {file} failed to return its manifest: {cause}")]
    Describe {
        /// The file.
        file: String,
        /// The cause.
        cause: EvaluationError,
    },
    /// Its manifest is invalid.
    #[error("plugin {file} {why}")]
    Manifest {
        /// The file.
        file: String,
        /// What is wrong, as the end of a sentence.
        why: String,
    },
}

/// The first eight bytes of a component and of a core module (WebAssembly's `Binary.md`): magic, version, layer.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The first bytes of an ELF file, which is what wasmtime compiles to.
const ELF: &[u8] = b"\x7fELF";

impl Plugin {
    /// Compiles a component and validates its manifest. `name` stands for the file in messages.
    pub fn load(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        Self::load_any_of(&WORLDS, engine, name, bytes)
    }

    /// Loads a component of one of these worlds.
    pub(crate) fn load_any_of(
        worlds: &'static [&'static World],
        engine: &Engine,
        name: &str,
        bytes: &[u8],
    ) -> Result<Self, LoadError> {
        let file = name.to_owned();
        check_header(&file, bytes)?;
        match inspect(bytes) {
            Ok(()) => {}
            Err(InspectError::TooMuch(why)) => return Err(LoadError::TooMuch { file, why }),
            Err(InspectError::Unreadable(error)) => return Err(LoadError::Compile { file, source: error.into() }),
        }
        let component = match engine.compile(bytes) {
            Ok(component) => component,
            Err(error) => return Err(LoadError::Compile { file, source: error.into() }),
        };
        let world = match World::select(worlds, engine.wasmtime(), &component) {
            Ok(world) => world,
            Err(why) => return Err(LoadError::World { file, why }),
        };
        let linked = link(engine, world, &component);
        let (component, describer) = match linked {
            Ok(linked) => linked,
            Err(error) => return Err(LoadError::Types { file, source: error.into() }),
        };
        let digest = Digest::of(bytes);
        let context = description_context(&file, &digest);
        let described = call(engine, &context, Capabilities::none(), Budget::FULL, |store| describer.describe(store));
        let described = described.map_err(|cause| LoadError::Describe { file: file.clone(), cause })?;
        let accepted = manifest::accept(described, world).map_err(|why| LoadError::Manifest { file, why })?;
        Ok(Self(Arc::new(Loaded { engine: engine.clone(), world, component, digest, accepted })))
    }

    /// The name of its world.
    #[must_use]
    pub fn world(&self) -> &'static str {
        self.0.world.name
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.accepted.manifest
    }

    /// The permissions that it was granted.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.0.accepted.permissions
    }

    /// The digest of the component.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn component(&self) -> &InstancePre<StoreState> {
        &self.0.component
    }

    pub(crate) fn accepted(&self) -> &Accepted {
        &self.0.accepted
    }
}

/// Refuses what does not begin as a component does.
fn check_header(file: &str, bytes: &[u8]) -> Result<(), LoadError> {
    let file = file.to_owned();
    let size = bytes.len() as u64;
    if bytes.is_empty() {
        return Err(LoadError::Empty { file });
    }
    if size > PLUGIN_BYTES {
        return Err(LoadError::TooLarge { file, size });
    }
    if bytes.starts_with(ELF) {
        return Err(LoadError::Precompiled { file });
    }
    if bytes.starts_with(CORE_MODULE) {
        return Err(LoadError::CoreModule { file });
    }
    if !bytes.starts_with(COMPONENT) {
        return Err(LoadError::NotAComponent { file });
    }
    Ok(())
}

/// Checks the types of the imports and exports of a component.
fn link(
    engine: &Engine,
    world: &World,
    component: &Component,
) -> wasmtime::Result<(InstancePre<StoreState>, Describer)> {
    let mut linker = engine.linker();
    (world.add_to_linker)(&mut linker)?;
    let component = linker.instantiate_pre(component)?;
    (world.check_types)(&component)?;
    let describer = Describer::new(&component)?;
    Ok((component, describer))
}

/// A plugin describes itself outside of any run, at time 0.
fn description_context(file: &str, digest: &Digest) -> CallContext {
    CallContext {
        plugin: file.to_owned(),
        run: RunContext { attempt: 1, ..RunContext::default() },
        key: key::hash(&[b"describe", digest.to_string().as_bytes()]),
        now: 0,
        deadline: 0,
        params: Vec::new(),
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Plugin")
            .field("world", &self.world())
            .field("manifest", self.manifest())
            .field("digest", &self.0.digest)
            .finish_non_exhaustive()
    }
}
