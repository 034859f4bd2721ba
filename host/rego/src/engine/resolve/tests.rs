//! Names and what they come to mean, seen through compile errors and results.

use regorus::Value;

use crate::{
    compile_options::CompileOptions,
    engine::{Files, error::CompileError},
    sources::PolicyFile,
};

fn errors(texts: &[&str]) -> Vec<CompileError> {
    let files = texts.iter().map(|text| PolicyFile { name: "t.rego".into(), text: (*text).into(), v0: None }).collect();
    Files::parse(files, CompileOptions::default())
        .and_then(|files| files.compile(Value::new_object()))
        .err()
        .unwrap_or_default()
}

fn messages(text: &str) -> Vec<String> {
    errors(&[text]).into_iter().map(|error| format!("{}: {}", error.row, error.message)).collect()
}

/// The messages with their columns.
fn placed(texts: &[&str]) -> Vec<String> {
    errors(texts).into_iter().map(|error| format!("{}:{}: {}", error.row, error.col, error.message)).collect()
}

#[test]
fn an_unknown_function_is_an_error_with_its_full_name() {
    assert_eq!(
        messages("package a\np := nope(1)\nq := data.b.f(1)\n"),
        ["2: undefined function nope", "3: undefined function data.b.f"]
    );
}

#[test]
fn a_variable_that_nothing_binds_is_unsafe() {
    assert_eq!(messages("package a\np if x == 1\nq := y\n"), ["2: var x is unsafe", "3: var y is unsafe"]);
}

#[test]
fn a_wrong_number_of_arguments_is_an_error() {
    let found = messages("package a\nf(x) := x\np := f(1, 2, 3)\n");
    assert_eq!(found, ["3: function data.a.f has arity 1, got 3 arguments"]);
}

/// The messages in strict mode.
fn irregular(text: &str) -> Vec<String> {
    let files = vec![PolicyFile { name: "t.rego".into(), text: format!("package a\n{text}"), v0: None }];
    let options = CompileOptions { strict: true, ..CompileOptions::default() };
    let errors = Files::parse(files, options).and_then(|files| files.compile(Value::new_object())).err();
    errors.unwrap_or_default().into_iter().map(|error| format!("{}: {}", error.row, error.message)).collect()
}

#[test]
fn unused_names_are_errors_in_strict_mode_only() {
    for (text, want) in [
        ("p if { x := 1 }", "2: assigned var x unused"),
        ("p if { [x, y] := [1, 2]; x == 1 }", "2: assigned var y unused"),
        ("f(x) := 1", "2: unused argument x. (hint: use _ (wildcard variable) instead)"),
        ("f([x, y]) := x", "2: unused argument y. (hint: use _ (wildcard variable) instead)"),
        ("import data.foo\np := 1", "2: import data.foo unused"),
        ("import data.foo as bar\nbar := 1", "2: import data.foo as bar unused"),
        ("import input.foo\np := input.foo", "2: import input.foo unused"),
    ] {
        assert_eq!(irregular(text), [want], "{text}");
        assert_eq!(messages(&format!("package a\n{text}")), [""; 0], "{text}");
    }
    for text in [
        "p if { x := input.y; print(x) }",
        "f(x) := 1 if { false } else := x",
        "f(_) := 1",
        "p := [1 | some i, x in input]",
        "import data.foo\np if foo.bar with foo.bar as 1",
        "import data.foo as bar\np := [x | x := bar[_]]",
        "p if { x := 1; not x == 2 }",
    ] {
        assert_eq!(irregular(text), [""; 0], "{text}");
    }
}

#[test]
fn names_are_declared_once_and_used() {
    for (text, want) in [
        ("p if { some k; input.x }", "2: declared var k unused"),
        ("p if { every k, v in input { v } }", "2: declared var k unused"),
        ("p if { x := 1; some x; x = 2 }", "2: var x assigned above"),
        ("p if { some x in [1]; x := 2; x == 2 }", "2: var x declared above"),
        ("p if { x = 1; x := 2 }", "2: var x referenced above"),
        ("p if { x := x + 1 }", "2: var x referenced above"),
        ("f(x) if { x := 1; x == 1 }", "2: arg x redeclared"),
        ("p if { input := 1; input == 1 }", "2: variables must not shadow input (use a different variable name)"),
        ("f(data) := data", "2: args must not shadow data (use a different variable name)"),
        ("data := 1", "2: rules must not shadow data (use a different rule name)"),
        ("import data.foo\nimport data.bar.foo\np := foo", "3: import must not shadow import data.foo"),
        ("p if any([true])", "2: deprecated built-in function calls in expression: any"),
        ("default p := input.x", "2: illegal default rule (value cannot contain ref)"),
        ("p := 1 else := 2 if input.x", "2: unexpected else keyword: the rule has no body"),
    ] {
        assert_eq!(messages(&format!("package a\n{text}")), [want], "{text}");
    }
    for text in [
        "p if { x := 1; y := [x | x := x + 1]; y }",
        "p if { x := 1; y := [z | z := x; x := 2; x == 2]; y }",
        "f(x) := [x | some x in [x]]",
    ] {
        assert_eq!(messages(&format!("package a\n{text}")), [""; 0], "{text}");
    }
}

#[test]
fn the_errors_of_every_pass_are_reported_at_once() {
    let found = errors(&["package a\np := nope(1)\nq := x\nr := s\ns := r\nt := count(1)\n"]);
    let codes: Vec<_> = found.iter().map(|error| (error.row, error.code.as_str())).collect();
    let want = [
        (2, "rego_type_error"),
        (3, "rego_unsafe_var_error"),
        (4, "rego_recursion_error"),
        (5, "rego_recursion_error"),
        (6, "rego_type_error"),
    ];
    assert_eq!(codes, want);
}

#[test]
fn a_variable_is_assigned_once() {
    assert_eq!(messages("package a\np if {\n  x := 1\n  x := 2\n}\n"), ["4: var x assigned above"]);
}

#[test]
fn functions_are_found_wherever_they_may_stand() {
    let lib = "package lib.a\n\nf(x) := x\n\ndefault g(_) := 1\n\nx.h(y) := y\n";
    for body in [
        "data.lib.a.f(1) == 1",
        "data.lib.a.g(1) == 1",
        "data.lib.a.x.h(1) == 1",
        "data.lib[\"a\"].f(1) == 1",
        "a.f(1) == 1",
        "ff(1) == 1",
        "own(1)",
        "count([1 | startswith(\"a\", \"b\")]) == 0",
        "print(1)",
        "walk([1], [p, v])",
    ] {
        let main = format!(
            "package p\n\nimport data.lib.a\nimport data.lib.a.f as ff\n\nown(_) := true\n\nr if {{ {body} }}\n"
        );
        assert_eq!(placed(&[&main, lib]), [""; 0], "{body}");
    }
}

#[test]
fn a_call_of_nothing_is_a_problem_with_its_place() {
    for (body, name, column) in [
        ("undefined_function(1)", "undefined_function", 8),
        ("x := [y | y := lib.nope(1)]", "lib.nope", 23),
        ("data.lib.f(1)", "data.lib.f", 8),
        ("ec.oci.nope(1)", "ec.oci.nope", 8),
        ("counts([]) == 0", "counts", 8),
        ("true with input as nope(1)", "nope", 27),
        ("every x in nope() { x }", "nope", 19),
    ] {
        let text = format!("package p\n\nr if {{ {body} }}\n");
        let want = format!("3:{column}: undefined function {name}");
        assert_eq!(placed(&[&text]), [want], "{body}");
    }
}

#[test]
fn a_variable_that_nothing_gives_a_value_is_a_problem() {
    for (rule, name) in [
        ("deny contains x if { x := y }", "y"),
        ("deny contains msg if { mgs := \"a\" }", "msg"),
        ("deny contains x if x == 1", "x"),
        ("deny contains 1 if { some a in b.c }", "b"),
        ("deny contains 1 if { count(y) > 0 }", "y"),
        ("deny contains 1 if { \tf(1, 2, 3) == y }", "y"),
        ("x := [y | true]", "y"),
        ("x[k] := 1 if true", "k"),
        ("x := 1 if { true with input as doc }", "doc"),
    ] {
        let text = format!("package p\n\n{rule}\n\nf(_, _, _) := 1\n");
        let found = placed(&[&text]);
        let says = format!(": var {name} is unsafe");
        assert!(found.iter().any(|error| error.starts_with("3:") && error.ends_with(&says)), "{rule}: {found:?}");
    }
    for rule in [
        "x if { some y; input[y] }",
        "x if { some y, z in input; y == z }",
        "x if { y = input.a; y }",
        "x if { input.a = y; y }",
        "x if { [y, {\"k\": z}] = input.a; y == z }",
        "x if { [y, z] := input.a; y == z }",
        "x if { input[y][[z, _]]; y == z }",
        "x if { every y, z in input { y == z } }",
        "x if { walk(input, [y, z]); y == z }",
        "x if { split(\"a b\", \" \", y); y }",
        "x if { f(1, 2, 3, y); y }",
        "x contains y if y := 1",
        "x[y] := z if { some y, z in input }",
        "g(y) := z if z := y",
        "x := {y: z | some y, z in input}",
        "x if own",
        "x if input.a with input as there",
        "x if f(1, 2, 3) with f as object.get",
        "x if {\n\tnot own\n} else := y if {\n\ty := 1\n}",
        "x if lib.y",
        "x if alias",
        "a.b[c] contains d if { some c, d in input }",
    ] {
        let text =
            format!("package p\n\nimport data.lib\nimport input.q as alias\n\n{rule}\n\nf(_, _, _) := 1\n\nown := 1\n");
        assert_eq!(placed(&[&text, "package p\n\nthere := 1\n"]), [""; 0], "{rule}");
    }
}

#[test]
fn recursion_is_an_error_even_over_files_and_mocks() {
    for texts in [
        &["package p\n\nf(x) := f(x + 1)"][..],
        &["package p\n\nf(x) := data.q.g(x)\n\nok(x) := f(x)", "package q\n\nimport data.p.f as h\n\ng(x) := [h(x)]"],
        &["package p\n\nf(x) := 1 if { g(x) with g as f }\n\ng(x) := x"],
        &["package p\n\nf(0) := 0\n\nf(x) := y if { some z in [1]; y := {k: f(k) | k := z}[x] }"],
    ] {
        let found = placed(texts);
        assert!(found.iter().any(|error| error.starts_with("3:1: rule data.p.f is recursive")), "{found:?}");
    }
    let none = placed(&["package p\n\nf(x) := g(x)\n\ng(x) := h(x) + h(x)\n\nh(x) := x\n\nr := f(1)"]);
    assert_eq!(none, [""; 0]);
}
