//! [`download`]: one file over HTTPS, requested like content of registries.
//!
//! So the same rules hold for redirects, credentials and retries, and the same proxies and authorities are used.

use std::{io, time::Duration};

use assay_model::{error::EvaluationError, redact::percent_decoded};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{StatusCode, Url};

use super::{address::NamedBy, client::Client, registry_options::RegistryOptions, request::Request};

/// Why there is no file.
#[derive(Debug)]
pub(crate) enum DownloadError {
    /// The server returned this status.
    Status(StatusCode),
    /// It is longer than the limit.
    TooLarge,
    /// It took longer than it may.
    TooSlow,
    /// There is no response, or a redirect that must not be followed.
    Evaluation(EvaluationError),
    /// The HTTP client cannot be created.
    Runtime(io::Error),
}

/// The bytes of a file, at most `limit`, that came within `time`. A user and a password in the address are shown to its own
/// origin and to nobody else.
pub(crate) fn download(
    address: &Url,
    options: &RegistryOptions,
    limit: u64,
    time: Duration,
) -> Result<Vec<u8>, DownloadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DownloadError::Runtime)?;
    let (address, authorization) = split_credential(address);
    let place = address.host_str().unwrap_or_default().to_owned();
    let work = async {
        let client = Client::new(options).map_err(DownloadError::Evaluation)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (client, place, authorization) = (&client, place.as_str(), authorization.as_deref());
        // An interrupted response is retried; one with other content is not.
        let call = || async {
            let request = Request {
                address: address.clone(),
                accept: None,
                authorization,
                form: None,
                upload: None,
                start: 0,
                named_by: NamedBy::User,
            };
            let reply = client.send(place, &request).await?;
            let status = reply.response.status();
            if status != StatusCode::OK {
                return Ok(Err(DownloadError::Status(status)));
            }
            Ok(client.read(place, reply, limit).await?.ok_or(DownloadError::TooLarge))
        };
        client.with_retries(call).await.map_err(DownloadError::Evaluation)?
    };
    runtime.block_on(async { tokio::time::timeout(time, work).await.unwrap_or(Err(DownloadError::TooSlow)) })
}

/// An address without its credential, and the `Authorization` header for it.
fn split_credential(address: &Url) -> (Url, Option<String>) {
    let mut bare = address.clone();
    // Only an address without a host has no place for a user.
    let _bare = bare.set_username("").and_then(|()| bare.set_password(None));
    let (user, password) = (address.username(), address.password().unwrap_or_default());
    let (user, password) = (percent_decoded(user), percent_decoded(password));
    if user.is_empty() && password.is_empty() {
        return (bare, None);
    }
    let pair = [&user[..], b":", &password[..]].concat();
    (bare, Some(format!("Basic {}", STANDARD.encode(pair))))
}
