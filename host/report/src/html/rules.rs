//! [`rules`]: the rules of a run: what each requires, what it found and where, and how to fix it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Page, markup::Markup};
use crate::{
    by_rule::{Level, Message, Rule},
    component_status::count,
};

/// With more rules to choose from than this, none is opened for the reader.
const OPENED_RULES: usize = 3;

/// The messages of one rule that are shown before the reader unfolds the rest.
const MESSAGES: usize = 12;

/// The rules with violations or warnings, those that deny most components first, and then those that passed everywhere.
pub(super) fn rules(html: &mut Markup, page: &Page<'_>) {
    let is_shown = |rule: &Rule<'_>| rule.violations > 0 || (rule.warnings > 0 && page.options.show_warnings);
    let mut shown: Vec<_> = page.rules.iter().filter(|(_, rule)| is_shown(rule)).collect();
    if !shown.is_empty() {
        shown.sort_by_key(|(_, rule)| std::cmp::Reverse((rule.violations > 0, rule.components.len())));
        html.tag("<section id=\"rules\">\n<h2>By rule <small>what to fix, and where</small></h2>\n");
        let opens = shown.len() <= OPENED_RULES;
        for (code, rule) in shown {
            card(html, page, code, rule, opens);
        }
        html.tag("</section>\n");
    }
    passing(html, page, &page.rules);
}

fn card(html: &mut Markup, page: &Page<'_>, code: &str, rule: &Rule<'_>, opens: bool) {
    let show_warnings = page.options.show_warnings && rule.warnings > 0;
    let denies = rule.violations > 0;
    html.tag("<details class=\"card ").tag(if denies { "denied" } else { "warned" }).tag("\" id=\"");
    let anchor = page.ids.rule(code);
    html.text(anchor.map(|anchor| anchor.id.as_str()).unwrap_or_default()).tag("\" data-rule=\"");
    html.number(anchor.map(|anchor| anchor.number).unwrap_or_default()).tag("\" data-component=\"");
    numbers(html, rule.components.iter().filter_map(|(_, at)| page.ids.component(*at)).map(|anchor| anchor.number));
    html.tag("\" data-state=\"").tag(match (denies, show_warnings) {
        (true, true) => "denied warned",
        (true, false) => "denied",
        (false, _) => "warned",
    });
    html.tag(if opens { "\" open=\"open\"><summary>" } else { "\"><summary>" });
    html.tag("<span class=\"grow\"><span class=\"name\">").text(rule.title.unwrap_or(named(code)));
    html.tag("</span> <span class=\"code\">").text(code).tag("</span></span>");
    if denies {
        html.tag("<span class=\"badge\">").text(&count(rule.violations, "violation")).tag("</span>");
    }
    if show_warnings {
        html.tag("<span class=\"badge warned\">").text(&count(rule.warnings, "warning")).tag("</span>");
    }
    html.tag("<span class=\"code\">").text(&count(rule.components.len(), "component"));
    html.tag("</span></summary>\n<div class=\"body\">");
    if let Some(description) = rule.description {
        html.tag("<h3>Requirement</h3>\n<p class=\"lead\">").prose(description).tag("</p>\n");
    }
    if let Some(date) = rule.effective_on {
        html.tag("<p class=\"more\">Effective from ").text(date).tag("</p>\n");
    }
    html.tag("<h3>Found</h3>\n");
    found(html, page, &rule.at_level(Level::Violation), "denied");
    if show_warnings {
        found(html, page, &rule.at_level(Level::Warning), "warned");
    }
    html.tag("<h3>How to fix</h3>\n<p class=\"lead\">");
    html.prose(rule.solution.unwrap_or("The policy gives no solution for this rule."));
    html.tag("</p></div></details>\n");
}

/// The name of a rule that has no title; findings without a code have one heading.
fn named(code: &str) -> &str {
    if code.is_empty() { "Without a rule" } else { code }
}

fn found(html: &mut Markup, page: &Page<'_>, messages: &[&Message<'_>], tone: &'static str) {
    if messages.is_empty() {
        return;
    }
    let (shown, folded) = messages.split_at_checked(MESSAGES).unwrap_or((messages, &[]));
    html.tag("<ul class=\"found ").tag(tone).tag("\">\n");
    shown.iter().for_each(|message| self::message(html, page, message));
    html.tag("</ul>\n");
    if !folded.is_empty() {
        html.tag("<details class=\"quiet\"><summary>").number(folded.len()).tag(" more</summary>\n");
        html.tag("<ul class=\"found ").tag(tone).tag("\">\n");
        folded.iter().for_each(|message| self::message(html, page, message));
        html.tag("</ul></details>\n");
    }
}

fn message(html: &mut Markup, page: &Page<'_>, message: &Message<'_>) {
    html.tag("<li>").prose(message.text);
    for term in &message.terms {
        html.tag(" <span class=\"term\">").text(term).tag("</span>");
    }
    html.tag("<span class=\"where\">");
    places(html, page, &message.components);
    html.tag("</span></li>\n");
}

/// Links to the components, grouped by image.
fn places(html: &mut Markup, page: &Page<'_>, at: &BTreeSet<usize>) {
    if at.len() == page.end.outcomes.len() && page.images.all.len() > 1 {
        html.tag("all ").text(&count(at.len(), "component"));
        return;
    }
    let mut is_first = true;
    for image in &page.images.all {
        let members: Vec<_> = image.members.iter().filter(|member| at.contains(&member.at)).collect();
        let Some(anchor) = members.first().and_then(|member| page.ids.component(member.at)) else { continue };
        html.tag(if is_first { "<a href=\"#" } else { ", <a href=\"#" });
        is_first = false;
        html.text(&anchor.id).tag("\">").text(&image.name).tag("</a>");
        if image.members.len() > 1 {
            let variants: Vec<_> = members.iter().map(|member| member.variant.as_ref()).collect();
            html.tag(" (").text(&variants.join(", ")).tag(")");
        }
    }
}

/// Numbers with a space between them.
pub(super) fn numbers(html: &mut Markup, numbers: impl Iterator<Item = usize>) {
    // Each once: the components of an image have one number.
    for (at, number) in numbers.collect::<BTreeSet<_>>().into_iter().enumerate() {
        html.tag(if at == 0 { "" } else { " " }).number(number);
    }
}

fn passing(html: &mut Markup, page: &Page<'_>, rules: &BTreeMap<&str, Rule<'_>>) {
    let passing: Vec<_> = rules.iter().filter(|(_, rule)| rule.successes > 0 && rule.messages.is_empty()).collect();
    if passing.is_empty() || !page.options.show_successes {
        return;
    }
    html.tag("<section id=\"passed\">\n<h2>Passed <small>rules that found nothing anywhere</small></h2>\n");
    html.tag("<details class=\"card allowed\"><summary><span class=\"grow name\">");
    html.text(&count(passing.len(), "rule")).tag("</span></summary>\n<div class=\"body\"><ul class=\"passed\">\n");
    for (code, rule) in passing {
        let id = page.ids.rule(code).map(|anchor| anchor.id.as_str()).unwrap_or_default();
        html.tag("<li id=\"").text(id).tag("\">").text(rule.title.unwrap_or(named(code)));
        html.tag(" <span class=\"code\">").text(code).tag("</span></li>\n");
    }
    html.tag("</ul></div></details>\n</section>\n");
}
