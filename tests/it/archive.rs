//! Evidence archives: collected from a registry, evaluated without any network, checked byte by byte.

mod tools;

use std::process::Command;

use assay_model::digest::Digest;
use camino::Utf8PathBuf;
use serde_json::json;

use crate::{
    fixture::{CommandOutput, Fixture, command},
    registry::{Fault, Registry},
    sources::{Repository, push},
};

/// No wait that anyone would notice.
const HASTY: [&str; 2] = ["--retry-duration=1ms", "--retry-max-wait=5ms"];

/// A rule that passes and says what it read of an image in the registry.
const READING: &str = r#"package reading

import rego.v1

# METADATA
# title: Read
# custom:
#   short_name: read
warn contains result if {
	manifest := ec.oci.image_manifest(input.image.ref)
	files := ec.oci.image_files(input.image.ref, ["manifests"])
	referrers := ec.oci.image_referrers(input.image.ref)
	tags := ec.oci.image_tag_refs(input.image.ref)
	repository := split(input.image.ref, "@")[0]
	layer := sprintf("%s@%s", [repository, manifest.layers[0].digest])
	of_layer := ec.oci.blob_files(layer, ["name"])
	absent := [tag | some tag in ["v7", "v8"]; not ec.oci.image_manifest(sprintf("%s:%s", [repository, tag]))]
	result := {
		"code": "reading.read",
		"msg": sprintf("%v %v %v %v %v %v", [manifest.config.digest, files, referrers, count(tags), of_layer, absent]),
	}
}
"#;

/// Images in a registry, with policies in a repository and in a bundle.
struct World {
    fixture: Fixture,
    registry: Registry,
    policy: String,
}

impl World {
    fn of(images: usize) -> Self {
        let mut fixture = Fixture::empty();
        for number in 0..images {
            let labels: &[(&str, &str)] = if number % 7 == 3 { &[("bad", "yes")] } else { &[] };
            if number % 10 == 9 {
                fixture.unsigned_image(&format!("image{number}"), labels);
            } else {
                fixture.image(&format!("image{number}"), labels);
            }
        }
        // By its tag.
        let (_, image) = fixture.components.first_mut().unwrap();
        *image = image.split('@').next().unwrap().to_owned() + ":latest";
        let registry = Registry::start();
        fixture.layout.write(&fixture.path("oci")).unwrap();
        registry.push_layout(fixture.path("oci").as_std_path());
        let repository = Repository::in_folder(fixture.path("repository"));
        repository.commit(&[("policy/main.rego", crate::fixture::RULES), ("data/d.yaml", "x: 1")]);
        push(&registry, "policies/reading:v1", &[("reading.rego", READING)]);
        let policy = json!({"sources": [
            {"policy": [repository.place("//policy?ref=main")], "data": [repository.place("//data")]},
            {"policy": [format!("oci::{}/policies/reading:v1", registry.host())]},
        ]});
        Self { policy: policy.to_string(), fixture, registry }
    }

    fn run(&self, command: &[&str], more: &[&str], program: fn(&[&str]) -> Command) -> CommandOutput {
        let (snapshot, key) = (self.fixture.snapshot(&self.registry.host()), self.fixture.path("key.pub"));
        let fixed = ["--images", &snapshot, "--policy", &self.policy, "--public-key", key.as_str(), "--ignore-rekor"];
        let time = ["--effective-time", "2030-01-01"];
        let mut command = program(&[command, &fixed, &time, more].concat());
        let temporary = self.fixture.path("tmp");
        fs_err::create_dir_all(&temporary).unwrap();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TMPDIR", &temporary);
        let output = CommandOutput::of(&command.env("XDG_CACHE_HOME", self.fixture.path("cache")).output().unwrap());
        assert_eq!(fs_err::read_dir(&temporary).unwrap().count(), 0, "nothing is left in the temporary folder");
        output
    }

    fn collect(&self, name: &str, more: &[&str]) -> (Utf8PathBuf, CommandOutput) {
        let file = self.fixture.path(name);
        let more = [&["-o", file.as_str()], &HASTY[..], more].concat();
        let output = self.run(&["evidence", "collect"], &more, command);
        (file, output)
    }

    /// The JSON report from a registry.
    fn online(&self) -> CommandOutput {
        self.run(&["validate", "image"], &["--output", "json", "--show-successes"], command)
    }

    /// The same from an archive, by a process that has no network.
    fn offline(&self, archive: &Utf8PathBuf) -> CommandOutput {
        let more = ["--output", "json", "--show-successes", "--evidence", archive.as_str()];
        self.run(&["validate", "image"], &more, without_network)
    }
}

/// The program in a network of its own, which has no connection to any other.
fn without_network(arguments: &[&str]) -> Command {
    let own = command(arguments);
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net"]).arg(own.get_program()).args(own.get_args());
    command.current_dir(own.get_current_dir().unwrap()).env_clear().stdin(std::process::Stdio::null());
    command
}

#[test]
fn twenty_images_are_collected_twice_alike_and_evaluated_without_a_network_as_with_one() {
    let world = World::of(20);
    let (first, output) = world.collect("first.tar", &["--workers", "4"]);
    output.expect(0, "the evidence of 20 components");
    let (second, _) = world.collect("second.tar", &["--workers", "1"]);
    assert!(fs_err::read(&first).unwrap() == fs_err::read(second).unwrap(), "the archives differ");
    let online = world.online();
    online.expect(1, "reading.read");
    online.expect(1, "main.bad");
    online.expect(1, "[\\\"v7\\\", \\\"v8\\\"]");
    let requests = world.registry.requests().len();
    let offline = world.offline(&first);
    assert_eq!((offline.code, &offline.out), (online.code, &online.out), "{}", offline.err);
    assert_eq!(world.registry.requests().len(), requests, "something was fetched");
    // An archive that was unpacked says the same.
    let folder = world.fixture.path("unpacked");
    fs_err::create_dir_all(&folder).unwrap();
    let unpacked = Command::new("tar").args(["-xf", first.as_str(), "-C", folder.as_str()]).status().unwrap();
    assert!(unpacked.success());
    assert_eq!(world.offline(&folder).out, online.out);
}

#[test]
fn every_changed_byte_and_every_cut_of_an_archive_is_found() {
    let world = World::of(2);
    let (file, _) = world.collect("a.tar", &[]);
    let verify = || crate::fixture::assay(&["evidence", "verify", file.as_str()]);
    verify().expect(0, "every byte is as it was written");
    let whole = fs_err::read(&file).unwrap();
    // Some of every kind of place: headers, contents, padding, the index at the end and what follows it.
    let mut places: Vec<usize> = (0..whole.len()).step_by(whole.len() / 60).collect();
    places.extend([0, 100, 148, 257, 511, 512, 513, whole.len() - 3000, whole.len() - 1025, whole.len() - 1]);
    for at in places {
        let mut changed = whole.clone();
        changed[at] ^= 0x20;
        fs_err::write(&file, changed).unwrap();
        assert_eq!(verify().code, 1, "a change at {at} of {} is not found", whole.len());
    }
    for cut in (0..whole.len()).step_by(whole.len() / 12).chain([whole.len() - 1, whole.len() - 1024]) {
        fs_err::write(&file, &whole[..cut]).unwrap();
        assert_eq!(verify().code, 1, "a cut at {cut} of {} is not found", whole.len());
    }
    fs_err::write(&file, &whole).unwrap();
    verify().expect(0, "");
    let layout = world.fixture.path("layout.tar");
    world.fixture.layout.write_tar(&layout).unwrap();
    crate::fixture::assay(&["evidence", "verify", layout.as_str()]).expect(2, "is not an evidence archive");
    crate::fixture::assay(&["evidence", "verify", "/no/such/file"]).expect(2, "/no/such/file");
}

#[test]
fn what_an_archive_lacks_is_an_error_of_its_component_and_is_not_fetched() {
    let world = World::of(3);
    let (file, _) = world.collect("a.tar", &[]);
    let folder = world.fixture.path("unpacked");
    fs_err::create_dir_all(&folder).unwrap();
    assert!(Command::new("tar").args(["-xf", file.as_str(), "-C", folder.as_str()]).status().unwrap().success());
    let (_, image) = world.fixture.components.get(1).unwrap();
    let digest: Digest = image.split('@').nth(1).unwrap().parse().unwrap();
    let blob = folder.join("blobs/sha256").join(digest.hex());
    fs_err::remove_file(&blob).unwrap();
    let requests = world.registry.requests().len();
    let output = world.run(&["validate", "image"], &["--output", "json", "--evidence", folder.as_str()], command);
    output.expect(3, "not-in-archive");
    let report = output.json();
    for (name, fails) in [("image0", false), ("image1", true), ("image2", false)] {
        let error = &crate::fixture::component(&report, name)["error"];
        assert_eq!(error.is_object() || error.is_string(), fails, "{name}: {error}");
    }
    // Other content in its place is an error, too.
    fs_err::write(&blob, "{}").unwrap();
    world.run(&["validate", "image"], &["--evidence", folder.as_str()], command).expect(3, "digest");
    assert_eq!(world.registry.requests().len(), requests, "something was fetched");
    // What no image of the archive needed is not there either: another policy, another image.
    let other = json!({"sources": [{"policy": ["git::https://g.test/policy//p?ref=main"]}]}).to_string();
    let more = ["--evidence", file.as_str(), "--policy", &other];
    world.run(&["validate", "image"], &more, command).expect(2, "does not hold the commit of the reference `main`");
    let never = format!("{}/app/never:v1", world.registry.host());
    let more = ["--evidence", file.as_str(), "--image", &never];
    world.run(&["validate", "image"], &more, command).expect(3, "does not hold the tag");
}

#[test]
fn evidence_that_cannot_be_had_makes_no_archive() {
    let world = World::of(2);
    world.registry.fault("app/image1/manifests/sha256:", Fault::Broken);
    let (file, output) = world.collect("a.tar", &[]);
    output.expect(3, "the evidence of `image1` could not be collected");
    output.expect(3, "no archive is written");
    assert!(!file.exists());
    let (_, output) = world.collect("no/such/a.tar", &[]);
    output.expect(2, "does not exist");
    let (_, output) = world.collect("b.tar", &["--evidence", "oci"]);
    output.expect(2, "`--evidence`");
}

#[test]
fn an_archive_lists_what_it_holds() {
    let world = World::of(2);
    let (file, _) = world.collect("a.tar", &[]);
    let text = crate::fixture::assay(&["evidence", "inspect", file.as_str()]);
    let host = world.registry.host();
    for says in [&format!("{host}/app/image0: tags 6"), "  latest: sha256:", "main: ", "v7: absent", "Contents: "] {
        text.expect(0, says);
    }
    let json = crate::fixture::assay(&["evidence", "inspect", file.as_str(), "--output", "json"]).json();
    assert_eq!(json["record"]["repositories"][format!("{host}/app/image0")]["tags"]["v7"], json!("absent"));
    // It is an image layout: each manifest is named in its index.
    let layout = Command::new("tar").args(["-xOf", file.as_str(), "index.json"]).output().unwrap();
    let index = String::from_utf8(layout.stdout).unwrap();
    for name in ["app/image0:latest", "policies/reading:v1", "application/vnd.assay.evidence.v1+json"] {
        assert!(index.contains(name), "{index} lacks {name}");
    }
    crate::fixture::assay(&["evidence", "inspect", world.fixture.path("oci").as_str()])
        .expect(2, "is not an evidence archive");
}
