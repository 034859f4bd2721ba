//! [`Check`]: one document against one schema, with each problem's place, kind and text.

use regorus::Value;
use regorus::value::{Array, Object};

use super::decimal::Num;
use super::errors::BuiltinError;
use super::json_text::{compact, from_json, to_json};
use super::schema_problems::{Best, DocumentPath, Problem, Problems};
use super::schema_rules::{
    ArrayRule, At, Bound, Items, Needed, NumberRule, ObjectRule, Others, Part, Rule, Rules, Types,
};
use super::schema_unique::repeated;
use super::{limits, schema_formats};

/// A running check: its schema, and the steps it has taken.
pub(super) struct Check<'s> {
    rules: &'s Rules,
    steps: usize,
}

/// The name of the value's type in an error message.
fn given(value: &Value) -> &'static str {
    match value {
        Value::Null | Value::Undefined => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_integer() => "integer",
        Value::Number(_) if Num::of(value).is_some_and(|number| number.as_whole().is_some()) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) | Value::Set(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value that JSON has no form for, in the form it gets there; none for one that is as it is.
fn as_json(value: &Value) -> Result<Option<Value>, BuiltinError> {
    let has_form = match value {
        Value::Set(_) | Value::Undefined => false,
        Value::Object(object) => object.keys().all(|key| matches!(key, Value::String(_))),
        _ => true,
    };
    if has_form { Ok(None) } else { to_json(value).and_then(from_json).map(Some) }
}

/// Whether a value is the same as one of a schema, whatever is within it.
fn is_same(value: &Value, of_schema: &Value) -> Result<bool, BuiltinError> {
    if value == of_schema {
        return Ok(true);
    }
    Ok(match (value, of_schema) {
        // What has no form in JSON may be within.
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => {
            to_json(value).and_then(from_json)? == *of_schema
        }
        _ => false,
    })
}

type Checked = Result<(), BuiltinError>;

impl<'s> Check<'s> {
    /// A check against this schema.
    pub(super) const fn new(rules: &'s Rules) -> Self {
        Self { rules, steps: 0 }
    }

    /// Everything that is wrong with the document.
    pub(super) fn run(&mut self, document: &Value) -> Result<Vec<Problem>, BuiltinError> {
        let whole = DocumentPath::Whole;
        if self.fits(Rules::WHOLE, document, &whole, 0)? {
            return Ok(Vec::new());
        }
        // Texts are made only of what is reported, on a second way through the document.
        self.steps = 0;
        let mut found = Problems::written();
        self.part(Rules::WHOLE, document, &whole, &mut found, 1)?;
        Ok(found.written.unwrap_or_default())
    }

    fn part(&mut self, at: At, value: &Value, path: &DocumentPath<'_>, found: &mut Problems, depth: usize) -> Checked {
        self.steps += 1;
        if self.steps > limits::SCHEMA_STEPS || depth > limits::NESTING {
            return Err(BuiltinError::limit("the schema takes too many steps, or refers to itself without end"));
        }
        match self.rules.part(at) {
            Part::Any => Ok(()),
            Part::Never => {
                found.push(path, "false", || "False always fails validation");
                Ok(())
            }
            Part::Reference(Ok(target)) => self.part(*target, value, path, found, depth + 1),
            Part::Reference(Err(error)) => Err(error.clone()),
            Part::Rule(rule) => match as_json(value)? {
                Some(value) => self.rule(rule, &value, path, found, depth),
                None => self.rule(rule, value, path, found, depth),
            },
        }
    }

    fn rule(
        &mut self,
        rule: &'s Rule,
        value: &Value,
        path: &DocumentPath<'_>,
        found: &mut Problems,
        depth: usize,
    ) -> Checked {
        if let Some(Types(names)) = &rule.types {
            let given = given(value);
            let fits = |name: &String| name == given || (name == "number" && given == "integer");
            if !names.iter().any(fits) {
                found.push(path, "invalid_type", || {
                    let expected = if let [one] = &names[..] { one.clone() } else { format!("[{}]", names.join(",")) };
                    format!("Invalid type. Expected: {expected}, given: {given}")
                });
                return Ok(());
            }
        }
        self.combined(rule, value, path, found, depth)?;
        found.passed();
        match value {
            Value::Object(object) => {
                self.object(&rule.object, object, path, found, depth)?;
                found.passed();
            }
            Value::Array(array) => {
                self.array(&rule.array, array, path, found, depth)?;
                found.passed();
            }
            Value::Number(_) => {
                numeric(&rule.number, value, path, found);
                found.passed();
            }
            Value::String(_) | Value::Null | Value::Undefined | Value::Bool(_) | Value::Set(_) => {}
        }
        common(rule, value, path, found)?;
        found.passed();
        match value {
            Value::Object(object) => self.properties(&rule.object, object, path, found, depth)?,
            Value::String(text) => {
                string(rule, text, path, found);
                found.passed();
            }
            _ => {}
        }
        found.passed();
        Ok(())
    }

    /// The problems of the value under one part, by themselves, in addition to none.
    fn alone(
        &mut self,
        at: At,
        value: &Value,
        path: &DocumentPath<'_>,
        mut none: Problems,
        depth: usize,
    ) -> Result<Problems, BuiltinError> {
        self.part(at, value, path, &mut none, depth + 1)?;
        Ok(none)
    }

    fn fits(&mut self, at: At, value: &Value, path: &DocumentPath<'_>, depth: usize) -> Result<bool, BuiltinError> {
        Ok(self.alone(at, value, path, Problems::counted(), depth)?.none())
    }

    fn combined(
        &mut self,
        rule: &'s Rule,
        value: &Value,
        path: &DocumentPath<'_>,
        found: &mut Problems,
        depth: usize,
    ) -> Checked {
        for (parts, may_be_more, kind, text) in [
            (&rule.any_of, true, "number_any_of", "Must validate at least one schema (anyOf)"),
            (&rule.one_of, false, "number_one_of", "Must validate one and only one schema (oneOf)"),
        ] {
            if parts.is_empty() {
                continue;
            }
            let (mut passed, mut best) = (0, Best(None));
            for part in parts {
                let problems = self.alone(*part, value, path, Problems::counted(), depth)?;
                if problems.none() {
                    passed += 1;
                    if may_be_more {
                        break;
                    }
                } else {
                    best.meet(*part, problems);
                }
            }
            if passed == 1 {
                continue;
            }
            found.push(path, kind, || text);
            if let (0, Best(Some((part, counted)))) = (passed, best) {
                found.join(match found.like() {
                    Problems { written: None, .. } => counted,
                    written => self.alone(part, value, path, written, depth)?,
                });
            }
        }
        let before = found.count;
        for part in &rule.all_of {
            let problems = self.alone(*part, value, path, found.like(), depth)?;
            found.join(problems);
        }
        if found.count > before {
            found.push(path, "number_all_of", || "Must validate all the schemas (allOf)");
        }
        if let Some(part) = rule.not
            && self.fits(part, value, path, depth)?
        {
            found.push(path, "number_not", || "Must not validate the schema (not)");
        }
        if let Value::Object(object) = value {
            for (_, needed) in rule.dependencies.iter().filter(|(key, _)| object.contains_key(key)) {
                match needed {
                    Needed::Keys(keys) => {
                        for key in keys.iter().filter(|key| !object.contains_key(key)) {
                            found.push(path, "missing_dependency", || format!("Has a dependency on {}", name(key)));
                        }
                    }
                    Needed::Part(part) => self.part(*part, value, path, found, depth + 1)?,
                }
            }
        }
        let Some(condition) = &rule.condition else { return Ok(()) };
        let (branch, kind, text) = if self.fits(condition.holds, value, path, depth)? {
            (condition.then, "condition_then", "Must validate \"then\" as \"if\" was valid")
        } else {
            (condition.otherwise, "condition_else", "Must validate \"else\" as \"if\" was not valid")
        };
        if let Some(part) = branch {
            let problems = self.alone(part, value, path, found.like(), depth)?;
            if !problems.none() {
                found.push(path, kind, || text);
                found.join(problems);
            }
        }
        Ok(())
    }

    fn object(
        &mut self,
        rule: &'s ObjectRule,
        object: &Object,
        path: &DocumentPath<'_>,
        found: &mut Problems,
        depth: usize,
    ) -> Checked {
        if let Some(least) = rule.least.filter(|least| object.len() < *least) {
            found.push(path, "array_min_properties", || format!("Must have at least {least} properties"));
        }
        if let Some(most) = rule.most.filter(|most| object.len() > *most) {
            found.push(path, "array_max_properties", || format!("Must have at most {most} properties"));
        }
        for key in &rule.required {
            if object.contains_key(key) {
                found.passed();
            } else {
                found.push(path, "required", || format!("{} is required", name(key)));
            }
        }
        if !rule.patterns.is_empty() || !matches!(rule.others, Others::Any) {
            self.others(rule, object, path, found, depth)?;
        }
        let Some(part) = rule.names else { return Ok(()) };
        for key in object.keys_sorted() {
            let problems = self.alone(part, key, path, found.like(), depth)?;
            if !problems.none() {
                let text = || format!("Property name of \"{}\" does not match", name(key));
                found.push(path, "invalid_property_name", text);
                found.join(problems);
            }
        }
        Ok(())
    }

    /// Keys with a pattern, and those with neither a pattern nor a part of their own.
    fn others(
        &mut self,
        rule: &'s ObjectRule,
        object: &Object,
        path: &DocumentPath<'_>,
        found: &mut Problems,
        depth: usize,
    ) -> Checked {
        let patterns = rule.patterns.iter().map(|(pattern, part)| Ok((pattern.as_ref().map_err(Clone::clone)?, *part)));
        let patterns = patterns.collect::<Result<Vec<_>, BuiltinError>>()?;
        for (key, value) in object.iter_sorted() {
            let key = name(key);
            let below = DocumentPath::Key(path, key);
            let mut has_pattern = false;
            for (_, part) in patterns.iter().filter(|(pattern, _)| pattern.is_match(key)) {
                has_pattern = true;
                self.part(*part, value, &below, found, depth + 1)?;
            }
            if has_pattern {
                found.passed();
            } else if !rule.properties.contains_key(key) {
                match rule.others {
                    Others::Any => {}
                    Others::None => {
                        let text = || format!("Additional property {key} is not allowed");
                        found.push(path, "additional_property_not_allowed", text);
                    }
                    Others::Part(part) => self.part(part, value, &below, found, depth + 1)?,
                }
            }
        }
        Ok(())
    }

    fn properties(
        &mut self,
        rule: &'s ObjectRule,
        object: &Object,
        path: &DocumentPath<'_>,
        found: &mut Problems,
        depth: usize,
    ) -> Checked {
        if rule.properties.is_empty() {
            return Ok(());
        }
        for (key, value) in object.iter_sorted() {
            let key = name(key);
            if let Some(part) = rule.properties.get(key) {
                self.part(*part, value, &DocumentPath::Key(path, key), found, depth + 1)?;
            }
        }
        Ok(())
    }

    fn array(
        &mut self,
        rule: &'s ArrayRule,
        array: &Array,
        path: &DocumentPath<'_>,
        found: &mut Problems,
        depth: usize,
    ) -> Checked {
        for (at, element) in array.iter().enumerate() {
            let part = match &rule.items {
                Items::Any => break,
                Items::All(part) => Some(*part),
                Items::Each(parts, others) => parts.get(at).copied().or(match others {
                    Others::Part(part) => Some(*part),
                    Others::Any | Others::None => None,
                }),
            };
            if let Some(part) = part {
                self.part(part, element, &DocumentPath::Element(path, at), found, depth + 1)?;
            }
        }
        if let Items::Each(parts, Others::None) = &rule.items
            && array.len() > parts.len()
        {
            found.push(path, "array_no_additional_items", || "No additional items allowed on array");
        }
        if let Some(least) = rule.least.filter(|least| array.len() < *least) {
            found.push(path, "array_min_items", || format!("Array must have at least {least} items"));
        }
        if let Some(most) = rule.most.filter(|most| array.len() > *most) {
            found.push(path, "array_max_items", || format!("Array must have at most {most} items"));
        }
        if rule.unique {
            for (first, at) in repeated(array)? {
                found.push(path, "unique", || format!("array items[{first},{at}] must be unique"));
            }
        }
        let Some(part) = rule.contains else { return Ok(()) };
        let mut best = Best(None);
        for (at, element) in array.iter().enumerate() {
            let problems = self.alone(part, element, &DocumentPath::Element(path, at), Problems::counted(), depth)?;
            if problems.none() {
                return Ok(());
            }
            best.meet((at, element), problems);
        }
        found.push(path, "contains", || "At least one of the items must match");
        if let Best(Some(((at, element), counted))) = best {
            found.join(match found.like() {
                Problems { written: None, .. } => counted,
                written => self.alone(part, element, &DocumentPath::Element(path, at), written, depth)?,
            });
        }
        Ok(())
    }
}

/// The text of a key.
fn name(key: &Value) -> &str {
    if let Value::String(text) = key { text } else { "" }
}

fn common(rule: &Rule, value: &Value, path: &DocumentPath<'_>, found: &mut Problems) -> Checked {
    if let Some(constant) = &rule.constant
        && !is_same(value, constant)?
    {
        let shown = compact(constant)?;
        found.push(path, "const", || format!("{path} does not match: {shown}"));
    }
    if let Some(choices) = &rule.choices {
        let fits = match value {
            Value::String(text) => choices.texts.contains(&**text),
            _ => choices.others.iter().try_fold(false, |fits, choice| Ok(fits || is_same(value, choice)?))?,
        };
        if !fits {
            found.push(path, "enum", || format!("{path} must be one of the following: {}", choices.shown));
        }
    }
    if let (Some(format), Value::String(text)) = (&rule.format, value)
        && !schema_formats::fits(format, text)
    {
        found.push(path, "format", || format!("Does not match format '{format}'"));
    }
    Ok(())
}

fn string(rule: &Rule, text: &str, path: &DocumentPath<'_>, found: &mut Problems) {
    if rule.shortest.is_none() && rule.longest.is_none() {
        return;
    }
    let length = text.chars().count();
    if let Some(least) = rule.shortest.filter(|least| length < *least) {
        found.push(path, "string_gte", || format!("String length must be greater than or equal to {least}"));
    }
    if let Some(most) = rule.longest.filter(|most| length > *most) {
        found.push(path, "string_lte", || format!("String length must be less than or equal to {most}"));
    }
    // OPA does not look at `pattern`, and a policy must mean the same here.
}

fn numeric(rule: &NumberRule, value: &Value, path: &DocumentPath<'_>, found: &mut Problems) {
    let Some(number) = Num::of(value) else { return };
    let zero = num_bigint::BigInt::from(0);
    let reaches = |difference: &Num| difference.is_zero() || difference.ceil() > zero;
    let falls = |difference: &Num| difference.is_zero() || difference.floor() < zero;
    if let Some(Bound { number: factor, shown }) = &rule.factor
        && number.over(factor).is_some_and(|times| times.as_whole().is_none())
    {
        found.push(path, "multiple_of", || format!("Must be a multiple of {shown}"));
    }
    if let Some(Bound { number: most, shown }) = &rule.most {
        let difference = number.minus(most);
        if rule.most_is_out && reaches(&difference) {
            found.push(path, "number_lt", || format!("Must be less than {shown}"));
        } else if difference.ceil() > zero {
            found.push(path, "number_lte", || format!("Must be less than or equal to {shown}"));
        }
    }
    if let Some(Bound { number: most, shown }) = &rule.below
        && reaches(&number.minus(most))
    {
        found.push(path, "number_lt", || format!("Must be less than {shown}"));
    }
    if let Some(Bound { number: least, shown }) = &rule.least {
        let difference = number.minus(least);
        if rule.least_is_out && falls(&difference) {
            found.push(path, "number_gt", || format!("Must be greater than {shown}"));
        } else if difference.floor() < zero {
            found.push(path, "number_gte", || format!("Must be greater than or equal to {shown}"));
        }
    }
    if let Some(Bound { number: least, shown }) = &rule.above
        && falls(&number.minus(least))
    {
        found.push(path, "number_gt", || format!("Must be greater than {shown}"));
    }
}

#[cfg(test)]
mod tests;
