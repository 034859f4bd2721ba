//! [`Annotations`]: `# METADATA` comments, their scopes, and what `rego.metadata.*` answers from them.
//!
//! What is wrong with a block is told by [`rules`](crate::rules); here it only says nothing.

use std::collections::BTreeMap;

use regorus::Value;

use crate::engine::ast::Module;
use crate::engine::span::Source;

/// The annotations of all files.
#[derive(Debug, Default)]
pub(crate) struct Annotations {
    files: Vec<FileAnnotations>,
}

/// The annotations of one file.
#[derive(Debug, Default)]
struct FileAnnotations {
    package: Vec<String>,
    /// Those in front of the package: scopes `package` and `subpackages`.
    on_package: Vec<Value>,
    /// Of each rule: its name, and those of the scopes `rule` and `document`.
    rules: Vec<RuleAnnotations>,
}

#[derive(Debug, Default)]
struct RuleAnnotations {
    path: Vec<String>,
    rule: Option<Value>,
    document: Option<Value>,
}

/// One block of comments.
struct Block {
    /// The row behind the last comment line.
    next_row: u32,
    value: Value,
    scope: Option<String>,
}

impl Annotations {
    /// Reads the annotations of every file.
    pub(crate) fn read(modules: &[Module], sources: &[Source]) -> Self {
        let mut files: Vec<_> = modules.iter().zip(sources).map(|(module, source)| file(module, source)).collect();
        share_documents(&mut files);
        Self { files }
    }

    /// `rego.metadata.rule()` in a rule: its own annotations, or an empty object.
    pub(crate) fn rule(&self, file: usize, rule: usize) -> Value {
        self.files
            .get(file)
            .and_then(|file| file.rules.get(rule))
            .and_then(|rule| rule.rule.clone())
            .unwrap_or_else(Value::new_object)
    }

    /// `rego.metadata.chain()` in a rule: what applies to it, from the rule up to its packages.
    pub(crate) fn chain(&self, file: usize, rule: usize) -> Value {
        let mut chain = Vec::new();
        let Some(file) = self.files.get(file) else { return Value::from(chain) };
        if let Some(rule) = file.rules.get(rule) {
            chain.push(link(&rule.path, rule.rule.as_ref()));
            if let Some(document) = &rule.document {
                chain.push(link(&rule.path, Some(document)));
            }
        }
        for value in &file.on_package {
            if scope_of(value) == Some("package") {
                chain.push(link(&file.package, Some(value)));
            }
        }
        for length in (1..=file.package.len()).rev() {
            let front = file.package.get(..length).unwrap_or(&[]);
            for other in &self.files {
                for value in &other.on_package {
                    if other.package == front && scope_of(value) == Some("subpackages") {
                        chain.push(link(front, Some(value)));
                    }
                }
            }
        }
        Value::from(chain)
    }
}

fn link(path: &[String], annotations: Option<&Value>) -> Value {
    let path = Value::from(path.iter().map(|part| Value::from(part.as_str())).collect::<Vec<_>>());
    let mut link = BTreeMap::from([(Value::from("path"), path)]);
    if let Some(annotations) = annotations {
        link.insert(Value::from("annotations"), annotations.clone());
    }
    Value::from(link)
}

fn scope_of(value: &Value) -> Option<&str> {
    match value {
        Value::Object(object) => match object.get(&Value::from("scope")) {
            Some(Value::String(scope)) => Some(scope),
            _ => None,
        },
        _ => None,
    }
}

/// A document's annotations hold for all definitions of the rule, in every file.
fn share_documents(files: &mut [FileAnnotations]) {
    let mut documents = BTreeMap::new();
    for rule in files.iter().flat_map(|file| &file.rules) {
        if let Some(document) = &rule.document {
            documents.insert(rule.path.clone(), document.clone());
        }
    }
    for rule in files.iter_mut().flat_map(|file| &mut file.rules) {
        rule.document = documents.get(&rule.path).cloned();
    }
}

fn file(module: &Module, source: &Source) -> FileAnnotations {
    let package: Vec<_> = module.package.iter().map(|name| name.to_string()).collect();
    let mut read = FileAnnotations { package: package.clone(), on_package: Vec::new(), rules: Vec::new() };
    for rule in &module.rules {
        let mut path = package.clone();
        path.push(rule.head.name.to_string());
        for term in rule.head.path.iter().take(crate::engine::modules::constant_front(rule)) {
            if let crate::engine::ast::TermKind::Scalar(Value::String(part)) = &term.kind {
                path.push(part.to_string());
            }
        }
        read.rules.push(RuleAnnotations { path, rule: None, document: None });
    }
    for block in blocks(module, source) {
        let package_row = source.row(module.package_span.start);
        if block.next_row <= package_row {
            let scope = block.scope.as_deref().unwrap_or("package");
            read.on_package.push(with_scope(&block.value, scope));
            continue;
        }
        let target = module.rules.iter().position(|rule| source.row(rule.span.start) >= block.next_row);
        let Some(rule) = target.and_then(|at| read.rules.get_mut(at)) else { continue };
        match block.scope.as_deref() {
            None | Some("rule") => rule.rule = Some(with_scope(&block.value, "rule")),
            Some("document") => rule.document = Some(with_scope(&block.value, "document")),
            Some(_) => {}
        }
    }
    read
}

fn with_scope(value: &Value, scope: &str) -> Value {
    let mut all: BTreeMap<_, _> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        _ => BTreeMap::new(),
    };
    all.insert(Value::from("scope"), Value::from(scope));
    Value::from(all)
}

/// The blocks that begin with a line `# METADATA`.
fn blocks(module: &Module, source: &Source) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut comments = module.comments.iter().peekable();
    while let Some(first) = comments.next() {
        if source.slice(*first).trim_start_matches('#').trim() != "METADATA" || source.place(first.start).1 != 1 {
            continue;
        }
        let mut row = source.row(first.start);
        let mut yaml = String::new();
        while let Some(next) = comments.peek() {
            if source.row(next.start) != row + 1 || source.place(next.start).1 != 1 {
                break;
            }
            let text = source.slice(**next);
            yaml.push_str(text.strip_prefix('#').map(|text| text.strip_prefix(' ').unwrap_or(text)).unwrap_or(""));
            yaml.push('\n');
            row += 1;
            comments.next();
        }
        let Ok(yaml) = assay_model::yaml::parse(&yaml) else { continue };
        let Ok(value @ Value::Object(_)) = serde_json::from_value::<Value>(yaml) else { continue };
        let scope = scope_of(&value).map(str::to_owned);
        blocks.push(Block { next_row: row + 1, value: tidy(&value), scope });
    }
    blocks
}

/// The short forms of authors and resources in full.
fn tidy(value: &Value) -> Value {
    let Value::Object(object) = value else { return value.clone() };
    let mut all = BTreeMap::new();
    for (key, value) in object.iter() {
        let value = match key {
            Value::String(name) if &**name == "authors" => each(value, author),
            Value::String(name) if &**name == "related_resources" => each(value, resource),
            _ => value.clone(),
        };
        all.insert(key.clone(), value);
    }
    Value::from(all)
}

fn each(value: &Value, one: impl Fn(&str) -> Value) -> Value {
    match value {
        Value::Array(array) => Value::from(
            array
                .iter()
                .map(|item| match item {
                    Value::String(text) => one(text),
                    other => other.clone(),
                })
                .collect::<Vec<_>>(),
        ),
        other => other.clone(),
    }
}

/// `Name <mail>`.
fn author(text: &str) -> Value {
    let (name, mail) = match text.rsplit_once('<') {
        Some((name, mail)) => (name.trim(), mail.strip_suffix('>')),
        None => (text.trim(), None),
    };
    let mut author = BTreeMap::from([(Value::from("name"), Value::from(name))]);
    if let Some(mail) = mail {
        author.insert(Value::from("email"), Value::from(mail));
    }
    Value::from(author)
}

fn resource(text: &str) -> Value {
    Value::from(BTreeMap::from([(Value::from("ref"), Value::from(text))]))
}
