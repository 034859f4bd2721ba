//! [`bench_plugin`]: how long a component takes to compile, to load from the cache, and to be called.

use std::time::{Duration, Instant};

use assay_wasm::{Measurement, Plugin};

use super::host::{engine, load, plugin_error};
use crate::{
    error::{RequestError, RequestErrorKind},
    plugin_engine::{PluginEngine, unverified_engine},
};

/// Loads from the cache, of which the fastest counts: all else is other work of the machine.
const LOADS: u32 = 7;

/// What was measured of a component.
#[derive(Clone, Copy, Debug)]
pub struct PluginBench {
    /// From the bytes to a plugin that describes itself, without a cache.
    pub compile: Duration,
    /// The same from the cache, with the check of the native code: the least of some loads, each by a new engine.
    pub load: Duration,
    /// From the cache by its digest, without reading the component or checking the native code: the least, too.
    pub mapped: Duration,
    /// Its calls.
    pub calls: Measurement,
}

/// Measures a component, with a cache of its own that is removed again.
///
/// # Errors
/// It is not a plugin, a call fails, or there is no place for the cache.
pub fn bench_plugin(settings: &PluginEngine, name: &str, bytes: &[u8], runs: u32) -> Result<PluginBench, RequestError> {
    let no_place = |error: &dyn std::error::Error| {
        RequestError::from_error(error).with_kind(RequestErrorKind::File).hint("set TMPDIR to a directory")
    };
    let folder = crate::read::private_folder("assay-bench-").tempdir().map_err(|error| no_place(&error))?;
    let cache = camino::Utf8PathBuf::from_path_buf(folder.path().join("code")).ok();
    let settings = PluginEngine { cache, ..settings.clone() };
    let begun = Instant::now();
    load(&engine(&settings)?, name, bytes)?;
    let compile = begun.elapsed();
    let (mut loaded, mut mapped) = (Duration::MAX, Duration::MAX);
    let mut plugin = None;
    for _ in 0..LOADS {
        // Another engine, as another process would have.
        let fresh = engine(&settings)?;
        let begun = Instant::now();
        let found: Plugin = load(&fresh, name, bytes)?;
        loaded = loaded.min(begun.elapsed());
        let unverified = unverified_engine(&settings).map_err(|error| plugin_error(&error))?;
        let begun = Instant::now();
        if let Some(again) = Plugin::load_cached(&unverified, name, found.digest()) {
            again.map_err(|error| plugin_error(&error))?;
            mapped = mapped.min(begun.elapsed());
        }
        plugin = Some(found);
    }
    let plugin = plugin.ok_or_else(|| RequestError::new("nothing was loaded"))?;
    let calls = plugin.measure(runs).map_err(|error| plugin_error(&error))?;
    Ok(PluginBench { compile, load: loaded, mapped, calls })
}
