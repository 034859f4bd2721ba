//! [`card`]: one component in the page: its findings by rule, and the evidence they rest on.

use assay_model::{
    evidence::{AttestationSummary, Signature},
    finding::Finding,
    outcome::Outcome,
};
use serde_json::Value;

use super::{class, markup::Markup};
use crate::{
    Options,
    by_rule::{description, title},
    component_status::{ComponentStatus, count, short_name},
};

/// The messages of one rule about one component that are shown before the reader unfolds the rest.
const MESSAGES: usize = 8;

/// A component that can be unfolded.
pub(super) fn card(
    html: &mut Markup,
    status: ComponentStatus,
    number: usize,
    outcome: &Outcome,
    open: bool,
    options: Options,
) {
    let decision = &outcome.decision;
    html.tag("<details class=\"card component ").tag(class(status)).tag("\" id=\"component-").number(number);
    html.tag(if open { "\" open=\"open\">" } else { "\">" });
    html.tag("<summary><span class=\"grow\"><span class=\"name\">").text(&short_name(&outcome.component.name));
    html.tag("</span><span class=\"at\">").text(&outcome.image_text()).tag("</span></span>");
    html.tag("<span class=\"badge\">").tag(status.label()).tag("</span></summary>\n<div class=\"body\">\n");
    if let Some(error) = &outcome.error {
        html.tag("<h3>Error</h3>\n<div class=\"finding error\"><p class=\"what\"><b>").prose(&error.message);
        html.tag("</b> <span class=\"code\">").tag(error.code.as_str()).tag("</span></p>");
        if let Some(hint) = &error.hint {
            html.tag("<p class=\"fix\"><b>Hint</b> ").prose(hint).tag("</p>");
        }
        html.tag("</div>\n");
    }
    for notice in options.notices(outcome) {
        html.tag("<p class=\"more\"><b>Note</b> ").prose(notice).tag("</p>\n");
    }
    findings(html, "denied", &count(decision.violations.len(), "violation"), &decision.violations);
    if options.show_warnings {
        findings(html, "warned", &count(decision.warnings.len(), "warning"), &decision.warnings);
    } else if !decision.warnings.is_empty() {
        html.tag("<h3>").text(&count(decision.warnings.len(), "warning")).tag(", not shown</h3>\n");
    }
    successes(html, &decision.successes, options);
    evidence(html, outcome);
    html.tag("</div></details>\n");
}

/// Findings with one entry for each rule, so that the annotations of a rule are read once.
fn findings(html: &mut Markup, tone: &'static str, heading: &str, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    html.tag("<h3>").text(heading).tag("</h3>\n");
    // They are sorted by code.
    for group in findings.chunk_by(|a, b| a.code().is_some() && a.code() == b.code()) {
        let Some(first) = group.first() else { continue };
        let title = group.iter().find_map(title);
        html.tag("<div class=\"finding ").tag(tone).tag("\"><p class=\"what\">");
        if let Some(title) = title {
            html.tag("<b>").text(title).tag("</b> ");
        }
        html.tag("<span class=\"code\">").text(first.code().unwrap_or("without a code")).tag("</span></p>\n<ul>");
        let (shown, folded) = group.split_at_checked(MESSAGES).unwrap_or((group, &[]));
        messages(html, shown);
        html.tag("</ul>");
        if !folded.is_empty() {
            html.tag("<details class=\"quiet\"><summary>").number(folded.len()).tag(" more</summary>\n<ul>");
            messages(html, folded);
            html.tag("</ul></details>");
        }
        if let Some(text) = group.iter().find_map(|finding| finding.text("description")) {
            html.tag("<p class=\"more\">").prose(description(text)).tag("</p>");
        }
        if let Some(date) = group.iter().find_map(|finding| finding.text("effective_on")) {
            html.tag("<p class=\"more\">Effective from ").text(date).tag("</p>");
        }
        if let Some(solution) = group.iter().find_map(|finding| finding.text("solution")) {
            html.tag("<p class=\"fix\"><b>How to fix</b> ").prose(solution).tag("</p>");
        }
        html.tag("</div>\n");
    }
}

fn messages(html: &mut Markup, findings: &[Finding]) {
    for finding in findings {
        html.tag("<li>").prose(&finding.message);
        for term in finding.terms().into_iter().filter(|term| !finding.message.contains(term)) {
            html.tag(" <span class=\"term\">").text(term).tag("</span>");
        }
        html.tag("</li>\n");
    }
}

fn successes(html: &mut Markup, successes: &[Finding], options: Options) {
    if successes.is_empty() {
        return;
    }
    let heading = count(successes.len(), "rule");
    if !options.show_successes {
        html.tag("<p class=\"hint\">").text(&heading).tag(" passed; <code>--show-successes</code> lists them.</p>\n");
        return;
    }
    html.tag("<details class=\"quiet\"><summary>").text(&heading).tag(" passed</summary>\n<ul class=\"passed\">");
    for finding in successes {
        html.tag("<li>").text(finding.text("title").or(finding.code()).unwrap_or_default());
        html.tag(" <span class=\"code\">").text(finding.code().unwrap_or_default()).tag("</span></li>\n");
    }
    html.tag("</ul></details>\n");
}

fn evidence(html: &mut Markup, outcome: &Outcome) {
    let (signatures, attestations) = (&outcome.signatures, &outcome.attestations);
    html.tag("<details class=\"quiet\"><summary>Evidence: ").text(&count(signatures.len(), "signature")).tag(", ");
    html.text(&count(attestations.len(), "attestation")).tag("</summary>\n");
    html.tag("<dl class=\"pairs\">");
    pair(html, "Image", &outcome.image_text());
    if outcome.component.container_image != outcome.image_text() {
        pair(html, "Reference", &outcome.component.container_image);
    }
    let git = outcome.component.source.get("git");
    for (name, key) in [("Source", "url"), ("Revision", "revision")] {
        if let Some(text) = git.and_then(|git| git.get(key)).and_then(Value::as_str) {
            pair(html, name, text);
        }
    }
    if let Some(at) = outcome.evaluated_at {
        pair(html, "Effective time", &at.to_string());
    }
    html.tag("</dl>\n");
    if !signatures.is_empty() {
        html.tag("<h3>Verified signatures</h3>\n");
        for signature in signatures {
            html.tag("<dl class=\"pairs evidence\">");
            self::signature(html, signature);
            html.tag("</dl>\n");
        }
    }
    if !attestations.is_empty() {
        html.tag("<h3>Verified attestations</h3>\n");
        for AttestationSummary { statement_type, predicate_type, build_type, signatures, .. } in attestations {
            html.tag("<dl class=\"pairs evidence\">");
            pair(html, "Predicate", predicate_type);
            if let Some(build_type) = build_type {
                pair(html, "Build type", build_type);
            }
            pair(html, "Statement", statement_type);
            for signature in signatures {
                self::signature(html, signature);
            }
            html.tag("</dl>\n");
        }
    }
    html.tag("</details>\n");
}

fn signature(html: &mut Markup, signature: &Signature) {
    if !signature.keyid.is_empty() {
        pair(html, "Key", &signature.keyid);
    }
    for (name, value) in &signature.metadata {
        pair(html, name, value);
    }
    pair(html, "Signature", &signature.sig);
}

fn pair(html: &mut Markup, name: &str, value: &str) {
    html.tag("<dt>").text(name).tag("</dt><dd><code>").text(value).tag("</code></dd>");
}
