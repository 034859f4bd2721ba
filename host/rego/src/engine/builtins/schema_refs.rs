//! [`Schema`]: a schema with its references in full, and what they name.
//!
//! A reference is relative to the nearest `$id` around it, and a part of the schema with an `$id` of its own can be named
//! by it. Nothing is fetched: what is named must be in the schema.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::limits;

/// A schema whose references are absolute as far as its identifiers are.
pub(super) struct Schema {
    root: Json,
    /// The draft it says it is written in; without one it may use what any has.
    draft: Option<u8>,
    /// The path from the root to each part that has an identifier; the root itself has the empty one too.
    documents: BTreeMap<String, Vec<String>>,
}

impl Schema {
    /// Reads the identifiers of a schema and completes its references.
    pub(super) fn read(mut root: Json) -> Self {
        let mut documents = BTreeMap::from([(String::new(), Vec::new())]);
        let named = root.get("$schema").and_then(Json::as_str).unwrap_or_default().trim_end_matches('#');
        let draft =
            [4, 6, 7].into_iter().find(|draft| named == format!("http://json-schema.org/draft-0{draft}/schema"));
        complete(&mut root, "", if draft == Some(4) { "id" } else { "$id" }, &mut Vec::new(), &mut documents);
        Self { root, draft, documents }
    }

    /// Whether its draft has what came with this one.
    pub(super) fn has(&self, draft: u8) -> bool {
        self.draft.is_none_or(|own| own >= draft)
    }

    /// Whether its draft has the flags `exclusiveMinimum` and `exclusiveMaximum`.
    pub(super) fn has_flags(&self) -> bool {
        self.draft.is_none_or(|own| own == 4)
    }

    /// The whole.
    pub(super) const fn root(&self) -> &Json {
        &self.root
    }

    /// What a reference, as it stands in [`root`](Self::root), names.
    pub(super) fn find(&self, reference: &str) -> Result<&Json, String> {
        if let Some(path) = self.documents.get(reference.trim_end_matches('#')) {
            return self.at(path);
        }
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let Some(path) = self.documents.get(document) else {
            return Err(if has_scheme(document) {
                format!("the reference {reference} leaves the schema, and nothing is fetched")
            } else {
                format!("Reference {reference} must be canonical")
            });
        };
        let within = self.at(path)?;
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return Err(format!("the reference {reference} names nothing in the schema"));
        }
        fragment
            .split('/')
            .skip(1)
            .try_fold(within, |at, key| step(at, &key.replace("~1", "/").replace("~0", "~").replace("%25", "%")))
    }

    fn at(&self, path: &[String]) -> Result<&Json, String> {
        path.iter().try_fold(&self.root, |at, key| step(at, key))
    }
}

fn step<'j>(at: &'j Json, key: &str) -> Result<&'j Json, String> {
    match at {
        Json::Object(fields) => fields.get(key),
        Json::Array(elements) => key.parse().ok().and_then(|at: usize| elements.get(at)),
        _ => None,
    }
    .ok_or_else(|| format!("Object has no key '{key}'"))
}

/// Notes identifiers and completes references, from the outside in.
fn complete(
    schema: &mut Json,
    base: &str,
    name: &str,
    path: &mut Vec<String>,
    documents: &mut BTreeMap<String, Vec<String>>,
) {
    if path.len() > limits::NESTING {
        return;
    }
    match schema {
        Json::Object(fields) => {
            let own = fields.get(name).and_then(Json::as_str).map(|id| joined(base, id));
            if let Some(id) = &own {
                documents.insert(id.trim_end_matches('#').to_owned(), path.clone());
            }
            // An identifier that only is a fragment gives a name, and no new base.
            let base = own.as_deref().filter(|id| !id.contains('#')).unwrap_or(base).to_owned();
            for (key, value) in fields.iter_mut() {
                match value {
                    Json::String(reference) if key == "$ref" => *reference = joined(&base, reference),
                    _ if key == "enum" || key == "const" => {}
                    _ => {
                        path.push(key.clone());
                        complete(value, &base, name, path, documents);
                        path.pop();
                    }
                }
            }
        }
        Json::Array(elements) => {
            for (at, element) in elements.iter_mut().enumerate() {
                path.push(at.to_string());
                complete(element, base, name, path, documents);
                path.pop();
            }
        }
        _ => {}
    }
}

fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+.-".contains(character))
    })
}

/// A reference relative to a base, as RFC 3986 says, without its dot segments.
fn joined(base: &str, reference: &str) -> String {
    if has_scheme(reference) {
        return reference.to_owned();
    }
    let document = base.split('#').next().unwrap_or_default();
    if reference.is_empty() || reference.starts_with('#') {
        return format!("{document}{reference}");
    }
    let authority = document.find("://").map_or(0, |at| {
        let rest = document.get(at + 3..).unwrap_or_default();
        at + 3 + rest.find('/').unwrap_or(rest.len())
    });
    let (front, path) = document.split_at(authority);
    let folder = if reference.starts_with('/') { "" } else { path.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let slash = if reference.starts_with('/') || (folder.is_empty() && front.is_empty()) { "" } else { "/" };
    format!("{front}{folder}{slash}{}", reference.strip_prefix("./").unwrap_or(reference))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_is_relative_to_what_is_around_it() {
        for (base, reference, want) in [
            ("", "#/a", "#/a"),
            ("", "b.json", "b.json"),
            ("http://x.example/s/a.json", "b.json#/c", "http://x.example/s/b.json#/c"),
            ("http://x.example/s/a.json", "./b.json", "http://x.example/s/b.json"),
            ("http://x.example/s/a.json", "/b.json", "http://x.example/b.json"),
            ("http://x.example", "b.json", "http://x.example/b.json"),
            ("http://x.example/a.json#", "#/c", "http://x.example/a.json#/c"),
            ("http://x.example/a.json", "urn:b", "urn:b"),
        ] {
            assert_eq!(joined(base, reference), want, "{reference} in {base}");
        }
    }

    #[test]
    fn parts_are_found_by_their_identifiers() {
        let schema = Schema::read(json!({
            "$id": "http://x.example/a.json",
            "$def": {"one": {"$id": "one.json", "definitions": {"t": {"type": "string", "$ref": "#/definitions/t"}}}},
            "named": {"$id": "#here", "type": "null"},
        }));
        let found = |reference: &str| schema.find(reference).map(|found| found.get("type").cloned());
        assert_eq!(found("http://x.example/one.json#/definitions/t"), Ok(Some(json!("string"))));
        assert_eq!(found("http://x.example/a.json#here"), Ok(Some(json!("null"))));
        assert!(found("http://x.example/a.json#/nope").unwrap_err().contains("no key 'nope'"));
        assert!(found("http://x.example/b.json").unwrap_err().contains("nothing is fetched"));
        assert!(found("b.json").unwrap_err().contains("canonical"));
        let inner = schema.find("http://x.example/one.json#/definitions/t").unwrap();
        assert_eq!(inner["$ref"], "http://x.example/one.json#/definitions/t");
    }
}
