//! [`Policy::check`]: the rules of one package one by one, as `conftest test` evaluates them.

use assay_model::rule::{RuleInfo, RuleKind, RuleResult};
use assay_rego::{EvalError, Location, Problem};
use serde_json::Value;

use super::{EXCEPTION, EvalRequest, Policy, below};
use crate::rule_results::rule_results;

/// What one rule of a package says. All its definitions together are one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCheck {
    /// The rule's name, such as `deny_x`.
    pub rule: String,
    /// Deny or warn.
    pub kind: RuleKind,
    /// How many definitions it has.
    pub definitions: usize,
    /// How many exceptions name it.
    pub exceptions: usize,
    /// What it says, with the file and line that it gives in `_loc`.
    pub results: Vec<(RuleResult, Option<(String, String)>)>,
}

impl Policy {
    /// All packages with a rule that denies or warns, in the order of their names.
    #[must_use]
    pub fn packages(&self) -> Vec<String> {
        self.packages.iter().filter(|(_, package)| !package.entries.is_empty()).map(|(name, _)| name.clone()).collect()
    }

    /// All packages without such a rule.
    #[must_use]
    pub fn silent_packages(&self) -> Vec<String> {
        self.packages.iter().filter(|(_, package)| package.entries.is_empty()).map(|(name, _)| name.clone()).collect()
    }

    /// Evaluates the rules of a package, in the order in which they first appear in its files. A package that is not
    /// there has none.
    pub fn check(&self, request: &EvalRequest<'_>, package: &str) -> Result<Vec<RuleCheck>, EvalError> {
        let Some(found) = self.packages.get(package) else { return Ok(Vec::new()) };
        let mut rules: Vec<(&str, RuleKind, &(String, u32), usize)> = Vec::new();
        for (name, kind) in &found.entries {
            let mut places: Vec<&(String, u32)> = self
                .rules
                .all
                .iter()
                .filter(|info: &&RuleInfo| info.package == package && info.name == *name)
                .map(|info| &info.location)
                .collect();
            // One with several annotations is reported several times.
            places.sort();
            places.dedup();
            if let Some(first) = places.first() {
                rules.push((name, *kind, first, places.len()));
            }
        }
        rules.sort_by_key(|(_, _, location, _)| *location);
        let paths: Vec<Vec<String>> = [EXCEPTION]
            .into_iter()
            .chain(rules.iter().map(|(name, ..)| *name))
            .map(|name| below(&found.path, name))
            .collect();
        let mut values = self.program.evaluate(request.evaluation(), &paths)?.into_iter();
        let excepted = values.next().flatten();
        let mut checked = Vec::new();
        for (name, kind, location, definitions) in rules {
            let value = values.next().flatten();
            let wrong = |message: String| {
                let message = format!("`data.{package}.{name}` {message}");
                let location = Location { file: location.0.clone(), line: location.1, column: 1 };
                EvalError::Policy(Problem::at(location, message))
            };
            let places = value.as_ref().map(locations).unwrap_or_default();
            let found =
                value.map(|value| rule_results(package, kind, value)).transpose().map_err(wrong)?.unwrap_or_default();
            checked.push(RuleCheck {
                rule: name.to_owned(),
                kind,
                definitions,
                exceptions: exceptions(name, excepted.as_ref()),
                results: found.into_iter().zip(places).collect(),
            });
        }
        Ok(checked)
    }
}

/// How many items of the exceptions' lists name this rule: `x` for `deny_x`, the empty text for `deny`.
fn exceptions(rule: &str, exceptions: Option<&Value>) -> usize {
    let name = rule.split_once('_').map_or("", |(_, name)| name);
    let lists = exceptions.and_then(Value::as_array).into_iter().flatten();
    lists.filter_map(Value::as_array).flatten().filter(|found| found.as_str() == Some(name)).count()
}

/// The `_loc` of each element that is a result.
fn locations(value: &Value) -> Vec<Option<(String, String)>> {
    let elements = value.as_array().into_iter().flatten();
    let location = |element: &Value| {
        let location = element.get("_loc")?.as_object()?;
        let file = location.get("file").and_then(Value::as_str).unwrap_or_default().to_owned();
        let line = location.get("line").and_then(Value::as_number).map(ToString::to_string).unwrap_or_default();
        (!file.is_empty() || !line.is_empty()).then_some((file, line))
    };
    elements.filter(|element| element.is_string() || element.is_object()).map(location).collect()
}

#[cfg(test)]
mod tests {
    use assay_rego::Sources;
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_are_reported_one_by_one_with_their_exceptions_and_locations() {
        let text = "package main\n\nwarn contains \"w\" if input.a\n\ndeny contains {\"msg\": \"m\", \"_loc\": {\"file\": \"f\", \
                    \"line\": 3}} if input.a\n\ndeny contains \"d\" if input.a\n\nwarn_x contains \"x\"\n\nexception contains \
                    [\"x\", \"x\"] if input.a\n";
        let mut sources = Sources::new();
        sources.add_policy_text("a.rego", text);
        let policy = Policy::compile(sources).unwrap();
        assert_eq!(policy.packages(), ["main"]);
        let packages = ["main".to_owned()].into();
        let checked = policy.check(&EvalRequest::new(&packages, "{\"a\": true}"), "main").unwrap();
        let shown: Vec<_> = checked
            .iter()
            .map(|rule| {
                let found: Vec<_> =
                    rule.results.iter().map(|(result, location)| (result.message.clone(), location.clone())).collect();
                json!([rule.rule, rule.definitions, rule.exceptions, found])
            })
            .collect();
        let want = json!([
            ["warn", 1, 0, [["w", null]]],
            ["deny", 2, 0, [["d", null], ["m", ["f", "3"]]]],
            ["warn_x", 1, 2, [["x", null]]],
        ]);
        assert_eq!(Value::Array(shown), want);
        assert!(policy.check(&EvalRequest::new(&packages, "{}"), "other").unwrap().is_empty());
    }
}
