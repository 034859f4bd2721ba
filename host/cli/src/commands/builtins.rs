//! [`StoreHost`]: answers the built-in functions of policies from the same store that evidence comes from.
//!
//! It lives here because neighbours do not call each other: `assay-rego` asks, `assay-supply` has.

use std::sync::Arc;

use assay_model::{
    failure::{ErrorCode, NoAnswer},
    image::{ImageRef, PinnedImage},
    limits,
};
use assay_rego::{Host, HostError};
use assay_supply::{Manifest, Store};
use serde_json::{Value, json};

/// The store as policies see it.
pub(crate) struct StoreHost {
    store: Arc<Store>,
}

impl StoreHost {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    fn resolve(&self, reference: &str) -> Result<Arc<Manifest>, HostError> {
        let image: ImageRef = reference.parse().map_err(undefined)?;
        self.store.resolve(&image).map(|found| found.manifest).map_err(absent_or_no_answer)
    }

    fn document(&self, manifest: &Manifest) -> Result<Value, HostError> {
        serde_json::from_slice(manifest.bytes()).map_err(undefined)
    }
}

fn undefined(error: impl std::fmt::Display) -> HostError {
    HostError::Undefined(error.to_string())
}

/// What is not there is undefined, as in `ec`; what could not be had ends the evaluation.
fn absent_or_no_answer(error: NoAnswer) -> HostError {
    match error.code {
        ErrorCode::ImageNotFound | ErrorCode::BlobNotFound | ErrorCode::ImageReference => {
            HostError::Undefined(error.message)
        }
        _ => HostError::NoAnswer(error),
    }
}

impl Host for StoreHost {
    fn blob(&self, reference: &str) -> Result<String, HostError> {
        let image = PinnedImage::parse(reference).map_err(undefined)?;
        let bytes = self.store.blob_within(&image.repository, &image.digest, None, limits::BLOB_BYTES);
        let bytes = bytes.map_err(absent_or_no_answer)?;
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(undefined)
    }

    fn image_manifest(&self, reference: &str) -> Result<Value, HostError> {
        let manifest = self.resolve(reference)?;
        let Some(parts) = manifest.index() else { return self.document(&manifest) };
        // An index stands for its image for the usual machine, as registries' clients take it.
        let usual = |item: &&assay_supply::IndexItem| {
            item.os.as_deref() == Some("linux") && item.architecture.as_deref() == Some("amd64")
        };
        let part =
            parts.iter().find(usual).ok_or_else(|| undefined(format!("`{reference}` holds no linux/amd64 image")))?;
        let image: ImageRef = reference.parse().map_err(undefined)?;
        let image = image.repository().at(part.descriptor.digest.clone());
        let manifest = self.store.manifest(&image).map_err(absent_or_no_answer)?;
        self.document(&manifest)
    }

    fn image_index(&self, reference: &str) -> Result<Value, HostError> {
        let manifest = self.resolve(reference)?;
        if manifest.index().is_none() {
            return Err(undefined(format!("`{reference}` is not an index")));
        }
        self.document(&manifest)
    }

    fn descriptor(&self, reference: &str) -> Result<Value, HostError> {
        let descriptor = self.resolve(reference)?.descriptor();
        Ok(json!({"mediaType": descriptor.media_type, "size": descriptor.size, "digest": descriptor.digest}))
    }
}
