//! [`download`]: one file by HTTPS.

use std::{error::Error as _, time::Duration};

use reqwest::{Client, Response, StatusCode, Url, redirect};

use super::{bounds::Bounds, error::Why};

/// The time limit for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Redirects in a row.
const REDIRECTS: usize = 5;
/// How often a server that is busy or does not answer is asked in all.
const TRIES: u32 = 3;
/// Answers that mean that the next one may be another; 499 and 522 are a proxy's words for a lost connection.
const LATER: [u16; 8] = [408, 429, 499, 500, 502, 503, 504, 522];
/// The wait before the second try; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The bytes of a file. Redirects stay with HTTPS; a body is not read past the limit.
pub(super) fn download(url: &Url, bounds: &Bounds) -> Result<Vec<u8>, Why> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = async {
        let client = Client::builder()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::custom(follow))
            .referer(false)
            .build()
            .map_err(|error| Why::Failed(format!("connections could not be prepared: {}", root(&error))))?;
        let mut pause = FIRST_WAIT;
        for _ in 1..TRIES {
            match ask(&client, url, bounds).await {
                Err(Answer::Again(_)) => tokio::time::sleep(pause).await,
                Err(Answer::No(why)) => return Err(why),
                Ok(bytes) => return Ok(bytes),
            }
            pause *= 2;
        }
        ask(&client, url, bounds).await.map_err(|answer| match answer {
            Answer::Again(why) | Answer::No(why) => why,
        })
    };
    runtime.block_on(async {
        tokio::time::timeout(bounds.http_time, work).await.unwrap_or(Err(Why::TooSlow(bounds.http_time)))
    })
}

/// Why there are no bytes, and whether to ask again.
enum Answer {
    Again(Why),
    No(Why),
}

async fn ask(client: &Client, url: &Url, bounds: &Bounds) -> Result<Vec<u8>, Answer> {
    let broken = |error: reqwest::Error| Answer::Again(Why::Failed(root(&error)));
    let mut response = client.get(url.clone()).send().await.map_err(broken)?;
    let said = || Why::Failed(format!("the server answers with the status {}", response.status()));
    match response.status() {
        StatusCode::OK => {}
        // To read a file twice does no harm.
        status if LATER.contains(&status.as_u16()) => return Err(Answer::Again(said())),
        _ => return Err(Answer::No(said())),
    }
    let limit = bounds.file_bytes;
    let longer = || Answer::No(Why::TooMuch(format!("more than {limit} bytes")));
    if response.content_length().is_some_and(|announced| announced > limit) {
        return Err(longer());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = next(&mut response).await.map_err(broken)? {
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(longer());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn next(response: &mut Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    Ok(response.chunk().await?.map(|chunk| chunk.to_vec()))
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let leaves_https =
        attempt.url().scheme() != "https" && attempt.previous().last().is_some_and(|from| from.scheme() == "https");
    if leaves_https {
        attempt.error("a redirect leaves HTTPS")
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}

/// The innermost cause: the outer ones repeat the address, which may hold a password.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = match error.source() {
        Some(source) => source,
        None => return error.status().map_or_else(|| "the request failed".to_owned(), |status| status.to_string()),
    };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
