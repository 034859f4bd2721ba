//! [`Cluster`]: the few objects of a Kubernetes cluster that a request names.

use std::sync::Arc;

use crate::cluster::{ClusterError, ObjectKind, ObjectName, SecretKey};

/// Reads objects of a cluster, each at most once.
pub trait Cluster: Send + Sync {
    /// The JSON text of an object as the API server has it. Without a namespace, it is in that of the context or account.
    ///
    /// # Errors
    /// There is no such object, no right to read it, or the cluster cannot be used.
    fn read_object(&self, kind: ObjectKind, name: &ObjectName) -> Result<Arc<str>, ClusterError>;

    /// The bytes of one field of a Secret.
    ///
    /// # Errors
    /// The same, or the Secret does not have the field.
    fn read_secret(&self, key: &SecretKey) -> Result<Vec<u8>, ClusterError>;
}
