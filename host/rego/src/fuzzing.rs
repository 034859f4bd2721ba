//! The passes of the engine by themselves, over text from anywhere: what the fuzzers in `fuzz/` knock at.
//!
//! The entry points are [`parse`], [`compile`] and [`evaluate`]. Nothing else of assay uses them.

use std::time::{Duration, Instant};

use regorus::Value;

use crate::{
    compile_options::CompileOptions,
    engine::{EvalLimits, EvalOptions, Files, NoHost, read as read_json, with_large_stack},
    sources::PolicyFile,
};

fn read(modules: &[&str], options: CompileOptions) -> Result<Files, String> {
    let file =
        |(at, text): (usize, &&str)| PolicyFile { name: format!("{at}.rego"), text: (*text).to_owned(), v0: None };
    let files = modules.iter().enumerate().map(file).collect();
    Files::parse(files, options).map_err(|errors| listed(&errors))
}

fn listed(errors: &[impl ToString]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Parses a module and returns only whether it is one.
///
/// # Errors
/// Everything that is not Rego.
pub fn parse(module: &str, options: CompileOptions) -> Result<(), String> {
    // Nested source takes stack, in builds without optimization more than a thread has by default.
    with_large_stack(|| read(&[module], options).map(drop)).map_err(|fault| fault.to_string()).and_then(|read| read)
}

/// Compiles modules together.
///
/// # Errors
/// Everything that is wrong with them. A bug in the engine is one too, with the word `panicked`.
pub fn compile(modules: &[&str], options: CompileOptions) -> Result<(), String> {
    let work = || read(modules, options)?.compile(Value::new_object()).map(drop).map_err(|errors| listed(&errors));
    with_large_stack(work).map_err(|fault| fault.to_string()).and_then(|compiled| compiled)
}

/// Compiles one module, evaluates a query with a JSON input, and returns the number of results.
///
/// # Errors
/// The module, the query or the input is invalid, or there is no result within `limit`.
pub fn evaluate(module: &str, query: &str, input: &str, limit: Duration) -> Result<usize, String> {
    let work = || {
        let policy = read(&[module], CompileOptions::default())?;
        let policy = policy.compile(Value::new_object()).map_err(|errors| listed(&errors))?;
        let query = policy.prepare(query).map_err(|errors| listed(&errors))?;
        let input = read_json(input)?;
        let request = EvalOptions {
            data: None,
            input: Some(input),
            host: &NoHost,
            limits: EvalLimits { deadline: Instant::now().checked_add(limit), cancel: None },
            strict_builtin_errors: false,
            now_ns: 1_700_000_000_000_000_000,
            seed: 1,
        };
        policy.query(&query, &request).map(|results| results.len()).map_err(|error| error.to_string())
    };
    with_large_stack(work).map_err(|fault| fault.to_string()).and_then(|result| result)
}

/// Why a module gives no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not compile.
    Compile(String),
    /// Its evaluation failed.
    Evaluation(String),
}

/// Compiles one module and evaluates the document of a package with a JSON input; `null` if that is undefined.
///
/// # Errors
/// [`Refusal`] with everything that is wrong.
pub fn document(
    module: &str,
    package: &str,
    input: &str,
    options: CompileOptions,
    limit: Duration,
) -> Result<String, Refusal> {
    let work = || {
        let policy = read(&[module], options).map_err(Refusal::Compile)?;
        let policy = policy.compile(Value::new_object()).map_err(|errors| Refusal::Compile(listed(&errors)))?;
        let request = EvalOptions {
            data: None,
            input: Some(read_json(input).map_err(Refusal::Evaluation)?),
            host: &NoHost,
            limits: EvalLimits { deadline: Instant::now().checked_add(limit), cancel: None },
            strict_builtin_errors: false,
            now_ns: 1_700_000_000_000_000_000,
            seed: 1,
        };
        let failed = |error: &dyn std::fmt::Display| Refusal::Evaluation(error.to_string());
        let paths = [vec![package.to_owned()]];
        let values = policy.evaluate(&paths, &request).map_err(|error| failed(&error))?.values;
        let Some(Some(value)) = values.into_iter().next() else { return Ok("null".to_owned()) };
        let json = crate::engine::given(&value).map_err(|error| failed(&error))?;
        serde_json::to_string(&json).map_err(|error| failed(&error))
    };
    with_large_stack(work).unwrap_or_else(|fault| Err(Refusal::Evaluation(fault.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pass_says_what_is_wrong_with_a_text() {
        let options = CompileOptions::default();
        assert!(parse("package a\np := x", options).is_ok());
        assert!(parse("package", options).unwrap_err().contains("rego_parse_error"));
        assert!(compile(&["package a\np := x"], options).unwrap_err().contains("rego_unsafe_var_error"));
        let second = Duration::from_secs(1);
        assert_eq!(evaluate("package a\np contains input.x[_]", "data.a.p[x]", r#"{"x": [1, 2]}"#, second), Ok(2));
        assert!(evaluate("package a\np := 1", "data.a.p = x", "{", second).is_err());
        let document = |module: &str| document(module, "a", "{}", options, second);
        assert_eq!(document("package a\np := 1").unwrap(), r#"{"p":1}"#);
        assert!(matches!(document("package a\np := x"), Err(Refusal::Compile(_))));
        assert!(matches!(document("package a\np := 1\np := 2"), Err(Refusal::Evaluation(_))));
    }
}
