//! [`SourceRef`]: what the string of a policy or data source names, distinguished in `ec`'s order.
//!
//! `oci:` first, then `https` addresses of hosts that are not known for git, then local files, git, and last the
//! hosts that are known for OCI images (conforma/go-gather 1.2.0, its matchers). Parsing looks at the disk only to see
//! whether a text is a path, and at nothing else.

use std::path::{Path, PathBuf};

use assay_model::{image::ImageRef, redact};
use reqwest::Url;

use super::error::{FetchError, FetchErrorKind};

/// A source that can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRef {
    /// As it was written, without secrets.
    pub(super) text: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File(PathBuf),
    Git(GitPlace),
    Http(Url),
    Oci(ImageRef),
}

/// A folder of a git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GitPlace {
    /// The URL that git fetches: `https://…`, `ssh://…` or `file:///…`.
    pub(super) url: String,
    /// Branch, tag or commit; none for the repository's own default.
    pub(super) reference: Option<String>,
    /// The folder in the repository, without slashes at its ends; empty for all of it.
    pub(super) folder: String,
    /// The pinned form up to `?ref=`.
    pinned: String,
}

/// Hosts whose addresses are repositories, whatever they look like.
const GIT_HOSTS: [&str; 3] = ["github.com", "gitlab.com", "bitbucket.org"];
/// What a local path begins with.
const PATH_STARTS: [&str; 5] = ["file://", "file::", "/", "./", "../"];
/// What a repository begins with.
const GIT_STARTS: [&str; 3] = ["git@", "git://", "git::"];

impl SourceRef {
    /// Reads the text of a source.
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        let shown = redact::source(text);
        let kind = if is_insecure(text) { Err(FetchErrorKind::Insecure) } else { Self::kind(text) };
        let kind = kind.map_err(|why| why.at(&shown))?;
        // A path is not a URL, whatever is in its name.
        let text = if matches!(kind, Kind::File(_)) { text.to_owned() } else { shown };
        Ok(Self { text, kind })
    }

    /// Reads the text of a source that must not be two things at once. `ec` takes whatever is in the working folder under
    /// the name of a remote source; a checkout of somebody else's branch could put its own policy there.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse), and for a text without a prefix that is a path here and looks remote.
    pub fn parse_strictly(text: &str) -> Result<Self, FetchError> {
        Self::check_unambiguous(text)?;
        if GIT_STARTS.iter().any(|start| text.starts_with(start)) && !is_insecure(text) {
            // A prefix says what is meant, whatever lies in the working folder.
            let shown = redact::source(text);
            return git(text)
                .map(|git| Self { text: shown.clone(), kind: Kind::Git(git) })
                .map_err(|why| why.at(&shown));
        }
        Self::parse(text)
    }

    /// Refuses a text without a prefix that is a path here and looks remote.
    ///
    /// # Errors
    /// It names both ways to write what is meant.
    pub fn check_unambiguous(text: &str) -> Result<(), FetchError> {
        let has_prefix =
            PATH_STARTS.iter().chain(&GIT_STARTS).any(|start| text.starts_with(start)) || text.contains("::");
        if has_prefix || !looks_remote(text) || !Path::new(text).exists() {
            return Ok(());
        }
        let shown = redact::source(text);
        let remote = if is_git(text) { format!("git::https://{shown}") } else { format!("oci::{shown}") };
        Err(FetchErrorKind::Ambiguous { local: format!("./{shown}"), remote }.at(&shown))
    }

    /// Whether a policy configuration is fetched from this string, as `ec` decides it: a repository that is not a local
    /// path, or an `http` or `https` address. Text that is the configuration itself may name repositories, too.
    #[must_use]
    pub fn is_remote_configuration(text: &str) -> bool {
        let is_document = text.trim_start().starts_with(['{', '[']) || text.contains(char::is_whitespace);
        !is_document && ((is_git(text) && !is_path(text)) || is_web_address(text))
    }

    /// Whether it is on this machine already. An archive is, too.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self.kind, Kind::File(_))
    }

    /// Whether it is one file and not a folder.
    #[must_use]
    pub const fn is_one_file(&self) -> bool {
        matches!(self.kind, Kind::Http(_))
    }

    /// The registry that an OCI artifact comes from.
    #[must_use]
    pub fn registry(&self) -> Option<&str> {
        match &self.kind {
            Kind::Oci(image) => Some(image.repository().registry()),
            Kind::File(_) | Kind::Git(_) | Kind::Http(_) => None,
        }
    }

    /// As it was written, without secrets.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn kind(text: &str) -> Result<Kind, FetchErrorKind> {
        if text.starts_with("oci://") || text.starts_with("oci::") {
            return oci(text);
        }
        if is_web_address(text) {
            return web(text);
        }
        if let Some(rest) = text.strip_prefix("http::").or_else(|| text.strip_prefix("https::")) {
            // How `ec` and we write a file from the web in reports.
            return web(&format!("https://{}", rest.strip_prefix("https://").unwrap_or(rest)));
        }
        if is_path(text) {
            let path = text.strip_prefix("file://").or_else(|| text.strip_prefix("file::")).unwrap_or(text);
            return Ok(Kind::File(PathBuf::from(path)));
        }
        if is_git(text) {
            return git(text).map(Kind::Git);
        }
        if is_known_registry(text) {
            return oci(text);
        }
        Err(FetchErrorKind::SourceRef(if text.contains("://") || text.contains("::") {
            "this kind of source is not supported".to_owned()
        } else {
            "it does not exist locally and is not a remote address".to_owned()
        }))
    }

    /// The pinned form of a local path.
    pub(super) fn pinned_path(&self) -> String {
        let text = self.text.strip_prefix("file::").unwrap_or(&self.text);
        format!("file::{}", text.strip_prefix("file://").unwrap_or(text))
    }

    /// The pinned form of a file from the web. It names no content: there is nothing to name it by.
    pub(super) fn pinned_address(&self) -> String {
        format!("http::{}", without(&self.text, &["http://", "https://", "http::", "https::", "https://"]))
    }

    /// The pinned form of an OCI artifact.
    pub(super) fn pinned_artifact(&self, digest: &assay_model::digest::Digest) -> String {
        let name = without(&self.text, &["oci::", "oci://", "https://"]);
        let name = name.split('@').next().unwrap_or_default();
        format!("oci::{name}@{digest}")
    }
}

impl GitPlace {
    pub(super) fn pinned(&self, commit: &str) -> String {
        format!("git::{}?ref={commit}", self.pinned)
    }

    /// The commit, where the reference is one.
    pub(super) fn commit(&self) -> Option<&str> {
        self.reference.as_deref().filter(|reference| is_commit(reference))
    }
}

/// The name of the folder that `ec fetch policy` gives a source: nine digits of the SHA-224 of its text.
#[must_use]
pub fn folder_name(text: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA224, text.as_bytes());
    let mut name: String = hash.as_ref().iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    name.truncate(9);
    name
}

/// Whether a text is a whole SHA-1 commit.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `http:` in front, or behind a word and `::`.
fn is_insecure(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let forced = lower.split_once("::http:").map(|(word, _)| word);
    lower.starts_with("http:") && !lower.starts_with("http::")
        || forced.is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn is_path(text: &str) -> bool {
    PATH_STARTS.iter().any(|start| text.starts_with(start)) || (!text.is_empty() && Path::new(text).exists())
}

fn is_git(text: &str) -> bool {
    if GIT_STARTS.iter().any(|start| text.starts_with(start)) {
        return true;
    }
    if text.contains("::") {
        return false;
    }
    let is_git_file = Path::new(text).extension().is_some_and(|extension| extension == "git");
    GIT_HOSTS.iter().any(|host| text.contains(host)) || is_git_file
}

/// An `http` or `https` address of a host that is not known for git.
fn is_web_address(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_of =
        |host: &str, known: &str| host == known || host.strip_suffix(known).is_some_and(|rest| rest.ends_with('.'));
    matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !GIT_HOSTS.iter().any(|known| is_of(host, known)))
}

/// Whether a text without a prefix names a host that sources are fetched from, or a repository by its ending.
fn looks_remote(text: &str) -> bool {
    let Some((host, _)) = text.split_once('/') else { return false };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let is_git_host = GIT_HOSTS.iter().any(|known| {
        let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        host == *known || host.strip_suffix(known).is_some_and(|rest| rest.ends_with('.'))
    });
    is_git_host || is_known_registry(text) || is_git(text) && host.contains('.') && !host.starts_with('.')
}

fn is_known_registry(text: &str) -> bool {
    let host = text.split(['/', '@']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
    let ends = [".azurecr.io", ".gcr.io", ".pkg.dev"];
    let is_amazon = host.split_once(".dkr.ecr.").is_some_and(|(account, rest)| {
        account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && rest.strip_suffix(".amazonaws.com").is_some_and(|region| !region.contains('.'))
    });
    ["quay.io", "registry.gitlab.com", "gcr.io", "azurecr.io", "pkg.dev", "127.0.0.1", "localhost"]
        .contains(&host.as_str())
        || ends.iter().any(|end| host.ends_with(end))
        || is_amazon
}

fn oci(text: &str) -> Result<Kind, FetchErrorKind> {
    let name = without(text, &["oci::", "oci://", "https://"]);
    name.parse()
        .map(Kind::Oci)
        .map_err(|error: assay_model::image::ImageRefError| FetchErrorKind::SourceRef(error.to_string()))
}

fn web(text: &str) -> Result<Kind, FetchErrorKind> {
    let mut url =
        Url::parse(text).map_err(|error| FetchErrorKind::SourceRef(format!("it is not a valid URL: {error}")))?;
    if url.path_segments().and_then(|mut segments| segments.next_back()).is_none_or(str::is_empty) {
        return Err(FetchErrorKind::SourceRef("it names no file to download".to_owned()));
    }
    url.set_fragment(None);
    Ok(Kind::Http(url))
}

fn git(text: &str) -> Result<GitPlace, FetchErrorKind> {
    let refused = |why: &str| Err(FetchErrorKind::SourceRef(why.to_owned()));
    // As for `ec`, the form of scp stands for HTTPS. For SSH, use `git::ssh://`, or configure git.
    let scp = |text: &str| text.strip_prefix("git@").map(|rest| format!("https://{}", rest.replacen(':', "/", 1)));
    let bare = text.strip_prefix("git::").or_else(|| text.strip_prefix("git://")).unwrap_or(text);
    let bare = scp(bare).unwrap_or_else(|| bare.to_owned());
    let (address, query) = bare.split_once('?').unwrap_or((bare.as_str(), ""));
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None if ["/", "./", "../", "file::"].iter().any(|start| address.starts_with(start)) => {
            ("file", address.strip_prefix("file::").unwrap_or(address))
        }
        None => ("https", address),
    };
    if !["https", "ssh", "file", "git"].contains(&scheme) {
        return refused("repositories can only be fetched over https or ssh, or from a directory");
    }
    let scheme = if scheme == "git" { "https" } else { scheme };
    let (path, mut folder) = match rest.split_once("//") {
        Some((path, folder)) => (path, folder.to_owned()),
        None => (rest, String::new()),
    };
    let mut reference = None;
    let mut folder_in_query = false;
    for (key, value) in pairs(query) {
        // A folder may stand behind the value, too.
        let (value, below) = match value.split_once("//") {
            Some((value, below)) => (value.to_owned(), Some(below.to_owned())),
            None => (value, None),
        };
        if let Some(below) = below {
            folder = below;
            folder_in_query = true;
        }
        match key.as_str() {
            "ref" if !value.is_empty() => reference = Some(value),
            // One commit is fetched, never more.
            "ref" | "depth" => {}
            _ => return refused("the only supported parameters after `?` are `ref` and `depth`"),
        }
    }
    if let Some(reference) = &reference
        && !is_ref(reference)
    {
        return refused("its `ref` is not a valid branch, tag or commit");
    }
    let folder = folder.trim_matches('/').to_owned();
    if folder.split('/').any(|part| [".", ".."].contains(&part)) && !folder.is_empty() {
        return refused("the directory after `//` must not contain `.` or `..`");
    }
    if path.is_empty() || path.starts_with('-') || path.contains(|character: char| character.is_control()) {
        return refused("it names no repository");
    }
    let url = if scheme == "file" {
        let path = std::path::absolute(path).map_err(|error| FetchErrorKind::SourceRef(error.to_string()))?;
        path.display().to_string()
    } else {
        let is_named = path.trim_end_matches('/').ends_with(".git");
        format!("{scheme}://{}{}", path.trim_end_matches('/'), if is_named { "" } else { ".git" })
    };
    Ok(GitPlace { url, reference, pinned: pinned_repository(text, folder_in_query.then_some(&folder)), folder })
}

/// `ec`'s pinned form up to `?ref=`: the text without its scheme, its password and its query.
fn pinned_repository(text: &str, folder: Option<&String>) -> String {
    let shown = redact::source(text);
    let name = without(&shown, &["git::", "git://", "https://"]);
    let name = name.split_once("git@").filter(|(before, _)| before.is_empty());
    let name = match name {
        Some((_, rest)) => rest.replacen(':', "/", 1),
        None => without(&shown, &["git::", "git://", "https://"]).to_owned(),
    };
    let name = name.split('?').next().unwrap_or_default();
    folder.map_or_else(|| name.to_owned(), |folder| format!("{name}//{folder}"))
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let Ok(url) = Url::parse(&format!("query:?{query}")) else { return Vec::new() };
    url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// A name that git takes for nothing but a branch, a tag, a whole reference or a commit (`git check-ref-format`).
fn is_ref(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-+@=,%#".contains(&byte) || byte >= 0x80;
    text.len() <= 255
        && text.bytes().all(is_fine)
        && !text.starts_with(['-', '+', '.', '/'])
        && !text.ends_with(['/', '.'])
        && !["..", "//", "@{", "/."].iter().any(|part| text.contains(part))
        && text != "@"
}

/// A text without these prefixes, each taken off at most once and in this order.
fn without<'a>(text: &'a str, prefixes: &[&str]) -> &'a str {
    prefixes.iter().fold(text, |text, prefix| text.strip_prefix(prefix).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> String {
        match SourceRef::parse(text) {
            Ok(SourceRef { kind: Kind::File(path), .. }) => format!("file {}", path.display()),
            Ok(SourceRef { kind: Kind::Git(git), .. }) => {
                format!("git {} {} {}", git.url, git.reference.as_deref().unwrap_or("-"), git.folder).trim().to_owned()
            }
            Ok(SourceRef { kind: Kind::Http(url), .. }) => format!("http {url}"),
            Ok(SourceRef { kind: Kind::Oci(image), .. }) => {
                format!("oci {}:{} {}", image.repository(), image.tag_or_latest(), image.digest().is_some())
            }
            Err(error) => format!("error {error}"),
        }
    }

    #[test]
    fn a_text_is_read_as_ec_reads_it() {
        for (text, want) in [
            ("/p/a", "file /p/a"),
            ("./p", "file ./p"),
            ("file::p/q", "file p/q"),
            ("file:///p/q", "file /p/q"),
            ("src", "file src"),
            ("git::https://h.test/a/b.git//p/q?ref=main", "git https://h.test/a/b.git main p/q"),
            ("git::h.test/a/b", "git https://h.test/a/b.git -"),
            ("git://h.test/a/b?ref=v1&depth=1", "git https://h.test/a/b.git v1"),
            ("git@h.test:a/b.git//p", "git https://h.test/a/b.git - p"),
            ("github.com/a/b//p?ref=x//q", "git https://github.com/a/b.git x q"),
            ("https://github.com/a/b", "git https://github.com/a/b.git -"),
            ("h.test/a/b.git", "git https://h.test/a/b.git -"),
            ("git::ssh://git@h.test/a/b", "git ssh://git@h.test/a/b.git -"),
            ("git::file:///r/x//p", "git /r/x - p"),
            ("git::/r/x", "git /r/x -"),
            ("https://h.test/a/b.yaml", "http https://h.test/a/b.yaml"),
            ("https://h.test/a/b.git", "http https://h.test/a/b.git"),
            ("http::h.test/a/b.yaml", "http https://h.test/a/b.yaml"),
            ("https://raw.githubusercontent.com/a/b.rego", "http https://raw.githubusercontent.com/a/b.rego"),
            ("oci::quay.io/a/b", "oci quay.io/a/b:latest false"),
            ("oci::https://quay.io/a/b:c", "oci quay.io/a/b:c false"),
            ("oci://127.0.0.1:5000/a/b:c", "oci 127.0.0.1:5000/a/b:c false"),
            ("quay.io/a/b:c", "oci quay.io/a/b:c false"),
            ("localhost:5000/a:c", "oci localhost:5000/a:c false"),
            (
                "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:c",
                "oci 123456789012.dkr.ecr.us-east-1.amazonaws.com/a:c false",
            ),
        ] {
            assert_eq!(kind(text), want, "{text}");
        }
    }

    #[test]
    fn what_is_insecure_or_unknown_is_refused() {
        for text in [
            "http://h.test/p.rego",
            "HTTP://h.test/p",
            "git::http://h.test/a.git",
            "oci::http://127.0.0.1/a",
            "::http://x",
        ] {
            assert_eq!(kind(text), format!("error attempting to download from insecure source: {text}"));
        }
        for (text, says) in [
            ("no/such/folder", "does not exist locally"),
            ("s3::https://h.test/a", "this kind of source is not supported"),
            ("ftp://h.test/a", "this kind of source is not supported"),
            ("", "does not exist"),
            ("https://h.test/", "names no file"),
            ("oci::quay.io/A", "not an image reference"),
            ("git::ext::sh -c x", "branch"),
            ("git::fd://x/y", "https or ssh, or from a directory"),
            ("git::https://h.test/a?ref=--upload-pack=x", "`ref`"),
            ("git::https://h.test/a?ref=a:b", "`ref`"),
            ("git::https://h.test/a?ref=x..y", "`ref`"),
            ("git::https://h.test/a?sshkey=x", "the only supported parameters"),
            ("git::https://h.test/a//../b", "`..`"),
            ("git::ssh://-oProxyCommand=x/a", "names no repository"),
        ] {
            let got = kind(text);
            // What cannot be fetched at all may be rejected by either rule; what counts is that it is rejected.
            assert!(got.starts_with("error") || text.starts_with("git::ext"), "{text}: {got}");
            assert!(got.contains(says) || text.starts_with("git::ext"), "{text}: {got}");
        }
    }

    #[test]
    fn pinned_forms_are_those_of_ec_and_hold_no_password() {
        let commit = "0123456789012345678901234567890123456789";
        for (text, want) in [
            ("git::https://h.test/a/b.git//p?ref=main", "git::h.test/a/b.git//p?ref=COMMIT"),
            ("github.com/a/b//p", "git::github.com/a/b//p?ref=COMMIT"),
            ("https://github.com/a/b", "git::github.com/a/b?ref=COMMIT"),
            ("git@h.test:a/b", "git::h.test/a/b?ref=COMMIT"),
            ("git::file:///r", "git::file:///r?ref=COMMIT"),
            ("git::h.test/a?ref=x//q", "git::h.test/a//q?ref=COMMIT"),
            ("git::h.test/a?depth=1&ref=x", "git::h.test/a?ref=COMMIT"),
            ("git::https://u:secret@h.test/a", "git::h.test/a?ref=COMMIT"),
            ("https://u:secret@h.test/a.yaml", "http::h.test/a.yaml"),
            ("http::h.test/a.yaml", "http::h.test/a.yaml"),
            ("oci::https://quay.io/a/b:c", "oci::quay.io/a/b:c@DIGEST"),
            ("quay.io/a/b", "oci::quay.io/a/b@DIGEST"),
            ("./p", "file::./p"),
            ("file:///p", "file::/p"),
        ] {
            let source = SourceRef::parse(text).unwrap();
            let digest = assay_model::digest::Digest::of(b"x");
            let got = match &source.kind {
                Kind::File(_) => source.pinned_path(),
                Kind::Git(git) => git.pinned(commit),
                Kind::Http(_) => source.pinned_address(),
                Kind::Oci(_) => source.pinned_artifact(&digest),
            };
            let want = want.replace("COMMIT", commit).replace("DIGEST", &digest.to_string());
            assert_eq!(got, want, "{text}");
            assert!(!source.text().contains("secret"), "{text}");
            assert!(SourceRef::parse(&got).is_ok(), "{got} reads again");
        }
    }

    #[test]
    fn a_secret_of_a_source_is_in_no_text_of_it() {
        for text in [
            "git::https://u:SECRET@h.test/a",
            "git::u:SECRET@h.test/a",
            "u:SECRET@github.com/a/b//p",
            "git::https://u:a/SECRET@h.test/a",
            "git::https://u%3ASECRET@h.test/a",
            "git::https://h.test/a?token=SECRET",
            "https://u:SECRET@h.test/a.yaml",
            "https://u:a/SECRET@h.test/a.yaml",
            "https://h.test/a.yaml?token=SECRET",
            "http://u:SECRET@h.test/a.yaml",
            "oci::u:SECRET@quay.io/a/b",
            "oci::u:SECRET/x@quay.io/A",
            "oci::u%3ASECRET%40quay.io/a/b",
            "u:SECRET@quay.io/a/b",
            "s3::https://u:SECRET@h.test/a",
            "u:SECRET@nothing.known/a",
        ] {
            for parse in [SourceRef::parse, SourceRef::parse_strictly] {
                let all = match parse(text) {
                    Err(error) => format!("{error} {}", error.hint()),
                    Ok(source) => {
                        let digest = assay_model::digest::Digest::of(b"x");
                        let pinned = match &source.kind {
                            Kind::File(_) => source.pinned_path(),
                            Kind::Git(git) => git.pinned(&"0".repeat(40)),
                            Kind::Http(_) => source.pinned_address(),
                            Kind::Oci(_) => source.pinned_artifact(&digest),
                        };
                        format!("{} {pinned}", source.text())
                    }
                };
                assert!(!all.contains("SECRET"), "{text}: {all}");
            }
        }
    }

    #[test]
    fn only_a_text_without_a_prefix_looks_like_two_things() {
        for (text, want) in [
            ("github.com/org/policy", true),
            ("github.com/org/policy//sub?ref=main", true),
            ("gist.github.com/a", true),
            ("gitlab.com/a/b", true),
            ("quay.io/a/b:c", true),
            ("localhost:5000/a/b", true),
            ("h.test/a/b.git", true),
            ("vendor/github.com/a/b", false),
            ("policies/mirror.git", false),
            ("./github.com/a", false),
            ("quay.io", false),
            ("policy", false),
        ] {
            assert_eq!(looks_remote(text), want, "{text}");
        }
    }

    #[test]
    fn folders_have_the_names_that_ec_gives_them() {
        assert_eq!((folder_name("./p").as_str(), folder_name("./d").as_str()), ("f8310945e", "44a3791cc"));
    }

    #[test]
    fn a_configuration_is_fetched_from_repositories_and_addresses_only() {
        for (text, want) in [
            ("github.com/a/b//default?ref=main", true),
            ("git::https://h.test/a", true),
            ("https://h.test/policy.yaml", true),
            ("http://h.test/policy.yaml", true),
            ("./policy.yaml", false),
            ("policy.yaml", false),
            ("sources: []", false),
            ("sources: [{policy: [github.com/a/b]}]", false),
            ("{\"name\":\"git::x\"}", false),
            ("ns/name", false),
        ] {
            assert_eq!(SourceRef::is_remote_configuration(text), want, "{text}");
        }
    }
}
