//! [`plan_run`]: the scenarios that a Snapshot is tested by, with their pipelines, as one plan.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Value, json};

use assay_model::{digest::Digest, snapshot::Snapshot};

use super::{PLAN_VERSION, PlannedSnapshot, RunPlan, ScenarioPlan, SkippedScenario};
use crate::{
    compose::canonical,
    import::{PipelineResource, Resources, Source, import},
    issue::{Issue, Issues},
    kind::Kind,
    matching::{Match, components_of, match_scenarios},
    resource::{ResolverRef, Scenario},
    tekton::{
        pipeline::RawValue,
        planning::{Context, SNAPSHOT, plan_pipeline},
    },
};

/// The annotation that gives a pipeline the Snapshot's name in place of its content.
const AS_NAME: &str = "test.appstudio.openshift.io/snapshot-param-as-name";

/// What is planned.
#[derive(Clone, Copy)]
pub struct PlanRequest<'a> {
    /// What was imported.
    pub resources: &'a Resources,
    /// What is tested.
    pub snapshot: &'a Snapshot,
    /// The components that changed, where they are known.
    pub changed: &'a [String],
    /// Scenarios by name, which then run whatever their contexts are; all that match when empty.
    pub only: &'a [String],
    /// The run's name.
    pub run: &'a str,
    /// Gives the pipeline of a scenario, or one sentence why there is none.
    pub resolve: &'a dyn Fn(&Scenario) -> Result<Cow<'a, PipelineResource>, String>,
}

/// Why a scenario cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The scenario; empty for the run as a whole.
    pub scenario: String,
    /// What is wrong.
    pub issue: Issue,
}

/// Plans a run.
///
/// # Errors
/// All that is wrong with the scenarios that would run.
pub fn plan_run(request: &PlanRequest<'_>) -> Result<RunPlan, Vec<PlanError>> {
    let matches = match_scenarios(request.resources, request.snapshot, request.changed).scenarios;
    let mut errors = Vec::new();
    for name in request.only.iter().filter(|name| !matches.iter().any(|one| one.name == **name)) {
        let near = assay_model::nearest::nearest(name.as_str(), matches.iter().map(|one| one.name.as_str()));
        let suggestion = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
        let message = format!("no scenario `{}` was imported", short_text(name));
        errors.push(error("", "unknown-scenario", message, suggestion));
    }
    let is_named = |one: &Match| request.only.contains(&one.name);
    let runs = |one: &&Match| if request.only.is_empty() { one.matched } else { is_named(one) };
    let running: BTreeSet<&str> = matches.iter().filter(runs).map(|one| one.name.as_str()).collect();
    let mut scenarios = Vec::new();
    let mut skipped = Vec::new();
    for one in &matches {
        let scenario = request.resources.scenarios.iter().find(|scenario| scenario.metadata.name == one.name);
        match scenario.filter(|_| running.contains(one.name.as_str())) {
            Some(scenario) => match plan_scenario(request, scenario, one, &running) {
                Ok(plan) => scenarios.push(plan),
                Err(found) => errors.extend(found),
            },
            None if request.only.is_empty() => {
                skipped.push(SkippedScenario { name: one.name.clone(), reason: one.reason.clone() });
            }
            None => {
                let reason = "it is not among the scenarios that were named".to_owned();
                skipped.push(SkippedScenario { name: one.name.clone(), reason });
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let snapshot = PlannedSnapshot {
        name: name_of(request.snapshot).to_owned(),
        id: snapshot_id(request.snapshot),
        param: snapshot_param(request.snapshot),
    };
    Ok(RunPlan { version: PLAN_VERSION, snapshot, scenarios, skipped })
}

fn short_text(text: &str) -> String {
    crate::issue::short(text)
}

fn error(scenario: &str, code: &'static str, message: String, suggestion: String) -> PlanError {
    PlanError { scenario: scenario.to_owned(), issue: Issue { path: String::new(), code, message, suggestion } }
}

fn name_of(snapshot: &Snapshot) -> &str {
    snapshot.metadata.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn plan_scenario(
    request: &PlanRequest<'_>,
    scenario: &Scenario,
    matched: &Match,
    running: &BTreeSet<&str>,
) -> Result<ScenarioPlan, Vec<PlanError>> {
    let name = scenario.metadata.name.as_str();
    let resolved = (request.resolve)(scenario).map_err(|why| vec![error(name, "resolve", why, String::new())])?;
    let mut issues = Issues::default();
    let run = resolved.run.as_deref();
    issues.errors.extend(run.iter().flat_map(|run| run.errors.iter().cloned()));
    let (of_run, given) = run.map(|run| (run.timeouts, run.params.as_slice())).unwrap_or_default();
    let mut given = given.to_vec();
    given.extend(scenario.params.clone());
    if scenario.metadata.annotation(AS_NAME) == Some("true") {
        given.retain(|(name, _)| name != SNAPSHOT);
        given.push((SNAPSHOT.to_owned(), RawValue::Text(name_of(request.snapshot).to_owned())));
    }
    let context = Context {
        run: format!("{name}-{}", request.run),
        uid: request.run.to_owned(),
        namespace: scenario.metadata.namespace.clone(),
        pipeline: resolved.metadata.name.clone(),
    };
    let (tasks, results) = plan_pipeline(&resolved.pipeline, &given, &context, &mut issues);
    if !issues.errors.is_empty() {
        return Err(issues.errors.into_iter().map(|issue| PlanError { scenario: name.to_owned(), issue }).collect());
    }
    Ok(ScenarioPlan {
        name: name.to_owned(),
        optional: scenario.optional,
        // What does not run is not waited for.
        after: matched.predecessors.iter().filter(|one| running.contains(one.name.as_str())).cloned().collect(),
        timeouts: of_run.filter(|_| !scenario.states_timeouts).unwrap_or(scenario.timeouts),
        tasks,
        results,
        components: components_of(scenario).into_iter().map(str::to_owned).collect(),
    })
}

/// The pipeline that `resolver: cluster` names, among what was imported.
///
/// # Errors
/// One sentence when there is none.
pub fn find_pipeline<'r>(resources: &'r Resources, reference: &ResolverRef) -> Result<&'r PipelineResource, String> {
    let name = reference.param("name").unwrap_or_default();
    let namespace = reference.param("namespace").unwrap_or_default();
    let candidates = || {
        resources.pipelines.iter().filter(|pipeline| match pipeline.kind {
            Kind::PipelineRun => reference.is_pipeline_run,
            Kind::Pipeline | Kind::PluginPipeline => !reference.is_pipeline_run,
            _ => false,
        })
    };
    let fits = |pipeline: &&PipelineResource| {
        let own = pipeline.metadata.namespace.as_str();
        pipeline.metadata.name == name && (own.is_empty() || namespace.is_empty() || own == namespace)
    };
    candidates().find(fits).ok_or_else(|| {
        let near = assay_model::nearest::nearest(name, candidates().map(|pipeline| pipeline.metadata.name.as_str()));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("no pipeline `{}` is among the imported files{near}", short_text(name))
    })
}

/// The one pipeline or pipeline run of a text that a resolver fetched.
///
/// # Errors
/// One sentence when the text has another number of them, or it is rejected.
pub fn pipeline_of_text(text: &str, place: &str) -> Result<PipelineResource, String> {
    let imported = import([Source { file: place, text, is_named: true }]);
    for document in &imported.report.documents {
        if let Some(error) = document.issues.errors.first() {
            return Err(format!("{place}:{} is rejected: {}: {}", document.line, error.path, error.message));
        }
    }
    let mut found = imported.resources.pipelines.into_iter().filter(|pipeline| pipeline.kind != Kind::Task);
    match (found.next(), found.next()) {
        (Some(pipeline), None) => Ok(pipeline),
        (None, _) => Err(format!("{place} has no pipeline")),
        (Some(_), Some(_)) => Err(format!("{place} has several pipelines")),
    }
}

/// The SNAPSHOT parameter: the spec as JSON, as Konflux writes it.
#[must_use]
pub fn snapshot_param(snapshot: &Snapshot) -> String {
    spec_of(snapshot).to_string()
}

fn spec_of(snapshot: &Snapshot) -> Value {
    let mut spec = snapshot.fields.clone();
    let artifacts = spec.remove("artifacts").filter(|artifacts| !artifacts.is_null()).unwrap_or(json!({}));
    let component = |component: &assay_model::snapshot::Component| {
        let mut fields = component.to_json();
        if let Some(fields) = fields.as_object_mut().filter(|_| component.source == json!({})) {
            fields.remove("source");
        }
        fields
    };
    spec.insert("components".to_owned(), snapshot.components.iter().map(component).collect());
    spec.insert("artifacts".to_owned(), artifacts);
    Value::Object(spec)
}

/// The ID of a Snapshot: the one that composing gives it.
#[must_use]
pub fn snapshot_id(snapshot: &Snapshot) -> String {
    let labels = snapshot.metadata.get("labels").cloned().unwrap_or(json!({}));
    let document = canonical(&json!({
        "apiVersion": "appstudio.redhat.com/v1alpha1",
        "kind": "Snapshot",
        "metadata": {"labels": labels},
        "spec": spec_of(snapshot),
    }));
    Digest::of(document.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compose::{ComposeRequest, Event, Mode, Set, compose, select_owner},
        plan::Work,
    };

    const FILES: &str = "
apiVersion: konflux-ci.dev/v1beta2
kind: ComponentGroup
metadata: {name: shop}
spec:
  components: [{name: cart, componentVersion: {name: main}}]
  testGraph: {e2e: [{name: smoke, failFast: true}, {name: nightly}]}
---
apiVersion: appstudio.redhat.com/v1beta2
kind: IntegrationTestScenario
metadata: {name: smoke, annotations: {test.appstudio.openshift.io/snapshot-param-as-name: 'true'}}
spec: {componentGroup: shop, params: [{name: level, value: debug}], resolverRef: {resolver: cluster, params: [{name: name, value: short}]}}
---
apiVersion: appstudio.redhat.com/v1beta2
kind: IntegrationTestScenario
metadata: {name: e2e, labels: {test.appstudio.openshift.io/optional: 'true'}}
spec: {componentGroup: shop, resolverRef: {resolver: cluster, resourceKind: PipelineRun, params: [{name: name, value: run}]}}
---
apiVersion: appstudio.redhat.com/v1beta2
kind: IntegrationTestScenario
metadata: {name: nightly}
spec: {componentGroup: shop, contexts: [{name: disabled}], resolverRef: {resolver: cluster, params: [{name: name, value: none}]}}
---
apiVersion: assay.dev/v1
kind: Pipeline
metadata: {name: short}
spec: {params: {level: info}, tasks: {a: {plugin: smoke, params: {level: $(params.level), of: $(params.SNAPSHOT)}}}}
---
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: run}
spec:
  timeouts: {pipeline: 1h}
  params: [{name: SNAPSHOT, value: '{}'}, {name: x, value: z}]
  pipelineSpec:
    params: [{name: SNAPSHOT}]
    tasks: [{name: t, params: [{name: p, value: $(params.x) $(context.pipeline.name) $(params.SNAPSHOT)}], taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: http}}]
";

    fn imported() -> Resources {
        let imported = import([Source { file: "a.yaml", text: FILES, is_named: true }]);
        assert!(!imported.report.is_rejected(), "{:?}", imported.report);
        imported.resources
    }

    fn snapshot(resources: &Resources) -> (Snapshot, String) {
        let set = format!("cart=r.example/cart@sha256:{},url=https://g.example/r,revision=c", "1".repeat(64));
        let request = ComposeRequest {
            mode: Mode::Component,
            event: Event::Push,
            sets: vec![Set::parse(&set).unwrap()],
            build_start: Some(1),
            is_good_base: false,
        };
        let owner = select_owner(resources, &request, None).unwrap();
        let composed = compose(resources, &owner, &request, &[]).unwrap();
        (Snapshot::parse(&composed.snapshot.to_string()).unwrap(), composed.id)
    }

    fn planned(resources: &Resources, only: &[&str]) -> Result<RunPlan, Vec<PlanError>> {
        let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
        let resolve = |scenario: &Scenario| find_pipeline(resources, &scenario.resolver).map(Cow::Borrowed);
        let (snapshot, _) = snapshot(resources);
        plan_run(&PlanRequest {
            resources,
            snapshot: &snapshot,
            changed: &[],
            only: &only,
            run: "r1",
            resolve: &resolve,
        })
    }

    #[test]
    fn the_scenarios_that_match_are_planned_with_their_pipelines() {
        let resources = imported();
        let plan = planned(&resources, &[]).unwrap();
        assert_eq!(plan.snapshot.id, snapshot(&resources).1, "the ID is the one that composing gives");
        assert_eq!(plan.snapshot.name, "shop-19700101-000000-001");
        assert!(plan.snapshot.param.starts_with(r#"{"componentGroup":"shop","components":[{"name":"cart","#));
        let [e2e, smoke] = plan.scenarios.as_slice() else { panic!("{plan:?}") };
        // What does not run is not waited for.
        assert_eq!(e2e.after.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["smoke"]);
        assert!(e2e.optional && !smoke.optional);
        // D12: a run's own limits count where the scenario states none.
        assert_eq!(e2e.timeouts.pipeline, Some(3_600_000));
        assert_eq!(smoke.timeouts.pipeline, Some(crate::timeouts::DEFAULT.0));
        assert_eq!(e2e.tasks[0].work, Work::Plugin { name: "http".to_owned() });
        let texts = |task: &crate::plan::TaskPlan| serde_json::to_string(&task.params).unwrap();
        assert_eq!(texts(&e2e.tasks[0]), r#"[["p",{"text":[{"text":"z run "},"snapshot"]}]]"#);
        let name = r#"[["level",{"text":[{"text":"debug"}]}],["of",{"text":[{"text":"shop-19700101-000000-001"}]}]]"#;
        assert_eq!(texts(&smoke.tasks[0]), name);
        assert_eq!(plan.skipped.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["nightly"]);
    }

    /// B22: a scenario that is named runs whatever its contexts are.
    #[test]
    fn a_scenario_that_is_named_runs_in_any_context() {
        let resources = imported();
        let errors = planned(&resources, &["nightly", "smok"]).unwrap_err();
        let messages: Vec<_> = errors.iter().map(|error| error.issue.message.as_str()).collect();
        assert_eq!(messages, ["no scenario `smok` was imported", "no pipeline `none` is among the imported files"]);
        assert_eq!(errors[0].issue.suggestion, "did you mean `smoke`?");
        let plan = planned(&resources, &["smoke"]).unwrap();
        assert_eq!((plan.scenarios.len(), plan.skipped.len()), (1, 2));
    }

    #[test]
    fn a_fetched_text_has_one_pipeline() {
        let pipeline = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec: {tasks: [{name: a, taskRef: {name: t}}]}\n";
        assert_eq!(pipeline_of_text(pipeline, "g").unwrap().metadata.name, "p");
        assert!(pipeline_of_text(&format!("{pipeline}---\n{pipeline}"), "g").unwrap_err().contains("several"));
        assert!(pipeline_of_text("a: 1", "g").unwrap_err().contains("no pipeline"));
        assert!(pipeline_of_text(&pipeline.replace("name: a", "name: '{{x}}'"), "g").unwrap_err().contains("{{x}}"));
    }
}
