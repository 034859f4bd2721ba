//! [`Trust`]: who may sign, and for which repositories.
//!
//! The only place that knows what kinds of signers there are: verification passes a signature here with what it was made
//! over and what is beside it. A signer is a public key, a public key whose signatures are in a log, or identities.

use std::sync::Arc;

use assay_model::{
    evidence::Signature,
    image::{ImageRef, PinnedImage},
};

use crate::{
    error::VerificationError,
    key::PublicKey,
    keyless::{
        Annotations, BundleVerifier, CertificateLogPolicy, Content, Identity, LayerEvidence, LayerSigner,
        LayerVerifier, LogPolicy, TrustRoot, check_certificate_beside,
    },
};

/// Who is trusted, and for what.
#[derive(Clone, Debug)]
pub struct Trust {
    signer: TrustedSigner,
    relocation: Relocation,
    reports: SignerReports,
}

/// What reports and policies see of signers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerReports {
    /// All that is known of them.
    Whole,
    /// As in `ec`: nothing of a certificate in a bundle, and every signer that is missing is called a public key.
    AsEc,
}

#[derive(Clone, Debug)]
enum TrustedSigner {
    Key(PublicKey),
    Sigstore(Box<Sigstore>),
}

#[derive(Clone, Debug)]
struct Sigstore {
    layers: LayerVerifier,
    bundles: BundleVerifier,
}

/// Whether a signature may have been made for another repository than the image is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// The repository's path must be the signed one. The registry's host may differ.
    Refused,
    /// The image may have been copied to another path after it was signed.
    Allowed,
}

impl Trust {
    /// Trusts what this key signed.
    #[must_use]
    pub const fn in_key(key: PublicKey, relocation: Relocation) -> Self {
        Self { signer: TrustedSigner::Key(key), relocation, reports: SignerReports::Whole }
    }

    /// The same with other reports.
    #[must_use]
    pub const fn with_reports(mut self, reports: SignerReports) -> Self {
        self.reports = reports;
        self
    }

    /// What the signer is called in messages.
    pub(crate) const fn signer_name(&self) -> &'static str {
        match (&self.signer, self.reports) {
            (TrustedSigner::Sigstore(sigstore), SignerReports::Whole) if sigstore.layers.signer.is_identity() => {
                "identity"
            }
            _ => "public key",
        }
    }

    /// What is shown of the signer of a bundle beside the signature.
    pub(crate) fn describe_bundle(&self, evidence: &LayerEvidence, signature: Signature) -> Signature {
        match self.reports {
            SignerReports::Whole => evidence.describe(signature),
            SignerReports::AsEc => signature,
        }
    }

    /// Whether images may have been copied to another repository since they were signed.
    #[must_use]
    pub const fn relocation(&self) -> Relocation {
        self.relocation
    }

    /// Trusts what this key signed, if a log of the root has it.
    #[must_use]
    pub fn in_logged_key(key: PublicKey, root: &Arc<TrustRoot>, relocation: Relocation) -> Self {
        let certificates = CertificateLogPolicy::Required;
        Self::in_sigstore(&LayerSigner::Key(key), root, LogPolicy::Required, certificates, relocation)
    }

    /// Trusts what these identities signed, by the authorities and logs of the root.
    #[must_use]
    pub fn in_identities(
        identities: Vec<Identity>,
        root: &Arc<TrustRoot>,
        log: LogPolicy,
        certificate_log: CertificateLogPolicy,
        relocation: Relocation,
    ) -> Self {
        Self::in_sigstore(&LayerSigner::Identities(identities), root, log, certificate_log, relocation)
    }

    fn in_sigstore(
        signer: &LayerSigner,
        root: &Arc<TrustRoot>,
        log: LogPolicy,
        certificate_log: CertificateLogPolicy,
        relocation: Relocation,
    ) -> Self {
        let layers = LayerVerifier { signer: signer.clone(), root: Arc::clone(root), log, certificate_log };
        let bundles = BundleVerifier::new(signer.clone(), Arc::clone(root), log, certificate_log);
        let signer = TrustedSigner::Sigstore(Box::new(Sigstore { layers, bundles }));
        Self { signer, relocation, reports: SignerReports::Whole }
    }

    /// The trust root, where one is needed.
    pub(crate) fn root(&self) -> Option<&TrustRoot> {
        self.bundles().map(BundleVerifier::root)
    }

    /// What verifies bundles, if a key alone does not.
    pub(crate) const fn bundles(&self) -> Option<&BundleVerifier> {
        match &self.signer {
            TrustedSigner::Key(_) => None,
            TrustedSigner::Sigstore(sigstore) => Some(&sigstore.bundles),
        }
    }

    /// Verifies a layer or an envelope with what is annotated beside it.
    pub(crate) fn verify(
        &self,
        content: &Content<'_>,
        annotations: &Annotations,
    ) -> Result<LayerEvidence, VerificationError> {
        match &self.signer {
            TrustedSigner::Key(key) => {
                check_certificate_beside(key, annotations)?;
                let verified = content.verify_with(|message, signature| key.verifies(message, signature));
                match verified.is_empty() {
                    true => Err(VerificationError::Signature(key.mismatch())),
                    false => Ok(LayerEvidence { verified, ..LayerEvidence::default() }),
                }
            }
            TrustedSigner::Sigstore(sigstore) => sigstore.layers.verify(annotations, content),
        }
    }
}

impl Relocation {
    /// Refuses a signature whose references name other repositories than the image's.
    pub(crate) fn check_repository(self, references: &[String], image: &PinnedImage) -> Result<(), VerificationError> {
        let path = image.repository.path();
        match self {
            Self::Allowed => Ok(()),
            Self::Refused if references.iter().any(|reference| is_path(reference, path)) => Ok(()),
            Self::Refused => {
                Err(VerificationError::Repository { signed: references.join(", "), expected: path.to_owned() })
            }
        }
    }
}

/// Whether the reference names a repository of this path, on whatever registry.
fn is_path(reference: &str, path: &str) -> bool {
    // A single word without registry stands for itself, too, and not only for Docker Hub's `library/WORD`.
    reference == path || reference.parse::<ImageRef>().is_ok_and(|reference| reference.repository().path() == path)
}
