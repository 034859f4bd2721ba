//! [`KubeCluster`]: the cluster behind the port, which callers wait for on plain threads.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use assay_model::{
    cluster::{ClusterError, ClusterErrorKind, ObjectKind, ObjectName, SecretKey},
    port::Cluster,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::{
    connection::Connection,
    error::{error, root, shown},
    options::ClusterOptions,
    response::ObjectRequest,
};

/// The time for the answer about one object, with everything before it: a program for credentials, the connection.
const REQUEST: Duration = Duration::from_secs(10);
/// An object; etcd holds none of more than 1.5 MiB by default, and no policy, Snapshot or key comes near.
pub(crate) const OBJECT_BYTES: usize = 1 << 20;
/// What is read of a refusal, which has one sentence to say.
const REFUSAL_BYTES: usize = 64 << 10;

/// A Kubernetes cluster. Nothing is opened before the first object is read.
pub struct KubeCluster {
    state: Mutex<State>,
    options: ClusterOptions,
    request: Duration,
}

#[derive(Default)]
struct State {
    session: Option<Result<Session, ClusterError>>,
    /// By kind, namespace and name, what was read or why it was not.
    read: BTreeMap<(ObjectKind, String, String), Result<Arc<str>, ClusterError>>,
}

struct Session {
    connection: Connection,
    runtime: BackgroundRuntime,
}

/// A runtime that is not waited for when it is dropped: a program for credentials that hangs must not hold up the end.
struct BackgroundRuntime(Option<Runtime>);

impl Drop for BackgroundRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl BackgroundRuntime {
    fn new() -> Result<Self, ClusterError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|why| failed(&why.to_string()))?;
        Ok(Self(Some(runtime)))
    }

    /// Waits for the work, or for its time to pass.
    fn wait<T>(&self, time: Duration, work: impl Future<Output = T>) -> Result<Option<T>, ClusterError> {
        let runtime = self.0.as_ref().ok_or_else(|| failed("it has ended"))?;
        Ok(runtime.block_on(async { tokio::time::timeout(time, work).await.ok() }))
    }
}

fn failed(why: &str) -> ClusterError {
    error(ClusterErrorKind::Unavailable, format!("the client of the cluster could not be started: {why}"), "try again")
}

impl KubeCluster {
    /// The cluster that the options lead to.
    #[must_use]
    pub fn new(options: ClusterOptions) -> Self {
        Self { state: Mutex::default(), options, request: REQUEST }
    }

    /// The same with less time for each object.
    #[cfg(test)]
    pub(crate) fn within(self, request: Duration) -> Self {
        Self { request, ..self }
    }

    /// The end of a request that begins now.
    fn end(&self) -> Instant {
        let end = Instant::now() + self.request;
        self.options.deadline.map_or(end, |deadline| deadline.min(end))
    }

    fn open(&self, end: Instant) -> Result<Session, ClusterError> {
        let runtime = BackgroundRuntime::new()?;
        let options = self.options.clone();
        let opened = runtime.wait(left(end), async {
            // On a thread of its own, as the library waits there for a program.
            let handle = tokio::runtime::Handle::current();
            let opening = tokio::task::spawn_blocking(move || handle.block_on(Connection::open(options)));
            opening.await.unwrap_or_else(|error| Err(failed(&error.to_string())))
        })?;
        let connection = opened.ok_or_else(|| {
            error(
                ClusterErrorKind::Unavailable,
                format!("the credentials for the cluster were not there within {}", self.shown_limit()),
                "check the `exec` plugin of the kubeconfig",
            )
        })??;
        Ok(Session { connection, runtime })
    }

    fn shown_limit(&self) -> String {
        if self.options.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return "the time limit of the run".to_owned();
        }
        format!("{} ms", self.request.as_millis())
    }

    fn read_text(&self, kind: ObjectKind, name: &ObjectName) -> Result<Arc<str>, ClusterError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { session, read } = &mut *state;
        let end = self.end();
        let session = session.get_or_insert_with(|| self.open(end)).as_ref().map_err(Clone::clone)?;
        let connection = &session.connection;
        let namespace = name.namespace().unwrap_or(&connection.namespace).to_owned();
        let key = (kind, namespace, name.name().to_owned());
        if let Some(known) = read.get(&key) {
            return known.clone();
        }
        let request =
            ObjectRequest { kind, namespace: &key.1, name: &key.2, user: &connection.user, server: &connection.server };
        let waited = session.runtime.wait(left(end), fetch_object(&request, connection));
        let answer = match waited {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(request.unavailable(&format!("did not answer within {}", self.shown_limit()))),
            Err(error) => Err(error),
        };
        let answer = answer.map(Arc::from);
        read.insert(key, answer.clone());
        answer
    }
}

fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}

/// Requests an object of the server. The limits hold while the answer is read, whatever length it announces.
async fn fetch_object(request: &ObjectRequest<'_>, connection: &Connection) -> Result<String, ClusterError> {
    let message = Request::get(request.path()).header(http::header::ACCEPT, "application/json").body(Body::empty());
    let message = message.map_err(|error| request.unavailable(&format!("has an address without sense: {error}")))?;
    let answer = connection.client.send(message).await.map_err(|error| unreachable(request, &error))?;
    let status = answer.status();
    let limit = if status == http::StatusCode::OK { OBJECT_BYTES } else { REFUSAL_BYTES };
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    let mut is_longer = false;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreachable(request, &error))?;
        let Some(data) = frame.data_ref() else { continue };
        if data.len() > limit - bytes.len() {
            is_longer = true;
            break;
        }
        bytes.extend_from_slice(data);
    }
    match status {
        http::StatusCode::OK if is_longer => {
            Err(request.unavailable(&format!("returned more than the {OBJECT_BYTES} bytes allowed")))
        }
        http::StatusCode::OK => request.accept(bytes),
        _ => Err(request.refusal(status, &bytes)),
    }
}

fn unreachable(request: &ObjectRequest<'_>, error: &(dyn std::error::Error + 'static)) -> ClusterError {
    let cause = root(error);
    let is_refused = cause
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
    let failed = request.unavailable(&format!("cannot be reached: {}", shown(&cause.to_string())));
    if !is_refused {
        return failed;
    }
    // As Kubernetes' own client says it, with the address that was dialed.
    let address = request.server.split_once("://").map_or(request.server, |(_, address)| address);
    let client_text =
        format!("Get \"{}{}\": dial tcp {address}: connect: connection refused", request.server, request.path());
    ClusterError { client_text, ..failed }
}

impl Cluster for KubeCluster {
    fn read_object(&self, kind: ObjectKind, name: &ObjectName) -> Result<Arc<str>, ClusterError> {
        self.read_text(kind, name)
    }

    fn read_secret(&self, key: &SecretKey) -> Result<Vec<u8>, ClusterError> {
        let text = self.read_text(ObjectKind::Secret, &key.secret)?;
        let user = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            match &state.session {
                Some(Ok(session)) => session.connection.user.clone(),
                _ => String::new(),
            }
        };
        let (name, namespace) = (key.secret.name(), key.secret.namespace().unwrap_or_default());
        let place = format!("`{}` of the Secret `{name}` in the namespace `{namespace}` (user `{user}`)", key.field);
        let hint = "`cosign generate-key-pair k8s://NAMESPACE/NAME` makes a Secret with a public key";
        let no_field = |what: String| error(ClusterErrorKind::NoField, what, hint);
        let secret: Value = serde_json::from_str(&text).map_err(|_| no_field(format!("{place} cannot be read")))?;
        let field = secret.get("data").and_then(|data| data.get(&key.field)).and_then(Value::as_str);
        let field = field.ok_or_else(|| no_field(format!("there is no {place}")))?;
        STANDARD.decode(field).map_err(|_| no_field(format!("{place} is not base64")))
    }
}

impl fmt::Debug for KubeCluster {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was read may be secret.
        to.debug_struct("KubeCluster").finish_non_exhaustive()
    }
}
