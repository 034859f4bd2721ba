//! A folder with code, and what may be wrong with it.

use std::os::unix::fs::symlink;

use super::*;
use crate::{
    Engine, EngineOptions, Plugin,
    engine_config::{Metering, compiling_engine},
    test_support::built,
};

fn manifest() -> RawManifest {
    RawManifest {
        name: "gate".to_owned(),
        version: "1.0.0".to_owned(),
        summary: String::new(),
        license: String::new(),
        source: String::new(),
        documentation: String::new(),
        params: r#"{"type": "object"}"#.to_owned(),
        permissions: Vec::new(),
        limits: Vec::new(),
        rules: Vec::new(),
    }
}

struct Kept {
    _folder: tempfile::TempDir,
    cache: CodeCache,
    engine: wasmtime::Engine,
    component: Digest,
}

impl Kept {
    /// A cache with the code of the smallest component.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::new(folder.path().join("plugins"));
        let engine = compiling_engine(Metering::Fuel, false).unwrap();
        let component = Digest::of(b"component");
        let kept = Self { _folder: folder, cache, engine, component };
        assert!(kept.find().is_none());
        kept.keep(&kept.component);
        kept
    }

    fn keep(&self, component: &Digest) {
        let code = self.engine.precompile_component(&wat::parse_str("(component)").unwrap()).unwrap();
        let reserved = self.cache.reserve(&self.engine, component).unwrap();
        reserved.file().unwrap().write_all(&code).unwrap();
        assert!(reserved.component(&self.engine).is_ok());
        reserved.keep("check", &manifest()).unwrap();
    }

    fn find(&self) -> Option<(Component, Record)> {
        self.find_of(&self.engine, &self.component)
    }

    fn find_of(&self, engine: &wasmtime::Engine, component: &Digest) -> Option<(Component, Record)> {
        self.cache.find(engine, component, self.cache.known(component)?)
    }

    fn file(&self, end: &str) -> PathBuf {
        self.cache.path().join(engine_name(&self.engine)).join(self.component.hex()).with_extension(end)
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn code_is_found_with_what_is_known_of_its_component() {
    let kept = Kept::new();
    let (_, record) = kept.find().unwrap();
    assert_eq!((record.world.as_str(), record.manifest), ("check", manifest()));
    assert_eq!(kept.cache.known(&kept.component).unwrap().record.world, "check");
    assert!(kept.cache.known(&Digest::of(b"other")).is_none());
    let other = compiling_engine(Metering::Time, false).unwrap();
    assert!(kept.find_of(&other, &kept.component).is_none(), "other options are other code");
    let names: Vec<_> = entries(kept.file("cwasm").parent().unwrap()).unwrap();
    assert_eq!(names.len(), 3, "no temporary file stays: {names:?}");
    for path in names.iter().chain([&kept.cache.folder]) {
        assert_eq!(fs_err::metadata(path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn damaged_code_is_not_run() {
    let kept = Kept::new();
    let mut code = fs_err::read(kept.file("cwasm")).unwrap();
    let middle = code.len() / 2;
    *code.get_mut(middle).unwrap() ^= 1;
    fs_err::write(kept.file("cwasm"), code).unwrap();
    assert!(kept.find().is_none());
    kept.keep(&kept.component);
    assert!(kept.find().is_some(), "it is replaced");
    fs_err::write(kept.file("json"), "{}").unwrap();
    assert!(kept.find().is_none());
}

#[test]
fn files_that_others_can_write_or_that_are_links_are_not_used() {
    let kept = Kept::new();
    for path in [kept.file("cwasm"), kept.file("json"), kept.cache.folder.clone()] {
        let mode = fs_err::metadata(&path).unwrap().permissions().mode();
        set_mode(&path, mode | 0o020);
        assert!(kept.find().is_none(), "{}", path.display());
        set_mode(&path, mode);
        assert!(kept.find().is_some());
    }
    let elsewhere = kept.cache.folder.with_file_name("elsewhere");
    fs_err::rename(kept.file("cwasm"), &elsewhere).unwrap();
    symlink(&elsewhere, kept.file("cwasm")).unwrap();
    assert!(kept.find().is_none(), "a link");
    fs_err::remove_file(kept.file("cwasm")).unwrap();
    fs_err::hard_link(&elsewhere, kept.file("cwasm")).unwrap();
    assert!(kept.find().is_none(), "a second name");
    set_mode(&kept.cache.folder, 0o755);
    assert!(kept.cache.reserve(&kept.engine, &kept.component).is_err());
}

#[test]
fn the_least_recently_used_code_is_removed() {
    let kept = Kept::new();
    let second = Digest::of(b"second");
    kept.keep(&second);
    let old = SystemTime::UNIX_EPOCH;
    File::options().write(true).open(kept.file("cwasm")).unwrap().set_modified(old).unwrap();
    let listed = kept.cache.list().unwrap();
    assert_eq!(
        listed.iter().map(|one| one.component.as_str()).collect::<Vec<_>>(),
        [kept.component.to_string(), second.to_string()]
    );
    let size: u64 = listed.iter().map(|one| one.size).sum();
    assert!(kept.cache.prune(size).unwrap().is_empty());
    assert_eq!(kept.cache.prune(size - 1).unwrap().len(), 1);
    assert!(kept.find().is_none() && kept.find_of(&kept.engine, &second).is_some());
    assert_eq!(kept.cache.prune(0).unwrap().len(), 1);
    assert!(kept.cache.list().unwrap().is_empty());
}

#[test]
fn a_folder_that_does_not_exist_is_empty() {
    assert!(CodeCache::new("/nonexistent/plugins".into()).list().unwrap().is_empty());
}

#[test]
fn a_plugin_in_the_cache_is_loaded_without_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let cache = CodeCache::new(folder.path().join("plugins"));
    let options = || EngineOptions { cache: Some(cache.clone()), ..EngineOptions::in_process(1) };
    let engine = Engine::new(options()).unwrap();
    let bytes = built("tests/guests/hostile-reporter");
    let digest = Digest::of(&bytes);
    assert!(Plugin::load_cached(&engine, "x", &digest).is_none());
    let described = Plugin::load(&engine, "x", &bytes).unwrap();
    // As the child process compiles it.
    let wasmtime = engine.wasmtime(Metering::Time).unwrap();
    let code = compiling_engine(Metering::Time, false).unwrap().precompile_component(&bytes).unwrap();
    let reserved = cache.reserve(wasmtime, &digest).unwrap();
    reserved.file().unwrap().write_all(&code).unwrap();
    let raw = RawManifest { name: described.manifest().name.clone(), ..manifest() };
    reserved.keep(described.world(), &raw).unwrap();
    for cache in [cache.clone(), cache.clone().without_verification()] {
        let other = Engine::new(EngineOptions { cache: Some(cache), ..EngineOptions::in_process(1) }).unwrap();
        let cached = Plugin::load_cached(&other, "x", &digest).unwrap().unwrap();
        assert_eq!((cached.world(), cached.manifest().name.as_str()), ("reporter", "hostile-reporter"));
        assert_eq!(cached.digest(), &digest);
    }
}

#[test]
fn the_code_of_a_component_is_kept_for_one_with_the_same_code() {
    let kept = Kept::new();
    let other = Digest::of(b"the same with its manifest in it");
    kept.cache.keep_as(&kept.engine, &kept.component, &other).unwrap();
    assert!(kept.find_of(&kept.engine, &other).is_some() && kept.find().is_some());
    assert!(kept.cache.keep_as(&kept.engine, &Digest::of(b"unknown"), &other).is_err());
}
