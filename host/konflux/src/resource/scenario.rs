//! [`Scenario`]: an `IntegrationTestScenario` of any version.
//!
//! The rules are those of Konflux's admission webhook, and what it accepts and then never matches, never parses or never
//! finishes is an error as well. The webhook looks at new objects only; here every document is checked.

use serde_json::{Map, Value};

use super::metadata::{Metadata, NameForm};
use crate::{
    contexts,
    fields::{self, join},
    issue::{Issues, short},
    labels, names,
    plan::Timeouts,
    tekton::{
        pipeline::RawValue,
        variable::{Variable, variables},
    },
    template::walk,
    timeouts,
};

/// A test of Snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name and labels.
    pub metadata: Metadata,
    /// The application it belongs to; empty when it belongs to a group.
    pub application: String,
    /// The component group it belongs to; empty when it belongs to an application.
    pub component_group: String,
    /// Which Snapshots it tests; empty for all.
    pub contexts: Vec<String>,
    /// Parameters of its pipeline.
    pub params: Vec<(String, RawValue)>,
    /// Where its pipeline is.
    pub resolver: ResolverRef,
    /// Its time limits.
    pub timeouts: Timeouts,
    /// Whether it states any of them, so that they count before those of a pipeline run.
    pub states_timeouts: bool,
    /// Whether its failure does not fail the Snapshot. Only a label says so.
    pub optional: bool,
    /// Whether it never runs.
    pub disabled: bool,
}

/// Where a pipeline is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolverRef {
    /// `git`, `bundles`, `cluster`, `http`, `hub`, or empty.
    pub resolver: String,
    /// Whether it names a `PipelineRun` instead of a pipeline.
    pub is_pipeline_run: bool,
    /// Its parameters.
    pub params: Vec<(String, String)>,
}

impl ResolverRef {
    /// A parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

const SPEC: [&str; 10] = [
    "application",
    "componentGroup",
    "resolverRef",
    "params",
    "contexts",
    "dependents",
    "disabled",
    "environment",
    "bundle",
    "pipeline",
];

impl Scenario {
    /// Reads a scenario of the version `v1beta2`, `v1beta1` or `v1alpha1`. What is wrong with it is noted.
    #[must_use]
    pub fn read(document: &Map<String, Value>, version: &str, issues: &mut Issues) -> Self {
        let metadata = Metadata::read(document, NameForm::Label, issues);
        let empty = Map::new();
        let spec = match fields::object(document, "", "spec", issues) {
            Some(spec) => spec,
            None => {
                issues.error("spec", "required", "the scenario has no `spec`", "");
                &empty
            }
        };
        fields::warn_of_unknown(spec, "spec", &SPEC, issues);
        let (application, component_group) = read_owner(spec, issues);
        for field in ["environment", "dependents"] {
            if spec.contains_key(field) {
                let suggestion =
                    if field == "dependents" { "use `testGraph` of the ComponentGroup" } else { "remove it" };
                issues.warn(join("spec", field), "unused-field", format!("nothing reads `{field}`"), suggestion);
            }
        }
        let resolver = if version == "v1alpha1" { read_bundle(spec, issues) } else { read_resolver(spec, issues) };
        refuse_params(spec, issues);
        Self {
            optional: read_optional(&metadata, issues),
            timeouts: timeouts::of_annotations(Some(&metadata.annotations), issues),
            states_timeouts: [labels::PIPELINE_TIMEOUT, labels::TASKS_TIMEOUT, labels::FINALLY_TIMEOUT]
                .into_iter()
                .any(|name| metadata.annotation(name).is_some()),
            contexts: read_contexts(spec, issues),
            params: read_params(spec, issues),
            disabled: fields::boolean(spec, "spec", "disabled", issues),
            metadata,
            application,
            component_group,
            resolver,
        }
    }

    /// The name of what it belongs to.
    #[must_use]
    pub fn owner(&self) -> &str {
        if self.application.is_empty() { &self.component_group } else { &self.application }
    }
}

fn read_owner(spec: &Map<String, Value>, issues: &mut Issues) -> (String, String) {
    let mut owner = |field: &str| {
        let name = fields::text(spec, "spec", field, issues).unwrap_or_default();
        if !name.is_empty() && !names::is_dns_1123(name) && !name.contains("{{") {
            let message = format!("`{}` is not the name of a resource", short(name));
            issues.error(join("spec", field), "name", message, names::as_label(name));
        }
        name.to_owned()
    };
    let (application, component_group) = (owner("application"), owner("componentGroup"));
    match (application.is_empty(), component_group.is_empty()) {
        (true, true) => {
            let message = "the scenario belongs to nothing: it has neither `application` nor `componentGroup`";
            issues.error("spec", "owner", message, "add one of them");
        }
        (false, false) => {
            let message = "the scenario has both `application` and `componentGroup`";
            issues.error("spec", "owner", message, "keep one of them");
        }
        _ => {}
    }
    (application, component_group)
}

fn read_optional(metadata: &Metadata, issues: &mut Issues) -> bool {
    if let Some((name, _)) = labels::find(Some(&metadata.annotations), labels::OPTIONAL) {
        let message = "the scenario is required: only a label makes it optional, and this is an annotation";
        issues.warn(
            format!("metadata.annotations.{name}"),
            "optional-annotation",
            message,
            "move it to `metadata.labels`",
        );
    }
    let Some((name, text)) = labels::find(Some(&metadata.labels), labels::OPTIONAL) else { return false };
    match text {
        "true" => true,
        "false" => false,
        other => {
            let message = format!("`{}` is neither `true` nor `false`, so the scenario is required", short(other));
            issues.warn(format!("metadata.labels.{name}"), "label-value", message, "\"true\" or \"false\"");
            false
        }
    }
}

fn read_contexts(spec: &Map<String, Value>, issues: &mut Issues) -> Vec<String> {
    let mut out = Vec::new();
    for (place, context) in fields::objects(spec, "spec", "contexts", issues) {
        let path = join(&place, "name");
        match fields::text(context, &place, "name", issues) {
            None => issues.error(path, "required", "the context has no name", contexts::KNOWN.join(", ")),
            Some(name) if name.contains("{{") => {}
            Some(name) => {
                if !contexts::is_known(name) {
                    let suggestion = match contexts::nearest_known(name) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("one of {}", contexts::KNOWN.join(", ")),
                    };
                    let message =
                        format!("there is no context `{}`, so the scenario would never run for it", short(name));
                    issues.error(path, "unknown-context", message, suggestion);
                }
                out.push(name.to_owned());
            }
        }
    }
    out
}

fn read_params(spec: &Map<String, Value>, issues: &mut Issues) -> Vec<(String, RawValue)> {
    let mut out: Vec<(String, RawValue)> = Vec::new();
    for (place, param) in fields::objects(spec, "spec", "params", issues) {
        let Some(name) = fields::text(param, &place, "name", issues) else {
            issues.error(join(&place, "name"), "required", "the parameter has no name", "");
            continue;
        };
        if name == "SNAPSHOT" {
            let message = "the parameter SNAPSHOT is made from the Snapshot under test and cannot be given";
            issues.error(join(&place, "name"), "snapshot-param", message, "remove it");
        }
        if out.iter().any(|(known, _)| known == name) {
            let message = format!("the parameter `{}` is given twice; the last one counts", short(name));
            issues.warn(join(&place, "name"), "duplicate", message, "keep one of them");
            out.retain(|(known, _)| known != name);
        }
        let values = fields::texts(param, &place, "values", issues);
        let value = fields::text(param, &place, "value", issues);
        if value.is_some() && !values.is_empty() {
            let message = "it has both `value` and `values`; `value` counts";
            issues.warn(place.as_str(), "duplicate", message, "keep one of them");
        }
        let value = match value {
            Some(value) => RawValue::Text(value.to_owned()),
            None if param.contains_key("values") => RawValue::List(values),
            None => RawValue::Text(String::new()),
        };
        out.push((name.to_owned(), value));
    }
    out
}

/// A scenario has no parameters of its own to refer to.
fn refuse_params(spec: &Map<String, Value>, issues: &mut Issues) {
    for field in ["params", "resolverRef"] {
        let Some(value) = spec.get(field) else { continue };
        walk(value, &mut Vec::new(), &mut |steps, text| {
            for found in variables(text) {
                let Variable::Param(name, _) = found.variable else { continue };
                let place = crate::template::written(steps);
                let separator = if place.starts_with('[') { "" } else { "." };
                let message = format!("a scenario has no parameters that `$(params.{})` could refer to", short(&name));
                let suggestion = "write the value itself; SNAPSHOT is given to every pipeline";
                issues.error(format!("spec.{field}{separator}{place}"), "unknown-param", message, suggestion);
            }
        });
    }
}

fn read_bundle(spec: &Map<String, Value>, issues: &mut Issues) -> ResolverRef {
    if spec.contains_key("resolverRef") {
        return read_resolver(spec, issues);
    }
    let mut field = |name: &str| {
        let text = fields::text(spec, "spec", name, issues).unwrap_or_default().to_owned();
        if text.is_empty() {
            issues.error(join("spec", name), "required", format!("a scenario of v1alpha1 needs `{name}`"), "");
        }
        text
    };
    let (bundle, pipeline) = (field("bundle"), field("pipeline"));
    let params = [("bundle", bundle), ("name", pipeline), ("kind", "pipeline".to_owned())];
    ResolverRef {
        resolver: "bundles".to_owned(),
        is_pipeline_run: false,
        params: params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// Resolvers that Tekton ships.
const RESOLVERS: [&str; 5] = ["git", "bundles", "cluster", "http", "hub"];

fn read_resolver(spec: &Map<String, Value>, issues: &mut Issues) -> ResolverRef {
    const PATH: &str = "spec.resolverRef";
    let Some(reference) = fields::object(spec, "spec", "resolverRef", issues) else {
        let message = "the scenario has no `resolverRef`, so it has no pipeline";
        issues.error(PATH, "required", message, "");
        return ResolverRef::default();
    };
    let resolver = fields::text(reference, PATH, "resolver", issues).unwrap_or_default().to_owned();
    if resolver.is_empty() {
        issues.error(join(PATH, "resolver"), "required", "the resolver has no name", "git");
    } else if !RESOLVERS.contains(&resolver.as_str()) && !resolver.contains("{{") {
        let near = assay_model::nearest::nearest(resolver.as_str(), RESOLVERS);
        let message = format!("`{}` is not a resolver of Tekton's own", short(&resolver));
        issues.warn(join(PATH, "resolver"), "resolver", message, near.unwrap_or_default());
    }
    let kind = fields::text(reference, PATH, "resourceKind", issues).unwrap_or("pipeline");
    let is_pipeline_run = kind.eq_ignore_ascii_case("pipelinerun");
    if !is_pipeline_run && !kind.eq_ignore_ascii_case("pipeline") && !kind.contains("{{") {
        let message = format!("there is no kind `{}` of pipeline", short(kind));
        issues.error(join(PATH, "resourceKind"), "resource-kind", message, "pipeline or pipelinerun");
    }
    let mut params = Vec::new();
    for (place, param) in fields::objects(reference, PATH, "params", issues) {
        let Some(name) = fields::text(param, &place, "name", issues) else {
            issues.error(join(&place, "name"), "required", "the parameter has no name", "");
            continue;
        };
        let value = fields::text(param, &place, "value", issues).unwrap_or_default();
        if resolver == "git" && !value.contains("{{") {
            check_git_param(name, value, &join(&place, "value"), issues);
        }
        params.push((name.to_owned(), value.to_owned()));
    }
    let found = ResolverRef { resolver, is_pipeline_run, params };
    if found.resolver == "git" {
        check_git(&found, issues);
    }
    found
}

fn check_git(reference: &ResolverRef, issues: &mut Issues) {
    const PATH: &str = "spec.resolverRef.params";
    let has = |name: &str| reference.param(name).is_some_and(|value| !value.is_empty());
    if has("url") && (has("repo") || has("org")) {
        let message = "the git resolver has both `url` and `repo` or `org`";
        issues.error(PATH, "git-location", message, "keep `url`, or `repo` and `org`");
    } else if !has("url") && !(has("repo") && has("org")) {
        issues.error(PATH, "git-location", "the git resolver has neither `url` nor `repo` with `org`", "add `url`");
    }
    if !has("pathInRepo") {
        issues.warn(
            PATH,
            "git-path",
            "the git resolver has no `pathInRepo`, so nothing will be found",
            "add `pathInRepo`",
        );
    }
}

fn check_git_param(name: &str, value: &str, path: &str, issues: &mut Issues) {
    let trimmed = value.trim();
    if trimmed != value {
        let message = format!("the value of `{}` has white space around it", short(name));
        issues.error(path, "white-space", message, short(trimmed));
    }
    match name {
        "url" | "serverURL" => {
            let behind = trimmed.strip_prefix("https://");
            if behind.is_none_or(|behind| behind.is_empty() || behind.contains(char::is_whitespace)) {
                let https = trimmed.strip_prefix("http://").map(|rest| format!("https://{rest}"));
                let https = https.or_else(|| {
                    let (host, path) = trimmed.strip_prefix("git@")?.split_once(':')?;
                    Some(format!("https://{host}/{path}"))
                });
                let message = format!("`{}` does not begin with `https://`", short(trimmed));
                issues.error(path, "url", message, https.unwrap_or_else(|| "https://…".to_owned()));
            }
        }
        "token" if !names::is_dns_1123(value) => {
            issues.error(path, "token", "`token` is the name of a Secret, and this is not one", "");
        }
        _ => {}
    }
}
