//! The page is well-formed, reports what happened, and keeps hostile texts as texts.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    finding::Finding,
    outcome::Outcome,
};
use insta::assert_snapshot;

use crate::{Format, Options, test_data};

/// The most that a page about a hundred components and two hundred rules may weigh.
const LARGE_PAGE_BYTES: usize = 2_000_000;

fn options() -> Options {
    Options { show_successes: true, ..Options::default() }
}

fn full(outcomes: &[Outcome]) -> String {
    test_data::written_of(Format::Html, options(), test_data::full_head(), test_data::end(outcomes))
}

/// Reads the page back as XML, which it is too.
fn check(text: &str) -> roxmltree::Document<'_> {
    let allow_dtd = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(text, allow_dtd).unwrap();
    let ids: Vec<_> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len(), "an id is there twice");
    for link in document.descendants().filter_map(|node| node.attribute("href")) {
        let Some(id) = link.strip_prefix('#') else { continue };
        assert!(ids.contains(&id), "{link} leads nowhere");
    }
    document
}

fn with_class<'a, 'd>(document: &'a roxmltree::Document<'d>, class: &str) -> Vec<roxmltree::Node<'a, 'd>> {
    let has = |node: &roxmltree::Node<'_, '_>| {
        node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class))
    };
    document.descendants().filter(has).collect()
}

#[test]
fn a_mixed_run_is_reported_completely() {
    let text = test_data::written_of(Format::Html, options(), test_data::full_head(), test_data::mixed());
    check(&text);
    let body = text.split_once("<body>").unwrap().1.split_once("<script>").unwrap().0;
    assert_snapshot!(body);
}

#[test]
fn nothing_from_elsewhere_and_no_script_but_its_own_can_get_in() {
    let text = test_data::written_at(Format::Html, options(), test_data::mixed());
    let document = check(&text);
    let policy = document.descendants().find(|node| node.attribute("http-equiv").is_some()).unwrap();
    let policy = policy.attribute("content").unwrap();
    let (style, script) = (super::hash(super::STYLE), super::hash(super::SCRIPT));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; \
             form-action 'none'"
        )
    );
    let scripts: Vec<_> = document.descendants().filter(|node| node.has_tag_name("script")).collect();
    // What a browser hashes is what stands between the tags.
    assert!(scripts.len() == 1 && scripts[0].text() == Some(super::SCRIPT));
    for node in document.descendants() {
        assert!(!["link", "img", "iframe", "object", "form"].contains(&node.tag_name().name()), "{node:?}");
        let hostile = node.attributes().find(|attribute| {
            let name = attribute.name();
            let leads_away = name == "href" && !attribute.value().starts_with('#');
            name.starts_with("on")
                || name == "src"
                || name == "style"
                || (leads_away && !(attribute.value().starts_with("https://") && node.attribute("rel").is_some()))
        });
        assert!(hostile.is_none(), "{hostile:?}");
    }
}

#[test]
fn the_header_names_everything_that_the_result_rests_on() {
    let text = full(&[test_data::component("cart").success(Finding::new("a.b", "Pass")).evaluated()]);
    let document = check(&text);
    let facts = with_class(&document, "facts")[0];
    let shown: Vec<_> = facts.descendants().filter_map(|node| node.text()).filter(|text| *text != "\n").collect();
    for part in ["shop", "k.pub", "2026-12-01T12:00:00Z", "3.2 s"] {
        assert!(shown.contains(&part), "{part}: {shown:?}");
    }
    let has = |start: &str| shown.iter().any(|text| text.starts_with(start));
    assert!(has("git::https://git.example/policy?ref=0123") && has("oci::r.example/data@sha256:"), "{shown:?}");
    assert!(
        shown.iter().any(|text| text.starts_with("licenses 0.1.0 sha256:") && text.ends_with("(deny=GPL-3.0-only)"))
    );
}

#[test]
fn a_rule_says_what_it_requires_what_it_found_where_and_how_to_fix_it() {
    let run: Vec<_> = test_data::index("cart", &["amd64", "arm64"])
        .into_iter()
        .take(1)
        .chain([test_data::component("shop").evaluated(), test_data::component("mail").evaluated()])
        .map(|mut one| {
            if one.component.name != "mail" {
                let finding = Finding::new("a.b", "It is bad").with("description", "It is good.");
                one.decision.violations.push(finding.with("solution", "Make it good."));
            }
            one
        })
        .collect();
    let text = full(&run);
    let document = check(&text);
    let rule = document.descendants().find(|node| node.attribute("id") == Some("rule-a.b")).unwrap();
    let headings: Vec<_> =
        rule.descendants().filter(|node| node.has_tag_name("h3")).filter_map(|node| node.text()).collect();
    assert_eq!(headings, ["Requirement", "Found", "How to fix"]);
    let found: Vec<_> = with_class(&document, "found")
        .into_iter()
        .flat_map(|list| list.children())
        .filter(|node| node.is_element())
        .collect();
    assert_eq!(found.len(), 1, "a message is there once");
    let links: Vec<_> = found[0].descendants().filter_map(|node| node.attribute("href")).collect();
    assert_eq!(links.len(), 2);
    assert!(links.contains(&"#component-shop"));
    assert!(!text.contains(">Why"));
}

#[test]
fn anchors_are_equal_in_the_report_of_the_next_build() {
    let ids = |digest: &[u8]| {
        let mut run: Vec<_> = test_data::many(3);
        for outcome in &mut run {
            outcome.image =
                outcome.image.take().map(|image| image.repository.at(assay_model::digest::Digest::of(digest)));
        }
        let text = full(&run);
        let document = check(&text);
        document.descendants().filter_map(|node| node.attribute("id").map(str::to_owned)).collect::<Vec<_>>()
    };
    let first = ids(b"one");
    assert_eq!(first, ids(b"two"));
    assert!(first.contains(&"component-service-00".to_owned()) && first.contains(&"rule-tasks.trusted".to_owned()));
}

#[test]
fn evidence_names_signer_builder_source_and_commit() {
    let mut end = test_data::mixed();
    for outcome in &mut end.outcomes {
        let outcome = std::sync::Arc::make_mut(outcome);
        outcome.component.source = serde_json::json!({"git": {"url": "https://github.com/shop/cart",
            "revision": "0123456789012345678901234567890123456789"}});
    }
    let text = test_data::written_at(Format::Html, options(), end);
    check(&text);
    for part in [
        "<dt>Key id</dt><dd><code>SHA256:example</code>",
        "<dt>Builder</dt><dd><code>https://tekton.dev/chains/v2</code>",
        "href=\"https://github.com/shop/cart/commit/0123456789012345678901234567890123456789\"",
        "<dt>Size</dt><dd><code>33.7 KiB</code>",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_page_about_a_hundred_components_and_two_hundred_rules_stays_small() {
    let component = |number: usize| {
        let mut component = test_data::component(&format!("service-{number:03}"));
        for rule in 0..200 {
            let finding = |message: String| {
                Finding::new(&format!("package_{}.rule_number_{rule}", rule / 10), message)
                    .with("title", format!("Rule number {rule} is fulfilled by every image"))
                    .with("description", "What the rule requires takes a sentence or two to say. ".repeat(3))
                    .with("solution", "How to fulfill it takes another sentence. ".repeat(3))
            };
            component = match (number + rule) % 40 {
                0 => component.violation(finding(format!("Image {number} has what rule {rule} does not allow"))),
                1 => component.warning(finding("It will become a failure".to_owned())),
                _ => component.success(finding("Pass".to_owned())),
            };
        }
        component.evaluated()
    };
    let run: Vec<_> = (0..100).map(component).collect();
    let text = full(&run);
    check(&text);
    assert!(text.len() < LARGE_PAGE_BYTES, "{}", text.len());
    // Everything is in it, for the printer too.
    assert_eq!(run.iter().map(|one| one.decision.violations.len()).sum::<usize>(), 500);
    for outcome in &run {
        for violation in &outcome.decision.violations {
            assert_eq!(text.matches(&format!("{}<", violation.message)).count(), 2, "{}", violation.message);
        }
    }
}

#[test]
fn a_run_over_nothing_is_an_error() {
    let text = test_data::written(Format::Html, Options::default(), &[]);
    check(&text);
    assert!(text.contains("No component was evaluated."));
}

#[test]
fn hostile_texts_stay_texts() {
    let plain = test_data::written_at(Format::Html, options(), test_data::hostile("harmless"));
    // What stands between backticks is code, regardless of who wrote it; that is all the markup that a text can cause.
    let elements = |text: &str| {
        let document = check(text);
        let others = document.descendants().filter(|node| node.is_element() && !node.has_tag_name("code"));
        others.count()
    };
    for message in test_data::hostile_messages() {
        let text = test_data::written_at(Format::Html, options(), test_data::hostile(&message));
        assert_eq!(elements(&text), elements(&plain), "{:?}", message.chars().take(60).collect::<String>());
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }
}

#[test]
fn an_error_shows_its_code_and_its_hint() {
    let error = EvaluationError::new(ErrorCode::RegistryTimeout, "r.example is silent").hint("try again");
    let text = test_data::written(Format::Html, options(), &[test_data::component("cart").failed(error)]);
    let document = check(&text);
    assert_eq!(with_class(&document, "component").len(), 1);
    for part in ["registry-timeout", "r.example is silent", "try again", "1 of 1 component could not be evaluated."] {
        assert!(text.contains(part), "{part}");
    }
}
