//! [`verified`]: whether a certificate chains to a root. The rules are those of Go's verifier:
//! signatures, times, who may sign, how deep, for which names and purposes.

use aws_lc_rs::signature::{self as lib, UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::Certificate;
use x509_cert::der::Encode;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, NameConstraints, SubjectAltName};

use super::certificate_document::{PURPOSES, address, extension, pss_hash, unhandled};

/// Certificates on one path: a chain could otherwise be tried in every order.
const DEPTH: usize = 10;

/// Signatures checked for one call: certificates of one name could be tried in every order.
const SIGNATURES: usize = 100;

/// The requirements on the first certificate.
pub(super) struct Wanted {
    /// The time, in nanoseconds since 1970.
    pub now_ns: i128,
    /// A name or address it must be for; any when empty.
    pub name: String,
    /// Purposes of which it must allow one, by their places in [`PURPOSES`].
    pub purposes: Vec<usize>,
}

/// The chain from the last certificate through the middle ones to the first, which is trusted; none when there is none.
pub(super) fn verified<'c>(all: &'c [Certificate], wanted: &Wanted) -> Option<Vec<&'c Certificate>> {
    let (root, rest) = all.split_first()?;
    let (leaf, middle) = rest.split_last()?;
    if !is_good(leaf, wanted) || !(wanted.name.is_empty() || is_for(leaf, &wanted.name)) {
        return None;
    }
    let mut left = SIGNATURES;
    let chain = path(&[leaf], middle, root, wanted, &mut left)?;
    let fits = wanted.purposes.contains(&0) || wanted.purposes.iter().any(|purpose| allowed(&chain, *purpose));
    fits.then_some(chain)
}

fn path<'c>(
    chain: &[&'c Certificate],
    middle: &'c [Certificate],
    root: &'c Certificate,
    wanted: &Wanted,
    left: &mut usize,
) -> Option<Vec<&'c Certificate>> {
    let child = *chain.last()?;
    let issued = |issuer: &&Certificate| child.tbs_certificate.issuer == issuer.tbs_certificate.subject;
    for issuer in std::iter::once(root).chain(middle).filter(issued) {
        if *left == 0 || chain.len() >= DEPTH || chain.contains(&issuer) {
            continue;
        }
        *left -= 1;
        if !is_signed(child, issuer) || !may_issue(issuer, chain, wanted) {
            continue;
        }
        let mut longer = chain.to_vec();
        longer.push(issuer);
        if issuer == root {
            return Some(longer);
        }
        if let Some(found) = path(&longer, middle, root, wanted, left) {
            return Some(found);
        }
    }
    None
}

/// Valid at the time, and without unknown critical extensions.
fn is_good(certificate: &Certificate, wanted: &Wanted) -> bool {
    let validity = &certificate.tbs_certificate.validity;
    let nanoseconds =
        |time: x509_cert::time::Time| i128::try_from(time.to_unix_duration().as_nanos()).unwrap_or(i128::MAX);
    unhandled(certificate).next().is_none()
        && nanoseconds(validity.not_before) <= wanted.now_ns
        && wanted.now_ns <= nanoseconds(validity.not_after)
}

fn may_issue(issuer: &Certificate, chain: &[&Certificate], wanted: &Wanted) -> bool {
    let Ok(basic) = extension::<BasicConstraints>(issuer) else { return false };
    let Ok(usage) = extension::<KeyUsage>(issuer) else { return false };
    let is_ca = basic.as_ref().is_some_and(|(_, basic)| basic.ca);
    let signs = usage.is_none_or(|(_, usage)| usage.key_cert_sign());
    // Those between the issuer and the leaf.
    let between = chain.len().saturating_sub(1);
    let deep = basic.and_then(|(_, basic)| basic.path_len_constraint).is_some_and(|most| between > usize::from(most));
    is_good(issuer, wanted) && is_ca && signs && !deep && chain.iter().all(|below| names_fit(issuer, below))
}

/// Whether every name of a certificate is within the name constraints of its issuer.
fn names_fit(issuer: &Certificate, below: &Certificate) -> bool {
    let (Ok(constraints), Ok(names)) = (extension::<NameConstraints>(issuer), extension::<SubjectAltName>(below))
    else {
        return false;
    };
    let (Some((_, constraints)), Some((_, names))) = (constraints, names) else { return true };
    let excluded = constraints.excluded_subtrees.unwrap_or_default();
    let permitted = constraints.permitted_subtrees.unwrap_or_default();
    names.0.iter().all(|name| {
        let mut kinds = permitted.iter().filter_map(|tree| within(name, &tree.base)).peekable();
        let inside = kinds.peek().is_none() || kinds.any(|inside| inside);
        inside && !excluded.iter().any(|tree| within(name, &tree.base) == Some(true))
    })
}

/// Whether a name is within a subtree; none when the subtree is about another kind of names.
fn within(name: &GeneralName, tree: &GeneralName) -> Option<bool> {
    match (name, tree) {
        (GeneralName::DnsName(name), GeneralName::DnsName(tree)) => Some(is_below(name.as_str(), tree.as_str())),
        (GeneralName::Rfc822Name(name), GeneralName::Rfc822Name(tree)) => {
            let (name, tree) = (name.as_str(), tree.as_str());
            let host = name.rsplit_once('@').map_or("", |(_, host)| host);
            Some(if tree.contains('@') {
                name.eq_ignore_ascii_case(tree)
            } else if tree.starts_with('.') {
                is_below(host, tree)
            } else {
                host.eq_ignore_ascii_case(tree)
            })
        }
        (GeneralName::UniformResourceIdentifier(name), GeneralName::UniformResourceIdentifier(tree)) => {
            let rest = name.as_str().split_once("://").map_or("", |(_, rest)| rest);
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
            let tree = tree.as_str();
            Some(if tree.starts_with('.') { is_below(host, tree) } else { host.eq_ignore_ascii_case(tree) })
        }
        (GeneralName::IpAddress(name), GeneralName::IpAddress(tree)) => {
            let (name, (ip, mask)) = (name.as_bytes(), tree.as_bytes().split_at(tree.as_bytes().len() / 2));
            let same = name.iter().zip(ip).zip(mask).all(|((name, ip), mask)| name & mask == ip & mask);
            Some(name.len() == ip.len() && same)
        }
        _ => None,
    }
}

/// `a.b.example` is below `b.example`, and only it and others below are below `.b.example`.
fn is_below(name: &str, tree: &str) -> bool {
    let (name, tree) = (name.to_ascii_lowercase(), tree.to_ascii_lowercase());
    match tree.strip_prefix('.') {
        _ if tree.is_empty() => true,
        Some(_) => name.ends_with(&tree),
        None => name == tree || name.ends_with(&format!(".{tree}")),
    }
}

/// Whether every certificate of the chain that names purposes allows this one.
fn allowed(chain: &[&Certificate], purpose: usize) -> bool {
    let oid = PURPOSES.get(purpose).map_or("", |(_, oid)| oid);
    let any = PURPOSES.first().map_or("", |(_, oid)| oid);
    chain.iter().all(|certificate| match extension::<ExtendedKeyUsage>(certificate) {
        Ok(Some((_, usage))) => usage.0.iter().any(|one| [oid, any].contains(&one.to_string().as_str())),
        Ok(None) => true,
        Err(_) => false,
    })
}

/// Whether the certificate is for a host name or an address.
fn is_for(certificate: &Certificate, wanted: &str) -> bool {
    let Ok(Some((_, names))) = extension::<SubjectAltName>(certificate) else { return false };
    let bare = wanted.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(wanted);
    let ip: Option<std::net::IpAddr> = bare.parse().ok();
    names.0.iter().any(|name| match (name, ip) {
        (GeneralName::IpAddress(bytes), Some(ip)) => address(bytes.as_bytes()) == Some(ip),
        (GeneralName::DnsName(pattern), None) => {
            let wanted = wanted.strip_suffix('.').unwrap_or(wanted);
            match (pattern.as_str().strip_prefix("*."), wanted.split_once('.')) {
                (Some(rest), Some((first, behind))) => !first.is_empty() && rest.eq_ignore_ascii_case(behind),
                _ => pattern.as_str().eq_ignore_ascii_case(wanted),
            }
        }
        _ => false,
    })
}

/// Whether the issuer's key made the certificate's signature.
fn is_signed(child: &Certificate, issuer: &Certificate) -> bool {
    let info = &issuer.tbs_certificate.subject_public_key_info;
    let (Ok(body), Ok(key)) = (child.tbs_certificate.to_der(), info.to_der()) else { return false };
    let parameters = child.signature_algorithm.parameters.as_ref().and_then(|all| all.to_der().ok());
    let curve = info.algorithm.parameters.as_ref().and_then(|all| all.to_der().ok()).unwrap_or_default();
    let algorithm = algorithm(&child.signature_algorithm.oid.to_string(), &parameters.unwrap_or_default(), &curve);
    let signature = child.signature.raw_bytes();
    algorithm.is_some_and(|algorithm| UnparsedPublicKey::new(algorithm, key).verify(&body, signature).is_ok())
}

/// By the names of the signature's algorithm and of the key's curve. Signatures over SHA-1 and older are not accepted.
fn algorithm(oid: &str, parameters: &[u8], curve: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
    const P256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    const P384: [u8; 7] = [6, 5, 0x2b, 0x81, 4, 0, 0x22];
    const P521: [u8; 7] = [6, 5, 0x2b, 0x81, 4, 0, 0x23];
    let bits = if curve == P256 {
        256
    } else if curve == P384 {
        384
    } else if curve == P521 {
        521
    } else {
        0
    };
    Some(match (oid, bits) {
        ("1.2.840.113549.1.1.11", _) => &lib::RSA_PKCS1_2048_8192_SHA256,
        ("1.2.840.113549.1.1.12", _) => &lib::RSA_PKCS1_2048_8192_SHA384,
        ("1.2.840.113549.1.1.13", _) => &lib::RSA_PKCS1_2048_8192_SHA512,
        ("1.2.840.113549.1.1.10", _) => match pss_hash(parameters)? {
            1 => &lib::RSA_PSS_2048_8192_SHA256,
            2 => &lib::RSA_PSS_2048_8192_SHA384,
            3 => &lib::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        },
        ("1.2.840.10045.4.3.2", 256) => &lib::ECDSA_P256_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", 256) => &lib::ECDSA_P256_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", 256) => &lib::ECDSA_P256_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", 384) => &lib::ECDSA_P384_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", 384) => &lib::ECDSA_P384_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", 384) => &lib::ECDSA_P384_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", 521) => &lib::ECDSA_P521_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", 521) => &lib::ECDSA_P521_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", 521) => &lib::ECDSA_P521_SHA512_ASN1,
        ("1.3.101.112", _) => &lib::ED25519,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_below_a_domain() {
        for (name, tree, below) in [
            ("a.example.com", "example.com", true),
            ("EXAMPLE.com", "example.com", true),
            ("badexample.com", "example.com", false),
            ("a.example.com", ".example.com", true),
            ("example.com", ".example.com", false),
            ("x", "", true),
        ] {
            assert_eq!(is_below(name, tree), below, "{name} below {tree}");
        }
    }
}
