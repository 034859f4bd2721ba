//! The recorded output of `ec`, read back into a run: our reports about it must have the same bytes.
//!
//! The records lie outside the repository, in the folder that `ASSAY_SHARED` names, or else in `shared` beside it.
//! Its tests are ignored unless they are requested, as `.ci/run` does where the records are.

use std::path::{Path, PathBuf};

use assay_model::{
    decide::Decision,
    event::{RunFinished, RunStarted},
    evidence::{AttestationSummary, Signature},
    finding::Finding,
    image::PinnedImage,
    outcome::{Outcome, Verdict},
    policy::PolicySpec,
    snapshot::Component,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{FileOutcome, Format, InputFormat, InputRun, Options, test_data};

/// What stands for the placeholders of the records, as long as what stood there when `ec` broke its lines.
const PLACEHOLDERS: [(&str, &str); 6] = [
    ("{REGISTRY}", "127.0.0.1:15477"),
    ("{COMMON}", "/recorded/common"),
    ("{DIR}", "/recorded/in"),
    ("{VERSION}", "v0.9.1"),
    ("{NOW}", "2026-11-22T16:00:00.123456789Z"),
    ("{NOW_S}", "1795363200"),
];

/// How a format writes the time that other formats write with decimals.
const NOW_OF: [(&str, &str); 2] = [("junit", "2026-11-22T16:00:00Z"), ("summary-markdown", "2026-11-22 16:00:00")];

/// The successes of each component where the record counts them without listing them.
const UNLISTED_SUCCESSES: [(&str, &[usize]); 2] = [("index", &[3, 3, 3]), ("out-three-components", &[0, 4, 4])];

#[derive(Deserialize)]
struct Record {
    success: bool,
    components: Vec<Value>,
    key: String,
    policy: PolicySpec,
    #[serde(rename = "ec-version")]
    version: String,
    #[serde(rename = "effective-time")]
    effective_time: String,
}

struct Case {
    name: String,
    folder: PathBuf,
    options: Options,
    /// The lines of the record are sorted.
    sorted: bool,
}

impl Case {
    fn file(&self, name: &str) -> Option<String> {
        let mut text = fs_err::read_to_string(self.folder.join("expected/out").join(name)).ok()?;
        if let Some((_, now)) = NOW_OF.iter().find(|(format, _)| *format == name) {
            text = text.replace("{NOW}", now);
        }
        // `ec` writes `false` here whatever happened; ours is the verdict.
        if name == "summary" && self.name == "out-all-pass" {
            text = text.replace("}],\"success\":false", "}],\"success\":true");
        }
        Some(PLACEHOLDERS.iter().fold(text, |text, (name, value)| text.replace(name, value)))
    }

    fn run(&self) -> Option<(RunStarted, RunFinished)> {
        let record: Record = serde_json::from_str(&self.file("json")?).unwrap();
        let unlisted = UNLISTED_SUCCESSES.iter().find(|(name, _)| *name == self.name).map(|(_, counts)| *counts);
        let mut outcomes = Vec::new();
        for (at, component) in record.components.iter().enumerate() {
            let mut outcome = outcome(component);
            let unlisted = unlisted.and_then(|counts| counts.get(at)).copied().unwrap_or_default();
            outcome.decision.successes.extend(vec![Finding::new("not.listed", "Pass"); unlisted]);
            assert_eq!(outcome.allowed(), component["success"] == true, "{}", self.name);
            outcomes.push(outcome);
        }
        let head = RunStarted {
            snapshot: String::new(),
            application: String::new(),
            key: record.key,
            policy: record.policy,
            skipped: vec![],
            plugins: vec![],
            started_at: None,
            effective_time: record.effective_time.parse().unwrap(),
            version: record.version,
        };
        let mut end = test_data::end(&outcomes);
        end.effective_time = head.effective_time;
        end.at = "2026-11-22T16:00:00Z".parse().unwrap();
        assert_eq!(end.verdict == Verdict::Allowed, record.success, "{}", self.name);
        Some((head, end))
    }

    fn check(&self, format: Format) -> bool {
        let (Some((head, end)), Some(mut want)) = (self.run(), self.file(format.as_str())) else { return false };
        let options = Options { ec_compat: matches!(format, Format::Text | Format::Junit), ..self.options };
        let mut got = test_data::written_of(format, options, head, end);
        if self.sorted {
            [got, want] = [got, want].map(|text| {
                let mut lines: Vec<_> = text.split('\n').collect();
                lines.sort_unstable();
                lines.join("\n")
            });
        }
        assert!(got == want, "{format} of {}\n--- recorded\n{want}\n--- ours\n{got}", self.name);
        true
    }
}

fn outcome(component: &Value) -> Outcome {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let image = text(&component["containerImage"]);
    let attestation = |value: &Value| AttestationSummary {
        statement_type: text(&value["type"]),
        predicate_type: text(&value["predicateType"]),
        build_type: value["predicateBuildType"].as_str().map(str::to_owned),
        builder: None,
        size: 0,
        signatures: signatures(value),
    };
    Outcome {
        component: Component {
            source: component["source"].clone(),
            ..Component::new(&text(&component["name"]), &image)
        },
        image: Some(PinnedImage::parse(&image).unwrap()),
        decision: Decision {
            violations: findings(&component["violations"]),
            warnings: findings(&component["warnings"]),
            successes: findings(&component["successes"]),
        },
        signatures: signatures(component),
        attestations: component["attestations"].as_array().into_iter().flatten().map(attestation).collect(),
        evaluated_at: None,
        input: None,
        statements: vec![],
        notices: vec![],
        error: None,
    }
}

fn findings(list: &Value) -> Vec<Finding> {
    let finding = |value: &Value| Finding {
        message: value["msg"].as_str().unwrap().to_owned(),
        metadata: value["metadata"].as_object().cloned().unwrap_or_default().into(),
    };
    list.as_array().into_iter().flatten().map(finding).collect()
}

fn signatures(of: &Value) -> Vec<Signature> {
    let signature = |value: &Value| {
        assert_eq!(value.as_object().unwrap().len(), 2, "the records hold no certificates");
        Signature {
            keyid: value["keyid"].as_str().unwrap().to_owned(),
            sig: value["sig"].as_str().unwrap().to_owned(),
            certificate: None,
            chain: vec![],
            metadata: std::collections::BTreeMap::new(),
        }
    };
    of["signatures"].as_array().into_iter().flatten().map(signature).collect()
}

#[expect(clippy::disallowed_methods, reason = "the environment names the folder where the records are")]
fn shared() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var("ASSAY_SHARED").map_or_else(|_| beside(), PathBuf::from)
}

/// The recorded cases.
fn cases() -> Vec<Case> {
    let entries = fs_err::read_dir(shared().join("data/ec/cases")).unwrap();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let case = |folder: PathBuf| {
        let command = fs_err::read_to_string(folder.join("cmd.txt")).unwrap();
        let has = |wanted: &str| command.lines().any(|line| line == wanted);
        let options = Options { show_successes: has("--show-successes"), info: has("--info"), ..Options::default() };
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        Case { name, folder, options, sorted: has("sort: lines") }
    };
    folders.into_iter().map(case).collect()
}

/// Checks every case that has a record of that format; there are at least so many.
fn check(format: Format, at_least: usize) {
    let cases = cases();
    let checked = cases.iter().filter(|case| case.check(format)).count();
    assert!(checked >= at_least, "only {checked} of {} cases were compared", cases.len());
}

#[test]
#[ignore = "needs shared data"]
fn json_has_the_bytes_that_ec_recorded() {
    check(Format::Json, 13);
}

#[test]
#[ignore = "needs shared data"]
fn text_has_the_bytes_that_ec_recorded() {
    check(Format::Text, 7);
}

#[test]
#[ignore = "needs shared data"]
fn appstudio_has_the_bytes_that_ec_recorded() {
    check(Format::Appstudio, 4);
}

#[test]
#[ignore = "needs shared data"]
fn yaml_has_the_bytes_that_ec_recorded() {
    check(Format::Yaml, 3);
}

#[test]
#[ignore = "needs shared data"]
fn junit_has_the_bytes_that_ec_recorded() {
    check(Format::Junit, 4);
}

#[test]
#[ignore = "needs shared data"]
fn summary_has_the_bytes_that_ec_recorded() {
    check(Format::Summary, 3);
}

#[test]
#[ignore = "needs shared data"]
fn summary_markdown_has_the_bytes_that_ec_recorded() {
    check(Format::SummaryMarkdown, 3);
}

/// The record of `validate input`, read back, must give all four of its reports.
#[test]
#[ignore = "needs shared data"]
fn input_reports_have_the_bytes_that_ec_recorded() {
    let cases = cases();
    let case = cases.iter().find(|case| case.name == "input-fail").unwrap();
    let record: Value = serde_json::from_str(&case.file("j").unwrap()).unwrap();
    let file = |file: &Value| FileOutcome {
        path: file["filepath"].as_str().unwrap().to_owned(),
        decision: Decision {
            violations: findings(&file["violations"]),
            warnings: findings(&file["warnings"]),
            successes: vec![
                Finding::new("not.listed", "Pass");
                usize::try_from(file["success-count"].as_u64().unwrap()).unwrap()
            ],
        },
        error: None,
    };
    let run = InputRun {
        // In the other order: the report brings them into its own.
        files: record["filepaths"].as_array().unwrap().iter().rev().map(file).collect(),
        policy: serde_json::from_str(&record["policy"].to_string()).unwrap(),
        version: record["ec-version"].as_str().unwrap().to_owned(),
        effective_time: record["effective-time"].as_str().unwrap().parse().unwrap(),
    };
    for (format, name) in InputFormat::ALL.into_iter().zip(["j", "y", "t", "s"]) {
        assert_eq!(run.report(format, Options::default()).unwrap(), case.file(name).unwrap(), "{format}");
    }
}
