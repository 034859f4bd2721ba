//! `assay test`: tests files against the rules of packages, as `conftest test` does.
//!
//! Exit codes are conftest's: 0, 1 for a failure; with `--fail-on-warn` 1 for a warning and 2 for a failure. A rule
//! that gives no list of results is an error here, where conftest takes it for a pass.

use assay_app::{TestRequest, test_files};
use assay_rego::CompileOptions;
use assay_report::{ConftestFormat, ConftestOptions, ConftestResult, ConftestRun, conftest_error};
use camino::{Utf8Path, Utf8PathBuf};

use super::{events::Printed, fetch_policy::print_stdout};
use crate::{
    error::CliError,
    exit, files,
    flags::{
        go,
        test::{TestFlags, TestPolicyFlags},
    },
    printer::Printer,
    settings::{Environment, error_text, source_settings},
};

/// What the flags request.
struct TestSettings {
    format: ConftestFormat,
    file: Option<Utf8PathBuf>,
    policies: Vec<String>,
    data: Vec<String>,
    namespaces: Vec<String>,
    language: CompileOptions,
    /// Whether evaluation traces are printed to standard error.
    traces: bool,
}

/// Evaluates, writes the report, and returns conftest's exit code. `traces` says whether the `--trace` of every command
/// is given, which conftest takes for its own.
pub(crate) fn run(flags: &TestFlags, traces: bool, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let wanted = wanted(flags, traces)?;
    let timestamp = env.now.as_second();
    let results = match results(flags, &wanted, env, printer) {
        Ok(results) => results,
        Err(error) => return failed(&error, flags, &wanted, env, printer),
    };
    let run = ConftestRun {
        results,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        namespace: wanted.namespaces.first().cloned().unwrap_or_default(),
        timestamp,
    };
    let code = match (run.failed(), run.warned()) {
        (true, _) if flags.fail_on_warn => 2,
        (true, _) => 1,
        (false, true) if flags.fail_on_warn => 1,
        (false, _) => 0,
    };
    if flags.quiet && code == 0 {
        return Ok(exit::SUCCESS);
    }
    // conftest colors its text wherever it is written.
    let to_terminal = env.stdout_is_terminal || env.mode.is_ec();
    let options = ConftestOptions {
        color: !flags.no_color && env.colors.unwrap_or(to_terminal),
        suppress_exceptions: flags.suppress_exceptions,
        hide_message: flags.junit_hide_message,
    };
    let report = run.report(wanted.format, options).map_err(|error| CliError::from_error(&error))?;
    write(&report, wanted.file.as_deref(), printer)?;
    Ok(if flags.no_fail { exit::SUCCESS } else { code })
}

/// An error is a report of its own in the form that Konflux reads; `--no-fail` then is content with it, as in `ec`.
fn failed(
    error: &CliError,
    flags: &TestFlags,
    wanted: &TestSettings,
    env: &Environment,
    printer: Printer,
) -> Result<u8, CliError> {
    let text = error.text();
    let why = text.strip_prefix("error: ").unwrap_or(&text);
    let first = why.lines().next().unwrap_or_default();
    let error = CliError::new(format!("running test: {why}"));
    if wanted.format != ConftestFormat::Appstudio {
        return Err(error);
    }
    let report = conftest_error(&format!("running test: {first}"), env.now.as_second())
        .map_err(|error| CliError::from_error(&error))?;
    print_stdout(printer, &report)?;
    if !flags.no_fail {
        return Err(error);
    }
    printer.error(&error_text(env.mode, &error.text()));
    Ok(exit::SUCCESS)
}

fn write(report: &str, file: Option<&Utf8Path>, printer: Printer) -> Result<(), CliError> {
    let Some(file) = file else { return print_stdout(printer, report) };
    files::write_whole(file, report.as_bytes())
        .map_err(|error| CliError::new(format!("creating output file: `{file}` cannot be written: {error}")))
}

fn language(flags: &TestPolicyFlags) -> Result<CompileOptions, CliError> {
    if !flags.capabilities.is_empty() {
        return Err(CliError::new("`--capabilities` of conftest is not supported")
            .hint("remove the flag: all built-ins of assay are available"));
    }
    let v0 = match flags.rego_version.as_str() {
        "v1" => false,
        "v0" => true,
        other => return Err(CliError::new(format!("`--rego-version {other}` is neither v0 nor v1"))),
    };
    Ok(CompileOptions { strict: flags.strict, v0, ..assay_conforma::compile_options() })
}

fn wanted(flags: &TestFlags, traces: bool) -> Result<TestSettings, CliError> {
    let (format, file) = match flags.output.split_once('=') {
        Some((format @ "appstudio", file)) => (format, Some(file).filter(|file| !file.is_empty())),
        _ => (flags.output.as_str(), None),
    };
    let format = format.parse().map_err(|error| CliError::from_error(&error))?;
    let file = file.map(Utf8PathBuf::from);
    if let Some(file) = &file {
        files::check_place(file)?;
    }
    let list = |values: &[String], flag: &str, standard: &[&str]| {
        let items = go::slice(values).map_err(|error| CliError::new(format!("`{flag}`: {error}")))?;
        let items: Vec<String> = items.into_iter().filter(|item| !item.is_empty()).collect();
        Ok::<_, CliError>(if items.is_empty() {
            standard.iter().map(|item| (*item).to_owned()).collect()
        } else {
            items
        })
    };
    let mut policies: Vec<String> = list(&flags.policy, "--policy", &["policy"])?;
    policies.extend(list(&flags.update, "--update", &[])?);
    let namespaces = list(&flags.namespace, "--namespace", &["main"])?;
    Ok(TestSettings {
        format,
        file,
        policies,
        data: list(&flags.data, "--data", &[])?,
        namespaces,
        language: language(&flags.policy_flags)?,
        traces,
    })
}

fn results(
    flags: &TestFlags,
    wanted: &TestSettings,
    env: &Environment,
    printer: Printer,
) -> Result<Vec<ConftestResult>, CliError> {
    let request = TestRequest {
        mode: env.mode,
        files: flags.files.clone(),
        ignore: flags.ignore.clone(),
        parser: flags.parser.clone(),
        combine: flags.combine,
        policies: wanted.policies.clone(),
        data: wanted.data.clone(),
        namespaces: wanted.namespaces.clone(),
        all_namespaces: flags.all_namespaces,
        allow_empty: flags.allow_empty,
        language: wanted.language,
        traces: wanted.traces,
        strict_builtin_errors: flags.policy_flags.show_builtin_errors,
        sources: source_settings(&flags.sources, env)?,
    };
    Ok(test_files(&request, &Printed::new(printer))?)
}
