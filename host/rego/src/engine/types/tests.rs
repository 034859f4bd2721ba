//! What is refused, with OPA's words, and what must not be.

use regorus::Value;

use crate::{compile_options::CompileOptions, engine::Files, sources::PolicyFile};

fn messages(text: &str) -> Vec<String> {
    let files = vec![PolicyFile { name: "t.rego".into(), text: format!("package t\n{text}"), v0: None }];
    let compiled = Files::parse(files, CompileOptions::default()).and_then(|files| files.compile(Value::new_object()));
    let errors = compiled.err().unwrap_or_default();
    errors.into_iter().map(|error| format!("{} {}", error.row, error.message.replace("\n\t", " / "))).collect()
}

/// `s0` to `sN`, each made of the one before twice.
fn doubled(name: &str, levels: usize, line: impl Fn(&str) -> String) -> String {
    let lines = (1..=levels).map(|at| format!("{name}{at} := {}\n", line(&format!("{name}{}", at - 1))));
    format!("{name}0 := [1]\n{}", lines.collect::<String>())
}

#[test]
fn types_that_double_at_each_line_are_checked_quickly() {
    let started = std::time::Instant::now();
    let array: fn(&str) -> String = |below| format!("[{below}, {below}]");
    let object: fn(&str) -> String = |below| format!("{{\"a\": {below}, \"b\": {below}}}");
    let set: fn(&str) -> String = |below| format!("{{{below}, [{below}]}}");
    let chosen: fn(&str) -> String = |below| format!("[x | x := [{below}, {{{below}}}][_]]");
    for line in [array, object, set, chosen] {
        let (one, other) = (doubled("s", 60, line), doubled("t", 60, line));
        for last in ["p if s60 == t60", "p if s9 == t9", "p if s60 == 1", "p := s60[0][1]", "p := count(s60, 1)"] {
            messages(&format!("{one}{other}{last}"));
        }
    }
    let deep: String = (1..=5_000).map(|at| format!("r{at} := [r{}]\nq{at} := [q{}]\n", at - 1, at - 1)).collect();
    messages(&format!("r0 := 1\nq0 := 1\n{deep}p if r5000 == q5000\nq if r900 == q900"));
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn a_kind_with_too_many_parts_is_any_and_refuses_nothing() {
    let array = |below: &str| format!("[{below}, {below}]");
    let small = messages(&format!("{}p if s3 == 1", doubled("s", 3, array)));
    assert!(small.len() == 1 && small[0].contains("match error"), "{small:?}");
    let large = messages(&format!("{}p if s60 == 1", doubled("s", 60, array)));
    assert!(large.len() == 1 && large[0].len() < 10_000, "an array is still none of the numbers: {large:?}");
    let steps = "[0]".repeat(60);
    assert!(messages(&format!("{}p if s60{steps} == \"a\"", doubled("s", 60, array))).is_empty());
}

#[test]
fn what_can_never_have_a_value_is_refused() {
    for (text, want) in [
        (
            "p := count(1)",
            "2 count: invalid argument(s) / have: (number, ???) / want: (any<string, array[any], object[any: any], set[any]>, number)",
        ),
        (
            "p := 1 + \"a\"",
            "2 plus: invalid argument(s) / have: (number, string, ???) / want: (number, number, number)",
        ),
        ("p if count({1}) == \"a\"", "2 match error / left  : number / right : string"),
        ("p if \"a\" = 1", "2 match error / left  : string / right : number"),
        // What stands in front of a reference in an expression is looked at before it.
        ("f(y) := [{y | i := 1}, input.x[y]]", "2 match error / left  : ??? / right : set[???]"),
        ("f(y) if { count({y | i := 1}) > input.x[y] }", "2 match error / left  : ??? / right : set[???]"),
        ("f(y) if { some x in [{y | i := 1}, input.x[y]] }", "2 match error / left  : ??? / right : set[???]"),
        // Nothing is known of the elements of a set.
        ("f(y) if { some x in {[y]} }", "2 match error / left  : ??? / right : set[array<???>]"),
        ("f(y) if { every x in {{1: y}} { x } }", "2 match error / left  : ??? / right : set[object<1: ???>]"),
        (
            "q := {\"a\": 1}\np := q.b",
            "3 undefined ref: data.t.q.b / data.t.q.b /          ^ /          have: \"b\" /          want (one of): [\"a\"]",
        ),
        (
            "q := {\"a\": {\"c\": 1}}\np := q.a.d if input.x",
            "3 undefined ref: data.t.q.a.d / data.t.q.a.d /            ^ /            have: \"d\" /            want (one of): [\"c\"]",
        ),
        (
            "p if {\n\tx := {\"a\": 1}\n\tx.b\n}",
            "4 undefined ref: x.b / x.b /   ^ /   have: \"b\" /   want (one of): [\"a\"]",
        ),
        (
            "q contains \"x\"\np if q[1]",
            "3 undefined ref: data.t.q[1] / data.t.q[1] /          ^ /          have: 1 /          want (type): string",
        ),
        (
            "f(1) := 2\nf(2) := 3\np := f(\"x\")",
            "4 data.t.f: invalid argument(s) / have: (string, ???) / want: (number, number)",
        ),
        (
            "f(_) := \"s\"\np := f(1) + 1",
            "3 plus: invalid argument(s) / have: (string, number, ???) / want: (number, number, number)",
        ),
        ("p if {\n\tsome x in [1]\n\tx.y\n}", "4 undefined ref: x.y / x.y / ^ / have: number"),
        (
            "p := to_number({})",
            "2 to_number: invalid argument(s) / have: (object[any: any], ???) / want: (any<null, boolean, number, string>, number)",
        ),
        (
            "q := 1 if input.x\nq := \"a\" if input.y\nr := q.x",
            "4 undefined ref: data.t.q.x / data.t.q.x / ^^^^^^^^ / have: any<number, string>",
        ),
        (
            "p := [x | some x in [1]; startswith(x, \"a\")]",
            "2 startswith: invalid argument(s) / have: (number, string) / want: (string, string, boolean)",
        ),
        (
            "p if not count(1)",
            "2 count: invalid argument(s) / have: (number) / want: (any<string, array[any], object[any: any], set[any]>, number)",
        ),
        (
            "p := concat(\",\", [1])",
            "2 concat: invalid argument(s) / have: (string, array<number>, ???) / want: (string, any<array[string], set[string]>, string)",
        ),
    ] {
        assert_eq!(messages(text), [want], "{text}");
    }
}

#[test]
fn what_may_have_a_value_is_not_refused() {
    for text in [
        "p := input.x + data.y.z",
        "q := 1 if input.x\nq := \"a\" if input.y\np := q + 1",
        "q[x] := y if some x, y in input.z\np := q[1].a.b",
        "q.a[x] := 1 if some x in input.z\np := q.a.b\nr := q.c",
        "f(x) := x\np := f(1) + 1",
        "f([x, _]) := x\np := f(input.a)",
        "f(y) := [input.x[y], {y | i := 1}]",
        "f(y) if { z := input.x[y]; count({y | i := 1}) > z }",
        "f(y) if { some x in {y, 1} }",
        "f(y) if { some x in [{[y]}] }",
        "p if {\n\t[a, {\"b\": c}] = input.x\n\ta + c\n}",
        "p if {\n\t[path, value] = walk(input)\n\tvalue.x == path[0]\n}",
        "p := x if {\n\tx := object.get(input, \"a\", {})\n\tx.b.c\n}",
        "p := x.a if x := {}",
        "p := x if { x := set(); x == {1} }",
        "p := [1, \"a\"][input.at] + 1",
        "p := x if { some i, x in {\"a\": 1}; i == \"a\" }",
        "p := y if { x := {\"a\": 1, \"b\": \"x\"}; some k; y := x[k] }",
        "p if { x := {\"a\": 1}; x[input.key] }",
        "p if count(input.x, 1)",
        "p if input.x with count as 5",
        "default p := 1\np := \"a\" if input.x\nq := p + 1",
        "p := 1 if input.a else := \"x\" if input.b\nq := startswith(p, \"x\")",
    ] {
        assert_eq!(messages(text), [""; 0], "{text}");
    }
}
