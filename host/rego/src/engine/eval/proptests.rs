//! Properties of every policy: neither the order of files and rules nor threads change a result, and what is
//! remembered from one rule to the next is what would be found again.

use std::collections::BTreeSet;

use proptest::prelude::*;
use regorus::Value;

use crate::{
    compile_options::CompileOptions,
    engine::{EvalLimits, EvalOptions, Files, NoHost, Policy},
    sources::PolicyFile,
};

/// How many sets of numbers a policy defines; each is made of those before it.
const RULES: usize = 8;

const FILES: usize = 3;

/// One definition: which set, of which form, over which earlier sets, with which number, in which file.
type Definition = (usize, usize, usize, usize, u8, usize);

fn definition((rule, form, one, other, number, _): &Definition) -> String {
    let (one, other) = (one % rule.max(&1), other % rule.max(&1));
    let head = format!("r{rule} contains");
    if *rule == 0 {
        return match form % 2 {
            0 => format!("{head} {number}"),
            _ => format!("{head} input.n"),
        };
    }
    match form % 10 {
        0 => format!("{head} {number}"),
        1 => format!("{head} x if {{ some x in r{one}; x > {number} }}"),
        2 => format!("{head} x + {number} if {{ some x in r{one}; x < 50 }}"),
        3 => format!("{head} x if {{ some x in r{one}; not x in r{other} }}"),
        4 => format!("{head} f(x) if {{ some x in r{one}; x < 50 }}"),
        5 => format!("{head} x if {{ some x in r{one} with input.n as {number} }}"),
        6 => format!("{head} count(r{one})"),
        7 => format!("{head} x if {{ some y in r{one}; x := count({{z | some z in r{other}; z < y}}) }}"),
        8 => format!("{head} x if {{ some x in r{one} with data.t.r{other} as {{1, {number}}} }}"),
        _ => format!("{head} x if {{ some x in r{one} with data.t.f as {number} }}"),
    }
}

/// The policy with its definitions in this order and its files in this order.
fn policy(definitions: &[Definition], files: &[usize]) -> Policy {
    let text = |file: &usize| {
        let function = match file {
            0 => "f(x) := x * 2 if x > 3",
            1 => "f(x) := x + 100 if x <= 3",
            _ => "r0 contains 5",
        };
        let own = definitions.iter().filter(|definition| definition.5 == *file).map(definition);
        let lines: Vec<_> = ["package t".to_owned(), function.to_owned()].into_iter().chain(own).collect();
        PolicyFile { name: format!("t{file}.rego"), text: lines.join("\n\n"), v0: None }
    };
    // A set that nothing defines is empty: every one has a definition that never holds.
    let empty = (0..RULES).map(|rule| format!("r{rule} contains 0 if input.never")).collect::<Vec<_>>().join("\n");
    let mut all: Vec<_> = files.iter().map(text).collect();
    all.push(PolicyFile { name: "empty.rego".into(), text: format!("package t\n{empty}"), v0: None });
    let compiled = Files::parse(all, CompileOptions::default()).and_then(|files| files.compile(Value::new_object()));
    compiled.unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn paths() -> Vec<Vec<String>> {
    (0..RULES).map(|rule| vec!["t".to_owned(), format!("r{rule}")]).collect()
}

fn result(policy: &Policy, paths: &[Vec<String>]) -> Vec<Option<Value>> {
    let request = EvalOptions {
        input: Some(Value::from_json_str(r#"{"n": 7}"#).unwrap()),
        data: None,
        host: &NoHost,
        limits: EvalLimits::default(),
        strict_builtin_errors: false,
        now_ns: 0,
        seed: 0,
    };
    policy.evaluate(paths, &request).unwrap().values
}

fn definitions() -> impl Strategy<Value = Vec<Definition>> {
    prop::collection::vec((0..RULES, 0..10_usize, 0..RULES, 0..RULES, 0..10_u8, 0..FILES), 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_files_and_rules_changes_nothing(
        (all, shuffled) in definitions().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        files in Just((0..FILES).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let one = result(&policy(&all, &[0, 1, 2]), &paths());
        prop_assert_eq!(result(&policy(&shuffled, &files), &paths()), one);
    }

    #[test]
    fn what_is_remembered_is_what_would_be_found_again(all in definitions(), order in Just(paths()).prop_shuffle()) {
        let policy = policy(&all, &[0, 1, 2]);
        let together = result(&policy, &order);
        // Each evaluated separately with a policy that has not been evaluated before.
        let alone: Vec<_> = order.iter().flat_map(|path| result(&self::policy(&all, &[0, 1, 2]), std::slice::from_ref(path))).collect();
        prop_assert_eq!(&together, &alone);
        prop_assert_eq!(result(&policy, &order), together);
    }

    #[test]
    fn two_threads_give_the_result_of_one(all in definitions()) {
        let policy = policy(&all, &[0, 1, 2]);
        let one = result(&policy, &paths());
        let others: BTreeSet<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| result(&policy, &paths()))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        prop_assert_eq!(others, BTreeSet::from([one]));
    }
}
