//! [`TestRequest`]: evaluates files by the rules of packages, as `conftest test` does.
//!
//! A rule that gives no list of results is an error here, where conftest takes it for a pass.

use std::{collections::BTreeSet, sync::Arc};

use assay_conforma::{EvalRequest, Functions, Policy, RuleCheck};
use assay_documents::{DocumentFormat, Kind};
use assay_evidence::Relocation;
use assay_model::{limits, rule::RuleKind};
use assay_rego::{CompileError, CompileOptions, Host, SourceError, Sources};
use assay_report::{ConftestFinding, ConftestResult};

use camino::{Utf8Path, Utf8PathBuf};
use regex::Regex;
use serde_json::json;

use crate::{
    builtins::StoreHost,
    ec_compat,
    error::{RequestError, RequestErrorKind},
    event::EventSink,
    explanations,
    folders::{clean, files_below},
    input_files::{InputSource, ParsedInput},
    mode::Mode,
    policy_sources::PolicySources,
    source_settings::SourceSettings,
    trust::PolicyTrust,
    trust_root::LazyTrustRoot,
};

/// A request to test files.
#[derive(Clone, Debug)]
pub struct TestRequest {
    /// Whose behavior the test has.
    pub mode: Mode,
    /// Files and folders.
    pub files: Vec<String>,
    /// A regular expression: files of folders whose path it matches are skipped. Empty for none.
    pub ignore: String,
    /// What all files are written in; empty where their names say so.
    pub parser: String,
    /// Whether all files are one document.
    pub combine: bool,
    /// Sources of policies.
    pub policies: Vec<String>,
    /// Sources of data.
    pub data: Vec<String>,
    /// The packages that are evaluated.
    pub namespaces: Vec<String>,
    /// Whether all packages are.
    pub all_namespaces: bool,
    /// Whether packages without rules are allowed.
    pub allow_empty: bool,
    /// How policies are compiled.
    pub language: CompileOptions,
    /// Whether traces of the rules are among the events.
    pub traces: bool,
    /// Whether an error of a built-in function ends the evaluation.
    pub strict_builtin_errors: bool,
    /// How sources are fetched.
    pub sources: SourceSettings,
}

/// Evaluates every file by every namespace.
///
/// # Errors
/// A file or policy cannot be read, a policy does not compile or cannot be evaluated.
pub fn test_files(request: &TestRequest, events: &dyn EventSink) -> Result<Vec<ConftestResult>, RequestError> {
    let documents = documents(request)?;
    for place in request.policies.iter().chain(&request.data) {
        // The wording is conftest's, so that it can be searched for.
        let is_path = !place.contains(':') && !Utf8Path::new(place).exists();
        if is_path && assay_oci::SourceRef::parse(place).is_err() {
            return Err(RequestError::new(format!(
                "load: loading policies: load: 1 error occurred during loading: stat {}: no such file or directory",
                assay_model::redact::source(place)
            )));
        }
    }
    let store = Arc::new(request.sources.registry()?);
    let places = request.policies.iter().chain(&request.data).map(String::as_str);
    let places = PolicySources::fetch(places, &request.sources, Some(Arc::clone(&store)), events)?;
    let sources = sources(request, &places).map_err(|error| places.named(error))?;
    let policy = match Policy::compile_with(sources, request.language) {
        Ok(policy) => Some(policy),
        // A policy that can refuse nothing leaves every check out, which `ec` reports as such.
        Err(CompileError::NoRules { .. }) => None,
        Err(error) => {
            let said = ec_compat::compile_error(&error, &[]).filter(|_| request.mode.is_ec());
            let refused = said.map_or_else(
                || RequestError::of(RequestErrorKind::Policy, format!("load: {error}")).hint(error.hint()),
                |said| RequestError::of(RequestErrorKind::Policy, said),
            );
            return Err(places.named(refused));
        }
    };
    let namespaces = match &policy {
        // As for conftest, packages without rules that deny are among all; they are reported last.
        Some(policy) if request.all_namespaces => [policy.packages(), policy.silent_packages()].concat(),
        _ => request.namespaces.clone(),
    };
    // As `ec`, an evaluation of nothing is reported as skipped, as there.
    if request.mode.refuses_empty_namespaces() && !request.allow_empty {
        let packages = policy.as_ref().map(Policy::packages).unwrap_or_default();
        let silent = |name: &&String| !request.all_namespaces && !packages.contains(name);
        let silent: Vec<_> = namespaces.iter().filter(silent).collect();
        if packages.is_empty() || !silent.is_empty() {
            return Err(without_rules(&silent, &packages));
        }
    }
    let root = LazyTrustRoot::new(request.sources.trust_root.clone());
    let trust = PolicyTrust { relocation: Relocation::Refused, mode: request.mode, root };
    let host: Arc<dyn Host> = Arc::new(Functions::new(Arc::new(StoreHost::new(store, trust))));
    let mut results = Vec::new();
    for namespace in &namespaces {
        for document in &documents {
            results.push(evaluate(policy.as_ref(), document, namespace, request, &host, events)?);
        }
    }
    Ok(results)
}

/// The error that no rule would be evaluated for any file.
fn without_rules(silent: &[&String], packages: &[String]) -> RequestError {
    let names: Vec<_> = silent.iter().map(|name| format!("`{name}`")).collect();
    let what = if packages.is_empty() {
        "the policies have no rules that deny or warn".to_owned()
    } else {
        format!("no rule denies or warns in the package {}; there is {}", names.join(", "), packages.join(", "))
    };
    RequestError::new(what).hint("choose packages with `--namespace`, or pass `--allow-empty` if intended")
}

fn sources(request: &TestRequest, places: &PolicySources) -> Result<Sources, RequestError> {
    let unreadable = |error: SourceError| RequestError::new(format!("load: {error}")).hint(error.hint());
    let mut sources = Sources::new();
    for place in &request.policies {
        sources.add_policy(places.path(place)?).map_err(unreadable)?;
    }
    for place in &request.data {
        let path = places.path(place)?;
        let path = Utf8Path::from_path(path)
            .ok_or_else(|| RequestError::new(format!("the path of `{place}` is not valid UTF-8")))?;
        // As for conftest, the folders that a data file is in do not matter.
        for file in files_below(path)? {
            sources.add_data(file.as_std_path()).map_err(unreadable)?;
        }
    }
    Ok(sources)
}

/// The documents of all files, or one of all together.
fn documents(request: &TestRequest) -> Result<Vec<ParsedInput>, RequestError> {
    let ignore = Regex::new(&request.ignore).map_err(|_| {
        RequestError::new(format!("parse files: `--ignore {}` is not a regular expression", request.ignore))
    })?;
    let form = DocumentFormat::named(&request.parser);
    if form.is_none() && !request.parser.is_empty() {
        let known: Vec<_> = DocumentFormat::NAMES.iter().map(|(name, _)| *name).collect();
        return Err(RequestError::new(format!("parse configurations: `--parser {}` is not supported", request.parser))
            .hint(format!("files are read as {}", known.join(", "))));
    }
    let (mut documents, mut seen) = (Vec::new(), BTreeSet::new());
    for argument in request.files.iter().filter(|argument| !argument.is_empty()) {
        let path = Utf8Path::new(argument);
        if argument != "-" && !path.exists() {
            return Err(RequestError::new(format!(
                "parse files: get file info: stat {path}: no such file or directory"
            )));
        }
        // Of a folder the names are those that Go's walk gives.
        let files = if path.is_dir() {
            files_below(path)?.iter().map(|file| clean(file)).collect()
        } else {
            vec![path.to_owned()]
        };
        for file in files {
            let is_known = Kind::is_listed(&file);
            let is_ignored = !request.ignore.is_empty() && ignore.is_match(file.as_str());
            if path.is_dir() && (is_ignored || !is_known) || !seen.insert(file.clone()) {
                continue;
            }
            documents.extend(read(file, form)?);
        }
        if documents.len() > limits::SOURCE_FILES {
            return Err(RequestError::new(format!("parse files: there are more than {} files", limits::SOURCE_FILES)));
        }
    }
    if documents.is_empty() {
        return Err(RequestError::new("parse files: no files found"));
    }
    if !request.combine {
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

fn read(file: Utf8PathBuf, form: Option<DocumentFormat>) -> Result<Vec<ParsedInput>, RequestError> {
    let named = match form {
        Some(form) => InputSource::FileAs(file, form),
        None => InputSource::File(file),
    };
    named.read().map_err(|error| {
        let text = error.message();
        let why = text.lines().next().unwrap_or_default();
        let why = why.strip_prefix(&format!("`{}`: ", named.name())).unwrap_or(why);
        RequestError::new(format!("parse configurations: parser unmarshal: unmarshal: {why}, path: {}", named.name()))
    })
}

fn evaluate(
    policy: Option<&Policy>,
    document: &ParsedInput,
    namespace: &str,
    request: &TestRequest,
    host: &Arc<dyn Host>,
    events: &dyn EventSink,
) -> Result<ConftestResult, RequestError> {
    let mut result =
        ConftestResult { file: document.name.clone(), namespace: namespace.to_owned(), ..ConftestResult::default() };
    let Some(policy) = policy else { return Ok(result) };
    let packages = [namespace.to_owned()].into();
    for value in &document.values {
        let input = value.to_string();
        let eval_request = EvalRequest {
            host: Arc::clone(host),
            strict_builtin_errors: request.strict_builtin_errors,
            file: Some(document.file()),
            ..EvalRequest::new(&packages, &input)
        };
        let failed =
            |error| RequestError::of(RequestErrorKind::Evaluation, format!("query rule: evaluating policy: {error}"));
        if request.traces {
            events.note(format!("file: {} | query: data.{namespace}", document.name));
            let traces = policy.explain(&eval_request, &|_| true).map_err(failed)?;
            explanations::trace_text(&traces).into_iter().for_each(|line| events.note(line));
        }
        let checked = policy.check(&eval_request, namespace).map_err(failed)?;
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
        if rule.results.is_empty() {
            silent += 1;
        }
        said += rule.results.len();
        let list = match rule.kind {
            RuleKind::Deny => &mut result.failures,
            RuleKind::Warn => &mut result.warnings,
        };
        for (answer, location) in rule.results {
            let mut metadata = answer.metadata;
            metadata.insert("query".to_owned(), json!(format!("data.{namespace}.{}", rule.rule)));
            list.push(ConftestFinding { message: answer.message, location, metadata });
        }
    }
    let successes = definitions.saturating_sub(said + silent) + silent;
    result.successes += successes;
}
