//! Matching scenarios with a Snapshot.

use assay_konflux::matching::{self, Matches};
use assay_model::{nearest::nearest, snapshot::Snapshot};
use camino::Utf8PathBuf;

use crate::{
    error::RequestError,
    import_request::{OF_SCENARIOS, imported_resources},
};

/// Which of the scenarios in files a Snapshot is tested by.
///
/// # Errors
/// A file cannot be read, a document is rejected, or a component that changed is not in the Snapshot.
pub fn match_scenarios(from: &[Utf8PathBuf], snapshot: &Snapshot, changed: &[String]) -> Result<Matches, RequestError> {
    let resources = imported_resources(from, OF_SCENARIOS)?;
    let names = || snapshot.components.iter().map(|component| component.name.as_str());
    for name in changed {
        if !names().any(|known| known == name) {
            let error = RequestError::new(format!("the Snapshot has no component `{name}` (--changed)"));
            return Err(match nearest(name.as_str(), names()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            });
        }
    }
    Ok(matching::match_scenarios(&resources, snapshot, changed))
}
