//! [`InputRun`]: what `validate input` found in files, and its reports in the shapes of `ec validate input`.
//!
//! Files are listed in descending order of their paths, as `ec` lists them. `success` of the summary is the run's,
//! where `ec` writes `false` whatever happened. A file that could not be evaluated has an `error`, which `ec` does not have.

use std::{fmt, str::FromStr};

use assay_gocompat::json;
use assay_model::{decide::Decision, error::EvaluationError, finding::Finding, outcome::Verdict, policy::PolicySpec};
use serde::Serialize;

use crate::{Options, json::FindingDocument, summary::Entry, text, yaml};

/// One file and what was found in it.
#[derive(Clone, Debug)]
pub struct FileOutcome {
    /// The path as it was given.
    pub path: String,
    /// What all evaluators together found. All successes, whether they will be shown or not.
    pub decision: Decision,
    /// Why the file could not be evaluated, if so.
    pub error: Option<EvaluationError>,
}

/// A run of `validate input` that is over.
#[derive(Clone, Debug)]
pub struct InputRun {
    /// The files, in any order.
    pub files: Vec<FileOutcome>,
    /// The policy as reported. `ec` reports it as it was given, with nothing pinned.
    pub policy: PolicySpec,
    /// The version of assay.
    pub version: String,
    /// The effective time of the evaluation.
    pub effective_time: jiff::Timestamp,
}

/// The formats of `validate input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputFormat {
    /// Everything, on one line.
    Json,
    /// The same as YAML.
    Yaml,
    /// For people.
    Text,
    /// The first message of each code.
    Summary,
}

/// The name is not one of a format of `validate input`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a report format of `validate input`; known are json, yaml, text, summary")]
pub struct UnknownInputFormat {
    name: String,
}

impl InputFormat {
    /// Every format, for help and tests.
    pub const ALL: [Self; 4] = [Self::Json, Self::Yaml, Self::Text, Self::Summary];

    /// The name users give.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Text => "text",
            Self::Summary => "summary",
        }
    }
}

impl fmt::Display for InputFormat {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

impl FromStr for InputFormat {
    type Err = UnknownInputFormat;

    fn from_str(name: &str) -> Result<Self, UnknownInputFormat> {
        let known = Self::ALL.into_iter().find(|format| format.as_str() == name);
        known.ok_or_else(|| UnknownInputFormat { name: name.chars().take(60).collect() })
    }
}

impl FileOutcome {
    /// True only if the file was evaluated without violations.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.error.is_none() && self.decision.violations.is_empty()
    }
}

impl InputRun {
    /// The verdict over all files. Without any file it is an error.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let one = |file: &FileOutcome| match (&file.error, file.allowed()) {
            (Some(_), _) => Verdict::Error,
            (None, true) => Verdict::Allowed,
            (None, false) => Verdict::Denied,
        };
        self.files.iter().map(one).max().unwrap_or(Verdict::Error)
    }

    /// The report in that format; it ends in a line break. Fails only where something cannot be put into JSON.
    pub fn report(&self, format: InputFormat, options: Options) -> Result<String, serde_json::Error> {
        let without_warnings: Vec<FileOutcome>;
        // As `ec`, which forgets about warnings that are not shown.
        let mut files: Vec<_> = if options.ec_compat && !options.show_warnings {
            let forget = |file: &FileOutcome| {
                let decision = Decision { warnings: Vec::new(), ..file.decision.clone() };
                FileOutcome { decision, ..file.clone() }
            };
            without_warnings = self.files.iter().map(forget).collect();
            without_warnings.iter().collect()
        } else {
            self.files.iter().collect()
        };
        files.sort_by(|a, b| b.path.cmp(&a.path));
        Ok(match format {
            InputFormat::Json => json::to_string(&self.document(&files, options))? + "\n",
            InputFormat::Yaml => yaml::to_string(&yaml::shown(serde_json::to_value(self.document(&files, options))?)),
            InputFormat::Text => self.text(&files, options),
            InputFormat::Summary => self.summary(&files, options)? + "\n",
        })
    }

    fn document<'a>(&'a self, files: &[&'a FileOutcome], options: Options) -> Document<'a> {
        Document {
            success: self.verdict() == Verdict::Allowed,
            files: files.iter().map(|file| FileDocument::of(file, options)).collect(),
            policy: &self.policy,
            version: &self.version,
            effective_time: self.effective_time.to_string(),
        }
    }

    fn text(&self, files: &[&FileOutcome], options: Options) -> String {
        let verdict = self.verdict();
        let warned = files.iter().any(|file| !file.decision.warnings.is_empty());
        let result = match verdict {
            Verdict::Error => "ERROR",
            Verdict::Denied => "FAILURE",
            Verdict::Allowed if warned => "WARNING",
            Verdict::Allowed => "SUCCESS",
        };
        let subjects: Vec<_> = files
            .iter()
            .map(|file| text::Subject {
                name: None,
                place: file.path.as_str().into(),
                decision: &file.decision,
                error: file.error.as_ref(),
            })
            .collect();
        text::files(verdict, result, &subjects, options)
    }

    fn summary(&self, files: &[&FileOutcome], options: Options) -> Result<String, serde_json::Error> {
        let show = options.show_successes;
        json::to_string(&Summary {
            files: files.iter().map(|file| Entry::new(&file.path, &file.decision, file.error.as_ref(), show)).collect(),
            success: self.verdict() == Verdict::Allowed,
            key: "",
        })
    }
}

#[derive(Serialize)]
struct Document<'a> {
    success: bool,
    #[serde(rename = "filepaths")]
    files: Vec<FileDocument<'a>>,
    policy: &'a PolicySpec,
    #[serde(rename = "ec-version")]
    version: &'a str,
    #[serde(rename = "effective-time")]
    effective_time: String,
}

/// Nothing is left out as in a component's document: what is not shown is null.
#[derive(Serialize)]
struct FileDocument<'a> {
    #[serde(rename = "filepath")]
    path: &'a str,
    violations: Vec<FindingDocument<'a>>,
    warnings: Option<Vec<FindingDocument<'a>>>,
    successes: Option<Vec<FindingDocument<'a>>>,
    success: bool,
    #[serde(rename = "success-count")]
    success_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a EvaluationError>,
}

impl<'a> FileDocument<'a> {
    fn of(file: &'a FileOutcome, options: Options) -> Self {
        let all = |findings: &'a [Finding]| findings.iter().map(|one| FindingDocument::of(one, options.info)).collect();
        let decision = &file.decision;
        Self {
            path: &file.path,
            violations: all(&decision.violations),
            warnings: options.show_warnings.then(|| all(&decision.warnings)),
            successes: options.show_successes.then(|| all(&decision.successes)),
            success: file.allowed(),
            success_count: decision.successes.len(),
            error: file.error.as_ref(),
        }
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    #[serde(rename = "filepaths")]
    files: Vec<Entry<'a>>,
    success: bool,
    /// Always empty: nothing here is signed.
    key: &'static str,
}

#[cfg(test)]
mod tests {
    use assay_model::error::ErrorCode;
    use insta::assert_snapshot;
    use serde_json::Value;

    use super::*;
    use crate::test_data::hostile_messages;

    fn file(path: &str, violations: &[&str], warnings: &[&str]) -> FileOutcome {
        let all = |messages: &[&str]| messages.iter().map(|message| Finding::new("main.size", *message)).collect();
        let decision =
            Decision { violations: all(violations), warnings: all(warnings), successes: all(&["Pass", "Pass"]) };
        FileOutcome { path: path.to_owned(), decision, error: None }
    }

    fn run(files: Vec<FileOutcome>) -> InputRun {
        InputRun {
            files,
            policy: PolicySpec::default(),
            version: "1.2.3".to_owned(),
            effective_time: "2026-12-01T12:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn every_format_reports_files_and_one_that_failed() {
        let error = EvaluationError::new(ErrorCode::PolicyError, "the policy failed").hint("see its log");
        let broken = FileOutcome { path: "c.yaml".to_owned(), decision: Decision::default(), error: Some(error) };
        let run = run(vec![file("a.json", &["too large"], &[]), broken, file("b.json", &[], &["large", "odd"])]);
        for format in InputFormat::ALL {
            assert_snapshot!(format!("input-{format}"), run.report(format, Options::default()).unwrap());
        }
    }

    #[test]
    fn one_file_is_reported_without_counts_of_its_own() {
        let text = run(vec![file("a.json", &[], &[])]).report(InputFormat::Text, Options::default()).unwrap();
        assert_eq!(
            text,
            "Success: true\nResult: SUCCESS\nViolations: 0, Warnings: 0, Successes: 2\nInput File: a.json\n\n"
        );
    }

    #[test]
    fn what_is_not_shown_is_null() {
        let run = run(vec![file("a.json", &[], &["large"])]);
        let shown = |options: Options| {
            let json: Value = serde_json::from_str(&run.report(InputFormat::Json, options).unwrap()).unwrap();
            let file = &json["filepaths"][0];
            [file["warnings"].is_null(), file["successes"].is_null(), file["violations"].is_null()]
        };
        let plain = Options::default();
        assert_eq!(shown(plain), [false, true, false]);
        assert_eq!(shown(Options { show_warnings: false, show_successes: true, ..plain }), [true, false, false]);
    }

    #[test]
    fn a_term_of_any_kind_is_reported() {
        for (term, part) in [
            (serde_json::json!(1.5), "  Term: 1.5\n"),
            (serde_json::json!(true), "  Term: true\n"),
            (serde_json::json!(["a", 1]), "  Terms: a, 1\n"),
        ] {
            let mut one = file("a.json", &[], &[]);
            one.decision.violations = vec![Finding::new("main.size", "large").with("term", term)];
            let text = run(vec![one]).report(InputFormat::Text, Options::default()).unwrap();
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn warnings_that_are_not_shown_count_unless_called_ec() {
        let run = run(vec![file("a.json", &[], &["large"])]);
        for (ec_compat, part) in [
            (false, "Result: WARNING\nViolations: 0, Warnings: 1,"),
            (true, "Result: SUCCESS\nViolations: 0, Warnings: 0,"),
        ] {
            let options = Options { show_warnings: false, ec_compat, ..Options::default() };
            let text = run.report(InputFormat::Text, options).unwrap();
            assert!(text.contains(part), "{text}");
            let summary = run.report(InputFormat::Summary, options).unwrap();
            assert_eq!(summary.contains("\"total_warnings\":0"), ec_compat, "{summary}");
        }
    }

    #[test]
    fn no_file_is_an_error() {
        let nothing = run(vec![]);
        assert_eq!(nothing.verdict(), Verdict::Error);
        assert!(nothing.report(InputFormat::Text, Options::default()).unwrap().contains("Result: ERROR"));
    }

    #[test]
    fn hostile_texts_stay_inside_their_strings() {
        for message in hostile_messages() {
            let run = run(vec![file(&message, &[&message], &[&message])]);
            let json: Value =
                serde_json::from_str(&run.report(InputFormat::Json, Options::default()).unwrap()).unwrap();
            assert_eq!(json["filepaths"][0]["violations"][0]["msg"], message.as_str());
            let yaml = run.report(InputFormat::Yaml, Options::default()).unwrap();
            assert_eq!(assay_model::yaml::parse(&yaml).unwrap(), yaml::shown(json));
        }
    }

    #[test]
    fn formats_are_known_by_name() {
        for format in InputFormat::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("junit".parse::<InputFormat>().unwrap_err().to_string().contains("known are json, yaml"));
    }
}
