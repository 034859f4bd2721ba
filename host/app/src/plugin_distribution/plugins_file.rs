//! [`PluginsFile`]: `plugins.toml`, which says which plugins may run, whose signatures they need, and what each is granted.
//!
//! Every key is known, or the file is refused: a setting that is misspelled must not be one that is missing.

use std::collections::BTreeMap;

use assay_model::{digest::Digest, image::Repository, nearest::nearest};
use assay_wasm::CallLimits;
use camino::{Utf8Path, Utf8PathBuf};
use semver::VersionReq;
use serde::Deserialize;

use super::registry_pattern::RegistryPattern;
use crate::{
    error::RequestError,
    plugin_grants::{HttpEntry, SecretEntry, service_limit},
    read::read_text,
};

/// The only version of the format.
pub(crate) const VERSION: u64 = 1;
/// The largest `plugins.toml` or `assay.lock`.
pub(crate) const LIST_BYTES: u64 = 4 << 20;
/// Plugins in one file.
pub(crate) const PLUGINS: usize = 1_000;

/// A `plugins.toml`.
#[derive(Clone, Debug, Default)]
pub struct PluginsFile {
    /// The file, for messages.
    pub(crate) path: Utf8PathBuf,
    /// The repositories that plugins may come from; none allows all.
    pub(crate) registries: Option<Vec<RegistryPattern>>,
    /// Whose vet statements count: names in `trust`.
    pub(crate) vetters: Vec<String>,
    /// Signers by name.
    pub(crate) trust: BTreeMap<String, TrustEntry>,
    /// Plugins by name.
    pub(crate) plugins: BTreeMap<String, PluginEntry>,
}

/// A signer that is trusted.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TrustEntry {
    /// A public key: a PEM file beside the list, or PEM.
    pub(crate) key: Option<String>,
    #[serde(default)]
    pub(crate) identity: String,
    #[serde(default)]
    pub(crate) identity_regexp: String,
    #[serde(default)]
    pub(crate) issuer: String,
    #[serde(default)]
    pub(crate) issuer_regexp: String,
    /// Whether signatures must be in a transparency log. By default those of identities must, and those of keys need not.
    pub(crate) log: Option<LogRequirement>,
}

/// Whether signatures must be in a transparency log.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogRequirement {
    Required,
    Ignored,
}

/// Whether a plugin must be vetted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum VetMode {
    /// Without a vet statement it does not run.
    #[default]
    Required,
    /// Without one it runs, and a note says so.
    Warn,
    /// Nothing is required; for development.
    Off,
}

/// A plugin that may run.
#[derive(Clone, Debug, Default)]
pub(crate) struct PluginEntry {
    /// A component on this machine, relative to the list. For development only.
    pub(crate) file: Option<Utf8PathBuf>,
    /// What the file must be.
    pub(crate) digest: Option<Digest>,
    /// The repository that it comes from.
    pub(crate) source: Option<Repository>,
    /// Its versions that may run; all without it.
    pub(crate) version: VersionReq,
    /// Whose signature it needs: names in `trust`, of which one is enough.
    pub(crate) trust: Vec<String>,
    pub(crate) vet: VetMode,
    pub(crate) http: Vec<HttpEntry>,
    pub(crate) secrets: BTreeMap<String, SecretEntry>,
    pub(crate) limits: BTreeMap<String, u64>,
    /// The service whose tokens its jobs need; the plugin's own if there is none.
    pub(crate) group: Option<String>,
    /// Jobs that may be with the service at a time.
    pub(crate) max: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    version: Option<u64>,
    registries: Option<Vec<String>>,
    #[serde(default)]
    vetters: Names,
    #[serde(default)]
    trust: BTreeMap<String, TrustEntry>,
    #[serde(default)]
    plugin: BTreeMap<String, RawEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawEntry {
    file: Option<Utf8PathBuf>,
    digest: Option<Digest>,
    source: Option<String>,
    version: Option<String>,
    #[serde(default)]
    trust: Names,
    #[serde(default)]
    vet: VetMode,
    #[serde(default)]
    http: Vec<HttpEntry>,
    #[serde(default)]
    secret: BTreeMap<String, SecretEntry>,
    #[serde(default)]
    limits: BTreeMap<String, u64>,
    group: Option<String>,
    max: Option<u32>,
}

/// One name or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl From<Names> for Vec<String> {
    fn from(names: Names) -> Self {
        match names {
            Names::One(name) => vec![name],
            Names::Several(names) => names,
        }
    }
}

impl PluginsFile {
    /// Reads a list.
    ///
    /// # Errors
    /// It cannot be read, or is not a list that this version knows all of.
    pub fn read(file: &Utf8Path) -> Result<Self, RequestError> {
        Self::parse(&read_text(file, "--plugins", LIST_BYTES)?, file)
    }

    /// Parses a list; `file` is where it was read, which the paths in it are relative to.
    ///
    /// # Errors
    /// It is not a list that this version knows all of.
    pub fn parse(text: &str, file: &Utf8Path) -> Result<Self, RequestError> {
        let invalid = |what: String| RequestError::new(format!("`{file}` is not a list of plugins: {what}"));
        let document: Document =
            toml::from_str(text).map_err(|error| invalid(format!("{}{}", line_of(text, &error), error.message())))?;
        if document.version.unwrap_or(VERSION) != VERSION {
            let version = document.version.unwrap_or_default();
            return Err(invalid(format!("it has version {version}, and this program knows version {VERSION}")));
        }
        if document.plugin.len() > PLUGINS {
            return Err(invalid(format!("it has more than {PLUGINS} plugins")));
        }
        let registries = document
            .registries
            .map(|texts| texts.iter().map(|text| text.parse()).collect::<Result<Vec<RegistryPattern>, String>>())
            .transpose()
            .map_err(invalid)?;
        let list = Self {
            path: file.to_owned(),
            registries,
            vetters: document.vetters.into(),
            trust: document.trust,
            plugins: BTreeMap::new(),
        };
        for name in &list.vetters {
            list.check_trust(name, "`vetters`").map_err(invalid)?;
        }
        for (name, entry) in &list.trust {
            entry.check().map_err(|why| invalid(format!("trust `{name}` {why}")))?;
        }
        let entries = document.plugin.into_iter().map(|(name, raw)| {
            let entry = list.entry(raw).map_err(|why| invalid(format!("plugin `{name}`: {why}")))?;
            service_limit(&name, entry.group.as_deref(), entry.max)?;
            Ok((name, entry))
        });
        let plugins = entries.collect::<Result<_, RequestError>>()?;
        Ok(Self { plugins, ..list })
    }

    fn entry(&self, raw: RawEntry) -> Result<PluginEntry, String> {
        if raw.file.is_some() && raw.source.is_some() {
            return Err("it has both `source`, a repository, and `file`, a component for development".to_owned());
        }
        if raw.digest.is_some() && raw.file.is_none() {
            return Err("`digest` belongs to `file`; assay.lock has the digest of a `source`".to_owned());
        }
        let source = raw.source.as_deref().map(parse_source).transpose()?;
        if let Some(source) = &source
            && !self.allows(source)
        {
            return Err(format!("`registries` does not allow its source {source}"));
        }
        let version = match &raw.version {
            None => VersionReq::STAR,
            Some(text) => text.parse().map_err(|error| format!("the version `{text}` is none: {error}"))?,
        };
        let trust: Vec<String> = raw.trust.into();
        for name in &trust {
            self.check_trust(name, "`trust`")?;
        }
        for name in raw.limits.keys() {
            if !CallLimits::names().any(|known| known == name) {
                let near = nearest(name, CallLimits::names()).map(|near| format!("; did you mean `{near}`?"));
                return Err(format!("`limits` has no `{name}`{}", near.unwrap_or_default()));
            }
        }
        raw.http.iter().try_for_each(HttpEntry::check)?;
        raw.secret.values().try_for_each(SecretEntry::check)?;
        Ok(PluginEntry {
            file: raw.file,
            digest: raw.digest,
            source,
            version,
            trust,
            vet: raw.vet,
            http: raw.http,
            secrets: raw.secret,
            limits: raw.limits,
            group: raw.group,
            max: raw.max,
        })
    }

    fn check_trust(&self, name: &str, whence: &str) -> Result<(), String> {
        if self.trust.contains_key(name) {
            return Ok(());
        }
        let near = nearest(name, self.trust.keys().map(String::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Err(format!("{whence} names `{name}`, and there is no [trust.{name}]{near}"))
    }

    /// Whether plugins may come from this repository.
    #[must_use]
    pub fn allows(&self, repository: &Repository) -> bool {
        self.registries.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.contains(repository)))
    }

    /// The names of the plugins, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plugins.keys().map(String::as_str)
    }

    /// The caps of a plugin's limits.
    #[must_use]
    pub fn limits(&self, name: &str) -> BTreeMap<String, u64> {
        self.plugins.get(name).map(|entry| entry.limits.clone()).unwrap_or_default()
    }

    /// The folder that paths in it are relative to.
    pub(crate) fn folder(&self) -> &Utf8Path {
        self.path.parent().unwrap_or(Utf8Path::new(""))
    }
}

impl TrustEntry {
    fn check(&self) -> Result<(), String> {
        let identity = [&self.identity, &self.identity_regexp];
        let issuer = [&self.issuer, &self.issuer_regexp];
        let names = |texts: [&String; 2]| texts.iter().any(|text| !text.is_empty());
        match (&self.key, names(identity), names(issuer)) {
            (Some(key), false, false) if !key.is_empty() => Ok(()),
            (None, true, true) => Ok(()),
            (Some(_), _, _) => Err("has a key and an identity, or an empty key; one of both is a signer".to_owned()),
            (None, _, _) => {
                Err("needs `key`, or `identity` or `identity-regexp` together with `issuer` or `issuer-regexp`"
                    .to_owned())
            }
        }
    }
}

fn parse_source(text: &str) -> Result<Repository, String> {
    let parsed: assay_model::image::ImageRef =
        text.parse().map_err(|error| format!("the source `{text}` is not a repository: {error}"))?;
    if parsed.tag().is_some() || parsed.digest().is_some() {
        return Err(format!(
            "the source `{text}` has a tag or digest; use `version`, and let assay.lock have the digest"
        ));
    }
    Ok(parsed.repository().clone())
}

/// The line that an error is about, as the begin of a sentence.
pub(super) fn line_of(text: &str, error: &toml::de::Error) -> String {
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else { return String::new() };
    format!("line {}: ", before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
version = 1
registries = ["registry.example/acme/*"]
vetters = ["team"]

[trust.acme]
identity-regexp = "^https://github\\.com/acme/"
issuer = "https://token.actions.githubusercontent.com"

[trust.team]
key = "team.pub"
log = "ignored"

[plugin.jenkins]
source = "registry.example/acme/jenkins"
version = ">=0.3, <0.4"
trust = "acme"
vet = "required"
http = [{ host = "ci.example.com:443", methods = ["GET", "POST"] }]
secret.jenkins = { from = "env:JENKINS_AUTH", host = "ci.example.com:443", header = "Authorization", scheme = "basic" }
limits = { memory-mib = 128, artifact-mib = 256 }
max = 3
"#;

    fn parse(text: &str) -> Result<PluginsFile, RequestError> {
        PluginsFile::parse(text, Utf8Path::new("x/plugins.toml"))
    }

    #[test]
    fn a_whole_list_is_read() {
        let list = parse(WHOLE).unwrap();
        assert_eq!(list.names().collect::<Vec<_>>(), ["jenkins"]);
        assert_eq!((list.folder().as_str(), list.vetters.as_slice()), ("x", &["team".to_owned()][..]));
        let entry = &list.plugins["jenkins"];
        assert_eq!(entry.source.as_ref().unwrap().to_string(), "registry.example/acme/jenkins");
        assert!(entry.version.matches(&"0.3.9".parse().unwrap()) && !entry.version.matches(&"0.4.0".parse().unwrap()));
        assert_eq!((entry.vet, entry.max, entry.secrets.len()), (VetMode::Required, Some(3), 1));
        assert!(parse("").unwrap().plugins.is_empty(), "an empty list allows no plugin");
    }

    #[test]
    fn what_is_not_known_or_contradicts_itself_is_refused_with_its_place() {
        for (from, to, says) in [
            ("version = 1\n", "version = 2\n", "it has version 2"),
            ("max = 3", "maximum = 3", "unknown field `maximum`"),
            ("max = 3", "max = 0", "max"),
            ("vet = \"required\"", "vet = \"later\"", "unknown variant `later`"),
            ("trust = \"acme\"", "trust = \"acne\"", "there is no [trust.acne]; did you mean `acme`?"),
            ("vetters = [\"team\"]", "vetters = [\"teams\"]", "did you mean `team`?"),
            ("source = \"registry.example/acme/jenkins\"", "source = \"other.example/x\"", "does not allow"),
            ("source = \"registry.example/acme/jenkins\"", "source = \"registry.example/acme/j:1\"", "has a tag"),
            ("source = \"registry.example/acme/jenkins\"", "file = 'a'\nsource = 'b'", "it has both"),
            ("version = \">=0.3, <0.4\"", "version = \"new\"", "the version `new` is none"),
            ("memory-mib", "memory-mb", "`limits` has no `memory-mb`; did you mean `memory-mib`?"),
            ("key = \"team.pub\"", "key = \"team.pub\"\nissuer = 'x'", "a key and an identity"),
            ("key = \"team.pub\"\n", "", "trust `team` needs `key`"),
            ("host = \"ci.example.com:443\", methods", "host = \"https://x\", methods", "is not a host"),
            ("env:JENKINS_AUTH", "JENKINS_AUTH", "env:NAME"),
            ("\"GET\", \"POST\"", "\"CONNECT\"", "`CONNECT`"),
            ("acme/*\"]", "*/x\"]", "pattern"),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let error = parse(&WHOLE.replace(from, to)).unwrap_err();
            assert!(error.message().contains(says), "{from} → {to}: {}", error.message());
        }
        let error = parse("version = 1\nx = [").unwrap_err();
        assert!(error.message().contains("line 2: "), "{}", error.message());
    }

    #[test]
    fn a_list_has_a_limited_number_of_plugins() {
        let text: String = (0..=PLUGINS).map(|n| format!("[plugin.p{n}]\nfile = 'x'\n")).collect();
        assert!(parse(&text).unwrap_err().message().contains("more than 1000 plugins"));
    }
}
