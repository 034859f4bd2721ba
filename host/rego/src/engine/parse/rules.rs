//! What stands at the top of a file: package, imports, rules.

use crate::engine::ast::{Branch, Head, Import, Literal, LiteralKind, Module, Name, Part, Rule, Term, TermKind};
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::lex::Kind;
use crate::engine::limits::{ARGUMENTS, COMPILE_ERRORS, PATH, SOURCE_BYTES};

use super::{FUTURE, Failed, Parsed, Parser};

/// Built-in functions that are none of the table's.
const OTHER_BUILTINS: [&str; 5] = ["print", "walk", "trace", "opa.runtime", "http.send"];

impl Parser<'_> {
    pub(super) fn module(&mut self) -> Parsed<Module> {
        let start = self.span();
        if !self.eat_keyword("package") {
            return self.fail(start, "package expected");
        }
        let package = self.package_path()?;
        let package_span = self.since(start);
        let (imports, language_imports, rules, comments) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut module = Module { package, package_span, imports, language_imports, rules, v0: self.v0, comments };
        while self.kind() != Kind::End && self.errors.len() < COMPILE_ERRORS {
            let at = self.at;
            if self.statement(&mut module).is_err() {
                self.recover(at);
            }
        }
        module.v0 = self.v0;
        Ok(module)
    }

    /// Skips to the next line that begins with a name in its first column.
    fn recover(&mut self, failed_at: usize) {
        self.depth = 0;
        self.read = None;
        if self.at == failed_at {
            self.bump();
        }
        while self.kind() != Kind::End {
            let token = self.token(0);
            if token.newline && token.kind == Kind::Ident && self.source.line_column(token.span.start).1 == 1 {
                return;
            }
            self.bump();
        }
    }

    fn package_path(&mut self) -> Parsed<Vec<Name>> {
        let mut path = self.dotted()?;
        if path.first().is_some_and(|first| &**first == "data") && path.len() > 1 {
            path.remove(0);
        }
        Ok(path)
    }

    /// `a.b["c"]`, of names and strings only.
    fn dotted(&mut self) -> Parsed<Vec<Name>> {
        let first = self.expect(Kind::Ident, "a name")?;
        let mut path = vec![self.name(first.span)];
        loop {
            let token = self.token(0);
            if token.space {
                return Ok(path);
            }
            if path.len() > PATH {
                return self.fail(first.span, format!("a name of more than {PATH} parts"));
            }
            match token.kind {
                Kind::Dot => {
                    self.bump();
                    let name = self.expect(Kind::Ident, "a name")?;
                    if name.space {
                        return self.fail(name.span, "unexpected space behind a dot");
                    }
                    path.push(self.name(name.span));
                }
                Kind::LBracket => {
                    self.bump();
                    let string = self.expect(Kind::String, "a string")?;
                    path.push(self.string_text(string)?);
                    self.expect(Kind::RBracket, "`]`")?;
                }
                _ => return Ok(path),
            }
        }
    }

    fn statement(&mut self, module: &mut Module) -> Parsed<()> {
        if self.at_keyword("import") {
            let import = self.import()?;
            let chooses_language = import.path.first().is_some_and(|root| matches!(&**root, "rego" | "future"));
            if chooses_language {
                module.language_imports.push(import);
            } else {
                module.imports.push(import);
            }
            return Ok(());
        }
        if self.at_keyword("package") {
            return self.fail(self.span(), "unexpected package keyword: a file has one package");
        }
        let start = self.span();
        if let Some(last) = module.rules.last() {
            let is_bodied = last.bodies.iter().any(|branch| !branch.body.is_empty());
            // As in OPA such a name is none behind a rule that it could belong to.
            if (is_bodied && (self.at_keyword("if") || self.at_keyword("contains")))
                || (last.head.key.is_some() && self.at_keyword("contains"))
            {
                return self.unexpected("a rule, an import or the end of the file");
            }
        }
        module.rules.push(self.rule()?);
        self.more_bodies(module)?;
        // As in OPA rules stand beside one another without anything between them.
        if self.kind() == Kind::Semicolon {
            return self.fail(start, "multiple expressions cannot be used for rule head");
        }
        Ok(())
    }

    fn import(&mut self) -> Parsed<Import> {
        let start = self.bump().span;
        let path = self.dotted()?;
        let root = path.first().map(|name| name.to_string()).unwrap_or_default();
        // Nothing else can stand here, not even a rule of that name: `as.x = 1` in the next line.
        let has_alias = self.kind() == Kind::Ident && self.text(self.span()) == "as";
        let alias = if has_alias {
            self.at += 1;
            if self.is_keyword(0) {
                return self.unexpected("a name");
            }
            let name = self.expect(Kind::Ident, "a name")?;
            if matches!(self.text(name.span), "input" | "data") {
                return self.fail(name.span, "imports must not shadow input or data (use a different name)");
            }
            Some(self.name(name.span))
        } else {
            None
        };
        let span = self.since(start);
        if root == "future" && alias.is_some() {
            return self.fail(span, "`future` imports cannot be aliased");
        }
        let last = path.last().filter(|last| alias.is_none() && root != "future" && self.is_reserved(last));
        if let Some(last) = last {
            return self.fail(span, format!("unexpected import path, must not end with a keyword, got: {last}"));
        }
        match root.as_str() {
            "data" | "input" => Ok(Import { path, alias, span }),
            "rego" | "future" => self.language_import(&path, span).map(|()| Import { path, alias, span }),
            _ => self.fail(
                span,
                format!("unexpected import path, must begin with one of: {{data, future, input, rego}}, got: {root}"),
            ),
        }
    }

    /// `rego.v1` and `future.keywords.in`: they choose the language, where it is not Rego v1 anyway.
    fn language_import(&mut self, path: &[Name], span: crate::engine::span::Span) -> Parsed<()> {
        let parts: Vec<&str> = path.iter().map(|name| &**name).collect();
        match parts.as_slice() {
            ["rego", "v1"] => {
                self.v0 = false;
                Ok(())
            }
            ["future", "keywords"] => {
                self.imported = FUTURE.to_vec();
                Ok(())
            }
            ["future", "keywords", word] if FUTURE.contains(word) => {
                self.imported.extend(FUTURE.iter().filter(|known| *known == word));
                // `every` is made of `in`.
                self.imported.extend((*word == "every").then_some("in"));
                // A file may import one word a million times.
                self.imported.sort_unstable();
                self.imported.dedup();
                Ok(())
            }
            ["future", "keywords", word] => {
                self.fail(span, format!("unexpected keyword, must be one of [contains every if in], got: {word}"))
            }
            ["rego", ..] => self.fail(span, format!("invalid import `{}`, must be `rego.v1`", parts.join("."))),
            _ => self.fail(span, "invalid import, must be `future.keywords`"),
        }
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let start = self.span();
        let default = self.eat_keyword("default");
        let spaced = self.token(1).space;
        let (mut head, called) = self.head(default)?;
        let spaced = spaced && (called || !head.path.is_empty());
        let (mut value, mut assigned) = (None, false);
        if !default && self.at_keyword("contains") {
            if called {
                return self
                    .fail(self.span(), "the contains keyword can only be used with multi-value rule definitions");
            }
            self.bump();
            head.key = Some(self.keyed_expr()?);
        }
        if matches!(self.kind(), Kind::Assign | Kind::Unify) {
            assigned = self.bump().kind == Kind::Assign;
            value = Some(self.keyed_expr()?);
        }
        head.span = self.since(start);
        if default {
            // As in OPA that of a name alone is true.
            if value.is_none() && head.path.len() == 1 && head.args.is_none() {
                return self.fail(head.span, "illegal default rule (must have a value)");
            }
            if let Some((span, what)) = head.args.as_deref().and_then(not_plain) {
                return self.fail(span, format!("illegal default rule (arguments cannot {what})"));
            }
            if let Some((span, what)) = value.as_ref().and_then(not_constant) {
                return self.fail(span, format!("illegal default rule (value cannot contain {what})"));
            }
            let span = self.since(start);
            let bodies = vec![Branch { value, body: Vec::new(), assigned, span }];
            return Ok(Rule { span, default, head, bodies });
        }
        let branch = self.span();
        let next = self.token(1);
        // As in OPA, which reads on for a reference after a term.
        if (value.is_some() || head.key.is_some())
            && self.at_keyword("if")
            && next.kind == Kind::LBracket
            && !next.space
        {
            return self.fail(branch, "if keyword cannot be used for rule name");
        }
        let with_if = self.eat_keyword("if");
        self.lacks_if = false;
        let mut body = Vec::new();
        let mut bodied = false;
        if with_if {
            bodied = true;
            body = self.literal_or_body()?;
        } else if self.kind() == Kind::LBrace {
            bodied = true;
            let is_set = partial_set(&mut head, value.is_some());
            self.lacks_if = !self.v0;
            if self.lacks_if {
                self.miss_if(start, &head);
                self.miss_contains(is_set);
            }
            body = self.braced()?;
        } else if spaced && head.key.is_none() {
            // As in OPA what has no body is read as an expression.
            return self.fail(head.span, "unexpected space behind the name of a rule without a body");
        } else if called && value.is_none() && head.args.is_none() {
            return self.fail(head.span, "rule argument list must take at least one argument");
        } else if called && value.is_none() && head.key.is_none() {
            // A function head alone is a function that gives true.
            let name = function_name(&head);
            if crate::engine::builtins::lookup(&name).is_some() || OTHER_BUILTINS.contains(&name.as_str()) {
                return self.fail(head.span, "rule name conflicts with built-in function");
            }
        } else if self.v0 && value.is_none() && (!head.path.is_empty() || head.args.is_some()) {
            partial_set(&mut head, false);
        } else if value.is_none() && !called && partial_set(&mut head, false) {
            self.miss_contains(true);
        } else if head.key.is_none() && value.is_none() {
            let hint = "must use `if`, `contains` or an assignment";
            return self.fail(head.span, format!("unexpected rule head, it {hint}"));
        }
        if head.key.is_some() && value.is_some() {
            return self.fail(head.span, "the `contains` keyword can not be used with a value");
        }
        let mut rule = Rule {
            span: self.since(start),
            default,
            head,
            bodies: vec![Branch {
                value,
                body,
                assigned,
                span: if bodied { self.since(branch) } else { self.since(start) },
            }],
        };
        if self.at_keyword("else") && !bodied {
            return self.fail(self.span(), "unexpected else keyword: the rule has no body");
        }
        self.else_branches(&mut rule)?;
        Ok(rule)
    }

    /// A set whose head has the element in brackets, as before Rego v1.
    fn miss_contains(&mut self, is_set: bool) {
        if is_set {
            let brace = self.span();
            self.miss(brace, "`contains` keyword is required for partial set rules");
        }
    }

    /// `p if { … } { … }` is two definitions, of which this reads all but the first; so is `p { … } { … }` in Rego of before
    /// 1.0.
    fn more_bodies(&mut self, module: &mut Module) -> Parsed<()> {
        while self.kind() == Kind::LBrace {
            let start = self.span();
            let Some(first) = module.rules.last().filter(|rule| !rule.default && rule.bodies.len() == 1) else { break };
            let Some(Branch { value, body, assigned, .. }) = first.bodies.first() else { break };
            if !self.v0 && body.is_empty() {
                break;
            }
            // Each of the definitions has a head and a value of its own.
            self.copied = self.copied.saturating_add((first.head.span.end - first.head.span.start) as usize);
            if self.copied > SOURCE_BYTES {
                return self.fail(start, "too many bodies behind rules with large heads");
            }
            let (head, value, assigned) = (first.head.clone(), value.clone(), *assigned);
            if self.lacks_if {
                self.miss_if(start, &head);
            }
            let body = self.braced()?;
            let span = self.since(start);
            module.rules.push(Rule {
                span,
                default: false,
                head,
                bodies: vec![Branch { value, body, assigned, span }],
            });
        }
        Ok(())
    }

    /// What stands behind `if`: one literal, such as `{1} == x` or a comprehension, or else a body in braces. As in OPA a set alone
    /// is no literal here, as it always holds.
    fn literal_or_body(&mut self) -> Parsed<Vec<Literal>> {
        let (at, errors, missing) = (self.at, self.errors.len(), self.missing.len());
        let is_brace = self.kind() == Kind::LBrace;
        match self.nested(Self::literal) {
            Ok(literal) => match &literal.kind {
                LiteralKind::Expr(Term { kind: TermKind::Set(_), span })
                | LiteralKind::Not(Term { kind: TermKind::Set(_), span }) => {
                    if !is_brace {
                        return self.fail(*span, "a set alone is no body");
                    }
                }
                _ => return Ok(vec![literal]),
            },
            Err(failed) if !is_brace => return Err(failed),
            Err(_) => {}
        }
        self.errors.truncate(errors);
        self.missing.truncate(missing);
        self.read = None;
        self.at = at;
        self.braced()
    }

    /// `else` branches.
    fn else_branches(&mut self, rule: &mut Rule) -> Parsed<()> {
        while self.at_keyword("else") {
            let start = self.bump().span;
            let mut assigned = false;
            let value = if matches!(self.kind(), Kind::Assign | Kind::Unify) {
                assigned = self.bump().kind == Kind::Assign;
                Some(self.keyed_expr()?)
            } else {
                None
            };
            let with_if = self.eat_keyword("if");
            let mut bodied = true;
            let body = if self.kind() == Kind::LBrace {
                if !with_if && !self.v0 {
                    self.miss_if(start, &rule.head);
                }
                self.braced()?
            } else if with_if {
                vec![self.nested(Self::literal)?]
            } else if value.is_some() {
                bodied = false;
                Vec::new()
            } else {
                return self.unexpected("a value or a body of `else`");
            };
            let span = self.since(start);
            if rule.head.key.is_some() {
                return self.fail(span, "else keyword cannot be used on partial rules");
            }
            rule.span = rule.span.to(span);
            rule.bodies.push(Branch { value, body, assigned, span });
            if !bodied && self.at_keyword("else") {
                return self.fail(self.span(), "unexpected else keyword: the one before always holds");
            }
        }
        Ok(())
    }

    /// The reference and the arguments of a head, and whether an argument list stands there: as in OPA an empty one,
    /// `f()`, defines a rule and no function.
    fn head(&mut self, default: bool) -> Parsed<(Head, bool)> {
        let token = self.token(0);
        // In Rego of before 1.0 a rule may have the name of a keyword that the file imports.
        let is_name = !default && self.v0 && FUTURE.contains(&self.text(token.span));
        if token.kind != Kind::Ident || (self.is_keyword(0) && !is_name) {
            return self.unexpected(if default { "a rule name" } else { "a rule, an import or the end of the file" });
        }
        self.bump();
        let name = self.name(token.span);
        let mut path = Vec::new();
        let mut args = None;
        let mut called = false;
        loop {
            let next = self.token(0);
            if path.len() > PATH {
                return self.fail(token.span, format!("a name of more than {PATH} parts"));
            }
            match next.kind {
                // As in OPA there may be space right behind the name, and nowhere else.
                Kind::Dot if !next.space || path.is_empty() => {
                    self.bump();
                    let field = self.expect(Kind::Ident, "a name")?;
                    if field.space {
                        return self.fail(field.span, "unexpected space behind a dot");
                    }
                    path.push(self.field(field.span));
                }
                Kind::LBracket if !next.space || path.is_empty() => {
                    self.bump();
                    let term: Term = self.nested(Self::expr)?;
                    path.push(term);
                    self.expect(Kind::RBracket, "`]`")?;
                }
                Kind::LParen if !next.space || path.is_empty() => {
                    self.bump();
                    called = true;
                    let list = self.nested(|parser| parser.list(Kind::RParen))?;
                    if list.len() > ARGUMENTS {
                        return self.fail(token.span, format!("more than {ARGUMENTS} arguments"));
                    }
                    // `set()` is the empty set.
                    if &*name == "set" && path.is_empty() && list.is_empty() {
                        return self.fail(token.span, "set cannot be used for rule name");
                    }
                    args = Some(list).filter(|args| !args.is_empty());
                    break;
                }
                _ => break,
            }
        }
        if !self.v0 && matches!(&*name, "input" | "data") {
            let message = format!("rules must not shadow {name} (use a different rule name)");
            self.errors.push(CompileError::at(self.source, token.span, CompileCode::Compile, message));
            return Err(Failed);
        }
        let span = self.since(token.span);
        Ok((Head { name, path, args, key: None, span }, called))
    }

    /// `.name` in a path is the string of that name.
    pub(super) fn field(&mut self, span: crate::engine::span::Span) -> Term {
        let name = self.name(span);
        Term { kind: TermKind::Scalar(regorus::Value::String(name)), span }
    }
}

/// The dotted name of a function's head.
fn function_name(head: &Head) -> String {
    let parts = head.path.iter().filter_map(|term| match &term.kind {
        TermKind::Scalar(regorus::Value::String(part)) => Some(&**part),
        _ => None,
    });
    std::iter::once(&*head.name).chain(parts).collect::<Vec<_>>().join(".")
}

/// In Rego of before 1.0, `p[x]` without a value is `p contains x`.
fn partial_set(head: &mut Head, valued: bool) -> bool {
    let is_set = !valued && head.args.is_none() && head.key.is_none() && head.path.len() == 1;
    if is_set {
        head.key = head.path.pop();
    }
    is_set
}

/// An argument of a default that is no variable, or one that stands there twice.
fn not_plain(args: &[Term]) -> Option<(crate::engine::span::Span, String)> {
    let mut names: Vec<&Name> = Vec::new();
    for arg in args {
        let TermKind::Var(name) = &arg.kind else {
            return Some((arg.span, "contain anything but variables".to_owned()));
        };
        if &**name != "_" {
            if names.contains(&name) {
                return Some((arg.span, format!("be repeated {name}")));
            }
            names.push(name);
        }
    }
    None
}

/// What in the value of a default is known only when it is evaluated, with its place. A comprehension may stand there.
fn not_constant(term: &Term) -> Option<(crate::engine::span::Span, &'static str)> {
    match &term.kind {
        TermKind::Var(_) => Some((term.span, "var")),
        TermKind::Ref(_) => Some((term.span, "ref")),
        TermKind::Call(_) => Some((term.span, "call")),
        TermKind::Array(items) | TermKind::Set(items) => items.iter().find_map(not_constant),
        TermKind::Object(items) => {
            items.iter().find_map(|(key, value)| not_constant(key).or_else(|| not_constant(value)))
        }
        TermKind::Template(parts) => parts.iter().find_map(|part| match part {
            Part::Expr(literal) => match &literal.kind {
                LiteralKind::Expr(term) => not_constant(term),
                _ => None,
            },
            Part::Text(_) => None,
        }),
        TermKind::Scalar(_) | TermKind::ArrayOf(_) | TermKind::SetOf(_) | TermKind::ObjectOf(_) => None,
    }
}
