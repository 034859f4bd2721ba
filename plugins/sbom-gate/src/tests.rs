//! The check on documents of both formats, natively.

use assay_sdk::mock::{Host, context};
use serde_json::{Value, json};

use super::*;

const IMAGE: &str = "registry.example/a@sha256:0";

fn lines(host: Host, params: Value) -> Vec<String> {
    let findings = host.run(|| evaluate(&context(&params), IMAGE)).unwrap();
    findings.iter().map(|finding| format!("{}: {}", finding.code, finding.message)).collect()
}

fn cyclonedx(components: Value) -> Host {
    Host::new().attestation("https://cyclonedx.org/bom", &json!({"bomFormat": "CycloneDX", "components": components}))
}

#[test]
fn a_complete_sbom_without_forbidden_packages_has_no_findings() {
    let full = json!([{"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1"},
        {"type": "file", "name": "/etc/passwd"}]);
    assert_eq!(lines(cyclonedx(full), json!({"forbidden": ["pkg:npm/b"]})), [""; 0]);
}

#[test]
fn an_image_without_an_sbom_or_with_an_empty_one_fails() {
    assert_eq!(
        lines(Host::new(), json!({})),
        ["sbom-gate.sbom: The image has no verified SBOM attestation (CycloneDX or SPDX)"]
    );
    assert_eq!(
        lines(cyclonedx(json!([])), json!({})),
        ["sbom-gate.sbom: The SBOM lists 0 packages, fewer than the 1 required"]
    );
    let odd = Host::new().attestation("https://spdx.dev/Document", &json!({"spdxVersion": "SPDX-3.0"}));
    assert_eq!(
        lines(odd, json!({})),
        ["sbom-gate.sbom: The SBOM cannot be read: it is of the version `SPDX-3.0`, which is not SPDX 2"]
    );
}

#[test]
fn fields_that_are_missing_in_too_many_packages_are_named() {
    let components = json!([{"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1",
        "components": [{"type": "library", "name": "b"}]}]);
    assert_eq!(
        lines(cyclonedx(components.clone()), json!({"require": ["name", "purl"]})),
        ["sbom-gate.incomplete: 1 of 2 packages have the field `purl`, fewer than 100 %; it is missing in b"]
    );
    assert_eq!(lines(cyclonedx(components), json!({"require": ["purl"], "complete-percent": 50.0})), [""; 0]);
}

#[test]
fn packages_of_spdx_are_read_with_their_package_urls_and_unknown_is_missing() {
    let document = json!({"spdxVersion": "SPDX-2.3", "packages": [{
        "name": "log4j-core", "versionInfo": "2.14.1", "licenseConcluded": "NOASSERTION", "licenseDeclared": "Apache-2.0",
        "supplier": "NOASSERTION", "checksums": [{}],
        "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:maven/o.a.l/log4j-core@2.14.1"}]}]});
    let host = Host::new().attestation("https://spdx.dev/Document/v2.3", &document);
    assert_eq!(
        lines(
            host,
            json!({"forbidden": ["pkg:maven/*/log4j-core@<2.17.1"], "require": ["license", "supplier", "checksum"]})
        ),
        [
            "sbom-gate.incomplete: 0 of 1 packages have the field `supplier`, fewer than 100 %; it is missing in \
             pkg:maven/o.a.l/log4j-core@2.14.1",
            "sbom-gate.forbidden: Package pkg:maven/o.a.l/log4j-core@2.14.1 is forbidden by \
             `pkg:maven/*/log4j-core@<2.17.1`",
        ]
    );
}

#[test]
fn many_forbidden_packages_are_counted_in_the_last_finding() {
    let all: Vec<Value> = (0..FINDINGS + 10)
        .map(|number| json!({"type": "library", "name": "x", "purl": format!("pkg:npm/x{number}@1")}))
        .collect();
    let lines = lines(cyclonedx(json!(all)), json!({"forbidden": ["pkg:npm/*"], "require": []}));
    assert_eq!(lines.len(), FINDINGS + 1);
    assert!(lines[FINDINGS].contains("Another 10 packages are forbidden"), "{}", lines[FINDINGS]);
}

#[test]
fn parameters_that_mean_nothing_are_errors() {
    for params in [json!({"require": ["color"]}), json!({"forbidden": ["x"]}), json!({"complete-percent": 101.0})] {
        let result = Host::new().run(|| evaluate(&context(&params), IMAGE));
        assert!(matches!(result, Err(Error::Invalid(_))), "{params}: {result:?}");
    }
}
