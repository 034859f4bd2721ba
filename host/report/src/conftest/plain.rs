//! `stdout` and `tap`: lines for people and for readers of the Test Anything Protocol.

use std::fmt::Write as _;

use super::{ConftestFinding, ConftestOptions, ConftestResult, ConftestRun};
use crate::sanitize::{line as harmless, lines};

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

pub(super) fn text(run: &ConftestRun, options: ConftestOptions) -> String {
    let paint = |text: &str, color: &str| {
        if options.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    };
    let mut text = String::new();
    for result in &run.results {
        let lists = [
            ("WARN", YELLOW, &result.warnings, true),
            ("FAIL", RED, &result.failures, true),
            ("EXCP", CYAN, &result.exceptions, !options.suppress_exceptions),
        ];
        for (word, color, findings, _) in lists.into_iter().filter(|(_, _, _, shown)| *shown) {
            for finding in findings {
                let _infallible =
                    writeln!(text, "{} {} {}", paint(word, color), subject(result), lines(&finding.message));
            }
        }
    }
    let counts = run.counts();
    let color = match (counts.failures, counts.warnings, counts.exceptions) {
        (0, 0, 0) => GREEN,
        (0, 0, _) => CYAN,
        (0, _, _) => YELLOW,
        _ => RED,
    };
    let _infallible = writeln!(text, "\n{}", paint(&counts.to_string(), color));
    text
}

pub(super) fn tap(run: &ConftestRun) -> String {
    let mut text = String::new();
    for result in &run.results {
        let all = result.counts().all();
        if all == 0 {
            continue;
        }
        let _infallible = writeln!(text, "1..{all}");
        let mut number = 0;
        let mut line = |text: &mut String, word: &str, message: &str| {
            number += 1;
            let _infallible = writeln!(text, "{word} {number} {} {}", subject(result), lines(message));
        };
        let mut list = |text: &mut String, title: &str, word: &str, findings: &[ConftestFinding]| {
            if !findings.is_empty() {
                text.push_str(title);
            }
            for finding in findings {
                line(text, word, &finding.message);
            }
        };
        list(&mut text, "", "not ok", &result.failures);
        list(&mut text, "# warnings\n", "not ok", &result.warnings);
        list(&mut text, "# exceptions\n", "ok", &result.exceptions);
        let success = ConftestFinding { message: "SUCCESS".to_owned(), ..ConftestFinding::default() };
        list(&mut text, "# successes\n", "ok", &vec![success; result.successes]);
    }
    text
}

/// `- file - namespace -`
fn subject(result: &ConftestResult) -> String {
    let file = if result.file == "-" { "-".to_owned() } else { format!("- {}", harmless(&result.file)) };
    let namespace =
        if result.namespace == "-" { "-".to_owned() } else { format!("- {} -", harmless(&result.namespace)) };
    format!("{file} {namespace}")
}
