//! The page is well-formed, reports what happened, and keeps hostile texts as texts.

use assay_model::error::{ErrorCode, EvaluationError};
use insta::assert_snapshot;

use crate::{Format, Options, test_data};

fn options() -> Options {
    Options { show_successes: true, ..Options::default() }
}

/// Reads the page back as XML, which it is too.
fn check(text: &str) -> roxmltree::Document<'_> {
    let allow_dtd = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    roxmltree::Document::parse_with_options(text, allow_dtd).unwrap()
}

fn classes(document: &roxmltree::Document<'_>, class: &str) -> usize {
    let has = |node: &roxmltree::Node<'_, '_>| {
        node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class))
    };
    document.descendants().filter(has).count()
}

#[test]
fn a_mixed_run_is_reported_completely() {
    let text = test_data::written_at(Format::Html, options(), test_data::mixed());
    check(&text);
    let body = text.split_once("<body>").unwrap().1;
    assert_snapshot!(body);
}

#[test]
fn nothing_from_elsewhere_and_no_script_can_get_in() {
    let text = test_data::written_at(Format::Html, options(), test_data::mixed());
    let document = check(&text);
    let policy = document.descendants().find(|node| node.attribute("http-equiv").is_some()).unwrap();
    let policy = policy.attribute("content").unwrap();
    assert_snapshot!(policy.split("sha256-").next().unwrap(), @"default-src 'none'; style-src '");
    for node in document.descendants() {
        assert!(!["script", "link", "img", "iframe", "object", "form"].contains(&node.tag_name().name()), "{node:?}");
        let hostile = node.attributes().find(|attribute| {
            let name = attribute.name();
            name.starts_with("on")
                || name == "src"
                || name == "style"
                || (name == "href" && !attribute.value().starts_with('#'))
        });
        assert!(hostile.is_none(), "{hostile:?}");
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
    assert_eq!(classes(&document, "component"), 1);
    for part in ["registry-timeout", "r.example is silent", "try again", "1 of 1 component could not be evaluated."] {
        assert!(text.contains(part), "{part}");
    }
}
