//! Every format over one run, against what `conftest` 0.68 writes.

use serde_json::json;

use super::*;

fn finding(message: &str, query: &str) -> ConftestFinding {
    let metadata = if query.is_empty() { Map::new() } else { Map::from_iter([("query".to_owned(), json!(query))]) };
    ConftestFinding { message: message.to_owned(), location: None, metadata }
}

fn run() -> ConftestRun {
    let mut object = finding("obj", "data.main.deny");
    object.location = Some(("f.rego".to_owned(), "3".to_owned()));
    object.metadata.insert("code".to_owned(), json!("c"));
    let result = ConftestResult {
        file: "in.json".to_owned(),
        namespace: "main".to_owned(),
        successes: 1,
        warnings: vec![finding("w", "data.main.warn")],
        failures: vec![finding("plain <x>", "data.main.deny"), object],
        exceptions: vec![finding("data.main.exception[_][_] == \"x\"", "")],
    };
    ConftestRun { results: vec![result], version: "1".to_owned(), namespace: "main".to_owned(), timestamp: 7 }
}

#[track_caller]
fn check(format: ConftestFormat, options: ConftestOptions, want: &str) {
    assert_eq!(run().report(format, options).unwrap(), want, "{}", format.as_str());
}

#[test]
fn texts_are_those_of_conftest() {
    let plain = ConftestOptions::default();
    check(
        ConftestFormat::Stdout,
        plain,
        "WARN - in.json - main - w\nFAIL - in.json - main - plain <x>\nFAIL - in.json - main - obj\nEXCP - in.json - main - \
         data.main.exception[_][_] == \"x\"\n\n5 tests, 1 passed, 1 warning, 2 failures, 1 exception\n",
    );
    let colored = run().report(ConftestFormat::Stdout, ConftestOptions { color: true, ..plain }).unwrap();
    assert!(colored.starts_with("\u{1b}[33mWARN\u{1b}[0m - in.json"), "{colored}");
    let silent = run().report(ConftestFormat::Stdout, ConftestOptions { suppress_exceptions: true, ..plain }).unwrap();
    assert!(!silent.contains("EXCP"));
    check(
        ConftestFormat::Tap,
        plain,
        "1..5\nnot ok 1 - in.json - main - plain <x>\nnot ok 2 - in.json - main - obj\n# warnings\nnot ok 3 - in.json - main \
         - w\n# exceptions\nok 4 - in.json - main - data.main.exception[_][_] == \"x\"\n# successes\nok 5 - in.json - main - \
         SUCCESS\n",
    );
    check(
        ConftestFormat::Table,
        plain,
        "┌───────────┬─────────┬───────────┬──────────────────────────────────┐\n│  RESULT   │  FILE   │ NAMESPACE │             \
         MESSAGE              │\n├───────────┼─────────┼───────────┼──────────────────────────────────┤\n│ success   │ in.json │ \
         main      │ SUCCESS                          │\n│ exception │ in.json │ main      │ data.main.exception[_][_] == \"x\" │\n│ \
         warning   │ in.json │ main      │ w                                │\n│ failure   │ in.json │ main      │ plain <x>                        \
         │\n│ failure   │ in.json │ main      │ obj                              │\n\
         └───────────┴─────────┴───────────┴──────────────────────────────────┘\n",
    );
}

#[test]
fn pipelines_get_their_commands_and_no_message_gives_one_of_its_own() {
    let plain = ConftestOptions::default();
    check(
        ConftestFormat::Github,
        plain,
        "::group::Testing \"in.json\" against 5 policies in namespace \"main\"\n::error file=in.json,line=1::plain <x>\n::error \
         file=f.rego,line=3::obj\n::error file=in.json,line=1::(ORIGINATING FROM f.rego L3) obj\n::warning \
         file=in.json,line=1::w\n::notice file=in.json,line=1::data.main.exception[_][_] == \"x\"\n::notice \
         file=in.json,line=1::Number of successful checks: 1\n::endgroup::\n5 tests, 1 passed, 1 warning, 2 failures, 1 \
         exception\n",
    );
    check(
        ConftestFormat::AzureDevOps,
        plain,
        "##[section]Testing 'in.json' against 5 policies in namespace 'main'\n##[group]See conftest results\n\
         ##vso[task.logissue type=error] file=in.json --> plain <x>\n##vso[task.logissue type=error] file=in.json --> obj\n\
         ##vso[task.logissue type=warning] file=in.json --> w\n##vso[task.logissue type=warning] file=in.json --> \
         data.main.exception[_][_] == \"x\"\nsuccess file=in.json 1\n##[endgroup]\n5 tests, 1 passed, 1 warning, 2 failures, 1 \
         exception\n",
    );
    let mut hostile = run();
    hostile.results[0].failures = vec![finding("a\n::add-mask::b\n##vso[task.setvariable]x", "")];
    for format in [ConftestFormat::Github, ConftestFormat::AzureDevOps] {
        let text = hostile.report(format, plain).unwrap();
        assert!(
            !text.lines().any(|line| line.starts_with("::add-mask") || line.starts_with("##vso[task.set")),
            "{text}"
        );
    }
}

#[test]
fn programs_get_documents() {
    let plain = ConftestOptions::default();
    check(
        ConftestFormat::Json,
        plain,
        "[\n\t{\n\t\t\"filename\": \"in.json\",\n\t\t\"namespace\": \"main\",\n\t\t\"successes\": 1,\n\t\t\"warnings\": \
         [\n\t\t\t{\n\t\t\t\t\"msg\": \"w\",\n\t\t\t\t\"metadata\": {\n\t\t\t\t\t\"query\": \
         \"data.main.warn\"\n\t\t\t\t}\n\t\t\t}\n\t\t],\n\t\t\"failures\": [\n\t\t\t{\n\t\t\t\t\"msg\": \"plain \
         \\u003cx\\u003e\",\n\t\t\t\t\"metadata\": {\n\t\t\t\t\t\"query\": \
         \"data.main.deny\"\n\t\t\t\t}\n\t\t\t},\n\t\t\t{\n\t\t\t\t\"msg\": \"obj\",\n\t\t\t\t\"loc\": {\n\t\t\t\t\t\"file\": \
         \"f.rego\",\n\t\t\t\t\t\"line\": 3\n\t\t\t\t},\n\t\t\t\t\"metadata\": {\n\t\t\t\t\t\"code\": \
         \"c\",\n\t\t\t\t\t\"query\": \"data.main.deny\"\n\t\t\t\t}\n\t\t\t}\n\t\t],\n\t\t\"exceptions\": \
         [\n\t\t\t{\n\t\t\t\t\"msg\": \"data.main.exception[_][_] == \\\"x\\\"\"\n\t\t\t}\n\t\t]\n\t}\n]\n",
    );
    let junit = run().report(ConftestFormat::Junit, plain).unwrap();
    assert!(junit.contains("<testsuite tests=\"4\" failures=\"3\" time=\"0.000\" name=\"conftest.main\">"), "{junit}");
    let case = "\t\t<testcase classname=\"conftest.main\" name=\"in.json - plain &lt;x&gt;\" time=\"0.000\">\n\t\t\t<failure \
                message=\"Failed\" type=\"\">plain &lt;x&gt;</failure>\n\t\t</testcase>\n";
    assert!(junit.contains(case), "{junit}");
    let hidden = run().report(ConftestFormat::Junit, ConftestOptions { hide_message: true, ..plain }).unwrap();
    assert!(!hidden.contains("in.json - "), "{hidden}");
    check(
        ConftestFormat::Appstudio,
        plain,
        "{\"timestamp\":\"7\",\"namespace\":\"main\",\"successes\":1,\"failures\":2,\"warnings\":1,\"result\":\"FAILURE\",\"note\":\
         \"Failures detected\"}\n",
    );
    let sarif: Value = serde_json::from_str(&run().report(ConftestFormat::Sarif, plain).unwrap()).unwrap();
    let rules: Vec<_> =
        sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| rule["id"].clone()).collect();
    assert_eq!(rules, ["main/deny", "main/warn", "main/allow"]);
    assert_eq!(
        sarif["runs"][0]["results"][1],
        json!({"ruleId": "main/deny", "ruleIndex": 0, "level": "error", "message": {"text": "obj"}, "locations":
            [{"physicalLocation": {"artifactLocation": {"uri": "f.rego"}, "region": {"startLine": 3, "endLine": 3}}}]})
    );
}

#[test]
fn nothing_at_all_is_skipped_and_never_a_success() {
    let nothing = ConftestRun { results: vec![ConftestResult::default()], ..ConftestRun::default() };
    let report = |format| nothing.report(format, ConftestOptions::default()).unwrap();
    assert!(report(ConftestFormat::Appstudio).contains("\"result\":\"SKIPPED\""));
    assert!(report(ConftestFormat::Sarif).contains("/skip"));
    assert_eq!(report(ConftestFormat::Table), "");
    assert!("xml".parse::<ConftestFormat>().unwrap_err().to_string().contains("stdout, json, tap"));
}
