//! [`Workbench::query`]: any question to policies, written in Rego, with what can be told about how it was answered.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    builtin::Host,
    compile_error::{CompileError, Place, Problem},
    coverage::Hits,
    engine::{self, Names, Seen, Watch, apart},
    eval_error::EvalError,
    explain::Explained,
    profile::Profile,
    question::Question,
    workbench::Workbench,
};

/// How a query is asked.
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
    /// Whether lines are noted that were at work.
    pub coverage: bool,
}

/// What a query gives.
#[derive(Debug, Default)]
pub struct QueryAnswer {
    /// The expressions of the query, as they are written.
    pub expressions: Vec<QueryExpression>,
    /// The results; none when it is undefined.
    pub results: Vec<QueryResult>,
    /// What was noted.
    pub notes: QueryNotes,
}

/// What was noted while a query was answered.
#[derive(Debug, Default)]
pub struct QueryNotes {
    /// The lines that policies printed.
    pub output: Vec<String>,
    /// What happened, if that was wanted.
    pub explained: Explained,
    /// What it cost, if that was wanted.
    pub profile: Profile,
    /// The lines that were at work, if that was wanted.
    pub hits: Hits,
    /// How long compiling the query took.
    pub compile: Duration,
    /// How long answering it took.
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

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The query is no Rego, or does not fit the policies.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Its evaluation ended with an error.
    #[error("{error}")]
    Eval {
        /// Why.
        error: EvalError,
        /// What was noted until then.
        notes: Box<QueryNotes>,
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

impl Workbench {
    /// Compiles a query.
    ///
    /// # Errors
    /// Everything that is wrong with its text.
    pub fn prepare(&self, text: &str, options: &QueryOptions) -> Result<PreparedQuery, CompileError> {
        let names = Names { package: options.package.clone(), imports: options.imports.clone() };
        let started = Instant::now();
        let query = apart(|| self.program.prepare_with(text, &names))?
            .map_err(|errors| CompileError::Problems(errors.into_iter().map(Problem::from).collect()))?;
        Ok(PreparedQuery { query, compile: started.elapsed() })
    }

    /// Asks a query.
    ///
    /// # Errors
    /// [`QueryError`] when it is no query, or when there is no answer.
    pub fn query(&self, text: &str, options: &QueryOptions) -> Result<QueryAnswer, QueryError> {
        self.ask(&self.prepare(text, options)?, options)
    }

    /// Asks a query that was compiled before.
    ///
    /// # Errors
    /// [`QueryError`] when there is no answer.
    pub fn ask(&self, prepared: &PreparedQuery, options: &QueryOptions) -> Result<QueryAnswer, QueryError> {
        let mut question = Question::new(&options.host, Timestamp::now(), None, options.time_limit);
        question.strict_builtin_errors = options.strict_builtin_errors;
        let input = input(options).map_err(|error| QueryError::Eval { error, notes: Box::default() })?;
        let watch =
            Watch { coverage: options.coverage, profile: options.profile, trace: options.explain, ..Watch::default() };
        let started = Instant::now();
        let asked = self.program.query_watched(&prepared.query, &question.ask(input), &watch);
        let eval = started.elapsed();
        let notes = |seen: Seen, prints: Vec<engine::Printed>| QueryNotes {
            output: prints.into_iter().filter(|line| !line.is_note).map(|line| line.text).collect(),
            explained: Explained::of(seen.trace),
            profile: Profile::of(&self.program, seen.profile),
            hits: Hits(seen.hits),
            compile: prepared.compile,
            eval,
        };
        let (answer, seen) = match asked {
            Ok(mut results) => {
                let seen = std::mem::take(&mut results.seen);
                (Ok(results), seen)
            }
            Err(failed) => {
                let (error, seen) = *failed;
                (Err(error), seen)
            }
        };
        let results = match question.answered(answer) {
            Ok(results) => results,
            Err(error) => return Err(QueryError::Eval { error, notes: Box::new(notes(seen, Vec::new())) }),
        };
        let json = |value: &regorus::Value| engine::given(value).unwrap_or(Value::Null);
        let result = |found: &engine::Found| QueryResult {
            values: found.values.iter().map(json).collect(),
            bindings: found.bindings.iter().map(|(name, value)| (name.to_string(), json(value))).collect(),
        };
        let expression = |expression: &engine::Expression| QueryExpression {
            text: expression.text.clone(),
            row: expression.place.0,
            column: expression.place.1,
        };
        Ok(QueryAnswer {
            expressions: prepared.query.expressions().iter().map(expression).collect(),
            results: results.found.iter().map(result).collect(),
            notes: notes(seen, results.prints),
        })
    }

    /// Asks a query again and again, for as long as `time` and at most `most` times; gives the time of each evaluation.
    ///
    /// # Errors
    /// [`QueryError`] when there is no answer.
    pub fn measure(
        &self,
        prepared: &PreparedQuery,
        options: &QueryOptions,
        time: Duration,
        most: usize,
    ) -> Result<Vec<Duration>, QueryError> {
        let limit = options.time_limit.saturating_add(time);
        let question = Question::new(&options.host, Timestamp::now(), None, limit);
        let failed = |error| QueryError::Eval { error, notes: Box::default() };
        let input = input(options).map_err(failed)?;
        question.answered(self.program.measure(&prepared.query, &question.ask(input), time, most)).map_err(failed)
    }
}

fn input(options: &QueryOptions) -> Result<Option<regorus::Value>, EvalError> {
    options.input.clone().map(engine::take).transpose().map_err(EvalError::Input)
}

impl EvalError {
    /// The class of the error as OPA names it, and where it is, as far as that is known.
    #[must_use]
    pub fn class(&self) -> (&'static str, Option<&Place>) {
        match self {
            Self::Policy(problem) => (problem.code.unwrap_or("eval_internal_error"), problem.place.as_ref()),
            Self::TimeLimit(_) | Self::Deadline => ("eval_cancel_error", None),
            Self::Input(_) | Self::TooManyResults | Self::Fault(_) => ("eval_internal_error", None),
            Self::Builtin { .. } => ("eval_builtin_error", None),
        }
    }
}
