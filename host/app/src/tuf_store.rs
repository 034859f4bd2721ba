//! [`StoredTrustRoot`]: the folder in which `sigstore initialize` keeps a trust root, as cosign does, with its layout.
//!
//! `remote.json` names the mirror; a folder called after the mirror has the metadata and `targets/trusted_root.json`.

use std::{io, time::Duration};

use assay_evidence::keyless::{TufError, TufFiles, TufMetadata, read_stored};
use assay_model::bounded::read_bounded;
use assay_oci::{RegistryOptions, fetch_file};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use crate::error::{RequestError, RequestErrorKind};

/// The mirror of the public good instance.
pub(crate) const PUBLIC_GOOD_MIRROR: &str = "https://tuf-repo-cdn.sigstore.dev";
/// The size of `remote.json`.
const REMOTE_BYTES: u64 = 64 << 10;
/// How long a file of a mirror may take.
const FILE_TIME: Duration = Duration::from_secs(30);

/// Where a trust root may be stored, and the time of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTrustRoot {
    /// `TUF_ROOT`, else `~/.sigstore/root`.
    pub folder: Utf8PathBuf,
    /// What metadata must not have expired at.
    pub now: Timestamp,
}

impl StoredTrustRoot {
    /// The trust root that is stored; none where nothing is.
    ///
    /// # Errors
    /// What is stored does not verify, or has expired.
    pub(crate) fn read(&self) -> Result<Option<String>, RequestError> {
        let mirror = self.mirror()?;
        let folder = Folder(self.folder.join(folder_name(mirror.as_deref().unwrap_or(PUBLIC_GOOD_MIRROR))));
        if mirror.is_none() && !folder.0.join("root.json").exists() {
            return Ok(None);
        }
        let stored = read_stored(&folder, self.now).map_err(|error| self.not_used(mirror.as_deref(), &error))?;
        Ok(Some(stored.trusted_root))
    }

    /// The mirror that `remote.json` names; none without that file.
    fn mirror(&self) -> Result<Option<String>, RequestError> {
        let place = self.folder.join("remote.json");
        let unread = |why: String| {
            RequestError::of(RequestErrorKind::TrustRoot, format!("`{place}` cannot be read: {why}"))
                .hint("run `assay sigstore initialize` again")
        };
        let Some(bytes) = Folder(self.folder.clone()).read("remote.json", REMOTE_BYTES).map_err(unread)? else {
            return Ok(None);
        };
        let document: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))?;
        let mirror = document.get("mirror").and_then(serde_json::Value::as_str);
        mirror.map(|mirror| Some(mirror.to_owned())).ok_or_else(|| unread("it names no `mirror`".to_owned()))
    }

    fn not_used(&self, mirror: Option<&str>, error: &TufError) -> RequestError {
        let mirror = mirror.map(|mirror| format!(" --mirror {mirror}")).unwrap_or_default();
        let fact = format!("the trust root stored in `{}` cannot be used: {error}", self.folder);
        RequestError::of(RequestErrorKind::TrustRoot, fact).hint(format!(
            "run `assay sigstore initialize{mirror}` with the instance's `--root`, or pass `--trusted-root FILE`"
        ))
    }
}

/// The folder of a mirror, as cosign calls it (sigstore-go `pkg/tuf`).
pub(crate) fn folder_name(mirror: &str) -> String {
    let bare = mirror.strip_prefix("https://").unwrap_or(mirror);
    let bare = bare.strip_prefix("http://").unwrap_or(bare);
    bare.replace(['/', ':'], "-").to_lowercase()
}

/// Metadata in a folder.
pub(crate) struct Folder(pub(crate) Utf8PathBuf);

impl TufFiles for Folder {
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        match fs_err::File::open(self.0.join(name)) {
            Ok(file) => read_bounded(file, limit).map(Some).map_err(|error| error.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A mirror: a folder, or an address.
pub(crate) enum Mirror {
    Folder(Folder),
    Web { address: String, options: Box<RegistryOptions> },
}

impl Mirror {
    pub(crate) fn new(place: &str, options: RegistryOptions) -> Self {
        if is_address(place) {
            let address = place.trim_end_matches('/').to_owned();
            return Self::Web { address, options: Box::new(options) };
        }
        Self::Folder(Folder(Utf8PathBuf::from(place.strip_prefix("file://").unwrap_or(place))))
    }
}

impl TufFiles for Mirror {
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Folder(folder) => folder.read(name, limit),
            Self::Web { address, options } => fetch_file(&format!("{address}/{name}"), options, limit, FILE_TIME),
        }
    }
}

/// Whether something is fetched from there.
pub(crate) fn is_address(place: &str) -> bool {
    place.starts_with("https://") || place.starts_with("http://")
}

/// Stores metadata. The file that makes it count is written last.
pub(crate) fn store(folder: &Utf8Path, mirror: &str, metadata: &TufMetadata, now: Timestamp) -> io::Result<()> {
    let name = folder_name(mirror);
    let place = folder.join(&name);
    create_private(&place.join("targets"))?;
    write(&place.join("targets/trusted_root.json"), metadata.trusted_root.as_bytes())?;
    write(&place.join("targets.json"), &metadata.targets)?;
    write(&place.join("snapshot.json"), &metadata.snapshot)?;
    write(&place.join("timestamp.json"), &metadata.timestamp)?;
    write(&place.join("root.json"), &metadata.root)?;
    let when = serde_json::json!({"lastTimestamp": now.to_string()});
    write(&folder.join(format!("{name}.json")), when.to_string().as_bytes())?;
    let remote = serde_json::json!({"mirror": mirror});
    write(&folder.join("remote.json"), remote.to_string().as_bytes())
}

fn create_private(folder: &Utf8Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Replaces a file as a whole.
fn write(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(path.parent().unwrap_or(path))?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
