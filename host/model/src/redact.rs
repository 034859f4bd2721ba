//! [`source`] and [`message`]: text without the secrets that stand in addresses.
//!
//! An address may hold a password in front of its host, or a token behind its `?`. Reports, errors and logs are read by
//! others than the author of the URL, so every string that may hold one goes through here. What is not a URL stays as
//! it is. Where a text can be read in two ways, it is read as the one with the secret.

/// What stands in place of a secret.
pub const REDACTED: &str = "REDACTED";

/// Parameters of a source whose values are not secrets: they say what is fetched.
const OPEN: [&str; 2] = ["ref", "depth"];

/// How often a text is decoded to look for a secret in it.
const DECODINGS: usize = 3;

/// A source, a reference of an image or another address without its secrets: without a user and password, and with
/// [`REDACTED`] for the values behind `?`, those of `ref` and `depth` aside.
///
/// ```
/// use assay_model::redact::source;
///
/// assert_eq!(source("git::https://user:secret@h.test/a//p?ref=main&token=x"),
///     "git::https://h.test/a//p?ref=main&token=REDACTED");
/// assert_eq!(source("git@h.test:a/b.git"), "git@h.test:a/b.git");
/// ```
#[must_use]
pub fn source(text: &str) -> String {
    let mut shown = plain(text);
    // `user%3Asecret%40host` is the same after decoding.
    let mut decoded = shown.clone();
    for _ in 0..DECODINGS {
        let again = decoded_once(&decoded);
        if again == decoded {
            break;
        }
        decoded = plain(&again);
        if decoded != again {
            shown.clone_from(&decoded);
        }
    }
    shown
}

/// A message without the secrets of the addresses in it.
///
/// ```
/// assert_eq!(
///     assay_model::redact::message("fatal: unable to access 'https://u:p@h.test/a.git/': not found"),
///     "fatal: unable to access 'https://h.test/a.git/': not found",
/// );
/// ```
#[must_use]
pub fn message(text: &str) -> String {
    let is_between = |character: char| character.is_whitespace() || "'\"`<>(){}".contains(character);
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_between) {
        let word = piece.trim_end_matches(is_between);
        if may_hold_secret(word) {
            shown.push_str(&source(word));
        } else {
            shown.push_str(word);
        }
        shown.push_str(piece.get(word.len()..).unwrap_or_default());
    }
    shown
}

/// Whether a word of a message is an address with more than a host and a path.
fn may_hold_secret(word: &str) -> bool {
    let mut word = word.to_owned();
    for _ in 0..DECODINGS {
        word = decoded_once(&word);
    }
    let has_scheme = ["://", "::"].iter().any(|mark| word.contains(mark));
    has_scheme && word.contains(['@', '?', '#'])
        || userinfo(&word).is_some_and(|(_, user, _)| user.contains(':'))
        || word.contains('/') && word.contains('?') && word.contains('=')
}

fn plain(text: &str) -> String {
    let (address, parameters) = match text.find(['?', '#']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    // A password may hold a `?` or a `#`, too.
    let whole = if parameters.contains('@') && is_user_before(address, parameters) { text } else { address };
    let Some((front, user, rest)) = userinfo(whole) else { return format!("{address}{}", hidden(parameters)) };
    let is_name = user == "git" || front.ends_with("ssh://") && !user.contains([':', '/']) && !holds_colon(user);
    let parameters = if whole.len() == text.len() { "" } else { parameters };
    let (rest, more) = match rest.find(['?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let user = if is_name { format!("{user}@") } else { String::new() };
    format!("{front}{user}{rest}{}{}", hidden(more), hidden(parameters))
}

/// Whether the `@` behind a `?` or `#` ends a password that began before it, and is not part of a parameter.
fn is_user_before(address: &str, parameters: &str) -> bool {
    let before = after_scheme(address).1;
    let is_password = before.contains(':') && !before.contains('/');
    is_password && parameters.rsplit_once('@').is_some_and(|(_, host)| !host.is_empty())
}

fn holds_colon(user: &str) -> bool {
    user.to_ascii_lowercase().contains("%3a")
}

/// The text up to an address's authority, and the rest.
fn after_scheme(text: &str) -> (&str, &str) {
    let at = match text.find("://") {
        Some(at) => at + 3,
        None => match text.rfind("::") {
            Some(at) if text.get(..at).is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric())) => {
                at + 2
            }
            _ => 0,
        },
    };
    text.split_at(at)
}

/// What stands in front of a user, the user with a password, and what follows. A password may hold slashes.
fn userinfo(text: &str) -> Option<(&str, &str, &str)> {
    let (front, rest) = after_scheme(text);
    let end = rest.rfind('@').filter(|at| !is_digest(rest.get(at + 1..).unwrap_or_default()));
    // `name@sha256:…` ends with a digest; a user may still stand before the name.
    let end = match (end, rest.split_once("@sha")) {
        (Some(end), _) => end,
        (None, Some((name, _))) => name.rfind('@')?,
        (None, None) => return None,
    };
    let (user, host) = (rest.get(..end)?, rest.get(end + 1..)?);
    let is_path = match user.split_once('/') {
        // `host/path@more` and `host:8443/path@more`: there is no password.
        Some((host, _)) => match host.split_once(':') {
            None => true,
            Some((name, port)) => {
                let is_host = name.contains('.') || name == "localhost" || name.starts_with('[');
                is_host && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
            }
        },
        None => false,
    };
    (!is_path && !user.is_empty()).then_some((front, user, host))
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.starts_with("sha") && !hex.contains('/') && !algorithm.contains(['/', '.'])
    })
}

/// Parameters, each with its separator, without what their values hold.
fn hidden(parameters: &str) -> String {
    let mut shown = String::new();
    for piece in split_before(parameters, &['?', '&', '#', ';']) {
        let (mark, parameter) = piece.split_at(piece.chars().next().map_or(0, char::len_utf8));
        shown.push_str(mark);
        match parameter.split_once('=') {
            Some((name, _)) if OPEN.contains(&name) => shown.push_str(parameter),
            Some((name, "")) => shown.push_str(&format!("{name}=")),
            Some((name, _)) => shown.push_str(&format!("{name}={REDACTED}")),
            None if parameter.is_empty() || OPEN.contains(&parameter) => shown.push_str(parameter),
            None => shown.push_str(REDACTED),
        }
    }
    shown
}

/// A string split into pieces that each begin with one of these characters.
fn split_before<'t>(text: &'t str, characters: &[char]) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let next = rest.get(first..).and_then(|after| after.find(characters)).map_or(rest.len(), |at| first + at);
        let (piece, more) = rest.split_at(next);
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// A part of an address as the bytes that it stands for.
#[must_use]
pub fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

fn decoded_once(text: &str) -> String {
    String::from_utf8(percent_decoded(text)).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_address_is_shown() {
        for text in [
            "https://user:SECRET@h.test/a.yaml",
            "https://SECRET@h.test/a.yaml",
            "git::https://user:SECRET@h.test/a.git//p?ref=main",
            "git::user:SECRET@h.test/a.git",
            "user:SECRET@h.test/a.git",
            "user:SECRET@github.com/a/b",
            "SECRET@github.com/a/b",
            "oci::user:SECRET@quay.io/a/b:c",
            "oci://user:SECRET@quay.io/a/b",
            "oci::user:SECRET@quay.io/a/b:c@sha256:0123",
            "https://user:SEC/SECRET@h.test/a.yaml",
            "https://user:SECRET/x@h.test/a.yaml",
            "https://user:1234/SECRET@h.test/a.yaml",
            "git::https://user:a/b/SECRET@h.test/a//p?ref=x",
            "user:a/SECRET@h.test/a.git",
            "https://user:SECRET@x@h.test/a.yaml",
            "https://user:SECRET?x@h.test/a.yaml",
            "https://user:SECRET#x@h.test/a.yaml",
            "https://user%3ASECRET@h.test/a.yaml",
            "https://user%3ASECRET%40h.test/a.yaml",
            "https%3A%2F%2Fuser%3ASECRET%40h.test/a.yaml",
            "https%253A%252F%252Fuser%253ASECRET%2540h.test/a.yaml",
            "user%3ASECRET%40h.test/a.git",
            "ssh://git:SECRET@h.test/a",
            "git::ssh://user%3ASECRET@h.test/a",
            "https://h.test/a.yaml?token=SECRET",
            "https://h.test/a.yaml?ref=x&token=SECRET",
            "https://h.test/a.yaml?SECRET",
            "https://h.test/a.yaml?a=b;token=SECRET",
            "https://h.test/a.yaml#token=SECRET",
            "https://h.test/a.yaml%3Ftoken%3DSECRET",
            "https://h.test/a.yaml?%74oken=SECRET",
            "git::https://h.test/a?sshkey=SECRET//p",
            "git::https://h.test/a?ref=main&access_token=SECRET//p",
            "http://user:SECRET@h.test/a",
            "::https://user:SECRET@h.test/a",
            "s3::https://user:SECRET@h.test/a",
        ] {
            let shown = source(text);
            assert!(!shown.contains("SECRET"), "{text} is shown as {shown}");
            let found_message = message(&format!("fatal: unable to access '{text}/': failed; see {text}"));
            let is_bare = !text.contains([':', '?', '%']);
            assert!(is_bare || !found_message.contains("SECRET"), "{text} is redacted to {found_message}");
        }
    }

    #[test]
    fn what_holds_no_secret_stays() {
        for text in [
            "https://h.test/a.yaml",
            "https://h.test:8443/a@1/b.yaml",
            "https://h.test/a@1/b.yaml",
            "git::https://h.test/a/b.git//p/q?ref=main",
            "git::https://h.test/a?ref=x//q",
            "git::https://h.test/a?depth=1&ref=x",
            "git@h.test:a/b.git//p",
            "git::ssh://git@h.test/a/b",
            "git::ssh://alice@h.test/a/b",
            "git::git@h.test:a/b",
            "github.com/a/b//p?ref=v1.0%2B1",
            "oci::quay.io/a/b:c@sha256:0123456789abcdef",
            "quay.io/a/b@sha256:0123",
            "127.0.0.1:5000/a/b:c",
            "./folder",
            "/a b/c%20d",
            "file::/p",
            "",
            "@",
            "?",
            "h\u{e9}@\u{e9}/\u{e9}?",
        ] {
            let want = if text == "h\u{e9}@\u{e9}/\u{e9}?" { "\u{e9}/\u{e9}?" } else { text };
            assert_eq!(source(text), want);
        }
        for text in [
            "a@b.test wrote: why? see https://h.test/x (or git@h.test:a/b.git)",
            "a source is `git::https://HOST/PATH//FOLDER?ref=REF`, `oci::REGISTRY/REPOSITORY:TAG`",
            "quay.io/a/b:c@sha256:0123: not found",
            "what: is=this?",
        ] {
            assert_eq!(message(text), text);
        }
    }

    #[test]
    fn any_text_is_shown() {
        for text in [
            "%",
            "%4",
            "%zz",
            "%ff@x",
            "://",
            "::",
            "://@",
            "a:@b",
            "@sha256:",
            "a@sha",
            "?=&#;",
            "\u{e9}?\u{e9}=\u{e9}",
        ] {
            let _shown = (source(text), message(text));
        }
    }
}
