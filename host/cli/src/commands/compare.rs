//! `assay compare`: whether two policy configurations would evaluate an image alike.

use std::fmt::Write as _;

use assay_app::{ClusterAccess, CompareRequest, ComparedImage, compare, fetch_configuration, parse_policy};
use serde_json::{Map, Value};

use super::{events::Printed, fetch_policy::print_stdout};
use crate::{
    error::CliError,
    exit,
    flags::compare::CompareFlags,
    printer::Printer,
    settings::{Environment, parse_effective_time, source_settings},
};

/// Says whether they are; the exit code does not.
pub(crate) fn run(
    flags: &CompareFlags,
    env: &Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    if !["text", "json"].contains(&flags.output.as_str()) {
        return Err(CliError::new(format!("`--output {}` is not text or json", flags.output)));
    }
    let when = parse_effective_time(&flags.effective_time, flags.allow_past_effective_time, env.now)?.default();
    let settings = source_settings(&flags.sources, env)?;
    let read = |argument: &str| {
        let events = Printed::new(printer);
        let text = fetch_configuration(Some(argument.to_owned()), &settings, cluster, &events)?.unwrap_or_default();
        parse_policy(&text)
    };
    let (first, second) = (read(&flags.first)?, read(&flags.second)?);
    for (policy, name) in [(&first, &flags.first), (&second, &flags.second)] {
        if policy.sources.is_empty() && env.mode.needs_sources() {
            return Err(CliError::new(format!(
                "the policy configuration `{name}` has no `sources`, so there is nothing to evaluate"
            ))
            .hint("add at least one policy source"));
        }
    }
    let image = ComparedImage {
        digest: flags.image_digest.clone(),
        reference: flags.image_ref.clone(),
        url: flags.image_url.clone(),
    };
    let equivalent = compare(&CompareRequest { first, second, effective_time: when, image })?;
    let time = when.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let text =
        if flags.output == "json" { as_json(flags, equivalent, &time)? } else { as_text(flags, equivalent, &time) };
    print_stdout(printer, &text)?;
    Ok(exit::SUCCESS)
}

fn as_json(flags: &CompareFlags, equivalent: bool, time: &str) -> Result<String, CliError> {
    let mut fields = Map::new();
    fields.insert("effective_time".to_owned(), Value::from(time));
    fields.insert("equivalent".to_owned(), Value::from(equivalent));
    if names_image(flags) {
        let image = serde_json::json!({"Digest": flags.image_digest, "Ref": flags.image_ref, "URL": flags.image_url});
        fields.insert("image_info".to_owned(), image);
    }
    fields.insert("policy1".to_owned(), Value::from(flags.first.as_str()));
    fields.insert("policy2".to_owned(), Value::from(flags.second.as_str()));
    serde_json::to_string_pretty(&fields).map(|text| text + "\n").map_err(|error| CliError::from_error(&error))
}

fn as_text(flags: &CompareFlags, equivalent: bool, time: &str) -> String {
    let result = if equivalent { "✅ Policies are equivalent" } else { "❌ Policies are not equivalent" };
    let mut text = format!("{result}\nEffective time: {time}\n");
    if names_image(flags) {
        let (digest, reference, url) = (&flags.image_digest, &flags.image_ref, &flags.image_url);
        let _infallible = write!(text, "Image digest: {digest}\nImage ref: {reference}\nImage URL: {url}\n");
    }
    text
}

const fn names_image(flags: &CompareFlags) -> bool {
    !flags.image_digest.is_empty() || !flags.image_ref.is_empty() || !flags.image_url.is_empty()
}
