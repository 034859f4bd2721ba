//! Inside a crate, modules import in one direction: no file imports another that imports it, by whatever detour. A parent
//! and what is below it may import each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use regex::Regex;

use crate::tidy::root;

/// A module by the names on its way from the crate.
type Module = Vec<String>;

/// The files of a crate by the modules that they are.
fn modules(source: &Path) -> BTreeMap<Module, String> {
    fn walk(folder: &Path, at: &Module, found: &mut BTreeMap<Module, String>) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let below = [at.clone(), vec![name.clone()]].concat();
            if path.is_dir() {
                walk(&path, &below, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let is_parent = ["mod", "lib", "main"].contains(&name.as_str());
                found.insert(if is_parent { at.clone() } else { below }, fs_err::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(source, &vec![], &mut found);
    found
}

/// The paths of a `use` behind their common beginning.
fn expanded(start: &[String], tree: &str, found: &mut Vec<Module>) {
    let mut depth = 0;
    let parts = tree.split(|character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        character == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let (path, below) = part.split_once('{').map_or((part, None), |(path, below)| (path, Some(below)));
        let path = path.split(" as ").next().unwrap().split("::").map(str::trim).filter(|name| !name.is_empty());
        let path = [start.to_vec(), path.map(str::to_owned).collect()].concat();
        match below {
            Some(below) => expanded(&path, below.trim_end().trim_end_matches('}'), found),
            None => found.push(path),
        }
    }
}

/// The modules that a module imports, without those above and below it. Tests at its end are not part of it.
fn imports(module: &Module, code: &str, all: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let code = code.split("#[cfg(test)]\nmod tests").next().unwrap();
    let code = Regex::new("//.*").unwrap().replace_all(code, "");
    let mut paths = vec![];
    for found in Regex::new(r"\buse\s+((?:crate|super|self)\b[^;]*);").unwrap().captures_iter(&code) {
        expanded(&[], &found[1], &mut paths);
    }
    for found in Regex::new(r"\b(?:crate|super)(?:::\w+)+").unwrap().find_iter(&code) {
        paths.push(found.as_str().split("::").map(str::to_owned).collect());
    }
    let mut imported = BTreeSet::new();
    for path in paths {
        let mut target = if path[0] == "crate" { vec![] } else { module.clone() };
        for name in path {
            match name.as_str() {
                "crate" | "self" => {}
                "super" => drop(target.pop()),
                _ => target.push(name),
            }
        }
        // The last names are items, and what is no file of its own belongs to the one around it.
        while !all.contains_key(&target) && target.pop().is_some() {}
        if !target.starts_with(module) && !module.starts_with(&target) {
            imported.insert(target);
        }
    }
    imported
}

/// The modules that can be reached.
fn reached(from: &Module, imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(module) = open.pop() {
        open.extend(imports.get(module).into_iter().flatten().filter(|module| found.insert((*module).clone())));
    }
    found
}

/// The modules of a crate that import themselves by way of others.
fn circles(source: &Path) -> Vec<String> {
    let all = modules(source);
    let is_test = |module: &Module| module.iter().any(|name| name == "tests" || name.ends_with("_tests"));
    let imports: BTreeMap<_, _> = all
        .iter()
        .filter(|(module, _)| !is_test(module))
        .map(|(module, code)| (module.clone(), imports(module, code, &all)))
        .collect();
    imports
        .keys()
        .filter(|module| reached(module, &imports).contains(*module))
        .map(|module| module.join("::"))
        .collect()
}

#[test]
fn modules_of_a_crate_import_in_one_direction() {
    let mut crates = 0;
    for entry in fs_err::read_dir(root().join("host")).unwrap() {
        let path = entry.unwrap().path();
        let found = circles(&path.join("src"));
        assert!(found.is_empty(), "{}: {found:?}", path.display());
        crates += 1;
    }
    assert!(crates >= 17, "{crates}");
}

#[test]
fn a_circle_is_found_and_a_parent_with_its_child_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    };
    write("lib.rs", "mod a;\nmod b;\nuse a::A;\n");
    write("a/mod.rs", "mod low;\nuse self::low::Low;\npub struct A;\n");
    write("a/low.rs", "use super::A;\nuse crate::b::{B, C};\npub struct Low;\n");
    write("b.rs", "pub struct B;\n");
    assert!(circles(folder.path()).is_empty());
    write("b.rs", "pub fn f(_: &crate::a::low::Low) {}\n");
    assert_eq!(circles(folder.path()), ["a::low", "b"]);
}
