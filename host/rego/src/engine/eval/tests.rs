//! Evaluation as data: a policy, a rule, its value. Here stand the points where an engine easily departs from OPA.

use std::sync::atomic::AtomicBool;

use regorus::Value;

use crate::{
    compile_options::CompileOptions,
    engine::{
        EvalError, EvalLimits, EvalOptions, Files, Policy, Printed, builtins::NoHost, compiled::Worker, span::Span,
    },
    sources::PolicyFile,
};

fn policy(texts: &[&str], data: &str) -> Policy {
    let modules = texts
        .iter()
        .enumerate()
        .map(|(at, text)| PolicyFile { name: format!("t{at}.rego"), text: (*text).to_owned(), v0: None })
        .collect();
    let data = Value::from_json_str(data).unwrap();
    let compiled = Files::parse(modules, CompileOptions::default()).and_then(|files| files.compile(data));
    compiled.map_err(|errors| errors[0].to_string()).unwrap()
}

fn options<'a>(input: Option<&str>) -> EvalOptions<'a> {
    EvalOptions {
        input: input.map(|text| Value::from_json_str(text).unwrap()),
        data: None,
        host: &NoHost,
        limits: EvalLimits::default(),
        strict_builtin_errors: false,
        now_ns: 0,
        seed: 0,
    }
}

/// The value of `data.t.p` and what was printed.
fn evaluated(policy: &Policy, options: &EvalOptions<'_>) -> Result<(Option<Value>, Vec<Printed>), EvalError> {
    let mut result = policy.evaluate(&[["t", "p"].map(str::to_owned).to_vec()], options)?;
    Ok((result.values.pop().flatten(), result.prints))
}

/// The value of `data.t.p` as JSON, or the error's class.
fn value_of(texts: &[&str], input: Option<&str>) -> String {
    let policy = policy(texts, r#"{"base": {"a": 1, "b": [2, 3]}}"#);
    match evaluated(&policy, &options(input)) {
        Ok((values, _)) => values.map_or("undefined".to_owned(), |value| serde_json::to_string(&value).unwrap()),
        Err(error) => error.code.as_str().to_owned(),
    }
}

fn check(rules: &str, wanted: &str) {
    assert_eq!(value_of(&[&format!("package t\n{rules}")], Some(r#"{"x": 1}"#)), wanted, "{rules}");
}

#[test]
fn arguments_are_bound_in_order_and_a_default_may_stand_at_one_place() {
    for (rules, want) in [
        ("f({x}, x) := x\np := [f({1}, 1)]", "undefined"),
        ("f(x, {x}) := x\np := [f(1, {1})]", "[1]"),
        ("f(x, {x: y}) := y\np := f(\"a\", {\"a\": 1})", "1"),
        ("f({x: 1}) := 1\np := f({\"a\": 1})", "undefined"),
        ("default p[1] := 1", "{\"1\":1}"),
        ("default p[1] := 1\np[1] := 2\np[2] := 3", "{\"1\":2,\"2\":3}"),
        ("default p", "true"),
        ("p := \"k\", 1 in {\"k\": 1}", "true"),
        ("p := 1 if {1} == {1}", "1"),
    ] {
        assert_eq!(value_of(&[&format!("package t\n{rules}")], None), want, "{rules}");
    }
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
    let strict = EvalOptions { strict_builtin_errors: true, ..options(None) };
    let error = evaluated(&policy, &strict).unwrap_err();
    assert_eq!(error.code.as_str(), "eval_builtin_error");
}

#[test]
fn a_lookup_of_one_key_gives_what_the_whole_set_has() {
    check("s contains x if some x in [1, 2]\np := [a, b] if { a := s[2]; b := [1 | s[3]] }", "[2,[]]");
    check("o[k] := v if some k, v in {\"a\": 1}\np := o.a", "1");
}

#[test]
fn data_goes_before_rules_in_a_whole_package() {
    let policy = policy(&["package base\na := 9\nc := 4"], r#"{"base": {"a": 1}}"#);
    let query = policy.prepare("x := data.base; y := data.base.a").unwrap();
    let result = policy.query(&query, &options(None)).unwrap();
    assert_eq!(serde_json::to_string(&result[0]["x"]).unwrap(), r#"{"a":1,"c":4}"#);
    assert_eq!(serde_json::to_string(&result[0]["y"]).unwrap(), "9");
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
    let limits = EvalLimits { cancel: Some(&cancel), deadline: None };
    let error = evaluated(&policy, &EvalOptions { limits, ..options(None) }).unwrap_err();
    assert_eq!(error.code.as_str(), "eval_cancel_error");
}

#[test]
fn two_threads_give_the_result_of_one() {
    let policy = policy(&["package t\np := [z | some x in numbers.range(1, 50); some y in [1, 2]; z := x * y]"], "{}");
    let one = evaluated(&policy, &options(None)).unwrap().0;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| evaluated(&policy, &options(None)).unwrap().0)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), one);
        }
    });
}

#[test]
fn print_writes_undefined_and_never_fails() {
    let policy = policy(&["package t\np if print(\"a\", input.nope, [1])"], "{}");
    let (values, prints) = evaluated(&policy, &options(None)).unwrap();
    assert_eq!(values, Some(Value::Bool(true)));
    assert_eq!(prints[0].text, "a <undefined> [1]");
}

/// Rules whose values last for one query, for one time, or permanently, and mixtures of them.
const LASTING: &[&str] = &[
    "package t\nlist := [x | some x in data.base.b]\nnow := time.now_ns()\nlate if now > 5\nmine contains x if some x in input.xs\n\
     keyed[k] := v if some k, v in data.base\nseen[k] := v if some k, v in input\n\
     twice(x) := x * 2\nhalf(x) := x / input.n\ndefault late := false\n\
     p := {\"list\": list, \"late\": late, \"mine\": mine, \"a\": keyed.a, \"n\": seen.n, \"twice\": twice(input.n), \"half\": half(8), \
     \"other\": other}\n",
    "package t\nother := [a, b, c, d] if {\n\ta := count(mine) with input.xs as [1, 2, 3]\n\tb := list with data.base.b as [input.n]\n\
     \tc := late with time.now_ns as 9\n\td := twice(3) with data.t.twice as half\n}\n",
];

const QUERIES: &[(&str, i64)] = &[
    (r#"{"xs": [1], "n": 2}"#, 1),
    (r#"{"xs": [1, 2], "n": 4}"#, 1),
    (r#"{"xs": [], "n": 4}"#, 10),
    (r#"{"xs": [1], "n": 2}"#, 10),
    (r#"{"xs": [1], "n": 2}"#, 1),
];

fn results(policy: &Policy) -> Vec<Option<Value>> {
    let one = |(input, now_ns): &(&str, i64)| {
        evaluated(policy, &EvalOptions { now_ns: *now_ns, ..options(Some(input)) }).unwrap().0
    };
    QUERIES.iter().map(one).collect()
}

const BASE: &str = r#"{"base": {"a": 1, "b": [2, 3]}}"#;

#[test]
fn what_is_cached_between_queries_changes_no_result() {
    let shared = results(&policy(LASTING, BASE));
    for (at, query) in QUERIES.iter().enumerate() {
        let fresh = policy(LASTING, BASE);
        let (input, now_ns) = query;
        let one = evaluated(&fresh, &EvalOptions { now_ns: *now_ns, ..options(Some(input)) }).unwrap().0;
        assert!(one.is_some(), "{query:?}");
        assert_eq!(shared[at], one, "{query:?}");
    }
}

#[test]
fn neither_the_order_of_files_nor_the_number_of_threads_changes_a_result() {
    let shared = policy(LASTING, BASE);
    let wanted = results(&shared);
    let turned: Vec<_> = LASTING.iter().rev().copied().collect();
    assert_eq!(results(&policy(&turned, BASE)), wanted);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| results(&shared))).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), wanted);
        }
    });
}

#[test]
fn what_is_printed_is_printed_for_every_query() {
    let policy = policy(&["package t\np if {\n\tprint(\"here\")\n\tq\n}\nq if print(data.base.a)"], BASE);
    for _ in 0..2 {
        let (value, prints) = evaluated(&policy, &options(None)).unwrap();
        assert_eq!((value, prints.len()), (Some(Value::Bool(true)), 2));
    }
}

#[test]
fn an_error_is_not_taken_for_a_value_by_the_next_query() {
    let texts = ["package t\np := q\nq := 1 if input.one\nq := 2 if input.two"];
    let policy = policy(&texts, BASE);
    for _ in 0..2 {
        assert!(evaluated(&policy, &options(Some(r#"{"one": true, "two": true}"#))).is_err());
        assert_eq!(evaluated(&policy, &options(Some(r#"{"two": true}"#))).unwrap().0, Some(Value::from(2_u64)));
    }
}

#[test]
fn what_one_evaluation_makes_is_bounded() {
    let rules = "xs := numbers.range(1, 1000000)\np := [n | some i in numbers.range(1, 100); n := count(array.concat(xs, [i]))]";
    let policy = policy(&[&format!("package t\n{rules}")], BASE);
    let error = evaluated(&policy, &options(None)).unwrap_err();
    assert!(error.message.contains("elements were made in one evaluation"), "{}", error.message);
}

/// Rules `s0` to `sN`, each made of the one before twice.
fn doubled(name: &str, levels: usize) -> String {
    let lines = (1..=levels).map(|at| format!("{name}{at} := [{name}{0}, {name}{0}]", at - 1));
    format!("{name}0 := [1]\n{}\n", lines.collect::<Vec<_>>().join("\n"))
}

/// The error of a policy whose values may not be made.
fn refused(rules: &str) -> EvalError {
    let policy = policy(&[&format!("package t\n{rules}")], "{}");
    let started = std::time::Instant::now();
    let error = evaluated(&policy, &options(Some("{}"))).unwrap_err();
    assert!(started.elapsed().as_secs() < 100, "{:?}: {rules:.100}", started.elapsed());
    error
}

#[test]
fn a_value_that_shares_others_too_often_is_refused_whatever_is_done_with_it() {
    let rules = doubled("s", 60);
    let other = doubled("t", 60);
    for last in [
        "p := s60",
        "p if print(s60)",
        "p if sprintf(\"%v\", [s60]) == \"\"",
        "p := json.marshal(s60)",
        "p if s60 == t60",
        "p := {s60, t60}",
        "p := object.union({\"a\": s60}, {\"a\": t60})",
        "p := $\"{s60}\"",
        "f(x) := x\np := f(s60)",
        "p := {x | x := [s60, t60][_]}",
        "p contains s60",
        "p[s60] := 1",
        "p := q if q := input.x with input.x as s60",
    ] {
        let error = refused(&format!("{rules}{other}{last}"));
        assert!(error.message.contains("more than 4000000 parts"), "{last}: {}", error.message);
        assert!(error.location.is_some_and(|location| location.file == "t0.rego" && location.line > 1), "{last}");
    }
}

#[test]
fn results_that_share_a_large_value_are_refused_before_they_are_written() {
    let rules = "big := [x | some x in numbers.range(1, 100000)]\np := {i: big | some i in numbers.range(1, 30)}";
    assert!(refused(rules).message.contains("the results would have more than 2000000 parts"));
    let text =
        "big := concat(\"\", [\"0123456789012345678901234567890123456789\" | some _ in numbers.range(1, 50000)])\n";
    let rules = format!("{text}p := {{i: big | some i in numbers.range(1, 50)}}");
    assert!(refused(&rules).message.contains("the results would have more than 2000000 parts"));
}

#[test]
fn a_value_nested_too_deeply_is_refused_before_anything_recurses_over_it() {
    let levels: String = (1..=1_000).map(|at| format!("r{at} := [r{}]\n", at - 1)).collect();
    for last in ["p := r1000", "p if r999 == r1000", "p if print(r1000)", "p if count(r1000) == 0"] {
        let error = refused(&format!("r0 := 1\n{levels}{last}"));
        assert!(error.message.contains("nested more than 400 levels deep"), "{last}: {}", error.message);
    }
    let levels: String = (1..=390).map(|at| format!("r{at} := {{\"a\": r{}}}\n", at - 1)).collect();
    let policy = policy(&[&format!("package t\nr0 := 1\n{levels}p := r390")], "{}");
    // On a thread with the default stack size: what can be created can be written and dropped anywhere.
    let value = evaluated(&policy, &options(None)).unwrap().0.unwrap();
    let json = serde_json::to_value(&value).unwrap();
    assert!(serde_json::to_string(&json).unwrap().len() > 390 * 6);
}

#[test]
fn what_a_union_copies_and_a_document_holds_counts_towards_what_an_evaluation_makes() {
    let levels = |name: &str| -> String {
        (1..=9).map(|at| format!("{name}{at} := {{\"a\": {name}{0}, \"b\": {name}{0}}}\n", at - 1)).collect()
    };
    let rules = format!("s0 := {{\"a\": 1}}\nt0 := {{\"a\": 2}}\n{}{}", levels("s"), levels("t"));
    for (last, least) in [
        ("p := object.union(s9, t9)", 3_000),
        ("p := object.union_n([s9, t9])", 3_000),
        (
            "p := count(json.unmarshal(sprintf(\"[%s1]\", [concat(\"\", [\"[1,2],\" | some _ in numbers.range(1, 100)])])))",
            300,
        ),
        ("p := count(yaml.unmarshal(concat(\"\", [\"- [1, 2]\\n\" | some _ in numbers.range(1, 100)])))", 300),
    ] {
        let policy = policy(&[&format!("package t\n{rules}{last}")], "{}");
        let (options, mut worker) = (options(None), Worker::default());
        let mut eval = policy.eval(&options, &mut worker);
        let node = policy.tree.find(["t", "p"]).unwrap();
        assert!(eval.value(node, Span::default()).unwrap().is_some());
        assert!((least..least * 4).contains(&eval.built), "{last}: {}", eval.built);
    }
}

#[test]
fn numbers_of_megabytes_are_refused_before_anything_is_calculated() {
    let digits = "d := concat(\"\", [\"1234567890\" | some _ in numbers.range(1, 200000)])\n";
    for (last, says) in [
        ("p := to_number(d)", "would parse a number of more than 10000 digits"),
        ("p := units.parse(d)", "would parse a number of more than 10000 digits"),
        ("p := units.parse_bytes(d)", "would parse a number of more than 10000 digits"),
        ("p := json.unmarshal(d)", "would parse a number of more than 10000 digits"),
        ("p := yaml.unmarshal(d)", "would parse a number of more than 10000 digits"),
        ("p := bits.lsh(1, 1000000)", "would make a number of more than 131072 bits"),
        (
            "p := numbers.range(bits.lsh(1, 131000), bits.lsh(1, 131000) + 900000)",
            "would make more than 4000000 elements",
        ),
        ("p := [bits.lsh(1, 131000 + x % 10) | some x in numbers.range(1, 900000)]", "elements were made"),
    ] {
        let policy = policy(&[&format!("package t\n{digits}{last}")], "{}");
        match evaluated(&policy, &options(None)) {
            Err(error) => assert!(!says.is_empty() && error.message.contains(says), "{last}: {}", error.message),
            Ok((value, _)) => assert!(says.is_empty() && value.is_none_or(|value| value.as_string().is_ok()), "{last}"),
        }
    }
}

#[test]
fn one_call_does_not_compare_copy_or_list_without_end() {
    let long = "l := concat(\"\", [\"aaaaaaaaaaaaaaaaaaaa\" | some _ in numbers.range(1, 250000)])\n";
    for last in [
        "p := split(l, \"\")",
        "p := indexof_n(l, substring(l, 0, 2500000))",
        "p := regex.find_n(\"a\", l, -1)",
        "p := strings.replace_n({sprintf(\"b%d\", [x]): \"\" | some x in numbers.range(1, 1000)}, l)",
        "p := json.patch({\"a\": [1, 2]}, [{\"op\": \"copy\", \"from\": \"\", \"path\": sprintf(\"/%d\", [x])} | some x in numbers.range(1, 60)])",
        "a := numbers.range(1, 20000)\np := json.patch({\"a\": a}, [{\"op\": \"add\", \"path\": \"/a/0\", \"value\": x} | some x in a])",
        "p := json.unmarshal(sprintf(\"[%s1]\", [replace(l, \"a\", \"1,\")]))",
        "p := yaml.unmarshal(sprintf(\"[%s1]\", [replace(l, \"a\", \"1,\")]))",
    ] {
        let error = refused(&format!("{long}{last}"));
        assert!(error.message.contains("more than"), "{last}: {}", error.message);
    }
}

#[test]
fn an_union_of_many_objects_takes_time_that_grows_with_their_number_alone() {
    let rules = "p := count(object.union_n([{sprintf(\"%d\", [x]): x} | some x in numbers.range(1, 30000)]))";
    check(rules, "30000");
}

#[test]
fn all_data_is_without_the_system_document_which_is_there_when_named() {
    let policy =
        policy(&["package system.x\na := 1", "package t\np := data.system.x.a"], r#"{"q": 1, "system": {"m": 2}}"#);
    let paths = [&[][..], &["system"], &["t"]].map(|path| path.iter().map(|part| (*part).to_owned()).collect());
    let values = policy.evaluate(&paths, &options(None)).unwrap().values;
    let shown: Vec<_> = values.iter().map(|value| serde_json::to_string(value).unwrap()).collect();
    assert_eq!(shown, [r#"{"q":1,"t":{"p":1}}"#, r#"{"m":2,"x":{"a":1}}"#, r#"{"p":1}"#]);
}

#[test]
fn a_comprehension_gives_the_same_whether_it_is_requested_for_few_keys_or_many() {
    let xs = "xs := [{\"k\": k, \"v\": v} | some v in numbers.range(1, 20); k := v % 3]\n";
    for (rules, wanted) in [
        // Sets, arrays in the order of the walk, objects; keys that nothing has; numbers however they are written.
        ("p := [count({y.v | some y in xs; y.k == k}) | some k in [0, 1, 2, 3, 1.0, 2, 2]]", "[6,7,7,0,7,7,7]"),
        ("p := [a[0] | some k in [0, 1, 2, 0, 1, 2, 0]; a := [y.v | some y in xs; y.k == k]]", "[3,1,2,3,1,2,3]"),
        (
            "p := [count({y.v: 1 | some y in xs; k = y.k; y.v > 10}) | some k in [0, 1, 2, 0, 1, 2, 0]]",
            "[3,3,4,3,3,4,3]",
        ),
        // Two keys, and a variable that is none.
        (
            "p := [count([1 | some y in xs; y.k == k; y.v == v; y.v > m]) | some k in [0, 1]; some v in [3, 4, 6]; m := 3]",
            "[0,0,1,0,1,0]",
        ),
        // Another list each time.
        (
            "p := [count([1 | some y in ys; y == k]) | some n in [1, 2, 3, 4, 5, 6]; ys := numbers.range(1, n); k := 2]",
            "[0,1,1,1,1,1]",
        ),
        // In a function, whose arguments are the same afterwards.
        (
            "f(k) := count([1 | some y in xs; y.k == k]) + k\np := [f(k) | some k in [0, 1, 2, 0.5, 7, 8]]",
            "[6,8,9,0.5,7,8]",
        ),
        // A body that can fail for a key that nothing requests.
        ("p := [c | some k in [1, 1, 1, 1, 1, 1]; c := count({y.k: y.v | some y in xs; y.v == k})]", "[1,1,1,1,1,1]"),
        (
            "p := [c | some k in [0, 1, 4, 5, 6, 7]; c := count({y.k: 1 | some y in xs; y.v / (y.v - 3) == k})]",
            "[0,0,1,0,0,0]",
        ),
        // Under replaced input each is its own.
        (
            "c(k) := count([1 | some y in input.ys; y == k])\np := [n | some k in [1, 2, 1, 2, 1, 2]; n := c(k) with input.ys as [k, k]]",
            "[2,2,2,2,2,2]",
        ),
        (
            "p := [c | some k in [1, 2, 1, 2, 1, 2]; c := count([1 | some y in input.ys; y == k]) with input.ys as [k]]",
            "[1,1,1,1,1,1]",
        ),
    ] {
        check(&format!("{xs}{rules}"), wanted);
    }
    check(
        &format!("{xs}p := [count({{y.k: y.v | some y in xs; y.k == k}}) | some k in [7, 7, 7, 7, 7, 1]]"),
        "eval_conflict_error",
    );
}

/// Rules that each select by another value of one place.
fn many(head: &str, place: &str) -> String {
    (0..20).map(|at| format!("{head} := {at} if {place} == \"k{at}\"\n")).collect()
}

#[test]
fn many_rules_that_select_by_one_place_have_the_values_of_all_of_them() {
    let all = |rules: &str, p: &str| format!("{rules}p := x if x := {p}");
    let on_input = many("lvl", "input.k");
    let lvl = "[n | some k in [\"k3\", \"k19\", \"no\", 7]; n := lvl with input.k as k]";
    check(&all(&on_input, lvl), "[3,19]");
    check(&all(&format!("default lvl := 0\n{on_input}"), lvl), "[3,19,0,0]");
    // Rules that select by nothing, for something else, or behind an `else`.
    check(&all(&format!("{on_input}lvl := 40 if input.x == 1\n"), lvl), "eval_conflict_error");
    check(&all(&format!("lvl := 1 if input.k == \"no\" else := 2 if input.k == 7\n{on_input}"), lvl), "[3,19,1,2]");
    check(&all(&format!("{on_input}lvl := 3 if 2 == 2\n"), "lvl with input.k as \"k3\""), "3");
    check(&all(&format!("{on_input}lvl := 4 if 2 == 2\n"), "lvl with input.k as \"k3\""), "eval_conflict_error");
    check(
        &all(
            &on_input.replace("lvl :=", "lvl contains").replace("contains 3 ", "contains 99 "),
            "lvl with input.k as \"k3\"",
        ),
        "[99]",
    );
    let calls = "[n | some k in [\"k3\", \"k19\", \"no\"]; n := f(k, 1)]";
    check(&all(&many("f(k, _)", "k"), calls), "[3,19]");
    let deep = "[n | some k in [\"k3\", \"k19\", \"no\"]; n := f({\"a\": {\"b\": k}})]";
    check(&all(&many("f(k)", "k.a.b"), deep), "[3,19]");
    check(&all(&format!("default f(_) := 0\n{}", many("f(k)", "k.a.b")), deep), "[3,19,0]");
    // Whole numbers are one value however they are written.
    let numbers: String = (0..20).map(|at| format!("f(k) := {at} if k == {at}\n")).collect();
    check(&all(&numbers, "[f(3), f(3.0), f(6 / 2)]"), "[3,3,3]");
}

#[test]
fn below_a_rule_with_variables_a_set_or_object_is_there_only_with_an_element() {
    let rest = "a[x] := 2 if x := \"k\"\np := a";
    for (rules, wanted) in [
        ("a.c contains 1 if false", r#"{"k":2}"#),
        ("a.c contains 1 if true", r#"{"c":[1],"k":2}"#),
        ("a.c[y] := 1 if y := false", r#"{"c":{"false":1},"k":2}"#),
        ("a.c[y] := 1 if { y := 1; false }", r#"{"k":2}"#),
        ("a.c.d contains 1 if false", r#"{"k":2}"#),
        ("a.c.d contains 1 if false\na.c.e := 3", r#"{"c":{"e":3},"k":2}"#),
        ("a.c := {}", r#"{"c":{},"k":2}"#),
        ("a[y] contains 1 if { y := 1; false }\na.c contains 1 if false", r#"{"k":2}"#),
    ] {
        check(&format!("{rules}\n{rest}"), wanted);
    }
    // A name on the way to rules without variables keeps it.
    check("a.c contains 1 if false\na.d := 2\np := a", r#"{"c":[],"d":2}"#);
}
