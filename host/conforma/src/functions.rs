//! [`FUNCTIONS`]: the `ec.*` functions by name, types and implementation, and [`Functions`], which serves their calls.

mod oci;
mod purl;
mod sigstore;

use std::{fmt, sync::Arc};

use assay_rego::{
    HostFunction,
    types::{ANY, DOCUMENT, STRING_SET, STRINGS, Type, array_of, object_of},
    value::Value,
};

use self::sigstore::{OPTIONS, VERIFIED_ATTESTATION, VERIFIED_IMAGE};
use crate::{
    host::{Host, Outcome},
    no_registry::NoRegistry,
};

/// A function and its implementation.
struct Entry(HostFunction, fn(&dyn Host, &[Value]) -> Outcome);

const TEXT: Type = Type::String;
const FILES: Type = object_of(&TEXT, &ANY);
const DESCRIPTOR: Type = object_of(&TEXT, &ANY);

const TABLE: &[Entry] = &[
    Entry(HostFunction::new("ec.oci.blob", &[TEXT], TEXT), oci::blob),
    Entry(HostFunction::new("ec.oci.parsed_blob", &[TEXT], ANY), oci::parsed_blob),
    Entry(HostFunction::new("ec.oci.blob_files", &[TEXT, STRINGS], FILES), oci::blob_files),
    Entry(HostFunction::new("ec.oci.descriptor", &[TEXT], DESCRIPTOR), oci::descriptor),
    Entry(HostFunction::new("ec.oci.image_files", &[TEXT, STRINGS], FILES), oci::image_files),
    Entry(HostFunction::new("ec.oci.image_index", &[TEXT], DOCUMENT), oci::image_index),
    Entry(HostFunction::new("ec.oci.image_manifest", &[TEXT], DOCUMENT), oci::image_manifest),
    Entry(
        HostFunction::new("ec.oci.image_manifests", &[STRING_SET], object_of(&TEXT, &DOCUMENT)),
        oci::image_manifests,
    ),
    Entry(HostFunction::new("ec.oci.image_referrers", &[TEXT], array_of(&DESCRIPTOR)), oci::image_referrers),
    Entry(HostFunction::new("ec.oci.image_tag_refs", &[TEXT], STRINGS), oci::image_tag_refs),
    Entry(HostFunction::new("ec.sigstore.verify_image", &[TEXT, OPTIONS], VERIFIED_IMAGE), sigstore::verify_image),
    Entry(
        HostFunction::new("ec.sigstore.verify_attestation", &[TEXT, OPTIONS], VERIFIED_ATTESTATION),
        sigstore::verify_attestation,
    ),
    Entry(HostFunction::pure("ec.purl.parse", &[TEXT], DOCUMENT), purl::parse),
    // Declared as a string upstream, although it gives a boolean: policies are checked against the declaration.
    Entry(HostFunction::pure("ec.purl.is_valid", &[TEXT], TEXT), purl::is_valid),
];

static DECLARED: [HostFunction; TABLE.len()] = declared();

const fn declared() -> [HostFunction; TABLE.len()] {
    let mut all = [TABLE[0].0; TABLE.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = TABLE[at].0;
        at += 1;
    }
    all
}

/// The functions, for the options of a compilation.
pub static FUNCTIONS: &[HostFunction] = &DECLARED;

/// Serves the calls of evaluations from a [`Host`].
pub struct Functions(Arc<dyn Host>);

impl Functions {
    /// The functions with what they reach registries through.
    #[must_use]
    pub const fn new(host: Arc<dyn Host>) -> Self {
        Self(host)
    }
}

/// The functions where no registry is reached: what they look for is absent, as in the tests of `ec`.
#[must_use]
pub fn no_registry() -> Arc<dyn assay_rego::Host> {
    Arc::new(Functions::new(Arc::new(NoRegistry)))
}

impl assay_rego::Host for Functions {
    fn call(&self, function: &str, arguments: &[Value]) -> Outcome {
        let found = TABLE.iter().find(|Entry(declared, _)| declared.name() == function);
        found.map_or(Ok(None), |Entry(_, call)| call(&*self.0, arguments))
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Functions").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
