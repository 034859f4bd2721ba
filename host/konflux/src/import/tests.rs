//! Tests of importing: what becomes of documents.

use super::*;

fn imported(text: &str) -> Imported {
    import([Source { file: "a.yaml", text, is_named: true }])
}

/// Status, and the codes with paths of errors and warnings, of each document.
fn summary(text: &str) -> Vec<String> {
    let report = imported(text).report;
    let line = |document: &DocumentReport| {
        let mut out = format!("{:?}", document.status);
        for (mark, issues) in [('!', &document.issues.errors), ('?', &document.issues.warnings)] {
            for issue in issues {
                out.push_str(&format!(" {mark}{}@{}", issue.code, issue.path));
            }
        }
        out
    };
    report.documents.iter().map(line).collect()
}

fn scenario(spec: &str) -> String {
    format!(
        "apiVersion: appstudio.redhat.com/v1beta2\nkind: IntegrationTestScenario\nmetadata: {{name: e2e}}\nspec:\n  \
         application: shop\n  resolverRef: {{resolver: git, params: [{{name: url, value: 'https://g.example/r'}}, \
         {{name: pathInRepo, value: p.yaml}}]}}\n{spec}"
    )
}

fn pipeline(spec: &str) -> String {
    format!("apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {{name: p}}\nspec:\n{spec}")
}

#[test]
fn a_scenario_with_what_konflux_never_matches_or_never_finishes_is_rejected() {
    for (spec, want) in [
        ("", "Accepted"),
        ("  contexts: [{name: push}, {name: component_cart}, {name: disabled}]", "Accepted"),
        ("  contexts: [{name: pull-request}]", "Rejected !unknown-context@spec.contexts[0].name"),
        ("  contexts: [{name: push}, {name: nightly}]", "Rejected !unknown-context@spec.contexts[1].name"),
        ("  contexts: [{description: x}]", "Rejected !required@spec.contexts[0].name"),
        ("  params: [{name: SNAPSHOT, value: x}]", "Rejected !snapshot-param@spec.params[0].name"),
        ("  params: [{name: A, value: $(params.SNAPSHOT)}]", "Rejected !unknown-param@spec.params[0].value"),
        ("  params: [{name: A, value: 5}]", "Rejected !type@spec.params[0].value"),
        ("  params: [{name: A, value: '{{ .Values.a }}'}]", "Rejected !template@spec.params[0].value"),
        ("  params: [{name: A, value: '<no value>'}]", "Rejected !template@spec.params[0].value"),
        ("  componentGroup: g", "Rejected !owner@spec"),
        ("  disabled: true", "Accepted"),
        ("  disabled: 'yes'", "Rejected !type@spec.disabled"),
        ("  dependents: [a]", "Accepted ?unused-field@spec.dependents"),
        ("  context: []", "Accepted ?unknown-field@spec.context"),
    ] {
        assert_eq!(summary(&scenario(spec)), [want], "{spec}");
    }
    let with = |metadata: &str| scenario("").replace("{name: e2e}", metadata);
    for (metadata, want) in [
        ("{name: 1-e2e}", "Rejected !name@metadata.name"),
        ("{name: \"a\\u0007b\"}", "Rejected !name@metadata.name"),
        ("{name: ''}", "Rejected !required@metadata.name"),
        (
            "{name: e, annotations: {test.appstudio.openshift.io/optional: 'true'}}",
            "Accepted ?optional-annotation@metadata.annotations.test.appstudio.openshift.io/optional",
        ),
        (
            "{name: e, annotations: {test.appstudio.openshift.io/tasks_timeout: 2 hours}}",
            "Rejected !duration@metadata.annotations.test.appstudio.openshift.io/tasks_timeout",
        ),
        (
            "{name: e, annotations: {integration.konflux-ci.dev/pipeline_timeout: 1h, integration.konflux-ci.dev/tasks_timeout: 2h}}",
            "Rejected !timeouts@metadata.annotations.integration.konflux-ci.dev/pipeline_timeout",
        ),
        (
            "{name: e, labels: {test.appstudio.openshift.io/optional: 'yes'}}",
            "Accepted ?label-value@metadata.labels.test.appstudio.openshift.io/optional",
        ),
    ] {
        assert_eq!(summary(&with(metadata)), [want], "{metadata}");
    }
}

#[test]
fn only_a_label_makes_a_scenario_optional() {
    for (metadata, want) in [
        ("{name: e, labels: {test.appstudio.openshift.io/optional: 'true'}}", true),
        ("{name: e, labels: {integration.konflux-ci.dev/optional: 'true'}}", true),
        ("{name: e, annotations: {test.appstudio.openshift.io/optional: 'true'}}", false),
        (
            "{name: e, labels: {integration.konflux-ci.dev/optional: 'false', test.appstudio.openshift.io/optional: 'true'}}",
            false,
        ),
    ] {
        let scenarios = imported(&scenario("").replace("{name: e2e}", metadata)).resources.scenarios;
        assert_eq!(scenarios[0].optional, want, "{metadata}");
    }
}

#[test]
fn a_resolver_that_konflux_refuses_is_rejected() {
    let with = |params: &str| {
        let head = "apiVersion: appstudio.redhat.com/v1beta2\nkind: IntegrationTestScenario\nmetadata: {name: e}\n";
        let path = "{name: pathInRepo, value: p}";
        format!("{head}spec: {{application: a, resolverRef: {{resolver: git, params: [{path}, {params}]}}}}")
    };
    for (params, want) in [
        ("{name: url, value: 'https://g.example/r'}", "Accepted"),
        ("{name: repo, value: r}, {name: org, value: o}", "Accepted"),
        ("{name: repo, value: r}", "Rejected !git-location@spec.resolverRef.params"),
        (
            "{name: url, value: 'https://g.example/r'}, {name: repo, value: r}, {name: org, value: o}",
            "Rejected !git-location@spec.resolverRef.params",
        ),
        ("{name: url, value: 'http://g.example/r'}", "Rejected !url@spec.resolverRef.params[1].value"),
        ("{name: url, value: 'git@g.example:o/r'}", "Rejected !url@spec.resolverRef.params[1].value"),
        ("{name: url, value: 'https://g.example/r '}", "Rejected !white-space@spec.resolverRef.params[1].value"),
        (
            "{name: url, value: 'https://g.example/r'}, {name: token, value: A_B}",
            "Rejected !token@spec.resolverRef.params[2].value",
        ),
    ] {
        assert_eq!(summary(&with(params)), [want], "{params}");
    }
    let suggestion = |params: &str| imported(&with(params)).report.documents[0].issues.errors[0].suggestion.clone();
    assert_eq!(suggestion("{name: url, value: 'git@g.example:o/r'}"), "https://g.example/o/r");
    let neither = "apiVersion: appstudio.redhat.com/v1beta1\nkind: IntegrationTestScenario\nmetadata: {name: e}\nspec: {resolverRef: {resolver: bundles, params: []}}";
    assert_eq!(summary(neither), ["Rejected !owner@spec ?deprecated-version@apiVersion"]);
    let oldest = "apiVersion: appstudio.redhat.com/v1alpha1\nkind: IntegrationTestScenario\nmetadata: {name: e}\nspec: {application: a, bundle: 'r.example/b:1', pipeline: p}";
    assert_eq!(summary(oldest), ["Accepted ?deprecated-version@apiVersion"]);
}

#[test]
fn documents_of_others_are_ignored_whatever_is_in_them() {
    for text in [
        "apiVersion: v1\nkind: ConfigMap\ndata: {a: '{{ x }}'}",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: A_B}",
        "apiVersion: appstudio.redhat.com/v1alpha1\nkind: ReleasePlanAdmission\nspec: {a: '{{ git_sha }}'}",
        "a: 1",
        "[1, 2]",
    ] {
        assert_eq!(summary(text), ["Ignored"], "{text}");
    }
    assert_eq!(summary("apiVersion: apps/v1\nkind: Deployment\nspec: {{- if x }}"), ["Ignored ?template@"]);
    assert_eq!(summary("apiVersion: apps/v1\nkind: Deployment\na: 1\na: 2"), ["Ignored ?yaml@"]);
    assert_eq!(summary("# nothing\n---\n"), Vec::<String>::new());
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}", scenario("").replace('\n', "\n  "));
    assert_eq!(summary(&list), ["Ignored ?list@items"]);
    assert_eq!(summary("kind: IntegrationTestScenario\nmetadata: {name: a}"), ["Rejected !required@apiVersion"]);
    assert_eq!(
        summary("apiVersion: appstudio.openshift.io/v1beta2\nkind: IntegrationTestScenario"),
        ["Ignored ?unknown-kind@apiVersion"]
    );
}

#[test]
fn a_template_is_rejected_and_its_expression_is_shown() {
    for (text, expression) in [
        (scenario("").replace("name: e2e", "name: {{ .Values.name }}-e2e"), "{{ .Values.name }}"),
        (scenario("").replace("application: shop", "application: '{{ .app }}'"), "{{ .app }}"),
        (format!("{{{{- if .Values.on }}}}\n{}{{{{- end }}}}\n", scenario("")), "{{- if .Values.on }}"),
        (scenario("").replace("name: e2e", "name: {{{ sanitize .Name }}}"), "{{{ sanitize .Name }}}"),
    ] {
        let report = imported(&text).report;
        assert_eq!(report.documents[0].status, Status::Rejected, "{text}");
        let error = &report.documents[0].issues.errors[0];
        assert!(error.code == "template" && error.message.contains(expression), "{}", error.message);
    }
    let run = "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {name: r}\nspec: {pipelineRef: {name: p}, params: [{name: url, value: '{{source_url}}'}]}";
    let report = imported(run).report;
    assert!(report.documents[0].issues.errors[0].suggestion.contains("tkn pac resolve"));
}

#[test]
fn what_another_program_reads_may_have_braces() {
    let script =
        pipeline("  tasks: [{name: t, taskSpec: {steps: [{image: i, script: \"podman inspect -f '{{.Digest}}'\"}]}}]");
    let plan = "apiVersion: appstudio.redhat.com/v1alpha1\nkind: ReleasePlan\nmetadata: {name: r}\nspec: {application: a, data: {tags: ['{{ git_sha }}']}}";
    for text in [script.as_str(), plan] {
        assert_eq!(summary(text), ["Accepted"], "{text}");
    }
}

#[test]
fn a_malformed_document_does_not_hide_the_others_and_lines_are_those_of_the_file() {
    let text = format!("{}---\nkind: Pipeline\na: [\n---\n# comment\n{}", scenario(""), pipeline("  tasks: []\n"));
    let report = imported(&text).report;
    let lines: Vec<_> = report.documents.iter().map(|document| (document.line, document.status)).collect();
    assert_eq!(lines, [(1, Status::Accepted), (8, Status::Rejected), (12, Status::Accepted)]);
    let error = &report.documents[1].issues.errors[0].message;
    assert!(error.contains("line 9"), "{error}");
}

#[test]
fn the_order_of_a_pipeline_and_its_references_are_checked() {
    let steps = "taskSpec: {params: [{name: own}], steps: [{image: i, script: $(params.own) $(params.LEVEL)}]}";
    for (spec, want) in [
        (format!("  params: [{{name: LEVEL}}]\n  tasks: [{{name: a, {steps}}}]"), "Accepted"),
        (format!("  tasks: [{{name: a, {steps}}}]"), "Rejected !unknown-param@spec.tasks[0].taskSpec.steps[0].script"),
        (
            "  params: [{name: LEVEL}]\n  tasks: [{name: a, taskRef: {name: t}, params: [{name: p, value: $(params.LEVL)}]}]".to_owned(),
            "Rejected !unknown-param@spec.tasks[0].params[0].value",
        ),
        (
            "  params: [{name: o, type: object}]\n  tasks: [{name: a, taskRef: {name: t}, params: [{name: p, value: $(params.o.key)}]}]".to_owned(),
            "Accepted",
        ),
        (
            "  tasks:\n  - {name: a, taskRef: {name: t}, runAfter: [b]}\n  - {name: b, taskRef: {name: t}, runAfter: [a]}".to_owned(),
            "Rejected !cycle@spec.tasks[0]",
        ),
        (
            "  tasks:\n  - {name: a, taskRef: {name: t}, runAfter: [b]}\n  - {name: b, taskRef: {name: t}, params: [{name: x, value: $(tasks.a.results.r)}]}".to_owned(),
            "Rejected !cycle@spec.tasks[0]",
        ),
        ("  tasks: [{name: a, taskRef: {name: t}, runAfter: [c]}]".to_owned(), "Rejected !unknown-task@spec.tasks[0].runAfter[0]"),
        ("  tasks: [{name: a, taskRef: {name: t}, timeout: 5}]".to_owned(), "Rejected !duration@spec.tasks[0].timeout"),
        ("  tasks: [{name: a}]".to_owned(), "Accepted ?task@spec.tasks[0]"),
        (
            "  tasks: [{name: a, taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: licenses}}]".to_owned(),
            "Accepted",
        ),
        (
            "  tasks: [{name: a, taskRef: {resolver: oci, params: [{name: image, value: 'r.example/p:1'}]}}]".to_owned(),
            "Rejected !digest@spec.tasks[0].taskRef.params",
        ),
    ] {
        assert_eq!(summary(&pipeline(&spec)), [want], "{spec}");
    }
    let cycle = imported(&pipeline("  tasks: [{name: a, taskRef: {name: t}, runAfter: [a]}]")).report;
    assert!(cycle.documents[0].issues.errors[0].message.ends_with("a → a"));
}

#[test]
fn a_task_with_container_steps_is_accepted_and_runs_on_tekton() {
    let on_tekton = |text: &str| imported(text).report.documents[0].runs_on_tekton;
    assert!(on_tekton(&pipeline("  tasks: [{name: a, taskRef: {name: t}}]")));
    assert!(!on_tekton(&pipeline("  tasks: [{name: a, taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: p}}]")));
    assert!(on_tekton("apiVersion: tekton.dev/v1beta1\nkind: Task\nmetadata: {name: t}\nspec: {steps: [{image: i}]}"));
    let report = serde_json::to_value(&imported(&pipeline("  tasks: [{name: a, taskRef: {name: t}}]")).report).unwrap();
    let document = &report["documents"][0];
    assert_eq!(document["runs_on"], "tekton");
    assert_eq!((&document["status"], &document["line"]), (&"accepted".into(), &1.into()));
}

#[test]
fn groups_that_contain_each_other_and_tests_that_wait_for_each_other_are_rejected() {
    let group = |name: &str, spec: &str| {
        format!(
            "---\napiVersion: konflux-ci.dev/v1beta2\nkind: ComponentGroup\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
        )
    };
    let inner = |name: &str| format!("components: [{{name: {name}, kind: ComponentGroup}}]");
    let texts = format!("{}{}", group("a", &inner("b")), group("b", &inner("a")));
    assert_eq!(summary(&texts), ["Rejected !cycle@spec.components", "Accepted"]);
    let graph = "components: [], testGraph: {a: [{name: b}], b: [{name: c}], c: [{name: a, failFast: true}]}";
    let report = imported(&group("g", graph)).report;
    assert_eq!(report.documents[0].issues.errors[0].message, "the scenarios wait for each other: a → b → c → a");
    let twice = "components: [{name: a, componentVersion: {name: v}}, {name: a, componentVersion: {name: w}}, {name: a, componentVersion: {name: v}}]";
    assert_eq!(summary(&group("g", twice)), ["Rejected !duplicate@spec.components[2]"]);
    let old = group("g", "components: [{name: a, componentVersion: {name: main, revision: main}}]");
    let old = old.replace("konflux-ci.dev", "appstudio.redhat.com");
    assert_eq!(summary(&old), ["Accepted ?deprecated-version@apiVersion"]);
}

/// D21: samples write the branch as `revision`, the type reads `version`.
#[test]
fn a_version_is_read_by_either_of_its_names() {
    for (fields, want) in
        [("name: v1", "v1"), ("name: v1, version: main", "v1"), ("version: main", "main"), ("revision: main", "main")]
    {
        let text = format!(
            "apiVersion: konflux-ci.dev/v1beta2\nkind: ComponentGroup\nmetadata: {{name: g}}\nspec: {{components: [{{name: a, componentVersion: {{{fields}}}}}]}}"
        );
        assert_eq!(imported(&text).resources.groups[0].members[0].version, want, "{fields}");
    }
}

#[test]
fn ten_thousand_documents_of_one_file_are_read() {
    let text =
        "---\napiVersion: appstudio.redhat.com/v1alpha1\nkind: Application\nmetadata: {name: a}\n".repeat(10_000);
    let imported = imported(&text);
    assert_eq!(imported.resources.applications.len(), 10_000);
    assert_eq!(imported.report.documents.last().map(|document| document.line), Some(39_998));
}

#[test]
fn more_documents_than_the_limit_are_rejected_in_one_sentence() {
    let report = imported(&"---\na: 1\n".repeat(DOCUMENTS + 2)).report;
    assert_eq!((report.documents.len(), report.is_rejected()), (DOCUMENTS + 1, true));
}

#[test]
fn bombs_and_documents_that_would_fill_the_memory_are_rejected() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let refs = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    let wide = format!("kind: Pipeline\na: [{}1]\n", "1,".repeat(NODES));
    let deep = format!("kind: Pipeline\na: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    for text in [bomb, wide, deep] {
        assert_eq!(summary(&text), ["Rejected !yaml@"], "{}", text.len());
    }
}

#[test]
fn a_matrix_of_a_million_cells_is_rejected() {
    let list: Vec<_> = (0..1000).map(|n| format!("'{n}'")).collect();
    let list = list.join(",");
    let spec = format!(
        "  tasks: [{{name: a, taskRef: {{name: t}}, matrix: {{params: [{{name: x, value: [{list}]}}, {{name: arch, value: [{list}]}}]}}}}]"
    );
    assert_eq!(summary(&pipeline(&spec)), ["Rejected !matrix@spec.tasks[0].matrix"]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,80}", odd in "[-\\[\\]{}:,?&*!|>'\"%#\na$().]{0,80}") {
        for text in [text, scenario(&odd), pipeline(&odd), format!("apiVersion: tekton.dev/v1\nkind: {odd}")] {
            let _imported = imported(&text);
        }
    }
}
