//! [`GrantRequest`]: what `plugin run` grants a plugin: the entry of `plugins.toml`, and for development whatever its manifest
//! requests.

use std::collections::BTreeMap;

use assay_wasm::{Grants, HttpGrant, Plugin, Requested, SecretGrant, SecretScheme, SecretValue};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::{
    error::{RequestError, RequestErrorKind},
    read::read_text,
};

/// The largest list of plugins.
const LIST_BYTES: u64 = 4 << 20;

/// The largest file with a secret.
const SECRET_BYTES: u64 = 64 << 10;

/// Where grants come from.
#[derive(Clone, Debug, Default)]
pub struct GrantRequest {
    /// The list of plugins.
    pub plugins: Option<Utf8PathBuf>,
    /// Whether the plugin is under development: it may reach this machine, and without a list it gets what it requests.
    pub is_dev: bool,
    /// Where the values of secrets are, by their names: `env:VARIABLE` or `file:PATH`.
    pub secrets: Vec<(String, String)>,
}

/// What an entry of the list grants. The other keys of an entry say which component it is, which is given here.
#[derive(Debug, Default, Deserialize)]
struct Entry {
    #[serde(default)]
    http: Vec<HttpEntry>,
    #[serde(default)]
    secret: BTreeMap<String, SecretEntry>,
    #[serde(default)]
    limits: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpEntry {
    host: String,
    methods: Vec<String>,
    #[serde(default)]
    plain: bool,
    #[serde(default)]
    private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretEntry {
    from: Option<String>,
    host: String,
    #[serde(default = "authorization")]
    header: String,
    #[serde(default = "plain")]
    scheme: String,
    #[serde(default)]
    body: bool,
}

fn authorization() -> String {
    "Authorization".to_owned()
}

fn plain() -> String {
    "plain".to_owned()
}

#[derive(Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    plugin: BTreeMap<String, Entry>,
}

impl GrantRequest {
    /// The grants of a plugin for a job with these parameters. `variable` is the environment.
    ///
    /// # Errors
    /// The list is none, a secret has no value, or a given secret is for no host.
    pub fn read(
        &self,
        plugin: &Plugin,
        params: &[(String, String)],
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Grants, RequestError> {
        let name = &plugin.manifest().name;
        let mut grants = Grants { loopback: self.is_dev, ..Grants::default() };
        let mut folder = Utf8PathBuf::new();
        let mut entry = None;
        if let Some(file) = &self.plugins {
            let text = read_text(file, "--plugins", LIST_BYTES)?;
            let list: List = toml::from_str(&text).map_err(|error| {
                RequestError::new(format!("`{file}` is not a list of plugins: {}", error.message()))
            })?;
            folder = file.parent().map(Utf8Path::to_owned).unwrap_or_default();
            entry = list.plugin.into_iter().find(|(known, _)| known == name).map(|(_, entry)| entry);
        }
        let requested = Requested::of(plugin, params).map_err(|error| RequestError::new(error.to_string()))?;
        match entry {
            Some(entry) => self.of_entry(entry, &folder, variable, &mut grants)?,
            None if self.is_dev => grants.http.clone_from(&requested.http),
            None => {}
        }
        self.add_given(&requested, variable, &mut grants)?;
        Ok(grants)
    }

    fn of_entry(
        &self,
        entry: Entry,
        folder: &Utf8Path,
        variable: &dyn Fn(&str) -> Option<String>,
        grants: &mut Grants,
    ) -> Result<(), RequestError> {
        let host = |text: &str| {
            text.parse().map_err(|error| RequestError::new(format!("plugins.toml cannot be used: {error}")))
        };
        for HttpEntry { host: name, methods, plain, private } in entry.http {
            let methods = methods.iter().map(|method| method.to_ascii_uppercase()).collect();
            grants.http.push(HttpGrant { host: host(&name)?, methods, plain, private });
        }
        for (name, secret) in entry.secret {
            let given =
                self.secrets.iter().find(|(known, _)| *known == name).map(|(_, source)| (source, Utf8Path::new("")));
            let Some((source, folder)) = given.or(secret.from.as_ref().map(|source| (source, folder))) else {
                continue;
            };
            let scheme = match secret.scheme.as_str() {
                "plain" => SecretScheme::Plain,
                "bearer" => SecretScheme::Bearer,
                "basic" => SecretScheme::Basic,
                other => {
                    let fact = format!("plugins.toml cannot be used: `{other}` is none of plain, bearer, basic");
                    return Err(RequestError::new(fact));
                }
            };
            let grant = SecretGrant {
                value: SecretValue::new(&value(&name, source, folder, variable)?),
                host: host(&secret.host)?,
                header: secret.header,
                scheme,
                body: secret.body,
            };
            grants.secrets.insert(name, grant);
        }
        grants.limits = entry.limits;
        Ok(())
    }

    /// Secrets of the command line that the list does not have: they are for the host that the manifest names.
    fn add_given(
        &self,
        requested: &Requested,
        variable: &dyn Fn(&str) -> Option<String>,
        grants: &mut Grants,
    ) -> Result<(), RequestError> {
        for (name, source) in &self.secrets {
            if grants.secrets.contains_key(name) {
                continue;
            }
            let Some(host) = requested.secrets.get(name).filter(|_| self.is_dev) else {
                return Err(RequestError::new(format!("the secret `{name}` is for no host")).hint(format!(
                    "add `secret.{name} = {{ host = \"HOST\" }}` to the plugin's entry of plugins.toml, or pass --dev"
                )));
            };
            let grant = SecretGrant {
                value: SecretValue::new(&value(name, source, Utf8Path::new(""), variable)?),
                host: host.clone(),
                header: authorization(),
                scheme: SecretScheme::Bearer,
                body: true,
            };
            grants.secrets.insert(name.clone(), grant);
        }
        Ok(())
    }
}

/// The value of a secret: `env:VARIABLE` or `file:PATH`. The text is not repeated, as it may be the secret itself.
fn value(
    name: &str,
    source: &str,
    folder: &Utf8Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, RequestError> {
    match source.split_once(':') {
        Some(("env", wanted)) if !wanted.is_empty() => {
            variable(wanted).filter(|value| !value.is_empty()).ok_or_else(|| {
                RequestError::new(format!("the secret `{name}` has no value: the environment has no {wanted}"))
            })
        }
        Some(("file", path)) if !path.is_empty() => read_text(&folder.join(path), "a secret", SECRET_BYTES)
            .map_err(|error| error.with_kind(RequestErrorKind::Invalid)),
        _ => Err(RequestError::new(format!(
            "the secret `{name}` comes neither from `env:VARIABLE` nor from `file:PATH`"
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
            && ["env:", "file:"].iter().any(|start| source.starts_with(start) && source.len() > start.len())
    });
    // What is wrong may be the secret itself.
    parsed.map(|(name, source)| (name.to_owned(), source.to_owned())).ok_or_else(|| {
        RequestError::new("a value of `--secret` is neither NAME=env:VARIABLE nor NAME=file:PATH")
            .hint("write `--secret token=env:CI_TOKEN`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_given_itself_is_refused_and_not_repeated() {
        assert_eq!(parse_secret("a=env:B").unwrap(), ("a".to_owned(), "env:B".to_owned()));
        for bad in ["a", "a=hunter2", "=env:B", "a=env:", "a=file:"] {
            let error = parse_secret(bad).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let error = value("a", "hunter2", Utf8Path::new(""), &|_| None).unwrap_err().to_string();
        assert!(error.contains("neither from `env:VARIABLE`") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_value_is_in_the_environment_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::write(folder.join("token"), "in the file\n").unwrap();
        let variable = |name: &str| (name == "TOKEN").then(|| "in the environment".to_owned());
        assert_eq!(value("a", "env:TOKEN", folder, &variable).unwrap(), "in the environment");
        assert_eq!(value("a", "file:token", folder, &variable).unwrap(), "in the file\n");
        assert!(value("a", "env:OTHER", folder, &variable).unwrap_err().to_string().contains("has no OTHER"));
    }
}
