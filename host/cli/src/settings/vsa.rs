//! What is attested of a run, and where attestations (VSAs) are: the flags of `validate image --vsa` and of `validate vsa` made
//! sense of.

use std::time::Duration;

use assay_app::{
    ClusterAccess, KeyText, Mode, SignerRequest, TrustRequest,
    vsa::{SigningKey, VsaSettings, read_signing_key},
};
use assay_gocompat::duration;
use assay_model::{cluster::SecretKey, limits};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Environment, non_empty};
use crate::{
    error::CliError,
    files::read_text,
    flags::{go, image::ImageFlags, validate_vsa::ValidateVsaFlags, vsa::VsaFlags},
};

/// The variable with the password of a signing key.
const PASSWORD: &str = "COSIGN_PASSWORD";
/// Where `local` keeps attestations if no folder is named, as in `ec`.
const UPLOAD: &str = "./vsa-upload";
/// How old an attestation may be, as in `ec`.
const EXPIRATION: &str = "168h";

/// What is attested of a run, and where it is written.
#[derive(Debug)]
pub(crate) struct VsaOutput {
    /// How attestations are made.
    pub(crate) settings: VsaSettings,
    /// The folder for predicates and envelopes.
    pub(crate) folder: Option<Utf8PathBuf>,
    /// Whether the folder was chosen here, below the one for temporary files.
    pub(crate) is_temporary: bool,
    /// The folders that keep envelopes.
    pub(crate) uploads: Vec<Utf8PathBuf>,
}

/// Reads the flags; none if nothing is attested.
pub(super) fn vsa_output(
    flags: &VsaFlags,
    policy_source: Option<&str>,
    trust: &TrustRequest,
    by_intention: bool,
    env: &Environment,
    cluster: &ClusterAccess,
) -> Result<Option<VsaOutput>, CliError> {
    let format = non_empty(flags.attestation_format.as_deref()).unwrap_or("dsse");
    if !["dsse", "predicate"].contains(&format) {
        return Err(CliError::new(format!("invalid --attestation-format: {format} (valid: dsse, predicate)")));
    }
    let key = non_empty(flags.vsa_signing_key.as_deref());
    let uploads = parse_uploads(&flags.vsa_upload)?;
    let expiration = parse_expiration(non_empty(flags.vsa_expiration.as_deref()).unwrap_or(EXPIRATION))?;
    let needs_public_key = !uploads.is_empty() && expiration.is_some();
    if env.mode.is_ec() && needs_public_key && non_empty(flags.vsa_public_key.as_deref()).is_none() {
        let why = "--vsa-public-key required when --vsa-upload is set with --vsa-expiration > 0";
        return Err(CliError::new(why).hint("pass `--vsa-expiration 0`"));
    }
    if !flags.vsa {
        if !uploads.is_empty() && !env.mode.is_ec() {
            return Err(CliError::new("`--vsa-upload`: nothing is attested").hint("add `--vsa`"));
        }
        return Ok(None);
    }
    let is_signed = format == "dsse";
    if !is_signed && !uploads.is_empty() && !env.mode.is_ec() {
        return Err(CliError::new(
            "`--vsa-upload` keeps signed attestations, and `--attestation-format predicate` signs none",
        )
        .hint("remove one of the flags"));
    }
    let signing_key = match (is_signed, key) {
        (true, None) => {
            return Err(CliError::new("--vsa-signing-key required for --attestation-format=dsse")
                .hint("pass `--vsa-signing-key FILE`, or `--attestation-format predicate`"));
        }
        (true, Some(argument)) => Some(load_signing_key(argument, env, cluster)?),
        (false, _) => None,
    };
    let given = non_empty(flags.attestation_output_dir.as_deref());
    let uploads = if is_signed { uploads } else { Vec::new() };
    let (folder, is_temporary) = match given {
        Some(folder) => (Some(output_folder(folder, env.mode)?), false),
        // As `ec`: where nobody looks.
        None if uploads.is_empty() && env.mode.is_ec() => (Some((env.temporary)()), true),
        None if uploads.is_empty() => {
            return Err(CliError::new("`--vsa`: there is no place for attestations")
                .hint("pass `--attestation-output-dir DIR`, or `--vsa-upload local@DIR`"));
        }
        None => (None, false),
    };
    let identity = match &trust.signer {
        SignerRequest::Identity(identity) => Some(identity.clone()),
        SignerRequest::Key(_) => None,
    };
    let policy_source = policy_source.unwrap_or_default().to_owned();
    let settings = VsaSettings { mode: env.mode, policy_source, identity, by_intention, signing_key };
    Ok(Some(VsaOutput { settings, folder, is_temporary, uploads }))
}

/// The folder that the flag names. As `ec`, one elsewhere than below `/tmp` and the working directory is refused.
fn output_folder(text: &str, mode: Mode) -> Result<Utf8PathBuf, CliError> {
    let folder = Utf8PathBuf::from(text);
    if !mode.is_ec() {
        return Ok(folder);
    }
    let error = |why: &str| CliError::new(format!("invalid attestation output directory: {why}"));
    let absolute = |path: &Utf8Path| {
        let path = std::path::absolute(path).ok().and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
        path.ok_or_else(|| error("it is not valid UTF-8"))
    };
    let (path, current) = (absolute(&folder)?, absolute(Utf8Path::new("."))?);
    let has_detour = path.components().any(|part| part.as_str() == "..");
    if has_detour || !(path.starts_with("/tmp") || path.starts_with(&current)) {
        let fact = "attestation output directory must be under /tmp or current working directory, got: ";
        return Err(error(&format!("{fact}{path}")));
    }
    Ok(folder)
}

/// The folders of `--vsa-upload BACKEND[@PLACE][?PARAMETER=VALUE&…]`.
fn parse_uploads(flags: &[String]) -> Result<Vec<Utf8PathBuf>, CliError> {
    parse_backends(flags, "--vsa-upload")?
        .into_iter()
        .map(|(flag, backend, place)| match backend.as_str() {
            "local" => Ok(if place.as_str().is_empty() { Utf8PathBuf::from(UPLOAD) } else { place }),
            _ => Err(unsupported(&flag, "--vsa-upload", &backend, "local@DIR")),
        })
        .collect()
}

fn unsupported(text: &str, flag: &str, backend: &str, known: &str) -> CliError {
    if backend == "rekor" {
        return CliError::new(format!("`{flag} {text}`: attestations in Rekor are not supported"))
            .hint(format!("pass `{flag} {known}`"));
    }
    CliError::new(format!("`{flag} {text}`: unsupported backend '{backend}'")).hint(format!("pass `{flag} {known}`"))
}

/// Each value with its backend in lower case and its place.
fn parse_backends(flags: &[String], flag: &str) -> Result<Vec<(String, String, Utf8PathBuf)>, CliError> {
    let values = go::slice(flags).map_err(|error| CliError::new(format!("`{flag}`: {error}")))?;
    let parse = |text: String| {
        let (target, query) = text.split_once('?').unwrap_or((text.as_str(), ""));
        let (backend, mut place) = target.split_once('@').unwrap_or((target, ""));
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("path" | "dir" | "directory", value)) if backend.eq_ignore_ascii_case("local") => place = value,
                _ if backend.eq_ignore_ascii_case("rekor") => {}
                _ => {
                    return Err(CliError::new(format!("`{flag} {text}`: `{pair}` is not a parameter"))
                        .hint("the parameter of `local` is `path`"));
                }
            }
        }
        Ok((text.clone(), backend.to_ascii_lowercase(), Utf8PathBuf::from(place)))
    };
    values.into_iter().filter(|text| !text.is_empty()).map(parse).collect()
}

/// A duration as Go writes it, or a number of days (`d`), weeks (`w`) or months of 30 days (`mo`); none for zero.
pub(super) fn parse_expiration(text: &str) -> Result<Option<Duration>, CliError> {
    const DAY: f64 = 24.0 * 3600.0;
    let error = || {
        CliError::new(format!("invalid --vsa-expiration: `{text}` is not a duration"))
            .hint("use a duration such as 24h, 7d, 1w or 1mo (0: any age)")
    };
    let trimmed = text.trim();
    let units = [("mo", 30.0 * DAY), ("d", DAY), ("w", 7.0 * DAY)];
    let in_units = units.into_iter().find_map(|(unit, length)| Some((trimmed.strip_suffix(unit)?, length)));
    let duration = match in_units {
        Some((count, length)) => {
            let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let count: f64 = count.parse().ok().filter(|_| is_number).ok_or_else(error)?;
            Duration::try_from_secs_f64(count * length).map_err(|_| error())?
        }
        None => {
            let nanoseconds = duration::parse(trimmed).map_err(|_| error())?;
            Duration::from_nanos(u64::try_from(nanoseconds).map_err(|_| error())?)
        }
    };
    Ok((!duration.is_zero()).then_some(duration))
}

/// The key that signs, decrypted.
fn load_signing_key(argument: &str, env: &Environment, cluster: &ClusterAccess) -> Result<SigningKey, CliError> {
    const WHENCE: &str = "--vsa-signing-key";
    let from_environment = || (env.variable)(PASSWORD).unwrap_or_default().into_bytes();
    let (pem, password) = if SecretKey::is_meant(argument) {
        let (pem, password) = cluster.read_signing_key(argument, WHENCE)?;
        (pem, password.unwrap_or_else(from_environment))
    } else if let Some((scheme, _)) = argument.split_once("://") {
        return Err(CliError::new(format!("{WHENCE} `{argument}`: keys by `{scheme}` are not supported"))
            .hint("pass a file, or `k8s://NAMESPACE/SECRET/FIELD`"));
    } else {
        (read_text(Utf8Path::new(argument), WHENCE, limits::CONFIG_FILE_BYTES)?, from_environment())
    };
    Ok(read_signing_key(&KeyText { pem, origin: format!("`{argument}`") }, &password)?)
}

/// Where VSAs are looked for, and what is reported of them.
#[derive(Debug)]
pub(crate) struct VsaPlaces {
    /// Files with VSAs.
    pub(crate) files: Vec<Utf8PathBuf>,
    /// Folders with VSAs.
    pub(crate) folders: Vec<Utf8PathBuf>,
    /// The key that must have signed them, as the flag names it; none where signatures are not verified.
    pub(crate) key: Option<String>,
    /// How old one may be.
    pub(crate) expiration: Option<Duration>,
    /// Whether images without a VSA that counts are evaluated.
    pub(crate) falls_back: bool,
    /// What the user named, for the lines of `ec`.
    pub(crate) identifier: String,
}

/// Distinguishes an image from a file, and finds where VSAs are. What names an image becomes the flag for one.
pub(crate) fn vsa_places(flags: &mut ValidateVsaFlags, mode: Mode) -> Result<VsaPlaces, CliError> {
    let identifier = flags.identifier.take().or_else(|| flags.vsas.vsa.take()).filter(|text| !text.is_empty());
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let mut file = None;
    if let Some(text) = &identifier {
        let path = Utf8Path::new(text);
        if path.is_dir() {
            folders.push(path.to_owned());
        } else if is_file(path) {
            files.push(path.to_owned());
            file = Some(text.clone());
        } else if flags.input.image.as_ref().is_some_and(|image| !image.is_empty()) {
            return Err(CliError::new(format!("two images: `{text}` and that of `--image`"))
                .hint("pass several images with `--images`"));
        } else {
            flags.input.image = Some(text.clone());
        }
    }
    for (text, backend, place) in parse_backends(&flags.vsas.vsa_retrieval, "--vsa-retrieval")? {
        match backend.as_str() {
            "local" | "file" if !place.as_str().is_empty() => {
                if place.is_dir() {
                    folders.push(place);
                } else {
                    files.push(place);
                }
            }
            _ => return Err(unsupported(&text, "--vsa-retrieval", &backend, "local@DIR")),
        }
    }
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let falls_back = !flags.vsas.no_fallback && (mode.is_ec() || flags.vsas.fallback);
    if let Some(file) = file.filter(|_| falls_back && mode.is_ec()) {
        return Err(CliError::new(format!("fallback not supported for file paths (identifier: {file})"))
            .hint("pass `--no-fallback`"));
    }
    let input = &flags.input;
    if !given(&input.image) && !given(&input.images) && !given(&input.snapshot) {
        let fact = match files.is_empty() && folders.is_empty() {
            true => "either --vsa, --images, or VSA identifier must be provided",
            false => "nothing says which image the VSA must be about",
        };
        return Err(CliError::new(fact).hint("pass `--image IMAGE` or `--images SNAPSHOT`"));
    }
    let key = flags.vsas.vsa_public_key.clone().filter(|text| !text.is_empty());
    if key.is_none() && !flags.vsas.ignore_signature_verification {
        let fact = "--vsa-public-key is required for signature verification (use --ignore-signature-verification to disable \
                    signature verification)";
        return Err(CliError::new(fact));
    }
    if falls_back && mode.is_ec() && !given(&flags.vsas.fallback_public_key) {
        let fact = "--fallback-public-key is required when --fallback-to-image-validation is enabled";
        return Err(CliError::new(fact).hint("or pass `--no-fallback`"));
    }
    if files.is_empty() && folders.is_empty() {
        return Err(CliError::new("no place with VSAs is named, and VSAs in Rekor are not supported")
            .hint("pass `--vsa-retrieval local@DIR`, or a file with a VSA"));
    }
    if !flags.policy.plugin.is_empty() && !falls_back {
        return Err(CliError::new("`--plugin`: a VSA does not say which plugins were run").hint("remove the flag"));
    }
    Ok(VsaPlaces {
        files,
        folders,
        key: key.filter(|_| !flags.vsas.ignore_signature_verification),
        expiration: parse_expiration(&flags.vsas.vsa_expiration)?,
        falls_back,
        identifier: identifier.or_else(|| flags.input.image.clone()).unwrap_or_default(),
    })
}

/// Whether an argument is a file and no image: it is there, or is written as one.
fn is_file(path: &Utf8Path) -> bool {
    let text = path.as_str();
    path.is_file()
        || ["/", "./", "../"].iter().any(|start| text.starts_with(start))
        || (!text.contains([':', '@']) && matches!(path.extension(), Some("json" | "jsonl")))
}

/// The text of the key that VSAs must be signed with.
pub(crate) fn load_vsa_key(
    places: &VsaPlaces,
    env: &Environment,
    cluster: &ClusterAccess,
) -> Result<Option<KeyText>, CliError> {
    let load = |argument: &String| super::trust::load_key(argument, "--vsa-public-key", env.variable, cluster);
    places.key.as_ref().map(load).transpose()
}

/// What keeps a VSA from standing for the evaluation that these flags request: it does not say such things.
pub(crate) fn refuse_skipped_checks(flags: &ImageFlags) -> Result<(), CliError> {
    if flags.trust.skip_image_sig_check || flags.trust.skip_att_sig_check {
        return Err(CliError::new("signature checks cannot be skipped where VSAs stand for them")
            .hint("remove `--skip-image-sig-check` and `--skip-att-sig-check`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiration_is_a_duration_of_go_or_a_number_of_days_weeks_or_months() {
        let hours = |text| parse_expiration(text).map(|found| found.map(|found| found.as_secs() / 3600)).ok();
        for (text, want) in [
            ("168h", Some(Some(168))),
            ("7d", Some(Some(168))),
            ("1w", Some(Some(168))),
            ("1mo", Some(Some(720))),
            ("1.5d", Some(Some(36))),
            ("90m", Some(Some(1))),
            ("0", Some(None)),
            ("0d", Some(None)),
            ("-1h", None),
            ("-1d", None),
            ("d", None),
            ("infd", None),
            ("NaNd", None),
            ("1e3d", None),
            ("7", None),
            ("soon", None),
        ] {
            assert_eq!(hours(text), want, "{text}");
        }
    }

    #[test]
    fn attestations_are_kept_in_folders_and_nowhere_else() {
        let parse = |text: &str| parse_uploads(&[text.to_owned()]).map_err(|error| error.text());
        for (text, want) in [
            ("local@/a/b", "/a/b"),
            ("local@./a", "./a"),
            ("LOCAL@a?path=b", "b"),
            ("local", "./vsa-upload"),
            ("local?dir=c", "c"),
        ] {
            assert_eq!(parse(text).unwrap(), [want], "{text}");
        }
        assert_eq!(parse("local@a,local@b").unwrap(), ["a", "b"]);
        assert!(parse("").unwrap().is_empty());
        for rekor in
            ["rekor", "rekor@https://rekor.example", "Rekor@x", "rekor?server=r&timeout=30s", "local@a,rekor@b"]
        {
            assert!(parse(rekor).unwrap_err().contains("attestations in Rekor are not supported"), "{rekor}");
        }
        assert!(parse("s3@bucket").unwrap_err().contains("unsupported backend 's3'"));
        assert!(parse("local@a?mode=1").unwrap_err().contains("`mode=1` is not a parameter"));
    }

    #[test]
    fn called_ec_attestations_stay_below_two_folders() {
        let ec = |text| output_folder(text, Mode::EcCompat).is_ok();
        assert!(ec("/tmp/vsa") && ec("vsa") && ec("./a/b"));
        assert!(!ec("/etc") && !ec("../vsa") && !ec("/tmp/../etc") && !ec("/tmpx"));
        assert!(output_folder("/etc/vsa", Mode::Native).is_ok());
    }

    #[test]
    fn an_argument_is_a_file_or_an_image() {
        for (text, want) in [
            ("/a/vsa.json", true),
            ("./vsa", true),
            ("../vsa", true),
            ("vsa.json", true),
            ("a.intoto.jsonl", true),
            ("r.example/a@sha256:0", false),
            ("r.example/a:1.json", false),
            ("cart", false),
        ] {
            assert_eq!(is_file(Utf8Path::new(text)), want, "{text}");
        }
    }
}
