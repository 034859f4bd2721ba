//! The flags of `validate image`.

use std::ffi::OsStr;

use assay_model::image::ImageRef;
use assay_report::Format;
use camino::{Utf8Path, Utf8PathBuf};
use clap::{
    Arg, ArgAction, Args,
    builder::TypedValueParser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{go, identity::IdentityFlags, sources::SourceFlags, vsa::VsaFlags};

pub(super) fn help() -> String {
    format!(
        "Examples:
  # validate a Snapshot from an OCI layout on disk, without network access
  assay validate image --evidence ./oci --images snapshot.yaml --policy policy.yaml \\
      --public-key cosign.pub --ignore-rekor

  # validate one image in a registry and write reports for a pipeline
  assay validate image registry.example/shop/cart:1.2 --policy policy.yaml \\
      --public-key cosign.pub --ignore-rekor --output text --output json=report.json

  # validate an image that a GitHub workflow signed without a key
  assay validate image --image ghcr.io/shop/cart:1.2 --policy policy.yaml \\
      --certificate-identity-regexp '^https://github\\.com/shop/cart/' \\
      --certificate-oidc-issuer https://token.actions.githubusercontent.com

  # attest what came of it, with a key of `cosign generate-key-pair`
  COSIGN_PASSWORD=… assay validate image --images snapshot.yaml --policy policy.yaml \\
      --public-key cosign.pub --ignore-rekor --vsa --vsa-signing-key cosign.key \\
      --vsa-upload local@./vsas

{}",
        crate::exit::HELP
    )
}

fn output_help() -> String {
    let formats = Format::ALL.map(Format::as_str).join(", ");
    format!("Report to write, to standard output or a file; repeatable [default: text]. Formats: {formats}")
}

fn output_long_help() -> String {
    let formats = Format::ALL.map(|format| format!("\n  {:<17} {}", format.as_str(), format.description())).concat();
    format!("Report to write, to standard output or a file; repeatable [default: text]. Formats:{formats}")
}

/// `-o` as `ec` defines it: short for the deprecated `--output-file`.
pub(super) fn with_short_of_ec(command: clap::Command) -> clap::Command {
    command.mut_arg("output", |output| output.short(None::<char>)).mut_arg("output_file", |file| file.short('o'))
}

/// Flags of `validate image`. Booleans are written as `ec` accepts them: `--info`, `--info=true`, `--info=false`. Of a
/// flag given twice the last one counts, and an empty value means unset.
#[derive(Debug, Args)]
pub(crate) struct ImageFlags {
    #[command(flatten)]
    pub(crate) input: InputFlags,
    #[command(flatten)]
    pub(crate) trust: TrustFlags,
    #[command(flatten)]
    pub(crate) policy: PolicyFlags,
    #[command(flatten)]
    pub(crate) sources: SourceFlags,
    #[command(flatten)]
    pub(crate) report: ReportFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
    #[command(flatten)]
    pub(crate) vsa: VsaFlags,
}

/// Accepts what is either a file or an image with its registry or namespace. Anything else is more likely a stray word,
/// such as the value in `--strict false`.
fn target(text: &str) -> Result<String, &'static str> {
    let is_document = [".json", ".yaml", ".yml"].iter().any(|ending| text.ends_with(ending));
    if text.is_empty() || text == "-" || Utf8Path::new(text).is_file() {
        Ok(text.to_owned())
    } else if is_document {
        Err("there is no such file")
    } else if text.contains('/') && text.parse::<ImageRef>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err("it is neither a file nor an image with its registry")
    }
}

/// `ec` has no such argument.
pub(super) fn without_target(command: clap::Command) -> clap::Command {
    command.mut_arg("target", |target| target.hide(true).value_parser(NoArgument))
}

/// Refuses what is given for an argument as if the command had none.
#[derive(Clone)]
struct NoArgument;

impl TypedValueParser for NoArgument {
    type Value = String;

    fn parse_ref(&self, command: &clap::Command, _: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        let mut error = clap::Error::new(ErrorKind::UnknownArgument).with_cmd(command);
        let value = value.to_string_lossy().into_owned();
        error.insert(ContextKind::InvalidArg, ContextValue::String(value));
        Err(error)
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct InputFlags {
    /// Image to validate, or file with a Snapshot: the same as --image or --images
    #[arg(value_name = "IMAGE|FILE", value_parser = target, help_heading = None::<&'static str>)]
    pub(crate) target: Option<String>,

    /// Snapshot to validate, as a file, inline JSON or YAML, or `-` for standard input: a Konflux Snapshot resource or its
    /// spec
    #[arg(long, value_name = "FILE|TEXT", env = "ASSAY_IMAGES")]
    pub(crate) images: Option<String>,

    /// Image to validate; can be combined with --images
    #[arg(short, long, value_name = "IMAGE", env = "ASSAY_IMAGE")]
    pub(crate) image: Option<String>,

    /// Deprecated: file with a Snapshot; use `--images`
    #[arg(short = 'f', long, value_name = "FILE", hide = true)]
    pub(crate) file_path: Option<String>,

    /// Deprecated: inline Snapshot; use `--images`
    #[arg(short = 'j', long, value_name = "TEXT", hide = true)]
    pub(crate) json_input: Option<String>,

    /// Snapshot in a cluster, by its name; can be combined with --images
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    pub(crate) snapshot: Option<String>,

    /// OCI image layout (directory or tar archive) to read all evidence from; nothing is fetched
    #[arg(long, value_name = "DIR|TAR", env = "ASSAY_EVIDENCE")]
    pub(crate) evidence: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Signatures")]
pub(crate) struct TrustFlags {
    /// Public key of the signer: a PEM file, inline PEM, `env://NAME` for an environment variable, or
    /// `k8s://NAMESPACE/SECRET` for a Secret in a cluster; overrides the policy's `publicKey`
    #[arg(
        short = 'k',
        long,
        value_name = "FILE|PEM|env://NAME|k8s://NAMESPACE/SECRET",
        env = "ASSAY_PUBLIC_KEY",
        allow_hyphen_values = true
    )]
    pub(crate) public_key: Option<String>,

    /// Do not require an entry of a transparency log for each signature
    #[arg(long, env = "ASSAY_IGNORE_REKOR", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) ignore_rekor: bool,

    /// Do not verify image signatures; the report says so
    #[arg(long, env = "ASSAY_SKIP_IMAGE_SIG_CHECK", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) skip_image_sig_check: bool,

    /// Accept attestations without verifying their signatures; the report says so
    #[arg(long, env = "ASSAY_SKIP_ATT_SIG_CHECK", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) skip_att_sig_check: bool,

    /// Accept signatures made for a different repository
    #[arg(long, env = "ASSAY_ALLOW_RELOCATION", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) allow_relocation: bool,

    /// URL of the transparency log, for reports; it is never accessed: signatures must come with their log entries
    #[arg(short = 'r', long, value_name = "URL", env = "ASSAY_REKOR_URL")]
    pub(crate) rekor_url: Option<String>,

    #[command(flatten)]
    pub(crate) identity: IdentityFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyFlags {
    /// Policy configuration, as a file, inline JSON or YAML, `-` for standard input, or the name of a resource in a cluster:
    /// an EnterpriseContractPolicy or its spec
    #[arg(short, long, value_name = "FILE|TEXT|[NAMESPACE/]NAME", env = "ASSAY_POLICY")]
    pub(crate) policy: Option<String>,

    /// Validate without a policy: verify signatures and run plugins only
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) no_policy: bool,

    /// Fail if an item of the policy's `include` or `exclude` matches no rule, instead of warning
    #[arg(long, env = "ASSAY_STRICT_CONFIG", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) strict_config: bool,

    /// WebAssembly plugin to run in addition to the policy, with its parameters: a file, a name in plugins.toml, or a
    /// reference by digest; repeatable
    #[arg(long, value_name = "FILE|NAME|REF@sha256:…[?param=value]")]
    pub(crate) plugin: Vec<String>,

    /// List of plugins (plugins.toml); assay.lock is beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) plugins: Option<Utf8PathBuf>,

    /// OCI layout of `assay plugin pull --save` to take plugins from; none is fetched then
    #[arg(long, value_name = "TAR")]
    pub(crate) plugins_from: Option<Utf8PathBuf>,

    /// Extra rule data for every source: KEY=VALUE or KEY=FILE (JSON or YAML); repeatable
    #[arg(long, value_name = "KEY=VALUE|FILE", env = "ASSAY_EXTRA_RULE_DATA")]
    pub(crate) extra_rule_data: Vec<String>,

    /// Rule filter: `include-exclude`, or `ec-policy` to also apply the `pipeline_intention` of rules
    #[arg(long, value_name = "NAME", env = "ASSAY_FILTER_TYPE", default_value = "include-exclude")]
    pub(crate) filter_type: String,

    /// Effective time for the evaluation: `now`, a date (YYYY-MM-DD), an RFC 3339 time, or `attestation` for the time
    /// at which each build finished
    #[arg(long, value_name = "TIME", env = "ASSAY_EFFECTIVE_TIME", default_value = "now")]
    pub(crate) effective_time: String,

    /// Allow an effective time in the past
    #[arg(long, env = "ASSAY_ALLOW_PAST_EFFECTIVE_TIME", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) allow_past_effective_time: bool,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct ReportFlags {
    #[arg(short, long, value_name = "FORMAT[=FILE][?OPTION=BOOL]", env = "ASSAY_OUTPUT", help = output_help(),
        long_help = output_long_help())]
    pub(crate) output: Vec<String>,

    /// Deprecated: file for the JSON report; use `--output json=FILE`
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) output_file: Option<String>,

    /// Exit with code 1 if any violation is found
    #[arg(short, long, env = "ASSAY_STRICT", default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE)]
    pub(crate) strict: bool,

    /// Include passing rules in the report
    #[arg(long, env = "ASSAY_SHOW_SUCCESSES", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) show_successes: bool,

    /// Include warnings in the report
    #[arg(long, env = "ASSAY_SHOW_WARNINGS", default_value = "true", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::TRUE)]
    pub(crate) show_warnings: bool,

    /// Append a link to the policy documentation if anything failed
    #[arg(long, env = "ASSAY_SHOW_POLICY_DOCS_LINK", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) show_policy_docs_link: bool,

    /// Include titles, descriptions and solutions of rules in the report
    #[arg(long, env = "ASSAY_INFO", default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) info: bool,

    /// Color the text report even if it is not written to a terminal
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) color: bool,

    /// Never color the text report; the same as setting NO_COLOR
    #[arg(long, default_value = "false", default_missing_value = "true",
        num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_name = "BOOL", value_parser = go::FALSE)]
    pub(crate) no_color: bool,

    /// Print an evaluation trace for a rule, such as `tasks.required`, for each image to standard error; repeatable
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) explain: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunFlags {
    /// Number of components to evaluate concurrently [default: the number of cores]
    #[arg(long, value_name = "N", env = "ASSAY_WORKERS")]
    pub(crate) workers: Option<String>,

    /// Stop after this time, such as 90s or 1h30m, and report partial results (0: none)
    #[arg(long, value_name = "DURATION", env = "ASSAY_TIMEOUT", default_value = "5m")]
    pub(crate) timeout: String,
}
