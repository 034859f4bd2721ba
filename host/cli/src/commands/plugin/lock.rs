//! `assay plugin lock` and `update`: the lock file.

use std::fmt::Write as _;

use assay_app::{
    PluginEngine,
    plugin_distribution::{LOCK_NAME, LockRequest, Update, check_lock, lock_plugins},
};
use serde_json::json;

use super::{failed, print_result, read_list, source_settings};
use crate::{
    error::CliError,
    exit,
    files::write_whole,
    flags::plugin::distribution::{ListedFlags, LockFlags, UpdateFlags},
    printer::Printer,
    settings::Environment,
};

/// Locks what is new, or checks the lock file.
pub(crate) fn run(
    flags: &LockFlags,
    env: &Environment,
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    if flags.compile && engine.cache.is_none() {
        return Err(CliError::new(
            "--compile needs a cache, and ASSAY_PLUGIN_CACHE is `off`, or there is no home directory",
        )
        .hint("set ASSAY_PLUGIN_CACHE to a directory"));
    }
    let request = request(&flags.list, flags.accept_permissions, Update::None, env, engine)?;
    if flags.check { check(&request, &flags.list, printer) } else { write(&request, &flags.list, printer) }
}

/// Moves plugins to their newest version.
pub(crate) fn update(
    flags: &UpdateFlags,
    env: &Environment,
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    let update = if flags.names.is_empty() { Update::All } else { Update::Named(flags.names.clone()) };
    write(&request(&flags.list, flags.accept_permissions, update, env, engine)?, &flags.list, printer)
}

fn request(
    flags: &ListedFlags,
    accept_permissions: bool,
    update: Update,
    env: &Environment,
    engine: &PluginEngine,
) -> Result<LockRequest, CliError> {
    let (plugins, lock) = read_list(Some(&flags.plugins))?;
    let sources = source_settings(&flags.registries, env)?;
    // Every plugin is loaded, so its native code is in the cache afterwards, if there is one.
    Ok(LockRequest { plugins, lock, update, accept_permissions, sources, engine: engine.clone() })
}

fn write(request: &LockRequest, flags: &ListedFlags, printer: Printer) -> Result<u8, CliError> {
    let locked = match lock_plugins(request) {
        Ok(locked) => locked,
        Err(error) => return failed(error, printer),
    };
    locked.notes.iter().for_each(|note| printer.note(&format!("warning: {note}")));
    let file = flags.plugins.with_file_name(LOCK_NAME);
    write_whole(&file, locked.lock.to_toml().as_bytes())
        .map_err(|error| CliError::new(format!("`{file}` cannot be written: {error}")))?;
    let text: String = locked.changes.iter().map(|change| format!("{change}\n")).collect();
    printer.note(&format!("wrote {file}: {} changes", locked.changes.len()));
    let json = json!({"lock": file, "changes": locked.changes, "notes": locked.notes});
    print_result(printer, flags.format, &text, &json)?;
    Ok(exit::SUCCESS)
}

fn check(request: &LockRequest, flags: &ListedFlags, printer: Printer) -> Result<u8, CliError> {
    let (problems, notes) = match check_lock(request) {
        Ok(checked) => checked,
        Err(error) => return failed(error, printer),
    };
    notes.iter().for_each(|note| printer.note(&format!("warning: {note}")));
    let mut text = String::new();
    for problem in &problems {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{}: {}", problem.plugin, problem.message);
    }
    print_result(printer, flags.format, &text, &json!({"problems": problems, "notes": notes}))?;
    Ok(if problems.is_empty() { exit::SUCCESS } else { exit::VIOLATIONS })
}
