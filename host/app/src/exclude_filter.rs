//! [`ExcludeFilter`]: a check given on the command line, under the policy's `exclude` lists.

use std::sync::Arc;

use assay_model::{
    decide::Decision,
    error::EvaluationError,
    finding::Finding,
    port::{EvaluationContext, Evaluator},
    selection::Selection,
};

/// Drops the findings of an evaluator that an `exclude` item names. A plugin needs no `include`: the user named it.
pub(crate) struct ExcludeFilter {
    pub(crate) evaluator: Arc<dyn Evaluator>,
    pub(crate) selections: Arc<[Selection]>,
}

impl Evaluator for ExcludeFilter {
    fn name(&self) -> &str {
        self.evaluator.name()
    }

    fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<Decision, EvaluationError> {
        let mut decision = self.evaluator.evaluate(context)?;
        let had_findings = !decision.is_empty();
        let (image, component) = (&context.evidence.image, &context.component.name);
        let criteria: Vec<_> =
            self.selections.iter().map(|selection| selection.at(image, component, context.when)).collect();
        let counts = |finding: &Finding| {
            let code = finding.code().unwrap_or_default();
            !criteria.iter().any(|criteria| criteria.excludes_by_name(code, &finding.terms()))
        };
        for list in [&mut decision.violations, &mut decision.warnings, &mut decision.successes] {
            list.retain(counts);
        }
        if had_findings && decision.is_empty() {
            // All its findings were excluded, which is a result and not the lack of one.
            decision.successes.push(Finding::new(&format!("{}.excluded", self.name()), "All findings are excluded"));
        }
        Ok(decision)
    }

    fn run_worker(&self, work: &mut (dyn FnMut() + Send)) {
        self.evaluator.run_worker(work);
    }
}
