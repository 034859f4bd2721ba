//! [`Check`]: one document against one schema, with each problem's place, kind and text.

use serde_json::{Map, Value as Json};

use super::decimal::Num;
use super::errors::BuiltinError;
use super::json_text::{compact, from_json, quote};
use super::schema_refs::Schema;
use super::{layout, limits, regexes};

/// One thing that is wrong with a document.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// Where: keys and places joined by dots; `(Root)` for the document itself.
    pub field: String,
    /// The kind of problem, one word.
    pub kind: String,
    /// What is wrong.
    pub text: String,
}

/// A running check: its schema, and the steps it has taken.
pub(super) struct Check<'s> {
    schema: &'s Schema,
    steps: usize,
}

/// What is wrong, and how well the rest fits: the alternative with the most points is the one whose problems are told.
#[derive(Debug, Default)]
struct Problems {
    all: Vec<Problem>,
    points: i64,
}

impl Problems {
    /// A problem takes two points: less than one remains of its check.
    fn push(&mut self, problem: Problem) {
        self.all.push(problem);
        self.points -= 2;
    }

    /// A check has come to its end.
    const fn passed(&mut self) {
        self.points += 1;
    }

    fn join(&mut self, other: Self) {
        self.all.extend(other.all);
        self.points += other.points;
    }

    const fn none(&self) -> bool {
        self.all.is_empty()
    }

    /// The better of two; the first of equals.
    fn better(first: Option<Self>, other: Self) -> Self {
        match first {
            Some(first) if first.points >= other.points => first,
            _ => other,
        }
    }
}

fn problem(field: &str, kind: &str, text: impl Into<String>) -> Problem {
    Problem { field: field.to_owned(), kind: kind.to_owned(), text: text.into() }
}

fn child(field: &str, key: impl std::fmt::Display) -> String {
    if field == "(Root)" { key.to_string() } else { format!("{field}.{key}") }
}

/// The name of the value's type as a problem tells it.
fn given(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) if whole(value) => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

fn whole(value: &Json) -> bool {
    number(value).is_some_and(|number| number.as_whole().is_some())
}

fn number(value: &Json) -> Option<Num> {
    match value {
        Json::Number(number) => Num::parse(&number.to_string()),
        _ => None,
    }
}

/// The value on one line, fields in the order of their names, numbers by their value.
fn shown(value: &Json) -> String {
    let mut out = String::new();
    show(&mut out, value);
    out
}

fn show(out: &mut String, value: &Json) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Json::String(text) => quote(out, text),
        Json::Number(_) => {
            out.push_str(&from_json(value.clone()).and_then(|value| compact(&value)).unwrap_or_default());
        }
        Json::Array(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                show(out, element);
            }
            out.push(']');
        }
        Json::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (at, (name, value)) in fields.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quote(out, name);
                out.push(':');
                show(out, value);
            }
            out.push('}');
        }
    }
}

/// Numbers are equal by their value, not by how they are written.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(one), Json::Number(other)) => {
            one == other || matches!((from_json(a.clone()), from_json(b.clone())), (Ok(a), Ok(b)) if a == b)
        }
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

fn count(fields: &Map<String, Json>, name: &str) -> Option<usize> {
    number(fields.get(name)?)?.floor().try_into().ok()
}

impl<'s> Check<'s> {
    /// A check against this schema.
    pub(super) const fn new(schema: &'s Schema) -> Self {
        Self { schema, steps: 0 }
    }

    /// Everything that is wrong with the document.
    pub(super) fn run(&mut self, document: &Json) -> Result<Vec<Problem>, BuiltinError> {
        Ok(self.alone(self.schema.root(), document, "(Root)", 0)?.all)
    }

    fn schema(
        &mut self,
        schema: &Json,
        value: &Json,
        field: &str,
        found: &mut Problems,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        self.steps += 1;
        if self.steps > limits::SCHEMA_STEPS || depth > limits::NESTING {
            return Err(BuiltinError::limit("the schema takes too many steps, or refers to itself without end"));
        }
        let rules = match schema {
            Json::Bool(false) => {
                found.push(problem(field, "false", "False always fails validation"));
                return Ok(());
            }
            Json::Object(rules) => rules,
            _ => return Ok(()),
        };
        if let Some(Json::String(reference)) = rules.get("$ref") {
            let target = self.schema.find(reference).map_err(BuiltinError::failed)?;
            return self.schema(target, value, field, found, depth + 1);
        }
        if let Some(wrong) = wrong_type(rules, value, field) {
            found.push(wrong);
            return Ok(());
        }
        self.combined(rules, value, field, found, depth)?;
        found.passed();
        common(rules, value, field, found);
        found.passed();
        match value {
            Json::Object(object) => {
                self.object(rules, object, field, found, depth)?;
                found.passed();
            }
            Json::Array(array) => {
                self.array(rules, array, field, found, depth)?;
                found.passed();
            }
            Json::String(text) => {
                string(rules, text, field, found);
                found.passed();
            }
            Json::Number(_) => {
                numeric(rules, value, field, found);
                found.passed();
            }
            Json::Null | Json::Bool(_) => {}
        }
        found.passed();
        Ok(())
    }

    /// The problems of the value under one schema, by themselves.
    fn alone(&mut self, schema: &Json, value: &Json, field: &str, depth: usize) -> Result<Problems, BuiltinError> {
        let mut found = Problems::default();
        self.schema(schema, value, field, &mut found, depth + 1)?;
        Ok(found)
    }

    fn combined(
        &mut self,
        rules: &Map<String, Json>,
        value: &Json,
        field: &str,
        found: &mut Problems,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        let several = |name: &str| rules.get(name).and_then(Json::as_array).filter(|all| !all.is_empty());
        for (name, kind, text) in [
            ("anyOf", "number_any_of", "Must validate at least one schema (anyOf)"),
            ("oneOf", "number_one_of", "Must validate one and only one schema (oneOf)"),
        ] {
            let Some(schemas) = several(name) else { continue };
            let (mut passed, mut best) = (0, None);
            for schema in schemas {
                let problems = self.alone(schema, value, field, depth)?;
                if problems.none() {
                    passed += 1;
                } else {
                    best = Some(Problems::better(best, problems));
                }
            }
            if passed == 1 || (passed > 1 && name == "anyOf") {
                continue;
            }
            found.push(problem(field, kind, text));
            if passed == 0 {
                found.join(best.unwrap_or_default());
            }
        }
        if let Some(schemas) = several("allOf") {
            let before = found.all.len();
            for schema in schemas {
                let problems = self.alone(schema, value, field, depth)?;
                found.join(problems);
            }
            if found.all.len() > before {
                found.push(problem(field, "number_all_of", "Must validate all the schemas (allOf)"));
            }
        }
        if let Some(schema) = rules.get("not")
            && self.alone(schema, value, field, depth)?.none()
        {
            found.push(problem(field, "number_not", "Must not validate the schema (not)"));
        }
        if let (Some(Json::Object(dependencies)), Json::Object(object)) = (rules.get("dependencies"), value) {
            for (_, needed) in dependencies.iter().filter(|(key, _)| object.contains_key(*key)) {
                match needed {
                    Json::Array(names) => {
                        for name in names.iter().filter_map(Json::as_str).filter(|name| !object.contains_key(*name)) {
                            found.push(problem(field, "missing_dependency", format!("Has a dependency on {name}")));
                        }
                    }
                    schema => self.schema(schema, value, field, found, depth + 1)?,
                }
            }
        }
        if let Some(condition) = rules.get("if") {
            let holds = self.alone(condition, value, field, depth)?.none();
            let (branch, kind, text) = if holds {
                ("then", "condition_then", "Must validate \"then\" as \"if\" was valid")
            } else {
                ("else", "condition_else", "Must validate \"else\" as \"if\" was not valid")
            };
            if let Some(schema) = rules.get(branch) {
                let problems = self.alone(schema, value, field, depth)?;
                if !problems.none() {
                    found.push(problem(field, kind, text));
                    found.join(problems);
                }
            }
        }
        Ok(())
    }

    fn object(
        &mut self,
        rules: &Map<String, Json>,
        object: &Map<String, Json>,
        field: &str,
        found: &mut Problems,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        if let Some(least) = count(rules, "minProperties").filter(|least| object.len() < *least) {
            found.push(problem(field, "array_min_properties", format!("Must have at least {least} properties")));
        }
        if let Some(most) = count(rules, "maxProperties").filter(|most| object.len() > *most) {
            found.push(problem(field, "array_max_properties", format!("Must have at most {most} properties")));
        }
        for name in rules.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if !object.contains_key(name) {
                found.push(problem(field, "required", format!("{name} is required")));
            }
        }
        let properties = rules.get("properties").and_then(Json::as_object);
        let mut patterns = Vec::new();
        for (pattern, schema) in rules.get("patternProperties").and_then(Json::as_object).into_iter().flatten() {
            patterns.push((regexes::compile(pattern)?, schema));
        }
        let mut keys: Vec<&String> = object.keys().collect();
        keys.sort_unstable();
        for key in keys {
            let Some(value) = object.get(key) else { continue };
            let place = child(field, key);
            let mut known = false;
            if let Some(schema) = properties.and_then(|properties| properties.get(key)) {
                known = true;
                self.schema(schema, value, &place, found, depth + 1)?;
            }
            for (_, schema) in patterns.iter().filter(|(pattern, _)| pattern.is_match(key)) {
                known = true;
                self.schema(schema, value, &place, found, depth + 1)?;
            }
            match rules.get("additionalProperties") {
                Some(Json::Bool(false)) if !known => {
                    let text = format!("Additional property {key} is not allowed");
                    found.push(problem(field, "additional_property_not_allowed", text));
                }
                Some(schema @ Json::Object(_)) if !known => self.schema(schema, value, &place, found, depth + 1)?,
                _ => {}
            }
            if let Some(schema) = rules.get("propertyNames") {
                let name = Json::String(key.clone());
                if !self.alone(schema, &name, &place, depth)?.none() {
                    let text = format!("Property name of \"{key}\" does not match");
                    found.push(problem(field, "invalid_property_name", text));
                }
            }
        }
        Ok(())
    }

    fn array(
        &mut self,
        rules: &Map<String, Json>,
        array: &[Json],
        field: &str,
        found: &mut Problems,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        for (at, element) in array.iter().enumerate() {
            let place = child(field, at);
            let schema = match rules.get("items") {
                Some(Json::Array(schemas)) => schemas.get(at).or_else(|| rules.get("additionalItems")),
                one => one,
            };
            match schema {
                Some(Json::Bool(false)) => {}
                Some(schema) => self.schema(schema, element, &place, found, depth + 1)?,
                None => {}
            }
        }
        if let (Some(Json::Array(schemas)), Some(Json::Bool(false))) =
            (rules.get("items"), rules.get("additionalItems"))
            && array.len() > schemas.len()
        {
            found.push(problem(field, "array_no_additional_items", "No additional items allowed on array"));
        }
        if let Some(least) = count(rules, "minItems").filter(|least| array.len() < *least) {
            found.push(problem(field, "array_min_items", format!("Array must have at least {least} items")));
        }
        if let Some(most) = count(rules, "maxItems").filter(|most| array.len() > *most) {
            found.push(problem(field, "array_max_items", format!("Array must have at most {most} items")));
        }
        if rules.get("uniqueItems") == Some(&Json::Bool(true)) {
            let mut seen = std::collections::BTreeMap::new();
            for (at, element) in array.iter().enumerate() {
                if let Some(first) = seen.insert(shown(element), at) {
                    found.push(problem(field, "unique", format!("array items[{first},{at}] must be unique")));
                }
            }
        }
        if let Some(schema) = rules.get("contains") {
            let mut best = None;
            for (at, element) in array.iter().enumerate() {
                let problems = self.alone(schema, element, &child(field, at), depth)?;
                if problems.none() {
                    return Ok(());
                }
                best = Some(Problems::better(best, problems));
            }
            found.push(problem(field, "contains", "At least one of the items must match"));
            found.join(best.unwrap_or_default());
        }
        Ok(())
    }
}

fn wrong_type(rules: &Map<String, Json>, value: &Json, field: &str) -> Option<Problem> {
    let names: Vec<&str> = match rules.get("type")? {
        Json::String(name) => vec![name],
        Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
        _ => return None,
    };
    let given = given(value);
    if names.is_empty() || names.iter().any(|name| *name == given || (*name == "number" && given == "integer")) {
        return None;
    }
    let expected = if let [one] = names[..] { one.to_owned() } else { format!("[{}]", names.join(",")) };
    Some(problem(field, "invalid_type", format!("Invalid type. Expected: {expected}, given: {given}")))
}

fn common(rules: &Map<String, Json>, value: &Json, field: &str, found: &mut Problems) {
    if let Some(constant) = rules.get("const").filter(|constant| !same(constant, value)) {
        found.push(problem(field, "const", format!("{field} does not match: {}", shown(constant))));
    }
    if let Some(Json::Array(all)) = rules.get("enum")
        && !all.iter().any(|one| same(one, value))
    {
        let all: Vec<String> = all.iter().map(shown).collect();
        found.push(problem(field, "enum", format!("{field} must be one of the following: {}", all.join(", "))));
    }
    if let (Some(Json::String(format)), Json::String(text)) = (rules.get("format"), value)
        && !fits_format(format, text)
    {
        found.push(problem(field, "format", format!("Does not match format '{format}'")));
    }
}

fn string(rules: &Map<String, Json>, text: &str, field: &str, found: &mut Problems) {
    let length = text.chars().count();
    if let Some(least) = count(rules, "minLength").filter(|least| length < *least) {
        let text = format!("String length must be greater than or equal to {least}");
        found.push(problem(field, "string_gte", text));
    }
    if let Some(most) = count(rules, "maxLength").filter(|most| length > *most) {
        found.push(problem(field, "string_lte", format!("String length must be less than or equal to {most}")));
    }
    // OPA does not look at `pattern`, and a policy must mean the same here.
}

fn numeric(rules: &Map<String, Json>, value: &Json, field: &str, found: &mut Problems) {
    let Some(value) = number(value) else { return };
    let bound = |name: &str| Some((number(rules.get(name)?)?, shown(rules.get(name)?)));
    // The sign of the difference; draft 4 has flags where later drafts have bounds.
    let above = |bound: &Num| value.minus(bound);
    let strict = |name: &str| rules.get(name) == Some(&Json::Bool(true));
    if let Some((factor, text)) = bound("multipleOf")
        && value.over(&factor).is_some_and(|times| times.as_whole().is_none())
    {
        found.push(problem(field, "multiple_of", format!("Must be a multiple of {text}")));
    }
    let zero = num_bigint::BigInt::from(0);
    if let Some((most, text)) = bound("maximum") {
        let difference = above(&most);
        if strict("exclusiveMaximum") && difference.ceil() >= zero && (difference.is_zero() || difference.ceil() > zero)
        {
            found.push(problem(field, "number_lt", format!("Must be less than {text}")));
        } else if difference.ceil() > zero {
            found.push(problem(field, "number_lte", format!("Must be less than or equal to {text}")));
        }
    }
    if let Some((most, text)) = bound("exclusiveMaximum") {
        let difference = above(&most);
        if difference.is_zero() || difference.ceil() > zero {
            found.push(problem(field, "number_lt", format!("Must be less than {text}")));
        }
    }
    if let Some((least, text)) = bound("minimum") {
        let difference = above(&least);
        if strict("exclusiveMinimum") && (difference.is_zero() || difference.floor() < zero) {
            found.push(problem(field, "number_gt", format!("Must be greater than {text}")));
        } else if difference.floor() < zero {
            found.push(problem(field, "number_gte", format!("Must be greater than or equal to {text}")));
        }
    }
    if let Some((least, text)) = bound("exclusiveMinimum") {
        let difference = above(&least);
        if difference.is_zero() || difference.floor() < zero {
            found.push(problem(field, "number_gt", format!("Must be greater than {text}")));
        }
    }
}

/// Formats nobody knows fit.
fn fits_format(format: &str, text: &str) -> bool {
    let plain = |pattern: &str| regexes::compile(pattern).is_ok_and(|regex| regex.is_match(text));
    match format {
        "date" => layout::parse("2006-01-02", text).is_ok(),
        "time" => ["15:04:05", "15:04:05Z07:00"].iter().any(|shape| layout::parse(shape, text).is_ok()),
        "date-time" => ["2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "15:04:05", "15:04:05Z07:00", "2006-01-02"]
            .iter()
            .any(|shape| layout::parse(shape, text).is_ok()),
        "email" => plain(r"^[^@\s]+@[^@\s]+$"),
        "hostname" => {
            plain(
                r"^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])(\.([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9]))*$",
            ) && text.len() < 256
        }
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "uri" | "iri" => plain(r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s\\]*$"),
        "uri-reference" | "iri-reference" => plain(r"^[^\s\\]*$"),
        "uuid" => plain(r"(?i)^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$"),
        "regex" => text.is_empty() || regexes::compile(text).is_ok(),
        "json-pointer" => plain(r"^(/([^~/]|~[01])*)*$"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_shown_as_its_value_in_rego_is() {
        let number = |text: &str| -> Json { text.parse::<serde_json::Number>().unwrap().into() };
        let value = json!({"b": [1, true, null, "a\"<"], "a": {}, "c": [], "n": number("1.0"), "e": number("1e2")});
        let through = from_json(value.clone()).and_then(|value| compact(&value)).unwrap();
        assert_eq!(shown(&value), through);
        assert!(same(&number("1.0"), &number("1")) && same(&json!([{"a": number("1e2")}]), &json!([{"a": 100}])));
        assert!(!same(&json!(1), &json!("1")) && !same(&json!({"a": 1}), &json!({"b": 1})));
    }
}
