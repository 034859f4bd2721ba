//! [`Plugin`]: a compiled component with its manifest.
//!
//! A file that is not a component, is of no known world, imports more than its world offers, or uses an unsupported
//! version of the contract is refused with the reason, before anything of it runs.

use std::{io, sync::Arc};

use assay_model::{digest::Digest, error::ErrorCode, limits::PLUGIN_BYTES};
use rustix::fs::{MemfdFlags, memfd_create};
use wasmtime::component::{Component, InstancePre};

use crate::{
    call::call,
    call_context::{CallContext, Capabilities, RunContext},
    call_limits::CallLimits,
    code_cache::{self, Reserved},
    compiler::{CompileError, Compiler, compile_in_child},
    engine::{Engine, EngineError},
    engine_config::Metering,
    inspect::{InspectError, inspect},
    key, limits,
    manifest::{self, Accepted, Manifest},
    permissions::Permissions,
    store_state::StoreState,
    values::RawManifest,
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
    described: RawManifest,
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
    #[error("plugin {file} cannot describe itself: it {why}")]
    Describe {
        /// The file.
        file: String,
        /// The code of the failure.
        code: ErrorCode,
        /// The failure, as the end of a sentence.
        why: String,
        /// What a person can do.
        hint: Option<String>,
    },
    /// Its manifest is invalid.
    #[error("plugin {file} {why}")]
    Manifest {
        /// The file.
        file: String,
        /// What is wrong, as the end of a sentence.
        why: String,
    },
    /// The engine cannot start.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl LoadError {
    /// The code for reports.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::TooMuch { .. } => ErrorCode::PluginCompileLimit,
            Self::Describe { code, .. } => *code,
            Self::Engine(_) => ErrorCode::Internal,
            _ => ErrorCode::PluginRefused,
        }
    }

    /// What a person can do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Describe { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }
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
        check_header(name, bytes)?;
        let digest = Digest::of(bytes);
        if let Some(cached) = Self::cached_of(worlds, engine, name, &digest) {
            return cached;
        }
        let file = name.to_owned();
        let surface = match inspect(bytes) {
            Ok(surface) => surface,
            Err(InspectError::TooMuch(why)) => return Err(LoadError::TooMuch { file, why }),
            Err(InspectError::Refused(why)) => return Err(LoadError::World { file, why }),
            Err(InspectError::Unreadable(error)) => return Err(LoadError::Compile { file, source: error.into() }),
        };
        let world = World::select(worlds, &surface).map_err(|why| LoadError::World { file: file.clone(), why })?;
        // Of several threads with the same component, one compiles it.
        let _one = engine.compiling();
        if let Some(cached) = Self::cached_of(worlds, engine, name, &digest) {
            return cached;
        }
        let (component, reserved) = compile(engine, world.metering, &digest, bytes).map_err(|error| match error {
            CompileError::TooMuch(why) => LoadError::TooMuch { file: file.clone(), why },
            CompileError::Failed(source) => LoadError::Compile { file: file.clone(), source },
        })?;
        let (component, describer) = link(engine, world, &component, name)?;
        let described = describe(engine, world, &describer, name, &digest, 0)?;
        let plugin = Self::accept(engine, world, component, digest, described, name)?;
        if let Some(reserved) = reserved {
            // A plugin that cannot be kept is compiled again.
            let _kept = reserved.keep(world.name, &plugin.0.described);
        }
        Ok(plugin)
    }

    /// A component that was compiled before, by its digest, without its bytes.
    ///
    /// # Errors
    /// This host does not run it.
    pub fn load_cached(engine: &Engine, name: &str, digest: &Digest) -> Option<Result<Self, LoadError>> {
        Self::cached_of(&WORLDS, engine, name, digest)
    }

    /// Keeps the code of this component for a component that differs from it in custom sections alone, so that it is not
    /// compiled again. Without a cache, or where it cannot be used, nothing happens.
    pub fn keep_code_for(&self, other: &Digest) {
        let kept = self.engine().cache().zip(self.engine().wasmtime(self.metering()).ok());
        // What cannot be kept is compiled again.
        let _kept = kept.map(|(cache, engine)| cache.keep_as(engine, self.digest(), other));
    }

    fn cached_of(
        worlds: &'static [&'static World],
        engine: &Engine,
        name: &str,
        digest: &Digest,
    ) -> Option<Result<Self, LoadError>> {
        let cache = engine.cache()?;
        // So that only the engine of its world is made.
        let known = cache.known(digest)?;
        let world = worlds.iter().find(|world| world.name == known.record.world)?;
        let (component, record) = cache.find(engine.wasmtime(world.metering).ok()?, digest, known)?;
        if record.world != world.name {
            return None;
        }
        let linked = link(engine, world, &component, name);
        Some(
            linked.and_then(|(component, _)| {
                Self::accept(engine, world, component, digest.clone(), record.manifest, name)
            }),
        )
    }

    fn accept(
        engine: &Engine,
        world: &'static World,
        component: InstancePre<StoreState>,
        digest: Digest,
        described: RawManifest,
        name: &str,
    ) -> Result<Self, LoadError> {
        let accepted = manifest::accept(described.clone(), world)
            .map_err(|why| LoadError::Manifest { file: name.to_owned(), why })?;
        Ok(Self(Arc::new(Loaded { engine: engine.clone(), world, component, digest, described, accepted })))
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

    /// What one call may use, before the operator's caps.
    #[must_use]
    pub fn limits(&self) -> CallLimits {
        self.0.accepted.limits
    }

    /// Its manifest as JSON, with everything that it says of itself: the same text for the same description.
    #[must_use]
    pub fn description(&self) -> String {
        serde_json::to_string(&self.0.described).unwrap_or_default()
    }

    /// Whether it describes itself in the same way at other times and with other random numbers. One that does not is not
    /// what was vetted.
    ///
    /// # Errors
    /// A description fails.
    pub fn has_stable_description(&self) -> Result<bool, LoadError> {
        let name = &self.manifest().name;
        let types = |error: wasmtime::Error| LoadError::Types { file: name.clone(), source: error.into() };
        let describer = Describer::new(&self.0.component).map_err(types)?;
        for turn in 1..=limits::DESCRIPTIONS {
            let described = describe(&self.0.engine, self.0.world, &describer, name, &self.0.digest, turn)?;
            if described != self.0.described {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What its manifest requests: kind, name, options and reason of each permission, in its own words.
    pub fn requested(&self) -> impl Iterator<Item = RequestedPermission<'_>> {
        self.0.accepted.requested.iter().map(|one| RequestedPermission {
            kind: &one.kind,
            name: &one.name,
            options: &one.options,
            reason: &one.reason,
        })
    }

    /// The digest of the component.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    pub(crate) fn metering(&self) -> Metering {
        self.0.world.metering
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

/// The component, and the place where its code is kept once it has described itself.
fn compile(
    engine: &Engine,
    metering: Metering,
    digest: &Digest,
    bytes: &[u8],
) -> Result<(Component, Option<Reserved>), CompileError> {
    let failed = |error: EngineError| CompileError::Failed(error.into());
    let wasmtime = engine.wasmtime(metering).map_err(failed)?;
    let Compiler::Child { program, verb, time } = engine.compiler() else {
        let component = Component::from_binary(wasmtime, bytes).map_err(|error| CompileError::Failed(error.into()))?;
        return Ok((component, None));
    };
    // A folder that cannot be used costs time, nothing else.
    let reserved = engine.cache().and_then(|cache| cache.reserve(wasmtime, digest).ok());
    let code = match &reserved {
        Some(reserved) => reserved.file()?,
        None => memfd_create("component", MemfdFlags::CLOEXEC).map_err(io::Error::from)?.into(),
    };
    let is_small = engine.is_small(metering).map_err(failed)?;
    compile_in_child((program, verb, *time), metering, is_small, bytes, code.try_clone()?)?;
    let component = match &reserved {
        Some(reserved) => reserved.component(wasmtime),
        None => code_cache::map(wasmtime, &code),
    };
    Ok((component.map_err(|error| CompileError::Failed(error.into()))?, reserved))
}

/// Checks the types of the imports and exports of a component.
fn link(
    engine: &Engine,
    world: &World,
    component: &Component,
    file: &str,
) -> Result<(InstancePre<StoreState>, Describer), LoadError> {
    let linker = engine.linker(world)?;
    let linked = || -> wasmtime::Result<_> {
        let component = linker.instantiate_pre(component)?;
        (world.check_types)(&component)?;
        let describer = Describer::new(&component)?;
        Ok((component, describer))
    };
    linked().map_err(|error| LoadError::Types { file: file.to_owned(), source: error.into() })
}

/// Calls `metadata.describe`, without any permission.
fn describe(
    engine: &Engine,
    world: &World,
    describer: &Describer,
    name: &str,
    digest: &Digest,
    turn: u8,
) -> Result<RawManifest, LoadError> {
    let context = description_context(name, digest, turn);
    let described =
        call(engine, world.metering, &context, Capabilities::none(), world.defaults, |store| describer.describe(store));
    described.result.map(|(described, _)| described).map_err(|failure| LoadError::Describe {
        file: name.to_owned(),
        code: failure.code,
        why: failure.what,
        hint: failure.hint,
    })
}

/// A plugin describes itself outside of any run. Another turn has another time and other random numbers.
pub(crate) fn description_context(file: &str, digest: &Digest, turn: u8) -> CallContext {
    CallContext {
        plugin: file.to_owned(),
        run: RunContext { attempt: 1, ..RunContext::default() },
        key: key::hash(&[b"describe", digest.to_string().as_bytes(), &[turn]]),
        now: u64::from(turn) << 32,
        deadline: 0,
        params: Vec::new(),
        attributes: Vec::new(),
    }
}

/// A permission that a manifest requests. The texts come from the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestedPermission<'a> {
    /// The kind, such as `http`.
    pub kind: &'a str,
    /// The name, such as a host.
    pub name: &'a str,
    /// Options by name.
    pub options: &'a [(String, String)],
    /// Why it is requested.
    pub reason: &'a str,
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
