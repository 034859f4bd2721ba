//! A run whose tasks are jobs of doubles.

use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use assay_doubles::{Double, Fault, JobView, Options, Service};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use crate::fixture::{CommandOutput, Fixture, command, guest};

/// The credential of every service: it must appear nowhere.
pub(super) const SECRET: &str = "user:s3cret/with+signs==\u{fc}";

/// How long something is waited for that must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A plugin, its service, and how the two are connected.
#[derive(Clone, Copy)]
pub(super) struct Adapter {
    pub(super) name: &'static str,
    pub(super) service: Service,
    pub(super) secret: &'static str,
    pub(super) params: fn(&str) -> Value,
    /// Whether a job whose submission got no response is found again.
    pub(super) has_search: bool,
}

pub(super) const HTTP_JOB: Adapter = Adapter {
    name: "http-job",
    service: Service::HttpJob,
    secret: "job",
    params: |base| {
        json!({"submit": format!("{base}/jobs"), "status": format!("{base}/jobs/{{id}}"), "cancel": format!("{base}/jobs/{{id}}"),
               "find": format!("{base}/jobs?key={{key}}"), "log": format!("{base}/jobs/{{id}}/log"),
               "report": format!("{base}/jobs/{{id}}/junit.xml"), "passed": ["passed"], "failed": ["failed"]})
    },
    has_search: true,
};

pub(super) const TESTING_FARM: Adapter = Adapter {
    name: "testing-farm",
    service: Service::TestingFarm,
    secret: "testing-farm",
    params: |base| {
        json!({"api": format!("{base}/v0.1"), "git-url": "https://git.example/tests", "plan": "/plans/all", "compose": "Fedora-Rawhide",
               "variables": ["A=b=c,d"], "tmt-context": ["trigger=commit"]})
    },
    has_search: true,
};

pub(super) const GITHUB: Adapter = Adapter {
    name: "github-actions",
    service: Service::GithubActions,
    secret: "github",
    params: |base| json!({"api": base, "repository": "acme/shop", "workflow": "test.yml", "inputs": ["a=b=c"]}),
    has_search: true,
};

pub(super) const GITLAB: Adapter = Adapter {
    name: "gitlab-pipeline",
    service: Service::GitlabPipeline,
    secret: "gitlab",
    params: |base| json!({"url": base, "project": "acme/shop", "variables": ["A=b=c"]}),
    has_search: true,
};

pub(super) const JENKINS: Adapter = Adapter {
    name: "jenkins",
    service: Service::Jenkins,
    secret: "jenkins",
    params: |base| json!({"url": base, "job": "shop/cart", "params": ["BRANCH=a=b,c"], "snapshot-param": "SNAPSHOT"}),
    has_search: true,
};

pub(super) const PROW: Adapter = Adapter {
    name: "prow",
    service: Service::Prow,
    secret: "gangway",
    params: |base| {
        json!({"gangway": base, "deck": base, "artifacts-url": base, "job": "periodic-ci-shop-e2e", "envs": ["IMAGE=r.example/a@sha256:1"],
               "junit": ["artifacts/junit.xml"]})
    },
    has_search: true,
};

/// Those in Rust, which every machine builds.
pub(super) const RUST: [Adapter; 4] = [HTTP_JOB, TESTING_FARM, GITHUB, GITLAB];
/// Those in other languages, which need `ASSAY_PLUGINS`, the folder of `cargo xtask plugins`.
pub(super) const OTHERS: [Adapter; 2] = [JENKINS, PROW];

impl Adapter {
    fn component(&self) -> Utf8PathBuf {
        if !OTHERS.iter().any(|other| other.name == self.name) {
            return guest(&self.name.replace('-', "_"));
        }
        let folder = std::env::var_os("ASSAY_PLUGINS").and_then(|folder| folder.into_string().ok());
        let folder = folder.expect("ASSAY_PLUGINS names the folder of `cargo xtask plugins`");
        Utf8Path::new(&folder).join(format!("{}.wasm", self.name))
    }
}

/// A run with one task for each adapter.
pub(super) struct Shop {
    pub(super) fixture: Fixture,
    pub(super) doubles: Vec<Double>,
}

/// How a run ended.
pub(super) struct Ended {
    pub(super) output: CommandOutput,
    pub(super) document: Value,
}

impl Ended {
    /// The only task.
    pub(super) fn task(&self) -> &Value {
        &self.document["scenarios"][0]["tasks"][0]
    }
}

impl Shop {
    pub(super) fn new(adapters: &[Adapter], faults: &[&str], options: impl Fn(&mut Options)) -> Self {
        let faults: Vec<Fault> = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let start = |adapter: &Adapter| {
            let mut chosen = Options { faults: faults.clone(), ..Options::new(adapter.service) };
            options(&mut chosen);
            Double::start(chosen).unwrap()
        };
        let doubles: Vec<Double> = adapters.iter().map(start).collect();
        let fixture = Fixture::empty();
        let (mut tasks, mut plugins) = (Vec::new(), String::new());
        for (adapter, double) in adapters.iter().zip(&doubles) {
            let mut params = (adapter.params)(&double.base());
            params["poll-seconds"] = "1".into();
            let params: Vec<Value> =
                params.as_object().unwrap().iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            tasks.push(json!({"name": adapter.name, "params": params,
                "taskRef": {"apiVersion": "assay.dev/v1", "kind": "Plugin", "name": adapter.name}}));
            let host = format!("127.0.0.1:{}", double.port());
            plugins.push_str(&format!(
                "[plugin.{}]\nfile = '{}'\nhttp = [{{ host = '{host}', methods = ['GET', 'POST', 'DELETE'], plain = true }}]\n\
                 secret.{} = {{ from = 'env:TEST_SECRET', host = '{host}', scheme = 'basic' }}\n\n",
                adapter.name,
                adapter.component(),
                adapter.secret,
            ));
        }
        let digest = format!("sha256:{}", "1".repeat(64));
        let documents = [
            json!({"apiVersion": "appstudio.redhat.com/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}, "spec": {"displayName": "shop"}}),
            json!({"apiVersion": "appstudio.redhat.com/v1alpha1", "kind": "Snapshot", "metadata": {"name": "shop-1"},
                "spec": {"application": "shop", "components": [{"name": "cart", "containerImage": format!("r.example/cart@{digest}")}]}}),
            json!({"apiVersion": "appstudio.redhat.com/v1beta2", "kind": "IntegrationTestScenario", "metadata": {"name": "remote"},
                "spec": {"application": "shop", "resolverRef": {"resolver": "cluster",
                    "params": [{"name": "kind", "value": "pipeline"}, {"name": "name", "value": "remote"}]}}}),
            json!({"apiVersion": "tekton.dev/v1", "kind": "Pipeline", "metadata": {"name": "remote"}, "spec": {"tasks": tasks}}),
        ];
        let text: Vec<String> = documents.iter().map(Value::to_string).collect();
        fixture.file("resources.yaml", &text.join("\n---\n"));
        fixture.file("plugins.toml", &plugins);
        Self { fixture, doubles }
    }

    /// Replaces a part of a file.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs_err::read_to_string(self.fixture.path(file)).unwrap();
        assert!(text.contains(from), "{text}");
        self.fixture.file(file, &text.replacen(from, to, 1));
    }

    /// So many tasks in place of the only one.
    pub(super) fn repeat_task(&self, count: usize) {
        let text = fs_err::read_to_string(self.fixture.path("resources.yaml")).unwrap();
        let (before, pipeline) = text.rsplit_once("---\n").unwrap();
        let mut pipeline: Value = serde_json::from_str(pipeline).unwrap();
        let task = pipeline["spec"]["tasks"][0].clone();
        let named = |number: usize| {
            let mut task = task.clone();
            task["name"] = format!("job-{number}").into();
            task
        };
        pipeline["spec"]["tasks"] = (0..count).map(named).collect();
        self.fixture.file("resources.yaml", &format!("{before}---\n{pipeline}"));
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let store = self.fixture.path("store").to_string();
        let mut command = command(&[arguments, &["--store", &store]].concat());
        let cache = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-code");
        command.env("ASSAY_PLUGIN_CACHE", cache).env("ASSAY_PLUGIN_COMPILE_SECONDS", "900").env("TEST_SECRET", SECRET);
        command
    }

    fn run_arguments(&self) -> Vec<String> {
        let path = |name: &str| self.fixture.path(name).to_string();
        let fixed = ["run", &path("resources.yaml"), "--plugins", &path("plugins.toml"), "--dev"];
        fixed.iter().map(|text| (*text).to_owned()).collect()
    }

    /// Runs to the end.
    pub(super) fn run(&self) -> Ended {
        self.run_with(&[])
    }

    /// The same with more arguments.
    pub(super) fn run_with(&self, more: &[&str]) -> Ended {
        let arguments = self.run_arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let output = CommandOutput::of(&self.command(&arguments).output().unwrap());
        self.ended(output)
    }

    fn ended(&self, output: CommandOutput) -> Ended {
        let document =
            self.id().map_or(Value::Null, |id| self.assay(&["runs", "show", &id, "--format", "json"]).json());
        Ended { output, document }
    }

    pub(super) fn assay(&self, arguments: &[&str]) -> CommandOutput {
        CommandOutput::of(&self.command(arguments).output().unwrap())
    }

    pub(super) fn id(&self) -> Option<String> {
        let list = self.assay(&["runs", "list", "--format", "json"]);
        let list: Value = serde_json::from_str(&list.out).ok()?;
        Some(list["runs"][0]["id"].as_str()?.to_owned())
    }

    pub(super) fn spawn(&self) -> Child {
        let arguments = self.run_arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs, and cancels the run as soon as a job is as `is_time` says.
    pub(super) fn run_and_cancel(&self, is_time: impl Fn(&JobView) -> bool) -> Ended {
        let child = self.spawn();
        wait_until(|| self.jobs().iter().any(&is_time));
        let id = self.id().unwrap();
        self.assay(&["runs", "cancel", &id]).expect(0, "");
        let output = CommandOutput::of(&child.wait_with_output().unwrap());
        self.ended(output)
    }

    /// All jobs of all doubles.
    pub(super) fn jobs(&self) -> Vec<JobView> {
        self.doubles.iter().flat_map(Double::jobs).collect()
    }
}

/// Waits for something that must come.
pub(crate) fn wait_until(mut is_there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < PATIENCE, "it did not come");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Does something for each, some at a time.
pub(crate) fn for_each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // They mostly wait.
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst)) {
                    work(item);
                }
            });
        }
    });
}
