//! Components of CycloneDX documents (1.2 to 1.6).

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

use crate::{Package, owned};

#[derive(Deserialize)]
pub(crate) struct Component<'a> {
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
    supplier: Option<IgnoredAny>,
    #[serde(default, borrow)]
    licenses: Vec<Choice<'a>>,
    #[serde(default)]
    hashes: Vec<IgnoredAny>,
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

/// Adds components, and after each those that it holds.
pub(crate) fn collect(components: Vec<Component<'_>>, packages: &mut Vec<Package>) {
    for component in components {
        packages.push(Package {
            purl: owned(component.purl),
            name: component.name.into_owned(),
            version: owned(component.version),
            licenses: component.licenses.into_iter().filter_map(Choice::expression).collect(),
            has_supplier: component.supplier.is_some() || component.publisher.is_some_and(|name| !name.is_empty()),
            has_checksum: !component.hashes.is_empty(),
            is_part: matches!(&*component.kind, "file" | "operating-system" | "device" | "data"),
        });
        collect(component.components, packages);
    }
}

impl Choice<'_> {
    fn expression(self) -> Option<String> {
        let named = self.license.and_then(|named| named.id.or(named.name));
        self.expression.or(named).map(Cow::into_owned).filter(|text| !text.is_empty())
    }
}
