//! `html`: the whole report as one file for a person to read, without anything from elsewhere.
//!
//! A content security policy in the file allows its own style and its own script and nothing else, so that even a mistake in
//! escaping could neither run nor fetch anything. The script filters, opens what a link leads to, and opens everything for
//! the printer; without it the page reads the same. It names its [`VERSION`]. Anchors come from the names of rules and
//! components ([`ids`]), so that links can be shared. Metadata of findings is shown with and without `--info`.

mod component;
mod evidence;
mod ids;
mod markup;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use assay_model::{
    digest::Digest,
    event::{PluginSummary, RunFinished, RunStarted},
    outcome::Verdict,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use self::{ids::Ids, markup::Markup};
use crate::{
    Options,
    by_rule::{Rule, by_rule},
    component_status::{ComponentStatus, duration, stopped_early, summary_line},
    images::{Image, Images},
    timestamp::seconds,
    totals::Totals,
};

/// The version of this document, in `<meta name="assay-report-version">`. What is found by `id` or `class` stays within
/// one.
const VERSION: usize = 2;

const STYLE: &str = include_str!("style.css");

const SCRIPT: &str = include_str!("script.js");

/// With more images to look at than this, none is opened for the reader.
const OPENED_IMAGES: usize = 6;

/// With fewer entries than this, there is nothing to filter.
const FILTERED_ENTRIES: usize = 4;

/// What every part of the page is made of.
struct Page<'a> {
    end: &'a RunFinished,
    options: Options,
    rules: BTreeMap<&'a str, Rule<'a>>,
    images: Images<'a>,
    ids: Ids,
}

/// The page. Of the options it heeds `show_successes` and `show_warnings`.
pub(crate) fn render(head: &RunStarted, end: &RunFinished, options: Options) -> Result<String, serde_json::Error> {
    let (rules, images) = (by_rule(end), Images::of(end));
    let ids = Ids::of(&rules, &images, end);
    let page = Page { end, options, rules, images, ids };
    let mut html = Markup::default();
    html.tag("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
    html.tag("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-");
    html.text(&hash(STYLE)).tag("'; script-src 'sha256-").text(&hash(SCRIPT));
    html.tag("'; base-uri 'none'; form-action 'none'\"/>\n");
    html.tag("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
    html.tag("<meta name=\"referrer\" content=\"no-referrer\"/>\n<meta name=\"assay-report-version\" content=\"");
    html.number(VERSION).tag("\"/>\n<title>").text(title(end.verdict)).tag(" – assay report");
    if !head.application.is_empty() {
        html.tag(" – ").text(&head.application);
    }
    html.tag("</title>\n<style>").tag(STYLE).tag("</style>\n</head>\n<body>\n<main>\n");
    top(&mut html, head, end);
    facts(&mut html, head, end);
    filter(&mut html, &page);
    rules::rules(&mut html, &page);
    components(&mut html, &page);
    policy(&mut html, head)?;
    html.tag("<footer>Written by ").text(&head.version).tag(" at ").text(&end.at.to_string());
    html.tag(". An error is neither a pass nor a violation: the component could not be evaluated.</footer>\n");
    html.tag("</main>\n<script>").tag(SCRIPT).tag("</script>\n</body>\n</html>\n");
    Ok(html.finish())
}

/// The hash of a text as a content security policy names it: SHA-256, base64.
fn hash(text: &str) -> String {
    let hex = Digest::of(text.as_bytes()).hex();
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
    html.tag("<header>\n<p class=\"bar\"><b>assay report</b><span>").text(&head.application);
    html.tag("</span></p>\n<div class=\"verdict ");
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
    html.tag("</dl>\n");
}

/// What was evaluated, and by what.
fn facts(html: &mut Markup, head: &RunStarted, end: &RunFinished) {
    html.tag("<dl class=\"pairs facts\">\n");
    let mut fact = |name: &'static str, value: &str| {
        if !value.is_empty() {
            html.tag("<dt>").tag(name).tag("</dt><dd><code>").text(value).tag("</code></dd>\n");
        }
    };
    fact("Application", &head.application);
    fact("Snapshot", &head.snapshot);
    fact("Policy", &head.policy.name);
    for source in head.policy.sources.iter().flat_map(|group| &group.policy) {
        fact("Policy source", source);
    }
    for source in head.policy.sources.iter().flat_map(|group| &group.data) {
        fact("Data source", source);
    }
    fact("Public key", &head.policy.public_key);
    if let Some(identity) = &head.policy.identity {
        fact("Identity", &identity.subject);
        fact("Identity", &identity.subject_reg_exp);
        fact("Issuer", &identity.issuer);
        fact("Issuer", &identity.issuer_reg_exp);
    }
    for PluginSummary { name, version, digest, params } in &head.plugins {
        let params: Vec<_> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let params = if params.is_empty() { String::new() } else { format!(" ({})", params.join(", ")) };
        fact("Plugin", &format!("{name} {version} {digest}{params}"));
    }
    fact("Effective time", &seconds(end.effective_time));
    fact("Duration", &duration(head, end).unwrap_or_default());
    html.tag("</dl>\n</header>\n");
}

/// What the script filters by; hidden until it runs.
fn filter(html: &mut Markup, page: &Page<'_>) {
    if page.images.all.len() + page.rules.len() < FILTERED_ENTRIES {
        return;
    }
    html.tag("<div id=\"filter\" class=\"filter\" role=\"search\" hidden=\"hidden\">\n");
    html.tag("<label>Search <input type=\"search\" id=\"filter-text\" autocomplete=\"off\"/></label>\n");
    html.tag("<label>State <select id=\"filter-state\"><option value=\"\">all</option>");
    for status in ComponentStatus::ALL {
        html.tag("<option value=\"").tag(class(status)).tag("\">").tag(status.label()).tag("</option>");
    }
    html.tag("</select></label>\n<label>Rule <select id=\"filter-rule\"><option value=\"\">all</option>");
    for (code, rule) in page.rules.iter().filter(|(_, rule)| !rule.messages.is_empty()) {
        if let Some(anchor) = page.ids.rule(code) {
            html.tag("<option value=\"").number(anchor.number).tag("\">");
            html.text(if code.is_empty() { rule.title.unwrap_or("without a rule") } else { code }).tag("</option>");
        }
    }
    html.tag("</select></label>\n<label>Component <select id=\"filter-component\"><option value=\"\">all</option>");
    for image in &page.images.all {
        if let Some(anchor) = image.members.first().and_then(|member| page.ids.component(member.at)) {
            html.tag("<option value=\"").number(anchor.number).tag("\">").text(&image.name).tag("</option>");
        }
    }
    html.tag("</select></label>\n<button type=\"button\" id=\"filter-clear\">Clear</button>\n");
    html.tag("<p id=\"filter-count\" role=\"status\"></p>\n</div>\n");
}

fn components(html: &mut Markup, page: &Page<'_>) {
    let status = |image: &Image<'_>| {
        let members = image.members.iter().filter_map(|member| page.end.outcomes.get(member.at));
        members.map(|outcome| ComponentStatus::of(outcome)).min()
    };
    let mut all: Vec<_> = page.images.all.iter().filter_map(|image| Some((status(image)?, image))).collect();
    if all.is_empty() {
        return;
    }
    // The worst first; those of one status keep the report's order.
    all.sort_by_key(|(status, _)| *status);
    html.tag("<section id=\"components\">\n<h2>Components</h2>\n");
    let to_look_at = all.iter().filter(|(status, _)| !status.allows()).count();
    let opens = to_look_at <= OPENED_IMAGES;
    for (status, image) in all {
        component::card(html, page, image, opens && !status.allows());
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
