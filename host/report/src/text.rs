//! [`Text`]: the report for people.
//!
//! Layout and wording are those of `ec validate image --output text`, byte for byte, wherever there is an answer. A
//! component without one is told first, as `✕ [Error] CODE`. Meaning never rests on colour, and text from outside can
//! neither command the terminal nor begin a line of the report.

use std::{borrow::Cow, io::Write};

use assay_model::{
    event::{RunEnd, RunEvent, Stopped},
    finding::Finding,
    outcome::{Outcome, Verdict},
    port::{Report, ReportError},
};
use serde_json::Value;

use crate::{Options, facts::facts, plain, sheet::Sheet, totals::Totals, wrap::wrap};

/// The longest line of a wrapped field in characters, with its indent.
const WIDTH: usize = 130;

/// The indent of a result's fields.
const INDENT: &str = "  ";

/// What stands where a finding has no code: `ec`'s words, since its bytes are kept.
const NO_CODE: &str = "%!s(<nil>)";

const POLICY_DOCS: &str = "https://conforma.dev/docs/policy/";

/// The report for people.
pub struct Text {
    sheet: Sheet,
    options: Options,
}

impl Text {
    /// A report that will be written to `to`.
    #[must_use]
    pub fn new(to: Box<dyn Write + Send>, options: Options) -> Self {
        Self { sheet: Sheet::new("text", to), options }
    }
}

impl Report for Text {
    fn event(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        if let RunEvent::Ended(end) = event {
            self.sheet.write(&page(end, self.options))?;
        }
        Ok(())
    }
}

/// What a result is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Violation,
    Warning,
    Success,
}

impl Kind {
    const fn sign(self) -> &'static str {
        match self {
            Self::Error | Self::Violation => "✕",
            Self::Warning => "›",
            Self::Success => "✓",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::Violation => "Violation",
            Self::Warning => "Warning",
            Self::Success => "Success",
        }
    }

    /// The ANSI colour: red, yellow or green.
    const fn colour(self) -> u8 {
        match self {
            Self::Error | Self::Violation => 31,
            Self::Warning => 33,
            Self::Success => 32,
        }
    }
}

fn page(end: &RunEnd, options: Options) -> String {
    let totals = Totals::of(end);
    let mut page = Page { text: String::new(), options };
    page.line(&format!("Success: {}", end.verdict == Verdict::Allowed));
    page.line(&format!("Result: {}", totals.result(end.verdict)));
    let errors = if totals.errors == 0 { String::new() } else { format!(", Errors: {}", totals.errors) };
    page.line(&format!("{}{errors}", counts(totals.violations, totals.warnings, totals.successes)));
    page.components(end);
    page.results(end, &totals);
    if let Some(stopped) = end.stopped {
        page.line(&stopped_early(stopped, &totals));
    } else if end.outcomes.is_empty() {
        page.line("No component was judged.");
    }
    page.text
}

fn counts(violations: usize, warnings: usize, successes: usize) -> String {
    format!("Violations: {violations}, Warnings: {warnings}, Successes: {successes}")
}

fn stopped_early(stopped: Stopped, totals: &Totals<'_>) -> String {
    let why = match stopped {
        Stopped::Deadline => "the deadline passed",
        Stopped::Interrupted => "the run was interrupted",
    };
    match (totals.overtaken, totals.components) {
        (_, 0) => format!("Stopped early: {why} before any component was judged."),
        (0, all) => format!("Stopped early: {why} when nothing was left to judge of {all} components."),
        (overtaken, all) => format!("Stopped early: {why}; {overtaken} of {all} components were not judged."),
    }
}

/// A report as it grows.
struct Page {
    text: String,
    options: Options,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn components(&mut self, end: &RunEnd) {
        if let [outcome] = end.outcomes.as_slice() {
            self.line(&format!("Component: {}", plain::line(&outcome.component.name)));
            self.line(&format!("ImageRef: {}", plain::line(&outcome.image_text())));
            self.line("");
            return;
        }
        if !end.outcomes.is_empty() {
            self.line("");
            self.line("Components:");
        }
        for outcome in &end.outcomes {
            let decision = &outcome.decision;
            self.line(&format!("- Name: {}", plain::line(&outcome.component.name)));
            self.line(&format!("  ImageRef: {}", plain::line(&outcome.image_text())));
            let counts = counts(decision.violations.len(), decision.warnings.len(), decision.successes.len());
            self.line(&format!("  {counts}"));
            // Three zeros alone would look like an answer.
            if let Some(error) = &outcome.error {
                self.line(&format!("  Error: {}", error.code.as_str()));
            }
            self.line("");
        }
    }

    fn results(&mut self, end: &RunEnd, totals: &Totals<'_>) {
        let warnings = self.options.show_warnings && totals.warnings > 0;
        let successes = self.options.show_successes && totals.successes > 0;
        if totals.errors > 0 || totals.violations > 0 || warnings || successes {
            self.line("Results:");
        }
        for outcome in &end.outcomes {
            self.error(outcome);
        }
        self.findings(end, Kind::Violation, |outcome| &outcome.decision.violations);
        if warnings {
            self.findings(end, Kind::Warning, |outcome| &outcome.decision.warnings);
        }
        if successes {
            self.findings(end, Kind::Success, |outcome| &outcome.decision.successes);
        }
        if self.options.show_policy_docs_link && (totals.violations > 0 || warnings) {
            self.line(&format!(
                "For more information about policy issues, see the policy documentation: {POLICY_DOCS}"
            ));
        }
    }

    fn error(&mut self, outcome: &Outcome) {
        let Some(error) = &outcome.error else { return };
        self.heading(Kind::Error, error.code.as_str(), outcome);
        self.field("Reason", &error.message);
        self.field("Hint", error.hint.as_deref().unwrap_or_default());
        self.line("");
    }

    fn findings(&mut self, end: &RunEnd, kind: Kind, of: impl Fn(&Outcome) -> &[Finding]) {
        for outcome in &end.outcomes {
            for finding in of(outcome) {
                self.finding(kind, finding, outcome);
            }
        }
    }

    fn finding(&mut self, kind: Kind, finding: &Finding, outcome: &Outcome) {
        let facts = facts(finding, self.options.info);
        let fact = |key: &str| facts.get(key).map(shown).unwrap_or_default();
        let code = facts.get("code").filter(|code| !code.is_null()).map_or(Cow::Borrowed(NO_CODE), shown_always);
        self.heading(kind, &code, outcome);
        // The message of a success is `Pass`, and there is nothing to solve.
        if kind != Kind::Success {
            self.field("Reason", &finding.message);
        }
        match facts.get("term") {
            Some(Value::Array(terms)) => {
                let terms: Vec<_> = terms.iter().map(shown_always).collect();
                self.field("Terms", &terms.join(", "));
            }
            _ => self.field("Term", &fact("term")),
        }
        self.field("Title", &fact("title"));
        self.field("Description", &fact("description"));
        if kind != Kind::Success {
            self.field("Solution", &fact("solution"));
        }
        self.line("");
    }

    fn heading(&mut self, kind: Kind, code: &str, outcome: &Outcome) {
        let title = format!("[{}] {}", kind.word(), plain::line(code));
        let heading = format!("{} {}", self.painted(kind, kind.sign()), self.painted(kind, &title));
        self.line(&heading);
        let image = outcome.image_text();
        if !image.is_empty() {
            self.line(&format!("{INDENT}ImageRef: {}", plain::line(&image)));
        }
    }

    /// An indented, wrapped field; none when there is nothing in it.
    fn field(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            let wrapped = wrap(&format!("{name}: {}", plain::lines(text)), WIDTH - INDENT.len());
            for line in wrapped.split('\n') {
                self.line(&format!("{INDENT}{line}"));
            }
        }
    }

    fn painted<'a>(&self, kind: Kind, text: &'a str) -> Cow<'a, str> {
        if self.options.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", kind.colour()).into() } else { text.into() }
    }
}

/// A fact as text, empty for what Go's templates take for nothing: `ec` leaves such fields out.
fn shown(fact: &Value) -> Cow<'_, str> {
    match fact {
        Value::Null | Value::Bool(false) => Cow::Borrowed(""),
        Value::Number(number) if number.as_f64() == Some(0.0) => Cow::Borrowed(""),
        Value::Array(items) if items.is_empty() => Cow::Borrowed(""),
        Value::Object(fields) if fields.is_empty() => Cow::Borrowed(""),
        Value::Bool(true) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            shown_always(fact)
        }
    }
}

/// A fact as text: strings as they are, all else as JSON.
fn shown_always(fact: &Value) -> Cow<'_, str> {
    match fact {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
