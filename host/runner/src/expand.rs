//! Turns an index into components: itself, and one for each of its manifests.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::PinnedImage,
    limits,
    port::ResolvedImage,
    snapshot::Component,
};

/// A component to evaluate, with its resolved image or the error of resolving it.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) component: Component,
    pub(crate) image: Result<PinnedImage, EvaluationError>,
}

/// The tasks of all components in the Snapshot's order, each index followed by its manifests.
pub(crate) fn expand(resolved: Vec<(Component, Result<ResolvedImage, EvaluationError>)>) -> Vec<Task> {
    let mut tasks = Vec::with_capacity(resolved.len());
    for (component, found) in resolved {
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                tasks.push(Task { component, image: Err(error) });
                continue;
            }
        };
        let entries = found.index.unwrap_or_default();
        if tasks.len() + entries.len() >= limits::COMPONENTS {
            let message =
                format!("index `{}` would bring the run to more than {} components", found.image, limits::COMPONENTS);
            tasks.push(Task { component, image: Err(EvaluationError::new(ErrorCode::TooLarge, message)) });
            continue;
        }
        for entry in entries {
            let architecture = entry.architecture.filter(|architecture| !architecture.is_empty());
            let architecture = architecture.unwrap_or_else(|| format!("noarch-{}", entry.position));
            let image = found.image.repository.at(entry.digest.clone());
            let part = Component {
                name: format!("{}-{}-{architecture}", component.name, entry.digest),
                container_image: image.to_string(),
                source: component.source.clone(),
                fields: component.fields.clone(),
            };
            tasks.push(Task { component: part, image: Ok(image) });
        }
        tasks.push(Task { component, image: Ok(found.image) });
    }
    tasks
}
