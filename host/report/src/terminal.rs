//! `text`: the report for a person at a terminal.
//!
//! What could not be evaluated comes first, then the rules that failed, those about most components first: each message
//! once with the components that it is about, and how to fix it. The verdict is the last line, where a terminal leaves the
//! reader. On a terminal lines are wrapped and long lists are cut, with the number of what is left out; in a pipe nothing
//! is. Meaning never rests on color, and text from outside can neither command the terminal nor begin a line of the report.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use assay_model::{
    event::{RunFinished, RunStarted},
    outcome::Verdict,
};

use crate::{
    Options,
    by_rule::{Level, Message, Rule, by_rule, widest_first},
    component_status::stopped_early,
    component_status::{ComponentStatus, count, duration, summary_line},
    images::Images,
    sanitize::{self, cut},
    timestamp::seconds,
    totals::Totals,
    wrap::wrap,
};

/// The narrowest terminal for which lines are wrapped.
const NARROWEST: usize = 24;

/// The messages of one rule that are listed on a terminal.
const MESSAGES: usize = 6;

/// The lines that names of components may take on a terminal.
const NAME_LINES: usize = 2;

/// The characters of one text that are shown on a terminal.
const TEXT_CHARACTERS: usize = 600;

const POLICY_DOCS: &str = "https://conforma.dev/docs/policy/";

/// What a line is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Error,
    Violation,
    Warning,
    Success,
}

impl Tone {
    const fn symbol(self) -> &'static str {
        match self {
            Self::Error => "?",
            Self::Violation => "✕",
            Self::Warning => "›",
            Self::Success => "✓",
        }
    }

    /// The ANSI color: magenta, red, yellow or green.
    const fn color(self) -> u8 {
        match self {
            Self::Error => 35,
            Self::Violation => 31,
            Self::Warning => 33,
            Self::Success => 32,
        }
    }
}

/// The report.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> String {
    let images = Images::of(end);
    let rules = by_rule(end);
    let mut page = Page { text: String::new(), options, images: &images };
    page.errors(end);
    for (code, rule) in widest_first(&rules, Level::Violation) {
        page.rule(code, rule, Level::Violation);
    }
    if options.show_warnings {
        for (code, rule) in widest_first(&rules, Level::Warning) {
            page.rule(code, rule, Level::Warning);
        }
    }
    if options.show_successes {
        page.passing_rules(&rules);
    }
    page.passing_components(end);
    page.notes(head, end);
    if options.show_policy_docs_link && rules.values().any(|rule| !rule.messages.is_empty()) {
        page.line(
            "",
            &format!("For more information about policy issues, see the policy documentation: {POLICY_DOCS}"),
        );
        page.blank();
    }
    page.verdict(head, end);
    page.text
}

/// A report as it grows.
struct Page<'a> {
    text: String,
    options: Options,
    images: &'a Images<'a>,
}

impl Page<'_> {
    /// The characters of a line, where lines are wrapped.
    fn width(&self) -> Option<usize> {
        self.options.width.map(|width| usize::from(width).max(NARROWEST))
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line of harmless text, wrapped so that what follows the first line stands under its beginning.
    fn line(&mut self, indent: &str, text: &str) {
        let text = sanitize::lines(text);
        let width = self.width().map_or(usize::MAX, |width| width - indent.len());
        for line in wrap(&text, width).split('\n') {
            self.text.push_str(indent);
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// A text from outside with a word in front of it.
    fn field(&mut self, indent: &str, name: &str, text: &str) {
        self.quote(indent, &format!("{name}: {text}"));
    }

    /// A text from outside. Its own lines stand deeper than any of ours, so that they cannot be taken for one.
    fn quote(&mut self, indent: &str, text: &str) {
        let text = self.shortened(text).replace('\n', "\n      ");
        self.line(indent, &text);
    }

    /// A text, cut on a terminal.
    fn shortened<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.options.width.is_some() { cut(text, TEXT_CHARACTERS) } else { text.into() }
    }

    /// A line that begins with a sign, colored as far as its first break.
    fn heading(&mut self, tone: Tone, text: &str) {
        let start = self.text.len();
        self.line("", &format!("{} {}", tone.symbol(), sanitize::line(text)));
        let line = self.text.get(start..).and_then(|line| line.find('\n')).unwrap_or_default();
        self.paint(tone, start, start + line);
    }

    /// Colors a part of the text, if colors are wanted.
    fn paint(&mut self, tone: Tone, start: usize, end: usize) {
        if self.options.color {
            self.text.insert_str(end, "\u{1b}[0m");
            self.text.insert_str(start, &format!("\u{1b}[1;{}m", tone.color()));
        }
    }

    /// The components that something is about, in one line, or two where lines are wrapped.
    fn components(&mut self, indent: &str, word: &str, at: &BTreeSet<usize>) {
        let mut names = self.images.names(at);
        names.iter_mut().for_each(|name| *name = sanitize::line(name).into_owned());
        let room = self.width().map(|width| (width - indent.len()) * NAME_LINES - word.len() - " and 1000 more".len());
        let shown = room.map_or(names.len(), |room| how_many_fit(&names, room)).max(1);
        let more = names.len().saturating_sub(shown);
        names.truncate(shown);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        self.line(indent, &format!("{word}{}{more}", names.join(", ")));
    }

    /// What could not be evaluated, each reason once.
    fn errors(&mut self, end: &RunFinished) {
        let mut reasons: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
        for (at, outcome) in end.outcomes.iter().enumerate() {
            if let Some(error) = &outcome.error {
                reasons.entry((error.code, &error.message, &error.hint)).or_default().insert(at);
            }
        }
        for ((code, message, hint), at) in reasons {
            self.heading(Tone::Error, &format!("{} (could not be evaluated)", code.as_str()));
            self.quote("  ", message);
            self.components("    ", "in: ", &at);
            if let Some(hint) = hint {
                self.field("  ", "fix", hint);
            }
            self.blank();
        }
    }

    /// A rule with what it found at that level.
    fn rule(&mut self, code: &str, rule: &Rule<'_>, level: Level) {
        let (tone, word) = match level {
            Level::Violation => (Tone::Violation, ""),
            Level::Warning => (Tone::Warning, " (warning)"),
        };
        let name = if code.is_empty() { "without a rule" } else { code };
        let title = rule.title.map(|title| format!(": {title}")).unwrap_or_default();
        self.heading(tone, &format!("{name}{title}{word}"));
        let messages = rule.at_level(level);
        let shown = self.width().map_or(messages.len(), |_| MESSAGES.min(messages.len()));
        let (shown, more) = messages.split_at_checked(shown).unwrap_or((&messages, &[]));
        for message in shown {
            self.message(message);
        }
        if !more.is_empty() {
            let about: BTreeSet<_> = more.iter().flat_map(|message| message.components.iter().copied()).collect();
            self.line("  ", &format!("… and {} in {}", count(more.len(), "message"), count(about.len(), "component")));
        }
        if self.options.info
            && let Some(description) = rule.description
        {
            self.field("  ", "requirement", description);
        }
        if let (Level::Warning, Some(date)) = (level, rule.effective_on) {
            self.field("  ", "effective from", date);
        }
        // A reader who learns nothing else learns whose turn it is.
        self.field("  ", "fix", rule.solution.unwrap_or("the policy gives no solution for this rule"));
        self.blank();
    }

    fn message(&mut self, message: &Message<'_>) {
        let terms = if message.terms.is_empty() { String::new() } else { format!(" [{}]", message.terms.join(", ")) };
        let text = format!("{}{terms}", message.text);
        self.quote("  ", &text);
        self.components("    ", "in: ", &message.components);
    }

    fn passing_rules(&mut self, rules: &BTreeMap<&str, Rule<'_>>) {
        let passing: Vec<_> = rules.iter().filter(|(_, rule)| rule.successes > 0).collect();
        if passing.is_empty() {
            return;
        }
        self.heading(Tone::Success, &format!("{} passed:", count(passing.len(), "rule")));
        for (code, rule) in passing {
            let title = rule.title.map(|title| format!(": {}", sanitize::line(title))).unwrap_or_default();
            let where_ = count(rule.successes, "component");
            self.line("  ", &format!("{}{title} ({where_})", sanitize::line(code)));
        }
        self.blank();
    }

    fn passing_components(&mut self, end: &RunFinished) {
        let passing = |(at, one): (usize, &std::sync::Arc<_>)| ComponentStatus::of(one).allows().then_some(at);
        let at: BTreeSet<_> = end.outcomes.iter().enumerate().filter_map(passing).collect();
        // The verdict says it of all.
        if at.is_empty() || at.len() == end.outcomes.len() {
            return;
        }
        let start = self.text.len();
        self.components("", &format!("{} passed: ", Tone::Success.symbol()), &at);
        self.paint(Tone::Success, start, start + Tone::Success.symbol().len());
        self.blank();
    }

    /// What the reader must know of how the result came about.
    fn notes(&mut self, head: &RunStarted, end: &RunFinished) {
        let before = self.text.len();
        for outcome in &end.outcomes {
            for notice in self.options.notices(outcome) {
                self.field("", &format!("note on {}", sanitize::line(&outcome.component.name)), notice);
            }
        }
        for check in &head.skipped {
            self.line("", &format!("skipped on request: {}", check.code()));
        }
        if let Some(stopped) = end.stopped {
            self.line("", &stopped_early(stopped, &Totals::of(end)));
        }
        if self.text.len() > before {
            self.blank();
        }
    }

    fn verdict(&mut self, head: &RunStarted, end: &RunFinished) {
        let totals = Totals::of(end);
        let plugins: Vec<_> = head.plugins.iter().map(|one| format!("{} {}", one.name, one.version)).collect();
        if !plugins.is_empty() {
            self.field("", "plugins", &plugins.join(", "));
        }
        self.field("", "effective time", &seconds(end.effective_time));
        let counts = format!(
            "{}, {}, {}",
            count(totals.violations, "violation"),
            count(totals.warnings, "warning"),
            if totals.successes == 1 { "1 success".to_owned() } else { format!("{} successes", totals.successes) }
        );
        let took = duration(head, end).map(|took| format!(" in {took}")).unwrap_or_default();
        let tone = match end.verdict {
            Verdict::Allowed => Tone::Success,
            Verdict::Denied => Tone::Violation,
            Verdict::Error => Tone::Error,
        };
        let sentence = summary_line(end);
        self.heading(tone, &format!("{}: {counts}{took}", sentence.trim_end_matches('.')));
    }
}

/// How many names fit into so many characters.
fn how_many_fit(names: &[String], room: usize) -> usize {
    let mut length = 0;
    let fits = |name: &&String| {
        length += name.chars().count() + ", ".len();
        length <= room
    };
    names.iter().take_while(fits).count()
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
