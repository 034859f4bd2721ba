//! The tags of a repository (distribution-spec, "Listing Tags").

use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::Repository,
};
use reqwest::{StatusCode, Url};
use serde::Deserialize;

use super::{
    ContentStore, Source,
    client::status_error,
    registry::Registry,
    registry_client::{Part, RegistryClient, next_page},
    request::TransferError,
};

/// Pages of a list of tags.
const TAG_PAGES: usize = 50;
/// One page; a tag has at most 128 bytes, and registries give a thousand at once at most.
const PAGE_BYTES: usize = 1 << 20;
/// All tags of a repository.
const TAGS: usize = 20_000;

#[derive(Deserialize)]
struct Page {
    // Some registries say `null` of a repository whose last tag was deleted.
    tags: Option<Vec<String>>,
}

impl ContentStore {
    /// The tags of a repository, in the order of the registry; none if there is no such repository. A layout lists those that
    /// its index names.
    ///
    /// # Errors
    /// [`EvaluationError`] when the list cannot be read, or is longer than its limit.
    pub fn tags(&self, repository: &Repository) -> Result<Vec<String>, EvaluationError> {
        match &self.source {
            Source::Registry(registry) => registry.tags(repository),
            Source::ImageLayout(layout) => Ok(layout.tags(repository)),
            Source::Archive(_) => {
                Err(EvaluationError::new(ErrorCode::NotInArchive, "an evidence archive has no list of tags"))
            }
        }
    }
}

impl Registry {
    fn tags(&self, repository: &Repository) -> Result<Vec<String>, EvaluationError> {
        let repository = repository.clone();
        self.wait(repository.registry().to_owned(), move |client| async move {
            // Which versions there are is for the repository itself to say, wherever that is.
            let place = client.client.registries_conf().endpoints(&repository, false)?.pop();
            let repository = place.map_or(repository, |place| place.repository);
            client.client.with_retries(|| client.tags(&repository)).await
        })
    }
}

impl RegistryClient {
    async fn tags(&self, repository: &Repository) -> Result<Vec<String>, TransferError> {
        let registry = repository.registry();
        let too_many = || {
            EvaluationError::new(ErrorCode::TooLarge, format!("{repository} has more tags than the {TAGS} allowed"))
                .hint("remove those that are not needed")
        };
        let mut next: Option<Url> = Some(self.client.address(repository, "tags", "list")?);
        let (mut tags, mut pages) = (Vec::new(), 0);
        while let Some(address) = next {
            pages += 1;
            if pages > TAG_PAGES {
                return Err(too_many().into());
            }
            let reply = self.get(repository, address.clone(), Part { accept: None, start: 0 }).await?;
            match reply.response.status() {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND if pages == 1 => return Ok(Vec::new()),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    return Err(self.denied(repository, "tags", "list").into());
                }
                status => return Err(status_error(registry, status).into()),
            }
            next = next_page(&reply, &address);
            let page = self.client.read(registry, reply, PAGE_BYTES).await?.ok_or_else(too_many)?;
            let page: Page = serde_json::from_slice(&page).map_err(|error| {
                let message =
                    format!("the registry `{registry}` returned no list of the tags of {repository}: {error}");
                EvaluationError::new(ErrorCode::RegistryError, message).hint("contact the operator of the registry")
            })?;
            tags.extend(page.tags.unwrap_or_default());
            if tags.len() > TAGS {
                return Err(too_many().into());
            }
        }
        Ok(tags)
    }
}
