//! [`Sbom`]: the packages of an SBOM attestation, in CycloneDX (JSON, 1.2 to 1.6) or SPDX (JSON, 2.2 and 2.3).

use std::borrow::Cow;

use serde::Deserialize;

/// Predicate types of SBOMs; a version may follow after a slash.
const PREDICATE_TYPES: [&str; 2] = ["https://cyclonedx.org/bom", "https://spdx.dev/Document"];

/// Characters shown of a name.
const SHOWN: usize = 200;

/// The packages of one document.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sbom {
    /// In the order of the document, nested ones after the one that holds them; without files and operating systems.
    pub packages: Vec<Package>,
}

/// One package. An empty string is a field that it does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its package URL.
    pub purl: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it has a license.
    pub has_license: bool,
    /// Whether it has a supplier or publisher.
    pub has_supplier: bool,
    /// Whether it has a checksum.
    pub has_checksum: bool,
}

impl Package {
    /// What it is called in messages: its package URL, else `name@version`.
    #[must_use]
    pub fn label(&self) -> String {
        let text = match (self.purl.as_str(), self.version.as_str()) {
            ("", "") => self.name.clone(),
            ("", version) => format!("{}@{version}", self.name),
            (purl, _) => purl.to_owned(),
        };
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None if text.is_empty() => "without a name".to_owned(),
            None => text,
        }
    }
}

/// Whether a predicate type is one of an SBOM.
#[must_use]
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
    #[serde(rename = "spdxVersion", borrow)]
    spdx: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    components: Vec<Component<'a>>,
    #[serde(default, borrow)]
    packages: Vec<SpdxPackage<'a>>,
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
    #[serde(borrow)]
    publisher: Option<Cow<'a, str>>,
    supplier: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    licenses: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    hashes: Vec<serde::de::IgnoredAny>,
    #[serde(default, borrow)]
    components: Vec<Self>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage<'a> {
    #[serde(default, borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version_info: Option<Cow<'a, str>>,
    #[serde(borrow)]
    supplier: Option<Cow<'a, str>>,
    #[serde(borrow)]
    license_concluded: Option<Cow<'a, str>>,
    #[serde(borrow)]
    license_declared: Option<Cow<'a, str>>,
    #[serde(borrow)]
    primary_package_purpose: Option<Cow<'a, str>>,
    #[serde(default)]
    checksums: Vec<serde::de::IgnoredAny>,
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

impl Sbom {
    /// Reads the SBOM of an in-toto statement.
    ///
    /// # Errors
    /// The statement has none, in one sentence.
    pub fn read(statement: &[u8]) -> Result<Self, String> {
        let statement: Statement<'_> = serde_json::from_slice(statement).map_err(|error| error.to_string())?;
        let document = statement.predicate.ok_or("the statement has no predicate")?;
        let mut packages = Vec::new();
        match (document.format.as_deref(), document.spdx.as_deref()) {
            // The JSON parser limits the nesting.
            (Some("CycloneDX"), _) => collect(document.components, &mut packages),
            (_, Some(version)) if version.starts_with("SPDX-2.") => {
                packages.extend(document.packages.into_iter().filter_map(SpdxPackage::package));
            }
            (_, Some(version)) => return Err(format!("it is of the version `{version}`, which is not SPDX 2")),
            _ => return Err("its predicate is neither CycloneDX nor SPDX".to_owned()),
        }
        Ok(Self { packages })
    }
}

fn collect(components: Vec<Component<'_>>, packages: &mut Vec<Package>) {
    for component in components {
        let text = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned).unwrap_or_default();
        if !matches!(&*component.kind, "file" | "operating-system" | "device" | "data") {
            packages.push(Package {
                purl: text(component.purl),
                name: component.name.into_owned(),
                version: text(component.version),
                has_license: !component.licenses.is_empty(),
                has_supplier: component.supplier.is_some() || component.publisher.is_some_and(|name| !name.is_empty()),
                has_checksum: !component.hashes.is_empty(),
            });
        }
        collect(component.components, packages);
    }
}

impl SpdxPackage<'_> {
    fn package(self) -> Option<Package> {
        if matches!(self.primary_package_purpose.as_deref(), Some("FILE" | "OPERATING-SYSTEM" | "DEVICE")) {
            return None;
        }
        // The specification has two words for what is not known.
        let known = |text: &Option<Cow<'_, str>>| {
            text.as_deref().is_some_and(|text| !matches!(text, "" | "NOASSERTION" | "NONE"))
        };
        let purl = self.external_refs.iter().find(|one| one.reference_type == "purl");
        Some(Package {
            purl: purl.map(|one| one.reference_locator.clone().into_owned()).unwrap_or_default(),
            has_license: known(&self.license_concluded) || known(&self.license_declared),
            has_supplier: known(&self.supplier),
            has_checksum: !self.checksums.is_empty(),
            version: self.version_info.map(Cow::into_owned).unwrap_or_default(),
            name: self.name.into_owned(),
        })
    }
}
