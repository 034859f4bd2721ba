//! [`Finding`]: one result of an evaluator about an image.

use std::{cmp::Ordering, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A message with its metadata. Whether it is a violation, a warning or a success follows from the list it is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The sentence for people.
    #[serde(rename = "msg")]
    pub message: String,
    /// `code`, `term`, `title`, `effective_on`, … as `ec` names them; keys are sorted when written. Shared, since a rule
    /// that passes says the same of every image.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub metadata: Arc<Map<String, Value>>,
}

fn is_empty(metadata: &Arc<Map<String, Value>>) -> bool {
    metadata.is_empty()
}

impl Finding {
    /// A finding of that code.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        let mut metadata = Map::new();
        metadata.insert("code".to_owned(), Value::String(code.to_owned()));
        Self { message: message.into(), metadata: Arc::new(metadata) }
    }

    /// The same with one more fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.set(key, value.into());
        self
    }

    /// Gives a fact a value.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        Arc::make_mut(&mut self.metadata).insert(key.to_owned(), value);
    }

    /// Takes a fact away.
    pub(crate) fn unset(&mut self, key: &str) {
        if self.metadata.contains_key(key) {
            Arc::make_mut(&mut self.metadata).shift_remove(key);
        }
    }

    /// `package.rule`, where the finding has one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.text("code")
    }

    /// A fact that is text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).and_then(Value::as_str)
    }

    /// The terms, whether given as one string or as a list of strings.
    #[must_use]
    pub fn terms(&self) -> Vec<&str> {
        match self.metadata.get("term") {
            Some(Value::String(term)) => vec![term],
            Some(Value::Array(terms)) => terms.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The order in reports: code, then first term, then message.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        fn key(finding: &Finding) -> (&str, &str, &str) {
            let term = finding.terms().first().copied().unwrap_or_default();
            (finding.code().unwrap_or_default(), term, &finding.message)
        }
        key(self).cmp(&key(other))
    }
}
