//! [`ComponentEvaluator`]: makes one component's [`Outcome`]: the checks that no policy can exclude, then every evaluator.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use assay_model::{
    decide::{Decision, decide_checks},
    effective_time::EffectiveTime,
    error::{ErrorCode, EvaluationError},
    evidence::{Attestation, Evidence},
    finding::Finding,
    image::PinnedImage,
    input::InputHead,
    outcome::Outcome,
    port::{EvaluationContext, Evaluator},
    snapshot::Component,
};

/// The outcome of a component that could not be evaluated.
pub(crate) fn error_outcome(component: Component, image: Option<PinnedImage>, error: EvaluationError) -> Outcome {
    Outcome {
        component,
        image,
        decision: Decision::default(),
        signatures: Vec::new(),
        attestations: Vec::new(),
        evaluated_at: None,
        input: None,
        statements: Vec::new(),
        notices: Vec::new(),
        error: Some(error),
    }
}

/// The outcome of a component that is denied without being evaluated.
pub(crate) fn violation_outcome(component: Component, image: Option<PinnedImage>, violation: Finding) -> Outcome {
    let decision = Decision { violations: vec![violation], ..Decision::default() };
    Outcome {
        component,
        image,
        decision,
        signatures: Vec::new(),
        attestations: Vec::new(),
        evaluated_at: None,
        input: None,
        statements: Vec::new(),
        notices: Vec::new(),
        error: None,
    }
}

/// All that is needed to evaluate components one by one.
#[derive(Clone)]
pub(crate) struct ComponentEvaluator {
    /// What input documents have in common.
    pub(crate) head: Arc<InputHead>,
    pub(crate) evaluators: Arc<[Arc<dyn Evaluator>]>,
    pub(crate) effective_time: EffectiveTime,
    pub(crate) keep_inputs: bool,
    pub(crate) keep_statements: bool,
}

impl ComponentEvaluator {
    /// Runs every evaluator. When one fails, the others still run, but the outcome is an error.
    pub(crate) fn evaluate(&self, component: Component, evidence: Evidence) -> Outcome {
        let mut decision = decide_checks(&evidence);
        let when = self.effective_time.of(&evidence);
        let mut error = None;
        let mut input = None;
        if evidence.is_evaluable() {
            match self.head.document(&component, &evidence) {
                Ok(document) => {
                    let context =
                        EvaluationContext { component: &component, evidence: &evidence, when, input: &document };
                    for evaluator in self.evaluators.iter() {
                        match evaluate_with(evaluator.as_ref(), &context) {
                            Ok(results) => decision.extend(results),
                            Err(why) => {
                                error.get_or_insert(why);
                            }
                        }
                    }
                    input = self.keep_inputs.then(|| document.into());
                }
                Err(why) => {
                    let message = format!("the input document of `{}` cannot be written: {why}", evidence.image);
                    error = Some(EvaluationError::new(ErrorCode::Internal, message));
                }
            }
        }
        decision.sort();
        let statement = |attestation: &Attestation| Arc::clone(&attestation.statement);
        let statements =
            if self.keep_statements { evidence.attestations.iter().map(statement).collect() } else { Vec::new() };
        Outcome {
            component,
            image: Some(evidence.image),
            decision,
            signatures: evidence.signatures,
            attestations: evidence.attestations.into_iter().map(Into::into).collect(),
            evaluated_at: Some(when),
            input,
            statements,
            notices: evidence.notices,
            error,
        }
    }
}

fn evaluate_with(evaluator: &dyn Evaluator, context: &EvaluationContext<'_>) -> Result<Decision, EvaluationError> {
    // An evaluator that panics must fail its component, not the process.
    let results = catch_unwind(AssertUnwindSafe(|| evaluator.evaluate(context)));
    let results = results.unwrap_or_else(|_| {
        let message = format!("`{}` panicked while evaluating `{}`", evaluator.name(), context.evidence.image);
        Err(EvaluationError::new(ErrorCode::Internal, message).hint("this is a bug in assay; please report it"))
    })?;
    if results.is_empty() {
        let message =
            format!("`{}` gave no successes, warnings or failures for `{}`", evaluator.name(), context.evidence.image);
        let hint = "check that the policy's include list names rules that exist";
        return Err(EvaluationError::new(ErrorCode::NoResults, message).hint(hint));
    }
    Ok(results)
}
