//! [`Annotations`]: `# METADATA` comments, their scopes, and what `rego.metadata.*` returns from them.
//!
//! A block that is wrong is an error of the compilation, as in OPA: [`annotation_errors`].

mod annotation_errors;

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use regorus::Value;

use crate::engine::ast::Module;
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::span::{Source, Span};
use crate::module_summary::Metadata;

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
    /// The blocks of a scope that a path has once: scope, path and where it stands.
    once: Vec<(&'static str, Vec<String>, Span)>,
}

#[derive(Debug, Default)]
struct RuleAnnotations {
    path: Vec<String>,
    rule: Option<Value>,
    document: Option<Value>,
}

/// One block of comments.
struct Block {
    /// The row of its first line.
    row: u32,
    /// The row behind the last comment line.
    next_row: u32,
    value: Value,
    scope: Option<String>,
}

impl Annotations {
    /// Reads the annotations of every file.
    ///
    /// What is wrong with a block is added to the errors.
    pub(crate) fn read(
        modules: &[Module],
        sources: &[Source],
        metadata: &[Vec<Metadata>],
        errors: &mut Vec<CompileError>,
    ) -> Self {
        let all = modules.iter().zip(sources).zip(metadata);
        let mut files: Vec<_> = all.map(|((module, source), blocks)| file(module, source, blocks, errors)).collect();
        annotation_errors::redeclared(sources.iter().zip(&files), errors);
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

    /// The schemas that apply to a rule, those of the widest scope first.
    pub(crate) fn schemas(&self, file: usize, rule: usize) -> Vec<Value> {
        let chain = self.chain(file, rule);
        let mut links = chain.as_array().map(|links| links.to_vec()).unwrap_or_default();
        links.reverse();
        let schemas = |link: &Value| match field(link, "annotations").and_then(|of| field(of, "schemas")) {
            Some(Value::Array(schemas)) => schemas.to_vec(),
            _ => Vec::new(),
        };
        links.iter().flat_map(schemas).collect()
    }

    /// About how many parts the chain of a rule of this file has, and files are looked at for it.
    pub(crate) fn links(&self, file: usize) -> usize {
        let Some(file) = self.files.get(file) else { return 0 };
        let same = |other: &&FileAnnotations| file.package.starts_with(&other.package);
        let links: usize = self.files.iter().filter(same).map(|other| other.on_package.len() * 8).sum();
        links + self.files.len() * (file.package.len() + 1) / 64 + 16
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
        for value in self.files.iter().filter(|other| other.package == file.package).flat_map(|file| &file.on_package) {
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

fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Object(object) => object.get(&Value::from(name)),
        _ => None,
    }
}

fn scope_of(value: &Value) -> Option<&str> {
    match field(value, "scope") {
        Some(Value::String(scope)) => Some(scope),
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

fn file(module: &Module, source: &Source, metadata: &[Metadata], errors: &mut Vec<CompileError>) -> FileAnnotations {
    let package: Vec<_> = module.package.iter().map(|name| name.to_string()).collect();
    let mut read = FileAnnotations { package: package.clone(), ..FileAnnotations::default() };
    for rule in &module.rules {
        let mut path = package.clone();
        path.push(rule.head.name.to_string());
        for term in rule.head.path.iter().take(crate::engine::rule_tree::constant_front(rule)) {
            if let crate::engine::ast::TermKind::Scalar(Value::String(part)) = &term.kind {
                path.push(part.to_string());
            }
        }
        read.rules.push(RuleAnnotations { path, rule: None, document: None });
    }
    let package_row = source.row(module.package_span.start);
    for block in blocks(module, source, metadata, errors) {
        let target = module.rules.partition_point(|rule| source.row(rule.span.start) < block.next_row);
        let next_rule = module.rules.get(target).map(|rule| source.row(rule.span.start));
        let is_above_import = |row: u32| row >= block.next_row && next_rule.is_none_or(|rule| row < rule);
        let stands_above = if block.next_row <= package_row {
            "package"
        } else if module
            .imports
            .iter()
            .chain(&module.language_imports)
            .any(|import| is_above_import(source.row(import.span.start)))
        {
            "import"
        } else if next_rule.is_some() {
            "rule"
        } else {
            ""
        };
        let entry = matches!(field(&block.value, "entrypoint"), Some(Value::Bool(true)));
        if let Some(message) = annotation_errors::misplaced(&block, stands_above, entry) {
            errors.push(annotation_errors::at_row(source, &module.comments, block.row, message, CompileCode::Parse));
            continue;
        }
        let at = annotation_errors::comment_at(source, &module.comments, block.row);
        if stands_above == "package" {
            let scope = block.scope.as_deref().unwrap_or("package");
            let known = if scope == "package" { "package" } else { "subpackages" };
            read.once.push((known, package.clone(), at));
            read.on_package.push(with_scope(&block.value, scope));
            continue;
        }
        // Rules stand in the order of their rows.
        let Some(rule) = read.rules.get_mut(target) else { continue };
        let is_document = if block.scope.is_none() { entry } else { block.scope.as_deref() == Some("document") };
        if is_document {
            rule.document = Some(with_scope(&block.value, "document"));
            read.once.push(("document", rule.path.clone(), at));
        } else {
            rule.rule = Some(with_scope(&block.value, "rule"));
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

/// The blocks of a file: a comment line `# METADATA` in the first column and the comment lines below it.
pub(super) fn metadata(module: &Module, source: &Source) -> Vec<Metadata> {
    let mut blocks = Vec::new();
    let mut comments = module.comments.iter().peekable();
    while let Some(first) = comments.next() {
        let text = source.slice(*first).strip_prefix('#').unwrap_or_default();
        if !text.trim().starts_with("METADATA") || source.line_column(first.start).1 != 1 {
            continue;
        }
        let row = source.row(first.start);
        let mut dates = Dates::default();
        let mut block = Metadata::new(row, row, String::new());
        while let Some(next) = comments.next_if(|next| {
            let (row, column) = source.line_column(next.start);
            row == block.last + 1 && column == 1
        }) {
            let line = source.slice(*next).strip_prefix('#').unwrap_or_default();
            // As in OPA text right behind the `#` is no less indented than text behind `# `.
            if !line.is_empty() && !line.starts_with([' ', '\t']) {
                block.yaml.push(' ');
            }
            block.yaml.push_str(dates.completed(line).as_deref().unwrap_or(line));
            block.yaml.push('\n');
            block.last += 1;
        }
        blocks.push(block);
    }
    blocks
}

/// Finds lines like `effective_on: 2025-07-01`: to OPA an unquoted timestamp is one, in the formats of Go's YAML.
#[derive(Default)]
struct Dates {
    /// How far the line is indented below which a text goes on over lines.
    text: Option<usize>,
}

impl Dates {
    /// The line with the timestamp in RFC 3339 format; none for any other line.
    fn completed(&mut self, line: &str) -> Option<String> {
        let line = line.trim_end();
        let indent = line.len() - line.trim_start().len();
        if self.text.is_some_and(|text| line.is_empty() || indent > text) {
            return None;
        }
        self.text = None;
        let (key, value) = line.split_once(": ")?;
        if value.trim_start().starts_with(['|', '>']) {
            self.text = Some(indent);
        }
        timestamp(value.trim_start()).map(|timestamp| format!("{key}: {timestamp}"))
    }
}

/// A date, or a date and a time of day, of which months, days, hours, minutes and seconds may have one digit.
fn timestamp(value: &str) -> Option<String> {
    let end = value.find(|character: char| !character.is_ascii_digit() && character != '-').unwrap_or(value.len());
    let (date, rest) = value.split_at_checked(end)?;
    let (year, month, day) = three(date, '-')?;
    if year.len() != 4 {
        return None;
    }
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    let (time, zone) = match (rest.chars().next(), rest.get(1..).unwrap_or_default()) {
        (None, _) => return Some(format!("{date}T00:00:00Z")),
        (Some(' '), time) => (time, "Z"),
        (Some('T' | 't'), time) => time.split_at_checked(time.find(['Z', '+', '-'])?)?,
        _ => return None,
    };
    let (hour, minute, second) = three(time, ':')?;
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let digit = |byte: u8, shape: u8| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    let has = |shape: &[u8; 6]| zone.len() == 6 && zone.bytes().zip(shape).all(|(byte, shape)| digit(byte, *shape));
    let is_zone = zone == "Z" || has(b"+00:00") || has(b"-00:00");
    if !is_zone || !fraction.bytes().all(|byte| byte.is_ascii_digit()) || fraction.len() > 9 {
        return None;
    }
    let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?, 0).ok()?;
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!("{date}T{time}{dot}{fraction}{zone}"))
}

/// Three numbers of digits with something between them.
fn three(text: &str, between: char) -> Option<(&str, &str, &str)> {
    let (first, rest) = text.split_once(between)?;
    let (second, third) = rest.split_once(between)?;
    let is_short = |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (is_short(first) && is_short(second) && third.starts_with(|character: char| character.is_ascii_digit()))
        .then_some((first, second, third))
}

/// The keys that annotations have; others mean nothing.
const KEYS: [&str; 9] = [
    "scope",
    "title",
    "entrypoint",
    "description",
    "organizations",
    "related_resources",
    "authors",
    "schemas",
    "custom",
];

fn blocks(module: &Module, source: &Source, metadata: &[Metadata], errors: &mut Vec<CompileError>) -> Vec<Block> {
    let mut blocks = Vec::new();
    for block in metadata {
        match annotation_errors::parsed(block) {
            Ok(value) => {
                let scope = scope_of(&value).map(str::to_owned);
                blocks.push(Block { row: block.first, next_row: block.last + 1, value: tidy(&value), scope });
            }
            Err((row, message)) => {
                errors.push(annotation_errors::at_row(source, &module.comments, row, message, CompileCode::Parse));
            }
        }
    }
    blocks
}

/// The short forms of authors and resources in full.
fn tidy(value: &Value) -> Value {
    let Value::Object(object) = value else { return value.clone() };
    let mut all = BTreeMap::new();
    for (key, value) in object.iter().filter(|(key, _)| matches!(key, Value::String(key) if KEYS.contains(&&**key))) {
        let value = match key {
            Value::String(name) if &**name == "schemas" => schemas(value),
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
    let mut author = BTreeMap::new();
    if !name.is_empty() {
        author.insert(Value::from("name"), Value::from(name));
    }
    if let Some(mail) = mail {
        author.insert(Value::from("email"), Value::from(mail));
    }
    Value::from(author)
}

fn resource(text: &str) -> Value {
    Value::from(BTreeMap::from([(Value::from("ref"), Value::from(text))]))
}

/// `input: schema.x` names a schema by its path, anything else is one.
fn schemas(value: &Value) -> Value {
    let path = |text: &str| Value::from(text.split('.').map(Value::from).collect::<Vec<_>>());
    let one = |(at, schema): (&Value, &Value)| {
        let at = match at {
            Value::String(text) => path(text),
            other => other.clone(),
        };
        let (name, schema) = match schema {
            Value::String(text) => ("schema", path(text)),
            other => ("definition", other.clone()),
        };
        Value::from(BTreeMap::from([(Value::from("path"), at), (Value::from(name), schema)]))
    };
    match value {
        Value::Array(items) => {
            let pairs = items.iter().filter_map(|item| item.as_object().ok());
            Value::from(pairs.flat_map(|pair| pair.iter().map(one).collect::<Vec<_>>()).collect::<Vec<_>>())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parse::parse;

    /// First and last line of each block, and its YAML.
    fn places(text: &str) -> Vec<(u32, u32, String)> {
        let source = Source::new("t.rego".into(), text.into());
        let module = parse(&source, 0, false).unwrap();
        metadata(&module, &source).into_iter().map(|block| (block.first, block.last, block.yaml)).collect()
    }

    #[test]
    fn an_unquoted_timestamp_is_completed_and_a_string_is_left_alone() {
        for (written, want) in [
            ("2099-01-31", "2099-01-31T00:00:00Z"),
            ("2025-5-1", "2025-05-01T00:00:00Z"),
            ("2025-5-01T00:00:00Z", "2025-05-01T00:00:00Z"),
            ("2025-05-01t1:2:3.50+02:00", "2025-05-01T01:02:03.5+02:00"),
            ("2025-05-01 10:00:00", "2025-05-01T10:00:00Z"),
            ("2099-01-31T10:00:00Z", "2099-01-31T10:00:00Z"),
            ("'2099-01-31'", "'2099-01-31'"),
            ("2099-02-31", "2099-02-31"),
            ("2099-01-31 at noon", "2099-01-31 at noon"),
            ("2025-05-01T25:00:00Z", "2025-05-01T25:00:00Z"),
            ("2025-05-01T10:00:00", "2025-05-01T10:00:00"),
            ("20250-05-01", "20250-05-01"),
        ] {
            let line = format!(" custom_date: {written}");
            let got = Dates::default().completed(&line).unwrap_or_else(|| line.clone());
            assert_eq!(got, format!(" custom_date: {want}"));
        }
    }

    #[test]
    fn blocks_are_comment_lines_in_the_first_column() {
        for (text, want) in [
            ("# title: x\npackage p", &[][..]),
            ("#METADATA\n#title: x\npackage p", &[(1, 2, " title: x\n")]),
            ("  # METADATA\n  # title: x\npackage p", &[]),
            ("# METADATA for all\n# title: x\n\n# more: y\npackage p", &[(1, 2, " title: x\n")]),
            ("# METADATA\n#\n# title: x\npackage p", &[(1, 3, "\n title: x\n")]),
            ("package p\nx := 1 # METADATA\n# title: x\n", &[]),
            ("package p\nx := `\n# METADATA\n# title: x\n`\n# METADATA\n# title: x", &[(6, 7, " title: x\n")]),
            ("package p\nx := 1 # `\n# METADATA\n# title: x", &[(3, 4, " title: x\n")]),
            ("package p\n# METADATA", &[(2, 2, "")]),
            (
                "# METADATA\n# on: 2025-07-01\n# q: '2025-07-01'\npackage p",
                &[(1, 3, " on: 2025-07-01T00:00:00Z\n q: '2025-07-01'\n")],
            ),
            (
                "# METADATA\n# d: |\n#   on: 2025-07-01\n# on: 2025-07-01\npackage p",
                &[(1, 4, " d: |\n   on: 2025-07-01\n on: 2025-07-01T00:00:00Z\n")],
            ),
        ] {
            let want: Vec<_> = want.iter().map(|(first, last, yaml)| (*first, *last, (*yaml).to_owned())).collect();
            assert_eq!(places(text), want, "{text:?}");
        }
    }

    /// `rego.metadata.chain()` in the first rule of the first file.
    fn chain(texts: &[&str]) -> String {
        let sources: Vec<_> = texts.iter().map(|text| Source::new("t.rego".into(), (*text).into())).collect();
        let modules: Vec<_> = sources.iter().map(|source| parse(source, 0, false).ok().unwrap()).collect();
        let all = modules.iter().zip(&sources);
        let metadata: Vec<_> = all.map(|(module, source)| metadata(module, source)).collect();
        serde_json::to_string(&Annotations::read(&modules, &sources, &metadata, &mut Vec::new()).chain(0, 0)).unwrap()
    }

    #[test]
    fn a_chain_goes_from_the_rule_up_to_the_packages_around_it() {
        let own = r#"{"path":["a","b","p"]}"#;
        for (texts, want) in [
            (&["package a.b\np := 1"][..], format!("[{own}]")),
            (
                &["package a.b\np := 1", "# METADATA\n# title: other\npackage a.b"],
                format!(r#"[{own},{{"annotations":{{"scope":"package","title":"other"}},"path":["a","b"]}}]"#),
            ),
            (
                &["package a.b\np := 1", "# METADATA\n# scope: subpackages\n# title: up\npackage a"],
                format!(r#"[{own},{{"annotations":{{"scope":"subpackages","title":"up"}},"path":["a"]}}]"#),
            ),
            (
                &["package a.b\n\n# METADATA\n# entrypoint: true\np := 1"],
                format!(r#"[{own},{{"annotations":{{"entrypoint":true,"scope":"document"}},"path":["a","b","p"]}}]"#),
            ),
            (
                &["package a.b\n\n# METADATA\n# title: t\n# nope: x\n# authors: [Jo <j@x>, <m@x>]\n# schemas:\n# - input: s.x\n# - data.y: {type: boolean}\np := 1"],
                [
                    r#"[{"annotations":{"authors":[{"email":"j@x","name":"Jo"},{"email":"m@x"}],"#,
                    r#""schemas":[{"path":["input"],"schema":["s","x"]},{"definition":{"type":"boolean"},"path":["data","y"]}],"#,
                    r#""scope":"rule","title":"t"},"path":["a","b","p"]}]"#,
                ]
                .concat(),
            ),
        ] {
            assert_eq!(chain(texts), want, "{texts:?}");
        }
    }
}
