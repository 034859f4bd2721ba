//! The evaluation cases of OPA, judged one by one. They are not part of this repository: they lie in the folder that
//! `ASSAY_SHARED` names, or else in `shared` beside it. Without them there is nothing to judge.
//!
//! Cases that are known to fail stand in `known-failures.txt` with the reason; one that passes must leave the list.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use regorus::Value;
use serde_json::Value as Json;

use super::{Ask, Bounds, Files, builtins::NoHost};
use crate::{compile_options::CompileOptions, sources::PolicyFile};

/// Features that are refused when a policy is compiled.
const REFUSED: [&str; 3] = ["graphql", "providers-aws", "netlookupipaddr"];

/// The known failures: the note of the case, a tab, the reason.
const KNOWN: &str = include_str!("../../known-failures.txt");

/// More than these would be another engine.
const MOST_KNOWN: usize = 10;

/// A value with sets as sorted lists and keys as texts; with `sort`, lists are sorted too.
fn plain(value: &Value, sort: bool) -> Value {
    let sorted = |mut all: Vec<Value>| {
        all.sort();
        Value::from(all)
    };
    match value {
        Value::Array(all) if !sort => Value::from(all.iter().map(|each| plain(each, sort)).collect::<Vec<_>>()),
        Value::Array(all) => sorted(all.iter().map(|each| plain(each, sort)).collect()),
        Value::Set(all) => sorted(all.iter().map(|each| plain(each, sort)).collect()),
        Value::Object(fields) => {
            let key = |key: &Value| match key {
                Value::String(_) => key.clone(),
                other => Value::from(serde_json::to_string(&plain(other, false)).unwrap()),
            };
            let fields = fields.iter().map(|(name, each)| (key(name), plain(each, sort)));
            Value::from(fields.collect::<BTreeMap<_, _>>())
        }
        other => other.clone(),
    }
}

fn value(json: &Json) -> Value {
    serde_json::from_value(json.clone()).unwrap()
}

/// The results of the case's query, or the code and the text of the error.
fn answer(case: &Json) -> Result<Vec<Value>, (String, String)> {
    let modules = case["modules"].as_array().cloned().unwrap_or_default();
    let files = modules
        .iter()
        .enumerate()
        .map(|(at, text)| PolicyFile { name: format!("test-{at}.rego"), text: text.as_str().unwrap().to_owned() });
    let wrong = |errors: Vec<super::error::CompileError>| (errors[0].code.as_str().to_owned(), errors[0].to_string());
    let failed = |error: super::EvalError| (error.code.as_str().to_owned(), error.to_string());
    let data = case.get("data").filter(|data| !data.is_null()).map_or_else(Value::new_object, value);
    let policy = Files::parse(files.collect(), CompileOptions::default())
        .and_then(|files| files.compile(data))
        .map_err(wrong)?;
    let ask = |input| Ask {
        input,
        host: &NoHost,
        bounds: Bounds::default(),
        strict_builtin_errors: case["strict_error"].as_bool().unwrap_or(false),
        now_ns: 1_700_000_000_000_000_000,
        seed: 1,
    };
    let mut input = case.get("input").map(value);
    if let Some(term) = case["input_term"].as_str() {
        let query = policy.prepare(&format!("x = {term}")).map_err(wrong)?;
        let results = policy.query(&query, &ask(None)).map_err(failed)?;
        input = results.first().and_then(|bindings| bindings.get("x").cloned());
    }
    let query = policy.prepare(case["query"].as_str().unwrap()).map_err(wrong)?;
    let results = policy.query(&query, &ask(input)).map_err(failed)?;
    let object = |(name, value): (String, Value)| (Value::from(name), value);
    Ok(results
        .into_iter()
        .map(|bindings| Value::from(bindings.into_iter().map(object).collect::<BTreeMap<_, _>>()))
        .collect())
}

fn judge(case: &Json) -> Result<(), String> {
    let (code, text) = (case["want_error_code"].as_str(), case["want_error"].as_str());
    let answer = answer(case);
    if code.is_some() || text.is_some() {
        return match answer {
            Ok(results) => Err(format!("answered {results:?}, wanted {code:?} {text:?}")),
            Err((got, says)) => {
                let fits = code.is_none_or(|code| code == got) && text.is_none_or(|text| says.contains(text));
                if fits { Ok(()) } else { Err(format!("failed with {got} {says:?}, wanted {code:?} {text:?}")) }
            }
        };
    }
    let Some(want) = case["want_result"].as_array() else { return Ok(()) };
    let sort = case["sort_bindings"].as_bool().unwrap_or(false);
    let got = answer.map_err(|(_, text)| format!("failed: {text}"))?;
    let mut got: Vec<_> = got.iter().map(|each| plain(each, sort)).collect();
    let mut want: Vec<_> = want.iter().map(|each| plain(&value(each), sort)).collect();
    // Results have no order.
    got.sort();
    want.sort();
    if got == want { Ok(()) } else { Err(format!("got {got:?}, wanted {want:?}")) }
}

/// Where the cases are, if they are.
fn place() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let place = std::env::var_os("ASSAY_SHARED").map_or_else(beside, PathBuf::from).join("data/opa/cases.jsonl");
    place.is_file().then_some(place)
}

#[test]
fn the_cases_of_opa_pass_but_for_the_known_ones() {
    let known: BTreeMap<_, _> = KNOWN.lines().filter_map(|line| line.split_once('\t')).collect();
    assert!(known.len() <= MOST_KNOWN && known.len() == KNOWN.lines().count(), "{KNOWN}");
    let Some(place) = place() else {
        println!("skipped: the cases of OPA are not there (ASSAY_SHARED, or `shared` beside the repository)");
        return;
    };
    let mut wrong = Vec::new();
    let (mut judged, mut failed) = (0, 0);
    for line in fs_err::read_to_string(place).unwrap().lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let note = case["note"].as_str().unwrap();
        let folder = case["file"].as_str().unwrap().split('/').next().unwrap();
        if REFUSED.contains(&folder) {
            continue;
        }
        judged += 1;
        match (judge(&case), known.contains_key(note)) {
            (Ok(()), false) => {}
            (Err(_), true) => failed += 1,
            (Err(why), false) => wrong.push(format!("{note}: {why}")),
            (Ok(()), true) => wrong.push(format!("{note} passes and still is a known failure")),
        }
    }
    println!("{judged} cases judged, {failed} known failures");
    assert!(
        wrong.is_empty() && judged > 1_000 && failed == known.len(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
