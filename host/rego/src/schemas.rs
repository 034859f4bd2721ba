//! [`SchemaSet`]: JSON schemas that say what `input` and data can be.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Schemas by their names.
#[derive(Debug, Default)]
pub struct SchemaSet {
    /// The schema of `input` in every rule.
    input: Option<Json>,
    /// Those that annotations name: `a/b.json` is `schema.a.b`.
    named: BTreeMap<Vec<String>, Json>,
}

impl SchemaSet {
    /// One schema, which `input` has everywhere.
    #[must_use]
    pub fn of_input(schema: Json) -> Self {
        Self { input: Some(schema), named: BTreeMap::new() }
    }

    /// Schemas that annotations name by these words behind `schema`.
    #[must_use]
    pub fn named(schemas: impl IntoIterator<Item = (Vec<String>, Json)>) -> Self {
        Self { input: None, named: schemas.into_iter().collect() }
    }

    pub(crate) const fn input(&self) -> Option<&Json> {
        self.input.as_ref()
    }

    /// The schema that an annotation names. As in OPA `schema` alone is that of `input`.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Json> {
        match path.split_first()? {
            (&"schema", []) => self.input.as_ref(),
            (&"schema", rest) => {
                let words: Vec<_> = rest.iter().map(|&word| word.to_owned()).collect();
                self.named.get(&words)
            }
            _ => None,
        }
    }

    /// Whether there is no schema at all: annotations that name one are not looked at then.
    pub(crate) fn is_empty(&self) -> bool {
        self.input.is_none() && self.named.is_empty()
    }
}
