//! [`summarize`]: a file's syntax tree as the plain [`ModuleSummary`] that the rest of the crate reads.

use regorus::Value;

use super::ast::{Head, LiteralKind, Module, Rule, Term, TermKind};
use super::rule_tree::constant_front;
use super::span::{Source, Span};
use crate::{
    compile_error::Location,
    module_summary::{Import, Metadata, ModuleSummary, RuleSummary},
};

/// The outline of one file, with its METADATA blocks.
pub(super) fn summarize(module: &Module, source: &Source, blocks: Vec<Metadata>) -> ModuleSummary {
    let import = |import: &super::ast::Import| source.row(import.span.start);
    ModuleSummary {
        file: source.name.clone(),
        package: module.package.iter().map(ToString::to_string).collect(),
        blocks,
        package_line: source.row(module.package_span.start),
        imports: module.imports.iter().map(|each| Import { line: import(each) }).collect(),
        rules: module.rules.iter().map(|rule| summarize_rule(rule, module.v0, source)).collect(),
    }
}

fn summarize_rule(rule: &Rule, v0: bool, source: &Source) -> RuleSummary {
    let front = rule.head.path.iter().take(constant_front(rule)).filter_map(text).map(str::to_owned);
    RuleSummary {
        path: std::iter::once(rule.head.name.to_string()).chain(front).collect(),
        is_function: rule.head.args.is_some(),
        is_default: rule.default,
        has_cases: has_cases(rule, v0),
        location: location(rule.span, source),
        non_result_value: non_result_value(rule),
        code: rule.bodies.iter().flat_map(|branch| &branch.body).find_map(|literal| literal_code(&literal.kind)),
    }
}

/// As OPA distinguishes partial objects from other rules: by a variable in the head, or by one constant after the name
/// where a value is written and no `if`.
fn has_cases(rule: &Rule, v0: bool) -> bool {
    let Head { path, args, key, .. } = &rule.head;
    let first = rule.bodies.first();
    let without_if = v0 || first.is_some_and(|first| first.body.is_empty());
    let valued = first.is_some_and(|first| first.value.is_some());
    let is_constant = |term: &Term| matches!(term.kind, TermKind::Scalar(_));
    args.is_none() && key.is_none() && (!path.iter().all(is_constant) || (path.len() == 1 && valued && without_if))
}

fn non_result_value(rule: &Rule) -> Option<&'static str> {
    let value = match (&rule.head.key, rule.bodies.first()) {
        (Some(element), _) => Some(element),
        (None, Some(first)) => first.value.as_ref(),
        (None, None) => None,
    };
    match value.map(|term| &term.kind) {
        Some(TermKind::Scalar(Value::Null)) => Some("null"),
        Some(TermKind::Scalar(Value::Number(_))) => Some("a number"),
        // `deny if …` is `deny := true if …`.
        None | Some(TermKind::Scalar(Value::Bool(_))) => Some("a boolean"),
        Some(TermKind::Array(_) | TermKind::ArrayOf(_)) => Some("a list"),
        Some(TermKind::Set(_) | TermKind::SetOf(_)) => Some("a set"),
        Some(TermKind::ObjectOf(_)) => Some("an object made from others"),
        Some(TermKind::Ref(_)) => Some("a reference"),
        Some(TermKind::Template(_)) => Some("a template"),
        Some(TermKind::Scalar(_) | TermKind::Var(_) | TermKind::Object(_) | TermKind::Call(_)) => None,
    }
}

fn location(span: Span, source: &Source) -> Location {
    let (line, column) = source.line_column(span.start);
    Location { file: source.name.clone(), line, column }
}

fn text(term: &Term) -> Option<&str> {
    match &term.kind {
        TermKind::Scalar(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// The text of `code` in `result := {"code": "…"}`.
fn literal_code(literal: &LiteralKind) -> Option<String> {
    let LiteralKind::Expr(Term { kind: TermKind::Call(call), .. }) = literal else { return None };
    let [name] = call.name.as_slice() else { return None };
    let [left, right] = call.args.as_slice() else { return None };
    let (TermKind::Var(variable), TermKind::Object(fields)) = (&left.kind, &right.kind) else { return None };
    if !call.operator || &**name != "assign" || &**variable != "result" {
        return None;
    }
    fields.iter().find(|(key, _)| text(key) == Some("code")).and_then(|(_, value)| text(value)).map(str::to_owned)
}
