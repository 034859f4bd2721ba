//! [`RecordedRuns::attest`]: what came of a run as a signed statement about its images, with in-toto's predicate for results of tests
//! (`test-result/v0.1`), in an envelope (DSSE) as cosign's `attest` makes them.

use std::collections::BTreeMap;

use assay_gocompat::json;
use assay_model::{
    image::PinnedImage,
    outcome::Verdict,
    port::RunRecord as _,
    run::{RunDocument, RunState},
    snapshot::Snapshot,
};
use assay_scheduler::RunRequest;
use serde_json::{Value, json};

use crate::{
    error::{RequestError, RequestErrorKind},
    plugin_distribution::PluginSigningKey,
    recorded_runs::RecordedRuns,
};

/// The type of the predicate.
const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";

impl RecordedRuns {
    /// The envelope of a statement about each image of a run's Snapshot: the verdict, the tests by how they ended, and the plugins
    /// that they were made with.
    ///
    /// # Errors
    /// The run has no verdict; an image has no digest, so that nothing can be said about it; or the key cannot sign.
    pub fn attest(&self, run: &RunDocument, key: &PluginSigningKey) -> Result<String, RequestError> {
        let request = RunRequest::of_outline(&self.store().outline(&run.id)?)?;
        let snapshot =
            Snapshot::parse(&request.plan.snapshot.param).map_err(|error| RequestError::from_error(&error))?;
        let statement = json::sorted(&statement(run, &snapshot)?);
        let internal = |error: serde_json::Error| RequestError::of(RequestErrorKind::Internal, error.to_string());
        key.sign_statement(json::to_string(&statement).map_err(internal)?.as_bytes())
    }
}

fn statement(run: &RunDocument, snapshot: &Snapshot) -> Result<Value, RequestError> {
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": PREDICATE,
        "subject": subjects(snapshot)?,
        "predicate": predicate(run)?,
    }))
}

fn subjects(snapshot: &Snapshot) -> Result<Vec<Value>, RequestError> {
    let subject = |component: &assay_model::snapshot::Component| {
        let image = PinnedImage::parse(&component.container_image).ok();
        let image = image.ok_or_else(|| {
            let (name, image) = (&component.name, &component.container_image);
            RequestError::new(format!("the image `{image}` of the component `{name}` has no digest"))
                .hint("nothing can be attested about a tag; name images of the Snapshot by digest")
        })?;
        Ok(json!({"name": image.repository.to_string(), "digest": {"sha256": image.digest.hex()}}))
    };
    snapshot.components.iter().map(subject).collect()
}

fn predicate(run: &RunDocument) -> Result<Value, RequestError> {
    let result = match run.verdict {
        Some(Verdict::Allowed) if run.scenarios.iter().all(|scenario| is_passed(scenario.state)) => "PASSED",
        // What is optional failed, or something was passed with a warning.
        Some(Verdict::Allowed) => "WARNED",
        Some(Verdict::Denied) => "FAILED",
        Some(Verdict::Error) | None => {
            return Err(RequestError::new(format!(
                "the run `{}` could not be carried out to its end, so there is no result of its tests to attest",
                run.id
            )));
        }
    };
    let mut tests: BTreeMap<&str, Vec<String>> =
        ["passedTests", "warnedTests", "failedTests"].map(|list| (list, Vec::new())).into();
    let mut plugins = BTreeMap::new();
    for scenario in &run.scenarios {
        for task in &scenario.tasks {
            plugins.insert(task.plugin.as_str(), task.digest.hex());
            let list = match task.state {
                RunState::Skipped => continue,
                state if is_passed(state) => "passedTests",
                RunState::Warned => "warnedTests",
                _ if scenario.optional => "warnedTests",
                _ => "failedTests",
            };
            tests.entry(list).or_default().push(format!("{}/{}", scenario.name, task.name));
        }
    }
    let configuration: Vec<Value> =
        plugins.iter().map(|(name, digest)| json!({"name": name, "digest": {"sha256": digest}})).collect();
    let mut predicate = json!({"result": result, "configuration": configuration});
    for (list, names) in tests {
        // `predicate` is an object, so this adds a field.
        if let Some(fields) = predicate.as_object_mut() {
            fields.insert(list.to_owned(), names.into());
        }
    }
    Ok(predicate)
}

const fn is_passed(state: RunState) -> bool {
    matches!(state, RunState::Passed | RunState::Skipped)
}
