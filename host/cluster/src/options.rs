//! [`ClusterOptions`]: where a cluster and its user are found.

use std::{path::PathBuf, time::Instant};

/// What the user and the environment say of the cluster.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// The files that name clusters and users.
    pub kubeconfigs: Kubeconfigs,
    /// The host and port of the API server in the environment of a pod (`KUBERNETES_SERVICE_HOST` and `…_PORT`).
    pub service: Option<(String, String)>,
    /// The folder with the token, the authorities and the namespace of a pod's service account.
    pub account: PathBuf,
    /// The end of the run, which no request outlasts.
    pub deadline: Option<Instant>,
}

/// The kubeconfigs, and by whom they were named: only a file that the user named may start a program for credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kubeconfigs {
    /// The one file of `--kubeconfig`. It must be there.
    Flag(PathBuf),
    /// The files of `KUBECONFIG`, merged as `kubectl` does it: what stands first counts. Those that are not there are skipped.
    Variable(Vec<PathBuf>),
    /// `~/.kube/config`, which need not be there.
    Default(Option<PathBuf>),
}

impl Kubeconfigs {
    /// The files in order.
    pub(crate) fn files(&self) -> &[PathBuf] {
        match self {
            Self::Flag(file) => std::slice::from_ref(file),
            Self::Variable(files) => files,
            Self::Default(file) => file.as_slice(),
        }
    }

    /// Whether the user named the files.
    pub(crate) const fn are_named(&self) -> bool {
        matches!(self, Self::Flag(_) | Self::Variable(_))
    }
}

impl ClusterOptions {
    /// Where Kubernetes mounts what a pod's service account has.
    pub const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
}
