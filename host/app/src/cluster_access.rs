//! [`ClusterAccess`]: what flags name in a Kubernetes cluster, as text; and why it could not be read, in the words of the
//! mode.

use std::{fmt, sync::Arc};

use assay_cluster::{ClusterOptions, KubeCluster};
use assay_model::{
    cluster::{ClusterError, ClusterErrorKind, ObjectKind, ObjectName, SecretKey},
    port::Cluster,
};
use assay_oci::{EvidenceRecorder, OpenedLayout};
use camino::Utf8Path;

use crate::{
    archived_cluster::{ArchivedCluster, RecordingCluster},
    error::{RequestError, RequestErrorKind},
    mode::Mode,
};

/// The cluster of a run. Nothing is opened before something in it is named.
#[derive(Clone)]
pub struct ClusterAccess {
    /// None where nothing may be fetched.
    cluster: Option<Arc<dyn Cluster>>,
    mode: Mode,
}

impl ClusterAccess {
    /// The cluster that the options lead to.
    #[must_use]
    pub fn new(options: ClusterOptions, mode: Mode) -> Self {
        Self::through(Arc::new(KubeCluster::new(options)), mode)
    }

    /// A cluster behind the port.
    #[must_use]
    pub fn through(cluster: Arc<dyn Cluster>, mode: Mode) -> Self {
        Self { cluster: Some(cluster), mode }
    }

    /// The objects that a layout holds, which stand for the cluster; none if it is no evidence archive.
    #[must_use]
    pub fn of_evidence(layout: &OpenedLayout, mode: Mode) -> Self {
        match layout.archive() {
            Some(archive) => Self::through(Arc::new(ArchivedCluster(Arc::clone(archive))), mode),
            None => Self::offline(mode),
        }
    }

    /// The same, and what is read is kept.
    #[must_use]
    pub fn recorded(&self, recorder: &Arc<EvidenceRecorder>) -> Self {
        let recording = |cluster: &Arc<dyn Cluster>| {
            let (cluster, recorder) = (Arc::clone(cluster), Arc::clone(recorder));
            Arc::new(RecordingCluster { cluster, recorder }) as Arc<dyn Cluster>
        };
        Self { cluster: self.cluster.as_ref().map(recording), mode: self.mode }
    }

    /// No cluster, as everything comes from `--evidence`.
    #[must_use]
    pub const fn offline(mode: Mode) -> Self {
        Self { cluster: None, mode }
    }

    /// The text of the EnterpriseContractPolicy that an argument names; none if it is a file or a text.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read_policy(&self, argument: &str) -> Result<Option<String>, RequestError> {
        const PREFIX: &str = "unable to fetch EnterpriseContractPolicy: ";
        let Some(name) = policy_name(argument) else { return Ok(None) };
        let place = format!("`--policy {argument}`: there is no such file, and ");
        let cluster = self.cluster(&place)?;
        let text = cluster.read_object(ObjectKind::Policy, &name).map_err(|error| {
            let mode = self.mode;
            let place = if error.kind == ClusterErrorKind::Configuration { place } else { String::new() };
            let client_text = format!("{PREFIX}{}", error.client_text);
            request_error(mode, ClusterError { client_text, message: format!("{place}{}", error.message), ..error })
        })?;
        // A line break marks it as inline text for the parser of the flag.
        Ok(Some(format!("{text}\n")))
    }

    /// The text of the Snapshot that `--snapshot` names.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_snapshot(&self, argument: &str) -> Result<Arc<str>, RequestError> {
        let place = format!("`--snapshot {argument}`: ");
        let name = ObjectName::parse(argument).map_err(|error| RequestError::new(format!("{place}{error}")))?;
        let read = self.cluster(&place)?.read_object(ObjectKind::Snapshot, &name);
        read.map_err(|error| request_error(self.mode, error))
    }

    /// The text of the public key that `k8s://NAMESPACE/SECRET` names. `whence` says where that stands.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_public_key(&self, argument: &str, whence: &str) -> Result<String, RequestError> {
        let place = format!("{whence} `{argument}`: ");
        let key = SecretKey::public(argument).map_err(|error| {
            // As `ec` says it, in both modes: it is the words of cosign, whose references these are.
            let place = if self.mode.is_ec() { "" } else { place.as_str() };
            RequestError::of(RequestErrorKind::Key, format!("{place}{error}"))
        })?;
        let bytes = self.cluster(&place)?.read_secret(&key).map_err(|error| {
            let is_absent = error.kind == ClusterErrorKind::NoField;
            let client_text = if is_absent { "PEM decoding failed".to_owned() } else { error.client_text };
            request_error(self.mode, ClusterError { client_text, ..error })
        })?;
        String::from_utf8(bytes)
            .map_err(|_| RequestError::of(RequestErrorKind::Key, format!("{place}the key is not valid UTF-8")))
    }

    /// The text of the private key that `k8s://NAMESPACE/SECRET[/FIELD]` names, and its password if the Secret has one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_signing_key(&self, argument: &str, whence: &str) -> Result<(String, Option<Vec<u8>>), RequestError> {
        let place = format!("{whence} `{argument}`: ");
        let invalid = |what: &str| RequestError::of(RequestErrorKind::Key, format!("{place}{what}"));
        let key = SecretKey::private(argument)
            .map_err(|error| invalid(&error.to_string()).hint("pass k8s://NAMESPACE/SECRET/FIELD"))?;
        let cluster = self.cluster(&place)?;
        let pem = cluster.read_secret(&key).map_err(|error| request_error(self.mode, error))?;
        let password = match cluster.read_secret(&key.password()) {
            Ok(password) => Some(password),
            Err(error) if error.kind == ClusterErrorKind::NoField => None,
            Err(error) => return Err(request_error(self.mode, error)),
        };
        Ok((String::from_utf8(pem).map_err(|_| invalid("the key is not valid UTF-8"))?, password))
    }

    /// The text of a field of a Secret: `k8s://NAMESPACE/SECRET/FIELD`. `whence` says where that stands.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read_secret_text(&self, argument: &str, whence: &str) -> Result<String, RequestError> {
        let invalid = |what: &str| RequestError::of(RequestErrorKind::Cluster, format!("{whence} {what}"));
        let key = SecretKey::field(argument)
            .map_err(|_| invalid("is in no field of a Secret").hint("name it as k8s://NAMESPACE/SECRET/FIELD"))?;
        let bytes = self.cluster(&format!("{whence}: "))?.read_secret(&key);
        let bytes = bytes.map_err(|error| request_error(self.mode, error))?;
        String::from_utf8(bytes).map_err(|_| invalid("is not valid UTF-8"))
    }

    fn cluster(&self, place: &str) -> Result<&dyn Cluster, RequestError> {
        self.cluster.as_deref().ok_or_else(|| {
            RequestError::of(RequestErrorKind::Cluster, format!("{place}with `--evidence`, no cluster is accessed"))
                .hint("save the object to a file and pass that")
        })
    }
}

impl fmt::Debug for ClusterAccess {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("ClusterAccess").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// The name of a resource that a policy argument is, as for `ec`: neither a text nor the path of a file.
fn policy_name(argument: &str) -> Option<ObjectName> {
    let path = Utf8Path::new(argument);
    let is_file = path.exists() || matches!(path.extension(), Some("json" | "yaml" | "yml"));
    if is_file { None } else { ObjectName::parse(argument).ok() }
}

fn request_error(mode: Mode, error: ClusterError) -> RequestError {
    let kind = match error.kind {
        ClusterErrorKind::Unavailable => RequestErrorKind::ClusterUnavailable,
        ClusterErrorKind::Configuration
        | ClusterErrorKind::NotFound
        | ClusterErrorKind::NoField
        | ClusterErrorKind::Forbidden => RequestErrorKind::Cluster,
    };
    if mode.is_ec() {
        return RequestError::of(kind, error.client_text);
    }
    RequestError::of(kind, error.message).hint(error.hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cluster without anything.
    struct Empty;

    impl Cluster for Empty {
        fn read_object(&self, kind: ObjectKind, name: &ObjectName) -> Result<Arc<str>, ClusterError> {
            Err(absent(ClusterErrorKind::NotFound, &format!("{} {name}", kind.as_str())))
        }

        fn read_secret(&self, key: &SecretKey) -> Result<Vec<u8>, ClusterError> {
            Err(absent(ClusterErrorKind::NoField, &key.secret.to_string()))
        }
    }

    fn absent(kind: ClusterErrorKind, what: &str) -> ClusterError {
        ClusterError {
            kind,
            message: format!("no {what}"),
            hint: "look".to_owned(),
            client_text: format!("{what} not found"),
        }
    }

    #[test]
    fn an_argument_is_a_name_in_a_cluster_unless_it_is_a_text_or_a_file() {
        for (argument, want) in [
            ("default", true),
            ("enterprise-contract-service/default", true),
            ("team/policy.v2", true),
            ("policy.yaml", false),
            ("./policy", false),
            ("/policy", false),
            ("a/b/c", false),
            ("{}", false),
            ("name: x", false),
            ("github.com/org/repo", false),
            // A folder of this crate.
            ("src", false),
        ] {
            assert_eq!(policy_name(argument).is_some(), want, "{argument}");
        }
    }

    #[test]
    fn each_mode_has_its_words() {
        let [native, ec] = [Mode::Native, Mode::EcCompat].map(|mode| ClusterAccess::through(Arc::new(Empty), mode));
        let policy = |access: &ClusterAccess| access.read_policy("tenant/x").unwrap_err().message();
        assert_eq!(policy(&native), "no EnterpriseContractPolicy tenant/x\nhint: look");
        assert_eq!(
            policy(&ec),
            "unable to fetch EnterpriseContractPolicy: EnterpriseContractPolicy tenant/x not found"
        );
        let key = |access: &ClusterAccess, text| access.read_public_key(text, "--public-key").unwrap_err().message();
        assert_eq!(key(&native, "k8s://a/b"), "no a/b\nhint: look");
        assert_eq!(key(&ec, "k8s://a/b"), "PEM decoding failed");
        let form = "kubernetes specification should be in the format k8s://<namespace>/<secret>";
        assert_eq!(key(&native, "k8s://b"), format!("--public-key `k8s://b`: {form}"));
        assert_eq!(key(&ec, "k8s://b"), form);
        assert_eq!(native.read_snapshot("x").unwrap_err().kind(), RequestErrorKind::Cluster);
        assert!(native.read_snapshot("a/b/c").unwrap_err().message().contains("`--snapshot a/b/c`"));
    }

    #[test]
    fn without_a_network_no_cluster_is_accessed() {
        let access = ClusterAccess::offline(Mode::Native);
        for error in [
            access.read_policy("default").unwrap_err(),
            access.read_snapshot("shop").unwrap_err(),
            access.read_public_key("k8s://a/b", "--public-key").unwrap_err(),
            access.read_signing_key("k8s://a/b/c", "--vsa-signing-key").unwrap_err(),
        ] {
            assert!(error.message().contains("with `--evidence`, no cluster is accessed"), "{error}");
        }
        assert!(access.read_policy("sources: []").unwrap().is_none());
    }
}
