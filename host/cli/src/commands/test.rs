//! `assay test`: judges files by the rules of packages, as `conftest test` does.
//!
//! Exit codes are conftest's: 0, 1 for a failure; with `--fail-on-warn` 1 for a warning and 2 for a failure. A rule
//! that gives no list of results is an error here, where conftest takes it for a pass.

use std::{collections::BTreeSet, sync::Arc};

use assay_conforma::{EvalRequest, Functions, Policy, RuleCheck};
use assay_documents::{DocumentFormat, Kind};
use assay_model::{limits, rule::RuleKind};
use assay_rego::{CompileError, CompileOptions, Host, SourceError, Sources};
use assay_report::{ConftestFinding, ConftestFormat, ConftestOptions, ConftestResult, ConftestRun, conftest_error};
use assay_supply::Relocation;
use camino::{Utf8Path, Utf8PathBuf};
use regex::Regex;
use serde_json::json;

use super::{
    builtins::StoreHost,
    explanations,
    fetch_policy::print_stdout,
    folders::{clean, files_below},
    input_files::{InputSource, ParsedInput},
    policy_sources::PolicySources,
};
use crate::{
    error::CliError,
    exit, files,
    flags::{
        go,
        test::{TestFlags, TestPolicyFlags},
    },
    printer::Printer,
    settings::{Environment, Mode, SourceSettings},
};

/// What the flags ask for.
struct TestSettings {
    format: ConftestFormat,
    file: Option<Utf8PathBuf>,
    policies: Vec<String>,
    data: Vec<String>,
    namespaces: Vec<String>,
    language: CompileOptions,
    /// Whether it is told on standard error how rules came to their answers.
    traces: bool,
    strict_builtin_errors: bool,
}

/// Judges, writes the report, and gives conftest's exit code. `traces` says whether the `--trace` of every command is
/// given, which conftest takes for its own.
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
    // conftest colours wherever its text goes.
    let to_terminal = env.stdout_is_terminal || env.mode == Mode::EcCompat;
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
    printer.error(&env.mode.error(&error.text()));
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
            .hint("policies are judged with all built-ins that assay has"));
    }
    let v0 = match flags.rego_version.as_str() {
        "v1" => false,
        "v0" => true,
        other => return Err(CliError::new(format!("`--rego-version {other}` is neither v0 nor v1"))),
    };
    Ok(CompileOptions { strict: flags.strict, v0, ..CompileOptions::default() })
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
    let list = |values: &[String], flag: &str, usual: &[&str]| {
        let items = go::slice(values).map_err(|error| CliError::new(format!("`{flag}`: {error}")))?;
        let items: Vec<String> = items.into_iter().filter(|item| !item.is_empty()).collect();
        Ok::<_, CliError>(if items.is_empty() { usual.iter().map(|item| (*item).to_owned()).collect() } else { items })
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
        language: language(&flags.of_policies)?,
        traces,
        strict_builtin_errors: flags.of_policies.show_builtin_errors,
    })
}

fn results(
    flags: &TestFlags,
    wanted: &TestSettings,
    env: &Environment,
    printer: Printer,
) -> Result<Vec<ConftestResult>, CliError> {
    let documents = documents(flags)?;
    for place in wanted.policies.iter().chain(&wanted.data) {
        // The words are conftest's, for whoever looks for them.
        let is_path = !place.contains(':') && !Utf8Path::new(place).exists();
        if is_path && assay_supply::SourceRef::parse(place).is_err() {
            return Err(CliError::new(format!(
                "load: loading policies: load: 1 error occurred during loading: stat {}: no such file or directory",
                assay_model::redact::source(place)
            )));
        }
    }
    let settings = SourceSettings::new(&flags.sources, env)?;
    let store = Arc::new(settings.registry()?);
    let places = wanted.policies.iter().chain(&wanted.data).map(String::as_str);
    let places = PolicySources::fetch(places, &settings, Some(Arc::clone(&store)), printer)?;
    let sources = sources(wanted, &places).map_err(|error| places.named(error))?;
    let policy = match Policy::compile_with(sources, wanted.language) {
        Ok(policy) => Some(policy),
        // A policy that can refuse nothing leaves every check out, which `ec` reports as such.
        Err(CompileError::NoRules { .. }) => None,
        Err(error) => return Err(places.named(CliError::new(format!("load: {error}")).hint(error.hint()))),
    };
    let namespaces = match &policy {
        Some(policy) if flags.all_namespaces => policy.packages(),
        _ => wanted.namespaces.clone(),
    };
    // Called `ec`, that nothing is asked is reported as skipped, as there.
    if env.mode == Mode::Native && !flags.allow_empty {
        let packages = policy.as_ref().map(Policy::packages).unwrap_or_default();
        let silent: Vec<_> = namespaces.iter().filter(|name| !packages.contains(name)).collect();
        if packages.is_empty() || !silent.is_empty() {
            return Err(without_rules(&silent, &packages));
        }
    }
    let host: Arc<dyn Host> = Arc::new(Functions::new(Arc::new(StoreHost::new(store, Relocation::Refused))));
    let mut results = Vec::new();
    for namespace in &namespaces {
        for document in &documents {
            results.push(evaluate(policy.as_ref(), document, namespace, wanted, &host, printer)?);
        }
    }
    Ok(results)
}

/// That nothing would be asked about any file.
fn without_rules(silent: &[&String], packages: &[String]) -> CliError {
    let names: Vec<_> = silent.iter().map(|name| format!("`{name}`")).collect();
    let what = if packages.is_empty() {
        "the policies have no rules that deny or warn".to_owned()
    } else {
        format!("no rule denies or warns in the package {}; there is {}", names.join(", "), packages.join(", "))
    };
    CliError::new(what).hint("name packages with `--namespace`, or permit that nothing is asked with `--allow-empty`")
}

fn sources(wanted: &TestSettings, places: &PolicySources) -> Result<Sources, CliError> {
    let unreadable = |error: SourceError| CliError::new(format!("load: {error}")).hint(error.hint());
    let mut sources = Sources::new();
    for place in &wanted.policies {
        sources.add_policy(places.path(place)?).map_err(unreadable)?;
    }
    for place in &wanted.data {
        let path = places.path(place)?;
        let path =
            Utf8Path::from_path(path).ok_or_else(|| CliError::new(format!("the path of `{place}` is not UTF-8")))?;
        // As for conftest, the folders that a data file is in do not matter.
        for file in files_below(path)? {
            sources.add_data(file.as_std_path()).map_err(unreadable)?;
        }
    }
    Ok(sources)
}

/// The documents of all files, or one of all together.
fn documents(flags: &TestFlags) -> Result<Vec<ParsedInput>, CliError> {
    let ignore = Regex::new(&flags.ignore)
        .map_err(|_| CliError::new(format!("parse files: `--ignore {}` is not a regular expression", flags.ignore)))?;
    let form = DocumentFormat::named(&flags.parser);
    if form.is_none() && !flags.parser.is_empty() {
        let known: Vec<_> = DocumentFormat::NAMES.iter().map(|(name, _)| *name).collect();
        return Err(CliError::new(format!("parse configurations: `--parser {}` is not supported", flags.parser))
            .hint(format!("files are read as {}", known.join(", "))));
    }
    let (mut documents, mut seen) = (Vec::new(), BTreeSet::new());
    for argument in flags.files.iter().filter(|argument| !argument.is_empty()) {
        let path = Utf8Path::new(argument);
        if argument != "-" && !path.exists() {
            return Err(CliError::new(format!("parse files: get file info: stat {path}: no such file or directory")));
        }
        // Of a folder the names are those that Go's walk gives.
        let files = if path.is_dir() {
            files_below(path)?.iter().map(|file| clean(file)).collect()
        } else {
            vec![path.to_owned()]
        };
        for file in files {
            let is_known = Kind::is_listed(&file);
            let is_ignored = !flags.ignore.is_empty() && ignore.is_match(file.as_str());
            if path.is_dir() && (is_ignored || !is_known) || !seen.insert(file.clone()) {
                continue;
            }
            documents.extend(read(file, form)?);
        }
        if documents.len() > limits::SOURCE_FILES {
            return Err(CliError::new(format!("parse files: there are more than {} files", limits::SOURCE_FILES)));
        }
    }
    if documents.is_empty() {
        return Err(CliError::new("parse files: no files found"));
    }
    if !flags.combine {
        return Ok(documents);
    }
    let items = |one: ParsedInput| {
        let ParsedInput { name, values, .. } = one;
        values.into_iter().map(move |contents| json!({"path": name, "contents": contents}))
    };
    documents.sort_by(|a, b| a.name.cmp(&b.name));
    let all = documents.into_iter().flat_map(items).collect();
    Ok(vec![ParsedInput::new("Combined".to_owned(), vec![all])])
}

fn read(file: Utf8PathBuf, form: Option<DocumentFormat>) -> Result<Vec<ParsedInput>, CliError> {
    let named = match form {
        Some(form) => InputSource::FileAs(file, form),
        None => InputSource::File(file),
    };
    named.read().map_err(|error| {
        let text = error.text();
        let why = text.strip_prefix("error: ").unwrap_or(&text).lines().next().unwrap_or_default();
        let why = why.strip_prefix(&format!("`{}`: ", named.name())).unwrap_or(why);
        CliError::new(format!("parse configurations: parser unmarshal: unmarshal: {why}, path: {}", named.name()))
    })
}

fn evaluate(
    policy: Option<&Policy>,
    document: &ParsedInput,
    namespace: &str,
    wanted: &TestSettings,
    host: &Arc<dyn Host>,
    printer: Printer,
) -> Result<ConftestResult, CliError> {
    let mut result =
        ConftestResult { file: document.name.clone(), namespace: namespace.to_owned(), ..ConftestResult::default() };
    let Some(policy) = policy else { return Ok(result) };
    let packages = [namespace.to_owned()].into();
    for value in &document.values {
        let input = value.to_string();
        let ask = EvalRequest {
            host: Arc::clone(host),
            strict_builtin_errors: wanted.strict_builtin_errors,
            file: Some(document.file()),
            ..EvalRequest::new(&packages, &input)
        };
        let failed = |error| CliError::new(format!("query rule: evaluating policy: {error}"));
        if wanted.traces {
            printer.note(&format!("file: {} | query: data.{namespace}", document.name));
            let traces = policy.explain(&ask, &|_| true).map_err(failed)?;
            explanations::trace_text(&traces).iter().for_each(|line| printer.note(line));
        }
        let checked = policy.check(&ask, namespace).map_err(failed)?;
        add(&mut result, checked, namespace);
    }
    Ok(result)
}

/// Adds what the rules said about one document, and how many had nothing to say, counted as conftest counts.
fn add(result: &mut ConftestResult, checked: Vec<RuleCheck>, namespace: &str) {
    let (mut definitions, mut said) = (0, 0);
    let mut silent = 0;
    for rule in checked {
        definitions += rule.definitions;
        let name = rule.rule.split_once('_').map_or("", |(_, name)| name);
        let query = format!("data.{namespace}.exception[_][_] == \"{name}\"");
        let exception = ConftestFinding { message: query, ..ConftestFinding::default() };
        result.exceptions.extend((0..rule.exceptions).map(|_| exception.clone()));
        said += rule.exceptions;
        if rule.exceptions > 0 {
            continue;
        }
        if rule.answers.is_empty() {
            silent += 1;
        }
        said += rule.answers.len();
        let list = match rule.kind {
            RuleKind::Deny => &mut result.failures,
            RuleKind::Warn => &mut result.warnings,
        };
        for (answer, location) in rule.answers {
            let mut metadata = answer.metadata;
            metadata.insert("query".to_owned(), json!(format!("data.{namespace}.{}", rule.rule)));
            list.push(ConftestFinding { message: answer.message, location, metadata });
        }
    }
    let successes = definitions.saturating_sub(said + silent) + silent;
    result.successes += successes;
}
