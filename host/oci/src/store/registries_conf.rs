//! [`RegistriesConf`]: which hosts stand for a registry, and which registries are blocked
//! (containers-registries.conf(5), version 2).
//!
//! The longest `prefix` that a repository begins with decides. Its mirrors are requested in their order, then its
//! `location`. A prefix with a tag or a digest is refused, as are keys that are not known here: what they block or send
//! elsewhere must not be lost. Short names are no concern here: every image has its registry.

use assay_model::{
    error::{ErrorCode, EvaluationError},
    image::{DOCKER_HUB, ImageRef, Repository},
};
use serde::Deserialize;
use serde_json::Value;

use super::address::host;

/// Entries of all files together. Each one is compared with each repository.
const REGISTRIES: usize = 10_000;
/// Mirrors of one registry: each is requested before the registry is.
const MIRRORS: usize = 16;

/// The registries of all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistriesConf {
    registries: Vec<RegistryEntry>,
}

/// What is said of the repositories below one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RegistryEntry {
    prefix: String,
    location: String,
    is_insecure: bool,
    is_blocked: bool,
    mirrors: Vec<Mirror>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mirror {
    location: String,
    is_insecure: bool,
    pulls: Pulls,
}

/// What is requested of a mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pulls {
    All,
    DigestOnly,
    TagOnly,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    #[serde(default)]
    registry: Vec<RegistryTable>,
    #[serde(default, rename = "unqualified-search-registries")]
    _search: Option<Value>,
    #[serde(default, rename = "short-name-mode")]
    _short_names: Option<Value>,
    #[serde(default, rename = "credential-helpers")]
    _helpers: Option<Value>,
    #[serde(default, rename = "additional-layer-store-auth-helper")]
    _layer_store: Option<Value>,
    #[serde(default, rename = "aliases")]
    _aliases: Option<Value>,
    /// Version 1.
    #[serde(default)]
    registries: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RegistryTable {
    prefix: Option<String>,
    location: Option<String>,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<MirrorTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MirrorTable {
    location: String,
    #[serde(default)]
    insecure: bool,
    pull_from_mirror: Option<Pulls>,
}

/// A repository that is requested in place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) repository: Repository,
    /// Whether it is a mirror, after which others are requested.
    pub(super) is_mirror: bool,
}

impl RegistriesConf {
    /// Adds what a file says, which was read as TOML; it replaces what earlier files said of the same prefix. The error is
    /// what is wrong with it.
    ///
    /// # Errors
    /// It is no such file, of version 1, or says what is not understood here.
    pub fn add(&mut self, document: &Value) -> Result<(), String> {
        let document = Document::deserialize(document).map_err(|error| error.to_string())?;
        if document.registries.is_some() {
            return Err("it is in the format of version 1; use `[[registry]]` tables".to_owned());
        }
        for table in document.registry {
            let entry = RegistryEntry::read(table)?;
            self.registries.retain(|other| other.prefix != entry.prefix);
            self.registries.push(entry);
        }
        if self.registries.len() > REGISTRIES {
            return Err(format!("there are more than {REGISTRIES} registries"));
        }
        Ok(())
    }

    /// The hosts that are named insecure.
    pub(super) fn insecure(&self) -> impl Iterator<Item = &str> {
        let own = self.registries.iter().filter(|entry| entry.is_insecure).map(|entry| &entry.location);
        let mirrors = self.registries.iter().flat_map(|entry| &entry.mirrors);
        let mirrors = mirrors.filter(|mirror| mirror.is_insecure).map(|mirror| &mirror.location);
        own.chain(mirrors).map(|location| location.split('/').next().unwrap_or_default())
    }

    /// The hosts of the mirrors, which the user names.
    pub(super) fn mirrors(&self) -> impl Iterator<Item = &str> {
        let mirrors = self.registries.iter().flat_map(|entry| &entry.mirrors);
        mirrors.map(|mirror| mirror.location.split('/').next().unwrap_or_default())
    }

    /// Where content of a repository is requested, in this order, the repository itself last.
    pub(super) fn endpoints(&self, repository: &Repository, by_digest: bool) -> Result<Vec<Endpoint>, EvaluationError> {
        let name = shown(repository);
        let matching = self.registries.iter().filter_map(|entry| Some((entry, entry.matched(&name)?)));
        let Some((entry, matched)) = matching.max_by_key(|(entry, _)| entry.prefix.len()) else {
            return Ok(vec![Endpoint { repository: repository.clone(), is_mirror: false }]);
        };
        if entry.is_blocked {
            let message = format!("the registry of {repository} is blocked: `{}` in registries.conf", entry.prefix);
            return Err(EvaluationError::new(ErrorCode::RegistryDenied, message)
                .hint("remove `blocked = true`, or use an image from another registry"));
        }
        let rest = name.get(matched..).unwrap_or_default();
        let at = |location: &str| {
            let text = format!("{location}{rest}");
            text.parse::<ImageRef>().map(|image| image.repository().clone()).map_err(|error| {
                let message = format!("registries.conf sends {repository} to `{text}`: {error}");
                EvaluationError::new(ErrorCode::ImageReference, message).hint("correct the location in registries.conf")
            })
        };
        let may_serve = |mirror: &&Mirror| match mirror.pulls {
            Pulls::All => true,
            Pulls::DigestOnly => by_digest,
            Pulls::TagOnly => !by_digest,
        };
        let mirrors = entry.mirrors.iter().filter(may_serve).map(|mirror| at(&mirror.location));
        let mut endpoints = mirrors
            .map(|repository| Ok(Endpoint { repository: repository?, is_mirror: true }))
            .collect::<Result<Vec<_>, EvaluationError>>()?;
        let own = if entry.location.is_empty() { repository.clone() } else { at(&entry.location)? };
        endpoints.push(Endpoint { repository: own, is_mirror: false });
        Ok(endpoints)
    }
}

impl RegistryEntry {
    fn read(table: RegistryTable) -> Result<Self, String> {
        let RegistryTable { prefix, location, insecure, blocked, mirror_by_digest_only, mirror } = table;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (prefix, location) = match (given(prefix), given(location)) {
            (Some(prefix), Some(location)) => (prefix, location),
            // A wildcard stands for many hosts, each of which is its own location.
            (Some(prefix), None) if prefix.starts_with("*.") => (prefix, String::new()),
            (Some(prefix), None) => return Err(format!("the registry `{prefix}` has no location")),
            (None, Some(location)) if location.starts_with("*.") => {
                return Err(format!("the location `{location}` is a wildcard"));
            }
            (None, Some(location)) => (location.clone(), location),
            (None, None) => return Err("a registry has neither prefix nor location".to_owned()),
        };
        if mirror.len() > MIRRORS {
            return Err(format!("the registry `{prefix}` has more than {MIRRORS} mirrors"));
        }
        let mirrors = mirror.into_iter().map(|mirror| {
            let pulls = match mirror.pull_from_mirror {
                Some(_) if mirror_by_digest_only => {
                    return Err(format!("`{prefix}` has both `mirror-by-digest-only` and `pull-from-mirror`"));
                }
                Some(pulls) => pulls,
                None if mirror_by_digest_only => Pulls::DigestOnly,
                None => Pulls::All,
            };
            Ok(Mirror { location: cleaned(&mirror.location)?, is_insecure: mirror.insecure, pulls })
        });
        let mirrors = mirrors.collect::<Result<_, _>>()?;
        let location = if location.is_empty() { location } else { cleaned(&location)? };
        Ok(Self { prefix: cleaned(&prefix)?, location, is_insecure: insecure, is_blocked: blocked, mirrors })
    }

    /// How many bytes of a repository's name the prefix stands for; none if it does not.
    fn matched(&self, name: &str) -> Option<usize> {
        let length = match self.prefix.strip_prefix('*') {
            Some(end) => {
                let (domain, path) = end.split_once('/').map_or((end, ""), |(domain, path)| (domain, path));
                let own = host(name.split('/').next().unwrap_or_default());
                let wildcard = own.ends_with(domain) && own.len() > domain.len();
                let rest = name.get(own.len()..).filter(|_| wildcard)?;
                if path.is_empty() {
                    own.len()
                } else {
                    rest.strip_prefix('/')?.strip_prefix(path)?;
                    own.len() + 1 + path.len()
                }
            }
            None => name.strip_prefix(&self.prefix).map(|_| self.prefix.len())?,
        };
        let is_whole = matches!(name.as_bytes().get(length), None | Some(b'/' | b':'));
        is_whole.then_some(length)
    }
}

/// A location or a prefix that holds a host and parts of a path.
fn cleaned(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/').to_owned();
    let path = text.split_once('/').map_or("", |(_, path)| path);
    if text.is_empty() || text.contains("://") || text.contains('@') || path.contains(':') {
        return Err(format!("`{text}` is not a host, or a host with a path, without a tag or a digest"));
    }
    Ok(text)
}

/// A repository as registries.conf names it.
fn shown(repository: &Repository) -> String {
    let registry = if repository.registry() == DOCKER_HUB { "docker.io" } else { repository.registry() };
    format!("{registry}/{}", repository.path())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_support::reference;

    fn conf(registries: &Value) -> Result<RegistriesConf, String> {
        let mut conf = RegistriesConf::default();
        conf.add(&json!({"registry": registries})).map(|()| conf)
    }

    fn endpoints(conf: &RegistriesConf, image: &str, by_digest: bool) -> Result<Vec<String>, EvaluationError> {
        let endpoints = conf.endpoints(reference(image).repository(), by_digest)?;
        Ok(endpoints.iter().map(|endpoint| shown(&endpoint.repository)).collect())
    }

    #[test]
    fn the_longest_prefix_decides_where_a_repository_is() {
        let conf = conf(&json!([
            {"location": "a.test"},
            {"prefix": "a.test/team", "location": "b.test/x/team", "mirror": [{"location": "m.test/y"}]},
            {"prefix": "*.wild.test", "location": "w.test/all"},
            {"prefix": "*.kept.test", "blocked": true},
            {"location": "docker.io", "mirror": [{"location": "hub.test/cache"}]},
        ]))
        .unwrap();
        for (image, want) in [
            ("a.test/other", &["a.test/other"][..]),
            ("a.test/team/app", &["m.test/y/app", "b.test/x/team/app"]),
            ("a.test/teams/app", &["a.test/teams/app"]),
            ("a.test:5000/app", &["a.test:5000/app"]),
            ("x.wild.test/app", &["w.test/all/app"]),
            ("wild.test/app", &["wild.test/app"]),
            ("xwild.test/app", &["xwild.test/app"]),
            ("busybox", &["hub.test/cache/library/busybox", "docker.io/library/busybox"]),
        ] {
            assert_eq!(endpoints(&conf, image, true).unwrap(), want, "{image}");
        }
        let error = endpoints(&conf, "a.kept.test/app", true).unwrap_err();
        assert_eq!(error.code, ErrorCode::RegistryDenied);
        assert!(error.message.contains("`*.kept.test` in registries.conf"), "{error}");
    }

    #[test]
    fn mirrors_get_the_requests_that_they_are_for() {
        let conf = conf(&json!([{"location": "a.test", "mirror": [
            {"location": "all.test", "insecure": true},
            {"location": "digests.test", "pull-from-mirror": "digest-only"},
            {"location": "tags.test", "pull-from-mirror": "tag-only"},
        ]}]))
        .unwrap();
        assert_eq!(endpoints(&conf, "a.test/b", true).unwrap(), ["all.test/b", "digests.test/b", "a.test/b"]);
        assert_eq!(endpoints(&conf, "a.test/b", false).unwrap(), ["all.test/b", "tags.test/b", "a.test/b"]);
        assert_eq!(conf.insecure().collect::<Vec<_>>(), ["all.test"]);
        let registries =
            json!([{"location": "a.test", "mirror-by-digest-only": true, "mirror": [{"location": "m.test"}]}]);
        let conf = super::tests::conf(&registries).unwrap();
        assert_eq!(endpoints(&conf, "a.test/b", false).unwrap(), ["a.test/b"]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let mirrors: Vec<_> = (0..=MIRRORS).map(|number| json!({"location": format!("m{number}.test")})).collect();
        for (registries, says) in [
            (json!([{"blocked": true}]), "neither prefix nor location"),
            (json!([{"prefix": "a.test"}]), "no location"),
            (json!([{"location": "*.a.test"}]), "wildcard"),
            (json!([{"location": "a.test/b:v1"}]), "without a tag"),
            (json!([{"location": "https://a.test"}]), "is not a host"),
            (json!([{"location": "a.test", "bloked": true}]), "bloked"),
            (json!([{"location": "a.test", "mirror": mirrors}]), "more than 16 mirrors"),
            (json!([{"location": "a.test", "mirror": [{"location": "m.test", "pull-from-mirror": "never"}]}]), "never"),
        ] {
            let error = conf(&registries).unwrap_err();
            assert!(error.contains(says), "{error} lacks {says}");
        }
        let error = RegistriesConf::default().add(&json!({"registries": {"search": {}}})).unwrap_err();
        assert!(error.contains("version 1"), "{error}");
        let many: Vec<_> = (0..=REGISTRIES).map(|number| json!({"location": format!("r{number}.test")})).collect();
        assert!(conf(&json!(many)).unwrap_err().contains("more than 10000"));
    }

    #[test]
    fn a_later_file_replaces_what_an_earlier_one_says_of_a_prefix() {
        let mut conf = conf(&json!([{"location": "a.test", "blocked": true}])).unwrap();
        conf.add(&json!({"registry": [{"location": "a.test"}], "unqualified-search-registries": ["x"]})).unwrap();
        assert_eq!(endpoints(&conf, "a.test/b", true).unwrap(), ["a.test/b"]);
    }
}
