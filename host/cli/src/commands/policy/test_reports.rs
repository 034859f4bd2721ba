//! Reports of tests and of coverage: for people, and in OPA's and JUnit's shapes.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use assay_rego::{Case, CoverageReport, FileCoverage, Test, TestOutcome, TestResult};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use serde_json::{Value, json};

use super::{
    json::pretty as pretty_json,
    test_bench::Measured,
    times::{nanoseconds, shown},
    trace,
};
use crate::flags::policy::Explain;

/// The readable report of tests.
pub(super) struct Report<'a> {
    pub(super) verbose: bool,
    pub(super) explain: Explain,
    /// How long tests took, in the order of the results, where that was measured.
    pub(super) measured: &'a [Option<Measured>],
    /// Whether those are written for tools of Go's benchmarks.
    pub(super) for_go: bool,
}

type All<'a> = [(&'a Test, &'a TestResult)];

const RULE: &str = "--------------------------------------------------------------------------------";

/// For people: what did not pass and why, or every test, and a summary. Scripts read some of it, so its lines are OPA's;
/// the expression that failed with its values is ours.
pub(super) fn pretty(all: &All<'_>, report: &Report<'_>) -> String {
    let mut text = String::new();
    let did_fail = |result: &TestResult| matches!(result.end, TestOutcome::Failed | TestOutcome::Error(_));
    if report.verbose && all.iter().any(|(_, result)| did_fail(result)) {
        text.push_str("FAILURES\n");
        text.push_str(RULE);
        text.push('\n');
        for (test, result) in all.iter().filter(|(_, result)| did_fail(result)) {
            text.push_str(&head(test, result));
            text.push('\n');
            let detail = trace::level(report.explain);
            let steps = detail.map(|detail| trace::lines(&result.trace, detail, report.explain == Explain::Debug));
            block(&mut text, &steps.unwrap_or_default());
            block(&mut text, &why(result));
        }
        text.push_str("SUMMARY\n");
        text.push_str(RULE);
        text.push('\n');
    }
    let mut dirty = false;
    for (at, (test, result)) in all.iter().enumerate() {
        if let Some(Some(measured)) = report.measured.get(at) {
            dirty = true;
            text.push_str(&measured.line(test, report.for_go));
            text.push('\n');
            continue;
        }
        if !report.verbose && result.end == TestOutcome::Passed {
            continue;
        }
        dirty = true;
        let _infallible = writeln!(text, "{}:{}:", test.location.file, test.location.line);
        text.push_str(&head(test, result));
        list_cases(&mut text, &result.cases, report.verbose, 1);
        if let TestOutcome::Error(error) = &result.end {
            let _infallible = writeln!(text, "  {error}");
        }
        let output: Vec<_> = result.output.iter().map(|line| format!("  {line}")).collect();
        if !output.is_empty() {
            text.push('\n');
            block(&mut text, &output);
        }
    }
    if dirty {
        text.push_str(RULE);
        text.push('\n');
    }
    let (mut passed, mut failed, mut skipped, mut errors) = (0, 0, 0, 0);
    for (_, result) in all {
        match result.end {
            TestOutcome::Skipped => skipped += 1,
            TestOutcome::Error(_) => errors += 1,
            // Of a test with cases each case counts, as in OPA.
            TestOutcome::Passed | TestOutcome::Failed if !result.cases.is_empty() => {
                count_cases(&result.cases, &mut passed, &mut failed);
            }
            TestOutcome::Passed => passed += 1,
            TestOutcome::Failed => failed += 1,
        }
    }
    let total = passed + failed + skipped + errors;
    for (word, count) in [("PASS", passed), ("FAIL", failed), ("SKIPPED", skipped), ("ERROR", errors)] {
        if count > 0 {
            let _infallible = writeln!(text, "{word}: {count}/{total}");
        }
    }
    text
}

/// The expressions that did not hold, with their values: OPA prints none, so that they are not part of the report.
pub(super) fn failures(all: &All<'_>) -> String {
    let mut text = String::new();
    for (test, result) in all.iter().filter(|(_, result)| result.failed.is_some()) {
        let _infallible = writeln!(text, "\n{}:", test.full_name());
        for line in why(result) {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// What `opa test --coverage` says of the first test that did not pass, which is all that it says.
pub(super) fn first_that_did_not_pass(all: &All<'_>) -> Option<String> {
    let (test, result) = all.iter().find(|(_, result)| result.end != TestOutcome::Passed)?;
    Some(match &result.end {
        TestOutcome::Error(error) => error.to_string(),
        _ => head(test, result),
    })
}

/// The cases of a test; those that pass only if every test is printed.
fn list_cases(text: &mut String, cases: &[Case], verbose: bool, depth: usize) {
    for case in cases.iter().filter(|case| verbose || !case.held) {
        let end = if case.held { "PASS" } else { "FAIL" };
        let _infallible = writeln!(text, "{}{}: {end}", "  ".repeat(depth), case.name);
        list_cases(text, &case.cases, verbose, depth + 1);
    }
}

fn count_cases(cases: &[Case], passed: &mut usize, failed: &mut usize) {
    for case in cases {
        match (case.cases.is_empty(), case.held) {
            (false, _) => count_cases(&case.cases, passed, failed),
            (true, true) => *passed += 1,
            (true, false) => *failed += 1,
        }
    }
}

/// The cases of a test as OPA's JSON has them.
fn json_cases(cases: &[Case]) -> Value {
    let one = |case: &Case| {
        let mut json = json!({ "name": case.name });
        if !case.held {
            json["fail"] = true.into();
        }
        if !case.cases.is_empty() {
            json["sub_results"] = json_cases(&case.cases);
        }
        (case.name.clone(), json)
    };
    Value::Object(cases.iter().map(one).collect())
}

fn head(test: &Test, result: &TestResult) -> String {
    let name = test.full_name();
    let time = shown(result.duration);
    match result.end {
        TestOutcome::Passed => format!("{name}: PASS ({time})\n"),
        TestOutcome::Failed => format!("{name}: FAIL ({time})\n"),
        TestOutcome::Skipped => format!("{name}: SKIPPED\n"),
        TestOutcome::Error(_) => format!("{name}: ERROR ({time})\n"),
    }
}

/// The expression that did not hold.
fn why(result: &TestResult) -> Vec<String> {
    result.failed.as_ref().map(|line| trace::failed(line, "  ")).unwrap_or_default()
}

/// Lines and an empty one behind them; nothing for none.
fn block(text: &mut String, lines: &[String]) {
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if !lines.is_empty() {
        text.push('\n');
    }
}

/// The list of results as `opa test --format json` writes it, with how long tests took where that was measured.
pub(super) fn json(all: &All<'_>, measured: &[Option<Measured>]) -> String {
    let result = |(at, (test, result)): (usize, &(&Test, &TestResult))| {
        let measured = measured.get(at).and_then(Option::as_ref);
        let mut json = json!({
            "location": {"file": test.location.file, "row": test.location.line, "col": test.location.column},
            "package": test.package,
            "name": test.name,
        });
        match &result.end {
            TestOutcome::Passed => {}
            TestOutcome::Failed => json["fail"] = true.into(),
            TestOutcome::Skipped => json["skip"] = true.into(),
            TestOutcome::Error(error) => {
                let (code, location) = error.class();
                json["error"] = json!({"code": code, "message": error.to_string()});
                if let Some(location) = location {
                    json["error"]["location"] =
                        json!({"file": location.file, "row": location.line, "col": location.column});
                }
            }
        }
        json["duration"] = nanoseconds(measured.map_or(result.duration, Measured::total)).into();
        if let Some(measured) = measured {
            json["benchmark_result"] = measured.json();
        }
        if !result.output.is_empty() {
            // Bytes are base64 in Go.
            json["output"] = BASE64.encode(text_of(&result.output)).into();
        }
        if !result.cases.is_empty() {
            json["sub_results"] = json_cases(&result.cases);
        }
        json
    };
    format!("{}\n", pretty_json(&Value::Array(all.iter().enumerate().map(result).collect())))
}

fn text_of(output: &[String]) -> String {
    output.iter().map(|line| format!("{line}\n")).collect()
}

/// The results as JUnit's XML, one suite for each package.
pub(super) fn junit(all: &All<'_>) -> String {
    let mut suites: BTreeMap<&str, Vec<&(&Test, &TestResult)>> = BTreeMap::new();
    for each in all {
        suites.entry(&each.0.package).or_default().push(each);
    }
    let seconds = |duration: Duration| format!("{:.6}", duration.as_secs_f64());
    let numbers = |of: &mut dyn Iterator<Item = &TestResult>| {
        let (mut tests, mut failures, mut errors, mut skipped, mut time) = (0, 0, 0, 0, Duration::ZERO);
        for result in of {
            tests += 1;
            time += result.duration;
            match result.end {
                TestOutcome::Passed => {}
                TestOutcome::Failed => failures += 1,
                TestOutcome::Skipped => skipped += 1,
                TestOutcome::Error(_) => errors += 1,
            }
        }
        let time = seconds(time);
        format!(r#"tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="{time}""#)
    };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _infallible =
        writeln!(text, "<testsuites name=\"policy tests\" {}>", numbers(&mut all.iter().map(|(_, result)| *result)));
    for (package, tests) in suites {
        let counts = numbers(&mut tests.iter().map(|(_, result)| *result));
        let _infallible = writeln!(text, "  <testsuite name=\"{}\" {counts}>", escaped(package));
        for (test, result) in tests {
            let (file, line) = (escaped(&test.location.file), test.location.line);
            let (class, name, time) = (escaped(package), escaped(&test.name), seconds(result.duration));
            let _infallible = write!(
                text,
                "    <testcase classname=\"{class}\" name=\"{name}\" file=\"{file}\" line=\"{line}\" time=\"{time}\""
            );
            let mut inner = String::new();
            match &result.end {
                TestOutcome::Passed => {}
                TestOutcome::Failed => {
                    let message = result.failed.as_ref().map_or_else(
                        || "the test is not true".to_owned(),
                        |line| {
                            format!("{}:{}: {}", line.location.file, line.location.line, line.lines.join(" ").trim())
                        },
                    );
                    let why = escaped(&why(result).join("\n"));
                    let _infallible =
                        writeln!(inner, "      <failure message=\"{}\">{why}</failure>", escaped(&message));
                }
                TestOutcome::Skipped => inner.push_str("      <skipped/>\n"),
                TestOutcome::Error(error) => {
                    let _infallible = writeln!(inner, "      <error message=\"{}\"/>", escaped(&error.to_string()));
                }
            }
            if !result.output.is_empty() {
                let output = escaped(&text_of(&result.output));
                let _infallible = writeln!(inner, "      <system-out>{output}</system-out>");
            }
            if inner.is_empty() {
                text.push_str("/>\n");
            } else {
                let _infallible = write!(text, ">\n{inner}    </testcase>\n");
            }
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

/// A text inside XML. What XML cannot hold becomes a mark that something was there.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The percentage of covered lines; 100 if there are none.
pub(super) fn percent((covered, not_covered): (u32, u32)) -> f64 {
    let all = covered + not_covered;
    if all == 0 { 0.0 } else { 100.0 * f64::from(covered) / f64::from(all) }
}

/// Coverage as `opa test --coverage` writes it.
pub(super) fn coverage_json(report: &CoverageReport) -> Value {
    let number = |percent: f64| {
        // Go writes a whole number without a point.
        #[expect(clippy::cast_possible_truncation, reason = "a percentage is small")]
        if percent.fract() == 0.0 { json!(percent as u64) } else { json!(percent) }
    };
    let runs = |runs: &[(u32, u32)]| {
        let run = |(first, last): &(u32, u32)| json!({"start": {"row": first}, "end": {"row": last}});
        Value::Array(runs.iter().map(run).collect())
    };
    let lines = |json: &mut Value, (covered, not_covered): (u32, u32)| {
        if covered > 0 {
            json["covered_lines"] = covered.into();
        }
        if not_covered > 0 {
            json["not_covered_lines"] = not_covered.into();
        }
    };
    let file = |file: &FileCoverage| {
        let mut json = json!({});
        if !file.covered.is_empty() {
            json["covered"] = runs(&file.covered);
        }
        if !file.not_covered.is_empty() {
            json["not_covered"] = runs(&file.not_covered);
        }
        lines(&mut json, file.counts());
        if file.counts().0 > 0 {
            json["coverage"] = number(percent(file.counts()));
        }
        json
    };
    let files: serde_json::Map<_, _> = report.files.iter().map(|(name, each)| (name.clone(), file(each))).collect();
    let mut json = json!({ "files": files });
    lines(&mut json, report.counts());
    json["coverage"] = number(percent(report.counts()));
    json
}

/// Coverage for people: each file with the lines that nothing reached, the worst first.
pub(super) fn coverage_text(report: &CoverageReport) -> String {
    let mut files: Vec<_> = report.files.iter().filter(|(_, file)| file.counts() != (0, 0)).collect();
    files.sort_by(|(name, one), (other_name, other)| {
        percent(one.counts()).total_cmp(&percent(other.counts())).then_with(|| name.cmp(other_name))
    });
    let mut text = String::new();
    for (name, file) in files {
        let missing: Vec<_> = file
            .not_covered
            .iter()
            .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
            .collect();
        let missing = if missing.is_empty() { String::new() } else { format!("  not covered: {}", missing.join(", ")) };
        let _infallible = writeln!(text, "{:6.2}%  {name}{missing}", percent(file.counts()));
    }
    let (covered, not_covered) = report.counts();
    let _infallible = writeln!(
        text,
        "{RULE}\n{:6.2}%  {covered} of {} lines covered",
        percent(report.counts()),
        covered + not_covered
    );
    text
}
