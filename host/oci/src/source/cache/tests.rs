//! Caches that others had their hands on.

use super::*;

#[test]
fn a_blob_that_is_not_what_its_name_says_is_not_read_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let digest = Digest::of(b"good");
    assert_eq!(cache.blob(&digest, 10), None);
    cache.keep_blob(&digest, b"good");
    assert_eq!(cache.blob(&digest, 10).as_deref(), Some(&b"good"[..]));
    assert_eq!(cache.blob(&digest, 3), None, "over the limit");
    let path = folder.path().join("sha256").join(digest.hex());
    fs_err::write(&path, b"evil").unwrap();
    assert_eq!(cache.blob(&digest, 10), None);
    assert!(!path.exists());
}

#[test]
fn leftovers_go_when_they_are_old() {
    let folder = tempfile::tempdir().unwrap();
    Cache::open(folder.path()).unwrap();
    let (old, new) = (folder.path().join("work/run-old"), folder.path().join("work/run-new"));
    for path in [&old, &new] {
        fs_err::create_dir(path).unwrap();
    }
    let made = fs_err::metadata(&new).unwrap().modified().unwrap();
    std::fs::File::open(&old).unwrap().set_modified(made - 2 * LEFTOVERS).unwrap();
    Cache::open(folder.path()).unwrap();
    assert!(!old.exists() && new.exists());
}

#[test]
fn only_its_owner_may_read_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    Cache::open(&folder.path().join("cache")).unwrap();
    for name in ["cache", "cache/git", "cache/work"] {
        let mode = fs_err::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}

fn mode(path: &Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_cache_that_others_can_write_to_is_refused() {
    for name in ["", "sha256", "git", "work"] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("cache");
        Cache::open(&root).unwrap();
        for bits in [0o777, 0o770, 0o702] {
            mode(&root.join(name), bits);
            let error = Cache::open(&root).unwrap_err();
            assert!(error.to_string().contains("writable by others"), "{name} {bits:o}: {error}");
        }
        mode(&root.join(name), 0o755);
        assert!(Cache::open(&root).is_ok(), "{name}");
    }
}

#[test]
fn a_cache_of_another_user_or_behind_a_link_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    Cache::open(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    assert!(Cache::open(&link).unwrap_err().to_string().contains("it is a link"));
    fs_err::remove_dir_all(real.join("git")).unwrap();
    std::os::unix::fs::symlink(folder.path(), real.join("git")).unwrap();
    assert!(Cache::open(&real).is_err());
    // Only root can give a folder away.
    let given = folder.path().join("given");
    Cache::open(&given).unwrap();
    if std::os::unix::fs::chown(&given, Some(65_534), None).is_ok() && geteuid().as_raw() != 65_534 {
        assert!(Cache::open(&given).unwrap_err().to_string().contains("another user"));
    }
}

#[test]
fn nothing_is_unpacked_where_others_could_put_another_folder_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    fs_err::create_dir(&shared).unwrap();
    let root = shared.join("cache");
    for (bits, is_inside) in [(0o755, true), (0o777, false), (0o1777, true), (0o775, false)] {
        mode(&shared, bits);
        let cache = Cache::open(&root).unwrap();
        let work = cache.work().unwrap();
        let real = fs_err::canonicalize(&root).unwrap();
        assert_eq!(work.path().starts_with(real), is_inside, "{bits:o}");
        assert_eq!(fs_err::metadata(work.path()).unwrap().mode() & 0o777, 0o700);
        // Entries are still used: they are checked when they are read.
        cache.keep_blob(&Digest::of(b"x"), b"x");
        assert!(cache.blob(&Digest::of(b"x"), 1).is_some());
    }
}

#[test]
fn an_entry_that_is_a_pipe_a_link_or_a_folder_counts_as_absent_and_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let (digest, elsewhere) = (Digest::of(b"good"), folder.path().join("elsewhere"));
    fs_err::write(&elsewhere, b"good").unwrap();
    let commit = "0123456789012345678901234567890123456789";
    let (blob, pack) =
        (folder.path().join("sha256").join(digest.hex()), folder.path().join("git").join(pack_name(commit)));
    for make in [
        (|path: &Path, _: &Path| {
            let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
            assert!(made.success());
        }) as fn(&Path, &Path),
        |path, elsewhere| std::os::unix::fs::symlink(elsewhere, path).unwrap(),
    ] {
        make(&blob, &elsewhere);
        make(&pack, &elsewhere);
        assert_eq!(cache.blob(&digest, 10), None);
        assert!(cache.pack(commit).is_none());
        assert!(fs_err::symlink_metadata(&blob).is_err() && fs_err::symlink_metadata(&pack).is_err(), "they are gone");
        cache.keep_blob(&digest, b"good");
        assert!(cache.blob(&digest, 10).is_some());
        fs_err::remove_file(&blob).unwrap();
    }
    fs_err::create_dir(&blob).unwrap();
    assert_eq!(cache.blob(&digest, 10), None);
}

#[test]
fn what_was_not_read_for_the_longest_time_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache { limit: 3_000, ..Cache::open(folder.path()).unwrap() };
    let blobs: Vec<Vec<u8>> = (0..4).map(|number| vec![number; 1_000]).collect();
    let digests: Vec<Digest> = blobs.iter().map(|blob| Digest::of(blob)).collect();
    let path = |number: usize| folder.path().join("sha256").join(digests[number].hex());
    for number in 0..3 {
        cache.keep_blob(&digests[number], &blobs[number]);
        // An hour apart, whatever the resolution of the disk's clock.
        let file = std::fs::File::open(path(number)).unwrap();
        let made = file.metadata().unwrap().modified().unwrap();
        file.set_modified(made - Duration::from_secs(3600 * (10 - number as u64))).unwrap();
    }
    assert!(cache.blob(&digests[0], 1_000).is_some(), "it is read, and so the newest");
    cache.keep_blob(&digests[3], &blobs[3]);
    let left: Vec<bool> = (0..4).map(|number| path(number).exists()).collect();
    assert_eq!(left, [true, false, true, true]);
}

#[test]
fn what_was_computed_is_found_again_unless_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let name = Digest::of(b"of what it was computed");
    let path = folder.path().join("derived").join(name.hex());
    assert_eq!(cache.derived(&name), None);
    cache.keep_derived(&name, b"computed");
    assert_eq!(cache.derived(&name).as_deref(), Some(&b"computed"[..]));
    let whole = fs_err::read(&path).unwrap();
    assert_eq!(fs_err::metadata(&path).unwrap().mode() & 0o777, 0o600);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        for damaged in [&whole[..at], &changed[..]] {
            fs_err::write(&path, damaged).unwrap();
            assert_eq!(cache.derived(&name), None, "{at}");
            assert!(!path.exists(), "what is damaged goes");
        }
    }
    fs_err::write(&path, [whole.as_slice(), b"more"].concat()).unwrap();
    assert_eq!(cache.derived(&name), None);
    fs_err::write(folder.path().join("derived").join(Digest::of(b"other").hex()), &whole).unwrap();
    assert_eq!(cache.derived(&Digest::of(b"other")), None, "an entry by another name is none");
    cache.keep_derived(&name, b"");
    assert_eq!(cache.derived(&name).as_deref(), Some(&b""[..]));
}

#[test]
fn what_was_computed_by_another_user_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let name = Digest::of(b"x");
    cache.keep_derived(&name, b"computed");
    let path = folder.path().join("derived").join(name.hex());
    // Only root can give a file away.
    if std::os::unix::fs::chown(&path, Some(65_534), None).is_ok() && geteuid().as_raw() != 65_534 {
        assert_eq!(cache.derived(&name), None);
        assert!(!path.exists());
    }
    let elsewhere = folder.path().join("elsewhere");
    cache.keep_derived(&name, b"computed");
    fs_err::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(cache.derived(&name), None, "a link is none");
}

#[test]
fn nothing_computed_is_used_where_others_could_put_another_folder_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    fs_err::create_dir(&shared).unwrap();
    let name = Digest::of(b"x");
    for (bits, is_used) in [(0o755, true), (0o777, false), (0o1777, true)] {
        mode(&shared, bits);
        let cache = Cache::open(&shared.join("cache")).unwrap();
        cache.keep_derived(&name, b"computed");
        assert_eq!(cache.derived(&name).is_some(), is_used, "{bits:o}");
    }
}

#[test]
fn what_was_computed_counts_towards_the_limit_of_all_entries() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache { limit: 10_000, ..Cache::open(folder.path()).unwrap() };
    let names: Vec<_> = (0..20_u8).map(|at| Digest::of(&[at])).collect();
    for name in &names {
        cache.keep_derived(name, &[1; 1_000]);
    }
    let entries = || fs_err::read_dir(folder.path().join("derived")).unwrap().map(|entry| entry.unwrap());
    let bytes: u64 = entries().map(|entry| entry.metadata().unwrap().len()).sum();
    assert!(bytes <= 10_000 && bytes > 5_000, "{bytes}");
    assert!(cache.derived(names.last().unwrap()).is_some(), "the newest stays");
    assert!(cache.derived(names.first().unwrap()).is_none(), "the oldest goes");
}

#[test]
fn what_was_computed_and_is_over_its_limit_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let name = Digest::of(b"x");
    let path = folder.path().join("derived").join(name.hex());
    let file = fs_err::File::create(&path).unwrap();
    file.set_len(DERIVED_BYTES + 33).unwrap();
    drop(file);
    assert_eq!(cache.derived(&name), None);
    assert!(!path.exists());
    cache.keep_derived(&name, &vec![0; usize::try_from(DERIVED_BYTES).unwrap() + 1]);
    assert!(!path.exists());
}
