//! `strings.render_template`: Go's `text/template` over a document. What is not there is shown as `<undefined>`.
//!
//! [`template_text`](super::template_text) reads the text. As in OPA a number of the document is its digits: it is shown
//! and compared as a text, while numbers of the template are numbers.

use std::collections::BTreeMap;

use regorus::Value;

use super::errors::BuiltinError;
use super::operands::{list, object, string, text, too_long};
use super::template_text::{Node, Pipe, Templates, Term, Word, parse};
use super::term::number_text;
use super::types::{DOCUMENT, Type};
use super::{Builtin, Outcome, builtin, limits, lookup};

pub(super) const TABLE: &[Builtin] = &[
    builtin!("strings.render_template"(template: Type::String, variables: DOCUMENT) -> Type::String => scoped render_template),
];

/// Steps of one template: loops within loops over a large document.
const STEPS: usize = 4_000_000;

/// Templates within templates, some of which may call themselves.
const DEPTH: usize = 200;

/// A value while a template runs.
#[derive(Clone, Debug)]
enum Item {
    Missing,
    /// Of the document.
    Value(Value),
    Int(i64),
    Float(f64),
}

/// How a list of nodes ended.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Run<'t, 'q, 's> {
    scope: &'s mut super::Scope<'q>,
    templates: &'t Templates,
    out: String,
    vars: Vec<(String, Item)>,
    steps: usize,
    depth: usize,
}

fn failed(message: impl std::fmt::Display) -> BuiltinError {
    BuiltinError::failed(format!("template: template:1: {message}"))
}

fn render_template(scope: &mut super::Scope<'_>, template: &Value, variables: &Value) -> Outcome {
    let templates = parse(string(template, 1)?).map_err(failed)?;
    object(variables, 2)?;
    let root = Item::Value(variables.clone());
    let vars = vec![(String::new(), root.clone())];
    let mut run = Run { scope, templates: &templates, out: String::new(), vars, steps: 0, depth: 0 };
    let nodes = templates.get("").map(Vec::as_slice).unwrap_or_default();
    run.nodes(nodes, &root)?;
    text(run.out)
}

impl Item {
    /// Whether `if` takes it for true: numbers of the document are strings, and never empty.
    fn holds(&self) -> bool {
        match self {
            Self::Missing => false,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Value(value) => match value {
                Value::Null | Value::Undefined => false,
                Value::Bool(flag) => *flag,
                Value::Number(_) => true,
                Value::String(text) => !text.is_empty(),
                Value::Array(all) => !all.is_empty(),
                Value::Set(all) => !all.is_empty(),
                Value::Object(all) => !all.is_empty(),
            },
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Missing | Self::Value(Value::Null | Value::Undefined) => "<undefined>".to_owned(),
            Self::Value(value) => shown(value),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => assay_gocompat::float::json_text(*number),
        }
    }

    /// What functions of Rego take.
    fn into_value(self) -> Value {
        match self {
            Self::Missing => Value::Null,
            Self::Value(value @ Value::Number(_)) => Value::from(number_text(&value)),
            Self::Value(value @ (Value::Array(_) | Value::Object(_) | Value::Set(_))) => Value::from(shown(&value)),
            Self::Value(value) => value,
            Self::Int(number) => Value::from(number),
            Self::Float(number) => Value::from(number),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Missing | Self::Value(Value::Null | Value::Undefined) => "nil",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Value(Value::Bool(_)) => "bool",
            Self::Value(Value::Number(_)) => "json.Number",
            Self::Value(Value::String(_)) => "string",
            Self::Value(Value::Array(_) | Value::Set(_)) => "[]interface {}",
            Self::Value(Value::Object(_)) => "map[string]interface {}",
        }
    }

    /// Its characters, if it is a string or a number of the document.
    fn characters(&self) -> Option<String> {
        match self {
            Self::Value(Value::String(text)) => Some(text.to_string()),
            Self::Value(number @ Value::Number(_)) => Some(number_text(number)),
            _ => None,
        }
    }
}

/// As Go's `%v` shows it.
fn shown(value: &Value) -> String {
    let joined = |all: Vec<String>| all.join(" ");
    match value {
        Value::Null | Value::Undefined => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(_) => number_text(value),
        Value::String(text) => text.to_string(),
        Value::Array(all) => format!("[{}]", joined(all.iter().map(shown).collect())),
        Value::Set(all) => format!("[{}]", joined(all.iter().map(shown).collect())),
        Value::Object(all) => {
            format!(
                "map[{}]",
                joined(all.iter().map(|(key, value)| format!("{}:{}", shown(key), shown(value))).collect())
            )
        }
    }
}

impl Run<'_, '_, '_> {
    fn step(&mut self) -> Result<(), BuiltinError> {
        self.steps += 1;
        if self.steps > STEPS {
            return Err(BuiltinError::limit("the template takes too many steps"));
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<(), BuiltinError> {
        if self.out.len() + text.len() > limits::TEXT_BYTES {
            return Err(too_long());
        }
        self.out.push_str(text);
        Ok(())
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Item) -> Result<Flow, BuiltinError> {
        let vars = self.vars.len();
        let mut flow = Flow::On;
        for node in nodes {
            self.step()?;
            match node {
                Node::Text(text) => self.write(text)?,
                Node::Show(pipe) => {
                    let item = self.pipe(pipe, dot)?;
                    if pipe.vars.is_empty() {
                        self.write(&item.shown())?;
                    }
                }
                Node::Branch(word, pipe, then, otherwise) => flow = self.branch(*word, pipe, then, otherwise, dot)?,
                Node::Call(name, argument) => self.call(name, argument.as_ref(), dot)?,
                Node::Break => flow = Flow::Break,
                Node::Continue => flow = Flow::Continue,
            }
            if flow != Flow::On {
                break;
            }
        }
        self.vars.truncate(vars);
        Ok(flow)
    }

    fn call(&mut self, name: &str, argument: Option<&Pipe>, dot: &Item) -> Result<(), BuiltinError> {
        let templates = self.templates;
        let nodes = templates.get(name).ok_or_else(|| failed(format!("template {name:?} not defined")))?;
        let dot = argument.map_or(Ok(Item::Missing), |pipe| self.pipe(pipe, dot))?;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(BuiltinError::limit("the template calls itself without end"));
        }
        let outer = std::mem::replace(&mut self.vars, vec![(String::new(), dot.clone())]);
        self.nodes(nodes, &dot)?;
        self.vars = outer;
        self.depth -= 1;
        Ok(())
    }

    fn branch(
        &mut self,
        word: Word,
        pipe: &Pipe,
        then: &[Node],
        otherwise: &[Node],
        dot: &Item,
    ) -> Result<Flow, BuiltinError> {
        let vars = self.vars.len();
        let flow = match word {
            Word::If | Word::With => {
                let item = self.pipe(pipe, dot)?;
                let inner = if word == Word::With { &item } else { dot };
                if item.holds() { self.nodes(then, inner)? } else { self.nodes(otherwise, dot)? }
            }
            Word::Range => {
                let (names, value) = (&pipe.vars, self.value(&pipe.commands, dot)?);
                let pairs = pairs(&value)?;
                if pairs.is_empty() { self.nodes(otherwise, dot)? } else { self.range(names, pairs, then)? }
            }
        };
        self.vars.truncate(vars);
        Ok(flow)
    }

    fn range(&mut self, names: &[String], pairs: Vec<(Item, Item)>, then: &[Node]) -> Result<Flow, BuiltinError> {
        for (key, value) in pairs {
            self.step()?;
            let vars = self.vars.len();
            match names {
                [one] => self.vars.push((one.clone(), value.clone())),
                [first, second] => {
                    self.vars.push((first.clone(), key));
                    self.vars.push((second.clone(), value.clone()));
                }
                _ => {}
            }
            let flow = self.nodes(then, &value)?;
            self.vars.truncate(vars);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Item) -> Result<Item, BuiltinError> {
        let item = self.value(&pipe.commands, dot)?;
        for name in &pipe.vars {
            let known = self.vars.iter_mut().rev().find(|(known, _)| known == name);
            match known {
                Some((_, value)) if !pipe.declares => *value = item.clone(),
                None if !pipe.declares => return Err(failed(format!("undefined variable \"${name}\""))),
                _ => self.vars.push((name.clone(), item.clone())),
            }
        }
        Ok(item)
    }

    fn value(&mut self, commands: &[Vec<Term>], dot: &Item) -> Result<Item, BuiltinError> {
        let mut last = None;
        for command in commands {
            self.step()?;
            let Some((first, rest)) = command.split_first() else { continue };
            let mut args = Vec::with_capacity(rest.len() + 1);
            for term in rest {
                args.push(self.term(term, dot)?);
            }
            args.extend(last.take());
            last = Some(match first {
                Term::Function(name) => self.function(name, &args)?,
                _ if !args.is_empty() => return Err(failed("can't give argument to non-function")),
                other => self.term(other, dot)?,
            });
        }
        Ok(last.unwrap_or(Item::Missing))
    }

    fn term(&mut self, term: &Term, dot: &Item) -> Result<Item, BuiltinError> {
        Ok(match term {
            Term::Dot(path) => field(dot.clone(), path)?,
            Term::Var(name, path) => {
                let known = self.vars.iter().rev().find(|(known, _)| known == name);
                let (_, item) = known.ok_or_else(|| failed(format!("undefined variable \"${name}\"")))?;
                field(item.clone(), path)?
            }
            Term::Pipe(pipe, path) => field(self.pipe(pipe, dot)?, path)?,
            Term::Text(text) => Item::Value(Value::from(text.as_str())),
            Term::Int(number) => Item::Int(*number),
            Term::Float(number) => Item::Float(*number),
            Term::Bool(flag) => Item::Value(Value::from(*flag)),
            Term::Nil => Item::Missing,
            Term::Function(name) => self.function(name, &[])?,
        })
    }

    fn function(&mut self, name: &str, args: &[Item]) -> Result<Item, BuiltinError> {
        let wrong = |message: String| failed(format!("error calling {name}: {message}"));
        let shown = |args: &[Item]| args.iter().map(Item::shown).collect::<Vec<_>>();
        let flag = |flag: bool| Item::Value(Value::from(flag));
        Ok(match (name, args) {
            ("and", [.., last]) => args.iter().find(|item| !item.holds()).unwrap_or(last).clone(),
            ("or", [.., last]) => args.iter().find(|item| item.holds()).unwrap_or(last).clone(),
            ("not", [one]) => flag(!one.holds()),
            ("len", [one]) => match one {
                Item::Value(Value::Array(all)) => Item::Int(i64::try_from(all.len()).unwrap_or(i64::MAX)),
                Item::Value(Value::Object(all)) => Item::Int(i64::try_from(all.len()).unwrap_or(i64::MAX)),
                other => {
                    let text = other.characters().ok_or_else(|| wrong(format!("len of type {}", other.kind())))?;
                    Item::Int(i64::try_from(text.len()).unwrap_or(i64::MAX))
                }
            },
            ("index", [first, rest @ ..]) => {
                let step = |at: Item, key: &Item| index(&at, key).map_err(wrong);
                rest.iter().try_fold(first.clone(), step)?
            }
            ("slice", [first, rest @ ..]) => slice(first, rest).map_err(wrong)?,
            ("print", all) => Item::Value(Value::from(printed(all))),
            ("println", all) => Item::Value(Value::from(format!("{}\n", shown(all).join(" ")))),
            ("printf", [format, rest @ ..]) => {
                let format = Value::from(format.shown());
                let values = list(rest.iter().cloned().map(Item::into_value));
                let sprintf = lookup("sprintf").ok_or_else(|| wrong("no sprintf".to_owned()))?;
                sprintf.run(self.scope, &[format, values])?.map_or(Item::Missing, Item::Value)
            }
            ("html", all) => Item::Value(Value::from(escaped_html(&shown(all).join("")))),
            ("js", all) => Item::Value(Value::from(escaped_js(&shown(all).join("")))),
            ("urlquery", all) => Item::Value(Value::from(escaped_query(&shown(all).join("")))),
            ("eq", [first, rest @ ..]) if !rest.is_empty() => {
                let mut any = false;
                for other in rest {
                    any |= order(first, other, true).map_err(wrong)? == std::cmp::Ordering::Equal;
                }
                flag(any)
            }
            ("ne", [one, other]) => flag(order(one, other, true).map_err(wrong)?.is_ne()),
            ("lt", [one, other]) => flag(order(one, other, false).map_err(wrong)?.is_lt()),
            ("le", [one, other]) => flag(order(one, other, false).map_err(wrong)?.is_le()),
            ("gt", [one, other]) => flag(order(one, other, false).map_err(wrong)?.is_gt()),
            ("ge", [one, other]) => flag(order(one, other, false).map_err(wrong)?.is_ge()),
            ("call", [one, ..]) => return Err(wrong(format!("non-function of type {}", one.kind()))),
            (
                "and" | "or" | "not" | "len" | "index" | "slice" | "printf" | "eq" | "ne" | "lt" | "le" | "gt" | "ge"
                | "call",
                _,
            ) => {
                return Err(failed(format!("wrong number of args for {name}: got {}", args.len())));
            }
            _ => return Err(failed(format!("function {name:?} not defined"))),
        })
    }
}

/// What a path of names leads to.
fn field(item: Item, path: &[String]) -> Result<Item, BuiltinError> {
    let mut item = item;
    for name in path {
        item = match item {
            Item::Missing | Item::Value(Value::Null | Value::Undefined) => Item::Missing,
            Item::Value(Value::Object(all)) => {
                all.get(&Value::from(name.as_str())).cloned().map_or(Item::Missing, Item::Value)
            }
            _ => return Err(failed(format!("can't evaluate field {name} in type interface {{}}"))),
        };
    }
    Ok(item)
}

/// What `range` goes through, with its keys.
fn pairs(item: &Item) -> Result<Vec<(Item, Item)>, BuiltinError> {
    let numbered =
        |(at, value): (usize, &Value)| (Item::Int(i64::try_from(at).unwrap_or(i64::MAX)), Item::Value(value.clone()));
    Ok(match item {
        Item::Missing | Item::Value(Value::Null | Value::Undefined) => Vec::new(),
        Item::Value(Value::Array(all)) => all.iter().enumerate().map(numbered).collect(),
        Item::Value(Value::Set(all)) => all.iter().enumerate().map(numbered).collect(),
        Item::Value(Value::Object(all)) => {
            all.iter().map(|(key, value)| (Item::Value(key.clone()), Item::Value(value.clone()))).collect()
        }
        Item::Int(count) => {
            let count = usize::try_from(*count).unwrap_or(0).min(limits::RANGE_NUMBERS);
            (0..i64::try_from(count).unwrap_or(0)).map(|at| (Item::Int(at), Item::Int(at))).collect()
        }
        other => return Err(failed(format!("range can't iterate over {}", other.shown()))),
    })
}

fn place(key: &Item, length: usize) -> Result<usize, String> {
    let Item::Int(at) = key else { return Err(format!("cannot index slice/array with type {}", key.kind())) };
    usize::try_from(*at).ok().filter(|at| *at < length).ok_or_else(|| format!("index out of range: {at}"))
}

fn index(item: &Item, key: &Item) -> Result<Item, String> {
    match item {
        Item::Value(Value::Array(all)) => {
            Ok(all.get(place(key, all.len())?).cloned().map_or(Item::Missing, Item::Value))
        }
        Item::Value(Value::Object(all)) => {
            let key = key.characters().ok_or_else(|| format!("value has type {}; should be string", key.kind()))?;
            Ok(all.get(&Value::from(key)).cloned().map_or(Item::Missing, Item::Value))
        }
        Item::Missing => Err("index of untyped nil".to_owned()),
        other => match other.characters() {
            Some(text) => {
                let byte = text.as_bytes().get(place(key, text.len())?).copied().unwrap_or(0);
                Ok(Item::Int(i64::from(byte)))
            }
            None => Err(format!("can't index item of type {}", other.kind())),
        },
    }
}

fn slice(item: &Item, bounds: &[Item]) -> Result<Item, String> {
    let length = match (item, item.characters()) {
        (Item::Value(Value::Array(all)), _) => all.len(),
        (_, Some(text)) => text.len(),
        _ => return Err(format!("can't slice item of type {}", item.kind())),
    };
    let from = bounds.first().map_or(Ok(0), |key| place(key, length + 1))?;
    let to = bounds.get(1).map_or(Ok(length), |key| place(key, length + 1))?;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    Ok(match (item, item.characters()) {
        (Item::Value(Value::Array(all)), _) => {
            Item::Value(all.iter().skip(from).take(to - from).cloned().collect::<Vec<_>>().into())
        }
        (_, Some(text)) => {
            let part = text.as_bytes().get(from..to).unwrap_or_default();
            Item::Value(Value::from(String::from_utf8_lossy(part).into_owned()))
        }
        _ => Item::Missing,
    })
}

/// Which comes first. Only what is of one basic kind can be compared; for equality also what is nothing.
fn order(one: &Item, other: &Item, equality: bool) -> Result<std::cmp::Ordering, String> {
    use std::cmp::Ordering;
    let same = |is: bool| if is { Ordering::Equal } else { Ordering::Less };
    match (one, other) {
        (Item::Int(one), Item::Int(other)) => Ok(one.cmp(other)),
        (Item::Float(one), Item::Float(other)) => Ok(one.total_cmp(other)),
        (Item::Value(Value::Bool(one)), Item::Value(Value::Bool(other))) if equality => Ok(same(one == other)),
        _ if equality && (one.kind() == "nil" || other.kind() == "nil") => Ok(same(one.kind() == other.kind())),
        _ => match (one.characters(), other.characters()) {
            (Some(one), Some(other)) => Ok(one.cmp(&other)),
            _ => Err(format!("incompatible types for comparison: {} and {}", one.kind(), other.kind())),
        },
    }
}

/// As Go's `Sprint`: a space between two operands that are not strings.
fn printed(items: &[Item]) -> String {
    let is_text = |item: &Item| matches!(item, Item::Value(Value::String(_)));
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| items.get(at));
        if before.is_some_and(|before| !is_text(before)) && !is_text(item) {
            out.push(' ');
        }
        out.push_str(&item.shown());
    }
    out
}

fn replaced(text: &str, table: &BTreeMap<char, &str>) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match table.get(&character) {
            Some(other) => out.push_str(other),
            None => out.push(character),
        }
    }
    out
}

fn escaped_html(text: &str) -> String {
    let table = [('<', "&lt;"), ('>', "&gt;"), ('&', "&amp;"), ('"', "&#34;"), ('\'', "&#39;"), ('\0', "\u{FFFD}")];
    replaced(text, &BTreeMap::from(table))
}

fn escaped_js(text: &str) -> String {
    let table = [
        ('\\', "\\\\"),
        ('\'', "\\'"),
        ('"', "\\\""),
        ('<', "\\u003C"),
        ('>', "\\u003E"),
        ('&', "\\u0026"),
        ('=', "\\u003D"),
        ('\n', "\\u000A"),
        ('\r', "\\u000D"),
        ('\t', "\\u0009"),
    ];
    replaced(text, &BTreeMap::from(table))
}

fn escaped_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::NoHost;

    fn rendered(template: &str) -> Result<String, String> {
        let document = r#"{"n": 1, "s": "a<b", "l": [1, "x", [2]], "m": {"a": 1, "b": {"c": "d"}}, "t": true, "z": false, "e": []}"#;
        let mut caches = super::super::Caches::default();
        let mut scope = super::super::Scope { now_ns: 0, seed: 0, caches: &mut caches, host: &NoHost, copied: 0 };
        let document = Value::from_json_str(document).unwrap();
        match render_template(&mut scope, &Value::from(template), &document) {
            Ok(Some(Value::String(text))) => Ok(text.to_string()),
            other => Err(other.map_err(|error| error.message).unwrap_err()),
        }
    }

    #[test]
    fn templates_are_gos() {
        for (template, want) in [
            ("{{.n}} {{.s}} {{.t}} {{.nope}}", "1 a<b true <undefined>"),
            ("{{.l}} {{.m}}", "[1 x [2]] map[a:1 b:map[c:d]]"),
            ("{{if .z}}a{{else if .t}}b{{else}}c{{end}}", "b"),
            ("{{range $k, $v := .m}}{{$k}}={{$v}};{{end}}", "a=1;b=map[c:d];"),
            ("{{range .e}}x{{else}}none{{end}}", "none"),
            ("{{range $i, $x := .l}}{{if $i}},{{end}}{{$x}}{{end}}", "1,x,[2]"),
            ("{{with .m.b}}{{.c}}{{end}}{{with .nope}}x{{else}}y{{end}}", "dy"),
            ("{{len .l}} {{index .l 2 0}} {{index .m \"a\"}} {{slice .s 1 2}}", "3 2 1 <"),
            ("{{printf \"%s-%v-%d\" .s .n 5}} {{.s | printf \"%q\"}}", "a<b-1-5 \"a<b\""),
            ("{{eq .n \"1\"}} {{ne .s \"q\"}} {{lt 1 2}} {{not .z}} {{and .t .s}}", "true true true true a<b"),
            ("{{html .s}} {{js .s}} {{urlquery .s}}", "a&lt;b a\\u003Cb a%3Cb"),
            ("{{ .s -}}   x  {{- .n }}{{/* c */}}", "a<bx1"),
            ("{{$x := .n}}{{$x}}{{$x = 2}}{{$x}} {{$.n}}", "12 1"),
            ("{{define \"T\"}}hi {{.}}{{end}}{{template \"T\" .s}}{{block \"B\" .m}}{{.a}}{{end}}", "hi a<b1"),
            ("{{range .l}}{{if eq . \"x\"}}{{break}}{{end}}{{.}}{{end}}{{range 3}}{{.}}{{end}}", "1012"),
            ("{{print 1 \"a\" 2 3}} {{(index .l 2)}} {{(.m).a}} {{'a'}} {{`r`}}", "1a2 3 [2] 1 97 r"),
        ] {
            assert_eq!(rendered(template), Ok(want.to_owned()), "{template}");
        }
    }

    #[test]
    fn a_template_that_makes_no_sense_is_an_error() {
        for (template, says) in [
            ("{{.s", "unclosed action"),
            ("{{end}}", "unexpected {{end}}"),
            ("{{nope .n}}", "function \"nope\" not defined"),
            ("{{eq .n 1}}", "incompatible types for comparison: json.Number and int"),
            ("{{index .l 9}}", "index out of range: 9"),
            ("{{.n.x}}", "can't evaluate field x"),
            ("{{nil}}", "nil is not a command"),
            ("{{if .t}}", "unexpected EOF"),
            ("{{define \"T\"}}{{template \"T\"}}{{end}}{{template \"T\"}}", "calls itself without end"),
            ("{{range 999999}}{{range 999999}}{{end}}{{end}}", "too many steps"),
        ] {
            assert!(rendered(template).unwrap_err().contains(says), "{template}: {:?}", rendered(template));
        }
    }
}
