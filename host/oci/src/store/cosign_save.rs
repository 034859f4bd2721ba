//! [`SavedImage`]: the image of a layout that `cosign save` made.
//!
//! Its index names nothing by reference: the annotation `kind` says which entry is the image, which are its signatures
//! and which are its attestations (cosign, `pkg/oci/layout`). So it is found by digest alone, and what belongs to it
//! under the tags that cosign would give it in a registry.

use super::layout_index::{Entry, Index};

/// The annotation, and its values.
const KIND: &str = "kind";
const IMAGES: [&str; 2] = ["dev.cosignproject.cosign/image", "dev.cosignproject.cosign/imageIndex"];
const SIGNATURES: &str = "dev.cosignproject.cosign/sigs";
const ATTESTATIONS: &str = "dev.cosignproject.cosign/atts";

/// An image with its signatures and attestations.
pub(super) struct SavedImage {
    pub(super) image: Entry,
    signatures: Option<Entry>,
    attestations: Option<Entry>,
    /// Every entry of the index.
    pub(super) all: Vec<Entry>,
}

impl SavedImage {
    /// What a tag of the image's repository stands for.
    pub(super) fn tagged(&self, tag: &str) -> Option<&Entry> {
        let kind = tag.strip_prefix("sha256-")?.strip_prefix(&self.image.digest.hex())?;
        match kind {
            ".sig" => self.signatures.as_ref(),
            ".att" => self.attestations.as_ref(),
            _ => None,
        }
    }
}

/// The image that an index has by the annotation; none if no entry has it. The error is why it is not clear which.
pub(super) fn saved_image(index: &Index) -> Result<Option<SavedImage>, String> {
    let (mut images, mut signatures, mut attestations, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for entry in &index.manifests {
        let kind = entry.annotations.as_ref().and_then(|annotations| annotations.get(KIND));
        let digest = entry.digest.parse().map_err(|error| format!("an entry of its `index.json`: {error}"));
        let Some(kind) = kind else { continue };
        let found = Entry { digest: digest?, size: entry.size };
        all.push(found.clone());
        match kind.as_str() {
            kind if IMAGES.contains(&kind) => images.push(found),
            SIGNATURES => signatures.push(found),
            ATTESTATIONS => attestations.push(found),
            _ => {}
        }
    }
    if images.is_empty() {
        return Ok(None);
    }
    let one = |mut found: Vec<Entry>, what: &str| match found.len() {
        0 | 1 => Ok(found.pop()),
        count => Err(format!("its `index.json` has {count} entries with the annotation `{KIND}` of {what}")),
    };
    let image = one(images, "an image")?;
    let (signatures, attestations) = (one(signatures, "signatures")?, one(attestations, "attestations")?);
    Ok(image.map(|image| SavedImage { image, signatures, attestations, all }))
}
