//! The flags of every command that accesses registries. An empty string means unset, as pipelines pass it.

use camino::Utf8PathBuf;
use clap::Args;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct RegistryFlags {
    /// Use plain HTTP for this registry (always used for loopback); repeatable
    #[arg(long, value_name = "HOST", env = "ASSAY_INSECURE_REGISTRY", value_delimiter = ',')]
    pub(crate) insecure_registry: Vec<String>,

    /// Allow credentials and private network addresses for this registry even if only an image refers to it (as the
    /// location of its base image); repeatable
    #[arg(long, value_name = "HOST", env = "ASSAY_ALLOW_REGISTRY", value_delimiter = ',')]
    pub(crate) allow_registry: Vec<String>,

    /// Additional CA certificates (PEM); repeatable
    #[arg(long, value_name = "FILE", env = "ASSAY_REGISTRY_CA")]
    pub(crate) registry_ca: Vec<Utf8PathBuf>,

    /// Maximum number of retries for transient errors
    #[arg(long, value_name = "N", env = "ASSAY_RETRY_MAX_RETRY", default_value = "3")]
    pub(crate) retry_max_retry: String,

    /// Delay before the first retry, such as 500ms
    #[arg(long, value_name = "DURATION", env = "ASSAY_RETRY_DURATION", default_value = "1s")]
    pub(crate) retry_duration: String,

    /// Backoff factor
    #[arg(long, value_name = "NUMBER", env = "ASSAY_RETRY_FACTOR", default_value = "2.0")]
    pub(crate) retry_factor: String,

    /// Maximum jitter as a fraction of the backoff
    #[arg(long, value_name = "NUMBER", env = "ASSAY_RETRY_JITTER", default_value = "0.1")]
    pub(crate) retry_jitter: String,

    /// Maximum delay between retries
    #[arg(long, value_name = "DURATION", env = "ASSAY_RETRY_MAX_WAIT", default_value = "3s")]
    pub(crate) retry_max_wait: String,
}
