//! Planning a run of files: what is tested, by which scenarios, with which pipelines.

use std::{borrow::Cow, cell::Cell};

use assay_konflux::{
    compose::{Owner, OwnerKind, compose_candidates},
    import::{FILE_BYTES, PipelineResource, Resources},
    plan::{PlanRequest, RunPlan, find_pipeline, pipeline_of_text, plan_run},
    resource::{ResolverRef, Scenario},
    self_test,
};
use assay_model::{port::Pointer, snapshot::Snapshot};
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::{
    error::{RequestError, RequestErrorKind},
    event::EventSink,
    import_request::{OF_RUNS, imported_resources},
    policy_sources::PolicySources,
    read::read_text,
    source_settings::SourceSettings,
    tekton_bundle::fetch_bundle,
};

/// What is planned.
#[derive(Clone, Debug)]
pub struct PlanFilesRequest {
    /// Files and folders with the resources.
    pub paths: Vec<Utf8PathBuf>,
    /// The Snapshot, where it is given; else the only one in the files that has scenarios, else one of the candidates of the
    /// only application or group that has scenarios.
    pub snapshot: Option<Snapshot>,
    /// Scenarios by name; all that match when empty.
    pub scenarios: Vec<String>,
    /// Components that changed, where they are known.
    pub changed: Vec<String>,
    /// The candidates of a record, which count before those in the files.
    pub pointers: Vec<Pointer>,
    /// The run's name.
    pub run: String,
    /// How pipelines in repositories are fetched.
    pub settings: SourceSettings,
}

/// Plans a run. Pipelines of `resolver: cluster` are looked up among the files, those of `resolver: git` are fetched.
///
/// # Errors
/// A file cannot be read or is rejected, there is no Snapshot, or a scenario that would run cannot be planned.
pub fn plan_files(request: &PlanFilesRequest, events: &dyn EventSink) -> Result<RunPlan, RequestError> {
    plan(request, &|_| Ok(request.pointers.clone()), events).map(|planned| planned.plan)
}

/// A plan with what it was made of.
pub(crate) struct PlannedFiles {
    pub(crate) plan: RunPlan,
    pub(crate) snapshot: Snapshot,
    pub(crate) resources: Resources,
}

/// Plans a run. `pointers_of` gives the candidates of an application or group that a record has.
///
/// # Errors
/// See [`plan_files`].
pub(crate) fn plan(
    request: &PlanFilesRequest,
    pointers_of: &dyn Fn(&str) -> Result<Vec<Pointer>, RequestError>,
    events: &dyn EventSink,
) -> Result<PlannedFiles, RequestError> {
    let resources = imported_resources(&request.paths, OF_RUNS)?;
    let snapshot = match &request.snapshot {
        Some(snapshot) => snapshot.clone(),
        None => select_snapshot(&resources, pointers_of)?,
    };
    let plan = plan_snapshot(request, &resources, &snapshot, events)?;
    Ok(PlannedFiles { plan, snapshot, resources })
}

fn plan_snapshot(
    request: &PlanFilesRequest,
    resources: &Resources,
    snapshot: &Snapshot,
    events: &dyn EventSink,
) -> Result<RunPlan, RequestError> {
    let kind = Cell::new(RequestErrorKind::Invalid);
    let resolve = |scenario: &Scenario| {
        let reference = self_test::of_change(&scenario.resolver, snapshot);
        resolve(&reference, resources, &request.settings, events).map_err(|error| {
            kind.set(error.kind());
            error.message()
        })
    };
    let planned = plan_run(&PlanRequest {
        resources,
        snapshot,
        changed: &request.changed,
        only: &request.scenarios,
        run: &request.run,
        resolve: &resolve,
    });
    planned.map_err(|errors| {
        let more = errors.len().saturating_sub(1);
        let Some(first) = errors.first() else { return RequestError::new("the run cannot be planned") };
        let place = match (first.scenario.as_str(), first.issue.path.as_str()) {
            ("", "") => String::new(),
            (scenario, "") => format!("the scenario `{scenario}`: "),
            (scenario, path) => format!("the scenario `{scenario}`: {path}: "),
        };
        let more = if more == 0 { String::new() } else { format!(" ({more} more errors)") };
        // What cannot be fetched is another error than a request that cannot be used.
        let error = RequestError::of(kind.get(), format!("{place}{}{more}", first.issue.message));
        if first.issue.suggestion.is_empty() { error } else { error.hint(first.issue.suggestion.clone()) }
    })
}

fn select_snapshot(
    resources: &Resources,
    pointers_of: &dyn Fn(&str) -> Result<Vec<Pointer>, RequestError>,
) -> Result<Snapshot, RequestError> {
    let owners: std::collections::BTreeSet<Owner> = resources
        .scenarios
        .iter()
        .map(|scenario| Owner {
            kind: if scenario.application.is_empty() { OwnerKind::ComponentGroup } else { OwnerKind::Application },
            namespace: scenario.metadata.namespace.clone(),
            name: scenario.owner().to_owned(),
        })
        .collect();
    let is_tested = |snapshot: &&Snapshot| {
        owners.iter().any(|owner| {
            let name = snapshot.fields.get(owner.kind.field()).and_then(serde_json::Value::as_str);
            name == Some(owner.name.as_str())
        })
    };
    let mut found = resources.snapshots.iter().filter(is_tested);
    let hint = "name it with `--images SNAPSHOT`";
    match (found.next(), found.next()) {
        (Some(only), None) => return Ok(only.clone()),
        (Some(_), Some(_)) => return Err(RequestError::new("the files have several Snapshots to test").hint(hint)),
        (None, _) => {}
    }
    let mut owners = owners.into_iter();
    let (Some(owner), None) = (owners.next(), owners.next()) else {
        let fact = "it is not known what to test: the files have no Snapshot";
        return Err(RequestError::new(fact).hint(hint));
    };
    let pointers = pointers_of(&owner.name)?;
    let composed = compose_candidates(resources, &owner, false, &pointers)
        .map_err(|error| RequestError::new(format!("no Snapshot can be composed: {error}")).hint(error.hint))?;
    Snapshot::of_document(composed.snapshot).map_err(|error| RequestError::from_error(&error))
}

/// What was imported is not copied: a pipeline may have thousands of tasks.
fn resolve<'r>(
    reference: &ResolverRef,
    resources: &'r Resources,
    settings: &SourceSettings,
    events: &dyn EventSink,
) -> Result<Cow<'r, PipelineResource>, RequestError> {
    match reference.resolver.as_str() {
        "cluster" => find_pipeline(resources, reference).map(Cow::Borrowed).map_err(RequestError::new),
        "git" => fetch_git(reference, settings, events).map(Cow::Owned),
        "bundles" => fetch_bundle(reference, settings, events).map(Cow::Owned),
        other => Err(RequestError::new(format!(
            "its pipeline is named by the resolver `{other}`, which is not supported: use `cluster` and import the pipeline, \
             `git` or `bundles`"
        ))),
    }
}

/// A pipeline in a repository. Its text is read from what was fetched, never through a link.
fn fetch_git(
    reference: &ResolverRef,
    settings: &SourceSettings,
    events: &dyn EventSink,
) -> Result<PipelineResource, RequestError> {
    let url = match (reference.param("url"), reference.param("org"), reference.param("repo")) {
        (Some(url), ..) if !url.is_empty() => url.to_owned(),
        (_, Some(org), Some(repo)) => {
            let server = reference.param("serverURL").unwrap_or("https://github.com");
            format!("{}/{org}/{repo}", server.trim_end_matches('/'))
        }
        _ => return Err(RequestError::new("its pipeline has neither `url` nor `repo` with `org`")),
    };
    let path = Utf8Path::new(reference.param("pathInRepo").unwrap_or_default());
    let is_plain = |part: Utf8Component<'_>| matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir);
    if path.as_str().is_empty() || !path.components().all(is_plain) {
        return Err(RequestError::new(format!("`{path}` is not a path in a repository (pathInRepo)")));
    }
    let revision = reference.param("revision").filter(|revision| !revision.is_empty());
    let revision = revision.map(|revision| format!("?ref={revision}")).unwrap_or_default();
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty());
    let folder = folder.map(|folder| format!("//{folder}")).unwrap_or_default();
    let text = format!("git::{url}{folder}{revision}");
    let sources = PolicySources::fetch([text.as_str()].into_iter(), settings, None, events)?;
    let fetched = Utf8Path::from_path(sources.path(&text)?)
        .ok_or_else(|| RequestError::new("the path of what was fetched is not valid UTF-8"))?;
    let file = fetched.join(path.file_name().unwrap_or_default());
    let place = format!("{}/{}", sources.pinned(&text), path.file_name().unwrap_or_default());
    let read = read_text(&file, "pathInRepo", FILE_BYTES).map_err(|error| sources.named(error))?;
    pipeline_of_text(&read, &place).map_err(RequestError::new)
}
