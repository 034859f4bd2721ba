//! The evaluation cases of OPA, checked one by one. They are not part of this repository: they are in the directory
//! that `ASSAY_SHARED` names, or else in `shared` beside it. The test is ignored by default; `.ci/run` runs it where
//! they are.
//!
//! Cases that are known to fail stand in `known-failures.txt` with the reason; one that passes must leave the list.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::conformance::{CaseVerdict, check_case, known_failures};

/// More than these would be another engine.
const MOST_KNOWN: usize = 10;

/// Where the cases are.
fn location() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("ASSAY_SHARED").map_or_else(beside, PathBuf::from).join("data/opa/cases.jsonl")
}

#[test]
#[ignore = "needs shared data"]
fn the_cases_of_opa_pass_but_for_the_known_ones() {
    let known: BTreeMap<_, _> = known_failures().collect();
    let lines = include_str!("../../known-failures.txt").lines().count();
    assert!(known.len() <= MOST_KNOWN && known.len() == lines, "each line is a note, a tab and a reason: {known:?}");
    let mut wrong = Vec::new();
    let (mut passed, mut failed) = (0, 0);
    for line in fs_err::read_to_string(location()).unwrap().lines() {
        let result = check_case(line).unwrap();
        match (result.verdict, known.contains_key(result.note.as_str())) {
            (CaseVerdict::Passed, false) => passed += 1,
            (CaseVerdict::Failed(_), true) => failed += 1,
            (CaseVerdict::Failed(why), false) => wrong.push(format!("{}: {why}", result.note)),
            (CaseVerdict::Passed, true) => wrong.push(format!("{} passes and still is a known failure", result.note)),
            (CaseVerdict::Excluded, _) => {}
        }
    }
    println!("{passed} cases passed, {failed} known failures");
    assert!(
        wrong.is_empty() && passed > 1_000 && failed == known.len(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
