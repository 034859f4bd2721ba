//! [`fits`]: the formats of JSON Schema.

use assay_gocompat::time as go_time;

use super::regex_syntax;

/// Whether a string has a format of JSON Schema. A format that is not known fits.
pub(super) fn fits(format: &str, text: &str) -> bool {
    let plain = |pattern: &str| regex_syntax::compile(pattern).is_ok_and(|regex| regex.is_match(text));
    match format {
        "date" => go_time::parse("2006-01-02", text).is_ok(),
        "time" => ["15:04:05", "15:04:05Z07:00"].iter().any(|shape| go_time::parse(shape, text).is_ok()),
        "date-time" => ["2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "15:04:05", "15:04:05Z07:00", "2006-01-02"]
            .iter()
            .any(|shape| go_time::parse(shape, text).is_ok()),
        "email" => plain(r"^[^@\s]+@[^@\s]+$"),
        "hostname" => {
            plain(
                r"^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])(\.([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9]))*$",
            ) && text.len() < 256
        }
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "uri" | "iri" => plain(r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s\\]*$"),
        "uri-reference" | "iri-reference" => plain(r"^[^\s\\]*$"),
        "uuid" => plain(r"(?i)^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$"),
        "regex" => text.is_empty() || regex_syntax::compile(text).is_ok(),
        "json-pointer" => plain(r"^(/([^~/]|~[01])*)*$"),
        _ => true,
    }
}
