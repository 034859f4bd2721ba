//! [`card`]: one image in the page, with those of its index: what was found, and the evidence it rests on.

use std::{borrow::Cow, collections::BTreeMap};

use assay_model::{finding::Finding, outcome::Outcome};

use super::{Page, class, evidence, markup::Markup, rules::numbers};
use crate::{
    by_rule::{message, title},
    component_status::{ComponentStatus, count},
    images::Image,
};

/// The messages of one rule about one image that are shown before the reader unfolds the rest.
const MESSAGES: usize = 8;

/// A component of the image, with its outcome.
type Part<'a> = (&'a str, &'a Outcome);

/// An image that can be unfolded.
pub(super) fn card(html: &mut Markup, page: &Page<'_>, image: &Image<'_>, opens: bool) {
    let parts: Vec<Part<'_>> = image
        .members
        .iter()
        .filter_map(|member| Some((member.variant.as_ref(), page.end.outcomes.get(member.at)?.as_ref())))
        .collect();
    let Some(status) = parts.iter().map(|(_, outcome)| ComponentStatus::of(outcome)).min() else { return };
    let anchor = image.members.first().and_then(|member| page.ids.component(member.at));
    html.tag("<details class=\"card component ").tag(class(status)).tag("\" id=\"");
    html.text(anchor.map(|anchor| anchor.id.as_str()).unwrap_or_default()).tag("\" data-component=\"");
    html.number(anchor.map(|anchor| anchor.number).unwrap_or_default()).tag("\" data-state=\"").tag(class(status));
    html.tag("\" data-rule=\"");
    let findings = parts.iter().flat_map(|(_, outcome)| {
        outcome
            .decision
            .violations
            .iter()
            .chain(outcome.decision.warnings.iter().filter(|_| page.options.show_warnings))
    });
    let codes = findings.map(|finding| finding.code().unwrap_or_default());
    numbers(html, codes.filter_map(|code| page.ids.rule(code)).map(|anchor| anchor.number));
    html.tag(if opens { "\" open=\"open\">" } else { "\">" });
    summary(html, image, &parts, status);
    html.tag("<div class=\"body\">\n");
    errors(html, &parts);
    for (_, outcome) in &parts {
        for notice in page.options.notices(outcome) {
            html.tag("<p class=\"more\"><b>Note</b> ").prose(notice).tag("</p>\n");
        }
    }
    found(html, page, "denied", "violation", &parts, |outcome| &outcome.decision.violations);
    if page.options.show_warnings {
        found(html, page, "warned", "warning", &parts, |outcome| &outcome.decision.warnings);
    } else {
        let hidden: usize = parts.iter().map(|(_, outcome)| outcome.decision.warnings.len()).sum();
        if hidden > 0 {
            html.tag("<h3>").text(&count(hidden, "warning")).tag(", not shown</h3>\n");
        }
    }
    successes(html, page, &parts);
    for (variant, outcome) in &parts {
        evidence::evidence(html, variant, outcome);
    }
    html.tag("</div></details>\n");
}

fn summary(html: &mut Markup, image: &Image<'_>, parts: &[Part<'_>], status: ComponentStatus) {
    html.tag("<summary><span class=\"grow\"><span class=\"name\">").text(&image.name).tag("</span>");
    if let [(_, outcome)] = parts {
        html.tag("<span class=\"at\">").text(&outcome.image_text()).tag("</span>");
    } else {
        let variants: Vec<_> = parts.iter().map(|(variant, _)| *variant).collect();
        html.tag("<span class=\"at\">").text(&variants.join(", ")).tag("</span>");
    }
    html.tag("</span><span class=\"badge\">").tag(status.label()).tag("</span></summary>\n");
}

fn errors(html: &mut Markup, parts: &[Part<'_>]) {
    for (variant, outcome) in parts {
        let Some(error) = &outcome.error else { continue };
        html.tag("<h3>Error");
        if !variant.is_empty() {
            html.tag(" of ").text(variant);
        }
        html.tag("</h3>\n<div class=\"finding error\"><p class=\"what\"><b>").prose(&error.message);
        html.tag("</b> <span class=\"code\">").tag(error.code.as_str()).tag("</span></p>");
        if let Some(hint) = &error.hint {
            html.tag("<p class=\"fix\"><b>Hint</b> ").prose(hint).tag("</p>");
        }
        html.tag("</div>\n");
    }
}

/// What was found, by rule, each message once with the parts of the image that it is about, if not all.
fn found<'a>(
    html: &mut Markup,
    page: &Page<'_>,
    tone: &'static str,
    thing: &str,
    parts: &[Part<'a>],
    of: fn(&Outcome) -> &[Finding],
) {
    let total: usize = parts.iter().map(|(_, outcome)| of(outcome).len()).sum();
    if total == 0 {
        return;
    }
    html.tag("<h3>").text(&count(total, thing)).tag("</h3>\n");
    let mut rules: BTreeMap<&str, Vec<(&'a Finding, Vec<&'a str>)>> = BTreeMap::new();
    for (variant, outcome) in parts {
        for finding in of(outcome) {
            let all = rules.entry(finding.code().unwrap_or_default()).or_default();
            match all.iter_mut().find(|(known, _)| known.message == finding.message && known.terms() == finding.terms())
            {
                Some((_, variants)) => variants.push(variant),
                None => all.push((finding, vec![variant])),
            }
        }
    }
    for (code, findings) in rules {
        html.tag("<div class=\"finding ").tag(tone).tag("\"><p class=\"what\">");
        let title = findings.iter().find_map(|(finding, _)| title(finding));
        match page.ids.rule(code) {
            Some(anchor) => {
                html.tag("<a href=\"#").text(&anchor.id).tag("\">").text(title.unwrap_or(shown(code))).tag("</a> ");
            }
            None => {
                html.tag("<b>").text(title.unwrap_or(shown(code))).tag("</b> ");
            }
        }
        html.tag("<span class=\"code\">").text(code).tag("</span></p>\n<ul>");
        let (first, folded) = findings.split_at_checked(MESSAGES).unwrap_or((&findings, &[]));
        messages(html, first, parts.len());
        html.tag("</ul>");
        if !folded.is_empty() {
            html.tag("<details class=\"quiet\"><summary>").number(folded.len()).tag(" more</summary>\n<ul>");
            messages(html, folded, parts.len());
            html.tag("</ul></details>");
        }
        html.tag("</div>\n");
    }
}

fn shown(code: &str) -> &str {
    if code.is_empty() { "Without a rule" } else { code }
}

fn messages(html: &mut Markup, findings: &[(&Finding, Vec<&str>)], parts: usize) {
    for (finding, variants) in findings {
        html.tag("<li>").prose(message(finding));
        for term in finding.terms().into_iter().filter(|term| !finding.message.contains(term)) {
            html.tag(" <span class=\"term\">").text(term).tag("</span>");
        }
        if variants.len() < parts {
            html.tag(" <span class=\"term\">(").text(&variants.join(", ")).tag(")</span>");
        }
        html.tag("</li>\n");
    }
}

/// The rules that passed, by their codes: of a hundred components, titles would be most of the page.
fn successes(html: &mut Markup, page: &Page<'_>, parts: &[Part<'_>]) {
    let mut lists: Vec<(Vec<Cow<'_, str>>, Vec<&str>)> = Vec::new();
    for (variant, outcome) in parts.iter().filter(|(_, outcome)| !outcome.decision.successes.is_empty()) {
        let codes = outcome.decision.successes.iter().map(|one| one.code().unwrap_or_default().into()).collect();
        match lists.iter_mut().find(|(known, _)| *known == codes) {
            Some((_, variants)) => variants.push(variant),
            None => lists.push((codes, vec![variant])),
        }
    }
    for (codes, variants) in lists {
        let mut heading = format!("{} passed", count(codes.len(), "rule"));
        if variants.len() < parts.len() {
            heading.push_str(&format!(" ({})", variants.join(", ")));
        }
        if page.options.show_successes {
            html.tag("<details class=\"quiet\"><summary>").text(&heading).tag("</summary>\n<p class=\"codes\">");
            html.text(&codes.join(", ")).tag("</p></details>\n");
        } else {
            html.tag("<p class=\"hint\">").text(&heading).tag("; <code>--show-successes</code> lists them.</p>\n");
        }
    }
}
