//! [`RecordingCluster`] keeps what is read of a cluster; [`ArchivedCluster`] gives it again.

use std::sync::Arc;

use assay_model::{
    cluster::{ClusterError, ClusterErrorKind, ObjectKind, ObjectName, SecretKey},
    port::Cluster,
};
use assay_oci::{EvidenceArchive, EvidenceRecorder};

/// A cluster whose objects are kept as they are read.
pub(crate) struct RecordingCluster {
    pub(crate) cluster: Arc<dyn Cluster>,
    pub(crate) recorder: Arc<EvidenceRecorder>,
}

/// The objects of a cluster in an archive.
pub(crate) struct ArchivedCluster(pub(crate) Arc<EvidenceArchive>);

/// How an archive calls an object.
fn object_name(kind: ObjectKind, name: &ObjectName) -> String {
    format!("{} {name}", kind.as_str())
}

fn secret_name(key: &SecretKey) -> String {
    format!("{} {}/{}", ObjectKind::Secret.as_str(), key.secret, key.field)
}

impl Cluster for RecordingCluster {
    fn read_object(&self, kind: ObjectKind, name: &ObjectName) -> Result<Arc<str>, ClusterError> {
        let text = self.cluster.read_object(kind, name)?;
        self.recorder.add_cluster_object(&object_name(kind, name), text.as_bytes());
        Ok(text)
    }

    fn read_secret(&self, key: &SecretKey) -> Result<Vec<u8>, ClusterError> {
        let bytes = self.cluster.read_secret(key)?;
        // Whatever else is in a Secret is one.
        if key.is_public() {
            self.recorder.add_cluster_object(&secret_name(key), &bytes);
        }
        Ok(bytes)
    }
}

impl ArchivedCluster {
    fn read(&self, name: &str) -> Result<Vec<u8>, ClusterError> {
        let error = |message: String| ClusterError {
            kind: ClusterErrorKind::NotFound,
            client_text: message.clone(),
            message,
            hint: "collect the evidence again with the same flags".to_owned(),
        };
        let found = self.0.cluster_object(name);
        let found = found.ok_or_else(|| error(format!("{} does not hold the {name}", self.0.place())))?;
        found.map_err(|failure| error(failure.message))
    }
}

impl Cluster for ArchivedCluster {
    fn read_object(&self, kind: ObjectKind, name: &ObjectName) -> Result<Arc<str>, ClusterError> {
        let name = object_name(kind, name);
        let text = String::from_utf8(self.read(&name)?).map_err(|_| ClusterError {
            kind: ClusterErrorKind::NotFound,
            message: format!("the {name} in {} is not valid UTF-8", self.0.place()),
            hint: "collect the evidence again".to_owned(),
            client_text: "not valid UTF-8".to_owned(),
        })?;
        Ok(text.into())
    }

    fn read_secret(&self, key: &SecretKey) -> Result<Vec<u8>, ClusterError> {
        self.read(&secret_name(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cluster where everything says its name.
    struct Everything;

    impl Cluster for Everything {
        fn read_object(&self, kind: ObjectKind, name: &ObjectName) -> Result<Arc<str>, ClusterError> {
            Ok(object_name(kind, name).into())
        }

        fn read_secret(&self, key: &SecretKey) -> Result<Vec<u8>, ClusterError> {
            Ok(key.field.clone().into_bytes())
        }
    }

    #[test]
    fn what_was_read_is_read_again_and_of_a_secret_the_public_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Arc::new(EvidenceRecorder::new(folder.path()).unwrap());
        let cluster = RecordingCluster { cluster: Arc::new(Everything), recorder: Arc::clone(&recorder) };
        let (name, other) = (ObjectName::parse("team/x").unwrap(), ObjectName::parse("team/y").unwrap());
        let public = SecretKey::public("k8s://team/key").unwrap();
        let private = SecretKey::field("k8s://team/key/cosign.key").unwrap();
        cluster.read_object(ObjectKind::Policy, &name).unwrap();
        cluster.read_secret(&public).unwrap();
        cluster.read_secret(&private).unwrap();
        let path = folder.path().join("a.tar");
        assay_oci::write_archive(&recorder, &mut fs_err::File::create(&path).unwrap()).unwrap();
        let archived = ArchivedCluster(Arc::new(EvidenceArchive::open(&path).unwrap().unwrap()));
        assert_eq!(&*archived.read_object(ObjectKind::Policy, &name).unwrap(), "EnterpriseContractPolicy team/x");
        assert_eq!(archived.read_secret(&public).unwrap(), b"cosign.pub");
        assert!(archived.read_secret(&private).is_err());
        for error in [
            archived.read_object(ObjectKind::Policy, &other).unwrap_err(),
            archived.read_object(ObjectKind::Snapshot, &name).unwrap_err(),
        ] {
            assert!(error.message.contains("does not hold the"), "{error}");
        }
    }
}
