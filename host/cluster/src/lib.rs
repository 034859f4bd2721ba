//! Reads the few objects of a Kubernetes cluster that a request names: a policy, a Snapshot, a key.
//!
//! [`KubeCluster`] implements the port [`Cluster`](assay_model::port::Cluster): plain calls that wait, with a small async
//! runtime of its own that is not part of the interface. Nothing is opened before the first object is read, each object is
//! read at most once, and every wait and every answer has a limit.

mod account;
mod connection;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod kubeconfig;
mod options;
mod reader;
mod response;
#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;

pub use options::{ClusterOptions, Kubeconfigs};
pub use reader::KubeCluster;
