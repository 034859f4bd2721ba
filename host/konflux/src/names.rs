//! The forms of names that Kubernetes has.

/// Characters of a label.
pub const LABEL: usize = 63;

/// Whether a name is a DNS label that begins with a character of the alphabet (RFC 1035).
#[must_use]
pub fn is_dns_1035(name: &str) -> bool {
    is_dns_1123(name) && name.starts_with(|first: char| first.is_ascii_lowercase())
}

/// Whether a name is a DNS label (RFC 1123).
#[must_use]
pub fn is_dns_1123(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= LABEL && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

/// Whether a name is one of DNS labels with dots between them, as most Kubernetes objects have.
#[must_use]
pub fn is_subdomain(name: &str) -> bool {
    const LENGTH: usize = 253;
    name.len() <= LENGTH
        && name.split('.').all(|label| {
            let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
        })
}

/// What a name is turned into to be one.
#[must_use]
pub fn as_label(name: &str) -> String {
    let plain = |character: char| match character.to_ascii_lowercase() {
        kept @ ('a'..='z' | '0'..='9') => kept,
        _ => '-',
    };
    let name: String = name.chars().map(plain).take(LABEL).collect();
    name.trim_matches('-').trim_start_matches(|first: char| first.is_ascii_digit() || first == '-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes() {
        for (name, label, begins_with_alphabet, subdomain) in [
            ("a", true, true, true),
            ("a-1", true, true, true),
            ("1a", true, false, true),
            ("a.b", false, false, true),
            ("A", false, false, false),
            ("-a", false, false, false),
            ("a-", false, false, false),
            ("", false, false, false),
            ("a\u{7}", false, false, false),
            (&"a".repeat(63), true, true, true),
            (&"a".repeat(64), false, false, true),
        ] {
            assert_eq!(
                (is_dns_1123(name), is_dns_1035(name), is_subdomain(name)),
                (label, begins_with_alphabet, subdomain),
                "{name:?}"
            );
        }
        assert_eq!(as_label("My App_1"), "my-app-1");
        assert_eq!(as_label("1-x\u{1b}"), "x");
    }
}
