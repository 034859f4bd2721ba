//! [`RunReports`]: the files that `--output FORMAT=FILE` of a run names.

use assay_app::{RecordedRuns, plugin_distribution::PluginSigningKey};
use assay_model::run::RunDocument;
use assay_report::{run_junit, run_test_output};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{error::CliError, files, printer::Printer};

/// Events that are read at a time.
const EVENTS: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Junit,
    Appstudio,
    Json,
    Jsonl,
    TestResult,
}

/// The reports that are requested.
#[derive(Debug)]
pub(super) struct RunReports {
    files: Vec<(Format, Utf8PathBuf)>,
    /// What signs those that are attested.
    key: Option<PluginSigningKey>,
}

impl RunReports {
    /// Reads the flags, and refuses places that no file can be written to.
    pub(super) fn parse(texts: &[String], key: Option<PluginSigningKey>) -> Result<Self, CliError> {
        let known = "the formats are junit, appstudio, json, jsonl and test-result";
        let mut reports: Vec<(Format, Utf8PathBuf)> = Vec::new();
        for text in texts {
            let (name, file) = text.split_once('=').filter(|(_, file)| !file.is_empty()).ok_or_else(|| {
                CliError::new(format!("`--output {text}` is not FORMAT=FILE"))
                    .hint("such as `--output junit=junit.xml`")
            })?;
            let format = match name {
                "junit" => Format::Junit,
                "appstudio" => Format::Appstudio,
                "json" => Format::Json,
                "jsonl" => Format::Jsonl,
                "test-result" => Format::TestResult,
                other => return Err(CliError::new(format!("`{other}` is not a format of runs")).hint(known)),
            };
            let file = Utf8PathBuf::from(file);
            files::check_place(&file)?;
            if reports.iter().any(|(_, other)| *other == file) {
                return Err(CliError::new(format!("more than one report would be written to `{file}`")));
            }
            reports.push((format, file));
        }
        let is_attested = reports.iter().any(|(format, _)| *format == Format::TestResult);
        match (is_attested, &key) {
            (true, None) => Err(CliError::new("a test result is an attestation, which needs a key")
                .hint("name the private key with --sign-key; `cosign generate-key-pair` makes one")),
            (false, Some(_)) => Err(CliError::new("`--sign-key` signs nothing")
                .hint("request an attestation with `--output test-result=FILE`")),
            _ => Ok(Self { files: reports, key }),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Writes them. False if one of them could not be written, which is printed.
    pub(super) fn write(&self, run: &RunDocument, store: &Utf8Path, printer: Printer) -> bool {
        let mut is_written = true;
        for (format, file) in &self.files {
            let written = self.text(*format, run, store).and_then(|text| {
                files::write_whole(file, text.as_bytes())
                    .map_err(|error| CliError::new(format!("`{file}` cannot be written: {error}")))
            });
            if let Err(error) = written {
                printer.error(&error.text());
                is_written = false;
            }
        }
        is_written
    }

    fn text(&self, format: Format, run: &RunDocument, store: &Utf8Path) -> Result<String, CliError> {
        let json = |error: serde_json::Error| CliError::from_error(&error);
        Ok(match format {
            Format::Junit => run_junit(run) + "\n",
            Format::Appstudio => run_test_output(run, run.started).map_err(json)? + "\n",
            Format::Json => serde_json::to_string(run).map_err(json)? + "\n",
            Format::Jsonl => {
                let runs = RecordedRuns::open(store)?;
                let (mut lines, mut after) = (String::new(), 0);
                loop {
                    let events = runs.events(&run.id, after, EVENTS)?;
                    let Some((last, _)) = events.last() else { break };
                    after = *last;
                    for (_, event) in &events {
                        lines.push_str(&serde_json::to_string(event).map_err(json)?);
                        lines.push('\n');
                    }
                }
                lines
            }
            Format::TestResult => match &self.key {
                Some(key) => RecordedRuns::open(store)?.attest(run, key)? + "\n",
                None => return Err(CliError::new("assay has a bug: there is no key")),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_a_known_format_and_a_file_of_its_own() {
        let parse = |texts: &[&str]| {
            RunReports::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), None)
                .map(|reports| reports.files.len())
                .map_err(|error| error.text())
        };
        assert_eq!(parse(&["junit=a.xml", "appstudio=b.json", "json=c", "jsonl=d"]), Ok(4));
        for (texts, says) in [
            (&["junit"][..], "is not FORMAT=FILE"),
            (&["junit="], "is not FORMAT=FILE"),
            (&["html=a"], "the formats are"),
            (&["junit=none/there/a.xml"], "does not exist"),
            (&["junit=a", "json=a"], "more than one report"),
            (&["test-result=a"], "which needs a key"),
        ] {
            assert!(parse(texts).is_err_and(|error| error.contains(says)), "{texts:?}");
        }
    }
}
