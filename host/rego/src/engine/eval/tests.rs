//! Evaluation as data: a policy, a rule, its value. Here stand the points where an engine easily departs from OPA.

use std::sync::atomic::AtomicBool;

use regorus::Value;

use crate::{
    compile_options::CompileOptions,
    engine::{Ask, Bounds, EvalError, Files, Policy, Printed, builtins::NoHost},
    sources::PolicyFile,
};

fn policy(texts: &[&str], data: &str) -> Policy {
    let modules = texts
        .iter()
        .enumerate()
        .map(|(at, text)| PolicyFile { name: format!("t{at}.rego"), text: (*text).to_owned() })
        .collect();
    let data = Value::from_json_str(data).unwrap();
    let compiled = Files::parse(modules, CompileOptions::default()).and_then(|files| files.compile(data));
    compiled.map_err(|errors| errors[0].to_string()).unwrap()
}

fn ask<'a>(input: Option<&str>) -> Ask<'a> {
    Ask {
        input: input.map(|text| Value::from_json_str(text).unwrap()),
        data: None,
        host: &NoHost,
        bounds: Bounds::default(),
        strict_builtin_errors: false,
        now_ns: 0,
        seed: 0,
    }
}

/// The value of `data.t.p` and what was printed.
fn asked(policy: &Policy, ask: &Ask<'_>) -> Result<(Option<Value>, Vec<Printed>), EvalError> {
    let mut answer = policy.evaluate(&[["t", "p"].map(str::to_owned).to_vec()], ask)?;
    Ok((answer.values.pop().flatten(), answer.prints))
}

/// The value of `data.t.p` as JSON, or the error's class.
fn value_of(texts: &[&str], input: Option<&str>) -> String {
    let policy = policy(texts, r#"{"base": {"a": 1, "b": [2, 3]}}"#);
    match asked(&policy, &ask(input)) {
        Ok((values, _)) => values.map_or("undefined".to_owned(), |value| serde_json::to_string(&value).unwrap()),
        Err(error) => error.code.as_str().to_owned(),
    }
}

fn check(rules: &str, wanted: &str) {
    assert_eq!(value_of(&[&format!("package t\n{rules}")], Some(r#"{"x": 1}"#)), wanted, "{rules}");
}

#[test]
fn with_replaces_built_in_functions_by_functions_and_values() {
    check("p := x if x := count([1]) with count as 7", "7");
    check("f(_) := 9\np := x if x := count([1]) with count as f", "9");
    check("q := count([1])\np := [a, q] if a := q with count as null", "[null,1]");
}

#[test]
fn the_value_of_a_with_is_evaluated_before_any_of_them_applies() {
    check("r := [input.x, input.y]\np := y if y := r with input.x as 2 with input.y as input.x", "[2,1]");
}

#[test]
fn an_overlay_evaluates_again_only_what_it_changes() {
    check("a := input.x\nb := 5\ns := a + b\np := [a, c, s] if c := s with input.x as 3", "[1,8,6]");
}

#[test]
fn replaced_data_hides_rules() {
    check("a := 1\nq := [data.t.a, data.base.a]\np := y if y := q with data.t.a as 2 with data.base.a as 3", "[2,3]");
}

#[test]
fn definitions_of_one_function_may_stand_in_two_files() {
    let one = "package t\nf(x) := 1 if x == 1\np := [f(1), f(2)]\n";
    assert_eq!(value_of(&[one, "package t\nf(x) := 2 if x == 2\n"], None), "[1,2]");
}

#[test]
fn an_alias_calls_the_function_it_names_and_nothing_else() {
    let other = "package lib\nf(x) := x + 1\nbroken := data.t.p\n";
    assert_eq!(value_of(&["package t\nimport data.lib as l\np := l.f(1)\n", other], None), "2");
}

#[test]
fn some_shadows_in_its_scope() {
    check("p := [y | x := 9; y := [x | some x in [1, 2]]]", "[[1,2]]");
    check("f(x) := [x | some x in [3]]\np := f(1)", "[3]");
}

#[test]
fn a_further_argument_is_the_result() {
    check("p := y if count([1, 2], y)", "2");
    check("p if count([1, 2], 3)", "undefined");
}

#[test]
fn a_scalar_has_no_elements() {
    check("p := [y | y := input.x[_]]", "[]");
    check("p := [y | x := json.unmarshal(\"1\"); some y in x]", "[]");
}

#[test]
fn operands_of_a_negated_call_are_evaluated_in_front() {
    check("p if not startswith(input.nope, \"a\")", "undefined");
    check("f(x) := x\np if not f(input.nope)", "undefined");
    check("p if not input.a.b == 1", "true");
}

#[test]
fn walk_matches_patterns_of_path_and_value() {
    check("p := {path | walk({\"a\": [1]}, [path, 1])}", "[[\"a\",0]]");

    check("p if walk({\"a\": 2}, [_, 2])", "true");
}

#[test]
fn two_values_are_a_conflict() {
    check("p := 1\np := 2 if input.x", "eval_conflict_error");
    check("f(x) := 1\nf(x) := 2\np := f(1)", "eval_conflict_error");
    check("p[k] := v if { some v in [1, 2]; k := \"a\" }", "eval_conflict_error");
    check("p[\"a\"] := v if some v in [1, 2]", "eval_conflict_error");
}

#[test]
fn a_failed_function_is_undefined_unless_errors_are_wanted() {
    check("p := to_number(\"x\")", "undefined");
    let policy = policy(&["package t\np := to_number(\"x\")"], "{}");
    let strict = Ask { strict_builtin_errors: true, ..ask(None) };
    let error = asked(&policy, &strict).unwrap_err();
    assert_eq!(error.code.as_str(), "eval_builtin_error");
}

#[test]
fn a_set_that_is_asked_at_one_key_gives_what_the_whole_set_has() {
    check("s contains x if some x in [1, 2]\np := [a, b] if { a := s[2]; b := [1 | s[3]] }", "[2,[]]");
    check("o[k] := v if some k, v in {\"a\": 1}\np := o.a", "1");
}

#[test]
fn data_goes_before_rules_in_a_whole_package() {
    let policy = policy(&["package base\na := 9\nc := 4"], r#"{"base": {"a": 1}}"#);
    let query = policy.prepare("x := data.base; y := data.base.a").unwrap();
    let answer = policy.query(&query, &ask(None)).unwrap();
    assert_eq!(serde_json::to_string(&answer[0]["x"]).unwrap(), r#"{"a":1,"c":4}"#);
    assert_eq!(serde_json::to_string(&answer[0]["y"]).unwrap(), "9");
}

#[test]
fn a_chain_of_rules_longer_than_the_limit_is_an_error() {
    let length = crate::engine::limits::DEPTH + 10;
    let mut text = String::from("package t\np := r0\n");
    for at in 0..length {
        text.push_str(&format!("r{at} := r{}\n", at + 1));
    }
    text.push_str(&format!("r{length} := 1\n"));
    assert_eq!(value_of(&[&text], None), "eval_internal_error");
}

#[test]
fn a_cancelled_evaluation_stops() {
    let policy = policy(
        &["package t\np if { some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i + j < 0 }"],
        "{}",
    );
    let cancel = AtomicBool::new(true);
    let bounds = Bounds { cancel: Some(&cancel), deadline: None };
    let error = asked(&policy, &Ask { bounds, ..ask(None) }).unwrap_err();
    assert_eq!(error.code.as_str(), "eval_cancel_error");
}

#[test]
fn two_threads_give_the_answer_of_one() {
    let policy = policy(&["package t\np := [z | some x in numbers.range(1, 50); some y in [1, 2]; z := x * y]"], "{}");
    let one = asked(&policy, &ask(None)).unwrap().0;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| asked(&policy, &ask(None)).unwrap().0)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), one);
        }
    });
}

#[test]
fn print_writes_undefined_and_never_fails() {
    let policy = policy(&["package t\np if print(\"a\", input.nope, [1])"], "{}");
    let (values, prints) = asked(&policy, &ask(None)).unwrap();
    assert_eq!(values, Some(Value::Bool(true)));
    assert_eq!(prints[0].text, "a <undefined> [1]");
}

/// Rules whose values last for one query, for a moment, or for good, and mixtures of them.
const LASTING: &[&str] = &[
    "package t\nlist := [x | some x in data.base.b]\nnow := time.now_ns()\nlate if now > 5\nmine contains x if some x in input.xs\n\
     keyed[k] := v if some k, v in data.base\nseen[k] := v if some k, v in input\n\
     twice(x) := x * 2\nhalf(x) := x / input.n\ndefault late := false\n\
     p := {\"list\": list, \"late\": late, \"mine\": mine, \"a\": keyed.a, \"n\": seen.n, \"twice\": twice(input.n), \"half\": half(8), \
     \"other\": other}\n",
    "package t\nother := [a, b, c, d] if {\n\ta := count(mine) with input.xs as [1, 2, 3]\n\tb := list with data.base.b as [input.n]\n\
     \tc := late with time.now_ns as 9\n\td := twice(3) with data.t.twice as half\n}\n",
];

const QUESTIONS: &[(&str, i64)] = &[
    (r#"{"xs": [1], "n": 2}"#, 1),
    (r#"{"xs": [1, 2], "n": 4}"#, 1),
    (r#"{"xs": [], "n": 4}"#, 10),
    (r#"{"xs": [1], "n": 2}"#, 10),
    (r#"{"xs": [1], "n": 2}"#, 1),
];

fn answers(policy: &Policy) -> Vec<Option<Value>> {
    let one = |(input, now_ns): &(&str, i64)| asked(policy, &Ask { now_ns: *now_ns, ..ask(Some(input)) }).unwrap().0;
    QUESTIONS.iter().map(one).collect()
}

const BASE: &str = r#"{"base": {"a": 1, "b": [2, 3]}}"#;

#[test]
fn what_lasts_from_one_question_to_the_next_changes_no_answer() {
    let shared = answers(&policy(LASTING, BASE));
    for (at, question) in QUESTIONS.iter().enumerate() {
        let fresh = policy(LASTING, BASE);
        let (input, now_ns) = question;
        let one = asked(&fresh, &Ask { now_ns: *now_ns, ..ask(Some(input)) }).unwrap().0;
        assert!(one.is_some(), "{question:?}");
        assert_eq!(shared[at], one, "{question:?}");
    }
}

#[test]
fn neither_the_order_of_files_nor_the_number_of_threads_changes_an_answer() {
    let shared = policy(LASTING, BASE);
    let wanted = answers(&shared);
    let turned: Vec<_> = LASTING.iter().rev().copied().collect();
    assert_eq!(answers(&policy(&turned, BASE)), wanted);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| answers(&shared))).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), wanted);
        }
    });
}

#[test]
fn what_is_printed_is_printed_for_every_question() {
    let policy = policy(&["package t\np if {\n\tprint(\"here\")\n\tq\n}\nq if print(data.base.a)"], BASE);
    for _ in 0..2 {
        let (value, prints) = asked(&policy, &ask(None)).unwrap();
        assert_eq!((value, prints.len()), (Some(Value::Bool(true)), 2));
    }
}

#[test]
fn an_error_is_not_taken_for_a_value_by_the_next_question() {
    let texts = ["package t\np := q\nq := 1 if input.one\nq := 2 if input.two"];
    let policy = policy(&texts, BASE);
    for _ in 0..2 {
        assert!(asked(&policy, &ask(Some(r#"{"one": true, "two": true}"#))).is_err());
        assert_eq!(asked(&policy, &ask(Some(r#"{"two": true}"#))).unwrap().0, Some(Value::from(2_u64)));
    }
}

#[test]
fn what_one_evaluation_makes_is_bounded() {
    let rules = "xs := numbers.range(1, 1000000)\np := [n | some i in numbers.range(1, 100); n := count(array.concat(xs, [i]))]";
    let policy = policy(&[&format!("package t\n{rules}")], BASE);
    let error = asked(&policy, &ask(None)).unwrap_err();
    assert!(error.message.contains("elements were made in one evaluation"), "{}", error.message);
}
