//! [`Group`]: one source group of a policy configuration as a judge.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_model::{
    criteria::Criteria,
    decide::{Decision, decide},
    failure::NoAnswer,
    port::{Case, Judge},
    rule::RuleInfo,
};
use jiff::Timestamp;

use crate::{
    builtin::Host,
    limits::EVALUATION_TIME,
    policy::{Ask, Policy},
};

/// A policy with the criteria of its source group.
pub struct Group {
    name: String,
    policy: Arc<Policy>,
    criteria: Criteria,
    when: Timestamp,
    host: Arc<dyn Host>,
    /// What `time.now_ns` tells: one moment for all images, so that what depends on it is worked out once.
    now: Timestamp,
    deadline: Option<Instant>,
    time_limit: Duration,
    /// The packages that are asked.
    packages: BTreeSet<String>,
    /// The annotated rules of these packages.
    rules: Vec<RuleInfo>,
}

impl Group {
    /// A judge that decides as of `when`. Only packages of which some rule is included are asked; where that is none,
    /// all are, so that misspelt criteria show.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        policy: Arc<Policy>,
        criteria: Criteria,
        when: Timestamp,
        host: Arc<dyn Host>,
    ) -> Self {
        let packages = |wanted: &dyn Fn(&RuleInfo) -> bool| -> BTreeSet<String> {
            policy.rules().iter().filter(|rule| wanted(rule)).map(|rule| rule.package.clone()).collect()
        };
        let mut chosen = packages(&|rule| criteria.includes(&rule.code, &[], &rule.collections));
        if chosen.is_empty() {
            chosen = packages(&|_| true);
        }
        let rules = policy.annotated_rules().iter().filter(|rule| chosen.contains(&rule.package)).cloned().collect();
        Self {
            name: name.into(),
            criteria,
            when,
            host,
            now: Timestamp::now(),
            deadline: None,
            time_limit: EVALUATION_TIME,
            packages: chosen,
            rules,
            policy,
        }
    }

    /// The same with the end of the run.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Group").field("name", &self.name).field("packages", &self.packages).finish_non_exhaustive()
    }
}

impl Judge for Group {
    fn name(&self) -> &str {
        &self.name
    }

    fn judge(&self, case: &Case<'_>) -> Result<Decision, NoAnswer> {
        let ask = Ask {
            packages: &self.packages,
            input: case.input,
            host: Arc::clone(&self.host),
            now: self.now,
            deadline: self.deadline,
            time_limit: self.time_limit,
        };
        let answers = self.policy.evaluate(&ask).map_err(|error| error.into_no_answer(&self.name))?;
        Ok(decide(&self.rules, answers, &self.criteria, &case.evidence.image, self.when))
    }
}

#[cfg(test)]
mod tests;
