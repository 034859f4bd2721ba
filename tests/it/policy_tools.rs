//! The tools for those who write policies: `assay policy …`, and the same under the name of `opa`.

use serde_json::{Value, json};

use crate::fixture::{CommandOutput, Fixture, assay, command};

const POLICY: &str = "package shop

# METADATA
# title: Allowed
# custom:
#   short_name: allowed
allow if {
	input.x == 1
	some name in data.names
	name == input.name
}

deny contains msg if {
	not allow
	msg := \"not allowed\"
}

double(x) := x * 2 if x > 1
else := 0
";

const TESTS: &str = "package shop_test

import data.shop

test_allowed if {
	shop.allow with input as {\"x\": 1, \"name\": \"cart\"}
}

test_double if shop.double(2) == 4

test_wrong if {
	got := shop.double(3)
	print(\"got\", got)
	got == 7
}

todo_test_later := false
";

/// A folder with a policy, its tests and data, and what the tools are run in.
struct Bench(Fixture);

impl Bench {
    fn new(tests: &str) -> Self {
        let fixture = Fixture::empty();
        fixture.file("shop/shop.rego", POLICY);
        fixture.file("shop/shop_test.rego", tests);
        fixture.file("data.yml", "names: [cart, till]\n");
        fixture.file("input.json", r#"{"x": 1, "name": "cart"}"#);
        Self(fixture)
    }

    /// Runs the program in the folder. Times, which differ, are written as `TIME`.
    fn run(&self, arguments: &[&str]) -> CommandOutput {
        let mut output = CommandOutput::of(&command(arguments).current_dir(self.0.path("")).output().unwrap());
        output.out = timeless(&output.out);
        output
    }
}

/// A text whose durations and nanoseconds are `TIME`.
fn timeless(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        for (open, close) in [(" (", "s)"), ("\"duration\": ", ","), ("\"duration\": ", ""), ("time=\"", "\"")] {
            let Some(at) = line.find(open) else { continue };
            let from = at + open.len();
            let rest = line.get(from..).unwrap_or_default();
            let length = if close.is_empty() { rest.len() } else { rest.find(close).unwrap_or(0) };
            if rest.starts_with(|first: char| first.is_ascii_digit()) && length > 0 {
                let end = from + length + usize::from(close == "s)");
                line.replace_range(from..end, "TIME");
            }
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[test]
fn a_failed_test_is_reported_with_its_line_its_values_and_its_prints() {
    let output = Bench::new(TESTS).run(&["policy", "test", "data.yml", "shop"]);
    let want = "shop/shop_test.rego:11:
data.shop_test.test_wrong: FAIL (TIME)

  got 6

shop/shop_test.rego:17:
data.shop_test.todo_test_later: SKIPPED
--------------------------------------------------------------------------------
PASS: 2/4
FAIL: 1/4
SKIPPED: 1/4";
    assert_eq!((output.out.as_str(), output.code), (want, 2), "{output:?}");
    let why = "data.shop_test.test_wrong:\n  shop/shop_test.rego:14:\n    got == 7\n    |\n    6";
    assert!(output.err.contains(why), "{output:?}");
}

#[test]
fn each_test_is_listed_if_requested() {
    let bench = Bench::new(TESTS);
    let output = bench.run(&["policy", "test", "data.yml", "shop", "--verbose", "--run", "test_(allowed|wrong)"]);
    let want = "FAILURES
--------------------------------------------------------------------------------
data.shop_test.test_wrong: FAIL (TIME)

shop/shop_test.rego:11  Enter data.shop_test.test_wrong
shop/shop_test.rego:14  | Fail got == 7

  shop/shop_test.rego:14:
    got == 7
    |
    6

SUMMARY
--------------------------------------------------------------------------------
shop/shop_test.rego:5:
data.shop_test.test_allowed: PASS (TIME)
shop/shop_test.rego:11:
data.shop_test.test_wrong: FAIL (TIME)

  got 6

--------------------------------------------------------------------------------
PASS: 1/2
FAIL: 1/2";
    assert_eq!((output.out.as_str(), output.code), (want, 2), "{output:?}");
}

#[test]
fn test_reports_for_machines_are_those_of_opa() {
    let bench = Bench::new(TESTS);
    let output = bench.run(&["opa", "test", "data.yml", "shop", "--format", "json", "-r", "double|wrong|later"]);
    let got: Value = serde_json::from_str(&output.out.replace("TIME", "0")).unwrap();
    let test = |name: &str, row: u32, more: Value| {
        let mut test = json!({"location": {"file": "shop/shop_test.rego", "row": row, "col": 1},
            "package": "data.shop_test", "name": name, "duration": 0});
        test.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        test
    };
    let want = json!([
        test("test_double", 9, json!({})),
        test("test_wrong", 11, json!({"fail": true, "output": "Z290IDYK"})),
        test("todo_test_later", 17, json!({"skip": true})),
    ]);
    assert_eq!((got, output.code), (want, 2));
    let output = bench.run(&["policy", "test", "data.yml", "shop", "--format", "junit", "-r", "double|wrong"]);
    let want = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="policy tests" tests="2" failures="1" errors="0" skipped="0" time="TIME">
  <testsuite name="data.shop_test" tests="2" failures="1" errors="0" skipped="0" time="TIME">
    <testcase classname="data.shop_test" name="test_double" file="shop/shop_test.rego" line="9" time="TIME"/>
    <testcase classname="data.shop_test" name="test_wrong" file="shop/shop_test.rego" line="11" time="TIME">
      <failure message="shop/shop_test.rego:14: got == 7">  shop/shop_test.rego:14:
    got == 7
    |
    6</failure>
      <system-out>got 6
</system-out>
    </testcase>
  </testsuite>
</testsuites>"#;
    assert_eq!(output.out, want);
}

#[test]
fn the_exit_code_of_tests_is_that_of_opa() {
    let bench = Bench::new(TESTS);
    bench.0.file("broken/p.rego", "package p\n\nx := y\n");
    for (arguments, code, says) in [
        (&["-r", "allowed|double"][..], 0, "PASS: 2/2"),
        (&["-r", "wrong"], 2, "FAIL: 1/1"),
        (&["-r", "later"], 2, "SKIPPED: 1/1"),
        (&["-r", "later", "-z"], 0, "SKIPPED: 1/1"),
        (&["-r", "none"], 2, "`--run none` matches no test"),
        (&["-r", "none", "--allow-empty"], 0, ""),
        (&["-r", "none", "--fail-on-empty"], 2, ""),
        (&["-r", "none", "--coverage"], 2, "matches no test"),
        (&["-r", "("], 2, "regular expression"),
        (&["broken"], 1, "broken/p.rego:3:1: rego_unsafe_var_error: var y is unsafe\n\tx := y\n\t^"),
        (&["nowhere"], 1, "`nowhere` does not exist"),
        (&["--ignore", "*_test.rego"], 2, "there is no test"),
        (&["--ignore", "*_test.rego", "--allow-empty"], 0, ""),
        (&["--schema", "s.json"], 2, "--schema"),
        (&["--timeout", "soon"], 2, "not a duration"),
    ] {
        bench.run(&[&["policy", "test", "data.yml", "shop"], arguments].concat()).expect(code, says);
    }
}

#[test]
fn under_the_name_opa_the_absence_of_tests_does_not_fail() {
    let bench = Bench::new(TESTS);
    let run = |more: &[&str]| bench.run(&[&["opa", "test", "data.yml", "shop", "-r", "none"], more].concat());
    let output = run(&[]);
    assert_eq!((output.code, output.err.as_str()), (0, ""), "{output:?}");
    assert_eq!(run(&["--fail-on-empty"]).code, 2);
}

#[test]
fn a_test_that_cannot_end_is_an_error_and_the_others_pass() {
    let slow = "package slow_test

test_slow if {
	some i in numbers.range(1, 100000)
	some j in numbers.range(1, 100000)
	i * j < 0
}

test_fast := true
";
    let output = Bench::new(slow).run(&["policy", "test", "shop", "--timeout", "300ms"]);
    output.expect(2, "data.slow_test.test_slow: ERROR (TIME)\n  the evaluation took longer than 300ms");
    output.expect(2, "PASS: 1/2\nERROR: 1/2");
}

#[test]
fn coverage_is_opas_json_or_a_list_for_people() {
    let bench = Bench::new(&TESTS.replace("got == 7", "got == 6"));
    let arguments = ["policy", "test", "data.yml", "shop", "--coverage", "-z"];
    let output = bench.run(&arguments);
    let run = |first: u32, last: u32| json!({"start": {"row": first}, "end": {"row": last}});
    let shop = json!({"covered": [run(7, 10), run(18, 18)], "not_covered": [run(13, 15), run(19, 19)], "covered_lines": 5,
        "not_covered_lines": 4, "coverage": 55.55555555555556});
    assert_eq!((&output.json()["files"]["shop/shop.rego"], output.code), (&shop, 0));
    let output = bench.run(&[&arguments[..], &["--format", "pretty"]].concat());
    output.expect(0, " 55.56%  shop/shop.rego  not covered: 13-15, 19");
    bench.run(&[&arguments[..], &["--threshold", "50"]].concat()).expect(0, "");
    let output = bench.run(&[&arguments[..], &["--threshold", "90"]].concat());
    output.expect(2, "Code coverage threshold not met: got ");
    // Lines that a failing suite reached say nothing.
    Bench::new(TESTS).run(&arguments).expect(1, "data.shop_test.test_wrong: FAIL");
}

#[test]
fn a_query_is_evaluated_as_opa_evaluates_it() {
    let bench = Bench::new(TESTS);
    let requested = |query: &str, more: &[&str]| {
        let fixed = ["opa", "eval", "--data", "shop", "--data", "data.yml", "--input", "input.json", query];
        bench.run(&[&fixed[..], more].concat())
    };
    let value = |value: Value, text: &str, column: u32| json!({"value": value, "text": text, "location": {"row": 1, "col": column}});
    for (query, want) in [
        ("data.shop.allow", json!({"result": [{"expressions": [value(json!(true), "data.shop.allow", 1)]}]})),
        ("data.nothing", json!({})),
        ("1 == 2", json!({"result": [{"expressions": [value(json!(false), "1 == 2", 1)]}]})),
        ("1 == 1; 1 == 2", json!({})),
        (
            "x := 1; data.names[y]",
            json!({"result": [
                {"expressions": [value(json!(true), "x := 1", 1), value(json!("cart"), "data.names[y]", 9)],
                    "bindings": {"x": 1, "y": 0}},
                {"expressions": [value(json!(true), "x := 1", 1), value(json!("till"), "data.names[y]", 9)],
                    "bindings": {"x": 1, "y": 1}},
            ]}),
        ),
        (
            "input.x with input as {\"x\": 5}",
            json!({"result": [{"expressions": [value(json!(5), "input.x with input as {\"x\": 5}", 1)]}]}),
        ),
    ] {
        let output = requested(query, &[]);
        assert_eq!((output.json(), output.code), (want, 0), "{query}");
    }
    for (query, more, code, says) in [
        ("data.nothing", &["--format", "pretty"][..], 0, "undefined"),
        ("data.nothing", &["--fail"], 1, "{}"),
        ("1", &["--fail-defined"], 1, "\"value\": 1"),
        ("1 / 0", &["--strict-builtin-errors"], 2, "\"code\": \"eval_builtin_error\""),
        ("1 / 0", &[], 0, "{}"),
        ("x", &[], 2, "\"message\": \"var x is unsafe\""),
        ("x", &["--format", "pretty"], 2, "rego_unsafe_var_error: var x is unsafe"),
        ("x :=", &[], 2, "rego_parse_error"),
        ("nope(1)", &[], 2, "rego_type_error"),
        ("allow", &["--package", "shop"], 0, "\"value\": true"),
        ("s.double(4)", &["--import", "data.shop as s"], 0, "\"value\": 8"),
        ("data.names[x]", &["--format", "bindings"], 0, "{\n  \"x\": 0\n}\n{\n  \"x\": 1\n}"),
        ("data.names[_]", &["--format", "raw"], 0, "cart\ntill"),
        ("data.names", &["--format", "raw"], 0, "[\"cart\",\"till\"]"),
        ("data.names", &["--format", "values"], 0, "[\n  [\n    \"cart\",\n    \"till\"\n  ]\n]"),
        ("data.names", &["--format", "pretty"], 0, "[\n  \"cart\",\n  \"till\"\n]"),
        ("data.names[x]", &["--format", "pretty"], 0, "│ 1 │ \"till\"        │"),
        ("print(\"said\")", &[], 0, "said"),
        ("true", &["--metrics"], 0, "timer_rego_query_eval_ns"),
        ("data.shop.deny", &["--coverage"], 0, "\"covered\""),
        ("data.shop.deny", &["--profile"], 0, "\"name\": \"data.shop.deny\""),
        ("data.shop.deny", &["--profile", "--format", "pretty"], 0, "│ data.shop.deny "),
        ("true", &["--partial"], 2, "--partial"),
        ("true", &["--unknowns", "input"], 2, "--unknowns"),
        ("true", &["--data", "nowhere"], 2, "nowhere"),
    ] {
        requested(query, more).expect(code, says);
    }
}

#[test]
fn an_evaluation_is_explained() {
    let bench = Bench::new(TESTS);
    let requested = |detail: &str| {
        let fixed = ["policy", "eval", "--data", "shop/shop.rego", "--data", "data.yml", "--format", "pretty"];
        bench.run(&[&fixed[..], &["data.shop.deny", "--explain", detail]].concat()).out
    };
    let want = "shop/shop.rego:13  Enter data.shop.deny
shop/shop.rego:7   | Enter data.shop.allow
shop/shop.rego:8   | | Fail input.x == 1
shop/shop.rego:14  | Fail allow
[
  \"not allowed\"
]";
    assert_eq!(requested("fails"), want);
    let full = requested("full");
    assert!(full.contains("| Eval msg := \"not allowed\"\nshop/shop.rego:13  Exit data.shop.deny\n"), "{full}");
}

#[test]
fn a_query_and_its_input_come_from_standard_input_too() {
    use std::{io::Write as _, process::Stdio};
    for (arguments, text, want) in [
        (&["policy", "eval", "--stdin", "--format", "raw"][..], "1 + 1", "2\n"),
        (&["policy", "eval", "-I", "input.a", "--format", "raw"], "{\"a\": \"b\"}", "b\n"),
    ] {
        let mut child = command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = CommandOutput::of(&child.wait_with_output().unwrap());
        assert_eq!((output.out.as_str(), output.code), (want, 0), "{output:?}");
    }
}

#[test]
fn every_error_is_reported_with_its_location() {
    let bench = Bench::new(TESTS);
    bench.run(&["policy", "check", "shop", "data.yml"]).expect(0, "");
    bench.0.file("bad/a.rego", "package a\n\nx := y\n\nz if nope(1)\n");
    bench.0.file("bad/b.rego", "package b\n\n\tw := v\n");
    let output = bench.run(&["policy", "check", "bad"]);
    let want = "bad/a.rego:5:6: rego_type_error: undefined function nope\n\tz if nope(1)\n\t     ^";
    output.expect(1, want);
    let output = bench.run(&["opa", "check", "bad", "--format", "json", "--max-errors", "1"]);
    let errors: Value = serde_json::from_str(&output.err).unwrap();
    let errors = errors["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["location"]["file"], output.code), (1, &json!("bad/a.rego"), 1), "{output:?}");
    bench.run(&["opa", "check", "nowhere"]).expect(1, "nowhere");
}

#[test]
fn packages_and_annotations_are_shown() {
    let bench = Bench::new(TESTS);
    let json = bench.run(&["opa", "inspect", "shop", "--annotations", "--format", "json"]).json();
    let part = |kind: &str, value: &str| json!({"type": kind, "value": value});
    let want = json!([{
        "annotations": {"custom": {"short_name": "allowed"}, "scope": "rule", "title": "Allowed"},
        "location": {"file": "shop/shop.rego", "row": 7, "col": 1},
        "path": [part("var", "data"), part("string", "shop"), part("string", "allow")],
    }]);
    assert_eq!(json["annotations"], want);
    let want = json!({"data.shop": ["shop/shop.rego"], "data.shop_test": ["shop/shop_test.rego"]});
    assert_eq!(json["namespaces"], want);
    let output = bench.run(&["policy", "inspect", "shop", "--annotations"]);
    output.expect(0, "│ data.shop      │ shop/shop.rego      │");
    output.expect(0, "Allowed\n=======\n\nPackage:  shop\nRule:     allow\nLocation: shop/shop.rego:7\nScope: rule");
    bench.run(&["policy", "inspect", "nowhere"]).expect(1, "nowhere");
}

#[test]
fn a_measurement_has_percentiles_and_claims_no_allocations() {
    let bench = Bench::new(TESTS);
    let fixed = ["policy", "bench", "--data", "shop/shop.rego", "--benchtime", "20ms"];
    let output = bench.run(&[&fixed[..], &["data.shop.double(2)", "--format", "json"]].concat());
    let measured = output.json();
    let number = |name: &str| measured["Extra"][format!("histogram_timer_rego_query_eval_ns_{name}")].as_u64().unwrap();
    assert!(number("min") <= number("median") && number("median") <= number("99%"), "{measured}");
    assert!(measured["N"].as_u64().unwrap() >= 1 && measured.get("MemAllocs").is_none());
    bench.run(&[&fixed[..], &["data.nothing"]].concat()).expect(1, "undefined");
    bench.run(&[&fixed[..], &["data.nothing", "--fail=false", "--format", "gobench"]].concat()).expect(0, "ns/op");
}

#[test]
fn tests_are_measured_and_shown_as_opa_shows_them() {
    let bench = Bench::new(TESTS);
    let output = bench.run(&["opa", "test", "shop", "--bench", "--run", "test_(double|wrong)"]);
    output.expect(2, "data.shop_test.test_wrong: FAIL (");
    let line = output.out.lines().find(|line| line.starts_with("data.shop_test.test_double\t")).unwrap();
    let columns: Vec<_> = line.split('\t').collect();
    assert!(columns.len() == 4 && columns[1].trim().parse::<u64>().unwrap() >= 1, "{line}");
    assert!(columns[2].ends_with(" ns/op") && columns[3].ends_with(" timer_rego_query_eval_ns/op"), "{line}");
    assert!(output.out.ends_with("PASS: 1/2\nFAIL: 1/2"), "{output:?}");
    let fixed = ["opa", "test", "shop", "--bench", "--run", "test_double", "--format"];
    let measured = bench.run(&[&fixed[..], &["json"]].concat()).out.replace(": TIME", ": 0");
    let measured: Value = serde_json::from_str(&measured).unwrap();
    assert!(measured[0]["benchmark_result"]["N"].as_u64().unwrap() >= 1, "{measured}");
    bench.run(&[&fixed[..], &["gobench"]].concat()).expect(0, "BenchmarkDataShopTestTestDouble\t");
    bench.run(&["opa", "test", "shop", "--format", "gobench"]).expect(2, "`--bench`");
    bench.run(&["opa", "test", "shop", "--bench", "--coverage"]).expect(2, "--coverage");
}

#[test]
fn unsupported_commands_of_opa_are_reported_in_one_sentence() {
    assay(&["opa", "version"]).expect(0, "Rego Version: v1");
    for (arguments, says) in
        [(&["opa", "build", "-b", "."][..], "assay has no `opa build`"), (&["opa", "run"], "assay has no `opa run`")]
    {
        let output = assay(arguments);
        output.expect(2, says);
        assert_eq!(output.out, "");
    }
}

#[test]
fn the_result_of_a_rule_for_an_image_is_explained() {
    let mut fixture = Fixture::good();
    fixture.image("odd", &[("bad", "yes")]);
    let output = fixture.validate(&["--explain", "main.bad"]);
    assert_eq!(output.code, 1, "{output:?}");
    let main = fixture.path("policy/main.rego");
    for says in [
        format!("`main.bad` at {main}:9 returns no result\n    {main}:10: fails: input.image.config.Labels.bad"),
        "input.image.config.Labels.bad: undefined".to_owned(),
        format!("`main.bad` at {main}:9 returns 1 result\n    {main}:10: holds: input.image.config.Labels.bad"),
    ] {
        assert!(output.err.contains(&says), "{says}: {}", output.err);
    }
    let without = fixture.validate(&[]);
    assert_eq!(without.without_digits(), output.without_digits(), "the report is the same");
    fixture.validate(&["--explain", "main.nope"]).expect(2, "there is `main.bad`, `main.odd`");
    fixture.validate(&["--explain", "main.deny"]).expect(1, "`main.bad` at");
}
