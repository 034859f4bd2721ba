//! [`push_plugin`]: a component becomes an image in a registry, signed and with its SBOM if that is wanted.

use std::sync::Arc;

use assay_model::{digest::Digest, image::PinnedImage};
use assay_oci::ContentStore;

use super::{
    artifact::{check_section, image_of, push_reference},
    error::request_error,
};
use crate::{
    error::RequestError,
    plugin_engine::PluginEngine,
    plugins::{PluginDescription, load_plugin},
    source_settings::SourceSettings,
};

/// A request to push a component.
#[derive(Clone, Debug)]
pub struct PushRequest {
    /// What stands for the component in messages.
    pub name: String,
    /// The component.
    pub bytes: Arc<[u8]>,
    /// Where to; without a tag, the tag is the version.
    pub reference: String,
    /// The time that its config states, in seconds; the same for every push, so that the same component is the same image.
    pub created: i64,
    /// How registries are accessed.
    pub sources: SourceSettings,
    /// How components are compiled.
    pub engine: PluginEngine,
}

/// A component that was pushed.
#[derive(Clone, Debug)]
pub struct PushedPlugin {
    /// The plugin by digest.
    pub image: PinnedImage,
    /// The tag, too.
    pub tag: String,
    /// The digest of the component.
    pub component: Digest,
    /// What it is.
    pub description: PluginDescription,
}

/// Pushes a component.
///
/// # Errors
/// It is not a plugin, its stored manifest is another one's, or the registry does not take it.
pub fn push_plugin(request: &PushRequest) -> Result<(PushedPlugin, ContentStore), RequestError> {
    let plugin = load_plugin(&request.engine, &request.name, &request.bytes)?;
    let about = PluginDescription::of(&plugin, request.bytes.len());
    check_section(&about, &request.bytes).map_err(request_error)?;
    let reference = push_reference(&request.reference, &about.version)?;
    let image = image_of(&about, &request.bytes, request.created)?;
    let store = request.sources.registry()?;
    let pinned = store.push_image(&reference, &image).map_err(request_error)?;
    let pushed = PushedPlugin {
        image: pinned,
        tag: reference.tag_or_latest().to_owned(),
        component: Digest::of(&request.bytes),
        description: about,
    };
    Ok((pushed, store))
}
