//! [`Case`]: what a plugin is called with and must answer, a file `tests/*.toml` of a project.

use std::{collections::BTreeMap, fmt::Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limited_file::read_text;

/// A file of a case: cases are written by hand.
const CASE_BYTES: u64 = 1 << 20;

/// Cases of one plugin.
const CASES: usize = 1_000;

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name: that of the file, without its end.
    pub name: String,
    /// The file.
    pub file: Utf8PathBuf,
    /// What the plugin is called with.
    pub given: Given,
    /// What it must answer.
    pub expect: Expect,
}

/// What a plugin is called with. Files are relative to the case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// The image of a check, by digest.
    pub image: Option<String>,
    /// The verified attestations of the image.
    pub attestations: Vec<GivenAttestation>,
    /// A file with the manifest of the image; an empty object without one.
    pub manifest: Option<String>,
    /// A file with the configuration of the image.
    pub config: Option<String>,
    /// A file with a Snapshot.
    pub snapshot: Option<String>,
    /// Parameters: strings, lists of strings, booleans and numbers.
    params: BTreeMap<String, Value>,
    /// A file with the requests that are expected and their responses, see [`Exchange`](crate::Exchange).
    pub cassette: Option<String>,
    /// A file with the events of a run, one JSON document a line.
    pub events: Option<String>,
}

/// An attestation of a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenAttestation {
    /// The predicate type.
    #[serde(rename = "type")]
    pub predicate_type: String,
    /// A file with the predicate; an empty object without one.
    pub predicate: Option<String>,
}

/// What a plugin must answer. What is not mentioned may be anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    outcome: Option<String>,
    successes: Option<u64>,
    failures: Option<u64>,
    warnings: Option<u64>,
    findings: Option<Vec<ExpectedFinding>>,
    artifacts: Option<Vec<String>>,
    /// The code of an error.
    error: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFinding {
    code: String,
    outcome: Option<String>,
    /// A part of the message.
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    version: u32,
    #[serde(default)]
    given: Given,
    #[serde(default)]
    expect: Expect,
}

/// What a plugin answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// The outcome in lower case; none for a check and where there was an error.
    pub outcome: Option<String>,
    /// Successes.
    pub successes: u64,
    /// Failures.
    pub failures: u64,
    /// Warnings.
    pub warnings: u64,
    /// Codes, outcomes in lower case and messages.
    pub findings: Vec<ObservedFinding>,
    /// The names of artifacts, sorted.
    pub artifacts: Vec<String>,
    /// The code and the message of an error.
    pub error: Option<(String, String)>,
}

/// One finding of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObservedFinding {
    /// Its code.
    pub code: String,
    /// Its outcome in lower case.
    pub outcome: String,
    /// Its message.
    pub message: String,
}

/// A case cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the case {file} cannot be used: {why}")]
pub struct CaseError {
    file: Utf8PathBuf,
    why: String,
}

impl Given {
    /// The parameters as a command line has them: a list gives its name several times.
    #[must_use]
    pub fn params(&self) -> Vec<(String, String)> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut params = Vec::new();
        for (name, value) in &self.params {
            match value {
                Value::Array(items) => params.extend(items.iter().map(|item| (name.clone(), text(item)))),
                value => params.push((name.clone(), text(value))),
            }
        }
        params
    }
}

impl Case {
    /// The cases of a project: the files `tests/*.toml`, sorted by name; only those named, if any are.
    ///
    /// # Errors
    /// A file that is not a case, a named case that does not exist, or no case at all.
    pub fn read_all(project: &Utf8Path, named: &[String]) -> Result<Vec<Self>, CaseError> {
        let folder = project.join("tests");
        let error = |why: String| CaseError { file: folder.clone(), why };
        let mut cases = Vec::new();
        for entry in folder.read_dir_utf8().map_err(|failed| error(failed.to_string()))? {
            let path = entry.map_err(|failed| error(failed.to_string()))?.into_path();
            let Some(name) = path.file_stem().filter(|_| path.extension() == Some("toml")) else { continue };
            if named.is_empty() || named.iter().any(|wanted| wanted == name) {
                if cases.len() == CASES {
                    return Err(error(format!("there are more than the {CASES} allowed")));
                }
                cases.push(Self::read(name, &path)?);
            }
        }
        if let Some(absent) = named.iter().find(|name| !cases.iter().any(|case: &Self| case.name == **name)) {
            return Err(error(format!("there is no case `{absent}`")));
        }
        if cases.is_empty() {
            return Err(error("there is no file `*.toml`".to_owned()));
        }
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(cases)
    }

    fn read(name: &str, file: &Utf8Path) -> Result<Self, CaseError> {
        let error = |why: String| CaseError { file: file.to_owned(), why };
        let text = read_text(file, CASE_BYTES).map_err(|failed| error(failed.to_string()))?;
        let found: CaseFile = toml::from_str(&text).map_err(|failed| error(failed.message().to_owned()))?;
        if found.version != 1 {
            return Err(error(format!("its version is {}, this program reads version 1", found.version)));
        }
        Ok(Self { name: name.to_owned(), file: file.to_owned(), given: found.given, expect: found.expect })
    }

    /// A file that the case names, next to it.
    #[must_use]
    pub fn path(&self, file: &str) -> Utf8PathBuf {
        self.file.parent().unwrap_or(Utf8Path::new("")).join(file)
    }

    /// Rewrites what is expected to what was observed; what is given stays as it is written.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn update(&self, observed: &Observed) -> std::io::Result<()> {
        let text = read_text(&self.file, CASE_BYTES)?;
        fs_err::write(&self.file, with_expectation(&text, observed))
    }
}

/// A case's text with another expectation, which stands at its end.
fn with_expectation(text: &str, observed: &Observed) -> String {
    let is_expectation =
        |line: &&str| line.trim_start().starts_with("[expect") || line.trim_start().starts_with("[[expect");
    let mut kept: String =
        text.lines().take_while(|line| !is_expectation(line)).fold(String::new(), |text, line| text + line + "\n");
    kept.truncate(kept.trim_end().len());
    // Every string of JSON is one of TOML.
    let quoted = |text: &str| Value::from(text).to_string();
    let mut out = format!("{kept}\n\n[expect]\n");
    if let Some((code, _)) = &observed.error {
        // Writing to a String cannot fail.
        let _infallible = writeln!(out, "error = {}", quoted(code));
        return out;
    }
    if let Some(outcome) = &observed.outcome {
        let Observed { successes, failures, warnings, .. } = observed;
        let _infallible = write!(
            out,
            "outcome = {}\nsuccesses = {successes}\nfailures = {failures}\nwarnings = {warnings}\n",
            quoted(outcome)
        );
    }
    if !observed.artifacts.is_empty() {
        let names: Vec<_> = observed.artifacts.iter().map(|name| quoted(name)).collect();
        let _infallible = writeln!(out, "artifacts = [{}]", names.join(", "));
    }
    if observed.findings.is_empty() {
        out.push_str("findings = []\n");
    }
    for finding in &observed.findings {
        let _infallible = write!(
            out,
            "\n[[expect.findings]]\ncode = {}\noutcome = {}\nmessage = {}\n",
            quoted(&finding.code),
            quoted(&finding.outcome),
            quoted(&finding.message)
        );
    }
    out
}

impl Expect {
    /// How an answer differs; none if it is as expected. The first difference is shown.
    #[must_use]
    pub fn difference(&self, observed: &Observed) -> Option<String> {
        match (&self.error, &observed.error) {
            (Some(want), Some((code, _))) if want == code => return None,
            (Some(want), Some((code, message))) => {
                return Some(format!("expected the error {want}, got {code}: {message}"));
            }
            (Some(want), None) => return Some(format!("expected the error {want}, got an answer")),
            (None, Some((code, message))) => return Some(format!("{code}: {message}")),
            (None, None) => {}
        }
        if let Some(want) = &self.outcome
            && observed.outcome.as_ref() != Some(want)
        {
            let got = observed.outcome.as_deref().unwrap_or("none");
            return Some(format!("expected the outcome {want}, got {got}"));
        }
        for (what, want, got) in [
            ("successes", self.successes, observed.successes),
            ("failures", self.failures, observed.failures),
            ("warnings", self.warnings, observed.warnings),
        ] {
            if want.is_some_and(|want| want != got) {
                return Some(format!("expected {} {what}, got {got}", want.unwrap_or_default()));
            }
        }
        if let Some(want) = &self.artifacts {
            let mut want = want.clone();
            want.sort();
            if want != observed.artifacts {
                return Some(format!("expected the artifacts {want:?}, got {:?}", observed.artifacts));
            }
        }
        self.findings.as_ref().and_then(|want| findings_difference(want, &observed.findings))
    }
}

fn findings_difference(want: &[ExpectedFinding], got: &[ObservedFinding]) -> Option<String> {
    if want.len() != got.len() {
        let codes: Vec<_> = got.iter().map(|finding| finding.code.as_str()).collect();
        return Some(format!("expected {} findings, got {}: [{}]", want.len(), got.len(), codes.join(", ")));
    }
    want.iter().zip(got).enumerate().find_map(|(at, (want, got))| {
        let is_same = want.code == got.code
            && want.outcome.as_ref().is_none_or(|outcome| *outcome == got.outcome)
            && want.message.as_ref().is_none_or(|message| got.message.contains(message.as_str()));
        (!is_same).then(|| {
            format!("finding {}: expected {}, got {} {}: {}", at + 1, want.code, got.outcome, got.code, got.message)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(text: &str) -> Expect {
        toml::from_str(text).unwrap()
    }

    fn observed() -> Observed {
        Observed {
            outcome: Some("failure".to_owned()),
            successes: 1,
            failures: 1,
            findings: vec![ObservedFinding {
                code: "gate.a".to_owned(),
                outcome: "failure".to_owned(),
                message: "cart is \"bad\"".to_owned(),
            }],
            artifacts: vec!["log".to_owned()],
            ..Observed::default()
        }
    }

    #[test]
    fn what_is_not_mentioned_may_be_anything_and_the_first_difference_is_shown() {
        assert_eq!(expect("").difference(&observed()), None);
        for (text, says) in [
            ("outcome = \"success\"", "expected the outcome success, got failure"),
            ("failures = 2", "expected 2 failures, got 1"),
            ("artifacts = []", "expected the artifacts [], got [\"log\"]"),
            ("findings = []", "expected 0 findings, got 1: [gate.a]"),
            ("findings = [{code = \"gate.b\"}]", "finding 1: expected gate.b, got failure gate.a"),
            ("findings = [{code = \"gate.a\", message = \"good\"}]", "finding 1"),
            ("error = \"plugin-trap\"", "expected the error plugin-trap, got an answer"),
        ] {
            let difference = expect(text).difference(&observed()).unwrap();
            assert!(difference.contains(says), "{text}: {difference}");
        }
        let failed = Observed { error: Some(("plugin-trap".to_owned(), "x".to_owned())), ..Observed::default() };
        assert_eq!(expect("error = \"plugin-trap\"").difference(&failed), None);
        assert_eq!(expect("failures = 0").difference(&failed), Some("plugin-trap: x".to_owned()));
    }

    #[test]
    fn an_updated_case_expects_what_was_observed_and_keeps_what_is_given() {
        let text = "# about\nversion = 1\n\n[given]\nsnapshot = \"s.json\"\n\n[expect]\nfailures = 9\n\n[[expect.findings]]\ncode = \"x\"\n";
        let updated = with_expectation(text, &observed());
        assert!(
            updated.starts_with("# about\nversion = 1\n\n[given]\nsnapshot = \"s.json\"\n\n[expect]\n"),
            "{updated}"
        );
        let file: CaseFile = toml::from_str(&updated).unwrap();
        assert_eq!(file.expect.difference(&observed()), None);
        assert_eq!(with_expectation(&updated, &observed()), updated);
    }

    #[test]
    fn parameters_are_those_of_a_command_line() {
        let given: Given = toml::from_str("params = { b = [\"x\", \"y\"], a = true, c = \"t\" }").unwrap();
        let pairs = [("a", "true"), ("b", "x"), ("b", "y"), ("c", "t")];
        assert_eq!(given.params(), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn cases_are_files_with_known_keys() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir(root.join("tests")).unwrap();
        assert!(Case::read_all(root, &[]).unwrap_err().to_string().contains("there is no file"));
        fs_err::write(root.join("tests/b.toml"), "version = 1").unwrap();
        fs_err::write(root.join("tests/a.toml"), "version = 1").unwrap();
        fs_err::write(root.join("tests/notes.txt"), "").unwrap();
        let names: Vec<_> = Case::read_all(root, &[]).unwrap().into_iter().map(|case| case.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(Case::read_all(root, &["c".to_owned()]).unwrap_err().to_string().contains("no case `c`"));
        fs_err::write(root.join("tests/b.toml"), "version = 1\n[given]\nimages = 1").unwrap();
        assert!(Case::read_all(root, &[]).unwrap_err().to_string().contains("unknown field `images`"));
    }
}
