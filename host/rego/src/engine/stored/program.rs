//! The compiled rules in the stored form.

use std::sync::Arc;

use super::{Reader, Stored, Writer, stored_enum, stored_struct};
use crate::engine::{
    ast::Name,
    bit_set::BitSet,
    builtins,
    ir::{Callee, Collect, NodeId, Special},
    program::{
        Base, Branch, Comprehension, ComprehensionIndex, DebugInfo, IndexedPlace, KeyBinding, Keyed, ModifierTarget,
        ModifierValue, Node, Op, Pattern, Piece, Program, Rule, RuleIndex, Step, Target, Term, WithModifier,
    },
    rule_tree::Kind,
    span::Span,
};

stored_struct!(Program { nodes });
stored_struct!(Node { path, kind, children, rules, default, index, keyed, name, span });
stored_enum!(Kind { 0 => Package, 1 => Complete, 2 => Set, 3 => Object, 4 => Function });
stored_struct!(RuleIndex { place, by_value, others });
stored_enum!(IndexedPlace { 0 => Input(path), 1 => Argument(position, path) });
stored_struct!(Keyed { key, rule });
stored_enum!(KeyBinding { 0 => Slot(slot), 1 => Const(value) });
stored_struct!(Step { op, span });
stored_enum!(Term {
    0 => Const(value),
    1 => Var(slot),
    2 => Array(items),
    3 => Set(items),
    4 => Object(items),
    5 => Comprehension(inner),
    6 => Template(pieces),
});
stored_enum!(Piece { 0 => Text(text), 1 => Value(inner) });
stored_struct!(Comprehension { collect, key, value, steps, span, index });
stored_enum!(Collect { 0 => Array, 1 => Set, 2 => Object });
stored_struct!(ComprehensionIndex { keys, others, steps });
stored_enum!(Pattern { 0 => Any, 1 => Bind(slot), 2 => Is(term), 3 => Array(items), 4 => Object(items) });
stored_enum!(Base { 0 => Slot(slot), 1 => Input, 2 => Node(node), 3 => Doc(path) });
stored_enum!(Target { 0 => Truthy, 1 => Pattern(pattern) });
stored_enum!(Op {
    0 => Match { term, pattern },
    1 => Equal(left, right),
    2 => Truthy(term),
    3 => Lookup { base, path, out },
    4 => Scan { base, path, out },
    5 => Call { callee, args, out },
    6 => Walk { value, out },
    7 => In { key, value, domain },
    8 => Every { key, value, domain, body },
    9 => Not(body),
    10 => With { mods, body },
    11 => Print(items),
});
stored_enum!(ModifierTarget { 0 => Input(path), 1 => Data(path), 2 => Function(callee) });
stored_enum!(ModifierValue { 0 => Value(term), 1 => Function(callee) });
stored_enum!(Special { 0 => Member, 1 => MemberPair, 2 => Walk, 3 => Trace, 4 => Runtime, 5 => HttpSend });

impl Stored for Span {
    fn write(&self, to: &mut Writer) {
        self.file.write(to);
        self.start.write(to);
        // The end may be anything: it is not used before it is compared.
        self.end.wrapping_sub(self.start).write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (file, start, length) = (u32::read(from)?, u32::read(from)?, u32::read(from)?);
        Some(Self { file, start, end: start.wrapping_add(length) })
    }
}

/// How a function is written: by what it is one of.
const BUILTIN: u8 = 0;
const REGISTERED: u8 = 1;
const FUNCTION: u8 = 2;
const ENGINE: u8 = 3;

impl Stored for Callee {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Builtin(builtin) => {
                to.byte(if builtin.is_registered() { REGISTERED } else { BUILTIN });
                to.text(builtin.name);
            }
            Self::Function(node) => {
                to.byte(FUNCTION);
                node.write(to);
            }
            Self::Engine(special) => {
                to.byte(ENGINE);
                special.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            BUILTIN => builtins::lookup(&from.text()?).map(Self::Builtin),
            REGISTERED => {
                let name = from.text()?;
                from.function(&name).map(|function| Self::Builtin(function.builtin()))
            }
            FUNCTION => NodeId::read(from).map(Self::Function),
            ENGINE => Special::read(from).map(Self::Engine),
            _ => None,
        }
    }
}

impl Stored for WithModifier {
    fn write(&self, to: &mut Writer) {
        self.target.write(to);
        self.value.write(to);
        let (number, is_new) = to.shared(&self.affected);
        to.number(number);
        if is_new {
            self.affected.get().cloned().unwrap_or_default().write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self { target: Stored::read(from)?, value: Stored::read(from)?, affected: from.shared(BitSet::read)? })
    }
}

/// Branches share what is said of their definition, which stands before them.
impl Stored for Rule {
    fn write(&self, to: &mut Writer) {
        let Self { slots, branches, span, guards, constant } = self;
        slots.write(to);
        span.write(to);
        guards.write(to);
        constant.write(to);
        to.number(branches.len() as u64);
        if let Some(first) = branches.first() {
            let DebugInfo { node, names, span } = &*first.about;
            node.write(to);
            names.write(to);
            span.write(to);
        }
        for branch in branches {
            let Branch { steps, case, path, value, set, span, about: _ } = branch;
            steps.write(to);
            case.write(to);
            path.write(to);
            value.write(to);
            set.write(to);
            span.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (slots, span) = (usize::read(from)?, Span::read(from)?);
        let (guards, constant) = (Stored::read(from)?, Stored::read(from)?);
        let count = from.length()?;
        let mut branches = Vec::with_capacity(count.min(super::RESERVED));
        if count > 0 {
            let (node, names, span) = (NodeId::read(from)?, Vec::<Option<Name>>::read(from)?, Span::read(from)?);
            let about = Arc::new(DebugInfo { node, names, span });
            for _ in 0..count {
                branches.push(Branch {
                    steps: Stored::read(from)?,
                    case: Stored::read(from)?,
                    path: Stored::read(from)?,
                    value: Stored::read(from)?,
                    set: Stored::read(from)?,
                    span: Stored::read(from)?,
                    about: Arc::clone(&about),
                });
            }
        }
        Some(Self { slots, branches, span, guards, constant })
    }
}
