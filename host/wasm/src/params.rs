//! [`Schema`]: the parameters of a plugin, and the conversion of strings of a command line to values of them.
//!
//! A manifest describes its parameters in JSON Schema 2020-12. This host supports the part of it that a command line can
//! express: an object whose properties are strings, lists of strings, booleans and numbers. A schema that uses more is
//! refused when the plugin is loaded, as an unchecked constraint is worse than none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    limits, text,
    values::{Param, ParamValue},
};

/// The given parameters do not match the plugin. One sentence with the parameter and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// The plugin has no parameter of that name.
    #[error("plugin `{plugin}` has no parameter `{name}`; {known}")]
    Unknown {
        /// The plugin's name.
        plugin: String,
        /// The parameter as given.
        name: String,
        /// The parameters it has, as the end of a sentence.
        known: String,
    },
    /// A parameter without a default was not given.
    #[error("plugin `{plugin}` requires the parameter `{name}`")]
    Missing {
        /// The plugin's name.
        plugin: String,
        /// The parameter.
        name: String,
    },
    /// A parameter with one value was given several times.
    #[error("the parameter `{name}` of plugin `{plugin}` is given twice, but has one value")]
    Twice {
        /// The plugin's name.
        plugin: String,
        /// The parameter.
        name: String,
    },
    /// The value is of another type or not among those allowed.
    #[error("the parameter `{name}` of plugin `{plugin}` is `{value}`, not {expected}")]
    Value {
        /// The plugin's name.
        plugin: String,
        /// The parameter.
        name: String,
        /// The value as given.
        value: String,
        /// What is expected.
        expected: String,
    },
}

/// The parameters of a plugin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Schema {
    properties: BTreeMap<String, Property>,
    required: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Property {
    kind: Kind,
    /// The allowed strings; empty if all are.
    choices: Vec<String>,
    default: Option<ParamValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    String,
    Strings,
    Boolean,
    Integer,
    Number,
}

/// Keywords that constrain nothing.
const ANNOTATIONS: [&str; 8] =
    ["$schema", "$id", "$comment", "title", "description", "examples", "deprecated", "default"];

/// JavaScript guests hold numbers as floats, which are exact up to here.
const INTEGER_MAX: u64 = 1 << 53;

impl Schema {
    /// Reads a manifest's schema. The error is the end of a sentence that begins with the plugin.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        if json.len() > limits::SCHEMA_BYTES {
            let max = limits::SCHEMA_BYTES;
            return Err(format!("has a parameter schema of {} bytes, more than the {max} allowed", json.len()));
        }
        let broken = |why: String| format!("has an unsupported parameter schema: {why}");
        let schema: Value = serde_json::from_str(json).map_err(|error| broken(error.to_string()))?;
        Self::read(&schema).map_err(broken)
    }

    fn read(schema: &Value) -> Result<Self, String> {
        let schema = schema.as_object().ok_or("it is not an object")?;
        only(schema, &["type", "properties", "required", "additionalProperties"])?;
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err("its `type` is not `object`".to_owned());
        }
        if !matches!(schema.get("additionalProperties"), None | Some(Value::Bool(false))) {
            return Err("its `additionalProperties` is not false".to_owned());
        }
        let mut properties = BTreeMap::new();
        if let Some(listed) = schema.get("properties") {
            for (name, property) in listed.as_object().ok_or("its `properties` are not an object")? {
                let property =
                    Property::read(property).map_err(|why| format!("`{}` {why}", text::one_line(name, 100)))?;
                properties.insert(name.clone(), property);
            }
        }
        let required = match schema.get("required") {
            Some(required) => strings(required).ok_or("its `required` is not a list of strings")?.into_iter().collect(),
            None => BTreeSet::new(),
        };
        if let Some(name) = required.iter().find(|name| !properties.contains_key(*name)) {
            return Err(format!("it requires `{}`, which it does not describe", text::one_line(name, 100)));
        }
        Ok(Self { properties, required })
    }

    /// The values of all parameters in the order of their names: those given, else the defaults.
    pub(crate) fn fill(&self, plugin: &str, given: &[(String, String)]) -> Result<Vec<Param>, ParamError> {
        let mut values: BTreeMap<&str, ParamValue> = BTreeMap::new();
        for (name, text) in given {
            let Some((name, property)) = self.properties.get_key_value(name) else {
                return Err(ParamError::Unknown {
                    plugin: plugin.to_owned(),
                    name: text::one_line(name, 100),
                    known: self.known(),
                });
            };
            let value = property.value(text).ok_or_else(|| ParamError::Value {
                plugin: plugin.to_owned(),
                name: name.clone(),
                value: text::one_line(text, 100),
                expected: property.expected(),
            })?;
            match (values.get_mut(name.as_str()), value) {
                (Some(ParamValue::Items(items)), ParamValue::Items(more)) => items.extend(more),
                (Some(_), _) => {
                    return Err(ParamError::Twice { plugin: plugin.to_owned(), name: name.clone() });
                }
                (None, value) => {
                    values.insert(name, value);
                }
            }
        }
        let mut params = Vec::new();
        for (name, property) in &self.properties {
            match values.remove(name.as_str()).or_else(|| property.default.clone()) {
                Some(value) => params.push(Param { name: name.clone(), value }),
                None if self.required.contains(name) => {
                    return Err(ParamError::Missing { plugin: plugin.to_owned(), name: name.clone() });
                }
                None => {}
            }
        }
        Ok(params)
    }

    fn known(&self) -> String {
        let names: Vec<_> = self.properties.keys().map(|name| format!("`{name}`")).collect();
        if names.is_empty() { "it takes none".to_owned() } else { format!("it takes {}", names.join(", ")) }
    }
}

impl Property {
    fn read(property: &Value) -> Result<Self, String> {
        let property = property.as_object().ok_or("is not described by an object")?;
        only(property, &["type", "enum", "items"]).map_err(|why| format!("has a description of which {why}"))?;
        let kind = match property.get("type").and_then(Value::as_str) {
            Some("string") => Kind::String,
            Some("array") => Kind::Strings,
            Some("boolean") => Kind::Boolean,
            Some("integer") => Kind::Integer,
            Some("number") => Kind::Number,
            _ => return Err("is not of type string, array, boolean, integer or number".to_owned()),
        };
        let items = property.get("items");
        let items_are_strings = items.and_then(|items| items.get("type")).and_then(Value::as_str) == Some("string");
        match (kind, items.and_then(Value::as_object)) {
            (Kind::Strings, Some(items)) if items_are_strings => {
                only(items, &["type"]).map_err(|why| format!("has items of which {why}"))?;
            }
            (Kind::Strings, _) => return Err("is a list of items that are not strings".to_owned()),
            (_, None) if items.is_none() => {}
            (_, _) => return Err("has items but is not a list".to_owned()),
        }
        let choices = match property.get("enum") {
            None => Vec::new(),
            Some(choices) if kind == Kind::String => {
                strings(choices).ok_or("has an `enum` of values that are not strings")?
            }
            Some(_) => return Err("has an `enum` but is not a string".to_owned()),
        };
        let mut read = Self { kind, choices, default: None };
        if let Some(default) = property.get("default") {
            read.default = Some(read.default_value(default).ok_or("has a default of another type")?);
        }
        Ok(read)
    }

    /// The value of a default.
    fn default_value(&self, default: &Value) -> Option<ParamValue> {
        match (self.kind, default) {
            (Kind::String, Value::String(text)) => self.value(text),
            (Kind::Strings, list) => strings(list).map(ParamValue::Items),
            (Kind::Boolean, Value::Bool(_)) | (Kind::Integer | Kind::Number, Value::Number(_)) => {
                self.value(&default.to_string())
            }
            _ => None,
        }
    }

    /// The value of this parameter in a command line. Commas separate the items of a list, unless it is written as JSON.
    fn value(&self, text: &str) -> Option<ParamValue> {
        match self.kind {
            Kind::String => {
                let fits = self.choices.is_empty() || self.choices.iter().any(|choice| choice == text);
                fits.then(|| ParamValue::Text(text.to_owned()))
            }
            Kind::Strings => {
                if text.starts_with('[')
                    && let Ok(items) = serde_json::from_str(text)
                {
                    return Some(ParamValue::Items(items));
                }
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(ParamValue::Items(items.map(str::to_owned).collect()))
            }
            Kind::Boolean => matches!(text, "true" | "false").then(|| ParamValue::Json(text.to_owned())),
            Kind::Integer => {
                let number = text.parse::<i64>().ok().filter(|number| number.unsigned_abs() < INTEGER_MAX)?;
                Some(ParamValue::Json(number.to_string()))
            }
            Kind::Number => {
                let number: serde_json::Number = serde_json::from_str(text).ok()?;
                number.as_f64().is_some_and(f64::is_finite).then(|| ParamValue::Json(number.to_string()))
            }
        }
    }

    fn expected(&self) -> String {
        match self.kind {
            Kind::String => format!("one of `{}`", self.choices.join("`, `")),
            Kind::Strings => "a list".to_owned(),
            Kind::Boolean => "`true` or `false`".to_owned(),
            Kind::Integer => "a whole number".to_owned(),
            Kind::Number => "a number".to_owned(),
        }
    }
}

/// Refuses constraints that are not supported.
fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    let strange = |key: &&String| !known.contains(&key.as_str()) && !ANNOTATIONS.contains(&key.as_str());
    match object.keys().find(strange) {
        Some(key) => Err(format!("the keyword `{}` is not supported", text::one_line(key, 100))),
        None => Ok(()),
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
        "properties": {
            "allow": {"type": "array", "items": {"type": "string"}, "default": ["MIT"]},
            "deny": {"type": "array", "items": {"type": "string", "description": "An identifier."}},
            "mode": {"type": "string", "enum": ["fast", "full"], "default": "fast"},
            "strict": {"type": "boolean", "default": true},
            "level": {"type": "integer"},
            "share": {"type": "number", "default": 0.50}
        },
        "required": ["level"]
    }"#;

    fn fill(given: &[(&str, &str)]) -> Result<Vec<Param>, ParamError> {
        let given: Vec<_> = given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Schema::parse(SCHEMA).unwrap().fill("gate", &given)
    }

    #[test]
    fn strings_become_values_and_defaults_are_added() {
        let shown = |given| {
            let line = |param: Param| match param.value {
                ParamValue::Text(text) => format!("{} text {text}", param.name),
                ParamValue::Items(items) => format!("{} items {}", param.name, items.join("|")),
                ParamValue::Json(json) => format!("{} json {json}", param.name),
            };
            fill(given).unwrap().into_iter().map(line).collect::<Vec<_>>()
        };
        let defaults = ["allow items MIT", "level json 7", "mode text fast", "share json 0.50", "strict json true"];
        assert_eq!(shown(&[("level", "7")]), defaults);
        let given = &[
            ("level", "-7"),
            ("deny", "A, B,,"),
            ("deny", "C"),
            ("mode", "full"),
            ("strict", "false"),
            ("allow", ""),
            ("share", "2.50"),
        ];
        assert_eq!(
            shown(given),
            [
                "allow items ",
                "deny items A|B|C",
                "level json -7",
                "mode text full",
                "share json 2.50",
                "strict json false"
            ]
        );
    }

    #[test]
    fn a_value_that_does_not_match_is_an_error_with_what_is_expected() {
        for (given, says) in [
            (
                &[("alow", "MIT")][..],
                "no parameter `alow`; it takes `allow`, `deny`, `level`, `mode`, `share`, `strict`",
            ),
            (&[], "requires the parameter `level`"),
            (&[("level", "1"), ("level", "2")], "`level` of plugin `gate` is given twice"),
            (&[("level", "1.5")], "is `1.5`, not a whole number"),
            (&[("level", "9007199254740992")], "not a whole number"),
            (&[("share", "high")], "not a number"),
            (&[("share", "1e999")], "not a number"),
            (&[("mode", "slow")], "not one of `fast`, `full`"),
            (&[("strict", "yes")], "not `true` or `false`"),
        ] {
            let error = fill(given).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let error = Schema::parse(r#"{"type": "object"}"#).unwrap().fill("gate", &[("a".to_owned(), String::new())]);
        assert!(error.unwrap_err().to_string().ends_with("it takes none"));
    }

    #[test]
    fn schemas_beyond_a_command_line_are_refused() {
        let property = |json: &str| format!(r#"{{"type": "object", "properties": {{"p": {json}}}}}"#);
        for (schema, says) in [
            ("{".to_owned(), "EOF"),
            ("3".to_owned(), "not an object"),
            ("{}".to_owned(), "not `object`"),
            (r#"{"type": "object", "additionalProperties": true}"#.to_owned(), "`additionalProperties`"),
            (r#"{"type": "object", "oneOf": []}"#.to_owned(), "`oneOf`"),
            (r#"{"type": "object", "required": ["p"]}"#.to_owned(), "requires `p`"),
            (r#"{"type": "object", "required": "p"}"#.to_owned(), "`required`"),
            (property(r#"{"type": "object"}"#), "`p` is not of type"),
            (property(r#"{"type": ["string", "null"]}"#), "`p` is not of type"),
            (property(r#"{"type": "string", "pattern": "a+"}"#), "`pattern` is not supported"),
            (property(r#"{"type": "string", "items": {}}"#), "items but is not a list"),
            (property(r#"{"type": "array"}"#), "items that are not strings"),
            (
                property(r#"{"type": "array", "items": {"type": "string", "minLength": 1}}"#),
                "`minLength` is not supported",
            ),
            (property(r#"{"type": "integer", "enum": [1]}"#), "`enum` but is not a string"),
            (property(r#"{"type": "integer", "default": "1"}"#), "default of another type"),
            (property(r#"{"type": "string", "enum": ["a"], "default": "b"}"#), "default of another type"),
            (property(&format!(r#"{{"description": "{}"}}"#, "x".repeat(limits::SCHEMA_BYTES))), "more than the 65536"),
        ] {
            let error = Schema::parse(&schema).unwrap_err();
            assert!(error.contains("parameter schema") && error.contains(says), "{error}");
        }
    }
}
