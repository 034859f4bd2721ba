//! What is observed of an evaluation, as data: a policy, a query, and the observations.

use regorus::Value;

use super::{Observations, Op, TraceFilter, TraceOptions};
use crate::{
    compile_options::CompileOptions,
    engine::{EvalLimits, EvalOptions, Files, Policy, builtins::NoHost},
    sources::PolicyFile,
};

/// The policy and the observed result of a query; the input is `{"x": 1, "xs": [1, 2, 3]}`.
fn observed(text: &str, query: &str, observe: &TraceOptions) -> (Policy, Observations) {
    let file = PolicyFile { name: "p.rego".to_owned(), text: text.to_owned(), v0: None };
    let policy = Files::parse(vec![file], CompileOptions::default())
        .and_then(|files| files.compile(Value::new_object()))
        .map_err(|errors| errors[0].to_string())
        .unwrap();
    let options = EvalOptions {
        input: Some(Value::from_json_str(r#"{"x": 1, "xs": [1, 2, 3]}"#).unwrap()),
        data: None,
        host: &NoHost,
        limits: EvalLimits::default(),
        strict_builtin_errors: false,
        now_ns: 0,
        seed: 0,
    };
    let prepared = policy.prepare(query).map_err(|errors| errors[0].to_string()).unwrap();
    let unwatched =
        policy.query_observed(&prepared, &options, &TraceOptions::default()).map_err(|failed| failed.0).unwrap();
    let results = policy.query_observed(&prepared, &options, observe).map_err(|failed| failed.0).unwrap();
    assert_eq!((&unwatched.found, &unwatched.prints), (&results.found, &results.prints), "watching changes nothing");
    (policy, results.observations)
}

/// What happened in `data.p.r`, a line each.
fn trace(rules: &str) -> Vec<String> {
    let observe = TraceOptions { trace: true, ..TraceOptions::default() };
    let (_, observations) = observed(&format!("package p\n{rules}"), "data.p.r", &observe);
    let line = |event: super::TraceEvent| {
        let values: Vec<_> = event.values.iter().map(|value| format!("{}={}", value.text, value.value)).collect();
        let row = event.location.map_or(0, |location| location.line);
        format!("{}{row} {:?} {} {}", "  ".repeat(event.depth), event.op, event.text, values.join(" "))
            .trim_end()
            .to_owned()
    };
    assert_eq!(observations.trace.left_out, 0);
    observations.trace.events.into_iter().filter(|event| event.depth > 0).map(line).collect()
}

#[test]
fn a_trace_shows_what_is_evaluated_and_what_does_not_hold() {
    let got = trace("r if {\n\tsome x in input.xs\n\tx > 2\n}\n");
    let want = [
        "  3 Eval input.xs",
        "  3 Eval some x in input.xs",
        "  4 Eval x > 2 x=1",
        "  4 Fail x > 2 x=1",
        "  4 Eval x > 2 x=2",
        "  4 Fail x > 2 x=2",
        "  4 Eval x > 2 x=3",
    ];
    assert_eq!(got, want);
}

#[test]
fn a_search_without_a_result_fails() {
    let fails = |rules: &str| -> Vec<String> {
        trace(rules).into_iter().filter(|line| line.contains(" Fail ")).map(|line| line.trim().to_owned()).collect()
    };
    assert_eq!(fails("r if {\n\tsome x in []\n\tx > 2\n}\n"), ["3 Fail some x in []"]);
    assert_eq!(fails("r if input.xs[_] == 7\n"), ["2 Fail input.xs[_] == 7"]);
    assert_eq!(fails("r if input.xs[_] == 3\n"), Vec::<String>::new());
    assert_eq!(fails("r if {\n\tinput.xs[_] == 3 with input as {\"xs\": []}\n}\n"), ["3 Fail input.xs[_] == 3"]);
    assert_eq!(fails("r if not f(1)\nf(x) if x > 0\n"), ["2 Fail not f(1)"]);
}

#[test]
fn what_a_policy_says_stands_where_it_says_it() {
    let got = trace("r if {\n\ttrace(\"here\")\n\tprint(\"no note\")\n}\n");
    assert!(got.contains(&"  3 Note here".to_owned()) && !got.iter().any(|line| line.contains("Note no")), "{got:?}");
}

/// The rows of the policy that are covered, and those that are not.
fn covered(rules: &str) -> (Vec<u32>, Vec<u32>) {
    let text = format!("package p\n{rules}");
    let (policy, observations) =
        observed(&text, "data.p.r", &TraceOptions { coverage: true, ..TraceOptions::default() });
    let source = &policy.sources()[0];
    let module = crate::engine::parse::parse(source, 0, false).ok().unwrap();
    let rows = observations.hits.rows(0, source, &super::lines(&module, source));
    (rows.covered.into_iter().collect(), rows.not_covered.into_iter().collect())
}

#[test]
fn a_line_is_covered_when_it_is_evaluated_and_a_head_when_it_holds() {
    for (rules, want, lacking) in [
        ("r if {\n\tinput.x == 1\n\tinput.x == 2\n\tinput.x == 3\n}\n", vec![3, 4], vec![2, 5]),
        ("r := 1 if {\n\tinput.x == 2\n}\nelse := 2 if {\n\tinput.x == 1\n}\n", vec![3, 5, 6], vec![2]),
        ("default r := 1\nr := 2 if input.x == 2\n", vec![2, 3], vec![]),
        ("r := [x |\n\tsome x in input.xs\n\tx == 9\n\tx == 10\n]\nother := 1\n", vec![2, 3, 4], vec![5, 7]),
        ("r if {\n\tevery x in [] {\n\t\tx == 1\n\t}\n}\n", vec![2, 3], vec![4]),
        ("r if {\n\tsome x\n\tinput.xs[x] == 2\n}\n", vec![2, 4], vec![]),
    ] {
        assert_eq!(covered(rules), (want, lacking), "{rules}");
    }
}

/// The traces of the definitions in row 2, each expression as `row text held values`.
fn rule_traces(rules: &str) -> Vec<(u64, Vec<String>)> {
    let observe =
        TraceOptions { rule_traces: Some(TraceFilter::At(vec![("p.rego".to_owned(), 2)])), ..TraceOptions::default() };
    let (_, observations) = observed(&format!("package p\n{rules}"), "data.p.r", &observe);
    let part = |part: &super::RuleTraceStep| {
        let values: Vec<_> = part.values.iter().map(|value| format!("{}={}", value.text, value.value)).collect();
        format!("{} {} {} {}", part.location.line, part.text, part.held, values.join(" ")).trim_end().to_owned()
    };
    observations
        .rule_traces
        .iter()
        .map(|rule_trace| (rule_trace.results, rule_trace.parts.iter().map(part).collect()))
        .collect()
}

#[test]
fn a_trace_ends_with_the_first_expression_that_never_held() {
    for (rules, results, want) in [
        (
            "r if {\n\tinput.x == 1\n\tinput.x == 2\n\ttrue\n}\n",
            0,
            vec!["3 input.x == 1 1", "4 input.x == 2 0 input.x=1"],
        ),
        (
            "r contains x if {\n\tsome x in input.xs\n\tx > 1\n}\n",
            2,
            vec!["3 some x in input.xs 3 x=1 input.xs=[1, 2, 3]", "4 x > 1 2 x=2"],
        ),
        ("r if {\n\tf(input.x) == 3\n}\nf(x) := x + 1\n", 0, vec!["3 f(input.x) == 3 0 f(input.x)=2 input.x=1"]),
        ("r if {\n\tinput.nope.deep\n}\n", 0, vec!["3 input.nope.deep 0 input.nope.deep=undefined"]),
        (
            "r if {\n\tsome y\n\tinput.x == y with input as {\"x\": 5}\n\ty = 4\n}\n",
            0,
            vec!["5 y = 4 1 y=4", "4 input.x == y 0 input.x=5 y=4"],
        ),
        ("r if {\n\tsome x in []\n\tx > 1\n}\n", 0, vec!["3 some x in [] 0"]),
        (
            "r if {\n\txs := {1}\n\t{x | some x in xs} == {3}\n}\n",
            0,
            vec!["3 xs := {1} 1 xs={1}", "4 {x | some x in xs} == {3} 0 {x | some x in xs}={1} x=1"],
        ),
        (
            "r if {\n\t{7} == {x | some x in input.nope}\n}\n",
            0,
            vec!["3 {7} == {x | some x in input.nope} 0 {x | some x in input.nope}=set()"],
        ),
    ] {
        let want: Vec<_> = want.into_iter().map(str::to_owned).collect();
        assert_eq!(rule_traces(rules), [(results, want)], "{rules}");
    }
}

#[test]
fn each_branch_of_an_else_has_its_own_trace() {
    let got = rule_traces("r := 1 if {\n\tinput.x == 7\n} else := 2 if {\n\tinput.x == 1\n}\n");
    let want = [(0, vec!["3 input.x == 7 0 input.x=1".to_owned()]), (1, vec!["5 input.x == 1 1".to_owned()])];
    assert_eq!(got, want);
}

#[test]
fn a_trace_keeps_a_limited_number_of_things() {
    let observe = TraceOptions { trace: true, ..TraceOptions::default() };
    let text =
        "package p\nr := count([1 | some i in numbers.range(1, 400); some j in numbers.range(1, 400); i == j])\n";
    let (_, observations) = observed(text, "data.p.r", &observe);
    assert_eq!(observations.trace.events.len(), crate::engine::limits::TRACE_EVENTS);
    assert!(observations.trace.left_out > 100_000, "{}", observations.trace.left_out);
    assert!(observations.trace.events.iter().any(|event| event.op == Op::Enter));
}

#[test]
fn costs_belong_to_rules_and_to_lines() {
    let text = "package p\nr if {\n\tq\n\tq\n}\nq if input.x == 1\n";
    let (policy, observations) = observed(text, "data.p.r", &TraceOptions { profile: true, ..TraceOptions::default() });
    let rules: Vec<_> =
        observations.profile.rules.iter().map(|(node, cost)| (policy.named(*node).0, cost.evaluations)).collect();
    assert_eq!(rules, [("data.p.r".to_owned(), 1), ("data.p.q".to_owned(), 1)]);
    let evaluations: u64 = observations.profile.expressions.values().map(|cost| cost.evaluations).sum();
    // The query, twice `q`, and what `q` evaluates once.
    assert_eq!(evaluations, 4);
    assert!(observations.profile.rules.values().all(|cost| cost.own <= cost.total));
}
