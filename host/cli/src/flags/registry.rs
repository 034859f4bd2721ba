//! The flags of every command that asks registries. An empty text is no value, as pipelines give for what is not set.

use camino::Utf8PathBuf;
use clap::Args;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Registries")]
pub(crate) struct RegistryFlags {
    /// Registry host to speak plain HTTP with (loopback always is); repeatable
    #[arg(long, value_name = "HOST", env = "ASSAY_INSECURE_REGISTRY", value_delimiter = ',')]
    pub(crate) insecure_registry: Vec<String>,

    /// Registry host that may be asked with credentials, and in a private network, though only an image names it (as the
    /// place of its base image); repeatable
    #[arg(long, value_name = "HOST", env = "ASSAY_ALLOW_REGISTRY", value_delimiter = ',')]
    pub(crate) allow_registry: Vec<String>,

    /// PEM file of authorities to trust beside the system's; repeatable
    #[arg(long, value_name = "FILE", env = "ASSAY_REGISTRY_CA")]
    pub(crate) registry_ca: Vec<Utf8PathBuf>,

    /// How often a request is made again that may succeed later
    #[arg(long, value_name = "N", env = "ASSAY_RETRY_MAX_RETRY", default_value = "3")]
    pub(crate) retry_max_retry: String,

    /// First wait before a request is made again, such as 500ms
    #[arg(long, value_name = "DURATION", env = "ASSAY_RETRY_DURATION", default_value = "1s")]
    pub(crate) retry_duration: String,

    /// What each wait is multiplied by to make the next one
    #[arg(long, value_name = "NUMBER", env = "ASSAY_RETRY_FACTOR", default_value = "2.0")]
    pub(crate) retry_factor: String,

    /// Part of a wait that is added by chance at most
    #[arg(long, value_name = "NUMBER", env = "ASSAY_RETRY_JITTER", default_value = "0.1")]
    pub(crate) retry_jitter: String,

    /// Longest wait before a request is made again
    #[arg(long, value_name = "DURATION", env = "ASSAY_RETRY_MAX_WAIT", default_value = "3s")]
    pub(crate) retry_max_wait: String,
}
