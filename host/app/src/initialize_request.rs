//! [`initialize`]: fetches the trust root of a Sigstore instance, verifies it and stores it where cosign does. The only
//! request that fetches one.

use std::time::Duration;

use assay_evidence::keyless::{PUBLIC_GOOD_TUF_ROOT, TUF_ROOT_BYTES, TrustRoot, TufError, TufFiles, update};
use assay_oci::{RegistryOptions, fetch_file};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use crate::{
    error::{RequestError, RequestErrorKind},
    read::read_bytes,
    tuf_store::{Folder, Mirror, PUBLIC_GOOD_MIRROR, folder_name, is_address, store},
};

/// How long the first root may take.
const ROOT_TIME: Duration = Duration::from_secs(30);

/// A request to store the trust root of an instance.
#[derive(Clone, Debug)]
pub struct InitializeRequest {
    /// The mirror, an address or a folder; without one, that of the public good instance.
    pub mirror: Option<String>,
    /// The root that is trusted, a file or an address; without one, that of the public good instance.
    pub root: Option<String>,
    /// Where it is stored.
    pub folder: Utf8PathBuf,
    /// How addresses are accessed.
    pub registries: RegistryOptions,
    /// What metadata must not have expired at.
    pub now: Timestamp,
}

/// What was stored.
#[derive(Clone, Debug)]
pub struct Initialized {
    /// Of which mirror.
    pub mirror: String,
    /// When it expires.
    pub expires: Timestamp,
}

/// Fetches, verifies and stores the trust root.
///
/// # Errors
/// The root or the mirror cannot be read ([`RequestErrorKind::Evidence`]), or does not verify.
pub fn initialize(request: &InitializeRequest) -> Result<Initialized, RequestError> {
    let mirror = request.mirror.clone().unwrap_or_else(|| PUBLIC_GOOD_MIRROR.to_owned());
    let root = match request.root.as_deref() {
        None => PUBLIC_GOOD_TUF_ROOT.to_vec(),
        Some(place) => read_root(place, &request.registries)?,
    };
    let files = Mirror::new(&mirror, request.registries.clone());
    let earlier = Folder(request.folder.join(folder_name(&mirror)));
    let metadata = update(&root, Some(&earlier as &dyn TufFiles), &files, request.now).map_err(|error| {
        let fact = format!("the trust root of `{mirror}` cannot be used: {error}");
        match error {
            TufError::Unread { .. } => RequestError::of(RequestErrorKind::Evidence, fact)
                .hint("check the address and the network, and try again"),
            TufError::Absent(_) => {
                RequestError::of(RequestErrorKind::TrustRoot, fact).hint("check the address of the mirror")
            }
            TufError::Expired { .. } => RequestError::of(RequestErrorKind::TrustRoot, fact)
                .hint("the operator of the mirror must renew it; check the clock of this machine, too"),
            TufError::Invalid { .. } => RequestError::of(RequestErrorKind::TrustRoot, fact)
                .hint("check that `--root` is the root of this mirror, and get it anew from the operator"),
        }
    })?;
    // What nobody can verify with is not stored.
    TrustRoot::from_json(&metadata.trusted_root).map_err(|error| {
        RequestError::of(RequestErrorKind::TrustRoot, format!("the trust root of `{mirror}` cannot be used: {error}"))
            .hint(error.hint())
    })?;
    store(&request.folder, &mirror, &metadata, request.now).map_err(|error| {
        let fact = format!("the trust root cannot be stored in `{}`: {error}", request.folder);
        RequestError::of(RequestErrorKind::File, fact).hint("set `TUF_ROOT` to a folder that can be written to")
    })?;
    Ok(Initialized { mirror, expires: metadata.expires })
}

fn read_root(place: &str, options: &RegistryOptions) -> Result<Vec<u8>, RequestError> {
    if !is_address(place) {
        return read_bytes(Utf8Path::new(place), "--root", TUF_ROOT_BYTES);
    }
    let unread = |why: String| {
        RequestError::of(RequestErrorKind::Evidence, format!("`{place}` (--root) cannot be read: {why}"))
            .hint("check the address and the network, and try again")
    };
    fetch_file(place, options, TUF_ROOT_BYTES, ROOT_TIME)
        .and_then(|bytes| bytes.ok_or_else(|| "the server does not have it".to_owned()))
        .map_err(unread)
}
