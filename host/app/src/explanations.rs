//! [`with_explanations`]: policies that also print how some of their rules were evaluated.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use assay_conforma::SourceGroupEvaluator;
use assay_model::{
    decide::Decision,
    error::EvaluationError,
    event::RunFinished,
    port::{EvaluationContext, Evaluator},
};
use assay_rego::{RuleTrace, TraceStep};

use crate::error::RequestError;

/// Characters of a value that are shown.
const VALUE: usize = 160;

/// Explanations by the name and the image of the component that they are about, as the Snapshot names both.
#[derive(Clone, Default)]
pub(crate) struct ExplanationLog(Arc<Mutex<Explanations>>);

type Explanations = BTreeMap<(String, String), Vec<String>>;

/// A source group of a policy that explains rules after its evaluation.
struct ExplainingEvaluator {
    group: SourceGroupEvaluator,
    codes: Arc<[String]>,
    log: ExplanationLog,
}

/// The evaluators of these groups. A rule is evaluated once more only for its explanation.
pub(crate) fn with_explanations(
    groups: Vec<SourceGroupEvaluator>,
    codes: &[String],
    log: &ExplanationLog,
) -> Result<Vec<Arc<dyn Evaluator>>, RequestError> {
    if let Some(code) = codes.iter().find(|code| !groups.iter().any(|group| group.has_rule(code))) {
        let package = code.rsplit_once('.').map_or(code.as_str(), |(package, _)| package);
        let mut near: Vec<_> =
            groups.iter().flat_map(SourceGroupEvaluator::codes).filter(|known| known.starts_with(package)).collect();
        near.dedup();
        near.truncate(5);
        let hint = if near.is_empty() {
            "pass the code of a rule, such as `tasks.required`, or its package and name".to_owned()
        } else {
            format!("there is {}", near.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", "))
        };
        return Err(RequestError::new(format!("`--explain {code}`: the policy has no such rule")).hint(hint));
    }
    let codes: Arc<[String]> = codes.into();
    let evaluator = |group| {
        Arc::new(ExplainingEvaluator { group, codes: Arc::clone(&codes), log: log.clone() }) as Arc<dyn Evaluator>
    };
    Ok(groups.into_iter().map(evaluator).collect())
}

impl Evaluator for ExplainingEvaluator {
    fn name(&self) -> &str {
        self.group.name()
    }

    fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<Decision, EvaluationError> {
        let decision = self.group.evaluate(context);
        let mut lines = Vec::new();
        for code in self.codes.iter().filter(|code| self.group.has_rule(code)) {
            match self.group.explain(code, context) {
                Ok(traces) => lines.extend(trace_lines(code, &traces)),
                Err(error) => lines.push(format!("  `{code}` cannot be explained: {error}")),
            }
        }
        let key = (context.component.name.clone(), context.evidence.image.to_string());
        self.log.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().extend(lines);
        decision
    }

    fn run_worker(&self, work: &mut (dyn FnMut() + Send)) {
        self.group.run_worker(work);
    }
}

impl ExplanationLog {
    /// The explanations, in the order of components, once the run has finished.
    pub(crate) fn lines(&self, end: &RunFinished) -> Vec<String> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Vec::new();
        for ((name, image), about) in log.iter() {
            lines.push(format!("explain: component `{name}` ({image})"));
            lines.extend(about.iter().cloned());
        }
        let evaluated: BTreeSet<_> = log.keys().map(|(name, _)| name).collect();
        for outcome in end.outcomes.iter().filter(|outcome| !evaluated.contains(&outcome.component.name)) {
            lines.push(format!(
                "explain: component `{}` was not evaluated; see the report for the reason",
                outcome.component.name
            ));
        }
        lines
    }
}

fn trace_lines(code: &str, traces: &[RuleTrace]) -> Vec<String> {
    if traces.is_empty() {
        return vec![format!(
            "  `{code}` is not evaluated: its package is excluded by the policy's `include` and `exclude`"
        )];
    }
    trace_text(traces)
}

/// What happened in each branch of a definition that was tried.
pub(crate) fn trace_text(traces: &[RuleTrace]) -> Vec<String> {
    let mut lines = Vec::new();
    for trace in traces {
        let results = match trace.results {
            0 => "no result".to_owned(),
            1 => "1 result".to_owned(),
            count => format!("{count} results"),
        };
        lines.push(format!("  `{}` at {}:{} returns {results}", trace.code, trace.location.file, trace.location.line));
        lines.extend(trace.parts.iter().flat_map(step_lines));
    }
    lines
}

/// The expression, and each of its values on a line of its own.
fn step_lines(part: &TraceStep) -> Vec<String> {
    let how = match part.held {
        0 => "fails".to_owned(),
        1 => "holds".to_owned(),
        count => format!("true {count} times, first as here"),
    };
    let shown = |(text, value): &(String, String)| {
        let cut = value.chars().count() > VALUE;
        let value: String = value.chars().take(VALUE).collect();
        format!("        {text}: {value}{}", if cut { "…" } else { "" })
    };
    let line = format!("    {}:{}: {how}: {}", part.location.file, part.location.line, part.text);
    std::iter::once(line).chain(part.values.iter().map(shown)).collect()
}
