//! [`RuleTrace`]: how a rule was evaluated for one image, expression by expression.

use crate::{
    compile_error::Location,
    engine::{RuleTrace as EngineTrace, RuleTraceStep as EngineStep},
};

/// How one branch of a definition was evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTrace {
    /// The rule's code, such as `tasks.required`.
    pub code: String,
    /// The rule, such as `data.tasks.deny`.
    pub name: String,
    /// Where the branch begins.
    pub location: Location,
    /// How many results it gave.
    pub results: u64,
    /// The expressions that were reached, in the order in which they are evaluated. If the last never held, it decides.
    pub parts: Vec<TraceStep>,
}

/// An expression that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceStep {
    /// Where it begins.
    pub location: Location,
    /// Its text, on one line.
    pub text: String,
    /// How often it held.
    pub held: u64,
    /// Its variables and calls with their values: when it held first, or else when it did not.
    pub values: Vec<(String, String)>,
}

impl RuleTrace {
    pub(crate) fn new(code: String, trace: EngineTrace) -> Self {
        let part = |part: EngineStep| TraceStep {
            location: part.location,
            text: part.text,
            held: part.held,
            values: part.values.into_iter().map(|value| (value.text, value.value)).collect(),
        };
        let EngineTrace { name, location, results, parts, .. } = trace;
        Self { code, name, location, results, parts: parts.into_iter().map(part).collect() }
    }
}
