//! [`Denial`]: what a call was refused and went on without. The error that a guest returns then is most likely because of it.

use assay_model::error::ErrorCode;

use crate::abort::raise;

/// Denials of one call that are remembered.
const REMEMBERED: usize = 10;

/// What a call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    /// [`ErrorCode::PluginDenied`] or [`ErrorCode::PluginQuota`].
    pub(crate) code: ErrorCode,
    /// What it was, and what would allow it.
    pub(crate) text: String,
}

/// The denials of a call, the first ones.
#[derive(Debug, Default)]
pub(crate) struct Denials(Vec<Denial>);

/// How a quota is raised that no setting raises.
const FIXED: &str = "the limit is fixed; let the plugin do less in one call";

impl Denials {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// A permission that is missing: what it is for, and what would allow it.
    pub(crate) fn deny(&mut self, what: &str, hint: &str) {
        self.push(ErrorCode::PluginDenied, format!("{what}: {hint}"));
    }

    /// A quota that is used up; `limit` is the name of the setting that raises it, if one does.
    pub(crate) fn quota(&mut self, what: &str, limit: Option<&str>) {
        let hint = limit.map_or_else(|| FIXED.to_owned(), raise);
        self.push(ErrorCode::PluginQuota, format!("{what}: {hint}"));
    }

    /// What somebody else refused, who says what would allow it.
    pub(crate) fn refused(&mut self, text: String) {
        self.push(ErrorCode::PluginDenied, text);
    }

    fn push(&mut self, code: ErrorCode, text: String) {
        if self.0.len() < REMEMBERED {
            self.0.push(Denial { code, text });
        }
    }

    pub(crate) fn as_slice(&self) -> &[Denial] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ones_are_remembered_with_their_codes_and_settings() {
        let mut denials = Denials::new();
        denials.quota("all is written", Some("artifact-mib"));
        denials.quota("too many cases", None);
        (0..20).for_each(|_| denials.deny("no host", "add one"));
        assert_eq!(denials.as_slice().len(), REMEMBERED);
        let [first, second, third, ..] = denials.as_slice() else { panic!() };
        assert!(first.code == ErrorCode::PluginQuota && first.text.contains("`artifact-mib`"), "{first:?}");
        assert!(second.text.starts_with("too many cases: ") && second.text.contains("fixed"), "{second:?}");
        assert_eq!((third.code, third.text.as_str()), (ErrorCode::PluginDenied, "no host: add one"));
    }
}
