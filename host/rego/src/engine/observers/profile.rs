//! [`Profile`]: what expressions and rules cost, in time and in how often they were evaluated.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::engine::eval::Event;
use crate::engine::ir::NodeId;

/// What something cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// How often it was evaluated.
    pub evaluations: u64,
    /// The time of it alone, without the rules and functions that it calls.
    pub own: Duration,
    /// The time with those.
    pub total: Duration,
}

/// The costs of an evaluation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    /// By file and first byte of the expression; `total` is `own`.
    pub expressions: BTreeMap<(u32, u32), Cost>,
    /// By rule or function.
    pub rules: BTreeMap<NodeId, Cost>,
}

/// A definition that is being evaluated.
struct Open {
    node: NodeId,
    since: Instant,
    /// The expression that called for it.
    caller: Option<(u32, u32)>,
}

/// Notes costs. Time between two events belongs to the expression that the first was about.
pub(super) struct Profiler {
    profile: Profile,
    open: Vec<Open>,
    at: Option<(u32, u32)>,
    last: Instant,
}

impl Profiler {
    pub(super) fn new() -> Self {
        Self { profile: Profile::default(), open: Vec::new(), at: None, last: Instant::now() }
    }

    pub(super) fn event(&mut self, event: Event<'_>) {
        let now = Instant::now();
        let spent = now.saturating_duration_since(self.last);
        if let Some(cost) = self.at.and_then(|at| self.profile.expressions.get_mut(&at)) {
            cost.own += spent;
            cost.total += spent;
        }
        if let Some(cost) = self.open.last().and_then(|open| self.profile.rules.get_mut(&open.node)) {
            cost.own += spent;
        }
        match event {
            Event::Enter { branch } => {
                let node = branch.about.node;
                self.profile.rules.entry(node).or_default().evaluations += 1;
                self.open.push(Open { node, since: now, caller: self.at.take() });
            }
            Event::Step { step, .. } => {
                let at = (step.span.file, step.span.start);
                self.profile.expressions.entry(at).or_default().evaluations += 1;
                self.at = Some(at);
            }
            Event::Failed { .. } | Event::Exit { .. } => {}
            Event::Leave => {
                if let Some(open) = self.open.pop() {
                    // Rules are not recursive, so that no time counts twice.
                    if let Some(cost) = self.profile.rules.get_mut(&open.node) {
                        cost.total += now.saturating_duration_since(open.since);
                    }
                    self.at = open.caller;
                }
            }
        }
        // What noting itself takes belongs to no one.
        self.last = Instant::now();
    }

    pub(super) fn done(self) -> Profile {
        self.profile
    }
}
