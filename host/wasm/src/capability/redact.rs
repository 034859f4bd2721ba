//! [`Redactor`]: removes secrets from what a server sends back.
//!
//! A server that got a secret may repeat it: as it is, or encoded in a URL, in JSON or in base64, anywhere in a longer text.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// Shorter values are found everywhere and are no secrets.
const SHORTEST: usize = 4;

/// What stands in the place of a secret.
const REDACTED: &[u8] = b"***";

/// Finds secrets in every encoding that a response may have.
#[derive(Default)]
pub(crate) struct Redactor {
    /// The longest first, so that no rest of one stays.
    needles: Vec<Vec<u8>>,
}

impl Redactor {
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut needles: Vec<_> = secrets.flat_map(forms).filter(|form| form.len() >= SHORTEST).collect();
        needles.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        needles.dedup();
        Self { needles }
    }

    /// The bytes without secrets.
    pub(crate) fn redact(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.needles.iter().fold(bytes, |bytes, needle| replace(bytes, needle, REDACTED))
    }

    /// The text without secrets.
    pub(crate) fn redact_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact(text.as_bytes().to_vec())).into_owned()
    }
}

/// Replaces every occurrence.
pub(crate) fn replace(bytes: Vec<u8>, needle: &[u8], with: &[u8]) -> Vec<u8> {
    if needle.is_empty() || !bytes.windows(needle.len()).any(|window| window == needle) {
        return bytes;
    }
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(needle) {
            replaced.extend_from_slice(with);
            rest = behind;
        } else {
            replaced.push(*first);
            rest = after;
        }
    }
    replaced
}

/// A secret in each encoding. Of `user:password`, the password alone is a secret, too.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let password = secret.iter().position(|byte| *byte == b':').and_then(|at| secret.get(at + 1..));
    let mut all = Vec::new();
    for secret in [Some(secret), password].into_iter().flatten().filter(|secret| secret.len() >= SHORTEST) {
        all.push(secret.to_vec());
        for upper in [true, false] {
            all.push(percent(secret, upper));
            all.push(replace(percent(secret, upper), b"%20", b"+"));
        }
        let json = serde_json::to_string(&String::from_utf8_lossy(secret)).unwrap_or_default();
        let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default();
        all.push(json.as_bytes().to_vec());
        all.push(json.replace('/', "\\/").into_bytes());
        for offset in 0..3 {
            let inner = base64_inside(secret, offset);
            all.push(inner.replace('+', "-").replace('/', "_").into_bytes());
            all.push(inner.into_bytes());
        }
        all.push(secret.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    }
    all
}

/// Every byte that is not unreserved as `%XX` (RFC 3986, section 2.3).
pub(crate) fn percent(bytes: &[u8], upper: bool) -> Vec<u8> {
    let encode = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => vec![*byte],
        other if upper => format!("%{other:02X}").into_bytes(),
        other => format!("%{other:02x}").into_bytes(),
    };
    bytes.iter().flat_map(encode).collect()
}

/// The characters of base64 that depend on the secret alone when it begins at this offset, modulo three, of a longer text.
fn base64_inside(secret: &[u8], offset: usize) -> String {
    let padded = [&[0_u8, 0, 0][..offset], secret].concat();
    let encoded = STANDARD_NO_PAD.encode(&padded);
    // Six bits a character: those that hold a bit of what is before or behind the secret are not known.
    let first = (offset * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded.get(first..last).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    const SECRET: &str = "robot:p&s \"w/rd+\u{e9}!";

    #[test]
    fn a_secret_is_removed_in_every_encoding() {
        let redactor = Redactor::new([SECRET.as_bytes()].into_iter());
        let json = serde_json::to_string(SECRET).unwrap();
        let percent = |upper| String::from_utf8(percent(SECRET.as_bytes(), upper)).unwrap();
        let mut texts = vec![SECRET.to_owned(), json, percent(true), percent(false), percent(true).replace("%20", "+")];
        for before in ["", "x", "xy", "xyz", "Authorization: "] {
            texts.push(STANDARD.encode(format!("{before}{SECRET} and more")));
            texts.push(URL_SAFE.encode(format!("{before}{SECRET}")));
        }
        for text in texts {
            let shown = redactor.redact_text(&format!("before {text} after"));
            assert!(shown.contains("***"), "{text}");
            assert!(!shown.contains("w/rd") && !shown.contains("w%2Frd"), "{shown}");
            assert!(shown.starts_with("before ") && shown.ends_with(" after"), "{shown}");
        }
        assert_eq!(redactor.redact_text("the password is p&s \"w/rd+\u{e9}!"), "the password is ***");
    }

    #[test]
    fn what_is_no_secret_stays() {
        let redactor = Redactor::new([b"abc".as_slice(), b""].into_iter());
        assert_eq!(redactor.redact_text("abc"), "abc");
        assert_eq!(Redactor::default().redact_text("text"), "text");
    }
}
