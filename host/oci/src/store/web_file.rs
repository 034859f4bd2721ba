//! [`fetch_file`]: one file by its address, for what is neither a registry's content nor a policy source.

use std::time::Duration;

use reqwest::{StatusCode, Url};

use super::{
    download::{DownloadError, download},
    registry_options::RegistryOptions,
};

/// A file at an `http` or `https` address, by the rules for registries' content: proxies, authorities, redirects, retries.
/// None where the server says that there is none.
///
/// # Errors
/// The address is none, or the file cannot be had, has more than `limit` bytes or takes longer than `time`.
pub fn fetch_file(
    address: &str,
    options: &RegistryOptions,
    limit: u64,
    time: Duration,
) -> Result<Option<Vec<u8>>, String> {
    let url: Url = address.parse().map_err(|error| format!("`{address}` is not an address: {error}"))?;
    match download(&url, options, limit, time) {
        Ok(bytes) => Ok(Some(bytes)),
        // Static servers of object stores say 403 of what is not there.
        Err(DownloadError::Status(StatusCode::NOT_FOUND | StatusCode::FORBIDDEN)) => Ok(None),
        Err(DownloadError::Status(status)) => Err(format!("the server returned {status}")),
        Err(DownloadError::TooLarge) => Err(format!("it has more than {limit} bytes")),
        Err(DownloadError::TooSlow) => Err(format!("it took longer than {} s", time.as_secs())),
        Err(DownloadError::Evaluation(error)) => Err(error.message),
        Err(DownloadError::Runtime(error)) => Err(error.to_string()),
    }
}
