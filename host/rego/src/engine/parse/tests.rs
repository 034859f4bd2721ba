//! The parser as data: sources and their syntax trees.

use super::*;
use crate::engine::ast::{LiteralKind, TermKind};

fn module(text: &str) -> Module {
    parse(&Source::new("t.rego".into(), text.into()), 0, false).unwrap()
}

fn errors(text: &str) -> Vec<String> {
    let errors = parse(&Source::new("t.rego".into(), text.into()), 0, false).unwrap_err();
    errors.iter().map(|error| format!("{}:{}: {}", error.row, error.col, error.message)).collect()
}

#[test]
fn keywords_are_names_in_front_of_a_dot() {
    let module = module("package a.if\nin.foo contains 1 if {\n  x == 1\n  in.bar\n}\nelse.b := 2\n");
    assert_eq!(module.rules.len(), 2);
    assert_eq!(module.rules[0].bodies[0].body.len(), 2);
    assert_eq!(&*module.rules[1].head.name, "else");
}

#[test]
fn every_broken_rule_is_reported() {
    assert_eq!(
        errors("package a\np := )\nq := 1\nr := ]\n"),
        ["2:6: unexpected `)`: expected a value", "4:6: unexpected `]`: expected a value"]
    );
}

#[test]
fn nesting_has_a_limit() {
    let text = format!("package a\np := {}", "[".repeat(100_000));
    assert_eq!(errors(&text), [format!("2:{}: nested more than {NESTING} levels deep", 6 + NESTING)]);
}

#[test]
fn a_number_has_no_more_digits_than_there_is_memory() {
    let text = "package a\np := 1e973305900\nq := 1e-973305900\nr := 1e300";
    assert_eq!(errors(text), ["2:6: number too big", "3:6: number too big"]);
}

#[test]
fn a_bar_in_brackets_is_a_comprehension_unless_a_list_goes_on() {
    let module = module("package a\np := [x | x := 1]\nq := {a | b, c}\n");
    assert!(matches!(module.rules[0].bodies[0].value.as_ref().unwrap().kind, TermKind::ArrayOf(_)));
    let TermKind::Set(items) = &module.rules[1].bodies[0].value.as_ref().unwrap().kind else { panic!() };
    assert_eq!(items.len(), 2);
}

#[test]
fn a_key_and_a_value_may_stand_in_front_of_in() {
    let module = module("package a\np if \"k\", 1 in xs\nq := f(a, b in c)");
    let LiteralKind::Expr(term) = &module.rules[0].bodies[0].body[0].kind else { panic!() };
    let TermKind::Call(call) = &term.kind else { panic!() };
    assert_eq!(&*call.name[0], "internal.member_3");
    let TermKind::Call(call) = &module.rules[1].bodies[0].value.as_ref().unwrap().kind else { panic!() };
    assert_eq!(call.args.len(), 2);
}

#[test]
fn rego_of_before_v1_has_other_keywords_and_heads() {
    let parsed = |text: &str| parse(&Source::new("t.rego".into(), format!("package a\n{text}")), 0, true);
    let shape = |text: &str| {
        let module = parsed(text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let rule = |rule: &crate::engine::ast::Rule| (rule.head.key.is_some(), rule.head.path.len(), rule.bodies.len());
        module.rules.iter().map(rule).collect::<Vec<_>>()
    };
    for (text, want) in [
        ("p { true }", &[(false, 0, 1)][..]),
        ("deny[msg] { msg := \"x\" } { msg := \"y\" }", &[(true, 0, 1), (true, 0, 1)]),
        ("p[x] = y { x := 1; y := 2 }", &[(false, 1, 1)]),
        ("p[\"a\"]", &[(true, 0, 1)]),
        ("p.q[x] { x := 1 }", &[(false, 2, 1)]),
        ("p = 1 { true } else = 2 { input.x } else = 3", &[(false, 0, 3)]),
        ("if := 1\ncontains[x] { x := every }\nevery = 2", &[(false, 0, 1), (true, 0, 1), (false, 0, 1)]),
        ("import future.keywords\np contains x if { some x in [1] }", &[(true, 0, 1)]),
    ] {
        assert_eq!(shape(text), want, "{text}");
    }
    assert!(parsed("import rego.v1\np { true }").is_err());
    assert!(parsed("p { some x in [1] }").is_err());
}

#[test]
fn rego_v1_requires_if() {
    assert_eq!(errors("package a\np { true }"), ["2:1: `if` keyword is required before rule body"]);
    let text = "package a\np[x] { x := 1 }\nq(x) { true } { false }\nr = 1 { true }\nelse = 2 { true }\ns[1]";
    let want = [
        "2:1: `if` keyword is required before rule body",
        "2:6: `contains` keyword is required for partial set rules",
        "3:1: `if` keyword is required before function body",
        "3:15: `if` keyword is required before function body",
        "4:1: `if` keyword is required before rule body",
        "5:1: `if` keyword is required before rule body",
    ];
    let found = errors(text);
    assert_eq!(found.get(..want.len()).unwrap(), want);
    assert!(found.last().unwrap().ends_with("`contains` keyword is required for partial set rules"));
    // What is no Rego at all hides it.
    assert_eq!(errors("package a\np { true }\nx := ]").len(), 1);
}

#[test]
fn bodies_behind_the_first_are_definitions_of_their_own() {
    let heads = |text: &str| module(&format!("package a\n{text}")).rules.len();
    assert_eq!(heads("p contains x if { x := 1 } { x := 2 }\n{ x := 3 }\nq := 1 if { true } { input.x }"), 5);
    let else_first = errors("package a\np := 1 if { input.x } else := 2 if { input.y } { input.z }");
    assert!(else_first.first().unwrap().starts_with("2:48: unexpected `{`"), "{else_first:?}");
    assert!(!errors("package a\np contains 1\n{ true }").is_empty());
}

#[test]
fn a_bracket_right_behind_if_and_a_value_is_no_body() {
    let want = "2:8: if keyword cannot be used for rule name";
    assert_eq!(errors("package a\np := 1 if[1]"), [want]);
    assert_eq!(errors("package a\np contains 1 if[1]").len(), 1);
    assert_eq!(module("package a\np := 1 if [1]\nq if[1]\nr[input.x] if[1]\ns := 1 if(1)").rules.len(), 4);
}

#[test]
fn a_comment_is_no_part_of_a_rule() {
    let module = module("# first\npackage a # second\np := 1 # third\n");
    assert_eq!(module.comments.len(), 3);
}

#[test]
fn collections_that_must_be_read_again_and_again_are_refused() {
    let nested = |levels: usize| format!("package a\np := {}1{}\n", "[x | ".repeat(levels), ", 1]".repeat(levels));
    module(&nested(8));
    assert!(errors(&nested(60)).iter().any(|error| error.contains("too many collections with `|`")));
}
