//! `markdown`: a comment on a pull request: what could not be evaluated, the rules that failed, and a table of components.
//!
//! The comment is at most [`LIMIT`] bytes, which GitHub's limit of as many characters never falls below; what does not
//! fit is left out, and a sentence says so. Texts from outside can make no markup, mention nobody and link nowhere. The first
//! line names the [`VERSION`], and lets a bot find the comment to replace. Metadata is shown with and without `--info`.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::{
    event::{RunFinished, RunStarted},
    outcome::Verdict,
};

use crate::{
    Options,
    by_rule::{Level, Message, Rule, by_rule, components_at, widest_first},
    component_status::stopped_early,
    component_status::{ComponentStatus, count, duration, summary_line},
    images::{Image, Images},
    markdown_text::{cell, code, html, prose},
    sanitize::cut,
    timestamp::seconds,
    totals::Totals,
};

/// The version of this document, in the comment on its first line.
const VERSION: u32 = 2;

/// GitHub takes 65,536 characters.
const LIMIT: usize = 65_536;

/// What errors may take of it.
const ERRORS: usize = 12_000;

/// What errors and rules may take of it together, so that there is room for the table.
const RULES: usize = 48_000;

/// What the closing lines may need.
const RESERVE: usize = 4_000;

/// The longest text of one field.
const FIELD_CHARACTERS: usize = 600;

/// The longest name of a component.
const NAME_CHARACTERS: usize = 120;

/// The messages of one rule that are listed.
const MESSAGES: usize = 12;

/// The names of components that are listed with one message.
const NAMES: usize = 12;

/// The comment. Of the options it heeds `show_successes` and `show_warnings`.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    let (images, rules) = (Images::of(end), by_rule(end));
    let mut comment = Comment { text: top(head, end), options, images: &images, left_out: LeftOut::default() };
    comment.errors(end);
    comment.notes(end);
    for level in [Level::Violation, Level::Warning] {
        if level == Level::Violation || options.show_warnings {
            for (code, rule) in widest_first(&rules, level) {
                comment.rule(code, rule, level);
            }
        }
    }
    if options.show_successes {
        comment.passing(&rules);
    }
    comment.table(end);
    comment.left_out();
    comment.text.push_str(&bottom(head, end));
    Ok(comment.text)
}

fn top(head: &RunStarted, end: &RunFinished) -> String {
    let totals = Totals::of(end);
    let (sign, word) = match end.verdict {
        Verdict::Allowed => ("✅", "Passed"),
        Verdict::Denied => ("❌", "Failed"),
        Verdict::Error => ("❔", "Error"),
    };
    let application =
        if head.application.is_empty() { String::new() } else { format!(": {}", code(&field(&head.application))) };
    let mut top =
        format!("<!-- assay-report version={VERSION} -->\n### {sign} {word}{application}\n\n{}", summary_line(end));
    top.push_str(&format!(
        " {}, {}, {}.\n",
        count(totals.violations, "violation"),
        count(totals.warnings, "warning"),
        if totals.successes == 1 { "1 success".to_owned() } else { format!("{} successes", totals.successes) }
    ));
    if let Some(stopped) = end.stopped {
        top.push_str(&format!("\n⚠️ {}\n", stopped_early(stopped, &totals)));
    }
    for check in &head.skipped {
        top.push_str(&format!("\n⚠️ Skipped on request: `{}`\n", check.code()));
    }
    top
}

fn bottom(head: &RunStarted, end: &RunFinished) -> String {
    let mut facts = vec![head.version.clone(), format!("effective time {}", seconds(end.effective_time))];
    facts.extend(duration(head, end).map(|took| format!("took {took}")));
    if !head.plugins.is_empty() {
        let names: Vec<_> = head.plugins.iter().map(|one| format!("{} {}", one.name, one.version)).collect();
        facts.push(format!("plugins {}", cut(&names.join(", "), FIELD_CHARACTERS)));
    }
    format!("\n<sub>{}</sub>\n", prose(&facts.join(", ")))
}

/// What there was no room for.
#[derive(Default)]
struct LeftOut {
    errors: usize,
    rules: usize,
    components: usize,
}

/// A comment as it grows.
struct Comment<'a> {
    text: String,
    options: Options,
    images: &'a Images<'a>,
    left_out: LeftOut,
}

impl Comment<'_> {
    /// Adds a part if it leaves the comment within so many bytes.
    fn add(&mut self, part: &str, within: usize) -> bool {
        let fits = self.text.len() + part.len() <= within;
        if fits {
            self.text.push_str(part);
        }
        fits
    }

    /// What could not be evaluated, each reason once.
    fn errors(&mut self, end: &RunFinished) {
        let mut reasons: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
        for (at, outcome) in end.outcomes.iter().enumerate() {
            if let Some(error) = &outcome.error {
                reasons.entry((error.code, &error.message, &error.hint)).or_default().insert(at);
            }
        }
        if !reasons.is_empty() {
            self.text.push_str("\n**Could not be evaluated**\n\n");
        }
        for ((code, message, hint), at) in reasons {
            let mut part = format!("- ❔ `{}`: {}<br>in {}\n", code.as_str(), text(message), self.names(&at));
            if let Some(hint) = hint {
                part.push_str(&format!("  <br>*Hint:* {}\n", text(hint)));
            }
            self.left_out.errors += usize::from(!self.add(&part, ERRORS));
        }
    }

    fn notes(&mut self, end: &RunFinished) {
        for outcome in &end.outcomes {
            for notice in self.options.notices(outcome) {
                let part = format!("\n⚠️ **Note on** {}: {}\n", code(&name(&outcome.component.name)), text(notice));
                self.add(&part, ERRORS);
            }
        }
    }

    fn rule(&mut self, code: &str, rule: &Rule<'_>, level: Level) {
        let (sign, thing) = match level {
            Level::Violation => ("❌", "violation"),
            Level::Warning => ("⚠️", "warning"),
        };
        let number = if level == Level::Violation { rule.violations } else { rule.warnings };
        let named = if code.is_empty() { "without a rule" } else { code };
        let title = rule.title.map(|title| format!("<b>{}</b> ", html(&field(title)))).unwrap_or_default();
        let mut part = format!(
            "\n<details><summary>{sign} {title}<code>{}</code>: {} in {}</summary>\n",
            html(&name(named)).replace("<code>", "").replace("</code>", ""),
            count(number, thing),
            count(components_at(rule, level).len(), "component"),
        );
        if let Some(description) = rule.description {
            part.push_str(&format!("\n**Requirement:** {}\n", text(description)));
        }
        part.push_str("\n**Found:**\n\n");
        let messages = rule.at_level(level);
        for message in messages.iter().take(MESSAGES) {
            part.push_str(&self.message(message));
        }
        if let Some(more) = messages.len().checked_sub(MESSAGES).filter(|more| *more > 0) {
            part.push_str(&format!("- … and {more} more\n"));
        }
        if let (Level::Warning, Some(date)) = (level, rule.effective_on) {
            part.push_str(&format!("\n**Effective from:** {}\n", text(date)));
        }
        let solution = rule.solution.map_or_else(|| "The policy gives no solution for this rule.".to_owned(), text);
        part.push_str(&format!("\n**How to fix:** {solution}\n\n</details>\n"));
        self.left_out.rules += usize::from(!self.add(&part, RULES));
    }

    fn message(&self, message: &Message<'_>) -> String {
        let terms: Vec<_> = message.terms.iter().map(|term| code(&name(term))).collect();
        let terms = if terms.is_empty() { String::new() } else { format!(" ({})", terms.join(", ")) };
        format!("- {}{terms}<br>in {}\n", text(message.text), self.names(&message.components))
    }

    /// These components, grouped by image.
    fn names(&self, at: &BTreeSet<usize>) -> String {
        let names = self.images.names(at);
        let more = names.len().saturating_sub(NAMES);
        let shown: Vec<_> = names.iter().take(NAMES).map(|one| code(&name(one))).collect();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}", shown.join(", "))
    }

    fn passing(&mut self, rules: &BTreeMap<&str, Rule<'_>>) {
        let passing: Vec<_> = rules.iter().filter(|(_, rule)| rule.successes > 0).collect();
        if passing.is_empty() {
            return;
        }
        let codes: Vec<_> = passing.iter().map(|(rule, _)| code(&name(rule))).collect();
        let part = format!(
            "\n<details><summary>✅ {} passed</summary>\n\n{}\n\n</details>\n",
            count(passing.len(), "rule"),
            codes.join(", ")
        );
        self.left_out.rules += if self.add(&part, RULES) { 0 } else { passing.len() };
    }

    /// One line for each image, the worst first, as many as there is room for.
    fn table(&mut self, end: &RunFinished) {
        let mut rows: Vec<_> = self.images.all.iter().filter_map(|image| row(image, end)).collect();
        if rows.is_empty() {
            return;
        }
        rows.sort_by_key(|(status, _)| *status);
        let components = count(end.outcomes.len(), "component");
        self.text.push_str(&format!("\n<details><summary>{components}</summary>\n\n"));
        self.text.push_str("| | Component | Violations | Warnings | Successes |\n|---|---|--:|--:|--:|\n");
        for (_, row) in rows {
            self.left_out.components += usize::from(!self.add(&row, LIMIT - RESERVE));
        }
        self.text.push_str("\n</details>\n");
    }

    fn left_out(&mut self) {
        let LeftOut { errors, rules, components } = self.left_out;
        let parts: Vec<_> = [(errors, "error"), (rules, "rule"), (components, "component")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, thing)| count(number, thing))
            .collect();
        if !parts.is_empty() {
            let parts = parts.join(" and ");
            self.text.push_str(&format!(
                "\n⚠️ This comment is cut: it has no room for {parts}. The other reports have everything.\n"
            ));
        }
    }
}

/// A line of the table about an image, with those of its index.
fn row(image: &Image<'_>, end: &RunFinished) -> Option<(ComponentStatus, String)> {
    let outcomes: Vec<_> = image.members.iter().filter_map(|member| end.outcomes.get(member.at)).collect();
    let status = outcomes.iter().map(|outcome| ComponentStatus::of(outcome)).min()?;
    let sum = |of: fn(&assay_model::decide::Decision) -> usize| -> usize {
        outcomes.iter().map(|outcome| of(&outcome.decision)).sum()
    };
    let variants: Vec<_> = image.members.iter().map(|member| member.variant.as_ref()).collect();
    let variants = if outcomes.len() > 1 { format!(" ({})", variants.join(", ")) } else { String::new() };
    let row = format!(
        "| {} {} | {} | {} | {} | {} |\n",
        symbol(status),
        status.label(),
        cell(&name(&format!("{}{variants}", image.name))),
        sum(|decision| decision.violations.len()),
        sum(|decision| decision.warnings.len()),
        sum(|decision| decision.successes.len()),
    );
    Some((status, row))
}

const fn symbol(status: ComponentStatus) -> &'static str {
    match status {
        ComponentStatus::Error => "❔",
        ComponentStatus::Denied => "❌",
        ComponentStatus::Warned => "⚠️",
        ComponentStatus::Allowed => "✅",
    }
}

/// A text, cut to what is read.
fn field(text: &str) -> std::borrow::Cow<'_, str> {
    cut(text, FIELD_CHARACTERS)
}

/// A text of one field, as Markdown.
fn text(text: &str) -> String {
    prose(&field(text))
}

/// A name, cut.
fn name(text: &str) -> std::borrow::Cow<'_, str> {
    cut(text, NAME_CHARACTERS)
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

    fn check(end: RunFinished, options: Options) -> String {
        let text = test_data::written_of(Format::Markdown, options, test_data::full_head(), end);
        assert!(text.len() <= LIMIT && text.starts_with("<!-- assay-report version=2 -->\n"), "{}", text.len());
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        assert!(!text.contains('\u{200b}'));
        text
    }

    #[test]
    fn a_mixed_run_is_errors_rules_and_a_table() {
        assert_snapshot!(check(test_data::mixed(), Options::default()));
    }

    #[test]
    fn a_hundred_components_are_one_page_with_details_by_rule() {
        let text = check(test_data::end(&test_data::many(100)), Options::default());
        assert!(!text.contains("This comment is cut"), "{text}");
        for part in ["<code>tasks.trusted</code>: 100 violations in 100 components", "in `all 100 components`"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(text.lines().filter(|line| line.starts_with("| ❌")).count(), 100);
    }

    #[test]
    fn what_does_not_fit_is_counted_in_a_sentence() {
        let one = |number: usize| {
            let error = EvaluationError::new(ErrorCode::TooLarge, format!("{number} {}", "x".repeat(300)));
            let code = format!("a.rule_{number}");
            test_data::component(&format!("c{number}")).violation(Finding::new(&code, "x".repeat(300))).failed(error)
        };
        let many: Vec<_> = (0..2_000).map(one).collect();
        let text = check(test_data::end(&many), Options::default());
        let errors = text.lines().filter(|line| line.starts_with("- ❔")).count();
        let rules = text.matches("<code>a.rule_").count();
        let rows = text.lines().filter(|line| line.starts_with("| ❔")).count();
        assert!(errors > 10 && rules > 50 && rows > 100, "{errors} {rules} {rows}");
        let sentence = format!(
            "This comment is cut: it has no room for {} errors and {} rules and {} components.",
            2_000 - errors,
            2_000 - rules,
            2_000 - rows
        );
        assert!(text.contains(&sentence), "{sentence}");
    }

    #[test]
    fn a_run_over_nothing_is_an_error() {
        let text = check(test_data::end(&[]), Options::default());
        assert!(text.contains("### ❔ Error: `shop`\n\nNo component was evaluated."), "{text}");
    }

    /// The line without its spans of code, in which nothing is markup.
    fn without_code(line: &str) -> String {
        let characters: Vec<_> = line.chars().collect();
        let runs: Vec<String> =
            characters.chunk_by(|a, b| (*a == '`') == (*b == '`')).map(|run| run.iter().collect()).collect();
        let mut to = String::new();
        let mut at = 0;
        while let Some(run) = runs.get(at) {
            if run.starts_with('`') && !to.ends_with('\\') {
                at = (at + 1..runs.len()).find(|end| runs[*end] == *run).expect("the code ends");
            } else {
                to.push_str(run);
            }
            at += 1;
        }
        to
    }

    #[test]
    fn hostile_texts_keep_the_shape() {
        let options = Options { show_successes: true, ..Options::default() };
        let shape = |text: &str| {
            let all = check(test_data::hostile(text), options).replace("<code>", "").replace("</code>", "");
            // A line that begins with this element is HTML.
            let line = |line: &str| if line.starts_with("<details>") { line.to_owned() } else { without_code(line) };
            let all: Vec<_> = all.lines().map(line).collect();
            let all = all.join("\n");
            ["<", "\n| ", "\n- ", "\n  - ", "\n#", "\n"].map(|mark| all.matches(mark).count())
        };
        let plain = shape("harmless");
        for message in test_data::hostile_messages() {
            assert_eq!(shape(&message), plain, "{:?}", message.chars().take(60).collect::<String>());
        }
    }
}
