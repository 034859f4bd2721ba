//! The policies of this repository pass their tests.

use serde_json::Value;

use crate::fixture::assay;

#[test]
fn every_test_rule_of_our_policies_passes() {
    let output = assay(&["policy", "test", "policies", "--format", "json"]);
    let results = output.json();
    let results = results.as_array().unwrap();
    assert!(results.len() >= 90, "only {} tests were found", results.len());
    let failed: Vec<_> = results.iter().filter(|result| result.get("fail").or(result.get("error")).is_some()).collect();
    assert!(failed.is_empty() && output.code == 0, "{:#?}", Value::from_iter(failed.into_iter().cloned()));
}
