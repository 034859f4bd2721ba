//! `assay plugin test`: the cases of a project.

use std::{fmt::Write as _, sync::Arc};

use assay_app::{
    PluginEngine,
    plugins::{CaseResult, LogSink, TestPluginRequest, test_plugin},
};
use assay_plugin_kit::Project;
use serde_json::{Value, json};

use super::print_result;
use crate::{error::CliError, exit, flags::plugin::author::TestFlags, printer::Printer};

/// Runs the cases and prints how each ended.
pub(crate) fn run(flags: &TestFlags, is_traced: bool, engine: &PluginEngine, printer: Printer) -> Result<u8, CliError> {
    let project = Project::read(&flags.dir).map_err(|error| CliError::from_error(&error))?;
    let default = || flags.dir.join("out").join(format!("{}.wasm", project.name));
    let request = TestPluginRequest {
        folder: flags.dir.clone(),
        component: flags.component.clone().unwrap_or_else(default),
        cases: flags.cases.clone(),
        update: flags.update,
        crash_everywhere: flags.crash_everywhere,
        faults: flags.faults.is_some(),
        reuse: flags.reuse,
        trace: is_traced.then(|| Arc::new(move |line: &str| printer.error(line)) as LogSink),
    };
    let mut results = Vec::new();
    test_plugin(&request, engine, &mut |result| results.push(result))?;
    let failed = results.iter().filter(|result| result.failure.is_some()).count();
    let passed = results.len() - failed;
    let json = json!({"tests": results.iter().map(as_json).collect::<Vec<_>>(), "passed": passed, "failed": failed});
    print_result(printer, flags.format, &for_people(&results, passed, failed), &json)?;
    if let Some(result) = results.iter().find(|result| result.failure.is_some()).filter(|_| !is_traced) {
        // What was varied of a case stands behind its name.
        let case = result.name.split(" × ").next().unwrap_or_default();
        let folder = &flags.dir;
        printer.note(&format!(
            "hint: `assay plugin test {folder} {case} --trace` prints the log and the requests of the case"
        ));
    }
    Ok(if failed == 0 { exit::SUCCESS } else { exit::VIOLATIONS })
}

fn as_json(result: &CaseResult) -> Value {
    let status = if result.failure.is_none() { "passed" } else { "failed" };
    let message = result.failure.as_ref().unwrap_or(&result.summary);
    json!({"name": result.name, "status": status, "ms": result.milliseconds, "message": message})
}

fn for_people(results: &[CaseResult], passed: usize, failed: usize) -> String {
    let mut text = String::new();
    for CaseResult { name, file, milliseconds, failure, summary } in results {
        // Writing to a String cannot fail.
        let _infallible = match failure {
            None => writeln!(text, "PASS {name}  {milliseconds} ms  {summary}"),
            Some(why) => writeln!(text, "FAIL {name}  {milliseconds} ms  {why}      {file}"),
        };
    }
    let _infallible = writeln!(text, "{} tests: {passed} passed, {failed} failed", passed + failed);
    text
}
