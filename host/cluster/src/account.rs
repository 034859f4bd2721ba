//! The service account of a pod, as Kubernetes mounts it: a token, the authorities of the API server, the namespace.

use std::path::Path;

use assay_model::cluster::{ClusterError, is_namespace};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{
    error::{invalid, shown},
    kubeconfig::{Selected, read_file, read_token},
    options::ClusterOptions,
};

/// The cluster that this program runs in, if it runs in a pod.
pub(crate) fn read_account(options: &ClusterOptions) -> Result<Option<Selected>, ClusterError> {
    let Some((host, port)) = &options.service else { return Ok(None) };
    if !options.account.is_dir() {
        return Ok(None);
    }
    let port: u16 = port.parse().map_err(|_| {
        invalid(format!("KUBERNETES_SERVICE_PORT `{}` is not a port", shown(port)), "Kubernetes sets it in every pod")
    })?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let authorities = STANDARD.encode(read_file(&options.account.join("ca.crt"), "the authorities of the account")?);
    let token = read_token(&options.account.join("token"))?;
    let cluster = fields([("server", format!("https://{host}:{port}")), ("certificate-authority-data", authorities)]);
    Ok(Some(Selected {
        cluster,
        user: fields([("token", token)]),
        user_name: "the service account of the pod".to_owned(),
        namespace: account_namespace(&options.account),
    }))
}

/// The namespace of the pod, if there is one.
pub(crate) fn account_namespace(account: &Path) -> Option<String> {
    let text = String::from_utf8(read_file(&account.join("namespace"), "the namespace").ok()?).ok()?;
    Some(text.trim().to_owned()).filter(|name| is_namespace(name))
}

fn fields<const N: usize>(fields: [(&str, String); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Kubeconfigs;

    #[test]
    fn a_pod_has_an_account_and_others_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let options = |service: Option<(&str, &str)>, account: &Path| ClusterOptions {
            kubeconfigs: Kubeconfigs::Default(None),
            service: service.map(|(host, port)| (host.to_owned(), port.to_owned())),
            account: account.to_owned(),
            deadline: None,
        };
        let service = Some(("10.0.0.1", "443"));
        assert!(read_account(&options(None, folder.path())).unwrap().is_none());
        assert!(read_account(&options(service, Path::new("/no/such/folder"))).unwrap().is_none());
        // An account that lacks something is one that cannot be used.
        assert!(read_account(&options(service, folder.path())).unwrap_err().message.contains("ca.crt"));
        for (name, text) in [("ca.crt", "PEM"), ("token", "abc\n"), ("namespace", "tenant\n")] {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        let got = read_account(&options(service, folder.path())).unwrap().unwrap();
        assert_eq!(got.cluster.get("server").unwrap(), "https://10.0.0.1:443");
        assert_eq!(got.user.get("token").unwrap(), "abc");
        assert_eq!(got.namespace.as_deref(), Some("tenant"));
        let got = read_account(&options(Some(("fd00::1", "6443")), folder.path())).unwrap().unwrap();
        assert_eq!(got.cluster.get("server").unwrap(), "https://[fd00::1]:6443");
        assert!(read_account(&options(Some(("10.0.0.1", "x")), folder.path())).is_err());
        fs_err::write(folder.path().join("namespace"), "../x").unwrap();
        assert_eq!(read_account(&options(service, folder.path())).unwrap().unwrap().namespace, None);
    }
}
