//! [`Registry`]: manifests, blobs and lists of referrers from registries (distribution-spec 1.1).
//!
//! No registry is pinged first: content is requested, and credentials are sent when required. What it grants
//! is kept for each repository. Nothing is checked against digests here: the store does that, on the caller's thread.
//!
//! A small runtime moves the bytes; callers are plain threads that wait.

use std::{
    error::Error,
    future::Future,
    sync::{Arc, mpsc},
    time::Duration,
};

use assay_model::{
    digest::Digest,
    error::{ErrorCode, EvaluationError},
    image::Repository,
};
use tokio::runtime::{Builder, Runtime};

use super::{
    address::NamedBy,
    client::Client,
    content_request::Wanted,
    credentials::Credentials,
    fetched::{Fetched, Reference},
    registry_client::RegistryClient,
    registry_options::RegistryOptions,
    stream::Stream,
};

/// Threads that move bytes. They do nothing else, so two are enough for many workers.
const THREADS: usize = 2;
/// What a request may take longer than its limit, where it waits for something that cannot be ended, such as a helper
/// program.
const GRACE: Duration = Duration::from_secs(1);
/// Pieces of a streamed blob that may wait for their reader.
const STREAM_CHUNKS: usize = 8;

/// All registries.
pub(super) struct Registry {
    threads: Arc<Threads>,
    client: Arc<RegistryClient>,
}

/// The threads that move bytes.
struct Threads(
    // Taken when dropped: a runtime must not be waited for, as a hanging request would hold up the end.
    Option<Runtime>,
);

impl Registry {
    /// Prepares connections.
    pub(super) fn new(options: RegistryOptions) -> Result<Self, EvaluationError> {
        let failed = |error: &dyn Error| {
            EvaluationError::new(
                ErrorCode::Internal,
                format!("threads for registry requests could not be created: {error}"),
            )
        };
        let client = Arc::new(Client::new(&options)?);
        let client = RegistryClient::new(client, Credentials::read(options.credentials)?, NamedBy::User);
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("registry")
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self { threads: Arc::new(Threads(Some(runtime))), client: Arc::new(client) })
    }

    /// The same for hosts that only images name.
    pub(super) fn named_by_images(&self) -> Self {
        let client = RegistryClient::new(Arc::clone(&self.client.client), Credentials::none(), NamedBy::Image);
        Self { threads: Arc::clone(&self.threads), client: Arc::new(client) }
    }

    /// Whether a registry may be accessed as if the user had named it.
    pub(super) fn is_allowed(&self, registry: &str) -> bool {
        self.client.client.is_allowed(registry)
    }

    /// A manifest by name.
    pub(super) fn manifest(
        &self,
        repository: &Repository,
        name: &Reference,
        limit: u64,
    ) -> Result<Fetched, EvaluationError> {
        let reference = match name {
            Reference::Tag(tag) => tag.clone(),
            Reference::Digest(digest) => digest.to_string(),
        };
        self.fetch(repository, "manifests", reference, limit)
    }

    /// A blob.
    pub(super) fn blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        limit: u64,
    ) -> Result<Fetched, EvaluationError> {
        self.fetch(repository, "blobs", digest.to_string(), limit)
    }

    fn fetch(
        &self,
        repository: &Repository,
        kind: &'static str,
        name: String,
        limit: u64,
    ) -> Result<Fetched, EvaluationError> {
        let repository = repository.clone();
        self.wait(repository.registry().to_owned(), move |client| async move {
            client.fetch_anywhere(&repository, Wanted { kind, name: &name }, limit).await
        })
    }

    /// The pages of the list of an image's referrers; none if the registry makes no such lists.
    pub(super) fn referrers(
        &self,
        repository: &Repository,
        image: &Digest,
        limit: u64,
    ) -> Result<Option<Vec<Vec<u8>>>, EvaluationError> {
        let (repository, image) = (repository.clone(), image.to_string());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.wait(repository.registry().to_owned(), move |client| async move {
            client.referrers_anywhere(&repository, &image, limit).await
        })
    }

    /// Whether a repository's registry has shown that it makes no lists of referrers.
    pub(super) fn lacks_referrers_api(&self, repository: &Repository) -> bool {
        self.client.lacks_referrers_api(repository)
    }

    /// A blob as it comes.
    pub(super) fn stream(&self, repository: &Repository, digest: &Digest) -> Result<Option<Stream>, EvaluationError> {
        let (client, registry) = (Arc::clone(&self.client), repository.registry().to_owned());
        let (repository, name) = (repository.clone(), digest.to_string());
        let wanted = name.clone();
        let reply = self.wait(registry.clone(), move |client| async move {
            client.request_anywhere(&repository, Wanted { kind: "blobs", name: &wanted }).await
        })?;
        let Some((place, mut reply)) = reply else { return Ok(None) };
        let (sender, chunks) = tokio::sync::mpsc::channel(STREAM_CHUNKS);
        let pump = async move {
            let send = async {
                let (mut sent, mut attempts) = (0, 0);
                loop {
                    let chunk = match reply.response.chunk().await {
                        Ok(Some(chunk)) => client.client.count(&registry, chunk.len()).map(|()| Vec::from(chunk)),
                        Ok(None) => return,
                        // It goes on where it broke off, if the registry can do that.
                        Err(error) if client.client.may_retry(attempts) && !error.is_timeout() => {
                            drop(reply);
                            client.client.wait(attempts).await;
                            attempts += 1;
                            match client.resume(&place, &name, sent).await {
                                Some(rest) => reply = rest,
                                None => {
                                    sender.send(Err(client.client.connection_error(&registry, &error))).await.ok();
                                    return;
                                }
                            }
                            continue;
                        }
                        Err(error) => Err(client.client.connection_error(&registry, &error)),
                    };
                    sent += chunk.as_ref().map_or(0, |chunk| u64::try_from(chunk.len()).unwrap_or_default());
                    let ends = chunk.is_err();
                    // The reader may have seen enough.
                    if sender.send(chunk).await.is_err() || ends {
                        return;
                    }
                }
            };
            let time = client.client.time();
            if tokio::time::timeout(time, send).await.is_err() {
                sender.send(Err(client.client.too_slow(&registry, time))).await.ok();
            }
        };
        if let Some(runtime) = &self.threads.0 {
            runtime.spawn(pump);
        }
        Ok(Some(Stream::of(chunks)))
    }

    /// Runs the work on the runtime and waits for it, from any thread, for as long as a request may take.
    pub(super) fn wait<T: Send + 'static, W: Future<Output = Result<T, EvaluationError>> + Send + 'static>(
        &self,
        registry: String,
        work: impl FnOnce(Arc<RegistryClient>) -> W,
    ) -> Result<T, EvaluationError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let time = self.client.client.time();
        let place = registry.clone();
        if let Some(runtime) = &self.threads.0 {
            let (client, work) = (Arc::clone(&self.client), work(Arc::clone(&self.client)));
            runtime.spawn(async move {
                let outcome = tokio::time::timeout(time, work).await;
                let outcome = outcome.unwrap_or_else(|_| Err(client.client.too_slow(&registry, time)));
                // If the receiver is gone, the result is not needed.
                sender.send(outcome).ok()
            });
        }
        receiver.recv_timeout(time.saturating_add(GRACE)).unwrap_or_else(|error| match error {
            mpsc::RecvTimeoutError::Timeout => Err(self.client.client.too_slow(&place, time)),
            mpsc::RecvTimeoutError::Disconnected => {
                Err(EvaluationError::new(ErrorCode::Internal, "a request ended without an outcome"))
            }
        })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
