//! The syntax tree of a module as `rego.parse_module` gives it: OPA's JSON of its own tree, without places.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regorus::Value;
use serde_json::{Value as Json, json};

use super::ast::{Call, Comprehension, Import, Literal, LiteralKind, Module, Name, Part, Rule, Term, TermKind};
use super::parse::parse;
use super::span::Source;

/// The tree of the text of a module; none for a text that is no module.
pub(crate) fn module_syntax(file: &str, text: &str) -> Option<Json> {
    let source = Source::new(file.to_owned(), text.to_owned());
    let module = parse(&source, 0, false).ok()?;
    Some(Writer { source: &source, wildcards: wildcards(&module) }.module(&module))
}

struct Writer<'a> {
    source: &'a Source,
    /// Where each `_` stands, in order: each is a variable of its own.
    wildcards: BTreeMap<u32, usize>,
}

fn typed(kind: &str, value: impl Into<Json>) -> Json {
    json!({"type": kind, "value": value.into()})
}

fn scalar(value: &Value) -> Json {
    match value {
        Value::Null => typed("null", json!({})),
        Value::Bool(value) => typed("boolean", *value),
        Value::String(text) => typed("string", &**text),
        other => typed("number", serde_json::to_value(other).unwrap_or_default()),
    }
}

/// A dotted name as a reference.
fn name_ref(name: &[Name]) -> Json {
    let parts: Vec<_> =
        name.iter().enumerate().map(|(at, part)| typed(if at == 0 { "var" } else { "string" }, &**part)).collect();
    typed("ref", parts)
}

fn import(import: &Import) -> Json {
    let mut json = json!({"path": name_ref(&import.path)});
    if let Some(alias) = &import.alias {
        json["alias"] = (**alias).into();
    }
    json
}

impl Writer<'_> {
    fn module(&self, module: &Module) -> Json {
        let mut path = vec![Name::from("data")];
        path.extend(module.package.iter().cloned());
        let path = name_ref(&path).get("value").cloned();
        let mut json = json!({"package": {"path": path}});
        let mut imports: Vec<_> = module.imports.iter().chain(&module.language_imports).collect();
        imports.sort_by_key(|import| import.span.start);
        if !imports.is_empty() {
            json["imports"] = imports.into_iter().map(import).collect();
        }
        if !module.rules.is_empty() {
            json["rules"] = module.rules.iter().map(|rule| self.rule(rule, 0)).collect();
        }
        if !module.comments.is_empty() {
            let one = |span: &super::span::Span| {
                let text = self.source.slice(*span);
                let (row, col) = self.source.line_column(span.start);
                let text = STANDARD.encode(text.strip_prefix('#').unwrap_or(text));
                json!({"Text": text, "Location": {"file": self.source.name, "row": row, "col": col}})
            };
            json["comments"] = module.comments.iter().map(one).collect();
        }
        json
    }

    /// A rule from one of its branches on; the next one is its `else`.
    fn rule(&self, rule: &Rule, at: usize) -> Json {
        let head = &rule.head;
        let branch = rule.bodies.get(at);
        let value = branch.and_then(|branch| branch.value.as_ref());
        let mut parts = vec![typed("var", &*head.name)];
        parts.extend(head.path.iter().map(|term| self.term(term)));
        let mut json = json!({"ref": parts});
        let key = match (&head.key, head.path.as_slice()) {
            (Some(key), _) => Some(key),
            (None, [key]) if value.is_some() || !matches!(key.kind, TermKind::Scalar(Value::String(_))) => Some(key),
            _ => None,
        };
        if head.path.is_empty() || (head.path.len() == 1 && head.key.is_none() && value.is_some()) {
            json["name"] = (*head.name).into();
        }
        if let Some(key) = key {
            json["key"] = self.term(key);
        }
        if let Some(args) = head.args.as_ref().filter(|args| !args.is_empty()) {
            json["args"] = args.iter().map(|arg| self.term(arg)).collect();
        }
        match value {
            Some(value) => json["value"] = self.term(value),
            None if head.key.is_none() => json["value"] = typed("boolean", true),
            None => {}
        }
        if branch.is_some_and(|branch| branch.assigned) {
            json["assign"] = true.into();
        }
        let mut json = json!({"head": json, "body": self.body(branch.map_or(&[], |branch| &branch.body))});
        if rule.default {
            json["default"] = true.into();
        }
        if at + 1 < rule.bodies.len() {
            json["else"] = self.rule(rule, at + 1);
        }
        json
    }

    fn body(&self, body: &[Literal]) -> Json {
        if body.is_empty() {
            return json!([{"index": 0, "terms": typed("boolean", true)}]);
        }
        body.iter().enumerate().map(|(at, literal)| self.literal(at, literal)).collect()
    }

    fn literal(&self, at: usize, literal: &Literal) -> Json {
        let mut json = json!({ "index": at });
        match &literal.kind {
            LiteralKind::Expr(term) => json["terms"] = self.terms(term),
            LiteralKind::Not(term) => {
                json["negated"] = true.into();
                json["terms"] = self.terms(term);
            }
            LiteralKind::Some(names) => {
                let symbols: Vec<_> = names.iter().map(|(name, _)| typed("var", &**name)).collect();
                json["terms"] = json!({"symbols": symbols});
            }
            LiteralKind::SomeIn { key, value, domain } => {
                let name = if key.is_some() { "member_3" } else { "member_2" };
                let mut call = vec![name_ref(&["internal".into(), name.into()])];
                call.extend(key.iter().chain([value, domain]).map(|term| self.term(term)));
                json["terms"] = json!({"symbols": [typed("call", call)]});
            }
            LiteralKind::Every { key, value, domain, body } => {
                let key = key.as_ref().map(|key| self.term(key));
                json["terms"] = json!({
                    "key": key, "value": self.term(value), "domain": self.term(domain), "body": self.body(body),
                });
            }
        }
        if !literal.with.is_empty() {
            let one = |with: &super::ast::With| {
                let target = match &with.target.kind {
                    TermKind::Var(name) => name_ref(std::slice::from_ref(name)),
                    _ => self.term(&with.target),
                };
                json!({"target": target, "value": self.term(&with.value)})
            };
            json["with"] = literal.with.iter().map(one).collect();
        }
        json
    }

    /// The terms of an expression: of a call those of the call, otherwise one.
    fn terms(&self, term: &Term) -> Json {
        match &term.kind {
            TermKind::Call(call) => self.call(call).into(),
            _ => self.term(term),
        }
    }

    fn call(&self, call: &Call) -> Vec<Json> {
        let name: Vec<Name> = match call.name.as_slice() {
            // An operator's name has a dot.
            [one] => one.split('.').map(Name::from).collect(),
            several => several.to_vec(),
        };
        let mut terms = vec![name_ref(&name)];
        terms.extend(call.args.iter().map(|arg| self.term(arg)));
        terms
    }

    fn all(&self, terms: &[Term]) -> Json {
        terms.iter().map(|term| self.term(term)).collect()
    }

    fn term(&self, term: &Term) -> Json {
        match &term.kind {
            TermKind::Scalar(value) => scalar(value),
            TermKind::Var(name) => match self.wildcards.get(&term.span.start) {
                Some(at) if &**name == "_" => typed("var", format!("${at}")),
                _ if matches!(&**name, "input" | "data") => name_ref(std::slice::from_ref(name)),
                _ => typed("var", &**name),
            },
            TermKind::Ref(reference) => {
                let head = match &reference.head.kind {
                    TermKind::Var(name) if &**name != "_" => typed("var", &**name),
                    _ => self.term(&reference.head),
                };
                let parts: Vec<_> =
                    std::iter::once(head).chain(reference.path.iter().map(|part| self.term(part))).collect();
                typed("ref", parts)
            }
            TermKind::Array(items) => typed("array", self.all(items)),
            TermKind::Set(items) => typed("set", self.all(&in_order(items, |item| item))),
            TermKind::Object(items) => {
                let pair = |(key, value): &(Term, Term)| json!([self.term(key), self.term(value)]);
                typed("object", in_order(items, |(key, _)| key).iter().map(pair).collect::<Json>())
            }
            TermKind::Call(call) => typed("call", self.call(call)),
            TermKind::ArrayOf(of) => typed("arraycomprehension", self.comprehension(of)),
            TermKind::SetOf(of) => typed("setcomprehension", self.comprehension(of)),
            TermKind::ObjectOf(of) => typed("objectcomprehension", self.comprehension(of)),
            TermKind::Template(parts) => {
                let is_raw = self.source.slice(term.span).starts_with("$`");
                let parts: Vec<_> = parts.iter().map(|part| self.part(part)).collect();
                typed("templatestring", json!({"parts": parts, "multi_line": is_raw}))
            }
        }
    }

    fn part(&self, part: &Part) -> Json {
        match part {
            Part::Text(text) => typed("string", &**text),
            Part::Expr(literal) => match &literal.kind {
                LiteralKind::Expr(Term { kind: TermKind::Scalar(value), .. }) if literal.with.is_empty() => {
                    scalar(value)
                }
                _ => self.literal(0, literal),
            },
        }
    }

    fn comprehension(&self, of: &Comprehension) -> Json {
        let mut json = json!({"body": self.body(&of.body)});
        match &of.key {
            Some(key) => {
                json["key"] = self.term(key);
                json["value"] = self.term(&of.value);
            }
            None => json["term"] = self.term(&of.value),
        }
        json
    }
}

/// Elements or keys in OPA's order where they are scalars, otherwise as they were written; each once.
fn in_order<T: Clone>(items: &[T], key: impl Fn(&T) -> &Term) -> Vec<T> {
    let value = |item: &T| match &key(item).kind {
        TermKind::Scalar(value) => Some(value.clone()),
        _ => None,
    };
    let Some(values) = items.iter().map(value).collect::<Option<Vec<_>>>() else { return items.to_vec() };
    let sorted: BTreeMap<_, _> = values.into_iter().zip(items).collect();
    sorted.into_values().cloned().collect()
}

/// The places of all `_` in the order of the text.
fn wildcards(module: &Module) -> BTreeMap<u32, usize> {
    let mut found = Vec::new();
    for rule in &module.rules {
        let heads = rule.head.path.iter().chain(rule.head.args.iter().flatten()).chain(&rule.head.key);
        heads.for_each(|term| in_term(term, &mut found));
        for branch in &rule.bodies {
            branch.value.iter().for_each(|term| in_term(term, &mut found));
            branch.body.iter().for_each(|literal| in_literal(literal, &mut found));
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().enumerate().map(|(at, place)| (place, at)).collect()
}

fn in_literal(literal: &Literal, found: &mut Vec<u32>) {
    match &literal.kind {
        LiteralKind::Expr(term) | LiteralKind::Not(term) => in_term(term, found),
        LiteralKind::Some(_) => {}
        LiteralKind::SomeIn { key, value, domain } => {
            key.iter().chain([value, domain]).for_each(|term| in_term(term, found));
        }
        LiteralKind::Every { key, value, domain, body } => {
            key.iter().chain([value, domain]).for_each(|term| in_term(term, found));
            body.iter().for_each(|literal| in_literal(literal, found));
        }
    }
    for with in &literal.with {
        in_term(&with.target, found);
        in_term(&with.value, found);
    }
}

fn in_term(term: &Term, found: &mut Vec<u32>) {
    match &term.kind {
        TermKind::Scalar(_) => {}
        TermKind::Var(name) => found.extend((&**name == "_").then_some(term.span.start)),
        TermKind::Ref(reference) => {
            in_term(&reference.head, found);
            reference.path.iter().for_each(|part| in_term(part, found));
        }
        TermKind::Array(items) | TermKind::Set(items) => items.iter().for_each(|item| in_term(item, found)),
        TermKind::Object(items) => {
            for (key, value) in items {
                in_term(key, found);
                in_term(value, found);
            }
        }
        TermKind::Call(call) => call.args.iter().for_each(|arg| in_term(arg, found)),
        TermKind::ArrayOf(of) | TermKind::SetOf(of) | TermKind::ObjectOf(of) => {
            of.key.iter().chain([&of.value]).for_each(|term| in_term(term, found));
            of.body.iter().for_each(|literal| in_literal(literal, found));
        }
        TermKind::Template(parts) => {
            for part in parts {
                if let Part::Expr(literal) = part {
                    in_literal(literal, found);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head and the body of the first rule.
    fn rule(text: &str) -> (String, String) {
        let module = module_syntax("t.rego", &format!("package a\n{text}")).unwrap();
        let rule = &module["rules"][0];
        (rule["head"].to_string(), rule["body"].to_string())
    }

    #[test]
    fn a_module_is_a_package_imports_rules_and_comments() {
        let module = module_syntax("t.rego", "package a.b\nimport data.x as y\nimport rego.v1\n# c\n").unwrap();
        let want = json!({
            "package": {"path": [typed("var", "data"), typed("string", "a"), typed("string", "b")]},
            "imports": [
                {"path": typed("ref", vec![typed("var", "data"), typed("string", "x")]), "alias": "y"},
                {"path": typed("ref", vec![typed("var", "rego"), typed("string", "v1")])},
            ],
            "comments": [{"Text": "IGM=", "Location": {"file": "t.rego", "row": 4, "col": 1}}],
        });
        assert_eq!(module, want);
        assert_eq!(module_syntax("t.rego", "package a\nx := ]"), None);
    }

    #[test]
    fn heads_have_names_and_keys_as_in_opa() {
        let part = |kind: &str, value: Json| json!({"type": kind, "value": value});
        for (text, name, key, assigned) in [
            ("p := 1", true, None, true),
            ("p = 1", true, None, false),
            ("p.q := 1", true, Some(part("string", json!("q"))), true),
            ("p[x] if x := 1", false, Some(part("var", json!("x"))), false),
            ("p.q if true", false, None, false),
            ("p.q contains 2", false, Some(part("number", json!(2))), false),
            ("p contains 2", true, Some(part("number", json!(2))), false),
            ("p.q.r := 1", false, None, true),
        ] {
            let head: Json = serde_json::from_str(&rule(text).0).unwrap();
            let got = (head.get("name").is_some(), head.get("key").cloned(), head.get("assign").is_some());
            assert_eq!(got, (name, key, assigned), "{text}");
        }
    }

    #[test]
    fn each_wildcard_is_a_variable_and_sets_are_in_order() {
        let (head, body) = rule("p := {3, 1, 2} if input.a[_][_].b > 1");
        assert!(
            head.contains(r#"[{"type":"number","value":1},{"type":"number","value":2},{"type":"number","value":3}]"#)
        );
        assert!(body.contains(r#"{"type":"var","value":"$0"},{"type":"var","value":"$1"}"#), "{body}");
        assert!(body.contains(r#"{"type":"ref","value":[{"type":"var","value":"gt"}]}"#), "{body}");
    }
}
