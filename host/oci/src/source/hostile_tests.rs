//! Malicious sources: each is fetched as the source of a policy is.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};

use super::{
    FetchOptions,
    fetcher::download,
    tests::{Bench, Repository, artifact},
};
use crate::test_support::{Reply, TestRegistry};

/// A folder outside, with a file in it.
struct Canary(tempfile::TempDir);

impl Canary {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("kept"), "as it was").unwrap();
        Self(folder)
    }

    /// The way to it from anywhere, as a link's target.
    fn way(&self) -> String {
        format!("{}{}", "../".repeat(30), self.0.path().display().to_string().trim_start_matches('/'))
    }

    fn is_alive(&self) -> bool {
        let names: Vec<PathBuf> = fs_err::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        names == [self.0.path().join("kept")] && fs_err::read(&names[0]).unwrap() == b"as it was"
    }
}

/// A tar file with a link and a second entry, a link as well, made through it.
fn link_through_link(target: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, target) in [("x", target), ("x/newdir/planted", "../../etc/hostname")] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, name, target).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_archive_cannot_make_anything_through_its_own_link() {
    let (canary, bench) = (Canary::new(), Bench::new());
    let tar = link_through_link(&canary.way());
    for (name, bytes) in [("a.tar", tar.clone()), ("a.tar.gz", gzip(&tar)), ("a.tgz", gzip(&tar))] {
        let path = bench.folder.path().join(name);
        fs_err::write(&path, bytes).unwrap();
        let error = bench.error(path.to_str().unwrap());
        assert!(error.contains("below a link"), "{name}: {error}");
        assert!(canary.is_alive());
    }
}

#[test]
fn a_layer_cannot_make_anything_through_its_own_link_or_one_of_another_layer() {
    let canary = Canary::new();
    let both = gzip(&link_through_link(&canary.way()));
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "x", canary.way()).unwrap();
    let link = gzip(&builder.into_inner().unwrap());
    for layers in [
        &[(Some("d"), &both[..], true)][..],
        &[(Some("d"), &link[..], true), (Some("x/newdir/y"), b"planted", false)],
        &[(Some("x/y"), b"1", false), (Some("d"), &link[..], true)],
        &[(Some("d"), &link[..], true)],
    ] {
        let (registry, _) = artifact(layers);
        let bench = Bench::new();
        let error = bench.error(&format!("oci::{}/a/b:v1", registry.registry()));
        assert!(["below a link", "points outside", "duplicated"].iter().any(|says| error.contains(says)), "{error}");
        assert!(canary.is_alive() && bench.is_tidy());
    }
}

/// A commit of a tree that git itself would not make: an entry for each mode, name and content.
fn crooked_commit(repository: &Repository, entries: &[(&str, &str, &str)]) -> String {
    let object = |kind: &str, bytes: &[u8]| {
        let mut command = Command::new("git");
        command.current_dir(repository.0.path()).args(["hash-object", "-t", kind, "--literally", "-w", "--stdin"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), bytes).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
    };
    let raw = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap()).collect()
    };
    let mut tree = Vec::new();
    for (mode, name, content) in entries {
        let blob = object("blob", content.as_bytes());
        tree.extend(format!("{mode} {name}\0").bytes());
        tree.extend(raw(&blob));
    }
    let tree = object("tree", &tree);
    let commit = repository.git(&["commit-tree", &tree, "-m", "x"]);
    repository.git(&["update-ref", "refs/heads/main", &commit]);
    commit
}

#[test]
fn a_tree_of_git_cannot_make_anything_through_its_own_link() {
    let canary = Canary::new();
    for entries in [
        &[("120000", "x", &*canary.way()), ("100644", "x/newdir", "planted")][..],
        &[("100644", "x", "1"), ("120000", "x", &*canary.way())],
        &[("120000", "x", &*canary.way())],
    ] {
        let (repository, bench) = (Repository::new(), Bench::new());
        crooked_commit(&repository, entries);
        let error = bench.error(&repository.source(""));
        assert!(error.contains("cannot be used"), "{error}");
        assert!(canary.is_alive() && bench.is_tidy());
    }
}

#[test]
fn a_link_of_a_repository_is_refused_by_its_size_before_it_is_read() {
    let (repository, bench) = (Repository::new(), Bench::new());
    crooked_commit(&repository, &[("120000", "bomb", &"x".repeat(8 << 20)), ("100644", "a.rego", "package a")]);
    let error = bench.error(&repository.source(""));
    assert!(error.contains("`bomb` is a link with a target that is too long"), "{error}");
}

#[test]
fn a_redirect_of_a_file_shows_no_credential_to_another_origin_and_stays_out_of_private_networks() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let reported = std::sync::Arc::clone(&seen);
    let other = TestRegistry::start(move |_, authorization| {
        reported.lock().unwrap().push(authorization.map(str::to_owned));
        Reply::Whole(200, Vec::new(), b"a: 1".to_vec())
    });
    let to = format!("http://{}/there.yaml", other.registry());
    let registry = TestRegistry::start(move |path, authorization| match (path, authorization) {
        ("/own", Some("Basic dTpwQHc=")) => Reply::Whole(302, vec![("Location", "/here.yaml".to_owned())], Vec::new()),
        ("/here.yaml", Some("Basic dTpwQHc=")) => Reply::Whole(200, Vec::new(), b"b: 1".to_vec()),
        ("/other", Some(_)) => Reply::Whole(302, vec![("Location", to.clone())], Vec::new()),
        ("/plain", _) => Reply::Whole(302, vec![("Location", "http://192.0.2.1/x".to_owned())], Vec::new()),
        ("/circle", _) => Reply::Whole(302, vec![("Location", "/circle".to_owned())], Vec::new()),
        _ => Reply::Whole(404, Vec::new(), Vec::new()),
    });
    let get = |path: &str| {
        let address = format!("http://u:p%40w@{}{path}", registry.registry()).parse().unwrap();
        download(&address, &FetchOptions::default()).map_err(|why| why.to_string())
    };
    assert_eq!(get("/own").unwrap(), b"b: 1", "the own origin is shown the credential, after a redirect as well");
    assert_eq!(get("/other").unwrap(), b"a: 1");
    assert_eq!(*seen.lock().unwrap(), [None], "another origin is not");
    for (path, says) in [("/plain", "plain HTTP"), ("/circle", "too many redirects")] {
        let error = get(path).unwrap_err();
        assert!(error.contains(says) && !error.contains("p%40w") && !error.contains("p@w"), "{error}");
    }
}

#[test]
fn fetching_ends_with_the_run_whatever_is_fetched() {
    // A registry whose layers come byte by byte, and a server that does the same.
    let (good, _) = artifact(&[(Some("a.rego"), b"package a", false)]);
    let manifest = {
        let layer = assay_model::digest::Digest::of(b"x");
        serde_json::json!({"schemaVersion": 2, "mediaType": crate::test_support::IMAGE,
            "config": {"mediaType": "application/vnd.cncf.openpolicyagent.config.v1+json", "digest": layer, "size": 2},
            "layers": (0..6).map(|at| serde_json::json!({"mediaType": "x/y",
                "digest": assay_model::digest::Digest::of(&[at]), "size": 1000,
                "annotations": {"org.opencontainers.image.title": format!("{at}.rego")}})).collect::<Vec<_>>()})
        .to_string()
        .into_bytes()
    };
    let drips = TestRegistry::start(move |path, _| {
        if path.contains("/manifests/") {
            return Reply::Whole(200, vec![("Content-Type", crate::test_support::IMAGE.to_owned())], manifest.clone());
        }
        Reply::Drip
    });
    let mut bench = Bench::new();
    let started = Instant::now();
    bench.limits.deadline = Some(started + Duration::from_secs(2));
    let error = bench.error(&format!("oci::{}/a/b:v1", drips.registry()));
    assert!(error.contains("the time limit of the run passed"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert!(bench.is_tidy());

    let address = format!("http://{}/a.yaml", drips.registry()).parse().unwrap();
    let limits = super::FetchLimits { deadline: Some(Instant::now() + Duration::from_secs(1)), ..<_>::default() };
    let started = Instant::now();
    assert!(download(&address, &FetchOptions { limits, ..<_>::default() }).is_err());
    assert!(started.elapsed() < Duration::from_secs(3));

    // What is over is over for every kind of source.
    let repository = Repository::new();
    repository.commit(&[("a.rego", "package a")]);
    for source in [repository.source(""), format!("oci::{}/a/b:v1", good.registry())] {
        let mut bench = Bench::new();
        bench.limits.deadline = Some(Instant::now());
        assert!(bench.error(&source).contains("the time limit of the run passed"));
    }
}

#[test]
fn folders_that_are_worked_in_are_for_nobody_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let repository = Repository::new();
    repository.commit(&[("d/a.rego", "package a")]);
    let bench = Bench::new();
    let fetched = bench.fetch(&[&repository.source("")]).unwrap();
    let mode = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
    let tree = fetched[0].path();
    for folder in [tree, tree.parent().unwrap(), &tree.join("d"), &tree.parent().unwrap().join("repository.git")] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    let own = tree.parent().unwrap().join("repository.git/assay.config");
    assert!(fs_err::metadata(own).unwrap().is_file());
}

#[test]
fn what_git_says_of_an_address_holds_no_password() {
    let bench = Bench::new();
    for text in [
        "git::https://user:SECRET@127.0.0.1:1/a",
        "git::https://user:a/SECRET@127.0.0.1:1/a",
        "https://user:SECRET@127.0.0.1:1/a.yaml",
        "https://127.0.0.1:1/a.yaml?token=SECRET",
        "git::user:SECRET@127.0.0.1:1/a",
        "oci::user:SECRET@127.0.0.1:1/a",
    ] {
        let error = bench.fetch(&[text]).unwrap_err();
        let all = format!("{error} {} {}", error.hint(), error.source);
        assert!(!all.contains("SECRET"), "{text}: {all}");
    }
}

#[test]
fn a_pipe_or_a_device_is_no_source() {
    let bench = Bench::new();
    let pipe = bench.folder.path().join("p.tar");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for source in [pipe.to_str().unwrap(), "/dev/zero"] {
        let error = bench.error(source);
        assert!(error.contains("neither a file nor a directory"), "{error}");
    }
}
