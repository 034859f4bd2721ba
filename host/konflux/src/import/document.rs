//! One file: its documents are classified first, so that what is nobody's business here can never be an error.

use std::collections::BTreeSet;

use assay_gocompat::yaml_reader::{self, Bounds, Part};
use assay_model::{policy::PolicySpec, snapshot::Snapshot, snapshot::SnapshotError};
use serde_json::{Map, Value};

use super::{
    ALIAS_BYTES, DOCUMENTS, Importer, NODES, PipelineResource, RunValues,
    report::{DocumentReport, Status},
};
use crate::{
    fields,
    issue::{Issues, short, shown},
    kind::{self, Classified, Kind, classify},
    resource::{Application, ComponentGroup, ComponentResource, Metadata, Scenario, metadata::NameForm},
    tekton::{
        self,
        pipeline::{Pipeline, raw},
        planning::SNAPSHOT,
    },
    template::{self, Step},
    timeouts,
};

/// A file.
#[derive(Clone, Copy, Debug)]
pub struct Source<'t> {
    /// Its name in reports.
    pub file: &'t str,
    /// Its text.
    pub text: &'t str,
    /// Whether it was named itself, and not found in a folder: then what is no YAML is an error, whatever it is.
    pub is_named: bool,
}

pub(super) fn read(source: &Source<'_>, importer: &mut Importer) {
    let text = source.text.trim_start_matches('\u{feff}');
    // In JSON, `---` could only stand inside a string that is not closed.
    let is_json = text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if is_json {
        let line = text.chars().take_while(|character| character.is_whitespace()).filter(|c| *c == '\n').count() + 1;
        return read_part(source, &Part { text, lines_before: 0, line }, importer);
    }
    for part in yaml_reader::split(source.text) {
        if importer.imported.report.documents.len() >= DOCUMENTS {
            let mut report = DocumentReport::new(source.file, part.line);
            let message = format!("there are more than {DOCUMENTS} documents; this one and what follows were not read");
            report.issues.error("", "limit", message, "import fewer files at a time");
            report.status = Status::Rejected;
            importer.imported.report.documents.push(report);
            return;
        }
        read_part(source, &part, importer);
    }
}

fn read_part(source: &Source<'_>, part: &Part<'_>, importer: &mut Importer) {
    let mut report = DocumentReport::new(source.file, part.line);
    let bounds = Bounds { nodes: NODES, alias_bytes: ALIAS_BYTES, lines_before: part.lines_before };
    match yaml_reader::parse_bounded(part.text, bounds) {
        Ok(Value::Null) => return,
        Ok(Value::Object(document)) => read_object(document, &mut report, importer),
        Ok(other) => {
            if source.is_named && !other.is_array() {
                let message = format!("the document is {}, not a resource", fields::kind(&other));
                report.issues.warn("", "not-a-resource", message, "");
            }
        }
        Err(error) => unreadable(source, part, &error.to_string(), &mut report),
    }
    if !report.issues.errors.is_empty() {
        report.status = Status::Rejected;
    }
    importer.imported.report.documents.push(report);
}

/// A document that is no YAML: a template, or malformed. Its kind is what its first lines say.
fn unreadable(source: &Source<'_>, part: &Part<'_>, error: &str, report: &mut DocumentReport) {
    let field = |name: &str| {
        let mut lines = part.text.lines().filter_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
        let text = lines.next()?.split(" #").next()?.trim().trim_matches(['"', '\'']);
        (!text.is_empty()).then(|| short(text))
    };
    let api_version = field("apiVersion").unwrap_or_default();
    let kind = field("kind").unwrap_or_default();
    let is_ours = match (api_version.is_empty() || api_version.contains("{{"), kind.is_empty() || kind.contains("{{")) {
        (false, false) => !matches!(classify(&api_version, &kind), Classified::Other(None)),
        (false, true) => kind::is_mentioned(&format!("{api_version}/")),
        (true, false) => kind::is_known_name(&kind),
        // What can be read and only repeats a key is a resource of somebody else, or values of a chart.
        (true, true) => source.is_named && !error.starts_with("duplicate mapping key") || kind::is_mentioned(part.text),
    };
    report.api_version = shown(&api_version);
    report.kind = shown(&kind);
    let expression = template::first_expression(part.text);
    let (code, message, suggestion) = match &expression {
        Some(expression) => {
            let line = part.lines_before + template::line_of_expression(part.text);
            let message = format!("the template expression `{expression}` at line {line} has not been rendered");
            ("template", message, template::suggestion(expression))
        }
        None => ("yaml", format!("the document is not YAML: {error}"), String::new()),
    };
    if is_ours {
        report.issues.error("", code, message, suggestion);
    } else {
        report.issues.warn("", code, message, suggestion);
    }
}

fn read_object(document: Map<String, Value>, report: &mut DocumentReport, importer: &mut Importer) {
    let text = |from: Option<&Map<String, Value>>, field: &str| {
        from.and_then(|from| from.get(field)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let metadata = document.get("metadata").and_then(Value::as_object);
    let (api_version, kind) = (text(Some(&document), "apiVersion"), text(Some(&document), "kind"));
    report.api_version.clone_from(&api_version);
    report.kind.clone_from(&kind);
    report.name = text(metadata, "name");
    report.namespace = text(metadata, "namespace");
    let issues = &mut report.issues;
    let kind = match classify(&api_version, &kind) {
        Classified::Known(kind, None) => kind,
        Classified::Known(kind, Some(newer)) => {
            let message = format!("`{api_version}` is deprecated");
            issues.warn("apiVersion", "deprecated-version", message, newer);
            kind
        }
        Classified::UnknownVersion(Kind::Pipeline | Kind::PipelineRun | Kind::Task, known) => {
            issues.warn("apiVersion", "version", format!("`{}` is not read", short(&api_version)), known);
            return;
        }
        Classified::UnknownVersion(_, known) => {
            let message = format!("there is no version `{}` of {kind}", short(&api_version));
            issues.error("apiVersion", "version", message, known);
            return;
        }
        Classified::Other(None) => return note_list(&document, &kind, issues),
        Classified::Other(Some(hint)) if api_version.is_empty() => {
            issues.error("apiVersion", "required", format!("the document has no `apiVersion`: {hint}"), "");
            return;
        }
        Classified::Other(Some(hint)) => {
            issues.warn("apiVersion", "unknown-kind", hint, "");
            return;
        }
    };
    let value = Value::Object(document);
    if is_patch(&value) {
        issues.warn(
            "",
            "patch",
            "the document is a patch of kustomize, not a resource",
            "import what `kustomize build` prints",
        );
        return;
    }
    template::check(&value, &|path| is_text(kind, path), issues);
    let Value::Object(document) = value else { return };
    let version = api_version.rsplit('/').next().unwrap_or_default().to_owned();
    let resource = Resource::read(kind, &version, document, report);
    if report.issues.errors.is_empty() {
        report.status = Status::Accepted;
        importer.keep(kind, resource, report);
    }
}

/// A list of Kubernetes may hold what a run needs, and is not opened: its items have no lines of their own.
fn note_list(document: &Map<String, Value>, kind: &str, issues: &mut Issues) {
    let items = document.get("items").and_then(Value::as_array).filter(|_| kind.ends_with("List"));
    let is_ours = |item: &&Value| {
        let field = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        matches!(classify(field("apiVersion"), field("kind")), Classified::Known(..))
    };
    if let Some(count) = items.map(|items| items.iter().filter(is_ours).count()).filter(|count| *count > 0) {
        let message = format!("the list holds {count} resources that are not imported");
        issues.warn("items", "list", message, "write each as a document of its own, separated by `---`");
    }
}

/// Whether kustomize's `$patch` stands somewhere in the document.
fn is_patch(value: &Value) -> bool {
    let mut found = false;
    template::walk(value, &mut Vec::new(), &mut |path, text| {
        found |= text == "$patch" && path.last() == Some(&Step::Field("$patch"));
    });
    found
}

/// Fields whose text another program reads, so that `{{` may be what it should be: scripts, which no plugin has; data of a
/// release and of a policy; and descriptions.
fn is_text(kind: Kind, path: &[Step<'_>]) -> bool {
    let has = |name: &str| path.contains(&Step::Field(name));
    match kind {
        Kind::Pipeline | Kind::PipelineRun | Kind::Task => {
            let in_step = has("steps") || has("sidecars");
            matches!(path.last(), Some(Step::Field("description" | "displayName")))
                || in_step && (has("script") || has("args") || has("command"))
        }
        Kind::ReleasePlan => path.starts_with(&[Step::Field("spec"), Step::Field("data")]),
        Kind::EnterpriseContractPolicy => has("ruleData") || has("description"),
        _ => path.last() == Some(&Step::Field("kubectl.kubernetes.io/last-applied-configuration")),
    }
}

pub(super) enum Resource {
    Application(Application),
    Component(Box<ComponentResource>),
    Group(Box<ComponentGroup>),
    Snapshot(Box<Snapshot>),
    Scenario(Box<Scenario>),
    Pipeline(Box<PipelineResource>),
    Kept(Value),
}

impl Resource {
    fn read(kind: Kind, version: &str, document: Map<String, Value>, report: &mut DocumentReport) -> Self {
        let issues = &mut report.issues;
        match kind {
            Kind::Application => Self::Application(Application::read(&document, issues)),
            Kind::Component => Self::Component(Box::new(ComponentResource::read(&document, issues))),
            Kind::ComponentGroup => Self::Group(Box::new(ComponentGroup::read(&document, issues))),
            Kind::IntegrationTestScenario => Self::Scenario(Box::new(Scenario::read(&document, version, issues))),
            Kind::Snapshot => read_snapshot(document, issues),
            Kind::Pipeline | Kind::PipelineRun | Kind::Task | Kind::PluginPipeline => {
                let (resource, on_tekton) = read_pipeline(kind, document, issues);
                report.runs_on_tekton = on_tekton;
                Self::Pipeline(Box::new(resource))
            }
            Kind::EnterpriseContractPolicy => {
                let _metadata = Metadata::read(&document, NameForm::Subdomain, issues);
                let value = Value::Object(document);
                if let Err(error) = PolicySpec::parse(&value.to_string()) {
                    issues.error("spec", "policy", error.to_string(), "");
                }
                Self::Kept(value)
            }
            Kind::ReleasePlan | Kind::NudgeConfig => {
                let _metadata = Metadata::read(&document, NameForm::Subdomain, issues);
                Self::Kept(Value::Object(document))
            }
        }
    }
}

fn read_snapshot(document: Map<String, Value>, issues: &mut Issues) -> Resource {
    let _metadata = Metadata::read(&document, NameForm::Subdomain, issues);
    let empty = Map::new();
    let spec = document.get("spec").and_then(Value::as_object).unwrap_or(&empty);
    let owner = |field: &str| spec.get(field).and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    match (owner("application"), owner("componentGroup")) {
        (true, true) => {
            let message = "the Snapshot has both `application` and `componentGroup`";
            issues.error("spec", "owner", message, "keep one of them");
        }
        (false, false) => {
            let message = "the Snapshot has neither `application` nor `componentGroup`";
            issues.warn("spec", "owner", message, "add one of them, so that scenarios can be found");
        }
        _ => {}
    }
    match Snapshot::of_document(Value::Object(document)) {
        Ok(snapshot) => {
            for (at, component) in snapshot.components.iter().enumerate() {
                if assay_model::image::PinnedImage::parse(&component.container_image).is_err() {
                    let image = &component.container_image;
                    let message = format!("`{}` has no digest, so it is not known which image is tested", short(image));
                    issues.warn(format!("spec.components[{at}].containerImage"), "digest", message, "…@sha256:…");
                }
            }
            Resource::Snapshot(Box::new(snapshot))
        }
        Err(SnapshotError::Empty) => {
            issues.warn("spec.components", "empty", SnapshotError::Empty.to_string(), "");
            Resource::Kept(Value::Null)
        }
        Err(error) => {
            issues.error("spec", "snapshot", error.to_string(), "");
            Resource::Kept(Value::Null)
        }
    }
}

/// Reads a pipeline, a run or a task; and whether only Tekton can run it.
fn read_pipeline(kind: Kind, mut document: Map<String, Value>, issues: &mut Issues) -> (PipelineResource, bool) {
    let metadata = Metadata::read(&document, NameForm::Subdomain, issues);
    let spec = match document.remove("spec") {
        Some(Value::Object(spec)) => spec,
        None | Some(Value::Null) if kind == Kind::PipelineRun => Map::new(),
        None | Some(Value::Null) => {
            issues.error("spec", "required", "the document has no `spec`", "");
            Map::new()
        }
        Some(other) => {
            issues.error("spec", "type", format!("it is {}, not an object", fields::kind(&other)), "");
            Map::new()
        }
    };
    let mut run = None;
    let pipeline = match kind {
        Kind::Task => {
            let declared = tekton::pipeline::read_params(&spec, "spec", issues);
            let known: BTreeSet<String> = declared.into_iter().map(|param| param.name).collect();
            for (name, value) in spec.iter().filter(|(name, _)| *name != "params") {
                tekton::check::params_of(value, &format!("spec.{name}"), &known, issues);
            }
            Pipeline::default()
        }
        Kind::PipelineRun => {
            let (pipeline, values) = read_run(&spec, issues);
            run = Some(Box::new(values));
            pipeline
        }
        Kind::PluginPipeline => {
            let pipeline = tekton::short::read(&spec, "spec", issues);
            check_pipeline(&pipeline, issues);
            for field in ["tasks", "finally"] {
                if let Some(value) = spec.get(field) {
                    let known = pipeline.params.iter().map(|param| param.name.clone());
                    let known = known.chain([SNAPSHOT.to_owned()]).collect();
                    tekton::check::params_of(value, &format!("spec.{field}"), &known, issues);
                }
            }
            pipeline
        }
        _ => {
            let pipeline = tekton::pipeline::read(&spec, "spec", issues);
            check_pipeline(&pipeline, issues);
            tekton::check::params_of_pipeline(&spec, "spec", &pipeline.params, &BTreeSet::new(), issues);
            pipeline
        }
    };
    let on_tekton = kind == Kind::Task || !tekton::check::tekton_tasks(&pipeline).is_empty();
    (PipelineResource { kind, metadata, pipeline, run }, on_tekton)
}

fn check_pipeline(pipeline: &Pipeline, issues: &mut Issues) {
    if pipeline.tasks.is_empty() {
        issues.warn("spec.tasks", "required", "the pipeline has no tasks", "");
    }
    tekton::check::pipeline(pipeline, issues);
}

fn read_run(spec: &Map<String, Value>, issues: &mut Issues) -> (Pipeline, RunValues) {
    let timeouts = timeouts::of_spec(spec, "spec", issues);
    let given = || spec.get("params").and_then(Value::as_array).into_iter().flatten();
    let mut of_values = Issues::default();
    let value = |param: &Value| {
        let name = param.get("name").and_then(Value::as_str).unwrap_or_default();
        let value = raw(param.get("value")?, "spec.params", &mut of_values)?;
        (name != SNAPSHOT).then(|| (name.to_owned(), value))
    };
    let params = given().filter_map(value).collect();
    let values = RunValues { params, timeouts, errors: of_values.errors };
    let embedded = fields::object(spec, "spec", "pipelineSpec", issues);
    let reference = spec.get("pipelineRef").filter(|value| !value.is_null());
    let pipeline = match (embedded, reference) {
        (Some(_), Some(_)) => {
            issues.error("spec", "pipeline", "the run has both `pipelineRef` and `pipelineSpec`", "keep one of them");
            Pipeline::default()
        }
        (None, None) => {
            issues.warn("spec", "pipeline", "the run has neither `pipelineRef` nor `pipelineSpec`", "");
            Pipeline::default()
        }
        (None, Some(_)) => Pipeline::default(),
        (Some(embedded), None) => {
            let pipeline = tekton::pipeline::read(embedded, "spec.pipelineSpec", issues);
            check_pipeline(&pipeline, issues);
            // A run's parameters reach an embedded pipeline even where it does not declare them.
            let given =
                given().filter_map(|param| param.get("name").and_then(Value::as_str)).map(str::to_owned).collect();
            tekton::check::params_of_pipeline(embedded, "spec.pipelineSpec", &pipeline.params, &given, issues);
            pipeline
        }
    };
    (pipeline, values)
}

impl Importer {
    fn keep(&mut self, kind: Kind, resource: Resource, report: &mut DocumentReport) {
        if !report.name.is_empty() {
            let key = (kind, report.namespace.clone(), report.name.clone());
            let place = format!("{}:{}", report.file, report.line);
            if let Some(first) = self.seen.insert(key, place) {
                let message = format!("`{}` is also in {first}", short(&report.name));
                report.issues.warn("metadata.name", "duplicate", message, "keep one of them");
            }
        }
        let to = &mut self.imported.resources;
        match resource {
            Resource::Application(resource) => to.applications.push(resource),
            Resource::Component(resource) => to.components.push(*resource),
            Resource::Group(resource) => to.groups.push(*resource),
            Resource::Snapshot(resource) => to.snapshots.push(*resource),
            Resource::Scenario(resource) => to.scenarios.push(*resource),
            Resource::Pipeline(resource) => to.pipelines.push(*resource),
            Resource::Kept(Value::Null) => {}
            Resource::Kept(value) => to.kept.push(value),
        }
    }
}
