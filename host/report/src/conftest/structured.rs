//! `json`, `junit`, `sarif` and `appstudio`: what other programs read.

use std::{collections::BTreeMap, fmt::Write as _};

use assay_gocompat::json;
use serde::Serialize as _;
use serde_json::{Map, Value, json};

use super::{ConftestFinding, ConftestOptions, ConftestResult, ConftestRun};

pub(super) fn json(run: &ConftestRun) -> Result<String, serde_json::Error> {
    let results: Vec<Value> = run.results.iter().map(document).collect();
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    results.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    let text = String::from_utf8(bytes).map_err(serde::ser::Error::custom)?;
    Ok(json::escaped(&text) + "\n")
}

fn document(result: &ConftestResult) -> Value {
    let file = if result.file == "-" { "" } else { &result.file };
    let mut fields = Map::new();
    fields.insert("filename".to_owned(), json!(file));
    fields.insert("namespace".to_owned(), json!(result.namespace));
    fields.insert("successes".to_owned(), json!(result.successes));
    let lists = [("warnings", &result.warnings), ("failures", &result.failures), ("exceptions", &result.exceptions)];
    for (name, findings) in lists.into_iter().filter(|(_, findings)| !findings.is_empty()) {
        fields.insert(name.to_owned(), findings.iter().map(finding).collect());
    }
    Value::Object(fields)
}

fn finding(finding: &ConftestFinding) -> Value {
    let mut fields = Map::new();
    fields.insert("msg".to_owned(), json!(finding.message));
    if let Some((file, line)) = &finding.location {
        let mut location = Map::new();
        if !file.is_empty() {
            location.insert("file".to_owned(), json!(file));
        }
        if let Ok(line) = line.parse::<serde_json::Number>() {
            location.insert("line".to_owned(), Value::Number(line));
        }
        fields.insert("loc".to_owned(), Value::Object(location));
    }
    if !finding.metadata.is_empty() {
        fields.insert("metadata".to_owned(), json::sorted(&Value::Object(finding.metadata.clone())));
    }
    Value::Object(fields)
}

pub(super) fn junit(run: &ConftestRun, options: ConftestOptions) -> String {
    let mut suites: BTreeMap<&str, Vec<(String, Option<&str>)>> = BTreeMap::new();
    for result in &run.results {
        let suite = suites.entry(&result.namespace).or_default();
        for finding in result.warnings.iter().chain(&result.failures) {
            let first = finding.message.lines().next().unwrap_or_default();
            let is_short = options.hide_message || finding.message.is_empty();
            let name = if is_short { result.file.clone() } else { format!("{} - {first}", result.file) };
            suite.push((name, Some(&finding.message)));
        }
        suite.extend((0..result.successes).map(|_| (result.file.clone(), None)));
    }
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for (namespace, tests) in suites {
        let name = format!("conftest.{}", xml(namespace));
        let failures = tests.iter().filter(|(_, failure)| failure.is_some()).count();
        let _infallible = write!(
            text,
            "\t<testsuite tests=\"{}\" failures=\"{failures}\" time=\"0.000\" name=\"{name}\">\n\t\t<properties>\n\t\t\t<property \
             name=\"assay.version\" value=\"{}\"></property>\n\t\t</properties>\n",
            tests.len(),
            xml(&run.version)
        );
        for (test, failure) in tests {
            let _infallible =
                write!(text, "\t\t<testcase classname=\"{name}\" name=\"{}\" time=\"0.000\">", xml(&test));
            if let Some(message) = failure {
                let _infallible =
                    write!(text, "\n\t\t\t<failure message=\"Failed\" type=\"\">{}</failure>\n\t\t", xml(message));
            }
            text.push_str("</testcase>\n");
        }
        text.push_str("\t</testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn xml(text: &str) -> String {
    let mut escaped = String::new();
    crate::xml::escape(&mut escaped, text);
    escaped
}

/// The rules of a SARIF run, in the order in which they are first used.
#[derive(Default)]
struct Sarif {
    rules: Vec<(String, Value)>,
    results: Vec<Value>,
}

impl Sarif {
    fn add(&mut self, result: &ConftestResult, kind: &str, level: &str, description: &str, finding: &ConftestFinding) {
        let id = format!("{}/{kind}", result.namespace);
        let index = self.rules.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
            let mut rule = json!({"id": id, "shortDescription": {"text": description}});
            if !finding.metadata.is_empty()
                && let Some(fields) = rule.as_object_mut()
            {
                fields.insert("properties".to_owned(), json::sorted(&Value::Object(finding.metadata.clone())));
            }
            self.rules.push((id.clone(), rule));
            self.rules.len() - 1
        });
        let location = match &finding.location {
            None => json!({"artifactLocation": {"uri": result.file}}),
            Some((file, line)) => {
                let line: u64 = line.parse().unwrap_or(0);
                json!({"artifactLocation": {"uri": file}, "region": {"startLine": line, "endLine": line}})
            }
        };
        self.results.push(json!({
            "ruleId": id,
            "ruleIndex": index,
            "level": level,
            "message": {"text": finding.message},
            "locations": [{"physicalLocation": location}],
        }));
    }
}

pub(super) fn sarif(run: &ConftestRun) -> Result<String, serde_json::Error> {
    let mut sarif = Sarif::default();
    for result in &run.results {
        let lists = [
            ("deny", "error", "Policy violation", &result.failures),
            ("warn", "warning", "Policy warning", &result.warnings),
            ("allow", "note", "Policy exception", &result.exceptions),
        ];
        for (kind, level, description, findings) in lists {
            for finding in findings {
                sarif.add(result, kind, level, description, finding);
            }
        }
        if !result.failures.is_empty() || !result.warnings.is_empty() {
            continue;
        }
        let passed = result.successes > 0 || !result.exceptions.is_empty();
        let (kind, description) = if passed {
            ("success", "Policy was satisfied successfully")
        } else {
            ("skip", "Policy check was skipped")
        };
        let metadata = Map::from_iter([("description".to_owned(), json!(description))]);
        let finding = ConftestFinding { message: description.to_owned(), location: None, metadata };
        sarif.add(result, kind, "none", description, &finding);
    }
    let (code, description) = match (run.failed(), run.warned()) {
        (true, _) => (1, "Policy violations found"),
        (false, true) => (0, "Policy warnings found"),
        (false, false) => (0, "No policy violations found"),
    };
    let rules: Vec<Value> = sarif.rules.into_iter().map(|(_, rule)| rule).collect();
    json::to_string(&json!({
        "version": "2.1.0",
        "$schema": "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/main/sarif-2.1/schema/sarif-schema-2.1.0.json",
        "runs": [{
            "tool": {"driver": {"name": "assay", "rules": rules, "version": run.version}},
            "invocations": [{"executionSuccessful": true, "exitCode": code, "exitCodeDescription": description}],
            "results": sarif.results,
        }],
    }))
}

pub(super) fn appstudio(run: &ConftestRun) -> Result<String, serde_json::Error> {
    let counts = run.counts();
    let (result, note) = match (counts.failures, counts.warnings, counts.successes) {
        (0, 0, 0) => ("SKIPPED", "All checks were skipped"),
        (0, 0, _) => ("SUCCESS", "All checks passed successfully"),
        (0, _, _) => ("WARNING", "Warnings detected"),
        _ => ("FAILURE", "Failures detected"),
    };
    let text = json::to_string(&json!({
        "timestamp": run.timestamp.to_string(),
        "namespace": run.namespace,
        "successes": counts.successes,
        "failures": counts.failures,
        "warnings": counts.warnings,
        "result": result,
        "note": note,
    }))?;
    Ok(text + "\n")
}

pub(super) fn appstudio_error(why: &str, timestamp: i64) -> Result<String, serde_json::Error> {
    let text = json::to_string(&json!({
        "timestamp": timestamp.to_string(),
        "namespace": "",
        "successes": 0,
        "failures": 0,
        "warnings": 0,
        "result": "ERROR",
        "note": format!("Error: {why}"),
    }))?;
    Ok(text + "\n")
}
