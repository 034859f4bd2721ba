//! `ec.oci.*` and `ec.sigstore.*`: what Conforma's policies query about images. The results come from the [`Host`].
//!
//! [`Host`]: super::Host

use regorus::Value;

use super::errors::BuiltinError;
use super::host::HostError;
use super::scope::Scope;
use super::types::{ANY, DOCUMENT, STRING_SET, STRINGS, Type, array_of, object_of};
use super::{Builtin, Outcome, builtin};

const TEXT: Type = Type::String;
const FILES: Type = object_of(&TEXT, &ANY);
const DESCRIPTOR: Type = object_of(&TEXT, &ANY);
const OPTIONS: Type = Type::Object { fixed: &[("ignore_rekor", Type::Boolean)], rest: Some((&TEXT, &TEXT)) };
const SIGNATURE: Type = Type::Object {
    fixed: &[
        ("keyid", TEXT),
        ("signature", TEXT),
        ("certificate", TEXT),
        ("chain", STRINGS),
        ("metadata", object_of(&TEXT, &TEXT)),
    ],
    rest: None,
};
const VERIFIED_IMAGE: Type = Type::Object {
    fixed: &[("success", Type::Boolean), ("errors", STRINGS), ("signatures", array_of(&SIGNATURE))],
    rest: None,
};
const ATTESTATION: Type =
    Type::Object { fixed: &[("statement", ANY), ("signatures", array_of(&SIGNATURE))], rest: None };
const VERIFIED_ATTESTATION: Type = Type::Object {
    fixed: &[("success", Type::Boolean), ("errors", STRINGS), ("attestations", array_of(&ATTESTATION))],
    rest: None,
};

/// A call that the host serves.
macro_rules! host_call {
    ($name:literal ($($arg:ident : $type:expr),*) -> $result:expr) => {
        builtin!($name($($arg: $type),*) -> $result => scoped |scope: &mut Scope<'_>, $($arg: &Value),*| {
            let args = vec![$($arg.clone()),*];
            call_host(scope, $name, &args)
        }).volatile()
    };
}

pub(super) const TABLE: &[Builtin] = &[
    host_call!("ec.oci.blob"(reference: TEXT) -> TEXT),
    host_call!("ec.oci.parsed_blob"(reference: TEXT) -> ANY),
    host_call!("ec.oci.blob_files"(reference: TEXT, paths: STRINGS) -> FILES),
    host_call!("ec.oci.descriptor"(reference: TEXT) -> DESCRIPTOR),
    host_call!("ec.oci.image_files"(reference: TEXT, paths: STRINGS) -> FILES),
    host_call!("ec.oci.image_index"(reference: TEXT) -> DOCUMENT),
    host_call!("ec.oci.image_manifest"(reference: TEXT) -> DOCUMENT),
    host_call!("ec.oci.image_manifests"(references: STRING_SET) -> object_of(&TEXT, &DOCUMENT)),
    host_call!("ec.oci.image_referrers"(reference: TEXT) -> array_of(&DESCRIPTOR)),
    host_call!("ec.oci.image_tag_refs"(reference: TEXT) -> STRINGS),
    host_call!("ec.sigstore.verify_image"(reference: TEXT, options: OPTIONS) -> VERIFIED_IMAGE),
    host_call!("ec.sigstore.verify_attestation"(reference: TEXT, options: OPTIONS) -> VERIFIED_ATTESTATION),
];

fn call_host(scope: &mut Scope<'_>, function: &str, args: &[Value]) -> Outcome {
    scope.host.call(function, args).map_err(|HostError(why)| BuiltinError::limit(why))
}
