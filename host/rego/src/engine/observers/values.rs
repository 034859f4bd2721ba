//! [`BoundValue`]: a variable or reference in an expression with its value, and where in the file it stands.

use std::collections::BTreeMap;

use regorus::Value;

use crate::engine::builtins::write_start;
use crate::engine::eval::Eval;
use crate::engine::ir::{Callee, Slot};
use crate::engine::limits::VALUE_CHARACTERS;
use crate::engine::program::{Base, Comprehension, DebugInfo, Op, Pattern, Piece, Step, Target, Term};
use crate::engine::span::{Source, Span};

/// A part of an expression and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BoundValue {
    /// The part as it is written.
    pub text: String,
    /// Its row and column, from 1.
    pub location: (u32, u32),
    /// The value as a Rego term, cut when it is long.
    pub value: String,
}

/// The variables with a name and a value that a step refers to.
pub(crate) fn mentioned(eval: &Eval<'_>, frame: usize, about: &DebugInfo, step: &Step) -> Vec<BoundValue> {
    let Some(source) = eval.source(step.span) else { return Vec::new() };
    let mut values = Values::new(source, step.span);
    values.variables(eval, frame, about, step);
    values.found()
}

/// The values of the parts of an expression: of the variables and calls in its `steps`, and what the step that did not
/// hold, if one did not, found instead.
pub(crate) fn parts<'p>(
    eval: &mut Eval<'p>,
    frame: usize,
    about: &DebugInfo,
    span: Span,
    steps: &[&'p Step],
    failed: Option<&'p Step>,
) -> Vec<BoundValue> {
    let sources = eval.sources;
    let Some(source) = sources.get(span.file as usize) else { return Vec::new() };
    let mut values = Values::new(source, span);
    for step in steps {
        values.variables(eval, frame, about, step);
        values.result(eval, frame, about, step);
        if failed.is_some_and(|failed| std::ptr::eq(failed, *step)) {
            values.outcome(eval, frame, about, step);
            values.comprehensions(eval, frame, step);
            break;
        }
    }
    values.found()
}

/// The value as a Rego term; a long one is cut.
pub(crate) fn shown(value: &Value) -> String {
    let mut text = String::new();
    // No character takes more than ten bytes in a term.
    write_start(&mut text, value, VALUE_CHARACTERS * 10);
    if text.chars().count() > VALUE_CHARACTERS {
        text = text.chars().take(VALUE_CHARACTERS).collect();
        text.push('…');
    }
    text
}

/// Gathers values by where their text stands in an expression.
struct Values<'s> {
    source: &'s Source,
    span: Span,
    /// By the first byte of the text.
    by_place: BTreeMap<u32, (String, String)>,
}

impl<'s> Values<'s> {
    fn new(source: &'s Source, span: Span) -> Self {
        Self { source, span, by_place: BTreeMap::new() }
    }

    fn found(self) -> Vec<BoundValue> {
        let Self { source, by_place, .. } = self;
        let valued = |(start, (text, value))| BoundValue { text, location: source.line_column(start), value };
        by_place.into_iter().map(valued).collect()
    }

    fn add(&mut self, start: u32, text: &str, value: String) {
        self.by_place.insert(start, (text.to_owned(), value));
    }

    fn variables(&mut self, eval: &Eval<'_>, frame: usize, about: &DebugInfo, step: &Step) {
        let mut slots = Vec::new();
        slots_of(step, &mut |slot| slots.push(slot));
        slots.sort_unstable();
        slots.dedup();
        for slot in slots {
            let value = eval.slot(frame, slot);
            let name = about.names.get(slot as usize).and_then(Option::as_deref);
            if let (Some(name), false) = (name.filter(|name| *name != "_"), *value == Value::Undefined)
                && let Some(start) = self.word(name)
            {
                self.add(start, name, shown(value));
            }
        }
    }

    /// What a call or reference gave to a variable that the source does not name.
    fn result(&mut self, eval: &Eval<'_>, frame: usize, about: &DebugInfo, step: &Step) {
        let (Op::Call { out, .. } | Op::Lookup { out, .. } | Op::Scan { out, .. }) = &step.op else { return };
        let Target::Pattern(Pattern::Bind(slot)) = out else { return };
        let value = eval.slot(frame, *slot);
        let is_named = about.names.get(*slot as usize).is_some_and(Option::is_some);
        if !is_named && *value != Value::Undefined && step.span != self.span {
            let text = self.source.slice(step.span).to_owned();
            self.add(step.span.start, &text, shown(value));
        }
    }

    /// What a call or reference that did not hold gives instead.
    fn outcome<'p>(&mut self, eval: &mut Eval<'p>, frame: usize, about: &DebugInfo, step: &'p Step) {
        let text = match &step.op {
            Op::Call { callee, .. } => match self.call(eval, *callee, step.span) {
                Some(text) => text,
                None => return,
            },
            Op::Lookup { base, path, .. } => match self.reference(eval, frame, about, base, path) {
                Some(text) => text,
                None => return,
            },
            _ => return,
        };
        let value = eval.outcome(frame, step).map_or_else(|| "undefined".to_owned(), |value| shown(&value));
        let (start, text) = text;
        self.add(start, &text, value);
    }

    /// What comprehensions on either side of a comparison made.
    fn comprehensions<'p>(&mut self, eval: &mut Eval<'p>, frame: usize, step: &'p Step) {
        let sides = match &step.op {
            Op::Match { term, pattern: Pattern::Is(other) } | Op::Equal(term, other) => vec![term, other],
            Op::Match { term, .. } => vec![term],
            _ => return,
        };
        for side in sides {
            let Term::Comprehension(of) = side else { continue };
            if let Some(value) = eval.value_again(frame, side) {
                let text = self.source.slice(of.span).to_owned();
                self.add(of.span.start, &text, shown(&value));
            }
        }
    }

    /// The text of a call: all of the span, or the part of it that is one.
    fn call(&self, eval: &Eval<'_>, callee: Callee, span: Span) -> Option<(u32, String)> {
        let name = match callee {
            Callee::Builtin(builtin) => builtin.name.to_owned(),
            Callee::Function(node) => eval.name(node).to_owned(),
            Callee::Engine(special) => special.name().to_owned(),
        };
        let text = self.source.slice(span);
        let mut short = name.as_str();
        loop {
            if let Some(at) = find_word(text, &format!("{short}(")) {
                let call = text.get(at..)?;
                return Some((span.start.checked_add(u32::try_from(at).ok()?)?, closed(call).to_owned()));
            }
            short = short.split_once('.')?.1;
        }
    }

    /// The text of a reference: as much of its end as stands in the expression.
    fn reference(
        &self,
        eval: &Eval<'_>,
        frame: usize,
        about: &DebugInfo,
        base: &Base,
        path: &[Term],
    ) -> Option<(u32, String)> {
        let mut parts: Vec<String> = match base {
            Base::Input => vec!["input".to_owned()],
            Base::Slot(slot) => vec![about.names.get(*slot as usize)?.as_deref()?.to_owned()],
            Base::Node(node) => eval.name(*node).split('.').map(str::to_owned).collect(),
            Base::Doc(path) => std::iter::once("data".to_owned()).chain(path.iter().map(key)).collect(),
        };
        for term in path {
            match term {
                Term::Const(value) => parts.push(key(value)),
                Term::Var(slot) => match about.names.get(*slot as usize).and_then(Option::as_deref) {
                    Some(name) => parts.push(format!("[{name}]")),
                    None => parts.push(format!("[{}]", shown(eval.slot(frame, *slot)))),
                },
                _ => return None,
            }
        }
        for from in 0..parts.len() {
            let text = parts.get(from..)?.join(".").replace(".[", "[");
            if let Some(start) = self.word(&text) {
                return Some((start, text));
            }
        }
        None
    }

    /// Where a word stands in the expression.
    fn word(&self, word: &str) -> Option<u32> {
        let at = find_word(self.source.slice(self.span), word)?;
        self.span.start.checked_add(u32::try_from(at).ok()?)
    }
}

/// A part of a path as it is written behind a dot, or in brackets.
fn key(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_') => {
            text.to_string()
        }
        other => format!("[{}]", shown(other)),
    }
}

/// Where a word begins that is not part of a longer one, of a reference or of a text.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let part_of_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = text.as_bytes();
    let mut quoted = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            _ if !quoted && bytes.get(at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) => {
                let before = at.checked_sub(1).and_then(|before| bytes.get(before));
                let ends_open = word.ends_with(['(', ']']);
                let free = !part_of_word(before) && before != Some(&b'.');
                if free && (ends_open || !part_of_word(bytes.get(at + word.len()))) {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// From the beginning of a call to its closing parenthesis.
fn closed(call: &str) -> &str {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in call.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return call.get(..=at).unwrap_or(call);
                }
            }
            _ => {}
        }
    }
    call
}

/// Calls `visit` with the variables of a step; those of comprehensions inside it are their own.
fn slots_of(step: &Step, visit: &mut dyn FnMut(Slot)) {
    match &step.op {
        Op::Match { term, pattern } => {
            term_slots(term, visit);
            pattern_slots(pattern, visit);
        }
        Op::Equal(one, other) => {
            term_slots(one, visit);
            term_slots(other, visit);
        }
        Op::Truthy(term) => term_slots(term, visit),
        Op::Lookup { base, path, out } => {
            base_slots(base, visit);
            path.iter().for_each(|term| term_slots(term, visit));
            target_slots(out, visit);
        }
        Op::Scan { base, path, out } => {
            base_slots(base, visit);
            path.iter().for_each(|pattern| pattern_slots(pattern, visit));
            target_slots(out, visit);
        }
        Op::Call { args, out, .. } => {
            args.iter().for_each(|term| term_slots(term, visit));
            target_slots(out, visit);
        }
        Op::Walk { value, out } => {
            term_slots(value, visit);
            target_slots(out, visit);
        }
        Op::In { key, value, domain } => {
            key.iter().chain([value]).for_each(|pattern| pattern_slots(pattern, visit));
            term_slots(domain, visit);
        }
        Op::Every { domain, .. } => term_slots(domain, visit),
        Op::Not(body) | Op::With { body, .. } => {
            for step in body {
                // A closure that calls itself must not become a new type at each level.
                slots_of(step, &mut |slot| visit(slot));
            }
        }
        Op::Print(parts) => parts.iter().for_each(|of| comprehension_slots(of, visit)),
    }
}

fn base_slots(base: &Base, visit: &mut dyn FnMut(Slot)) {
    if let Base::Slot(slot) = base {
        visit(*slot);
    }
}

fn target_slots(out: &Target, visit: &mut dyn FnMut(Slot)) {
    if let Target::Pattern(pattern) = out {
        pattern_slots(pattern, visit);
    }
}

fn pattern_slots(pattern: &Pattern, visit: &mut dyn FnMut(Slot)) {
    match pattern {
        Pattern::Any => {}
        Pattern::Bind(slot) => visit(*slot),
        Pattern::Is(term) => term_slots(term, visit),
        Pattern::Array(items) => items.iter().for_each(|pattern| pattern_slots(pattern, visit)),
        Pattern::Object(items) => {
            for (key, pattern) in items {
                term_slots(key, visit);
                pattern_slots(pattern, visit);
            }
        }
    }
}

fn term_slots(term: &Term, visit: &mut dyn FnMut(Slot)) {
    match term {
        Term::Const(_) => {}
        Term::Var(slot) => visit(*slot),
        Term::Array(items) | Term::Set(items) => items.iter().for_each(|term| term_slots(term, visit)),
        Term::Object(items) => {
            for (key, value) in items {
                term_slots(key, visit);
                term_slots(value, visit);
            }
        }
        Term::Comprehension(of) => comprehension_slots(of, visit),
        Term::Template(pieces) => {
            for piece in pieces {
                if let Piece::Value(of) = piece {
                    comprehension_slots(of, visit);
                }
            }
        }
    }
}

fn comprehension_slots(of: &Comprehension, visit: &mut dyn FnMut(Slot)) {
    of.key.iter().chain([&of.value]).for_each(|term| term_slots(term, visit));
}
