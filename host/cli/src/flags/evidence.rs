//! The flags of `evidence`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};

use super::{
    image::{ImageFlags, InputFlags, PolicyFlags, ReportFlags, RunFlags, TrustFlags},
    sources::SourceFlags,
    vsa::VsaFlags,
};

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Validate images, and write everything that was read to one archive
    #[command(after_help = collect_help())]
    Collect(Box<CollectFlags>),

    /// List the contents of an archive
    #[command(after_help = "Examples:
  # what an archive was made of
  assay evidence inspect evidence.tar

  # the same for a script
  assay evidence inspect evidence.tar --output json")]
    Inspect(InspectArchiveFlags),

    /// Check that every byte of an archive is as it was written
    #[command(after_help = verify_help())]
    Verify(VerifyArchiveFlags),
}

fn collect_help() -> String {
    format!(
        "Examples:
  # with network access
  assay evidence collect --images snapshot.yaml --policy github.com/org/policy \\
      --public-key cosign.pub --ignore-rekor -o evidence.tar

  # later, without
  assay validate image --evidence evidence.tar --images snapshot.yaml \\
      --policy github.com/org/policy --public-key cosign.pub --ignore-rekor

{}",
        crate::exit::COLLECT_HELP
    )
}

fn verify_help() -> String {
    format!(
        "Examples:
  # after an archive was copied
  assay evidence verify evidence.tar

{}",
        crate::exit::VERIFY_ARCHIVE_HELP
    )
}

/// Flags of `evidence collect`: those of `validate image` that say what is read.
#[derive(Debug, Args)]
pub(crate) struct CollectFlags {
    /// File to write the archive to
    #[arg(short, long, value_name = "FILE", required = true, help_heading = "Archive")]
    pub(crate) output: Utf8PathBuf,
    #[command(flatten)]
    pub(crate) input: InputFlags,
    #[command(flatten)]
    pub(crate) trust: TrustFlags,
    #[command(flatten)]
    pub(crate) policy: PolicyFlags,
    #[command(flatten)]
    pub(crate) sources: SourceFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

impl CollectFlags {
    /// The flags of a validation without reports, and the file for the archive.
    pub(crate) fn into_image_flags(self) -> (ImageFlags, Utf8PathBuf) {
        let Self { output, input, trust, policy, sources, run } = self;
        let report = ReportFlags::default();
        (ImageFlags { input, trust, policy, sources, report, run, vsa: VsaFlags::default() }, output)
    }
}

/// Flags of `evidence inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArchiveFlags {
    /// The archive
    #[arg(value_name = "FILE")]
    pub(crate) file: Utf8PathBuf,

    /// Format of the list
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = ListFormat::Text)]
    pub(crate) output: ListFormat,
}

/// How an archive is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// Lines for people.
    Text,
    /// The record as JSON.
    Json,
}

/// Flags of `evidence verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArchiveFlags {
    /// The archive
    #[arg(value_name = "FILE")]
    pub(crate) file: Utf8PathBuf,
}
