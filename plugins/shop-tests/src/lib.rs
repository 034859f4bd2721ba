//! The tasks of the example shop in one small component: the parameter `test` says which of them it is.
//!
//! - `sources`: every component names the commit that it was built from, in a repository below `prefix`. The same in Python is
//!   in `examples/shop/tasks/sources`.
//! - `registries`: every image comes from one of `registries`. The same in TypeScript is in `examples/shop/tasks/registries`.
//! - `summary`: writes the list of the Snapshot's images, as text or JSON.

mod bindings {
    wit_bindgen::generate!({ path: "../../wit/assay-plugin/0.1", world: "task-offline" });
}
#[path = "../../../sdk/rust/src/output.rs"]
mod output;

use bindings::{
    assay::plugin::{
        artifacts, logging,
        snapshot::{self, Component},
        types::{Context, Error, Finding, Outcome, Param, Severity, Value, Verdict},
    },
    exports::assay::plugin::{custom_task, metadata},
};

struct ShopTests;

bindings::export!(ShopTests with_types_in bindings);

const SOURCE: &str = "shop-tests.commit";
const REGISTRY: &str = "shop-tests.registry";

const PARAMS: &str = r#"{"type":"object","properties":{
"test":{"type":"string","enum":["sources","registries","summary"],"default":"registries"},
"prefix":{"type":"string","default":"https://"},
"registries":{"type":"array","items":{"type":"string"},"default":["registry.example/"]},
"format":{"type":"string","enum":["text","json"],"default":"text"},
"status":{"type":"string","default":""}},"additionalProperties":false}"#;

impl metadata::Guest for ShopTests {
    fn describe() -> metadata::Manifest {
        let rule = |code: &str, title: &str| metadata::Rule {
            code: code.to_owned(),
            title: title.to_owned(),
            severity: Severity::High,
        };
        metadata::Manifest {
            name: "shop-tests".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "The tasks of the example shop.".to_owned(),
            license: "Apache-2.0".to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: PARAMS.to_owned(),
            permissions: Vec::new(),
            limits: Vec::new(),
            rules: vec![
                rule(SOURCE, "Component must name the commit that it was built from"),
                rule(REGISTRY, "Image must come from an allowed registry"),
            ],
        }
    }
}

impl custom_task::Guest for ShopTests {
    fn run(context: Context) -> Result<Verdict, Error> {
        match text(&context, "test").as_str() {
            "sources" => Ok(verdict(sources(&text(&context, "prefix")))),
            "registries" => Ok(verdict(registries(&list(&context, "registries")))),
            "summary" => summary(&text(&context, "format"), &text(&context, "status")),
            other => Err(Error::Invalid(format!("there is no test `{other}`"))),
        }
    }
}

fn value<'a>(context: &'a Context, name: &str) -> Option<&'a Value> {
    context.params.iter().find(|Param { name: known, .. }| known == name).map(|param| &param.value)
}

fn text(context: &Context, name: &str) -> String {
    match value(context, name) {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Items(items)) => items.join(","),
        Some(Value::Json(json)) => serde_json::from_str(json).unwrap_or_else(|_| json.clone()),
        None => String::new(),
    }
}

fn list(context: &Context, name: &str) -> Vec<String> {
    match value(context, name) {
        Some(Value::Items(items)) => items.clone(),
        Some(Value::Text(text)) => vec![text.clone()],
        Some(Value::Json(json)) => serde_json::from_str(json).unwrap_or_default(),
        None => Vec::new(),
    }
}

/// All components of the Snapshot; one answer of the host has 500 at most.
fn components() -> Vec<Component> {
    let mut all = Vec::new();
    loop {
        let part = snapshot::components(u32::try_from(all.len()).unwrap_or(u32::MAX), 500);
        if part.is_empty() {
            return all;
        }
        all.extend(part);
    }
}

/// What was looked at, and what is wrong.
struct Looked {
    count: usize,
    findings: Vec<Finding>,
}

fn finding(code: &str, component: &Component, message: String) -> Finding {
    Finding {
        code: code.to_owned(),
        outcome: Outcome::Failure,
        severity: Severity::High,
        message,
        subject: Some(component.image.clone()),
        terms: vec![component.name.clone()],
        solution: None,
    }
}

fn sources(prefix: &str) -> Looked {
    let all = components();
    let wrong = |component: &Component| {
        let Some(source) = &component.source else { return Some("it names no source".to_owned()) };
        let is_commit = source.revision.len() == 40 && source.revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !source.url.starts_with(prefix) {
            return Some(format!("its source {} is not below {prefix}", source.url));
        }
        (!is_commit).then(|| format!("its revision `{}` is not a commit", source.revision))
    };
    let findings = all
        .iter()
        .filter_map(|component| Some(finding(SOURCE, component, format!("{}: {}", component.name, wrong(component)?))));
    Looked { count: all.len(), findings: findings.collect() }
}

fn registries(allowed: &[String]) -> Looked {
    let all = components();
    let is_wrong = |component: &&Component| !allowed.iter().any(|prefix| component.image.starts_with(prefix));
    let findings = all.iter().filter(is_wrong).map(|component| {
        let message =
            format!("{} of the component {} is not from an allowed registry", component.image, component.name);
        finding(REGISTRY, component, message)
    });
    Looked { count: all.len(), findings: findings.collect() }
}

fn verdict(Looked { count, findings }: Looked) -> Verdict {
    for finding in &findings {
        logging::log(logging::Level::Warn, &finding.message);
    }
    let failures = findings.len();
    let successes = count.saturating_sub(failures);
    let note = format!("{successes} of {count} components are as they should be");
    logging::log(logging::Level::Info, &note);
    let outcome = if failures > 0 { Outcome::Failure } else { Outcome::Success };
    of(outcome, successes, failures, note, findings, Vec::new())
}

fn of(
    outcome: Outcome,
    successes: usize,
    failures: usize,
    note: String,
    findings: Vec<Finding>,
    results: Vec<(String, String)>,
) -> Verdict {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Verdict {
        outcome,
        successes: number(successes),
        failures: number(failures),
        warnings: 0,
        namespace: None,
        note: Some(note),
        timestamp: None,
        findings,
        results,
        links: Vec::new(),
    }
}

fn summary(format: &str, status: &str) -> Result<Verdict, Error> {
    let all = components();
    let images: Vec<(&str, &str)> =
        all.iter().map(|component| (component.name.as_str(), component.image.as_str())).collect();
    let (name, media_type, content) = if format == "json" {
        let object: std::collections::BTreeMap<_, _> = images.into_iter().collect();
        let content = serde_json::to_string(&object).map_err(|error| Error::Internal(error.to_string()))?;
        ("images.json", "application/json", content + "\n")
    } else {
        let lines = images.iter().map(|(name, image)| format!("{name} {image}\n"));
        let status = if status.is_empty() { String::new() } else { format!("tasks before: {status}\n") };
        ("images.txt", "text/plain", lines.collect::<String>() + &status)
    };
    logging::log(logging::Level::Info, content.trim_end());
    if artifacts::append(name, media_type, content.as_bytes()).is_err() {
        return Err(Error::Internal(format!("the file `{name}` cannot be written")));
    }
    let results = vec![("images".to_owned(), all.len().to_string())];
    Ok(of(Outcome::Success, all.len(), 0, format!("{} images listed", all.len()), Vec::new(), results))
}
