//! [`Fixture`]: what a test validates: its own images, signed with its own key, and a small policy.

use std::{
    collections::BTreeMap,
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use assay_model::digest::Digest;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use xtask::{
    layer::Layer,
    layout::{ImageSpec, Layout},
    sign::Key,
};

use crate::tidy::root;

/// Where the images of a world are, unless a test puts them elsewhere.
pub(crate) const HOST: &str = "registry.example";

/// A rule that passes, one that denies images labelled `bad`, one that warns about those labelled `odd`.
pub(crate) const RULES: &str = r#"package main

import rego.v1

# METADATA
# title: Not bad
# custom:
#   short_name: bad
deny contains result if {
	input.image.config.Labels.bad
	result := {"code": "main.bad", "msg": sprintf("Image %s is bad", [input.component_name])}
}

# METADATA
# title: Not odd
# custom:
#   short_name: odd
warn contains result if {
	input.image.config.Labels.odd
	result := {"code": "main.odd", "msg": "Image is odd"}
}
"#;

/// A folder with a layout, a Snapshot, a policy and a key.
pub(crate) struct Fixture {
    folder: tempfile::TempDir,
    pub(crate) key: Key,
    pub(crate) layout: Layout,
    /// Name and image reference without host.
    pub(crate) components: Vec<(String, String)>,
}

/// What the program did.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Fixture {
    /// A world without images.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Self { folder, key: Key::generate().unwrap(), layout: Layout::new(), components: vec![] };
        fixture.file("policy/main.rego", RULES);
        fixture.file("key.pub", &fixture.key.public_pem().unwrap());
        fixture
    }

    /// A world with one good image, `good`.
    pub(crate) fn good() -> Self {
        let mut fixture = Self::empty();
        fixture.image("good", &[]);
        fixture
    }

    /// Adds an image with labels to the layout and the Snapshot: signed, with provenance.
    pub(crate) fn image(&mut self, name: &str, labels: &[(&str, &str)]) -> Digest {
        self.image_in(&format!("app/{name}"), name, labels)
    }

    /// The same in a repository that may have others.
    pub(crate) fn image_in(&mut self, repository: &str, name: &str, labels: &[(&str, &str)]) -> Digest {
        let digest = self.unsigned_image_in(repository, name, labels);
        self.layout.sign(&self.key, repository, &digest).unwrap();
        let statement = provenance(name, &digest).to_string().into_bytes();
        self.layout.attest(&self.key, repository, &digest, &[statement]).unwrap();
        digest
    }

    /// An image without signature and provenance.
    pub(crate) fn unsigned_image(&mut self, name: &str, labels: &[(&str, &str)]) -> Digest {
        self.unsigned_image_in(&format!("app/{name}"), name, labels)
    }

    fn unsigned_image_in(&mut self, repository: &str, name: &str, labels: &[(&str, &str)]) -> Digest {
        let spec = ImageSpec {
            layers: vec![Layer::of(&[("name", name)]).unwrap()],
            labels: labels
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>(),
            ..ImageSpec::default()
        };
        let digest = self.layout.image(repository, Some("latest"), &spec);
        self.components.push((name.to_owned(), format!("{repository}@{digest}")));
        digest
    }

    /// The path of a file or folder in this world.
    pub(crate) fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.folder.path()).unwrap().join(name)
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> Utf8PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, text).unwrap();
        path
    }

    /// The Snapshot with all images on `host`, as JSON.
    pub(crate) fn snapshot(&self, host: &str) -> String {
        let component =
            |(name, image): &(String, String)| json!({"name": name, "containerImage": format!("{host}/{image}")});
        json!({"components": self.components.iter().map(component).collect::<Vec<_>>()}).to_string()
    }

    /// The policy configuration, as JSON.
    pub(crate) fn policy(&self) -> String {
        json!({"sources": [{"policy": [self.path("policy")]}]}).to_string()
    }

    /// Writes the layout and validates the Snapshot from it, with more arguments.
    pub(crate) fn validate(&self, more: &[&str]) -> CommandOutput {
        self.validate_with_policy(&self.policy(), more)
    }

    /// The same by another policy configuration.
    pub(crate) fn validate_with_policy(&self, policy: &str, more: &[&str]) -> CommandOutput {
        self.layout.write(&self.path("oci")).unwrap();
        let bundle = self.path("oci");
        self.run(HOST, policy, &[&["--evidence", bundle.as_str()], more].concat())
    }

    /// Validates the Snapshot with its images on `host`.
    pub(crate) fn validate_on(&self, host: &str, more: &[&str]) -> CommandOutput {
        self.run(host, &self.policy(), more)
    }

    /// The same by another policy configuration and with these variables in the environment.
    pub(crate) fn run_with_env(
        &self,
        host: &str,
        policy: &str,
        more: &[&str],
        variables: &[(&str, &str)],
    ) -> CommandOutput {
        let (snapshot, key) = (self.snapshot(host), self.path("key.pub"));
        let fixed = ["--images", &snapshot, "--policy", policy, "--public-key", key.as_str(), "--ignore-rekor"];
        let arguments = [&["validate", "image"], &fixed[..], more].concat();
        CommandOutput::of(&command(&arguments).envs(variables.iter().copied()).output().unwrap())
    }

    fn run(&self, host: &str, policy: &str, more: &[&str]) -> CommandOutput {
        self.run_with_env(host, policy, more, &[])
    }
}

/// The component of that name in a JSON report.
pub(crate) fn component<'a>(report: &'a Value, name: &str) -> &'a Value {
    let components = report["components"].as_array().unwrap();
    components.iter().find(|component| component["name"] == name).unwrap_or_else(|| panic!("no {name} in {report}"))
}

/// A small SLSA v0.2 provenance about an image.
pub(crate) fn provenance(name: &str, digest: &Digest) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"name": format!("{HOST}/app/{name}"), "digest": {"sha256": digest.hex()}}],
        "predicate": {
            "builder": {"id": "https://tekton.dev/chains/v2"},
            "buildType": "tekton.dev/v1beta1/PipelineRun",
            "invocation": {},
            "materials": [],
        },
    })
}

/// A command of the built program in an environment with nothing in it, at the repository's root.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(arguments).current_dir(root()).env_clear().stdin(Stdio::null());
    command
}

/// The same through a link named `ec`, which is made in `folder`.
pub(crate) fn ec_command(folder: &Utf8Path, arguments: &[&str]) -> Command {
    let link = folder.join("ec");
    if !link.is_symlink() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_assay"), &link).unwrap();
    }
    let mut command = Command::new(link);
    command.args(arguments).current_dir(root()).env_clear().stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn assay(arguments: &[&str]) -> CommandOutput {
    CommandOutput::of(&command(arguments).output().unwrap())
}

impl CommandOutput {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Standard output without digits: two runs have times and durations of their own.
    pub(crate) fn without_digits(&self) -> String {
        self.out.replace(|character: char| character.is_ascii_digit(), "")
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless the program left with this code and said this, somewhere.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, says: &str) {
        assert!(
            self.code == code && (self.out.contains(says) || self.err.contains(says)),
            "wanted {code} and `{says}`: {self:#?}"
        );
        assert!(!self.err.contains("panicked"), "{self:#?}");
    }
}

/// A guest component by its file name, built on first use.
pub(crate) fn guest(name: &str) -> Utf8PathBuf {
    static BUILT: OnceLock<Vec<Utf8PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let target = Utf8Path::new(env!("CARGO_BIN_EXE_assay")).parent().and_then(Utf8Path::parent).unwrap();
        let root = Utf8PathBuf::from_path_buf(root()).unwrap();
        xtask::guests::build(&root, target).unwrap()
    });
    let found = built.iter().find(|path| path.file_stem() == Some(name));
    found.unwrap_or_else(|| panic!("no guest {name} in {built:?}")).clone()
}
