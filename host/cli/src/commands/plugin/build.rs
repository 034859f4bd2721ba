//! `assay plugin build`: a project becomes a component with its manifest in it.

use std::time::Instant;

use assay_app::{PluginEngine, plugins::build_plugin};
use serde_json::json;

use super::{failed, print_result};
use crate::{error::CliError, exit, files::write_whole, flags::plugin::author::BuildFlags, printer::Printer};

/// Builds, writes the component and prints what it is.
pub(crate) fn run(flags: &BuildFlags, is_debug: bool, engine: &PluginEngine, printer: Printer) -> Result<u8, CliError> {
    let begun = Instant::now();
    let built = match build_plugin(&flags.dir, is_debug, engine) {
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
        "component": file,
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
