//! Makes the tree of the layout of the parser's tree. The entry point is [`build`].

use regorus::Value;

use super::tree::{
    BranchNode, CallNode, Closure, EveryNode, HeadNode, ImportNode, ModuleNode, Node, NodeKind, Piece, Place, RuleNode,
    Statement, StatementKind, WithNode, relocate_all, relocate_body,
};
use crate::engine::ast::{Call, Comprehension, Import, Literal, LiteralKind, Module, Name, Part, Rule, Term, TermKind};
use crate::engine::parse::Parentheses;
use crate::engine::span::{Source, Span};

/// The place of what is in no file, as OPA has it.
pub(super) const NOWHERE: Place = Place { row: 1, column: 1, start: 0, end: 0 };

/// The tree of a module.
pub(super) fn build(source: &Source, module: &Module, parentheses: &Parentheses) -> ModuleNode {
    let builder = Builder { source, parentheses };
    let mut imports: Vec<_> = module.imports.iter().chain(&module.language_imports).collect();
    imports.sort_by_key(|import| import.span.start);
    ModuleNode {
        package: builder.path(&module.package, module.package_span),
        package_place: builder.place(module.package_span),
        imports: imports.into_iter().map(|import| builder.import(import)).collect(),
        rules: module.rules.iter().map(|rule| builder.rule(rule)).collect(),
    }
}

struct Builder<'a> {
    source: &'a Source,
    parentheses: &'a Parentheses,
}

impl Builder<'_> {
    fn place(&self, span: Span) -> Place {
        let (row, column) = self.source.line_column(span.start);
        Place { row, column, start: span.start, end: span.end }
    }

    /// A dotted path. Of its parts only the text matters, which has quotes where it was written with them.
    fn path(&self, names: &[Name], span: Span) -> Vec<Node> {
        let text = self.source.slice(span);
        let part = |(at, name): (usize, &Name)| {
            let quoted = text.find(&format!("[\"{name}\"]")).and_then(|at| u32::try_from(at + 1).ok());
            let place = self.place(Span { start: span.start + quoted.unwrap_or(0), ..span });
            let kind = if at == 0 { NodeKind::Var(name.clone()) } else { NodeKind::Text(name.clone()) };
            Node { place, kind }
        };
        names.iter().enumerate().map(part).collect()
    }

    fn import(&self, import: &Import) -> ImportNode {
        ImportNode {
            place: self.place(import.span),
            path: self.path(&import.path, import.span),
            alias: import.alias.clone(),
        }
    }

    fn rule(&self, rule: &Rule) -> RuleNode {
        let place = self.place(rule.span);
        let mut branches = Vec::with_capacity(rule.bodies.len());
        for (at, branch) in rule.bodies.iter().enumerate() {
            let is_true = matches!(
                branch.body.as_slice(),
                [Literal { kind: LiteralKind::Expr(Term { kind: TermKind::Scalar(Value::Bool(true)), .. }), with, .. }]
                    if with.is_empty()
            );
            let mut body = self.body(&branch.body);
            let node = if at == 0 {
                let has_body = !body.is_empty();
                let head = self.head(rule, has_body);
                BranchNode { place, default: rule.default, head, body }
            } else {
                let place = self.place(Span { end: rule.span.end, ..branch.span });
                if !self.is_braced(branch.span, branch.value.as_ref(), &branch.body) {
                    relocate_body(&mut body, place);
                }
                let head = self.else_head(branch.span, branch.value.as_ref(), branch.assigned);
                BranchNode { place, default: false, head, body }
            };
            branches.push(node);
            // `true` is no body, unless another branch follows.
            if is_true
                && at + 1 == rule.bodies.len()
                && let Some(last) = branches.last_mut()
            {
                last.body.clear();
            }
        }
        RuleNode { branches }
    }

    /// Whether the body of an `else` branch stands in braces.
    fn is_braced(&self, span: Span, value: Option<&Term>, body: &[Literal]) -> bool {
        let Some(first) = body.first() else { return false };
        let start = value.map_or(span.start, |value| value.span.end);
        let between = self.source.slice(Span { start, end: first.span.start, ..span });
        let mut code = between.lines().filter_map(|line| line.split('#').next());
        code.any(|line| line.contains('{'))
    }

    fn else_head(&self, span: Span, value: Option<&Term>, assigned: bool) -> HeadNode {
        let mut place = self.place(Span { end: span.start + 4, ..span });
        let mut value = match value {
            Some(value) => {
                let node = self.term(value);
                place.end = node.place.end;
                node
            }
            None => Node { place, kind: NodeKind::Plain("true".to_owned()) },
        };
        value.place = place;
        let reference = vec![Node { place, kind: NodeKind::Var("else".into()) }];
        HeadNode {
            place,
            is_else: true,
            reference,
            args: Vec::new(),
            key: None,
            value: Some(value),
            implied: true,
            assigned,
        }
    }

    fn head(&self, rule: &Rule, has_body: bool) -> HeadNode {
        let head = &rule.head;
        let branch = rule.bodies.first();
        let value = branch.and_then(|branch| branch.value.as_ref());
        let mut place = self.place(head.span);
        let name_span = Span { end: head.span.start + u32::try_from(head.name.len()).unwrap_or(0), ..head.span };
        let name_place = self.place(name_span);
        let mut reference = vec![Node { place: name_place, kind: NodeKind::Var(head.name.clone()) }];
        reference.extend(self.terms(&head.path));
        let mut args: Vec<_> = head.args.iter().flatten().map(|term| self.term(term)).collect();
        let mut key = head.key.as_ref().map(|key| self.term(key));
        let mut value_node = value.map(|value| self.term(value));
        let mut implied = false;
        if key.is_none() {
            if args.is_empty() && reference.len() == 2 && !rule.default {
                let with_if = has_body && self.is_followed_by_if(rule);
                let dynamic =
                    reference.get(1).is_some_and(|part| matches!(part.kind, NodeKind::Ref(_)) || !is_ground(part));
                if !with_if || dynamic {
                    key = reference.get(1).cloned();
                }
                implied = value.is_none();
            }
            if value.is_none() {
                implied |= !has_body;
                let place = if reference.len() == 1 && args.is_empty() { name_place } else { NOWHERE };
                value_node = Some(Node { place, kind: NodeKind::Plain("true".to_owned()) });
            }
        }
        // Behind `p { … }`, `{ … }` is a rule of the same head, of which all stands where the braces stand.
        if rule.span.start > head.span.start {
            place = self.place(rule.span);
            relocate_all(&mut reference, place);
            relocate_all(&mut args, place);
            relocate_all(&mut key, place);
            relocate_all(&mut value_node, place);
            implied = true;
        }
        let assigned = branch.is_some_and(|branch| branch.assigned);
        HeadNode { place, is_else: false, reference, args, key, value: value_node, implied, assigned }
    }

    fn is_followed_by_if(&self, rule: &Rule) -> bool {
        let behind = Span { start: rule.head.span.end, end: rule.span.end, ..rule.span };
        let mut text = self.source.slice(behind).trim_start();
        while let Some(comment) = text.strip_prefix('#') {
            text = comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
        }
        text.strip_prefix("if")
            .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
    }

    fn terms(&self, terms: &[Term]) -> Vec<Node> {
        terms.iter().map(|term| self.term(term)).collect()
    }

    fn term(&self, term: &Term) -> Node {
        let kind = self.kind(term);
        let mut place = self.place(term.span);
        match &kind {
            NodeKind::Ref(nodes) => {
                if let (Some(head), TermKind::Ref(reference)) = (nodes.first(), &term.kind) {
                    place = Place { start: self.tail_start(head, &reference.head), end: place.end, ..head.place };
                }
            }
            NodeKind::Call(CallNode { args, .. }) => {
                if let (Some(left), TermKind::Call(call)) = (args.first(), &term.kind)
                    && call.operator
                {
                    place = Place { row: left.place.row, column: left.place.column, ..place };
                }
            }
            _ => {}
        }
        if let Some(outer) = self.parentheses.get(&(term.span.start, term.span.end)) {
            place = Place { start: outer.start, end: outer.end, ..place };
        }
        Node { place, kind }
    }

    /// Where the text of a reference begins: as in OPA at the last sign of a head that is no name.
    fn tail_start(&self, head: &Node, term: &Term) -> u32 {
        let in_parentheses = self.parentheses.contains_key(&(term.span.start, term.span.end));
        let is_collection = !matches!(head.kind, NodeKind::Var(_) | NodeKind::Call(_));
        if in_parentheses || is_collection { head.place.end.saturating_sub(1) } else { head.place.start }
    }

    fn kind(&self, term: &Term) -> NodeKind {
        match &term.kind {
            TermKind::Scalar(Value::String(text)) => NodeKind::Text(text.clone()),
            TermKind::Scalar(_) => NodeKind::Plain(self.source.slice(term.span).split_whitespace().collect::<String>()),
            TermKind::Var(name) => NodeKind::Var(name.clone()),
            TermKind::Ref(reference) => {
                let head = self.term(&reference.head);
                NodeKind::Ref(std::iter::once(head).chain(self.terms(&reference.path)).collect())
            }
            TermKind::Array(items) => NodeKind::Array(self.terms(items)),
            TermKind::Set(items) => NodeKind::Set(self.terms(items)),
            TermKind::Object(items) => {
                NodeKind::Object(items.iter().map(|(key, value)| (self.term(key), self.term(value))).collect())
            }
            TermKind::Call(call) => NodeKind::Call(self.call(call)),
            TermKind::ArrayOf(closure) => NodeKind::ArrayOf(self.closure(closure)),
            TermKind::SetOf(closure) => NodeKind::SetOf(self.closure(closure)),
            TermKind::ObjectOf(closure) => NodeKind::ObjectOf(self.closure(closure)),
            TermKind::Template(parts) => self.template(term.span, parts),
        }
    }

    fn call(&self, call: &Call) -> CallNode {
        let place = self.place(call.name_span);
        let part = |(at, name): (usize, &Name)| {
            let kind = if at == 0 { NodeKind::Var(name.clone()) } else { NodeKind::Text(name.clone()) };
            Node { place, kind }
        };
        let function = if call.operator {
            call.name.iter().enumerate().map(part).collect()
        } else {
            self.path(&call.name, call.name_span)
        };
        CallNode {
            name: call.name.iter().map(|name| &**name).collect::<Vec<_>>().join("."),
            function,
            place,
            args: self.terms(&call.args),
        }
    }

    fn closure(&self, closure: &Comprehension) -> Box<Closure> {
        Box::new(Closure {
            key: closure.key.as_ref().map(|key| self.term(key)),
            value: self.term(&closure.value),
            body: self.body(&closure.body),
        })
    }

    fn template(&self, span: Span, parts: &[Part]) -> NodeKind {
        let raw = self.source.slice(span).starts_with("$`");
        let mut end = span.start;
        let mut pieces = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => {
                    let place = self.place(Span { start: end, ..span });
                    pieces.push(Piece::Text { place, text: text.clone() });
                }
                Part::Expr(literal) => {
                    let before = self.source.slice(Span { start: end, end: literal.span.start, ..span });
                    end = self.behind_brace(literal.with.last().map_or(literal.span, |with| with.span).end, span.end);
                    let statement = self.statement(literal);
                    let commented = before.rsplit('{').next().is_some_and(|blank| blank.contains('#'));
                    pieces.push(match statement.kind {
                        StatementKind::Term(node)
                            if !commented && matches!(node.kind, NodeKind::Plain(_) | NodeKind::Text(_)) =>
                        {
                            Piece::Scalar(node)
                        }
                        kind => Piece::Statement(Box::new(Statement { kind, ..statement })),
                    });
                }
            }
        }
        NodeKind::Template { raw, pieces }
    }

    /// The byte at the brace that ends an expression in a template.
    fn behind_brace(&self, start: u32, most: u32) -> u32 {
        let text = self.source.slice(Span { file: 0, start, end: most });
        let mut is_comment = false;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'#' => is_comment = true,
                b'\n' => is_comment = false,
                b'}' if !is_comment => return start + u32::try_from(at).unwrap_or(0),
                _ => {}
            }
        }
        start
    }

    fn body(&self, body: &[Literal]) -> Vec<Statement> {
        body.iter().map(|literal| self.statement(literal)).collect()
    }

    fn statement(&self, literal: &Literal) -> Statement {
        let mut place = self.place(literal.span);
        if let Some(with) = literal.with.last() {
            place.end = with.span.end;
        }
        let negated = matches!(literal.kind, LiteralKind::Not(_));
        let kind = match &literal.kind {
            LiteralKind::Expr(term) | LiteralKind::Not(term) => match &term.kind {
                TermKind::Call(call) => StatementKind::Call(self.call(call)),
                _ => StatementKind::Term(self.term(term)),
            },
            LiteralKind::Some(names) => StatementKind::Some(
                names
                    .iter()
                    .map(|(name, span)| Node { place: self.place(*span), kind: NodeKind::Var(name.clone()) })
                    .collect(),
            ),
            LiteralKind::SomeIn { key, value, domain } => {
                StatementKind::SomeIn(key.iter().chain([value, domain]).map(|term| self.term(term)).collect())
            }
            LiteralKind::Every { key, value, domain, body } => StatementKind::Every(Box::new(EveryNode {
                key: key.as_ref().map(|key| self.term(key)),
                value: self.term(value),
                domain: self.term(domain),
                body: self.body(body),
            })),
        };
        let with = literal.with.iter().map(|with| WithNode {
            place: self.place(with.span),
            target: self.term(&with.target),
            value: self.term(&with.value),
        });
        Statement { place, negated, kind, with: with.collect() }
    }
}

/// Whether a term holds no variable.
pub(super) fn is_ground(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Plain(_) | NodeKind::Text(_) => true,
        NodeKind::Ref(nodes) => nodes.iter().skip(1).all(is_ground),
        NodeKind::Array(nodes) | NodeKind::Set(nodes) => nodes.iter().all(is_ground),
        NodeKind::Object(items) => items.iter().all(|(key, value)| is_ground(key) && is_ground(value)),
        NodeKind::Call(call) => call.args.iter().all(is_ground),
        _ => false,
    }
}
