//! `sarif`: the findings for code scanning, as SARIF 2.1.0 that GitHub takes in.
//!
//! A violation is an error, a warning a warning; a success is a result of kind `pass`, listed only when successes are to
//! be shown. A component that could not be evaluated is an error too, and a notification of an execution that was not
//! successful. The physical location is the image's repository as a relative path, since code scanning accepts no other;
//! the image itself is the logical location, as a package URL. Metadata is shown with and without `--info`.

use std::collections::BTreeMap;

use assay_gocompat::json;
use assay_model::{
    digest::Digest,
    error::EvaluationError,
    event::{PluginSummary, RunFinished, RunStarted},
    finding::Finding,
    image::ImageRef,
    outcome::{Outcome, Verdict},
};
use serde_json::{Value, json};

use crate::{
    Options,
    by_rule::{Rule, by_rule, message},
    component_status::summary_line,
    markdown_text,
    sanitize::{self, cut},
    totals::Totals,
};

/// The version of what this document holds beyond SARIF's own: properties, fingerprints, rule ids of errors.
const VERSION: u32 = 1;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What the rules are about. The program has no page of its own on the web; this one describes the policies it evaluates.
const INFORMATION_URI: &str = "https://conforma.dev/docs/policy/";

/// The results that GitHub takes from one run; it refuses a file with more.
const RESULTS: usize = 25_000;

/// The longest title or description of a rule that GitHub takes.
const DESCRIPTION_CHARACTERS: usize = 1024;

/// The longest message: a reader of alerts wants a sentence, and one message must not fill the file.
const MESSAGE_CHARACTERS: usize = 8192;

/// The longest text of a rule's help. It is cut before it becomes Markdown, which must not be cut in the middle.
const HELP_CHARACTERS: usize = 4096;

/// The longest place. References to images are shorter; names of components may be anything.
const PLACE_CHARACTERS: usize = 1024;

/// The tags of one rule that GitHub takes.
const TAGS: usize = 20;

/// What stands where a finding has no code.
const NO_CODE: &str = "without-a-code";

/// The run as SARIF. Of the options it heeds `show_successes` and `show_warnings`.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    let (rules, index) = rules(end);
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for outcome in &end.outcomes {
        if let Some(error) = &outcome.error {
            let id = error_id(error);
            notifications.push(notification(outcome, error, &id));
            let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let text = format!("{} could not be evaluated: {}{hint}", outcome.component.name, error.message);
            results.push(result(outcome, &id, &index, "error", &text, ""));
        }
    }
    for (level, shown, of) in [
        ("error", true, (|outcome| &outcome.decision.violations) as fn(&Outcome) -> &Vec<Finding>),
        ("warning", options.show_warnings, |outcome| &outcome.decision.warnings),
        ("none", options.show_successes, |outcome| &outcome.decision.successes),
    ] {
        for outcome in end.outcomes.iter().filter(|_| shown) {
            for finding in of(outcome) {
                let id = finding.code().filter(|code| !code.is_empty()).unwrap_or(NO_CODE);
                let terms = finding.terms().join("\n");
                let mut result = result(outcome, id, &index, level, message(finding), &terms);
                if level == "none" {
                    result["kind"] = json!("pass");
                }
                results.push(result);
            }
        }
    }
    number(&mut results);
    if results.len() > RESULTS {
        let text = format!("{} further results were left out: code scanning takes {RESULTS}", results.len() - RESULTS);
        notifications.push(json!({"level": "warning", "message": {"text": text}}));
        results.truncate(RESULTS);
    }
    let mut document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "assay",
                    "semanticVersion": head.version.strip_prefix("assay-").unwrap_or(&head.version),
                    "informationUri": INFORMATION_URI,
                    "rules": rules,
                },
                "extensions": extensions(head),
            },
            "invocations": [{
                "executionSuccessful": end.verdict != Verdict::Error,
                "endTimeUtc": end.at.to_string(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "properties": {
                "assayReportVersion": VERSION,
                "effectiveTime": end.effective_time.to_string(),
                "result": Totals::of(end).result(end.verdict),
                "summary": summary_line(end),
                "skippedChecks": head.skipped.iter().map(|check| check.code()).collect::<Vec<_>>(),
            },
        }],
    });
    if let (Some(start), Some(invocation)) = (head.started_at, document.pointer_mut("/runs/0/invocations/0")) {
        invocation["startTimeUtc"] = json!(start.to_string());
    }
    json::to_string(&document)
}

/// The id of the rule that stands for errors of that kind.
fn error_id(error: &EvaluationError) -> String {
    format!("assay.error.{}", error.code.as_str())
}

/// The plugins that took part, as components of the tool.
fn extensions(head: &RunStarted) -> Vec<Value> {
    let extension = |plugin: &PluginSummary| {
        let params: serde_json::Map<_, _> =
            plugin.params.iter().map(|(name, value)| (name.clone(), json!(text(value)))).collect();
        json!({
            "name": plugin.name,
            "semanticVersion": plugin.version,
            "properties": {"digest": plugin.digest.to_string(), "params": params},
        })
    };
    head.plugins.iter().map(extension).collect()
}

/// Every rule that was evaluated, with its help, and where it stands in the list.
fn rules(end: &RunFinished) -> (Vec<Value>, BTreeMap<String, usize>) {
    let mut documents: BTreeMap<String, Value> = BTreeMap::new();
    for (code, rule) in by_rule(end) {
        let id = if code.is_empty() { NO_CODE } else { code };
        let title = rule.title.unwrap_or(id);
        let description = rule.description.unwrap_or(title);
        let mut help = description.to_owned();
        let mut marked = markdown_text::prose(&cut(description, HELP_CHARACTERS));
        if let Some(solution) = rule.solution {
            help.push_str("\n\nHow to fix: ");
            help.push_str(solution);
            marked.push_str("\n\n**How to fix:** ");
            marked.push_str(&markdown_text::prose(&cut(solution, HELP_CHARACTERS)));
        }
        documents.insert(
            id.to_owned(),
            json!({
                "id": cut(id, 255),
                "shortDescription": {"text": cut(&text(title), DESCRIPTION_CHARACTERS)},
                "fullDescription": {"text": cut(&text(description), DESCRIPTION_CHARACTERS)},
                "help": {"text": text(&help), "markdown": marked.replace("](", "] (")},
                "defaultConfiguration": {"level": default_level(&rule)},
                "properties": {"tags": tags(id, &rule)},
            }),
        );
    }
    for error in end.outcomes.iter().filter_map(|outcome| outcome.error.as_ref()) {
        let description = "The component could not be evaluated. This is neither a pass nor a violation.";
        documents.insert(
            error_id(error),
            json!({
                "id": error_id(error),
                "shortDescription": {"text": format!("Error: {}", error.code.as_str())},
                "fullDescription": {"text": description},
                "help": {"text": description},
                "defaultConfiguration": {"level": "error"},
                "properties": {"tags": ["error"]},
            }),
        );
    }
    let index = documents.keys().enumerate().map(|(at, id)| (id.clone(), at)).collect();
    (documents.into_values().collect(), index)
}

/// The level of a rule's results. One that found nothing is taken for one that denies.
const fn default_level(rule: &Rule<'_>) -> &'static str {
    if rule.violations == 0 && rule.warnings > 0 { "warning" } else { "error" }
}

/// The rule's package, and the collections that it is in.
fn tags(id: &str, rule: &Rule<'_>) -> Vec<String> {
    let package = id.rsplit_once('.').map(|(package, _)| package);
    let all = package.into_iter().chain(rule.collections.iter().copied()).map(|tag| cut(tag, 255).into_owned());
    // Tags are unique (SARIF 2.1.0, section 3.8.2).
    let mut tags: Vec<String> = Vec::new();
    for tag in all {
        if tags.len() < TAGS && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

fn notification(outcome: &Outcome, error: &EvaluationError, id: &str) -> Value {
    json!({
        "level": "error",
        "descriptor": {"id": id},
        "message": {"text": text(&format!("{}: {}", outcome.component.name, error.message))},
        "locations": [location(outcome)],
    })
}

fn result(
    outcome: &Outcome,
    id: &str,
    index: &BTreeMap<String, usize>,
    level: &str,
    message: &str,
    terms: &str,
) -> Value {
    json!({
        "ruleId": cut(id, 255),
        "ruleIndex": index.get(id),
        "level": level,
        "message": {"text": text(message)},
        "locations": [location(outcome)],
        "partialFingerprints": {"assay/v1": fingerprint(outcome, id, message, terms)},
        "properties": {"component": text(&outcome.component.name), "image": text(&outcome.image_text())},
    })
}

/// Numbers the results that would otherwise have one fingerprint, and so be one alert.
fn number(results: &mut [Value]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for result in results {
        if let Some(Value::String(fingerprint)) = result.pointer_mut("/partialFingerprints/assay~1v1") {
            let count = seen.entry(fingerprint.clone()).or_default();
            *count += 1;
            *fingerprint = format!("{fingerprint}:{count}");
        }
    }
}

/// The same for the same finding about another build of the image: neither digest nor tag goes into it.
fn fingerprint(outcome: &Outcome, id: &str, message: &str, terms: &str) -> String {
    // With terms the message may quote what changes with every build.
    let what = if terms.is_empty() { message } else { terms };
    let name = repository(outcome).unwrap_or_else(|| outcome.component.name.clone());
    let whole = json!([name, outcome.component.name, id, what]).to_string();
    Digest::of(whole.as_bytes()).hex()
}

/// The image's registry and path; none when the reference cannot be read.
fn repository(outcome: &Outcome) -> Option<String> {
    if let Some(image) = &outcome.image {
        return Some(image.repository.to_string());
    }
    outcome.component.container_image.parse::<ImageRef>().ok().map(|image| image.repository().to_string())
}

fn location(outcome: &Outcome) -> Value {
    let place = repository(outcome).unwrap_or_else(|| outcome.component.name.clone());
    json!({
        "physicalLocation": {
            "artifactLocation": {"uri": relative(&place)},
            // Code scanning wants a line. An image has none.
            "region": {"startLine": 1},
        },
        "logicalLocations": [{
            "name": text(&outcome.component.name),
            "fullyQualifiedName": package_url(outcome).unwrap_or_else(|| text(&outcome.image_text())),
            "kind": "resource",
        }],
    })
}

/// The image as a package URL of the type `oci`; none before its digest is known.
fn package_url(outcome: &Outcome) -> Option<String> {
    let image = outcome.image.as_ref()?;
    let path = image.repository.path();
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let url = format!("{}/{path}", image.repository.registry());
    Some(format!(
        "pkg:oci/{}@{}?repository_url={}",
        encoded(&name, ""),
        encoded(&image.digest.to_string(), ""),
        encoded(&url, "/")
    ))
}

/// A relative reference: neither a scheme nor a root, whatever the text is.
fn relative(text: &str) -> String {
    let encoded = encoded(cut(text, PLACE_CHARACTERS).trim_start_matches('/'), "/");
    // A path of dots would lead out of the repository.
    let parts = encoded.split('/').map(|part| if part.bytes().all(|byte| byte == b'.') { "_" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Percent-encoded, but for unreserved characters and those given.
fn encoded(text: &str, and: &str) -> String {
    let mut to = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || and.as_bytes().contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push_str(&format!("%{byte:02X}"));
        }
    }
    to
}

/// A message: control characters shown, links that a message could hold taken apart, not longer than a reader reads.
fn text(text: &str) -> String {
    let shown = sanitize::lines(text).replace("](", "] (");
    if shown.trim().is_empty() { "(empty)".to_owned() } else { cut(&shown, MESSAGE_CHARACTERS).into_owned() }
}

#[cfg(test)]
#[path = "sarif_tests.rs"]
mod tests;
