//! The texts of `ec` where an image cannot be reached, which there is a violation, where a policy does not compile, and about
//! packages that are skipped.

use std::{net::SocketAddr, path::Path, sync::Arc};

use assay_conforma::SourceGroupEvaluator;
use assay_gocompat::sanitize;
use assay_model::{
    decide,
    error::{ErrorCode, EvaluationError},
    image::ImageRef,
    snapshot::Component,
};
use assay_rego::CompileError;
use assay_runner::UnreachablePolicy;

use crate::{
    error::{RequestError, RequestErrorKind},
    image_request::ValidateImageRequest,
    mode::Mode,
};

/// The version of OPA in the release of `ec` that assay stands for.
const OPA: &str = "1.15.2";

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

/// Why a policy does not compile, in the words of `ec`; nothing where the policy compiles there. The files are named as in
/// their source, if it is the only one: `ec` names copies of them in a folder that is gone by then.
pub(crate) fn compile_error(error: &CompileError, sources: &[&Path]) -> Option<String> {
    let mut problems = error.in_opa_words()?;
    if let [source] = sources
        && let Some(folder) = source.to_str()
    {
        problems = problems.replace(&format!("{}/", folder.trim_end_matches('/')), "");
    }
    let doing = if problems.contains(" during loading: ") { "load" } else { "get compiler" };
    Some(format!("load: loading policies: {doing}: {problems}"))
}

/// A policy that does not compile as the error of a request. Called `ec`, it is an error of each of what is validated.
pub(crate) fn refused_policy(
    error: CompileError,
    mode: Mode,
    sources: &[&Path],
    validated: impl Iterator<Item = String>,
) -> RequestError {
    let Some(text) = policy_error(&error, sources).filter(|_| mode.is_ec()) else { return error.into() };
    let lines: Vec<_> = validated.map(|what| format!("error validating {}: {text}", sanitize::line(&what))).collect();
    RequestError::of(RequestErrorKind::Policy, lines.join("\n"))
}

/// What `ec` says of a policy that does not compile where it validates: it explains what the reason may be, whatever it is.
fn policy_error(error: &CompileError, sources: &[&Path]) -> Option<String> {
    const KINDS: [&str; 3] = ["rego_type_error", "rego_parse_error", "rego_compile_error"];
    let problems = compile_error(error, sources)?;
    if !KINDS.iter().any(|kind| problems.contains(kind)) {
        return Some(problems);
    }
    Some(format!(
        "policy compilation error: the policy references Rego built-in functions not available in this version of Conforma CLI \
         (v{OPA}).\n\n\
         Upgrade Conforma CLI to a newer version that includes the required functions.\n\n\
         If upgrading does not help, check for less common causes:\n  \
         - Conforma CLI disables certain built-in functions for security (opa.runtime, http.send, net.lookup_ip_addr). \
         Policies using these will not compile regardless of the CLI version\n  \
         - The policy may use Rego syntax requiring a newer OPA version.\n    \
         Adjust the policy to target OPA v{OPA} or earlier\n\n\
         Details:\n  {problems}"
    ))
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
    use assay_rego::{Location, Problem};

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

    #[test]
    fn a_policy_that_does_not_compile_is_an_error_of_each_of_what_is_validated_in_the_words_of_ec() {
        let problem = |message, code| Problem {
            code: Some(code),
            ..Problem::at(Location { file: "/tmp/p/a.rego".to_owned(), line: 2, column: 1 }, message)
        };
        let refused = |mode, problems, sources: &[&str]| {
            let sources: Vec<_> = sources.iter().map(Path::new).collect();
            let validated = ["file a.json: evaluating policy", "file b.json: evaluating policy"].map(str::to_owned);
            refused_policy(CompileError::Problems(problems), mode, &sources, validated.into_iter()).message()
        };
        let wrong = || vec![problem("undefined function nope", "rego_type_error")];
        let said = refused(Mode::EcCompat, wrong(), &["/tmp/p"]);
        for file in ["a.json", "b.json"] {
            let begins =
                format!("error validating file {file}: evaluating policy: policy compilation error: the policy ");
            assert!(said.contains(&begins), "{said}");
        }
        let details = "Details:\n  load: loading policies: get compiler: 1 error occurred: a.rego:2: rego_type_error: \
                       undefined function nope";
        assert!(said.ends_with(details) && said.contains("target OPA v1.15.2 or earlier\n\n"), "{said}");
        assert!(refused(Mode::EcCompat, wrong(), &["/tmp/p", "/tmp/q"]).contains(" /tmp/p/a.rego:2: "));
        assert!(
            refused(Mode::Native, wrong(), &["/tmp/p"]).starts_with("the policy does not compile: /tmp/p/a.rego:2:1: ")
        );
        let unsafe_x = vec![problem("var x is unsafe", "rego_unsafe_var_error")];
        let said = refused(Mode::EcCompat, unsafe_x, &["/tmp/p"]);
        let words =
            "file a.json: evaluating policy: load: loading policies: get compiler: 1 error occurred: a.rego:2: ";
        assert!(said.contains(words) && !said.contains("Conforma"), "{said}");
        let parse = vec![problem("unexpected `x`", "rego_parse_error")];
        let said = refused(Mode::EcCompat, parse, &["/tmp/p"]);
        assert!(said.contains("load: loading policies: load: 1 error occurred during loading: a.rego:2: "), "{said}");
    }
}
