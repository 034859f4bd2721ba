//! [`check`]: what a simple-signing payload claims (containers/image `containers-signature.5`), against the image.
//!
//! cosign compares the digest alone. Here every claim must hold. The type, because the same key may sign payloads
//! that mean something else. The repository, because anyone with a signed image of one product could otherwise
//! serve it as another; only its path is compared, since mirrors and bundles keep the path and change the host.

use assay_model::image::{ImageRef, PinnedImage};

use crate::collector::Relocation;
use assay_model::strict::{StrictObject, string};

/// What cosign and Tekton Chains write, and what skopeo and the older tools wrote. Both say "this image is signed".
const TYPES: [&str; 2] = ["cosign container image signature", "atomic container signature"];

/// Rejects a payload that is not about this image. The error is the reason.
pub(super) fn check(payload: &[u8], image: &PinnedImage, relocation: Relocation) -> Result<(), String> {
    let payload = std::str::from_utf8(payload).map_err(|_| "the signed payload is not valid UTF-8".to_owned())?;
    let critical = StrictObject::read(StrictObject::read(payload)?.required("critical")?)?;

    let claimed = string(StrictObject::read(critical.required("image")?)?.required("docker-manifest-digest")?)?;
    if claimed != image.digest.to_string() {
        return Err(format!("invalid or missing digest in claim: {claimed}"));
    }
    let kind = string(critical.required("type")?)?;
    if !TYPES.contains(&kind.as_str()) {
        return Err(format!("the signed payload is of the type `{kind}`, not `{}`", TYPES.join("` or `")));
    }
    let reference = string(StrictObject::read(critical.required("identity")?)?.required("docker-reference")?)?;
    check_repository(&[reference], image, relocation)
}

/// Refuses a signature whose references name other repositories than the image's.
pub(super) fn check_repository(
    references: &[String],
    image: &PinnedImage,
    relocation: Relocation,
) -> Result<(), String> {
    let path = image.repository.path();
    match relocation {
        Relocation::Allowed => Ok(()),
        Relocation::Refused if references.iter().any(|reference| is_path(reference, path)) => Ok(()),
        Relocation::Refused => {
            Err(format!("the signature is for the repository {}, not {path}", references.join(", ")))
        }
    }
}

/// Whether the reference names a repository of this path, on whatever registry.
fn is_path(reference: &str, path: &str) -> bool {
    // A single word without registry stands for itself, too, and not only for Docker Hub's `library/WORD`.
    reference == path || reference.parse::<ImageRef>().is_ok_and(|reference| reference.repository().path() == path)
}
