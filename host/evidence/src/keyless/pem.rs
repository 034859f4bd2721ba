//! [`certificates`]: the certificates in PEM text (RFC 7468), and [`encode`], as Go writes them.

use base64::{Engine as _, engine::general_purpose::STANDARD};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// The width of a line of base64 in PEM.
const LINE: usize = 64;
/// Certificates in one text: a chain has three, and each costs the verifier time.
pub(super) const CERTIFICATES: usize = 32;

/// The DER of every certificate, in order. Nothing but certificates and white space may be there.
pub(super) fn certificates(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if found.len() == CERTIFICATES {
            return Err(format!("there are more than {CERTIFICATES} certificates"));
        }
        let body = rest.strip_prefix(BEGIN).ok_or_else(|| format!("there is no `{BEGIN}` where one is expected"))?;
        let (body, after) = body.split_once(END).ok_or_else(|| format!("there is no `{END}`"))?;
        let body: String = body.split_ascii_whitespace().collect();
        found.push(STANDARD.decode(body).map_err(|_| "a certificate is not base64".to_owned())?);
        rest = after.trim_start();
    }
    Ok(found)
}

/// The only certificate in the text.
pub(super) fn certificate(text: &str) -> Result<Vec<u8>, String> {
    let mut found = certificates(text)?;
    match (found.pop(), found.is_empty()) {
        (Some(certificate), true) => Ok(certificate),
        (None, _) => Err("there is no certificate".to_owned()),
        (Some(_), false) => Err("there is more than one certificate".to_owned()),
    }
}

/// A certificate in PEM, with a newline at its end.
pub(super) fn encode(der: &[u8]) -> String {
    let mut pem = format!("{BEGIN}\n");
    for (at, character) in STANDARD.encode(der).chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push('\n');
    pem.push_str(END);
    pem.push('\n');
    pem
}
