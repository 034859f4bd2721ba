//! [`run_check`]: a check, on each image that it is given, outside of any validation.

use std::{collections::BTreeSet, sync::Arc};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    port::EvaluationContext,
};
use assay_wasm::{Check, CheckOptions, Grants, Outcome, Plugin, PluginFinding, Sinks, SnapshotInput, Usage, Verdict};
use jiff::Timestamp;

use super::{
    host::plugin_error, run_evidence::collector, run_inputs::RunInputs, run_report::RunReport,
    run_request::RunPluginRequest,
};
use crate::{error::RequestError, image_evidence::failed_checks};

/// Calls the check for each image, and counts what it found: of a rule without a finding it is a success, as in reports. An image
/// whose attestations do not count is a failure, and the check is not called for it.
///
/// # Errors
/// The parameters do not match the plugin, or evidence cannot be collected.
pub(crate) fn run_check(
    plugin: &Plugin,
    request: &RunPluginRequest<'_>,
    inputs: &RunInputs,
    grants: Grants,
) -> Result<RunReport, RequestError> {
    let Some((snapshot, text)) = inputs.snapshot()? else {
        return Err(RequestError::new("a check needs an image").hint("pass `--image` or `--images`"));
    };
    let collector = collector(request)?;
    let store = collector.store(request.sources.deadline)?;
    let images = collector.of(&snapshot.components, &store);
    let options = CheckOptions {
        run: inputs.context(),
        params: &inputs.params,
        snapshot: SnapshotInput { snapshot: &snapshot, text },
        blobs: store as Arc<_>,
        limits: grants.limits,
        sinks: Sinks { log: request.log.clone(), ..Sinks::default() },
    };
    let check = Check::new(plugin, options).map_err(|error| plugin_error(&error))?;
    let now = Timestamp::now();
    let mut found = Found::default();
    for (component, evidence) in snapshot.components.iter().zip(&images) {
        let name = &component.container_image;
        let evidence = match evidence {
            Ok(evidence) => evidence,
            Err(error) => {
                found.fail(error.clone());
                continue;
            }
        };
        found.findings.extend(failed_checks(evidence));
        if !evidence.is_evaluable() {
            continue;
        }
        let context = EvaluationContext { component, evidence, when: now, input: "{}" };
        let outcome = check.call(&context);
        found.usage.add(outcome.usage);
        match outcome.result {
            Ok((findings, _)) => found.add(plugin, findings, name),
            Err(failed) => found.fail(failed.error),
        }
    }
    Ok(found.report(now))
}

/// What a check found in all images.
#[derive(Default)]
struct Found {
    findings: Vec<PluginFinding>,
    /// Rules without a finding, for each image.
    silent: u64,
    error: Option<EvaluationError>,
    usage: Usage,
}

impl Found {
    fn fail(&mut self, error: EvaluationError) {
        self.error.get_or_insert(error);
    }

    fn add(&mut self, plugin: &Plugin, findings: Vec<PluginFinding>, image: &str) {
        let manifest = plugin.manifest();
        let mentioned: BTreeSet<_> = findings.iter().map(|finding| finding.code.as_str()).collect();
        let silent = manifest.rules.iter().filter(|rule| !mentioned.contains(rule.code.as_str())).count();
        self.silent = self.silent.saturating_add(u64::try_from(silent).unwrap_or(u64::MAX));
        if let Some(finding) = findings.iter().find(|finding| finding.outcome == Outcome::Error) {
            let (name, code) = (&manifest.name, &finding.code);
            let message = format!("plugin `{name}` could not evaluate `{code}`: {}", finding.message);
            self.fail(EvaluationError::new(ErrorCode::PluginError, message));
        }
        self.findings.extend(
            findings.into_iter().map(|finding| PluginFinding {
                subject: finding.subject.or_else(|| Some(image.to_owned())),
                ..finding
            }),
        );
    }

    fn report(self, now: Timestamp) -> RunReport {
        let count = |outcome: Outcome| {
            let findings = self.findings.iter().filter(|finding| finding.outcome == outcome).count();
            u64::try_from(findings).unwrap_or(u64::MAX)
        };
        let (failures, warnings) = (count(Outcome::Failure), count(Outcome::Warning));
        let successes = count(Outcome::Success).saturating_add(self.silent);
        let outcome = match (failures, warnings, successes) {
            (1.., _, _) => Outcome::Failure,
            (0, 1.., _) => Outcome::Warning,
            (0, 0, 0) => Outcome::Skipped,
            (0, 0, 1..) => Outcome::Success,
        };
        let verdict = Verdict {
            outcome,
            successes,
            failures,
            warnings,
            namespace: "default".to_owned(),
            note: String::new(),
            timestamp: now,
            findings: self.findings,
            results: Vec::new(),
            links: Vec::new(),
        };
        match self.error {
            None => RunReport::of_verdict(&verdict, Vec::new(), self.usage),
            Some(error) => RunReport {
                findings: serde_json::to_value(&verdict.findings).unwrap_or_default(),
                ..RunReport::of_error(&error, self.usage)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_wasm::Severity;

    use super::*;

    fn finding(outcome: Outcome) -> PluginFinding {
        PluginFinding {
            code: "a.b".to_owned(),
            outcome,
            severity: Severity::Low,
            message: String::new(),
            subject: None,
            terms: vec![],
            solution: None,
        }
    }

    #[test]
    fn the_worst_finding_is_the_outcome_and_an_error_counts_more_than_any() {
        let report = |outcomes: &[Outcome], silent: u64| {
            let findings = outcomes.iter().copied().map(finding).collect();
            Found { findings, silent, ..Found::default() }.report(Timestamp::UNIX_EPOCH).outcome
        };
        assert_eq!(report(&[Outcome::Success, Outcome::Warning, Outcome::Failure], 1), "FAILURE");
        assert_eq!(report(&[Outcome::Success, Outcome::Warning], 1), "WARNING");
        assert_eq!(report(&[], 1), "SUCCESS");
        // Nothing was evaluated.
        assert_eq!(report(&[Outcome::Skipped], 0), "SKIPPED");
        let error = EvaluationError::new(ErrorCode::PluginTrap, "no");
        let found = Found { findings: vec![finding(Outcome::Failure)], error: Some(error), ..Found::default() };
        let report = found.report(Timestamp::UNIX_EPOCH);
        assert_eq!((report.outcome.as_str(), report.findings.as_array().map(Vec::len)), ("ERROR", Some(1)));
    }
}
