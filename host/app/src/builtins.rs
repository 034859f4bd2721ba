//! [`StoreHost`]: serves the built-in functions of policies from the store that evidence comes from.
//!
//! It is here because crates on one level do not name each other: `assay-conforma` calls, `assay-oci` and `assay-evidence`
//! serve.

use std::sync::Arc;

use assay_conforma::{Attested, Described, Files, Functions, Host, HostError, Referrer, SigstoreOptions};
use assay_evidence::{
    PublicKey, Relocation, Trust,
    keyless::{CertificateLogPolicy, LogPolicy, SigstoreKeys, TrustRoot},
};
use assay_model::{
    error::{ErrorCode, EvaluationError},
    evidence::Signature,
    image::{ImageRef, PinnedImage},
    limits,
    policy::Identity,
};
use assay_oci::{ContentStore, RegistryOptions, Resolved};

use crate::{
    error::RequestError,
    mode::Mode,
    source_settings::open_registry,
    trust::{PolicyTrust, SignerError, reports, signer},
    trust_root::{LazyTrustRoot, TrustRootSettings},
};

/// The tags at which `ec` looks for what is attached to an image.
const ATTACHED: [&str; 3] = ["sig", "att", "sbom"];

/// The registry access of built-in functions of policies, with the trust root of what they verify.
///
/// # Errors
/// The options cannot be used.
pub fn registry_host(
    options: RegistryOptions,
    trust_root: TrustRootSettings,
    mode: Mode,
) -> Result<Arc<dyn assay_rego::Host>, RequestError> {
    let trust = PolicyTrust { relocation: Relocation::Refused, mode, root: LazyTrustRoot::new(trust_root) };
    let store = StoreHost::new(Arc::new(open_registry(options)?), trust);
    Ok(Arc::new(Functions::new(Arc::new(store))))
}

/// The store as policies see it.
pub(crate) struct StoreHost {
    store: Arc<ContentStore>,
    trust: PolicyTrust,
}

impl StoreHost {
    pub(crate) const fn new(store: Arc<ContentStore>, trust: PolicyTrust) -> Self {
        Self { store, trust }
    }

    fn resolve(&self, reference: &str) -> Result<Resolved, HostError> {
        let image: ImageRef = reference.parse().map_err(undefined)?;
        self.store.resolve(&image).map_err(absent_or_error)
    }

    /// The image that a reference stands for. Only a tag has to be there for that, as in `ec`.
    fn image(&self, reference: &str) -> Result<PinnedImage, HostError> {
        let image: ImageRef = reference.parse().map_err(undefined)?;
        match image.pinned() {
            Some(pinned) => Ok(pinned),
            None => self.store.resolve(&image).map(|resolved| resolved.image).map_err(absent_or_error),
        }
    }

    /// The manifest of the image that a reference names; of an index, that of the default platform.
    fn platform_manifest(&self, reference: &str, resolved: &Resolved) -> Result<Arc<[u8]>, HostError> {
        let manifest = self.store.default_platform_manifest(resolved).map_err(absent_or_error)?;
        let manifest = manifest.ok_or_else(|| undefined(format!("`{reference}` has no linux/amd64 image")))?;
        Ok(Arc::clone(manifest.bytes()))
    }

    fn trust(&self, options: &SigstoreOptions) -> Result<Trust, HostError> {
        let PolicyTrust { relocation, mode, .. } = &self.trust;
        let log = if options.ignore_rekor { LogPolicy::Ignored } else { LogPolicy::Required };
        let trust = if options.public_key.is_empty() {
            let identity = Identity {
                subject: options.certificate_identity.clone(),
                subject_reg_exp: options.certificate_identity_regexp.clone(),
                issuer: options.certificate_oidc_issuer.clone(),
                issuer_reg_exp: options.certificate_oidc_issuer_regexp.clone(),
            };
            let signer = signer(&identity).map_err(|error: SignerError| invalid_options(&error))?;
            let root = self.trust_root(options)?;
            Trust::in_identities(vec![signer], &root, log, CertificateLogPolicy::Required, *relocation)
        } else {
            // A policy must not make this program read files of the machine it runs on.
            let key = PublicKey::from_pem_for_ec(&options.public_key).map_err(|error| invalid_options(&error))?;
            match log {
                LogPolicy::Ignored => Trust::in_key(key, *relocation),
                LogPolicy::Required => Trust::in_logged_key(key, &self.trust_root(options)?, *relocation),
            }
        };
        Ok(trust.with_reports(reports(*mode)))
    }

    /// The trust root of the run. A log's key that the policy has stands for the logs in it.
    fn trust_root(&self, options: &SigstoreOptions) -> Result<Arc<TrustRoot>, HostError> {
        let loaded =
            self.trust.root.load().map_err(|error| {
                HostError::Evaluation(EvaluationError::new(ErrorCode::BuiltinFailed, error.message()))
            })?;
        if options.rekor_public_key.is_empty() {
            return Ok(Arc::clone(&loaded.root));
        }
        let keys = SigstoreKeys { log: Some(options.rekor_public_key.clone()), ..SigstoreKeys::default() };
        let root = TrustRoot::from_keys(&keys, loaded.text.as_deref());
        root.map(Arc::new).map_err(|error| {
            let why = error.to_string().replace("SIGSTORE_REKOR_PUBLIC_KEY", "rekor_public_key");
            invalid_options(&why)
        })
    }
}

/// What is wrong with the options of a policy, in the words of `ec`.
fn invalid_options(error: &dyn std::fmt::Display) -> HostError {
    HostError::Undefined(format!("opts parameter: new policy: {error}"))
}

fn undefined(error: impl std::fmt::Display) -> HostError {
    HostError::Undefined(error.to_string())
}

fn pinned(reference: &str) -> Result<PinnedImage, HostError> {
    PinnedImage::parse(reference).map_err(undefined)
}

/// The image to verify, which is named by digest alone, in the words of `ec`.
fn verified(reference: &str) -> Result<PinnedImage, HostError> {
    let image: Option<ImageRef> = reference.parse().ok();
    image.and_then(|image| image.pinned()).ok_or_else(|| {
        HostError::Undefined(format!(
            "new digest: a digest must contain exactly one '@' separator (e.g. registry/repository@digest) saw: {reference}"
        ))
    })
}

/// What is not there is undefined, as in `ec`; what could not be had ends the evaluation.
fn absent_or_error(error: EvaluationError) -> HostError {
    match error.code {
        ErrorCode::ImageNotFound | ErrorCode::BlobNotFound | ErrorCode::ImageReference => {
            HostError::Undefined(error.message)
        }
        _ => HostError::Evaluation(error),
    }
}

impl Host for StoreHost {
    fn blob(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        let blob = pinned(reference)?;
        let bytes = self.store.blob_within(&blob.repository, &blob.digest, None, limits::BLOB_BYTES);
        let bytes = bytes.map_err(absent_or_error)?;
        // `ec` unpacks it and then misses the digest.
        if assay_oci::is_compressed(&bytes) {
            return Err(undefined(format!("`{reference}` is compressed")));
        }
        Ok(bytes)
    }

    fn blob_files(&self, reference: &str, paths: &[&str]) -> Result<Files, HostError> {
        let files = assay_oci::blob_files(&self.store, &pinned(reference)?, paths).map_err(absent_or_error)?;
        files.ok_or_else(|| undefined(format!("`{reference}` is not an archive")))
    }

    fn image_files(&self, reference: &str, folders: &[&str]) -> Result<Files, HostError> {
        let files = assay_oci::image_files(&self.store, &pinned(reference)?, folders).map_err(absent_or_error)?;
        files.ok_or_else(|| undefined(format!("a layer of `{reference}` is not an archive")))
    }

    fn image_manifest(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        self.platform_manifest(reference, &self.resolve(reference)?)
    }

    fn image_manifests(&self, references: &[&str]) -> Vec<Result<Arc<[u8]>, HostError>> {
        let images: Vec<Result<ImageRef, _>> = references.iter().map(|reference| reference.parse()).collect();
        let wanted: Vec<ImageRef> = images.iter().filter_map(|image| image.as_ref().ok().cloned()).collect();
        let mut resolved = self.store.resolve_all(&wanted).into_iter();
        let result = |(image, reference): (Result<ImageRef, _>, &&str)| {
            image.map_err(|error: assay_model::image::ImageRefError| undefined(error))?;
            let lost = || Err(EvaluationError::new(ErrorCode::Internal, "a requested manifest was not awaited"));
            let resolved = resolved.next().unwrap_or_else(lost).map_err(absent_or_error)?;
            self.platform_manifest(reference, &resolved)
        };
        images.into_iter().zip(references).map(result).collect()
    }

    fn image_index(&self, reference: &str) -> Result<Arc<[u8]>, HostError> {
        let manifest = self.resolve(reference)?.manifest;
        if manifest.index().is_none() {
            return Err(undefined(format!("`{reference}` is not an index")));
        }
        Ok(Arc::clone(manifest.bytes()))
    }

    fn descriptor(&self, reference: &str) -> Result<Described, HostError> {
        let descriptor = self.resolve(reference)?.manifest.descriptor();
        Ok(described(&descriptor))
    }

    fn image_referrers(&self, reference: &str) -> Result<Vec<Referrer>, HostError> {
        let image = self.image(reference)?;
        let referrers = self.store.referrers(&image).map_err(absent_or_error)?;
        let referrer = |referrer: &assay_oci::Referrer| Referrer {
            described: described(&referrer.descriptor),
            artifact_type: referrer.artifact_type.clone(),
            reference: image.repository.at(referrer.descriptor.digest.clone()).to_string(),
            annotations: referrer.descriptor.annotations.clone(),
        };
        Ok(referrers.iter().map(referrer).collect())
    }

    fn image_tag_refs(&self, reference: &str) -> Result<Vec<String>, HostError> {
        let image = self.image(reference)?;
        let mut found = Vec::new();
        for kind in ATTACHED {
            let tag = format!("sha256-{}.{kind}", image.digest.hex());
            if self.store.tagged(&image.repository, &tag).map_err(absent_or_error)?.is_some() {
                found.push(format!("{}:{tag}", image.repository));
            }
        }
        Ok(found)
    }

    fn verify_image(&self, reference: &str, options: &SigstoreOptions) -> Result<Vec<Signature>, HostError> {
        let image = verified(reference)?;
        let trust = self.trust(options)?;
        let found = assay_evidence::verify_image(&self.store, &image, &trust).map_err(HostError::Evaluation)?;
        found.map_err(|error| HostError::Undefined(format!("verify image signature: {error}")))
    }

    fn verify_attestation(&self, reference: &str, options: &SigstoreOptions) -> Result<Vec<Attested>, HostError> {
        let image = verified(reference)?;
        let trust = self.trust(options)?;
        let found = assay_evidence::verify_attestations(&self.store, &image, &trust).map_err(HostError::Evaluation)?;
        let found =
            found.map_err(|error| HostError::Undefined(format!("verify image attestation signature: {error}")))?;
        let attested = |attestation: assay_model::evidence::Attestation| Attested {
            statement: attestation.statement,
            signatures: attestation.signatures,
        };
        Ok(found.into_iter().map(attested).collect())
    }
}

fn described(descriptor: &assay_oci::Descriptor) -> Described {
    Described {
        media_type: descriptor.media_type.clone(),
        size: descriptor.size,
        digest: descriptor.digest.to_string(),
    }
}
