//! Tests of planning.

use serde_json::Value;

use super::*;
use crate::{
    import::{Source, import},
    plan::late::{self, Known, Value as ResultValue},
};

fn read(spec: &str) -> Pipeline {
    let text = format!("apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: p}}\nspec:\n{spec}");
    let imported = import([Source { file: "p.yaml", text: &text, is_named: true }]);
    assert!(!imported.report.is_rejected(), "{:?}", imported.report);
    imported.resources.pipelines[0].pipeline.clone()
}

fn planned(spec: &str, given: &[(&str, RawValue)]) -> Result<Vec<TaskPlan>, Vec<String>> {
    let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let context = Context { run: "e2e-1".to_owned(), namespace: "ns".to_owned(), ..Context::default() };
    let mut issues = Issues::default();
    let (tasks, _) = plan_pipeline(&read(spec), &given, &context, &mut issues);
    if issues.errors.is_empty() {
        return Ok(tasks);
    }
    Err(issues.errors.into_iter().map(|error| format!("{}@{}", error.code, error.path)).collect())
}

fn text(text: &str) -> RawValue {
    RawValue::Text(text.to_owned())
}

fn list(items: &[&str]) -> RawValue {
    RawValue::List(items.iter().map(|item| (*item).to_owned()).collect())
}

const PLUGIN: &str = "taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: smoke}";

struct Results;

impl Known for Results {
    fn result(&self, task: &str, result: &str) -> Option<ResultValue> {
        match (task, result) {
            ("a", "url") => Some(ResultValue::Text("https://x.example".to_owned())),
            ("a", "list") => Some(ResultValue::List(vec!["1".to_owned(), "2".to_owned()])),
            _ => None,
        }
    }
    fn status(&self, _: &str) -> String {
        "Failed".to_owned()
    }
    fn reason(&self, _: &str) -> String {
        "Failed".to_owned()
    }
    fn all_status(&self) -> String {
        "Failed".to_owned()
    }
    fn snapshot(&self) -> &str {
        "{\"components\":[]}"
    }
}

fn filled(task: &TaskPlan) -> String {
    let params = task.params.iter().map(|(name, value)| {
        let value = late::fill(value, &Results).unwrap();
        format!("{name}={}", serde_json::to_value(value).unwrap())
    });
    params.collect::<Vec<_>>().join(" ")
}

#[test]
fn parameters_contexts_and_results_reach_a_task() {
    let spec = format!(
        "  params: [{{name: SNAPSHOT}}, {{name: level, default: info}}, {{name: archs, type: array}}, {{name: o, type: object}}]\n  \
         tasks:\n  - {{name: a, {PLUGIN}}}\n  - name: b\n    {PLUGIN}\n    params:\n    - {{name: text, value: 'l=$(params.level) r=$(tasks.a.results.url) n=$(context.pipelineRun.name) $(date)'}}\n    \
         - {{name: snapshot, value: $(params.SNAPSHOT)}}\n    - {{name: all, value: ['x', '$(params.archs[*])', '$(tasks.a.results.list[*])']}}\n    \
         - {{name: one, value: '$(params.archs[1]) $(params.o.key)'}}\n    - {{name: object, value: '$(params.o[*])'}}\n"
    );
    let object = RawValue::Object([("key".to_owned(), "$(params.level)".to_owned())].into());
    let tasks = planned(&spec, &[("archs", list(&["amd64", "arm64"])), ("o", object)]).unwrap();
    assert_eq!(tasks[1].after, ["a"]);
    let want = "text=\"l=info r=https://x.example n=e2e-1 $(date)\" snapshot=\"{\\\"components\\\":[]}\" \
                all=[\"x\",\"amd64\",\"arm64\",\"1\",\"2\"] one=\"arm64 $(params.level)\" object={\"key\":\"$(params.level)\"}";
    assert_eq!(filled(&tasks[1]), want, "a value that is given is no template");
}

/// P41: the parameter SNAPSHOT is in the plan once, whatever its size and the number of tasks that take it.
#[test]
fn a_snapshot_parameter_is_in_the_plan_once() {
    let spec = format!(
        "  params: [{{name: SNAPSHOT}}]\n  tasks:\n  - {{name: a, {PLUGIN}, params: [{{name: s, value: $(params.SNAPSHOT)}}]}}\n"
    );
    let tasks = planned(&spec, &[]).unwrap();
    assert_eq!(serde_json::to_string(&tasks[0].params).unwrap(), r#"[["s",{"text":["snapshot"]}]]"#);
}

#[test]
fn what_a_pipeline_is_not_given_or_is_given_by_another_type_is_an_error() {
    let spec = |param: &str, value: &str| {
        format!("  params: [{param}]\n  tasks: [{{name: a, {PLUGIN}, params: [{{name: p, value: {value}}}]}}]")
    };
    for (param, value, given, want) in [
        ("{name: x}", "$(params.x)", vec![], Err("missing-param@spec.params[0]")),
        ("{name: x}", "$(params.x)", vec![("x", text("1"))], Ok(())),
        ("{name: x, type: string}", "$(params.x)", vec![("x", list(&["1"]))], Err("param-type@spec.params[0]")),
        (
            "{name: x, type: array}",
            "'$(params.x[2])'",
            vec![("x", list(&["1"]))],
            Err("param-type@spec.tasks[0].params.p"),
        ),
        (
            "{name: x, type: array}",
            "'a $(params.x[*])'",
            vec![("x", list(&["1"]))],
            Err("param-type@spec.tasks[0].params.p"),
        ),
        ("{name: x}", "'$(tasks.status)'", vec![("x", text("1"))], Err("status@spec.tasks[0]")),
    ] {
        let found = planned(&spec(param, value), &given).map(|_| ());
        match want {
            Ok(()) => assert_eq!(found, Ok(()), "{param} {value}"),
            Err(want) => assert_eq!(found.unwrap_err()[0], want, "{param} {value}"),
        }
    }
    assert_eq!(planned("  tasks: []", &[]).unwrap_err(), ["required@spec.tasks"]);
}

#[test]
fn finally_tasks_take_statuses_and_wait_for_all() {
    let spec = format!(
        "  tasks: [{{name: a, {PLUGIN}, retries: 2, timeout: 5m, onError: continue}}]\n  finally: [{{name: z, {PLUGIN}, \
         params: [{{name: s, value: '$(tasks.status) $(tasks.a.status)'}}, {{name: r, value: $(tasks.a.results.url)}}]}}]"
    );
    let tasks = planned(&spec, &[]).unwrap();
    assert_eq!(
        (tasks[0].retries, tasks[0].timeout, tasks[0].on_error),
        (2, Some(300_000), crate::plan::OnError::Continue)
    );
    assert_eq!((tasks[1].section, tasks[1].after.len()), (Section::Finally, 0));
    assert_eq!(filled(&tasks[1]), "s=\"Failed Failed\" r=\"https://x.example\"");
}

#[test]
fn a_matrix_is_expanded_at_once_or_when_its_list_is_known() {
    let spec = |matrix: &str| {
        format!(
            "  params: [{{name: os, type: array}}]\n  tasks:\n  - {{name: a, {PLUGIN}}}\n  - {{name: m, {PLUGIN}, matrix: {matrix}}}"
        )
    };
    let os = [("os", list(&["linux", "mac"]))];
    let now = spec(
        "{params: [{name: os, value: ['$(params.os[*])']}, {name: go, value: ['1', '2']}], include: [{name: i, params: [{name: os, value: mac}, {name: x, value: z}]}]}",
    );
    let tasks = planned(&now, &os).unwrap();
    let cells: Vec<_> = tasks[1..].iter().map(|task| format!("{} {}", task.name, filled(task))).collect();
    assert_eq!(
        cells,
        [
            "m-0 os=\"linux\" go=\"1\"",
            "m-1 os=\"linux\" go=\"2\"",
            "m-2 os=\"mac\" go=\"1\" x=\"z\"",
            "m-3 os=\"mac\" go=\"2\" x=\"z\"",
        ]
    );
    let later = planned(&spec("{params: [{name: num, value: '$(tasks.a.results.list[*])'}]}"), &os).unwrap();
    assert_eq!((later.len(), later[1].after.as_slice()), (2, ["a".to_owned()].as_slice()));
    let names: Vec<_> = late::expand(&later[1], &Results).unwrap().into_iter().map(|task| task.name).collect();
    assert_eq!(names, ["m-0", "m-1"]);
    let many: Vec<_> = (0..257).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let error =
        planned(&spec("{params: [{name: os, value: ['$(params.os[*])']}]}"), &[("os", list(&many))]).unwrap_err();
    assert_eq!(error, ["matrix@spec.tasks[1].matrix"]);
    let none = planned(&spec("{params: [{name: os, value: ['$(params.os[*])']}]}"), &[("os", list(&[]))]).unwrap_err();
    assert_eq!(none, ["matrix@spec.tasks[1].matrix"]);
}

#[test]
fn a_large_parameter_that_many_tasks_take_is_refused_once() {
    let task =
        |n: usize| format!("  - {{name: t{n}, {PLUGIN}, params: [{{name: p, value: '$(params.x)$(params.x)'}}]}}\n");
    let tasks: String = (0..1000).map(task).collect();
    let spec = format!("  params: [{{name: x}}]\n  tasks:\n{tasks}");
    let error = planned(&spec, &[("x", text(&"x".repeat(1 << 20)))]).unwrap_err();
    assert_eq!(error, ["plan-size@spec.tasks[8].params.p"]);
}

#[test]
fn container_steps_are_planned_for_tekton_alone() {
    let tasks = planned("  tasks: [{name: a, taskRef: {name: git-clone}}]", &[]).unwrap();
    assert_eq!(tasks[0].work, Work::Tekton { what: "the task `git-clone`".to_owned() });
}

#[test]
fn the_short_form_is_the_same_pipeline() {
    let text = "apiVersion: assay.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  params: {LEVEL: info}\n  tasks:\n    lint: {plugin: licenses, params: {level: $(params.LEVEL)}}\n    e2e: {plugin: smoke, after: [lint], retries: 1, timeout: 5m, matrix: {arch: [amd64, arm64]}}\n  finally:\n    report: {plugin: oci-artifact}\n";
    let imported = import([Source { file: "p.yaml", text, is_named: true }]);
    assert!(!imported.report.is_rejected(), "{:?}", imported.report);
    let pipeline = imported.resources.pipelines[0].pipeline.clone();
    let (tasks, _) = plan_pipeline(&pipeline, &[], &Context::default(), &mut Issues::default());
    let shown: Vec<_> = tasks.iter().map(|task| format!("{} {}", task.name, filled(task))).collect();
    assert_eq!(shown, ["lint level=\"info\"", "e2e-0 arch=\"amd64\"", "e2e-1 arch=\"arm64\"", "report "]);
    let misspelled = text.replace("after:", "afer:");
    let report = import([Source { file: "p.yaml", text: &misspelled, is_named: true }]).report;
    assert_eq!(report.documents[0].issues.errors[0].suggestion, "did you mean `after`?");
}

#[test]
fn a_plan_can_be_stored_and_read_back() {
    let spec = format!(
        "  tasks:\n  - {{name: a, {PLUGIN}, when: [{{input: x, operator: notin, values: ['y']}}]}}\n  - {{name: b, {PLUGIN}, params: [{{name: p, value: '1 $(tasks.a.results.url)'}}]}}"
    );
    let tasks = planned(&spec, &[]).unwrap();
    let stored = serde_json::to_string(&tasks).unwrap();
    assert_eq!(serde_json::from_str::<Vec<TaskPlan>>(&stored).unwrap(), tasks);
    assert!(serde_json::from_str::<Value>(&stored).is_ok());
}
