//! `assay policy eval`: evaluates a query and prints the result in one of `opa`'s formats.

use std::time::Duration;

use assay_app::registry_host;
use assay_model::{limits::DATA_FILE_BYTES, yaml};
use assay_rego::{EvalError, PolicySet, QueryError, QueryObservations, QueryOptions, QueryOutput, QueryResult};
use camino::Utf8Path;
use serde_json::{Map, Value, json};

use super::{
    json::{compact, pretty},
    load::{self, LoadError, Loaded, Paths},
    print, profile,
    table::Table,
    test_reports::{coverage_json, coverage_text},
    times, trace,
};
use crate::{
    error::CliError,
    exit::opa_exit,
    files::{read_text, standard_input},
    flags::policy::{EvalFlags, EvalFormat, Explain, QueryFlags},
    printer::Printer,
    registries,
    settings::{Environment, trust_root_settings},
};

pub(super) fn run(flags: &EvalFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let time_limit = times::limit("--timeout", &flags.timeout)?;
    let query = QueryInput::read(&flags.query_flags)?;
    let Loaded { policies, read } = match query.load(&flags.query_flags, flags.strict)? {
        Ok(loaded) => loaded,
        Err(error) => return print_load_error(flags, &error, printer),
    };
    let options = QueryOptions {
        strict_builtin_errors: flags.strict_builtin_errors,
        explain: flags.explain != Explain::Off,
        profile: flags.profile,
        coverage: flags.coverage,
        ..query.options(&flags.query_flags, env, time_limit)?
    };
    let mut response = Err(QueryError::Eval { error: EvalError::Deadline, notes: Box::default() });
    for _ in 0..flags.count.get() {
        response = policies.query(&query.query, &options);
        if response.is_err() {
            break;
        }
    }
    let (response, error, notes) = match response {
        Ok(mut response) => {
            let notes = std::mem::take(&mut response.notes);
            (response, None, notes)
        }
        Err(QueryError::Compile(error)) => return print_load_error(flags, &LoadError::Compile(error), printer),
        Err(QueryError::Eval { error, notes }) => (QueryOutput::default(), Some(error), *notes),
    };
    for line in &notes.output {
        printer.error(line);
    }
    let shown =
        EvalOutput { flags, policies: &policies, read, response: &response, error: error.as_ref(), notes: &notes };
    if flags.format == EvalFormat::Json || flags.format == EvalFormat::Discard {
        print(printer, &format!("{}\n", pretty(&shown.json())))?;
    } else {
        if let Some(error) = &error {
            printer.error(&format!("1 error occurred: {}", error_text(error)));
        }
        print(printer, &shown.text())?;
    }
    Ok(match (error, response.results.is_empty()) {
        (Some(_), _) => opa_exit::ERROR,
        (None, true) if flags.fail => opa_exit::FAIL,
        (None, false) if flags.fail_defined => opa_exit::FAIL,
        (None, _) => opa_exit::OK,
    })
}

/// What is wrong with files or the query, in the requested format.
fn print_load_error(flags: &EvalFlags, error: &LoadError, printer: Printer) -> Result<u8, CliError> {
    if flags.format == EvalFormat::Json {
        print(printer, &format!("{}\n", pretty(&error.json(0))))?;
    } else {
        printer.error(&error.text(0));
    }
    Ok(opa_exit::ERROR)
}

/// A query and its input document, read.
pub(super) struct QueryInput {
    pub(super) query: String,
    input: Option<Value>,
}

impl QueryInput {
    pub(super) fn read(flags: &QueryFlags) -> Result<Self, CliError> {
        load::refuse(&flags.load)?;
        if flags.partial || !flags.unknowns.is_empty() {
            let flag = if flags.partial { "--partial" } else { "--unknowns" };
            return Err(CliError::new(format!("`{flag}`: partial evaluation is not supported"))
                .hint("pass the complete input document"));
        }
        let query = match &flags.query {
            Some(query) => query.clone(),
            None => standard_input("the query", DATA_FILE_BYTES)?,
        };
        let input = match &flags.input {
            Some(file) => {
                let path = file.strip_prefix("file://").unwrap_or(file);
                Some((file.clone(), read_text(Utf8Path::new(path), "--input", DATA_FILE_BYTES)?))
            }
            None if flags.stdin_input => {
                Some(("standard input".to_owned(), standard_input("the input document", DATA_FILE_BYTES)?))
            }
            None => None,
        };
        let document = |(origin, text): (String, String)| {
            yaml::parse(&text).map_err(|error| {
                CliError::new(format!("the input document ({origin}) is neither JSON nor YAML: {error}"))
            })
        };
        Ok(Self { query, input: input.map(document).transpose()? })
    }

    pub(super) fn load(&self, flags: &QueryFlags, strict: bool) -> Result<Result<Loaded, LoadError>, CliError> {
        load::load(&Paths { paths: &flags.data, bundles: &flags.bundle, strict }, &flags.load)
    }

    /// As in `ec`, built-ins access registries; one that does not respond ends the evaluation.
    pub(super) fn options(
        &self,
        flags: &QueryFlags,
        env: &Environment,
        time_limit: Duration,
    ) -> Result<QueryOptions, CliError> {
        let registries = registries::parse_options(&flags.registries, (env.network)())?;
        Ok(QueryOptions {
            package: flags.package.clone(),
            imports: flags.import.clone(),
            input: self.input.clone(),
            strict_builtin_errors: false,
            time_limit,
            host: registry_host(registries, trust_root_settings(None, env), env.mode)?,
            explain: false,
            profile: false,
            coverage: false,
        })
    }
}

fn error_text(error: &EvalError) -> String {
    let (code, location) = error.class();
    match location {
        Some(_) => error.to_string().replacen(": ", &format!(": {code}: "), 1),
        None => format!("{code}: {error}"),
    }
}

/// A result to print.
struct EvalOutput<'a> {
    flags: &'a EvalFlags,
    policies: &'a PolicySet,
    read: Duration,
    response: &'a QueryOutput,
    error: Option<&'a EvalError>,
    notes: &'a QueryObservations,
}

impl EvalOutput<'_> {
    fn json(&self) -> Value {
        let mut json = json!({});
        if let Some(error) = self.error {
            let (code, location) = error.class();
            let message = match error {
                EvalError::Policy(problem) => problem.message.clone(),
                other => other.to_string(),
            };
            let location = location.map_or_else(
                || json!({"file": "", "row": 1, "col": 1}),
                |location| json!({"file": location.file, "row": location.line, "col": location.column}),
            );
            json["errors"] = json!([{"message": message, "code": code, "location": location}]);
        }
        if !self.response.results.is_empty() {
            json["result"] = if self.flags.format == EvalFormat::Discard {
                "discarded".into()
            } else {
                self.response.results.iter().map(|result| self.result(result)).collect()
            };
        }
        if self.flags.metrics || self.flags.instrument {
            json["metrics"] = Value::Object(
                self.metrics().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            );
        }
        if let Some(detail) = trace::level(self.flags.explain) {
            // OPA gives its syntax trees here; the lines are what people make of them.
            json["explanation"] = trace::lines(&self.notes.trace, detail, self.shows_values()).into();
        }
        if self.flags.profile {
            profile::add_json(&mut json, &self.notes.profile, &self.flags.profile_sort, self.flags.profile_limit);
        }
        if self.flags.coverage {
            json["coverage"] = coverage_json(&self.policies.coverage(&self.notes.hits));
        }
        json
    }

    fn result(&self, result: &QueryResult) -> Value {
        let expressions = self.response.expressions.iter().zip(&result.values);
        let expressions: Vec<_> = expressions
            .map(|(expression, value)| {
                json!({
                    "value": value,
                    "text": expression.text,
                    "location": {"row": expression.row, "col": expression.column},
                })
            })
            .collect();
        let mut json = json!({ "expressions": expressions });
        if !result.bindings.is_empty() {
            json["bindings"] = Value::Object(result.bindings.clone().into_iter().collect::<Map<_, _>>());
        }
        json
    }

    fn shows_values(&self) -> bool {
        self.flags.var_values || self.flags.explain == Explain::Debug
    }

    fn metrics(&self) -> Vec<(&'static str, u64)> {
        let timings = self.policies.timings();
        vec![
            ("timer_rego_load_files_ns", times::nanoseconds(self.read)),
            ("timer_rego_module_compile_ns", times::nanoseconds(timings.compile)),
            ("timer_rego_module_parse_ns", times::nanoseconds(timings.parse)),
            ("timer_rego_query_compile_ns", times::nanoseconds(self.notes.compile)),
            ("timer_rego_query_eval_ns", times::nanoseconds(self.notes.eval)),
        ]
    }

    fn text(&self) -> String {
        let results = &self.response.results;
        let lines = |line: &dyn Fn(&QueryResult) -> String| results.iter().map(|result| line(result) + "\n").collect();
        match self.flags.format {
            EvalFormat::Values => lines(&|result| pretty(&Value::Array(result.values.clone()))),
            EvalFormat::Bindings => {
                lines(&|result| pretty(&Value::Object(result.bindings.clone().into_iter().collect::<Map<_, _>>())))
            }
            EvalFormat::Raw => lines(&|result| {
                let words: Vec<_> = result.values.iter().map(raw).collect();
                words.join(" ")
            }),
            EvalFormat::Pretty | EvalFormat::Source | EvalFormat::Json | EvalFormat::Discard => {
                let mut text = String::new();
                if let Some(detail) = trace::level(self.flags.explain) {
                    for line in trace::lines(&self.notes.trace, detail, self.shows_values()) {
                        text.push_str(&line);
                        text.push('\n');
                    }
                }
                if self.error.is_none() {
                    text.push_str(&self.pretty());
                }
                if self.flags.metrics || self.flags.instrument {
                    let mut table = Table::new(&["Metric", "Value"]);
                    for (name, value) in self.metrics() {
                        table.row(vec![name.to_owned(), value.to_string()]);
                    }
                    text.push_str(&table.text());
                }
                if self.flags.profile {
                    let flags = self.flags;
                    text.push_str(&profile::text(&self.notes.profile, &flags.profile_sort, flags.profile_limit));
                }
                if self.flags.coverage {
                    text.push_str(&coverage_text(&self.policies.coverage(&self.notes.hits)));
                }
                text
            }
        }
    }

    /// One value as JSON, or a table of variables and of the expressions that are not just true.
    fn pretty(&self) -> String {
        let Some(first) = self.response.results.first() else { return "undefined\n".to_owned() };
        if let ([_], [value], true) =
            (self.response.results.as_slice(), first.values.as_slice(), first.bindings.is_empty())
        {
            return pretty(value) + "\n";
        }
        let names: Vec<_> = first.bindings.keys().map(String::as_str).collect();
        let reported: Vec<_> = (0..first.values.len())
            .filter(|at| {
                self.response.results.iter().any(|result| !result.values.get(*at).is_some_and(Value::is_boolean))
            })
            .collect();
        let texts = reported.iter().filter_map(|at| self.response.expressions.get(*at)).map(|it| it.text.as_str());
        let head: Vec<_> = names.iter().copied().chain(texts).collect();
        if head.is_empty() {
            return self.response.results.iter().map(|_| "true\n").collect();
        }
        let mut table = Table::new(&head);
        let cell = |value: Option<&Value>| {
            let text = value.map(compact).unwrap_or_default();
            let limit = self.flags.pretty_limit;
            if text.chars().count() <= limit { text } else { text.chars().take(limit).collect::<String>() + "..." }
        };
        for result in &self.response.results {
            let bindings = names.iter().map(|name| cell(result.bindings.get(*name)));
            table.row(bindings.chain(reported.iter().map(|at| cell(result.values.get(*at)))).collect());
        }
        table.text()
    }
}

/// A text as it is, everything else as JSON.
fn raw(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => compact(other),
    }
}
