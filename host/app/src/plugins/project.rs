//! [`build_plugin`]: a project becomes a component with its manifest in it.

use assay_plugin_kit::{BuildError, BuildOptions, Project, build, section};
use camino::Utf8Path;

use super::{
    describe::PluginDescription,
    host::{engine, load, plugin_error},
};
use crate::{
    error::{RequestError, RequestErrorKind},
    plugin_engine::PluginEngine,
};

/// A component that was built.
#[derive(Clone, Debug)]
pub struct BuiltPlugin {
    /// The project.
    pub project: Project,
    /// The component, with its manifest in it.
    pub bytes: Vec<u8>,
    /// Its description.
    pub description: PluginDescription,
    /// The programs that made it, with their versions.
    pub toolchain: Vec<String>,
}

/// Builds the project in a folder and stores its manifest in the component.
///
/// # Errors
/// A folder that is not a project, a missing tool (both `Invalid`), or a build that fails or makes something that is not a
/// plugin of the project's name and world (`Plugin`).
pub fn build_plugin(
    folder: &Utf8Path,
    options: &BuildOptions,
    settings: &PluginEngine,
) -> Result<BuiltPlugin, RequestError> {
    let project = Project::read(folder).map_err(|error| {
        RequestError::new(error.to_string()).hint("create one with `assay plugin new NAME`, or name its directory")
    })?;
    let built = build(&project, options).map_err(|error| build_error(&error))?;
    let component = section::without(&built.bytes);
    let name = format!("`{}`", project.name);
    let engine = engine(settings)?;
    let plugin = load(&engine, &name, &component)?;
    let first = PluginDescription::of(&plugin, component.len());
    for (what, want, got) in
        [("name", project.name.as_str(), first.name.as_str()), ("world", project.world.as_str(), &first.world)]
    {
        // A compiler may leave out imports that nothing calls: then a task needs no network.
        if want != got && (want, got) != ("task", "task-offline") {
            let fact = format!("the component has the {what} `{got}`, and plugin.toml says `{want}`");
            return Err(RequestError::of(RequestErrorKind::Plugin, fact).hint("make both the same"));
        }
    }
    let bytes = section::write(&component, &first.manifest().to_string());
    let digest = assay_model::digest::Digest::of(&bytes);
    // The manifest is no code: an interpreter of 19 MB is compiled once for a build and its tests.
    plugin.keep_code_for(&digest);
    let digest = digest.to_string();
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok(BuiltPlugin {
        project,
        description: PluginDescription { digest, size, ..first },
        bytes,
        toolchain: built.toolchain,
    })
}

fn build_error(error: &BuildError) -> RequestError {
    match error {
        BuildError::Missing(missing) => {
            RequestError::new(error.to_string()).hint(format!("install it: {}", missing.install))
        }
        BuildError::Failed { program, status, output } => {
            let fact = format!("`{program}` failed ({status}):\n{output}");
            RequestError::of(RequestErrorKind::Plugin, fact)
        }
        BuildError::Io(_) | BuildError::TooLarge { .. } => plugin_error(error),
    }
}
