//! [`Data`]: the documents of all data files as one, with the file that each value is from.
//!
//! Objects are merged at every level; anything else may be set only once, even to the same value, as for OPA's loader.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The base document that policies see as `data`.
#[derive(Debug, Default)]
pub(crate) struct Data {
    root: BTreeMap<String, Node>,
    origins: Vec<String>,
}

/// Two files that set one value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    /// The path below `data`, such as `rule_data.allowed`.
    pub(crate) path: String,
    /// The file that set it first.
    pub(crate) first: String,
    /// The file that sets it again.
    pub(crate) second: String,
}

/// An index into [`Data::origins`].
type Origin = usize;

#[derive(Debug)]
enum Node {
    Object(BTreeMap<String, Self>, Origin),
    Leaf(Value, Origin),
}

impl Data {
    /// Merges a document into the object at `path`.
    pub(crate) fn add(&mut self, origin: &str, path: &[String], document: Map<String, Value>) -> Result<(), Clash> {
        let index = self.origins.len();
        self.origins.push(origin.to_owned());
        let mut fields = fields(document, index);
        for name in path.iter().rev() {
            fields = BTreeMap::from_iter([(name.clone(), Node::Object(fields, index))]);
        }
        merge(&mut self.root, fields).map_err(|(mut path, first)| {
            path.reverse();
            let first = self.origins.get(first).cloned().unwrap_or_default();
            Clash { path: path.join("."), first, second: origin.to_owned() }
        })
    }

    /// Whether nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// Adds what has no name at the top in common with this.
    pub(crate) fn join(&mut self, mut other: Self) {
        let before = self.origins.len();
        other.root.values_mut().for_each(|node| node.shift(before));
        self.origins.append(&mut other.origins);
        self.root.append(&mut other.root);
    }

    pub(crate) fn into_value(self) -> Value {
        value(Node::Object(self.root, 0))
    }
}

impl Node {
    /// Counts origins from behind so many others.
    fn shift(&mut self, before: usize) {
        let (Self::Object(_, origin) | Self::Leaf(_, origin)) = self;
        *origin += before;
        if let Self::Object(fields, _) = self {
            fields.values_mut().for_each(|node| node.shift(before));
        }
    }
}

fn fields(document: Map<String, Value>, origin: Origin) -> BTreeMap<String, Node> {
    let node = |value| match value {
        Value::Object(inner) => Node::Object(fields(inner, origin), origin),
        leaf => Node::Leaf(leaf, origin),
    };
    document.into_iter().map(|(key, value)| (key, node(value))).collect()
}

/// On a clash: the path from the inside out, and who was first.
fn merge(into: &mut BTreeMap<String, Node>, new: BTreeMap<String, Node>) -> Result<(), (Vec<String>, Origin)> {
    for (key, new) in new {
        match (into.get_mut(&key), new) {
            (None, new) => {
                into.insert(key, new);
            }
            (Some(Node::Object(old, _)), Node::Object(new, _)) => {
                merge(old, new).map_err(|(mut path, first)| {
                    path.push(key);
                    (path, first)
                })?;
            }
            (Some(Node::Object(_, first) | Node::Leaf(_, first)), _) => return Err((vec![key], *first)),
        }
    }
    Ok(())
}

fn value(node: Node) -> Value {
    match node {
        Node::Leaf(value, _) => value,
        Node::Object(fields, _) => Value::Object(fields.into_iter().map(|(key, node)| (key, value(node))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { panic!("not an object: {value}") };
        fields
    }

    #[test]
    fn objects_merge_at_every_level() {
        let mut data = Data::default();
        data.add("a", &[], object(json!({"x": {"y": {"a": [1.0]}}, "e": {}}))).unwrap();
        data.add("b", &["x".to_owned(), "y".to_owned()], object(json!({"b": null}))).unwrap();
        data.add("c", &[], object(json!({"e": {"f": 1}}))).unwrap();
        assert_eq!(data.into_value(), json!({"e": {"f": 1}, "x": {"y": {"a": [1.0], "b": null}}}));
    }

    #[test]
    fn a_value_set_twice_names_both_files() {
        for (first, second, path) in [
            (json!({"x": {"y": 1}}), json!({"x": {"y": 1}}), "x.y"),
            (json!({"x": [1]}), json!({"x": [2]}), "x"),
            (json!({"x": {"y": {}}}), json!({"x": {"y": 1}}), "x.y"),
            (json!({"x": null}), json!({"x": {"y": 1}}), "x"),
        ] {
            let mut data = Data::default();
            data.add("other", &[], object(json!({"z": 1}))).unwrap();
            data.add("a.json", &[], object(first)).unwrap();
            let clash = data.add("b.json", &[], object(second)).unwrap_err();
            let want = Clash { path: path.to_owned(), first: "a.json".to_owned(), second: "b.json".to_owned() };
            assert_eq!(clash, want);
        }
    }
}
