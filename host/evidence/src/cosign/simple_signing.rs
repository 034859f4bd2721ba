//! [`check`]: what a simple-signing payload claims (containers/image `containers-signature.5`), against the image.
//!
//! cosign compares the digest alone. Here every claim must hold. The type, because the same key may sign payloads
//! that mean something else. The repository, because anyone with a signed image of one product could otherwise
//! serve it as another; only its path is compared, since mirrors and OCI layouts keep the path and change the host.

use assay_model::{
    image::PinnedImage,
    strict::{StrictObject, string},
};

use crate::{error::VerificationError, trust::Relocation};

/// What cosign and Tekton Chains write, and what skopeo and the older tools wrote. Both say "this image is signed".
const TYPES: [&str; 2] = ["cosign container image signature", "atomic container signature"];

/// Rejects a payload that is not about this image.
pub(super) fn check(payload: &[u8], image: &PinnedImage, relocation: Relocation) -> Result<(), VerificationError> {
    let payload = std::str::from_utf8(payload).map_err(|_| "the signed payload is not valid UTF-8".to_owned())?;
    let critical = StrictObject::read(StrictObject::read(payload)?.required("critical")?)?;

    let claimed = string(StrictObject::read(critical.required("image")?)?.required("docker-manifest-digest")?)?;
    if claimed != image.digest.to_string() {
        return Err(VerificationError::Subject(format!("invalid or missing digest in claim: {claimed}")));
    }
    let kind = string(critical.required("type")?)?;
    if !TYPES.contains(&kind.as_str()) {
        return Err(VerificationError::PayloadType(format!(
            "the signed payload is of the type `{kind}`, not `{}`",
            TYPES.join("` or `")
        )));
    }
    let reference = string(StrictObject::read(critical.required("identity")?)?.required("docker-reference")?)?;
    relocation.check_repository(&[reference], image)
}
