//! [`packages`]: the packages of an SBOM attestation with their licenses.
//!
//! The statement is in-toto's, the predicate a CycloneDX document as JSON (1.2 to 1.6), or an SPDX document as JSON (2.2, 2.3).

use std::borrow::Cow;

use serde::Deserialize;

/// The predicate types of SBOMs; a version may follow after a slash.
pub const PREDICATE_TYPES: [&str; 2] = ["https://cyclonedx.org/bom", "https://spdx.dev/Document"];

/// One component of the SBOM, whether listed or nested.
#[derive(Debug, PartialEq, Eq)]
pub struct Package {
    /// Its package URL, else `name@version`.
    pub name: String,
    /// Its licenses as given: identifiers, names and expressions. All of them apply.
    pub licenses: Vec<String>,
    /// True for components that are not packages (files, the operating system), which need no license.
    pub part: bool,
}

/// True for the predicate types that [`packages`] reads.
pub fn is_sbom(predicate_type: &str) -> bool {
    PREDICATE_TYPES
        .iter()
        .any(|known| predicate_type.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[derive(Deserialize)]
struct Statement<'a> {
    #[serde(borrow)]
    predicate: Option<Document<'a>>,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "bomFormat", borrow)]
    format: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    components: Vec<Component<'a>>,
    #[serde(rename = "spdxVersion", borrow)]
    spdx: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    packages: Vec<SpdxPackage<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage<'a> {
    #[serde(default, borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version_info: Option<Cow<'a, str>>,
    #[serde(borrow)]
    license_concluded: Option<Cow<'a, str>>,
    #[serde(borrow)]
    license_declared: Option<Cow<'a, str>>,
    #[serde(borrow)]
    primary_package_purpose: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    external_refs: Vec<ExternalRef<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    #[serde(default, borrow)]
    reference_type: Cow<'a, str>,
    #[serde(default, borrow)]
    reference_locator: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Component<'a> {
    #[serde(rename = "type", default, borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    purl: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    licenses: Vec<Choice<'a>>,
    #[serde(default, borrow)]
    components: Vec<Self>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    license: Option<Named<'a>>,
    #[serde(borrow)]
    expression: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

/// Every component of the statement's SBOM in its order, nested ones after the one that holds them.
pub fn packages(statement: &[u8]) -> Result<Vec<Package>, String> {
    let statement: Statement<'_> = serde_json::from_slice(statement).map_err(|error| error.to_string())?;
    let document = statement.predicate.ok_or("the statement has no predicate")?;
    let mut packages = Vec::new();
    match (document.format.as_deref(), document.spdx.as_deref()) {
        // The JSON parser limits the nesting.
        (Some("CycloneDX"), _) => collect(document.components, &mut packages),
        (_, Some(version)) if version.starts_with("SPDX-2.") => {
            packages.extend(document.packages.into_iter().map(SpdxPackage::package));
        }
        _ => return Err("its predicate is neither a CycloneDX document nor one of SPDX 2".to_owned()),
    }
    Ok(packages)
}

impl SpdxPackage<'_> {
    fn package(self) -> Package {
        // The specification has two words for what is not known.
        let known = |text: Option<Cow<'_, str>>| {
            text.map(Cow::into_owned).filter(|text| !matches!(text.as_str(), "" | "NOASSERTION" | "NONE"))
        };
        let purl = self.external_refs.into_iter().find(|one| one.reference_type == "purl");
        let name = match (purl, self.version_info) {
            (Some(purl), _) => purl.reference_locator.into_owned(),
            (None, Some(version)) if !version.is_empty() => format!("{}@{version}", self.name),
            (None, _) => self.name.into_owned(),
        };
        let purpose = self.primary_package_purpose.as_deref();
        Package {
            name,
            licenses: known(self.license_concluded).or(known(self.license_declared)).into_iter().collect(),
            part: matches!(purpose, Some("FILE" | "OPERATING-SYSTEM" | "DEVICE")),
        }
    }
}

fn collect(components: Vec<Component<'_>>, packages: &mut Vec<Package>) {
    for component in components {
        let name = match (component.purl, component.version) {
            (Some(purl), _) if !purl.is_empty() => purl.into_owned(),
            (_, Some(version)) if !version.is_empty() => format!("{}@{version}", component.name),
            _ => component.name.into_owned(),
        };
        let licenses = component.licenses.into_iter().filter_map(Choice::expression).collect();
        let part = matches!(&*component.kind, "file" | "operating-system" | "device" | "data");
        packages.push(Package { name, licenses, part });
        collect(component.components, packages);
    }
}

impl Choice<'_> {
    fn expression(self) -> Option<String> {
        let named = self.license.and_then(|named| named.id.or(named.name));
        self.expression.or(named).map(Cow::into_owned).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_ways_to_name_a_license_are_read_and_nested_components_too() {
        let statement = r#"{"predicate": {"bomFormat": "CycloneDX", "components": [
            {"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1", "licenses": [{"license": {"id": "MIT"}}],
             "components": [{"type": "library", "name": "b\u0041", "version": "2",
                "licenses": [{"expression": "MIT OR ISC"}, {"license": {"name": "Own \"license\""}}]}]},
            {"type": "file", "name": "/etc/passwd"}]}}"#;
        let package = |name: &str, licenses: &[&str], part| Package {
            name: name.to_owned(),
            licenses: licenses.iter().map(|text| (*text).to_owned()).collect(),
            part,
        };
        let want = [
            package("pkg:npm/a@1", &["MIT"], false),
            package("bA@2", &["MIT OR ISC", "Own \"license\""], false),
            package("/etc/passwd", &[], true),
        ];
        assert_eq!(packages(statement.as_bytes()).unwrap(), want);
    }

    #[test]
    fn of_spdx_the_concluded_license_counts_then_the_declared_one() {
        let statement = r#"{"predicate": {"spdxVersion": "SPDX-2.3", "packages": [
            {"name": "a", "versionInfo": "1", "licenseConcluded": "MIT", "licenseDeclared": "GPL-3.0-only",
             "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/a@1"}]},
            {"name": "b", "versionInfo": "2", "licenseConcluded": "NOASSERTION", "licenseDeclared": "ISC"},
            {"name": "c", "licenseConcluded": "NONE"}]}}"#;
        let found = packages(statement.as_bytes()).unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.licenses.join(" "))).collect();
        let want =
            [("pkg:npm/a@1", "MIT"), ("b@2", "ISC"), ("c", "")].map(|(name, license)| (name, license.to_owned()));
        assert_eq!(found, want);
    }

    #[test]
    fn other_documents_are_errors() {
        for invalid in
            ["", "{}", "[]", r#"{"predicate": {"spdxVersion": "SPDX-3.0"}}"#, r#"{"predicate": {"bomFormat": 1}}"#]
        {
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
}
