//! [`Compiled`]: compiled rules with their data, evaluated by the paths of rules.
//!
//! It is what remains of a compilation when no queries and tests need the rules themselves, so it can be kept between
//! runs; see [`stored`](super::stored). It never changes and is shared between threads; each query owns its memo and frames.

use std::sync::{Mutex, PoisonError};

use regorus::Value;

use super::builtins::{Caches, Host, Scope};
use super::error::{EvalCode, EvalError};
use super::eval::{Eval, EvalLimits, PersistentCache, Printed, deep, placed};
use super::ir::NodeId;
use super::observers::{Observations, Observers, TraceOptions};
use super::program::Program;
use super::span::{Source, Span};
use super::stack::with_large_stack;
use crate::compile_error::Location;

/// Compiled rules with their data.
#[derive(Debug)]
pub(crate) struct Compiled {
    sources: Vec<Source>,
    program: Program,
    data: Value,
    pub(super) workers: Workers,
}

/// What evaluations leave for the next: compiled patterns, and values that are the same in every query. Each evaluation
/// has one to itself, so that threads wait for each other only to take one and to give it back.
#[derive(Default)]
pub(super) struct Workers(Mutex<Vec<Worker>>);

/// What one evaluation at a time has to itself.
#[derive(Default)]
pub(super) struct Worker {
    pub(super) caches: Caches,
    pub(super) persistent: PersistentCache,
}

impl Workers {
    pub(super) fn take(&self) -> Worker {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(super) fn give(&self, worker: Worker) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Workers").finish_non_exhaustive()
    }
}

/// What one evaluation is given.
#[derive(Clone)]
pub(crate) struct EvalOptions<'a> {
    /// The document called `input`; without one, references to it are undefined.
    pub input: Option<Value>,
    /// The data that rules see, instead of the policy's.
    pub data: Option<Value>,
    /// Serves the `ec.*` functions.
    pub host: &'a dyn Host,
    /// When to stop.
    pub limits: EvalLimits<'a>,
    /// An error of a built-in function ends the query instead of making the expression undefined.
    pub strict_builtin_errors: bool,
    /// The time, in nanoseconds since 1970.
    pub now_ns: i64,
    /// What random functions draw from.
    pub seed: u64,
}

/// What an evaluation gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleValues {
    /// One value for each path, none where it is undefined.
    pub values: Vec<Option<Value>>,
    /// What `print` and `trace` wrote.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "an evaluation discards prints; the tests of the evaluator record them")
    )]
    pub prints: Vec<Printed>,
}

impl Compiled {
    pub(crate) fn new(sources: Vec<Source>, program: Program, data: Value) -> Self {
        Self { sources, program, data, workers: Workers::default() }
    }

    /// The rules.
    pub(crate) const fn program(&self) -> &Program {
        &self.program
    }

    /// The data that rules see.
    pub(super) const fn data(&self) -> &Value {
        &self.data
    }

    /// The full name of a rule or function, and where it is defined first.
    pub(crate) fn named(&self, id: NodeId) -> (String, Option<Location>) {
        let Some(node) = self.program.node(id) else { return (String::new(), None) };
        let location = self.sources.get(node.span.file as usize).map(|source| {
            let (line, column) = source.line_column(node.span.start);
            Location { file: source.name.clone(), line, column }
        });
        (node.name.clone(), location)
    }

    /// The files, in their order.
    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The values of rules by their paths below `data`, in the paths' order, all in one query; none for one that is
    /// undefined or not there.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed: a conflict, a limit, an error of the host.
    pub(crate) fn evaluate(&self, paths: &[Vec<String>], options: &EvalOptions<'_>) -> Result<RuleValues, EvalError> {
        on_large_stack(|| {
            if options.strict_builtin_errors || options.data.is_some() {
                // What is undefined elsewhere is an error here; what other data gives must not be remembered for these.
                return self.values(paths, options, &mut Worker::default());
            }
            let mut worker = self.workers.take();
            let values = self.values(paths, options, &mut worker);
            self.workers.give(worker);
            values
        })
    }

    fn values(
        &self,
        paths: &[Vec<String>],
        options: &EvalOptions<'_>,
        worker: &mut Worker,
    ) -> Result<RuleValues, EvalError> {
        let mut eval = self.eval(options, worker);
        let mut values = Vec::with_capacity(paths.len());
        let mut parts = 0;
        for path in paths {
            let value = match self.program.find(path.iter().map(String::as_str)) {
                Some(node) => eval.value(node, Span::default()).map_err(|error| *error)?,
                None => None,
            };
            if let Some(value) = &value {
                eval.result(value, &mut parts, Span::default()).map_err(|error| *error)?;
            }
            values.push(value);
        }
        Ok(RuleValues { values, prints: eval.prints })
    }

    /// The policy's data with values placed at paths, for [`EvalOptions::data`]; it shares all the rest. None where all of them are
    /// there already.
    pub(crate) fn data_with(&self, values: Vec<(&[&str], Value)>) -> Option<Value> {
        let mut data = None;
        for (path, value) in values {
            let path: Vec<Value> = path.iter().copied().map(Value::from).collect();
            let before = data.as_ref().unwrap_or(&self.data);
            if deep(before, &path) != Some(&value) {
                data = Some(placed(Some(before.clone()), &path, value));
            }
        }
        data
    }

    pub(super) fn eval<'p>(&'p self, options: &'p EvalOptions<'p>, worker: &'p mut Worker) -> Eval<'p> {
        let Worker { caches, persistent } = worker;
        persistent.begin_query(options.now_ns);
        let scope = Scope { now_ns: options.now_ns, seed: options.seed, caches, host: options.host, copied: 0 };
        let data = options.data.as_ref().unwrap_or(&self.data);
        let mut eval = Eval::new(&self.program, &self.sources, data, options.input.clone(), scope, persistent);
        eval.strict = options.strict_builtin_errors;
        eval.limits = options.limits;
        eval
    }

    /// The traces of some rules, by the rules' paths below `data`, with what was printed.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed.
    pub(crate) fn observed(
        &self,
        paths: &[Vec<String>],
        options: &EvalOptions<'_>,
        observe: &TraceOptions,
    ) -> Result<(Observations, Vec<Printed>), EvalError> {
        on_large_stack(|| {
            let nowhere = Source::new(String::new(), String::new());
            let mut worker = Worker::default();
            let mut eval = self.eval(options, &mut worker);
            let observers = observe.observers(&nowhere, &[]);
            eval.observe(observers.clone());
            for node in paths.iter().filter_map(|path| self.program.find(path.iter().map(String::as_str))) {
                eval.value(node, Span::default()).map_err(|error| *error)?;
            }
            let observations = Observers::finish(observers, &mut eval);
            Ok((observations, std::mem::take(&mut eval.prints)))
        })
    }
}

/// Runs on a thread with a known stack: the depth limit must be reached before its end.
pub(super) fn on_large_stack<T: Send>(work: impl FnOnce() -> Result<T, EvalError> + Send) -> Result<T, EvalError> {
    with_large_stack(work)
        .unwrap_or_else(|error| Err(EvalError { code: EvalCode::Fault, message: error.to_string(), location: None }))
}
