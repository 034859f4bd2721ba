//! Where the data is that may not be in this repository, and the plain word when it is not there.

use std::path::PathBuf;

use crate::tidy::root;

/// A file or folder of the shared data, or none, which is said.
#[expect(clippy::print_stderr, reason = "a skipped suite says so")]
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ASSAY_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let found = folder.join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: there is no {path} here (ASSAY_SHARED names the folder that holds it)");
    None
}
