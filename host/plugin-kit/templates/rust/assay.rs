//! Helpers for assay plugins, part of the template: change them as you like.
#![allow(dead_code, reason = "a template of helpers")]

use crate::bindings::assay::plugin::types::{Context, Error, Finding, Outcome, Retry, Severity, Value, Verdict};

/// The inputs can never work: the call is not retried.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::Invalid(message.into())
}

/// The same call is retried later: the network, 429, 5xx.
pub fn retry(message: impl Into<String>, after_ms: Option<u32>) -> Error {
    Error::Transient(Retry { message: message.into(), after_ms })
}

fn value<'a>(ctx: &'a Context, name: &str) -> Result<&'a Value, Error> {
    let found = ctx.params.iter().find(|param| param.name == name);
    found.map(|param| &param.value).ok_or_else(|| invalid(format!("there is no parameter `{name}`")))
}

/// A parameter that is a string. The host has checked it and filled in its default.
pub fn text<'a>(ctx: &'a Context, name: &str) -> Result<&'a str, Error> {
    match value(ctx, name)? {
        Value::Text(text) => Ok(text),
        _ => Err(invalid(format!("the parameter `{name}` is not a string"))),
    }
}

/// A parameter that is a list of strings.
pub fn list<'a>(ctx: &'a Context, name: &str) -> Result<&'a [String], Error> {
    match value(ctx, name)? {
        Value::Items(items) => Ok(items),
        _ => Err(invalid(format!("the parameter `{name}` is not a list"))),
    }
}

/// One failure. Its code must be among the rules of the manifest.
pub fn failure(code: &str, message: String, subject: &str) -> Finding {
    Finding {
        code: code.to_owned(),
        outcome: Outcome::Failure,
        severity: Severity::High,
        message,
        subject: Some(subject.to_owned()),
        terms: Vec::new(),
        solution: None,
    }
}

/// The result of a task or a job, a failure if there are findings. The host counts by itself: a success with failures
/// is an error.
pub fn verdict(successes: u32, findings: Vec<Finding>, note: String) -> Verdict {
    Verdict {
        outcome: if findings.is_empty() { Outcome::Success } else { Outcome::Failure },
        successes,
        failures: u32::try_from(findings.len()).unwrap_or(u32::MAX),
        warnings: 0,
        namespace: None,
        note: Some(note),
        timestamp: None,
        findings,
        results: Vec::new(),
        links: Vec::new(),
    }
}
