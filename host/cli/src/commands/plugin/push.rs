//! `assay plugin push`: a component to a registry.

use assay_app::{
    PluginEngine,
    plugin_distribution::{PushRequest, SBOM_BYTES, attach_sbom, attach_signature, push_plugin},
};
use assay_model::limits;
use serde_json::json;

use super::{failed, print_result, read_signing_key, source_settings};
use crate::{
    error::CliError,
    exit,
    files::{read_bytes, read_text},
    flags::plugin::distribution::PushFlags,
    printer::Printer,
    settings::Environment,
};

/// Pushes, signs, attaches the SBOM, and prints the reference by digest.
pub(crate) fn run(
    flags: &PushFlags,
    env: &Environment,
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    // Whatever is wrong with the request is found before anything is pushed.
    let key = flags.sign_key.as_deref().map(|file| read_signing_key(file, env)).transpose()?;
    let sbom = flags.sbom.as_deref().map(|file| read_text(file, "--sbom", SBOM_BYTES)).transpose()?;
    let request = PushRequest {
        name: format!("`{}`", flags.component),
        bytes: read_bytes(&flags.component, "the component", limits::PLUGIN_BYTES)?.into(),
        reference: flags.reference.clone(),
        created: source_date(env)?,
        sources: source_settings(&flags.registries, env)?,
        engine: engine.clone(),
    };
    let push = || {
        let (pushed, store) = push_plugin(&request)?;
        let signature = key.as_ref().map(|key| attach_signature(&store, &pushed.image, key)).transpose()?;
        let sbom = sbom.as_ref().map(|text| attach_sbom(&store, &pushed.image, text, key.as_ref())).transpose()?;
        Ok((pushed, signature, sbom))
    };
    let (pushed, signature, sbom) = match push() {
        Ok(pushed) => pushed,
        Err(error) => return failed(error, printer),
    };
    let parts = [Some("component"), signature.as_ref().map(|_| "signature"), sbom.as_ref().map(|_| "SBOM")];
    printer.note(&format!("pushed {} as {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "), pushed.tag));
    let digest = |attached: &assay_app::plugin_distribution::Attached| attached.image.digest.to_string();
    let json = json!({
        "reference": pushed.image.to_string(),
        "tag": pushed.tag,
        "manifest": pushed.image.digest,
        "component": pushed.component,
        "signature": signature.as_ref().map(digest),
        "sbom": sbom.as_ref().map(digest),
    });
    print_result(printer, flags.format, &format!("{}\n", pushed.image), &json)?;
    Ok(exit::SUCCESS)
}

/// The time that the config states: none but the one that the environment names, so that the same component is the same image
/// (reproducible-builds.org, `SOURCE_DATE_EPOCH`).
fn source_date(env: &Environment) -> Result<i64, CliError> {
    const NAME: &str = "SOURCE_DATE_EPOCH";
    match (env.variable)(NAME).filter(|text| !text.is_empty()) {
        None => Ok(0),
        Some(text) => text.parse().map_err(|_| CliError::new(format!("{NAME} is `{text}`, not a number of seconds"))),
    }
}
