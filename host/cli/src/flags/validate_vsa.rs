//! The flags of `validate vsa`, which verifies verification summary attestations (VSAs).

use camino::Utf8PathBuf;
use clap::{ArgAction, Args};

use super::{
    go,
    image::{ImageFlags, InputFlags, PolicyFlags, ReportFlags, RunFlags, TrustFlags},
    sources::SourceFlags,
    vsa::VsaFlags,
};

/// How old a VSA may be, as in `ec`.
const EXPIRATION: &str = "168h";

pub(super) fn help() -> String {
    format!(
        "Examples:
  # an image that was validated before, by the VSA in a folder
  assay validate vsa registry.example/shop/cart@sha256:… --vsa-retrieval local@./vsas \\
      --vsa-public-key vsa.pub --policy policy.yaml --public-key cosign.pub

  # a Snapshot; what has no VSA that counts is evaluated
  assay validate vsa --images snapshot.yaml --vsa-retrieval local@./vsas \\
      --vsa-public-key vsa.pub --policy policy.yaml --public-key cosign.pub \\
      --ignore-rekor --fallback

{}",
        crate::exit::VSA_HELP
    )
}

/// Flags of `validate vsa`. Those that say what would be validated are those of `validate image`.
#[derive(Debug, Args)]
pub(crate) struct ValidateVsaFlags {
    /// Image that the VSA must be about, or a file with the VSA
    #[arg(value_name = "IMAGE|FILE")]
    pub(crate) identifier: Option<String>,
    #[command(flatten)]
    pub(crate) vsas: VsaPlaceFlags,
    #[command(flatten)]
    pub(crate) input: VsaInputFlags,
    #[command(flatten)]
    pub(crate) trust: TrustFlags,
    #[command(flatten)]
    pub(crate) policy: PolicyFlags,
    #[command(flatten)]
    pub(crate) sources: SourceFlags,
    #[command(flatten)]
    pub(crate) report: VsaReportFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "VSAs")]
pub(crate) struct VsaPlaceFlags {
    /// The same as the argument
    #[arg(short, long, value_name = "IMAGE|FILE", conflicts_with = "identifier")]
    pub(crate) vsa: Option<String>,

    /// Directory or file with VSAs; repeatable. `rekor@URL` is not supported
    #[arg(long, value_name = "local@DIR|file@FILE")]
    pub(crate) vsa_retrieval: Vec<String>,

    /// Public key that must have signed the VSA: a PEM file, inline PEM, `env://NAME`, or `k8s://NAMESPACE/SECRET`
    #[arg(long, value_name = "FILE|PEM|env://NAME|k8s://NAMESPACE/SECRET", allow_hyphen_values = true)]
    pub(crate) vsa_public_key: Option<String>,

    /// How old a VSA may be, such as 24h, 7d, 1w or 1mo (0: any age)
    #[arg(long, value_name = "DURATION", default_value = EXPIRATION)]
    pub(crate) vsa_expiration: String,

    /// Accept VSAs without verifying who signed them; the report says so
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) ignore_signature_verification: bool,

    /// Evaluate images without a VSA that counts; called `ec`, that is done unless `--no-fallback` is given
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) fallback: bool,

    /// Do not evaluate anything
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) no_fallback: bool,

    /// The name that `ec` has for `--public-key` here
    #[arg(long, value_name = "FILE|PEM|env://NAME|k8s://NAMESPACE/SECRET", allow_hyphen_values = true)]
    pub(crate) fallback_public_key: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct VsaInputFlags {
    /// Snapshot whose images VSAs must be about, as a file, inline JSON or YAML, or `-` for standard input
    #[arg(long, value_name = "FILE|TEXT", env = "ASSAY_IMAGES")]
    pub(crate) images: Option<String>,

    /// Image that a VSA must be about; can be combined with --images
    #[arg(short, long, value_name = "IMAGE", env = "ASSAY_IMAGE")]
    pub(crate) image: Option<String>,

    /// Snapshot in a cluster, by its name; can be combined with --images
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    pub(crate) snapshot: Option<String>,

    /// OCI image layout (directory or tar archive) to read images and policies from; nothing is fetched
    #[arg(long, value_name = "DIR|TAR", env = "ASSAY_EVIDENCE")]
    pub(crate) evidence: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct VsaReportFlags {
    /// Report to write, to standard output or a file; repeatable [default: text]
    #[arg(short, long, value_name = "text|json|yaml|status[=FILE]")]
    pub(crate) output: Vec<String>,

    /// Exit with code 1 if an image has no VSA that counts
    #[arg(short, long, env = "ASSAY_STRICT", default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE)]
    pub(crate) strict: bool,

    /// Accepted and not used: the report has no colors
    #[arg(long, hide = true, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) color: bool,

    /// Accepted and not used: the report has no colors
    #[arg(long, hide = true, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) no_color: bool,

    /// Include passing rules in the report of an evaluation
    #[arg(long, env = "ASSAY_SHOW_SUCCESSES", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) show_successes: bool,

    /// Include warnings in the report of an evaluation
    #[arg(long, env = "ASSAY_SHOW_WARNINGS", default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE)]
    pub(crate) show_warnings: bool,

    /// Append a link to the policy documentation to the report of an evaluation if anything failed
    #[arg(long, env = "ASSAY_SHOW_POLICY_DOCS_LINK", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) show_policy_docs_link: bool,
}

impl ValidateVsaFlags {
    /// The flags of the evaluation that VSAs stand for, and those that say where VSAs are and what is written.
    pub(crate) fn into_parts(self) -> (ImageFlags, VsaPlaceFlags, VsaReportFlags) {
        let Self { identifier: _, vsas, input, mut trust, policy, sources, report, run } = self;
        let VsaInputFlags { images, image, snapshot, evidence } = input;
        let input = InputFlags { target: None, images, image, file_path: None, json_input: None, snapshot, evidence };
        if vsas.fallback_public_key.as_ref().is_some_and(|key| !key.is_empty()) {
            trust.public_key.clone_from(&vsas.fallback_public_key);
        }
        let reports = ReportFlags {
            strict: true,
            show_successes: report.show_successes,
            show_warnings: report.show_warnings,
            show_policy_docs_link: report.show_policy_docs_link,
            ..ReportFlags::default()
        };
        (ImageFlags { input, trust, policy, sources, report: reports, run, vsa: VsaFlags::default() }, vsas, report)
    }
}
