//! `cargo xtask opa-cases FILE`: runs every evaluation case of a file and prints how many passed. Fails when a case
//! fails that is not a known failure, or a known failure passes.

use std::{collections::BTreeMap, io::Write as _, process::ExitCode};

use assay_rego::conformance::{CaseVerdict, check_case, known_failures};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("name a file of cases, one JSON object a line")?;
    let known: BTreeMap<_, _> = known_failures().collect();
    let mut out = std::io::stdout().lock();
    let (mut passed, mut failed, mut excluded, mut wrong) = (0, 0, 0, 0);
    for line in fs_err::read_to_string(file)?.lines().filter(|line| !line.trim().is_empty()) {
        let result = check_case(line)?;
        let note = result.note;
        match (result.verdict, known.get(note.as_str())) {
            (CaseVerdict::Excluded, _) => excluded += 1,
            (CaseVerdict::Passed, None) => passed += 1,
            (CaseVerdict::Passed, Some(_)) => {
                (passed, wrong) = (passed + 1, wrong + 1);
                writeln!(out, "passed, but is a known failure: {note}")?;
            }
            (CaseVerdict::Failed(_), Some(reason)) => {
                failed += 1;
                writeln!(out, "failed, as known: {note} ({reason})")?;
            }
            (CaseVerdict::Failed(why), None) => {
                (failed, wrong) = (failed + 1, wrong + 1);
                writeln!(out, "failed: {note}: {why}")?;
            }
        }
    }
    writeln!(out, "{passed} passed, {failed} failed, {excluded} excluded")?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
