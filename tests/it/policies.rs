//! The policies of this repository pass their own tests.

use camino::Utf8PathBuf;

use crate::tidy::root;

#[test]
fn every_test_rule_of_our_policies_passes() {
    let folder = Utf8PathBuf::from_path_buf(root().join("policies")).unwrap();
    let results = assay_rego::testing::run(&[folder.as_path()]).unwrap();
    assert!(results.len() >= 20, "only {} tests were found", results.len());
    let failed: Vec<_> = results.iter().filter(|result| !result.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
