//! Where the data is that may not be in this repository. The tests that need it are ignored by default; they are run as
//! `.ci/run` does where it is.

use std::path::PathBuf;

use crate::tidy::{root, sources};

/// A file or folder of the shared data.
pub(crate) fn shared(path: &str) -> PathBuf {
    let folder = std::env::var_os("ASSAY_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    folder.join(path)
}

#[test]
fn a_test_that_needs_shared_data_is_ignored_by_that_reason() {
    let mut needing = 0;
    for source in sources().into_iter().filter(|source| !source.ends_with("tests/it/shared.rs")) {
        let text = fs_err::read_to_string(&source).unwrap();
        let reads = ["var(\"", "var_os(\""].iter().any(|call| text.contains(&format!("{call}ASSAY_SHARED")));
        let calls = text.contains("= shared(\"");
        if reads || calls {
            assert!(text.contains("#[ignore = \"needs shared data\"]"), "{}", source.display());
            needing += 1;
        }
        // Whatever is missing, a test that goes on without it says nothing.
        assert!(!text.contains("println!(\"skipped"), "{}", source.display());
    }
    assert!(needing >= 6, "only {needing} files need shared data");
}
