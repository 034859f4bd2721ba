//! [`ConftestRun`]: what `test` found in files, and its reports in the shapes of `conftest test` 0.68.
//!
//! Findings stand in the order in which they were found, as in conftest. What a terminal or a pipeline could obey is
//! shown or escaped, where conftest writes it as it is.

mod pipelines;
mod plain;
mod structured;
mod table;

use std::{fmt, str::FromStr};

use serde_json::{Map, Value};

/// One file evaluated by the rules of one namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConftestResult {
    /// The path as it was given; `-` for standard input, `Combined` for all files together.
    pub file: String,
    /// The package.
    pub namespace: String,
    /// How many rules reported nothing.
    pub successes: usize,
    /// What `warn` rules reported.
    pub warnings: Vec<ConftestFinding>,
    /// What `deny` and `violation` rules reported.
    pub failures: Vec<ConftestFinding>,
    /// Rules that an exception applies to.
    pub exceptions: Vec<ConftestFinding>,
}

/// One result of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConftestFinding {
    /// The sentence.
    pub message: String,
    /// The file and line that the rule gives in `_loc`.
    pub location: Option<(String, String)>,
    /// Everything else that it gives, and the `query`.
    pub metadata: Map<String, Value>,
}

/// A run that is over.
#[derive(Clone, Debug, Default)]
pub struct ConftestRun {
    /// What was found.
    pub results: Vec<ConftestResult>,
    /// The version of assay.
    pub version: String,
    /// The first namespace that was requested.
    pub namespace: String,
    /// The time of the run, seconds since 1970.
    pub timestamp: i64,
}

/// What the user wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConftestOptions {
    /// Color the text.
    pub color: bool,
    /// Leave exceptions out of the text.
    pub suppress_exceptions: bool,
    /// Leave messages out of the names of JUnit tests.
    pub hide_message: bool,
}

/// The formats of `test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConftestFormat {
    /// For people.
    Stdout,
    /// Indented JSON.
    Json,
    /// Test Anything Protocol.
    Tap,
    /// A table for people.
    Table,
    /// JUnit XML.
    Junit,
    /// Workflow commands of GitHub.
    Github,
    /// Logging commands of Azure Pipelines.
    AzureDevOps,
    /// SARIF 2.1.0.
    Sarif,
    /// Konflux' `TEST_OUTPUT`.
    Appstudio,
}

/// The name is not one of a format of `test`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a report format of `test`; known are {}", known())]
pub struct UnknownConftestFormat {
    name: String,
}

fn known() -> String {
    ConftestFormat::ALL.map(ConftestFormat::as_str).join(", ")
}

impl ConftestFormat {
    /// Every format.
    pub const ALL: [Self; 9] = [
        Self::Stdout,
        Self::Json,
        Self::Tap,
        Self::Table,
        Self::Junit,
        Self::Github,
        Self::AzureDevOps,
        Self::Sarif,
        Self::Appstudio,
    ];

    /// The name users give.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Json => "json",
            Self::Tap => "tap",
            Self::Table => "table",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::AzureDevOps => "azuredevops",
            Self::Sarif => "sarif",
            Self::Appstudio => "appstudio",
        }
    }
}

impl FromStr for ConftestFormat {
    type Err = UnknownConftestFormat;

    fn from_str(name: &str) -> Result<Self, UnknownConftestFormat> {
        let known = Self::ALL.into_iter().find(|format| format.as_str() == name);
        known.ok_or_else(|| UnknownConftestFormat { name: name.chars().take(60).collect() })
    }
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    successes: usize,
    warnings: usize,
    failures: usize,
    exceptions: usize,
}

impl ConftestResult {
    const fn counts(&self) -> Counts {
        Counts {
            successes: self.successes,
            warnings: self.warnings.len(),
            failures: self.failures.len(),
            exceptions: self.exceptions.len(),
        }
    }
}

impl Counts {
    const fn all(self) -> usize {
        self.successes + self.warnings + self.failures + self.exceptions
    }

    const fn and(self, other: Self) -> Self {
        Self {
            successes: self.successes + other.successes,
            warnings: self.warnings + other.warnings,
            failures: self.failures + other.failures,
            exceptions: self.exceptions + other.exceptions,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let Self { successes, warnings, failures, exceptions } = *self;
        write!(
            to,
            "{} test{}, {successes} passed, {warnings} warning{}, {failures} failure{}, {exceptions} exception{}",
            self.all(),
            plural(self.all()),
            plural(warnings),
            plural(failures),
            plural(exceptions)
        )
    }
}

impl ConftestRun {
    /// Whether some rule denied.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.results.iter().any(|result| !result.failures.is_empty())
    }

    /// Whether some rule warned.
    #[must_use]
    pub fn warned(&self) -> bool {
        self.results.iter().any(|result| !result.warnings.is_empty())
    }

    fn counts(&self) -> Counts {
        self.results.iter().map(ConftestResult::counts).fold(Counts::default(), Counts::and)
    }

    /// The report in that format. Fails only where something cannot be put into JSON.
    pub fn report(&self, format: ConftestFormat, options: ConftestOptions) -> Result<String, serde_json::Error> {
        Ok(match format {
            ConftestFormat::Stdout => plain::text(self, options),
            ConftestFormat::Tap => plain::tap(self),
            ConftestFormat::Table => table::table(self),
            ConftestFormat::Github => pipelines::github(self),
            ConftestFormat::AzureDevOps => pipelines::azure(self),
            ConftestFormat::Json => structured::json(self)?,
            ConftestFormat::Junit => structured::junit(self, options),
            ConftestFormat::Sarif => structured::sarif(self)?,
            ConftestFormat::Appstudio => structured::appstudio(self)?,
        })
    }
}

/// What `test` writes as `appstudio` when there is no result: `why` ends the note.
pub fn conftest_error(why: &str, timestamp: i64) -> Result<String, serde_json::Error> {
    structured::appstudio_error(why, timestamp)
}

#[cfg(test)]
mod tests;
