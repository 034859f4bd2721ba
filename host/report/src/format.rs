//! [`Format`]: the table of report formats, and [`create_report`].
//!
//! A new format is a module with a function, a variant with its row in the table here, and nothing else.

use std::{fmt, io::Write, str::FromStr};

use assay_model::port::Report;

use crate::{
    Options, appstudio,
    final_report::{FinalReport, RenderFn},
    html, json, jsonl, junit, markdown, sarif, statements, summary, summary_markdown, text, yaml,
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
    /// The predicate of a verification summary attestation about all components.
    Vsa,
    /// Findings for code scanning.
    Sarif,
    /// A comment on a pull request.
    Markdown,
    /// One page for a person.
    Html,
    /// The events as they happen.
    Jsonl,
}

/// There is no format of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a report format{}; known are {}", suggestion(name), known())]
pub struct UnknownFormat {
    name: String,
}

/// What people write for a format, in lower case.
const MISTAKEN: [(&str, Format); 12] = [
    ("md", Format::Markdown),
    ("github", Format::Markdown),
    ("yml", Format::Yaml),
    ("htm", Format::Html),
    ("xml", Format::Junit),
    ("junit-xml", Format::Junit),
    ("ndjson", Format::Jsonl),
    ("json-lines", Format::Jsonl),
    ("txt", Format::Text),
    ("table", Format::Text),
    ("console", Format::Text),
    ("tekton", Format::Appstudio),
];

/// The format that was most likely meant, as the middle of a sentence.
fn suggestion(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let mistaken = MISTAKEN.into_iter().find(|(known, _)| *known == lower).map(|(_, format)| format);
    let meant = mistaken.or_else(|| lower.parse().ok());
    meant.map(|format| format!(" (did you mean `{format}`?)")).unwrap_or_default()
}

fn known() -> String {
    Format::ALL.map(Format::as_str).join(", ")
}

impl Format {
    /// Every format, for help and messages.
    pub const ALL: [Self; 14] = [
        Self::Text,
        Self::Json,
        Self::Yaml,
        Self::Junit,
        Self::Appstudio,
        Self::Summary,
        Self::SummaryMarkdown,
        Self::Attestation,
        Self::PolicyInput,
        Self::Vsa,
        Self::Sarif,
        Self::Markdown,
        Self::Html,
        Self::Jsonl,
    ];

    /// The row of a format in the table of formats.
    const fn entry(self) -> Entry {
        use Writer::{AtEnd, Streaming};
        let (name, description, writer) = match self {
            Self::Text => ("text", "text for people at a terminal", AtEnd(text::render)),
            Self::Json => ("json", "all results as JSON", AtEnd(json::render)),
            Self::Yaml => ("yaml", "all results as YAML", AtEnd(yaml::render)),
            Self::Junit => ("junit", "test suites for CI systems", AtEnd(junit::render)),
            Self::Appstudio => ("appstudio", "TEST_OUTPUT of Konflux", AtEnd(appstudio::render)),
            Self::Summary => ("summary", "the first message of each code", AtEnd(summary::render)),
            Self::SummaryMarkdown => ("summary-markdown", "a table of the counts", AtEnd(summary_markdown::render)),
            Self::Attestation => ("attestation", "the verified statements as signed", AtEnd(statements::attestation)),
            Self::PolicyInput => {
                ("policy-input", "the input documents of the policies", AtEnd(statements::policy_input))
            }
            Self::Vsa => ("vsa", "what `--vsa` attests of the Snapshot, unsigned", AtEnd(statements::vsa)),
            Self::Sarif => ("sarif", "findings for code scanning", AtEnd(sarif::render)),
            Self::Markdown => ("markdown", "a comment on a pull request", AtEnd(markdown::render)),
            Self::Html => ("html", "a web page", AtEnd(html::render)),
            Self::Jsonl => ("jsonl", "events as they happen", Streaming(jsonl::create)),
        };
        Entry { name, description, writer }
    }

    /// The name in `--output`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.entry().name
    }

    /// What the report contains, as the end of a line of help.
    #[must_use]
    pub const fn description(self) -> &'static str {
        self.entry().description
    }

    /// Whether the report is written while the run goes on, not at its end.
    #[must_use]
    pub const fn streams(self) -> bool {
        matches!(self.entry().writer, Writer::Streaming(_))
    }
}

/// A row of the table of formats.
struct Entry {
    name: &'static str,
    description: &'static str,
    writer: Writer,
}

/// How the report of a format is written.
enum Writer {
    /// In one piece, when the run has ended.
    AtEnd(RenderFn),
    /// Every event when it happens.
    Streaming(fn(Box<dyn Write + Send>, Options) -> Box<dyn Report + Send>),
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
        // The name as given, shortened.
        known.ok_or_else(|| UnknownFormat { name: name.chars().take(60).collect() })
    }
}

/// A report of that format. It writes to `to` once, when the run has ended, and then drops it; one that streams writes
/// every event when it happens.
#[must_use]
pub fn create_report(format: Format, to: Box<dyn Write + Send>, options: Options) -> Box<dyn Report + Send> {
    match format.entry().writer {
        Writer::AtEnd(render) => Box::new(FinalReport::new(format, to, options, render)),
        Writer::Streaming(create) => create(to, options),
    }
}

#[cfg(test)]
mod tests {
    use assay_model::outcome::Outcome;

    use super::*;
    use crate::test_data;

    #[test]
    fn formats_are_known_by_name_and_an_unknown_name_is_an_error_with_the_known_ones() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("hacbs".parse(), Ok(Format::Appstudio));
        for (wrong, meant) in
            [("", ""), ("pdf", ""), ("JSON", " (did you mean `json`?)"), ("MD", " (did you mean `markdown`?)")]
        {
            let error = wrong.parse::<Format>().unwrap_err().to_string();
            let start = format!("`{wrong}` is not a report format{meant}; known are text, json, yaml, ");
            assert!(error.starts_with(&start), "{error}");
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
                test_data::written_at(
                    format,
                    Options { ec_compat: matches!(format, Format::Text | Format::Junit), ..options },
                    test_data::mixed()
                )
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
