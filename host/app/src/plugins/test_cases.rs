//! [`test_plugin`]: runs the cases of a project against its component, without network and with a frozen clock.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    evidence::{Attestation, Evidence},
    image::{ImageRef, PinnedImage, Repository},
    limits,
    port::{Blobs, EvaluationContext},
    snapshot::Snapshot,
};
use assay_plugin_kit::{Case, Exchange, Observed, ObservedFinding, read_cassette};
use assay_wasm::{
    Adapter, CallError, CallTime, Check, CheckOptions, CheckpointStore, EventLog, Grants, HostPattern, HttpGrant,
    JobKey, JobOptions, LogSink, Plugin, PluginFinding, Reporter, Requested, RunContext, SecretGrant, SecretScheme,
    SecretValue, Sinks, SnapshotInput, StoredEvent, Task, Verdict,
};
use camino::Utf8PathBuf;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    adapter_run::{AdapterRun, Notes, Observation, Survival, append},
    cassette_client::{CassetteClient, Fault},
    host::{engine, load},
};
use crate::{error::RequestError, plugin_engine::PluginEngine, read::read_bytes};

/// The only clock of a case: 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

/// The value of every secret in a case.
const CASE_SECRET: &str = "secret-of-a-case";

/// Crash points of one case.
const CRASH_POINTS: usize = 1_000;

/// A request to run cases.
#[derive(Clone)]
pub struct TestPluginRequest {
    /// The project's folder.
    pub folder: Utf8PathBuf,
    /// The component.
    pub component: Utf8PathBuf,
    /// The cases to run by name; all if there are none.
    pub cases: Vec<String>,
    /// Whether what is expected is rewritten to what is observed.
    pub update: bool,
    /// Whether adapters are killed between every two effects.
    pub crash_everywhere: bool,
    /// Whether the service breaks at every request in every way.
    pub faults: bool,
    /// Whether every case runs twice on one plugin, with the same result.
    pub reuse: bool,
    /// Receives each line of the plugin's log and each request; nothing does without it.
    pub trace: Option<LogSink>,
}

/// How one case ended.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// The case, and what was varied.
    pub name: String,
    /// The file.
    pub file: Utf8PathBuf,
    /// How long it took.
    pub milliseconds: u64,
    /// The first difference; none if it passed.
    pub failure: Option<String>,
    /// What a case that passed showed, for people.
    pub summary: String,
}

/// Runs the cases; each gives its results through `each` when it has ended.
///
/// # Errors
/// The component or a case cannot be read.
pub fn test_plugin(
    request: &TestPluginRequest,
    settings: &PluginEngine,
    each: &mut dyn FnMut(CaseResult),
) -> Result<(), RequestError> {
    let cases = Case::read_all(&request.folder, &request.cases)
        .map_err(|error| RequestError::new(error.to_string()).hint("a case is a file `tests/NAME.toml`"))?;
    let bytes = read_bytes(&request.component, "the component", limits::PLUGIN_BYTES)
        .map_err(|error| error.hint("build it first with `assay plugin build`"))?;
    let plugin = load(&engine(settings)?, &format!("`{}`", request.component), &bytes)?;
    for case in cases {
        let fixture = Fixture::read(&plugin, &case, request).map_err(RequestError::new)?;
        fixture.run(request, each)?;
    }
    Ok(())
}

/// A case with all that it names.
struct Fixture<'a> {
    plugin: &'a Plugin,
    case: &'a Case,
    params: Vec<(String, String)>,
    snapshot: Option<(Snapshot, Arc<str>)>,
    exchanges: Vec<Exchange>,
    events: Vec<StoredEvent>,
    sinks: Sinks,
}

impl<'a> Fixture<'a> {
    fn read(plugin: &'a Plugin, case: &'a Case, request: &TestPluginRequest) -> Result<Self, String> {
        let given = &case.given;
        let text = |file: &String, most: u64| -> Result<String, String> {
            let path = case.path(file);
            let bytes = read_bytes(&path, case.file.as_ref(), most).map_err(|error| error.to_string())?;
            String::from_utf8(bytes).map_err(|_| format!("{path} is not valid UTF-8"))
        };
        let snapshot = match &given.snapshot {
            Some(file) => {
                let text = text(file, limits::SNAPSHOT_BYTES)?;
                let snapshot = Snapshot::parse(&text).map_err(|error| format!("{error} ({})", case.path(file)))?;
                Some((snapshot, Arc::from(text)))
            }
            None => None,
        };
        let events = match &given.events {
            Some(file) => {
                let text = text(file, limits::BLOB_BYTES)?;
                (1..)
                    .zip(text.lines())
                    .map(|(number, line)| StoredEvent { number, at: 0, document: line.to_owned() })
                    .collect()
            }
            None => Vec::new(),
        };
        Ok(Self {
            plugin,
            case,
            params: given.params(),
            snapshot,
            exchanges: given.cassette.as_ref().map_or(Ok(Vec::new()), |file| read_cassette(&case.path(file)))?,
            events,
            sinks: Sinks { log: request.trace.clone(), ..Sinks::default() },
        })
    }

    fn run(&self, request: &TestPluginRequest, each: &mut dyn FnMut(CaseResult)) -> Result<(), RequestError> {
        let begun = Instant::now();
        let (observed, client) = self.observe(None, None);
        if let Some(trace) = &request.trace {
            client.requests().iter().for_each(|line| trace(&format!("{}: {line}", self.case.name)));
        }
        if request.update {
            self.case.update(&observed).map_err(|error| RequestError::from_error(&error))?;
            each(self.result("", begun, None, "updated".to_owned()));
            return Ok(());
        }
        let failure = client.unknown().map(|request| format!("the cassette has no request `{request}`"));
        let failure = failure.or_else(|| self.case.expect.difference(&observed));
        let failed = failure.is_some();
        each(self.result("", begun, failure, summary(&observed)));
        if failed {
            return Ok(());
        }
        if request.reuse {
            let begun = Instant::now();
            let (again, _) = self.observe(None, None);
            let failure = (again != observed).then(|| "a second run has another result".to_owned());
            each(self.result(" × reuse", begun, failure, summary(&again)));
        }
        if self.plugin.world() == "adapter" && request.crash_everywhere {
            self.crash_everywhere(&observed, &client, each);
        }
        if request.faults && !self.exchanges.is_empty() {
            self.break_everything(&observed, client.requests().len(), each);
        }
        Ok(())
    }

    /// Kills the plugin after each effect of each call, and resumes.
    fn crash_everywhere(&self, wanted: &Observed, calm: &CassetteClient, each: &mut dyn FnMut(CaseResult)) {
        let submissions =
            |client: &CassetteClient| client.requests().iter().filter(|request| request.starts_with("POST ")).count();
        let calls = calm.requests().len() + 1;
        for call in 0..CRASH_POINTS {
            let mut reached = false;
            for effects in 0..CRASH_POINTS {
                let begun = Instant::now();
                let (observed, client) = self.observe(Some((call, effects)), None);
                let Some(client) = client.killed() else { break };
                reached = true;
                let name = format!(" × killed in call {} after {effects} effects", call + 1);
                // A call that is killed after its request and before its note may submit once more, under the same key.
                let most = submissions(calm) + usize::from(effects <= 1);
                let failure = if observed != *wanted {
                    Some(format!("another result: {}", summary(&observed)))
                } else if submissions(&client) > most {
                    Some(format!("{} submissions instead of {}", submissions(&client), submissions(calm)))
                } else {
                    None
                };
                each(self.result(&name, begun, failure, summary(&observed)));
            }
            if !reached && call >= calls {
                return;
            }
        }
    }

    /// Breaks each request once in each way. What passes is tried again, and the result is the same; where a credential has
    /// expired, the plugin says so.
    fn break_everything(&self, wanted: &Observed, requests: usize, each: &mut dyn FnMut(CaseResult)) {
        for fault in Fault::ALL {
            for request in 0..requests {
                let begun = Instant::now();
                let (observed, _) = self.observe(None, Some((request, fault)));
                let is_right = match &observed.error {
                    None => observed == *wanted,
                    Some((code, _)) => fault == Fault::Expired && code == ErrorCode::PluginError.as_str(),
                };
                let failure = (!is_right).then(|| format!("another result: {}", summary(&observed)));
                let name = format!(" × {} at request {}", fault.name(), request + 1);
                each(self.result(&name, begun, failure, summary(&observed)));
            }
        }
    }

    fn result(&self, varied: &str, begun: Instant, failure: Option<String>, summary: String) -> CaseResult {
        CaseResult {
            name: format!("{}{varied}", self.case.name),
            file: self.case.file.clone(),
            milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            failure,
            summary,
        }
    }

    /// Runs the plugin once, as its world says.
    fn observe(&self, crash: Option<(usize, usize)>, fault: Option<(usize, Fault)>) -> (Observed, Client) {
        let client = Arc::new(CassetteClient::new(self.exchanges.clone(), fault));
        let mut was_killed = false;
        let observed = match self.plugin.world() {
            "check" => self.check(),
            "task" | "task-offline" => self.task(&client),
            "adapter" => self.adapter(&client, crash, &mut was_killed),
            _ => self.report(&client),
        };
        (observed, Client { client, was_killed })
    }

    fn options(&self, client: &Arc<CassetteClient>) -> JobOptions<'_> {
        JobOptions {
            run: RunContext { run: "test".to_owned(), scenario: self.case.name.clone(), attempt: 1 },
            key: JobKey::of(&["test", &self.case.name]),
            params: &self.params,
            snapshot: self.snapshot_input(),
            grants: self.grants(),
            http: Some(Arc::clone(client) as Arc<_>),
            checkpoint: Some(Arc::new(CountedNotes { notes: Notes::default(), client: Arc::clone(client) })),
            events: Some(Arc::new(Events(self.events.clone()))),
            sinks: self.sinks.clone(),
            ..JobOptions::default()
        }
    }

    fn snapshot_input(&self) -> Option<SnapshotInput<'_>> {
        self.snapshot.as_ref().map(|(snapshot, text)| SnapshotInput { snapshot, text: Arc::clone(text) })
    }

    /// The hosts of the cassette: nothing real is reached.
    fn grants(&self) -> Grants {
        let mut http: BTreeMap<String, HttpGrant> = BTreeMap::new();
        for exchange in &self.exchanges {
            let (scheme, rest) = exchange.request.url.split_once("://").unwrap_or(("https", &exchange.request.url));
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            let Ok(pattern) = host.parse() else { continue };
            let grant = http.entry(host.to_owned()).or_insert_with(|| HttpGrant {
                host: pattern,
                methods: Vec::new(),
                plain: scheme == "http",
                private: true,
            });
            if !grant.methods.contains(&exchange.request.method) {
                grant.methods.push(exchange.request.method.clone());
            }
        }
        let has_delete = |grant: &HttpGrant| grant.methods.iter().any(|method| method == "DELETE");
        http.values_mut().filter(|grant| !has_delete(grant)).for_each(|grant| grant.methods.push("DELETE".to_owned()));
        // A service that is not there takes any value, and one whose host no permission names is for that of the first exchange.
        let grant = |host: HostPattern| SecretGrant {
            value: SecretValue::new(CASE_SECRET),
            host,
            header: "Authorization".to_owned(),
            scheme: SecretScheme::Bearer,
            body: true,
        };
        let named = Requested::of(self.plugin, &self.params).unwrap_or_default().secrets;
        let mut secrets: BTreeMap<_, _> = named.into_iter().map(|(name, host)| (name, grant(host))).collect();
        let first = http_host(self.exchanges.first());
        for one in self.plugin.requested().filter(|one| one.kind == "secret") {
            if let (false, Some(Ok(host))) = (secrets.contains_key(one.name), first.map(str::parse)) {
                secrets.insert(one.name.to_owned(), grant(host));
            }
        }
        Grants { http: http.into_values().collect(), secrets, loopback: true, ..Grants::default() }
    }

    fn check(&self) -> Observed {
        match self.try_check() {
            Ok(findings) => Observed { findings: findings.iter().map(finding).collect(), ..Observed::default() },
            Err(error) => failed(&error),
        }
    }

    fn try_check(&self) -> Result<Vec<PluginFinding>, EvaluationError> {
        let invalid = |message: String| EvaluationError::new(ErrorCode::Malformed, message);
        let text = self.case.given.image.as_deref().unwrap_or_default();
        let image: Option<PinnedImage> = text.parse::<ImageRef>().ok().and_then(|image| image.pinned());
        let image = image.ok_or_else(|| invalid(format!("the case names no image by digest, but `{text}`")))?;
        let evidence = self.evidence(image).map_err(invalid)?;
        let given = Snapshot::of_image(text);
        let snapshot = self.snapshot_input().unwrap_or(SnapshotInput { snapshot: &given, text: Arc::from("") });
        let options = CheckOptions {
            run: RunContext { run: "test".to_owned(), scenario: self.case.name.clone(), attempt: 1 },
            params: &self.params,
            snapshot,
            blobs: Arc::new(NoBlobs),
            limits: BTreeMap::new(),
            sinks: self.sinks.clone(),
        };
        let check = Check::new(self.plugin, options).map_err(|error| invalid(error.to_string()))?;
        let component = given.components.first().ok_or_else(|| invalid("there is no component".to_owned()))?;
        let context = EvaluationContext { component, evidence: &evidence, when: now(), input: "{}" };
        check.call(&context).result.map(|(findings, _)| findings).map_err(|failed| failed.error)
    }

    fn evidence(&self, image: PinnedImage) -> Result<Evidence, String> {
        let file = |file: &String, what: &str| {
            let bytes = read_bytes(&self.case.path(file), what, limits::BLOB_BYTES);
            bytes.map(Arc::<[u8]>::from).map_err(|error| error.to_string())
        };
        let given = &self.case.given;
        let manifest = given.manifest.as_ref().map(|path| file(path, "the manifest")).transpose()?;
        let config = given.config.as_ref().map(|path| file(path, "the configuration")).transpose()?;
        let mut attestations = Vec::new();
        for given in &self.case.given.attestations {
            let predicate: Value = match &given.predicate {
                Some(file) => {
                    let path = self.case.path(file);
                    let bytes =
                        read_bytes(&path, "the predicate", limits::BLOB_BYTES).map_err(|error| error.to_string())?;
                    serde_json::from_slice(&bytes).map_err(|error| format!("{path} is not JSON: {error}"))?
                }
                None => json!({}),
            };
            let statement = json!({
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [{"name": image.repository.to_string(), "digest": {"sha256": image.digest.hex()}}],
                "predicateType": given.predicate_type,
                "predicate": predicate,
            });
            let statement: Arc<[u8]> = Arc::from(statement.to_string().into_bytes());
            attestations.push(Attestation {
                digest: Digest::of(&statement),
                statement,
                statement_type: "https://in-toto.io/Statement/v1".to_owned(),
                predicate_type: given.predicate_type.clone(),
                build_type: None,
                signatures: Vec::new(),
            });
        }
        Ok(Evidence {
            image,
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            manifest: manifest.unwrap_or_else(|| Arc::from(&b"{}"[..])),
            config,
            base_image: None,
            files: BTreeMap::new(),
            signatures: Vec::new(),
            attestations,
            checks: Vec::new(),
            notices: Vec::new(),
        })
    }

    fn task(&self, client: &Arc<CassetteClient>) -> Observed {
        let task = match Task::new(self.plugin, self.options(client)) {
            Ok(task) => task,
            Err(error) => return refused_job(&error),
        };
        match task.run(CallTime::first(now())).result {
            Ok((verdict, effects)) => {
                let mut artifacts = Vec::new();
                effects.artifacts.into_iter().for_each(|staged| append(&mut artifacts, staged));
                of_verdict(&verdict, artifacts.into_iter().map(|artifact| artifact.name).collect())
            }
            Err(CallError { error, .. }) => failed(&error),
        }
    }

    fn adapter(&self, client: &Arc<CassetteClient>, crash: Option<(usize, usize)>, was_killed: &mut bool) -> Observed {
        let adapter = match Adapter::new(self.plugin, self.options(client)) {
            Ok(adapter) => adapter,
            Err(error) => return refused_job(&error),
        };
        let mut call = 0;
        let mut observe = |point: Observation| match point {
            Observation::Begins => {
                if let Some((_, effects)) = crash.filter(|(at, _)| *at == call) {
                    client.die_after(effects);
                }
                call += 1;
                Survival::Alive
            }
            Observation::Ended if client.revive() => {
                *was_killed = true;
                Survival::Killed
            }
            Observation::Ended => Survival::Alive,
        };
        match AdapterRun::new(&adapter, now(), &mut observe).finish() {
            Ok((verdict, artifacts)) => {
                of_verdict(&verdict, artifacts.into_iter().map(|artifact| artifact.name).collect())
            }
            Err(CallError { error, .. }) => failed(&error),
        }
    }

    fn report(&self, client: &Arc<CassetteClient>) -> Observed {
        let reporter = match Reporter::new(self.plugin, self.options(client)) {
            Ok(reporter) => reporter,
            Err(error) => return refused_job(&error),
        };
        match reporter.render(CallTime::first(now())).result {
            Ok((mut artifacts, _)) => {
                artifacts.sort();
                Observed { artifacts, ..Observed::default() }
            }
            Err(CallError { error, .. }) => failed(&error),
        }
    }
}

/// The host of an exchange.
fn http_host(exchange: Option<&Exchange>) -> Option<&str> {
    let url = &exchange?.request.url;
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    rest.split(['/', '?']).next()
}

/// The service of one run of a case.
struct Client {
    client: Arc<CassetteClient>,
    was_killed: bool,
}

impl Client {
    /// The service, if the plugin was killed.
    fn killed(self) -> Option<Self> {
        self.was_killed.then_some(self)
    }
}

impl std::ops::Deref for Client {
    type Target = CassetteClient;

    fn deref(&self) -> &CassetteClient {
        &self.client
    }
}

/// Notes, each of which is an effect that a crash can come after.
struct CountedNotes {
    notes: Notes,
    client: Arc<CassetteClient>,
}

impl CheckpointStore for CountedNotes {
    fn all(&self) -> Result<Vec<(String, Vec<u8>)>, EvaluationError> {
        self.notes.all()
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), EvaluationError> {
        if self.client.count_effect() {
            return self.notes.set(key, value);
        }
        Err(EvaluationError::new(ErrorCode::Interrupted, "the plugin was killed"))
    }
}

struct Events(Vec<StoredEvent>);

impl EventLog for Events {
    fn after(&self, number: u64, limit: u32) -> Result<Vec<StoredEvent>, EvaluationError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self.0.iter().filter(|event| event.number > number).take(limit).cloned().collect())
    }
}

struct NoBlobs;

impl Blobs for NoBlobs {
    fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Arc<[u8]>, EvaluationError> {
        let message = format!("{repository}@{digest} is not part of the case");
        Err(EvaluationError::new(ErrorCode::BlobNotFound, message))
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap_or_default()
}

fn refused_job(error: &dyn std::error::Error) -> Observed {
    failed(&EvaluationError::new(ErrorCode::Malformed, error.to_string()))
}

fn failed(error: &EvaluationError) -> Observed {
    let hint = error.hint.as_ref().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
    let shown = (error.code.as_str().to_owned(), format!("{}{hint}", error.message));
    Observed { error: Some(shown), ..Observed::default() }
}

fn finding(found: &PluginFinding) -> ObservedFinding {
    ObservedFinding {
        code: found.code.clone(),
        outcome: found.outcome.as_str().to_ascii_lowercase(),
        message: found.message.clone(),
    }
}

fn of_verdict(verdict: &Verdict, mut artifacts: Vec<String>) -> Observed {
    artifacts.sort();
    Observed {
        outcome: Some(verdict.outcome.as_str().to_ascii_lowercase()),
        successes: verdict.successes,
        failures: verdict.failures,
        warnings: verdict.warnings,
        findings: verdict.findings.iter().map(finding).collect(),
        artifacts,
        error: None,
    }
}

fn summary(observed: &Observed) -> String {
    match (&observed.error, &observed.outcome) {
        (Some((code, message)), _) => format!("{code}: {message}"),
        (None, Some(outcome)) => {
            let Observed { successes, failures, warnings, .. } = observed;
            format!("{} {successes}/{failures}/{warnings}", outcome.to_ascii_uppercase())
        }
        (None, None) if !observed.artifacts.is_empty() => observed.artifacts.join(", "),
        (None, None) => format!("{} findings", observed.findings.len()),
    }
}
