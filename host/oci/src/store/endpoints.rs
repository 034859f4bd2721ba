//! Content of a repository from its mirrors and itself, and blobs that go on where they broke off.
//!
//! A mirror that fails, lacks something or has other content than its digest says is passed over; one that cannot be
//! reached is not requested again in the run. What the repository itself says is the answer.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use super::{
    content_request::{Wanted, continues},
    fetched::{Body, Fetched},
    registries_conf::Endpoint,
    registry_client::RegistryClient,
    request::RegistryResponse,
};
use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::Repository,
};

impl RegistryClient {
    /// Content from the first place that has it.
    pub(super) async fn fetch_anywhere(
        &self,
        repository: &Repository,
        wanted: Wanted<'_>,
        limit: u64,
    ) -> Result<Fetched, EvaluationError> {
        let digest = wanted.digest();
        let is_good = |fetched: &Fetched| match (fetched, &digest) {
            (Fetched::Found(body), Some(digest)) => digest.check(&body.bytes).is_ok(),
            (Fetched::Found(_), None) => true,
            (Fetched::Absent | Fetched::TooLarge, _) => false,
        };
        let fetch = async |at: Repository| self.fetch_resuming(&at, wanted, limit).await;
        self.first(repository, digest.is_some(), fetch, is_good).await
    }

    /// The pages of a list of referrers from the first place that lists some; none if the repository makes no such lists.
    pub(super) async fn referrers_anywhere(
        &self,
        repository: &Repository,
        image: &str,
        limit: usize,
    ) -> Result<Option<Vec<Vec<u8>>>, EvaluationError> {
        let fetch = async |at: Repository| {
            let at = &at;
            self.client.with_retries(|| self.referrers(at, image, limit)).await
        };
        // Few mirrors have signatures, and an empty list of one says nothing about the repository.
        let is_good = |pages: &Option<Vec<Vec<u8>>>| {
            let is_empty =
                |page: &Vec<u8>| serde_json::from_slice(page).is_ok_and(|list: List| list.manifests.is_empty());
            pages.as_ref().is_some_and(|pages| !pages.iter().all(is_empty))
        };
        let pages = self.first(repository, false, fetch, is_good).await?;
        if pages.is_none() {
            self.note_lacking_referrers_api(repository);
        }
        Ok(pages)
    }

    /// The response with the content from the first place that has it, and that place; none if none has it.
    pub(super) async fn request_anywhere(
        &self,
        repository: &Repository,
        wanted: Wanted<'_>,
    ) -> Result<Option<(Repository, RegistryResponse)>, EvaluationError> {
        let fetch = async |at: Repository| {
            let reply = self.request_content(&at, wanted, 0).await?;
            Ok(reply.map(|reply| (at, reply)))
        };
        self.first(repository, wanted.digest().is_some(), fetch, Option::is_some).await
    }

    /// What the first mirror gives that is good, or else what the repository itself gives.
    async fn first<T, W: Future<Output = Result<T, EvaluationError>>>(
        &self,
        repository: &Repository,
        by_digest: bool,
        fetch: impl Fn(Repository) -> W,
        is_good: impl Fn(&T) -> bool,
    ) -> Result<T, EvaluationError> {
        let mut own = repository.clone();
        for Endpoint { repository, is_mirror } in self.client.registries_conf().endpoints(repository, by_digest)? {
            if !is_mirror {
                own = repository;
                break;
            }
            if self.is_unreachable(&repository) {
                continue;
            }
            match fetch(repository.clone()).await {
                Ok(found) if is_good(&found) => return Ok(found),
                Ok(_) => {}
                Err(error) => {
                    if matches!(error.code, ErrorCode::RegistryUnreachable | ErrorCode::RegistryTimeout) {
                        self.note_unreachable(&repository);
                    }
                }
            }
        }
        fetch(own).await
    }

    /// Content, requested again from where it broke off, if it is a blob: a digest shows whether the parts fit.
    async fn fetch_resuming(
        &self,
        repository: &Repository,
        wanted: Wanted<'_>,
        limit: u64,
    ) -> Result<Fetched, EvaluationError> {
        let partial = Mutex::new(Vec::new());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let fetch = || async {
            let mut bytes = std::mem::take(&mut *partial.lock().unwrap_or_else(PoisonError::into_inner));
            if wanted.kind != "blobs" {
                bytes.clear();
            }
            let start = u64::try_from(bytes.len()).unwrap_or_default();
            let reply = self.request_content(repository, wanted, start).await?;
            let Some(reply) = reply else { return Ok(Fetched::Absent) };
            if !continues(&reply, start) {
                bytes.clear();
            }
            let named = reply.response.headers().get("docker-content-digest");
            let named = named.and_then(|value| value.to_str().ok()?.parse().ok());
            match self.client.read_into(repository.registry(), reply, limit, &mut bytes).await {
                Ok(true) => Ok(Fetched::Found(Body { bytes, named })),
                Ok(false) => Ok(Fetched::TooLarge),
                Err(error) => {
                    *partial.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
                    Err(error)
                }
            }
        };
        self.client.with_retries(fetch).await
    }
}

/// A list of referrers, as far as it says whether it is empty.
#[derive(serde::Deserialize)]
struct List {
    #[serde(default)]
    manifests: Vec<serde::de::IgnoredAny>,
}
