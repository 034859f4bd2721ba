//! What `opa fmt` refuses in a module that is written in Rego v1, before anything is compiled.

use std::cell::Cell;

use super::tree::{
    BranchNode, CallNode, Closure, EveryNode, ModuleNode, Node, NodeKind, Piece, Place, Statement, StatementKind,
};
use crate::compile_options::CompileOptions;
use crate::engine::ast::Module;
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::resolve::{DEPRECATED, check_imports};
use crate::engine::span::{Source, Span};

/// Imports of one name, names that hide `input` or `data`, calls of functions on their way out, and rules named like
/// keywords of Rego v1.
pub(super) fn problems_in_v1(source: &Source, module: &Module, tree: &ModuleNode) -> Vec<CompileError> {
    let mut errors = Vec::new();
    let used = vec![Cell::new(true); module.imports.len()];
    let options = CompileOptions { strict: true, ..CompileOptions::default() };
    check_imports(module, source, &used, options, &mut errors);
    let mut checker = Checker { source, errors };
    for branch in tree.rules.iter().flat_map(|rule| &rule.branches) {
        checker.branch(branch);
    }
    checker.errors
}

struct Checker<'a> {
    source: &'a Source,
    errors: Vec<CompileError>,
}

impl Checker<'_> {
    fn error(&mut self, place: Place, code: CompileCode, message: String) {
        let span = Span { file: 0, start: place.start, end: place.end };
        self.errors.push(CompileError::at(self.source, span, code, message));
    }

    fn branch(&mut self, branch: &BranchNode) {
        let head = &branch.head;
        if let (Some(Node { kind: NodeKind::Var(name), .. }), false) = (head.reference.first(), head.is_else) {
            if matches!(&**name, "input" | "data") {
                let message = format!("rules must not shadow {name} (use a different rule name)");
                self.error(branch.place, CompileCode::Compile, message);
            }
            if head.reference.len() < 2 && super::KEYWORDS_V1.contains(&&**name) {
                let message = format!("{name} keyword cannot be used for rule name");
                self.error(branch.place, CompileCode::Parse, message);
            }
        }
        for arg in &head.args {
            if let NodeKind::Var(name) = &arg.kind
                && matches!(&**name, "input" | "data")
            {
                let message = format!("args must not shadow {name} (use a different variable name)");
                self.error(arg.place, CompileCode::Compile, message);
            }
        }
        self.terms(head.reference.iter().skip(1).chain(&head.args).chain(&head.key).chain(&head.value));
        self.body(&branch.body);
    }

    fn terms<'t>(&mut self, nodes: impl IntoIterator<Item = &'t Node>) {
        nodes.into_iter().for_each(|node| self.term(node));
    }

    fn term(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Plain(_) | NodeKind::Text(_) | NodeKind::Var(_) => {}
            NodeKind::Ref(nodes) | NodeKind::Array(nodes) | NodeKind::Set(nodes) => self.terms(nodes),
            NodeKind::Call(call) => self.call(call),
            NodeKind::Object(items) => items.iter().for_each(|(key, value)| self.terms([key, value])),
            NodeKind::ArrayOf(closure) | NodeKind::SetOf(closure) | NodeKind::ObjectOf(closure) => {
                let Closure { key, value, body } = &**closure;
                self.terms(key.iter().chain([value]));
                self.body(body);
            }
            NodeKind::Template { pieces, .. } => {
                for piece in pieces {
                    if let Piece::Statement(statement) = piece {
                        self.body(std::slice::from_ref(&**statement));
                    }
                }
            }
        }
    }

    fn call(&mut self, call: &CallNode) {
        if DEPRECATED.contains(&call.name.as_str()) {
            let message = format!("deprecated built-in function calls in expression: {}", call.name);
            self.error(call.place, CompileCode::Type, message);
        }
        self.terms(&call.args);
    }

    fn body(&mut self, body: &[Statement]) {
        for statement in body {
            match &statement.kind {
                StatementKind::Term(node) => self.term(node),
                StatementKind::Call(call) => {
                    if let ("assign", Some(Node { kind: NodeKind::Var(name), .. })) = (&*call.name, call.args.first())
                        && matches!(&**name, "input" | "data")
                    {
                        let message = format!("variables must not shadow {name} (use a different variable name)");
                        self.error(statement.place, CompileCode::Compile, message);
                    }
                    self.call(call);
                }
                StatementKind::Some(nodes) | StatementKind::SomeIn(nodes) => self.terms(nodes),
                StatementKind::Every(every) => {
                    let EveryNode { key, value, domain, body } = &**every;
                    self.terms(key.iter().chain([value, domain]));
                    self.body(body);
                }
            }
            for with in &statement.with {
                self.terms([&with.target, &with.value]);
            }
        }
    }
}
