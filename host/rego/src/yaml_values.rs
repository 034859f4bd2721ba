//! [`read`]: data files of common YAML as values of Rego, without another form in between.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::yaml::{self, Scalar, Values};
use hashbrown::HashSet;
use regorus::Value;

use crate::engine::admitted;

/// The value of a document of common YAML; none of any other.
pub(crate) fn read(text: &str) -> Option<Value> {
    yaml::parse_common(text, &mut RegoValues::default())
}

/// Makes values of Rego. Keys that are there often are there once.
#[derive(Default)]
struct RegoValues {
    keys: HashSet<Arc<str>>,
}

/// Keys that are known again: those of thousands of records are few.
const KEYS: usize = 1_024;

impl Values for RegoValues {
    type Value = Value;
    type Key = Value;

    fn scalar(&mut self, scalar: Scalar<'_>) -> Value {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            // As numbers of JSON are kept.
            Scalar::Natural(0) => Value::from(0_i64),
            Scalar::Natural(number) => Value::from(number),
            Scalar::Text(text) => Value::String(Arc::from(&*admitted(text))),
        }
    }

    fn key(&mut self, key: &str) -> Value {
        let key = admitted(key);
        if let Some(known) = self.keys.get(&*key) {
            return Value::String(Arc::clone(known));
        }
        let text: Arc<str> = Arc::from(&*key);
        if self.keys.len() < KEYS {
            self.keys.insert(Arc::clone(&text));
        }
        Value::String(text)
    }

    fn list(&mut self, items: Vec<Value>) -> Value {
        Value::from(items)
    }

    fn object(&mut self, fields: Vec<(Value, Value)>) -> Option<Value> {
        let count = fields.len();
        let fields: BTreeMap<_, _> = fields.into_iter().collect();
        (fields.len() == count).then(|| Value::from(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;

    #[test]
    fn what_is_read_is_what_comes_of_the_document() {
        for text in [
            "a:\n- b: 0\n  c: 12\n- ~\n- true\nd: 'x'\n",
            "a: {b: [1, \"\\u00e9\"], c: {}}\nd: \u{10FFFE}\n",
            "\u{e9}: \"\\U0010FFFE\"\nlong: |\n  two\n  lines\n",
            "---\n# only\nkey: word\n",
        ] {
            let value = read(text).unwrap();
            let document = engine::take(yaml::parse(text).unwrap()).unwrap();
            assert_eq!(value, document, "{text}");
            assert_eq!(format!("{value:?}"), format!("{document:?}"));
        }
    }

    #[test]
    fn what_is_less_common_or_wrong_is_left_to_the_reader_of_documents() {
        for text in ["", "a: 1.5", "a: -1", "a: &x 1", "a: 1\na: 1", "{\"a\": 1}", "a: [", "a: 1\n---\nb: 2"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn keys_are_there_once_and_more_of_them_than_are_known_are_read() {
        let text = "a:\n- key: 1\n- key: 2\n";
        let value = read(text).unwrap();
        let items = value.as_object().unwrap().values().next().unwrap().as_array().unwrap().clone();
        let keys: Vec<_> = items.iter().map(|item| item.as_object().unwrap().keys().next().unwrap().clone()).collect();
        let [Value::String(one), Value::String(other)] = keys.as_slice() else { panic!("{keys:?}") };
        assert!(Arc::ptr_eq(one, other));
        let many: String = (0..2 * KEYS).map(|at| format!("k{at}: {at}\n")).collect();
        assert_eq!(read(&many).unwrap().as_object().unwrap().len(), 2 * KEYS);
    }
}
