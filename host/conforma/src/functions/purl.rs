//! `ec.purl.parse`, `ec.purl.is_valid`: package URLs as `ec` reads them, which is as packageurl-go 0.1.3 does.
//!
//! The format is the package URL specification's (`pkg:type/namespace/name@version?qualifiers#subpath`). Newer readers
//! hold more rules about single types and would call invalid what `ec` accepts, so this one is our own.

use assay_rego::{
    HostError,
    value::{Value, bytes_of, text_of},
};

use crate::{
    host::{Host, Outcome},
    values::record,
};

/// `ec.purl.parse`.
pub(crate) fn parse(_host: &dyn Host, arguments: &[Value]) -> Outcome {
    match arguments {
        [Value::String(purl)] => Ok(read(purl).map(Purl::into_value)),
        [other] => Err(HostError::wrong_type(1, other, "string")),
        _ => Ok(None),
    }
}

/// `ec.purl.is_valid`. `ec` calls what is not a string invalid.
pub(crate) fn is_valid(_host: &dyn Host, arguments: &[Value]) -> Outcome {
    let is_one = |purl: &Value| matches!(purl, Value::String(text) if read(text).is_some());
    Ok(arguments.first().map(|purl| Value::Bool(is_one(purl))))
}

/// The parts of a package URL in their normal form; what is absent is empty.
#[derive(Debug, PartialEq, Eq)]
struct Purl {
    kind: String,
    namespace: String,
    name: String,
    version: String,
    qualifiers: Vec<(String, String)>,
    subpath: String,
}

/// None for what is not a package URL.
fn read(text: &str) -> Option<Purl> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return None;
    }
    let (scheme, rest) = text.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("pkg") {
        return None;
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, path) = rest.trim_start_matches('/').split_once('/')?;
    let kind = kind.to_lowercase();
    let (namespace, last) = path.rsplit_once('/').unwrap_or(("", path));
    let (name, version) = last.rsplit_once('@').unwrap_or((last, ""));
    let qualifiers = qualifiers(query)?;
    let (name, subpath) = (unescape(name, false)?, unescape(fragment, false)?);
    let is_step = |segment| matches!(segment, "." | "..");
    if !is_kind(&kind) || name.is_empty() || subpath.split('/').skip(1).any(is_step) {
        return None;
    }
    let namespace = unescape(namespace, false)?.trim_matches('/').to_owned();
    let purl = Purl {
        name: normal_name(&kind, name, &qualifiers),
        namespace: if has_lower_case_namespace(&kind) { namespace.to_lowercase() } else { namespace },
        version: normal_version(&kind, unescape(version, false)?),
        qualifiers,
        subpath: subpath.trim_matches('/').to_owned(),
        kind,
    };
    purl.follows_the_rules_of_its_type().then_some(purl)
}

impl Purl {
    /// As policies see it.
    fn into_value(self) -> Value {
        let pair = |(key, value): (String, String)| record([("key", key.into()), ("value", value.into())]);
        record([
            ("type", self.kind.into()),
            ("namespace", self.namespace.into()),
            ("name", self.name.into()),
            ("version", self.version.into()),
            ("qualifiers", Value::from(self.qualifiers.into_iter().map(pair).collect::<Vec<_>>())),
            ("subpath", self.subpath.into()),
        ])
    }

    fn follows_the_rules_of_its_type(&self) -> bool {
        match self.kind.as_str() {
            "conan" => self.namespace.is_empty() != self.qualifiers.iter().any(|(key, _)| key == "channel"),
            "cran" => !self.version.is_empty(),
            "swift" => !self.namespace.is_empty() && !self.version.is_empty(),
            _ => true,
        }
    }
}

/// Sorted by key, without those of no value. None when a key is malformed or given twice.
fn qualifiers(query: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (unescape(key, true)?, unescape(value, true)?);
        if pair.contains(';') || !is_key(&key) {
            return None;
        }
        if !value.is_empty() {
            pairs.push((key.to_lowercase(), value));
        }
    }
    pairs.sort();
    let doubled = pairs.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other));
    (!doubled).then_some(pairs)
}

fn is_key(text: &str) -> bool {
    is_word(text, b"._-")
}

fn is_kind(text: &str) -> bool {
    is_word(text, b".+-")
}

/// ASCII letters, digits and punctuation, not starting with a digit.
fn is_word(text: &str, signs: &[u8]) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || signs.contains(&byte);
    text.bytes().all(fits) && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// Undoes percent-encoding, in queries also `+` for a space. None for a `%` without two hex digits. The bytes may
/// be no UTF-8.
fn unescape(text: &str, plus_is_space: bool) -> Option<String> {
    let hex = |byte: Option<u8>| {
        byte.and_then(|byte| char::from(byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok())
    };
    let whole = bytes_of(text);
    let mut bytes = whole.iter().copied();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => hex(bytes.next())? * 16 + hex(bytes.next())?,
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    Some(text_of(&plain))
}

fn has_lower_case_namespace(kind: &str) -> bool {
    matches!(kind, "alpm" | "apk" | "bitbucket" | "composer" | "deb" | "github" | "golang" | "npm" | "rpm" | "qpkg")
}

fn normal_name(kind: &str, name: String, qualifiers: &[(String, String)]) -> String {
    match kind {
        "alpm" | "apk" | "bitbucket" | "bitnami" | "composer" | "deb" | "github" | "golang" | "npm" => {
            name.to_lowercase()
        }
        "pypi" => name.replace('_', "-").to_lowercase(),
        "mlflow" if qualifiers.iter().any(|(key, url)| key == "repository_url" && url.contains("databricks")) => {
            name.to_lowercase()
        }
        _ => name,
    }
}

fn normal_version(kind: &str, version: String) -> String {
    if kind == "huggingface" { version.to_lowercase() } else { version }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoHost;

    #[test]
    fn package_urls_are_taken_apart() {
        type Row<'a> = (&'a str, [&'a str; 5], &'a [(&'a str, &'a str)]);
        #[rustfmt::skip]
        let table: &[Row<'_>] = &[
            ("pkg:RPM/redhat/bash@5.2?arch=x86_64&epoch=1", ["rpm", "redhat", "bash", "5.2", ""], &[("arch", "x86_64"), ("epoch", "1")]),
            ("pkg:golang/github.com/A/B@v1.0.0?x=y%20z#sub/path", ["golang", "github.com/a", "b", "v1.0.0", "sub/path"], &[("x", "y z")]),
            ("pkg:npm/%40scope/a@1", ["npm", "@scope", "a", "1", ""], &[]),
            ("pkg:npm/@Scope/A@1", ["npm", "@scope", "a", "1", ""], &[]),
            ("pkg:generic/name", ["generic", "", "name", "", ""], &[]),
            ("PKG:///generic/a/b", ["generic", "a", "b", "", ""], &[]),
            ("pkg:maven/org.x/y@1?type=jar&Classifier=sources&empty=&z=1+2", ["maven", "org.x", "y", "1", ""], &[("classifier", "sources"), ("type", "jar"), ("z", "1 2")]),
            ("pkg:pypi/My_Lib@1.0", ["pypi", "", "my-lib", "1.0", ""], &[]),
            ("pkg:deb/debian/Curl@7%3A1", ["deb", "debian", "curl", "7:1", ""], &[]),
            ("pkg:oci/app@sha256%3Aab?repository_url=registry.example/x/app&tag=1", ["oci", "", "app", "sha256:ab", ""], &[("repository_url", "registry.example/x/app"), ("tag", "1")]),
            ("pkg:generic//a//b/@c@1", ["generic", "a//b", "@c", "1", ""], &[]),
            ("pkg:mlflow/M@1?repository_url=https://x.databricks.com", ["mlflow", "", "m", "1", ""], &[("repository_url", "https://x.databricks.com")]),
            ("pkg:mlflow/M@1", ["mlflow", "", "M", "1", ""], &[]),
            ("pkg:conan/ns/n@1?channel=c", ["conan", "ns", "n", "1", ""], &[("channel", "c")]),
            ("pkg:huggingface/Ns/N@ABC", ["huggingface", "Ns", "N", "abc", ""], &[]),
            ("pkg:cargo/ns/n", ["cargo", "ns", "n", "", ""], &[]),
            ("pkg:generic/n#/a/b/", ["generic", "", "n", "", "a/b"], &[]),
        ];
        for (text, [kind, namespace, name, version, subpath], pairs) in table {
            let want = Purl {
                kind: (*kind).to_owned(),
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                qualifiers: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
                subpath: (*subpath).to_owned(),
            };
            assert_eq!(read(text), Some(want), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_package_url_is_undefined() {
        for text in [
            "",
            "pkg:",
            "not a purl",
            "npm/a",
            "npm:a/b",
            "pkg:npm",
            "pkg:npm/",
            "pkg:npm/a/",
            "pkg:npm/@1",
            "pkg:/",
            "pkg:1x/a",
            "pkg:n_m/a",
            "pkg:npm/%zz",
            "pkg:npm/a%4",
            "pkg:npm/a?1k=v",
            "pkg:npm/a?k=v;w",
            "pkg:npm/a?k=1&K=2",
            "pkg:npm/a?k=%",
            "pkg:npm/a#x/../y",
            "pkg:npm/a\u{7f}",
            "pkg:npm/a\n",
            "pkg:conan/ns/n@1",
            "pkg:conan/n@1?channel=c",
            "pkg:swift/a@1",
            "pkg:swift/ns/a",
            "pkg:cran/a",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn policies_see_all_parts() {
        let value = read("pkg:rpm/redhat/bash@5.2?epoch=1&arch=x86_64").unwrap().into_value();
        let want = r#"{"type": "rpm", "namespace": "redhat", "name": "bash", "version": "5.2", "subpath": "",
            "qualifiers": [{"key": "arch", "value": "x86_64"}, {"key": "epoch", "value": "1"}]}"#;
        assert_eq!(value, Value::from_json_str(want).unwrap());
    }

    #[test]
    fn what_is_not_a_text_is_not_valid() {
        assert_eq!(is_valid(&NoHost, &[Value::from(1)]), Ok(Some(Value::Bool(false))));
        assert_eq!(is_valid(&NoHost, &[Value::from("pkg:npm/a")]), Ok(Some(Value::Bool(true))));
    }
}
