//! The texts of `ec` where an image cannot be reached, which there is a violation, and about packages that are skipped.

use std::{net::SocketAddr, sync::Arc};

use assay_conforma::SourceGroupEvaluator;
use assay_model::{
    decide,
    error::{ErrorCode, EvaluationError},
    image::ImageRef,
    snapshot::Component,
};
use assay_runner::UnreachablePolicy;

use crate::image_request::ValidateImageRequest;

/// The warning about packages whose rules are not evaluated, as in `ec`.
pub(crate) fn skipped_packages(groups: &[SourceGroupEvaluator]) -> Option<String> {
    let packages: Vec<_> = groups.iter().flat_map(SourceGroupEvaluator::skipped_packages).collect();
    let reported = || {
        format!(
            "as in ec, rules of nested packages are not evaluated along with those of their parents: `{}`",
            packages.join("`, `")
        )
    };
    (!packages.is_empty()).then(reported)
}

/// Turns an image that the registry does not have or does not serve into a violation. Other failures remain
/// errors.
pub(crate) fn inaccessible(request: &ValidateImageRequest) -> UnreachablePolicy {
    let (insecure, remote) = (request.sources.registries.insecure.clone(), request.evidence.is_none());
    let proxy = request.sources.registries.proxies.https.clone();
    Arc::new(move |component: &Component, error: &EvaluationError| match error.code {
        ErrorCode::ImageNotFound
        | ErrorCode::RegistryUnreachable
        | ErrorCode::RegistryTimeout
        | ErrorCode::RegistryError
        | ErrorCode::RegistryDenied => {
            let image = &component.container_image;
            let reported = match error.code {
                ErrorCode::ImageNotFound if remote => not_found(image, &insecure),
                ErrorCode::RegistryUnreachable if error.message.contains("refused") => {
                    refused(image).or_else(|| refused_by_proxy(image, proxy.as_deref()?))
                }
                _ => None,
            };
            Some(decide::unreachable_image(&reported.unwrap_or_else(|| error.message.clone())))
        }
        _ => None,
    })
}

/// The words of `ec`'s registry client about an image that is not there.
fn not_found(image: &str, insecure: &[String]) -> Option<String> {
    let image: ImageRef = image.parse().ok()?;
    let registry = image.repository().registry();
    let host = registry.split(':').next().unwrap_or_default();
    let plain = host == "localhost"
        || host.ends_with(".localhost")
        || host.ends_with(".local")
        || registry.starts_with("127.")
        || registry.starts_with("[::1]")
        || insecure.iter().any(|known| known == registry);
    let scheme = if plain { "http" } else { "https" };
    let version = image.digest().map_or_else(|| image.tag_or_latest().to_owned(), ToString::to_string);
    let path = image.repository().path();
    Some(format!(
        "HEAD {scheme}://{registry}/v2/{path}/manifests/{version}: unexpected status code 404 Not Found (HEAD responses have \
         no body, use GET for details)"
    ))
}

/// Its words about a registry on this machine that does not listen; of others it names an address that we do not know.
fn refused(image: &str) -> Option<String> {
    let image: ImageRef = image.parse().ok()?;
    let registry = image.repository().registry();
    let address: SocketAddr = registry.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback())?;
    let requested =
        |scheme| format!("Get \"{scheme}://{registry}/v2/\": dial tcp {address}: connect: connection refused");
    Some(format!("{}; {}", requested("https"), requested("http")))
}

/// Its words where the proxy for HTTPS does not listen, if the proxy is named by its address.
fn refused_by_proxy(image: &str, proxy: &str) -> Option<String> {
    let image: ImageRef = image.parse().ok()?;
    let place = proxy.strip_prefix("http://").unwrap_or(proxy).trim_end_matches('/');
    let address: SocketAddr = place.parse().ok()?;
    let registry = image.repository().registry();
    Some(format!("Get \"https://{registry}/v2/\": proxyconnect tcp: dial tcp {address}: connect: connection refused"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_image_is_reported_as_a_registry_client_does() {
        let digest = assay_model::digest::Digest::of(b"");
        for (image, requested) in [
            ("127.0.0.1:5000/app/a:1".to_owned(), "http://127.0.0.1:5000/v2/app/a/manifests/1".to_owned()),
            (format!("quay.io/a:1@{digest}"), format!("https://quay.io/v2/a/manifests/{digest}")),
            ("busybox".to_owned(), "https://index.docker.io/v2/library/busybox/manifests/latest".to_owned()),
            ("plain.example/a".to_owned(), "http://plain.example/v2/a/manifests/latest".to_owned()),
        ] {
            let found_message = not_found(&image, &["plain.example".to_owned()]).unwrap();
            assert!(
                found_message.starts_with(&format!("HEAD {requested}: unexpected status code 404 Not Found (HEAD")),
                "{found_message}"
            );
        }
        assert_eq!(not_found("Not An Image", &[]), None);
        let get =
            |scheme| format!("Get \"{scheme}://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused");
        assert_eq!(refused("127.0.0.1:9/a:b"), Some(format!("{}; {}", get("https"), get("http"))));
        assert_eq!(refused("quay.io/a:b"), None);
        let proxied = |proxy| refused_by_proxy("busybox", proxy);
        let found_message =
            "Get \"https://index.docker.io/v2/\": proxyconnect tcp: dial tcp 127.0.0.1:9: connect: connection refused";
        for proxy in ["http://127.0.0.1:9", "http://127.0.0.1:9/", "127.0.0.1:9"] {
            assert_eq!(proxied(proxy).as_deref(), Some(found_message), "{proxy}");
        }
        assert_eq!(proxied("http://proxy.example:3128"), None);
    }
}
