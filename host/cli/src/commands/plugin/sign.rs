//! `assay plugin sign`: a signature of a plugin that is in a registry.

use assay_app::plugin_distribution::sign_plugin;
use serde_json::json;

use super::{failed, print_result, read_signing_key, source_settings};
use crate::{error::CliError, exit, flags::plugin::distribution::SignFlags, printer::Printer, settings::Environment};

/// Signs, and prints the reference by digest.
pub(crate) fn run(flags: &SignFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let key = read_signing_key(&flags.sign_key, env)?;
    let settings = source_settings(&flags.registries, env)?;
    let (image, signature) = match sign_plugin(&flags.reference, &key, &settings) {
        Ok(signed) => signed,
        Err(error) => return failed(error, printer),
    };
    printer.note(&format!("signed; the signature is {}", signature.image.digest));
    let json = json!({"reference": image.to_string(), "signature": signature.image.digest});
    print_result(printer, flags.format, &format!("{image}\n"), &json)?;
    Ok(exit::SUCCESS)
}
