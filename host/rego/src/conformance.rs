//! [`check_case`]: evaluation cases in OPA's format, checked with the library as it ships.
//!
//! A case is one line of JSON: `note`, `file` (its first folder is the feature), `modules`, `data`, `input` or
//! `input_term`, `query`, and what is wanted: `want_result`, or `want_error_code` and `want_error`. The cases themselves
//! are not part of this repository. Those that are known to fail stand in `known-failures.txt` with the reason.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use regorus::Value;
use serde_json::Value as Json;

use crate::{
    compile_options::CompileOptions,
    engine::{self, EvalError, EvalLimits, EvalOptions, Files, NoHost, with_large_stack},
    sources::PolicyFile,
};

/// Features that are refused when a policy is compiled: the first folder of a case's file.
const REFUSED: [&str; 3] = ["graphql", "providers-aws", "netlookupipaddr"];

/// The known failures: the note of the case, a tab, the reason.
const KNOWN: &str = include_str!("../known-failures.txt");

/// How long one case may take: a case that exceeds it fails.
const CASE_TIME: Duration = Duration::from_secs(60);

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseVerdict {
    /// It has OPA's result.
    Passed,
    /// It does not, and how.
    Failed(String),
    /// It is about a feature that is refused when a policy is compiled.
    Excluded,
}

/// The result of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The name of the case.
    pub note: String,
    /// How it went.
    pub verdict: CaseVerdict,
}

/// The cases that are known to fail: the note and the reason.
pub fn known_failures() -> impl Iterator<Item = (&'static str, &'static str)> {
    KNOWN.lines().filter_map(|line| line.split_once('\t'))
}

/// Checks one case, a line of JSON.
///
/// # Errors
/// The line is not JSON.
pub fn check_case(line: &str) -> Result<CaseResult, serde_json::Error> {
    let case: Json = serde_json::from_str(line)?;
    let text = |name: &str| case.get(name).and_then(Json::as_str).unwrap_or_default();
    let folder = text("file").split('/').next().unwrap_or_default();
    let verdict = if REFUSED.contains(&folder) {
        CaseVerdict::Excluded
    } else {
        match with_large_stack(|| compare(&case)) {
            Ok(Ok(())) => CaseVerdict::Passed,
            Ok(Err(why)) => CaseVerdict::Failed(why),
            Err(fault) => CaseVerdict::Failed(fault.to_string()),
        }
    };
    Ok(CaseResult { note: text("note").to_owned(), verdict })
}

/// A value with sets as sorted lists and keys as strings; with `sort`, lists are sorted too.
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
                other => Value::from(serde_json::to_string(&plain(other, false)).unwrap_or_default()),
            };
            let fields = fields.iter().map(|(name, each)| (key(name), plain(each, sort)));
            Value::from(fields.collect::<BTreeMap<_, _>>())
        }
        other => other.clone(),
    }
}

/// The code of an error and its whole text.
type Wrong = (String, String);

fn value(json: &Json) -> Result<Value, Wrong> {
    serde_json::from_value(json.clone()).map_err(|error| ("case".to_owned(), error.to_string()))
}

/// The results of the case's query, or the code and the text of the error.
fn query_results(case: &Json) -> Result<Vec<Value>, Wrong> {
    let modules = case.get("modules").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let files = modules.iter().enumerate().map(|(at, text)| PolicyFile {
        name: format!("test-{at}.rego"),
        text: text.as_str().unwrap_or_default().to_owned(),
        v0: None,
    });
    let wrong = |errors: Vec<engine::CompileError>| {
        let first = errors.first();
        let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        (first.map(|first| first.code.as_str().to_owned()).unwrap_or_default(), text)
    };
    let failed = |error: EvalError| (error.code.as_str().to_owned(), error.to_string());
    let data = case.get("data").filter(|data| !data.is_null());
    let data = data.map(value).transpose()?.unwrap_or_else(Value::new_object);
    let policy = Files::parse(files.collect(), CompileOptions::default());
    let policy = policy.and_then(|files| files.compile(data)).map_err(wrong)?;
    // Some cases have certificates of these years.
    let now_ns = i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
    let deadline = Instant::now().checked_add(CASE_TIME);
    let request = |input| EvalOptions {
        data: None,
        input,
        host: &NoHost,
        limits: EvalLimits { deadline, ..EvalLimits::default() },
        strict_builtin_errors: case.get("strict_error").and_then(Json::as_bool).unwrap_or(false),
        now_ns,
        seed: 1,
    };
    let mut input = case.get("input").map(value).transpose()?;
    if let Some(term) = case.get("input_term").and_then(Json::as_str) {
        let query = policy.prepare(&format!("x = {term}")).map_err(wrong)?;
        let results = policy.query(&query, &request(None)).map_err(failed)?;
        input = results.first().and_then(|bindings| bindings.get("x").cloned());
    }
    let query = policy.prepare(case.get("query").and_then(Json::as_str).unwrap_or_default()).map_err(wrong)?;
    let results = policy.query(&query, &request(input)).map_err(failed)?;
    let object = |(name, value): (String, Value)| (Value::from(name), value);
    Ok(results
        .into_iter()
        .map(|bindings| Value::from(bindings.into_iter().map(object).collect::<BTreeMap<_, _>>()))
        .collect())
}

/// Whether the result is the expected one; else how it differs.
fn compare(case: &Json) -> Result<(), String> {
    let text = |name: &str| case.get(name).and_then(Json::as_str);
    let (code, message) = (text("want_error_code"), text("want_error"));
    let result = query_results(case);
    if code.is_some() || message.is_some() {
        return match result {
            Ok(results) => Err(format!("got {results:?}, wanted {code:?} {message:?}")),
            Err((got, says)) => {
                let fits = code.is_none_or(|code| code == got) && message.is_none_or(|text| says.contains(text));
                if fits { Ok(()) } else { Err(format!("failed with {got} {says:?}, wanted {code:?} {message:?}")) }
            }
        };
    }
    let Some(want) = case.get("want_result").and_then(Json::as_array) else { return Ok(()) };
    let sort = case.get("sort_bindings").and_then(Json::as_bool).unwrap_or(false);
    let got = result.map_err(|(_, text)| format!("failed: {text}"))?;
    let mut got: Vec<_> = got.iter().map(|each| plain(each, sort)).collect();
    let want: Result<Vec<_>, _> = want.iter().map(|each| value(each).map(|each| plain(&each, sort))).collect();
    let mut want = want.map_err(|(_, text)| text)?;
    // Results have no order.
    got.sort();
    want.sort();
    if got == want { Ok(()) } else { Err(format!("got {got:?}, wanted {want:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(line: &str) -> CaseVerdict {
        check_case(line).unwrap().verdict
    }

    #[test]
    fn a_case_passes_only_with_the_expected_result() {
        let case = |more: &str| format!(r#"{{"note": "n", "file": "f/g.yaml", "query": "x := 1 + 1", {more}}}"#);
        assert_eq!(verdict(&case(r#""want_result": [{"x": 2}]"#)), CaseVerdict::Passed);
        for wrong in [r#""want_result": [{"x": 3}]"#, r#""want_result": []"#, r#""want_error_code": "x""#] {
            assert!(matches!(verdict(&case(wrong)), CaseVerdict::Failed(_)), "{wrong}");
        }
        let refused = r#"{"note": "n", "file": "graphql/g.yaml", "query": "x := 1", "want_result": []}"#;
        assert_eq!(verdict(refused), CaseVerdict::Excluded);
        let unsafe_query =
            r#"{"note": "n", "file": "f", "query": "x > 1", "want_error_code": "rego_unsafe_var_error"}"#;
        assert_eq!(verdict(unsafe_query), CaseVerdict::Passed);
        assert!(check_case("{").is_err());
    }
}
