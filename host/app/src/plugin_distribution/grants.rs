//! What `plugins.toml` grants one plugin: hosts, secrets and limits, as [`Grants`].

use assay_wasm::{Grants, HostPattern, HttpGrant, SecretGrant, SecretScheme, SecretValue};
use camino::Utf8PathBuf;
use serde::Deserialize;
use serde_json::{Value, json};

use super::plugins_file::{PluginEntry, PluginsFile};
use crate::error::RequestError;

/// The methods that a plugin may be granted. `CONNECT` and `TRACE` are none of them.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// A host that a plugin may send requests to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HttpEntry {
    host: String,
    methods: Vec<String>,
    /// Whether plain HTTP may be used.
    #[serde(default)]
    plain: bool,
    /// Whether it may be in a private network.
    #[serde(default)]
    private: bool,
}

impl HttpEntry {
    pub(super) fn check(&self) -> Result<(), String> {
        self.grant().map(drop)
    }

    fn grant(&self) -> Result<HttpGrant, String> {
        let host: HostPattern = self.host.parse().map_err(|error| format!("{error}"))?;
        if let Some(bad) = self.methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            return Err(format!("`{bad}` is not one of the methods {}", METHODS.join(", ")));
        }
        Ok(HttpGrant { host, methods: self.methods.clone(), plain: self.plain, private: self.private })
    }
}

/// A secret that the host sends for a plugin.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SecretEntry {
    /// Where its value is.
    pub(crate) from: SecretSource,
    host: String,
    #[serde(default = "authorization")]
    header: String,
    #[serde(default)]
    scheme: Scheme,
    /// Whether it may also replace placeholders in bodies and queries.
    #[serde(default)]
    body: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Scheme {
    #[default]
    Plain,
    Bearer,
    Basic,
}

fn authorization() -> String {
    "Authorization".to_owned()
}

impl SecretEntry {
    pub(super) fn check(&self) -> Result<(), String> {
        let is_token = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if !is_token(&self.header) {
            return Err(format!("`{}` is not the name of a header", self.header));
        }
        self.host.parse::<HostPattern>().map(drop).map_err(|error| format!("{error}"))
    }

    fn grant(&self, value: &str) -> Result<SecretGrant, String> {
        Ok(SecretGrant {
            value: SecretValue::new(value),
            host: self.host.parse().map_err(|error| format!("{error}"))?,
            header: self.header.clone(),
            scheme: match self.scheme {
                Scheme::Plain => SecretScheme::Plain,
                Scheme::Bearer => SecretScheme::Bearer,
                Scheme::Basic => SecretScheme::Basic,
            },
            body: self.body,
        })
    }
}

/// Where the value of a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of the environment: `env:NAME`.
    Variable(String),
    /// A file: `file:PATH`, relative to `plugins.toml`.
    File(Utf8PathBuf),
}

impl std::str::FromStr for SecretSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            // The text may be the secret itself, so it is not repeated.
            _ => Err("a secret comes from `env:NAME` or `file:PATH`".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl PluginEntry {
    /// What is granted, as rules that vet plugins see it: of secrets their names and hosts.
    pub(super) fn granted(&self) -> Value {
        let http = self
            .http
            .iter()
            .map(|one| json!({"host": one.host, "methods": one.methods, "plain": one.plain, "private": one.private}));
        let secret = |(name, one): (&String, &SecretEntry)| (name.clone(), json!({"host": one.host, "body": one.body}));
        json!({
            "http": http.collect::<Vec<_>>(),
            "secrets": self.secrets.iter().map(secret).collect::<serde_json::Map<_, _>>(),
            "limits": self.limits,
        })
    }
}

impl PluginsFile {
    /// What a plugin is granted. `value` gives the value of a secret; a file's path is absolute, or relative to where the
    /// program was started. Nothing is granted to a plugin that is not listed.
    ///
    /// # Errors
    /// The value of a secret cannot be had.
    pub fn grants(
        &self,
        name: &str,
        is_dev: bool,
        value: &dyn Fn(&SecretSource) -> Result<String, RequestError>,
    ) -> Result<Grants, RequestError> {
        let Some(entry) = self.plugins.get(name) else { return Ok(Grants { loopback: is_dev, ..Grants::default() }) };
        let invalid = |what: String| RequestError::new(format!("`{}`: plugin `{name}`: {what}", self.path));
        let http = entry.http.iter().map(HttpEntry::grant).collect::<Result<_, _>>().map_err(&invalid)?;
        let mut secrets = std::collections::BTreeMap::new();
        for (secret, entry) in &entry.secrets {
            let from = match &entry.from {
                SecretSource::File(path) => SecretSource::File(self.folder().join(path)),
                variable @ SecretSource::Variable(_) => variable.clone(),
            };
            secrets.insert(secret.clone(), entry.grant(&value(&from)?).map_err(&invalid)?);
        }
        Ok(Grants { http, secrets, limits: entry.limits.clone(), loopback: is_dev })
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    #[test]
    fn grants_have_their_hosts_secrets_and_limits_and_nothing_else() {
        let text = "[plugin.a]\nsource = 'registry.example/a'\nlimits = { memory-mib = 8 }\n\
                    http = [{ host = 'ci.example.com', methods = ['GET'], private = true }]\n\
                    secret.token = { from = 'file:t', host = 'ci.example.com', scheme = 'bearer' }\n";
        let list = PluginsFile::parse(text, Utf8Path::new("x/plugins.toml")).unwrap();
        let value = |source: &SecretSource| {
            assert_eq!(*source, SecretSource::File("x/t".into()));
            Ok("hidden\n".to_owned())
        };
        let grants = list.grants("a", false, &value).unwrap();
        let http = grants.http.first().unwrap();
        assert_eq!((http.host.to_string().as_str(), http.private, http.plain), ("ci.example.com", true, false));
        let secret = &grants.secrets["token"];
        assert_eq!(
            (secret.header.as_str(), secret.scheme, secret.body),
            ("Authorization", SecretScheme::Bearer, false)
        );
        assert_eq!(secret.value, SecretValue::new("hidden"));
        assert_eq!((grants.limits["memory-mib"], grants.loopback), (8, false));
        let none = list.grants("b", true, &value).unwrap();
        assert!(none.http.is_empty() && none.secrets.is_empty() && none.loopback);
    }

    #[test]
    fn a_text_that_may_be_a_secret_is_not_repeated() {
        for text in ["hunter2", "env:", "k8s://a/b#c", ""] {
            let error = text.parse::<SecretSource>().unwrap_err();
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }
}
