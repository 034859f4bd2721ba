//! Documents of both formats, and what is none.

use super::*;

#[test]
fn all_three_ways_to_name_a_license_are_read_and_nested_components_too() {
    let statement = r#"{"predicate": {"bomFormat": "CycloneDX", "components": [
        {"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1", "licenses": [{"license": {"id": "MIT"}}],
         "publisher": "p", "hashes": [{}],
         "components": [{"type": "library", "name": "b\u0041", "version": "2", "supplier": {},
            "licenses": [{"expression": "MIT OR ISC"}, {"license": {"name": "Own \"license\""}}, {"license": {"id": ""}}]}]},
        {"type": "file", "name": "/etc/passwd"}]}}"#;
    let found = packages(statement.as_bytes()).unwrap();
    let shown: Vec<_> =
        found.iter().map(|one| (one.called().into_owned(), one.licenses.join(" "), one.is_part)).collect();
    let row = |name: &str, licenses: &str, is_part| (name.to_owned(), licenses.to_owned(), is_part);
    let want = [
        row("pkg:npm/a@1", "MIT", false),
        row("bA@2", "MIT OR ISC Own \"license\"", false),
        row("/etc/passwd", "", true),
    ];
    assert_eq!(shown, want);
    let fields: Vec<_> = found.iter().map(|one| (one.has_supplier, one.has_checksum)).collect();
    assert_eq!(fields, [(true, true), (true, false), (false, false)]);
}

#[test]
fn of_spdx_the_concluded_license_counts_then_the_declared_one() {
    let statement = r#"{"predicate": {"spdxVersion": "SPDX-2.3", "packages": [
        {"name": "a", "versionInfo": "1", "licenseConcluded": "MIT", "licenseDeclared": "GPL-3.0-only", "supplier": "NOASSERTION",
         "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/a@1"}]},
        {"name": "b", "versionInfo": "2", "licenseConcluded": "NOASSERTION", "licenseDeclared": "ISC", "supplier": "Organization: o"},
        {"name": "c", "licenseConcluded": "NONE", "checksums": [{}], "primaryPackagePurpose": "FILE"}]}}"#;
    let found = packages(statement.as_bytes()).unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|one| (one.called(), one.licenses.join(" "), one.has_supplier, one.has_checksum, one.is_part))
        .collect();
    let row = |name: &'static str, license: &str, supplier, checksum, part| {
        (Cow::Borrowed(name), license.to_owned(), supplier, checksum, part)
    };
    let want = [
        row("pkg:npm/a@1", "MIT", false, false, false),
        row("b@2", "ISC", true, false, false),
        row("c", "", false, true, true),
    ];
    assert_eq!(shown, want);
}

#[test]
fn other_documents_are_errors() {
    for invalid in [
        "",
        "{}",
        "[]",
        r#"{"predicate": {"spdxVersion": "SPDX-3.0"}}"#,
        r#"{"predicate": {"bomFormat": 1}}"#,
        r#"{"predicate": {}}"#,
    ] {
        assert!(packages(invalid.as_bytes()).is_err(), "{invalid}");
    }
}

#[test]
fn unbounded_nesting_is_an_error() {
    let deep = format!(
        r#"{{"predicate": {{"bomFormat": "CycloneDX", "components": {}{}}}}}"#,
        r#"[{"components": "#.repeat(5_000),
        "}]".repeat(5_000)
    );
    assert!(packages(deep.as_bytes()).is_err());
}

#[test]
fn versions_of_the_predicate_type_are_sboms_too() {
    assert!(is_sbom("https://cyclonedx.org/bom"));
    assert!(is_sbom("https://cyclonedx.org/bom/v1.5"));
    assert!(!is_sbom("https://cyclonedx.org/bombs"));
    assert!(is_sbom("https://spdx.dev/Document/v2.3"));
}

#[test]
fn a_label_is_never_empty_and_never_long() {
    assert_eq!(Package::default().label(), "without a name");
    let long = Package { name: "é".repeat(SHOWN + 1), ..Package::default() };
    assert_eq!(long.label(), format!("{}…", "é".repeat(SHOWN)));
}
