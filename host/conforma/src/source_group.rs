//! [`SourceGroupEvaluator`]: the evaluator of one source group of a policy configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use assay_model::{
    criteria::Criteria,
    decide::{DecideOptions, Decision, decide, success},
    error::EvaluationError,
    finding::Finding,
    port::{EvaluationContext, Evaluator},
    rule::{RuleInfo, RuleResult},
    selection::Selection,
};
use assay_rego::{EVALUATION_TIME, EvalError, RuleTrace};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    functions::Functions,
    host::Host,
    policy::{EvalRequest, InputFile, Policy},
};

/// A policy with what its source group includes and excludes.
pub struct SourceGroupEvaluator {
    name: String,
    policy: Arc<Policy>,
    selection: Selection,
    host: Arc<dyn assay_rego::Host>,
    /// The value of `time.now_ns`: one time for all images, so that what depends on it is computed once.
    now: Timestamp,
    deadline: Option<Instant>,
    time_limit: Duration,
    /// The codes of rules that are meant for pipelines of another kind.
    unintended: BTreeSet<String>,
    /// What is said of each rule that passed, by its code; the same of every image.
    passed: BTreeMap<String, Finding>,
    /// Whether packages are chosen and findings are put as `ec` does.
    ec_compat: bool,
}

impl SourceGroupEvaluator {
    /// An evaluator. Only packages of which some rule is included are evaluated; if there is none, all are, so that
    /// misspelled criteria show.
    #[must_use]
    pub fn new(name: impl Into<String>, policy: Arc<Policy>, selection: Selection, host: Arc<dyn Host>) -> Self {
        let passed = policy.annotated_rules().iter().map(|rule| (rule.code.clone(), success(rule))).collect();
        Self {
            name: name.into(),
            passed,
            ec_compat: false,
            policy,
            selection,
            host: Arc::new(Functions::new(host)),
            now: Timestamp::now(),
            deadline: None,
            time_limit: EVALUATION_TIME,
            unintended: BTreeSet::new(),
        }
    }

    /// The same with the end of the run.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same, compatible with `ec`. Findings are built as [`DecideOptions::ec_compat`] says. Packages are chosen by
    /// the first part of their rules' codes, so that the rules of a nested package are evaluated only if no package is
    /// selected at all; see [`skipped_packages`](Self::skipped_packages).
    #[must_use]
    pub const fn with_ec_compat(mut self, ec_compat: bool) -> Self {
        self.ec_compat = ec_compat;
        self
    }

    /// The nested packages whose rules are left out, as long as another package is chosen.
    #[must_use]
    pub fn skipped_packages(&self) -> BTreeSet<&str> {
        let packages = self.policy.rules().iter().map(|rule| rule.package.as_str());
        packages.filter(|package| self.ec_compat && package.contains('.')).collect()
    }

    /// The same, evaluating only rules that are meant for pipelines with one of these intentions; with none of them,
    /// rules that are meant for any. Findings of rules that the policy does not list stay.
    #[must_use]
    pub fn with_intentions(mut self, intentions: &[String]) -> Self {
        let meant = |rule: &RuleInfo| {
            let of_rule = &rule.pipeline_intention;
            if intentions.is_empty() { of_rule.is_empty() } else { of_rule.iter().any(|one| intentions.contains(one)) }
        };
        self.unintended =
            self.policy.rules().iter().filter(|rule| !meant(rule)).map(|rule| rule.code.clone()).collect();
        self
    }

    fn is_meant(&self, code: &str) -> bool {
        !self.unintended.contains(code)
    }

    /// What counts for any component of this image, and what for this one.
    fn criteria(&self, context: &EvaluationContext<'_>) -> (Criteria, Criteria) {
        let at = |component| self.selection.at(&context.evidence.image, component, context.when);
        (at(""), at(context.component.name.as_str()))
    }

    /// The packages to evaluate: those of which some rule counts for any component, as in `ec`, or all if there are
    /// none; and those that count for this component or for some term.
    fn packages(&self, default_criteria: &Criteria, criteria: &Criteria) -> BTreeSet<String> {
        let name = |rule: &RuleInfo| match rule.code.split('.').next() {
            Some(first) if self.ec_compat => first.to_owned(),
            _ => rule.package.clone(),
        };
        let packages = |wanted: &dyn Fn(&RuleInfo) -> bool| -> BTreeSet<String> {
            self.policy.rules().iter().filter(|rule| self.is_meant(&rule.code) && wanted(rule)).map(name).collect()
        };
        let mut chosen = packages(&|rule| default_criteria.includes(&rule.code, &[], &rule.collections));
        if chosen.is_empty() {
            return self.policy.rules().iter().map(|rule| rule.package.clone()).collect();
        }
        chosen.extend(packages(&|rule| criteria.may_include(&rule.code, &rule.collections)));
        chosen
    }
}

impl SourceGroupEvaluator {
    /// How the rules of a code were evaluated in a context. A code is that of a rule, such as `tasks.required`, or
    /// its package and name.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluation failed.
    pub fn explain(&self, code: &str, context: &EvaluationContext<'_>) -> Result<Vec<RuleTrace>, EvalError> {
        let (default_criteria, criteria) = self.criteria(context);
        let packages = self.packages(&default_criteria, &criteria);
        self.policy.explain(&self.request(context, &packages, None), &|rule| is_called(rule, code))
    }

    /// Whether the policy has a rule of this code.
    #[must_use]
    pub fn has_rule(&self, code: &str) -> bool {
        self.policy.rules().iter().any(|rule| is_called(rule, code))
    }

    /// The policy's rules.
    #[must_use]
    pub fn rules(&self) -> &[RuleInfo] {
        self.policy.rules()
    }

    /// What is included and excluded.
    #[must_use]
    pub const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The codes of the policy's rules.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.policy.rules().iter().map(|rule| rule.code.as_str())
    }

    fn request<'a>(
        &self,
        context: &'a EvaluationContext<'_>,
        packages: &'a BTreeSet<String>,
        file: Option<InputFile<'a>>,
    ) -> EvalRequest<'a> {
        EvalRequest {
            packages,
            input: context.input,
            when: Some(context.when),
            file,
            host: Arc::clone(&self.host),
            now: self.now,
            deadline: self.deadline,
            time_limit: self.time_limit,
            strict_builtin_errors: false,
        }
    }
}

impl SourceGroupEvaluator {
    /// What the rules say about several input documents that are one thing, such as those of a file, in place of the input
    /// of the case. A rule
    /// passed if it had nothing to say about any of them.
    ///
    /// # Errors
    /// [`EvaluationError`] when there is none about one of them.
    pub fn evaluate_together<'a>(
        &self,
        context: &EvaluationContext<'_>,
        file: Option<InputFile<'_>>,
        inputs: impl Iterator<Item = &'a str>,
    ) -> Result<Decision, EvaluationError> {
        let (default_criteria, criteria) = self.criteria(context);
        let packages = self.packages(&default_criteria, &criteria);
        let mut results = Vec::new();
        for input in inputs {
            let context = EvaluationContext { input, ..*context };
            let message = self.policy.evaluate(&self.request(&context, &packages, file));
            results.extend(message.map_err(|error| error.into_evaluation_error(&self.name))?);
        }
        let code =
            |result: &RuleResult| result.metadata.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
        results.retain(|result| self.is_meant(&code(result)));
        let requested = |rule: &&RuleInfo| packages.contains(&rule.package) && self.is_meant(&rule.code);
        let rules: Vec<&RuleInfo> = self.policy.annotated_rules().iter().filter(requested).collect();
        let passed = |rule: &RuleInfo| self.passed.get(&rule.code).cloned().unwrap_or_else(|| success(rule));
        Ok(decide(
            &rules,
            results,
            &criteria,
            context.when,
            &DecideOptions { success: &passed, ec_compat: self.ec_compat },
        ))
    }
}

fn is_called(rule: &RuleInfo, code: &str) -> bool {
    rule.code == code || code.strip_prefix(&rule.package).and_then(|rest| rest.strip_prefix('.')) == Some(&rule.name)
}

impl std::fmt::Debug for SourceGroupEvaluator {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Group").field("name", &self.name).field("selection", &self.selection).finish_non_exhaustive()
    }
}

impl Evaluator for SourceGroupEvaluator {
    fn name(&self) -> &str {
        &self.name
    }

    fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<Decision, EvaluationError> {
        self.evaluate_together(context, None, std::iter::once(context.input))
    }

    fn run_worker(&self, work: &mut (dyn FnMut() + Send)) {
        assay_rego::run_worker(work);
    }
}

#[cfg(test)]
mod tests;
