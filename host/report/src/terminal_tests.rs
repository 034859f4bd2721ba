//! What a person sees at a terminal and in a pipe.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    event::StopReason,
    evidence::CheckKind,
    finding::Finding,
    outcome::Outcome,
};
use insta::assert_snapshot;

use super::*;
use crate::{Format, test_data};

fn on(width: u16) -> Options {
    Options { width: Some(width), ..Options::default() }
}

fn shown(options: Options, outcomes: &[Outcome]) -> String {
    test_data::written_of(Format::Text, options, test_data::full_head(), test_data::end(outcomes))
}

fn failed(name: &str) -> Outcome {
    let error = EvaluationError::new(ErrorCode::RegistryTimeout, "the registry r.example did not answer within 30 s");
    test_data::component(name).failed(error.hint("try again, or give more time with --timeout"))
}

#[test]
fn one_component_that_is_denied() {
    assert_snapshot!(shown(on(80), &test_data::many(1)));
}

#[test]
fn five_components_of_which_some_have_an_error() {
    let run: Vec<_> = test_data::many(2)
        .into_iter()
        .chain(["search", "mail"].map(failed))
        .chain([test_data::component("stock").success(Finding::new("a.b", "Pass")).evaluated()])
        .collect();
    assert_snapshot!(shown(on(80), &run));
}

#[test]
fn fifty_components_with_three_findings_each_fit_on_one_screen() {
    let run = test_data::many(51);
    let run: Vec<_> =
        run.into_iter().filter(|one| one.decision.violations.len() == 2).chain(test_data::many(1)).collect();
    let text = shown(on(80), &run);
    assert!(text.lines().count() <= 24, "{text}");
    assert_snapshot!(shown(on(80), &test_data::many(50)));
}

#[test]
fn an_index_and_its_images_stand_on_one_line() {
    let run: Vec<_> = test_data::index("cart", &["amd64", "arm64"])
        .into_iter()
        .map(|mut one| {
            one.decision.violations.push(Finding::new("a.b", "It is bad").with("title", "It is good"));
            one
        })
        .chain([test_data::component("shop").success(Finding::new("a.b", "Pass")).evaluated()])
        .collect();
    assert_snapshot!(shown(Options::default(), &run));
}

#[test]
fn a_narrow_terminal_wraps_and_a_pipe_does_not() {
    let run: Vec<_> = test_data::many(5).into_iter().chain([failed("search")]).collect();
    let narrow = shown(on(40), &run);
    assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");
    assert_snapshot!(narrow);
    let most: Vec<_> = test_data::many(50).into_iter().chain([failed("search")]).collect();
    let piped = shown(Options::default(), &most);
    let longest = piped.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest > 200 && piped.contains("service-49"), "{piped}");
    assert!(shown(on(1), &run).lines().count() > 20);
}

#[test]
fn a_run_that_passes_says_so_in_three_lines() {
    let fine = |name: &str| test_data::component(name).success(Finding::new("a.b", "Pass")).evaluated();
    assert_snapshot!(shown(on(80), &[fine("cart"), fine("shop")]));
}

#[test]
fn an_interrupted_run_shows_what_it_has_and_what_it_has_not() {
    let late = |name: &str| {
        test_data::component(name).failed(EvaluationError::new(
            ErrorCode::Interrupted,
            "the run was interrupted before this component was evaluated",
        ))
    };
    let run: Vec<_> = test_data::many(1).into_iter().chain([late("b"), late("c")]).collect();
    let mut end = test_data::end(&run);
    end.stopped = Some(StopReason::Interrupted);
    assert_snapshot!(test_data::written_of(Format::Text, on(80), test_data::full_head(), end));
}

#[test]
fn a_run_over_nothing_is_an_error() {
    let text = shown(on(80), &[]);
    assert!(text.contains("? No component was evaluated: 0 violations, 0 warnings, 0 successes in 3.2 s"), "{text}");
}

#[test]
fn what_is_requested_is_shown_and_nothing_else() {
    let mut outcome = test_data::many(1).remove(0);
    outcome.notices.push("the base image was not read".to_owned());
    let has = |options: Options| {
        let head = RunStarted { skipped: vec![CheckKind::ImageSignature], ..test_data::full_head() };
        let text = test_data::written_of(Format::Text, options, head, test_data::end(&[outcome.clone()]));
        for always in
            ["note on service-00: the base", "skipped on request: builtin.image", "fix: Do what", "licenses 0.1.0"]
        {
            assert!(text.contains(always), "{text}");
        }
        ["(warning)", "requirement: The image fulfills", "1 rule passed", "policy documentation: https://"]
            .map(|part| text.contains(part))
    };
    let none = Options { show_warnings: false, ..Options::default() };
    assert_eq!(has(Options::default()), [true, false, false, false]);
    assert_eq!(has(none), [false; 4]);
    assert_eq!(has(Options { info: true, ..none }), [false, true, false, false]);
    assert_eq!(has(Options { show_successes: true, ..none }), [false, false, true, false]);
    assert_eq!(has(Options { show_policy_docs_link: true, ..none }), [false, false, false, true]);
}

#[test]
fn a_rule_without_a_solution_says_whose_turn_it_is() {
    let finding = || Finding::new("a.b", "m").with("effective_on", "2099-01-01T00:00:00Z");
    let nothing = Finding { message: "no rule says this".to_owned(), metadata: std::sync::Arc::default() };
    let run = [test_data::component("cart").violation(nothing).warning(finding()).evaluated()];
    let text = shown(Options::default(), &run);
    for part in
        ["fix: the policy gives no solution", "✕ without a rule\n  no rule says this\n", "effective from: 2099-01-01"]
    {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn colors_mark_headings_only() {
    let options = Options { color: true, ..on(40) };
    let text = shown(options, &[failed("search"), test_data::many(1).remove(0), test_data::component("a").evaluated()]);
    let plain = shown(on(40), &[failed("search"), test_data::many(1).remove(0), test_data::component("a").evaluated()]);
    for line in text.lines().filter(|line| line.contains('\u{1b}')) {
        assert!(["\u{1b}[1;3", "? ", "✕ ", "› ", "✓ "].iter().any(|begin| line.starts_with(begin)), "{line:?}");
        assert_eq!((line.matches("\u{1b}[1;3").count(), line.matches("\u{1b}[0m").count()), (1, 1), "{line:?}");
    }
    let mut without = text.replace("\u{1b}[0m", "");
    for color in [31, 32, 33, 35] {
        without = without.replace(&format!("\u{1b}[1;{color}m"), "");
    }
    assert_eq!(without, plain);
}

#[test]
fn more_messages_than_a_person_reads_are_counted_on_a_terminal_and_listed_in_a_pipe() {
    let mut component = test_data::component("cart");
    for number in 0..20 {
        component = component.violation(Finding::new("a.b", format!("number {number}")));
    }
    let run = [component.evaluated()];
    assert!(shown(on(80), &run).contains("… and 14 messages in 1 component\n"));
    assert!(shown(Options::default(), &run).contains("number 19"));
}

#[test]
fn hostile_text_neither_commands_the_terminal_nor_begins_a_line() {
    for message in test_data::hostile_messages() {
        for options in [Options { info: true, show_successes: true, ..Options::default() }, on(80), on(1)] {
            let text = test_data::written_at(Format::Text, options, test_data::hostile(&message));
            assert!(!text.chars().any(|one| (one.is_control() && !matches!(one, '\n' | '\t')) || one == '\u{202e}'));
            if options.width.is_some() {
                continue;
            }
            let ours = ["? ", "✕ ", "› ", "✓ ", "  ", "note on ", "effective time: "];
            for line in text.lines() {
                assert!(line.is_empty() || ours.iter().any(|begin| line.starts_with(begin)), "{line:.80}");
            }
            assert!(text.lines().last().unwrap().starts_with("? 1 of 1 component could not be evaluated"));
        }
    }
}
