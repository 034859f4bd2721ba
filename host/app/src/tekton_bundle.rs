//! [`fetch_bundle`]: a pipeline in a Tekton bundle (tekton.dev, "Tekton bundle contract"): an image with a layer for each
//! resource, whose annotations say what it holds. Each layer is an archive of one file.

use assay_konflux::{
    import::{FILE_BYTES, PipelineResource},
    plan::pipeline_of_text,
    resource::ResolverRef,
};
use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::ImageRef,
    nearest::nearest,
};
use assay_oci::layer_file;

use crate::{
    error::{RequestError, RequestErrorKind},
    event::EventSink,
    source_settings::SourceSettings,
};

/// The annotations of a layer: what kind of resource it holds, in lower case, and the resource's name.
pub(crate) const KIND: &str = "dev.tekton.image.kind";
const NAME: &str = "dev.tekton.image.name";

/// Layers of one bundle; Tekton allows fewer.
const LAYERS: usize = 100;

/// A pipeline by the parameters `bundle`, `name` and `kind` of a reference. What a digest names is fetched once and kept; a tag
/// is resolved each time, and people learn which digest it was.
///
/// # Errors
/// The reference is incomplete, the registry fails, or the bundle does not hold the pipeline.
pub(crate) fn fetch_bundle(
    reference: &ResolverRef,
    settings: &SourceSettings,
    events: &dyn EventSink,
) -> Result<PipelineResource, RequestError> {
    let param = |name: &str| reference.param(name).filter(|value| !value.is_empty());
    let (Some(bundle), Some(name)) = (param("bundle"), param("name")) else {
        return Err(RequestError::new("its pipeline has no `bundle` or no `name` in the bundle"));
    };
    // The kind that Tekton takes if none is given is that of tasks, and no scenario means one.
    let kind = param("kind").unwrap_or("pipeline").to_lowercase();
    let image = bundle
        .parse::<ImageRef>()
        .map_err(|error| RequestError::new(format!("the bundle `{bundle}` is not an image reference: {error}")))?;
    if settings.offline {
        return Err(RequestError::new(format!("the bundle `{bundle}` is in a registry, and nothing is fetched")));
    }
    let store = settings.registry()?;
    let pinned = match image.pinned() {
        Some(pinned) => pinned,
        None => {
            let pinned = store.resolve(&image).map_err(failed)?.image;
            events.warn(format!("the bundle `{bundle}` is named by a tag, which may be moved; it is {pinned} now"));
            pinned
        }
    };
    let manifest = store.kept_manifest(&pinned).map_err(failed)?;
    if manifest.layers().len() > LAYERS {
        let count = manifest.layers().len();
        return Err(RequestError::new(format!(
            "the bundle {pinned} has {count} layers, more than the {LAYERS} allowed"
        )));
    }
    let layers = manifest.layers().iter().filter(|layer| {
        let has_kind = |known: &String| known.to_lowercase() == kind;
        layer.annotations.get(KIND).is_some_and(has_kind)
    });
    let names = || layers.clone().filter_map(|layer| layer.annotations.get(NAME)).map(String::as_str);
    let Some(layer) = layers.clone().find(|layer| layer.annotations.get(NAME).is_some_and(|known| known == name))
    else {
        let near = nearest(name, names()).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        return Err(RequestError::new(format!("the bundle {pinned} holds no {kind} `{name}`{near}")));
    };
    let file = layer_file(&store, &pinned, layer, FILE_BYTES).map_err(failed)?;
    let text = file.map(String::from_utf8).transpose();
    let malformed =
        || RequestError::new(format!("the {kind} `{name}` of the bundle {pinned} is no text in an archive"));
    let text = text.map_err(|_| malformed())?.ok_or_else(malformed)?;
    pipeline_of_text(&text, &format!("{pinned} ({name})")).map_err(RequestError::new)
}

/// A registry that fails is no fault of the request.
fn failed(error: EvaluationError) -> RequestError {
    let kind = match error.code {
        ErrorCode::ImageNotFound | ErrorCode::BlobNotFound => RequestErrorKind::Invalid,
        _ => RequestErrorKind::Registry,
    };
    let failed = RequestError::of(kind, error.message);
    match error.hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}
