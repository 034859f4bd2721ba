//! [`Program`]: parsed policies that can be asked. The only folder that names the evaluator, which is `regorus`.
//!
//! A program is prepared once; each evaluation works on a clone, which shares the modules and the data. Work runs on a
//! thread of its own, as the evaluator recurses and may panic: neither may end the process.

mod fault;
mod nesting;
mod syntax;
mod value;

use std::{
    num::{NonZeroU32, NonZeroUsize},
    thread,
    time::{Duration, Instant},
};

use assay_model::limits::POLICY_FILE_BYTES;
use regorus::{Engine, PolicyLengthConfig, utils::limits::ExecutionTimerConfig};
use serde_json::Value;

use crate::{
    builtin::Calls,
    check::Unavailable,
    compile_error::Problem,
    limits::{BRACKETS, STEPS_PER_LOOK},
    outline::Outline,
    sources::PolicyFile,
};

pub(crate) use fault::Fault;

/// Policies that can be asked from many threads.
pub(crate) struct Program {
    engine: Engine,
    unavailable: Unavailable,
}

/// One evaluation.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// Queries, each for one value.
    pub(crate) queries: &'a [String],
    /// The input document, JSON.
    pub(crate) input: Option<&'a str>,
    /// Who answers the built-ins of `ec`.
    pub(crate) calls: &'a Calls,
    /// How long it may take.
    pub(crate) limit: Duration,
}

/// The thread that work was given to did not come back with a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StackError {
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
    #[error("the evaluator panicked: {0}")]
    Panic(String),
}

/// Does the work on a thread with a stack of that many bytes, so that neither depth nor a panic ends the process.
pub(crate) fn apart<T: Send>(stack: usize, work: impl FnOnce() -> T + Send) -> Result<T, StackError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("rego".to_owned()).stack_size(stack);
        let thread = thread.spawn_scoped(scope, work).map_err(StackError::Thread)?;
        thread.join().map_err(|payload| {
            let text = payload.downcast_ref::<String>().cloned();
            let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            StackError::Panic(text.unwrap_or_else(|| "without a message".to_owned()))
        })
    })
}

/// How many arguments a built-in of the evaluator takes; none where it has no such built-in.
pub(crate) fn arguments(name: &str) -> Option<usize> {
    if name == "print" {
        return Some(usize::MAX);
    }
    regorus::unstable::BUILTINS.get(name).map(|(_, arguments)| usize::from(*arguments))
}

impl std::fmt::Debug for Program {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Program").field("unavailable", &self.unavailable).finish_non_exhaustive()
    }
}

impl Program {
    /// Parses the files. The outlines are in the files' order.
    pub(crate) fn parse(files: &[PolicyFile]) -> Result<(Self, Vec<Outline>), Vec<Problem>> {
        let mut engine = Engine::new();
        engine.set_policy_length_config(lengths());
        // As in OPA, a built-in that fails is undefined.
        engine.set_strict_builtin_errors(false);
        // What is printed would otherwise stand on standard error.
        engine.set_gather_prints(true);
        let mut problems = Vec::new();
        for PolicyFile { name, text } in files {
            if let Some(place) = nesting::too_deep(name, text) {
                problems.push(Problem::at(place, format!("more than {BRACKETS} brackets are open")));
            } else if let Err(error) = engine.add_policy(name.clone(), text.clone()) {
                let problem = fault::problem(&error, name);
                problems
                    .push(Problem { place: problem.place.map(|place| fault::without_tabs(place, text)), ..problem });
            }
        }
        let mut modules = Vec::new();
        for module in engine.get_modules() {
            match syntax::outline(module) {
                Ok(outline) => modules.push(outline),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok((Self { engine, unavailable: Unavailable::new() }, modules))
    }

    /// Adds the base document and makes ready for questions.
    pub(crate) fn prepare(mut self, data: Value, unavailable: Unavailable) -> Result<Self, Problem> {
        let as_problem = |error: &anyhow::Error| fault::problem(error, "");
        let data = value::from_json(data).map_err(|error| as_problem(&error))?;
        self.engine.add_data(data).map_err(|error| as_problem(&error))?;
        self.engine.eval_query("true".to_owned(), false).map_err(|error| as_problem(&error))?;
        self.unavailable = unavailable;
        Ok(self)
    }

    /// The value of each query; none where it is undefined. To be called [`apart`].
    pub(crate) fn ask(&self, question: &Question<'_>) -> Result<Vec<Option<Value>>, Fault> {
        let started = Instant::now();
        let limit = question.limit;
        let fault = |error: anyhow::Error| {
            if started.elapsed() >= limit { Fault::Time } else { Fault::of(&error) }
        };
        let mut engine = self.engine.clone();
        if let Some(input) = question.input {
            engine.set_input(regorus::Value::from_json_str(input).map_err(|error| Fault::Input(error.to_string()))?);
        }
        value::add_calls(&mut engine, question.calls, &self.unavailable).map_err(fault)?;
        engine.set_execution_timer_config(ExecutionTimerConfig {
            limit,
            check_interval: NonZeroU32::new(STEPS_PER_LOOK).unwrap_or(NonZeroU32::MIN),
        });
        // All in one query, so that rules which several of them need are evaluated once. What is undefined leaves its
        // comprehension empty.
        let query: Vec<_> =
            question.queries.iter().map(|query| format!("[assay_value | assay_value := {query}]")).collect();
        let results = engine.eval_query(format!("[{}]", query.join(",\n")), false).map_err(fault)?;
        if started.elapsed() >= limit {
            return Err(Fault::Time);
        }
        let value = results.result.first().and_then(|result| result.expressions.first()).map(|first| &first.value);
        let Some(Ok(values)) = value.map(regorus::Value::as_array) else {
            return Err(Fault::Evaluation(Problem { place: None, message: "the query has no value".to_owned() }));
        };
        values
            .iter()
            .map(|found| found.as_array()?.first().map(value::to_json).transpose())
            .collect::<Result<_, _>>()
            .map_err(fault)
    }
}

/// The size of a file bounds its lines and their length.
fn lengths() -> PolicyLengthConfig {
    let bytes = usize::try_from(POLICY_FILE_BYTES).ok().and_then(NonZeroUsize::new);
    PolicyLengthConfig {
        max_col: NonZeroU32::MAX,
        max_file_bytes: bytes.unwrap_or(NonZeroUsize::MIN),
        max_lines: NonZeroUsize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stays_apart() {
        assert_eq!(apart(1 << 20, || 7).unwrap(), 7);
        let error = apart(1 << 20, || -> u8 { panic!("number {}", 7) }).unwrap_err();
        assert_eq!(error.to_string(), "the evaluator panicked: number 7");
        let error = apart(1 << 20, || -> u8 { std::panic::panic_any(7) }).unwrap_err();
        assert_eq!(error.to_string(), "the evaluator panicked: without a message");
    }
}
