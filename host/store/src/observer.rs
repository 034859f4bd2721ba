//! [`Observer`]: what is called at each point where the process could be killed between two effects.

use std::sync::Arc;

/// Receives the name of each point that is passed, so that a test can end the process there.
pub type Observer = Arc<dyn Fn(&'static str) + Send + Sync>;

/// The points that an [`Observer`] is called with: where the process could be killed between two effects.
pub const CRASH_POINTS: [&str; 6] =
    ["before-commit", "after-commit", "before-blob-rename", "after-blob-rename", "before-log-write", "after-log-write"];
