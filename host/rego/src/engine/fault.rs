//! [`Fault`]: why the evaluator gave no value, read from its errors.
//!
//! regorus writes errors as text: a line `--> FILE:LINE:COLUMN`, the source line, a caret, and `error: MESSAGE`.

use crate::{
    compile_error::{Place, Problem},
    limits::MESSAGE_CHARACTERS,
};

/// Why an evaluation has no value.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The input document is not JSON.
    Input(String),
    /// It took too long.
    Time,
    /// Something in the policy.
    Evaluation(Problem),
}

impl Fault {
    pub(super) fn of(error: &anyhow::Error) -> Self {
        Self::Evaluation(problem(error, ""))
    }
}

/// The problem that an error of the evaluator tells. Its place is unknown where the text has none and `file` is empty.
pub(super) fn problem(error: &anyhow::Error, file: &str) -> Problem {
    let text = error.to_string();
    let place = text.lines().find_map(|line| line.strip_prefix("--> ")).and_then(place);
    // The first sentence will do: a recursion is told with every rule on its way.
    let message = text.lines().find_map(|line| line.strip_prefix("error: "));
    let message = message.or_else(|| text.lines().find(|line| !line.trim().is_empty())).unwrap_or_default();
    let start = || Place { file: file.to_owned(), line: 1, column: 1 };
    let place = place.or_else(|| (!file.is_empty()).then(start));
    let message = message.trim_end_matches(['.', ':', ' ']);
    let short: String = message.chars().take(MESSAGE_CHARACTERS).collect();
    let message = if short.len() < message.len() { format!("{short}…") } else { short };
    Problem { place, message }
}

fn place(text: &str) -> Option<Place> {
    let mut parts = text.rsplitn(3, ':');
    let column = parts.next()?.trim().parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some(Place { file: parts.next()?.to_owned(), line, column })
}

/// The evaluator counts a tab as four columns; people, editors and OPA count one.
pub(super) fn without_tabs(place: Place, text: &str) -> Place {
    let line =
        usize::try_from(place.line).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?)).unwrap_or_default();
    let mut wide = 1;
    let mut column = 1;
    for character in line.chars() {
        if wide >= place.column {
            break;
        }
        wide += if character == '\t' { 4 } else { 1 };
        column += 1;
    }
    // A place behind the end of the line stays behind it.
    Place { column: column + place.column.saturating_sub(wide), ..place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_with_and_without_a_place() {
        for (text, file, want) in [
            (
                "\n--> a b:c.rego:5:13\n  |\n5 | x := \"error: y\"\n  |      ^\nerror: expecting `if`",
                "x",
                "a b:c.rego:5:13: expecting `if`",
            ),
            (
                "\n--> p.rego:1:2\n  |\n1 | x\n  | ^\nerror: recursion detected:\n--> p.rego:9:9\n",
                "",
                "p.rego:1:2: recursion detected",
            ),
            ("file exceeds 10 bytes.", "p.rego", "p.rego:1:1: file exceeds 10 bytes"),
            ("no place", "", "no place"),
            ("", "", ""),
            ("\n--> p.rego:x:y\nerror: z", "", "z"),
        ] {
            assert_eq!(problem(&anyhow::anyhow!(text), file).to_string(), want, "{text:?}");
        }
    }

    #[test]
    fn a_message_that_quotes_a_document_is_cut() {
        let text = "é".repeat(10_000);
        let message = problem(&anyhow::anyhow!("\n--> p.rego:1:2\nerror: {text}"), "").message;
        assert_eq!(message.chars().count(), MESSAGE_CHARACTERS + 1);
    }

    #[test]
    fn a_tab_is_one_column() {
        for (line, column, want) in [(1, 1, 1), (2, 5, 2), (2, 9, 3), (2, 10, 4), (2, 20, 14), (9, 7, 7)] {
            let place = Place { file: "f".to_owned(), line, column };
            assert_eq!(without_tabs(place, "ab\n\t\tcd\n").column, want, "{line}:{column}");
        }
    }
}
