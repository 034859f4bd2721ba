//! Composing Snapshots, with the record or without.

use assay_konflux::compose::{self, Build, ComposeError, ComposeRequest, Composed, OwnerKind, moves};
use assay_model::port::{Moved, PointerKind, SnapshotRecord as _, StoreError};
use assay_store::{Store, StoreMode, StoreOptions};
use camino::Utf8PathBuf;

use crate::{
    error::{RequestError, RequestErrorKind},
    import_request::{OF_SNAPSHOTS, imported_resources},
};

/// What is composed, from what.
#[derive(Clone, Debug)]
pub struct ComposeSnapshotRequest {
    /// Files and folders with the application, its components, or component groups.
    pub from: Vec<Utf8PathBuf>,
    /// What is composed.
    pub request: ComposeRequest,
    /// The builds whose images are in the request, and whose labels are passed on.
    pub builds: Vec<Build>,
    /// The application or group, where it is named.
    pub owner: Option<(OwnerKind, String)>,
    /// The folder of the record, whose pointers count before imported candidates.
    pub store: Option<Utf8PathBuf>,
    /// Whether the Snapshot is recorded and pointers are moved.
    pub record: bool,
    /// When the command started, in milliseconds since 1970.
    pub started: i64,
}

/// Composes a Snapshot. With it come notes about pointers that were not moved.
///
/// # Errors
/// A file cannot be read or a document is rejected, nothing can be composed, or the store fails.
pub fn compose_snapshot(request: &ComposeSnapshotRequest) -> Result<(Composed, Vec<String>), RequestError> {
    let resources = imported_resources(&request.from, OF_SNAPSHOTS)?;
    let named = request.owner.as_ref().map(|(kind, name)| (*kind, name.as_str()));
    let owner = compose::select_owner(&resources, &request.request, named).map_err(|error| of_compose(&error))?;
    let store = open_store(request)?;
    let kind = if request.request.is_good_base { PointerKind::Good } else { PointerKind::Latest };
    let pointers = match &store {
        Some(store) => store.pointers(&owner.name, kind).map_err(|error| of_store(&error))?,
        None => Vec::new(),
    };
    let mut composed =
        compose::compose(&resources, &owner, &request.request, &pointers).map_err(|error| of_compose(&error))?;
    composed.pass_on(&request.builds).map_err(|error| of_compose(&error))?;
    let mut notes = Vec::new();
    if let Some(store) = store.as_ref().filter(|_| request.record) {
        store.save_snapshot(&owner.name, &composed.name, &composed.document).map_err(|error| of_store(&error))?;
        let wishes = moves::of_record(&resources, &owner, &request.request, &composed, request.started);
        let keys: Vec<_> = wishes.iter().map(|wish| wish.key.clone()).collect();
        let moved = store.move_pointers(wishes).map_err(|error| of_store(&error))?;
        for (key, moved) in keys.iter().zip(moved) {
            if let Moved::Stale { fence } = moved {
                notes.push(format!(
                    "the candidate of `{}` in `{}` stays: another build or override started later ({fence} ms since 1970)",
                    key.component, key.group
                ));
            }
        }
    }
    Ok((composed, notes))
}

/// Without `--record` nothing is written, not even a new store.
fn open_store(request: &ComposeSnapshotRequest) -> Result<Option<Store>, RequestError> {
    let Some(folder) = &request.store else { return Ok(None) };
    let mode = match (request.record, folder.exists()) {
        (true, false) => StoreMode::Coordinator,
        (true, true) => StoreMode::Client,
        (false, true) => StoreMode::ReadOnly,
        (false, false) => return Ok(None),
    };
    // A folder that is there and empty has no store yet.
    match Store::open(folder, StoreOptions::new(mode)) {
        Err(StoreError::NotFound(_)) if request.record => {
            Store::open(folder, StoreOptions::new(StoreMode::Coordinator)).map(Some)
        }
        Err(StoreError::NotFound(_)) => Ok(None),
        // Somebody else makes it in the same second.
        Err(StoreError::InUse(_)) if mode == StoreMode::Coordinator => {
            Store::open(folder, StoreOptions::new(StoreMode::Client)).map(Some)
        }
        opened => opened.map(Some),
    }
    .map_err(|error| of_store(&error))
}

/// Reads a build PipelineRun, YAML or JSON.
///
/// # Errors
/// It is not one that succeeded, with its component and its image.
pub fn read_build(text: &str, origin: &str) -> Result<Build, RequestError> {
    let document = assay_model::yaml::parse(text).map_err(|error| RequestError::new(format!("{error} ({origin})")))?;
    Build::of_document(&document).map_err(|error| of_compose(&error))
}

fn of_compose(error: &ComposeError) -> RequestError {
    let request = RequestError::new(error.fact.clone());
    if error.hint.is_empty() { request } else { request.hint(error.hint.clone()) }
}

fn of_store(error: &StoreError) -> RequestError {
    let kind = match error {
        StoreError::Invalid(_) | StoreError::NotFound(_) => RequestErrorKind::Invalid,
        _ => RequestErrorKind::StoreUnavailable,
    };
    RequestError::of(kind, error.to_string())
}
