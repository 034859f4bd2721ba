//! The same as in `cluster` against a real kube-apiserver with its etcd, over TLS and with RBAC: `.ci/install-cluster-servers`
//! installs both. `curl` and `openssl` are needed, too.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use camino::Utf8PathBuf;
use serde_json::{Value, json};

use crate::{
    cluster::{KEY, POLICY, kubeconfig, objects},
    fixture::{CommandOutput, Fixture, command, ec_command},
    registry::Registry,
};

/// How long the servers may take until they are ready; on an idle machine it is some three seconds.
const START: Duration = Duration::from_secs(180);

/// A process that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

/// Both servers, with an administrator and a user `pipeline` who has no rights yet.
struct Servers {
    folder: tempfile::TempDir,
    address: String,
    _api: Server,
    _etcd: Server,
}

/// Between two looks at a server of another process, which sends no event when it is ready.
#[expect(clippy::disallowed_methods, reason = "the servers send no event; every loop has a deadline")]
fn pause() {
    thread::sleep(Duration::from_millis(100));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(program: &str, arguments: &[String]) -> Server {
    let started = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Server(started.unwrap_or_else(|error| panic!("{program}: {error}")))
}

impl Servers {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (client, peer, port) = (free_port(), free_port(), free_port());
        let etcd = start(
            "etcd",
            &[
                format!("--data-dir={}", path("etcd")),
                format!("--listen-client-urls=http://127.0.0.1:{client}"),
                format!("--advertise-client-urls=http://127.0.0.1:{client}"),
                format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
                "--unsafe-no-fsync".to_owned(),
            ],
        );
        fs_err::write(path("tokens"), "admin-token,admin,1,system:masters\nsecret,pipeline,2\n").unwrap();
        let made = Command::new("openssl").args(["genrsa", "-out", &path("account.key"), "2048"]).output().unwrap();
        assert!(made.status.success());
        let api = start(
            "kube-apiserver",
            &[
                format!("--etcd-servers=http://127.0.0.1:{client}"),
                format!("--secure-port={port}"),
                format!("--cert-dir={}", path("certificates")),
                format!("--token-auth-file={}", path("tokens")),
                format!("--service-account-key-file={}", path("account.key")),
                format!("--service-account-signing-key-file={}", path("account.key")),
                "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                "--bind-address=127.0.0.1".to_owned(),
                "--advertise-address=127.0.0.1".to_owned(),
                "--authorization-mode=RBAC".to_owned(),
                "--disable-admission-plugins=ServiceAccount".to_owned(),
            ],
        );
        let servers = Self { folder, address: format!("https://127.0.0.1:{port}"), _api: api, _etcd: etcd };
        servers.wait_for("/readyz");
        servers
    }

    fn authority(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.path().join("certificates/apiserver.crt")).unwrap()
    }

    /// What the administrator gets: whether it is a success, and the text.
    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> (bool, String) {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body", "--request", method]);
        curl.args(["--cacert", self.authority().as_str(), "--header", "Authorization: Bearer admin-token"]);
        if let Some(body) = body {
            curl.args(["--header", "Content-Type: application/json", "--data", &body.to_string()]);
        }
        let output = curl.arg(format!("{}{path}", self.address)).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn wait_for(&self, path: &str) {
        let begun = Instant::now();
        while !self.request("GET", path, None).0 {
            assert!(begun.elapsed() < START, "no response from {path}");
            pause();
        }
    }

    fn create(&self, path: &str, object: &Value) {
        let begun = Instant::now();
        loop {
            let (created, text) = self.request("POST", path, Some(object));
            if created {
                return;
            }
            // A resource is served shortly after its definition is stored.
            assert!(begun.elapsed() < Duration::from_secs(30), "{path}: {text}");
            pause();
        }
    }

    fn define(&self, kind: &str, plural: &str) {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let name = format!("{plural}.appstudio.redhat.com");
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
            "spec": {
                "group": "appstudio.redhat.com", "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
                "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
            },
        });
        self.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition);
        self.wait_for(&format!("/apis/appstudio.redhat.com/v1alpha1/namespaces/default/{plural}"));
    }

    /// Lets the user `pipeline` read one kind of objects in a namespace.
    fn permit(&self, namespace: &str, group: &str, resource: &str) {
        let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
        let rules = json!([{"apiGroups": [group], "resources": [resource], "verbs": ["get"]}]);
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"}, "rules": rules});
        self.create(&format!("{path}/roles"), &role);
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "pipeline"}],
        });
        self.create(&format!("{path}/rolebindings"), &binding);
    }
}

#[test]
#[ignore = "needs kube-apiserver and etcd"]
fn a_real_api_server_gives_what_pipelines_name_and_its_refusals_are_said() {
    let fixture = Fixture::good();
    let registry = Registry::start();
    fixture.layout.write(&fixture.path("oci")).unwrap();
    registry.push_layout(fixture.path("oci").as_std_path());
    let servers = Servers::start();
    for namespace in ["enterprise-contract-service", "tenant", "openshift-pipelines", "closed"] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        servers.create("/api/v1/namespaces", &object);
    }
    servers.define("EnterpriseContractPolicy", "enterprisecontractpolicies");
    servers.define("Snapshot", "snapshots");
    for (path, object) in objects(&fixture, &registry) {
        servers.create(path.rsplit_once('/').unwrap().0, &object);
    }
    let bare = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bare"}, "data": {"other": "eA=="}});
    servers.create("/api/v1/namespaces/openshift-pipelines/secrets", &bare);
    servers.permit("enterprise-contract-service", "appstudio.redhat.com", "enterprisecontractpolicies");
    servers.permit("tenant", "appstudio.redhat.com", "snapshots");
    servers.permit("openshift-pipelines", "", "secrets");

    let authority = servers.authority();
    let cluster = json!({"server": servers.address, "certificate-authority": authority});
    let file = fixture.file("kubeconfig", &kubeconfig(&cluster, &json!({"token": "secret"})).to_string());
    let run = |as_ec: bool, more: &[&str]| {
        let fixed =
            ["validate", "image", "--kubeconfig", file.as_str(), "--policy", POLICY, "--snapshot", "tenant/shop"];
        let arguments = [&fixed[..], &["--public-key", KEY, "--ignore-rekor=true"], more].concat();
        let mut command = if as_ec { ec_command(&fixture.path(""), &arguments) } else { command(&arguments) };
        CommandOutput::of(&command.output().unwrap())
    };
    // The rights are in force shortly after they are stored.
    let begun = Instant::now();
    let mut output = run(false, &["--output", "json"]);
    while output.code == 2 && begun.elapsed() < Duration::from_secs(30) {
        pause();
        output = run(false, &["--output", "json"]);
    }
    assert_eq!(output.code, 0, "{output:?}");
    let report = output.json();
    assert_eq!(report["key"], fixture.key.public_pem().unwrap().as_str());
    assert_eq!((&report["policy"]["publicKey"], &report["snapshot"]), (&json!(KEY), &json!("tenant/shop")));
    assert_eq!(run(false, &["--snapshot", "shop"]).code, 0);
    assert_eq!(run(true, &["--public-key="]).code, 0);

    for (more, says, ec) in [
        (
            ["--public-key", "k8s://openshift-pipelines/absent"],
            "there is no Secret `absent` in the namespace `openshift-pipelines`",
            "Error: secrets \"absent\" not found\n",
        ),
        (
            ["--policy", "enterprise-contract-service/absent"],
            "there is no EnterpriseContractPolicy `absent` in the namespace `enterprise-contract-service`",
            "Error: unable to fetch EnterpriseContractPolicy: enterprisecontractpolicies.appstudio.redhat.com \"absent\" not \
             found\n",
        ),
        (
            ["--snapshot", "closed/shop"],
            "the user `pipeline` has no right to read the Snapshot `shop` in the namespace `closed`",
            "Error: snapshots.appstudio.redhat.com \"shop\" is forbidden: User \"pipeline\" cannot get resource",
        ),
        (
            ["--public-key", "k8s://openshift-pipelines/bare"],
            "there is no `cosign.pub` of the Secret `bare` in the namespace `openshift-pipelines`",
            "Error: PEM decoding failed\n",
        ),
    ] {
        run(false, &more).expect(2, says);
        run(true, &more).expect(1, ec);
    }
    // A token that nobody has, an authority that did not sign, a server that is gone.
    fixture.file("kubeconfig", &kubeconfig(&cluster, &json!({"token": "other"})).to_string());
    run(false, &[]).expect(3, "does not accept the credentials");
    let stranger = json!({"server": servers.address});
    fixture.file("kubeconfig", &kubeconfig(&stranger, &json!({"token": "secret"})).to_string());
    run(false, &[]).expect(3, "cannot be reached");
    fixture.file("kubeconfig", &kubeconfig(&cluster, &json!({"token": "secret"})).to_string());
    drop(servers);
    // Its authority is gone with it.
    run(false, &[]).expect(2, "apiserver.crt");
}
