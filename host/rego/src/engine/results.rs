//! Queries with OPA's results, of the kinds where an engine easily deviates silently: `results.jsonl` has
//! one a line, each with the kind, the modules (of before 1.0 with `v0`), the query, and what `opa eval` 1.15.2 gave: the
//! values of the expressions and the variables of each result, `undefined`, or `error`.

use std::collections::BTreeMap;

use regorus::Value;
use serde_json::{Value as Json, json};

use crate::{
    compile_options::CompileOptions,
    engine::{EvalLimits, EvalOptions, Files, NoHost, given, take},
    sources::PolicyFile,
};

/// The queries and their results.
const ALL: &str = include_str!("results.jsonl");

fn evaluate(case: &Json) -> Option<Json> {
    let texts = case["modules"].as_array().unwrap();
    let file = |(at, text): (usize, &Json)| PolicyFile {
        name: format!("{at}.rego"),
        text: text.as_str().unwrap().into(),
        v0: None,
    };
    let options = CompileOptions { strict: false, v0: case["v0"] == true, ..CompileOptions::default() };
    let policy = Files::parse(texts.iter().enumerate().map(file).collect(), options).ok()?;
    let policy = policy.compile(Value::new_object()).ok()?;
    let query = policy.prepare(case["query"].as_str().unwrap()).ok()?;
    let request = EvalOptions {
        input: case.get("input").map(|input| take(input.clone()).unwrap()),
        data: None,
        host: &NoHost,
        limits: EvalLimits::default(),
        strict_builtin_errors: false,
        now_ns: 0,
        seed: 0,
    };
    let results = policy.query_observed(&query, &request, &Default::default()).ok()?;
    let json = |value: &Value| given(value).unwrap();
    let result = |found: &crate::engine::Solution| {
        let bindings: BTreeMap<String, Json> =
            found.bindings.iter().map(|(name, value)| (name.to_string(), json(value))).collect();
        let mut all: Vec<Json> = found.values.iter().map(json).collect();
        if !bindings.is_empty() {
            all.push(json!(bindings));
        }
        Json::Array(all)
    };
    Some(if results.found.is_empty() { "undefined".into() } else { results.found.iter().map(result).collect() })
}

#[test]
fn the_results_are_those_of_opa() {
    let mut wrong = Vec::new();
    for line in ALL.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let got = evaluate(&case).unwrap_or_else(|| "error".into());
        if got != case["want"] {
            wrong.push(format!("{line}\n  got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), ALL.lines().count(), wrong.join("\n"));
}
