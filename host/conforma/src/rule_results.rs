//! [`rule_results`]: what a `deny` or `warn` rule's value says.
//!
//! The shapes are conftest's: a set or list of strings, or of objects with a string `msg`. Elements of other types, and
//! a value that is not a list, count as a pass there; here they are errors, since an author of `deny := true` or
//! `deny contains count(missing)` means to deny. (`ec` makes violations of such elements with `EC_USE_OPA=1`.)

use assay_model::rule::{RuleKind, RuleResult};
use serde_json::Value;

/// Keys of conftest's that are not facts about the image.
const NOT_METADATA: [&str; 3] = ["msg", "_loc", "query"];

/// The results of one rule, or the error in its value.
pub(crate) fn rule_results(package: &str, kind: RuleKind, value: Value) -> Result<Vec<RuleResult>, String> {
    let elements = match value {
        Value::Array(elements) => elements,
        Value::Null => return Err(no_list("null")),
        Value::Bool(_) => return Err(no_list("a boolean")),
        Value::Number(_) => return Err(no_list("a number")),
        Value::String(_) => return Err(no_list("a string")),
        Value::Object(_) => return Err(no_list("an object")),
    };
    let result = |message, metadata| RuleResult { kind, package: package.to_owned(), message, metadata };
    let mut rule_results = Vec::new();
    for element in elements {
        match element {
            Value::String(message) => rule_results.push(result(message, serde_json::Map::new())),
            Value::Object(mut metadata) => {
                let Some(Value::String(message)) = metadata.get("msg").cloned() else {
                    return Err("returns a result without a string `msg`".to_owned());
                };
                metadata.retain(|key, _| !NOT_METADATA.contains(&key.as_str()));
                rule_results.push(result(message, metadata));
            }
            Value::Null => return Err(no_result("null")),
            Value::Bool(_) => return Err(no_result("a boolean")),
            Value::Number(_) => return Err(no_result("a number")),
            Value::Array(_) => return Err(no_result("a list or set")),
        }
    }
    Ok(rule_results)
}

fn no_list(found: &str) -> String {
    format!("is {found}, not a set of results; write it as `contains result if`")
}

fn no_result(found: &str) -> String {
    format!("returns a result that is {found}; a result must be a string, or an object with a string `msg`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_and_objects_with_msg_are_results() {
        // An empty message is a message: conftest counts it as a pass.
        let value = json!(["plain", "", {"msg": "M", "code": "p.c", "n": 1.0, "_loc": {"file": "f"}, "query": "q"}]);
        let got = rule_results("p", RuleKind::Warn, value).unwrap();
        let got: Vec<_> = got.iter().map(|result| (result.message.as_str(), json!(result.metadata))).collect();
        assert_eq!(got, [("plain", json!({})), ("", json!({})), ("M", json!({"code": "p.c", "n": 1.0}))]);
        assert_eq!(rule_results("p", RuleKind::Deny, json!([])), Ok(vec![]));
    }

    #[test]
    fn what_is_no_result_is_an_error_and_never_a_pass() {
        for (value, says) in [
            (json!([{}]), "without a string `msg`"),
            (json!([{"msg": 1}]), "without a string `msg`"),
            (json!(["said", 1]), "returns a result that is a number"),
            (json!([null]), "returns a result that is null"),
            (json!([false]), "returns a result that is a boolean"),
            (json!([["said"]]), "returns a result that is a list or set"),
            (json!(true), "is a boolean"),
            (json!(false), "is a boolean"),
            (json!("no"), "is a string"),
            (json!({"msg": "no"}), "is an object"),
        ] {
            let error = rule_results("p", RuleKind::Deny, value.clone()).unwrap_err();
            assert!(error.contains(says), "{value}: {error}");
        }
    }
}
