//! What each rule can read, directly or through other rules. The entry point is [`Dependencies`].
//!
//! From it come the cycles that are errors, and for each `with` the rules that have to be evaluated again.

use std::collections::BTreeSet;

use regorus::Value;

use crate::engine::bit_set::BitSet;
use crate::engine::ir::NodeId;
use crate::engine::program::Atom;

/// Rules in all cycles that are found: a rule that reads each of thousands before it closes as many cycles.
const CYCLES: usize = 1_000_000;

/// What the rules of one node read directly.
#[derive(Clone, Debug, Default)]
pub(crate) struct DirectReads {
    pub atoms: BTreeSet<Atom>,
    pub nodes: BTreeSet<NodeId>,
}

/// Everything that each node reads, directly.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    pub reads: Vec<DirectReads>,
    readers: Vec<Vec<usize>>,
}

impl Dependencies {
    /// Capacity for the reads of this many nodes.
    pub(crate) fn new(nodes: usize) -> Self {
        Self { reads: vec![DirectReads::default(); nodes], readers: Vec::new() }
    }
}

impl Dependencies {
    /// A cycle of rules for each rule that needs its own value; each cycle once.
    pub(crate) fn cycles(&self) -> Vec<Vec<NodeId>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.reads.len()];
        let mut cycles = Vec::new();
        let mut reported = 0_usize;
        for start in 0..self.reads.len() {
            if marks.get(start) != Some(&Mark::New) {
                continue;
            }
            // A stack of our own: a chain of rules can be as long as the policy.
            let mut stack: Vec<(usize, Vec<NodeId>)> = vec![(start, self.next(start))];
            if let Some(mark) = marks.get_mut(start) {
                *mark = Mark::Open;
            }
            while let Some((at, next)) = stack.last_mut() {
                let at = *at;
                let Some(child) = next.pop() else {
                    if let Some(mark) = marks.get_mut(at) {
                        *mark = Mark::Done;
                    }
                    stack.pop();
                    continue;
                };
                match marks.get(child as usize) {
                    Some(Mark::New) => {
                        if let Some(mark) = marks.get_mut(child as usize) {
                            *mark = Mark::Open;
                        }
                        stack.push((child as usize, self.next(child as usize)));
                    }
                    Some(Mark::Open) => {
                        let from = stack.iter().position(|(open, _)| *open == child as usize).unwrap_or(0);
                        let mut cycle: Vec<_> = stack
                            .iter()
                            .skip(from)
                            .map(|(open, _)| NodeId::try_from(*open).unwrap_or(NodeId::MAX))
                            .collect();
                        cycle.push(child);
                        reported = reported.saturating_add(cycle.len());
                        cycles.push(cycle);
                        if reported > CYCLES {
                            return cycles;
                        }
                    }
                    _ => {}
                }
            }
        }
        cycles
    }

    /// Every node after those it reads. In a cycle, which is an error, one of them comes first.
    pub(crate) fn bottom_up(&self) -> Vec<NodeId> {
        let mut seen = BitSet::new(self.reads.len());
        let mut ordered = Vec::with_capacity(self.reads.len());
        for start in 0..self.reads.len() {
            // A stack of our own: a chain of rules can be as long as the policy.
            let mut stack = Vec::new();
            if !seen.has(start) {
                seen.add(start);
                stack.push((start, self.next(start)));
            }
            while let Some((at, next)) = stack.last_mut() {
                match next.pop().map(|child| child as usize) {
                    Some(child) if seen.has(child) => {}
                    Some(child) => {
                        seen.add(child);
                        stack.push((child, self.next(child)));
                    }
                    None => {
                        ordered.push(NodeId::try_from(*at).unwrap_or(NodeId::MAX));
                        stack.pop();
                    }
                }
            }
        }
        ordered
    }

    fn next(&self, at: usize) -> Vec<NodeId> {
        self.reads.get(at).map(|reads| reads.nodes.iter().rev().copied().collect()).unwrap_or_default()
    }

    /// The nodes that read something a replacement of `target` changes, directly or through others.
    pub(crate) fn affected(&self, target: &Atom) -> BitSet {
        let mut bits = BitSet::new(self.reads.len());
        let mut queue = Vec::new();
        for (at, reads) in self.reads.iter().enumerate() {
            if reads.atoms.iter().any(|atom| touches(target, atom)) {
                bits.add(at);
                queue.push(at);
            }
        }
        while let Some(at) = queue.pop() {
            for reader in self.readers.get(at).into_iter().flatten() {
                if !bits.has(*reader) {
                    bits.add(*reader);
                    queue.push(*reader);
                }
            }
        }
        bits
    }

    /// Notes for each node which others read it; call it when all reads are known.
    pub(crate) fn close(&mut self) {
        let mut readers = vec![Vec::new(); self.reads.len()];
        for (at, reads) in self.reads.iter().enumerate() {
            for node in &reads.nodes {
                if let Some(list) = readers.get_mut(*node as usize) {
                    list.push(at);
                }
            }
        }
        self.readers = readers;
    }
}

/// Whether a replacement of `target` changes what a reader of `atom` sees.
fn touches(target: &Atom, atom: &Atom) -> bool {
    match (target, atom) {
        (Atom::Input(target), Atom::Input(atom)) => target.is_none() || atom.is_none() || target == atom,
        (Atom::Data(target), Atom::Data(atom)) => overlaps(target, atom),
        (target, atom) => target == atom,
    }
}

fn overlaps(left: &[Value], right: &[Value]) -> bool {
    left.iter().zip(right).all(|(left, right)| left == right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependencies(edges: &[(NodeId, NodeId)]) -> Dependencies {
        let mut dependencies = Dependencies::new(4);
        for (from, to) in edges {
            dependencies.reads[*from as usize].nodes.insert(*to);
        }
        dependencies
    }

    #[test]
    fn a_cycle_is_found_with_its_path() {
        assert_eq!(dependencies(&[(0, 1), (1, 2), (2, 1)]).cycles(), [vec![1, 2, 1]]);
        assert!(dependencies(&[(0, 1), (0, 2), (1, 3), (2, 3)]).cycles().is_empty());
    }

    #[test]
    fn what_is_read_comes_before_its_readers() {
        assert_eq!(dependencies(&[(0, 3), (3, 1), (1, 2)]).bottom_up(), [2, 1, 3, 0]);
        assert_eq!(dependencies(&[(0, 1), (1, 0)]).bottom_up(), [1, 0, 2, 3]);
    }

    #[test]
    fn a_replacement_reaches_the_readers_of_readers() {
        let mut dependencies = dependencies(&[(0, 1), (1, 2)]);
        dependencies.reads[2].atoms.insert(Atom::Input(Some("a".into())));
        dependencies.close();
        let bits = dependencies.affected(&Atom::Input(None));
        assert!(bits.has(0) && bits.has(2) && !bits.has(3));
        assert!(!dependencies.affected(&Atom::Input(Some("b".into()))).has(2));
    }
}
