//! [`run`]: a table of bundles and layers with the verdict that real verifiers have on each, for
//! `cargo xtask sigstore-verdicts`.
//!
//! Columns, divided by tabs: file, trusted root, artifact, policy, `accept` or `reject`, note. The artifact is a file, a
//! digest, `bytes "TEXT"`, or in parentheses "first subject / messageDigest". The policy is `any`, `key FILE` or
//! `identity[-regexp] VALUE issuer VALUE`, and then perhaps `valid TIME..TIME`, when a key may sign, `no tlog` and `no SCT`.

use std::{collections::BTreeMap, sync::Arc};

use assay_model::{date::parse_rfc3339_utc, digest::Digest, image::PinnedImage, memory::Memory};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    Artifact, BundleVerifier, CertificateLogPolicy, Identity, LogPolicy, Matcher, TrustRoot, bundle_format,
    legacy::Annotations,
};
use crate::{
    cosign::verdicts as layers,
    error::VerificationError,
    key::PublicKey,
    trust::{Relocation, Trust},
};

/// What came of one row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The file of the row.
    pub file: String,
    /// Whether the verdict is the expected one.
    pub is_right: bool,
    /// Whether it should be accepted.
    pub expected: bool,
    /// `ok`, the code of the refusal, or `request` where the trust root, the key or the artifact cannot be used.
    pub code: String,
    /// The refusal's text.
    pub reason: String,
}

/// Why a row was refused.
enum Refusal {
    Verification(VerificationError),
    Request(String),
}

impl From<VerificationError> for Refusal {
    fn from(error: VerificationError) -> Self {
        Self::Verification(error)
    }
}

fn request(why: impl std::fmt::Display) -> Refusal {
    Refusal::Request(why.to_string())
}

/// The columns of a row that say what is verified.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    file: &'a str,
    root: &'a str,
    artifact: &'a str,
    policy: &'a str,
}

impl Columns<'_> {
    /// When the key of the row may sign, in seconds since 1970. Keys have no such window in cosign or here, so times are
    /// compared by who runs the table.
    #[must_use]
    pub fn window(&self) -> Option<(i64, i64)> {
        policy(self.policy).ok()?.window
    }
}

/// Gives the content of a file by its path in the table's folder.
pub type Read<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// Whether a row was accepted, the code and the reason.
pub type Outcome = (bool, String, String);

/// Runs every row of a table.
///
/// # Errors
/// A row without the columns.
pub fn run(table: &str, read: Read<'_>) -> Result<Vec<Row>, String> {
    run_with(table, &|Columns { file, root, artifact, policy }| {
        Ok(match verify(file, root, artifact, policy, read) {
            Ok(()) => (true, "ok".to_owned(), String::new()),
            Err(Refusal::Verification(error)) => (false, error.code().to_owned(), error.to_string()),
            Err(Refusal::Request(why)) => (false, "request".to_owned(), why),
        })
    })
}

/// Runs every row of a table by something else.
///
/// # Errors
/// A row without the columns, or one that cannot be run.
pub fn run_with(table: &str, verify: &dyn Fn(Columns<'_>) -> Result<Outcome, String>) -> Result<Vec<Row>, String> {
    let rows = table.lines().skip(1).filter(|line| !line.trim().is_empty());
    rows.map(|line| {
        let mut columns = line.split('\t');
        let mut column = || columns.next().ok_or_else(|| format!("the row `{line}` has too few columns"));
        let (file, root, artifact, policy, expected) = (column()?, column()?, column()?, column()?, column()?);
        let expected = match expected {
            "accept" => true,
            "reject" => false,
            other => return Err(format!("the verdict `{other}` is neither `accept` nor `reject`")),
        };
        let (is_accepted, code, reason) = verify(Columns { file, root, artifact, policy })?;
        Ok(Row { file: file.to_owned(), is_right: is_accepted == expected, expected, code, reason })
    })
    .collect()
}

/// The arguments of the program that verify the same as a row, in the table's folder.
///
/// # Errors
/// The policy is not known.
pub fn command(Columns { file, root, artifact, policy }: Columns<'_>, read: Read<'_>) -> Result<Vec<String>, String> {
    let digest_of = |bytes: &[u8]| Digest::of(bytes).to_string();
    let subject = if let Some(quoted) = artifact.strip_prefix("bytes ") {
        digest_of(quoted.trim_matches('"').as_bytes())
    } else if artifact.starts_with('(') {
        // Of a bundle that cannot be read, any digest is as good.
        let digest = read(file).ok().and_then(|bundle| digest_in(&bundle).ok()).unwrap_or_else(|| vec![0; 32]);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}:{hex}", if digest.len() == 64 { "sha512" } else { "sha256" })
    } else {
        artifact.to_owned()
    };
    let mut arguments: Vec<&str> = Vec::new();
    let image = format!("layout.test/image@{artifact}");
    match file.split_once(" (OCI layout, kind=") {
        Some((layout, kind)) => {
            let what = if kind.starts_with("atts") { "attestation" } else { "image" };
            arguments.extend(["verify", what, &image, "--evidence", layout]);
        }
        None => arguments.extend(["verify", "bundle", "--bundle", file, &subject]),
    }
    arguments.extend(["--trusted-root", root, "--output", "json"]);
    let words: Vec<&str> = policy.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        ["key", file, ..] => arguments.extend(["--key", file]),
        ["any", ..] => {
            arguments.extend(["--certificate-identity-regexp", ".*", "--certificate-oidc-issuer-regexp", ".*"]);
        }
        [kind @ ("identity" | "identity-regexp"), identity, "issuer", issuer, ..] => {
            let flag = if *kind == "identity" { "--certificate-identity" } else { "--certificate-identity-regexp" };
            arguments.extend([flag, identity, "--certificate-oidc-issuer", issuer]);
        }
        _ => return Err(format!("the policy `{policy}` is not known")),
    }
    if policy.contains("no tlog") {
        arguments.push("--ignore-rekor");
    }
    if policy.contains("no SCT") {
        arguments.push("--ignore-sct");
    }
    Ok(arguments.into_iter().map(str::to_owned).collect())
}

/// A policy of the table.
struct Policy<'a> {
    signer: Signer<'a>,
    log: LogPolicy,
    certificate_log: CertificateLogPolicy,
    /// When a key may sign, in seconds since 1970.
    window: Option<(i64, i64)>,
}

enum Signer<'a> {
    Key(&'a str),
    Identity(Identity),
}

fn policy(text: &str) -> Result<Policy<'_>, Refusal> {
    let log = if text.contains("no tlog") { LogPolicy::Ignored } else { LogPolicy::Required };
    let certificate_log =
        if text.contains("no SCT") { CertificateLogPolicy::Ignored } else { CertificateLogPolicy::Required };
    let matcher = |exact: &str, expression: &str| Matcher::new(exact, expression).map_err(request);
    let words: Vec<&str> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let signer = match words.as_slice() {
        ["key", file, ..] => Signer::Key(file),
        ["any", ..] => Signer::Identity(Identity { subject: matcher("", ".*")?, issuer: matcher("", ".*")? }),
        ["identity", identity, "issuer", issuer, ..] => {
            Signer::Identity(Identity { subject: matcher(identity, "")?, issuer: matcher(issuer, "")? })
        }
        ["identity-regexp", identity, "issuer", issuer, ..] => {
            Signer::Identity(Identity { subject: matcher("", identity)?, issuer: matcher(issuer, "")? })
        }
        _ => return Err(request(format_args!("the policy `{text}` is not known"))),
    };
    let window = words.iter().skip_while(|word| **word != "valid").nth(1).map(|window| seconds(window)).transpose()?;
    Ok(Policy { signer, log, certificate_log, window })
}

/// The ends of `TIME..TIME`, of which the second may be a time of the same day alone.
fn seconds(window: &str) -> Result<(i64, i64), Refusal> {
    let (start, end) = window.split_once("..").ok_or_else(|| request("the window has no `..`"))?;
    let day = start.split_once('T').map_or(start, |(day, _)| day);
    let end = if end.contains('T') { end.to_owned() } else { format!("{day}T{end}") };
    let read = |text: &str| {
        parse_rfc3339_utc(text).map(|time| time.as_second()).ok_or_else(|| request("the window is no time"))
    };
    Ok((read(start)?, read(&end)?))
}

fn verify(
    file: &str,
    root: &str,
    artifact: &str,
    policy_text: &str,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<(), Refusal> {
    let text = |path: &str| String::from_utf8(read(path).map_err(request)?).map_err(request);
    let root = Arc::new(TrustRoot::from_json(&text(root)?).map_err(request)?);
    let policy = policy(policy_text)?;
    if let Some((layout, kind)) = file.split_once(" (OCI layout, kind=") {
        return verify_layout(layout, kind.trim_end_matches(')'), artifact, policy, &root, read);
    }
    let bundle = read(file).map_err(request)?;
    let bytes;
    let (sha256, sha512);
    let artifact = if let Some(quoted) = artifact.strip_prefix("bytes ") {
        Artifact::Bytes(quoted.trim_matches('"').as_bytes())
    } else {
        let digest = if artifact.starts_with('(') { Some(digest_in(&bundle)?) } else { hex_digest(artifact) };
        match digest.as_deref() {
            Some(digest) if digest.len() == 32 => {
                sha256 = digest.try_into().map_err(request)?;
                Artifact::Sha256(&sha256)
            }
            Some(digest) if digest.len() == 64 => {
                sha512 = digest.try_into().map_err(request)?;
                Artifact::Sha512(&sha512)
            }
            Some(_) => return Err(request("the digest is of an unknown length")),
            None => {
                bytes = read(artifact).map_err(request)?;
                Artifact::Bytes(&bytes)
            }
        }
    };
    let verifier = match policy.signer {
        Signer::Key(file) => {
            let key = PublicKey::from_pem(&text(file)?).map_err(request)?;
            BundleVerifier::of_key(key, root, policy.log)
        }
        Signer::Identity(identity) => {
            BundleVerifier::of_identities(vec![identity], root, policy.log, policy.certificate_log)
        }
    };
    let verified = verifier.verify(&bundle, artifact)?;
    if let Some((start, end)) = policy.window {
        let is_inside = |time: &super::VerifiedTime| (start..=end).contains(&time.at);
        if verified.times().is_empty() || !verified.times().iter().all(is_inside) {
            let why = "the key is not valid at each verified time, or there is none";
            return Err(VerificationError::CertificateTime(why.to_owned()).into());
        }
    }
    Ok(())
}

/// The bytes of `sha256:HEX` or `sha512:HEX`.
fn hex_digest(text: &str) -> Option<Vec<u8>> {
    let hex = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("sha512:"))?;
    (0..hex.len() / 2).map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()).collect()
}

/// The digest that a bundle is about: of its first subject, or of its message.
fn digest_in(bundle: &[u8]) -> Result<Vec<u8>, Refusal> {
    bundle_format::read(bundle)?;
    let bundle: Value = serde_json::from_slice(bundle).map_err(request)?;
    let decode = |text: &Value| STANDARD.decode(text.as_str().unwrap_or_default()).map_err(request);
    if let Some(digest) = bundle.pointer("/messageSignature/messageDigest/digest") {
        return decode(digest);
    }
    let payload = bundle.pointer("/dsseEnvelope/payload").ok_or_else(|| request("the bundle is about nothing"))?;
    let statement: Value = serde_json::from_slice(&decode(payload)?).map_err(request)?;
    let subjects = statement.pointer("/subject").and_then(Value::as_array).into_iter().flatten();
    let digest = subjects.into_iter().find_map(|subject| {
        ["sha256", "sha512"].iter().find_map(|algorithm| {
            let hex = subject.pointer(&format!("/digest/{algorithm}"))?.as_str()?;
            hex_digest(&format!("{algorithm}:{hex}"))
        })
    });
    digest.ok_or_else(|| request("the statement has no subject"))
}

/// Verifies what is beside an image in a layout of `cosign save`.
fn verify_layout(
    layout: &str,
    kind: &str,
    image: &str,
    policy: Policy<'_>,
    root: &Arc<TrustRoot>,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<(), Refusal> {
    let image = PinnedImage::parse(&format!("layout.test/image@{image}")).map_err(request)?;
    let trust = match policy.signer {
        Signer::Key(file) => {
            let key = String::from_utf8(read(file).map_err(request)?).map_err(request)?;
            Trust::in_logged_key(PublicKey::from_pem(&key).map_err(request)?, root, Relocation::Allowed)
        }
        Signer::Identity(identity) => {
            Trust::in_identities(vec![identity], root, policy.log, policy.certificate_log, Relocation::Allowed)
        }
    };
    let blob = |digest: &str| {
        let bytes = read(&format!("{layout}/blobs/{}", digest.replace(':', "/"))).map_err(request)?;
        let is_content = format!("{}", Digest::of(&bytes)) == digest;
        is_content.then_some(bytes).ok_or_else(|| request(format_args!("{digest} has another content")))
    };
    let json = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).map_err(request);
    let index = json(read(&format!("{layout}/index.json")).map_err(request)?)?;
    let kind = format!("dev.cosignproject.cosign/{kind}");
    let manifests = index.pointer("/manifests").and_then(Value::as_array).cloned().unwrap_or_default();
    let manifest = manifests
        .iter()
        .find(|manifest| manifest.pointer("/annotations/kind").and_then(Value::as_str) == Some(kind.as_str()))
        .ok_or_else(|| request("the layout has no such manifest"))?;
    let manifest = json(blob(manifest.get("digest").and_then(Value::as_str).unwrap_or_default())?)?;
    let mut refused = request("there is no layer");
    for layer in manifest.pointer("/layers").and_then(Value::as_array).into_iter().flatten() {
        let content = blob(layer.get("digest").and_then(Value::as_str).unwrap_or_default())?;
        let annotations = layer.get("annotations").and_then(Value::as_object).into_iter().flatten();
        let annotations: Annotations = annotations
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect::<BTreeMap<_, _>>();
        match layers::verify(&kind, &content, &annotations, &image, &trust, &Memory::of(1 << 30)) {
            Ok(()) => return Ok(()),
            Err(error) => refused = error.into(),
        }
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// Published bundles with their verdicts, which are not part of this repository.
    #[expect(clippy::disallowed_methods, reason = "where shared data is, only the environment of the test can say")]
    fn published() -> PathBuf {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        std::env::var("ASSAY_SHARED").map_or_else(|_| beside(), PathBuf::from).join("data/sigstore")
    }

    #[test]
    #[ignore = "needs shared data"]
    fn verdicts_are_those_of_real_verifiers() {
        let root = published();
        let read = |path: &str| fs_err::read(root.join(path)).map_err(|error| error.to_string());
        let rows = run(&fs_err::read_to_string(root.join("verdicts.tsv")).unwrap(), &read).unwrap();
        let wrong: Vec<_> = rows.iter().filter(|row| !row.is_right).collect();
        assert!(wrong.is_empty(), "{} of {} are wrong: {wrong:#?}", wrong.len(), rows.len());
        assert_eq!(rows.len(), 91);
    }
}
