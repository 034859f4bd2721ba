//! [`plan_query`]: the plan of a query.

use super::{Planner, Targets, fill};
use crate::engine::ast::Name;
use crate::engine::dependencies::{Dependencies, DirectReads};
use crate::engine::error::CompileError;
use crate::engine::ir::Slot;
use crate::engine::program::Step;
use crate::engine::resolve::QueryIr;
use crate::engine::rule_tree::RuleTree;
use crate::engine::safety::Bound;
use crate::engine::span::Source;
use crate::engine::work::Work;

/// A planned query.
#[derive(Debug)]
pub(crate) struct QueryPlan {
    pub steps: Vec<Step>,
    pub slots: usize,
    /// The variables a caller sees.
    pub named: Vec<(Name, Slot)>,
}

/// Plans a query against a compiled policy.
pub(crate) fn plan_query(
    query: QueryIr,
    tree: &RuleTree,
    dependencies: &Dependencies,
    sources: &[Source],
    work: &Work,
    errors: &mut Vec<CompileError>,
) -> QueryPlan {
    let mut targets = Targets::new();
    let mut planner = Planner {
        tree,
        sources,
        slots: &query.slots,
        reads: DirectReads::default(),
        targets: &mut targets,
        work,
        errors,
    };
    let steps = planner.body(&query.body, &mut Bound::new(query.slots.len(), 0));
    fill(&targets, dependencies, work);
    QueryPlan { steps, slots: query.slots.len(), named: query.named }
}
