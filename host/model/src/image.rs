//! [`ImageRef`], an image as people write it, and [`PinnedImage`], an image by digest.
//!
//! The grammar is that of the distribution specification's references: `[registry/]repository[:tag][@digest]`.
//! A first part counts as a registry when it holds a dot or a colon or is `localhost`; otherwise the image is
//! Docker Hub's, which is spelt `index.docker.io/library/NAME`, as `ec` spells it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{digest::Digest, limits};

/// The registry assumed when a reference names none.
pub const DOCKER_HUB: &str = "index.docker.io";

/// A repository on a registry, such as `quay.io` and `shop/cart`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    registry: String,
    path: String,
}

/// An image as written: a repository with a tag, a digest or both. Without either, the tag is `latest`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageRef {
    repository: Repository,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// An image by digest: what is evaluated, shown and fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PinnedImage {
    /// Where the image is.
    pub repository: Repository,
    /// The digest of its manifest or index.
    pub digest: Digest,
}

/// The text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {why}")]
pub struct ImageRefError {
    text: String,
    why: &'static str,
}

impl Repository {
    /// The registry's host, with its port if one was given.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository's path on the registry, without host.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// This repository's image of that digest.
    #[must_use]
    pub fn at(&self, digest: Digest) -> PinnedImage {
        PinnedImage { repository: self.clone(), digest }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}/{}", self.registry, self.path)
    }
}

impl ImageRef {
    /// Where the image is.
    #[must_use]
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag that was written, if any.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest that was written, if any. It wins over the tag.
    #[must_use]
    pub const fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The tag to resolve when there is no digest.
    #[must_use]
    pub fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// The image by digest, when the reference holds one.
    #[must_use]
    pub fn pinned(&self) -> Option<PinnedImage> {
        self.digest.clone().map(|digest| self.repository.at(digest))
    }
}

impl FromStr for ImageRef {
    type Err = ImageRefError;

    fn from_str(text: &str) -> Result<Self, ImageRefError> {
        let error = |why| ImageRefError { text: text.chars().take(200).collect(), why };
        if text.is_empty() {
            return Err(error("it is empty"));
        }
        if text.len() > limits::IMAGE_REF_BYTES {
            return Err(error("it is too long"));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                (name, Some(digest.parse().map_err(|_| error("what follows `@` is not a sha256 digest"))?))
            }
            None => (text, None),
        };
        let (host, rest) = match name.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), rest),
            _ => (None, name),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        if let Some(host) = host
            && !is_host(host)
        {
            return Err(error("the registry is not a hostname with an optional port"));
        }
        if !path.split('/').all(is_path_part) {
            return Err(error(
                "the repository is not a path of lowercase letters, digits and `._-` separated by slashes",
            ));
        }
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(error("the tag is not 1 to 128 letters, digits or `._-`"));
        }
        let registry = match host {
            None | Some("docker.io") => DOCKER_HUB,
            Some(host) => host,
        };
        let path =
            if registry == DOCKER_HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        let repository = Repository { registry: registry.to_owned(), path };
        Ok(Self { repository, tag: tag.map(str::to_owned), digest })
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.repository, to)?;
        if let Some(tag) = &self.tag {
            write!(to, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(to, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl PinnedImage {
    /// Reads `repository@sha256:…`; a tag beside the digest is dropped.
    pub fn parse(text: &str) -> Result<Self, ImageRefError> {
        let reference: ImageRef = text.parse()?;
        reference.pinned().ok_or_else(|| ImageRefError { text: text.to_owned(), why: "it has no digest" })
    }
}

impl fmt::Display for PinnedImage {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}@{}", self.repository, self.digest)
    }
}

impl Serialize for PinnedImage {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PinnedImage {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        // An IPv6 address in brackets holds colons of its own.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let port_is_fine = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name_is_fine = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }),
    };
    port_is_fine && name_is_fine
}

fn is_path_part(part: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    part.as_bytes().first().is_some_and(alphanumeric)
        && part.as_bytes().last().is_some_and(alphanumeric)
        && part.bytes().all(|byte| alphanumeric(&byte) || matches!(byte, b'.' | b'_' | b'-'))
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn references_are_read_as_registries_read_them() {
        for (text, shown) in [
            ("busybox", "index.docker.io/library/busybox"),
            ("busybox:1.36", "index.docker.io/library/busybox:1.36"),
            ("docker.io/grafana/loki", "index.docker.io/grafana/loki"),
            ("app/good", "index.docker.io/app/good"),
            ("localhost/app", "localhost/app"),
            ("127.0.0.1:5000/app/good:v1", "127.0.0.1:5000/app/good:v1"),
            ("[::1]:5000/app", "[::1]:5000/app"),
            ("quay.io/a/b-c_d.e:T-1.0", "quay.io/a/b-c_d.e:T-1.0"),
        ] {
            assert_eq!(text.parse::<ImageRef>().unwrap().to_string(), shown);
        }
        let both = format!("quay.io/a/b:v1@sha256:{HEX}");
        let both: ImageRef = both.parse().unwrap();
        assert_eq!(both.tag(), Some("v1"));
        assert_eq!(both.pinned().unwrap().to_string(), format!("quay.io/a/b@sha256:{HEX}"));
    }

    #[test]
    fn what_no_registry_would_take_is_refused() {
        for bad in [
            "",
            "UPPER/case",
            "quay.io/",
            "quay.io//a",
            "quay.io/a/../b",
            "quay.io/a:",
            "quay.io/a:b:c",
            "quay.io/a@sha256:123",
            "quay.io/a@md5:123",
            "quay.io:port/a",
            "quay.io:99999/a",
            "user:pass@quay.io/a",
            "https://quay.io/a",
            "quay.io/a b",
            "quay.io/a\n",
        ] {
            assert!(bad.parse::<ImageRef>().is_err(), "{bad}");
        }
        assert!(format!("quay.io/{}", "a".repeat(2000)).parse::<ImageRef>().is_err());
    }
}
