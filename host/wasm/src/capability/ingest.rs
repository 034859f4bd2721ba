//! [`parse`]: reports of test tools as test cases, so that no plugin needs a parser of its own.
//!
//! Formats: `junit` (the XML of Ant and Maven), `testing-farm` (the same with a `result` for each case), `tap` (Test
//! Anything Protocol 14), `sarif` (SARIF 2.1.0). Whatever is not understood is malformed, never a success.

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;

use crate::{
    limits,
    values::{Outcome, TestCase},
};

/// Why a report is not parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IngestError {
    UnknownFormat,
    Malformed(String),
}

/// Elements and texts of a report in XML.
const NODES: u32 = 2_000_000;

/// The cases of a report.
pub(crate) fn parse(report: &[u8], format: &str) -> Result<Vec<TestCase>, IngestError> {
    let read: fn(&str) -> Result<Vec<TestCase>, String> = match format {
        "junit" | "testing-farm" => junit,
        "tap" => tap,
        "sarif" => sarif,
        _ => return Err(IngestError::UnknownFormat),
    };
    let text = std::str::from_utf8(report).map_err(|error| IngestError::Malformed(error.to_string()))?;
    let cases = read(text).map_err(IngestError::Malformed)?;
    if cases.len() as u64 > limits::TEST_CASES {
        return Err(IngestError::Malformed(format!("it has more than {} test cases", limits::TEST_CASES)));
    }
    Ok(cases)
}

fn junit(text: &str) -> Result<Vec<TestCase>, String> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
    let root = document.root_element();
    if !matches!(root.tag_name().name(), "testsuites" | "testsuite") {
        return Err(format!("its root element is `{}`, not `testsuites` or `testsuite`", root.tag_name().name()));
    }
    root.descendants().filter(|node| node.has_tag_name("testcase")).map(junit_case).collect()
}

fn junit_case(case: Node<'_, '_>) -> Result<TestCase, String> {
    let child = |name: &str| case.children().find(|node| node.has_tag_name(name));
    let outcome = match case.attribute("result") {
        Some("passed" | "info") => Some(Outcome::Success),
        Some("failed" | "needs_inspection") => Some(Outcome::Failure),
        Some("skipped") => Some(Outcome::Skipped),
        Some("error" | "undefined" | "not_applicable") => Some(Outcome::Error),
        Some(other) => return Err(format!("a test case has the unknown result `{other}`")),
        None => None,
    };
    let (by_child, element) = if let Some(error) = child("error") {
        (Outcome::Error, Some(error))
    } else if let Some(failure) = child("failure") {
        (Outcome::Failure, Some(failure))
    } else if let Some(skipped) = child("skipped") {
        (Outcome::Skipped, Some(skipped))
    } else {
        (Outcome::Success, None)
    };
    let message = element.and_then(|element| element.attribute("message").or_else(|| element.text()));
    let seconds = case.attribute("time").and_then(|time| time.replace(',', "").parse::<f64>().ok()).unwrap_or_default();
    let suite =
        case.ancestors().find_map(|node| node.has_tag_name("testsuite").then(|| node.attribute("name")).flatten());
    Ok(TestCase {
        suite: case.attribute("classname").or(suite).unwrap_or_default().to_owned(),
        name: case.attribute("name").unwrap_or_default().to_owned(),
        // The worse of both: a success with a failure in it is none.
        outcome: outcome.map_or(by_child, |outcome| outcome.max(by_child)),
        millis: std::time::Duration::try_from_secs_f64(seconds)
            .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        message: message.map(str::trim).filter(|message| !message.is_empty()).map(str::to_owned),
    })
}

fn tap(text: &str) -> Result<Vec<TestCase>, String> {
    let mut cases = Vec::new();
    let mut planned = None;
    for line in text.lines() {
        if let Some(plan) = line.strip_prefix("1..") {
            let count = plan.split_whitespace().next().unwrap_or_default();
            planned = Some(count.parse::<usize>().map_err(|_| format!("`{line}` is not a plan"))?);
        } else if let Some(why) = line.strip_prefix("Bail out!") {
            cases.push(tap_case("Bail out", Outcome::Error, Some(why.trim())));
        } else if let Some((is_ok, rest)) = tap_line(line) {
            let rest = rest.trim_start().trim_start_matches(|char: char| char.is_ascii_digit());
            let rest = rest.trim_start().trim_start_matches("- ");
            let (name, directive) = rest.split_once(" # ").map_or((rest, None), |(name, rest)| (name, Some(rest)));
            let directive_is = |word: &str| {
                directive.and_then(|text| text.get(..word.len())).is_some_and(|start| start.eq_ignore_ascii_case(word))
            };
            let outcome = match is_ok {
                _ if directive_is("skip") => Outcome::Skipped,
                false if directive_is("todo") => Outcome::Warning,
                true => Outcome::Success,
                false => Outcome::Failure,
            };
            cases.push(tap_case(name, outcome, directive));
        }
    }
    match planned {
        None => Err("it has no plan such as `1..3`".to_owned()),
        // What was planned and did not run is no success.
        Some(planned) if planned != cases.len() => {
            let why = format!("{} of {planned} planned tests ran", cases.len());
            cases.push(tap_case("Plan", Outcome::Error, Some(&why)));
            Ok(cases)
        }
        Some(_) => Ok(cases),
    }
}

/// `ok` or `not ok` at the beginning of a line.
fn tap_line(line: &str) -> Option<(bool, &str)> {
    let (is_ok, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    rest.chars().next().is_none_or(char::is_whitespace).then_some((is_ok, rest))
}

fn tap_case(name: &str, outcome: Outcome, message: Option<&str>) -> TestCase {
    TestCase { suite: "tap".to_owned(), name: name.to_owned(), outcome, millis: 0, message: message.map(str::to_owned) }
}

fn sarif(text: &str) -> Result<Vec<TestCase>, String> {
    let log: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let runs = log.get("runs").and_then(Value::as_array).ok_or("it has no list `runs`")?;
    let mut cases = Vec::new();
    for run in runs {
        let tool = run.pointer("/tool/driver/name").and_then(Value::as_str).unwrap_or("sarif");
        let results = match run.get("results") {
            None | Some(Value::Null) => continue,
            Some(results) => results.as_array().ok_or("`results` is not a list")?,
        };
        cases.extend(results.iter().map(|result| sarif_case(tool, result)));
    }
    Ok(cases)
}

fn sarif_case(tool: &str, result: &Value) -> TestCase {
    let text = |pointer: &str| result.pointer(pointer).and_then(Value::as_str);
    let outcome = match text("/kind").unwrap_or("fail") {
        "pass" => Outcome::Success,
        "notApplicable" => Outcome::Skipped,
        // Level applies to failures only (SARIF 2.1.0, 3.27.10); without one it is a warning.
        "fail" if text("/level") == Some("error") => Outcome::Failure,
        _ => Outcome::Warning,
    };
    let place = text("/locations/0/physicalLocation/artifactLocation/uri").unwrap_or_default();
    let rule = text("/ruleId").or_else(|| text("/rule/id")).unwrap_or("result");
    let name = if place.is_empty() { rule.to_owned() } else { format!("{rule} {place}") };
    TestCase { suite: tool.to_owned(), name, outcome, millis: 0, message: text("/message/text").map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(report: &str, format: &str) -> Vec<String> {
        let line = |case: TestCase| {
            format!(
                "{}/{} {} {} {}",
                case.suite,
                case.name,
                case.outcome.as_str(),
                case.millis,
                case.message.unwrap_or_default()
            )
        };
        parse(report.as_bytes(), format).unwrap().into_iter().map(line).collect()
    }

    #[test]
    fn junit_cases_have_the_outcome_of_their_children() {
        let report = r#"<?xml version="1.0"?><testsuites><testsuite name="unit">
            <testcase classname="a.B" name="one" time="0.250"/>
            <testcase name="two" time="1,000.5"><failure message="no">trace</failure></testcase>
            <testcase name="three"><error> broke </error></testcase>
            <testcase name="four"><skipped/></testcase>
        </testsuite></testsuites>"#;
        let want =
            ["a.B/one SUCCESS 250 ", "unit/two FAILURE 1000500 no", "unit/three ERROR 0 broke", "unit/four SKIPPED 0 "];
        assert_eq!(lines(report, "junit"), want);
    }

    #[test]
    fn a_testing_farm_case_has_its_result_and_is_never_better_than_its_children() {
        let report = r#"<testsuites overall-result="failed"><testsuite name="/plan">
            <testcase name="a" result="passed"/><testcase name="b" result="needs_inspection"/>
            <testcase name="c" result="passed"><failure/></testcase><testcase name="d" result="error"/>
        </testsuite></testsuites>"#;
        let want = ["/plan/a SUCCESS 0 ", "/plan/b FAILURE 0 ", "/plan/c FAILURE 0 ", "/plan/d ERROR 0 "];
        assert_eq!(lines(report, "testing-farm"), want);
    }

    #[test]
    fn tap_without_all_planned_tests_is_an_error() {
        let report = "TAP version 14\n1..5\nok 1 - one\nnot ok 2 two\nok 3 - three # SKIP later\nnot ok 4 # TODO some day\nokay\n";
        let want = [
            "tap/one SUCCESS 0 ",
            "tap/two FAILURE 0 ",
            "tap/three SKIPPED 0 SKIP later",
            "tap/# TODO some day FAILURE 0 ",
            "tap/Plan ERROR 0 4 of 5 planned tests ran",
        ];
        assert_eq!(lines(report, "tap"), want);
        assert_eq!(lines("1..1\nnot ok 1 - a # todo b\n", "tap"), ["tap/a WARNING 0 todo b"]);
        assert_eq!(lines("Bail out! no disk\n1..1\n", "tap"), ["tap/Bail out ERROR 0 no disk"]);
    }

    #[test]
    fn sarif_results_are_failures_unless_they_say_otherwise() {
        let report = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}}, "results": [
            {"ruleId": "E1", "level": "error", "message": {"text": "bad"},
             "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.c"}}}]},
            {"ruleId": "W1", "message": {"text": "hm"}}, {"ruleId": "P1", "kind": "pass"},
            {"ruleId": "N1", "kind": "notApplicable"}]}, {}]}"#;
        let want = ["lint/E1 a.c FAILURE 0 bad", "lint/W1 WARNING 0 hm", "lint/P1 SUCCESS 0 ", "lint/N1 SKIPPED 0 "];
        assert_eq!(lines(report, "sarif"), want);
    }

    #[test]
    fn what_is_not_understood_is_malformed() {
        for (report, format) in [
            ("", "junit"),
            ("<html/>", "junit"),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><testsuite name='&b;'/>", "junit"),
            ("<testsuite><testcase result='great'/></testsuite>", "testing-farm"),
            ("ok 1\n", "tap"),
            ("1..x\n", "tap"),
            ("{}", "sarif"),
            ("[]", "sarif"),
            (r#"{"runs": [{"results": {}}]}"#, "sarif"),
        ] {
            assert!(matches!(parse(report.as_bytes(), format), Err(IngestError::Malformed(_))), "{report}");
        }
        assert!(matches!(parse(b"\xff", "tap"), Err(IngestError::Malformed(_))));
        assert_eq!(parse(b"", "xunit2"), Err(IngestError::UnknownFormat));
    }
}
