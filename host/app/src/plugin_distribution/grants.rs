//! What `plugins.toml` grants one plugin: hosts, secrets and limits, as [`Grants`].

use std::collections::BTreeMap;

use assay_scheduler::ServiceLimit;
use assay_wasm::Grants;
use serde_json::{Value, json};

use super::plugins_file::{PluginEntry, PluginsFile};
use crate::{
    error::RequestError,
    plugin_grants::{GrantEntry, GrantedPermission, HttpEntry, SecretEntry, service_limit},
};

impl PluginEntry {
    /// The hosts and secrets that are granted, as `plugin inspect` shows them.
    pub(super) fn granted_permissions(&self) -> Vec<GrantedPermission> {
        let hosts = self.http.iter().map(HttpEntry::granted);
        hosts.chain(self.secrets.iter().map(|(name, secret)| secret.granted(name))).collect()
    }

    /// What is granted, as rules that vet plugins see it: of secrets their names and hosts.
    pub(super) fn granted(&self) -> Value {
        let secret = |(name, one): (&String, &SecretEntry)| (name.clone(), one.document());
        json!({
            "http": self.http.iter().map(HttpEntry::document).collect::<Vec<_>>(),
            "secrets": self.secrets.iter().map(secret).collect::<serde_json::Map<_, _>>(),
            "limits": self.limits,
        })
    }
}

impl PluginsFile {
    /// What a plugin is granted. `variable` gives secrets that are in the environment; `is_dev` lets it reach this machine.
    /// Nothing is granted to a plugin that is not listed.
    ///
    /// # Errors
    /// The value of a secret cannot be had.
    pub(crate) fn grants(
        &self,
        name: &str,
        variable: &dyn Fn(&str) -> Option<String>,
        is_dev: bool,
    ) -> Result<Grants, RequestError> {
        let grants = self.grants_with(name, &BTreeMap::new(), variable, is_dev)?;
        Ok(grants.unwrap_or_else(|| Grants { loopback: is_dev, ..Grants::default() }))
    }

    /// What the entry of a plugin grants, or none without an entry. `given` has values of secrets by name, which count instead
    /// of those in the places that the entry names.
    ///
    /// # Errors
    /// As [`PluginsFile::grants`].
    pub(crate) fn grants_with(
        &self,
        name: &str,
        given: &BTreeMap<String, String>,
        variable: &dyn Fn(&str) -> Option<String>,
        is_dev: bool,
    ) -> Result<Option<Grants>, RequestError> {
        let Some(entry) = self.plugins.get(name) else { return Ok(None) };
        let (secrets, limits) = (Some(&entry.secrets), Some(&entry.limits));
        let grants = GrantEntry { http: &entry.http, secrets, limits, given: Some(given) };
        grants.read(name, self.folder(), variable, is_dev).map(Some)
    }

    /// How many jobs of a plugin may be with its service at a time; none is no limit.
    ///
    /// # Errors
    /// The numbers are out of their range.
    pub(crate) fn service_limit(&self, name: &str) -> Result<Option<ServiceLimit>, RequestError> {
        let entry = self.plugins.get(name);
        entry.map_or(Ok(None), |entry| service_limit(name, entry.group.as_deref(), entry.max))
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    #[test]
    fn grants_have_their_hosts_secrets_and_limits_and_nothing_else() {
        let text = "[plugin.a]\nsource = 'registry.example/a'\nlimits = { memory-mib = 8 }\nmax = 3\n\
                    http = [{ host = 'ci.example.com', methods = ['GET'], private = true }]\n\
                    secret.token = { from = 'env:TOKEN', host = 'ci.example.com', scheme = 'bearer' }\n";
        let list = PluginsFile::parse(text, Utf8Path::new("x/plugins.toml")).unwrap();
        let variable = |name: &str| (name == "TOKEN").then(|| "hidden\n".to_owned());
        let grants = list.grants("a", &variable, false).unwrap();
        let http = grants.http.first().unwrap();
        assert_eq!((http.host.to_string().as_str(), http.private, http.plain), ("ci.example.com", true, false));
        assert_eq!(grants.secrets["token"].value, assay_wasm::SecretValue::new("hidden"));
        assert_eq!((grants.limits["memory-mib"], grants.loopback), (8, false));
        let none = list.grants("b", &variable, true).unwrap();
        assert!(none.http.is_empty() && none.secrets.is_empty() && none.loopback);
        assert_eq!(list.service_limit("a").unwrap().map(|limit| limit.max), Some(3));
        let granted = list.plugins["a"].granted().to_string();
        assert!(granted.contains("ci.example.com") && !granted.contains("TOKEN"), "{granted}");
        let granted = serde_json::to_value(list.plugins["a"].granted_permissions()).unwrap();
        assert_eq!(
            granted,
            json!([
                {"kind": "http", "name": "ci.example.com", "options": {"methods": ["GET"], "plain": false, "private": true}},
                {"kind": "secret", "name": "token",
                 "options": {"host": "ci.example.com", "header": "Authorization", "scheme": "bearer", "body": false}},
            ])
        );
    }
}
