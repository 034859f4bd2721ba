//! XML as the JSON that conftest makes of it: an element is an object of its attributes, with `-` before their names, and
//! of the elements in it; one with text alone is that text.
//!
//! As there, of several text nodes of an element the last counts, even an empty one; names are without their prefix.
//! What is not well-formed, which conftest reads as far as it goes, is an error.

use roxmltree::{Document, Node, NodeType, ParsingOptions};
use serde_json::{Map, Value};

use crate::MAX_DEPTH;

/// Nodes of one document: each costs some hundred bytes, and `<a/>` four.
const NODES: u32 = 8_000_000;

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    // A definition that is used often enough makes gigabytes of a few lines; Go knows none, either.
    if text.contains("<!ENTITY") {
        return Err("custom entities (`<!ENTITY`) are not supported".to_owned());
    }
    let options = ParsingOptions { allow_dtd: true, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let mut fields = Map::new();
    fields.insert(root.tag_name().name().to_owned(), element(root, 0)?);
    Ok(Value::Object(fields))
}

fn element(node: Node<'_, '_>, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("it is nested more than {MAX_DEPTH} levels deep"));
    }
    let mut fields = Map::new();
    let mut text = "";
    let above = |uri: &str, name: Option<&str>| {
        node.parent().is_some_and(|parent| parent.namespaces().any(|one| one.uri() == uri && one.name() == name))
    };
    for namespace in node.namespaces().filter(|one| one.name() != Some("xml") && !above(one.uri(), one.name())) {
        add(&mut fields, format!("-{}", namespace.name().unwrap_or("xmlns")), Value::from(namespace.uri()));
    }
    for attribute in node.attributes() {
        add(&mut fields, format!("-{}", attribute.name()), Value::from(attribute.value()));
    }
    for child in node.children() {
        match child.node_type() {
            NodeType::Element => add(&mut fields, child.tag_name().name().to_owned(), element(child, depth + 1)?),
            NodeType::Text => text = shown(child.text().unwrap_or_default()),
            NodeType::Root | NodeType::PI | NodeType::Comment => {}
        }
    }
    if fields.is_empty() {
        return Ok(Value::from(text));
    }
    if !text.is_empty() {
        fields.insert("#content".to_owned(), Value::from(text));
    }
    Ok(Value::Object(fields.into_iter().map(|(name, value)| (name, single(value))).collect()))
}

/// Everything is a list until all is known.
fn add(fields: &mut Map<String, Value>, name: String, value: Value) {
    if let Value::Array(items) = fields.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
        items.push(value);
    }
}

fn single(value: Value) -> Value {
    match value {
        Value::Array(mut items) if items.len() == 1 => items.pop().unwrap_or_default(),
        other => other,
    }
}

/// The text without what does not show at its ends.
fn shown(text: &str) -> &str {
    text.trim_matches(|one: char| one.is_whitespace() || one.is_control())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_are_objects_lists_and_texts() {
        let text = "<?xml version=\"1.0\"?>\n<!DOCTYPE a>\n<ns:a xmlns:ns=\"u\" b=\"1\" ns:c=\"2\">text<d>x</d>\
                    <d e=\"f\">y</d><g/><h><![CDATA[ <z> ]]></h> tail &amp; &lt;\n<i>1</i><j>a<!-- c -->b</j>end</ns:a>";
        let want = json!({"a": {
            "#content": "end", "-b": "1", "-c": "2", "-ns": "u", "d": ["x", {"#content": "y", "-e": "f"}], "g": "",
            "h": "<z>", "i": "1", "j": "b",
        }});
        assert_eq!(read(text), Ok(want));
        for text in ["", "<a>", "<a></b>", "<a/><b/>", "<a b=c/>", "x", "<a>&x;</a>"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn entities_and_depth_are_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY x \"0123456789\">]><a>&x;</a>";
        assert!(read(bomb).unwrap_err().contains("ENTITY"));
        assert!(read(&format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000))).unwrap_err().contains("deep"));
    }
}
