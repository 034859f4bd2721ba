//! [`check`]: which fields packages lack.

use assay_sbom::Package;

use crate::NAMED;

/// A field that packages can be required to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The name.
    Name,
    /// The version.
    Version,
    /// The package URL.
    Purl,
    /// A license.
    License,
    /// A supplier or publisher.
    Supplier,
    /// A checksum.
    Checksum,
}

impl Field {
    const ALL: [Self; 6] = [Self::Name, Self::Version, Self::Purl, Self::License, Self::Supplier, Self::Checksum];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Version => "version",
            Self::Purl => "purl",
            Self::License => "license",
            Self::Supplier => "supplier",
            Self::Checksum => "checksum",
        }
    }

    const fn is_in(self, package: &Package) -> bool {
        match self {
            Self::Name => !package.name.is_empty(),
            Self::Version => !package.version.is_empty(),
            Self::Purl => !package.purl.is_empty(),
            Self::License => !package.licenses.is_empty(),
            Self::Supplier => package.has_supplier,
            Self::Checksum => package.has_checksum,
        }
    }
}

impl std::str::FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|field| field.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("`require` has `{text}`, which is none of {known}")
        })
    }
}

/// A field that too many packages lack.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap {
    /// The field, by which the finding can be excluded.
    pub field: &'static str,
    /// One sentence.
    pub message: String,
}

/// The fields that fewer than `percent` of the packages have. No package, no gap: that is another finding.
#[must_use]
pub fn check(packages: &[Package], fields: &[Field], percent: f64) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for field in fields {
        let without: Vec<_> = packages.iter().filter(|package| !field.is_in(package)).collect();
        let has = packages.len() - without.len();
        let share = has as f64 * 100.0 / packages.len().max(1) as f64;
        if packages.is_empty() || share >= percent {
            continue;
        }
        let named: Vec<_> = without.iter().take(NAMED).map(|package| package.label()).collect();
        let more = without.len() - named.len();
        let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
        gaps.push(Gap {
            field: field.as_str(),
            message: format!(
                "{has} of {} packages have the field `{}`, fewer than {percent} %; it is missing in {}{rest}",
                packages.len(),
                field.as_str(),
                named.join(", ")
            ),
        });
    }
    gaps
}
