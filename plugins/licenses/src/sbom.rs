//! [`packages`]: the packages of a CycloneDX SBOM attestation with their licenses.
//!
//! The statement is in-toto's, the predicate a CycloneDX document as JSON (1.2 to 1.6).

use std::borrow::Cow;

use serde::Deserialize;

/// The predicate type of CycloneDX attestations; a version may follow after a slash.
pub const PREDICATE_TYPE: &str = "https://cyclonedx.org/bom";

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
    predicate_type.strip_prefix(PREDICATE_TYPE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
    let document = statement.predicate.filter(|document| document.format.as_deref() == Some("CycloneDX"));
    let document = document.ok_or("its predicate is not a CycloneDX document")?;
    let mut packages = Vec::new();
    // The JSON parser limits the nesting.
    collect(document.components, &mut packages);
    Ok(packages)
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
    fn other_documents_are_errors() {
        for invalid in
            ["", "{}", "[]", r#"{"predicate": {"spdxVersion": "SPDX-2.3"}}"#, r#"{"predicate": {"bomFormat": 1}}"#]
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
        assert!(!is_sbom("https://spdx.dev/Document"));
    }
}
