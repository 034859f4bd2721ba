//! [`run`]: the tests of policies, rules named `test_…` that must be true.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    compile_error::CompileError,
    compile_options::CompileOptions,
    engine::spread,
    eval_error::EvalError,
    policy::{Ask, Compiled, Values, below, compile, evaluate},
    sources::Sources,
};

/// How one test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// The package's path without `data`.
    pub package: String,
    /// The rule's name.
    pub name: String,
    /// Whether it is true.
    pub passed: bool,
    /// The file and line (from 1) of its first definition.
    pub place: (String, u32),
    /// Why it did not pass.
    pub message: Option<String>,
}

/// Runs all tests of the sources, in the order of files and lines; see
/// [`add_policy_with_tests`](Sources::add_policy_with_tests). As in OPA, there is no input but what a
/// test gives itself, and built-ins reach nothing.
pub fn run(sources: Sources) -> Result<Vec<TestResult>, CompileError> {
    let Compiled { program, modules, .. } = compile(sources, CompileOptions::default())?;
    let mut seen = BTreeSet::new();
    let mut tests = Vec::new();
    let packages = BTreeSet::new();
    let ask = Ask::new(&packages, "");
    for module in &modules {
        for rule in &module.rules {
            let Some(name) = rule.entry_name().filter(|name| name.starts_with("test_")) else { continue };
            let package = module.package_name();
            if !seen.insert((package.clone(), name.to_owned())) {
                continue;
            }
            tests.push((package, below(&module.package, name), name.to_owned(), &rule.place));
        }
    }
    let results = spread(&tests, |_, (package, path, name, place)| {
        let message = complaint(evaluate(&program, &ask, None, std::slice::from_ref(path)));
        let place = (place.file.clone(), place.line);
        TestResult { package: package.clone(), name: name.clone(), passed: message.is_none(), place, message }
    })?;
    Ok(results)
}

/// Why a test did not pass, with what was printed on the way.
fn complaint(found: Result<Values, EvalError>) -> Option<String> {
    let Values { values, prints } = match found {
        Ok(found) => found,
        Err(error) => return Some(error.to_string()),
    };
    let mut complaint = match values.as_slice() {
        [Some(Value::Bool(true))] => return None,
        [Some(value)] => format!("it is {value}"),
        _ => "it is undefined".to_owned(),
    };
    for line in prints {
        complaint.push_str(&format!("\n{}:{}: {}", line.place.file, line.place.line, line.text));
    }
    Some(complaint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_passes_only_when_it_is_true() {
        let folder = tempfile::tempdir().unwrap();
        let text = "package p_test\n\ntest_true if data.p.x == 1\n\ntest_false := false\n\ntest_undefined if data.p.x == 2\n\n\
                    test_other := \"x\"\n\ntest_no_input if not input\n\ntest_mock if data.p.y == 7 with input as {\"y\": 7}\n\n\
                    test_host if ec.oci.blob(\"r.example/a\")\n\ntest_true if true\n\nhelper := 1\n";
        fs_err::write(folder.path().join("p.rego"), "package p\n\nx := 1\n\ny := input.y\n").unwrap();
        fs_err::write(folder.path().join("p_test.rego"), text).unwrap();
        let mut sources = Sources::new();
        sources.add_policy_with_tests(folder.path()).unwrap();
        let results = run(sources).unwrap();
        let got: Vec<_> = results
            .iter()
            .map(|test| (test.name.as_str(), test.place.1, test.message.as_deref().unwrap_or("passed")))
            .collect();
        let host = "`ec.oci.blob` has no answer: `r.example/a` was asked for, and no registry may be reached here";
        let want = [
            ("test_true", 3, "passed"),
            ("test_false", 5, "it is false"),
            ("test_undefined", 7, "it is undefined"),
            ("test_other", 9, "it is \"x\""),
            ("test_no_input", 11, "passed"),
            ("test_mock", 13, "passed"),
            ("test_host", 15, host),
        ];
        assert_eq!(got, want);
        assert!(results.iter().all(|test| test.package == "p_test" && test.passed == test.message.is_none()));
    }

    #[test]
    fn what_a_failed_test_prints_stands_behind_its_message() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p_test.rego");
        fs_err::write(&file, "package p\n\ntest_x if {\n\tprint(\"seen\", [1])\n\tfalse\n}\n").unwrap();
        let mut sources = Sources::new();
        sources.add_policy_with_tests(folder.path()).unwrap();
        let results = run(sources).unwrap();
        let want = format!("it is undefined\n{}:4: seen [1]", file.display());
        assert_eq!(results.first().and_then(|test| test.message.as_deref()), Some(want.as_str()));
    }
}
