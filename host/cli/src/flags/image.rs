//! The flags of `validate image`.

use std::num::NonZeroUsize;

use camino::Utf8PathBuf;
use clap::{ArgAction, Args};

pub(super) fn help() -> String {
    format!(
        "Examples:
  # judge a Snapshot from a bundle on disk, without network
  assay validate image --bundle ./oci --images snapshot.yaml --policy policy.yaml \\
      --public-key cosign.pub --ignore-rekor

  # judge one image on a registry and write reports for a pipeline
  assay validate image --image registry.example/shop/cart:1.2 --policy policy.yaml \\
      --public-key cosign.pub --ignore-rekor --output text --output json=report.json

{}",
        crate::exit::HELP
    )
}

/// Flags of `validate image`. Booleans are written as `ec` takes them: `--info`, `--info=true`, `--info=false`.
#[derive(Debug, Args)]
pub(crate) struct ImageFlags {
    #[command(flatten)]
    pub(crate) input: InputFlags,
    #[command(flatten)]
    pub(crate) trust: TrustFlags,
    #[command(flatten)]
    pub(crate) policy: PolicyFlags,
    #[command(flatten)]
    pub(crate) report: ReportFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct InputFlags {
    /// Snapshot to judge: a file, or JSON or YAML text; a Konflux Snapshot resource or its spec
    #[arg(long, value_name = "FILE|TEXT", env = "ASSAY_IMAGES")]
    pub(crate) images: Option<String>,

    /// One image to judge
    #[arg(short, long, value_name = "IMAGE", env = "ASSAY_IMAGE", conflicts_with = "images")]
    pub(crate) image: Option<String>,

    /// OCI image layout (folder or tar) to read everything from; nothing is then fetched
    #[arg(long, value_name = "DIR|TAR", env = "ASSAY_BUNDLE")]
    pub(crate) bundle: Option<Utf8PathBuf>,

    /// Registry host to speak plain HTTP with (loopback always is); repeatable
    #[arg(long, value_name = "HOST", env = "ASSAY_INSECURE_REGISTRY", value_delimiter = ',')]
    pub(crate) insecure_registry: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Signatures")]
pub(crate) struct TrustFlags {
    /// Public key of the signer: a PEM file or PEM text; overrides the policy's
    #[arg(short = 'k', long, value_name = "FILE|PEM", env = "ASSAY_PUBLIC_KEY", allow_hyphen_values = true)]
    pub(crate) public_key: Option<String>,

    /// Do without transparency logs
    #[arg(long, env = "ASSAY_IGNORE_REKOR", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) ignore_rekor: bool,

    /// Accept a signature that was made for another repository than the image's
    #[arg(long, env = "ASSAY_ALLOW_RELOCATION", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) allow_relocation: bool,

    /// URL of the transparency log (not verified yet: an error)
    #[arg(short = 'r', long, value_name = "URL", env = "ASSAY_REKOR_URL", hide = true)]
    pub(crate) rekor_url: Option<String>,

    /// Identity of a keyless signer (not verified yet: an error)
    #[arg(long, value_name = "TEXT", hide = true)]
    pub(crate) certificate_identity: Option<String>,

    /// Identity of a keyless signer as a regular expression (not verified yet: an error)
    #[arg(long, value_name = "REGEX", hide = true)]
    pub(crate) certificate_identity_regexp: Option<String>,

    /// Issuer of a keyless signer (not verified yet: an error)
    #[arg(long, value_name = "TEXT", hide = true)]
    pub(crate) certificate_oidc_issuer: Option<String>,

    /// Issuer of a keyless signer as a regular expression (not verified yet: an error)
    #[arg(long, value_name = "REGEX", hide = true)]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyFlags {
    /// Policy configuration: a file, or JSON or YAML text; an EnterpriseContractPolicy or its spec
    #[arg(short, long, value_name = "FILE|TEXT", env = "ASSAY_POLICY")]
    pub(crate) policy: Option<String>,

    /// WebAssembly check to run beside the policy, with its parameters; repeatable
    #[arg(long, value_name = "FILE.wasm[?PARAM=VALUE&…]")]
    pub(crate) check: Vec<String>,

    /// Moment to judge at: `now`, a date (YYYY-MM-DD) or an RFC 3339 time
    #[arg(long, value_name = "TIME", env = "ASSAY_EFFECTIVE_TIME", default_value = "now")]
    pub(crate) effective_time: String,

    /// Allow an effective time in the past
    #[arg(long, env = "ASSAY_ALLOW_PAST_EFFECTIVE_TIME", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) allow_past_effective_time: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct ReportFlags {
    /// Report to write, to standard output or a file: text, json or appstudio; repeatable [default: text]
    #[arg(long, value_name = "FORMAT[=FILE][?OPTION=BOOL]", env = "ASSAY_OUTPUT", value_delimiter = ',')]
    pub(crate) output: Vec<String>,

    /// Exit with 1 when the answer is no
    #[arg(short, long, env = "ASSAY_STRICT", default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) strict: bool,

    /// Show what was looked at and is fine
    #[arg(long, env = "ASSAY_SHOW_SUCCESSES", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) show_successes: bool,

    /// Show warnings
    #[arg(long, env = "ASSAY_SHOW_WARNINGS", default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) show_warnings: bool,

    /// Show titles, descriptions and solutions of rules
    #[arg(long, env = "ASSAY_INFO", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", hide_possible_values = true)]
    pub(crate) info: bool,

    /// Colour the text report even when it does not go to a terminal
    #[arg(long, conflicts_with = "no_color")]
    pub(crate) color: bool,

    /// Never colour the text report; so does the environment's NO_COLOR
    #[arg(long)]
    pub(crate) no_color: bool,

    /// Tell on standard error how a rule, such as `tasks.required`, came to its answer about each image; repeatable
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) explain: Vec<String>,

    /// Say nothing on standard error but errors
    #[arg(short, long, env = "ASSAY_QUIET")]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunFlags {
    /// How many components are judged at a time [default: the number of cores]
    #[arg(long, value_name = "N", env = "ASSAY_WORKERS")]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Time after which the run ends with what it has, such as 90s or 1h30m; 0 for none
    #[arg(long, value_name = "DURATION", env = "ASSAY_TIMEOUT", default_value = "5m")]
    pub(crate) timeout: String,
}
