//! `assay plugin verify`: whether a plugin is signed, or whether it may run.

use assay_app::{
    ClusterAccess, PluginEngine, RequestErrorKind,
    plugin_distribution::PluginSources,
    plugins::{PluginDescription, load_plugin},
};
use serde_json::json;

use super::{print_result, source_settings};
use crate::{
    commands::verify,
    error::CliError,
    exit,
    flags::{
        plugin::{Format, distribution::VerifyFlags},
        verify::{ImagePlaceFlags, Verify, VerifyFormat, VerifyImageFlags},
    },
    printer::Printer,
    settings::Environment,
};

/// Verifies a signature, or with a list what a run would verify.
pub(crate) fn run(
    flags: &VerifyFlags,
    env: &Environment,
    cluster: &ClusterAccess,
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    let Some(list) = &flags.plugins else {
        let place = ImagePlaceFlags {
            image: flags.component.clone(),
            evidence: flags.from.clone(),
            registries: flags.registries.clone(),
        };
        let flags = VerifyImageFlags { place, signer: flags.signer.clone() };
        return verify::run(&Verify::Image(Box::new(flags)), env, cluster, printer);
    };
    let settings = source_settings(&flags.registries, env)?;
    let sources = PluginSources::new(Some(list), flags.from.as_deref(), false, settings)?;
    let check = || {
        let sourced = sources.source(&flags.component)?;
        let plugin = load_plugin(engine, &sourced.place, &sourced.bytes)?;
        sourced.check_locked(&plugin)?;
        let about = PluginDescription::of(&plugin, sourced.bytes.len());
        Ok((sourced, about))
    };
    let (sourced, about) = match check() {
        Ok(checked) => checked,
        Err(error) => {
            let error: assay_app::RequestError = error;
            if error.kind() != RequestErrorKind::Plugin {
                return Err(error.into());
            }
            printer.error(&CliError::from(error).text());
            return Ok(exit::VIOLATIONS);
        }
    };
    sourced.notes.iter().for_each(|note| printer.note(&format!("warning: {note}")));
    let text = format!("{}: verified, {} {}\n", sourced.place, about.name, about.version);
    let json = json!({
        "name": about.name,
        "version": about.version,
        "component": about.digest,
        "verified": true,
        "notes": sourced.notes,
    });
    let format = if flags.signer.output == VerifyFormat::Json { Format::Json } else { Format::Text };
    print_result(printer, format, &text, &json)?;
    Ok(exit::SUCCESS)
}
