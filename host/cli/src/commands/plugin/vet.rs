//! `assay plugin vet`: whether a plugin may run, as a policy decides.

use std::fmt::Write as _;

use assay_app::{
    PluginEngine, parse_policy,
    plugin_distribution::{VetRequest, attach_vet, policy_of_folder, vet_plugin},
};
use assay_model::finding::Finding;
use camino::Utf8Path;
use serde_json::{Value, json};

use super::{failed, print_result, read_list, read_signing_key, source_settings};
use crate::{
    commands::events::Printed, error::CliError, exit, flags::plugin::distribution::VetFlags, printer::Printer,
    settings::Environment,
};

/// Vets, attaches the verdict if it is to be signed, and prints it.
pub(crate) fn run(
    flags: &VetFlags,
    env: &Environment,
    engine: &PluginEngine,
    printer: Printer,
) -> Result<u8, CliError> {
    let key = flags.sign_key.as_deref().map(|file| read_signing_key(file, env)).transpose()?;
    let folder = Utf8Path::new(&flags.policy);
    let policy = if folder.is_dir() { policy_of_folder(folder) } else { parse_policy(&flags.policy)? };
    let (plugins, lock) = read_list(flags.plugins.as_deref())?;
    let request = VetRequest {
        reference: flags.reference.clone(),
        policy,
        plugins,
        lock,
        sources: source_settings(&flags.registries, env)?,
        engine: engine.clone(),
        now: env.now,
    };
    let vet = || {
        let result = vet_plugin(&request, &Printed::new(printer))?;
        let attached = key.as_ref().map(|key| attach_vet(&result, env.now, key, &request.sources)).transpose()?;
        Ok((result, attached))
    };
    let (result, attached) = match vet() {
        Ok(vetted) => vetted,
        Err(error) => return failed(error, printer),
    };
    let mut text = String::new();
    let lines = |what: &str, findings: &[Finding], text: &mut String| {
        for finding in findings {
            // Writing to a String cannot fail.
            let _infallible = writeln!(text, "{what}  {}  {}", code(finding), finding.message);
        }
    };
    lines("violation", &result.violations, &mut text);
    lines("warning", &result.warnings, &mut text);
    let verdict = if result.accepted { "accepted" } else { "denied" };
    let _infallible = writeln!(text, "{}: {verdict}", result.image);
    if let Some(attached) = &attached {
        printer.note(&format!("the vet statement {} is attached", attached.content));
    }
    let findings = |findings: &[Finding]| -> Value {
        findings.iter().map(|finding| json!({"message": finding.message, "metadata": finding.metadata})).collect()
    };
    let mut json = json!({
        "reference": result.image.to_string(),
        "name": result.name,
        "version": result.version,
        "accepted": result.accepted,
        "violations": findings(&result.violations),
        "warnings": findings(&result.warnings),
        "policy": result.policy,
        "statement": attached.as_ref().map(|attached| attached.content.to_string()),
    });
    if let Some(fields) = json.as_object_mut().filter(|_| flags.show_input) {
        fields.insert("input".to_owned(), result.input.clone());
    }
    print_result(printer, flags.format, &text, &json)?;
    Ok(if result.accepted { exit::SUCCESS } else { exit::VIOLATIONS })
}

fn code(finding: &Finding) -> &str {
    finding.metadata.get("code").and_then(Value::as_str).unwrap_or_default()
}
