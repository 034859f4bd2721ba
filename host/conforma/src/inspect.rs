//! [`inspect`]: what the annotations of policy files say, rule by rule, in the shape of OPA's `AnnotationsRef`.
//!
//! For each rule: the annotations of the rule itself, those of its document, of its package and of packages above, or an
//! entry without annotations for a rule that has none of its own. As in `ec`, what neither denies nor warns is shown only
//! where it is annotated.

use assay_model::rule::kind_of;
use assay_rego::{CompileError, Location, ModuleSummary, Problem, RuleSummary, Sources, module_summaries};
use serde_json::{Map, Value, json};

use crate::{annotation, asciidoc};

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspected {
    /// The package's path without `data`.
    pub package: Vec<String>,
    /// The path of what is annotated without `data`: of a rule, or of a package.
    pub path: Vec<String>,
    /// Where that stands.
    pub location: Location,
    /// The annotations with their scope; none for a rule without any.
    pub annotations: Option<Map<String, Value>>,
}

impl Inspected {
    /// The package's name.
    #[must_use]
    pub fn package_name(&self) -> String {
        self.package.join(".")
    }

    /// `custom.short_name`, or nothing.
    #[must_use]
    pub fn short_name(&self) -> String {
        match self.custom("short_name") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// A text of the annotations, such as `title` or `scope`; empty where there is none.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.annotations.as_ref().and_then(|fields| fields.get(key)).and_then(Value::as_str).unwrap_or_default()
    }

    /// The description, with AsciiDoc links replaced by their labels.
    #[must_use]
    pub fn description(&self) -> String {
        asciidoc::unlinked(self.text("description"))
    }

    /// `custom.collections`.
    #[must_use]
    pub fn collections(&self) -> Vec<&str> {
        let items = self.custom("collections").and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// As OPA writes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let path = self.path.iter().map(|part| json!({"type": "string", "value": part}));
        let path: Vec<Value> = [json!({"type": "var", "value": "data"})].into_iter().chain(path).collect();
        let mut fields = Map::new();
        if let Some(annotations) = &self.annotations {
            fields.insert("annotations".to_owned(), Value::Object(annotations.clone()));
        }
        let Location { file, line, column } = &self.location;
        fields.insert("location".to_owned(), json!({"file": file, "row": line, "col": column}));
        fields.insert("path".to_owned(), Value::Array(path));
        Value::Object(fields)
    }

    fn custom(&self, key: &str) -> Option<&Value> {
        self.annotations.as_ref()?.get("custom")?.get(key)
    }
}

/// A block and what it is about.
struct AnnotationBlock {
    scope: String,
    rule: Option<usize>,
    fields: Map<String, Value>,
}

/// The entries of all policy files, in the order of files and rules. Policies need not compile, only parse.
pub fn inspect(sources: Sources) -> Result<Vec<Inspected>, CompileError> {
    module_summaries(sources, |modules| {
        let mut entries = Vec::new();
        let mut problems = Vec::new();
        for (module, _) in modules {
            match module_entries(module) {
                Ok(found) => entries.extend(found),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(entries) } else { Err(problems) }
    })
}

fn module_entries(module: &ModuleSummary) -> Result<Vec<Inspected>, Problem> {
    let blocks = blocks(module)?;
    let mut entries = Vec::new();
    for (index, rule) in module.rules.iter().enumerate() {
        let of_rule = blocks.iter().rev().filter(|block| block.scope == "rule" && block.rule == Some(index));
        let before = entries.len();
        entries.extend(of_rule.map(|block| rule_entry(module, rule, Some(block.fields.clone()))));
        let is_evaluated = rule.path.first().is_some_and(|name| kind_of(name).is_some());
        if entries.len() == before && is_evaluated {
            entries.push(rule_entry(module, rule, None));
        }
        for block in blocks.iter().filter(|block| block.scope == "document") {
            let target = block.rule.and_then(|rule| module.rules.get(rule));
            if let Some(target) = target.filter(|target| target.path == rule.path) {
                entries.push(rule_entry(module, target, Some(block.fields.clone())));
            }
        }
        for scope in ["package", "subpackages"] {
            let of_package = blocks.iter().filter(|block| block.scope == scope);
            entries.extend(of_package.map(|block| Inspected {
                package: module.package.clone(),
                path: module.package.clone(),
                location: Location { file: module.file.clone(), line: module.package_line, column: 1 },
                annotations: Some(block.fields.clone()),
            }));
        }
    }
    Ok(entries)
}

fn rule_entry(module: &ModuleSummary, rule: &RuleSummary, annotations: Option<Map<String, Value>>) -> Inspected {
    Inspected {
        package: module.package.clone(),
        path: module.package.iter().chain(&rule.path).cloned().collect(),
        location: rule.location.clone(),
        annotations,
    }
}

/// The blocks of a file with what each is about: the statement that follows it.
fn blocks(module: &ModuleSummary) -> Result<Vec<AnnotationBlock>, Problem> {
    let mut statements: Vec<(u32, Option<usize>)> = vec![(module.package_line, None)];
    statements.extend(module.rules.iter().enumerate().map(|(index, rule)| (rule.location.line, Some(index))));
    statements.sort_unstable();
    let mut found = Vec::new();
    for (first, last, fields) in annotation::documents(&module.blocks) {
        let location = || Location { file: module.file.clone(), line: first, column: 1 };
        let fields = fields.map_err(|message| Problem::at(location(), message))?;
        let Some((_, rule)) = statements.iter().find(|(line, _)| *line > last) else { continue };
        let scope = match fields.get("scope").and_then(Value::as_str) {
            Some(scope) => scope.to_owned(),
            None if rule.is_none() => "package".to_owned(),
            None if fields.get("entrypoint") == Some(&Value::Bool(true)) => "document".to_owned(),
            None => "rule".to_owned(),
        };
        found.push(AnnotationBlock { fields: as_opa_writes(fields, &scope), scope, rule: *rule });
    }
    Ok(found)
}

/// The known keys, those of strings in their long form, sorted as Go sorts a map.
fn as_opa_writes(mut fields: Map<String, Value>, scope: &str) -> Map<String, Value> {
    let mut written = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        let is_nothing = |value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Bool(true) | Value::Number(_) => false,
        };
        if let Some(value) = value.filter(|value| !is_nothing(value)) {
            written.insert(key.to_owned(), value);
        }
    };
    put("authors", fields.remove("authors").map(|list| each(list, author)));
    put("custom", fields.remove("custom").map(|custom| assay_gocompat::json::sorted(&custom)));
    put("description", fields.remove("description"));
    put("entrypoint", fields.remove("entrypoint"));
    put("organizations", fields.remove("organizations"));
    put("related_resources", fields.remove("related_resources").map(|list| each(list, resource)));
    put("schemas", fields.remove("schemas"));
    put("scope", Some(Value::String(scope.to_owned())));
    put("title", fields.remove("title"));
    written
}

fn each(list: Value, change: fn(&str) -> Value) -> Value {
    let Value::Array(items) = list else { return list };
    let change = |item: Value| match &item {
        Value::String(text) => change(text),
        _ => item,
    };
    Value::Array(items.into_iter().map(change).collect())
}

/// `Name <email>`
fn author(text: &str) -> Value {
    match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, email)) if name.trim().is_empty() => json!({"email": email.trim()}),
        Some((name, email)) => json!({"email": email.trim(), "name": name.trim()}),
        None => json!({"name": text.trim()}),
    }
}

fn resource(text: &str) -> Value {
    json!({"ref": text})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::new();
        sources.add_policy_text("a.rego", text);
        sources
    }

    fn run(text: &str) -> Vec<Inspected> {
        inspect(sources(text)).unwrap()
    }

    const KITTENS: &str = "# METADATA\n# title: All\n# scope: package\npackage a.kitty\n\nimport rego.v1\n\n# METADATA\n# title: \
        Kittens\n# description: Fluffy\n# authors:\n# - Jo <jo@a.test>\n# related_resources:\n# - https://a.test\n# custom:\n#   \
        short_name: purr\n#   collections: [b, a]\ndeny contains \"x\" if input.x\n\nwarn contains \"y\" if input.y\n\n# METADATA\n# \
        title: helper\nf(x) := x\n\nplain := 1\n";

    #[test]
    fn rules_are_listed_with_and_without_annotations_and_with_their_package() {
        let found = run(KITTENS);
        let shown: Vec<_> = found
            .iter()
            .map(|entry| (entry.path.join("."), entry.text("scope"), entry.text("title"), entry.location.line))
            .collect();
        let want = [
            ("a.kitty.deny", "rule", "Kittens", 18),
            ("a.kitty", "package", "All", 4),
            ("a.kitty.warn", "", "", 20),
            ("a.kitty", "package", "All", 4),
            ("a.kitty.f", "rule", "helper", 24),
            ("a.kitty", "package", "All", 4),
            ("a.kitty", "package", "All", 4),
        ];
        let want: Vec<_> =
            want.iter().map(|(path, scope, title, line)| ((*path).to_owned(), *scope, *title, *line)).collect();
        assert_eq!(shown, want);
        let first = found.first().unwrap();
        assert_eq!((first.short_name(), first.collections()), ("purr".to_owned(), vec!["b", "a"]));
    }

    #[test]
    fn an_entry_is_written_as_opa_writes_it() {
        let want = json!({
            "annotations": {
                "authors": [{"email": "jo@a.test", "name": "Jo"}],
                "custom": {"collections": ["b", "a"], "short_name": "purr"},
                "description": "Fluffy",
                "related_resources": [{"ref": "https://a.test"}],
                "scope": "rule",
                "title": "Kittens",
            },
            "location": {"file": "a.rego", "row": 18, "col": 1},
            "path": [{"type": "var", "value": "data"}, {"type": "string", "value": "a"},
                {"type": "string", "value": "kitty"}, {"type": "string", "value": "deny"}],
        });
        assert_eq!(run(KITTENS).first().unwrap().to_json().to_string(), want.to_string());
        let bare = run("package p\n\ndeny contains 1\n");
        assert_eq!(bare.first().unwrap().to_json().get("annotations"), None);
    }

    #[test]
    fn a_document_scope_holds_for_each_definition_and_a_broken_block_is_reported() {
        let text = "package p\n# METADATA\n# scope: document\n# title: D\ndeny contains 1\n\ndeny contains 2\n";
        let titles: Vec<_> = run(text).iter().map(|entry| entry.text("title").to_owned()).collect();
        assert_eq!(titles, ["", "D", "", "D"]);
        assert!(inspect(sources("package p\n# METADATA\n# : [\ndeny contains 1")).is_err());
    }
}
