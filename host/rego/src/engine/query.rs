//! [`Query`]: any query over a policy, as a person or a case of OPA asks them. Judges ask for rules by their paths.

use std::collections::BTreeMap;

use regorus::Value;

use super::error::{CompileError, EvalError};
use super::eval::{Eval, Flow};
use super::parse::parse_query;
use super::plan::{QueryPlan, plan_query};
use super::policy::{Ask, Policy, Worker, on_deep_stack, sorted};
use super::resolve::resolve_query;
use super::span::Source;

/// One result of a query: its variables by name.
pub(crate) type Bindings = BTreeMap<String, Value>;

/// A prepared query; it belongs to the policy that prepared it.
pub(crate) struct Query {
    plan: QueryPlan,
}

impl Policy {
    /// Compiles a query against this policy.
    ///
    /// # Errors
    /// Everything that is wrong with its text.
    pub(crate) fn prepare(&self, text: &str) -> Result<Query, Vec<CompileError>> {
        let source = [Source::new("<query>".to_owned(), text.to_owned())];
        let [only] = &source;
        let body = parse_query(only, 0)?;
        let mut errors = Vec::new();
        let query = resolve_query(&body, only, &self.tree, &mut errors);
        if !errors.is_empty() {
            return Err(sorted(errors));
        }
        let plan = plan_query(query, &self.tree, &self.reach, &source, &mut errors);
        if errors.is_empty() { Ok(Query { plan }) } else { Err(sorted(errors)) }
    }

    /// Evaluates a prepared query.
    ///
    /// # Errors
    /// [`EvalError`] when there is no answer: a conflict, a limit, no answer from the host.
    pub(crate) fn query(&self, query: &Query, ask: &Ask<'_>) -> Result<Vec<Bindings>, EvalError> {
        on_deep_stack(|| self.run(query, ask))
    }

    fn run(&self, query: &Query, ask: &Ask<'_>) -> Result<Vec<Bindings>, EvalError> {
        let mut worker = Worker::default();
        let mut eval = self.eval(ask, &mut worker);
        let frame = eval.frame(query.plan.slots);
        let mut results = Vec::new();
        eval.run(frame, &query.plan.steps, &mut |eval: &mut Eval<'_>| {
            let named = query.plan.named.iter();
            results.push(named.map(|(name, slot)| (name.to_string(), eval.slot(frame, *slot).clone())).collect());
            Ok(Flow::More)
        })
        .map_err(|error| *error)?;
        Ok(results)
    }
}
