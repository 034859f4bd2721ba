//! The Snapshot under test.

pub use crate::bindings::assay::plugin::snapshot::{Component, Head, Source};
use crate::host;

/// All components; one answer of the host has 500 at most.
pub fn components() -> Vec<Component> {
    let mut all = Vec::new();
    loop {
        let part = host::snapshot::components(u32::try_from(all.len()).unwrap_or(u32::MAX), 500);
        if part.is_empty() {
            return all;
        }
        all.extend(part);
    }
}

/// Its name, owner and labels.
pub fn describe() -> Head {
    host::snapshot::describe()
}
