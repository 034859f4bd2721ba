//! `markdown`: a comment on a pull request: one table, the findings of each component below it to unfold.
//!
//! The comment is at most [`LIMIT`] bytes, which GitHub's limit of as many characters never falls below; what does not
//! fit is left out and counted. Texts from outside can make no markup, mention nobody and link nowhere. The first line
//! names the [`VERSION`], and lets a bot find the comment to replace. Metadata is shown with and without `--info`.

use assay_model::{
    event::{RunFinished, RunStarted},
    finding::Finding,
    outcome::{Outcome, Verdict},
};

use crate::{
    Options,
    by_rule::{description, title},
    component_status::{ComponentStatus, count, short_name, summary_line, worst_first},
    sanitize::{self, cut},
    text::stopped_early,
    totals::Totals,
};

/// The version of this document, in the comment on its first line.
const VERSION: u32 = 1;

/// GitHub takes 65,536 characters.
const LIMIT: usize = 65_536;

/// What the table may take of it, so that there is room for reasons.
const TABLE: usize = 24_000;

/// What the closing lines may need.
const RESERVE: usize = 600;

/// The longest text of one field.
const FIELD_CHARACTERS: usize = 1_000;

/// The longest name of a component in the table.
const NAME_CHARACTERS: usize = 120;

/// The comment. Of the options it heeds `show_successes` and `show_warnings`.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    let totals = Totals::of(end);
    let (sign, word) = match end.verdict {
        Verdict::Allowed => ("✅", "Passed"),
        Verdict::Denied => ("❌", "Failed"),
        Verdict::Error => ("❔", "Error"),
    };
    let mut page = format!("<!-- assay-report version={VERSION} -->\n### {sign} {word}\n\n{}", summary_line(end));
    page.push_str(&format!(
        " {}, {}, {}.\n",
        count(totals.violations, "violation"),
        count(totals.warnings, "warning"),
        if totals.successes == 1 { "1 success".to_owned() } else { format!("{} successes", totals.successes) }
    ));
    if let Some(stopped) = end.stopped {
        page.push_str(&format!("\n⚠️ {}\n", stopped_early(stopped, &totals)));
    }
    for check in &head.skipped {
        page.push_str(&format!("\n⚠️ Skipped on request: `{}`\n", check.code()));
    }
    let order = worst_first(end);
    let outcomes: Vec<_> = order.iter().filter_map(|(status, at)| Some((*status, end.outcomes.get(*at)?))).collect();
    let rows = table(&mut page, &outcomes);
    let mut shown = 0;
    let with_details: Vec<_> = outcomes.iter().filter(|(_, outcome)| has_more(outcome, options)).collect();
    for (status, outcome) in &with_details {
        let details = details(*status, outcome, options);
        if page.len() + details.len() > LIMIT - RESERVE {
            break;
        }
        page.push_str(&details);
        shown += 1;
    }
    let (no_row, no_details) = (outcomes.len() - rows, with_details.len() - shown);
    if no_row + no_details > 0 {
        page.push_str(&format!(
            "\n⚠️ This comment has no room for more: {} without a line in the table, {} without details. The other reports have them.\n",
            count(no_row, "component"),
            count(no_details, "component"),
        ));
    }
    page.push_str(&format!("\n<sub>{}, effective time {}</sub>\n", inline(&head.version), end.effective_time));
    Ok(page)
}

/// One line for each component, as many as there is room for; gives their number.
fn table(page: &mut String, outcomes: &[(ComponentStatus, &std::sync::Arc<Outcome>)]) -> usize {
    if outcomes.is_empty() {
        return 0;
    }
    page.push_str("\n| | Component | Violations | Warnings | Successes |\n|---|---|--:|--:|--:|\n");
    let mut rows = 0;
    for (status, outcome) in outcomes {
        let decision = &outcome.decision;
        let row = format!(
            "| {} {} | {} | {} | {} | {} |\n",
            symbol(*status),
            status.label(),
            inline(&cut(&short_name(&outcome.component.name), NAME_CHARACTERS)),
            decision.violations.len(),
            decision.warnings.len(),
            decision.successes.len()
        );
        if page.len() + row.len() > TABLE {
            break;
        }
        page.push_str(&row);
        rows += 1;
    }
    rows
}

const fn symbol(status: ComponentStatus) -> &'static str {
    match status {
        ComponentStatus::Error => "❔",
        ComponentStatus::Denied => "❌",
        ComponentStatus::Warned => "⚠️",
        ComponentStatus::Allowed => "✅",
    }
}

/// Whether there is something to unfold.
fn has_more(outcome: &Outcome, options: Options) -> bool {
    let decision = &outcome.decision;
    let warnings = options.show_warnings && !decision.warnings.is_empty();
    let successes = options.show_successes && !decision.successes.is_empty();
    let notices = !options.notices(outcome).is_empty();
    outcome.error.is_some() || notices || !decision.violations.is_empty() || warnings || successes
}

fn details(status: ComponentStatus, outcome: &Outcome, options: Options) -> String {
    let decision = &outcome.decision;
    let name = inline(&cut(&short_name(&outcome.component.name), NAME_CHARACTERS));
    let mut text = format!("\n<details><summary>{} <b>{name}</b> {}</summary>\n\n", symbol(status), status.label());
    text.push_str(&format!("{}\n", code(&outcome.image_text())));
    if let Some(error) = &outcome.error {
        text.push_str(&format!("\n- **Error** `{}`: {}\n", error.code.as_str(), field(&error.message)));
        if let Some(hint) = &error.hint {
            text.push_str(&format!("  <br>*Hint:* {}\n", field(hint)));
        }
    }
    for notice in options.notices(outcome) {
        text.push_str(&format!("\n- **Note:** {}\n", field(notice)));
    }
    findings(&mut text, "Violations", &decision.violations);
    if options.show_warnings {
        findings(&mut text, "Warnings", &decision.warnings);
    }
    if options.show_successes && !decision.successes.is_empty() {
        let codes: Vec<_> = decision.successes.iter().filter_map(Finding::code).map(code).collect();
        text.push_str(&format!("\n**Passed:** {}\n", codes.join(", ")));
    }
    text.push_str("\n</details>\n");
    text
}

/// A list with one entry for each rule, so that the annotations of a rule are read once.
fn findings(text: &mut String, heading: &str, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    text.push_str(&format!("\n**{heading}**\n\n"));
    for group in findings.chunk_by(|a, b| a.code().is_some() && a.code() == b.code()) {
        let first = |of: fn(&Finding) -> Option<&str>| group.iter().find_map(of);
        let named_by = first(Finding::code).map_or_else(|| "without a code".to_owned(), code);
        let named = first(title).map(|title| format!("**{}** ", field(title))).unwrap_or_default();
        text.push_str(&format!("- {named}{named_by}\n"));
        for finding in group {
            text.push_str(&format!("  - {}\n", field(&finding.message)));
        }
        if let Some(requirement) = first(|finding| finding.text("description").map(description)) {
            text.push_str(&format!("  - *Requirement:* {}\n", field(requirement)));
        }
        if let Some(solution) = first(|finding| finding.text("solution")) {
            text.push_str(&format!("  - *How to fix:* {}\n", field(solution)));
        }
    }
}

/// A text of one field, cut to what is read.
fn field(text: &str) -> String {
    prose(&cut(text, FIELD_CHARACTERS))
}

/// A name, as code.
fn code(text: &str) -> String {
    format!("<code>{}</code>", inline(&cut(text, FIELD_CHARACTERS)))
}

/// The same as [`inline`], in which what stands between backticks is code.
pub(crate) fn prose(text: &str) -> String {
    let mut to = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some((before, code, after)) = sanitize::code_span(rest) {
        escape(&mut to, before);
        to.push_str("<code>");
        escape(&mut to, code);
        to.push_str("</code>");
        rest = after;
    }
    escape(&mut to, rest);
    no_list(&to)
}

/// Text from anywhere as text of one line in GitHub's Markdown: it makes no markup, mentions nobody and links nowhere.
///
/// What Markdown could take for markup is escaped. Mentions, references and bare addresses are found by GitHub after
/// that, in the finished text, so a zero-width space stands where they would begin.
pub(crate) fn inline(text: &str) -> String {
    let mut to = String::with_capacity(text.len() + text.len() / 8);
    escape(&mut to, text);
    no_list(&to)
}

fn escape(to: &mut String, text: &str) {
    let mut before = None;
    for character in sanitize::line(&text.replace(['\n', '\t'], " ")).chars() {
        match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '@' => to.push_str("@\u{200b}"),
            '#' => to.push_str("\\#\u{200b}"),
            '/' if before == Some('/') => to.push_str("\u{200b}/"),
            '.' if to.ends_with("www") || to.ends_with("WWW") => to.push_str("\u{200b}."),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '+' | '-' | '!' | '|' | '~' | '$' | ':'
            | '=' => {
                to.push('\\');
                to.push(character);
            }
            other => to.push(other),
        }
        before = Some(character);
    }
}

/// The text without white space at its ends, and so that a number in front of it makes no list.
fn no_list(text: &str) -> String {
    let trimmed = text.trim();
    let number = trimmed.split_once(". ").map(|(number, _)| number);
    let is_numbered = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    if is_numbered { format!("\u{200b}{trimmed}") } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::{Format, test_data};

    fn check(end: RunFinished, options: Options) -> String {
        let text = test_data::written_at(Format::Markdown, options, end);
        assert!(text.len() <= LIMIT && text.starts_with("<!-- assay-report version=1 -->\n"), "{}", text.len());
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        text
    }

    #[test]
    fn a_mixed_run_is_a_table_and_details() {
        assert_snapshot!(check(test_data::mixed(), Options::default()));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let many: Vec<_> = (0..2_000)
            .map(|number| {
                test_data::component(&format!("c{number}")).violation(Finding::new("a.b", "x".repeat(300))).evaluated()
            })
            .collect();
        let text = check(test_data::end(&many), Options::default());
        let rows = text.lines().filter(|line| line.starts_with("| ❌")).count();
        let details = text.matches("<details>").count();
        assert!(rows > 100 && details > 50, "{rows} {details}");
        let counts = format!(
            "{} components without a line in the table, {} components without details",
            2_000 - rows,
            2_000 - details
        );
        assert!(text.contains(&counts), "{counts}");
    }

    #[test]
    fn a_run_over_nothing_is_an_error() {
        assert!(check(test_data::end(&[]), Options::default()).contains("### ❔ Error\n\nNo component was evaluated."));
    }

    #[test]
    fn texts_make_no_markup_and_mention_nobody() {
        for (text, shown) in [
            ("a|b", "a\\|b"),
            ("`code`", "\\`code\\`"),
            ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
            ("@team #12", "@\u{200b}team \\#\u{200b}12"),
            ("https://evil.example", "https\\:/\u{200b}/evil.example"),
            ("www.evil.example", "www\u{200b}.evil.example"),
            ("[a](b)", "\\[a\\]\\(b\\)"),
            ("one\n# two", "one \\#\u{200b} two"),
            ("1. item", "\u{200b}1. item"),
            ("1.2.3", "1.2.3"),
            ("\u{1b}[2J", "\\\\u\\{1b\\}\\[2J"),
        ] {
            assert_eq!(inline(text), shown, "{text:?}");
        }
    }

    #[test]
    fn hostile_texts_keep_the_shape() {
        let options = Options { show_successes: true, ..Options::default() };
        let shape = |text: &str| {
            let all = check(test_data::hostile(text), options).replace("<code>", "").replace("</code>", "");
            ["<", "\n| ", "\n- ", "\n  - ", "\n#", "\n"].map(|mark| all.matches(mark).count())
        };
        let plain = shape("harmless");
        for message in test_data::hostile_messages() {
            assert_eq!(shape(&message), plain, "{:?}", message.chars().take(60).collect::<String>());
        }
    }
}
