//! `text` of `ec`: what the program writes when it is invoked by that name, and the text about files.
//!
//! Layout and wording are those of `ec validate image --output text`, byte for byte, wherever a component was evaluated.
//! Ours is in [`crate::terminal`]. An error is reported first, as `✕ [Error] CODE`. Meaning never rests on color, and text from outside can
//! neither command the terminal nor begin a line of the report.

use std::{borrow::Cow, fmt};

use assay_model::{
    decide::Decision,
    error::EvaluationError,
    event::{RunFinished, RunStarted},
    finding::Finding,
    outcome::{Outcome, Verdict},
};
use serde_json::Value;

use crate::{
    Options, component_status::stopped_early, metadata::shown_metadata, sanitize, terminal, totals::Totals, wrap::wrap,
};

/// The longest line of a wrapped field in characters, with its indent.
const WIDTH: usize = 130;

/// The indent of a result's fields.
const INDENT: &str = "  ";

/// What stands where a finding has no code: `ec`'s words, since its bytes are kept.
const NO_CODE: &str = "%!s(<nil>)";

const POLICY_DOCS: &str = "https://conforma.dev/docs/policy/";

/// What a result is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Violation,
    Warning,
    Success,
}

impl Kind {
    const fn symbol(self) -> &'static str {
        match self {
            Self::Error | Self::Violation => "✕",
            Self::Warning => "›",
            Self::Success => "✓",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::Violation => "Violation",
            Self::Warning => "Warning",
            Self::Success => "Success",
        }
    }

    /// The ANSI color: red, yellow or green.
    const fn color(self) -> u8 {
        match self {
            Self::Error | Self::Violation => 31,
            Self::Warning => 33,
            Self::Success => 32,
        }
    }
}

/// What was evaluated: a component, or a file of `validate input`.
pub(crate) struct Subject<'a> {
    /// A component's name; a file has only its path.
    pub(crate) name: Option<&'a str>,
    /// The image or the path.
    pub(crate) place: Cow<'a, str>,
    pub(crate) decision: &'a Decision,
    pub(crate) error: Option<&'a EvaluationError>,
}

/// What the places of subjects are called.
#[derive(Clone, Copy)]
struct Words {
    /// A single subject, which has no counts of its own.
    one: &'static str,
    many: &'static str,
    place: &'static str,
}

const COMPONENTS: Words = Words { one: "Component", many: "Components", place: "ImageRef" };
const FILES: Words = Words { one: "Input File", many: "Input Files", place: "FilePath" };

/// The report about a run over components: that of `ec` only for its name.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    if !options.ec_compat {
        return Ok(terminal::render(head, end, options));
    }
    let subjects: Vec<_> = end.outcomes.iter().map(|outcome| Subject::of(outcome)).collect();
    let totals = Totals::of(end);
    let mut page = written(COMPONENTS, end.verdict, totals.result(end.verdict), &subjects, options);
    for check in &head.skipped {
        page.push_str(&format!("Skipped on request: {}\n", check.code()));
    }
    if let Some(stopped) = end.stopped {
        page.push_str(&stopped_early(stopped, &totals));
        page.push('\n');
    } else if end.outcomes.is_empty() {
        page.push_str("No component was evaluated.\n");
    }
    Ok(page)
}

/// The report about files, in the order given.
pub(crate) fn files(verdict: Verdict, result: &str, files: &[Subject<'_>], options: Options) -> String {
    written(FILES, verdict, result, files, options)
}

fn written(words: Words, verdict: Verdict, result: &str, subjects: &[Subject<'_>], options: Options) -> String {
    let mut page = TextReport { text: String::new(), options, words };
    let sum = |count: fn(&Decision) -> usize| subjects.iter().map(|subject| count(subject.decision)).sum();
    let totals = Counts {
        violations: sum(|decision| decision.violations.len()),
        warnings: sum(|decision| decision.warnings.len()),
        successes: sum(|decision| decision.successes.len()),
    };
    let failed = subjects.iter().filter(|subject| subject.error.is_some()).count();
    page.line(&format!("Success: {}", verdict == Verdict::Allowed));
    page.line(&format!("Result: {result}"));
    let errors = if failed == 0 { String::new() } else { format!(", Errors: {failed}") };
    page.line(&format!("{totals}{errors}"));
    page.subjects(subjects);
    page.results(subjects, totals, failed);
    page.text
}

#[derive(Clone, Copy)]
struct Counts {
    violations: usize,
    warnings: usize,
    successes: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { violations, warnings, successes } = self;
        write!(to, "Violations: {violations}, Warnings: {warnings}, Successes: {successes}")
    }
}

impl<'a> Subject<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        Self {
            name: Some(&outcome.component.name),
            place: outcome.image_text().into(),
            decision: &outcome.decision,
            error: outcome.error.as_ref(),
        }
    }
}

/// A report as it grows.
struct TextReport {
    text: String,
    options: Options,
    words: Words,
}

impl TextReport {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn subjects(&mut self, subjects: &[Subject<'_>]) {
        let Words { one, many, place } = self.words;
        if let [subject] = subjects {
            self.line(&format!("{one}: {}", sanitize::line(subject.name.unwrap_or(&subject.place))));
            if subject.name.is_some() {
                self.line(&format!("{place}: {}", sanitize::line(&subject.place)));
            }
            self.line("");
            return;
        }
        if !subjects.is_empty() {
            self.line("");
            self.line(&format!("{many}:"));
        }
        for Subject { name, place: at, decision, error } in subjects {
            if let Some(name) = name {
                self.line(&format!("- Name: {}", sanitize::line(name)));
            }
            let bullet = if name.is_some() { "  " } else { "- " };
            self.line(&format!("{bullet}{place}: {}", sanitize::line(at)));
            let counts = Counts {
                violations: decision.violations.len(),
                warnings: decision.warnings.len(),
                successes: decision.successes.len(),
            };
            self.line(&format!("  {counts}"));
            // Three zeros alone would look like a pass.
            if let Some(error) = error {
                self.line(&format!("  Error: {}", error.code.as_str()));
            }
            self.line("");
        }
    }

    fn results(&mut self, subjects: &[Subject<'_>], totals: Counts, failed: usize) {
        let warnings = self.options.show_warnings && totals.warnings > 0;
        let successes = self.options.show_successes && totals.successes > 0;
        if failed > 0 || totals.violations > 0 || warnings || successes {
            self.line("Results:");
        }
        for subject in subjects {
            self.error(subject);
        }
        self.findings(subjects, Kind::Violation, |decision| &decision.violations);
        if warnings {
            self.findings(subjects, Kind::Warning, |decision| &decision.warnings);
        }
        if successes {
            self.findings(subjects, Kind::Success, |decision| &decision.successes);
        }
        if self.options.show_policy_docs_link && (totals.violations > 0 || warnings) {
            self.line(&format!(
                "For more information about policy issues, see the policy documentation: {POLICY_DOCS}"
            ));
        }
    }

    fn error(&mut self, subject: &Subject<'_>) {
        let Some(error) = subject.error else { return };
        self.heading(Kind::Error, error.code.as_str(), subject);
        self.field("Reason", &error.message);
        self.field("Hint", error.hint.as_deref().unwrap_or_default());
        self.line("");
    }

    fn findings(&mut self, subjects: &[Subject<'_>], kind: Kind, of: impl Fn(&Decision) -> &[Finding]) {
        for subject in subjects {
            for finding in of(subject.decision) {
                self.finding(kind, finding, subject);
            }
        }
    }

    fn finding(&mut self, kind: Kind, finding: &Finding, subject: &Subject<'_>) {
        let metadata = shown_metadata(finding, self.options.info);
        let field = |key: &str| metadata.get(key).map(shown).unwrap_or_default();
        let code = metadata.get("code").filter(|code| !code.is_null()).map_or(Cow::Borrowed(NO_CODE), shown_always);
        self.heading(kind, &code, subject);
        // The message of a success is `Pass`, and there is nothing to solve.
        if kind != Kind::Success {
            self.field("Reason", &finding.message);
        }
        match metadata.get("term") {
            Some(Value::Array(terms)) => {
                let terms: Vec<_> = terms.iter().map(shown_always).collect();
                self.field("Terms", &terms.join(", "));
            }
            _ => self.field("Term", &field("term")),
        }
        self.field("Title", &field("title"));
        self.field("Description", &field("description"));
        if kind != Kind::Success {
            self.field("Solution", &field("solution"));
        }
        self.line("");
    }

    fn heading(&mut self, kind: Kind, code: &str, subject: &Subject<'_>) {
        let title = format!("[{}] {}", kind.label(), sanitize::line(code));
        let heading = format!("{} {}", self.painted(kind, kind.symbol()), self.painted(kind, &title));
        self.line(&heading);
        if !subject.place.is_empty() {
            self.line(&format!("{INDENT}{}: {}", self.words.place, sanitize::line(&subject.place)));
        }
    }

    /// An indented, wrapped field; none when there is nothing in it.
    fn field(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            let wrapped = wrap(&format!("{name}: {}", sanitize::lines(text)), WIDTH - INDENT.len());
            for line in wrapped.split('\n') {
                self.line(&format!("{INDENT}{line}"));
            }
        }
    }

    fn painted<'a>(&self, kind: Kind, text: &'a str) -> Cow<'a, str> {
        if self.options.color { format!("\u{1b}[{}m{text}\u{1b}[0m", kind.color()).into() } else { text.into() }
    }
}

/// A value as text, empty for what Go's templates take for nothing: `ec` leaves such fields out.
fn shown(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null | Value::Bool(false) => Cow::Borrowed(""),
        Value::Number(number) if number.as_f64() == Some(0.0) => Cow::Borrowed(""),
        Value::Array(items) if items.is_empty() => Cow::Borrowed(""),
        Value::Object(fields) if fields.is_empty() => Cow::Borrowed(""),
        Value::Bool(true) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            shown_always(value)
        }
    }
}

/// A value as text: strings as they are, all else as JSON.
fn shown_always(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
