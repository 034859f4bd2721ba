//! Limits on what comes from outside, each a named constant with the attack it stops.
//!
//! A limit that is reached is an error of the component or of the request, never a truncated result.

/// The longest image reference; a registry's own limit is 255 for the repository and 128 for the tag.
pub const IMAGE_REF_BYTES: usize = 1024;

/// A Snapshot of 1,000 components with all fields is about 1 MiB; a larger file is not a Snapshot.
pub const SNAPSHOT_BYTES: u64 = 16 << 20;

/// The memory of a Snapshot once it is read: `[1,1,1,…` of 16 MB would take more than a gigabyte. One of 10,000
/// components with all fields takes a quarter of this.
pub const SNAPSHOT_MEMORY: u64 = 128 << 20;

/// Components in one Snapshot after its indexes are expanded: each costs requests and an evaluation.
pub const COMPONENTS: usize = 10_000;

/// A manifest or index; registries commonly refuse more than 4 MiB.
pub const MANIFEST_BYTES: u64 = 4 << 20;

/// Manifests in one index: every one becomes a component.
pub const INDEX_MANIFESTS: usize = 1_000;

/// Indexes below one another: each level multiplies what there is to fetch.
pub const INDEX_DEPTH: usize = 4;

/// An image's config blob.
pub const CONFIG_BYTES: u64 = 8 << 20;

/// The memory of a config once it is read, of which a few workers hold one each.
pub const CONFIG_MEMORY: u64 = 64 << 20;

/// The memory that the fields of a manifest or an index take once they are read.
pub const MANIFEST_MEMORY: u64 = 64 << 20;

/// The memory that all files read out of one image take: 62 KB of a layer could be 60 MB of YAML, and that 3 GB.
/// Manifests of operators have up to a few MB.
pub const IMAGE_FILES_MEMORY: u64 = 128 << 20;

/// Signature or attestation layers of one image: each costs a fetch and a verification (CVE-2024-29902).
pub const EVIDENCE_LAYERS: usize = 1_000;

/// One simple-signing payload.
pub const SIGNATURE_PAYLOAD_BYTES: u64 = 1 << 20;

/// One DSSE envelope. Provenance of a large build is under 1 MiB, SBOM attestations reach some tens.
pub const ENVELOPE_BYTES: u64 = 128 << 20;

/// The memory of one signed statement once it is read. SBOMs of 50 MB take some hundred MB.
pub const STATEMENT_MEMORY: u64 = 1 << 30;

/// All verified evidence of one image, so that many large envelopes cannot add up (CVE-2024-29903).
pub const EVIDENCE_BYTES: u64 = 256 << 20;

/// A blob that a policy or a plugin requests.
pub const BLOB_BYTES: u64 = 64 << 20;

/// An OCI image layout in one tar file is read into an index; this is the number of entries it may have.
pub const LAYOUT_ENTRIES: usize = 200_000;

/// The `index.json` of a layout.
pub const LAYOUT_INDEX_BYTES: u64 = 64 << 20;

/// What the `index.json` of a layout takes once it is read; one with 20,000 images takes a tenth of this.
pub const LAYOUT_INDEX_MEMORY: u64 = 1 << 30;

/// One policy file: the largest known one is under 100 kB.
pub const POLICY_FILE_BYTES: u64 = 4 << 20;

/// One policy data file: lists of trusted tasks are some MiB.
pub const DATA_FILE_BYTES: u64 = 64 << 20;

/// The memory of a document of the user's own, such as a data file, once it is read.
pub const DOCUMENT_MEMORY: u64 = 2 << 30;

/// Files in one policy or data source, and folders below one another in it.
pub const SOURCE_FILES: usize = 20_000;
/// See [`SOURCE_FILES`].
pub const SOURCE_DEPTH: usize = 32;

/// A policy configuration, a key file.
pub const CONFIG_FILE_BYTES: u64 = 4 << 20;

/// The memory of a policy configuration once it is read, with its rule data.
pub const POLICY_MEMORY: u64 = 256 << 20;

/// Nested arrays and objects in JSON or YAML from outside: recursive readers must not run out of stack.
pub const NESTING: usize = assay_gocompat::yaml_reader::NESTING;

/// Findings of one evaluator about one image. A policy that denies more is broken or hostile.
pub const FINDINGS: usize = 10_000;

/// A component given with `--plugin`.
pub const PLUGIN_BYTES: u64 = 64 << 20;
