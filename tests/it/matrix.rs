//! `tests/matrix.tsv` lists what is known of Konflux's integration service: behaviors (B), defects (D) and pain points (P),
//! each with the tests that show what assay does, or with the reason why there is none yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::{root, sources};

struct Row {
    id: String,
    status: String,
    about: String,
    tests: String,
}

fn rows() -> Vec<Row> {
    let text = fs_err::read_to_string(root().join("tests/matrix.tsv")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let cells: Vec<_> = line.split('\t').collect();
            let [id, status, about, tests] = cells.as_slice() else { panic!("not four columns: {line}") };
            let [id, status, about, tests] = [id, status, about, tests].map(|cell| (*cell).to_owned());
            Row { id, status, about, tests }
        })
        .collect()
}

/// The names of all test functions, of those that always run.
fn test_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in sources() {
        let text = fs_err::read_to_string(path).unwrap();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            if *line != "#[test]" && !line.starts_with("#[test] ") {
                continue;
            }
            let behind = lines.get(at + 1..).unwrap_or_default();
            let function = behind.iter().position(|line| line.starts_with("fn ")).unwrap_or(behind.len());
            let is_ignored = behind.iter().take(function).any(|line| line.starts_with("#[ignore"));
            if let Some(name) = behind.get(function).and_then(|line| line.strip_prefix("fn ")?.split('(').next())
                && !is_ignored
            {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

#[test]
fn every_behavior_defect_and_pain_point_is_listed_once() {
    let expected = [("P", 50), ("B", 45), ("D", 26)];
    let expected = expected.into_iter().flat_map(|(kind, count)| {
        (1..=count).map(move |n| match kind {
            "D" => format!("D{n}"),
            _ => format!("{kind}{n:02}"),
        })
    });
    let listed: Vec<_> = rows().into_iter().map(|row| row.id).collect();
    assert_eq!(listed, expected.collect::<Vec<_>>());
}

#[test]
fn what_is_green_names_tests_that_run_and_what_is_not_has_a_reason() {
    let names = test_names();
    let mut green: BTreeMap<char, usize> = BTreeMap::new();
    for row in rows() {
        assert!(!row.about.is_empty(), "{}", row.id);
        match row.status.as_str() {
            "green" => {
                for test in row.tests.split(' ') {
                    assert!(names.contains(test), "{}: there is no test `{test}` that always runs", row.id);
                }
                *green.entry(row.id.chars().next().unwrap()).or_default() += 1;
            }
            "later" => assert!(row.tests.split(' ').count() >= 3, "{}: the reason is a sentence", row.id),
            other => panic!("{}: `{other}` is neither green nor later", row.id),
        }
    }
    let at_least = |kind: char, count: usize| {
        assert!(green.get(&kind).is_some_and(|found| *found >= count), "{kind}: {green:?}");
    };
    at_least('P', 35);
    at_least('B', 38);
    at_least('D', 22);
}
