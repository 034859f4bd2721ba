//! Packages of SPDX documents (2.2, 2.3).

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

use crate::owned;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Package<'a> {
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
    checksums: Vec<IgnoredAny>,
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

/// A text that says something: the specification has two words for what is not known.
fn known(text: Option<Cow<'_, str>>) -> Option<String> {
    text.map(Cow::into_owned).filter(|text| !matches!(text.as_str(), "" | "NOASSERTION" | "NONE"))
}

impl From<Package<'_>> for crate::Package {
    fn from(package: Package<'_>) -> Self {
        let purl = package.external_refs.into_iter().find(|one| one.reference_type == "purl");
        Self {
            purl: purl.map(|one| one.reference_locator.into_owned()).unwrap_or_default(),
            name: package.name.into_owned(),
            version: owned(package.version_info),
            licenses: known(package.license_concluded).or(known(package.license_declared)).into_iter().collect(),
            has_supplier: known(package.supplier).is_some(),
            has_checksum: !package.checksums.is_empty(),
            is_part: matches!(package.primary_package_purpose.as_deref(), Some("FILE" | "OPERATING-SYSTEM" | "DEVICE")),
        }
    }
}
