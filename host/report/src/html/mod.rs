//! `html`: the whole report as one file for a person to read, without scripts and without anything from elsewhere.
//!
//! A content security policy in the file allows its own style and nothing else, so that even a mistake in escaping could
//! neither run nor fetch anything. It names its [`VERSION`]. Metadata of findings is shown with and without `--info`.

mod component;
mod markup;
#[cfg(test)]
mod tests;

use assay_model::{
    digest::Digest,
    event::{RunFinished, RunStarted},
    outcome::Verdict,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use self::markup::Markup;
use crate::{
    Options,
    by_rule::{Rule, by_rule},
    component_status::{ComponentStatus, count, short_name, summary_line, worst_first},
    text::stopped_early,
    totals::Totals,
};

/// The version of this document, in `<meta name="assay-report-version">`. What is found by `id` or `class` stays within
/// one.
const VERSION: usize = 1;

const STYLE: &str = include_str!("style.css");

/// With more components to look at than this, none is opened for the reader.
const OPENED_COMPONENTS: usize = 6;

/// The page. Of the options it heeds `show_successes` and `show_warnings`.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    let mut html = Markup::default();
    html.tag("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
    html.tag("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-");
    html.text(&style_hash()).tag("'; base-uri 'none'; form-action 'none'\"/>\n");
    html.tag("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
    html.tag("<meta name=\"referrer\" content=\"no-referrer\"/>\n<meta name=\"assay-report-version\" content=\"");
    html.number(VERSION).tag("\"/>\n<title>").text(title(end.verdict)).tag(" – assay report</title>\n<style>");
    html.tag(STYLE).tag("</style>\n</head>\n<body>\n<main>\n");
    top(&mut html, head, end);
    rules(&mut html, end, options);
    components(&mut html, end, options);
    policy(&mut html, head)?;
    html.tag("<footer>Written by ").text(&head.version).tag(" at ").text(&end.at.to_string());
    html.tag(". An error is neither a pass nor a violation: the component could not be evaluated.</footer>\n");
    html.tag("</main>\n</body>\n</html>\n");
    Ok(html.finish())
}

/// The hash of the style as a content security policy names it: SHA-256, base64.
fn style_hash() -> String {
    let hex = Digest::of(STYLE.as_bytes()).hex();
    let byte = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).filter_map(byte).collect();
    STANDARD.encode(bytes)
}

const fn title(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "Passed",
        Verdict::Denied => "Failed",
        Verdict::Error => "Error",
    }
}

const fn class(status: ComponentStatus) -> &'static str {
    match status {
        ComponentStatus::Error => "error",
        ComponentStatus::Denied => "denied",
        ComponentStatus::Warned => "warned",
        ComponentStatus::Allowed => "allowed",
    }
}

fn top(html: &mut Markup, head: &RunStarted, end: &RunFinished) {
    html.tag("<header>\n<p class=\"bar\"><b>assay report</b><span>effective time ");
    html.text(&end.effective_time.to_string()).tag("</span></p>\n<div class=\"verdict ");
    let (tone, sign) = match end.verdict {
        Verdict::Allowed => ("allowed", "✓"),
        Verdict::Denied => ("denied", "✕"),
        Verdict::Error => ("error", "?"),
    };
    html.tag(tone).tag("\"><h1>").tag(sign).tag(" ").tag(title(end.verdict)).tag("</h1>\n<p>");
    html.text(&summary_line(end)).tag("</p>\n");
    let totals = Totals::of(end);
    if let Some(stopped) = end.stopped {
        html.tag("<p class=\"note\">").text(&stopped_early(stopped, &totals)).tag("</p>\n");
    }
    for check in &head.skipped {
        html.tag("<p class=\"note\">Skipped on request: ").tag(check.code()).tag("</p>\n");
    }
    html.tag("</div>\n<dl class=\"tiles\">\n");
    for (tone, name, number) in [
        ("", "Components", totals.components),
        ("error", "Errors", totals.errors),
        ("denied", "Violations", totals.violations),
        ("warned", "Warnings", totals.warnings),
        ("allowed", "Successes", totals.successes),
    ] {
        html.tag("<div class=\"").tag(if number == 0 { "none" } else { tone }).tag("\"><dt>").tag(name);
        html.tag("</dt><dd>").number(number).tag("</dd></div>\n");
    }
    html.tag("</dl>\n</header>\n");
}

/// The rules with violations or warnings, those that deny most components first: what to fix once for many.
fn rules(html: &mut Markup, end: &RunFinished, options: Options) {
    let rules = by_rule(end);
    let is_shown = |rule: &Rule<'_>| rule.violations > 0 || (rule.warnings > 0 && options.show_warnings);
    let mut rules: Vec<_> = rules.iter().filter(|(_, rule)| is_shown(rule)).collect();
    // Of one component the list of components has the same.
    if rules.is_empty() || end.outcomes.len() < 2 {
        return;
    }
    rules.sort_by_key(|(_, rule)| std::cmp::Reverse((rule.violations > 0, rule.components.len())));
    html.tag("<section id=\"rules\">\n<h2>By rule <small>what to fix, and where</small></h2>\n");
    for (code, rule) in rules {
        let denies = rule.violations > 0;
        html.tag("<details class=\"card ").tag(if denies { "denied" } else { "warned" }).tag("\"><summary>");
        html.tag("<span class=\"grow\"><span class=\"name\">").text(rule.title.unwrap_or(code)).tag("</span> ");
        html.tag("<span class=\"code\">").text(code).tag("</span></span>");
        if denies {
            html.tag("<span class=\"badge\">").text(&count(rule.violations, "violation")).tag("</span>");
        }
        if rule.warnings > 0 && options.show_warnings {
            html.tag("<span class=\"badge warned\">").text(&count(rule.warnings, "warning")).tag("</span>");
        }
        html.tag("<span class=\"code\">").text(&count(rule.components.len(), "component"));
        html.tag("</span></summary>\n<div class=\"body\">");
        if let Some(description) = rule.description {
            html.tag("<p class=\"lead\">").prose(description).tag("</p>");
        }
        if let Some(solution) = rule.solution {
            html.tag("<div class=\"finding\"><p class=\"fix\"><b>How to fix</b> ").prose(solution).tag("</p></div>");
        }
        html.tag("<h3>Components</h3>\n<ul class=\"links\">\n");
        for (_, at) in &rule.components {
            if let Some(outcome) = end.outcomes.get(*at) {
                html.tag("<li><a href=\"#component-")
                    .number(at + 1)
                    .tag("\">")
                    .text(&short_name(&outcome.component.name));
                html.tag("</a></li>\n");
            }
        }
        html.tag("</ul></div></details>\n");
    }
    html.tag("</section>\n");
}

fn components(html: &mut Markup, end: &RunFinished, options: Options) {
    let all = worst_first(end);
    if all.is_empty() {
        return;
    }
    let number = |wanted| all.iter().filter(|(status, _)| *status == wanted).count();
    html.tag("<section id=\"components\">\n<h2>Components</h2>\n");
    let statuses: Vec<_> = ComponentStatus::ALL.into_iter().filter(|status| number(*status) > 0).collect();
    if statuses.len() > 1 {
        html.tag("<div class=\"bars\" role=\"radiogroup\" aria-label=\"Show components\">\n<label>");
        html.tag("<input type=\"radio\" name=\"only\" id=\"only-all\" checked=\"checked\"/>All ");
        html.number(all.len()).tag("</label>\n");
        for status in statuses {
            html.tag("<label><input type=\"radio\" name=\"only\" id=\"only-").tag(class(status)).tag("\"/>");
            html.text(status.label()).tag(" ").number(number(status)).tag("</label>\n");
        }
        html.tag("</div>\n");
    }
    let to_look_at = all.iter().filter(|(status, _)| !status.allows()).count();
    let opens = to_look_at <= OPENED_COMPONENTS;
    for (status, at) in all {
        if let Some(outcome) = end.outcomes.get(at) {
            // Its anchor is its place in the report's order, which rules link to.
            component::card(html, status, at + 1, outcome, opens && !status.allows(), options);
        }
    }
    html.tag("</section>\n");
}

fn policy(html: &mut Markup, head: &RunStarted) -> Result<(), serde_json::Error> {
    html.tag(
        "<section id=\"policy\">\n<h2>Evaluated by</h2>\n<details class=\"card\"><summary><span class=\"grow name\">",
    );
    html.tag("Policy</span></summary>\n<div class=\"body\"><pre>");
    let policy = serde_json::to_value(&head.policy)?;
    html.text(crate::yaml::to_string(&policy).trim_end()).tag("</pre></div></details>\n");
    if !head.key.is_empty() {
        html.tag("<details class=\"card\"><summary><span class=\"grow name\">Public key</span></summary>\n");
        html.tag("<div class=\"body\"><pre>").text(head.key.trim_end()).tag("</pre></div></details>\n");
    }
    html.tag("</section>\n");
    Ok(())
}
