//! [`Program`]: compiled rules with their data, evaluated by the paths of rules. What knows the meaning of rules is built on
//! it; [`PolicySet`](crate::PolicySet) is for the tools of those who write them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    compile_error::{CompileError, Problem},
    compile_options::CompileOptions,
    data_document::DataDocument,
    engine::{self, Source, Stored, TraceFilter, TraceOptions, with_large_stack},
    eval_context::EvalContext,
    eval_error::EvalError,
    host::Host,
    kept_program,
    limits::PROBLEMS,
    module_summary::ModuleSummary,
    rule_trace::RuleTrace,
    sources::{PolicyFile, Sources},
};

/// Compiled rules. Nothing changes in it: threads share it.
#[derive(Debug)]
pub struct Program {
    pub(crate) engine: engine::Compiled,
}

/// What one evaluation of a [`Program`] is given.
#[derive(Clone, Debug)]
pub struct Evaluation<'a> {
    /// The input document, JSON.
    pub input: &'a str,
    /// Values that rules see at these paths of `data`, in place of those of the sources.
    pub data: Vec<(&'a [&'a str], regorus::Value)>,
    /// Implements registered functions.
    pub host: &'a Arc<dyn Host>,
    /// The time that `time.now_ns` gives.
    pub now: Timestamp,
    /// The end of the run.
    pub deadline: Option<Instant>,
    /// How long the evaluation may take at most.
    pub time_limit: Duration,
    /// Whether an error of a built-in ends the evaluation. As in OPA, it usually is undefined.
    pub strict_builtin_errors: bool,
}

impl Evaluation<'_> {
    fn context(&self) -> EvalContext {
        let mut context = EvalContext::new(self.host, self.now, self.deadline, self.time_limit);
        context.strict_builtin_errors = self.strict_builtin_errors;
        context
    }
}

impl Program {
    /// Compiles the sources. `read` makes something of the parsed files, each with its text; its problems are reported
    /// together with those of compiling.
    ///
    /// # Errors
    /// All problems that are found in one step.
    pub fn compile<T: Send>(
        sources: Sources,
        options: CompileOptions,
        read: impl FnOnce(&[(ModuleSummary, &str)]) -> Result<T, Vec<Problem>> + Send,
    ) -> Result<(Self, T), CompileError> {
        let (files, data) = sources.into_parts();
        with_large_stack(|| Self::of_files(files, data, options, read))?.map_err(sorted)
    }

    /// The same, taken from where the sources keep what is compiled, if it is there, together with what `read` made.
    ///
    /// # Errors
    /// As [`compile`](Self::compile). What has an error is not kept.
    pub fn compile_cached<T: Send + Stored>(
        sources: Sources,
        options: CompileOptions,
        read: impl FnOnce(&[(ModuleSummary, &str)]) -> Result<T, Vec<Problem>> + Send,
    ) -> Result<(Self, T), CompileError> {
        let cache = sources.cache().filter(|_| options.capabilities.is_none() && options.schemas.is_none());
        let Some(cache) = cache else { return Self::compile(sources, options, read) };
        let (files, data) = sources.into_parts();
        let names: Vec<_> = files.iter().map(|file| file.name.clone()).collect();
        let key = kept_program::key(&files, options);
        let work = || {
            let known = cache.find(&key).and_then(|bytes| kept_program::read(&bytes, &names, options));
            if let Some((program, read)) = known {
                let sources = files.into_iter().map(|file| Source::new(file.name, file.text)).collect();
                let data = data_value(data)?;
                return Ok((Self { engine: engine::Compiled::new(sources, program, data) }, read));
            }
            let (program, read) = Self::of_files(files, data, options, read)?;
            cache.keep(&key, &kept_program::write(program.engine.program(), &read, names));
            Ok((program, read))
        };
        with_large_stack(work)?.map_err(sorted)
    }

    fn of_files<T: Send>(
        files: Vec<PolicyFile>,
        data: DataDocument,
        options: CompileOptions,
        read: impl FnOnce(&[(ModuleSummary, &str)]) -> Result<T, Vec<Problem>> + Send,
    ) -> Result<(Self, T), Vec<Problem>> {
        let data = data_value(data)?;
        let files = engine::Files::parse(files, options).map_err(problems)?;
        let read = read(&files.module_summaries());
        match (read, files.compile(data).map_err(problems)) {
            (Ok(read), Ok(policy)) => Ok((Self { engine: policy.compiled }, read)),
            (read, compiled) => {
                let mut all = read.err().unwrap_or_default();
                // Of parse errors the modules have only those of METADATA blocks, which `read` has reported.
                let broken = Some("rego_parse_error");
                let reported = all.iter().any(|problem| problem.code == broken);
                all.extend(compiled.err().into_iter().flatten().filter(|one| !reported || one.code != broken));
                Err(all)
            }
        }
    }

    /// The values of some rules by their paths below `data`; none where a rule is undefined.
    ///
    /// # Errors
    /// [`EvalError`] when the evaluation ends early.
    pub fn evaluate(&self, request: Evaluation<'_>, paths: &[Vec<String>]) -> Result<Vec<Option<Json>>, EvalError> {
        let context = request.context();
        let input = engine::read(request.input).map_err(EvalError::Input)?;
        // Data that is that of the sources needs no copy, and lets evaluations share what they found out.
        let data = self.engine.data_with(request.data);
        let options = engine::EvalOptions { data, ..context.options(Some(input)) };
        let found = context.checked(self.engine.evaluate(paths, &options))?;
        let json = |value: regorus::Value| engine::given(&value);
        let values: Result<_, _> = found.values.into_iter().map(|value| value.map(json).transpose()).collect();
        values.map_err(|error| EvalError::Fault(format!("a value cannot be written: {error}")))
    }

    /// How the rules that begin at some files and lines came to their values, when the rules at some paths are evaluated:
    /// one trace for each branch of a definition that was tried. `code` names a rule by its file and line.
    ///
    /// # Errors
    /// [`EvalError`] when the evaluation ends early.
    pub fn rule_traces(
        &self,
        request: Evaluation<'_>,
        paths: &[Vec<String>],
        places: Vec<(String, u32)>,
        code: &dyn Fn(&str, u32) -> String,
    ) -> Result<Vec<RuleTrace>, EvalError> {
        let observe = TraceOptions { rule_traces: Some(TraceFilter::At(places)), ..TraceOptions::default() };
        let context = request.context();
        let input = engine::read(request.input).map_err(EvalError::Input)?;
        let data = self.engine.data_with(request.data);
        let options = engine::EvalOptions { data, ..context.options(Some(input)) };
        let (observations, _) = context.checked(self.engine.observed(paths, &options, &observe))?;
        let named = |trace: engine::RuleTrace| RuleTrace::new(code(&trace.rule.file, trace.rule.line), trace);
        Ok(observations.rule_traces.into_iter().map(named).collect())
    }
}

/// What `read` makes of the parsed policy files, each with its text. Nothing is compiled.
///
/// # Errors
/// Everything that is not Rego, or what `read` finds.
pub fn module_summaries<T: Send>(
    sources: Sources,
    read: impl FnOnce(&[(ModuleSummary, &str)]) -> Result<T, Vec<Problem>> + Send,
) -> Result<T, CompileError> {
    let (files, _) = sources.into_parts();
    let work = || {
        let files = engine::Files::parse(files, CompileOptions::default()).map_err(problems)?;
        read(&files.module_summaries())
    };
    with_large_stack(work)?.map_err(sorted)
}

/// What the data files and the program itself say.
fn data_value(data: DataDocument) -> Result<regorus::Value, Vec<Problem>> {
    data.into_value().map_err(|error| vec![Problem::new(None, format!("the data cannot be read: {error}"))])
}

fn problems(errors: Vec<engine::CompileError>) -> Vec<Problem> {
    errors.into_iter().map(Problem::from).collect()
}

fn sorted(mut problems: Vec<Problem>) -> CompileError {
    problems.sort();
    problems.truncate(PROBLEMS);
    CompileError::Problems(problems)
}
