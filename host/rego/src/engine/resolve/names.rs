//! Functions by their names: those of policies first, then the built-in ones.

use std::sync::Arc;

use regorus::Value;

use crate::engine::ast::{Call, Name, Term, TermKind};
use crate::engine::builtins::{HostFunction, lookup, unsupported};
use crate::engine::error::CompileCode;
use crate::engine::ir::{Callee, Special};
use crate::engine::rule_tree::Kind;

use super::Resolver;

/// The first part of what a call names, also of an operator.
fn first_name(call: &Call) -> &str {
    let name = call.name.first().map_or("", |name| &**name);
    if call.operator { name.split('.').next().unwrap_or(name) } else { name }
}

/// Functions that Rego v1 has no more.
pub(crate) const DEPRECATED: [&str; 11] = [
    "all",
    "any",
    "cast_array",
    "cast_boolean",
    "cast_null",
    "cast_object",
    "cast_set",
    "cast_string",
    "net.cidr_overlap",
    "re_match",
    "set_diff",
];

/// A function and how many arguments it takes.
pub(super) struct ResolvedFunction {
    pub callee: Callee,
    pub arity: usize,
}

/// Functions that the evaluator implements itself.
fn special(name: &str) -> Option<(Special, usize)> {
    Some(match name {
        "internal.member_2" => (Special::Member, 2),
        "internal.member_3" => (Special::MemberPair, 3),
        "walk" => (Special::Walk, 1),
        "trace" => (Special::Trace, 1),
        "opa.runtime" => (Special::Runtime, 0),
        "http.send" => (Special::HttpSend, 1),
        _ => return None,
    })
}

/// The built-in function of this name, one of the engine's or a registered one.
pub(super) fn builtin(name: &str, registered: &'static [HostFunction]) -> Option<ResolvedFunction> {
    if let Some((special, arity)) = special(name) {
        return Some(ResolvedFunction { callee: Callee::Engine(special), arity });
    }
    let registered = || registered.iter().find(|function| function.name() == name).map(HostFunction::builtin);
    lookup(name)
        .or_else(registered)
        .map(|builtin| ResolvedFunction { callee: Callee::Builtin(builtin), arity: builtin.args.len() })
}

/// `a.b.c` as a dotted name.
pub(super) fn dotted(term: &Term) -> Option<Vec<Name>> {
    match &term.kind {
        TermKind::Var(name) => Some(vec![name.clone()]),
        TermKind::Ref(reference) => {
            let TermKind::Var(head) = &reference.head.kind else { return None };
            let mut name = vec![head.clone()];
            for term in &reference.path {
                let TermKind::Scalar(Value::String(part)) = &term.kind else { return None };
                name.push(part.clone());
            }
            Some(name)
        }
        _ => None,
    }
}

/// A dotted name as text.
pub(super) fn joined(name: &[Name]) -> String {
    name.iter().map(|part| &**part).collect::<Vec<_>>().join(".")
}

impl Resolver<'_> {
    /// The full path that a dotted name stands for, when its first part is a global or `data`.
    pub(super) fn full_path(&self, name: &[Name]) -> Option<Vec<Name>> {
        let (first, rest) = name.split_first()?;
        if self.lookup(first).is_some() || self.is_hidden(first) {
            return None;
        }
        // A rule named `input` or `data` (in Rego of before 1.0) or an import of such a name stands in front of the
        // document.
        let Some(global) = self.globals.get(first) else {
            return matches!(&**first, "data" | "input").then(|| name.to_vec());
        };
        if let Some(used) = global.import.and_then(|import| self.used.get(import)) {
            used.set(true);
        }
        let mut path = global.path.clone();
        path.extend(rest.iter().cloned());
        Some(path)
    }

    /// The function of a policy at a full path.
    pub(super) fn policy_function(&self, path: &[Name]) -> Option<ResolvedFunction> {
        let (first, rest) = path.split_first()?;
        if &**first != "data" {
            return None;
        }
        let id = self.tree.find(rest.iter().map(|name| &**name))?;
        let node = self.tree.node(id)?;
        (node.kind == Kind::Function).then_some(ResolvedFunction { callee: Callee::Function(id), arity: node.arity })
    }

    /// The built-in function of this name, if policies may use it.
    pub(super) fn allowed_builtin(&self, name: &str) -> Option<ResolvedFunction> {
        let is_allowed = self.options.capabilities.is_none_or(|capabilities| capabilities.has_builtin(name));
        builtin(name, self.options.functions).filter(|_| is_allowed)
    }

    /// Whether an operator means no built-in function: as in OPA a rule, an import or a variable of that name stands in front of
    /// it. Only a rule or an import stands in front of `:=`.
    pub(super) fn is_redefined(&self, operator: &Call) -> bool {
        let first = first_name(operator);
        (first != "assign" && self.is_declared(first)) || self.called_path(operator).is_some()
    }

    /// The full path of what a call names, when that begins with a global or `data`.
    fn called_path(&self, call: &Call) -> Option<Vec<Name>> {
        match call.name.as_slice() {
            [name] if call.operator => {
                self.globals.get(first_name(call))?;
                self.full_path(&name.split('.').map(Name::from).collect::<Vec<_>>())
            }
            name => self.full_path(name),
        }
    }

    /// Notes that the name of a function stands here: as in OPA the body cannot declare it any more.
    pub(super) fn note_function(&mut self, call: &Call) {
        self.note(first_name(call));
    }

    /// The function that a call means.
    pub(super) fn function(&mut self, call: &Arc<Call>) -> Option<ResolvedFunction> {
        let name = joined(&call.name);
        if self.is_declared(first_name(call)) {
            self.error(call.name_span, CompileCode::Compile, format!("called function {name} shadowed"));
            return None;
        }
        self.note_function(call);
        let full = self.called_path(call);
        if let Some(found) = full.as_deref().and_then(|path| self.policy_function(path)) {
            return Some(found);
        }
        // As in OPA a rule or an import stands in front of the built-in functions that begin with its name.
        if full.is_none() {
            if let Some(found) = self.allowed_builtin(&name) {
                if DEPRECATED.contains(&name.as_str()) && (self.options.strict || !self.v0) {
                    let message = format!("deprecated built-in function calls in expression: {name}");
                    self.error(call.name_span, CompileCode::Type, message);
                }
                return Some(found);
            }
            if let Some(reason) = unsupported(&name) {
                let message = format!("unsupported function {name}: {reason}");
                self.error(call.name_span, CompileCode::Type, message);
                return None;
            }
        }
        let shown = full.map_or(name, |path| joined(&path));
        self.error(call.name_span, CompileCode::Type, format!("undefined function {shown}"));
        None
    }
}
