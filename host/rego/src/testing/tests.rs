//! Tests of tests: a small policy, its tests, and how each ends.

use std::{num::NonZeroUsize, time::Duration};

use std::sync::LazyLock;

use super::*;
use crate::{compile_options::CompileOptions, host::NoHost, sources::PolicyFile, sources::Sources};

fn policy_set(texts: &[&str]) -> PolicySet {
    let file =
        |(at, text): (usize, &&str)| PolicyFile { name: format!("t{at}.rego"), text: (*text).to_owned(), v0: None };
    let sources = Sources::of(texts.iter().enumerate().map(file).collect(), serde_json::json!({}));
    PolicySet::compile(sources, CompileOptions::default()).unwrap()
}

fn options() -> TestOptions<'static> {
    let workers = NonZeroUsize::new(3).unwrap();
    TestOptions { time_limit: Duration::from_secs(20), workers, coverage: false, trace: false, host: &HOST, stop: None }
}

static HOST: LazyLock<Arc<dyn Host>> = LazyLock::new(|| Arc::new(NoHost));

fn run(texts: &[&str], options: &TestOptions<'_>) -> Vec<(String, TestResult)> {
    let policies = policy_set(texts);
    let tests = policies.tests(None).unwrap();
    let mut results: Vec<_> = Vec::new();
    policies.run(&tests, options, &mut |at, result| results.push((at, result))).unwrap();
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(at, result)| (tests[at].name.clone(), result)).collect()
}

/// The names of the tests and how each ended.
fn ends(texts: &[&str]) -> Vec<(String, String)> {
    let outcome = |(name, result): (String, TestResult)| {
        let end = match result.end {
            TestOutcome::Passed => "passed".to_owned(),
            TestOutcome::Failed => "failed".to_owned(),
            TestOutcome::Skipped => "skipped".to_owned(),
            TestOutcome::Error(error) => error.to_string(),
        };
        (name, end)
    };
    run(texts, &options()).into_iter().map(outcome).collect()
}

#[test]
fn a_test_passes_only_when_it_is_true() {
    let policy = "package p\nx := 1\ny := input.y\n";
    let tests = "package p_test\n\ntest_true if data.p.x == 1\n\ntest_false := false\n\ntest_undefined if data.p.x == 2\n\n\
                 test_other := \"x\"\n\ntest_no_input if not input\n\ntest_mock if data.p.y == 7 with input as {\"y\": 7}\n\n\
                 test_true if false\n\nhelper := 1\n\ntest_f(x) := x\n\n\
                 default test_d := true\n\ntodo_test_later := false\n";
    let function = "1 error occurred: 1:1: rego_type_error: function data.p_test.test_f used as reference, not called\n\t\
                    data.p_test.test_f\n\t^^^^^^^^^^^^^^^^^^\n\thave: (any) => any";
    let want = [
        ("test_true", "passed"),
        ("test_false", "failed"),
        ("test_undefined", "failed"),
        ("test_other", "failed"),
        ("test_no_input", "passed"),
        ("test_mock", "passed"),
        ("test_true#01", "failed"),
        ("test_f", function),
        ("test_d", "passed"),
        ("todo_test_later", "skipped"),
    ];
    let want: Vec<_> = want.iter().map(|(name, end)| ((*name).to_owned(), (*end).to_owned())).collect();
    assert_eq!(ends(&[policy, tests]), want);
}

#[test]
fn two_definitions_of_one_name_are_two_tests_also_over_files() {
    let got = ends(&["package t\ntest_x if true\n", "package t\ntest_x if false\ntest_x if 1 == 1\n"]);
    let got: Vec<_> = got.iter().map(|(name, end)| format!("{name} {end}")).collect();
    assert_eq!(got, ["test_x passed", "test_x#01 failed", "test_x#02 passed"]);
}

#[test]
fn a_failed_test_reports_the_line_its_values_and_what_was_printed() {
    let text = "package t\n\ntest_x if {\n\ty := 2\n\tprint(\"seen\", [y])\n\tcount([y]) == y\n\ttrue\n}\n";
    let results = run(&[text], &options());
    let (_, result) = &results[0];
    assert_eq!(result.output, ["seen [2]"]);
    let failed = result.failed.clone().unwrap();
    assert_eq!((failed.location.line, failed.lines), (6, vec!["\tcount([y]) == y".to_owned()]));
    let values = [(6, 2, "1".to_owned()), (6, 9, "2".to_owned())];
    assert_eq!(failed.values, values);
}

#[test]
fn the_cases_of_a_test_are_distinguished() {
    let text = "package t\ntest_x[name] := ok if {\n\tsome name, n in {\"one\": 1, \"two\": 2}\n\tok := n < 2\n}\n\
                test_y[name] if {\n\tsome name in {\"a\", \"b\"}\n}\n";
    let results = run(&[text], &options());
    let reported: Vec<_> = results.iter().map(|(_, result)| (result.end.clone(), result.cases.clone())).collect();
    let case = |name: &str, held| Case { name: name.to_owned(), held, cases: Vec::new() };
    let want = [
        (TestOutcome::Failed, vec![case("one", true), case("two", false)]),
        (TestOutcome::Passed, vec![case("a", true), case("b", true)]),
    ];
    assert_eq!(reported, want);
}

/// The names of the tests of a file, how each ended, and its cases: `=` for one that holds, `!` for one that failed.
fn messages(text: &str) -> Vec<String> {
    fn cases(all: &[Case]) -> String {
        let one = |case: &Case| format!(" {}{}{}", if case.held { '=' } else { '!' }, case.name, within(case));
        all.iter().map(one).collect()
    }
    fn within(case: &Case) -> String {
        if case.cases.is_empty() { String::new() } else { format!(" ({} )", cases(&case.cases)) }
    }
    let end = |end: &TestOutcome| match end {
        TestOutcome::Passed => "passed",
        TestOutcome::Failed => "failed",
        TestOutcome::Skipped => "skipped",
        TestOutcome::Error(_) => "error",
    };
    let results = run(&[text], &options());
    results.iter().map(|(name, result)| format!("{name} {}{}", end(&result.end), cases(&result.cases))).collect()
}

#[test]
fn a_case_that_is_reached_and_does_not_hold_has_failed() {
    let text = "package t\ncases := {\"one\": 1, \"three\": 4}\nall := [{\"note\": \"a\", \"v\": 1}, {\"note\": \"b\", \"v\": 9}]\n";
    for (test, want) in [
        ("test_x[name] if { some name, n in cases; n < 3 }", "test_x failed =one !three"),
        ("test_x[case.note] if { some case in all; x := case.v + 1; x < 5 }", "test_x failed =a !b"),
        (
            "test_x[a][b] if { some a, n in cases; some b in [\"x\", \"y\"]; n == 1 }",
            "test_x failed =one ( =x =y ) !three ( !x !y )",
        ),
        ("test_x.k[name] if { some name, n in cases; n < 3 }", "test_x failed !k ( =one !three )"),
        ("test_x[name] if { true; n := cases[name]; n == 1 }", "test_x failed =one !three"),
        ("test_x[upper(name)] if { some name, n in cases; n == 1 }", "test_x failed =ONE !THREE"),
        ("test_x[name] := v if { some name, _ in cases; v := data.nope[name] }", "test_x failed !one !three"),
        ("test_x[[a, n]] if { some a, n in cases; n > 3 }", "test_x failed ![\"one\",1] =[\"three\",4]"),
        ("test_x[n] if { some n in [1, 2]; n == 2 }", "test_x failed !1 =2"),
        ("test_x[name] if { some name, n in {}; n == 1 }", "test_x passed"),
        ("test_x[name] if { some name, n in cases; not n == 1 }", "test_x failed !one =three"),
        ("test_x[name] if { some name, n in cases; n < input.y with input.y as 3 }", "test_x failed =one !three"),
        ("test_x[name] := 1 if { some name in [\"x\"] }", "test_x failed !x"),
        ("test_x[\"k\"] := true", "test_x passed =k"),
        ("test_x[\"k\"] := false", "test_x failed !k"),
    ] {
        assert_eq!(messages(&format!("{text}{test}")), [want], "{test}");
    }
}

#[test]
fn whatever_is_named_a_test_is_run() {
    for (text, want) in [
        ("test_x.a if false\ntest_x.b if true", &["test_x failed", "test_x#01 failed"][..]),
        ("test_x[\"k\"] := true if 1 == 1", &["test_x failed"]),
        ("test_x contains 1", &["test_x failed"]),
        ("test_x[name] contains 1 if some name in [\"x\"]", &["test_x failed"]),
        ("test_x(y) if y == 1", &["test_x error"]),
        ("default test_x := false\ntest_x if true", &["test_x failed", "test_x#01 passed"]),
        ("a.test_b if true\na.b.test_c.d if true", &["a.test_b passed", "a.b.test_c failed"]),
        ("todo_test_x if true\ntodo_test_x if true", &["todo_test_x skipped", "todo_test_x skipped"]),
    ] {
        assert_eq!(messages(&format!("package t\n{text}")), want, "{text}");
    }
}

#[test]
fn tests_are_chosen_by_their_full_names() {
    let policies = policy_set(&["package a.b\ntest_one := true\ntest_two := true\n"]);
    let names = |pattern: Option<&str>| -> Result<Vec<String>, InvalidRegex> {
        Ok(policies.tests(pattern)?.iter().map(Test::full_name).collect())
    };
    assert_eq!(names(None).unwrap(), ["data.a.b.test_one", "data.a.b.test_two"]);
    assert_eq!(names(Some("b.test_o")).unwrap(), ["data.a.b.test_one"]);
    assert_eq!(names(Some("^test")).unwrap(), Vec::<String>::new());
    assert_eq!(names(Some("(")).unwrap_err().to_string(), "`(` is not a valid regular expression");
}

#[test]
fn a_test_without_end_ends_with_its_time() {
    let text = "package t\ntest_x if {\n\tsome i in numbers.range(1, 10000)\n\tsome j in numbers.range(1, 10000)\n\ti * j < 0\n}\n";
    let options = TestOptions { time_limit: Duration::from_millis(50), ..options() };
    let results = run(&[text], &options);
    assert_eq!(results[0].1.end, TestOutcome::Error(EvalError::TimeLimit(Duration::from_millis(50))));
}

#[test]
fn lines_are_joined_over_tests_and_threads() {
    let policies = policy_set(&[
        "package p\nf(x) := 1 if x == 1\nf(x) := 2 if x == 2\nf(x) := 3 if x == 3\n",
        "package t\ntest_one if data.p.f(1) == 1\ntest_two if data.p.f(2) == 2\n",
    ]);
    let tests = policies.tests(None).unwrap();
    let options = TestOptions { coverage: true, ..options() };
    let hits = policies.run(&tests, &options, &mut |_, _| {}).unwrap();
    let report = policies.coverage(&hits);
    assert_eq!(report.files["t0.rego"].covered, [(2, 4)]);
    assert_eq!(report.counts(), (5, 0));
    assert_eq!(policies.coverage(&Hits::default()).counts(), (0, 5));
}
