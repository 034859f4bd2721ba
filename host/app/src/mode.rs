//! [`Mode`]: whether requests are carried out as assay does it or as `ec` does, and every decision that follows from it.

use assay_evidence::OnUnreadable;
use assay_gocompat::sanitize;
use assay_model::{
    event::RunFinished,
    outcome::{Outcome, Verdict},
    snapshot::{Component, Snapshot},
};

/// Whose behavior requests have. Called through a link named `ec`, the program has that of `ec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// That of assay.
    Native,
    /// That of `ec`.
    EcCompat,
}

impl Mode {
    /// Whether behavior is that of `ec`, for what is handed to crates that know only this.
    #[must_use]
    pub const fn is_ec(self) -> bool {
        matches!(self, Self::EcCompat)
    }

    /// The Snapshot as it is evaluated: `ec` drops the fields that it does not know.
    #[must_use]
    pub fn known_fields(self, snapshot: Snapshot) -> Snapshot {
        if self.is_ec() { snapshot.of_known_fields() } else { snapshot }
    }

    /// Whether signatures made for another repository count by default: `ec` never compares the repository, and images are
    /// copied between signing and shipping.
    #[must_use]
    pub const fn allows_relocation(self) -> bool {
        self.is_ec()
    }

    /// Whether the files of registries that podman reads by default apply. `ec` knows none; one that the user names always
    /// applies.
    #[must_use]
    pub const fn reads_default_registries_conf(self) -> bool {
        !self.is_ec()
    }

    /// The number of workers that a number given by the user means: for `ec`, zero is one.
    #[must_use]
    pub const fn workers(self, given: u16) -> u16 {
        if self.is_ec() && given == 0 { 1 } else { given }
    }

    /// Whether a policy configuration without sources is refused, since images would be checked for signatures alone.
    #[must_use]
    pub const fn needs_sources(self) -> bool {
        !self.is_ec()
    }

    /// Whether a text in braces without a colon is the name of a policy resource, as for `ec`, whatever it looks like.
    #[must_use]
    pub fn is_resource_name(self, text: &str) -> bool {
        self.is_ec() && text.starts_with('{') && !text.contains(':')
    }

    /// Whether values of `--filter-type` that are not known mean the default one.
    #[must_use]
    pub const fn ignores_unknown_filters(self) -> bool {
        self.is_ec()
    }

    /// Whether two reports for the same file are refused.
    #[must_use]
    pub const fn refuses_shared_files(self) -> bool {
        !self.is_ec()
    }

    /// Whether a policy source that is a path on this machine and looks remote is refused; `ec` takes the path.
    #[must_use]
    pub const fn refuses_ambiguous_sources(self) -> bool {
        !self.is_ec()
    }

    /// Whether items of `include` and `exclude` that match no rule are reported. `ec` mentions items of `include` in its
    /// reports, and others nowhere.
    #[must_use]
    pub(crate) const fn reports_unmatched(self) -> bool {
        !self.is_ec()
    }

    /// Whether provenance in Sigstore bundles has a build type in reports.
    #[must_use]
    pub(crate) const fn bundles_have_build_type(self) -> bool {
        !self.is_ec()
    }

    /// What becomes of signatures and attestations that cannot be read.
    #[must_use]
    pub(crate) const fn on_unreadable(self) -> OnUnreadable {
        if self.is_ec() { OnUnreadable::Fail } else { OnUnreadable::Error }
    }

    /// Whether an image that cannot be reached is a violation; otherwise it is an error.
    #[must_use]
    pub(crate) const fn denies_unreachable_images(self) -> bool {
        self.is_ec()
    }

    /// Whether a folder of documents is evaluated as one input, with all files in it.
    #[must_use]
    pub(crate) const fn joins_folders(self) -> bool {
        self.is_ec()
    }

    /// Whether namespaces without rules are refused where files are tested; `ec` reports them as skipped.
    #[must_use]
    pub(crate) const fn refuses_empty_namespaces(self) -> bool {
        !self.is_ec()
    }

    /// Whether reports of a run are written: `ec` writes none when no component has a verdict, since one that lists nothing
    /// but errors would be taken for one.
    #[must_use]
    pub fn writes_reports(self, end: &RunFinished) -> bool {
        !self.is_ec() || end.outcomes.iter().any(|outcome| outcome.error.is_none())
    }

    /// Whether reports of documents are written; `ec` writes none when some document has an error.
    #[must_use]
    pub fn writes_input_reports(self, verdict: Verdict) -> bool {
        !self.is_ec() || verdict != Verdict::Error
    }
}

/// What `ec` prints on standard error at the end of a run; nothing about one without violations.
#[must_use]
pub fn ec_final_message(end: &RunFinished, strict: bool) -> Option<String> {
    let line = |outcome: &Outcome| {
        let error = outcome.error.as_ref()?;
        let Component { name, container_image, .. } = &outcome.component;
        let [name, image] = [name, container_image].map(|text| sanitize::line(text));
        Some(format!("error validating image {image} of component {name}: {error}"))
    };
    let errors: Vec<_> = end.outcomes.iter().filter_map(|outcome| line(outcome)).collect();
    if !errors.is_empty() {
        return Some(format!("Error: {}", errors.join("\n")));
    }
    (end.verdict == Verdict::Denied && strict).then(|| "Error: success criteria not met".to_owned())
}
