//! The task `ec`: validates the images of a Snapshot as `assay validate image` does, without a component of its own.
//!
//! Its parameters have the names of Konflux's task. What they name on this machine is read when the run is planned
//! ([`settle`]), so that the plan says what is evaluated and a wrong parameter is found before anything starts.

use std::{
    io::Write,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use assay_evidence::{
    Relocation,
    keyless::{CertificateLogPolicy, LogPolicy},
};
use assay_konflux::{
    import::Resources,
    plan::{ParamPlan, RunPlan, Template, Work},
};
use assay_model::{
    date,
    digest::Digest,
    effective_time::EffectiveTime,
    error::{ErrorCode, EvaluationError},
    event::{RunEvent, RunFinished},
    limits,
    nearest::nearest,
    outcome::Verdict,
    policy::{Identity, PolicySpec},
    port::{BlobStore as _, CallResult, Clock, ExecutorCall, ExecutorContext, StoreError, TaskVerdict, Wakeup},
    run::{Artifact, Cause, ErrorClass, ParamValue, PluginRef, RunState, Usage},
    snapshot::Snapshot,
};
use assay_report::{Format, Options, create_report};
use assay_store::Store;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::{
    ValidateImageRequest,
    cluster_access::ClusterAccess,
    error::{RequestError, RequestErrorKind},
    event::Event,
    image_request::PluginPlaces,
    mode::Mode,
    plugin_engine::PluginEngine,
    policy_argument::parse_policy,
    policy_sources::fetch_configuration,
    read::read_text,
    run::{Canceler, start},
    source_settings::SourceSettings,
    trust::{KeyText, SignerRequest, TrustRequest},
};

/// The name in `taskRef`. A plugin of that name in the list of plugins takes precedence.
pub(crate) const NAME: &str = "ec";

/// The parameters, as Konflux's task has them, and two of ours: `COMPONENTS` and `EVIDENCE`.
const PARAMS: [&str; 15] = [
    "SNAPSHOT",
    "POLICY_CONFIGURATION",
    "PUBLIC_KEY",
    "CERTIFICATE_IDENTITY",
    "CERTIFICATE_OIDC_ISSUER",
    "IGNORE_REKOR",
    "STRICT",
    "WORKERS",
    "SINGLE_COMPONENT",
    "EFFECTIVE_TIME",
    "EXTRA_RULE_DATA",
    "TIMEOUT",
    "INFO",
    "COMPONENTS",
    "EVIDENCE",
];

/// How often it is looked whether nobody waits for the result any more.
const LOOK: Duration = Duration::from_millis(100);

/// The task as a plan names it: another version of assay is another plugin.
pub(crate) fn reference() -> PluginRef {
    let digest = Digest::of(concat!("the task ec of assay ", env!("CARGO_PKG_VERSION")).as_bytes());
    PluginRef { name: NAME.to_owned(), digest, is_adapter: false }
}

/// Whether a plan has the task.
pub(crate) fn is_planned(plan: &RunPlan) -> bool {
    plan.scenarios.iter().flat_map(|scenario| &scenario.tasks).any(|task| is_ec(&task.work))
}

fn is_ec(work: &Work) -> bool {
    matches!(work, Work::Plugin { name } if name == NAME)
}

/// Puts what the parameters of the task name into the plan: the policy, among the imported ones or a file; the key; the
/// components that changed.
///
/// # Errors
/// A parameter is unknown or cannot be used.
pub(crate) fn settle(
    plan: &mut RunPlan,
    snapshot: &Snapshot,
    changed: &[String],
    resources: &Resources,
) -> Result<(), RequestError> {
    for scenario in &mut plan.scenarios {
        for task in scenario.tasks.iter_mut().filter(|task| is_ec(&task.work)) {
            let place = format!("the task `{}` of the scenario `{}`", task.name, scenario.name);
            let named = |error: RequestError| RequestError::new(format!("{place}: {}", error.message()));
            for (name, value) in &mut task.params {
                if !PARAMS.contains(&name.as_str()) {
                    let error = RequestError::new(format!("{place}: `{NAME}` has no parameter `{name}`"));
                    let near = nearest(name.as_str(), PARAMS);
                    return Err(near.map_or(error.clone(), |near| error.hint(format!("did you mean `{near}`?"))));
                }
                // What depends on results is looked at when it is known.
                let ParamPlan::Text(template) = value else { continue };
                let Some(text) = template.literal() else { continue };
                let settled = match name.as_str() {
                    "POLICY_CONFIGURATION" => Some(policy_text(&text, resources).map_err(named)?),
                    "PUBLIC_KEY" => Some(key_text(&text).map_err(named)?),
                    _ => None,
                };
                if let Some(settled) = settled {
                    *template = Template::of(settled);
                }
            }
            let literal = |name: &str| {
                let found = task.params.iter().find(|(known, _)| known == name);
                match found.map(|(_, value)| value) {
                    Some(ParamPlan::Text(template)) => template.literal(),
                    _ => None,
                }
            };
            let is_single = literal("SINGLE_COMPONENT").as_deref() == Some("true");
            let wanted = literal("COMPONENTS").unwrap_or_default();
            if is_single || wanted == "changed" {
                let names = changed_components(snapshot, changed).map_err(named)?;
                task.params.retain(|(name, _)| name != "COMPONENTS" && name != "SINGLE_COMPONENT");
                task.params.push(("COMPONENTS".to_owned(), ParamPlan::Text(Template::of(names.join(",")))));
            }
        }
    }
    Ok(())
}

/// The components that caused the Snapshot: those that the request names, else the one of its label.
fn changed_components(snapshot: &Snapshot, changed: &[String]) -> Result<Vec<String>, RequestError> {
    if !changed.is_empty() {
        return Ok(changed.to_vec());
    }
    let facts = assay_konflux::matching::SnapshotFacts::of(snapshot);
    if facts.component.is_empty() {
        return Err(RequestError::new("it is not known which components changed").hint("name them with --changed"));
    }
    Ok(vec![facts.component])
}

/// `NAMESPACE/NAME` or `NAME` of an imported policy as its text, a file as its content; everything else stays.
fn policy_text(text: &str, resources: &Resources) -> Result<String, RequestError> {
    let (namespace, name) = text.split_once('/').unwrap_or(("", text));
    let of = |policy: &&Value, field: &str| {
        policy.pointer(&format!("/metadata/{field}")).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let is_named = |policy: &&Value| {
        let own = of(policy, "namespace");
        policy.get("kind").and_then(Value::as_str) == Some("EnterpriseContractPolicy")
            && of(policy, "name") == name
            && (own.is_empty() || namespace.is_empty() || own == namespace)
    };
    if let Some(policy) = resources.kept.iter().find(is_named) {
        return Ok(policy.to_string());
    }
    let path = Utf8Path::new(text);
    let is_inline = text.contains('\n') || text.trim_start().starts_with('{');
    if !is_inline && path.is_file() {
        return read_text(path, "POLICY_CONFIGURATION", limits::CONFIG_FILE_BYTES);
    }
    let is_elsewhere = text.contains("::") || text.contains("://") || text.contains('.');
    if is_inline || is_elsewhere || text.is_empty() {
        return Ok(text.to_owned());
    }
    Err(RequestError::new(format!("no policy `{text}` is among the imported files, and there is no such file"))
        .hint("import the EnterpriseContractPolicy, or name a file or an address"))
}

fn key_text(text: &str) -> Result<String, RequestError> {
    if text.is_empty() || text.contains("-----BEGIN") {
        return Ok(text.to_owned());
    }
    if text.contains("://") {
        return Err(RequestError::new(format!("PUBLIC_KEY: keys by `{text}` are not supported here"))
            .hint("save the public key as a PEM file and name that"));
    }
    read_text(Utf8Path::new(text), "PUBLIC_KEY", limits::CONFIG_FILE_BYTES)
}

/// Carries out the task.
pub(crate) struct EcTask {
    pub(crate) snapshot: Snapshot,
    pub(crate) sources: SourceSettings,
    pub(crate) engine: PluginEngine,
    pub(crate) temporary: Utf8PathBuf,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A report in memory, which owns one end of it.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn bytes(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The reports that are kept of a validation, with the names of their files.
const REPORTS: [(Format, &str, &str); 2] =
    [(Format::Json, "report.json", "application/json"), (Format::Junit, "report.xml", "application/xml")];

impl EcTask {
    pub(crate) fn execute(&self, call: &ExecutorCall<'_>, context: &dyn ExecutorContext) -> CallResult {
        let params = Params(call);
        let request = match self.request(&params, call.limit) {
            Ok(request) => request,
            Err(error) => return of_request_error(&error),
        };
        self.validate(request, !params.is("STRICT", true), context)
            .unwrap_or_else(|error| error_result(ErrorClass::Internal, "store", &error.to_string()))
    }

    fn request(&self, params: &Params<'_>, limit: Duration) -> Result<ValidateImageRequest, RequestError> {
        let offline = params.text("EVIDENCE");
        let limit = match params.text("TIMEOUT").as_str() {
            "" => limit,
            text => limit.min(parse_duration(text)?),
        };
        let deadline = Instant::now().checked_add(limit).map(|end| (end, limit));
        let sources = self.sources.clone().offline(!offline.is_empty()).until(deadline.map(|(end, _)| end));
        let quiet = |_: Event| {};
        let cluster = ClusterAccess::offline(Mode::Native);
        let configuration = Some(params.text("POLICY_CONFIGURATION")).filter(|text| !text.is_empty());
        let configuration = fetch_configuration(configuration, &sources, &cluster, &quiet)?.ok_or_else(|| {
            RequestError::new("the parameter POLICY_CONFIGURATION is missing")
                .hint("name an imported EnterpriseContractPolicy, a file or an address")
        })?;
        let mut policy = parse_policy(&configuration)?;
        policy.add_rule_data(&params.pairs("EXTRA_RULE_DATA")?).map_err(|error| RequestError::from_error(&error))?;
        let trust = params.trust(&mut policy)?;
        let now = self.clock.now();
        Ok(ValidateImageRequest {
            mode: Mode::Native,
            temporary: self.temporary.clone(),
            requested_at: now,
            snapshot: self.selected(&params.text("COMPONENTS"))?,
            snapshot_name: String::new(),
            snapshot_text: String::new(),
            evidence: Some(offline).filter(|path| !path.is_empty()).map(Utf8PathBuf::from),
            trust,
            skipped: Vec::new(),
            policy,
            strict_config: false,
            sources,
            plugin_places: PluginPlaces::default(),
            plugins: Vec::new(),
            plugin_engine: self.engine.clone(),
            plugin_sinks: assay_wasm::Sinks::default(),
            by_intention: false,
            effective_time: effective_time(&params.text("EFFECTIVE_TIME"), now)?,
            explain: Vec::new(),
            workers: params.number("WORKERS")?.unwrap_or(NonZeroUsize::MIN.saturating_add(1)),
            deadline,
            keep_inputs: false,
            keep_statements: false,
        })
    }

    /// The components that are validated, by their names; all where none is named.
    fn selected(&self, names: &str) -> Result<Snapshot, RequestError> {
        let mut snapshot = self.snapshot.clone();
        if names.is_empty() || names == "all" {
            return Ok(snapshot);
        }
        let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let known = || snapshot.components.iter().map(|component| component.name.as_str());
        if let Some(name) = names.iter().find(|name| !known().any(|known| known == **name)) {
            let error = RequestError::new(format!("COMPONENTS: the Snapshot has no component `{name}`"));
            return Err(match nearest(name, known()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            });
        }
        snapshot.components.retain(|component| names.contains(&component.name.as_str()));
        if snapshot.components.is_empty() {
            return Err(RequestError::new("COMPONENTS names no component"));
        }
        Ok(snapshot)
    }

    fn validate(
        &self,
        request: ValidateImageRequest,
        is_informative: bool,
        context: &dyn ExecutorContext,
    ) -> Result<CallResult, StoreError> {
        let mut run = match start(request) {
            Ok(run) => run,
            Err(error) => return Ok(of_request_error(&error)),
        };
        let (text, output) = (Buffer::default(), Buffer::default());
        let kept: Vec<_> =
            REPORTS.iter().map(|(format, name, kind)| (*format, *name, *kind, Buffer::default())).collect();
        let plain = Options::default();
        let mut reports = vec![
            create_report(Format::Text, Box::new(text.clone()), plain),
            create_report(Format::Appstudio, Box::new(output.clone()), plain),
        ];
        reports.extend(kept.iter().map(|(format, _, _, to)| create_report(*format, Box::new(to.clone()), plain)));
        let (canceler, ended) = (run.canceler(), Wakeup::default());
        thread::scope(|scope| {
            scope.spawn(|| watch(context, &canceler, &ended));
            for event in run.by_ref() {
                match event {
                    Event::Run(event) => {
                        if let RunEvent::Finished(end) = &event {
                            log_errors(end, context);
                        }
                        // They write to memory, and what is missing shows below.
                        reports.iter_mut().for_each(|report| drop(report.event(&event)));
                    }
                    Event::Warning(text) | Event::Note(text) => drop(context.log(format!("{text}\n").as_bytes())),
                    _ => {}
                }
            }
            ended.raise();
        });
        drop(reports);
        let end = match run.join() {
            Ok(result) => result.finished,
            Err(error) => return Ok(of_request_error(&error)),
        };
        context.log(&text.bytes())?;
        let mut artifacts = Vec::new();
        for (_, name, media_type, bytes) in &kept {
            let bytes = bytes.bytes();
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let digest = self.store.put(&bytes)?;
            artifacts.push(Artifact { name: (*name).to_owned(), media_type: (*media_type).to_owned(), digest, size });
        }
        Ok(conclude(&end, &output.bytes(), artifacts, is_informative))
    }
}

/// Cancels the validation once nobody waits for its result.
fn watch(context: &dyn ExecutorContext, canceler: &Canceler, ended: &Wakeup) {
    loop {
        let seen = ended.generation();
        if seen > 0 {
            return;
        }
        if context.is_canceled() {
            canceler.cancel();
            return;
        }
        ended.wait_at_most(seen, LOOK);
    }
}

fn log_errors(end: &RunFinished, context: &dyn ExecutorContext) {
    for outcome in &end.outcomes {
        if let Some(error) = &outcome.error {
            let line = format!("{}: {}: {}\n", outcome.component.name, error.code.as_str(), error.message);
            drop(context.log(line.as_bytes()));
        }
    }
}

/// The verdict with TEST_OUTPUT. Where every component that could not be evaluated failed at the registry, it is an error of
/// the infrastructure, which is retried.
fn conclude(end: &RunFinished, output: &[u8], artifacts: Vec<Artifact>, is_informative: bool) -> CallResult {
    let errors: Vec<&EvaluationError> = end.outcomes.iter().filter_map(|outcome| outcome.error.as_ref()).collect();
    let is_of_registry = |error: &&EvaluationError| {
        matches!(error.code, ErrorCode::RegistryUnreachable | ErrorCode::RegistryTimeout | ErrorCode::RegistryError)
    };
    let named = |error: &EvaluationError, class: ErrorClass| {
        let count = errors.len();
        let message = format!("{count} of {} components could not be evaluated: {}", end.outcomes.len(), error.message);
        let cause = Cause::new(error.code.as_str(), &message);
        let cause = error.hint.as_ref().map_or_else(|| cause.clone(), |hint| cause.clone().hint(hint));
        (class, cause)
    };
    if let Some(first) = errors.first().filter(|_| errors.iter().all(is_of_registry)) {
        let (class, cause) = named(first, ErrorClass::Infrastructure);
        return CallResult::Error { class, cause, after: None };
    }
    if let Some(late) = errors.iter().find(|error| error.code == ErrorCode::Deadline) {
        let (class, cause) = named(late, ErrorClass::Timeout);
        return CallResult::Error { class, cause, after: None };
    }
    let mut document: Value = serde_json::from_slice(output).unwrap_or_default();
    let number = |document: &Value, field: &str| document.get(field).and_then(Value::as_u64).unwrap_or_default();
    let (failures, warnings) = (number(&document, "failures"), number(&document, "warnings"));
    let state = match end.verdict {
        Verdict::Error => RunState::Error,
        Verdict::Denied if is_informative => RunState::Warned,
        Verdict::Denied => RunState::Failed,
        Verdict::Allowed if warnings > 0 => RunState::Warned,
        Verdict::Allowed => RunState::Passed,
    };
    if end.verdict == Verdict::Denied
        && is_informative
        && let Some(fields) = document.as_object_mut()
    {
        fields.insert("result".to_owned(), Value::from("WARNING"));
        fields.insert("note".to_owned(), Value::from("STRICT is false: violations are warnings"));
    }
    let mut denied: Vec<&str> = end
        .outcomes
        .iter()
        .filter(|outcome| outcome.error.is_none() && !outcome.allowed())
        .map(|outcome| outcome.component.name.as_str())
        .collect();
    denied.sort_unstable();
    let cause = match (state, errors.first()) {
        (RunState::Passed, _) => None,
        (RunState::Error, Some(error)) => Some(named(error, ErrorClass::Verdict).1),
        (RunState::Error, None) => Some(Cause::new("no-components", "no component was evaluated")),
        _ if denied.is_empty() => Some(Cause::new("warnings", &format!("{warnings} warnings"))),
        _ => {
            let message = format!("{failures} violations in {}", denied.join(", "));
            Some(Cause::new("violations", &message).hint("the log of the task and its report.json name each rule"))
        }
    };
    let results = [("TEST_OUTPUT".to_owned(), ParamValue::Text(document.to_string()))].into();
    CallResult::Done(TaskVerdict { state, cause, results, artifacts, usage: Usage::default() })
}

fn error_result(class: ErrorClass, code: &str, fact: &str) -> CallResult {
    CallResult::Error { class, cause: Cause::new(code, fact), after: None }
}

/// What the request is refused for is refused again; what could not be fetched may be there later.
fn of_request_error(error: &RequestError) -> CallResult {
    let (class, code) = match error.kind() {
        RequestErrorKind::Source | RequestErrorKind::Registry | RequestErrorKind::ClusterUnavailable => {
            (ErrorClass::Infrastructure, "source")
        }
        RequestErrorKind::Internal => (ErrorClass::Internal, "internal"),
        _ => (ErrorClass::Invalid, "params"),
    };
    error_result(class, code, &error.message())
}

/// The parameters of a call.
struct Params<'a>(&'a ExecutorCall<'a>);

impl Params<'_> {
    fn text(&self, name: &str) -> String {
        match self.0.job.call.params.get(name) {
            Some(ParamValue::Text(text)) => text.clone(),
            Some(ParamValue::Items(items)) => items.join(","),
            Some(ParamValue::Fields(_)) | None => String::new(),
        }
    }

    fn is(&self, name: &str, default: bool) -> bool {
        match self.text(name).as_str() {
            "true" => true,
            "false" => false,
            _ => default,
        }
    }

    fn number(&self, name: &str) -> Result<Option<NonZeroUsize>, RequestError> {
        let text = self.text(name);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| RequestError::new(format!("{name} is `{text}`, not a number from 1")))
    }

    fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, RequestError> {
        let text = self.text(name);
        let items = text.split(',').filter(|item| !item.trim().is_empty());
        let pair = |item: &str| {
            let (key, value) = item.split_once('=')?;
            Some((key.trim().to_owned(), value.to_owned()))
        };
        items
            .map(|item| pair(item).ok_or_else(|| RequestError::new(format!("{name}: `{item}` is not KEY=VALUE"))))
            .collect()
    }

    /// Whose signatures count: the key, else the identity, else those of the policy.
    fn trust(&self, policy: &mut PolicySpec) -> Result<TrustRequest, RequestError> {
        let key =
            |pem: &str, origin: &str| SignerRequest::Key(KeyText { pem: pem.to_owned(), origin: origin.to_owned() });
        let identity = Identity {
            subject: self.text("CERTIFICATE_IDENTITY"),
            issuer: self.text("CERTIFICATE_OIDC_ISSUER"),
            ..Identity::default()
        };
        let given = self.text("PUBLIC_KEY");
        let signer = if !given.is_empty() {
            let pem = key_text(&given)?;
            policy.public_key.clone_from(&pem);
            key(&pem, "the parameter PUBLIC_KEY")
        } else if identity != Identity::default() {
            policy.public_key.clear();
            SignerRequest::Identity(identity)
        } else if !policy.public_key.is_empty() {
            key(&key_text(&policy.public_key)?, "the policy's `publicKey`")
        } else if let Some(identity) = &policy.identity {
            SignerRequest::Identity(identity.clone())
        } else {
            return Err(RequestError::new("no public key and no identity to verify signatures with").hint(
                "set PUBLIC_KEY, or CERTIFICATE_IDENTITY and CERTIFICATE_OIDC_ISSUER, or `publicKey` in the policy",
            ));
        };
        // Konflux's task does not require the transparency log by default.
        let log = if self.is("IGNORE_REKOR", true) { LogPolicy::Ignored } else { LogPolicy::Required };
        Ok(TrustRequest {
            signer,
            log,
            certificate_log: CertificateLogPolicy::Required,
            relocation: Relocation::Refused,
        })
    }
}

fn parse_duration(text: &str) -> Result<Duration, RequestError> {
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| RequestError::new(format!("TIMEOUT is `{text}`, not a duration")).hint("such as 5m or 1h30m"))
}

fn effective_time(text: &str, now: jiff::Timestamp) -> Result<EffectiveTime, RequestError> {
    match text {
        "" | "now" => Ok(EffectiveTime::At(now)),
        "attestation" => Ok(EffectiveTime::PerBuild { fallback: now }),
        other => {
            let time = date::parse_datetime_or_date(other).filter(|time| *time >= now);
            time.map(EffectiveTime::At).ok_or_else(|| {
                RequestError::new(format!("EFFECTIVE_TIME is `{other}`, not a time that lies ahead"))
                    .hint("use `now`, `attestation`, a date or an RFC 3339 time")
            })
        }
    }
}
