//! [`evidence`]: what a component's result rests on: who signed it, who built it, and from which source.

use assay_model::{
    evidence::{AttestationSummary, Signature},
    outcome::Outcome,
};
use serde_json::Value;

use super::markup::Markup;
use crate::component_status::count;

/// The evidence about one component; `variant` distinguishes the images of an index.
pub(super) fn evidence(html: &mut Markup, variant: &str, outcome: &Outcome) {
    let (signatures, attestations) = (&outcome.signatures, &outcome.attestations);
    html.tag("<details class=\"quiet\"><summary>Evidence");
    if !variant.is_empty() {
        html.tag(" of ").text(variant);
    }
    html.tag(": ").text(&count(signatures.len(), "signature")).tag(", ");
    html.text(&count(attestations.len(), "attestation")).tag("</summary>\n");
    html.tag("<dl class=\"pairs\">");
    pair(html, "Image", &outcome.image_text());
    if outcome.component.container_image != outcome.image_text() {
        pair(html, "Reference", &outcome.component.container_image);
    }
    source(html, &outcome.component.source);
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
    }
    for AttestationSummary { statement_type, predicate_type, build_type, builder, size, signatures } in attestations {
        html.tag("<dl class=\"pairs evidence\">");
        pair(html, "Predicate", predicate_type);
        if let Some(builder) = builder {
            pair(html, "Builder", builder);
        }
        if let Some(build_type) = build_type {
            pair(html, "Build type", build_type);
        }
        pair(html, "Statement", statement_type);
        pair(html, if is_sbom(predicate_type) { "SBOM size" } else { "Size" }, &bytes(*size));
        for signature in signatures {
            self::signature(html, signature);
        }
        html.tag("</dl>\n");
    }
    html.tag("</details>\n");
}

fn is_sbom(predicate_type: &str) -> bool {
    let name = predicate_type.to_ascii_lowercase();
    name.contains("cyclonedx") || name.contains("spdx")
}

/// A size in the unit that people read it in.
fn bytes(size: u64) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    let mut tenths = u128::from(size) * 10;
    let mut shown = count(usize::try_from(size).unwrap_or(usize::MAX), "byte");
    for unit in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        shown = format!("{}.{} {unit}", tenths / 10, tenths % 10);
    }
    shown
}

fn source(html: &mut Markup, source: &Value) {
    let git = source.get("git");
    let text = |key: &str| git.and_then(|git| git.get(key)).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(url) = text("url") {
        linked(html, "Source", url, url);
    }
    if let Some(revision) = text("revision") {
        let url = text("url").and_then(|url| commit_url(url, revision)).unwrap_or_default();
        linked(html, "Commit", revision, &url);
    }
}

/// Where a commit is shown by the services whose addresses have a known form: GitHub and GitLab.
fn commit_url(repository: &str, revision: &str) -> Option<String> {
    let is_commit = (7..=64).contains(&revision.len()) && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    let repository = repository.strip_suffix('/').unwrap_or(repository);
    let repository = repository.strip_suffix(".git").unwrap_or(repository);
    let host = repository.strip_prefix("https://")?.split('/').next()?;
    match host {
        _ if !is_commit => None,
        "github.com" | "codeberg.org" => Some(format!("{repository}/commit/{revision}")),
        _ if host.starts_with("gitlab.") => Some(format!("{repository}/-/commit/{revision}")),
        _ => None,
    }
}

/// A fact with a link, if the address is one that a browser can follow without harm.
fn linked(html: &mut Markup, name: &str, text: &str, url: &str) {
    if !is_web_address(url) {
        return pair(html, name, text);
    }
    html.tag("<dt>").text(name).tag("</dt><dd><a rel=\"noopener noreferrer\" href=\"").text(url).tag("\"><code>");
    html.text(text).tag("</code></a></dd>");
}

/// Whether it is an address on the web and nothing else: of ASCII without spaces and quotes, and without credentials.
fn is_web_address(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]!$&()*+,;=%".contains(&byte);
    !host.is_empty() && !host.contains('@') && rest.bytes().all(is_plain)
}

fn signature(html: &mut Markup, signature: &Signature) {
    if !signature.keyid.is_empty() {
        pair(html, "Key id", &signature.keyid);
    }
    // The identity and the times of logs, as far as they were verified.
    for (name, value) in &signature.metadata {
        pair(html, name, value);
    }
    pair(html, "Signature", &signature.sig);
}

fn pair(html: &mut Markup, name: &str, value: &str) {
    html.tag("<dt>").text(name).tag("</dt><dd><code>").text(value).tag("</code></dd>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_on_the_web_becomes_a_link() {
        for (url, is_link) in [
            ("https://github.com/shop/cart", true),
            ("http://github.com/shop/cart", false),
            ("javascript:alert(1)", false),
            ("https://user:secret@github.com/shop", false),
            ("https://github.com/\" onclick=\"x", false),
            ("https://", false),
            ("git@github.com:shop/cart", false),
        ] {
            assert_eq!(is_web_address(url), is_link, "{url}");
        }
    }

    #[test]
    fn a_commit_is_linked_where_the_form_of_its_address_is_known() {
        let revision = "0123456789012345678901234567890123456789";
        for (repository, shown) in [
            ("https://github.com/shop/cart.git", Some("https://github.com/shop/cart/commit/")),
            ("https://gitlab.example.com/shop/cart", Some("https://gitlab.example.com/shop/cart/-/commit/")),
            ("https://git.example/shop/cart", None),
            ("git@github.com:shop/cart", None),
        ] {
            assert_eq!(commit_url(repository, revision), shown.map(|url| format!("{url}{revision}")), "{repository}");
        }
        assert_eq!(commit_url("https://github.com/shop/cart", "main"), None);
    }

    #[test]
    fn sizes_have_the_unit_that_people_read() {
        for (size, shown) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (34_567, "33.7 KiB"),
            (5 << 20, "5.0 MiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(bytes(size), shown);
        }
    }
}
