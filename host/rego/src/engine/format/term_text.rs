//! [`term_text`]: a term in one line, without comments.

use assay_gocompat::quote::escape;

use super::tree::{CallNode, Closure, EveryNode, Node, NodeKind, Piece, Statement, StatementKind};

/// The term in one line. Two terms of one text are equal.
pub(super) fn term_text(node: &Node) -> String {
    let mut to = String::new();
    write_term(&mut to, node);
    to
}

/// A string in quotes, with Go's escapes.
pub(super) fn quoted(text: &str) -> String {
    let mut to = String::from("\"");
    escape(&mut to, text);
    to.push('"');
    to
}

/// Whether a string can stand behind a dot.
pub(super) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn write_term(to: &mut String, node: &Node) {
    match &node.kind {
        NodeKind::Plain(text) => to.push_str(text),
        NodeKind::Text(text) => to.push_str(&quoted(text)),
        NodeKind::Var(name) => to.push_str(name),
        NodeKind::Ref(nodes) => write_reference(to, nodes),
        NodeKind::Call(call) => write_call(to, call),
        NodeKind::Array(items) => write_list(to, ("[", "]"), items),
        NodeKind::Set(items) if items.is_empty() => to.push_str("set()"),
        NodeKind::Set(items) => write_list(to, ("{", "}"), items),
        NodeKind::Object(items) => {
            to.push('{');
            for (at, (key, value)) in items.iter().enumerate() {
                to.push_str(if at > 0 { ", " } else { "" });
                write_term(to, key);
                to.push_str(": ");
                write_term(to, value);
            }
            to.push('}');
        }
        NodeKind::ArrayOf(closure) => write_closure(to, ("[", "]"), closure),
        NodeKind::SetOf(closure) | NodeKind::ObjectOf(closure) => write_closure(to, ("{", "}"), closure),
        NodeKind::Template { pieces, .. } => {
            to.push_str("$\"");
            for piece in pieces {
                match piece {
                    Piece::Text { text, .. } => escape(to, text),
                    Piece::Scalar(node) => write_term(to, node),
                    Piece::Statement(statement) => {
                        to.push('{');
                        write_statement(to, statement);
                        to.push('}');
                    }
                }
            }
            to.push('"');
        }
    }
}

fn write_reference(to: &mut String, nodes: &[Node]) {
    for (at, part) in nodes.iter().enumerate() {
        match &part.kind {
            _ if at == 0 => write_term(to, part),
            NodeKind::Text(text) if is_name(text) => {
                to.push('.');
                to.push_str(text);
            }
            _ => {
                to.push('[');
                write_term(to, part);
                to.push(']');
            }
        }
    }
}

fn write_call(to: &mut String, call: &CallNode) {
    write_reference(to, &call.function);
    write_list(to, ("(", ")"), &call.args);
}

fn write_list(to: &mut String, signs: (&str, &str), items: &[Node]) {
    to.push_str(signs.0);
    for (at, item) in items.iter().enumerate() {
        to.push_str(if at > 0 { ", " } else { "" });
        write_term(to, item);
    }
    to.push_str(signs.1);
}

fn write_closure(to: &mut String, signs: (&str, &str), closure: &Closure) {
    to.push_str(signs.0);
    if let Some(key) = &closure.key {
        write_term(to, key);
        to.push_str(": ");
    }
    write_term(to, &closure.value);
    to.push_str(" | ");
    write_body(to, &closure.body);
    to.push_str(signs.1);
}

fn write_body(to: &mut String, body: &[Statement]) {
    for (at, statement) in body.iter().enumerate() {
        to.push_str(if at > 0 { "; " } else { "" });
        write_statement(to, statement);
    }
}

fn write_statement(to: &mut String, statement: &Statement) {
    if statement.negated {
        to.push_str("not ");
    }
    match &statement.kind {
        StatementKind::Term(node) => write_term(to, node),
        StatementKind::Call(call) => write_call(to, call),
        StatementKind::Some(names) => write_list(to, ("some ", ""), names),
        StatementKind::SomeIn(operands) => write_list(to, ("some in(", ")"), operands),
        StatementKind::Every(every) => {
            let EveryNode { key, value, domain, body } = &**every;
            to.push_str("every ");
            if let Some(key) = key {
                write_term(to, key);
                to.push_str(", ");
            }
            write_term(to, value);
            to.push_str(" in ");
            write_term(to, domain);
            to.push_str(" { ");
            write_body(to, body);
            to.push_str(" }");
        }
    }
    for with in &statement.with {
        to.push_str(" with ");
        write_term(to, &with.target);
        to.push_str(" as ");
        write_term(to, &with.value);
    }
}
