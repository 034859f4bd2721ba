//! [`GrantEntry`]: what `plugins.toml` grants one plugin, and [`ServiceLimit`]: how much of it may go on at a time.
//!
//! Secrets are named here and read when a run starts. Their values are in memory alone.

use std::collections::BTreeMap;

use assay_scheduler::ServiceLimit;
use assay_wasm::{Grants, HostPattern, HttpGrant, SecretGrant, SecretScheme, SecretValue};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{error::RequestError, read::read_text};

/// The largest file with a secret.
pub(crate) const SECRET_BYTES: u64 = 64 << 10;

/// The longest name of a group, and the most jobs of one at a time.
const GROUP: (usize, u32) = (100, 10_000);

/// A host that requests may be sent to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpEntry {
    host: String,
    #[serde(default = "get_alone")]
    methods: Vec<String>,
    #[serde(default)]
    plain: bool,
    #[serde(default)]
    private: bool,
}

/// A host or a secret that a list grants, without the place of a secret's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantedPermission {
    /// `http` or `secret`.
    pub kind: &'static str,
    /// The host, or the name of the secret.
    pub name: String,
    /// What it is bound to.
    pub options: Value,
}

/// The methods that a plugin may be granted. `CONNECT` and `TRACE` are none of them.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

impl HttpEntry {
    /// Whether it can be granted: the reason is the end of a sentence.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.host.parse::<HostPattern>().map_err(|error| error.to_string())?;
        let is_known = |method: &&String| METHODS.contains(&method.to_ascii_uppercase().as_str());
        match self.methods.iter().find(|method| !is_known(method)) {
            Some(bad) => Err(format!("`{bad}` is not one of the methods {}", METHODS.join(", "))),
            None => Ok(()),
        }
    }

    /// As rules that vet plugins see it.
    pub(crate) fn document(&self) -> Value {
        json!({"host": self.host, "methods": self.methods, "plain": self.plain, "private": self.private})
    }

    /// As people who inspect a plugin see it.
    pub(crate) fn granted(&self) -> GrantedPermission {
        let options = json!({"methods": self.methods, "plain": self.plain, "private": self.private});
        GrantedPermission { kind: "http", name: self.host.clone(), options }
    }
}

impl SecretEntry {
    /// Whether it can be granted: the reason is the end of a sentence, without any part of a secret.
    pub(crate) fn check(&self) -> Result<(), String> {
        let is_place =
            self.from.split_once(':').is_some_and(|(kind, place)| ["env", "file"].contains(&kind) && !place.is_empty());
        if !is_place {
            return Err("a secret comes from `env:NAME` or `file:PATH`".to_owned());
        }
        self.host.parse::<HostPattern>().map(drop).map_err(|error| error.to_string())
    }

    /// As rules that vet plugins see it: without the place of its value.
    pub(crate) fn document(&self) -> Value {
        json!({"host": self.host, "body": self.body})
    }

    /// As people who inspect a plugin see it: without the place of its value.
    pub(crate) fn granted(&self, name: &str) -> GrantedPermission {
        let options = json!({"host": self.host, "header": self.header, "scheme": self.scheme, "body": self.body});
        GrantedPermission { kind: "secret", name: name.to_owned(), options }
    }
}

/// Where a secret is, and where it may travel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretEntry {
    /// `env:VARIABLE` or `file:PATH`, relative to the list.
    from: String,
    host: String,
    #[serde(default = "authorization")]
    header: String,
    #[serde(default)]
    scheme: Scheme,
    #[serde(default)]
    body: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Scheme {
    Plain,
    #[default]
    Bearer,
    Basic,
}

fn get_alone() -> Vec<String> {
    vec!["GET".to_owned()]
}

fn authorization() -> String {
    "Authorization".to_owned()
}

/// What is granted to one plugin.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrantEntry<'a> {
    pub(crate) http: &'a [HttpEntry],
    pub(crate) secrets: Option<&'a BTreeMap<String, SecretEntry>>,
    pub(crate) limits: Option<&'a BTreeMap<String, u64>>,
    /// Values of secrets that the command was given, which count instead of those in their places.
    pub(crate) given: Option<&'a BTreeMap<String, String>>,
}

impl GrantEntry<'_> {
    /// The grants, with the values of secrets: `variable` gives those in the environment, files are relative to `folder`.
    /// `is_dev` lets the plugin reach this machine.
    ///
    /// # Errors
    /// A host is none, or a secret is not there. No error has any part of a secret.
    pub(crate) fn read(
        &self,
        plugin: &str,
        folder: &Utf8Path,
        variable: &dyn Fn(&str) -> Option<String>,
        is_dev: bool,
    ) -> Result<Grants, RequestError> {
        let host = |text: &str| -> Result<HostPattern, RequestError> {
            text.parse().map_err(|error| RequestError::new(format!("the grants of the plugin `{plugin}`: {error}")))
        };
        let http = self.http.iter().map(|entry| {
            Ok(HttpGrant {
                host: host(&entry.host)?,
                methods: entry.methods.iter().map(|method| method.to_ascii_uppercase()).collect(),
                plain: entry.plain,
                private: entry.private,
            })
        });
        let secrets = self.secrets.into_iter().flatten().map(|(name, entry)| {
            let scheme = match entry.scheme {
                Scheme::Plain => SecretScheme::Plain,
                Scheme::Bearer => SecretScheme::Bearer,
                Scheme::Basic => SecretScheme::Basic,
            };
            let value = match self.given.and_then(|given| given.get(name)) {
                Some(value) => SecretValue::new(value),
                None => SecretValue::new(&value_of(plugin, name, &entry.from, folder, variable)?),
            };
            let (host, header) = (host(&entry.host)?, entry.header.clone());
            Ok((name.clone(), SecretGrant { value, host, header, scheme, body: entry.body }))
        });
        Ok(Grants {
            entry: Some(plugin.to_owned()),
            http: http.collect::<Result<_, RequestError>>()?,
            secrets: secrets.collect::<Result<_, RequestError>>()?,
            limits: self.limits.cloned().unwrap_or_default(),
            loopback: is_dev,
        })
    }
}

/// The value of a secret.
fn value_of(
    plugin: &str,
    name: &str,
    from: &str,
    folder: &Utf8Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, RequestError> {
    let missing = |what: &str, hint: &str| {
        let fact = format!("the secret `{name}` of the plugin `{plugin}` {what}");
        RequestError::new(fact).hint(hint)
    };
    let value = match from.split_once(':') {
        Some(("env", name)) => variable(name).ok_or_else(|| {
            missing(&format!("is in the variable `{name}`, which is not set or not UTF-8"), "set it and run again")
        })?,
        Some(("file", path)) => {
            read_text(&folder.join(Utf8PathBuf::from(path)), &format!("the secret `{name}`"), SECRET_BYTES)?
        }
        _ => {
            let what = format!("has the place `{from}`");
            return Err(missing(&what, "a place is `env:VARIABLE` or `file:PATH`"));
        }
    };
    if value.trim().is_empty() {
        return Err(missing("is empty", "an empty credential is refused by every service"));
    }
    Ok(value)
}

/// The tokens of a plugin: how many of its jobs may be with its service at a time.
///
/// # Errors
/// The numbers are out of their range.
pub(crate) fn service_limit(
    plugin: &str,
    group: Option<&str>,
    max: Option<u32>,
) -> Result<Option<ServiceLimit>, RequestError> {
    let Some(max) = max else {
        return match group {
            Some(_) => Err(RequestError::new(format!("the plugin `{plugin}` has a `group` without `max`"))),
            None => Ok(None),
        };
    };
    let group = group.unwrap_or(plugin);
    if max == 0 || max > GROUP.1 || group.is_empty() || group.len() > GROUP.0 {
        let fact = format!("the plugin `{plugin}` has `max = {max}` for the group `{group}`");
        return Err(RequestError::new(fact)
            .hint(format!("a group has a name of at most {} bytes, and `max` is 1 to {}", GROUP.0, GROUP.1)));
    }
    Ok(Some(ServiceLimit { group: group.to_owned(), max }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entries {
        #[serde(default)]
        http: Vec<HttpEntry>,
        #[serde(default)]
        secret: BTreeMap<String, SecretEntry>,
        #[serde(default)]
        limits: BTreeMap<String, u64>,
    }

    fn read(text: &str, folder: &Utf8Path) -> Result<Grants, RequestError> {
        let Entries { http, secret, limits } = toml::from_str(text).unwrap();
        let variable = |name: &str| (name == "TOKEN").then(|| "value-of-the-token\n".to_owned());
        GrantEntry { http: &http, secrets: Some(&secret), limits: Some(&limits), given: None }
            .read("a", folder, &variable, false)
    }

    #[test]
    fn grants_are_read_with_secrets_from_variables_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::write(folder.join("token"), "user:word\n").unwrap();
        let text = "http = [{ host = 'ci.example.com', methods = ['get', 'POST'] }]\nlimits = { memory-mib = 16 }\n\
                    secret.one = { from = 'env:TOKEN', host = 'ci.example.com' }\n\
                    secret.two = { from = 'file:token', host = 'ci.example.com', scheme = 'basic', header = 'X-Auth' }\n";
        let grants = read(text, folder).unwrap();
        assert_eq!(grants.http[0].methods, ["GET", "POST"]);
        assert_eq!((grants.limits["memory-mib"], grants.loopback), (16, false));
        assert_eq!(grants.secrets["one"].value, SecretValue::new("value-of-the-token"));
        assert_eq!(
            (grants.secrets["two"].header.as_str(), grants.secrets["two"].scheme),
            ("X-Auth", SecretScheme::Basic)
        );
    }

    #[test]
    fn what_cannot_be_granted_is_said_without_any_part_of_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::write(folder.join("empty"), " \n").unwrap();
        for (text, says) in [
            ("http = [{ host = 'https://x' }]", "is not a host"),
            ("secret.s = { from = 'env:NONE', host = 'x' }", "which is not set"),
            ("secret.s = { from = 'file:none', host = 'x' }", "no such file"),
            ("secret.s = { from = 'file:empty', host = 'x' }", "is empty"),
            ("secret.s = { from = 'TOKEN', host = 'x' }", "the place `TOKEN`"),
        ] {
            let error = read(text, folder).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("value-of"), "{error}");
        }
    }

    #[test]
    fn tokens_have_a_group_and_a_number() {
        assert_eq!(service_limit("a", None, None).unwrap(), None);
        let limit = |group: &str, max| Some(ServiceLimit { group: group.to_owned(), max });
        assert_eq!(service_limit("a", None, Some(3)).unwrap(), limit("a", 3));
        assert_eq!(service_limit("a", Some("g"), Some(1)).unwrap(), limit("g", 1));
        for (group, max) in [(Some("g"), None), (None, Some(0)), (None, Some(GROUP.1 + 1)), (Some(""), Some(1))] {
            assert!(service_limit("a", group, max).is_err(), "{group:?} {max:?}");
        }
        assert!(service_limit("a", Some(&"g".repeat(GROUP.0 + 1)), Some(1)).is_err());
    }
}
