//! [`inspect_policy`] and [`inspect_data`]: what sources hold.

use std::collections::BTreeMap;

use assay_model::{limits, yaml};
use assay_rego::{Inspected, Sources, inspect};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value};

use crate::{
    error::RequestError,
    event::EventSink,
    folders::{copy_into, files_below},
    policy_sources::PolicySources,
    read::read_text,
    source_settings::SourceSettings,
};

/// A request for the annotated rules of sources.
#[derive(Clone, Debug)]
pub struct InspectPolicyRequest {
    /// The texts of the sources.
    pub sources: Vec<String>,
    /// A folder that they are copied into.
    pub dest: Option<Utf8PathBuf>,
    /// How they are fetched.
    pub settings: SourceSettings,
}

/// A request for the data of sources.
#[derive(Clone, Debug)]
pub struct InspectDataRequest {
    /// The texts of the sources.
    pub sources: Vec<String>,
    /// A folder that they are copied into.
    pub dest: Option<Utf8PathBuf>,
    /// How they are fetched.
    pub settings: SourceSettings,
}

/// The rules and annotations of each source, by what it was pinned to.
///
/// # Errors
/// A source cannot be fetched or does not parse.
pub fn inspect_policy(
    request: &InspectPolicyRequest,
    events: &dyn EventSink,
) -> Result<BTreeMap<String, Vec<Inspected>>, RequestError> {
    let texts = &request.sources;
    let sources = PolicySources::fetch(texts.iter().map(String::as_str), &request.settings, None, events)?;
    let mut found: BTreeMap<String, Vec<Inspected>> = BTreeMap::new();
    for text in texts {
        let place = fetch_into(&sources, text, request.dest.as_deref(), "policy")?;
        found.insert(sources.pinned(text), entries(&place)?);
    }
    Ok(found)
}

/// The data of all sources, merged.
///
/// # Errors
/// A source cannot be fetched or read, or two of them have the same key.
pub fn inspect_data(request: &InspectDataRequest, events: &dyn EventSink) -> Result<Map<String, Value>, RequestError> {
    let texts = &request.sources;
    let sources = PolicySources::fetch(texts.iter().map(String::as_str), &request.settings, None, events)?;
    let mut all = Map::new();
    for text in texts {
        let place = fetch_into(&sources, text, request.dest.as_deref(), "policy")?;
        for file in files_below(&place)? {
            let end = file.extension().map(str::to_ascii_lowercase);
            if !end.is_some_and(|end| ["json", "yaml", "yml"].contains(&end.as_str())) {
                continue;
            }
            let text = read_text(&file, "--source", limits::DATA_FILE_BYTES)?;
            let document = yaml::parse(&text).map_err(|error| RequestError::new(format!("`{file}`: {error}")))?;
            let fields = match document {
                Value::Object(fields) => fields,
                Value::Null => continue,
                _ => return Err(RequestError::new(format!("the data file `{file}` is not an object"))),
            };
            for (key, value) in fields {
                if all.contains_key(&key) {
                    return Err(RequestError::new(format!("Merge error. The '{key}' key was found more than once!")));
                }
                all.insert(key, value);
            }
        }
    }
    Ok(all)
}

/// The directory in which a source is inspected: where it was fetched to, or the requested copy.
fn fetch_into(
    sources: &PolicySources,
    text: &str,
    dest: Option<&Utf8Path>,
    kind: &str,
) -> Result<Utf8PathBuf, RequestError> {
    let path = sources.path(text)?;
    let path = Utf8Path::from_path(path).ok_or_else(|| {
        RequestError::new(format!("the path of `{}` is not valid UTF-8", assay_model::redact::source(text)))
    })?;
    let Some(dest) = dest else { return Ok(path.to_owned()) };
    let to = dest.join(kind).join(assay_oci::folder_name(text));
    copy_into(path, &to)?;
    Ok(to)
}

/// The entries of a source, with file names as they stand in it.
fn entries(place: &Utf8Path) -> Result<Vec<Inspected>, RequestError> {
    let mut sources = Sources::new();
    sources.add_policy(place.as_std_path())?;
    let mut entries = inspect(sources)?;
    let base = if place.is_dir() { Some(place) } else { place.parent() };
    for entry in &mut entries {
        let short = base.and_then(|base| Utf8Path::new(&entry.location.file).strip_prefix(base).ok());
        if let Some(short) = short.map(Utf8Path::to_string) {
            entry.location.file = short;
        }
    }
    Ok(entries)
}
