//! Hosts and addresses: which ones stand for this machine or a private network, and [`PublicOnly`], which resolves a
//! host name to public addresses alone.
//!
//! A request whose host only an image names must not reach a service that the author of the image could not reach: the
//! response would be shown to anyone who reads the report. The name is checked before anything is sent, as a request
//! can do harm by itself.

use std::{
    collections::BTreeSet,
    error::Error,
    net::{IpAddr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Who named the host of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedBy {
    /// The user: in the Snapshot, the policy or a flag.
    User,
    /// Nothing but an image. It gets no credentials, and must not be in a private network.
    Image,
}

/// A registry's host, without its port.
pub(super) fn host(registry: &str) -> &str {
    match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => registry,
    }
}

fn ip(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// Whether a host is this machine by its name.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || ip(host).is_some_and(|address| address.is_loopback())
}

/// Whether a host is, by its name, this machine or in a network that the world does not see.
pub(super) fn is_private(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || ip(&host).is_some_and(is_private_ip)
}

/// Whether a host is, by its name, a link-local address, such as the one where clouds give a machine
/// its secrets.
pub(super) fn is_link_local(host: &str) -> bool {
    ip(host).is_some_and(|address| match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    })
}

/// Whether an address is of this machine or of a network that the world does not see.
pub(super) fn is_private_ip(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_broadcast()
                || address.is_multicast()
                // "This network" (RFC 791), and what carriers share among their customers (RFC 6598).
                || first == 0
                || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(address) => {
            let embedded = match address.segments() {
                // NAT64 (RFC 6052): the IPv4 address is in the last 32 bits.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some([high, low]),
                // 6to4 (RFC 3056): it follows the prefix.
                [0x2002, high, low, ..] => Some([high, low]),
                _ => None,
            };
            let embedded = embedded.map(|[high, low]| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                IpAddr::from([a, b, c, d])
            });
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_multicast()
                || embedded.is_some_and(is_private_ip)
        }
    }
}

/// A host name stands for private addresses alone.
#[derive(Debug, thiserror::Error)]
#[error("its name resolves to an address in a private network")]
pub(super) struct OnlyPrivate;

/// Whether a request failed because its host is in a private network.
pub(super) fn is_only_private(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<OnlyPrivate>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Resolves names to public addresses; private ones are dropped.
pub(super) struct PublicOnly {
    /// Names that may stand for any address: those of the proxies, which the user gave.
    pub(super) except: BTreeSet<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let any = self.except.contains(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.filter(|found| any || !is_private_ip(found.ip())).collect();
            if addresses.is_empty() {
                return Err(OnlyPrivate.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_private_networks_are_known_in_every_form() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "127.9.9.9",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:192.168.0.1]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a00:1::1]",
        ] {
            assert!(is_private(host), "{host}");
        }
        for host in ["quay.io", "localhost.example.org", "8.8.8.8", "100.128.0.1", "172.32.0.1", "[2606:4700::1111]"] {
            assert!(!is_private(host), "{host}");
        }
    }

    #[test]
    fn a_name_that_resolves_to_a_private_address_is_refused_unless_it_is_a_proxys() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let resolve = |except: &[&str]| {
            let resolver = PublicOnly { except: except.iter().map(|&name| name.to_owned()).collect() };
            runtime.block_on(resolver.resolve("localhost".parse().unwrap())).map(Iterator::count)
        };
        assert!(is_only_private(resolve(&[]).err().unwrap().as_ref()));
        assert!(resolve(&["localhost"]).unwrap() > 0);
    }
}
