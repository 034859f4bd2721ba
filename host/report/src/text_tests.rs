//! What the text report shows beyond the recorded output of `ec`: errors, early ends, hostile content.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    event::StopReason,
    evidence::CheckKind,
};
use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::{Format, test_data};

fn written(options: Options, outcomes: &[Outcome]) -> String {
    test_data::written(Format::Text, Options { ec_compat: true, ..options }, outcomes)
}

fn stopped(stopped: StopReason, outcomes: &[Outcome]) -> String {
    let mut end = test_data::end(outcomes);
    end.stopped = Some(stopped);
    test_data::written_at(Format::Text, Options { ec_compat: true, ..Options::default() }, end)
}

#[test]
fn an_error_is_reported_before_every_finding() {
    let error =
        EvaluationError::new(ErrorCode::RegistryTimeout, "r.example did not answer within 30 s").hint("try again");
    let run = [
        test_data::component("cart").violation(Finding::new("a.bad", "Bad")).evaluated(),
        test_data::component("shop").warning(Finding::new("a.odd", "Odd")).failed(error),
    ];
    assert_snapshot!(written(Options::default(), &run), @r"
    Success: false
    Result: ERROR
    Violations: 1, Warnings: 1, Successes: 0, Errors: 1

    Components:
    - Name: cart
      ImageRef: r.example/cart@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
      Violations: 1, Warnings: 0, Successes: 0

    - Name: shop
      ImageRef: r.example/shop@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
      Violations: 0, Warnings: 1, Successes: 0
      Error: registry-timeout

    Results:
    ✕ [Error] registry-timeout
      ImageRef: r.example/shop@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
      Reason: r.example did not answer within 30 s
      Hint: try again

    ✕ [Violation] a.bad
      ImageRef: r.example/cart@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
      Reason: Bad

    › [Warning] a.odd
      ImageRef: r.example/shop@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
      Reason: Odd
    ");
}

#[test]
fn checks_that_were_left_out_are_named() {
    let head = RunStarted { skipped: vec![CheckKind::ImageSignature], ..test_data::head() };
    let run = test_data::end(&[test_data::component("a").evaluated()]);
    let text = test_data::written_of(Format::Text, Options { ec_compat: true, ..Options::default() }, head, run);
    assert!(text.ends_with("\nSkipped on request: builtin.image.signature_check\n"), "{text}");
}

#[test]
fn an_early_end_is_the_last_line() {
    let done = test_data::component("a").evaluated();
    let late = |name, code| test_data::component(name).failed(EvaluationError::new(code, "not evaluated"));
    let last = |stop, outcomes: &[Outcome]| stopped(stop, outcomes).lines().last().unwrap().to_owned();
    let run = [done.clone(), late("b", ErrorCode::Deadline), late("c", ErrorCode::TooLarge)];
    assert_eq!(
        last(StopReason::Deadline, &run),
        "Stopped early: the deadline passed; 1 of 3 components were not evaluated."
    );
    let run = [late("b", ErrorCode::Interrupted), late("c", ErrorCode::Interrupted)];
    assert_eq!(
        last(StopReason::Interrupted, &run),
        "Stopped early: the run was interrupted; 2 of 2 components were not evaluated."
    );
    assert_eq!(
        last(StopReason::Interrupted, &[]),
        "Stopped early: the run was interrupted before any component was evaluated."
    );
    assert_eq!(
        last(StopReason::Deadline, &[done]),
        "Stopped early: the deadline passed when every component was done."
    );
}

#[test]
fn a_run_over_nothing_says_so() {
    assert_snapshot!(written(Options::default(), &[]), @r"
    Success: false
    Result: ERROR
    Violations: 0, Warnings: 0, Successes: 0
    No component was evaluated.
    ");
}

#[test]
fn warnings_successes_and_the_link_are_shown_as_requested() {
    let run = [test_data::component("cart")
        .warning(Finding::new("a.odd", "Odd"))
        .success(Finding::new("a.fine", "Pass").with("title", "T").with("solution", "S"))
        .evaluated()];
    let quiet = Options { show_warnings: false, ..Options::default() };
    let shows = |options| {
        let text = written(options, &run);
        assert!(text.contains("Violations: 0, Warnings: 1, Successes: 1\n"));
        ["Results:", "[Warning] a.odd", "[Success] a.fine", "policy documentation: https://", "Title: T", "Solution"]
            .map(|part| text.contains(part))
    };
    assert_eq!(shows(quiet), [false; 6]);
    assert_eq!(shows(Options { show_policy_docs_link: true, ..quiet }), [false; 6]);
    assert_eq!(shows(Options::default()), [true, true, false, false, false, false]);
    let linked = Options { show_policy_docs_link: true, ..Options::default() };
    assert_eq!(shows(linked), [true, true, false, true, false, false]);
    let successes = Options { show_successes: true, ..quiet };
    assert_eq!(shows(successes), [true, false, true, false, false, false]);
    assert_eq!(shows(Options { info: true, ..successes }), [true, false, true, false, true, false]);
}

#[test]
fn colors_mark_headings_only() {
    let options = Options { color: true, show_successes: true, ..Options::default() };
    let run = [test_data::component("cart")
        .violation(Finding::new("a.bad", "Bad"))
        .warning(Finding::new("a.odd", "Odd"))
        .success(Finding::new("a.fine", "Pass"))
        .failed(EvaluationError::new(ErrorCode::PluginTrap, "m"))];
    let text = written(options, &run);
    let colored: Vec<_> = text.lines().filter(|line| line.contains('\u{1b}')).collect();
    assert_eq!(
        colored,
        [
            "\u{1b}[31m✕\u{1b}[0m \u{1b}[31m[Error] plugin-trap\u{1b}[0m",
            "\u{1b}[31m✕\u{1b}[0m \u{1b}[31m[Violation] a.bad\u{1b}[0m",
            "\u{1b}[33m›\u{1b}[0m \u{1b}[33m[Warning] a.odd\u{1b}[0m",
            "\u{1b}[32m✓\u{1b}[0m \u{1b}[32m[Success] a.fine\u{1b}[0m",
        ]
    );
}

#[test]
fn metadata_of_unusual_types_are_shown_as_json_or_left_out() {
    let finding = Finding::new("a.b", "")
        .with("code", 7)
        .with("term", json!(["x", ["y"], {"b": 1, "a": 2}, null]))
        .with("title", json!({"t": "<b>"}))
        .with("description", 0.0)
        .with("solution", json!([]));
    let nothing = Finding { message: "m".to_owned(), metadata: std::sync::Arc::default() }.with("term", json!([]));
    let options = Options { info: true, ..Options::default() };
    let text = written(options, &[test_data::component("cart").violation(finding).violation(nothing).evaluated()]);
    let results: Vec<_> =
        text.lines().skip_while(|line| *line != "Results:").filter(|line| !line.contains("ImageRef")).collect();
    assert_eq!(
        results,
        [
            "Results:",
            "✕ [Violation] 7",
            r#"  Terms: x, ["y"], {"a":2,"b":1}, null"#,
            r#"  Title: {"t":"<b>"}"#,
            "",
            "✕ [Violation] %!s(<nil>)",
            "  Reason: m",
            "",
        ]
    );
}

#[test]
fn hostile_text_neither_commands_the_terminal_nor_begins_a_line() {
    for message in test_data::hostile_messages() {
        let finding = Finding::new(&message, message.clone())
            .with("term", json!([message]))
            .with("title", message.clone())
            .with("solution", json!({ "k": message }));
        let error = EvaluationError::new(ErrorCode::Malformed, message.clone()).hint(message.clone());
        let mut outcome = test_data::component(&message).violation(finding).failed(error);
        outcome.component.container_image = message.clone();
        outcome.image = None;
        let text = written(Options { info: true, ..Options::default() }, &[outcome]);
        assert!(!text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\t')));
        let ours =
            ["Success: false", "Result: ERROR", "Violations: 1", "Component: ", "ImageRef: ", "Results:", "✕ [", "  "];
        for line in text.lines() {
            assert!(line.is_empty() || ours.iter().any(|begin| line.starts_with(begin)), "{:.80}", line);
        }
        assert_eq!(text.lines().filter(|line| line.starts_with("Success:")).count(), 1);
    }
}
