//! [`PolicySet::query`]: a query of policies, written in Rego, with coverage, profile and trace of its evaluation.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    compile_error::{CompileError, Location, Problem},
    coverage::Hits,
    engine::{self, Names, Observations, TraceOptions, with_large_stack},
    eval_context::EvalContext,
    eval_error::EvalError,
    host::Host,
    policy_set::PolicySet,
    profile::Profile,
    trace::Trace,
};

/// How a query is evaluated.
#[derive(Clone)]
pub struct QueryOptions {
    /// The package whose rules it may call by name, such as `lib.time`.
    pub package: Option<String>,
    /// Imports, such as `data.lib.time as t`.
    pub imports: Vec<String>,
    /// The input document; without one, references to it are undefined.
    pub input: Option<Value>,
    /// Whether the first error of a built-in ends the query.
    pub strict_builtin_errors: bool,
    /// How long it may take.
    pub time_limit: Duration,
    /// What built-ins reach the world through.
    pub host: Arc<dyn Host>,
    /// Whether everything that happens is noted.
    pub explain: bool,
    /// Whether it is noted what rules and expressions cost.
    pub profile: bool,
    /// Whether line coverage is recorded.
    pub coverage: bool,
}

/// What a query gives.
#[derive(Debug, Default)]
pub struct QueryOutput {
    /// The expressions of the query, as they are written.
    pub expressions: Vec<QueryExpression>,
    /// The results; none when it is undefined.
    pub results: Vec<QueryResult>,
    /// What was noted.
    pub notes: QueryObservations,
}

/// What was recorded during the evaluation of a query.
#[derive(Debug, Default)]
pub struct QueryObservations {
    /// The lines that policies printed.
    pub output: Vec<String>,
    /// What happened, if that was wanted.
    pub trace: Trace,
    /// What it cost, if that was wanted.
    pub profile: Profile,
    /// The covered lines, if requested.
    pub hits: Hits,
    /// How long compiling the query took.
    pub compile: Duration,
    /// How long its evaluation took.
    pub eval: Duration,
}

/// An expression of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryExpression {
    /// Its text.
    pub text: String,
    /// Its line, from 1.
    pub row: u32,
    /// Its column, from 1.
    pub column: u32,
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryResult {
    /// The value of each expression, in their order.
    pub values: Vec<Value>,
    /// The variables by name.
    pub bindings: BTreeMap<String, Value>,
}

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The query is not valid Rego, or does not fit the policies.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Its evaluation ended with an error.
    #[error("{error}")]
    Eval {
        /// Why.
        error: EvalError,
        /// What was noted until then.
        notes: Box<QueryObservations>,
    },
}

/// A query that was compiled; it belongs to the workbench that compiled it.
pub struct PreparedQuery {
    query: engine::Query,
    compile: Duration,
}

impl std::fmt::Debug for QueryOptions {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("QueryOptions").field("package", &self.package).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for PreparedQuery {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("PreparedQuery").finish_non_exhaustive()
    }
}

impl PolicySet {
    /// Compiles a query.
    ///
    /// # Errors
    /// Everything that is wrong with its text.
    pub fn prepare(&self, text: &str, options: &QueryOptions) -> Result<PreparedQuery, CompileError> {
        let names = Names { package: options.package.clone(), imports: options.imports.clone() };
        let started = Instant::now();
        let query = with_large_stack(|| self.program.prepare_with(text, &names))?
            .map_err(|errors| CompileError::Problems(errors.into_iter().map(Problem::from).collect()))?;
        Ok(PreparedQuery { query, compile: started.elapsed() })
    }

    /// Evaluates a query.
    ///
    /// # Errors
    /// [`QueryError`] if the query is invalid, or its evaluation failed.
    pub fn query(&self, text: &str, options: &QueryOptions) -> Result<QueryOutput, QueryError> {
        self.run_prepared(&self.prepare(text, options)?, options)
    }

    /// Evaluates a query that was compiled before.
    ///
    /// # Errors
    /// [`QueryError`] if the evaluation failed.
    pub fn run_prepared(&self, prepared: &PreparedQuery, options: &QueryOptions) -> Result<QueryOutput, QueryError> {
        let mut context = EvalContext::new(&options.host, Timestamp::now(), None, options.time_limit);
        context.strict_builtin_errors = options.strict_builtin_errors;
        let input = input(options).map_err(|error| QueryError::Eval { error, notes: Box::default() })?;
        let observe = TraceOptions {
            coverage: options.coverage,
            profile: options.profile,
            trace: options.explain,
            ..TraceOptions::default()
        };
        let started = Instant::now();
        let requested = self.program.query_observed(&prepared.query, &context.options(input), &observe);
        let eval = started.elapsed();
        let notes = |observations: Observations, prints: Vec<engine::Printed>| QueryObservations {
            output: prints.into_iter().filter(|line| !line.is_note).map(|line| line.text).collect(),
            trace: Trace::of(observations.trace),
            profile: Profile::of(&self.program, observations.profile),
            hits: Hits(observations.hits),
            compile: prepared.compile,
            eval,
        };
        let (response, observations) = match requested {
            Ok(mut results) => {
                let observations = std::mem::take(&mut results.observations);
                (Ok(results), observations)
            }
            Err(failed) => {
                let (error, observations) = *failed;
                (Err(error), observations)
            }
        };
        let results = match context.checked(response) {
            Ok(results) => results,
            Err(error) => return Err(QueryError::Eval { error, notes: Box::new(notes(observations, Vec::new())) }),
        };
        let json = |value: &regorus::Value| engine::given(value).unwrap_or(Value::Null);
        let result = |found: &engine::Solution| QueryResult {
            values: found.values.iter().map(json).collect(),
            bindings: found.bindings.iter().map(|(name, value)| (name.to_string(), json(value))).collect(),
        };
        let expression = |expression: &engine::Expression| QueryExpression {
            text: expression.text.clone(),
            row: expression.location.0,
            column: expression.location.1,
        };
        Ok(QueryOutput {
            expressions: prepared.query.expressions().iter().map(expression).collect(),
            results: results.found.iter().map(result).collect(),
            notes: notes(observations, results.prints),
        })
    }

    /// Evaluates a query repeatedly, for as long as `time` and at most `most` times; returns the time of each
    /// evaluation.
    ///
    /// # Errors
    /// [`QueryError`] if the evaluation failed.
    pub fn measure(
        &self,
        prepared: &PreparedQuery,
        options: &QueryOptions,
        time: Duration,
        most: usize,
    ) -> Result<Vec<Duration>, QueryError> {
        let limit = options.time_limit.saturating_add(time);
        let context = EvalContext::new(&options.host, Timestamp::now(), None, limit);
        let failed = |error| QueryError::Eval { error, notes: Box::default() };
        let input = input(options).map_err(failed)?;
        context.checked(self.program.measure(&prepared.query, &context.options(input), time, most)).map_err(failed)
    }
}

fn input(options: &QueryOptions) -> Result<Option<regorus::Value>, EvalError> {
    options.input.clone().map(engine::take).transpose().map_err(EvalError::Input)
}

impl EvalError {
    /// The class of the error as OPA names it, and where it is, as far as that is known.
    #[must_use]
    pub fn class(&self) -> (&'static str, Option<&Location>) {
        match self {
            Self::Policy(problem) => (problem.code.unwrap_or("eval_internal_error"), problem.location.as_ref()),
            Self::TimeLimit(_) | Self::Deadline => ("eval_cancel_error", None),
            Self::Input(_) | Self::TooManyResults | Self::Fault(_) => ("eval_internal_error", None),
            Self::Builtin { .. } => ("eval_builtin_error", None),
        }
    }
}
