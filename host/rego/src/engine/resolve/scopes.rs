//! [`Scope`]: the names of one body. A name that nothing declares belongs to the outermost body it stands in.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::ast::{Literal, LiteralKind, Name, Part, Term, TermKind, With};
use crate::engine::builtins::HostFunction;
use crate::engine::error::CompileCode;
use crate::engine::ir::{Slot, Unit};
use crate::engine::span::Span;
use crate::engine::work::Work;

use super::Resolver;
use super::names::{builtin, dotted, joined};

/// The names of one body.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: BTreeMap<Name, Slot>,
    /// Names that it declares somewhere: they are no globals in it.
    declares: BTreeSet<Name>,
    /// The first unit of the literal that is resolved in it.
    literal: Unit,
    /// The variables that the body of an `every` declares further down.
    early: BTreeMap<Name, Slot>,
    /// Names that are declared so far.
    declared: BTreeMap<Name, How>,
    /// Names that stood in it before they were declared in it, if they ever are.
    referenced: BTreeSet<Name>,
    /// Names that stand in it outside its closures.
    direct: BTreeSet<Name>,
    /// It goes on with the names of the scope around it: a body after arguments, or after those of `every`.
    goes_on: bool,
}

/// How a variable is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Argument,
    /// `:=`
    Assigned,
    /// `some x`
    Some,
    /// `some x in xs`
    SomeIn,
    Every,
}

/// A declared variable, to be reported if unused.
#[derive(Debug)]
pub(super) struct Local {
    slot: Slot,
    name: Name,
    span: Span,
    how: How,
    /// How often it is met where it is declared.
    own: u32,
}

impl Resolver<'_> {
    pub(super) fn lookup(&self, name: &str) -> Option<Slot> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name).copied())
    }

    /// The variable of a name, and the number of the scope that has it.
    pub(super) fn lookup_scope(&self, name: &str) -> Option<(Slot, usize)> {
        let scopes = self.scopes.iter().enumerate().rev();
        scopes.into_iter().find_map(|(at, scope)| Some((*scope.names.get(name)?, at)))
    }

    /// Whether a name stands in a body that declares it, so that it is no global.
    pub(super) fn is_hidden(&self, name: &str) -> bool {
        // The documents are themselves.
        !matches!(name, "input" | "data") && self.scopes.iter().any(|scope| scope.declares.contains(name))
    }

    /// A literal of the innermost scope begins.
    pub(super) fn begin_literal(&mut self) {
        let unit = self.unit;
        if let Some(scope) = self.scopes.last_mut() {
            scope.literal = unit;
        }
    }

    /// Whether a variable stands in front of the literal of its scope that is resolved, or in front of one in a closure of that.
    pub(super) fn stands_before(&self, slot: Slot, scope: usize) -> bool {
        let Some(first) = self.first_met.get(slot as usize).copied().flatten() else { return false };
        let mut around = None;
        self.scopes.iter().skip(scope).any(|inner| {
            let is_inside = around.replace(inner.literal).is_none_or(|around| first > around);
            is_inside && first < inner.literal
        })
    }

    /// How a name is declared in a scope.
    pub(super) fn how(&self, name: &str, scope: usize) -> Option<How> {
        self.scopes.get(scope)?.declared.get(name).copied()
    }

    /// Whether everything outside the closures of a term is known from what stands in front of it.
    pub(super) fn is_known(&self, term: &Term) -> bool {
        let mut names = Names::new();
        term_names(term, &mut names, self.options.functions);
        names.keys().all(|name| match self.lookup_scope(name) {
            _ if &**name == "_" => false,
            Some((slot, scope)) => {
                matches!(self.how(name, scope), Some(How::Argument | How::Every))
                    || self.first_met.get(slot as usize).is_none_or(Option::is_some)
            }
            None => true,
        })
    }

    pub(super) fn declared_here(&self, name: &str) -> bool {
        self.scopes.last().is_some_and(|scope| scope.names.contains_key(name))
    }

    /// Whether a variable of this name is declared here or around here.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.declared.contains_key(name))
    }

    /// Notes a name that stands in a closure of a rule's head. As in OPA such a closure knows nothing of what is declared around
    /// it: it cannot declare the name itself any more.
    pub(super) fn note_in_head(&mut self, name: &Name) {
        let Some(from) = self.head_from else { return };
        let own = self.scopes.get(from..).unwrap_or_default();
        let is_known = |scope: &Scope| scope.declared.contains_key(name) || scope.referenced.contains(name);
        if own.is_empty() || own.iter().any(is_known) {
            return;
        }
        self.note(name);
    }

    /// Whether a name stands in a closure of a head, of a rule or of a comprehension, and is declared in the body of that.
    pub(super) fn is_of_the_body(&self, name: &Name) -> bool {
        let from = self.head_from.max(self.inner_head_from);
        let Some(from) = from.filter(|from| *from < self.scopes.len()) else { return false };
        let own = |scope: &Scope| scope.names.contains_key(name);
        if self.scopes.iter().skip(from).any(own) {
            return false;
        }
        let around = self.scopes.iter().take(from).rev().find(|scope| own(scope));
        around.is_some_and(|scope| scope.declared.get(name) != Some(&How::Argument))
    }

    /// Notes that a variable stands here.
    pub(super) fn meet(&mut self, slot: Slot) {
        self.met.push(slot);
        if let Some(uses) = self.uses.get_mut(slot as usize) {
            *uses += 1;
        }
        let unit = self.unit;
        if self.binds_nothing {
            return;
        }
        if let Some(first) = self.first_met.get_mut(slot as usize) {
            first.get_or_insert(unit);
        }
        if self.in_template == 0
            && let Some(uses) = self.outside.get_mut(slot as usize)
        {
            *uses = true;
        }
    }

    /// A name stands here that its body declares only further down, or never.
    pub(super) fn refuse_unknown(&mut self, name: &Name, span: Span) {
        self.error(span, CompileCode::UnsafeVar, format!("var {name} is unsafe"));
        self.note(name);
    }

    /// Notes that a name stands in the innermost body, if that declares it somewhere.
    pub(super) fn note(&mut self, name: &str) {
        if let Some(scope) = self.scopes.last_mut()
            && scope.declares.contains(name)
            && !scope.referenced.contains(name)
        {
            scope.referenced.insert(Name::from(name));
        }
    }

    pub(super) fn declare_as(&mut self, name: &Name, slot: Slot, span: Span, how: How, own: u32) {
        self.refuse_again(name, span, how);
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.insert(name.clone(), slot);
            scope.declared.insert(name.clone(), how);
        }
        self.locals.push(Local { slot, name: name.clone(), span, how, own });
    }

    /// A name is declared once in a body, and before anything else uses it there.
    fn refuse_again(&mut self, name: &Name, span: Span, how: How) {
        if how == How::Argument {
            self.refuse_shadow(name, span, "args");
        }
        let mut scopes = self.scopes.iter().rev();
        let Some(here) = scopes.next() else { return };
        let around = scopes.next().filter(|_| here.goes_on);
        let before = here.declared.get(name).or_else(|| around.and_then(|around| around.declared.get(name)));
        let message = match before {
            Some(How::Argument) => format!("arg {name} redeclared"),
            Some(How::Assigned) => format!("var {name} assigned above"),
            Some(How::Some | How::SomeIn | How::Every) => format!("var {name} declared above"),
            None if here.referenced.contains(name) => {
                // Reported here, where it is corrected, and not where it is unsafe.
                let unsafe_there = format!("var {name} is unsafe");
                let mut own = self.errors.split_off(self.sound.min(self.errors.len()));
                own.retain(|error| error.message != unsafe_there);
                self.errors.append(&mut own);
                format!("var {name} referenced above")
            }
            None => return,
        };
        self.error(span, CompileCode::Compile, message);
    }

    /// No variable may be named as a document.
    pub(super) fn refuse_shadow(&mut self, name: &Name, span: Span, what: &str) {
        if matches!(&**name, "input" | "data") {
            let message = format!("{what} must not shadow {name} (use a different variable name)");
            self.error(span, CompileCode::Compile, message);
        }
    }

    /// A new variable of this name in the innermost scope.
    pub(super) fn declare(&mut self, name: &Name, span: Span, how: How, own: u32) -> Slot {
        let early = self.scopes.last_mut().and_then(|scope| scope.early.remove(name));
        let slot = early.unwrap_or_else(|| self.slot(Some(name.clone()), span));
        self.declare_as(name, slot, span, how, own);
        if how == How::Some && self.scopes.last().is_some_and(|scope| !scope.direct.contains(name)) {
            self.unshared.push(slot);
        }
        slot
    }

    /// Declares every variable of a pattern, which is resolved `own` times afterwards.
    pub(super) fn declare_pattern(&mut self, pattern: &Term, how: How, own: u32) {
        if how == How::Assigned
            && let TermKind::Var(name) = &pattern.kind
            && (self.options.strict || !self.v0)
        {
            // A local variable may take the document's name in Rego of before 1.0, and in a pattern.
            self.refuse_shadow(name, pattern.span, "variables");
        }
        let mut names = Vec::new();
        listed_names(pattern, &mut names);
        let first: BTreeMap<_, _> = names.iter().rev().map(|(name, span)| (name.clone(), *span)).collect();
        for (name, span) in &first {
            // As in OPA a variable may stand among the arguments more than once.
            if how != How::Argument || !self.declared_here(name) {
                self.declare(name, *span, how, own);
            }
        }
        if how == How::Assigned {
            for (name, span) in names {
                if first.get(&name) != Some(&span) {
                    self.error(span, CompileCode::Compile, format!("var {name} assigned above"));
                }
            }
        }
    }

    /// The variables of `some … in` that it declares: not those that its own domain names, which as in OPA are the ones around it
    /// or variables of the body. As in OPA it declares those in its references, too, if the domain names what they begin with.
    pub(super) fn members(&mut self, patterns: &[&Term], domain: &Term, with: &[With]) -> Names {
        let mut names = Names::new();
        patterns.iter().for_each(|pattern| pattern_names(pattern, &mut names));
        let around = self.names_within(domain);
        let is_plain = |pattern: &&Term| matches!(pattern.kind, TermKind::Var(_) | TermKind::Scalar(_));
        if !with.is_empty() || !patterns.iter().all(is_plain) {
            let known: BTreeSet<Name> = around.keys().map(|name| self.document(name)).collect();
            for term in patterns.iter().copied().chain(with.iter().map(|with| &with.value)) {
                self.reference_names(term, &known, &mut names);
            }
        }
        let mut declared = Names::new();
        for (name, span) in names {
            // The documents are themselves.
            if matches!(&*name, "input" | "data" | "_") {
                continue;
            }
            if !around.contains_key(&name) {
                declared.insert(name, span);
            } else if self.lookup(&name).is_none() {
                let slot = self.slot(Some(name.clone()), span);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.names.insert(name, slot);
                }
            }
        }
        declared
    }

    /// The document that a rule or an import stands for; another name stands for itself.
    fn document(&self, name: &Name) -> Name {
        let path = self.full_path(std::slice::from_ref(name));
        path.and_then(|path| path.into_iter().next()).unwrap_or_else(|| name.clone())
    }

    /// The variables in the paths of the references that begin with what is known, closures left out.
    fn reference_names(&self, term: &Term, known: &BTreeSet<Name>, names: &mut Names) {
        match &term.kind {
            TermKind::Ref(reference) => {
                let mut heads = Names::new();
                term_names(&reference.head, &mut heads, self.options.functions);
                if heads.keys().any(|head| !known.contains(&self.document(head))) {
                    return;
                }
                reference.path.iter().for_each(|term| all_names(term, false, names));
                let parts = std::iter::once(&reference.head).chain(&reference.path);
                parts.for_each(|term| self.reference_names(term, known, names));
            }
            TermKind::Array(items) | TermKind::Set(items) => {
                items.iter().for_each(|item| self.reference_names(item, known, names));
            }
            TermKind::Object(items) => {
                let terms = items.iter().flat_map(|(key, value)| [key, value]);
                terms.for_each(|term| self.reference_names(term, known, names));
            }
            TermKind::Call(call) => call.args.iter().for_each(|term| self.reference_names(term, known, names)),
            _ => {}
        }
    }

    /// Whether a variable that a pattern binds stands in the other term or in a closure there, too.
    pub(super) fn shares_names(&self, pattern: &Term, term: &Term) -> bool {
        let mut bound = Names::new();
        pattern_names(pattern, &mut bound);
        let used = self.names_within(term);
        bound.keys().any(|name| used.contains_key(name))
    }

    /// Every variable of a term, those of closures too. The walk begins anew at each level of closures, so that it counts as work, by
    /// the length of the text.
    fn names_within(&self, term: &Term) -> Names {
        let mut names = Names::new();
        if self.work.go_on(term.span.end.saturating_sub(term.span.start) as usize / 64) {
            all_names(term, true, &mut names);
        }
        names
    }

    /// Reports the variables declared in a rule that are unused.
    pub(super) fn refuse_unused(&mut self) {
        for local in std::mem::take(&mut self.locals) {
            if self.uses.get(local.slot as usize).is_some_and(|uses| *uses > local.own) {
                continue;
            }
            let name = &local.name;
            let message = match local.how {
                How::Some | How::Every => format!("declared var {name} unused"),
                How::Assigned if self.options.strict => format!("assigned var {name} unused"),
                How::Argument if self.options.strict => {
                    format!("unused argument {name}. (hint: use _ (wildcard variable) instead)")
                }
                How::Assigned | How::Argument | How::SomeIn => continue,
            };
            self.error(local.span, CompileCode::Compile, message);
        }
    }

    /// The innermost scope goes on with the names of the one around it.
    pub(super) fn go_on(&mut self) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.goes_on = true;
        }
    }

    /// What the body of an `every`, whose scope is the innermost one, declares. As in OPA the closures in front of the declaration
    /// mean these variables, too.
    pub(super) fn foresee(&mut self, body: &[Literal]) {
        let mut declared = BTreeSet::new();
        for literal in body {
            literal_names(literal, &mut Names::new(), &mut declared, self.options.functions);
        }
        for name in declared {
            if !matches!(&*name, "input" | "data" | "_") {
                let slot = self.slot(Some(name.clone()), body.first().map_or_else(Span::default, |first| first.span));
                if let Some(scope) = self.scopes.last_mut() {
                    scope.early.insert(name, slot);
                }
            }
        }
    }

    /// The variable that the body of an `every` around here declares further down.
    fn foreseen(&self, name: &Name) -> Option<Slot> {
        if self.lookup(name).is_some() {
            return None;
        }
        self.scopes.iter().rev().find_map(|scope| scope.early.get(name).copied())
    }

    /// Opens the scope of a body whose results are `heads`, with the names that nothing declares.
    pub(super) fn open(&mut self, body: &[Literal], heads: &[&Term]) {
        let mut used = BTreeMap::new();
        let mut declared = BTreeSet::new();
        for literal in body {
            literal_names(literal, &mut used, &mut declared, self.options.functions);
        }
        for term in heads {
            term_names(term, &mut used, self.options.functions);
        }
        let direct = used.keys().cloned().collect();
        // As in OPA what the body of an `every` declares is no global in the body around it either, where nothing declares it.
        let mut declares = declared.clone();
        names_of_every(body, &mut declares, self.options.functions, self.work);
        let hidden: BTreeSet<Name> = used.keys().filter(|name| declares.contains(*name)).cloned().collect();
        self.scopes.push(Scope { direct, declares, ..Scope::default() });
        for (name, span) in used {
            let outer = self.lookup(&name).filter(|slot| self.unshared.contains(slot));
            if let Some(uses) = outer.and_then(|slot| self.uses.get_mut(slot as usize)) {
                *uses += 1;
            }
            let known = matches!(&*name, "input" | "data" | "_")
                || declared.contains(&name)
                || (self.lookup(&name).is_some() && outer.is_none())
                || (self.globals.get(&name).is_some() && outer.is_none() && !hidden.contains(&name));
            let early = if declared.contains(&name) { None } else { self.foreseen(&name) };
            if let Some(slot) = early {
                if let Some(scope) = self.scopes.last_mut() {
                    scope.names.insert(name, slot);
                }
            } else if !known {
                let slot = self.slot(Some(name.clone()), span);
                // As in OPA it is the function, which is equal to nothing.
                if self.allowed_builtin(&name).is_some()
                    && let Some(info) = self.slots.get_mut(slot as usize)
                {
                    info.is_function = true;
                }
                if let Some(scope) = self.scopes.last_mut() {
                    scope.names.insert(name, slot);
                }
            }
        }
    }

    /// Closes the innermost scope and gives its names.
    pub(super) fn close(&mut self) -> Vec<(Name, Slot)> {
        self.scopes.pop().map(|scope| scope.names.into_iter().collect()).unwrap_or_default()
    }
}

type Names = BTreeMap<Name, Span>;

/// The registered functions.
pub(super) type Functions = &'static [HostFunction];

/// The body of a rule or a comprehension with these heads. As in OPA one that is `true` alone gives way to what is moved out of a
/// head, and its `with` goes with it.
pub(super) fn kept_body<'t>(body: &'t [Literal], heads: &[&Term]) -> &'t [Literal] {
    let is_true = |term: &Term| matches!(term.kind, TermKind::Scalar(regorus::Value::Bool(true)));
    match body {
        [Literal { kind: LiteralKind::Expr(term), with, .. }]
            if is_true(term) && !with.is_empty() && heads.iter().any(|head| is_evaluated(head)) =>
        {
            &[]
        }
        body => body,
    }
}

/// Whether a term is more than values and variables.
fn is_evaluated(term: &Term) -> bool {
    match &term.kind {
        TermKind::Scalar(_) | TermKind::Var(_) => false,
        TermKind::Array(items) | TermKind::Set(items) => items.iter().any(is_evaluated),
        TermKind::Object(items) => items.iter().any(|(key, value)| is_evaluated(key) || is_evaluated(value)),
        _ => true,
    }
}

/// Variables in the places of a pattern that can bind.
fn pattern_names(term: &Term, names: &mut Names) {
    let mut listed = Vec::new();
    listed_names(term, &mut listed);
    for (name, span) in listed {
        names.entry(name).or_insert(span);
    }
}

/// The same as often as they stand there, in order.
pub(super) fn listed_names(term: &Term, names: &mut Vec<(Name, Span)>) {
    match &term.kind {
        TermKind::Var(name) if &**name != "_" => names.push((name.clone(), term.span)),
        TermKind::Array(items) => items.iter().for_each(|item| listed_names(item, names)),
        TermKind::Object(items) => items.iter().for_each(|(_, value)| listed_names(value, names)),
        _ => {}
    }
}

/// Variables of a literal, closures left out, and those it declares.
fn literal_names(literal: &Literal, used: &mut Names, declared: &mut BTreeSet<Name>, functions: Functions) {
    match &literal.kind {
        LiteralKind::Expr(term) => {
            if let TermKind::Call(call) = &term.kind
                && call.operator
                && call.name.first().is_some_and(|name| &**name == "assign")
                && let Some(left) = call.args.first()
            {
                let mut names = Names::new();
                pattern_names(left, &mut names);
                declared.extend(names.into_keys());
            }
            term_names(term, used, functions);
        }
        LiteralKind::Not(term) => term_names(term, used, functions),
        LiteralKind::Some(names) => declared.extend(names.iter().map(|(name, _)| name.clone())),
        LiteralKind::SomeIn { key, value, domain } => {
            let mut names = Names::new();
            for term in key.iter().chain([value]) {
                pattern_names(term, &mut names);
                term_names(term, used, functions);
            }
            declared.extend(names.into_keys());
            term_names(domain, used, functions);
        }
        LiteralKind::Every { domain, .. } => term_names(domain, used, functions),
    }
    for with in &literal.with {
        // `with f as count` names a function.
        if !dotted(&with.value).is_some_and(|name| builtin(&joined(&name), functions).is_some()) {
            term_names(&with.value, used, functions);
        }
    }
}

/// The names that the bodies of `every` in a body declare. The walk begins anew at each level, so that it counts as work.
fn names_of_every(body: &[Literal], declared: &mut BTreeSet<Name>, functions: Functions, work: &Work) {
    for literal in body {
        if let LiteralKind::Every { body, .. } = &literal.kind {
            // By the length of its text, as its terms may be large.
            if !work.go_on(literal.span.end.saturating_sub(literal.span.start) as usize / 64) {
                return;
            }
            let mut used = Names::new();
            body.iter().for_each(|inner| literal_names(inner, &mut used, declared, functions));
            names_of_every(body, declared, functions, work);
        }
    }
}

/// Every variable of a term, those of closures too; those that references begin with if `heads`.
fn all_names(term: &Term, heads: bool, names: &mut Names) {
    fn literals(body: &[Literal], heads: bool, names: &mut Names) {
        for literal in body {
            match &literal.kind {
                LiteralKind::Expr(term) | LiteralKind::Not(term) => all_names(term, heads, names),
                LiteralKind::Some(_) => {}
                LiteralKind::SomeIn { key, value, domain } => {
                    key.iter().chain([value, domain]).for_each(|term| all_names(term, heads, names));
                }
                LiteralKind::Every { domain, body, .. } => {
                    all_names(domain, heads, names);
                    literals(body, heads, names);
                }
            }
            literal.with.iter().for_each(|with| all_names(&with.value, heads, names));
        }
    }
    match &term.kind {
        TermKind::Var(name) => {
            names.entry(name.clone()).or_insert(term.span);
        }
        TermKind::Ref(reference) => {
            let head = Some(&reference.head).filter(|head| heads || !matches!(head.kind, TermKind::Var(_)));
            head.into_iter().chain(&reference.path).for_each(|term| all_names(term, heads, names));
        }
        TermKind::Array(items) | TermKind::Set(items) => items.iter().for_each(|item| all_names(item, heads, names)),
        TermKind::Object(items) => {
            items.iter().flat_map(|(key, value)| [key, value]).for_each(|term| all_names(term, heads, names));
        }
        TermKind::Call(call) => {
            if let Some(name) = call.name.first().filter(|_| heads && !call.operator) {
                names.entry(name.clone()).or_insert(call.name_span);
            }
            call.args.iter().for_each(|term| all_names(term, heads, names));
        }
        TermKind::ArrayOf(of) | TermKind::SetOf(of) | TermKind::ObjectOf(of) => {
            of.key.iter().chain([&of.value]).for_each(|term| all_names(term, heads, names));
            literals(&of.body, heads, names);
        }
        TermKind::Template(parts) => {
            for part in parts {
                if let Part::Expr(literal) = part {
                    literals(std::slice::from_ref(literal), heads, names);
                }
            }
        }
        TermKind::Scalar(_) => {}
    }
}

pub(super) fn term_names(term: &Term, names: &mut Names, functions: Functions) {
    match &term.kind {
        TermKind::Var(name) => {
            names.entry(name.clone()).or_insert(term.span);
        }
        TermKind::Ref(reference) => {
            term_names(&reference.head, names, functions);
            reference.path.iter().for_each(|term| term_names(term, names, functions));
        }
        TermKind::Array(items) | TermKind::Set(items) => {
            items.iter().for_each(|item| term_names(item, names, functions));
        }
        TermKind::Object(items) => {
            for (key, value) in items {
                term_names(key, names, functions);
                term_names(value, names, functions);
            }
        }
        TermKind::Call(call) => call.args.iter().for_each(|term| term_names(term, names, functions)),
        TermKind::Template(parts) => {
            // An expression in a template must find its variables outside.
            for part in parts {
                if let Part::Expr(literal) = part {
                    literal_names(literal, names, &mut BTreeSet::new(), functions);
                }
            }
        }
        TermKind::Scalar(_) | TermKind::ArrayOf(_) | TermKind::SetOf(_) | TermKind::ObjectOf(_) => {}
    }
}
