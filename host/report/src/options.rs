//! [`Options`]: what the user wants to see of the findings. It never changes a verdict or a count.

use assay_model::outcome::Outcome;

/// What the user wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// List passing rules; they are counted either way.
    pub show_successes: bool,
    /// List warnings in the text and in our own formats; JSON, YAML and JUnit have them either way, as in `ec`.
    pub show_warnings: bool,
    /// End the text with a link to the policy documentation when there is something to look up.
    pub show_policy_docs_link: bool,
    /// Keep titles, descriptions, solutions and all other metadata of findings in `ec`'s formats. Ours always do.
    pub info: bool,
    /// Color the text with ANSI escapes.
    pub color: bool,
    /// The width of the terminal that the text is shown on; where it is not known, lines are not wrapped.
    pub width: Option<u16>,
    /// Invoked as `ec`: `text` and `junit` have its form, and every attestation has the type of the first in-toto
    /// statements in JSON and YAML, as there.
    pub ec_compat: bool,
}

impl Options {
    /// The notices about a component's evidence that could not be read; `ec` has none.
    pub(crate) fn notices(self, outcome: &Outcome) -> &[String] {
        if self.ec_compat { &[] } else { &outcome.notices }
    }
}

impl Default for Options {
    /// What `ec` shows by default: violations and warnings.
    fn default() -> Self {
        Self {
            show_successes: false,
            show_warnings: true,
            show_policy_docs_link: false,
            info: false,
            color: false,
            width: None,
            ec_compat: false,
        }
    }
}
