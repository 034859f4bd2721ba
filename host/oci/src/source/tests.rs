//! Fetched sources: repositories created in a directory, bundles and files on a loopback server.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use assay_model::digest::Digest;
use serde_json::json;
use tempfile::TempDir;

use super::{
    Cache, FetchError, FetchErrorKind, FetchLimits, FetchOptions, Fetched, Fetcher, SourceRef, fetcher::download,
};
use crate::{
    ContentStore,
    store::RegistryOptions,
    test_support::{IMAGE, Reply, TestRegistry},
};

/// A repository with a commit for each set of files.
pub(super) struct Repository(pub(super) TempDir);

impl Repository {
    pub(super) fn new() -> Self {
        let repository = Self(TempDir::new().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        let who = ["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"];
        let ran = Command::new("git").current_dir(self.0.path()).args(who).args(arguments).output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    /// Commits these files and gives the commit.
    pub(super) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            self.write(name, text);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=m"]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(super) fn source(&self, rest: &str) -> String {
        format!("git::file://{}{rest}", self.0.path().display())
    }
}

pub(super) struct Bench {
    pub(super) folder: TempDir,
    offline: bool,
    pub(super) limits: FetchLimits,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), offline: false, limits: FetchLimits::default() }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(super) fn fetch(&self, texts: &[&str]) -> Result<Vec<Fetched>, FetchError> {
        let store = Arc::new(ContentStore::registry(RegistryOptions::default()).unwrap());
        let options = FetchOptions {
            cache: Some(Cache::open(&self.cache()).unwrap()),
            offline: self.offline,
            limits: self.limits,
            ..FetchOptions::default()
        };
        let sources = texts.iter().map(|text| SourceRef::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let reported = Mutex::new(0);
        let fetched = Fetcher::new(Some(store), options).fetch(&sources, &|_| *reported.lock().unwrap() += 1)?;
        assert_eq!(*reported.lock().unwrap(), texts.len());
        Ok(fetched)
    }

    pub(super) fn error(&self, text: &str) -> String {
        let error = self.fetch(&[text]).unwrap_err();
        assert!(!error.hint().is_empty());
        error.to_string()
    }

    /// Nothing is left to work with when nobody holds a source.
    pub(super) fn is_tidy(&self) -> bool {
        fs_err::read_dir(self.cache().join("work")).unwrap().count() == 0
    }
}

fn text(fetched: &Fetched, name: &str) -> String {
    fs_err::read_to_string(fetched.path().join(name)).unwrap()
}

#[test]
fn a_branch_a_tag_and_a_commit_are_fetched_and_pinned() {
    let repository = Repository::new();
    let first = repository.commit(&[("policy/a.rego", "1"), ("data/d.yaml", "x")]);
    repository.git(&["tag", "--annotate", "--message=t", "v1"]);
    let second = repository.commit(&[("policy/a.rego", "2")]);
    let bench = Bench::new();
    for (rest, commit, want) in [
        ("", &second, "2"),
        ("?ref=main", &second, "2"),
        ("?ref=v1", &first, "1"),
        ("?ref=refs/tags/v1&depth=1", &first, "1"),
        (&*format!("?ref={first}"), &first, "1"),
        (&*format!("?ref={}", first.get(..8).unwrap()), &first, "1"),
    ] {
        let [fetched] = bench.fetch(&[&repository.source(rest)]).unwrap().try_into().unwrap();
        assert_eq!(text(&fetched, "policy/a.rego"), want, "{rest}");
        let base = repository.source("").replacen("git::", "", 1);
        assert_eq!(fetched.pinned(), format!("git::{base}?ref={commit}"), "{rest}");
    }
    assert!(bench.is_tidy());
}

#[test]
fn folders_of_one_repository_come_from_one_commit_and_hold_only_what_is_below_them() {
    let repository = Repository::new();
    repository.commit(&[("policy/lib/a.rego", "1"), ("policy/lib/deep/b.rego", "2"), ("data/d.yaml", "x")]);
    let bench = Bench::new();
    let sources = [repository.source("//policy/lib?ref=main"), repository.source("//data?ref=main")];
    let fetched = bench.fetch(&[&sources[0], &sources[1]]).unwrap();
    assert_eq!((text(&fetched[0], "a.rego"), text(&fetched[0], "deep/b.rego")), ("1".to_owned(), "2".to_owned()));
    assert_eq!(fs_err::read_dir(fetched[1].path()).unwrap().count(), 1);
    assert_eq!(fs_err::read_dir(bench.cache().join("work")).unwrap().count(), 1, "one repository for both");
}

#[test]
fn what_is_pinned_and_cached_needs_no_repository_and_a_changed_cache_is_found_out() {
    let repository = Repository::new();
    let commit = repository.commit(&[("a.rego", "1")]);
    let mut bench = Bench::new();
    let source = repository.source(&format!("?ref={commit}"));
    bench.fetch(&[&source]).unwrap();
    let pack = bench.cache().join(format!("git/{commit}.pack"));
    assert!(pack.is_file());
    // An address without a server: the commit alone identifies the content.
    let elsewhere = format!("git::https://nobody.invalid/x//?ref={commit}");
    bench.offline = true;
    assert_eq!(text(&bench.fetch(&[&elsewhere]).unwrap()[0], "a.rego"), "1");
    // Another repository's pack under this name is not believed.
    let other = Repository::new();
    let hostile = other.commit(&[("a.rego", "hostile")]);
    let other_bench = Bench::new();
    other_bench.fetch(&[&other.source(&format!("?ref={hostile}"))]).unwrap();
    fs_err::copy(other_bench.cache().join(format!("git/{hostile}.pack")), &pack).unwrap();
    assert!(bench.error(&elsewhere).contains("this run does not fetch anything"));
    assert!(!pack.exists());
    // Neither is half a pack; with the repository at hand it is fetched again.
    bench.fetch(&[&source]).unwrap();
    let bytes = fs_err::read(&pack).unwrap();
    fs_err::write(&pack, bytes.get(..bytes.len() / 2).unwrap()).unwrap();
    assert_eq!(text(&bench.fetch(&[&source]).unwrap()[0], "a.rego"), "1");
}

#[test]
fn a_repository_cannot_run_anything_or_reach_out_of_its_folder() {
    let repository = Repository::new();
    let marker = repository.0.path().join("marker");
    repository.write(".gitattributes", "*.rego filter=evil export-ignore ident\n");
    repository.commit(&[("a.rego", "$Id$\r\n")]);
    repository.git(&["config", "filter.evil.smudge", &format!("touch {}", marker.display())]);
    let hook = repository.0.path().join(".git/hooks/post-checkout");
    fs_err::create_dir_all(hook.parent().unwrap()).unwrap();
    fs_err::write(&hook, format!("#!/bin/sh\ntouch {}\n", marker.display())).unwrap();
    let bench = Bench::new();
    let fetched = bench.fetch(&[&repository.source("")]).unwrap();
    assert_eq!(text(&fetched[0], "a.rego"), "$Id$\r\n", "as it was committed");
    assert!(!marker.exists());

    #[cfg(unix)]
    for target in ["/etc/hostname", "../../..", "policy/../.."] {
        let repository = Repository::new();
        std::os::unix::fs::symlink(target, repository.0.path().join("link")).unwrap();
        repository.commit(&[("policy/a.rego", "")]);
        let error = Bench::new().error(&repository.source(""));
        assert!(error.contains("points outside of the source's directory"), "{target}: {error}");
    }
}

#[test]
fn the_commit_that_last_changed_a_file_is_found() {
    let repository = Repository::new();
    repository.commit(&[("a.yaml", "1")]);
    let changed = repository.commit(&[("a.yaml", "2")]);
    repository.commit(&[("b.yaml", "1")]);
    let fetcher = Fetcher::new(None, FetchOptions::default());
    let source = SourceRef::parse(&repository.source("")).unwrap();
    assert_eq!(fetcher.latest_change(&source, "a.yaml").unwrap(), changed);
    let error = fetcher.latest_change(&source, "none.yaml").unwrap_err().to_string();
    assert!(error.contains("unable to find any commits for path: \"none.yaml\""), "{error}");
}

#[test]
fn a_submodule_is_left_out() {
    let repository = Repository::new();
    let commit = repository.commit(&[("a.rego", "1")]);
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},module")]);
    repository.git(&["commit", "--quiet", "--message=m"]);
    let bench = Bench::new();
    let fetched = bench.fetch(&[&repository.source("")]).unwrap();
    assert_eq!(text(&fetched[0], "a.rego"), "1");
    assert!(!fetched[0].path().join("module").exists());
}

#[test]
fn a_source_that_cannot_be_had_says_why() {
    let repository = Repository::new();
    repository.commit(&[("a.rego", "1")]);
    let bench = Bench::new();
    for (source, says) in [
        (repository.source("//none"), "path none does not exist in the repository"),
        (repository.source("//a.rego"), "path a.rego does not exist in the repository"),
        (repository.source("?ref=none"), "no branch, tag or commit `none`"),
        (repository.source(&format!("?ref={}", "0".repeat(40))), "no branch, tag or commit `0000"),
        (format!("git::file://{}", bench.folder.path().join("no").display()), "cannot be used"),
        ("http://h.test/a".to_owned(), "attempting to download from insecure source: http://h.test/a"),
    ] {
        let error = bench.error(&source);
        assert!(error.contains(says), "{source}: {error}");
    }
    assert!(bench.is_tidy());
}

#[test]
fn every_limit_of_a_repository_ends_it() {
    let repository = Repository::new();
    repository.commit(&[("a", "12345678901"), ("b", "12345678901")]);
    let limited = |change: fn(&mut FetchLimits)| {
        let mut bench = Bench::new();
        change(&mut bench.limits);
        let error = bench.error(&repository.source(""));
        assert!(bench.is_tidy());
        error
    };
    for (error, says) in [
        (limited(|limits| limits.files = 1), "more than 1 files"),
        (limited(|limits| limits.file_bytes = 10), "of more than 10 bytes"),
        (limited(|limits| limits.tree_bytes = 20), "more than 20 bytes in all"),
        (limited(|limits| limits.depth = 0), "nested too deeply"),
    ] {
        assert!(error.contains(says), "{error}");
    }
}

/// The title of a layer, its bytes, and whether they are called an archive.
pub(super) type Layer<'a> = (Option<&'a str>, &'a [u8], bool);

/// A registry with one artifact, `a/b:v1`, of these layers.
pub(super) fn artifact(layers: &[Layer<'_>]) -> (TestRegistry, Digest) {
    let described = |(title, bytes, unpack): &Layer<'_>| {
        let mut layer = json!({"mediaType": "application/vnd.cncf.openpolicyagent.policy.layer.v1+rego",
            "digest": Digest::of(bytes), "size": bytes.len(), "annotations": {}});
        if let Some(title) = title {
            layer["annotations"]["org.opencontainers.image.title"] = json!(title);
        }
        if *unpack {
            layer["annotations"]["io.deis.oras.content.unpack"] = json!("true");
        }
        layer
    };
    let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE,
        "config": {"mediaType": "application/vnd.cncf.openpolicyagent.config.v1+json", "digest": Digest::of(b"{}"), "size": 2},
        "layers": layers.iter().map(described).collect::<Vec<_>>()})
    .to_string()
    .into_bytes();
    let digest = Digest::of(&manifest);
    let named = digest.clone();
    let blobs: Vec<(String, Vec<u8>)> =
        layers.iter().map(|(_, bytes, _)| (format!("/v2/a/b/blobs/{}", Digest::of(bytes)), bytes.to_vec())).collect();
    let served = TestRegistry::start(move |path, _| {
        let is_manifest =
            ["v1", "latest", &named.to_string()].iter().any(|name| path == format!("/v2/a/b/manifests/{name}"));
        if is_manifest {
            return Reply::Whole(200, vec![("Content-Type", IMAGE.to_owned())], manifest.clone());
        }
        match blobs.iter().find(|(name, _)| name == path) {
            Some((_, bytes)) => Reply::Whole(200, Vec::new(), bytes.clone()),
            None => Reply::Whole(404, Vec::new(), Vec::new()),
        }
    });
    (served, digest)
}

#[test]
fn an_artifact_is_files_by_their_titles_pinned_and_used_again_without_a_request() {
    let (served, digest) =
        artifact(&[(Some("policy/a.rego"), b"1", false), (Some("data/d.yaml"), b"x: 1", false), (None, b"no", false)]);
    let mut bench = Bench::new();
    let registry = served.registry();
    for (name, pinned) in [
        (format!("oci::{registry}/a/b:v1"), format!("oci::{registry}/a/b:v1@{digest}")),
        (format!("oci::https://{registry}/a/b"), format!("oci::{registry}/a/b@{digest}")),
        (format!("{registry}/a/b:v1"), format!("oci::{registry}/a/b:v1@{digest}")),
    ] {
        let fetched = bench.fetch(&[&name]).unwrap();
        assert_eq!((text(&fetched[0], "policy/a.rego"), text(&fetched[0], "data/d.yaml")), ("1".into(), "x: 1".into()));
        assert_eq!(fs_err::read_dir(fetched[0].path()).unwrap().count(), 2);
        assert_eq!(fetched[0].pinned(), pinned);
    }
    let before = served.requests().len();
    bench.offline = true;
    let fetched = bench.fetch(&[&format!("oci::{registry}/a/b:v1@{digest}")]).unwrap();
    assert_eq!((text(&fetched[0], "policy/a.rego"), served.requests().len()), ("1".into(), before));
    assert!(bench.cache().join("sha256").join(digest.hex()).is_file());
}

#[test]
fn a_changed_cache_does_not_change_an_artifact() {
    let (served, digest) = artifact(&[(Some("a.rego"), b"good", false)]);
    let bench = Bench::new();
    let source = format!("oci::{}/a/b@{digest}", served.registry());
    bench.fetch(&[&source]).unwrap();
    for entry in fs_err::read_dir(bench.cache().join("sha256")).unwrap() {
        fs_err::write(entry.unwrap().path(), b"evil").unwrap();
    }
    assert_eq!(text(&bench.fetch(&[&source]).unwrap()[0], "a.rego"), "good");
}

#[test]
fn an_artifact_that_is_hostile_or_none_is_refused() {
    #[rustfmt::skip]
    let table: [(&[Layer<'_>], &str); 6] = [
        (&[(Some("../a.rego"), b"1", false)], "outside of the source's directory"),
        (&[(Some("/a.rego"), b"1", false)], "outside of the source's directory"),
        (&[(Some("a"), b"1", false), (Some("a"), b"2", false)], "is duplicated"),
        (&[(None, b"1", false)], "holds no files"),
        (&[(Some("a"), b"12345678901", false)], "of more than 10 bytes"),
        (&[(Some("a"), b"no gzip", true)], "is not a valid tar"),
    ];
    for (layers, says) in table {
        let (served, _) = artifact(layers);
        let mut bench = Bench::new();
        bench.limits.file_bytes = 10;
        let error = bench.error(&format!("oci::{}/a/b:v1", served.registry()));
        assert!(error.contains(says), "{error} lacks {says}");
        assert!(bench.is_tidy());
    }
    let many = vec![(Some("a"), &b"1"[..], false); 1001];
    let (served, _) = artifact(&many);
    assert!(Bench::new().error(&format!("oci::{}/a/b:v1", served.registry())).contains("more than 1000 layers"));
}

#[test]
fn a_file_from_the_web_is_read_within_its_limits() {
    let served = TestRegistry::start(|path, _| match path {
        "/a.yaml" => Reply::Whole(200, Vec::new(), b"a: 1".to_vec()),
        "/long" => Reply::Announced(1 << 40, b"x".to_vec()),
        "/endless" => Reply::Endless,
        "/hang" => Reply::Hang,
        _ => Reply::Whole(404, Vec::new(), Vec::new()),
    });
    let limits =
        FetchLimits { file_bytes: 1000, http_time: std::time::Duration::from_secs(3), ..FetchLimits::default() };
    // By plain HTTP, which `SourceRef` does not let through: the server of these tests has no certificate.
    let options = FetchOptions { limits, ..FetchOptions::default() };
    let get = |path: &str| {
        download(&format!("http://{}{path}", served.registry()).parse().unwrap(), &options)
            .map_err(|why| why.to_string())
    };
    assert_eq!(get("/a.yaml").unwrap(), b"a: 1");
    for (path, says) in [
        ("/none", "status 404"),
        ("/long", "more than 1000 bytes"),
        ("/endless", "more than 1000 bytes"),
        ("/hang", "longer than 3 seconds"),
    ] {
        let error = get(path).unwrap_err();
        assert!(error.contains(says), "{path}: {error}");
    }
}

#[test]
fn a_folder_is_used_where_it_is_and_an_archive_is_unpacked() {
    let bench = Bench::new();
    let folder = bench.folder.path().join("p");
    fs_err::create_dir(&folder).unwrap();
    let fetched = bench.fetch(&[&format!("file::{}", folder.display())]).unwrap();
    assert_eq!(fetched[0].path(), Path::new(&folder));
    assert_eq!(fetched[0].pinned(), format!("file::{}", folder.display()));

    let archive = bench.folder.path().join("p.tar");
    let mut builder = tar::Builder::new(fs_err::File::create(&archive).unwrap());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    builder.append_data(&mut header, "a.rego", &b"1"[..]).unwrap();
    builder.finish().unwrap();
    let fetched = bench.fetch(&[archive.to_str().unwrap()]).unwrap();
    assert_eq!(text(&fetched[0], "a.rego"), "1");
    drop(fetched);
    assert!(bench.is_tidy());
}

#[test]
fn the_limits_in_use_are_those_that_are_written_down() {
    let limits = FetchLimits::default();
    assert_eq!((limits.files, limits.depth), (20_000, 32));
    assert_eq!((limits.file_bytes, limits.tree_bytes, limits.git_bytes), (64 << 20, 512 << 20, 1 << 30));
    assert_eq!((limits.git_time.as_secs(), limits.http_time.as_secs()), (300, 60));
    assert!(matches!(SourceRef::parse("http://x/y").unwrap_err().kind, FetchErrorKind::Insecure));
}
