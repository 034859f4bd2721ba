//! The policies of this repository pass their own tests.

use crate::tidy::root;

#[test]
fn every_test_rule_of_our_policies_passes() {
    let mut sources = assay_rego::Sources::new();
    sources.add_policy_with_tests(&root().join("policies")).unwrap();
    let results = assay_rego::testing::run(sources).unwrap();
    assert!(results.len() >= 90, "only {} tests were found", results.len());
    let failed: Vec<_> = results.iter().filter(|result| !result.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
