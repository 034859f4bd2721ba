//! `table`: a table with lines around its cells.

use std::borrow::Cow;

use super::ConftestRun;
use crate::sanitize::lines;

const HEAD: [&str; 4] = ["RESULT", "FILE", "NAMESPACE", "MESSAGE"];

pub(super) fn table(run: &ConftestRun) -> String {
    let mut rows: Vec<[Cow<'_, str>; 4]> = Vec::new();
    for result in &run.results {
        let row = |kind, message| [kind, result.file.as_str(), result.namespace.as_str(), message].map(lines);
        rows.extend((0..result.successes).map(|_| row("success", "SUCCESS")));
        let lists = [("exception", &result.exceptions), ("warning", &result.warnings), ("failure", &result.failures)];
        for (kind, findings) in lists {
            rows.extend(findings.iter().map(|finding| row(kind, finding.message.as_str())));
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| &**cell).chain(HEAD.get(column).copied());
        cells.flat_map(str::lines).map(|line| line.chars().count()).max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let rule = |left: &str, middle: &str, right: &str| {
        let bars: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{left}{}{right}\n", bars.join(middle))
    };
    let mut text = rule("┌", "┬", "┐");
    let head: Vec<String> = HEAD.iter().zip(widths).map(|(cell, width)| format!(" {cell:^width$} ")).collect();
    text.push_str(&format!("│{}│\n", head.join("│")));
    text.push_str(&rule("├", "┼", "┤"));
    for row in &rows {
        // A message of several lines makes a row of several lines.
        let height = row.iter().map(|cell| cell.lines().count()).max().unwrap_or(1).max(1);
        for line in 0..height {
            let cell = |(cell, width): (&Cow<'_, str>, usize)| {
                format!(" {:<width$} ", cell.lines().nth(line).unwrap_or_default())
            };
            let cells: Vec<String> = row.iter().zip(widths).map(cell).collect();
            text.push_str(&format!("│{}│\n", cells.join("│")));
        }
    }
    text.push_str(&rule("└", "┴", "┘"));
    text
}
