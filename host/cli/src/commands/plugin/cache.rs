//! `assay plugin cache`: the native code that was compiled of plugins.

use std::fmt::Write as _;

use assay_app::{PluginEngine, plugins::CachedCode};
use serde_json::{Value, json};

use super::print_result;
use crate::{error::CliError, exit, flags::plugin::CacheCommand, printer::Printer};

/// Lists, removes, or says where it is.
pub(crate) fn run(command: &CacheCommand, engine: &PluginEngine, printer: Printer) -> Result<u8, CliError> {
    let Some(cache) = engine.code_cache() else {
        return Err(CliError::new("there is no cache: ASSAY_PLUGIN_CACHE is `off`, or there is no home directory")
            .hint("set ASSAY_PLUGIN_CACHE to a directory"));
    };
    let unreadable =
        |error: std::io::Error| CliError::new(format!("the cache {} cannot be used: {error}", cache.path().display()));
    match command {
        CacheCommand::List(flags) => {
            let found = cache.list().map_err(unreadable)?;
            print_result(printer, flags.format, &table(&found), &json!({"entries": entries(&found)}))?;
        }
        CacheCommand::Prune(flags) => {
            let removed = cache.prune(0).map_err(unreadable)?;
            let bytes: u64 = removed.iter().map(|one| one.size).sum();
            let text = format!("removed {} entries, {bytes} bytes\n", removed.len());
            print_result(printer, flags.format, &text, &json!({"removed": entries(&removed), "bytes": bytes}))?;
        }
        CacheCommand::Path(flags) => {
            let path = cache.path().display().to_string();
            print_result(printer, flags.format, &format!("{path}\n"), &json!({"path": path}))?;
        }
    }
    Ok(exit::SUCCESS)
}

fn table(found: &[CachedCode]) -> String {
    found.iter().fold(String::new(), |mut text, one| {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{}  {:>12}  {}", one.component, one.size, one.engine);
        text
    })
}

fn entries(found: &[CachedCode]) -> Value {
    found.iter().map(|one| json!({"component": one.component, "engine": one.engine, "size": one.size})).collect()
}
