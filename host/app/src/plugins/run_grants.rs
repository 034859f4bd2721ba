//! [`GrantRequest`]: what `plugin run` grants a plugin: the entry of `plugins.toml`, and for development whatever its manifest
//! requests.

use std::collections::BTreeMap;

use assay_model::cluster::SecretKey;
use assay_wasm::{Grants, Plugin, Requested, SecretGrant, SecretScheme, SecretValue};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    cluster_access::ClusterAccess,
    error::{RequestError, RequestErrorKind},
    plugin_distribution::PluginsFile,
    plugin_grants::SECRET_BYTES,
    read::read_text,
};

/// Where grants come from.
#[derive(Clone, Debug, Default)]
pub struct GrantRequest {
    /// The list of plugins.
    pub plugins: Option<Utf8PathBuf>,
    /// The entry of the list that grants something; none for a plugin that the list does not have.
    pub entry: Option<String>,
    /// Whether the plugin is under development: it may reach this machine, and without a list it gets what it requests.
    pub is_dev: bool,
    /// Where the values of secrets are, by their names: `env:VARIABLE`, `file:PATH` or `k8s://NAMESPACE/SECRET/FIELD`.
    pub secrets: Vec<(String, String)>,
}

/// Where the values of secrets may be.
#[derive(Clone, Copy)]
pub struct SecretPlaces<'a> {
    /// The environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// A cluster.
    pub cluster: &'a ClusterAccess,
}

impl GrantRequest {
    /// The grants of a plugin for a job with these parameters.
    ///
    /// # Errors
    /// The list is none, a secret has no value, or a given secret is for no host.
    pub fn read(
        &self,
        plugin: &Plugin,
        params: &[(String, String)],
        places: SecretPlaces<'_>,
    ) -> Result<Grants, RequestError> {
        let SecretPlaces { variable, cluster } = places;
        let mut given = BTreeMap::new();
        for (name, source) in &self.secrets {
            given.insert(name.clone(), value(name, source, variable, cluster)?);
        }
        let requested = Requested::of(plugin, params).map_err(|error| RequestError::new(error.to_string()))?;
        let list = self.plugins.as_deref().map(PluginsFile::read).transpose()?;
        let entry = match (list, &self.entry) {
            (Some(list), Some(name)) => list.grants_with(name, &given, variable, self.is_dev)?,
            _ => None,
        };
        let mut grants = entry.unwrap_or_else(|| Grants {
            entry: self.entry.clone(),
            http: if self.is_dev { requested.http.clone() } else { Vec::new() },
            loopback: self.is_dev,
            ..Grants::default()
        });
        self.add_given(&requested, given, &mut grants)?;
        Ok(grants)
    }

    /// Secrets of the command line that the list does not have: they are for the host that the manifest names.
    fn add_given(
        &self,
        requested: &Requested,
        given: BTreeMap<String, String>,
        grants: &mut Grants,
    ) -> Result<(), RequestError> {
        for (name, value) in given {
            if grants.secrets.contains_key(&name) {
                continue;
            }
            let Some(host) = requested.secrets.get(&name).filter(|_| self.is_dev) else {
                return Err(RequestError::new(format!("the secret `{name}` is for no host")).hint(format!(
                    "add `secret.{name} = {{ from = \"env:VARIABLE\", host = \"HOST\" }}` to the plugin's entry of plugins.toml, or pass --dev"
                )));
            };
            let grant = SecretGrant {
                value: SecretValue::new(&value),
                host: host.clone(),
                header: "Authorization".to_owned(),
                scheme: SecretScheme::Bearer,
                body: true,
            };
            grants.secrets.insert(name, grant);
        }
        Ok(())
    }
}

/// The value of a secret: `env:VARIABLE`, `file:PATH` or `k8s://NAMESPACE/SECRET/FIELD`. The text is not repeated, as it may be
/// the secret itself.
fn value(
    name: &str,
    source: &str,
    variable: &dyn Fn(&str) -> Option<String>,
    cluster: &ClusterAccess,
) -> Result<String, RequestError> {
    if SecretKey::is_meant(source) {
        return cluster.read_secret_text(source, &format!("the secret `{name}`"));
    }
    match source.split_once(':') {
        Some(("env", wanted)) if !wanted.is_empty() => {
            variable(wanted).filter(|value| !value.is_empty()).ok_or_else(|| {
                RequestError::new(format!("the secret `{name}` has no value: the environment has no {wanted}"))
            })
        }
        Some(("file", path)) if !path.is_empty() => read_text(Utf8Path::new(path), "a secret", SECRET_BYTES)
            .map_err(|error| error.with_kind(RequestErrorKind::Invalid)),
        _ => Err(RequestError::new(format!(
            "the secret `{name}` comes neither from `env:VARIABLE` nor from `file:PATH` or `k8s://NAMESPACE/SECRET/FIELD`"
        ))),
    }
}

/// Reads `NAME=SOURCE`.
///
/// # Errors
/// It is not of that form.
pub fn parse_secret(text: &str) -> Result<(String, String), RequestError> {
    let parsed = text.split_once('=').filter(|(name, source)| {
        !name.is_empty()
            && ["env:", "file:", "k8s://"].iter().any(|start| source.starts_with(start) && source.len() > start.len())
    });
    // What is wrong may be the secret itself.
    parsed.map(|(name, source)| (name.to_owned(), source.to_owned())).ok_or_else(|| {
        RequestError::new("a value of `--secret` is neither NAME=env:VARIABLE nor NAME=file:PATH or NAME=k8s://NAMESPACE/SECRET/FIELD")
            .hint("write `--secret token=env:CI_TOKEN`")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use assay_model::{
        cluster::{ClusterError, ObjectKind, ObjectName},
        port::Cluster,
    };

    use super::*;
    use crate::mode::Mode;

    /// A cluster in which each Secret has each field.
    struct OneSecret;

    impl Cluster for OneSecret {
        fn read_object(&self, _kind: ObjectKind, _name: &ObjectName) -> Result<Arc<str>, ClusterError> {
            Ok(Arc::from(""))
        }

        fn read_secret(&self, key: &SecretKey) -> Result<Vec<u8>, ClusterError> {
            Ok(format!("in the Secret {} at {}", key.secret, key.field).into_bytes())
        }
    }

    #[test]
    fn a_secret_that_is_given_itself_is_refused_and_not_repeated() {
        assert_eq!(parse_secret("a=env:B").unwrap(), ("a".to_owned(), "env:B".to_owned()));
        for bad in ["a", "a=hunter2", "=env:B", "a=env:", "a=file:"] {
            let error = parse_secret(bad).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let error = value("a", "hunter2", &|_| None, &ClusterAccess::offline(Mode::Native)).unwrap_err().to_string();
        assert!(error.contains("neither from `env:VARIABLE`") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_value_is_in_the_environment_a_file_or_a_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::write(folder.join("token"), "in the file\n").unwrap();
        let cluster = ClusterAccess::through(Arc::new(OneSecret), Mode::Native);
        let variable = |name: &str| (name == "TOKEN").then(|| "in the environment".to_owned());
        assert_eq!(value("a", "env:TOKEN", &variable, &cluster).unwrap(), "in the environment");
        assert_eq!(value("a", &format!("file:{folder}/token"), &variable, &cluster).unwrap(), "in the file\n");
        assert!(value("a", "env:OTHER", &variable, &cluster).unwrap_err().to_string().contains("has no OTHER"));
        assert_eq!(
            value("a", "k8s://ci/jenkins/token", &variable, &cluster).unwrap(),
            "in the Secret ci/jenkins at token"
        );
        for odd in ["k8s://ci/jenkins", "k8s://", "k8s://ci/jenkins/a b"] {
            let error = value("a", odd, &variable, &cluster).unwrap_err().message();
            assert!(error.contains("k8s://NAMESPACE/SECRET/FIELD"), "{error}");
        }
    }
}
