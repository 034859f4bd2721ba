//! [`Credentials`]: who we are to a registry, from the files that `docker login` and `podman login` write
//! (docker `config.json`, containers `auth.json`).
//!
//! Nothing is looked up before a registry requires it. A helper program is called once for each registry, within a time
//! and a length; its name comes from the user's own file, but a name with a path in it is refused.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use assay_model::{
    bounded::{ReadError, read_bounded},
    error::{ErrorCode, EvaluationError},
    image::{DOCKER_HUB, Repository},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// A file of credentials; those of hundreds of registries have some tens of kilobytes.
const FILE_BYTES: u64 = 1 << 20;
/// The output of a helper program.
const HELPER_BYTES: u64 = 64 << 10;
/// The time limit of a helper program; some contact a cloud service first.
const HELPER_TIME: Duration = Duration::from_secs(30);
/// The user name by which a helper says that its secret is an identity token.
const TOKEN_USER: &str = "<token>";
/// How files call Docker Hub.
const HUB_NAMES: [&str; 3] = ["index.docker.io", "docker.io", "registry-1.docker.io"];

/// What is shown to a registry or to the service that gives its tokens. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// A name and a password.
    Password(String, String),
    /// What a token service takes in exchange for a token (OAuth 2.0 refresh token).
    Identity(String),
    /// What a registry takes as it is.
    Registry(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Credential")
    }
}

/// All credentials of the user.
pub(super) struct Credentials {
    files: Vec<Config>,
    /// What helper programs said, by program and server.
    requested: Mutex<BTreeMap<(String, String), Option<Credential>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Entry")
    }
}

/// The output of a helper program (docker-credential-helpers).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperOutput {
    username: String,
    secret: String,
}

impl Credentials {
    /// Reads the files that are there. One that is there and cannot be read is an error: the user counts on it.
    pub(super) fn read(files: Vec<PathBuf>) -> Result<Self, EvaluationError> {
        let mut configs = Vec::new();
        for path in files {
            let broken = |why: &dyn fmt::Display| {
                let message = format!("the registry credentials in `{}` cannot be read: {why}", path.display());
                EvaluationError::new(ErrorCode::RegistryDenied, message)
                    .hint("log in again with `docker login` or `podman login`, or use another file")
            };
            let file = match fs_err::File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(broken(&error.kind())),
            };
            let text = read_bounded(file, FILE_BYTES).map_err(|error| match error {
                ReadError::Io(error) => broken(&error.kind()),
                too_large @ ReadError::TooLarge(_) => broken(&too_large),
            })?;
            if text.trim_ascii().is_empty() {
                continue;
            }
            // Not the error itself: it could quote what stands there.
            let read = |error: serde_json::Error| broken(&format_args!("line {} is invalid", error.line()));
            configs.push(serde_json::from_slice(&text).map_err(read)?);
        }
        Ok(Self { files: configs, requested: Mutex::default() })
    }

    /// Nobody's.
    pub(super) fn none() -> Self {
        Self { files: Vec::new(), requested: Mutex::default() }
    }

    /// What to show for a repository; none if the user has nothing. The first file that has something decides.
    pub(super) fn of(&self, repository: &Repository) -> Result<Option<Credential>, EvaluationError> {
        for config in &self.files {
            let found = self.in_file(config, repository)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn in_file(&self, config: &Config, repository: &Repository) -> Result<Option<Credential>, EvaluationError> {
        let places = places(repository);
        for (server, program) in &config.cred_helpers {
            if places.iter().any(|place| place == normal(server)) {
                return self.run_helper(program, server);
            }
        }
        let is_for = |place: &str, server: &str| normal(server) == place;
        for place in &places {
            let entries = config.auths.iter().filter(|(server, _)| is_for(place, server));
            if let Some(found) = entries.filter_map(|(_, entry)| entry.credential()).next() {
                return Ok(Some(found));
            }
        }
        let Some(program) = &config.creds_store else { return Ok(None) };
        let server = config.auths.keys().find(|server| places.iter().any(|place| is_for(place, server)));
        let hub = || "https://index.docker.io/v1/".to_owned();
        let server = server.cloned().unwrap_or_else(|| match repository.registry() {
            DOCKER_HUB => hub(),
            registry => registry.to_owned(),
        });
        self.run_helper(program, &server)
    }

    fn run_helper(&self, program: &str, server: &str) -> Result<Option<Credential>, EvaluationError> {
        let key = (program.to_owned(), server.to_owned());
        // Held while the program runs, so that it is called once.
        let mut requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = requested.get(&key) {
            return Ok(known.clone());
        }
        let found = run(program, server)?;
        requested.insert(key, found.clone());
        Ok(found)
    }
}

impl Entry {
    fn credential(&self) -> Option<Credential> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            return Some(Credential::Registry(token));
        }
        if let Some(token) = given(&self.identitytoken) {
            return Some(Credential::Identity(token));
        }
        if let (Some(user), Some(password)) = (given(&self.username), given(&self.password)) {
            return Some(Credential::Password(user, password));
        }
        let both = STANDARD.decode(given(&self.auth)?.trim()).ok()?;
        let both = String::from_utf8(both).ok()?;
        let (user, password) = both.split_once(':')?;
        // Docker pads with zero bytes.
        Some(Credential::Password(user.to_owned(), password.trim_end_matches('\0').to_owned()))
    }
}

/// Where a repository's credentials may stand, the closest first: `host/a/b`, `host/a`, `host`.
fn places(repository: &Repository) -> Vec<String> {
    let registry = repository.registry();
    let names: Vec<&str> = if registry == DOCKER_HUB { HUB_NAMES.to_vec() } else { vec![registry] };
    let mut path = Some(repository.path());
    let mut places = Vec::new();
    while let Some(under) = path {
        places.extend(names.iter().map(|name| format!("{name}/{under}")));
        path = under.rsplit_once('/').map(|(above, _)| above);
    }
    places.extend(names.iter().map(|&name| name.to_owned()));
    places
}

/// A server as files name it, without its scheme and the version that Docker adds.
fn normal(server: &str) -> &str {
    let server = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://")).unwrap_or(server);
    let server = server.strip_suffix("/v1/").or_else(|| server.strip_suffix("/v2/")).unwrap_or(server);
    server.strip_suffix("/v1").or_else(|| server.strip_suffix("/v2")).unwrap_or(server).trim_end_matches('/')
}

/// Gets a server's credentials from `docker-credential-PROGRAM`; none if it has none.
fn run(program: &str, server: &str) -> Result<Option<Credential>, EvaluationError> {
    let name = format!("docker-credential-{program}");
    let failed = |why: &dyn fmt::Display| {
        let message = format!("the credential helper `{name}` returned nothing for `{server}`: {why}");
        EvaluationError::new(ErrorCode::RegistryDenied, message)
            .hint("run it manually with `get`, or log in without a helper")
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if program.is_empty() || !program.bytes().all(is_plain) {
        return Err(failed(&"its name is invalid"));
    }
    let mut child = Command::new(&name)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&error.kind()))?;
    let (sender, receiver) = mpsc::channel();
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let server_line = server.to_owned();
    thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // A program that does not read its input has not failed.
            writeln!(stdin, "{server_line}").ok();
        }
        // The program may have exited by now; then there is no output.
        sender.send(stdout.and_then(|stdout| read_bounded(stdout, HELPER_BYTES).ok())).ok()
    });
    let result = receiver.recv_timeout(HELPER_TIME);
    if !matches!(result, Ok(Some(_))) {
        child.kill().ok();
    }
    let status = child.wait().map_err(|error| failed(&error.kind()))?;
    let text = match result {
        Err(_) => return Err(failed(&format_args!("it did not respond within {} s", HELPER_TIME.as_secs()))),
        Ok(Some(text)) => text,
        Ok(None) => return Err(failed(&"its output is too long or cannot be read")),
    };
    if !status.success() {
        // The protocol's word for having none.
        let stderr_text = String::from_utf8_lossy(&text);
        return if stderr_text.contains("credentials not found") { Ok(None) } else { Err(failed(&status)) };
    }
    let result: HelperOutput = serde_json::from_slice(&text).map_err(|_| failed(&"its output is invalid"))?;
    Ok(Some(match result.username.as_str() {
        TOKEN_USER => Credential::Identity(result.secret),
        _ => Credential::Password(result.username, result.secret),
    }))
}

#[cfg(test)]
mod tests {
    use assay_model::image::ImageRef;

    use super::*;

    fn of(config: &str, image: &str) -> Option<Credential> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        fs_err::write(&file, config).unwrap();
        let missing = folder.path().join("missing.json");
        Credentials::read(vec![missing, file]).unwrap().of(image.parse::<ImageRef>().unwrap().repository()).unwrap()
    }

    fn password(user: &str, password: &str) -> Option<Credential> {
        Some(Credential::Password(user.to_owned(), password.to_owned()))
    }

    #[test]
    fn entries_are_found_however_they_are_spelt() {
        let auth = |user: &str| format!("{{\"auth\": \"{}\"}}", STANDARD.encode(format!("{user}:p:w")));
        for (server, image, found) in [
            ("quay.io", "quay.io/a/b", true),
            ("https://quay.io", "quay.io/a/b", true),
            ("https://quay.io/v2/", "quay.io/a", true),
            ("quay.io/a", "quay.io/a/b", true),
            ("quay.io/a/b", "quay.io/a/b", true),
            ("quay.io/a", "quay.io/ab", false),
            ("quay.io:5000", "quay.io/a", false),
            ("127.0.0.1:5000", "127.0.0.1:5000/a", true),
            ("https://index.docker.io/v1/", "busybox", true),
            ("docker.io", "docker.io/library/busybox", true),
            ("docker.io", "quay.io/a", false),
        ] {
            let config = format!("{{\"auths\": {{\"{server}\": {}}}, \"other\": 1}}", auth("u"));
            assert_eq!(of(&config, image), found.then(|| password("u", "p:w")).flatten(), "{server} {image}");
        }
        // The closest entry counts, and an empty one says nothing.
        let config = format!(
            "{{\"auths\": {{\"quay.io\": {}, \"quay.io/a\": {}, \"quay.io/b\": {{}}}}}}",
            auth("host"),
            auth("path")
        );
        assert_eq!(of(&config, "quay.io/a/b"), password("path", "p:w"));
        assert_eq!(of(&config, "quay.io/b/b"), password("host", "p:w"));
    }

    #[test]
    fn every_kind_of_entry_is_read() {
        for (entry, want) in [
            (r#"{"username": "u", "password": "p"}"#, password("u", "p")),
            (r#"{"identitytoken": "t", "auth": "dTpw"}"#, Some(Credential::Identity("t".to_owned()))),
            (r#"{"registrytoken": "t"}"#, Some(Credential::Registry("t".to_owned()))),
            (r#"{"auth": "dTpwAAA="}"#, password("u", "p")),
            (r#"{"auth": "!"}"#, None),
            (r#"{"auth": "dQ=="}"#, None),
            ("{}", None),
        ] {
            assert_eq!(of(&format!("{{\"auths\": {{\"q.test\": {entry}}}}}"), "q.test/a"), want, "{entry}");
        }
        assert_eq!(of("", "q.test/a"), None);
    }

    #[test]
    fn an_invalid_file_is_reported_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        fs_err::write(&file, r#"{"auths": "secret"}"#).unwrap();
        let error = Credentials::read(vec![file]).err().unwrap();
        assert!(error.message.contains("config.json") && !error.message.contains("secret"), "{error}");
        assert!(!format!("{:?}", password("u", "secret")).contains("secret"));
    }

    #[test]
    fn a_file_over_its_limit_is_refused_and_never_read_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        // Cut at the limit it would be a whole document without credentials.
        let padding = " ".repeat(usize::try_from(FILE_BYTES).unwrap());
        fs_err::write(&file, format!("{{}}{padding}{{\"auths\": {{}}}}")).unwrap();
        let error = Credentials::read(vec![file]).err().unwrap();
        assert!(error.message.contains("larger than the limit of 1048576 bytes"), "{error}");
    }

    #[test]
    fn a_helper_with_a_path_for_a_name_is_not_run() {
        for name in ["../evil", "a/b", "", "a b"] {
            let error = run(name, "q.test").unwrap_err();
            assert!(error.message.contains("its name is invalid"), "{error}");
        }
        assert!(run("of-this-name-there-is-none", "q.test").is_err());
    }
}
