//! The table as a whole: calls with their results, and that no argument makes any function panic.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use regorus::Value;

use super::*;

fn call(name: &str, args: &[Value]) -> Outcome {
    let mut caches = Caches::default();
    let mut scope = Scope { now_ns: 1_670_006_453_141_828_752, seed: 7, caches: &mut caches, host: &NoHost, copied: 0 };
    lookup(name).unwrap_or_else(|| panic!("no function {name}")).run(&mut scope, args)
}

/// Checks a call with arguments and result in JSON; an error is given by its text.
fn check(name: &str, args: &str, want: Result<&str, &str>) {
    let args = Value::from_json_str(args).unwrap();
    let got = call(name, args.as_array().unwrap().as_slice());
    match (got, want) {
        (Ok(Some(got)), Ok(want)) => assert_eq!(got, Value::from_json_str(want).unwrap(), "{name}({args})"),
        (Err(error), Err(want)) => assert_eq!(error.message, want, "{name}({args})"),
        (got, want) => panic!("{name}({args}): got {got:?}, want {want:?}"),
    }
}

/// Calls with what OPA 1.15.2 gave for them, one a line: the function, its arguments, and its result where it had one.
const RESULTS_OF_OPA: &str = include_str!("opa_formats.jsonl");

#[test]
fn numbers_times_and_yaml_are_written_and_read_as_opa_does_it() {
    let mut wrong = Vec::new();
    for line in RESULTS_OF_OPA.lines() {
        let entry = Value::from_json_str(line).unwrap();
        let entry = entry.as_array().unwrap().as_slice();
        let name = entry[0].as_string().unwrap();
        let got = call(name, entry[1].as_array().unwrap().as_slice()).ok().flatten();
        if got.as_ref() != entry.get(2) {
            wrong.push(format!("{line}\n  here: {got:?}"));
        }
    }
    assert!(RESULTS_OF_OPA.lines().count() > 2_000);
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn calls_give_what_opa_gives() {
    for (name, args, want) in [
        ("plus", "[0.1, 0.2]", Ok("0.3")),
        ("div", "[1, 0]", Err("div: divide by zero")),
        ("rem", "[1.1, 1]", Err("rem: modulo on floating-point number")),
        ("bits.lsh", "[9223372036854775807, 1]", Ok("18446744073709551614")),
        ("count", "[null]", Err("count: operand 1 must be one of {array, object, set, string} but got null")),
        ("sort", r#"[["b", 1, null]]"#, Ok(r#"[null, 1, "b"]"#)),
        ("object.get", r#"[{"a": {"b": 1}}, ["a", "b"], 0]"#, Ok("1")),
        ("object.union_n", r#"[[{"a": {"b": 2}}, {"a": 4}, {"a": {"c": 3}}]]"#, Ok(r#"{"a": {"c": 3}}"#)),
        (
            "json.filter",
            r#"[{"a": [{"b": 7, "c": 8}, {"d": 9}]}, ["a/0/b", "a/1"]]"#,
            Ok(r#"{"a": [{"b": 7}, {"d": 9}]}"#),
        ),
        ("json.remove", r#"[{"a": {"b": 1, "c": 2}}, ["/a/b"]]"#, Ok(r#"{"a": {"c": 2}}"#)),
        ("json.patch", r#"[{"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}]]"#, Ok(r#"{"a": [1, 2]}"#)),
        ("json.unmarshal", "[1]", Err("json.unmarshal: operand 1 must be string but got number")),
        ("regex.replace", r#"["-wy-wxxy-", "w(x*)y", "0"]"#, Ok(r#""-0-0-""#)),
        ("semver.compare", r#"["1", "1.0.0"]"#, Err("semver.compare: operand 1: string \"1\" is not a valid SemVer")),
        ("units.parse", r#"["500m"]"#, Ok("0.5")),
        ("units.parse_bytes", r#"["1.1KiB"]"#, Ok("1126")),
        ("time.format", "[1670006453141828752]", Ok(r#""2022-12-02T18:40:53.141828752Z""#)),
        ("net.cidr_expand", r#"["192.168.1.1/33"]"#, Err("net.cidr_expand: invalid CIDR address: 192.168.1.1/33")),
        ("numbers.range", "[3, 1]", Ok("[3, 2, 1]")),
        ("crypto.sha256", r#"[""]"#, Ok(r#""e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855""#)),
        ("json.verify_schema", r#"[{"type": "boolean"}]"#, Ok("[true, null]")),
    ] {
        check(name, args, want);
    }
}

#[test]
fn what_a_call_builds_is_bounded() {
    for (name, args) in [
        ("numbers.range", "[1, 1000000000000]"),
        ("net.cidr_expand", r#"["::/1"]"#),
        ("bits.lsh", "[1, 1000000000000000]"),
    ] {
        let args = Value::from_json_str(args).unwrap();
        assert!(call(name, args.as_array().unwrap().as_slice()).unwrap_err().halt, "{name}");
    }
    let long = Value::from("x".repeat(100_000));
    assert!(call("replace", &[long.clone(), Value::from("x"), long]).unwrap_err().halt);
}

#[test]
fn without_a_host_a_registered_function_ends_the_evaluation() {
    static REGISTERED: HostFunction = HostFunction::new("test.call", &[Type::String], ANY);
    let mut caches = Caches::default();
    let mut scope = Scope { now_ns: 0, seed: 7, caches: &mut caches, host: &NoHost, copied: 0 };
    let error = REGISTERED.builtin().run(&mut scope, &[Value::from("x")]).unwrap_err();
    assert!(error.halt && error.message.contains("needs a registry"));
}

#[test]
fn the_same_random_call_gives_the_same_result_within_a_query() {
    let args = [Value::from("key")];
    assert_eq!(call("uuid.rfc4122", &args), call("uuid.rfc4122", &args));
    assert_ne!(call("uuid.rfc4122", &args), call("uuid.rfc4122", &[Value::from("other")]));
}

#[test]
fn no_name_stands_twice() {
    let names: BTreeSet<_> = all().map(|builtin| builtin.name).collect();
    assert_eq!(names.len(), all().count());
    assert!(names.iter().all(|name| unsupported(name).is_none()));
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[-+0-9.eE:/a-zA-Z %\\[\\]{}()*?|^$\\\\]{0,12}",
        Just("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
        Just("eyJhbGciOiJIUzI1NiJ9.e30.AAAA".to_owned()),
        Just(r#"{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQ"}]}"#.to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-20_i64..20).prop_map(Value::from),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_set(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(prop_oneof!["[a-z]{1,8}".prop_map(Value::from), inner.clone()], inner, 0..4)
                .prop_map(|map: BTreeMap<Value, Value>| Value::from(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_argument_makes_a_function_panic(values in prop::collection::vec(any_value(), 4)) {
        for builtin in all() {
            let args = values.get(..builtin.args.len()).unwrap();
            let _outcome = call(builtin.name, args);
        }
    }
}
