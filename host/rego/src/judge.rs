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
    eval_error::EvalError,
    policy::{Ask, Policy},
    story::RuleStory,
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

impl Group {
    /// How the rules of a code came to their answers about a case. A code is that of a rule, such as `tasks.required`, or
    /// its package and name.
    ///
    /// # Errors
    /// [`EvalError`] when there is no answer.
    pub fn explain(&self, code: &str, case: &Case<'_>) -> Result<Vec<RuleStory>, EvalError> {
        self.policy.explain(&self.ask(case), &|rule| is_called(rule, code))
    }

    /// Whether the policy has a rule of this code.
    #[must_use]
    pub fn has_rule(&self, code: &str) -> bool {
        self.policy.rules().iter().any(|rule| is_called(rule, code))
    }

    /// The codes of the policy's rules.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.policy.rules().iter().map(|rule| rule.code.as_str())
    }

    fn ask<'a>(&'a self, case: &'a Case<'_>) -> Ask<'a> {
        Ask {
            packages: &self.packages,
            input: case.input,
            host: Arc::clone(&self.host),
            now: self.now,
            deadline: self.deadline,
            time_limit: self.time_limit,
        }
    }
}

fn is_called(rule: &RuleInfo, code: &str) -> bool {
    rule.code == code || code.strip_prefix(&rule.package).and_then(|rest| rest.strip_prefix('.')) == Some(&rule.name)
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
        let answers = self.policy.evaluate(&self.ask(case)).map_err(|error| error.into_no_answer(&self.name))?;
        Ok(decide(&self.rules, answers, &self.criteria, &case.evidence.image, self.when))
    }
}

#[cfg(test)]
mod tests;
