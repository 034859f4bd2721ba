//! `assay plugin pull`: a plugin out of a registry, and plugins as one file for runs without a network.

use assay_app::{
    PluginEngine,
    plugin_distribution::{pull_plugin, save_plugins},
};
use serde_json::json;

use super::{failed, print_result, read_list, source_settings};
use crate::{
    error::CliError,
    exit,
    files::{check_place, write_streamed, write_whole},
    flags::plugin::distribution::PullFlags,
    printer::Printer,
    settings::Environment,
};

/// Pulls, writes what is to be written, and prints what it is.
pub(crate) fn run(
    flags: &PullFlags,
    env: &Environment,
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    flags.out.iter().chain(&flags.save).try_for_each(|file| check_place(file))?;
    let settings = source_settings(&flags.registries, env)?;
    let (list, lock) = read_list(flags.plugins.as_deref())?;
    let mut json = json!({});
    let mut text = String::new();
    if let Some(reference) = &flags.reference {
        let pulled = match pull_plugin(reference, &settings, engine) {
            Ok(pulled) => pulled,
            Err(error) => return failed(error, printer),
        };
        if let Some(out) = &flags.out {
            write_whole(out, &pulled.bytes)
                .map_err(|error| CliError::new(format!("`{out}` cannot be written: {error}")))?;
        }
        let about = &pulled.description;
        printer.note(&format!(
            "{} {}, {} bytes, world {}, wit {}",
            about.name, about.version, about.size, about.world, about.wit
        ));
        text = format!("{}\n", pulled.image);
        json = json!({
            "reference": pulled.image.to_string(),
            "manifest": pulled.image.digest,
            "component": about.digest,
            "name": about.name,
            "version": about.version,
            "world": about.world,
            "wit": about.wit,
            "size": about.size,
            "out": flags.out,
        });
    }
    if let Some(file) = &flags.save {
        let locked = flags.plugins.is_some().then_some((&list, &lock));
        if flags.reference.is_none() && locked.is_none() {
            return Err(CliError::new("there is nothing to save: neither a reference nor a list of plugins")
                .hint("pass a reference, or `--plugins plugins.toml`"));
        }
        let mut failure = None;
        let save = |to: &mut dyn std::io::Write| {
            save_plugins(flags.reference.as_deref(), locked, &settings, to).map_err(|error| {
                failure = Some(error);
                std::io::Error::other("a plugin cannot be saved")
            })
        };
        // Half of it is never under its name.
        let saved = match (write_streamed(file, save), failure) {
            (Ok(saved), _) => saved,
            (Err(_), Some(error)) => return failed(error, printer),
            (Err(error), None) => return Err(CliError::new(format!("`{file}` cannot be written: {error}"))),
        };
        printer.note(&format!("saved {} plugins in {file}", saved.len()));
        let saved: Vec<_> = saved.iter().map(ToString::to_string).collect();
        if flags.reference.is_none() {
            text = saved.iter().map(|image| format!("{image}\n")).collect();
        }
        if let Some(fields) = json.as_object_mut() {
            fields.insert("saved".to_owned(), json!({"file": file, "plugins": saved}));
        }
    }
    print_result(printer, flags.format, &text, &json)?;
    Ok(exit::SUCCESS)
}
