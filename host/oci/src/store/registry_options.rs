//! [`RegistryOptions`]: how registries are accessed: proxies, authorities, credentials, retries and time limits.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{OpenedLayout, registries_conf::RegistriesConf, retry::Retry};
use crate::evidence_archive::EvidenceRecorder;
use crate::source::Cache;

/// The time limit for a connection, by default.
pub const REGISTRY_CONNECT: Duration = Duration::from_secs(10);
/// The idle timeout, by default: no byte was received for so long.
pub const REGISTRY_IDLE: Duration = Duration::from_secs(30);
/// The time limit for a whole request, by default, with its redirects, its token and its body: 128 MiB at 4 Mbit/s.
pub const REGISTRY_REQUEST: Duration = Duration::from_secs(300);

/// What all requests of a run may come to: the registry of one hostile image must not keep a run busy or fill its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBudget {
    /// Requests, those that are made again included.
    pub requests: u64,
    /// Bytes of content.
    pub bytes: u64,
}

impl Default for RunBudget {
    /// 10,000 components with 100 requests and 25 MB each.
    fn default() -> Self {
        Self { requests: 1_000_000, bytes: 256 << 30 }
    }
}

/// How registries are accessed.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Hosts, with or without port, that are accessed over plain HTTP. Loopback hosts always are.
    pub insecure: Vec<String>,
    /// Hosts, with or without port, that may be accessed with credentials and in a private network even if only an image
    /// names them. Those that are insecure are among them.
    pub allowed: Vec<String>,
    /// Files of credentials, the first one first; those that are not there are passed over.
    pub credentials: Vec<PathBuf>,
    /// Authorities that are trusted beside the system's, each the text of a PEM file.
    pub authorities: Vec<Vec<u8>>,
    /// What stands between us and the registries.
    pub proxies: Proxies,
    /// Which hosts stand for which registries, and which are blocked.
    pub registries_conf: RegistriesConf,
    /// What all requests of a run may come to.
    pub budget: RunBudget,
    /// Where blobs stay between runs.
    pub cache: Option<Cache>,
    /// What stands in for every registry.
    pub layout: Option<OpenedLayout>,
    /// What keeps the answers, if they are to be kept.
    pub recorder: Option<Arc<EvidenceRecorder>>,
    /// When a request is made again.
    pub retry: Retry,
    /// The time limit for a connection.
    pub connect: Duration,
    /// The idle timeout.
    pub idle: Duration,
    /// The time limit for a whole request.
    pub request: Duration,
    /// The end of the run: no request outlasts it.
    pub deadline: Option<Instant>,
}

/// Proxies, as `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name them. Loopback is never accessed through one.
#[derive(Clone, Default)]
pub struct Proxies {
    /// For HTTPS.
    pub https: Option<String>,
    /// For plain HTTP.
    pub http: Option<String>,
    /// Hosts, domains and networks that are accessed directly, with commas between them.
    pub no_proxy: Option<String>,
}

impl std::fmt::Debug for Proxies {
    /// Without the credentials that may stand in an address.
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "Proxies({}, {})", self.https.is_some(), self.http.is_some())
    }
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            insecure: Vec::new(),
            allowed: Vec::new(),
            credentials: Vec::new(),
            authorities: Vec::new(),
            proxies: Proxies::default(),
            registries_conf: RegistriesConf::default(),
            budget: RunBudget::default(),
            cache: None,
            layout: None,
            recorder: None,
            retry: Retry::default(),
            connect: REGISTRY_CONNECT,
            idle: REGISTRY_IDLE,
            request: REGISTRY_REQUEST,
            deadline: None,
        }
    }
}
