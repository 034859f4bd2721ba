//! [`Overlay`]: what `with` changes, and the memo of what it changed.
//!
//! An overlay keeps values only of rules that its replacements can reach; for all others the memo of the overlay
//! below is looked up. The last overlay to open is the first to close.

use std::collections::BTreeMap;

use regorus::Value;

use crate::engine::bit_set::BitSet;
use crate::engine::ir::{Callee, NodeId};
use crate::engine::program::{ModifierTarget, ModifierValue, Step, WithModifier};
use crate::engine::span::Span;

use super::comprehension_index::ComprehensionIndexes;
use super::memo::{CacheScope, Memo};
use super::{ControlFlow, Eval, EvalResult, ResultSink};

/// What a function is replaced by.
#[derive(Clone, Debug)]
pub(super) enum Mock {
    Value(Value),
    Function(Callee),
}

/// A function that can be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mocked {
    Node(NodeId),
    Builtin(&'static str),
}

impl Mocked {
    pub(super) fn of(callee: Callee) -> Self {
        match callee {
            Callee::Builtin(builtin) => Self::Builtin(builtin.name),
            Callee::Function(node) => Self::Node(node),
            Callee::Engine(special) => Self::Builtin(special.name()),
        }
    }
}

/// One level of `with`.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    below: usize,
    /// The overlay with the same input and data and no replaced functions.
    pub plain: usize,
    pub input: Option<Value>,
    /// All data, when some of it is replaced.
    pub data: Option<Value>,
    /// Nodes whose rules are hidden by replaced data.
    pub hidden: Vec<NodeId>,
    pub mocks: BTreeMap<Mocked, Mock>,
    mocked: BitSet,
    affected: BitSet,
    pub memo: Memo,
    pub indexes: ComprehensionIndexes,
}

impl Overlay {
    pub(super) fn base(input: Option<Value>) -> Self {
        Self { input, ..Self::default() }
    }
}

impl<'p> Eval<'p> {
    pub(super) fn current(&self) -> Option<&Overlay> {
        self.overlays.get(self.overlay)
    }

    /// The overlay whose memo holds a node's value.
    pub(super) fn home(&self, node: NodeId) -> usize {
        let mut at = self.overlay;
        while at > 0 {
            let Some(overlay) = self.overlays.get(at) else { return 0 };
            if overlay.affected.has(node as usize) {
                return at;
            }
            at = overlay.below;
        }
        0
    }

    /// Where what is known of a node may be found, with what it was made of.
    pub(super) fn memos(&self, node: NodeId) -> impl Iterator<Item = (&Memo, CacheScope)> {
        let home = self.home(node);
        // An observer needs to see everything computed.
        let persistent = (home == 0 && self.observer.is_none()).then_some(&*self.persistent);
        let persistent = persistent.into_iter();
        let persistent = persistent
            .flat_map(|persistent| [(&persistent.policy, CacheScope::Policy), (&persistent.clock, CacheScope::Clock)]);
        persistent.chain(self.overlays.get(home).map(|overlay| (&overlay.memo, CacheScope::Query)))
    }

    /// Where what is found out about a node is kept.
    pub(super) fn memo_for(&mut self, node: NodeId, reads: CacheScope) -> Option<&mut Memo> {
        match (self.home(node), reads) {
            (0, CacheScope::Policy) if self.observer.is_none() => Some(&mut self.persistent.policy),
            (0, CacheScope::Clock) if self.observer.is_none() => Some(&mut self.persistent.clock),
            (home, _) => self.overlays.get_mut(home).map(|overlay| &mut overlay.memo),
        }
    }

    /// The data that holds now.
    pub(super) fn documents(&self) -> &Value {
        self.current().and_then(|overlay| overlay.data.as_ref()).unwrap_or(self.data)
    }

    pub(super) fn input(&self) -> Option<&Value> {
        self.current().and_then(|overlay| overlay.input.as_ref())
    }

    pub(super) fn is_hidden(&self, node: NodeId) -> bool {
        self.current().is_some_and(|overlay| overlay.hidden.contains(&node))
    }

    /// Runs `body` under replacements, and for each of its results `rest` without them.
    pub(super) fn with(
        &mut self,
        frame: usize,
        mods: &'p [WithModifier],
        body: &'p [Step],
        rest: &'p [Step],
        span: Span,
        sink: &mut ResultSink<'_, 'p>,
    ) -> EvalResult<ControlFlow> {
        let outer = self.overlay;
        let height = self.overlays.len();
        let inner = self.open_overlay(frame, mods)?;
        self.enter(span)?;
        self.overlay = inner;
        let flow = self.run(frame, body, &mut |eval: &mut Self| {
            eval.overlay = outer;
            let flow = eval.run(frame, rest, sink);
            eval.overlay = inner;
            flow
        });
        self.overlay = outer;
        self.overlays.truncate(height);
        self.leave();
        flow
    }

    fn open_overlay(&mut self, frame: usize, mods: &'p [WithModifier]) -> EvalResult<usize> {
        let outer = self.overlay;
        let mut values = Vec::with_capacity(mods.len());
        for replaced in mods {
            values.push(match &replaced.value {
                ModifierValue::Value(term) => Mock::Value(self.term(frame, term)?),
                ModifierValue::Function(callee) => Mock::Function(*callee),
            });
        }
        let Some(current) = self.overlays.get(outer) else { return Ok(outer) };
        let mut plain = Overlay {
            below: current.plain,
            input: current.input.clone(),
            data: current.data.clone(),
            hidden: current.hidden.clone(),
            ..Overlay::default()
        };
        let mut mocks = current.mocks.clone();
        let mut mocked = current.mocked.clone();
        let mut copied = 0;
        for (replaced, value) in mods.iter().zip(values) {
            let affected = replaced.affected.get();
            match (&replaced.target, value) {
                (ModifierTarget::Function(callee), mock) => {
                    mocks.insert(Mocked::of(*callee), mock);
                    if let Some(affected) = affected {
                        mocked.join(affected);
                    }
                }
                (ModifierTarget::Input(path), Mock::Value(value)) => {
                    copied += on_the_way(plain.input.as_ref(), path);
                    plain.input = Some(placed(plain.input.take(), path, value));
                    if let Some(affected) = affected {
                        plain.affected.join(affected);
                    }
                }
                (ModifierTarget::Data(path), Mock::Value(value)) => {
                    let whole = plain.data.take().unwrap_or_else(|| self.data.clone());
                    copied += on_the_way(Some(&whole), path);
                    plain.data = Some(placed(Some(whole), path, value));
                    plain.hidden.extend(self.node_at(path));
                    if let Some(affected) = affected {
                        plain.affected.join(affected);
                    }
                }
                (_, Mock::Function(_)) => {}
            }
        }
        self.made(copied, &Value::Null, self.at)?;
        let at = self.overlays.len();
        plain.plain = at;
        if mocks.is_empty() {
            self.overlays.push(plain);
            return Ok(at);
        }
        let mut affected = plain.affected.clone();
        affected.join(&mocked);
        let full = Overlay {
            below: outer,
            plain: at,
            input: plain.input.clone(),
            data: plain.data.clone(),
            hidden: plain.hidden.clone(),
            mocks,
            mocked,
            affected,
            ..Overlay::default()
        };
        self.overlays.push(plain);
        self.overlays.push(full);
        Ok(at + 1)
    }

    fn node_at(&self, path: &[Value]) -> Option<NodeId> {
        let mut at = 0;
        for key in path {
            at = *self.program.node(at)?.children.get(key)?;
        }
        Some(at)
    }
}

/// The fields of the objects on a path: those that [`placed`] copies.
fn on_the_way(whole: Option<&Value>, path: &[Value]) -> usize {
    let mut at = whole;
    let mut fields = 0;
    for key in path {
        let Some(Value::Object(object)) = at else { break };
        fields += object.len();
        at = object.get(key);
    }
    fields
}

/// `whole` with `value` at `path`; what is in the way becomes an object.
pub(crate) fn placed(whole: Option<Value>, path: &[Value], value: Value) -> Value {
    let Some((key, rest)) = path.split_first() else { return value };
    let mut object = match whole {
        Some(Value::Object(object)) => object,
        _ => regorus::Rc::new(regorus::value::Object::default()),
    };
    let below = object.get(key).cloned();
    let changed = placed(below, rest, value);
    regorus::Rc::make_mut(&mut object).insert(key.clone(), changed);
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_placed_beside_what_is_there() {
        let whole = Value::from_json_str(r#"{"a": {"b": 1}, "c": 2}"#).unwrap();
        let placed = placed(Some(whole), &["a".into(), "x".into(), "y".into()], Value::from(3_u64));
        assert_eq!(placed, Value::from_json_str(r#"{"a": {"b": 1, "x": {"y": 3}}, "c": 2}"#).unwrap());
    }
}
