//! [`PluginHost`]: how components are compiled and kept, for every command that loads one.

use std::path::PathBuf;

use assay_wasm::{CodeCache, Compiler, Engine, EngineOptions, LoadError, Plugin};

use crate::error::{RequestError, RequestErrorKind};

/// How components are compiled and kept.
#[derive(Clone, Debug)]
pub struct PluginHost {
    /// What compiles components.
    pub compiler: Compiler,
    /// The folder that native code is kept in; nothing is kept without one.
    pub cache: Option<PathBuf>,
}

impl PluginHost {
    /// An engine for so many concurrent calls.
    pub(crate) fn engine(&self, slots: u32) -> Result<Engine, RequestError> {
        let cache = self.cache.clone().map(CodeCache::new);
        let options = EngineOptions { slots, compiler: self.compiler.clone(), cache };
        Engine::new(options).map_err(|error| plugin_error(&error))
    }
}

/// Compiles a component, or takes its code from the cache, and validates its manifest. `name` stands for it in messages.
pub fn load_plugin(host: &PluginHost, name: &str, bytes: &[u8]) -> Result<Plugin, RequestError> {
    load(&host.engine(1)?, name, bytes)
}

/// The same with an engine that is there.
pub(crate) fn load(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Plugin, RequestError> {
    Plugin::load(engine, name, bytes).map_err(|error| load_error(&error))
}

fn load_error(error: &LoadError) -> RequestError {
    let refused = plugin_error(error);
    match error.hint() {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

/// An error of a plugin, with its causes.
pub(crate) fn plugin_error(error: &dyn std::error::Error) -> RequestError {
    RequestError::from_error(error).with_kind(RequestErrorKind::Plugin)
}
