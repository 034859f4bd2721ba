//! `github` and `azuredevops`: commands that pipelines read from a job's log.

use std::fmt::Write as _;

use super::{ConftestFinding, ConftestRun};
use crate::sanitize;

pub(super) fn github(run: &ConftestRun) -> String {
    let mut text = String::new();
    for result in &run.results {
        let all = result.counts().all();
        let (file, namespace) = (&result.file, &result.namespace);
        let _infallible = writeln!(
            text,
            "::group::Testing \"{}\" against {all} policies in namespace \"{}\"",
            one_line(file),
            one_line(namespace)
        );
        let lists = [("error", &result.failures), ("warning", &result.warnings), ("notice", &result.exceptions)];
        for (level, findings) in lists {
            for finding in findings {
                text.push_str(&located(level, file, finding));
            }
        }
        text.push_str(&command("notice", file, "1", &format!("Number of successful checks: {}", result.successes)));
        text.push_str("::endgroup::\n");
    }
    let _infallible = writeln!(text, "{}", run.counts());
    text
}

/// A finding at the place that its rule gives, and at the file, where that is another.
fn located(level: &str, file: &str, finding: &ConftestFinding) -> String {
    match &finding.location {
        None => command(level, file, "1", &finding.message),
        Some((place, line)) if place == file => command(level, file, line, &finding.message),
        Some((place, line)) => {
            let also = format!("(ORIGINATING FROM {place} L{line}) {}", finding.message);
            command(level, place, line, &finding.message) + &command(level, file, "1", &also)
        }
    }
}

fn command(level: &str, file: &str, line: &str, message: &str) -> String {
    format!("::{level} file={},line={}::{}\n", property(file), property(line), one_line(message))
}

/// Line breaks as GitHub has them in its commands: a message must not begin a command of its own.
fn one_line(text: &str) -> String {
    sanitize::line(&text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")).into_owned()
}

fn property(text: &str) -> String {
    one_line(text).replace(':', "%3A").replace(',', "%2C")
}

pub(super) fn azure(run: &ConftestRun) -> String {
    let mut text = String::new();
    for result in &run.results {
        let flat = |text: &str| sanitize::line(&text.replace(['\r', '\n'], " ")).into_owned();
        let (file, namespace) = (flat(&result.file), flat(&result.namespace));
        let all = result.counts().all();
        let _infallible =
            writeln!(text, "##[section]Testing '{file}' against {all} policies in namespace '{namespace}'");
        text.push_str("##[group]See conftest results\n");
        for (kind, findings) in
            [("error", &result.failures), ("warning", &result.warnings), ("warning", &result.exceptions)]
        {
            for finding in findings {
                let _infallible =
                    writeln!(text, "##vso[task.logissue type={kind}] file={file} --> {}", flat(&finding.message));
            }
        }
        if result.successes > 0 {
            let _infallible = writeln!(text, "success file={file} {}", result.successes);
        }
        text.push_str("##[endgroup]\n");
    }
    let _infallible = writeln!(text, "{}", run.counts());
    text
}
