//! Plugins in registries, in the layout of the CNCF for WebAssembly artifacts (TAG Runtime, `wasm-oci-artifact`): an image
//! manifest with one layer, the component as it is, and a config that says what it imports and exports.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::{ImageRef, PinnedImage},
    limits::PLUGIN_BYTES,
};
use assay_oci::{ContentStore, Manifest, PushedBlob, PushedImage};
use assay_plugin_kit::section;
use assay_wasm::ComponentFacts;
use serde_json::{Value, json};

use super::error::{refused, request_error};
use crate::{
    error::{RequestError, RequestErrorKind},
    plugins::PluginDescription,
};

/// The config of a WebAssembly artifact.
pub(crate) const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The layer that is the component.
pub(crate) const LAYER: &str = "application/wasm";
/// What older tools call the layer.
const OLD_LAYER: &str = "application/vnd.wasm.content.layer.v1+wasm";
/// The platform of the contract's WASI.
const SYSTEM: &str = "wasip2";

/// The name of a layer, by which `oras pull` writes a file (image-spec `annotations.md`).
const TITLE: &str = "org.opencontainers.image.title";

/// A plugin in a registry or layout.
#[derive(Clone, Debug)]
pub(crate) struct PluginImage {
    pub(crate) image: PinnedImage,
    pub(crate) manifest: Arc<Manifest>,
    /// The digest of the component.
    pub(crate) component: Digest,
    pub(crate) bytes: Arc<[u8]>,
}

/// Fetches a plugin by digest. Every byte has the digest by which it is named.
pub(crate) fn fetch(store: &ContentStore, image: &PinnedImage) -> Result<PluginImage, EvaluationError> {
    let manifest = store.manifest(image)?;
    let not_a_plugin = |why: &str| {
        refused(ErrorCode::PluginRefused, format!("{image} is not a plugin: it {why}"))
            .hint("push components with `assay plugin push`, `wkg oci push` or `oras push FILE:application/wasm`")
    };
    if manifest.index().is_some() {
        return Err(not_a_plugin("is an index"));
    }
    let [layer] = manifest.layers() else {
        return Err(not_a_plugin(&format!("has {} layers, not one", manifest.layers().len())));
    };
    if layer.media_type != LAYER && layer.media_type != OLD_LAYER {
        return Err(not_a_plugin(&format!("has a layer of the type `{}`, not `{LAYER}`", layer.media_type)));
    }
    let bytes = store.blob_within(&image.repository, &layer.digest, Some(layer.size), PLUGIN_BYTES)?;
    Ok(PluginImage { image: image.clone(), component: layer.digest.clone(), bytes, manifest })
}

/// The image of a component: the same component is the same image.
pub(crate) fn image_of(about: &PluginDescription, bytes: &[u8], created: i64) -> Result<PushedImage, RequestError> {
    let created = jiff::Timestamp::from_second(created)
        .map_err(|_| RequestError::new(format!("SOURCE_DATE_EPOCH is `{created}`, which is not a time")))?;
    let facts = ComponentFacts::of(bytes).map_err(|why| {
        RequestError::of(
            RequestErrorKind::Plugin,
            format!("the component {why} ({})", ErrorCode::PluginRefused.as_str()),
        )
    })?;
    let digest = Digest::of(bytes);
    let config = json!({
        "created": created.to_string(),
        "architecture": "wasm",
        "os": SYSTEM,
        "layerDigests": [digest],
        "component": {"exports": facts.exports, "imports": facts.imports, "target": Value::Null},
    });
    let mut annotations = BTreeMap::new();
    let mut annotate = |name: &str, value: &str| {
        if !value.is_empty() {
            annotations.insert(name.to_owned(), value.to_owned());
        }
    };
    annotate(TITLE, &about.name);
    annotate("org.opencontainers.image.version", &about.version);
    annotate("org.opencontainers.image.description", &about.summary);
    annotate("org.opencontainers.image.licenses", &about.license);
    annotate("org.opencontainers.image.source", &about.source);
    annotate("assay.plugin.world", &about.world);
    annotate("assay.plugin.wit", about.wit);
    if let Some(manifest) = section::read(bytes) {
        annotate("assay.plugin.manifest", &Digest::of(manifest.as_bytes()).to_string());
    }
    let title = BTreeMap::from([(TITLE.to_owned(), format!("{}.wasm", about.name))]);
    Ok(PushedImage {
        artifact_type: None,
        config: PushedBlob {
            media_type: CONFIG.to_owned(),
            annotations: BTreeMap::new(),
            bytes: config.to_string().into_bytes().into(),
        },
        layers: vec![PushedBlob { media_type: LAYER.to_owned(), annotations: title, bytes: bytes.into() }],
        annotations,
    })
}

/// Refuses a component whose stored manifest says something else than the component does.
pub(crate) fn check_section(about: &PluginDescription, bytes: &[u8]) -> Result<(), EvaluationError> {
    let Some(stored) = section::read(bytes) else { return Ok(()) };
    let stored: Option<Value> = serde_json::from_str(stored).ok();
    if stored.as_ref() == Some(&about.manifest()) {
        return Ok(());
    }
    let message = format!("the manifest stored in the plugin `{}` is not what the plugin says of itself", about.name);
    Err(refused(ErrorCode::PluginRefused, message).hint("build it again with `assay plugin build`"))
}

/// Where a component is pushed: the tag is its version. `+` of a version is `_` in a tag, which has no `+`.
pub(crate) fn push_reference(text: &str, version: &str) -> Result<ImageRef, RequestError> {
    let invalid = |what: &str| RequestError::new(format!("`{text}` {what}"));
    let given: ImageRef = text.parse().map_err(|error| invalid(&format!("is not a reference: {error}")))?;
    if given.digest().is_some() {
        return Err(
            invalid("has a digest, and the digest follows from the content").hint("pass a repository, or a tag")
        );
    }
    let tag = version.replace('+', "_");
    match given.tag() {
        Some(named) if named != tag && named.parse::<semver::Version>().is_ok() => {
            Err(invalid(&format!("has another version than the component, which is {version}"))
                .hint(format!("push to `{}:{tag}`", given.repository())))
        }
        Some(_) => Ok(given),
        None => format!("{}:{tag}", given.repository())
            .parse()
            .map_err(|error| invalid(&format!("cannot have the tag `{tag}`: {error}"))),
    }
}

/// Resolves a reference: a tag becomes the digest that it stands for now.
pub(crate) fn resolve(store: &ContentStore, text: &str) -> Result<(ImageRef, PinnedImage), RequestError> {
    let reference: ImageRef = text.parse().map_err(|error| {
        RequestError::new(format!("`{text}` is not a reference: {error}"))
            .hint("pass a reference such as `registry.example/team/plugin@sha256:…`")
    })?;
    let pinned = match reference.pinned() {
        Some(pinned) => pinned,
        None => store.resolve(&reference).map_err(request_error)?.image,
    };
    Ok((reference, pinned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_the_version_of_the_component() {
        let of = |text: &str, version: &str| push_reference(text, version).map(|found| found.to_string());
        assert_eq!(of("r.example/a", "1.2.3").unwrap(), "r.example/a:1.2.3");
        assert_eq!(of("r.example/a", "1.2.3+x").unwrap(), "r.example/a:1.2.3_x");
        assert_eq!(of("r.example/a:latest", "1.2.3").unwrap(), "r.example/a:latest");
        for bad in ["r.example/a:1.2.4", "", "r.example/a@sha256:00"] {
            assert!(of(bad, "1.2.3").is_err(), "{bad}");
        }
        let digest = format!("r.example/a@{}", Digest::of(b""));
        assert!(of(&digest, "1.2.3").unwrap_err().message().contains("has a digest"));
    }
}
