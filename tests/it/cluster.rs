//! A policy, a Snapshot and a key in a Kubernetes cluster, as Konflux' pipelines name them: the reports, the errors, the exit
//! codes. The API server is a double; `cluster_servers` has the same against a real one.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    fixture::{CommandOutput, Fixture, command, ec_command},
    registry::Registry,
};

pub(crate) const POLICY: &str = "enterprise-contract-service/default";
pub(crate) const KEY: &str = "k8s://openshift-pipelines/public-key";
const POLICY_PATH: &str =
    "/apis/appstudio.redhat.com/v1alpha1/namespaces/enterprise-contract-service/enterprisecontractpolicies/default";
const SNAPSHOT_PATH: &str = "/apis/appstudio.redhat.com/v1alpha1/namespaces/tenant/snapshots/shop";
const KEY_PATH: &str = "/api/v1/namespaces/openshift-pipelines/secrets/public-key";

/// Answers by path: a status and a body. What is not there is 404.
type Answers = Arc<Mutex<BTreeMap<String, (u16, String)>>>;

/// An API server on a loopback port.
struct ApiServer {
    address: String,
    answers: Answers,
    requests: Arc<Mutex<Vec<String>>>,
}

impl ApiServer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Self { address, answers: Answers::default(), requests: Arc::default() };
        let (answers, requests) = (Arc::clone(&server.answers), Arc::clone(&server.requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answers, requests) = (Arc::clone(&answers), Arc::clone(&requests));
                thread::spawn(move || serve(stream.unwrap(), &answers, &requests));
            }
        });
        server
    }

    fn put(&self, path: &str, status: u16, body: &Value) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, body.to_string()));
    }
}

fn serve(mut stream: TcpStream, answers: &Answers, requests: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let (mut path, mut is_known) = (String::new(), false);
    while let Some(Ok(line)) = lines.next() {
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next().unwrap().to_owned();
        }
        is_known |= line.eq_ignore_ascii_case("authorization: bearer secret");
        if !line.is_empty() {
            continue;
        }
        requests.lock().unwrap().push(path.clone());
        let name = path.rsplit('/').next().unwrap_or_default();
        let absent = json!({"kind": "Status", "message": format!("{} \"{name}\" not found", resource(&path))});
        let unknown = json!({"kind": "Status", "message": "Unauthorized"});
        let (status, body) = match answers.lock().unwrap().get(&path) {
            _ if !is_known => (401, unknown.to_string()),
            Some(known) => known.clone(),
            None => (404, absent.to_string()),
        };
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
        is_known = false;
    }
}

/// The resource of a path, with its group, as the server's messages have it.
fn resource(path: &str) -> String {
    let mut parts = path.rsplit('/').skip(1);
    let resource = parts.next().unwrap_or_default();
    if path.starts_with("/apis/") { format!("{resource}.appstudio.redhat.com") } else { resource.to_owned() }
}

/// A kubeconfig of the user `pipeline`, whose context has the namespace `tenant`.
pub(crate) fn kubeconfig(cluster: &Value, user: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "c", "user": "pipeline", "namespace": "tenant"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "pipeline", "user": user}],
    })
}

/// The objects of Konflux: by path, with their content.
pub(crate) fn objects(fixture: &Fixture, registry: &Registry) -> [(&'static str, Value); 3] {
    let object = |group: &str, kind: &str, namespace: &str, name: &str, field: &str, content: Value| {
        let mut object = json!({"apiVersion": group, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
        object[field] = content;
        object
    };
    let appstudio = "appstudio.redhat.com/v1alpha1";
    let spec = json!({"name": "Default", "publicKey": KEY, "sources": [{"policy": [fixture.path("policy")]}]});
    let mut snapshot: Value = serde_json::from_str(&fixture.snapshot(&registry.host())).unwrap();
    snapshot["application"] = json!("shop");
    let key = STANDARD.encode(fixture.key.public_pem().unwrap());
    [
        (
            POLICY_PATH,
            object(appstudio, "EnterpriseContractPolicy", "enterprise-contract-service", "default", "spec", spec),
        ),
        (SNAPSHOT_PATH, object(appstudio, "Snapshot", "tenant", "shop", "spec", snapshot)),
        (KEY_PATH, object("v1", "Secret", "openshift-pipelines", "public-key", "data", json!({"cosign.pub": key}))),
    ]
}

/// Images on a registry, and a cluster that names them.
struct Konflux {
    fixture: Fixture,
    server: ApiServer,
    registry: Registry,
}

impl Konflux {
    fn new() -> Self {
        let mut fixture = Fixture::good();
        fixture.image("other", &[]);
        Self::of(fixture)
    }

    /// The images of a fixture.
    fn of(fixture: Fixture) -> Self {
        let registry = Registry::start();
        fixture.layout.write(&fixture.path("oci")).unwrap();
        registry.push_layout(fixture.path("oci").as_std_path());
        let server = ApiServer::start();
        for (path, object) in objects(&fixture, &registry) {
            server.put(path, 200, &object);
        }
        let cluster = json!({"server": format!("http://{}", server.address)});
        fixture.file("kubeconfig", &kubeconfig(&cluster, &json!({"token": "secret"})).to_string());
        Self { fixture, server, registry }
    }

    /// The command line of the task, with its defaults and more.
    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let kubeconfig = self.fixture.path("kubeconfig");
        let fixed =
            ["validate", "image", "--kubeconfig", kubeconfig.as_str(), "--policy", POLICY, "--snapshot", "tenant/shop"];
        fixed
            .iter()
            .chain(&["--public-key", KEY, "--ignore-rekor=true"])
            .chain(more)
            .map(|&text| text.to_owned())
            .collect()
    }

    fn run(&self, more: &[&str]) -> CommandOutput {
        let arguments = self.arguments(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        CommandOutput::of(&command(&arguments).output().unwrap())
    }

    fn run_as_ec(&self, more: &[&str]) -> CommandOutput {
        let arguments = self.arguments(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        CommandOutput::of(&ec_command(&self.fixture.path(""), &arguments).output().unwrap())
    }
}

#[test]
fn what_pipelines_pass_by_default_works_and_is_reported_as_ec_reports_it() {
    let konflux = Konflux::new();
    let pem = konflux.fixture.key.public_pem().unwrap();
    for output in [konflux.run(&["--output", "json"]), konflux.run_as_ec(&["--output", "json"])] {
        assert_eq!(output.code, 0, "{output:?}");
        let report = output.json();
        assert_eq!(report["success"], true);
        assert_eq!(report["snapshot"], "tenant/shop");
        assert_eq!(report["key"], pem.as_str());
        assert_eq!(report["policy"]["publicKey"], KEY);
        assert_eq!(report["components"].as_array().unwrap().len(), 2);
        // In the place that it has in `ec`.
        assert!(output.out.starts_with(r#"{"success":true,"snapshot":"tenant/shop","components":["#), "{}", output.out);
    }
    // Each object was read once in each run.
    let mut requests = konflux.server.requests.lock().unwrap().clone();
    requests.sort();
    assert_eq!(requests, [KEY_PATH, KEY_PATH, POLICY_PATH, POLICY_PATH, SNAPSHOT_PATH, SNAPSHOT_PATH]);
    let summary = konflux.run(&["--output", "summary"]);
    assert!(summary.out.starts_with(r#"{"snapshot":"tenant/shop","components":["#), "{}", summary.out);
}

#[test]
fn a_hundred_images_of_a_registry_need_one_token_for_each_scope_and_each_object_of_the_cluster_once() {
    let mut fixture = Fixture::empty();
    for number in 0..100 {
        fixture.image_in(&format!("app/{}", number % 4), &format!("image{number}"), &[]);
    }
    let konflux = Konflux::of(fixture);
    konflux.registry.want_tokens();
    let output = konflux.run(&["--workers", "8", "--output", "json"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(output.json()["components"].as_array().unwrap().len(), 100);
    let mut tokens = konflux.registry.tokens();
    tokens.sort();
    assert_eq!(tokens, [0, 1, 2, 3].map(|repository| format!("repository:app/{repository}:pull")));
    // One pool: a connection is used for many requests.
    let (requests, connections) = (konflux.registry.requests().len(), konflux.registry.connections());
    assert!(requests > 400 && connections * 4 < requests, "{requests} requests on {connections} connections");
    assert_eq!(konflux.server.requests.lock().unwrap().len(), 3);
}

#[test]
fn an_empty_public_key_is_that_of_the_policy() {
    let konflux = Konflux::new();
    let output = konflux.run(&["--public-key=", "--output", "json"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(output.json()["policy"]["publicKey"], KEY);
    assert_eq!(output.json()["key"], konflux.fixture.key.public_pem().unwrap().as_str());
}

#[test]
fn names_without_a_namespace_are_in_that_of_the_context_and_the_kubeconfig_may_stand_in_the_environment() {
    let konflux = Konflux::new();
    let kubeconfig = konflux.fixture.path("kubeconfig");
    let policy = konflux.fixture.policy();
    let run = |variables: &[(&str, &str)]| {
        let arguments =
            ["validate", "image", "--snapshot", "shop", "--policy", &policy, "--public-key", KEY, "--ignore-rekor"];
        CommandOutput::of(&command(&arguments).envs(variables.iter().copied()).output().unwrap())
    };
    run(&[("KUBECONFIG", kubeconfig.as_str())]).expect(0, " passed: 0 violations");
    run(&[("KUBECONFIG", &format!("/no/such/file:{kubeconfig}"))]).expect(0, " passed: 0 violations");
    let home = konflux.fixture.path("home");
    fs_err::create_dir_all(home.join(".kube")).unwrap();
    fs_err::copy(&kubeconfig, home.join(".kube/config")).unwrap();
    run(&[("HOME", home.as_str())]).expect(0, " passed: 0 violations");
    run(&[]).expect(2, "no cluster is known");
    run(&[("KUBECONFIG", "/no/such/file")]).expect(2, "no cluster is known");
}

#[test]
fn other_commands_read_policies_of_a_cluster_too() {
    let konflux = Konflux::new();
    let kubeconfig = konflux.fixture.path("kubeconfig");
    let with = |arguments: &[&str]| {
        let arguments = [arguments, &["--kubeconfig", kubeconfig.as_str()]].concat();
        CommandOutput::of(&command(&arguments).output().unwrap())
    };
    with(&["validate", "policy", "--policy", POLICY]).expect(0, "");
    with(&["inspect", "policy", "--policy", POLICY]).expect(0, "main");
    with(&["compare", POLICY, POLICY]).expect(0, "equivalent");
    let document = konflux.fixture.file("document.json", "{\"image\": {\"config\": {\"Labels\": {}}}}");
    with(&["validate", "input", document.as_str(), "--policy", POLICY]).expect(0, "");
    with(&["validate", "policy", "--policy", "tenant/none"]).expect(2, "there is no EnterpriseContractPolicy `none`");
}

/// A path, what the server answers there, and what becomes of it: the exit code with a text, and the text of `ec`.
type Failure = (&'static str, u16, Value, i32, &'static str, &'static str);

#[test]
fn what_is_absent_forbidden_or_broken_is_said_and_never_passes() {
    let status = |message: &str| json!({"kind": "Status", "message": message});
    let forbidden = "snapshots.appstudio.redhat.com \"shop\" is forbidden: User \"pipeline\" cannot get resource";
    let failures: [Failure; 9] = [
        (
            KEY_PATH,
            404,
            status("secrets \"public-key\" not found"),
            2,
            "there is no Secret `public-key` in the namespace `openshift-pipelines` of the cluster",
            "Error: secrets \"public-key\" not found\n",
        ),
        (
            POLICY_PATH,
            404,
            status("enterprisecontractpolicies.appstudio.redhat.com \"default\" not found"),
            2,
            "there is no EnterpriseContractPolicy `default` in the namespace `enterprise-contract-service`",
            "Error: unable to fetch EnterpriseContractPolicy: enterprisecontractpolicies.appstudio.redhat.com \"default\" not \
             found\n",
        ),
        (
            SNAPSHOT_PATH,
            403,
            status(forbidden),
            2,
            "the user `pipeline` has no right to read the Snapshot `shop` in the namespace `tenant`",
            "Error: snapshots.appstudio.redhat.com \"shop\" is forbidden: User \"pipeline\" cannot get resource",
        ),
        (
            KEY_PATH,
            200,
            json!({"kind": "Secret", "metadata": {"name": "public-key", "namespace": "openshift-pipelines"}, "data": {}}),
            2,
            "there is no `cosign.pub` of the Secret `public-key` in the namespace `openshift-pipelines` (user `pipeline`)",
            "Error: PEM decoding failed\n",
        ),
        (
            SNAPSHOT_PATH,
            401,
            status("Unauthorized"),
            3,
            "does not accept the credentials of the user `pipeline`",
            "Unauthorized",
        ),
        (POLICY_PATH, 500, status("etcd is away"), 3, "etcd is away", "etcd is away"),
        (KEY_PATH, 503, Value::Null, 3, "503", "503"),
        (SNAPSHOT_PATH, 200, json!({"kind": "Status"}), 3, "returned another object", "another object"),
        (KEY_PATH, 200, json!("x".repeat(1 << 20)), 3, "more than the 1048576 bytes allowed", "1048576"),
    ];
    for (path, code, body, exit, says, ec) in failures {
        let konflux = Konflux::new();
        konflux.server.put(path, code, &body);
        let output = konflux.run(&[]);
        output.expect(exit, says);
        assert_eq!(output.out, "", "{output:?}");
        let output = konflux.run_as_ec(&[]);
        assert!(output.code == 1 && output.err.contains(ec), "{path} {code}: {output:?}");
    }
}

#[test]
fn a_dead_server_is_unavailable() {
    let konflux = Konflux::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cluster = json!({"server": format!("http://{port}")});
    konflux.fixture.file("kubeconfig", &kubeconfig(&cluster, &json!({})).to_string());
    konflux.run(&[]).expect(3, "cannot be reached");
    konflux.run_as_ec(&[]).expect(1, &format!("dial tcp {port}: connect: connection refused"));
}

#[test]
fn a_key_service_is_not_supported_and_never_another_key() {
    let konflux = Konflux::new();
    let schemes =
        ["awskms://alias/x", "gcpkms://x", "azurekms://x", "hashivault://x", "pkcs11:token=x", "https://k.example"];
    for key in schemes {
        konflux.run(&["--public-key", key]).expect(2, "not supported");
    }
    konflux.run(&["--public-key", "k8s://public-key"]).expect(2, "k8s://<namespace>/<secret>");
    konflux
        .run_as_ec(&["--public-key", "k8s://public-key"])
        .expect(1, "Error: kubernetes specification should be in the format k8s://<namespace>/<secret>\n");
}

#[test]
fn a_policy_cannot_make_the_program_read_a_cluster_a_file_or_the_environment() {
    let konflux = Konflux::new();
    let file = konflux.fixture.path("key.pub");
    let image = |key: &str| {
        format!(
            "package p\n\nimport rego.v1\n\n# METADATA\n# title: T\n# custom:\n#   short_name: t\ndeny contains result if {{\n\
             \tverified := ec.sigstore.verify_image(input.image.ref, {{\"public_key\": \"{key}\", \"ignore_rekor\": true}})\n\
             \tverified.success\n\tresult := {{\"code\": \"p.t\", \"msg\": \"read\"}}\n}}\n"
        )
    };
    for key in [KEY, file.as_str(), "env://SIGNER"] {
        konflux.fixture.file("policy/main.rego", &image(key));
        let arguments = konflux.arguments(&[]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        konflux.server.requests.lock().unwrap().clear();
        let pem = konflux.fixture.key.public_pem().unwrap();
        let output = CommandOutput::of(&command(&arguments).env("SIGNER", pem).output().unwrap());
        assert!(!output.out.contains("read"), "{key}: {output:?}");
        // The one of the flag.
        assert_eq!(konflux.server.requests.lock().unwrap().len(), 3);
    }
    // The same rule finds the image signed by the key itself.
    let pem = konflux.fixture.key.public_pem().unwrap().replace('\n', "\\n");
    konflux.fixture.file("policy/main.rego", &image(&pem));
    konflux.run(&[]).expect(1, "read");
}

#[test]
fn with_evidence_on_disk_no_cluster_is_accessed() {
    let konflux = Konflux::new();
    let layout = konflux.fixture.path("oci");
    konflux.run(&["--evidence", layout.as_str()]).expect(2, "with `--evidence`, no cluster is accessed");
    assert!(konflux.server.requests.lock().unwrap().is_empty());
}
