//! The flags of `snapshot compose`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::{registry::RegistryFlags, verify::SignerFlags};

#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Compose a Snapshot of new builds and the candidates of the other components
    #[command(after_help = "Examples:
  # cart was built; the other components of its application have their last images
  assay snapshot compose --from tenants-config --mode component \\
      --set cart=registry.example/shop/cart@sha256:…,url=https://git.example/cart,revision=4c1f9e2

  # the same of the PipelineRun that built it, whose labels and annotations are passed on
  assay snapshot compose --from tenants-config --build pipelinerun.yaml

  # repair a candidate by hand, and record it
  assay snapshot compose --from tenants-config --mode override \\
      --set web=registry.example/shop/web@sha256:… --record --store .assay

Modes:
  component  one build
  group      builds of one pull request group
  override   images put in by hand
  coupled    builds that depend on each other
  commit     all builds of one commit

Without --record nothing is written. With it, the Snapshot is kept, and the candidate `latest` of
each component moves to the build that started last; builds of pull requests and groups move
nothing.

Exit codes:
  0  a Snapshot was composed
  2  invalid request: the images do not fit the mode or the application, or a file is rejected
  3  the store cannot be read or written")]
    Compose(Box<ComposeFlags>),

    /// Wait until the images of a Snapshot are signed and attested
    #[command(after_help = "Examples:
  # what signs images works beside the build, and may be late
  assay snapshot wait --images snapshot.yaml --key cosign.pub --limit 5m

Exit codes:
  0  every image has a signature and an attestation that verify
  1  an image has signatures or attestations, but none verifies: waiting would not help
  2  invalid request: a flag, the Snapshot or a key is invalid
  3  the limit was reached: something is not signed yet or could not be read")]
    Wait(Box<WaitFlags>),
}

#[derive(Debug, Args)]
pub(crate) struct WaitFlags {
    /// Snapshot whose images are waited for: a file or inline JSON or YAML
    #[arg(long, value_name = "SNAPSHOT", help_heading = "Wait")]
    pub(crate) images: String,

    /// Longest time to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", help_heading = "Wait")]
    pub(crate) limit: String,

    /// Time between two checks
    #[arg(long, value_name = "DURATION", default_value = "5s", help_heading = "Wait")]
    pub(crate) interval: String,

    #[command(flatten)]
    pub(crate) signer: SignerFlags,

    /// OCI image layout (directory or tar archive) to read all evidence from; nothing is fetched
    #[arg(long, value_name = "DIR|TAR", env = "ASSAY_EVIDENCE", help_heading = "Image")]
    pub(crate) evidence: Option<Utf8PathBuf>,

    #[command(flatten)]
    pub(crate) registries: RegistryFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ComposeFlags {
    /// File or folder with the application and its components, or the component groups; repeatable
    #[arg(long, value_name = "PATH", required = true, num_args = 1.., help_heading = "Composition")]
    pub(crate) from: Vec<Utf8PathBuf>,

    /// How the Snapshot is composed: component, group, override, coupled or commit
    #[arg(long, value_name = "MODE", default_value = "component", help_heading = "Composition")]
    pub(crate) mode: String,

    /// Image of a component: COMPONENT@VERSION=IMAGE@DIGEST,url=URL,revision=COMMIT, of which `@VERSION`, `url` and `revision` may be left
    /// out; repeatable
    #[arg(long, value_name = "SET", num_args = 1.., help_heading = "Composition")]
    pub(crate) set: Vec<String>,

    /// PipelineRun of a build that succeeded, YAML or JSON: it has the image, what led to it and when it started; repeatable
    #[arg(long, value_name = "FILE", help_heading = "Build")]
    pub(crate) build: Vec<String>,

    /// Application to compose for, if the components are in several
    #[arg(long, value_name = "NAME", conflicts_with = "component_group", help_heading = "Composition")]
    pub(crate) application: Option<String>,

    /// Component group to compose for, if the components are in several
    #[arg(long, value_name = "NAME", help_heading = "Composition")]
    pub(crate) component_group: Option<String>,

    /// Images of the other components: latest (last built) or good (last passed)
    #[arg(long, value_name = "POINTER", default_value = "latest", help_heading = "Composition")]
    pub(crate) base: String,

    /// Start of the build, in seconds or milliseconds since 1970
    #[arg(long, value_name = "UNIX", help_heading = "Build")]
    pub(crate) build_start: Option<String>,

    /// Number of the pull request that was built; its images do not become candidates
    #[arg(long, value_name = "NUMBER", help_heading = "Build")]
    pub(crate) pull_request: Option<u64>,

    /// Keep the Snapshot in the store, and move candidates
    #[arg(long, help_heading = "Record")]
    pub(crate) record: bool,

    /// Folder of the store
    #[arg(long, value_name = "DIR", help_heading = "Record")]
    pub(crate) store: Option<Utf8PathBuf>,

    /// Print why each component is included or omitted
    #[arg(long, help_heading = "Report")]
    pub(crate) explain: bool,

    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Report")]
    pub(crate) format: String,
}
