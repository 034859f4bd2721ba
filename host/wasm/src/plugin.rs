//! [`Plugin`]: a component that was read, compiled and asked what it is.
//!
//! What is not a component, is made for another machine, imports more than its world, or speaks another version is
//! refused here with the reason, before anything of it runs.

use std::sync::{Arc, PoisonError};

use assay_model::{digest::Digest, error::EvaluationError, limits::PLUGIN_BYTES};
use wasmtime::component::Component;

use crate::{
    call::{Budget, call},
    capability::{evidence::EvidenceView, snapshot::SnapshotView, wasi},
    check::{Check, CheckOptions},
    engine::Shared,
    inspect::{InspectError, inspect},
    manifest::{self, Accepted, Manifest},
    params::ParamError,
    state::CallContext,
    text,
    wit::{self, v0_1::Guest},
};

/// A plugin that can judge, of the world `check`. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(pub(crate) Arc<Loaded>);

/// What a plugin is made of.
pub(crate) struct Loaded {
    pub(crate) engine: Arc<Shared>,
    pub(crate) guest: Guest,
    pub(crate) digest: Digest,
    pub(crate) accepted: Accepted,
}

/// A file is not a plugin that this host can run. One sentence with the file and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nothing in it.
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
    /// A core module, as compilers make before they wrap it.
    #[error("plugin {file} is a core WebAssembly module, not a component; build it for the target wasm32-wasip2")]
    CoreModule {
        /// The file.
        file: String,
    },
    /// Native code, which is never run: it could do anything.
    #[error("plugin {file} is precompiled; give the component it was compiled from")]
    Precompiled {
        /// The file.
        file: String,
    },
    /// Something else.
    #[error("plugin {file} is not a WebAssembly component")]
    NotAComponent {
        /// The file.
        file: String,
    },
    /// More of something than a check needs, so that to compile it could take any memory.
    #[error("plugin {file} cannot be compiled: it {why}")]
    TooMuch {
        /// The file.
        file: String,
        /// What is too much, as the end of a sentence.
        why: String,
    },
    /// Not valid, or in need of proposals that this host leaves out.
    #[error("plugin {file} cannot be compiled")]
    Compile {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another world or version, or imports and exports beyond it.
    #[error("plugin {file} {why}")]
    World {
        /// The file.
        file: String,
        /// What is wrong, as the end of a sentence.
        why: String,
    },
    /// Its functions do not have the types of the version it names.
    #[error("plugin {file} does not fit the interfaces it names")]
    Types {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It could not say what it is.
    #[error("plugin {file} cannot describe itself: {cause}")]
    Describe {
        /// The file.
        file: String,
        /// Why not.
        cause: EvaluationError,
    },
    /// What it says of itself is not acceptable.
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

/// Exports that toolchains leave behind; they are never called.
const IGNORED_EXPORTS: [&str; 2] = ["init", "exports"];

/// The interfaces of the world `check`.
const IMPORTS: [&str; 4] =
    ["assay:plugin/types", "assay:plugin/logging", "assay:plugin/snapshot", "assay:plugin/evidence"];
const EXPORTS: [&str; 2] = ["assay:plugin/metadata", "assay:plugin/image-check"];

pub(crate) fn load(engine: &Arc<Shared>, name: &str, bytes: &[u8]) -> Result<Plugin, LoadError> {
    let file = name.to_owned();
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
    match inspect(bytes) {
        Ok(()) => {}
        Err(InspectError::TooMuch(why)) => return Err(LoadError::TooMuch { file, why }),
        Err(InspectError::Unreadable(error)) => return Err(LoadError::Compile { file, source: error.into() }),
    }
    let compiled = {
        // One at a time: the memory of a compilation is bounded, that of many is not.
        let _one = engine.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        Component::from_binary(&engine.engine, bytes)
    };
    let component = match compiled {
        Ok(component) => component,
        Err(error) => return Err(LoadError::Compile { file, source: error.into() }),
    };
    if let Err(why) = check_world(&engine.engine, &component) {
        return Err(LoadError::World { file, why });
    }
    let guest = match Guest::new(&engine.linker, &component) {
        Ok(guest) => guest,
        Err(error) => return Err(LoadError::Types { file, source: error.into() }),
    };
    let digest = Digest::of(bytes);
    let described = call(engine, describing(&file, &digest), Budget::FULL, |store| guest.describe(store));
    let described = described.map_err(|cause| LoadError::Describe { file: file.clone(), cause })?;
    let accepted = manifest::accept(described).map_err(|why| LoadError::Manifest { file, why })?;
    Ok(Plugin(Arc::new(Loaded { engine: Arc::clone(engine), guest, digest, accepted })))
}

/// A plugin describes itself without evidence, at the beginning of time.
fn describing(file: &str, digest: &Digest) -> CallContext {
    CallContext {
        plugin: file.to_owned(),
        key: crate::check::key(&[b"describe", digest.to_string().as_bytes()]),
        now: 0,
        snapshot: Arc::new(SnapshotView::empty()),
        evidence: EvidenceView::none(),
        log: None,
    }
}

/// Whether the component is of the world `check` in a version spoken here, and asks for nothing beyond it. The error is
/// the end of a sentence that begins with the plugin.
fn check_world(engine: &wasmtime::Engine, component: &Component) -> Result<(), String> {
    let world = component.component_type();
    let mut missing = EXPORTS.to_vec();
    for (name, _) in world.exports(engine) {
        let Interface { base, version } = Interface::of(name);
        if let Some(version) = version
            && base.starts_with("assay:plugin/")
            && !is_supported(version, wit::v0_1::VERSION)
        {
            return Err(format!(
                "speaks assay:plugin {}, this host {}; build it against a version that both know",
                text::one_line(version, 50),
                wit::SUPPORTED_VERSIONS
            ));
        }
        if let Some(at) = missing.iter().position(|export| *export == base) {
            missing.remove(at);
        } else if !IGNORED_EXPORTS.contains(&name) && !name.starts_with("cabi_") {
            return Err(format!("exports `{}`, which is not part of the world `check`", text::one_line(name, 200)));
        }
    }
    if let Some(export) = missing.last() {
        return Err(format!("exports no `{export}@{}`, so it is not of the world `check`", wit::SUPPORTED_VERSIONS));
    }
    for (name, _) in world.imports(engine) {
        let Interface { base, version } = Interface::of(name);
        let own = IMPORTS.contains(&base) && version.is_some_and(|version| is_supported(version, wit::v0_1::VERSION));
        let wasi = wasi::INTERFACES.contains(&base) && version.is_some_and(|version| is_supported(version, (0, 2)));
        if !own && !wasi {
            return Err(format!("imports `{}`, which a check cannot have", text::one_line(name, 200)));
        }
    }
    Ok(())
}

/// An interface's name, such as `assay:plugin/image-check@0.1.0`, in its parts.
struct Interface<'a> {
    base: &'a str,
    version: Option<&'a str>,
}

impl<'a> Interface<'a> {
    fn of(name: &'a str) -> Self {
        match name.split_once('@') {
            Some((base, version)) => Self { base, version: Some(version) },
            None => Self { base: name, version: None },
        }
    }
}

/// True for `MAJOR.MINOR.PATCH` of that major and minor version.
fn is_supported(version: &str, (major, minor): (u64, u64)) -> bool {
    let mut parts = version.split('.').map(str::parse::<u64>);
    let mut next = || parts.next().and_then(Result::ok);
    next() == Some(major) && next() == Some(minor) && next().is_some() && parts.next().is_none()
}

impl Plugin {
    /// What the plugin says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.accepted.manifest
    }

    /// The digest of the component.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// The plugin with its parameters, as a judge. The error names the parameter and what would fit.
    pub fn check(&self, options: CheckOptions<'_>) -> Result<Check, ParamError> {
        Check::new(Arc::clone(&self.0), options)
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Plugin")
            .field("manifest", self.manifest())
            .field("digest", &self.0.digest)
            .finish_non_exhaustive()
    }
}
