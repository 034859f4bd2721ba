//! [`fetch_policy`]: fetches policy sources into folders.

use assay_model::redact;
use assay_oci::SourceRef;
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    error::RequestError,
    event::EventSink,
    folders::{clean, copy_into},
    policy_sources::PolicySources,
    source_settings::SourceSettings,
};

/// A request to fetch policy sources.
#[derive(Clone, Debug)]
pub struct FetchPolicyRequest {
    /// Sources of policies.
    pub policies: Vec<String>,
    /// Sources of data.
    pub data: Vec<String>,
    /// The folder below which each gets a folder of its own.
    pub dest: Utf8PathBuf,
    /// How they are fetched.
    pub settings: SourceSettings,
}

/// A source that goes into a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedSource {
    /// The text of the source, without secrets.
    pub source: String,
    /// The folder.
    pub to: Utf8PathBuf,
}

/// Fetches all sources, then copies each one into its folder. `starting` gets each source before it is copied; where one
/// cannot be fetched, it gets those that `ec` names by then, which names a source before it fetches the next one.
///
/// # Errors
/// A source cannot be fetched, a folder cannot be written, or the error of `starting`.
pub fn fetch_policy<E: From<RequestError>>(
    request: &FetchPolicyRequest,
    events: &dyn EventSink,
    starting: &mut dyn FnMut(&FetchedSource) -> Result<(), E>,
) -> Result<(), E> {
    let wanted = [("policy", &request.policies), ("data", &request.data)];
    let wanted = wanted.into_iter().flat_map(|(kind, texts)| texts.iter().map(move |text| (kind, text.as_str())));
    let to = |kind: &str, text: &str| clean(&request.dest.join(kind).join(assay_oci::folder_name(text)));
    let named = |kind, text| FetchedSource { source: redact::source(text), to: to(kind, text) };
    let wanted: Vec<(&str, FetchedSource)> = wanted.map(|(kind, text)| (text, named(kind, text))).collect();
    let sources = PolicySources::fetch(wanted.iter().map(|(text, _)| *text), &request.settings, None, events);
    let sources = match sources {
        Ok(sources) => sources,
        Err(error) => {
            for (text, named) in &wanted {
                let is_local = SourceRef::parse(text).is_ok_and(|place| place.is_local());
                if is_local && !Utf8Path::new(text).exists() {
                    break;
                }
                starting(named)?;
                if !is_local {
                    break;
                }
            }
            return Err(error.into());
        }
    };
    for (text, named) in wanted {
        starting(&named)?;
        let from = sources.path(text)?;
        let from = Utf8Path::from_path(from)
            .ok_or_else(|| RequestError::new(format!("the path of `{}` is not valid UTF-8", named.source)))?;
        copy_into(from, &named.to)?;
    }
    Ok(())
}
