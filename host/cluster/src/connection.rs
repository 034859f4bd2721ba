//! [`Connection`]: a client of the API server that the options lead to, with the user and the namespace for messages.

use std::net::IpAddr;

use assay_model::cluster::ClusterError;
use kube::{Client, Config, config::KubeConfigOptions};

use crate::{
    account::{account_namespace, read_account},
    error::{invalid, root, shown},
    kubeconfig::read_kubeconfigs,
    options::ClusterOptions,
};

/// The namespace where nothing names another one.
const DEFAULT_NAMESPACE: &str = "default";

/// A cluster as a user sees it.
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// The address of the API server.
    pub(crate) server: String,
    /// The user, for messages.
    pub(crate) user: String,
    /// Where an object without a namespace is.
    pub(crate) namespace: String,
}

impl Connection {
    /// Reads the kubeconfigs, else the account of the pod. A program for credentials runs here.
    pub(crate) async fn open(options: ClusterOptions) -> Result<Self, ClusterError> {
        let selected = match read_kubeconfigs(&options.kubeconfigs)? {
            Some(kubeconfig) => kubeconfig.select(options.kubeconfigs.are_named())?,
            None => read_account(&options)?.ok_or_else(|| {
                invalid(
                    "no cluster is known: there is no kubeconfig, and this is not a pod with a service account",
                    "pass `--kubeconfig FILE`, or set KUBECONFIG",
                )
            })?,
        };
        let user = shown(&selected.user_name);
        let namespace = selected.namespace.clone().or_else(|| account_namespace(&options.account));
        let invalid_config = |why: &(dyn std::error::Error + 'static)| {
            let fact = format!(
                "the kubeconfig's cluster or its user `{user}` cannot be used: {}",
                shown(&root(why).to_string())
            );
            invalid(fact, "`kubectl auth whoami` shows whether kubectl can use them")
        };
        let document = serde_json::from_value(selected.into_document()).map_err(|error| invalid_config(&error))?;
        let config = Config::from_custom_kubeconfig(document, &KubeConfigOptions::default()).await;
        let mut config = config.map_err(|error| invalid_config(&error))?;
        // Taken from the environment by the library; the client is built without proxies, and would refuse one.
        config.proxy_url = None;
        config.default_retry = false;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        refuse_plain(&config, &server)?;
        let client = Client::try_from(config).map_err(|error| invalid_config(&error))?;
        let namespace = namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        Ok(Self { client, server: shown(&server), user, namespace })
    }
}

/// Without TLS, anyone who is on the way reads the credentials and makes the keys. `kubectl proxy` listens on this machine.
fn refuse_plain(config: &Config, server: &str) -> Result<(), ClusterError> {
    let host = config.cluster_url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match config.cluster_url.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_loopback => Ok(()),
        _ => Err(invalid(
            format!("the API server `{}` of the kubeconfig is not accessed without HTTPS", shown(server)),
            "name an `https://` address as the `server` of the cluster",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_accessed_without_https() {
        for (server, fine) in [
            ("https://c.example:6443", true),
            ("http://127.0.0.1:8001", true),
            ("http://localhost:8001", true),
            ("http://[::1]:8001", true),
            ("http://c.example", false),
            ("http://127.0.0.1.example.org", false),
            ("http://10.0.0.1", false),
            ("c.example:6443", false),
            ("/path", false),
        ] {
            let config = Config::new(server.parse().unwrap());
            assert_eq!(refuse_plain(&config, server).is_ok(), fine, "{server}");
        }
    }
}
