//! [`Rules`]: a schema made ready for documents. What it says is read once, its references lead to parts, and names and
//! constants are values of Rego, so that a document is looked at as it is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use regex::Regex;
use regorus::Value;
use serde_json::{Map, Value as Json};

use super::decimal::Num;
use super::errors::BuiltinError;
use super::json_text::{compact, from_json, write};
use super::regex_syntax;
use super::schema_refs::Schema;

/// A schema and all its parts; the first is the whole.
pub(super) struct Rules(Vec<Part>);

/// Where a part stands in its [`Rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At(usize);

/// One schema within the schema.
pub(super) enum Part {
    /// Everything fits.
    Any,
    /// Nothing fits.
    Never,
    /// What another part says, or why there is none.
    Reference(Result<At, BuiltinError>),
    /// What is looked at, in the order of [`Rule`]'s fields.
    Rule(Box<Rule>),
}

/// What one schema requires of a value.
#[derive(Default)]
pub(super) struct Rule {
    pub types: Option<Types>,
    pub any_of: Vec<At>,
    pub one_of: Vec<At>,
    pub all_of: Vec<At>,
    pub not: Option<At>,
    /// What else must be there, or fit, where a key is.
    pub dependencies: Vec<(Value, Needed)>,
    pub condition: Option<Condition>,
    pub constant: Option<Value>,
    pub choices: Option<Choices>,
    pub format: Option<String>,
    pub object: ObjectRule,
    pub array: ArrayRule,
    pub shortest: Option<usize>,
    pub longest: Option<usize>,
    pub number: NumberRule,
}

/// The values of which one must be met.
pub(super) struct Choices {
    /// Those that are strings.
    pub texts: BTreeSet<String>,
    /// The others.
    pub others: Vec<Value>,
    /// All of them as messages list them.
    pub shown: String,
}

impl Choices {
    fn read(all: &[Json]) -> Result<Self, BuiltinError> {
        let all: Vec<Value> = all.iter().cloned().map(from_json).collect::<Result<_, _>>()?;
        let mut shown = String::new();
        for choice in &all {
            if !shown.is_empty() {
                shown.push_str(", ");
            }
            // Few characters can be a number of thousands of digits, so the text of all has the limit of one.
            write(&mut shown, choice, None, 0)?;
        }
        let (mut texts, mut others) = (BTreeSet::new(), Vec::new());
        for choice in all {
            match choice {
                Value::String(text) => drop(texts.insert(text.to_string())),
                other => others.push(other),
            }
        }
        Ok(Self { texts, others, shown })
    }
}

/// The names of the types of which a value must have one.
pub(super) struct Types(pub Vec<String>);

/// What a key requires.
pub(super) enum Needed {
    /// Other keys.
    Keys(Vec<Value>),
    /// That the whole fits.
    Part(At),
}

/// `if`, `then` and `else`.
pub(super) struct Condition {
    pub holds: At,
    pub then: Option<At>,
    pub otherwise: Option<At>,
}

/// The requirements on objects.
#[derive(Default)]
pub(super) struct ObjectRule {
    pub least: Option<usize>,
    pub most: Option<usize>,
    pub required: Vec<Value>,
    pub properties: BTreeMap<String, At>,
    pub patterns: Vec<(Result<Arc<Regex>, BuiltinError>, At)>,
    pub others: Others,
    pub names: Option<At>,
}

/// The requirements on the rest.
#[derive(Clone, Copy, Default)]
pub(super) enum Others {
    #[default]
    Any,
    None,
    Part(At),
}

/// The requirements on arrays.
#[derive(Default)]
pub(super) struct ArrayRule {
    pub items: Items,
    pub least: Option<usize>,
    pub most: Option<usize>,
    pub unique: bool,
    pub contains: Option<At>,
}

/// The requirements on elements.
#[derive(Default)]
pub(super) enum Items {
    #[default]
    Any,
    All(At),
    /// The first ones each have their own.
    Each(Vec<At>, Others),
}

/// The requirements on numbers.
#[derive(Default)]
pub(super) struct NumberRule {
    pub factor: Option<Bound>,
    pub most: Option<Bound>,
    /// Draft 4 has flags where later drafts have bounds.
    pub most_is_out: bool,
    pub below: Option<Bound>,
    pub least: Option<Bound>,
    pub least_is_out: bool,
    pub above: Option<Bound>,
}

/// A number, and how it is written in messages.
pub(super) struct Bound {
    pub number: Num,
    pub shown: String,
}

impl Rules {
    /// Reads all that documents can meet.
    ///
    /// # Errors
    /// A number that cannot be kept.
    pub(super) fn read(schema: &Schema) -> Result<Self, BuiltinError> {
        let mut reader = Reader { schema, known: BTreeMap::new(), open: VecDeque::new() };
        reader.at(schema.root());
        let mut parts = Vec::new();
        // Parts are numbered as they are met, and stand in that order.
        while let Some(next) = reader.open.pop_front() {
            parts.push(reader.part(next)?);
        }
        Ok(Self(parts))
    }

    /// The whole.
    pub(super) const WHOLE: At = At(0);

    /// One part. What is absent requires nothing.
    pub(super) fn part(&self, at: At) -> &Part {
        self.0.get(at.0).unwrap_or(&Part::Any)
    }
}

/// Reads parts, each once.
struct Reader<'s> {
    schema: &'s Schema,
    known: BTreeMap<*const Json, At>,
    open: VecDeque<&'s Json>,
}

impl<'s> Reader<'s> {
    /// The place of a part, which is read later unless it was.
    fn at(&mut self, part: &'s Json) -> At {
        let next = At(self.known.len());
        *self.known.entry(std::ptr::from_ref(part)).or_insert_with(|| {
            self.open.push_back(part);
            next
        })
    }

    fn all(&mut self, parts: Option<&'s Json>) -> Vec<At> {
        parts.and_then(Json::as_array).into_iter().flatten().map(|part| self.at(part)).collect()
    }

    fn part(&mut self, part: &'s Json) -> Result<Part, BuiltinError> {
        let fields = match part {
            Json::Bool(false) => return Ok(Part::Never),
            Json::Object(fields) => fields,
            _ => return Ok(Part::Any),
        };
        if let Some(Json::String(reference)) = fields.get("$ref") {
            let target = self.schema.find(reference).map_err(BuiltinError::failed);
            return Ok(Part::Reference(target.map(|target| self.at(target))));
        }
        let condition = fields.get("if").filter(|_| self.schema.has(7)).map(|condition| Condition {
            holds: self.at(condition),
            then: fields.get("then").map(|part| self.at(part)),
            otherwise: fields.get("else").map(|part| self.at(part)),
        });
        let choices = fields.get("enum").and_then(Json::as_array);
        let choices = choices.map(|all| Choices::read(all)).transpose()?;
        Ok(Part::Rule(Box::new(Rule {
            types: types(fields),
            any_of: self.all(fields.get("anyOf")),
            one_of: self.all(fields.get("oneOf")),
            all_of: self.all(fields.get("allOf")),
            not: fields.get("not").map(|part| self.at(part)),
            dependencies: self.dependencies(fields),
            condition,
            constant: fields.get("const").filter(|_| self.schema.has(6)).cloned().map(from_json).transpose()?,
            choices,
            format: fields.get("format").and_then(Json::as_str).map(str::to_owned),
            object: self.object(fields),
            array: self.array(fields),
            shortest: count(fields, "minLength"),
            longest: count(fields, "maxLength"),
            number: number_rule(fields)?,
        })))
    }

    fn dependencies(&mut self, fields: &'s Map<String, Json>) -> Vec<(Value, Needed)> {
        let all = fields.get("dependencies").and_then(Json::as_object).into_iter().flatten();
        let needed = |(key, needed): (&'s String, &'s Json)| {
            let needed = match needed {
                Json::Array(_) => Needed::Keys(texts(Some(needed))),
                part => Needed::Part(self.at(part)),
            };
            (Value::from(key.as_str()), needed)
        };
        all.map(needed).collect()
    }

    fn others(&mut self, part: Option<&'s Json>) -> Others {
        match part {
            Some(Json::Bool(false)) => Others::None,
            Some(part @ Json::Object(_)) => Others::Part(self.at(part)),
            _ => Others::Any,
        }
    }

    fn object(&mut self, fields: &'s Map<String, Json>) -> ObjectRule {
        let all = |name: &str| fields.get(name).and_then(Json::as_object).into_iter().flatten();
        ObjectRule {
            least: count(fields, "minProperties"),
            most: count(fields, "maxProperties"),
            required: texts(fields.get("required")),
            properties: all("properties").map(|(key, part)| (key.clone(), self.at(part))).collect(),
            patterns: all("patternProperties")
                .map(|(pattern, part)| (regex_syntax::compile(pattern).map(Arc::new), self.at(part)))
                .collect(),
            others: self.others(fields.get("additionalProperties")),
            names: fields.get("propertyNames").filter(|_| self.schema.has(6)).map(|part| self.at(part)),
        }
    }

    fn array(&mut self, fields: &'s Map<String, Json>) -> ArrayRule {
        let items = match fields.get("items") {
            Some(Json::Array(parts)) => {
                let parts = parts.iter().map(|part| self.at(part)).collect();
                Items::Each(parts, self.others(fields.get("additionalItems")))
            }
            Some(part) => Items::All(self.at(part)),
            None => Items::Any,
        };
        ArrayRule {
            items,
            least: count(fields, "minItems"),
            most: count(fields, "maxItems"),
            unique: fields.get("uniqueItems") == Some(&Json::Bool(true)),
            contains: fields.get("contains").filter(|_| self.schema.has(6)).map(|part| self.at(part)),
        }
    }
}

fn types(fields: &Map<String, Json>) -> Option<Types> {
    let names: Vec<String> = match fields.get("type")? {
        Json::String(name) => vec![name.clone()],
        Json::Array(names) => names.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => return None,
    };
    (!names.is_empty()).then_some(Types(names))
}

/// The strings of an array.
fn texts(of: Option<&Json>) -> Vec<Value> {
    of.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).map(Value::from).collect()
}

fn count(fields: &Map<String, Json>, name: &str) -> Option<usize> {
    let Json::Number(number) = fields.get(name)? else { return None };
    Num::parse(&number.to_string())?.floor().try_into().ok()
}

fn number_rule(fields: &Map<String, Json>) -> Result<NumberRule, BuiltinError> {
    let bound = |name: &str| -> Result<Option<Bound>, BuiltinError> {
        let Some(Json::Number(number)) = fields.get(name) else { return Ok(None) };
        let Some(parsed) = Num::parse(&number.to_string()) else { return Ok(None) };
        let shown = compact(&from_json(Json::Number(number.clone()))?)?;
        Ok(Some(Bound { number: parsed, shown }))
    };
    let flag = |name: &str| fields.get(name) == Some(&Json::Bool(true));
    Ok(NumberRule {
        factor: bound("multipleOf")?,
        most: bound("maximum")?,
        most_is_out: flag("exclusiveMaximum"),
        below: bound("exclusiveMaximum")?,
        least: bound("minimum")?,
        least_is_out: flag("exclusiveMinimum"),
        above: bound("exclusiveMinimum")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::builtins::limits;

    fn rules(schema: Json) -> Rules {
        Rules::read(&Schema::read(schema)).unwrap()
    }

    #[test]
    fn unknown_keywords_of_a_draft_are_ignored() {
        let of = |draft: u8| {
            let schema = format!("http://json-schema.org/draft-0{draft}/schema#");
            let rules = rules(json!({"$schema": schema, "const": 1, "contains": {}, "propertyNames": {}, "if": {}}));
            let Part::Rule(rule) = rules.part(Rules::WHOLE) else { panic!("no rule") };
            let all = [rule.constant.is_some(), rule.array.contains.is_some(), rule.object.names.is_some()];
            (all, rule.condition.is_some())
        };
        assert_eq!([4, 6, 7].map(of), [([false; 3], false), ([true; 3], false), ([true; 3], true)]);
    }

    #[test]
    fn a_part_that_is_named_often_is_read_once() {
        let rules = rules(json!({
            "definitions": {"tree": {"items": {"$ref": "#/definitions/tree"}}},
            "properties": {"a": {"$ref": "#/definitions/tree"}, "b": {"$ref": "#/definitions/tree"}},
        }));
        // The whole, `a`, `b`, the tree and what its items refer to.
        assert_eq!(rules.0.len(), 5);
        let leads = |part: &Part| if let Part::Reference(Ok(at)) = part { Some(*at) } else { None };
        let found: Vec<_> = rules.0.iter().filter_map(leads).collect();
        assert!(found.len() == 3 && found.iter().all(|at| *at == At(3)), "{found:?}");
    }

    #[test]
    fn choices_that_would_be_listed_without_end_are_refused() {
        let number = format!("1{}", "0".repeat(400));
        let of = |count: usize| format!(r#"{{"enum": [{}"x"]}}"#, format!("{number},").repeat(count));
        let read = |text: &str| Rules::read(&Schema::read(text.parse().unwrap())).map(drop);
        assert!(read(&of(10)).is_ok());
        assert!(read(&of(limits::TEXT_BYTES / number.len() + 2)).is_err());
    }

    #[test]
    fn a_dangling_reference_is_reported_where_it_is_followed() {
        let rules = rules(json!({"items": {"$ref": "#/nope"}}));
        let wrong =
            rules.0.iter().find_map(|part| if let Part::Reference(Err(error)) = part { Some(error) } else { None });
        assert_eq!(wrong.unwrap().message, "Object has no key 'nope'");
    }
}
