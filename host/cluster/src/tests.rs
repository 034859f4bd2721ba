//! The cluster behind the port against a server that answers in every way that one may.

use std::{net::TcpListener, path::Path, time::Duration};

use assay_model::{
    cluster::{ClusterError, ClusterErrorKind, ObjectKind, ObjectName, SecretKey},
    port::Cluster,
};
use serde_json::{Value, json};

use crate::{
    ClusterOptions, KubeCluster, Kubeconfigs,
    reader::OBJECT_BYTES,
    test_server::{Answer, TestServer},
};

fn kubeconfig(folder: &Path, server: &str, user: &str) -> ClusterOptions {
    let text = format!(
        "current-context: it\ncontexts: [{{name: it, context: {{cluster: c, user: pipeline, namespace: tenant}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: pipeline, user: {user}}}]\n"
    );
    let file = folder.join("config");
    fs_err::write(&file, text).unwrap();
    ClusterOptions {
        kubeconfigs: Kubeconfigs::Flag(file),
        service: None,
        account: "/no/such/folder".into(),
        deadline: None,
    }
}

/// A cluster behind a server that gives this answer to everything.
struct Fixture {
    cluster: KubeCluster,
    server: TestServer,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new(answer: Answer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = TestServer::start(answer);
        let cluster = KubeCluster::new(kubeconfig(folder.path(), &server.address, "{token: abc}"));
        Self { cluster, server, _folder: folder }
    }

    fn is(status: u16, body: &Value) -> Self {
        Self::new(Answer::Is(status, body.to_string()))
    }

    fn read(&self) -> Result<String, ClusterError> {
        self.cluster.read_object(ObjectKind::Snapshot, &name("shop")).map(|text| text.to_string())
    }

    fn key(&self) -> Result<Vec<u8>, ClusterError> {
        self.cluster.read_secret(&SecretKey::public("k8s://pipelines/public-key").unwrap())
    }
}

fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

fn snapshot() -> Value {
    json!({"kind": "Snapshot", "metadata": {"name": "shop", "namespace": "tenant"}, "spec": {}})
}

fn secret(data: &Value) -> Value {
    json!({"kind": "Secret", "metadata": {"name": "public-key", "namespace": "pipelines"}, "data": data})
}

fn status(message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message})
}

#[test]
fn an_object_is_read_once_with_the_token_of_the_user() {
    let fixture = Fixture::is(200, &snapshot());
    let cluster = &fixture.cluster;
    let first = fixture.read().unwrap();
    assert_eq!(first, snapshot().to_string());
    // The namespace of the context is the one that is meant.
    let again = cluster.read_object(ObjectKind::Snapshot, &name("tenant/shop")).unwrap();
    assert_eq!(*again, *first);
    let requests = fixture.server.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    let request = request.to_lowercase();
    assert!(
        request.starts_with("get /apis/appstudio.redhat.com/v1alpha1/namespaces/tenant/snapshots/shop http/1.1"),
        "{request}"
    );
    assert!(request.contains("authorization: bearer abc\r\n"), "{request}");
}

#[test]
fn a_failure_is_not_requested_again_either() {
    let fixture = Fixture::is(503, &status("busy"));
    assert_eq!(fixture.read().unwrap_err(), fixture.read().unwrap_err());
    assert_eq!(fixture.server.requests().len(), 1);
}

#[test]
fn a_key_is_the_field_of_a_secret() {
    let fixture = Fixture::is(200, &secret(&json!({"cosign.pub": "UEVN"})));
    assert_eq!(fixture.key().unwrap(), b"PEM");
    let requests = fixture.server.requests();
    assert!(requests[0].starts_with("GET /api/v1/namespaces/pipelines/secrets/public-key "), "{requests:?}");
    for data in [json!({"other": "UEVN"}), json!({}), Value::Null, json!({"cosign.pub": 3}), json!({"cosign.pub": "?"})]
    {
        let error = Fixture::is(200, &secret(&data)).key().unwrap_err();
        assert_eq!(error.kind, ClusterErrorKind::NoField, "{data}");
        let place = "`cosign.pub` of the Secret `public-key` in the namespace `pipelines` (user `pipeline`)";
        assert!(error.message.contains(place), "{error}");
    }
}

#[test]
fn what_is_absent_or_forbidden_names_kind_namespace_name_and_user() {
    let said = "snapshots.appstudio.redhat.com \"shop\" not found";
    let error = Fixture::is(404, &status(said)).read().unwrap_err();
    assert_eq!((error.kind, error.client_text.as_str()), (ClusterErrorKind::NotFound, said));
    assert!(
        error.message.starts_with("there is no Snapshot `shop` in the namespace `tenant` of the cluster"),
        "{error}"
    );
    assert!(error.message.ends_with("(user `pipeline`)"), "{error}");
    let said = "secrets \"public-key\" is forbidden: User \"system:serviceaccount:tenant:robot\" cannot get resource";
    let error = Fixture::is(403, &status(said)).key().unwrap_err();
    assert_eq!((error.kind, error.client_text.as_str()), (ClusterErrorKind::Forbidden, said));
    let who = "the user `system:serviceaccount:tenant:robot` has no right to read the Secret `public-key` in the namespace \
               `pipelines`";
    assert!(error.message.starts_with(who), "{error}");
    // A server that says nothing of use.
    let error = Fixture::new(Answer::Is(403, "\u{1b}[2J".to_owned())).key().unwrap_err();
    assert!(error.message.starts_with("the user `pipeline` has no right"), "{error}");
}

#[test]
fn a_server_that_fails_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    for code in [401, 429, 500, 502, 503, 302, 201] {
        let error = Fixture::is(code, &status("no\u{1b}[2J")).read().unwrap_err();
        assert_eq!(error.kind, ClusterErrorKind::Unavailable, "{code}");
        assert!(!error.message.contains('\u{1b}') && !error.client_text.contains('\u{1b}'), "{error}");
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = KubeCluster::new(kubeconfig(folder.path(), &format!("http://{port}"), "{}"));
    let error = dead.read_object(ObjectKind::Policy, &name("release/default")).unwrap_err();
    assert_eq!(error.kind, ClusterErrorKind::Unavailable);
    assert!(error.message.contains("EnterpriseContractPolicy `default` in the namespace `release`"), "{error}");
    assert!(error.client_text.ends_with(&format!("dial tcp {port}: connect: connection refused")), "{error:?}");
    let error = Fixture::new(Answer::Short).read().unwrap_err();
    assert_eq!(error.kind, ClusterErrorKind::Unavailable);
}

#[test]
fn another_object_than_the_requested_one_is_refused() {
    let mut others = vec![json!([]), json!(null), status("x"), secret(&json!({}))];
    for (field, other) in [("name", "other"), ("namespace", "other")] {
        let mut object = snapshot();
        object["metadata"][field] = json!(other);
        others.push(object);
    }
    for other in others {
        let error = Fixture::is(200, &other).read().unwrap_err();
        assert!(error.message.contains("another object"), "{error}");
    }
    assert!(Fixture::new(Answer::Is(200, "{".to_owned())).read().unwrap_err().message.contains("no JSON"));
}

#[test]
fn an_object_over_its_limit_is_refused_while_it_is_read() {
    let padded = |bytes: usize| {
        let text = snapshot().to_string();
        let padding = " ".repeat(bytes - text.len());
        Fixture::new(Answer::Is(200, text + &padding)).read()
    };
    assert!(padded(OBJECT_BYTES).is_ok());
    for error in [padded(OBJECT_BYTES + 1), Fixture::new(Answer::Endless).read()] {
        let error = error.unwrap_err();
        assert_eq!(error.kind, ClusterErrorKind::Unavailable);
        assert!(error.message.contains("more than the 1048576 bytes allowed"), "{error}");
    }
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    let fixture = Fixture::new(Answer::Nothing);
    let folder = tempfile::tempdir().unwrap();
    let options = kubeconfig(folder.path(), &fixture.server.address, "{token: abc}");
    let cluster = KubeCluster::new(options.clone()).within(Duration::from_secs(2));
    let error = cluster.read_object(ObjectKind::Snapshot, &name("shop")).unwrap_err();
    assert_eq!(error.kind, ClusterErrorKind::Unavailable);
    assert!(error.message.contains("did not answer within 2000 ms"), "{error}");
    let cluster = KubeCluster::new(ClusterOptions { deadline: Some(std::time::Instant::now()), ..options });
    let error = cluster.read_object(ObjectKind::Snapshot, &name("shop")).unwrap_err();
    assert!(error.message.contains("the time limit of the run"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_program_for_credentials_runs_only_from_a_file_that_the_user_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(Answer::Is(200, snapshot().to_string()));
    let program = folder.path().join("login");
    let credential =
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"xyz"}}"#;
    fs_err::write(&program, format!("#!/bin/sh\ntouch {}/ran\necho '{credential}'\n", folder.path().display()))
        .unwrap();
    fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, interactiveMode: Never}}";
    let options = kubeconfig(folder.path(), &server.address, user);
    let Kubeconfigs::Flag(file) = options.kubeconfigs.clone() else { panic!("another kubeconfig") };
    let read = |kubeconfigs: Kubeconfigs| {
        let cluster = KubeCluster::new(ClusterOptions { kubeconfigs, ..options.clone() });
        cluster.read_object(ObjectKind::Snapshot, &name("shop"))
    };
    let error = read(Kubeconfigs::Default(Some(file.clone()))).unwrap_err();
    assert_eq!(error.kind, ClusterErrorKind::Configuration);
    assert!(!folder.path().join("ran").exists() && server.requests().is_empty());
    for kubeconfigs in [Kubeconfigs::Variable(vec![file.clone()]), Kubeconfigs::Flag(file)] {
        read(kubeconfigs).unwrap();
        assert!(folder.path().join("ran").exists());
        fs_err::remove_file(folder.path().join("ran")).unwrap();
    }
    assert!(server.requests()[0].to_lowercase().contains("authorization: bearer xyz"));
    // One that hangs is not waited for.
    fs_err::write(&program, "#!/bin/sh\nexec sleep 3\n").unwrap();
    let cluster = KubeCluster::new(options.clone()).within(Duration::from_millis(300));
    let error = cluster.read_object(ObjectKind::Snapshot, &name("shop")).unwrap_err();
    assert!(error.message.contains("were not there within 300 ms"), "{error}");
}

#[test]
fn the_namespace_is_that_of_the_context_else_of_the_account_else_default() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(Answer::Is(500, String::new()));
    let refused = |context: &str, account: &Path| {
        let options = kubeconfig(folder.path(), &server.address, "{token: abc}");
        let Kubeconfigs::Flag(file) = &options.kubeconfigs else { panic!("another kubeconfig") };
        let text = fs_err::read_to_string(file).unwrap().replace(", namespace: tenant", context);
        fs_err::write(file, text).unwrap();
        let cluster = KubeCluster::new(ClusterOptions { account: account.to_owned(), ..options });
        cluster.read_object(ObjectKind::Snapshot, &name("shop")).unwrap_err().message
    };
    let account = tempfile::tempdir().unwrap();
    fs_err::write(account.path().join("namespace"), "pods").unwrap();
    for (context, account, namespace) in [
        (", namespace: ctx", account.path(), "`ctx`"),
        ("", account.path(), "`pods`"),
        ("", Path::new("/no/such/folder"), "`default`"),
    ] {
        let error = refused(context, account);
        assert!(error.contains(&format!("in the namespace {namespace}")), "{error}");
    }
}

#[test]
fn where_no_cluster_is_known_that_is_said() {
    let options = ClusterOptions {
        kubeconfigs: Kubeconfigs::Default(None),
        service: None,
        account: "/no/such/folder".into(),
        deadline: None,
    };
    let error = KubeCluster::new(options).read_object(ObjectKind::Policy, &name("default")).unwrap_err();
    assert_eq!(error.kind, ClusterErrorKind::Configuration);
    assert!(error.message.starts_with("no cluster is known"), "{error}");
}
