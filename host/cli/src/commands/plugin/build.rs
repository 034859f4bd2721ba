//! `assay plugin build`: a project becomes a component with its manifest in it.

use std::time::Instant;

use assay_app::{PluginEngine, plugins::build_plugin};
use assay_plugin_kit::BuildOptions;
use camino::Utf8Path;
use serde_json::json;

use super::{absolute, failed, print_result};
use crate::{error::CliError, exit, files::write_whole, flags::plugin::author::BuildFlags, printer::Printer};

/// Builds, writes the component and prints what it is.
pub(crate) fn run(flags: &BuildFlags, is_debug: bool, engine: &PluginEngine, printer: Printer) -> Result<u8, CliError> {
    let begun = Instant::now();
    // A build takes long, and must not end with a file that cannot be written.
    if let Some(folder) = flags.out.as_deref().and_then(Utf8Path::parent).filter(|folder| *folder != "")
        && !folder.is_dir()
    {
        let error = CliError::new(format!("`--out`: the directory `{folder}` does not exist"));
        return Err(error.hint("create the directory first"));
    }
    // Cargo works in the folder of the plugin, where a path of this folder would be another one.
    let options =
        BuildOptions { is_debug, cargo_target_dir: flags.cargo_target_dir.as_deref().map(absolute).transpose()? };
    let built = match build_plugin(&flags.dir, &options, engine) {
        Ok(built) => built,
        Err(error) => return failed(error, printer),
    };
    let default = || flags.dir.join("out").join(format!("{}.wasm", built.project.name));
    let file = flags.out.clone().unwrap_or_else(default);
    write_whole(&file, &built.bytes).map_err(|error| CliError::new(format!("{file} cannot be written: {error}")))?;
    let about = &built.description;
    let seconds = begun.elapsed().as_secs_f64();
    let (rules, permissions) = (about.rules.len(), about.permissions.len());
    let text = format!(
        "toolchain  {}\ncomponent  {file}  {} bytes  {}\nworld      assay:plugin/{}@{}\n\
         manifest   {} {}, {permissions} permissions, {rules} rules\n",
        built.toolchain.join(", "),
        about.size,
        about.digest,
        about.world,
        about.wit,
        about.name,
        about.version
    );
    let json = json!({
        "component": file.as_str(),
        "digest": about.digest,
        "size": about.size,
        "world": about.world,
        "wit": about.wit,
        "toolchain": built.toolchain,
        "seconds": (seconds * 1_000.0).round() / 1_000.0,
    });
    print_result(printer, flags.format, &text, &json)?;
    Ok(exit::SUCCESS)
}
