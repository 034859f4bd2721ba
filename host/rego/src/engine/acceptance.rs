//! Which modules are accepted and which are refused, each as OPA 1.15 does it.

use regorus::Value;

use crate::{
    compile_options::CompileOptions, engine::Files, policy_set::PolicySet, sources::PolicyFile, sources::Sources,
};

/// The errors of a module of the package `t`, with their rows.
fn errors(text: &str, v0: bool) -> Vec<String> {
    let files = vec![PolicyFile { name: "t.rego".into(), text: format!("package t\n{text}"), v0: None }];
    let options = CompileOptions { v0, ..CompileOptions::default() };
    let compiled = Files::parse(files, options).and_then(|files| files.compile(Value::new_object()));
    let errors = compiled.err().unwrap_or_default();
    errors.into_iter().map(|error| format!("{} {}", error.row, error.message)).collect()
}

#[test]
fn what_opa_accepts_is_accepted() {
    for text in [
        "f(1)",
        "a.b(\"x\", _)\nz := a.b(\"x\", 2)",
        "f(x) f(y)\nx := 1 y := 2",
        "q [k] := 1 if k := 2",
        "q\n[k] := 1 if k := 2",
        "f (x) := x if true",
        "z := - 1",
        "z if { 1 | 1 }",
        "z if { {1} | {2} }",
        "z if { input.a; input.b | input.c }",
        "f([\"a\", k], k)",
        "f({x, y}, z) := [x, y, z]",
        "f($\"{x}\") := 1 if x := \"a\"",
        "z := [a, b] if {\n\tsome i\n\ta := [v | v := input.xs[i]]\n\tb := {v | v := input.xs[i]}\n}",
        "f(x) := [x | some x in x.y]",
        "f(x) := []\nz if f(1) == [{\"a\": 1}]",
        "z := [][0]",
        "z if { some i; [][i] == 1 }",
        "z if { x = 7; print(x) }",
        "f(x) if { y := [1 | x == 1]; y }\nz := f(\"a\")",
        "f(x) if { every y in [1] { y == x } }\nz := f(\"a\")",
        "f(x) := 1 if upper(x)\nelse := 2\nz := f([1])",
        "f(x) := x\nf(x) := upper(x)\nz := f(1)",
        "f(x) := x\nz if not f(f(input.foo[i]))",
        "f(x) := x\nz if not [f(input.foo[i])]",
        "z if not count({x | x := input.foo[i]})",
        "z if not 1 + input.a[i] == 2",
        "z if every x in [1] { x == \"a\" }",
        "z if every i in [1] { upper(1) == i }",
        "z if every i in [1] { y := 1; y.a == i }",
        "z if { not count(input.foo[i]); input.bar[i] }",
        "# METADATA\n#title: T\n# description: D\nz := 1",
        "z := y if { x := \"a\"; {x: y} = {x: \"r\"} }",
        "z := y if { x := \"a\"; {\"a\": y, x: 1} = {\"a\": 3, \"b\": 1} }",
        "z if { {} = {1: x | x := input.a} }",
        "f(x) if { {} = {1: x | true} }",
        "f(x, y) := 1 if { some z, i in {[y | x]: y}; z == 1 }",
        "f(x, y) if { some z, v in {1: [x, y] | every w in [x, y] { w }} }",
        "g(x) := 1 if { z := ({\"a\": x | not x} == $\"a{x}b\") }",
        "z contains [{false: w | {w: w | every i, y in [1] { input[w].x; i == y }} in []} | w := 1]",
        "z if { count([1]) with count as upper }",
        "z if { every x in [1] { upper(\"a\") == x with upper as abs } }",
        "z if { y := 1; count({x | x := input.d[y]}) > input.e[y] }",
        "f(y) if { input.e[y] == {x | x := input.d[y]} }",
        "z[y] if { input.e[y]; {x | x := input.d[y]} = input.e[y].f }",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
    for text in [
        "deny [msg] { msg := \"no\" }",
        "f (x) = y { y := x }",
        "a { x := f(); x }\nf() = x { x = input.x }\nf() = \"y\" { not input.x }",
    ] {
        assert_eq!(errors(text, true), [""; 0], "{text}");
    }
}

#[test]
fn what_opa_refuses_is_refused() {
    let once = "2 multiple expressions cannot be used for rule head";
    for (text, want) in [
        ("x := 1; y := 2", once),
        ("f(1); f(2)", once),
        ("count(1)", "2 rule name conflicts with built-in function"),
        ("f(1 + 1) := 7", "2 rule arguments cannot contain calls"),
        ("f([count([])]) := 7", "2 rule arguments cannot contain calls"),
        ("z := v if { [1, v] := [1, 2] }", "2 cannot assign to number"),
        ("z if { print(x); x = 7 }", "2 var x is undeclared"),
        ("z if print(input[_])", "2 var _ is undeclared"),
        ("z := $\"{input[_]}\"", "2 var _ is undeclared"),
        ("f(a, b) := 1\nz if count([1]) == 1 with count as f", "3 count: arity mismatch"),
        ("z if every x in [1] { x == 1 } with count as 5", "2 function count used as reference, not called"),
        ("f(x) := x\nz if every x in [1] { x == 1 } with f as 5", "3 function data.t.f used as reference, not called"),
        ("r := 1\nz := r()", "3 undefined function data.t.r"),
        ("f(a, b) := 1\ng(a) := 2\nz := y if { y := g(1) with g as f }", "4 data.t.g: arity mismatch"),
        ("z if { r with data.t.z as 1 }\nr := 1", "2 rule data.t.z is recursive: data.t.z -> data.t.z"),
        ("f(x) := 1 if { input.x with f as 1 }", "2 rule data.t.f is recursive: data.t.f -> data.t.f"),
        ("z if not [1] = [input.foo[i]]", "2 var i is unsafe"),
        // A key that is a variable is none of the keys of a constant, even where it has a value.
        ("z := y if { x := 1000; {x: y} = {1000: \"r\"} }", "2 var y is unsafe"),
        ("z := y if { x := \"a\"; {\"a\": {x: y}} = {\"a\": {\"a\": 1}} }", "2 var y is unsafe"),
        // What the body of an `every` declares is no rule around it.
        ("x := 5\nz if { x == 5; every j in [1] { x := j; x == 1 } }", "3 var x is unsafe"),
        ("x := 5\nz := x if { every j in [1] { x := j; x == 1 } }", "3 var x is unsafe"),
        // An expression whose closures share exactly the variables of its references is never safe.
        ("z if { y = 1\n [input.c[0][y], [j | j := y]] }", "3 var y is unsafe"),
        ("z[y] if { input.e[y]\n input.e[y].f == {x | x := input.d[y]} }", "3 var y is unsafe"),
        ("z[y] if { input.e[y]\n input.e[y] == [1 | y] with input as 1 }", "3 var y is unsafe"),
        // What `with` puts in the place of a function has to take its arguments.
        ("z if upper(\"a\") with upper as abs", "2 upper: arity mismatch\n\thave: (number)\n\twant: (string)"),
        (
            "f(1)\nz if { {\"a\" | 1 with f as upper} }",
            "3 data.t.f: arity mismatch\n\thave: (string)\n\twant: (number)",
        ),
        ("z if { not upper(\"a\") with upper as abs }", "2 upper: arity mismatch\n\thave: (number)\n\twant: (string)"),
        ("z if not count(input.foo[i])", "2 var i is unsafe"),
        ("z if not count([input.foo[i]])", "2 var i is unsafe"),
        ("z if not 1 in input.foo[i]", "2 var i is unsafe"),
        ("z if not input.foo[input.bar[i]]", "2 var i is unsafe"),
        ("z if not [input.foo[_]]", "2 var _ is unsafe"),
        ("# METADATA\nz := 1", "2 expected METADATA block, found whitespace"),
        ("# METADATA\n# title: a\n# title: b\nz := 1", "4 yaml: mapping key \"title\" already defined"),
        (
            "# METADATA\n# title: a\nimport data.a",
            "2 invalid annotation scope 'import'. Use one of 'rule', 'document', 'package', or 'subpackages'",
        ),
        (
            "# METADATA\n# scope: rule\n\nimport data.a\nz := 1",
            "2 annotation scope 'rule' must be applied to rule (have import)",
        ),
        (
            "# METADATA\n# scope: document\nz := 1 if input.a\n# METADATA\n# entrypoint: true\nz := 1",
            "5 document annotation redeclared: t.rego:2",
        ),
        ("# METADATA\n# scope: package\nz := 1", "2 annotation scope 'package' must be applied to package (have rule)"),
        (
            "# METADATA\n# entrypoint: true\n# scope: rule\nz := 1",
            "2 annotation entrypoint applied to non-document or package scope 'rule'",
        ),
    ] {
        assert_eq!(errors(text, false), [want], "{text}");
    }
    for (text, row) in [
        ("f(x) := upper(x)\nz := f(1)", 3),
        ("f(x) if x == 1\nz := f(\"a\")", 3),
        ("f(x) if not x == 1\nz := f(\"a\")", 3),
        ("f(x) if upper(x)\nf(x) if x == 1\nz := f([1])", 4),
        ("f({\"name\": n}) := n\nz := f({\"name\": \"Bob\", \"age\": 25})", 3),
    ] {
        let found = errors(text, false);
        assert!(
            matches!(found.as_slice(), [one] if one.starts_with(&format!("{row} data.t.f: invalid argument(s)"))),
            "{text}: {found:?}"
        );
    }
    for text in ["z if { 2.5; }", "z if { ; 2.5 }", "z if { 1; ; 2 }", "z := object.union_n([1 | set()])"] {
        assert_eq!(errors(text, false).len(), 1, "{text}");
    }
    for text in [
        "z if { [x, [y]] = [1, [2, 3]]; y }",
        "z if { [x, y] := [] }",
        "z if { [x] = 1 }",
        "z if { {\"a\": x} = {}; x }",
        "z if { {\"a\": x} = [1]; x }",
        "z if { {\"a\": x} = {\"b\": 1}; x }",
    ] {
        assert!(errors(text, false).iter().any(|error| error.contains("is unsafe")), "{text}");
    }
    for text in ["z := [1, 2][2.5]", "z := [1, 2][-1]", "z if every i in [1] { {x | x := upper(1)} == {i} }"] {
        assert_eq!(errors(text, false).len(), 1, "{text}");
    }
    assert_eq!(errors("z = $\"a\" { true }", true), ["2 template strings are not supported by current capabilities"]);
    for text in
        ["# METADATA\n# description: `D` d\nz := 1", "# METADATA\n# - 1\nz := 1", "# METADATA\n# scope: no\nz := 1"]
    {
        assert_eq!(errors(text, false).len(), 1, "{text}");
    }
}

#[test]
fn bodies_heads_and_patterns_that_opa_accepts_are_accepted() {
    for text in [
        "z if {1} == {1}",
        "f(x, y) if {x} == {y}",
        "z if { 1 | 1 } == {1}",
        "z if { {\"a\": 1}.a } == {1}",
        "z := \"k\", 1 in {\"k\": 1}",
        "p contains 1, 2 in [1]",
        "z if x = 1 with input as 1, 2 in [2]",
        "f({x: 1}) := 1",
        "f({p: 1}) := 1\np := \"a\"",
        "f({input.x}) := 1",
        "f(x, {x: y}) := y",
        "z if { [input] := [1] }",
        "z if some input in [1]",
        "z if not print(1)",
        "z if print(1) with foo as 1",
        "z if { $\"{x}\" == \"1\"; x = 1 }",
        "default p",
        "f\n(x) := x if true",
        "p [\"a\"] contains 1",
        "z := [x | x := y] if { x := 1; y := 2 }",
        "z := [[x | x := 2] | y := x; y] if x := 1",
        "z if { x := 1; y := [x | x := x]; y }",
        "z if every x in 1 { x == 1 }",
        "z if { {x: 1 | x := \"a\"} = {\"a\": b}; b }",
        "z if { [a] = [x | x := 1]; a }",
        "f(x) if { [1 | [$\"{x}\", x] == [\"1\", 2]] }",
        "f(x) if not data.u == {x | 1}",
        "f(x) if { some i, y in {1: [i] | i := x}; y }",
        "f(x) := [1 | print(x)]",
        "z if input.x with input as[1]",
        "p contains[1]",
        "z if sum([1, [0 | true]])",
        "p[1] := \"a\"\nz := p[2].x",
        "p .a contains 1",
        "p\n.a if true",
        "p .a := 1 if true",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
}

#[test]
fn bodies_heads_and_patterns_that_opa_refuses_are_refused() {
    let again = "2 var x referenced above";
    for (text, want) in [
        ("z := [x | y := x; x := 1] if x := 1", again),
        ("f(x) := [x | x := x]", again),
        ("f(x) := count([x | x := x])", again),
        ("f(x) := [y | some y in x; some x in y]", again),
        ("p contains [x | x := x] if x := 1", again),
        ("x := [5]\nz := [x | some x in x]", "3 var x is unsafe"),
        ("p := [x | some x in x.y]", "2 var x is unsafe"),
        ("p if { some [x] in x.y.z }", "2 var x is unsafe"),
        ("z if { [x, x] := [1, 1] }", "2 var x assigned above"),
        ("z if { k := \"a\"; {k: v} := {\"a\": 1}; v }", "2 var k is unsafe"),
        ("f(input.x) := 1", "2 var input is unsafe"),
        ("f([p.q]) := 1\np := 1", "2 var p is unsafe"),
        ("y := 2\nz if { y = 1; some y; input.c[y] }", "3 var y referenced above"),
        ("z := $\"{x}\"", "2 var x is unsafe"),
        ("z := $\"{walk([1])}\"", "2 illegal call to relation built-in 'walk' that may cause multiple outputs"),
        (
            "z if { walk([1], [_, 1]) with walk as 1 }",
            "2 with keyword replacing built-in function: target must not be a relation",
        ),
        ("z if { y = 1 with eq as 1 }", "2 with keyword replacing built-in function: replacement of \"eq\" invalid"),
        ("import data.if", "2 unexpected import path, must not end with a keyword, got: if"),
        ("import future.keywords.if as x", "2 `future` imports cannot be aliased"),
        ("default p.a", "2 illegal default rule (must have a value)"),
        ("default f(x, x) := 1", "2 illegal default rule (arguments cannot be repeated x)"),
        ("z := [1 | print(x)] if x := 1", "2 var x is undeclared"),
        ("z if not[false]", "2 var not is unsafe"),
        ("z if { {\"a\": b} := {x: 1 | x := \"a\"}; b }", "2 var b is unsafe"),
        (
            "p[1] := \"a\"\nz := p[1].x",
            "3 undefined ref: data.t.p[1].x\n\tdata.t.p[1].x\n\t^^^^^^^^^^^\n\thave: string",
        ),
        ("default f(x) := $\"a{x}\"", "2 illegal default rule (value cannot contain var)"),
    ] {
        assert_eq!(errors(text, false), [want], "{text}");
    }
    for text in [
        "f (x) := x",
        "p [\"a\"] := 1",
        "p. a := 1",
        "p .a := 1",
        "p.a .b if true",
        "z := \"a\\}b\"",
        "z := \"a\t\\nb\"",
        "z := $\"a\\}b\"",
        ";x := 1",
        "import data.a; x := 1",
        "import data.x as if",
        "import data.x as.y",
        "import data.x\nas.y = 1",
        "import data.x as input",
        "default f(1) := 1",
        "z if { 1, 2 }",
        "z if every [x] in [[1]] { x }",
        "z if every input in [1] { input == 1 }",
        "z := $\"{x := 1}\"",
        "z := $\"{not true}\"",
        "z if set()",
        "z := set ()",
        "z if not {1}",
        "z if { x := 1; x in[1] }",
        "z if every x in[1] { x == 1 }",
        "import future.\nkeywords",
    ] {
        assert_eq!(errors(text, false).len(), 1, "{text}");
    }
    assert_eq!(errors("import data.foo as input", true).len(), 1);
    assert_eq!(errors("import data.foo as.y", true).len(), 1);
    for text in
        ["import future.keywords.if\nif { true }", "import future.keywords\ncontains contains 1", "p .a { true }"]
    {
        assert_eq!(errors(text, true), [""; 0], "{text}");
    }
    assert_eq!(errors("import rego.v1\nif { true }", true).len(), 1);
    assert_eq!(errors("qo[[w | print({w})]] := 1 { some w; input.x[w] }", true), [""; 0]);
    assert!(!errors("z if { some j in {{i} | i = data.t.p[j]} }", false).is_empty());
}

#[test]
fn an_expression_runs_as_a_whole_as_in_opa() {
    for text in [
        "z := [input.a[i], i + 1]",
        "z if [input.a[i], i + 1] == [1, 2]",
        "z := [[input.a[i], i + 1] | true]",
        "z contains [input.a[i], i + 1]",
        "z if { x := [input.a[i], [1 | i == 1]]; x }",
        "z if input.a[i] == [1 | i == 1]",
        "z if { [input.a[i], y] = f(i); y }\nf(x) := [x, x]",
        "z := {\"a\": input.a[i], \"b\": count([i])}",
        "z if every x in [input.a[i], i + 1] { x == i }",
        "z if { some x in [input.a[i], i + 1]; x }",
        "z := f(input.a[i], i + 1)\nf(x, y) := [x, y]",
        "z if { [i[j], input.a[i]] }",
    ] {
        assert!(errors(text, false).iter().any(|error| error.contains("is unsafe")), "{text}");
    }
    for text in [
        "z if { x := [input.a[i], [1 | i = 1]]; x }",
        "z if { f(input.a[i]) == [1 | i == 1] }\nf(x) := [x, x]",
        "z if every x in input.a[i] { x == i }",
        "z if { some x in input.a[i]; x == i + 1 }",
        "z := f(input.a[i], input.b[i])\nf(x, y) := [x, y]",
        "z if { x := [i.foo, input.a[i]]; x }",
        "z[input.a[i]] := i + 1",
        "z[i + 1] := input.a[i]",
        "z if input.a[i] = i + 1",
        // What a call binds counts early where its variables stand in sets, keys and templates.
        "z := [input.a[i], $\"{i}\"]",
        "z if { x := [input.a[i], $\"{i + 1}\"]; x }",
        "z if { x := [input.a[i], count({i})]; x }",
        "z if { x := [input.a[i], {i: 1}]; x }",
        // Of an expression with closures that share variables with the body only these count.
        "z if { walk({i | walk(1, [_, i])}, [_, i]) }",
        "z if { v := \"k\"; {\"k\": i} := {v: 0 | true} }",
        "z if { some k, x in input; [x | print([x, k])] in q.x[0]; walk({k | print(x)}, [_, v]) }",
        "z if { y = 1; not {null: [] | y = 1} > p[_] }",
        "z if { [v, x] := [{1, 0}, {\"foo\", 1}]; some i, {\"k\": k} in input.y[_] }",
        "z if { input.c.y[k][null] = $\"a{{2.5, k}}b\"; object.subset(input.c, input.c) == [k, 0] }",
        "z if { json.filter(input.c, input[1][w]) = $\"a{{\"foo\": w}}b\" }",
        "f({x}) := {false: z | [w, z] = y} if { {y: x} = y }",
        "z := {p[true], {v | y := x}} if { walk([1, 2][0], [_, k]); some x, [v, z] in set() }",
        // A body that is true gives way to a call of the head, with its `with`.
        "z := 1 % 1 if true with data.t as p[2.5]",
        "z := [{1 | not 1 * -3}] if true with p as true",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
    for text in [
        "z if { walk({i | walk(1, [_, i])}, i) }",
        "z contains y if every z in {2: \"\"} { x = \"a\"; y = 1; z in [x | walk({z}, [_, x])] }",
        "z := q.x if true with data.t as p[2.5]",
        "z if { {2.5, x} = input[k]; endswith(input.x, \"a\") }",
        "z if { w = [1, 2][_]; x := array.concat([2, [[] | w]], [{}, q[null][_]]) }",
        "f(x, {\"a\": y}) if { {\"k\": k} := {input.c: {1: \"foo\" | some z in y}}; k }",
        "z if some y, [j, k] in {[y | y = \"foo\"], p.x[1]}",
        "z if { some j, z in {{2.5: z} | j := [1, 2][_] * input.b[z]}; z }",
        "z if some j, {\"k\": k} in {{1: 1 | true}, {k: k | walk(1, [_, k])}}",
    ] {
        assert!(errors(text, false).iter().any(|error| error.contains("is unsafe")), "{text}");
    }
}

#[test]
fn closures_in_closures_are_looked_at_with_what_is_known_outside_as_in_opa() {
    for text in [
        "z if { {1 | w = input.a; {1 | count({w | true}) == 1}} }",
        "z if { {1 | input[w]; x = {1 | {w | true} == {1}}} }",
        "f(w) if { {1 | {1 | count({w | true}) == 1}} }",
        "f(x) := {[x | {v | true} = v] | walk(1, [_, v])}",
        "z if every w, k in [1] { \"a\" != $\"a{w}b\"; is_set({k | not {w | true} > w}) }",
    ] {
        let found = errors(text, false);
        assert!(!found.is_empty() && found.iter().all(|error| error.contains("match error")), "{text}: {found:?}");
    }
    for text in [
        "z if { input[w]; {1 | {1 | count({w | true}) == 1}} }",
        "z if { {1 | input[w]; count({w | true})} }",
        "f(w) if { w > 1; {1 | {1 | count({w | true}) == 1}} }",
        // A variable alone in a template is of any kind behind it.
        "z := {\"a\": 1}[i] if { i := 1; upper($\"a{i}b\") == \"a\" }",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
    let unsafe_text = "import input.c as y\nz := y if { some v, y in input.a with input as [y | true]; v }";
    assert!(errors(unsafe_text, false).iter().any(|error| error.contains("is unsafe")));
}

#[test]
fn a_closure_of_a_head_prints_nothing_of_the_body_as_in_opa() {
    let undeclared = "2 var x is undeclared";
    for text in [
        "z := [[1 | print(x)] | x := 1]",
        "z := [{[3 | print(x)] | x := 2} | y := 1]",
        "z := [y | x := 1; y := [[2 | print(x)] | true]]",
    ] {
        assert_eq!(errors(text, false), [undeclared], "{text}");
    }
    for text in [
        "z := [[1 | x := 2; print(x)] | x := 1]",
        "z := [1 | x := 1; y := [2 | print(x)]]",
        "f(x) := [[1 | print(x)] | true]",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
}

#[test]
fn a_function_is_no_value_and_a_fraction_no_index() {
    let reference = "3 function data.t.f used as reference, not called\n\tdata.t.f\n\t^^^^^^^^\n\thave: (any) => any";
    let mismatch = "3 match error\n\tleft  : (any) => any\n\tright : number";
    assert_eq!(errors("f(x) := x\nz if not f == 1", false), [mismatch, reference]);
    assert_eq!(errors("f(x) := x\nz := f", false), [reference]);
    let inside = reference.replace("f used", "f[1] used").replace("\tdata.t.f\n", "\tdata.t.f[1]\n");
    assert_eq!(errors("f(x) := x\nz if f[1] == 2", false), [inside]);
    let found = errors("z if { x := [1, 2][1.0]; x }", false);
    assert!(matches!(found.as_slice(), [one] if one.contains("have: 1.0\n")), "{found:?}");
}

#[test]
fn what_nothing_is_known_of_is_refused_as_in_opa() {
    for text in [
        "f(x) := {x | true}",
        "f(x) if count({x | true}) > 0",
        "f(x) := {\"a\": x | true}",
        "f([x, y]) := x + y\nz := f([\"a\", 1])",
        "q := {\"a\": 1}\nz if every x in [1] { q.b == x }",
        "z if { some \"b\", x in {\"a\": 1}; x == 1 }",
        "z if { some 5, x in [1]; x == 1 }",
        "p[x].y := 1 if some x in [\"a\"]\nz := p.a.y.z",
        "z if {1} == {\"a\"}",
    ] {
        let found = errors(text, false);
        assert!(
            found.len() == 1
                && (found[0].contains("match error")
                    || found[0].contains("invalid argument")
                    || found[0].contains("undefined ref")),
            "{text}: {found:?}"
        );
    }
    for text in
        ["f(x) := [x | true]\nz := f(1)", "f(x) if { y := {z | z := x}; y }", "f(x) := $\"{x}\"", "f(x) if print({x})"]
    {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
}

#[test]
fn a_rule_where_the_data_has_a_value_is_refused_by_the_tools() {
    for (data, refused) in [
        (r#"{"t": {"p": 1}}"#, true),
        (r#"{"t": 1}"#, true),
        (r#"{"t": {"p": {}}}"#, false),
        (r#"{"t": {"q": 1}}"#, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("data.json"), data).unwrap();
        let mut sources = Sources::new();
        sources.add_policy_text("t.rego", "package t\np := 2\n");
        sources.add_data(folder.path()).unwrap();
        let compiled = PolicySet::compile(sources, CompileOptions::default());
        let error = compiled.err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(error.contains("conflicting rule for data path t/p found"), refused, "{data}: {error}");
    }
}

#[test]
fn what_an_expression_with_unknown_parts_would_bind_is_undeclared_in_templates_and_prints() {
    for (text, variable) in [
        ("z := $\"{upper(x)}\" if x := input.b with input.a as input[_]", "x"),
        ("z := $\"{upper(x)}\" if { x := input.b with input.a as y; y = 1 }", "x"),
        ("z if { x = input.b with input.a as input[_]; print(x) }", "x"),
        ("z if { x := input.b with input.a as input[_]; y = {1 | print(x)} }", "x"),
        ("z if { some _, {\"k\": x} in {\"a\": input[_]}; y = {1 | print(x)} }", "x"),
        ("z if { some x in f(input[_]); y = {1 | print(x)} }\nf(x) := x", "x"),
        ("z := $\"{upper(x)}\" if some x in [input[_]]", "x"),
        ("z := $\"{upper(x)}\" if some y in [input[x]]", "x"),
        ("z if { some x in [input[_]]; every y in [1] { print(x, y) } }", "x"),
        ("z if { some x; y = {1 | print(x)}; input[x] }", "x"),
        ("z if { y = [1 | x = 1]; print(x); x = 1 }", "x"),
    ] {
        assert_eq!(errors(text, false), [format!("2 var {variable} is undeclared")], "{text}");
    }
    for text in [
        "z := $\"{upper(x)}\" if { y = 1; x := input.b with input.a as y }",
        "z := $\"{upper(x)}\" if x := input.b with input.a as [y | y = input[_]]",
        "z if { x := input.b with input.a as input[_]; print(x) }",
        "z if { x = input.b with input.a as input[_]; x = 1; print(x) }",
        "z if { some _, x in input[_]; y = {1 | print(x)} }",
        "z if { some x in [input[_]]; print(x) }",
        "z if { y = {x | x = 1; print(x)} with input as input[_] }",
        "f(x) if { y = {1 | print(x)} }\nz := f(1)",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
    assert_eq!(errors("z if { print(1) with x as 1; some x; input[x] }", false), ["2 var x referenced above"]);
    for value in ["[1 | print(y)]", "[y | print(y)]", "[1 | every x in [1] { print(x, y) }]", "[1 | not print(y)]"] {
        let text = format!("z if print(1) with input as {value}");
        assert_eq!(errors(&text, false), ["2 var y is undeclared"], "{text}");
    }
    for target in ["walk", "eq", "data.t.q.r"] {
        let text = format!("z if print(1) with input as [1 | 2 with {target} as 3]\nq := {{\"r\": 1}}");
        assert_eq!(errors(&text, false), [""; 0], "{text}");
    }
    for value in ["[1 | y = 1; print(y)]", "[[1 | print(y)] | y = 1]", "{1 | y := 1; [y | print(y)]}", "y"] {
        let text = format!("z if {{ print(1) with input as {value}; y = 1 }}");
        assert_eq!(errors(&text, false), [""; 0], "{text}");
    }
}

#[test]
fn a_call_whose_closures_name_what_its_elements_are_called_is_unsafe() {
    for text in [
        "z if some x in count({1 | x = false})",
        "z if some x in f({1 | x = false})\nf(x) := [x]",
        // Closures are looked at with what is known in front of the call, which comes first.
        "z if y := object.remove(input.p[x], [1 | x])",
        "z if y := [count([input.p[x], [1 | x]])]",
        "z if { y := object.remove(input.p[x], [x | true]); x = 1 }",
    ] {
        let found = errors(text, false);
        assert!(found.iter().any(|error| error.contains("var x is unsafe")), "{text}: {found:?}");
    }
}

#[test]
fn a_composite_that_is_the_key_of_a_rule_says_what_its_values_are() {
    for key in ["set()", "{1}", "[]", "[\"a\"]", "{}"] {
        let found = errors(&format!("p[{key}] := 1\nz if p[_].x"), false);
        assert!(matches!(found.as_slice(), [one] if one.contains("undefined ref: data.t.p[_].x")), "{key}: {found:?}");
    }
    assert_eq!(errors("f(x) := {$\"a{x}\": x | true}\nz := f(1)", false), [""; 0]);
    // As the key of a constant it is exactly itself.
    assert_eq!(errors("q := {[]: [1], {2}: [1]}\nz if q[[]][0]\ny if q[[2]][0]", false), [""; 0]);
    for key in ["[1, 2]", "[\"a\"]", "{}", "1"] {
        let found = errors(&format!("q := {{[]: [1], {{2}}: [1]}}\nz if {{ x := {key}; q[x][0] }}"), false);
        assert!(matches!(found.as_slice(), [one] if one.contains("undefined ref: data.t.q[x][0]")), "{key}: {found:?}");
    }
}

#[test]
fn operators_and_functions_are_names_as_all_others() {
    for (text, message) in [
        ("z if { input.x == 1; equal := 2 }", "2 var equal referenced above"),
        ("z if { input.x = 1; eq := 2 }", "2 var eq referenced above"),
        ("z if { some x in [1]; eq := x }", "2 var eq referenced above"),
        ("z if { 1 in [1]; internal := 1 }", "2 var internal referenced above"),
        ("z if { print(1); print := 2 }", "2 var print referenced above"),
        ("z if { count := count([]) }", "2 var count referenced above"),
        ("z if { x := $\"{count([])}\"; count := x }", "2 var count referenced above"),
        ("f(equal) if 1 == 1", "2 called function equal shadowed"),
        ("f(eq) if input.x = 1", "2 called function eq shadowed"),
        ("f(eq) if { some x in input.y; x }", "2 undefined function eq"),
        ("f(print) if print(2)", "2 called function print shadowed"),
        ("f(internal) if 1 in [1]", "2 called function internal.member_2 shadowed"),
        ("z if { gt := 5; input.x > gt }", "2 called function gt shadowed"),
        ("import data.q.equal\nz if 1 == 2", "3 undefined function data.q.equal"),
        ("internal.x := 1\nz if 1 in [1]", "3 undefined function data.t.internal.member_2"),
    ] {
        assert_eq!(errors(text, false), [message], "{text}");
    }
    for text in [
        "z if { x := 1; assign := x }",
        "z if { x := [1 | 1 == 1]; equal := 2 }",
        "z if { every x in [1] { x == 1 }; equal := 1 }",
        "f(internal) if { some x in [1]; x > 0 }",
        "eq := 1\nz if { some x in [1]; x == 1 }",
        "equal(x, y) := true\nz if 1 == 2",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
}

#[test]
fn references_beside_some_in_declare_their_variables() {
    for text in [
        "f(x) := y if some [input[x], y] in input.b",
        "f(x) := y if { some y in input.b with input.q as input[x] }",
        "f(x) := y if { some y in input.b with input.q as [1, {count(input.a[x]): 1}] }",
        "f(x) := y if { some y in p with input.q as q[x] }\np := [1]\nq := [1]",
        "f(x) := y if { some y in g(1) with input.q as q[x] }\ng(x) := [x]\nq := [1]",
    ] {
        assert_eq!(errors(text, false), ["2 arg x redeclared"], "{text}");
    }
    for text in [
        "f(x) := y if { some y in [1] with input.q as input[x] }",
        "f(x) := y if { some y in input.b with input.q as [1 | input[x]] }",
        "z := y if { some y in input.b with input.q as input[x]; x == 1 }",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
}

#[test]
fn closures_know_nothing_of_what_a_reference_or_the_body_of_an_every_says() {
    for text in [
        "f(x) if input.c[x].y = [[{x: x | true}], 1]",
        "f(x) if input.c[x].y = {y | y = {x: x | true}}",
        "f([x]) if input.c[x].y > count({y | y = {x: x | true}})",
        "f(x) if input.c[x][[1 | y = {x: x | true}]]",
        "f(x) if not input.c[x] = [1 | print({x | true})]",
        "f(x) if every y in input.c { input.d[x]; y = [1 | u = {x: y | true}] }",
        "z if every y in input.c { w := y; input.d[w]; y = [1 | u = {w: 2 | true}] }",
    ] {
        let found = errors(text, false);
        assert!(matches!(found.as_slice(), [one] if one.starts_with("2 match error")), "{text}: {found:?}");
    }
    for text in [
        "f(x) if input.c[x].y = {x: x | true}",
        "f(x) if input.c[x].y = [[1 | print([x | true])], x]",
        "z if { x = input.y; input.c[x].y = [[1 | print({x: x | true})], x] }",
        "import data.t.p as i\nf(null) if { walk({x | y = 2}, [_, i]); input.c[x] }",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
}

#[test]
fn what_an_every_assigns_is_unsafe_in_its_own_closures() {
    for text in [
        "z if every w in [1] { i := [w | i = 1] }",
        "z if every w in [1] { i := {\"a\": {w | walk(\"a\", [_, i])}} }",
        "z if every w in [1] { i := input.x with input.x as [w | i = 1] }",
        "z if every v in [1] { every w in [1] { v == w; i := [w | [1 | i = 1]] } }",
    ] {
        assert_eq!(errors(text, false), ["2 var i is unsafe"], "{text}");
    }
    for text in [
        "z if every w in [1] { i := [w | some i in [1]] }",
        "z if every w in [1] { x = [1 | i := [w | i = 1]] }",
        "z if { i := [1 | i = 1]; every w in [1] { w } }",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
}

#[test]
fn calls_say_what_variables_are_before_the_references_beside_them() {
    for text in [
        "f(x, y) := [y.z, x + y]",
        "f(x, y) := [input.c[y], x + y, y.z]",
        "f(x, y) := [y[0] | input.c[y] > x + y]",
        "f(x, y) := y.z if input.c[_][y] in (x + y)",
        "f(x, y) := y.z if some z in [input.c[y], x + y]",
        "f(x, y) := y.z if every z in [input.c[y], x + y] { z }",
    ] {
        let found = errors(text, false);
        assert!(matches!(found.as_slice(), [one] if one.contains("undefined ref: y")), "{text}: {found:?}");
    }
    for text in ["f(x, y) := y.z if count(input.c[y]) > x + y", "f(x) := [input.c[x], x + 1]"] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
}

#[test]
fn a_set_that_is_a_variable_of_its_own_has_elements_of_which_something_is_known() {
    for text in [
        "f(x, y) := {y, {input.q: x}}",
        "f(x) := {[x, [1 | true]]}",
        "f(x) if print({[x, count([])]})",
        "f(x) if print({[x, 1]})",
    ] {
        let found = errors(text, false);
        assert!(matches!(found.as_slice(), [one] if one.starts_with("2 match error")), "{text}: {found:?}");
    }
    for text in [
        "f(x, y) := {y, {\"a\": x}}",
        "f(x) := {[x, count([])]}",
        "f(x) := {input.q, x}",
        "f(x) := {input.q: x}",
        "f(x) if print([x, 1], {x})",
    ] {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
}

#[test]
fn a_head_is_an_expression_as_a_whole() {
    for text in [
        "z contains [input.c[y], x] if some x in {1 | y = 1}",
        "z := {\"a\": input.c[y], \"b\": x} if x := {1 | y = 1}",
        "z[[input.c[y], x]] := 1 if some x in [{1 | y = 1}]",
    ] {
        let found = errors(text, false);
        assert!(found.iter().any(|error| error.contains("var x is unsafe")), "{text}: {found:?}");
    }
    for text in
        ["z contains input.c[y] if { some x in {1 | y = 1}; x }", "z contains [input.c[y], y] if some x in {1 | y = 1}"]
    {
        assert_eq!(errors(text, false), [""; 0], "{text}");
    }
    // Keys say what variables are before the value does.
    let found = errors("z[[1 | k.x]] := count({k, k}) if k := 1", false);
    assert!(matches!(found.as_slice(), [one] if one.contains("undefined ref: k.x")), "{found:?}");
    assert_eq!(errors("set() := 1", false), ["2 set cannot be used for rule name"]);
}
