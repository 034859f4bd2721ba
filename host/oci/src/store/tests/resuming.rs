//! Blobs that break off go on from there, and a run has a budget.

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use assay_model::{digest::Digest, error::ErrorCode};

use super::{blob, refused, registry::options, repository};
use crate::{
    ContentStore, RegistryOptions, RunBudget,
    test_support::{Reply, TestRegistry},
};

/// 10,000 bytes, no part of which is like another.
fn content() -> Vec<u8> {
    (0..10_000_u32).map(|number| u8::try_from(number * 7 % 251).unwrap()).collect()
}

/// A registry that sends so many bytes at a time. `parts` responds to a request for the bytes from this one on.
fn breaking(step: usize, parts: impl Fn(usize, usize) -> Reply + Send + Sync + 'static) -> (TestRegistry, String) {
    let registry = TestRegistry::start(move |path, _| match path.split_once(" bytes=") {
        None => Reply::Announced(10_000, content()[..step].to_vec()),
        Some((_, start)) => {
            let start: usize = start.trim_end_matches('-').parse().unwrap();
            parts(start, (start + step).min(10_000))
        }
    });
    let name = format!("{}/app", registry.registry());
    (registry, name)
}

fn honest(start: usize, end: usize) -> Reply {
    Reply::Part(start as u64, 10_000, content()[start..end].to_vec())
}

fn read_as_stream(store: &ContentStore, name: &str) -> Result<Vec<u8>, assay_model::error::EvaluationError> {
    let read = |from: &mut dyn std::io::Read| {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).map(|_| bytes).unwrap_or_default()
    };
    store.stream(&repository(name), &Digest::of(&content()), 20_000, read)
}

fn store() -> ContentStore {
    ContentStore::registry(options()).unwrap()
}

#[test]
fn a_blob_goes_on_where_it_broke_off_and_nothing_is_requested_twice() {
    let (registry, name) = breaking(4_000, honest);
    let digest = Digest::of(&content());
    assert_eq!(&*blob(&store(), &name, &digest, Some(10_000), 20_000).unwrap(), content());
    let ends: Vec<_> = registry.requests().iter().filter_map(|path| Some(path.split_once(' ')?.1.to_owned())).collect();
    assert_eq!(ends, ["bytes=4000-", "bytes=8000-"]);
    assert_eq!(read_as_stream(&store(), &name).unwrap(), content());
}

#[test]
fn the_whole_in_place_of_a_part_begins_anew() {
    let (_registry, name) = breaking(4_000, |_, _| Reply::Whole(200, Vec::new(), content()));
    let digest = Digest::of(&content());
    assert_eq!(&*blob(&store(), &name, &digest, Some(10_000), 20_000).unwrap(), content());
    refused(read_as_stream(&store(), &name), ErrorCode::RegistryError, &["invalid"]);
}

#[test]
fn parts_that_do_not_fit_are_found_by_the_digest_and_others_are_refused() {
    let digest = Digest::of(&content());
    let (_registry, name) = breaking(4_000, |start, _| Reply::Part(start as u64, 10_000, vec![7; 10_000 - start]));
    refused(blob(&store(), &name, &digest, Some(10_000), 20_000), ErrorCode::DigestMismatch, &["has the digest"]);
    refused(read_as_stream(&store(), &name), ErrorCode::DigestMismatch, &["has the digest"]);
    let (_registry, name) = breaking(4_000, |_, end| honest(0, end));
    refused(blob(&store(), &name, &digest, Some(10_000), 20_000), ErrorCode::RegistryError, &["another part"]);
    let unwanted = TestRegistry::start(|_, _| Reply::Part(0, 10_000, content()));
    let name = format!("{}/app", unwanted.registry());
    refused(blob(&store(), &name, &digest, Some(10_000), 20_000), ErrorCode::RegistryError, &["another part"]);
    // More and more parts are no way round the limit.
    let (_registry, name) = breaking(4_000, |start, _| Reply::Part(start as u64, 1 << 40, vec![7; 4_000]));
    refused(blob(&store(), &name, &digest, None, 9_000), ErrorCode::TooLarge, &["9000"]);
}

#[test]
fn a_run_has_a_budget_of_requests_and_bytes() {
    let registry = TestRegistry::start(|_, _| Reply::Whole(200, Vec::new(), content()));
    let name = format!("{}/app", registry.registry());
    let digest = Digest::of(&content());
    let with = |requests, bytes| {
        let options = RegistryOptions { budget: RunBudget { requests, bytes }, ..options() };
        ContentStore::registry(options).unwrap()
    };
    blob(&with(1, 10_000), &name, &digest, None, 20_000).unwrap();
    refused(blob(&with(1, 9_999), &name, &digest, None, 20_000), ErrorCode::TooLarge, &["more than 9999 bytes"]);
    refused(read_as_stream(&with(1, 9_999), &name), ErrorCode::TooLarge, &["more than 9999 bytes"]);
    let store = with(2, 1 << 20);
    for number in 0..3_u8 {
        let outcome = blob(&store, &name, &Digest::of(&[number]), None, 20_000);
        let code = if number < 2 { ErrorCode::DigestMismatch } else { ErrorCode::TooLarge };
        refused(outcome, code, &[]);
    }
    assert_eq!(registry.requests().len(), 5);
}

#[test]
fn a_blob_is_kept_on_disk_for_its_repository_alone() {
    let folder = tempfile::tempdir().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let registry = TestRegistry::start(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        Reply::Whole(200, Vec::new(), content())
    });
    let digest = Digest::of(&content());
    let read = |name: &str| {
        let cache = Some(crate::Cache::open(folder.path()).unwrap());
        let store = ContentStore::registry(RegistryOptions { cache, ..options() }).unwrap();
        assert_eq!(
            &*blob(&store, &format!("{}/{name}", registry.registry()), &digest, None, 20_000).unwrap(),
            content()
        );
        requests.load(Ordering::SeqCst)
    };
    assert_eq!((read("one"), read("one"), read("two"), read("two")), (1, 1, 2, 2));
    // What only an image names is not read from there, as the blob may have been read with credentials.
    let cache = Some(crate::Cache::open(folder.path()).unwrap());
    let store = ContentStore::registry(RegistryOptions { cache, ..options() }).unwrap().named_by_images();
    let outcome = blob(&store, &format!("{}/one", registry.registry()), &digest, None, 20_000);
    refused(outcome, ErrorCode::RegistryDenied, &["private network"]);
    for entry in fs_err::read_dir(folder.path().join("images")).unwrap() {
        fs_err::write(entry.unwrap().path(), b"other").unwrap();
    }
    assert_eq!(read("one"), 3, "what was changed is fetched again");
}

#[test]
fn one_host_gets_no_more_than_so_many_requests_at_a_time() {
    /// How many there are now, and were at most.
    type Counts = (Mutex<(usize, usize)>, Condvar);
    let counts: Arc<Counts> = Arc::default();
    let counted = Arc::clone(&counts);
    let registry = TestRegistry::start(move |_, _| {
        let mut state = counted.0.lock().unwrap();
        state.0 += 1;
        state.1 = state.1.max(state.0);
        counted.1.notify_all();
        // Each response waits until as many others are here as may be.
        let limit = Duration::from_secs(20);
        let (mut state, _) = counted.1.wait_timeout_while(state, limit, |(_, most)| *most < 16).unwrap();
        state.0 -= 1;
        Reply::Whole(404, Vec::new(), Vec::new())
    });
    let (store, name) = (store(), format!("{}/app", registry.registry()));
    std::thread::scope(|scope| {
        for number in 0..40_u8 {
            let (store, name) = (&store, &name);
            scope.spawn(move || blob(store, name, &Digest::of(&[number]), None, 9).map(drop).unwrap_err());
        }
    });
    assert_eq!(counts.0.lock().unwrap().1, 16);
}
