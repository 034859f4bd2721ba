//! [`Format`]: the reports by name, and [`create_report`], which builds one.

use std::{fmt, io::Write, str::FromStr};

use assay_model::port::Report;

use crate::{
    Options, appstudio, final_report::FinalReport, html, json, jsonl::Jsonl, junit, markdown, sarif, statements,
    summary, summary_markdown, text, yaml,
};

/// A report's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// Everything, on one line.
    Json,
    /// The same as YAML.
    Yaml,
    /// Test suites for CI systems.
    Junit,
    /// Konflux's `TEST_OUTPUT`.
    Appstudio,
    /// The first message of each code.
    Summary,
    /// The numbers as a table.
    SummaryMarkdown,
    /// The verified statements as they were signed.
    Attestation,
    /// The input documents that policies saw.
    PolicyInput,
    /// Findings for code scanning.
    Sarif,
    /// A comment on a pull request.
    Markdown,
    /// One page for a person.
    Html,
    /// The events as they happen.
    Jsonl,
}

/// The name is not one of a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a report format; known are {}", known())]
pub struct UnknownFormat {
    name: String,
}

fn known() -> String {
    Format::ALL.map(Format::as_str).join(", ")
}

impl Format {
    /// Every format, for help and messages.
    pub const ALL: [Self; 13] = [
        Self::Text,
        Self::Json,
        Self::Yaml,
        Self::Junit,
        Self::Appstudio,
        Self::Summary,
        Self::SummaryMarkdown,
        Self::Attestation,
        Self::PolicyInput,
        Self::Sarif,
        Self::Markdown,
        Self::Html,
        Self::Jsonl,
    ];

    /// The name users give.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Junit => "junit",
            Self::Appstudio => "appstudio",
            Self::Summary => "summary",
            Self::SummaryMarkdown => "summary-markdown",
            Self::Attestation => "attestation",
            Self::PolicyInput => "policy-input",
            Self::Sarif => "sarif",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Jsonl => "jsonl",
        }
    }

    /// Whether the report is written as things happen, not when the run finished.
    #[must_use]
    pub const fn streams(self) -> bool {
        matches!(self, Self::Jsonl)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// Reads a name; `hacbs` is the old name of `appstudio`.
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let wanted = if name == "hacbs" { "appstudio" } else { name };
        let known = Self::ALL.into_iter().find(|format| format.as_str() == wanted);
        // What a user typed is shown, but not at any length.
        known.ok_or_else(|| UnknownFormat { name: name.chars().take(60).collect() })
    }
}

/// A report of that format. It writes to `to` once, when the run has ended, and then drops it; one that streams writes
/// every event when it happens.
#[must_use]
pub fn create_report(format: Format, to: Box<dyn Write + Send>, options: Options) -> Box<dyn Report + Send> {
    let page = match format {
        Format::Text => text::render,
        Format::Json => json::render,
        Format::Yaml => yaml::render,
        Format::Junit => junit::render,
        Format::Appstudio => appstudio::render,
        Format::Summary => summary::render,
        Format::SummaryMarkdown => summary_markdown::render,
        Format::Attestation => statements::attestation,
        Format::PolicyInput => statements::policy_input,
        Format::Sarif => sarif::render,
        Format::Markdown => markdown::render,
        Format::Html => html::render,
        Format::Jsonl => return Box::new(Jsonl::new(to, options)),
    };
    Box::new(FinalReport::new(format, to, options, page))
}

#[cfg(test)]
mod tests {
    use assay_model::outcome::Outcome;

    use super::*;
    use crate::test_data;

    #[test]
    fn formats_are_known_by_name_and_a_wrong_name_lists_the_right_ones() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("hacbs".parse(), Ok(Format::Appstudio));
        for wrong in ["", "JSON", "xml"] {
            let error = wrong.parse::<Format>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{wrong}` is not a report format; known are text, json, yaml, ")));
        }
        assert!("x".repeat(1 << 20).parse::<Format>().unwrap_err().to_string().len() < 400);
    }

    /// The bytes of `ec` are held against its records where those are at hand; everywhere else these are.
    #[test]
    fn the_formats_of_ec_keep_their_bytes() {
        let options = Options { show_successes: true, info: true, ..Options::default() };
        let of_ec = [
            Format::Text,
            Format::Json,
            Format::Yaml,
            Format::Junit,
            Format::Appstudio,
            Format::Summary,
            Format::SummaryMarkdown,
        ];
        for format in of_ec {
            insta::assert_snapshot!(
                format!("mixed-{format}"),
                test_data::written_at(format, options, test_data::mixed())
            );
        }
    }

    #[test]
    fn each_format_makes_its_own_report_and_every_one_ends_in_a_line_break() {
        let run = [Outcome { input: Some("{}".into()), ..test_data::component("cart").evaluated() }];
        let mut texts = std::collections::BTreeSet::new();
        for format in Format::ALL {
            let text = test_data::written(format, Options::default(), &run);
            assert!(text.ends_with('\n'), "{format}");
            texts.insert(text);
        }
        assert_eq!(texts.len(), Format::ALL.len());
    }
}
