//! [`packages`]: the packages of an SBOM attestation, for checks of images.
//!
//! The statement is in-toto's, the predicate a CycloneDX document as JSON (1.2 to 1.6), or an SPDX document as JSON (2.2, 2.3).

mod cyclonedx;
mod spdx;

use std::borrow::Cow;

use serde::Deserialize;

/// The predicate types of SBOMs; a version may follow after a slash.
pub const PREDICATE_TYPES: [&str; 2] = ["https://cyclonedx.org/bom", "https://spdx.dev/Document"];

/// Characters shown of a name.
const SHOWN: usize = 200;

/// One component of an SBOM, whether listed or nested. An empty string is a field that it does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its package URL.
    pub purl: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licenses as given: identifiers, names and expressions. All of them apply.
    pub licenses: Vec<String>,
    /// Whether it has a supplier or publisher.
    pub has_supplier: bool,
    /// Whether it has a checksum.
    pub has_checksum: bool,
    /// Whether it is a part of the image that is not a package: a file, the operating system.
    pub is_part: bool,
}

impl Package {
    /// What it is called: its package URL, else `name@version`, else its name.
    #[must_use]
    pub fn called(&self) -> Cow<'_, str> {
        match (self.purl.as_str(), self.version.as_str()) {
            ("", "") => Cow::Borrowed(&self.name),
            ("", version) => Cow::Owned(format!("{}@{version}", self.name)),
            (purl, _) => Cow::Borrowed(purl),
        }
    }

    /// The same for messages: cut if it is long, and never empty.
    #[must_use]
    pub fn label(&self) -> String {
        let text = self.called();
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None if text.is_empty() => "without a name".to_owned(),
            None => text.into_owned(),
        }
    }
}

/// Whether a predicate type is one that [`packages`] reads.
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
    components: Vec<cyclonedx::Component<'a>>,
    #[serde(default, borrow)]
    packages: Vec<spdx::Package<'a>>,
}

/// Every component of the statement's SBOM in its order, nested ones after the one that holds them, parts included.
///
/// # Errors
/// The statement has no SBOM that is known, in one sentence.
pub fn packages(statement: &[u8]) -> Result<Vec<Package>, String> {
    let statement: Statement<'_> = serde_json::from_slice(statement).map_err(|error| error.to_string())?;
    let document = statement.predicate.ok_or("the statement has no predicate")?;
    let mut packages = Vec::new();
    match (document.format.as_deref(), document.spdx.as_deref()) {
        // The JSON parser limits the nesting.
        (Some("CycloneDX"), _) => cyclonedx::collect(document.components, &mut packages),
        (_, Some(version)) if version.starts_with("SPDX-2.") => {
            packages.extend(document.packages.into_iter().map(Package::from));
        }
        (_, Some(version)) => return Err(format!("it is of the version `{version}`, which is not SPDX 2")),
        _ => return Err("its predicate is neither a CycloneDX document nor one of SPDX 2".to_owned()),
    }
    Ok(packages)
}

/// The text, or an empty one.
fn owned(text: Option<Cow<'_, str>>) -> String {
    text.map(Cow::into_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests;
