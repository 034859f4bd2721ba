//! [`load_plugin`]: a component that is ready to be called, for every command that works with one.

use assay_wasm::{Engine, LoadError, Plugin};

use crate::{
    error::{RequestError, RequestErrorKind},
    plugin_engine::{PluginEngine, start_engine},
};

/// Compiles a component, or takes its code from the cache, and validates its manifest. `name` stands for it in messages.
///
/// # Errors
/// The bytes are not a plugin that this host can run.
pub fn load_plugin(settings: &PluginEngine, name: &str, bytes: &[u8]) -> Result<Plugin, RequestError> {
    load(&engine(settings)?, name, bytes)
}

/// An engine for one call at a time.
pub(crate) fn engine(settings: &PluginEngine) -> Result<Engine, RequestError> {
    start_engine(settings, 1).map_err(|error| plugin_error(&error))
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
