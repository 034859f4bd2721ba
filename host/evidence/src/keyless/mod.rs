//! Sigstore: signatures by a certificate that was valid for minutes, whose time a transparency log or a timestamp
//! authority vouches for.
//!
//! In reading order: [`TrustRoot`], the authorities and logs that count; [`Identity`], who may sign; [`bundle`], Sigstore
//! bundles of any version; [`legacy`], what cosign 1 and 2 write beside a layer. Bundles are verified by `sigstore-verify`
//! behind a strict reader ([`bundle_format`]), since alone it accepts documents that other verifiers take for malformed or
//! for another bundle. The layers under cosign's tags are verified here: chain, certificate timestamp, log entry, times.
//!
//! Verified times are those of log promises and RFC 3161 timestamps and nothing else; a certificate must be valid at each.
//! Nothing falls back to the present time.

mod artifact;
#[cfg(test)]
mod attack_bundle_tests;
#[cfg(test)]
mod attack_certificate_tests;
#[cfg(test)]
mod attack_identity_bundle_tests;
#[cfg(test)]
mod attack_limit_tests;
#[cfg(test)]
mod attack_signer_tests;
#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod attack_time_tests;
#[cfg(test)]
mod attack_window_tests;
mod bare_bundle;
#[cfg(test)]
mod bench_fixture_tests;
mod bundle;
mod bundle_format;
mod certificate;
mod certificate_metadata;
mod certificate_timestamp;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod identity;
mod large_curve;
#[cfg(test)]
mod large_curve_tests;
mod layer_content;
mod legacy;
mod log_entry;
mod log_proof;
mod pem;
mod trust_root;
mod tuf;
#[cfg(test)]
mod tuf_tests;
#[cfg(any(test, feature = "verdicts"))]
pub mod verdicts;
mod verified_time;

pub use self::{
    artifact::Artifact,
    bundle::{BundleVerifier, VerifiedBundle},
    identity::{Identity, IdentityError, Matcher},
    trust_root::{PUBLIC_GOOD, PUBLIC_GOOD_DATE, SigstoreKeys, TrustRoot, TrustRootError},
    tuf::{PUBLIC_GOOD_TUF_ROOT, ROOT_BYTES as TUF_ROOT_BYTES, TufError, TufFiles, TufMetadata, read_stored, update},
    verified_time::{TimeSource, VerifiedTime},
};
pub(crate) use self::{
    layer_content::Content,
    legacy::{Annotations, LayerEvidence, LayerSigner, LayerVerifier, check_certificate_beside},
};

/// Whether an entry of a transparency log is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPolicy {
    /// A verified entry must come with each signature.
    Required,
    /// None is needed.
    Ignored,
}

/// Whether a certificate must have been logged when it was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateLogPolicy {
    /// A timestamp of a certificate transparency log must be in the certificate.
    Required,
    /// None is needed: for authorities without such a log.
    Ignored,
}
