//! Properties of every format: whatever a text from outside holds, the report can be read back, and the same run is reported alike.

use assay_model::yaml;
use proptest::prelude::*;
use serde_json::Value;

use crate::{
    Format, Options,
    conftest::{ConftestFinding, ConftestFormat, ConftestOptions, ConftestResult, ConftestRun},
    test_data,
};

/// Text of every kind, with what formats trip over more often than chance would have it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ -~]{0,12}",
        prop::sample::select(vec![
            "]]>",
            "<![CDATA[",
            "<script>",
            "</details>",
            "&amp;",
            "|",
            "`",
            "](",
            "\n",
            "\r\n",
            "\t",
            "\0",
            "\u{1b}[2J",
            "\u{2028}",
            "\u{202e}",
            "\u{feff}",
            "\u{ffff}",
            ": ",
            " #",
            "---",
            "'",
            "\"",
            "\\",
            "%",
            "{{",
            "../",
            "@",
            "-->",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Reads a report back in its own format.
fn check(format: Format, text: &str) {
    let allow_dtd = || roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    match format {
        Format::Json | Format::Appstudio | Format::Summary | Format::Sarif | Format::Vsa => {
            assert_eq!(text.lines().count(), 1, "{format}");
            serde_json::from_str::<Value>(text).unwrap();
        }
        Format::Jsonl => text.split_terminator('\n').for_each(|line| {
            serde_json::from_str::<Value>(line).unwrap();
        }),
        Format::Yaml => drop(yaml::parse(text).unwrap()),
        Format::Junit | Format::Html => drop(roxmltree::Document::parse_with_options(text, allow_dtd()).unwrap()),
        // For people: nothing in them may command a terminal.
        Format::Text | Format::Markdown | Format::SummaryMarkdown => {
            assert!(!text.contains(|one: char| one.is_control() && !matches!(one, '\n' | '\t')), "{format}");
        }
        Format::Attestation | Format::PolicyInput => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_report_can_be_read_back_whatever_it_quotes(text in text()) {
        let options = Options { show_successes: true, info: true, ..Options::default() };
        for format in Format::ALL {
            let written = test_data::written_at(format, options, test_data::hostile(&text));
            check(format, &written);
            prop_assert_eq!(written, test_data::written_at(format, options, test_data::hostile(&text)), "{}", format);
        }
        let yaml = test_data::written_at(Format::Yaml, options, test_data::hostile(&text));
        let json = test_data::written_at(Format::Json, options, test_data::hostile(&text));
        let json = crate::yaml::shown(serde_json::from_str(&json).unwrap());
        prop_assert_eq!(yaml::parse(&yaml).unwrap(), json);
    }
}

#[test]
fn no_report_commands_a_terminal_or_to_a_pipeline() {
    let hostile = "amd64\r\n::error title=x::fine\n ::set-output name=a::b\n##vso[task.complete result=Succeeded;] x ##[error]y \
                   \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}32m\u{7f}\u{85}\u{202e}\u{200b}\u{2028}\u{feff}\u{e0041}";
    let options = Options { show_successes: true, info: true, ..Options::default() };
    let mut texts: Vec<(String, String)> = Format::ALL
        .into_iter()
        .map(|format| (format.to_string(), test_data::written_at(format, options, test_data::hostile(hostile))))
        .collect();
    let found = || vec![ConftestFinding { message: hostile.to_owned(), ..ConftestFinding::default() }];
    let result = ConftestResult {
        file: hostile.to_owned(),
        namespace: hostile.to_owned(),
        successes: 1,
        warnings: found(),
        failures: found(),
        exceptions: found(),
    };
    let run = ConftestRun { results: vec![result], ..ConftestRun::default() };
    for format in ConftestFormat::ALL {
        texts.push((format!("conftest {format:?}"), run.report(format, ConftestOptions::default()).unwrap()));
    }
    for (format, text) in texts {
        // What a pipeline's own format says is the program's.
        let is_own = |line: &str| {
            ["::group::Testing", "::error file=", "::warning file=", "::notice file=", "::endgroup::"]
                .iter()
                .chain(&["##[section]Testing", "##[group]See", "##vso[task.logissue type=", "##[endgroup]"])
                .find_map(|own| line.strip_prefix(own))
                .map(str::to_owned)
        };
        for line in text.split('\n') {
            let line = match format.starts_with("conftest") {
                true => is_own(line).unwrap_or_else(|| line.to_owned()),
                false => line.to_owned(),
            };
            assert!(!line.trim_start().starts_with("::"), "{format}: {line}");
            assert!(!line.contains("##vso[") && !line.contains("##["), "{format}: {line}");
            // Markdown has a space without width of its own, so that nobody is mentioned.
            let is_own = |character: char| character == '\t' || (format == "markdown" && character == '\u{200b}');
            let harmful = line.chars().find(|character| !is_own(*character) && crate::sanitize::is_harmful(*character));
            assert_eq!(harmful, None, "{format}: {line}");
        }
    }
}
