//! [`Double`]: the server, and what all services have in common.

use std::{
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    str::FromStr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    fault::{Fault, Faults},
    github, gitlab,
    http::{Request, Response},
    http_job, jenkins,
    jobs::{JobView, Jobs},
    prow, testing_farm,
};

/// How long a connection may take to send its request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Testing Farm, v0.1.
    TestingFarm,
    /// Jenkins.
    Jenkins,
    /// Prow: gangway, deck and the folder of artifacts.
    Prow,
    /// A service of no one, with jobs over HTTP.
    HttpJob,
    /// GitHub Actions.
    GithubActions,
    /// GitLab pipelines.
    GitlabPipeline,
}

impl Service {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("testing-farm", Self::TestingFarm),
        ("jenkins", Self::Jenkins),
        ("prow", Self::Prow),
        ("http-job", Self::HttpJob),
        ("github-actions", Self::GithubActions),
        ("gitlab-pipeline", Self::GitlabPipeline),
    ];

    /// The word for a job that passed.
    #[must_use]
    pub const fn passed(self) -> &'static str {
        match self {
            Self::TestingFarm | Self::HttpJob => "passed",
            Self::Jenkins | Self::Prow => "SUCCESS",
            Self::GithubActions | Self::GitlabPipeline => "success",
        }
    }

    /// The word for a job that failed.
    #[must_use]
    pub const fn failed(self) -> &'static str {
        match self {
            Self::TestingFarm | Self::HttpJob | Self::GitlabPipeline => "failed",
            Self::Jenkins | Self::Prow => "FAILURE",
            Self::GithubActions => "failure",
        }
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, service)| *service);
        let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
        found.ok_or_else(|| format!("`{text}` is no service; there are {}", names.join(", ")))
    }
}

/// How a double works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which service.
    pub service: Service,
    /// The port; any free one if it is 0.
    pub port: u16,
    /// How it breaks.
    pub faults: Vec<Fault>,
    /// Requests for its status after which a job ends.
    pub polls: u32,
    /// The service's word for how jobs end.
    pub result: String,
    /// Receives a line of JSON for each request.
    pub log: Option<fn(&str)>,
}

impl Options {
    /// A service on any free port that does not break, whose jobs pass after two requests for their status.
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self { service, port: 0, faults: Vec::new(), polls: 2, result: service.passed().to_owned(), log: None }
    }
}

/// A service that listens. Dropping it ends it.
#[derive(Debug)]
pub struct Double {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    service: Service,
    jobs: Mutex<Jobs>,
    requests: Mutex<Vec<Value>>,
    is_closing: AtomicBool,
    log: Option<fn(&str)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Double {
    /// Begins to listen.
    ///
    /// # Errors
    /// The port cannot be had.
    pub fn start(options: Options) -> io::Result<Self> {
        let Options { service, port, faults, polls, result, log } = options;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = listener.local_addr()?.port();
        let base = format!("http://127.0.0.1:{port}");
        let shared = Arc::new(Shared {
            service,
            jobs: Mutex::new(Jobs::new(Faults::new(&faults), polls, result, base)),
            requests: Mutex::default(),
            is_closing: AtomicBool::new(false),
            log,
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("double".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if serving.is_closing.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let serving = Arc::clone(&serving);
                // A connection that fails is the other side's business.
                drop(
                    std::thread::Builder::new().name("double-request".to_owned()).spawn(move || serving.serve(&stream)),
                );
            }
        })?;
        Ok(Self { port, shared, thread: Some(thread) })
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All jobs that were made.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobView> {
        lock(&self.shared.jobs).all.iter().map(crate::jobs::Job::view).collect()
    }

    /// All requests, as their lines have them.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        lock(&self.shared.requests).clone()
    }

    /// How many jobs were made, and how many requests were answered.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (lock(&self.shared.jobs).all.len(), lock(&self.shared.requests).len())
    }

    /// Waits until it is ended, which nothing does but a signal.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        drop(stream.set_read_timeout(Some(PATIENCE)));
        drop(stream.set_write_timeout(Some(PATIENCE)));
        let Ok(Some(request)) = Request::read(stream) else { return };
        let (response, fault, wait, date) = {
            let mut jobs = lock(&self.jobs);
            let (response, fault) = self.answer(&mut jobs, &request);
            let date = jobs.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            (response, fault, jobs.faults.number("slow"), date)
        };
        self.note(&request, &response, fault);
        if wait > 0 && !request.path.starts_with("/_double/") {
            std::thread::park_timeout(Duration::from_secs(wait));
        }
        if fault != Some("lost-post") {
            drop(response.write(stream, &date, fault == Some("half")));
        }
    }

    fn note(&self, request: &Request, response: &Response, fault: Option<&str>) {
        let line = json!({
            "method": request.method,
            "path": request.path,
            "query": request.query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"),
            "status": response.status,
            "made": response.made,
            "fault": fault,
            "has_credential": credential(request).is_some(),
        });
        if let Some(log) = self.log {
            log(&line.to_string());
        }
        lock(&self.requests).push(line);
    }

    fn answer(&self, jobs: &mut Jobs, request: &Request) -> (Response, Option<&'static str>) {
        if request.path == "/_double/jobs" {
            let all: Vec<Value> = jobs.all.iter().map(|job| job.view().json()).collect();
            return (Response::json(200, &json!({"jobs": all})), None);
        }
        for (name, status) in [("429", 429), ("503", 503)] {
            if jobs.faults.happens(name) {
                let body = json!({"message": "come back later", "code": status});
                return (Response::json(status, &body).header("Retry-After", "1"), Some(name));
            }
        }
        if jobs.faults.has("expired") && request.header("authorization").is_some() {
            return (Response::json(401, &json!({"code": 401, "message": "Token has expired"})), Some("expired"));
        }
        let mut response = match self.service {
            Service::TestingFarm => testing_farm::answer(jobs, request),
            Service::Jenkins => jenkins::answer(jobs, request),
            Service::Prow => prow::answer(jobs, request),
            Service::HttpJob => http_job::answer(jobs, request),
            Service::GithubActions => github::answer(jobs, request),
            Service::GitlabPipeline => gitlab::answer(jobs, request),
        };
        if response.made.is_some() && jobs.faults.happens("lost-post") {
            return (response, Some("lost-post"));
        }
        if jobs.faults.has("echo") {
            let given = credential(request).unwrap_or_default().to_owned();
            response = response.header("X-Echo", given.clone());
            if let Ok(mut body) = serde_json::from_slice::<Value>(&response.body)
                && let Some(object) = body.as_object_mut()
            {
                object.insert("echo".to_owned(), given.into());
                response.body = body.to_string().into_bytes();
            } else if !response.body.is_empty() {
                response.body.extend(format!("\ncredential: {given}\n").as_bytes());
            }
        }
        if request.method == "GET" && !response.body.is_empty() && jobs.faults.happens("half") {
            return (response, Some("half"));
        }
        (response, None)
    }
}

/// The credential that came, in whichever header the service has it.
pub(crate) fn credential(request: &Request) -> Option<&str> {
    request.header("authorization").or_else(|| request.header("private-token")).filter(|value| !value.is_empty())
}

/// What replaces the status of a job, if the double answers nonsense on purpose.
pub(crate) fn nonsense(jobs: &Jobs) -> Option<Response> {
    if jobs.faults.has("html") {
        return Some(Response::new(200, "text/html", "<!DOCTYPE html><html><title>Sign in</title></html>"));
    }
    if jobs.faults.has("error-inside") {
        return Some(Response::json(200, &json!({"error": "the database is away", "code": 500})));
    }
    if jobs.faults.has("redirect") {
        return Some(Response::empty(302).header("Location", "http://169.254.169.254/latest/meta-data/"));
    }
    None
}

/// A report in JUnit's format with one case that passed or failed.
pub(crate) fn junit(jobs: &Jobs, has_passed: bool) -> Option<String> {
    if jobs.faults.has("no-report") {
        return None;
    }
    if jobs.faults.has("entity-bomb") {
        return Some(ENTITY_BOMB.to_owned());
    }
    let count = if jobs.faults.has("many-cases") { 1_000_000 } else { 2 };
    let mut text = format!("<testsuites><testsuite name=\"double\" tests=\"{count}\">");
    for number in 1..count {
        text.push_str(&format!("<testcase name=\"case {number}\" time=\"0.1\"/>"));
    }
    let failure = if has_passed { "" } else { "<failure message=\"it broke\"/>" };
    text.push_str(&format!("<testcase name=\"last\" time=\"0.1\">{failure}</testcase></testsuite></testsuites>"));
    Some(text)
}

/// Entities that expand to gigabytes.
pub(crate) const ENTITY_BOMB: &str = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\"><!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\">]><testsuites>&f;&f;&f;</testsuites>";
