//! What happened in an evaluation as lines for people, and values under the parts of a line that they belong to.

use std::collections::BTreeMap;

use assay_rego::{FailedLine, Step, StepKind, Trace, TraceLevel};

use crate::flags::policy::Explain;

/// The level of detail that a flag requests, if any.
pub(super) const fn level(explain: Explain) -> Option<TraceLevel> {
    match explain {
        Explain::Off => None,
        Explain::Full | Explain::Debug => Some(TraceLevel::Full),
        Explain::Notes => Some(TraceLevel::Notes),
        Explain::Fails => Some(TraceLevel::Fails),
    }
}

/// What happened, one line for each thing: where, how deep, what; with the values of variables if they are wanted.
pub(super) fn lines(trace: &Trace, level: TraceLevel, values: bool) -> Vec<String> {
    let steps = trace.at_level(level);
    let location = |step: &Step| match &step.location {
        Some(location) => format!("{}:{}", location.file, location.line),
        None => "query:1".to_owned(),
    };
    let width = steps.iter().map(|step| location(step).chars().count()).max().unwrap_or(0);
    let mut lines: Vec<_> = steps
        .iter()
        .map(|step| {
            let what = match step.kind {
                StepKind::Enter => "Enter",
                StepKind::Eval => "Eval",
                StepKind::Fail => "Fail",
                StepKind::Exit => "Exit",
                StepKind::Note => "Note",
            };
            let text = if step.kind == StepKind::Note { format!("{:?}", step.text) } else { step.text.clone() };
            let mut line = format!("{:width$}  {}{what} {text}", location(step), "| ".repeat(step.depth));
            if values && !step.values.is_empty() {
                let known: Vec<_> = step.values.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                line.push_str(&format!("    {{{}}}", known.join(", ")));
            }
            line
        })
        .collect();
    if trace.left_out > 0 {
        lines.push(format!("… and {} more", trace.left_out));
    }
    lines
}

/// A line that failed, with the values of its parts under them, each line indented by `indent`.
pub(super) fn failed(line: &FailedLine, indent: &str) -> Vec<String> {
    let mut lines = vec![format!("{indent}{}:{}:", line.location.file, line.location.line)];
    // The lines lose the indentation that they share.
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let common =
        line.lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indentation(line)).min().unwrap_or(0);
    for (row, text) in (line.location.line..).zip(&line.lines) {
        let text = text.get(common..).unwrap_or_default();
        lines.push(format!("{indent}  {}", text.trim_end()));
        let values = line.values.iter().filter(|(at, ..)| *at == row);
        let values: BTreeMap<usize, &str> = values
            .filter_map(|(_, column, value)| {
                let before = text.get(..(*column as usize).checked_sub(common + 1)?)?;
                Some((before.chars().count(), value.as_str()))
            })
            .collect();
        lines.extend(under(&values, text).into_iter().map(|line| format!("{indent}  {line}")));
    }
    lines
}

/// Values under their columns, the last first, so that no value stands in the way of another.
fn under(values: &BTreeMap<usize, &str>, text: &str) -> Vec<String> {
    let blank = |column: usize| -> String {
        text.chars().take(column).map(|character| if character == '\t' { '\t' } else { ' ' }).collect()
    };
    let bars = |columns: &[usize]| {
        let mut line = String::new();
        let mut at = 0;
        for column in columns {
            line.push_str(&blank(*column).chars().skip(at).collect::<String>());
            line.push('|');
            at = column + 1;
        }
        (line, at)
    };
    let columns: Vec<_> = values.keys().copied().collect();
    let mut lines = Vec::new();
    if !columns.is_empty() {
        lines.push(bars(&columns).0);
    }
    for (left, column) in columns.iter().enumerate().rev() {
        let (mut line, at) = bars(columns.get(..left).unwrap_or_default());
        line.push_str(&blank(*column).chars().skip(at).collect::<String>());
        line.push_str(values.get(column).copied().unwrap_or_default());
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_under_what_they_belong_to() {
        let values = BTreeMap::from([(0, "2"), (6, "[1, 2]"), (12, "3")]);
        let want = ["|     |     |", "|     |     3", "|     [1, 2]", "2"];
        assert_eq!(under(&values, "count(xs) == y"), want);
        assert_eq!(under(&BTreeMap::new(), "x"), Vec::<String>::new());
    }
}
