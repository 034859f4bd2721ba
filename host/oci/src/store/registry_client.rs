//! [`RegistryClient`]: requests to registries as the runtime makes them, with credentials when they are required.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::Repository,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{StatusCode, Url, header};

use super::{
    address::NamedBy,
    client::{Client, status_error},
    content_request::{Wanted, continues, is_other_part, other_part},
    credentials::{Credential, Credentials},
    manifest::ACCEPT,
    request::{RegistryResponse, Request, TransferError},
    token::{Bearer, Challenge, Token},
};

/// The response of a token service; tokens have some kilobytes.
const TOKEN_BYTES: usize = 64 << 10;
/// Pages of a list of referrers.
const REFERRER_PAGES: usize = 20;
/// The statuses of registries without the referrers API.
const NO_REFERRERS: [StatusCode; 5] = [
    StatusCode::NOT_FOUND,
    StatusCode::BAD_REQUEST,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::NOT_ACCEPTABLE,
    StatusCode::NOT_IMPLEMENTED,
];

/// What a request on the runtime needs.
pub(super) struct RegistryClient {
    pub(super) client: Arc<Client>,
    credentials: Credentials,
    /// Who named the hosts.
    pub(super) named_by: NamedBy,
    /// What registries granted: the `Authorization` header for each repository.
    authorizations: Mutex<BTreeMap<Repository, Arc<str>>>,
    /// Held while an authorization is requested, so that it is requested once.
    authorizing: Mutex<BTreeMap<Repository, Arc<tokio::sync::Mutex<()>>>>,
    /// Repositories whose registry makes no lists of referrers.
    without_referrers_api: Mutex<BTreeSet<Repository>>,
    /// The token service of each registry: its scheme, host and port, as the registry named it first.
    services: Mutex<BTreeMap<String, String>>,
    /// Mirrors that could not be reached in this run.
    unreachable: Mutex<BTreeSet<String>>,
}

/// What of a resource is requested, and in which form.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) accept: Option<&'a str>,
    pub(super) start: u64,
}

impl RegistryClient {
    pub(super) fn new(client: Arc<Client>, credentials: Credentials, named_by: NamedBy) -> Self {
        Self {
            client,
            credentials,
            named_by,
            authorizations: Mutex::default(),
            authorizing: Mutex::default(),
            without_referrers_api: Mutex::default(),
            services: Mutex::default(),
            unreachable: Mutex::default(),
        }
    }

    /// The response with the content from this byte on; none if there is no such content.
    pub(super) async fn request_content(
        &self,
        repository: &Repository,
        Wanted { kind, name }: Wanted<'_>,
        start: u64,
    ) -> Result<Option<RegistryResponse>, EvaluationError> {
        let accept = (kind == "manifests").then_some(ACCEPT);
        let address = self.client.address(repository, kind, name)?;
        let reply = self.get(repository, address, Part { accept, start }).await?;
        if is_other_part(&reply, start) {
            return Err(other_part(repository.registry()).into());
        }
        match reply.response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT => Ok(Some(reply)),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if !reply.is_own => {
                Err(self.denied_after_redirect(&reply, repository))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.denied(repository, kind, name)),
            status => Err(status_error(repository.registry(), status)),
        }
    }

    /// The rest of a blob; none if the registry does not give it.
    pub(super) async fn resume(&self, repository: &Repository, name: &str, start: u64) -> Option<RegistryResponse> {
        let reply = self.request_content(repository, Wanted { kind: "blobs", name }, start).await.ok()??;
        (start == 0 || continues(&reply, start)).then_some(reply)
    }

    /// Whether a repository's registry has shown that it makes no lists of referrers.
    pub(super) fn lacks_referrers_api(&self, repository: &Repository) -> bool {
        locked(&self.without_referrers_api).contains(repository)
    }

    /// Notes that a repository's registry makes no lists of referrers.
    pub(super) fn note_lacking_referrers_api(&self, repository: &Repository) {
        locked(&self.without_referrers_api).insert(repository.clone());
    }

    /// Whether a mirror could not be reached before.
    pub(super) fn is_unreachable(&self, mirror: &Repository) -> bool {
        locked(&self.unreachable).contains(mirror.registry())
    }

    /// Notes that a mirror cannot be reached.
    pub(super) fn note_unreachable(&self, mirror: &Repository) {
        locked(&self.unreachable).insert(mirror.registry().to_owned());
    }

    /// The pages of the list of an image's referrers; none if the registry makes no such lists.
    pub(super) async fn referrers(
        &self,
        repository: &Repository,
        image: &str,
        limit: usize,
    ) -> Result<Option<Vec<Vec<u8>>>, TransferError> {
        if locked(&self.without_referrers_api).contains(repository) {
            return Ok(None);
        }
        let registry = repository.registry();
        let too_large =
            |what: String| EvaluationError::new(ErrorCode::TooLarge, what).hint("check who can push to the repository");
        let mut next = Some(self.client.address(repository, "referrers", image)?);
        let mut pages = Vec::new();
        while let Some(address) = next {
            if pages.len() == REFERRER_PAGES {
                return Err(too_large(format!(
                    "the referrers of {repository}@{image} have more than {REFERRER_PAGES} pages"
                ))
                .into());
            }
            let reply = self.get(repository, address.clone(), Part { accept: Some(ACCEPT), start: 0 }).await?;
            match reply.response.status() {
                StatusCode::OK => {}
                status if pages.is_empty() && NO_REFERRERS.contains(&status) => {
                    locked(&self.without_referrers_api).insert(repository.clone());
                    return Ok(None);
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    return Err(self.denied(repository, "referrers", image).into());
                }
                status => return Err(status_error(registry, status).into()),
            }
            next = next_page(&reply, &address);
            let page = self.client.read(registry, reply, limit).await?.ok_or_else(|| {
                too_large(format!("the list of referrers of {repository}@{image} is longer than {limit} bytes"))
            })?;
            pages.push(page);
        }
        Ok(Some(pages))
    }

    pub(super) fn denied(&self, repository: &Repository, kind: &str, name: &str) -> EvaluationError {
        let registry = repository.registry();
        let ours = matches!(self.credentials.of(repository), Ok(Some(_)));
        let with = if ours { "with the credentials for it" } else { "without credentials" };
        let message = format!("the registry `{registry}` denies access to {kind}/{name} of {repository} {with}");
        let hint = match self.named_by {
            NamedBy::User => format!("log in with `docker login {registry}`"),
            NamedBy::Image => {
                format!("if images may refer to it with your credentials, allow it with `--allow-registry {registry}`")
            }
        };
        EvaluationError::new(ErrorCode::RegistryDenied, message).hint(hint)
    }

    /// Another host, to which the registry redirects, wants credentials. It gets none.
    fn denied_after_redirect(&self, reply: &RegistryResponse, repository: &Repository) -> EvaluationError {
        let host = reply.response.url().host_str().unwrap_or_default();
        let message = format!(
            "the host `{host}`, to which the registry `{}` redirects, requires credentials for content of \
             {repository}, and none are sent",
            repository.registry()
        );
        EvaluationError::new(ErrorCode::RegistryDenied, message).hint("contact the operator of the registry")
    }

    /// Sends the request, and retries with credentials if the registry requires them.
    pub(super) async fn get(
        &self,
        repository: &Repository,
        address: Url,
        Part { accept, start }: Part<'_>,
    ) -> Result<RegistryResponse, EvaluationError> {
        let registry = repository.registry();
        let kept = locked(&self.authorizations).get(repository).cloned();
        let request = Request {
            address,
            accept,
            authorization: kept.as_deref(),
            form: None,
            upload: None,
            start,
            named_by: self.named_by,
        };
        let mut reply = self.client.send(registry, &request).await?;
        // The target of a redirect must not get the credentials for the registry.
        if reply.response.status() != StatusCode::UNAUTHORIZED || !reply.is_own {
            return Ok(reply);
        }
        let wanted = challenges(&reply);
        reply.release();
        let Some(authorization) = self.authorization(repository, kept.as_deref(), &wanted).await? else {
            return Ok(reply);
        };
        self.client.send(registry, &Request { authorization: Some(&authorization), ..request }).await
    }

    /// What to show a registry that refused `shown`; none if there is nothing else.
    async fn authorization(
        &self,
        repository: &Repository,
        shown: Option<&str>,
        wanted: &[Challenge],
    ) -> Result<Option<Arc<str>>, EvaluationError> {
        let authorizing = Arc::clone(locked(&self.authorizing).entry(repository.clone()).or_default());
        let _authorizing = authorizing.lock().await;
        // Another thread may have requested it in the meantime.
        let kept = locked(&self.authorizations).get(repository).cloned();
        if let Some(kept) = kept
            && shown != Some(&*kept)
        {
            return Ok(Some(kept));
        }
        let Some(authorization) = self.authorize(repository, wanted, "pull").await? else { return Ok(None) };
        let authorization: Arc<str> = authorization.into();
        if shown == Some(&*authorization) {
            return Ok(None);
        }
        locked(&self.authorizations).insert(repository.clone(), Arc::clone(&authorization));
        Ok(Some(authorization))
    }

    /// What a registry that wants this is shown by who wants to do these actions; none if there is nothing.
    pub(super) async fn authorize(
        &self,
        repository: &Repository,
        wanted: &[Challenge],
        actions: &str,
    ) -> Result<Option<String>, EvaluationError> {
        // The user's helper program may take its time.
        let credential = tokio::task::block_in_place(|| self.credentials.of(repository))?;
        let bearer = wanted.iter().find_map(|challenge| match challenge {
            Challenge::Bearer(bearer) => Some(bearer),
            Challenge::Basic => None,
        });
        Ok(Some(match (bearer, &credential) {
            (Some(_), Some(Credential::Registry(token))) => format!("Bearer {token}"),
            (Some(bearer), _) => {
                format!("Bearer {}", self.token(repository, bearer, credential.as_ref(), actions).await?)
            }
            (None, Some(Credential::Password(user, password))) if wanted.contains(&Challenge::Basic) => {
                basic(user, password)
            }
            (None, _) => return Ok(None),
        }))
    }

    /// A token for these actions in this repository.
    async fn token(
        &self,
        repository: &Repository,
        bearer: &Bearer,
        credential: Option<&Credential>,
        actions: &str,
    ) -> Result<String, EvaluationError> {
        let registry = repository.registry();
        let nonsense = |what: &str| {
            EvaluationError::new(
                ErrorCode::RegistryError,
                format!("the registry `{registry}` names an unacceptable token service: {what}"),
            )
            .hint("contact the operator of the registry")
        };
        let mut address = Url::parse(&bearer.realm).map_err(|_| nonsense("no address"))?;
        self.client.may_request_token(registry, &address).map_err(nonsense)?;
        let origin = address.origin().ascii_serialization();
        let first = locked(&self.services).entry(registry.to_owned()).or_insert_with(|| origin.clone()).clone();
        if first != origin {
            return Err(nonsense(&format!("`{origin}`, after `{first}` before")));
        }
        let place = address.host_str().unwrap_or_default().to_owned();
        let scope = format!("repository:{}:{actions}", repository.path());
        let service = bearer.service.as_deref().unwrap_or_default();
        let reply = if let Some(Credential::Identity(token)) = credential {
            let form = [
                ("grant_type", "refresh_token"),
                ("service", service),
                ("client_id", "assay"),
                ("scope", &scope),
                ("refresh_token", token),
            ];
            let request = Request {
                address,
                accept: None,
                authorization: None,
                form: Some(&form),
                upload: None,
                start: 0,
                named_by: self.named_by,
            };
            self.client.send(&place, &request).await?
        } else {
            if !service.is_empty() {
                address.query_pairs_mut().append_pair("service", service);
            }
            address.query_pairs_mut().append_pair("scope", &scope);
            let authorization = match credential {
                Some(Credential::Password(user, password)) => Some(basic(user, password)),
                _ => None,
            };
            let request = Request {
                address,
                accept: None,
                authorization: authorization.as_deref(),
                form: None,
                upload: None,
                start: 0,
                named_by: self.named_by,
            };
            self.client.send(&place, &request).await?
        };
        match reply.response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let what = if credential.is_some() { "rejects the credentials" } else { "issues no anonymous token" };
                return Err(EvaluationError::new(
                    ErrorCode::RegistryDenied,
                    format!("`{place}` {what} for {repository}"),
                )
                .hint(format!("log in with `docker login {registry}`")));
            }
            status => return Err(status_error(&place, status)),
        }
        let body = self.client.read(&place, reply, TOKEN_BYTES).await?;
        body.and_then(|body| serde_json::from_slice::<Token>(&body).ok()?.text())
            .filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| {
                EvaluationError::new(ErrorCode::RegistryError, format!("`{place}` returned no token for {repository}"))
            })
    }
}

fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change of the state is complete before anything can panic.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The challenge of a registry. That of a host to which it redirects is not the registry's.
pub(super) fn challenges(reply: &RegistryResponse) -> Vec<Challenge> {
    if !reply.is_own {
        return Vec::new();
    }
    let wanted = reply.response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    wanted.filter_map(|value| value.to_str().ok()).filter_map(Challenge::read).collect()
}

/// A name and a password as RFC 7617 writes them.
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Where the list goes on (RFC 8288), if that is at the same place.
pub(super) fn next_page(reply: &RegistryResponse, address: &Url) -> Option<Url> {
    let link = reply.response.headers().get(header::LINK)?.to_str().ok()?;
    let is_next = |link: &&str| link.contains("rel=\"next\"") || link.contains("rel=next");
    let target = link.split(',').find(is_next)?.split_once('<')?.1.split_once('>')?.0;
    address.join(target).ok().filter(|next| next.origin() == address.origin())
}
