//! [`Decision`]: what a judge's answers amount to under the policy's configuration.

use crate::finding::Finding;

/// Findings by what they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Why the image may not ship.
    pub violations: Vec<Finding>,
    /// What people should know.
    pub warnings: Vec<Finding>,
    /// What was looked at and is fine.
    pub successes: Vec<Finding>,
}

impl Decision {
    /// Adds another judge's decision to this one.
    pub fn extend(&mut self, other: Self) {
        self.violations.extend(other.violations);
        self.warnings.extend(other.warnings);
        self.successes.extend(other.successes);
    }
}
