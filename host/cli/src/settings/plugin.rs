//! [`parse_plugin`]: a WebAssembly check with its parameters; [`evidence_request`]: what plugins read of images.

use assay_app::{
    CertificateLogPolicy, ClusterAccess, EvidenceRequest, LogPolicy, PluginRequest, Relocation, SignerRequest,
    TrustRequest,
};
use camino::Utf8Path;

use super::{
    Environment, non_empty,
    trust::{identity, load_key},
};
use crate::{error::CliError, flags::image_evidence::EvidenceFlags};

/// Where the evidence of images is that plugins read, and whose signatures count for it: nobody's without a key and an identity.
pub(crate) fn evidence_request(
    flags: &EvidenceFlags,
    env: &Environment,
    cluster: &ClusterAccess,
) -> Result<EvidenceRequest, CliError> {
    let layout = flags.evidence.clone().filter(|path| !path.as_str().is_empty());
    let signer = match (non_empty(flags.public_key.as_deref()), identity(&flags.identity)) {
        (Some(argument), _) => SignerRequest::Key(load_key(argument, "--public-key", env.variable, cluster)?),
        (None, Some(identity)) => SignerRequest::Identity(identity),
        (None, None) => return Ok(EvidenceRequest { layout, trust: None }),
    };
    let trust = TrustRequest {
        signer,
        log: if flags.ignore_rekor { LogPolicy::Ignored } else { LogPolicy::Required },
        certificate_log: CertificateLogPolicy::Required,
        relocation: Relocation::Refused,
    };
    Ok(EvidenceRequest { layout, trust: Some(trust) })
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
