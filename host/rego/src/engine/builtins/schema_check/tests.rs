//! Tests of checking documents.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::engine::builtins::schema_refs::Schema;

fn messages(schema: serde_json::Value, document: &Value) -> Vec<String> {
    let rules = Rules::read(&Schema::read(schema)).unwrap();
    let problems = Check::new(&rules).run(document).unwrap();
    problems.into_iter().map(|problem| format!("{}: {}", problem.field, problem.text)).collect()
}

fn value(text: &str) -> Value {
    Value::from_json_str(text).unwrap()
}

#[test]
fn numbers_are_equal_by_their_value_and_reported_by_it() {
    let schema = json!({"items": {"enum": [1, [{"a": 100}], {"b": "<"}]}});
    assert_eq!(messages(schema.clone(), &value(r#"[1.0, [{"a": 1e2}], {"b": "<"}]"#)), [""; 0]);
    let wrong = messages(schema, &value(r#"[[{"a": 1}], "1"]"#));
    let all = r#"1, [{"a":100}], {"b":"\u003c"}"#;
    assert_eq!(wrong, [0, 1].map(|at| format!("{at}: {at} must be one of the following: {all}")));
    let limit: serde_json::Value = r#"{"maximum": 1.50, "multipleOf": 0.5}"#.parse().unwrap();
    assert_eq!(messages(limit.clone(), &value("1.5")), [""; 0]);
    assert_eq!(messages(limit, &value("2")), ["(Root): Must be less than or equal to 1.5"]);
}

#[test]
fn what_json_has_no_form_for_is_taken_in_the_form_it_gets_there() {
    let set = Value::from(std::collections::BTreeSet::from([Value::from("b"), Value::from("a")]));
    let odd = Value::from(BTreeMap::from([(Value::from(1), set.clone()), (Value::from("k"), Value::from(vec![set]))]));
    let schema = json!({"properties": {
        "1": {"type": "array", "items": {"const": "a"}},
        "k": {"const": [["a", "b"]]},
    }, "required": ["1", "2"], "propertyNames": {"maxLength": 0}});
    assert_eq!(
        messages(schema, &odd),
        [
            "(Root): 2 is required",
            "(Root): Property name of \"1\" does not match",
            "(Root): String length must be less than or equal to 0",
            "(Root): Property name of \"k\" does not match",
            "(Root): String length must be less than or equal to 0",
            "1.1: 1.1 does not match: \"a\"",
        ]
    );
}

#[test]
fn problems_come_in_the_order_of_opa() {
    let schema = json!({
        "const": 1, "maxProperties": 0, "additionalProperties": false, "required": ["z"],
        "properties": {"a": {"type": "null"}, "b": {"items": [{}, false], "minItems": 4, "enum": [0]},
            "d": {"items": false}},
    });
    let want = [
        "(Root): Must have at most 0 properties",
        "(Root): z is required",
        "(Root): Additional property c is not allowed",
        "(Root): (Root) does not match: 1",
        "a: Invalid type. Expected: null, given: integer",
        "b.1: False always fails validation",
        "b: Array must have at least 4 items",
        "b: b must be one of the following: 0",
        "d.0: False always fails validation",
    ];
    assert_eq!(messages(schema, &value(r#"{"a": 1, "b": [1, 2], "c": 3, "d": [1]}"#)), want);
    // Keys that are there count for the alternative that needs them.
    let schema = json!({"anyOf": [{"required": ["x"]}, {"required": ["a", "b", "y"]}]});
    let want = ["(Root): Must validate at least one schema (anyOf)", "(Root): y is required"];
    assert_eq!(messages(schema, &value(r#"{"a": 1, "b": 2}"#)), want);
}

#[test]
fn a_schema_that_only_refers_to_itself_ends() {
    let rules = Rules::read(&Schema::read(json!({"$ref": "#"}))).unwrap();
    assert!(Check::new(&rules).run(&Value::Null).unwrap_err().halt);
}

#[test]
fn alternatives_within_alternatives_take_steps_in_proportion_to_their_depth() {
    let nested = (0..60).fold(json!({"type": "null"}), |inner, _| json!({"anyOf": [{"type": "array"}, inner]}));
    let wrong = messages(nested, &value("1"));
    assert_eq!(wrong.len(), 61, "{wrong:?}");
    assert_eq!(wrong.first().unwrap(), "(Root): Must validate at least one schema (anyOf)");
}
