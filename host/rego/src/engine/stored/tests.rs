//! What is written is read again as it was, and no bytes do harm.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use regorus::Value;

use super::{Reader, Stored, Writer};
use crate::{
    compile_options::CompileOptions,
    engine::{
        Compiled, CompiledRules, EvalLimits, EvalOptions, Files, Type,
        builtins::{Host, HostError, HostFunction, is_float},
        compiled::RuleValues,
        limits::STORED_NESTING,
    },
    sources::PolicyFile,
};

fn bytes_of(value: &impl Stored) -> Vec<u8> {
    let mut to = Writer::default();
    value.write(&mut to);
    to.into_bytes()
}

fn read<T: Stored>(bytes: &[u8]) -> Option<T> {
    let mut from = Reader::of_files(bytes, &FUNCTIONS, &[]);
    T::read(&mut from).filter(|_| from.is_done())
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i128>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no other", |number| number.is_finite()).prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        Just(Value::from("again")),
        Just(Value::Undefined),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_set(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(inner.clone(), inner, 0..5).prop_map(Value::from),
        ]
    })
}

/// The same, and every number is kept in the same way.
fn is_same(one: &Value, other: &Value) -> bool {
    let all = |one: Vec<&Value>, other: Vec<&Value>| {
        one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| is_same(one, other))
    };
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            std::mem::discriminant(a) == std::mem::discriminant(b)
                && if is_float(one) {
                    a.as_f64().map(f64::to_bits) == b.as_f64().map(f64::to_bits)
                } else {
                    one == other
                }
        }
        (Value::Array(one), Value::Array(other)) => all(one.iter().collect(), other.iter().collect()),
        (Value::Set(one), Value::Set(other)) => all(one.iter_sorted().collect(), other.iter_sorted().collect()),
        (Value::Object(one), Value::Object(other)) => {
            all(one.keys_sorted().collect(), other.keys_sorted().collect())
                && all(one.values().collect(), other.values().collect())
        }
        _ => one == other,
    }
}

proptest! {
    #[test]
    fn a_value_is_read_as_it_was_written(value in values()) {
        let bytes = bytes_of(&value);
        let again: Value = read(&bytes).unwrap();
        prop_assert!(is_same(&value, &again), "{value:?} became {again:?}");
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _value: Option<Value> = read(&bytes);
        let _rules: Option<CompiledRules> = read(&bytes);
    }

    #[test]
    fn a_number_is_read_as_it_was_written(number in any::<u64>()) {
        let mut to = Writer::default();
        to.number(number);
        let bytes = to.into_bytes();
        prop_assert_eq!(Reader::new(&bytes).number(), Some(number));
    }
}

#[test]
fn a_number_of_more_than_64_bits_is_none() {
    let mut bytes = [0xff; 10];
    bytes[9] = 1;
    assert_eq!(Reader::new(&bytes).number(), Some(u64::MAX));
    bytes[9] = 2;
    assert_eq!(Reader::new(&bytes).number(), None);
    assert_eq!(Reader::new(&[0x80; 12]).number(), None);
}

#[test]
fn a_length_that_the_bytes_cannot_have_is_refused_before_memory_is_taken() {
    let mut to = Writer::default();
    to.number(1 << 40);
    let bytes = to.into_bytes();
    assert_eq!(Reader::new(&bytes).length(), None);
    let array = [&[8], bytes.as_slice()].concat();
    assert_eq!(read::<Value>(&array), None);
}

#[test]
fn a_value_beyond_the_levels_of_what_is_read_is_refused() {
    let nested = |levels: usize| [[8, 1].repeat(levels), vec![0]].concat();
    assert!(read::<Value>(&nested(STORED_NESTING)).is_some());
    assert_eq!(read::<Value>(&nested(STORED_NESTING + 1)), None);
}

#[test]
fn digits_are_those_of_a_number() {
    let mut to = Writer::default();
    to.byte(6);
    to.text("1e999999999");
    assert_eq!(read::<Value>(&to.into_bytes()), None);
    let long: Value = Value::from_json_str("-123456789012345678901234567890").unwrap();
    assert_eq!(read(&bytes_of(&long)), Some(long));
}

#[test]
fn a_text_is_there_once() {
    let text = "a text that is not short";
    let value = Value::from(vec![Value::from(text), Value::from(text)]);
    let bytes = bytes_of(&value);
    assert_eq!(bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count(), 1);
}

/// Policies with every kind of step and term.
const POLICIES: [&str; 3] = [
    r#"package a

import data.b.answer

default limit := 3

deny contains result if {
	some name, value in input.values
	not allowed(name)
	value.size > limit
	result := {"code": "a.b", "msg": sprintf("%s: %d of %v", [name, value.size, [y | some y in input.list; y.name == name]])}
}

deny contains {"msg": message} if {
	every key, item in input.list {
		item.name != data.names[_]
		key >= 0
	}
	some message in {m | m := concat("-", [w | w := input.words[_]])}
}

warn contains {"msg": $"template {answer} of {input.list[0].name}"} if {
	[first, {"x": second}] := [1, {"x": 2}]
	first + second == 3
	walk(input, [path, 7])
	count(path) > 1
	1 in {1, 2}
	0, "w" in input.words
}

allowed("x")

allowed(name) := true if {
	startswith(name, "ok")
} else := false if {
	name == "never"
}

replaced := [value | value := data.b.answer with input as {"base": 5} with data.more as [1]]

object_of[key] := value if some key, value in {"p": 1.5, "q": 123456789012345678901234567890}

kinds := {type_name(v) | some v in [null, true, "s", {1}, {"a": 1}, 1e3]}

served := test.serve("here")

at := time.now_ns()

printed if { print("x", answer) }
"#,
    r#"package b

answer := input.base + count(data.more)

pick(1) := "one"
pick(2) := "two"
pick(3) := "three"
pick(4) := "four"
pick(5) := "five"
pick(6) := "six"
pick(7) := "seven"
pick(8) := "eight"
pick(9) := "nine"

picked := [pick(n) | some n in [9, 3]]

part.of.a["rule"] := 1
part.of.a[name] := 2 if some name in ["x", "y"]

all[name] contains item if {
	some name, item in data.names
}
"#,
    "package c\n\nimport data.a as other\n\nmore := object.union(other.object_of, {\"r\": other.limit})\n",
];

static FUNCTIONS: [HostFunction; 1] = [HostFunction::pure("test.serve", &[Type::String], Type::String)];

const DATA: &str = r#"{"names": ["n1", "n2"], "more": [1, 2, 3]}"#;
const INPUT: &str = r#"{"values": {"ok1": {"size": 9}, "bad": {"size": 4}, "x": {"size": 5}},
    "list": [{"name": "bad", "size": 7}, {"name": "other"}], "words": ["w", "v"], "base": 1}"#;

fn compiled() -> Compiled {
    let file =
        |(at, text): (usize, &&str)| PolicyFile { name: format!("{at}.rego"), text: (*text).to_owned(), v0: None };
    let files = POLICIES.iter().enumerate().map(file).collect();
    let options = CompileOptions { functions: &FUNCTIONS, ..CompileOptions::default() };
    let data = Value::from_json_str(DATA).unwrap();
    let policy = Files::parse(files, options).and_then(|files| files.compile(data));
    policy.map_err(|errors| errors[0].to_string()).unwrap().compiled
}

struct Served;

impl Host for Served {
    fn call(&self, function: &str, args: &[Value]) -> Result<Option<Value>, HostError> {
        Ok(Some(Value::from(format!("{function} {args:?}"))))
    }
}

fn evaluated(compiled: &Compiled) -> RuleValues {
    let options = EvalOptions {
        input: Some(Value::from_json_str(INPUT).unwrap()),
        data: None,
        host: &Served,
        limits: EvalLimits::default(),
        strict_builtin_errors: false,
        now_ns: 7,
        seed: 0,
    };
    let packages: Vec<_> = ["a", "b", "c"].map(|name| vec![name.to_owned()]).into();
    compiled.evaluate(&packages, &options).map_err(|error| error.to_string()).unwrap()
}

#[test]
fn compiled_policies_that_were_read_evaluate_as_those_that_were_written() {
    let written = compiled();
    let bytes = bytes_of(written.program());
    let rules: CompiledRules = read(&bytes).unwrap();
    assert_eq!(bytes_of(&rules), bytes, "nothing is lost on the way");
    let again = Compiled::new(Vec::new(), rules, Value::from_json_str(DATA).unwrap());
    let values = evaluated(&written).values;
    assert_eq!(evaluated(&again).values, values);
    let text = format!("{values:?}");
    for part in ["a.b", "template 4 of bad", "nine", "test.serve", "set", "123456789012345678901234567890"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn compiled_policies_that_are_cut_short_or_changed_are_read_to_an_end() {
    let bytes = bytes_of(compiled().program());
    for end in 0..bytes.len() {
        assert!(read::<CompiledRules>(&bytes[..end]).is_none(), "{end}");
    }
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let _any = read::<CompiledRules>(&changed);
        }
    }
}

#[test]
fn a_function_that_the_host_does_not_have_is_refused() {
    let bytes = bytes_of(compiled().program());
    let mut from = Reader::new(&bytes);
    assert!(CompiledRules::read(&mut from).is_none());
}

#[test]
fn maps_and_pairs_are_read_as_they_were_written() {
    let map = BTreeMap::from([("a".to_owned(), (1_u32, true)), ("b".to_owned(), (2, false))]);
    assert_eq!(read(&bytes_of(&map)), Some(map));
    let names: BTreeSet<_> = ["x", "y"].into();
    let list: Vec<Option<String>> = names.iter().map(|name| Some((*name).to_owned())).chain([None]).collect();
    assert_eq!(read(&bytes_of(&list)), Some(list));
    assert_eq!(read::<bool>(&[2]), None);
    assert_eq!(read::<Option<bool>>(&[2, 0]), None);
}
