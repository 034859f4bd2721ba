//! `graph.reachable` and `graph.reachable_paths`: an object from a node to the nodes its edges lead to.

use std::collections::{BTreeSet, VecDeque};

use regorus::Value;
use regorus::value::Object;

use super::errors::BuiltinError;
use super::operands::{collection, elements, list, object, set_of, some, too_many};
use super::types::{ANY, ARRAY, COLLECTION, SET, Type, object_of};
use super::{Builtin, Outcome, builtin, limits};

const GRAPH: Type = object_of(&ANY, &COLLECTION);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("graph.reachable"(graph: GRAPH, from: COLLECTION) -> SET => reachable),
    builtin!("graph.reachable_paths"(graph: GRAPH, from: COLLECTION) -> Type::Set(&ARRAY) => reachable_paths),
];

/// Where the edges of a node lead; nothing for a node that is not in the graph.
fn edges<'v>(graph: &'v Object, node: &Value) -> Option<Vec<&'v Value>> {
    graph.get(node).map(|edges| elements(edges).unwrap_or_default())
}

fn reachable(graph: &Value, from: &Value) -> Outcome {
    let graph = object(graph, 1)?;
    let mut open: VecDeque<&Value> = collection(from, 2, &["{array, set}"])?.into();
    let mut reached = BTreeSet::new();
    while let Some(node) = open.pop_front() {
        let Some(edges) = edges(graph, node) else { continue };
        if reached.insert(node) {
            open.extend(edges.into_iter().filter(|next| !reached.contains(next)));
        }
    }
    some(set_of(reached.into_iter().cloned()))
}

/// One node on the way: its edges that are still to be followed, and the path it adds for those that end here.
struct Frame<'v> {
    edges: std::vec::IntoIter<&'v Value>,
    node: &'v Value,
    ended: Vec<Value>,
}

fn reachable_paths(graph: &Value, from: &Value) -> Outcome {
    let graph = object(graph, 1)?;
    let mut paths = BTreeSet::new();
    let mut written = 0;
    for start in collection(from, 2, &["{array, set}"])? {
        let Some(first) = edges(graph, start) else { continue };
        if first.is_empty() {
            paths.insert(list([start.clone()]));
        }
        for next in first {
            follow(graph, start, next, &mut paths, &mut written)?;
        }
    }
    some(paths)
}

/// Follows one edge of a starting node to all ends, depth first.
fn follow<'v>(
    graph: &'v Object,
    start: &'v Value,
    next: &'v Value,
    paths: &mut BTreeSet<Value>,
    written: &mut usize,
) -> Result<(), BuiltinError> {
    let mut reached = BTreeSet::from([start]);
    let mut path = vec![start.clone()];
    let mut commit = |path: &[Value], paths: &mut BTreeSet<Value>| {
        *written = written.saturating_add(path.len());
        if *written > limits::ELEMENTS || paths.len() >= limits::PATHS {
            return Err(too_many());
        }
        paths.insert(list(path.iter().cloned()));
        Ok(())
    };
    let mut frames: Vec<Frame<'v>> = Vec::new();
    let mut enter = Some(next);
    loop {
        if let Some(node) = enter.take() {
            match edges(graph, node) {
                Some(edges) if !edges.is_empty() => {
                    path.push(node.clone());
                    frames.push(Frame { edges: edges.into_iter(), node, ended: Vec::new() });
                }
                Some(_) => {
                    path.push(node.clone());
                    commit(&path, paths)?;
                    path.pop();
                }
                None => commit(&path, paths)?,
            }
        }
        let Some(frame) = frames.last_mut() else { return Ok(()) };
        match frame.edges.next() {
            Some(neighbor) if reached.contains(neighbor) => {
                // A second edge that ends here adds the path once more behind the first, as it does in OPA.
                frame.ended.extend(path.iter().cloned());
                commit(&frame.ended, paths)?;
            }
            Some(neighbor) => {
                reached.insert(frame.node);
                enter = Some(neighbor);
            }
            None => {
                frames.pop();
                path.pop();
            }
        }
    }
}
