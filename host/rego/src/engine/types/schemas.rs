//! [`Schemas`]: the kinds that schemas give to `input` and data, in every rule or in those with annotations.

use std::collections::BTreeMap;

use regorus::Value;
use serde_json::Value as Json;

use super::kinds::Kind;
use crate::engine::annotations::Annotations;
use crate::engine::ast::Module;
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::span::{Source, Span};
use crate::schemas::SchemaSet;

/// Schemas within one another, and references that lead from one to the next: beyond that any value is right.
const LEVELS: usize = 24;

/// Schemas that one file may be made of, each counted as often as a reference leads to it.
const PARTS: usize = 20_000;

/// What is known of `input` and data.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub input: Kind,
    pub data: Kind,
}

/// What schemas say.
#[derive(Debug)]
pub(crate) struct Schemas {
    everywhere: Given,
    /// The rules of which annotations say more, by where they stand.
    rules: BTreeMap<Span, Given>,
}

impl Default for Schemas {
    fn default() -> Self {
        Self { everywhere: Given { input: Kind::Any, data: Kind::Any }, rules: BTreeMap::new() }
    }
}

impl Schemas {
    /// The schemas of the set and those of annotations. What is wrong with one is added to the errors.
    pub(crate) fn read(
        set: &SchemaSet,
        modules: &[Module],
        sources: &[Source],
        annotations: &Annotations,
        errors: &mut Vec<CompileError>,
    ) -> Self {
        let mut schemas = Self::default();
        let Some(first) = sources.first() else { return schemas };
        match set.input().map(kind_of).transpose() {
            Ok(kind) => schemas.everywhere.input = kind.unwrap_or(Kind::Any),
            Err(message) => errors.push(CompileError::at(first, Span::default(), CompileCode::Type, message)),
        }
        if !sources.iter().any(|source| source.text.contains("schemas:")) {
            return schemas;
        }
        for (file, (module, source)) in modules.iter().zip(sources).enumerate() {
            for (at, rule) in module.rules.iter().enumerate() {
                let mut given = schemas.everywhere.clone();
                let mut found = false;
                for annotation in annotations.schemas(file, at) {
                    match override_of(&annotation, set) {
                        Ok(Some((path, kind))) => found |= given.replace(&path, kind),
                        Ok(None) => {}
                        Err(message) => {
                            errors.push(CompileError::at(source, rule.span, CompileCode::Type, message));
                        }
                    }
                }
                if found {
                    schemas.rules.insert(rule.span, given);
                }
            }
        }
        schemas
    }

    /// What is known in the rule at a place.
    pub(super) fn of_rule(&self, span: Span) -> &Given {
        self.rules.get(&span).unwrap_or(&self.everywhere)
    }
}

impl Given {
    /// Gives what stands at a path its kind; false for a path that is neither of `input` nor of data.
    fn replace(&mut self, path: &[String], kind: Kind) -> bool {
        let (root, rest) = match path.split_first() {
            Some((root, rest)) if root == "input" => (&mut self.input, rest),
            Some((root, rest)) if root == "data" => (&mut self.data, rest),
            _ => return false,
        };
        *root = replaced(root, rest, kind);
        true
    }
}

/// A kind with another one at a path within it.
fn replaced(of: &Kind, path: &[String], kind: Kind) -> Kind {
    let Some((key, rest)) = path.split_first() else { return kind };
    let key = Value::from(key.as_str());
    let (mut fixed, others) = match of {
        Kind::Object(fixed, others) => ((**fixed).clone(), others.as_deref().cloned()),
        _ => (BTreeMap::new(), Some((Kind::Any, Kind::Any))),
    };
    let inner = replaced(fixed.get(&key).unwrap_or(&Kind::Any), rest, kind);
    fixed.insert(key, inner);
    Kind::object(fixed, others)
}

/// A path and what stands there, of an annotation; none if it names a schema and there are none.
fn override_of(annotation: &Value, set: &SchemaSet) -> Result<Option<(Vec<String>, Kind)>, String> {
    let Ok(annotation) = annotation.as_object() else { return Ok(None) };
    let words = |field: &str| {
        let words = annotation.get(&Value::from(field))?.as_array().ok()?;
        words.iter().map(|word| word.as_string().ok().map(|word| word.to_string())).collect::<Option<Vec<_>>>()
    };
    let Some(path) = words("path") else { return Ok(None) };
    if let Some(name) = words("schema") {
        if set.is_empty() {
            return Ok(None);
        }
        let parts: Vec<_> = name.iter().map(String::as_str).collect();
        let schema = set.get(&parts).ok_or_else(|| format!("undefined schema: {}", name.join(".")))?;
        return kind_of(schema).map(|kind| Some((path, kind)));
    }
    let Some(definition) = annotation.get(&Value::from("definition")) else { return Ok(None) };
    let schema = serde_json::to_value(definition).map_err(|error| error.to_string())?;
    kind_of(&schema).map(|kind| Some((path, kind)))
}

/// The kind of the values that a schema is about.
fn kind_of(schema: &Json) -> Result<Kind, String> {
    Reader { root: schema, parts: 0 }.kind(schema, 0)
}

struct Reader<'a> {
    root: &'a Json,
    parts: usize,
}

impl<'a> Reader<'a> {
    fn kind(&mut self, schema: &'a Json, level: usize) -> Result<Kind, String> {
        self.parts += 1;
        if level > LEVELS || self.parts > PARTS {
            return Ok(Kind::Any);
        }
        let Json::Object(fields) = schema else {
            return if schema.is_boolean() { Ok(Kind::Any) } else { Err("unable to compile the schema".to_owned()) };
        };
        if let Some(reference) = fields.get("$ref") {
            let target = reference.as_str().and_then(|reference| self.target(reference));
            let target = target.ok_or_else(|| format!("unable to compile the schema: the reference {reference}"))?;
            return self.kind(target, level + 1);
        }
        let listed = |name: &str| fields.get(name).and_then(Json::as_array).filter(|all| !all.is_empty());
        if let Some(alternatives) = listed("anyOf") {
            let mut found = None;
            let own = self.typed(schema, level)?;
            if matches!(&own, Kind::Object(fixed, None) if !fixed.is_empty()) {
                found = Some(own);
            }
            for alternative in alternatives {
                let kind = self.kind(alternative, level + 1)?;
                found = Kind::or(found, kind);
            }
            return Ok(found.unwrap_or(Kind::Any));
        }
        if let Some(parts) = listed("allOf") {
            let mut merged = self.kind(parts.first().unwrap_or(&Json::Null), level + 1)?;
            for part in parts.iter().skip(1) {
                let kind = self.kind(part, level + 1)?;
                merged = together(merged, kind)?;
            }
            return match self.typed(schema, level)? {
                Kind::Any => Ok(merged),
                own => together(merged, own),
            };
        }
        self.typed(schema, level)
    }

    /// What a pointer into the schema leads to.
    fn target(&self, reference: &str) -> Option<&'a Json> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    /// What `type`, `properties` and `items` say.
    fn typed(&mut self, schema: &'a Json, level: usize) -> Result<Kind, String> {
        let names: Vec<&str> = match schema.get("type") {
            Some(Json::String(name)) => vec![name],
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let has = |name: &str| names.contains(&name);
        let is_untyped = names.is_empty();
        let properties = schema.get("properties").and_then(Json::as_object).filter(|all| !all.is_empty());
        let items = schema.get("items");
        if has("boolean") {
            return Ok(Kind::Boolean);
        }
        if has("string") {
            return Ok(Kind::String);
        }
        if has("number") || has("integer") {
            return Ok(Kind::Number);
        }
        if has("object") || (is_untyped && properties.is_some()) {
            let Some(properties) = properties else { return Ok(Kind::object_of(Kind::Any, Kind::Any)) };
            let mut fixed = BTreeMap::new();
            for (name, schema) in properties {
                fixed.insert(Value::from(name.as_str()), self.kind(schema, level + 1)?);
            }
            return Ok(Kind::object(fixed, None));
        }
        if has("array") || (is_untyped && items.is_some()) {
            return match items {
                Some(Json::Array(items)) if !items.is_empty() => {
                    let items: Result<_, _> = items.iter().map(|item| self.kind(item, level + 1)).collect();
                    Ok(Kind::array(items?))
                }
                Some(item @ Json::Object(_)) => Ok(Kind::array_of(self.kind(item, level + 1)?)),
                _ => Ok(Kind::array_of(Kind::Any)),
            };
        }
        Ok(Kind::Any)
    }
}

/// What is of both kinds, as far as OPA looks: objects with the properties of both.
fn together(one: Kind, other: Kind) -> Result<Kind, String> {
    match (one, other) {
        (Kind::Object(one, more), Kind::Object(other, others)) => {
            let mut fixed = (*one).clone();
            fixed.extend(other.iter().map(|(key, kind)| (key.clone(), kind.clone())));
            let rest = if one.is_empty() { more } else { others.filter(|_| other.is_empty() && more.is_some()) };
            Ok(Kind::object(fixed, rest.as_deref().cloned().filter(|_| one.is_empty() && other.is_empty())))
        }
        (Kind::Any, Kind::Any) => Ok(Kind::Any),
        (one, other) if std::mem::discriminant(&one) == std::mem::discriminant(&other) => Ok(one),
        _ => Err("unable to merge these schemas: type mismatch".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_says_what_a_value_can_be() {
        let shown = |schema: Json| kind_of(&schema).map(|kind| kind.to_string());
        for (schema, want) in [
            (json!({"type": "string"}), "string"),
            (json!({"type": ["null", "integer"]}), "number"),
            (json!({}), "any"),
            (json!({"properties": {"a": {"type": "boolean"}}}), "object<a: boolean>"),
            (json!({"type": "array", "items": {"type": "string"}}), "array[string]"),
            (json!({"items": [{"type": "string"}, {}]}), "array<string, any>"),
            (json!({"$ref": "#/definitions/x", "definitions": {"x": {"type": "number"}}}), "number"),
            (json!({"anyOf": [{"type": "number"}, {"type": "string"}]}), "any<number, string>"),
            (
                json!({"allOf": [{"properties": {"a": {"type": "number"}}}, {"properties": {"b": {"type": "string"}}}]}),
                "object<a: number, b: string>",
            ),
        ] {
            assert_eq!(shown(schema.clone()).as_deref(), Ok(want), "{schema}");
        }
        assert!(shown(json!({"$ref": "http://example.test/s.json"})).is_err());
        assert!(shown(json!({"allOf": [{"type": "number"}, {"type": "string"}]})).is_err());
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"}}});
        assert!(kind_of(&schema).is_ok());
        assert!(kind_of(&json!({"$ref": "#"})).is_ok());
    }
}
