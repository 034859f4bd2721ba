//! [`verify_request`]: the flags of `verify` made sense of.

use assay_app::{
    CertificateLogPolicy, ClusterAccess, ImagePlace, LogPolicy, Relocation, SignerRequest, TrustRequest, VerifyRequest,
    VerifySubject,
};

use super::{
    Environment, non_empty,
    trust::{identity, load_key, trust_root_settings},
};
use crate::{
    error::CliError,
    flags::{
        snapshot::WaitFlags,
        verify::{ImagePlaceFlags, SignerFlags, Verify},
    },
    registries,
};

/// cosign's names for predicate types (`cmd/cosign/cli/options/predicate.go`).
const PREDICATE_TYPES: [(&str, &str); 10] = [
    ("custom", "https://cosign.sigstore.dev/attestation/v1"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("link", "https://in-toto.io/Link/v1"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
    ("openvex", "https://openvex.dev/ns"),
];

/// The request that the flags make.
pub(crate) fn verify_request(
    flags: &Verify,
    env: &Environment,
    cluster: &ClusterAccess,
) -> Result<VerifyRequest, CliError> {
    let (signer, subject, predicate_type) = match flags {
        Verify::Image(flags) => (&flags.signer, VerifySubject::Image(place(&flags.place, env)?), None),
        Verify::Attestation(flags) => {
            let subject = VerifySubject::Attestations(place(&flags.place, env)?);
            (&flags.signer, subject, flags.statement.predicate_type.as_deref())
        }
        Verify::Bundle(flags) => {
            let subject = VerifySubject::Bundle { bundle: flags.bundle.clone(), artifact: flags.artifact.clone() };
            (&flags.signer, subject, flags.statement.predicate_type.as_deref())
        }
    };
    Ok(VerifyRequest {
        mode: env.mode,
        trust: trust_request(signer, env, cluster)?,
        trust_root: trust_root_settings(signer.identity.trusted_root.as_deref(), env),
        subject,
        predicate_type: non_empty(predicate_type).map(parse_predicate_type).transpose()?,
    })
}

/// The request that verifies one image of a Snapshot, which is named later.
pub(crate) fn wait_verification(
    flags: &WaitFlags,
    env: &Environment,
    cluster: &ClusterAccess,
) -> Result<VerifyRequest, CliError> {
    let place = ImagePlace {
        image: String::new(),
        evidence: flags.evidence.clone().filter(|path| !path.as_str().is_empty()),
        registries: registries::parse_options(&flags.registries, (env.network)())?,
        deadline: env.deadline,
    };
    Ok(VerifyRequest {
        mode: env.mode,
        trust: trust_request(&flags.signer, env, cluster)?,
        trust_root: trust_root_settings(flags.signer.identity.trusted_root.as_deref(), env),
        subject: VerifySubject::Image(place),
        predicate_type: None,
    })
}

fn place(flags: &ImagePlaceFlags, env: &Environment) -> Result<ImagePlace, CliError> {
    Ok(ImagePlace {
        image: flags.image.clone(),
        evidence: flags.evidence.clone().filter(|path| !path.as_str().is_empty()),
        registries: registries::parse_options(&flags.registries, (env.network)())?,
        deadline: env.deadline,
    })
}

fn trust_request(flags: &SignerFlags, env: &Environment, cluster: &ClusterAccess) -> Result<TrustRequest, CliError> {
    let signer = match (non_empty(flags.key.as_deref()), identity(&flags.identity)) {
        (Some(argument), _) => SignerRequest::Key(load_key(argument, "--key", env.variable, cluster)?),
        (None, Some(identity)) => SignerRequest::Identity(identity),
        (None, None) => {
            return Err(CliError::new("no public key and no identity to verify signatures with")
                .hint("pass `--key FILE`, or `--certificate-identity` and `--certificate-oidc-issuer`"));
        }
    };
    Ok(TrustRequest {
        signer,
        log: if flags.ignore_rekor { LogPolicy::Ignored } else { LogPolicy::Required },
        certificate_log: if flags.ignore_sct { CertificateLogPolicy::Ignored } else { CertificateLogPolicy::Required },
        // The digest alone is compared, as in cosign.
        relocation: Relocation::Allowed,
    })
}

/// A URI, or the one that cosign's name stands for.
fn parse_predicate_type(text: &str) -> Result<String, CliError> {
    if let Some((_, uri)) = PREDICATE_TYPES.iter().find(|(name, _)| *name == text) {
        return Ok((*uri).to_owned());
    }
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    };
    if text.starts_with('/') || text.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return Ok(text.to_owned());
    }
    let names: Vec<&str> = PREDICATE_TYPES.iter().map(|(name, _)| *name).collect();
    Err(CliError::new(format!("`--type {text}` is not a predicate type"))
        .hint(format!("pass a URI, or one of {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicate_types_are_uris_or_the_names_of_cosign() {
        for (text, want) in [
            ("slsaprovenance", Some("https://slsa.dev/provenance/v0.2")),
            ("openvex", Some("https://openvex.dev/ns")),
            ("https://example.test/x", Some("https://example.test/x")),
            ("urn:x", Some("urn:x")),
            ("provenance", None),
            ("SPDX", None),
            (":x", None),
        ] {
            assert_eq!(parse_predicate_type(text).ok().as_deref(), want, "{text}");
        }
    }
}
