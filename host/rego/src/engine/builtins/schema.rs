//! `json.match_schema` and `json.verify_schema`: JSON Schema (draft 4 to 7) with the error messages policies expect.
//!
//! A schema is checked as a whole first ([`compile`]), then read ([`Rules`]), and documents are checked against that.
//! References stay within the schema ([`Schema`]): nothing is fetched.

use std::sync::Arc;

use regorus::Value;
use serde_json::{Map, Value as Json};

use super::decimal::Num;
use super::errors::BuiltinError;
use super::json_text::{self, to_json};
use super::operands::{list, record, some};
use super::schema_check::Check;
use super::schema_refs::Schema;
use super::schema_rules::Rules;
use super::scope::Scope;
use super::types::{OBJECT, Type, array_of, tuple};
use super::{Builtin, Outcome, builtin, limits, regex_syntax};

const DOCUMENT: Type = Type::Any(&[Type::String, OBJECT]);
const PROBLEM: Type = Type::Object {
    fixed: &[("desc", Type::String), ("error", Type::String), ("field", Type::String), ("type", Type::String)],
    rest: None,
};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("json.match_schema"(document: DOCUMENT, schema: DOCUMENT) -> tuple(&[Type::Boolean, array_of(&PROBLEM)]) => scoped match_schema),
    builtin!("json.verify_schema"(schema: DOCUMENT) -> tuple(&[Type::Boolean, Type::Any(&[Type::Null, Type::String])]) => scoped verify_schema),
];

fn json(value: &Value) -> Result<Json, BuiltinError> {
    let text = match value {
        Value::String(text) => text.to_string(),
        Value::Object(_) | Value::Array(_) => return to_json(value),
        _ => return Err(wrong_type()),
    };
    serde_json::from_str(&text).map_err(|_error| BuiltinError::failed("invalid JSON string"))
}

fn wrong_type() -> BuiltinError {
    BuiltinError::failed("wrong type, expected string or object")
}

fn compiled(scope: &mut Scope<'_>, value: &Value) -> Result<Arc<Rules>, BuiltinError> {
    if let Some(rules) = scope.caches.schemas.get_equal(value) {
        return Ok(rules);
    }
    let schema = Schema::read(json(value)?);
    compile(schema.root(), &schema, 0).map_err(BuiltinError::failed)?;
    Ok(scope.caches.schemas.keep(value, Arc::new(Rules::read(&schema)?)))
}

fn match_schema(scope: &mut Scope<'_>, document: &Value, schema: &Value) -> Outcome {
    let parsed = match document {
        Value::String(text) => {
            Some(json_text::read(text).map_err(|_error| BuiltinError::failed("invalid JSON string"))?)
        }
        Value::Object(_) | Value::Array(_) => None,
        _ => return Err(wrong_type()),
    };
    let rules = compiled(scope, schema)?;
    let problems = Check::new(&rules).run(parsed.as_ref().unwrap_or(document))?;
    let shown = problems.iter().map(|problem| {
        record([
            ("error", format!("{}: {}", problem.field, problem.text).into()),
            ("type", problem.kind.into()),
            ("field", problem.field.clone().into()),
            ("desc", problem.text.clone().into()),
        ])
    });
    some(list([Value::from(problems.is_empty()), list(shown)]))
}

fn verify_schema(scope: &mut Scope<'_>, schema: &Value) -> Outcome {
    match compiled(scope, schema) {
        Ok(_) => some(list([Value::from(true), Value::Null])),
        Err(error) if error.halt => Err(error),
        Err(error) => some(list([Value::from(false), Value::from(format!("jsonschema: {}", error.message))])),
    }
}

/// The names of the types, in the order of the error text.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "number", "null", "object", "string"];

type Checked = Result<(), String>;

/// Checks one schema and all below it.
fn compile(schema: &Json, whole: &Schema, depth: usize) -> Checked {
    if depth > limits::NESTING {
        return Err("schema is nested too deeply".to_owned());
    }
    let fields = match schema {
        Json::Bool(_) => return Ok(()),
        Json::Object(fields) => fields,
        _ => return Err("schema is invalid".to_owned()),
    };
    let inner = |schema: &Json| compile(schema, whole, depth + 1);
    if let Some(reference) = fields.get("$ref") {
        let reference = reference.as_str().ok_or("Invalid type. Expected: string, given: $ref")?;
        whole.find(reference)?;
    }
    for name in ["title", "description", "format"] {
        if fields.get(name).is_some_and(|value| !value.is_string()) {
            return Err(format!("Invalid type. Expected: string, given: {name}"));
        }
    }
    types(fields)?;
    bounds(fields, whole)?;
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("definitions" | "$defs", Json::Object(all)) => all.values().try_for_each(inner)?,
            ("definitions", _) => return Err("Invalid type. Expected: Array Of Schemas, given: definitions".into()),
            ("properties", Json::Object(all)) => all.values().try_for_each(inner)?,
            ("properties", _) => return Err("Properties must be of type object".into()),
            ("patternProperties", Json::Object(all)) => {
                for (pattern, schema) in all {
                    regex_syntax::compile(pattern).map_err(|_error| format!("Invalid regex pattern '{pattern}'"))?;
                    inner(schema)?;
                }
            }
            ("patternProperties", _) => return Err("patternProperties must be of type object".into()),
            ("additionalProperties" | "additionalItems", Json::Bool(_)) => {}
            ("additionalProperties" | "additionalItems", Json::Object(_)) => inner(value)?,
            ("additionalProperties" | "additionalItems", _) => {
                return Err(format!("Invalid type. Expected: boolean/Valid Schema, given: {name}"));
            }
            ("items", Json::Array(all)) => all.iter().try_for_each(inner)?,
            ("items", Json::Bool(_)) => {}
            ("items", Json::Object(_)) => inner(value)?,
            ("items", _) => {
                return Err("Invalid type. Expected: Valid Schema/Array Of Schemas, given: items".into());
            }
            ("allOf" | "anyOf" | "oneOf", Json::Array(all)) => all.iter().try_for_each(inner)?,
            ("allOf" | "anyOf" | "oneOf", _) => return Err(format!("{name} must be of an array")),
            ("not" | "if" | "then" | "else", Json::Bool(_) | Json::Object(_)) => inner(value)?,
            ("not" | "if" | "then" | "else", _) => return Err(format!("{name} must be of an object")),
            ("contains" | "propertyNames", _) => inner(value)?,
            ("dependencies", Json::Object(all)) => {
                all.values().filter(|value| !value.is_array()).try_for_each(inner)?;
            }
            ("dependencies", _) => return Err("dependencies must be of type object".into()),
            ("required", Json::Array(names)) => {
                if names.iter().any(|name| !name.is_string()) {
                    return Err("Invalid type. Expected: string, given: required".into());
                }
                if names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name)) {
                    return Err("required items must be unique".into());
                }
            }
            ("required", Json::Bool(_)) if depth > 0 => {}
            ("required" | "enum", other) if !other.is_array() => return Err(format!("{name} must be of an array")),
            ("uniqueItems", other) if !other.is_boolean() => return Err("uniqueItems must be of a boolean".into()),
            _ => number(name, value)?,
        }
    }
    Ok(())
}

fn types(fields: &Map<String, Json>) -> Checked {
    let names = match fields.get("type") {
        None => return Ok(()),
        Some(Json::String(name)) => vec![name.as_str()],
        Some(Json::Array(names)) => names.iter().map(|name| name.as_str().unwrap_or_default()).collect(),
        Some(_) => return Err("Invalid type. Expected: type, given: string/Array Of Strings".into()),
    };
    match names.iter().find(|name| !TYPES.contains(*name)) {
        Some(name) => Err(format!(
            "has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{}]",
            TYPES.join(" ")
        )),
        None => Ok(()),
    }
}

/// Bounds that do not fit together.
fn bounds(fields: &Map<String, Json>, whole: &Schema) -> Checked {
    for (name, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match fields.get(name) {
            Some(Json::Bool(_)) if !whole.has_flags() => {
                return Err(format!("Invalid type. Expected: number, given: {name}"));
            }
            Some(Json::Bool(_)) if !fields.contains_key(bound) => {
                return Err(format!("{name} cannot be used without {bound}"));
            }
            Some(Json::Number(_)) if !whole.has(6) => {
                return Err(format!("Invalid type. Expected: boolean, given: {name}"));
            }
            _ => {}
        }
    }
    for (least, most) in [("minLength", "maxLength"), ("minProperties", "maxProperties")] {
        let of = |name: &str| fields.get(name).and_then(parsed);
        if of(least).zip(of(most)).is_some_and(|(least, most)| least.floor() > most.floor()) {
            return Err(format!("{least} cannot be greater than {most}"));
        }
    }
    Ok(())
}

fn parsed(value: &Json) -> Option<Num> {
    match value {
        Json::Number(number) => Num::parse(&number.to_string()),
        _ => None,
    }
}

fn number(name: &str, value: &Json) -> Checked {
    let parsed = || parsed(value);
    match name {
        "minimum" | "maximum" | "multipleOf" => {
            let number = parsed().ok_or_else(|| format!("{name} must be of a Number"))?;
            if name == "multipleOf" && (number.is_zero() || number.floor() < 0.into()) {
                return Err("multipleOf must be strictly greater than 0".into());
            }
        }
        "exclusiveMinimum" | "exclusiveMaximum" if !value.is_boolean() => {
            parsed().ok_or_else(|| format!("Invalid type. Expected: boolean/number, given: {name}"))?;
        }
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            let number = parsed().filter(|number| number.as_whole().is_some());
            let number = number.ok_or_else(|| format!("{name} must be of an integer"))?;
            if number.floor() < 0.into() {
                return Err(format!("{name} must be greater than or equal to 0"));
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_that_do_not_fit_together_make_no_schema() {
        let reported = |mut schema: Json, draft: u8| {
            if draft > 0 {
                schema["$schema"] = json!(format!("http://json-schema.org/draft-0{draft}/schema#"));
            }
            let schema = Schema::read(schema);
            compile(schema.root(), &schema, 0).err()
        };
        let flag = || json!({"minimum": 1, "exclusiveMinimum": true});
        assert_eq!([0, 4].map(|draft| reported(flag(), draft)), [None, None]);
        let bound = || json!({"exclusiveMaximum": 1});
        assert_eq!([0, 6, 7].map(|draft| reported(bound(), draft)), [None, None, None]);
        for (schema, draft, want) in [
            (flag(), 7, "Invalid type. Expected: number, given: exclusiveMinimum"),
            (bound(), 4, "Invalid type. Expected: boolean, given: exclusiveMaximum"),
            (json!({"exclusiveMaximum": false}), 0, "exclusiveMaximum cannot be used without maximum"),
            (json!({"minLength": 2, "maxLength": 1}), 0, "minLength cannot be greater than maxLength"),
            (json!({"minProperties": 3, "maxProperties": 2}), 7, "minProperties cannot be greater than maxProperties"),
        ] {
            assert_eq!(reported(schema, draft).as_deref(), Some(want));
        }
        assert_eq!(reported(json!({"minItems": 2, "maxItems": 1, "minimum": 2, "maximum": 1}), 0), None);
    }
}
