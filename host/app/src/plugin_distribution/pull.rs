//! [`pull_plugin`] and [`save_plugins`]: a plugin out of a registry, and plugins with all that vouches for them as one file.

use std::io::Write;

use assay_model::{image::PinnedImage, limits::PLUGIN_BYTES};
use assay_oci::{ContentStore, LayoutWriter, SaveError};

use super::{
    artifact::{PluginImage, fetch, resolve},
    error::request_error,
    lock_file::LockFile,
    plugins_file::PluginsFile,
};
use crate::{
    error::{RequestError, RequestErrorKind},
    plugin_engine::PluginEngine,
    plugins::{PluginDescription, load_plugin},
    source_settings::SourceSettings,
};

/// A plugin that was pulled.
#[derive(Clone, Debug)]
pub struct PulledPlugin {
    /// The plugin by digest.
    pub image: PinnedImage,
    /// The component.
    pub bytes: Vec<u8>,
    /// What it is.
    pub description: PluginDescription,
}

/// Pulls a plugin; a tag becomes the digest that it stands for now.
///
/// # Errors
/// It cannot be fetched, is not what its digests say, or is not a plugin.
pub fn pull_plugin(
    reference: &str,
    settings: &SourceSettings,
    engine: &PluginEngine,
) -> Result<PulledPlugin, RequestError> {
    let store = settings.registry()?;
    let (_, image) = resolve(&store, reference)?;
    let PluginImage { bytes, .. } = fetch(&store, &image).map_err(request_error)?;
    let plugin = load_plugin(engine, &format!("`{image}`"), &bytes)?;
    let description = PluginDescription::of(&plugin, bytes.len());
    Ok(PulledPlugin { image, bytes: bytes.to_vec(), description })
}

/// Writes an OCI layout as one tar file: the plugin of a reference, and every plugin that is locked, each with its
/// signatures, attestations and vet statements. There is no native code in it. Gives the plugins that are in it.
///
/// # Errors
/// Something cannot be fetched, or the file cannot be written.
pub fn save_plugins(
    reference: Option<&str>,
    locked: Option<(&PluginsFile, &LockFile)>,
    settings: &SourceSettings,
    to: &mut dyn Write,
) -> Result<Vec<PinnedImage>, RequestError> {
    let store = settings.registry()?;
    let mut writer = LayoutWriter::new(to);
    let mut saved = Vec::new();
    let mut add = |image: &PinnedImage, tag: Option<&str>| {
        save(&mut writer, &store, image, tag)?;
        if !saved.contains(image) {
            saved.push(image.clone());
        }
        Ok::<_, RequestError>(())
    };
    if let Some(reference) = reference {
        let (named, image) = resolve(&store, reference)?;
        add(&image, named.tag())?;
    }
    if let Some((list, lock)) = locked {
        for (name, entry) in &list.plugins {
            let (Some(source), Some(locked)) = (&entry.source, lock.plugins.get(name)) else { continue };
            add(&source.at(locked.manifest.clone()), locked.source.rsplit_once(':').map(|(_, tag)| tag))?;
        }
    }
    writer
        .finish()
        .map_err(|error| RequestError::of(RequestErrorKind::File, format!("the layout cannot be written: {error}")))?;
    Ok(saved)
}

fn save<W: Write>(
    writer: &mut LayoutWriter<W>,
    store: &ContentStore,
    image: &PinnedImage,
    tag: Option<&str>,
) -> Result<(), RequestError> {
    let failed = |error: SaveError| match error {
        SaveError::Content(error) => request_error(error),
        SaveError::Write(_) => RequestError::of(RequestErrorKind::File, error.to_string()),
    };
    // What is not a plugin is not saved as one.
    let found = fetch(store, image).map_err(request_error)?;
    writer.add(store, image, PLUGIN_BYTES).map_err(failed)?;
    if let Some(tag) = tag {
        writer.tag(&image.repository, tag, &found.manifest);
    }
    Ok(())
}
