//! `summary-markdown`: a table of five lines with the numbers of the run.
//!
//! The lines are those of `ec validate image --output summary-markdown`. Errors add a line.

use assay_model::{
    event::{RunFinished, RunStarted},
    outcome::Verdict,
};

use crate::{Options, totals::Totals};

/// The table. No option changes it.
pub(crate) fn render(_: &RunStarted, end: &RunFinished, _: Options) -> Result<String, serde_json::Error> {
    let totals = Totals::of(end);
    let mut page = "| Field     | Value |Status|\n|-----------|-------|-------|\n".to_owned();
    let mut row = |name: &str, value: &str, icon: &str| page.push_str(&format!("| {name} | {value} | {icon} |\n"));
    let icon = |good: bool| if good { ":white_check_mark:" } else { ":x:" };
    row("Time", &end.at.strftime("%Y-%m-%d %H:%M:%S").to_string(), "");
    row("Successes", &totals.successes.to_string(), icon(totals.successes > 0 && totals.violations == 0));
    row("Failures", &totals.violations.to_string(), icon(totals.violations == 0));
    row("Warnings", &totals.warnings.to_string(), icon(totals.warnings == 0));
    if totals.errors > 0 {
        row("Errors", &totals.errors.to_string(), icon(false));
    }
    row("Result", "", icon(end.verdict == Verdict::Allowed));
    Ok(page)
}

#[cfg(test)]
mod tests {
    use assay_model::{
        error::{ErrorCode, EvaluationError},
        finding::Finding,
    };
    use insta::assert_snapshot;

    use super::*;
    use crate::{Format, test_data};

    #[test]
    fn errors_have_a_line() {
        let finding = || Finding::new("a.b", "m");
        let error = EvaluationError::new(ErrorCode::TooLarge, "a blob is too large");
        let run = [test_data::component("a").success(finding()).evaluated(), test_data::component("b").failed(error)];
        assert_snapshot!(test_data::written(Format::SummaryMarkdown, Options::default(), &run), @r"
        | Field     | Value |Status|
        |-----------|-------|-------|
        | Time | 2026-11-28 16:00:00 |  |
        | Successes | 1 | :white_check_mark: |
        | Failures | 0 | :white_check_mark: |
        | Warnings | 0 | :white_check_mark: |
        | Errors | 1 | :x: |
        | Result |  | :x: |
        ");
    }
}
