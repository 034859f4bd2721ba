//! [`Secrets`]: the secrets that one call may have sent, each to the host that it is bound to.
//!
//! A guest knows a name, or a placeholder that is good for its call alone. No value enters its memory.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::LazyLock,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::Url;

use super::redact::{Redactor, percent, replace};
use crate::{
    grants::{Grants, SecretGrant},
    key, limits, text,
    values::RawPermission,
};

/// How a placeholder is written where it is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Raw,
    Json,
    Url,
    Base64,
}

/// Why a secret is not used: the same for one that does not exist and one that is for another host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotGranted {
    pub(crate) what: String,
    pub(crate) hint: String,
}

/// The secrets of one call.
pub(crate) struct Secrets {
    plugin: String,
    /// Those that the manifest requests and the operator grants.
    granted: BTreeMap<String, SecretGrant>,
    redactor: Redactor,
    placeholders: BTreeMap<String, (String, Form)>,
}

/// Makes placeholders that no call before this process knew.
static PROCESS: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let words: Vec<u8> = (0..4).flat_map(|_| RandomState::new().build_hasher().finish().to_le_bytes()).collect();
    key::hash(&[&words])
});

impl Secrets {
    pub(crate) fn new(plugin: &str, requested: &[RawPermission], grants: &Grants) -> Self {
        let is_requested = |name: &str| requested.iter().any(|one| one.kind == "secret" && one.name == name);
        let granted: BTreeMap<_, _> =
            grants.secrets.iter().filter(|(name, _)| is_requested(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
        let redactor = Redactor::new(granted.values().map(|grant| grant.value.reveal().as_bytes()));
        Self { plugin: plugin.to_owned(), granted, redactor, placeholders: BTreeMap::new() }
    }

    pub(crate) const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The header that a named secret travels in, to the host of this URL.
    pub(crate) fn header(&self, name: &str, url: &Url) -> Result<(String, String), NotGranted> {
        let grant = self.granted.get(name).filter(|grant| grant.host.contains(url));
        grant
            .map(|grant| (grant.header.clone(), grant.header_value()))
            .ok_or_else(|| self.not_granted(name, url.host_str()))
    }

    /// A new placeholder for a secret that may stand in a body or query.
    pub(crate) fn placeholder(&mut self, name: &str, form: Form, call: &[u8; 32]) -> Result<String, NotGranted> {
        let is_granted = self.granted.get(name).is_some_and(|grant| grant.body);
        if !is_granted || self.placeholders.len() >= limits::PLACEHOLDERS {
            return Err(self.not_granted(name, None));
        }
        let number = self.placeholders.len().to_le_bytes();
        let random = key::hash(&[&*PROCESS, call, &number, &RandomState::new().build_hasher().finish().to_le_bytes()]);
        let word: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let word = format!("assay-placeholder-{word}");
        self.placeholders.insert(word.clone(), (name.to_owned(), form));
        Ok(word)
    }

    /// Puts the values in the places of the placeholders that are bound to the host of this URL, in the query and the body.
    /// All others go out as they are.
    pub(crate) fn fill(&self, url: &mut Url, mut body: Vec<u8>) -> Vec<u8> {
        for (word, (name, form)) in &self.placeholders {
            let Some(grant) = self.granted.get(name).filter(|grant| grant.host.contains(url)) else { continue };
            let value = written(grant.value.reveal(), *form);
            if let Some(query) = url.query().filter(|query| query.contains(word)).map(str::to_owned) {
                // A value must not end the query or add to it, whatever its form.
                let value = match form {
                    Form::Url => value.clone(),
                    _ => String::from_utf8(percent(value.as_bytes(), true)).unwrap_or_default(),
                };
                url.set_query(Some(&query.replace(word, &value)));
            }
            body = replace(body, word.as_bytes(), value.as_bytes());
        }
        body
    }

    fn not_granted(&self, name: &str, host: Option<&str>) -> NotGranted {
        let name = text::one_line(name, 100);
        let host = host.unwrap_or("HOST");
        NotGranted {
            what: format!("the secret `{name}` is not granted for this use"),
            hint: format!(
                "its manifest must request the permission `secret` of the name `{name}`, and [plugin.{}] of plugins.toml \
                 must have `secret.{name} = {{ from = \"env:VARIABLE\", host = \"{host}\", header = \"Authorization\", \
                 scheme = \"bearer\" }}`, with `body = true` for placeholders",
                self.plugin
            ),
        }
    }
}

fn written(value: &str, form: Form) -> String {
    match form {
        Form::Raw => value.to_owned(),
        Form::Json => {
            let json = serde_json::to_string(value).unwrap_or_default();
            json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned()
        }
        Form::Url => String::from_utf8(percent(value.as_bytes(), true)).unwrap_or_default(),
        Form::Base64 => STANDARD.encode(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::{SecretScheme, SecretValue};

    fn secrets() -> Secrets {
        let grant = SecretGrant {
            value: SecretValue::new("to\"ken&1"),
            host: "ci.test".parse().unwrap(),
            header: "Authorization".to_owned(),
            scheme: SecretScheme::Bearer,
            body: true,
        };
        let grants = Grants {
            secrets: [("ci".to_owned(), grant.clone()), ("other-own".to_owned(), grant)].into(),
            ..Grants::default()
        };
        let requested = RawPermission {
            kind: "secret".to_owned(),
            name: "ci".to_owned(),
            options: Vec::new(),
            reason: String::new(),
        };
        Secrets::new("jenkins", &[requested], &grants)
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_secret_travels_to_its_host_alone() {
        let secrets = secrets();
        let header = secrets.header("ci", &url("https://ci.test/x")).unwrap();
        assert_eq!(header, ("Authorization".to_owned(), "Bearer to\"ken&1".to_owned()));
        let text = |name: &str, place: &str| secrets.header(name, &url(place)).unwrap_err().what.replace(name, "NAME");
        let unknown = text("other", "https://ci.test/");
        assert_eq!(text("ci", "https://evil.test/"), unknown);
        assert_eq!(text("other-own", "https://ci.test/"), unknown);
        let hint = secrets.header("other", &url("https://ci.test/")).unwrap_err().hint;
        assert!(hint.contains("[plugin.jenkins]") && hint.contains("secret.other = { from ="), "{hint}");
    }

    #[test]
    fn a_placeholder_is_replaced_in_query_and_body_on_the_way_to_its_host_only() {
        let mut secrets = secrets();
        let raw = secrets.placeholder("ci", Form::Raw, &[0; 32]).unwrap();
        let json = secrets.placeholder("ci", Form::Json, &[0; 32]).unwrap();
        assert_ne!(raw, json);
        let body = || format!("{{\"a\": \"{json}\"}} {raw}").into_bytes();
        let mut own = url(&format!("https://ci.test/{raw}?q={raw}&r=1"));
        let filled = String::from_utf8(secrets.fill(&mut own, body())).unwrap();
        assert_eq!(filled, "{\"a\": \"to\\\"ken&1\"} to\"ken&1");
        assert_eq!(own.as_str(), format!("https://ci.test/{raw}?q=to%22ken%261&r=1"));
        let mut other = url(&format!("https://evil.test/?q={raw}"));
        assert_eq!(secrets.fill(&mut other, body()), body());
        assert!(other.as_str().ends_with(&raw));
        assert!(secrets.placeholder("other", Form::Raw, &[0; 32]).is_err());
        let more = (0..1_000).take_while(|_| secrets.placeholder("ci", Form::Raw, &[0; 32]).is_ok()).count();
        assert_eq!(more, limits::PLACEHOLDERS - 2);
    }
}
