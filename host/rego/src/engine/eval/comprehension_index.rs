//! The values of a comprehension for every key that it selects by, made at once when it is requested for many.
//!
//! They belong to one overlay and to the values of the other variables that the comprehension has from outside. The
//! first times it is evaluated as it stands: a comprehension that is requested for few keys gains nothing.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use regorus::Value;

use crate::engine::error::EvalCode;
use crate::engine::ir::Collect;
use crate::engine::program::{Comprehension, ComprehensionIndex};

use super::memo::{CacheScope, same};
use super::{ControlFlow, Eval, EvalResult};

/// So often a comprehension is evaluated for one key before the values of all keys are made.
const SINGLE_KEYS: usize = 4;

/// The values of the other variables for which the keys of one comprehension are kept.
const CONTEXTS: usize = 4;

/// What is kept under one overlay, by where the comprehension stands in memory: a program does not move.
#[derive(Debug, Default)]
pub(super) struct ComprehensionIndexes(HashMap<usize, Vec<Context>>);

/// A comprehension with the values of its other variables.
#[derive(Debug)]
struct Context {
    others: Vec<Value>,
    requested: usize,
    groups: Groups,
}

#[derive(Debug)]
enum Groups {
    NotMade,
    /// Its steps fail for some key, which is an error only if that key is requested for.
    Refused,
    /// The value for each key that has one; none where two values of one field differ.
    Made(BTreeMap<Vec<Value>, Option<Value>>, CacheScope),
}

/// What one key collects.
enum Group {
    Array(Vec<Value>),
    Set(BTreeSet<Value>),
    Object(BTreeMap<Value, Value>),
    Conflict,
}

impl Group {
    fn of(collect: Collect) -> Self {
        match collect {
            Collect::Array => Self::Array(Vec::new()),
            Collect::Set => Self::Set(BTreeSet::new()),
            Collect::Object => Self::Object(BTreeMap::new()),
        }
    }

    fn add(&mut self, key: Option<Value>, value: Value) {
        match self {
            Self::Array(values) => values.push(value),
            Self::Set(values) => {
                values.insert(value);
            }
            Self::Object(values) => {
                let Some(key) = key else { return };
                if values.get(&key).is_some_and(|known| *known != value) {
                    *self = Self::Conflict;
                    return;
                }
                values.insert(key, value);
            }
            Self::Conflict => {}
        }
    }

    fn done(self) -> Option<Value> {
        match self {
            Self::Array(values) => Some(Value::from(values)),
            Self::Set(values) => Some(Value::from(values)),
            Self::Object(values) => Some(Value::from(values)),
            Self::Conflict => None,
        }
    }
}

impl<'p> Eval<'p> {
    /// The value of a comprehension from what was made of it for all keys; none if it has to be evaluated as it stands.
    pub(super) fn selected(
        &mut self,
        frame: usize,
        of: &'p Comprehension,
        index: &'p ComprehensionIndex,
    ) -> EvalResult<Option<Value>> {
        if self.observer.is_some() {
            return Ok(None);
        }
        let id = std::ptr::from_ref(of).addr();
        let others: Vec<_> = index.others.iter().map(|slot| self.slot(frame, *slot).clone()).collect();
        let at = self.overlay;
        let Some(overlay) = self.overlays.get_mut(at) else { return Ok(None) };
        let contexts = overlay.indexes.0.entry(id).or_default();
        let Some(found) = contexts.iter().position(|context| context.others.iter().zip(&others).all(same)) else {
            if contexts.len() == CONTEXTS {
                contexts.remove(0);
            }
            contexts.push(Context { others, requested: 1, groups: Groups::NotMade });
            return Ok(None);
        };
        let Some(context) = contexts.get_mut(found) else { return Ok(None) };
        context.requested += 1;
        if matches!(context.groups, Groups::NotMade) {
            if context.requested <= SINGLE_KEYS {
                return Ok(None);
            }
            let groups = self.groups(frame, of, index)?;
            // What the steps evaluated may have opened contexts of the same comprehension.
            let contexts = self.overlays.get_mut(at).and_then(|overlay| overlay.indexes.0.get_mut(&id));
            let context = contexts
                .and_then(|contexts| contexts.iter_mut().find(|context| context.others.iter().zip(&others).all(same)));
            let Some(context) = context else { return Ok(None) };
            context.groups = groups;
        }
        let keys: Vec<_> = index.keys.iter().map(|slot| self.slot(frame, *slot).clone()).collect();
        let contexts = self.overlays.get(at).and_then(|overlay| overlay.indexes.0.get(&id));
        let context =
            contexts.and_then(|contexts| contexts.iter().find(|context| context.others.iter().zip(&others).all(same)));
        let Some(Groups::Made(groups, reads)) = context.map(|context| &context.groups) else { return Ok(None) };
        let (value, reads) = match groups.get(&keys) {
            Some(value) => (value.clone(), *reads),
            None => (Group::of(of.collect).done(), *reads),
        };
        self.read(reads);
        Ok(value)
    }

    /// Makes the values for all keys. Where that fails, the evaluation stands as before.
    fn groups(&mut self, frame: usize, of: &'p Comprehension, index: &'p ComprehensionIndex) -> EvalResult<Groups> {
        let keys: Vec<_> = index.keys.iter().map(|slot| (*slot, self.slot(frame, *slot).clone())).collect();
        let (depth, top, reads) = (self.depth, self.top(), self.reads);
        let (overlay, height) = (self.overlay, self.overlays.len());
        let made = self.noting(|eval| eval.grouped(frame, of, index));
        for (slot, key) in keys {
            self.set(frame, slot, key);
        }
        match made {
            Ok((groups, reads)) => Ok(Groups::Made(groups, reads)),
            // A limit or the end of the time is one for the whole query.
            Err(error) if matches!(error.code, EvalCode::Cancelled | EvalCode::Internal) => Err(error),
            Err(_) => {
                self.depth = depth;
                self.close(top);
                self.overlay = overlay;
                self.overlays.truncate(height);
                self.reads = reads;
                Ok(Groups::Refused)
            }
        }
    }

    fn grouped(
        &mut self,
        frame: usize,
        of: &'p Comprehension,
        index: &'p ComprehensionIndex,
    ) -> EvalResult<BTreeMap<Vec<Value>, Option<Value>>> {
        self.enter(of.span)?;
        let mut groups: BTreeMap<Vec<Value>, Group> = BTreeMap::new();
        self.run(frame, &index.steps, &mut |eval: &mut Self| {
            eval.made(1, &Value::Null, of.span)?;
            let keys: Vec<_> = index.keys.iter().map(|slot| eval.slot(frame, *slot).clone()).collect();
            let key = match &of.key {
                Some(key) => Some(eval.term(frame, key)?),
                None => None,
            };
            let value = eval.term(frame, &of.value)?;
            eval.compared(&value);
            groups.entry(keys).or_insert_with(|| Group::of(of.collect)).add(key, value);
            Ok(ControlFlow::More)
        })?;
        self.leave();
        let mut done = BTreeMap::new();
        for (keys, group) in groups {
            let value = group.done();
            if let Some(value) = &value {
                self.weighed(value, of.span)?;
            }
            done.insert(keys, value);
        }
        Ok(done)
    }
}
