//! Trees of all shapes, each beside a folder outside that must stay as it was.

use super::*;

fn small() -> FetchLimits {
    FetchLimits { files: 3, depth: 3, file_bytes: 10, tree_bytes: 15, ..FetchLimits::default() }
}

fn filled(files: &[(&str, &str)], links: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tree");
    fs_err::create_dir(&root).unwrap();
    let limits = small();
    let mut tree = Tree::new(&root, &limits).unwrap();
    let fill = |tree: &mut Tree<'_>| -> Result<(), FetchErrorKind> {
        for (name, text) in files {
            tree.file(name, &mut text.as_bytes())?;
        }
        for (name, target) in links {
            tree.link(name, target)?;
        }
        Ok(())
    };
    fill(&mut tree).and_then(|()| tree.finish()).map_err(|why| why.to_string())?;
    let mut names: Vec<String> =
        fs_err::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    Ok(names)
}

#[test]
fn files_and_links_within_the_folder_are_made_and_links_to_nothing_left_out() {
    assert_eq!(filled(&[("a", "1"), ("b/c", "2")], &[("d", "b/c")]).unwrap(), ["a", "b", "d"]);
    assert_eq!(filled(&[("a", "1")], &[("d", "none"), ("e", "e")]).unwrap(), ["a"]);
}

#[test]
fn no_entry_gets_out_of_the_folder() {
    for name in ["../x", "/x", "a/../x", "a//x", "", ".", "a\\x", "a\0x"] {
        assert!(filled(&[(name, "x")], &[]).is_err(), "{name:?}");
    }
    for (links, says) in [
        (&[("l", "/etc")][..], "points outside"),
        (&[("l", "..")], "points outside"),
        (&[("a/b/l", "../.."), ("m", "a/b/l/../..")], "points outside"),
        (&[("l", "../tree/../..")], "points outside"),
    ] {
        let error = filled(&[], links).unwrap_err();
        assert!(error.contains(says), "{links:?}: {error}");
    }
    assert!(filled(&[("l/x", "1"), ("l/x", "2")], &[]).unwrap_err().contains("duplicated"));
    // A file is not written through a link of the same name.
    assert!(filled(&[("l/x", "1")], &[("l", "/tmp")]).is_err());
}

#[test]
fn every_limit_is_an_error_and_not_a_shorter_source() {
    for (files, says) in [
        (&[("a", "12345678901")][..], "of more than 10 bytes"),
        (&[("a", "1234567890"), ("b", "123456")], "more than 15 bytes"),
        (&[("a", ""), ("b", ""), ("c", ""), ("d", "")], "more than 3 files"),
        (&[("a/b/c/d", "")], "nested too deeply"),
    ] {
        let error = filled(files, &[]).unwrap_err();
        assert!(error.contains(says), "{files:?}: {error}");
    }
    assert!(filled(&[("a", "1234567890"), ("b", "12345")], &[]).is_ok());
}

/// Everything below a folder, by name.
fn listing(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        names.push(entry.path().display().to_string());
        if entry.file_type().unwrap().is_dir() {
            names.extend(listing(&entry.path()));
        }
    }
    names.sort();
    names
}

#[test]
fn nothing_is_made_through_a_link_and_a_refused_tree_leaves_nothing() {
    // Each is a list of entries in order: a name with a target is a link, one without a file.
    let up = "../".repeat(30);
    for entries in [
        &[("x", Some("OUTSIDE")), ("x/newdir/planted", Some("UP/etc/hostname"))][..],
        &[("x", Some("OUTSIDE")), ("x/newdir/y", None)],
        &[("x", Some("../outside")), ("x/y", None)],
        &[("a", None), ("x", Some("../outside")), ("x/y", Some("../tree/a"))],
        &[("d/x", Some("../../outside")), ("d/x/newdir/y", Some("z"))],
        &[("x", Some("y")), ("y", Some("../outside")), ("x/n/z", None)],
        &[("x", Some(".")), ("x/n/z", Some("../../outside"))],
        &[("x/y", None), ("x", Some("../outside"))],
        &[("a", None), ("b", None), ("c", Some("../outside/kept"))],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("tree"), folder.path().join("outside"));
        fs_err::create_dir(&root).unwrap();
        fs_err::create_dir(&outside).unwrap();
        fs_err::write(outside.join("kept"), "as it was").unwrap();
        let before = listing(&outside);
        let limits = FetchLimits::default();
        let mut tree = Tree::new(&root, &limits).unwrap();
        let mut fill = || {
            for (name, target) in entries {
                match target {
                    Some(target) => {
                        let below = outside.display().to_string();
                        let target = target.replace("OUTSIDE", &format!("{up}{}", below.trim_start_matches('/')));
                        tree.link(name, &target.replace("UP/", &up))?;
                    }
                    None => tree.file(name, &mut &b"planted"[..])?,
                }
            }
            Ok::<(), FetchErrorKind>(())
        };
        let filled = fill();
        let refused = filled.and_then(|()| tree.finish());
        assert!(matches!(refused, Err(FetchErrorKind::Hostile { .. })), "{entries:?}: {refused:?}");
        assert_eq!(listing(&outside), before, "{entries:?}");
        assert_eq!(fs_err::read_to_string(outside.join("kept")).unwrap(), "as it was");
        assert_eq!(listing(&root), [""; 0], "{entries:?} leaves nothing");
    }
}

#[test]
fn the_target_of_a_link_stays_within_its_limit() {
    for (target, says) in [
        ("x".repeat(1025), "too long"),
        (String::new(), "with an invalid target"),
        ("a\0".to_owned(), "invalid target"),
    ] {
        let error = filled(&[("a", "1")], &[("l", &target)]).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    assert!(filled(&[("a", "1")], &[("l", &"./".repeat(512))]).unwrap_err().contains("resolves through too many"));
}

#[test]
fn a_link_cannot_be_put_in_a_folder_s_place_while_a_tree_is_filled() {
    let folder = tempfile::tempdir().unwrap();
    let (root, outside) = (folder.path().join("tree"), folder.path().join("outside"));
    for made in [&root, &outside] {
        fs_err::create_dir(made).unwrap();
    }
    let limits = FetchLimits::default();
    let mut tree = Tree::new(&root, &limits).unwrap();
    tree.file("d/a", &mut &b"1"[..]).unwrap();
    // Somebody else's hand.
    fs_err::remove_dir_all(root.join("d")).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("d")).unwrap();
    assert!(tree.file("d/b", &mut &b"2"[..]).is_err());
    drop(tree);
    assert_eq!(listing(&outside), [""; 0]);
    assert!(Tree::new(&root, &limits).is_ok());
    fs_err::remove_dir(&root).unwrap();
    std::os::unix::fs::symlink(&outside, &root).unwrap();
    assert!(Tree::new(&root, &limits).is_err(), "nor is the folder itself a link");
}

#[test]
fn folders_that_only_hold_other_folders_are_counted() {
    let error = filled(&[("a/b/x", "1"), ("c/d/x", "2")], &[]).unwrap_err();
    assert!(error.contains("more than 3 folders"), "{error}");
}

#[test]
fn a_tree_ends_with_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let limits = FetchLimits { deadline: Some(std::time::Instant::now()), ..FetchLimits::default() };
    let mut tree = Tree::new(folder.path(), &limits).unwrap();
    assert!(matches!(tree.file("a", &mut &b"1"[..]), Err(FetchErrorKind::RunDeadline)));
    assert!(matches!(tree.link("a", "b"), Err(FetchErrorKind::RunDeadline)));
}
