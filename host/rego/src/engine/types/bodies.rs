//! Literals in the order they run: what each binds and what each can never do.

use regorus::Value;

use crate::engine::builtins::Builtin;
use crate::engine::ir::{
    Callee, Closure, Collect, Expr, Lit, LitKind, NodeId, Path, Piece, Replacement, Root, Slot, Special,
};
use crate::engine::rule_tree::Kind as NodeKind;
use crate::engine::safety::{Bound, reorder};
use crate::engine::span::Span;

use super::kinds::{Kind, Missing};
use super::{Checker, Known};

impl Checker<'_> {
    /// Looks at a body; afterwards its variables have kinds.
    pub(super) fn body(&mut self, body: &[Lit], bound: &mut Bound) {
        // What cannot be ordered has been reported before.
        let Ok(ordered) = reorder(body, bound, self.work) else { return };
        for lit in ordered {
            // The kinds of one literal may have a thousand parts.
            if !self.work.go_on(64) {
                return;
            }
            self.lit(lit, bound);
        }
    }

    fn lit(&mut self, lit: &Lit, bound: &Bound) {
        match &lit.kind {
            LitKind::Unify(left, right) | LitKind::Equal(left, right) => self.unify(left, right, lit.span),
            LitKind::Ref { path, out, .. } => {
                let kind = self.path(path, lit.span);
                if let Some(out) = out {
                    self.unify_kind(out, &kind, lit.span, false);
                }
            }
            LitKind::Call { callee, args, out } => {
                let result = self.call(*callee, args, out.as_ref(), lit.span);
                if let (Some(out), Some(result)) = (out, result) {
                    self.unify_kind(out, &result, lit.span, true);
                } else if let Some(out) = out {
                    self.bind(out, &Kind::Any);
                }
            }
            LitKind::Truthy(expr) => drop(self.expr(expr)),
            LitKind::Not { body, .. } => self.body(body, &mut bound.copy(self.work)),
            LitKind::In { key, value, domain } => {
                let kind = self.expr(domain);
                if kind.values().is_none() {
                    self.error(lit.span, format!("match error\n\tleft  : ???\n\tright : {kind}"));
                }
                let (keys, values) = (kind.keys().unwrap_or(Kind::Any), kind.values().unwrap_or(Kind::Any));
                if let Some(key) = key {
                    self.unify_kind(key, &keys, lit.span, false);
                }
                self.unify_kind(value, &values, lit.span, false);
            }
            LitKind::Every { key, value, domain, body, free } => {
                let kind = self.expr(domain);
                if let Some(key) = key {
                    self.bind(key, &kind.keys().unwrap_or(Kind::Any));
                }
                self.bind(value, &kind.values().unwrap_or(Kind::Any));
                let unknown = self.unknown(free);
                let mut inner = bound.copy(self.work);
                for expr in key.iter().chain([value]) {
                    expr.slots(&mut |slot| {
                        inner.add(slot);
                    });
                }
                let around = std::mem::replace(&mut self.unchecked, true);
                self.body(body, &mut inner);
                self.unchecked = around;
                self.forget(&unknown);
            }
            LitKind::With { mods, body } => {
                for replaced in mods {
                    if let Replacement::Value(expr) = &replaced.value {
                        self.expr(expr);
                    }
                }
                self.body(body, &mut bound.copy(self.work));
            }
            LitKind::Print(closures) => {
                for closure in closures {
                    self.closure(closure);
                }
            }
        }
    }

    /// The kind of a term; variables without one are of any.
    pub(super) fn expr(&mut self, expr: &Expr) -> Kind {
        match expr {
            Expr::Const(value) => Kind::of(value),
            Expr::Var(slot) => self.slot(*slot).cloned().unwrap_or(Kind::Any),
            Expr::Array(items) => Kind::array(items.iter().map(|item| self.expr(item)).collect()),
            Expr::Set(items) => {
                let kinds: Vec<_> = items.iter().map(|item| self.expr(item)).collect();
                Kind::set_of(kinds.into_iter().fold(None, Kind::or).unwrap_or(Kind::Any))
            }
            Expr::Object(items) => self.object(items),
            Expr::Comprehension(closure) => self.closure(closure),
            Expr::Template(pieces) => {
                for piece in pieces.iter() {
                    if let Piece::Value(closure) = piece {
                        self.closure(closure);
                    }
                }
                Kind::String
            }
        }
    }

    fn object(&mut self, items: &[(Expr, Expr)]) -> Kind {
        let mut fixed = std::collections::BTreeMap::new();
        let (mut keys, mut values) = (None, None);
        for (key, value) in items {
            let kind = self.expr(value);
            match key {
                Expr::Const(key) => drop(fixed.insert(key.clone(), kind)),
                key => {
                    keys = Kind::or(keys, self.expr(key));
                    values = Kind::or(values, kind);
                }
            }
        }
        let rest = keys.zip(values);
        if fixed.is_empty() && rest.is_none() {
            return Kind::object_of(Kind::Any, Kind::Any);
        }
        Kind::object(fixed, rest)
    }

    /// Those of the variables around a closure that nothing is known of.
    fn unknown(&self, free: &[Slot]) -> Vec<Slot> {
        free.iter().copied().filter(|slot| self.slot(*slot).is_none()).collect()
    }

    /// What a closure needs of a variable says nothing outside: it may have no value there.
    fn forget(&mut self, unknown: &[Slot]) {
        for slot in unknown {
            if let Some(kind) = self.slots.get_mut(*slot as usize) {
                *kind = None;
            }
        }
    }

    fn closure(&mut self, closure: &Closure) -> Kind {
        let unknown = self.unknown(&closure.free);
        let around = std::mem::replace(&mut self.unchecked, false);
        let kind = self.collected(closure);
        self.unchecked = around;
        self.forget(&unknown);
        kind
    }

    fn collected(&mut self, closure: &Closure) -> Kind {
        let mut bound = Bound::new(self.slots.len(), 0);
        self.work.go_on(self.slots.len() / 64);
        for slot in &closure.free {
            bound.add(*slot);
        }
        self.body(&closure.body, &mut bound);
        let value = self.expr(&closure.value);
        match closure.collect {
            Collect::Array => Kind::array_of(value),
            Collect::Set => Kind::set_of(value),
            Collect::Object => {
                let key = closure.key.as_ref().map_or(Kind::Any, |key| self.expr(key));
                Kind::object_of(key, value)
            }
        }
    }

    /// `left = right`: what is known of one side is known of the other.
    fn unify(&mut self, left: &Expr, right: &Expr, span: Span) {
        if let (Expr::Array(lefts), Expr::Array(rights)) = (left, right)
            && lefts.len() == rights.len()
        {
            for (left, right) in lefts.iter().zip(rights) {
                self.unify(left, right, span);
            }
            return;
        }
        let (left_kind, right_kind) = (self.expr(left), self.expr(right));
        if !left_kind.meets(&right_kind) {
            self.error(span, format!("match error\n\tleft  : {left_kind}\n\tright : {right_kind}"));
        }
        self.bind(left, &right_kind);
        self.bind(right, &left_kind);
    }

    /// A term meets a value of a kind. A call's result in a last argument stands on the left.
    fn unify_kind(&mut self, expr: &Expr, kind: &Kind, span: Span, value_first: bool) {
        let own = self.expr(expr);
        if !own.meets(kind) {
            let (left, right) = if value_first { (kind, &own) } else { (&own, kind) };
            self.error(span, format!("match error\n\tleft  : {left}\n\tright : {right}"));
        }
        self.bind(expr, kind);
    }

    /// Gives the variables of a pattern, as far as they have none, the kinds of what they stand for.
    fn bind(&mut self, expr: &Expr, kind: &Kind) {
        match expr {
            Expr::Var(slot) if self.slot(*slot).is_none() => self.set(*slot, kind.clone()),
            Expr::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    let key = Value::from(at as u64);
                    self.bind(item, &kind.at(Some(&key), &Kind::Number).unwrap_or(Kind::Any));
                }
            }
            Expr::Object(items) => {
                for (key, item) in items {
                    let key = match key {
                        Expr::Const(key) => Some(key),
                        _ => None,
                    };
                    let of = key.map_or(Kind::Any, Kind::of);
                    self.bind(item, &kind.at(key, &of).unwrap_or(Kind::Any));
                }
            }
            _ => {}
        }
    }

    /// Variables that nothing is known of are what a function takes.
    fn bind_all(&mut self, args: &[Expr], want: &[Kind]) {
        for (arg, want) in args.iter().zip(want) {
            if let Expr::Var(slot) = arg
                && self.slot(*slot).is_none()
            {
                self.set(*slot, want.clone());
            }
        }
    }

    /// The kind of the result, if the arguments fit.
    fn call(&mut self, callee: Callee, args: &[Expr], out: Option<&Expr>, span: Span) -> Option<Kind> {
        let have: Vec<_> = args.iter().map(|arg| self.expr(arg)).collect();
        let (name, want, result) = match callee {
            Callee::Builtin(builtin) => {
                let want: Vec<_> = builtin.args.iter().map(Kind::declared).collect();
                let fits = have.len() == want.len() && have.iter().zip(&want).all(|(have, want)| have.meets(want));
                if fits {
                    self.bind_all(args, &want);
                    return Some(result_of(builtin));
                }
                (builtin.name.to_owned(), want, result_of(builtin))
            }
            Callee::Function(id) => match self.known.get(id as usize) {
                Some(Some(Known::Function(want, result))) => (self.tree.name(id), want.clone(), result.clone()),
                _ => return Some(Kind::Any),
            },
            Callee::Engine(special) => {
                let (want, result) = declared(special);
                (special.name().to_owned(), want, result)
            }
        };
        if have.iter().zip(&want).all(|(have, want)| have.meets(want)) {
            self.bind_all(args, &want);
            return Some(result);
        }
        let shown = |kinds: Vec<String>| kinds.join(", ");
        let have = have.iter().map(ToString::to_string);
        let given = match out {
            Some(Expr::Var(slot)) => self.slot(*slot).map_or("???".to_owned(), ToString::to_string),
            Some(other) => self.expr(other).to_string(),
            None => "???".to_owned(),
        };
        let have = shown(have.chain([given]).collect());
        let want = shown(want.iter().chain([&result]).map(ToString::to_string).collect());
        self.error(span, format!("{name}: invalid argument(s)\n\thave: ({have})\n\twant: ({want})"));
        None
    }

    /// The kind of what a reference names.
    fn path(&mut self, path: &Path, span: Span) -> Kind {
        let mut rest = path.path.as_slice();
        let mut shown;
        let mut kind = match path.root {
            Root::Input => {
                shown = "input".to_owned();
                self.given.input.clone()
            }
            Root::Slot(slot) => {
                let name = self.names.get(slot as usize).and_then(|info| info.name.clone());
                shown = name.map_or_else(|| "…".to_owned(), |name| name.to_string());
                self.slot(slot).cloned().unwrap_or(Kind::Any)
            }
            Root::Data => {
                shown = "data".to_owned();
                match self.rule_at(rest) {
                    Some((id, used)) => {
                        shown = self.tree.name(id);
                        rest = rest.get(used..).unwrap_or_default();
                        match self.known.get(id as usize) {
                            Some(Some(Known::Value(kind))) => kind.clone(),
                            _ => Kind::Any,
                        }
                    }
                    None => self.given.data.clone(),
                }
            }
        };
        for key in rest {
            let constant = match key {
                Expr::Const(value) => Some(value),
                _ => None,
            };
            let of = self.expr(key);
            let next = kind.at(constant, &of);
            let front = shown.len();
            shown.push_str(&self.step(key));
            match next {
                Ok(next) => {
                    self.bind(key, &kind.keys().unwrap_or(Kind::Any));
                    kind = next;
                }
                Err(missing) => {
                    let reported = match (&missing, constant) {
                        (Missing::Scalar, _) => format!("have: {kind}"),
                        (Missing::Keys(keys), Some(key)) => {
                            let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
                            format!("have: {key}\n\twant (one of): [{}]", keys.join(" "))
                        }
                        (Missing::Keys(_), None) => {
                            format!("have (type): {of}\n\twant a key of {}", shown.get(..front).unwrap_or_default())
                        }
                        (Missing::Key(want), Some(key)) => format!("have: {key}\n\twant (type): {want}"),
                        (Missing::Key(want), None) => format!("have (type): {of}\n\twant (type): {want}"),
                    };
                    self.error(span, format!("undefined ref: {shown}\n\t{reported}"));
                    return Kind::Any;
                }
            }
        }
        kind
    }

    /// A step of a reference as it is written.
    fn step(&self, key: &Expr) -> String {
        match key {
            Expr::Const(Value::String(name)) if is_plain(name) => format!(".{name}"),
            Expr::Const(value) => format!("[{value}]"),
            Expr::Var(slot) => match self.names.get(*slot as usize).and_then(|info| info.name.as_ref()) {
                Some(name) => format!("[{name}]"),
                None => "[_]".to_owned(),
            },
            _ => "[…]".to_owned(),
        }
    }

    /// The rule that a path below `data` goes through, and how many steps lead to it.
    fn rule_at(&self, path: &[Expr]) -> Option<(NodeId, usize)> {
        let mut at: NodeId = 0;
        for (used, step) in path.iter().enumerate() {
            let Expr::Const(Value::String(name)) = step else { return None };
            at = *self.tree.node(at)?.children.get(name)?;
            let node = self.tree.node(at)?;
            if node.kind != NodeKind::Package {
                // A rule that others stand below is more than its own value.
                return node.children.is_empty().then_some((at, used + 1));
            }
        }
        None
    }
}

fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn result_of(builtin: &Builtin) -> Kind {
    Kind::declared(&builtin.result)
}

/// What the functions of the evaluator itself take and give.
fn declared(special: Special) -> (Vec<Kind>, Kind) {
    let document = || Kind::object_of(Kind::String, Kind::Any);
    match special {
        Special::Member => (vec![Kind::Any, Kind::Any], Kind::Boolean),
        Special::MemberPair => (vec![Kind::Any, Kind::Any, Kind::Any], Kind::Boolean),
        Special::Walk => (vec![Kind::Any], Kind::Array([Kind::array_of(Kind::Any), Kind::Any].into(), None)),
        Special::Trace => (vec![Kind::String], Kind::Boolean),
        Special::Runtime => (Vec::new(), document()),
        Special::HttpSend => (vec![document()], Kind::object_of(Kind::Any, Kind::Any)),
    }
}
