//! Which rules of a place are tried: all, or those that its index leaves.

use crate::engine::program::{IndexedPlace, Node, Rule};

use super::Eval;
use super::memo::CacheScope;
use super::paths::deep;

/// Rules to try, in their order.
pub(super) enum Candidates<'p> {
    All(std::slice::Iter<'p, Rule>),
    /// Two lists of places in order.
    Some {
        rules: &'p [Rule],
        one: &'p [usize],
        other: &'p [usize],
    },
}

impl<'p> Iterator for Candidates<'p> {
    type Item = &'p Rule;

    fn next(&mut self) -> Option<&'p Rule> {
        match self {
            Self::All(rules) => rules.next(),
            Self::Some { rules, one, other } => {
                let list = match (one.first(), other.first()) {
                    (Some(first), Some(second)) if first > second => other,
                    (None, _) => other,
                    _ => one,
                };
                let (first, rest) = list.split_first()?;
                *list = rest;
                rules.get(*first)
            }
        }
    }
}

impl<'p> Eval<'p> {
    /// The rules of a node that can have a value; the arguments of a function stand on the stack from `base`.
    pub(super) fn candidates(&mut self, node: &'p Node, base: usize) -> Candidates<'p> {
        let Some(index) = node.index.as_ref().filter(|_| self.observer.is_none()) else {
            return Candidates::All(node.rules.iter());
        };
        let value = match &index.place {
            IndexedPlace::Input(path) => {
                self.read(CacheScope::Query);
                self.input().and_then(|input| deep(input, path))
            }
            IndexedPlace::Argument(at, path) => self.stack.get(base + at).and_then(|value| deep(value, path)),
        };
        let one = value.and_then(|value| index.by_value.get(value)).map_or(&[][..], Vec::as_slice);
        Candidates::Some { rules: &node.rules, one, other: &index.others }
    }
}
