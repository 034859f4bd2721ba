//! [`collector`]: what collects the verified evidence of the images that a plugin is run on.

use super::run_request::RunPluginRequest;
use crate::{
    error::{RequestError, RequestErrorKind},
    image_evidence::ImageEvidence,
};

/// What collects the evidence.
///
/// # Errors
/// Nobody's signature counts, the key or the trust root cannot be used, or the layout cannot be opened.
pub(crate) fn collector(request: &RunPluginRequest<'_>) -> Result<ImageEvidence, RequestError> {
    let Some(trust) = &request.evidence.trust else {
        return Err(RequestError::of(
            RequestErrorKind::Invalid,
            "the plugin reads evidence, which is verified, and nobody's signature counts",
        )
        .hint("pass `--public-key FILE`, or `--certificate-identity` and `--certificate-oidc-issuer`"));
    };
    ImageEvidence::new(trust, request.evidence.layout.as_ref(), &request.sources)
}
