//! [`parse_plugin`]: a WebAssembly check with its parameters; [`plugin_trust_request`]: whose signatures count for what a plugin
//! reads.

use assay_app::{
    CertificateLogPolicy, ClusterAccess, LogPolicy, PluginRequest, Relocation, SignerRequest, TrustRequest,
};
use camino::Utf8Path;

use super::{
    Environment, non_empty,
    trust::{identity, load_key},
};
use crate::{error::CliError, flags::plugin::author::RunFlags};

/// Whose signatures count for the evidence of images; none without a key and an identity.
pub(crate) fn plugin_trust_request(
    flags: &RunFlags,
    env: &Environment,
    cluster: &ClusterAccess,
) -> Result<Option<TrustRequest>, CliError> {
    let signer = match (non_empty(flags.public_key.as_deref()), identity(&flags.identity)) {
        (Some(argument), _) => SignerRequest::Key(load_key(argument, "--public-key", env.variable, cluster)?),
        (None, Some(identity)) => SignerRequest::Identity(identity),
        (None, None) => return Ok(None),
    };
    Ok(Some(TrustRequest {
        signer,
        log: if flags.ignore_rekor { LogPolicy::Ignored } else { LogPolicy::Required },
        certificate_log: CertificateLogPolicy::Required,
        relocation: Relocation::Refused,
    }))
}

/// `--plugin FILE.wasm?param=value&…`
pub(super) fn parse_plugin(text: &str) -> Result<PluginRequest, CliError> {
    // A file whose name holds a question mark is taken as it is.
    let (file, query) = match text.split_once('?') {
        Some((file, query)) if !Utf8Path::new(text).exists() => (file, query),
        _ => (text, ""),
    };
    let mut params = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(CliError::new(format!("`--plugin {text}`: `{pair}` is not PARAM=VALUE"))
                .hint("write parameters like `check.wasm?deny=GPL-3.0-only&allow=MIT`"));
        };
        params.push((name.to_owned(), value.to_owned()));
    }
    Ok(PluginRequest { file: file.into(), params })
}
