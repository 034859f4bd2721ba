//! [`verify`]: whether one image, its attestations or a file is signed by someone who is trusted.

use std::time::Instant;

use assay_evidence::{
    Proofs, Refused, VerificationError,
    keyless::{Artifact, BundleVerifier},
    prove_attestations, prove_bundle, prove_image,
};
use assay_model::{
    digest::Digest,
    error::EvaluationError,
    image::{ImageRef, PinnedImage},
    limits,
};
use assay_oci::{ContentStore, RegistryOptions};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    error::{RequestError, RequestErrorKind},
    mode::Mode,
    read::{read_bytes, read_within},
    source_settings::open_registry,
    trust::{TrustRequest, build_trust, build_verifier},
    trust_root::{LazyTrustRoot, TrustRootSettings},
};

/// A signed file: of a larger one, the digest can be given.
const ARTIFACT_BYTES: u64 = 1 << 30;

/// A request to verify one thing.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    /// Whose behavior it has.
    pub mode: Mode,
    /// Whose signatures count.
    pub trust: TrustRequest,
    /// Where the trust root is.
    pub trust_root: TrustRootSettings,
    /// What is verified.
    pub subject: VerifySubject,
    /// The predicate type that a statement must have.
    pub predicate_type: Option<String>,
}

/// What is verified.
#[derive(Clone, Debug)]
pub enum VerifySubject {
    /// The signatures of an image.
    Image(ImagePlace),
    /// The attestations about an image.
    Attestations(ImagePlace),
    /// A Sigstore bundle in a file, about a file.
    Bundle {
        /// The bundle.
        bundle: Utf8PathBuf,
        /// A file, or `sha256:HEX` or `sha512:HEX`.
        artifact: String,
    },
}

/// An image and where it is read.
#[derive(Clone, Debug)]
pub struct ImagePlace {
    /// The reference of the image.
    pub image: String,
    /// The OCI layout that has it; without one, a registry does.
    pub evidence: Option<Utf8PathBuf>,
    /// How registries are accessed.
    pub registries: RegistryOptions,
    /// The end of the command.
    pub deadline: Option<Instant>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct VerifyResult {
    /// The image with its digest, or the digest of the file.
    pub subject: String,
    /// The key in PEM, if it is the signer that was wanted.
    pub key: Option<String>,
    /// What verifies and what does not.
    pub proofs: Proofs,
    /// What people should know of the request.
    pub warnings: Vec<String>,
}

/// Verifies an image, its attestations or a file.
///
/// # Errors
/// The request cannot be used; or what is needed cannot be read ([`RequestErrorKind::Evidence`]).
pub fn verify(request: &VerifyRequest) -> Result<VerifyResult, RequestError> {
    let root = LazyTrustRoot::new(request.trust_root.clone());
    if request.trust_root.file.is_some() {
        // One that is named must be one, whether or not it is needed.
        root.load()?;
    }
    let warnings = crate::trust::warnings(&request.trust, request.mode);
    let predicate_type = request.predicate_type.as_deref();
    let (subject, key, proofs) = match &request.subject {
        VerifySubject::Image(place) => {
            let trust = build_trust(&request.trust, request.mode, &root)?;
            let (store, image) = locate(place)?;
            (image.to_string(), trust.key, prove_image(&store, &image, &trust.trust).map_err(unread)?)
        }
        VerifySubject::Attestations(place) => {
            let trust = build_trust(&request.trust, request.mode, &root)?;
            let (store, image) = locate(place)?;
            let proofs = prove_attestations(&store, &image, &trust.trust, predicate_type).map_err(unread)?;
            (image.to_string(), trust.key, proofs)
        }
        VerifySubject::Bundle { bundle, artifact } => {
            let (verifier, key) = build_verifier(&request.trust, request.mode, &root)?;
            let artifact = ArtifactText::read(artifact)?;
            let proofs = match read_within(bundle, "--bundle", limits::ENVELOPE_BYTES)? {
                Some(text) => artifact.verify(&verifier, &text, bundle, predicate_type),
                // What it says is not known, so that nothing is verified, as with one that is malformed.
                None => {
                    let why = format!("the bundle has more than the {} bytes allowed", limits::ENVELOPE_BYTES);
                    let refused = Refused { place: bundle.to_string(), error: VerificationError::Limit(why) };
                    Proofs { refused: vec![refused], ..Proofs::default() }
                }
            };
            (artifact.subject(), key, proofs)
        }
    };
    Ok(VerifyResult { subject, key: (!key.is_empty()).then_some(key), proofs, warnings })
}

fn unread(error: EvaluationError) -> RequestError {
    let refused = RequestError::of(RequestErrorKind::Evidence, error.message);
    match error.hint {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

/// The store, and the image by its digest. A tag is resolved once.
fn locate(place: &ImagePlace) -> Result<(ContentStore, PinnedImage), RequestError> {
    let image: ImageRef = place.image.parse().map_err(|error| {
        RequestError::new(format!("`{}` is not the reference of an image: {error}", place.image))
            .hint("pass a reference such as `registry.example/shop/cart@sha256:…`")
    })?;
    let store = match &place.evidence {
        Some(path) => {
            let store = ContentStore::open_layout(path.as_std_path());
            let store = store.map_err(|error| {
                RequestError::from_error(&error).hint(error.hint()).with_kind(RequestErrorKind::Registry)
            })?;
            store.until(place.deadline)
        }
        None => {
            let mut options = place.registries.clone();
            options.deadline = place.deadline;
            open_registry(options)?
        }
    };
    let pinned = match image.pinned() {
        Some(pinned) => pinned,
        None => store.resolve(&image).map_err(unread)?.image,
    };
    Ok((store, pinned))
}

/// What a bundle must be about.
enum ArtifactText {
    Bytes(Vec<u8>),
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

impl ArtifactText {
    fn read(argument: &str) -> Result<Self, RequestError> {
        let invalid = |algorithm, digits| {
            RequestError::new(format!("`{argument}` is not a digest: {algorithm} has {digits} hex digits"))
                .hint("pass a file, or `sha256:HEX` or `sha512:HEX`")
        };
        if let Some(hex) = argument.strip_prefix("sha256:") {
            return hex_bytes(hex).map(Self::Sha256).ok_or_else(|| invalid("SHA-256", 64));
        }
        if let Some(hex) = argument.strip_prefix("sha512:") {
            return hex_bytes(hex).map(Self::Sha512).ok_or_else(|| invalid("SHA-512", 128));
        }
        read_bytes(Utf8Path::new(argument), "the signed file", ARTIFACT_BYTES).map(Self::Bytes)
    }

    fn subject(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        match self {
            Self::Bytes(bytes) => Digest::of(bytes).to_string(),
            Self::Sha256(digest) => format!("sha256:{}", hex(digest)),
            Self::Sha512(digest) => format!("sha512:{}", hex(digest)),
        }
    }

    fn verify(
        &self,
        verifier: &BundleVerifier,
        bundle: &[u8],
        place: &Utf8Path,
        predicate_type: Option<&str>,
    ) -> Proofs {
        let artifact = match self {
            Self::Bytes(bytes) => Artifact::Bytes(bytes),
            Self::Sha256(digest) => Artifact::Sha256(digest),
            Self::Sha512(digest) => Artifact::Sha512(digest),
        };
        prove_bundle(verifier, bundle, place.as_str(), artifact, predicate_type)
    }
}

/// The bytes of exactly so many pairs of hex digits.
fn hex_bytes<const LENGTH: usize>(hex: &str) -> Option<[u8; LENGTH]> {
    if hex.len() != 2 * LENGTH || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..LENGTH).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_its_digits_and_a_file_its_content() {
        let read = |text: &str| ArtifactText::read(text).map(|artifact| artifact.subject());
        let (short, long) = ("ab".repeat(32), "0F".repeat(64));
        assert_eq!(read(&format!("sha256:{short}")).unwrap(), format!("sha256:{short}"));
        assert_eq!(read(&format!("sha512:{long}")).unwrap(), format!("sha512:{}", long.to_lowercase()));
        for bad in [
            format!("sha256:{long}"),
            format!("sha512:{short}"),
            "sha256:".to_owned(),
            format!("sha256:{}", "é".repeat(32)),
        ] {
            assert!(read(&bad).unwrap_err().message().contains("is not a digest"), "{bad}");
        }
        assert!(read("no/such/file").unwrap_err().message().contains("no such file"));
    }
}
