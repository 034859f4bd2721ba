//! [`Requested`]: the hosts and secrets that a manifest requests, with the parameters of a job put in. An operator who
//! develops a plugin grants them all.

use std::collections::BTreeMap;

use crate::{
    capability::http::{host_of, methods_of},
    grants::{HostPattern, HttpGrant},
    params::ParamError,
    plugin::Plugin,
};

/// What a plugin requests for a job with certain parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// Hosts with their methods, as grants that allow plain HTTP and private addresses.
    pub http: Vec<HttpGrant>,
    /// The host of each secret.
    pub secrets: BTreeMap<String, HostPattern>,
}

impl Requested {
    /// What a plugin requests. A host `{param}` without a value is not requested.
    ///
    /// # Errors
    /// The parameters do not match the plugin.
    pub fn of(plugin: &Plugin, params: &[(String, String)]) -> Result<Self, ParamError> {
        let accepted = plugin.accepted();
        let params = accepted.schema.fill(&accepted.manifest.name, params)?;
        let mut found = Self::default();
        for one in &accepted.requested {
            match one.kind.as_str() {
                "http" => {
                    if let Some(host) = host_of(&one.name, &params) {
                        found.http.push(HttpGrant { host, methods: methods_of(one), plain: true, private: true });
                    }
                }
                "secret" => {
                    let host = one.options.iter().find(|(name, _)| name == "host");
                    if let Some(host) = host.and_then(|(_, host)| host_of(host, &params)) {
                        found.secrets.insert(one.name.clone(), host);
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }
}
