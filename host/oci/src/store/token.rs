//! [`Challenge`]: what a registry wants of those who come without credentials (distribution-spec, "token"
//! authentication; RFC 7617).

/// What a registry wants to see.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A token from elsewhere.
    Bearer(Bearer),
    /// A name and a password.
    Basic,
}

/// A `WWW-Authenticate: Bearer realm="…",service="…"` header. The scope is not taken from it: what is requested is
/// known here, and a registry has no say in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    /// The address that gives tokens.
    pub(super) realm: String,
    /// The name of the registry there.
    pub(super) service: Option<String>,
}

/// The response of the token service. Both names are in use.
#[derive(serde::Deserialize)]
pub(super) struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Token {
    /// The token itself.
    pub(super) fn text(self) -> Option<String> {
        self.token.or(self.access_token)
    }
}

impl Challenge {
    /// Reads a header. None for other schemes.
    pub(super) fn read(header: &str) -> Option<Self> {
        let scheme = header.trim_start().split([' ', ',']).next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        Bearer::read(header).map(Self::Bearer)
    }
}

impl Bearer {
    /// Reads the header (RFC 9110, 11.6.1). None for other schemes, or without a realm.
    fn read(header: &str) -> Option<Self> {
        let (scheme, mut rest) = header.trim_start().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service) = (None, None);
        while let Some((name, after)) = rest.split_once('=') {
            let value;
            (value, rest) = parameter(after)?;
            match name.trim_matches([' ', ',', '\t']).to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value),
                "service" => service = Some(value),
                _ => {}
            }
        }
        Some(Self { realm: realm?, service })
    }
}

/// A parameter's value, quoted or not, and what follows it.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(',').unwrap_or((text, ""));
        return Some((value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    loop {
        let mut characters = rest.chars();
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
        rest = characters.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<(String, Option<String>)> {
        Bearer::read(header).map(|challenge| (challenge.realm, challenge.service))
    }

    #[test]
    fn bearer_challenges_are_read_and_others_are_not() {
        let both = (String::from("https://a.test/token"), Some(String::from("a, \"b\"")));
        for header in [
            r#"Bearer realm="https://a.test/token",service="a, \"b\"",scope="repository:x:pull""#,
            r#"bearer  scope="x" , Service="a, \"b\"", REALM="https://a.test/token""#,
        ] {
            assert_eq!(read(header).as_ref(), Some(&both), "{header}");
        }
        assert_eq!(
            read("Bearer realm=https://a.test/t,service=s"),
            Some(("https://a.test/t".into(), Some("s".into())))
        );
        assert_eq!(read(r#"Bearer realm="https://a.test/t""#), Some(("https://a.test/t".into(), None)));
        for header in ["", "Bearer", r#"Basic realm="a""#, r#"Bearer service="s""#, r#"Bearer realm="unclosed"#] {
            assert_eq!(read(header), None, "{header}");
        }
        assert_eq!(Challenge::read("basic realm=x"), Some(Challenge::Basic));
        assert_eq!(Challenge::read("Negotiate"), None);
    }
}
