//! `assay plugin run` with an adapter and a service that has jobs, on this machine: a process that is killed at any time loses
//! nothing and makes nothing twice, and nothing is reached or shown that is not granted.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use crate::fixture::{CommandOutput, command, guest};

/// What a service knows.
#[derive(Default)]
pub(crate) struct State {
    /// Jobs by their keys.
    jobs: BTreeMap<String, String>,
    requests: Vec<String>,
    authorizations: Vec<String>,
    /// Connections that never get a response.
    held: Vec<TcpStream>,
}

/// A service on this machine.
pub(crate) struct Service {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Service {
    /// Starts a service. The request of number `stops_at`, from 1, is carried out and never answered; then the channel gets a
    /// word.
    pub(crate) fn start(stops_at: usize) -> (Self, mpsc::Receiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let (stopped, stops) = mpsc::channel();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &shared, stops_at, &stopped);
            }
        });
        (Self { url, state }, stops)
    }

    fn with<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>, stops_at: usize, stopped: &mpsc::Sender<()>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or_default() == 0 {
        return;
    }
    let mut length = 0;
    let mut authorization = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => value.clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split(' ');
    let request = format!("{} {}", words.next().unwrap(), words.next().unwrap());
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, text) = respond(&mut state, &request, &body);
    state.requests.push(request);
    state.authorizations.push(authorization.clone());
    if state.requests.len() == stops_at {
        state.held.push(stream);
        let _nobody_waits = stopped.send(());
        return;
    }
    // A service that repeats what it was sent.
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nx-seen: {authorization}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    // Who was killed does not read it.
    let _unread = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
}

/// Jobs that have passed when they are looked at first.
fn respond(state: &mut State, request: &str, body: &[u8]) -> (u16, String) {
    match request {
        "POST /jobs" => {
            let key = serde_json::from_slice::<Value>(body).unwrap()["key"].as_str().unwrap().to_owned();
            let number = state.jobs.len() + 1;
            let id = state.jobs.entry(key).or_insert_with(|| format!("j{number}"));
            (201, json!({"id": id, "status": "queued"}).to_string())
        }
        _ if request.ends_with("/log") => (200, "all is well\n".to_owned()),
        _ if request.starts_with("DELETE") => (204, String::new()),
        _ => (200, json!({"id": request.rsplit('/').next().unwrap(), "status": "passed"}).to_string()),
    }
}

struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.folder.path()).unwrap().join(name)
    }

    /// Arguments of `plugin run` with a store in this folder.
    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let store = self.path("store");
        let fixed = ["plugin", "run", "--store", store.as_str(), "--format", "json"];
        [&fixed, more].concat().iter().map(|argument| (*argument).to_owned()).collect()
    }

    fn command(&self, more: &[&str]) -> std::process::Command {
        let arguments = self.arguments(more);
        let mut command = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        // Compiled once for all tests: the target folder is where guests are, too.
        let cache = guest("remote_job").with_file_name("compiled-for-tests");
        command.env("ASSAY_PLUGIN_CACHE", cache);
        command
    }

    fn run(&self, more: &[&str]) -> CommandOutput {
        CommandOutput::of(&self.command(more).env("TOKEN", "hunter22").output().unwrap())
    }

    fn begin(&self, service: &Service, more: &[&str]) -> CommandOutput {
        let (component, url) = (guest("remote_job"), format!("url={}", service.url));
        self.run(&[&[component.as_str(), "--param", &url], more].concat())
    }

    /// The job that was begun.
    fn job(&self) -> String {
        let jobs: Vec<_> = self.path("store/plugin-jobs").read_dir_utf8().unwrap().map(Result::unwrap).collect();
        assert_eq!(jobs.len(), 1);
        jobs[0].file_name().to_owned()
    }

    /// Begins the job of a service in a process that is killed when `when` returns.
    fn begin_and_kill(&self, service: &Service, when: impl FnOnce(&mut Child)) {
        let (component, url) = (guest("remote_job"), format!("url={}", service.url));
        let mut child = self
            .command(&[component.as_str(), "--param", &url, "--dev"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        when(&mut child);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// A report without what differs each time.
fn lasting(mut report: Value) -> Value {
    report["usage"] = Value::Null;
    report["test_output"]["timestamp"] = Value::Null;
    report
}

#[test]
fn a_job_of_an_adapter_that_is_killed_between_any_two_calls_ends_as_if_it_was_not_and_is_submitted_once() {
    let (calm, _) = Service::start(usize::MAX);
    let output = Folder::new().begin(&calm, &["--dev"]);
    output.expect(0, "\"outcome\":\"SUCCESS\"");
    let wanted = lasting(output.json());
    assert_eq!(wanted["artifacts"][0]["name"], json!("console.log"));
    assert_eq!(calm.with(|state| state.requests.clone()), ["POST /jobs", "GET /jobs/j1", "GET /jobs/j1/log"]);
    thread::scope(|scope| {
        for kill in 0..6 {
            let wanted = &wanted;
            scope.spawn(move || {
                let folder = Folder::new();
                let stops_at = if kill < 3 { kill + 1 } else { usize::MAX };
                let (service, stops) = Service::start(stops_at);
                folder.begin_and_kill(&service, |child| {
                    if kill < 3 {
                        // In a call, after the service has done what it was requested to do.
                        stops.recv().unwrap();
                    } else {
                        // After the lines that say that the job began, was submitted, and has ended.
                        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
                        lines.take(kill - 2).for_each(|line| drop(line.unwrap()));
                    }
                });
                let output = folder.run(&["--resume", &folder.job()]);
                output.expect(0, "SUCCESS");
                assert_eq!(lasting(output.json()), *wanted, "killed at {kill}");
                assert_eq!(service.with(|state| state.jobs.len()), 1, "killed at {kill}");
                // What has ended is shown again, and nothing is requested for it.
                let requests = service.with(|state| state.requests.len());
                assert_eq!(folder.run(&["--resume", &folder.job()]).json(), output.json());
                assert_eq!(service.with(|state| state.requests.len()), requests);
            });
        }
    });
}

#[test]
fn an_interrupted_job_is_named_and_can_be_canceled() {
    let folder = Folder::new();
    let (service, _) = Service::start(usize::MAX);
    let (component, url) = (guest("remote_job"), format!("url={}", service.url));
    let mut child = folder
        .command(&[component.as_str(), "--param", &url, "--dev"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let shown: Vec<_> = lines.take(2).map(Result::unwrap).collect();
    assert!(shown[1].starts_with("submit: queued  http://127.0.0.1:"), "{shown:?}");
    let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = CommandOutput::of(&child.wait_with_output().unwrap());
    output.expect(3, "\"interrupted\":true");
    let job = folder.job();
    assert_eq!(output.json()["job"], json!(job));
    folder.run(&["--cancel", &job]).expect(0, "\"canceled\":true");
    assert_eq!(service.with(|state| state.requests.last().cloned()), Some("DELETE /jobs/j1".to_owned()));
    folder.run(&["--resume", "00000000"]).expect(2, "there is no job `00000000`");
}

#[test]
fn what_is_not_granted_is_denied_with_the_line_to_add() {
    let folder = Folder::new();
    let (service, _) = Service::start(usize::MAX);
    let host = service.url.trim_start_matches("http://");
    let line = format!("http = [{{ host = \"{host}\", methods = [\"POST\"], plain = true }}]");
    folder.begin(&service, &[]).expect(3, &line);
    let list = folder.path("plugins.toml");
    let granted = format!("http = [{{ host = \"{host}\", methods = [\"GET\", \"POST\"], plain = true }}]");
    fs_err::write(&list, format!("[plugin.remote-job]\n{granted}\n")).unwrap();
    let secret = ["--plugins", list.as_str(), "--dev", "--param", "secret=true"];
    folder.begin(&service, &secret).expect(3, "secret.token = { from = \"env:VARIABLE\", host = \"127.0.0.1\"");
    fs_err::write(&list, "[plugin").unwrap();
    folder.begin(&service, &["--plugins", list.as_str()]).expect(2, "is not a list of plugins");
    folder.begin(&service, &["--secret", "token=hunter22"]).expect(2, "neither NAME=env:VARIABLE nor NAME=file:PATH");
    assert!(service.with(|state| state.requests.is_empty()));
}

#[test]
fn a_secret_reaches_its_host_and_neither_the_folder_nor_the_cassette_and_a_recorded_job_is_a_case() {
    let folder = Folder::new();
    let (service, _) = Service::start(usize::MAX);
    let record = folder.path("project/tests/green");
    let flags = ["--dev", "--param", "secret=true", "--secret", "token=env:TOKEN", "--record", record.as_str()];
    let output = folder.begin(&service, &flags);
    output.expect(0, "SUCCESS");
    assert!(service.with(|state| state.authorizations.iter().all(|value| value == "Bearer hunter22")));
    assert!(!output.out.contains("hunter22") && !output.err.contains("hunter22"));
    let grep = std::process::Command::new("grep").args(["-r", "hunter22"]).arg(folder.folder.path()).output().unwrap();
    assert!(grep.stdout.is_empty(), "{grep:?}");
    let text = "version = 1\nname = \"remote-job\"\nworld = \"adapter\"\nlanguage = \"rust\"\n";
    fs_err::write(folder.path("project/plugin.toml"), text).unwrap();
    let (project, component) = (folder.path("project"), guest("remote_job"));
    let arguments = ["plugin", "test", project.as_str(), "--component", component.as_str()];
    // The service is not there any more, and the secret is not either.
    let mut test = command(&[&arguments[..], &["--crash-everywhere"]].concat());
    let output = CommandOutput::of(&test.env("ASSAY_PLUGIN_CACHE", folder.path("cache")).output().unwrap());
    output.expect(0, " 0 failed");
}
