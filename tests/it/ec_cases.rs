//! Recorded results of `ec`, replayed through a link of that name: exit code, standard output and every written file.
//!
//! The cases are not part of this repository; `cmd.txt` has lines `key: value`, then `--`, then one argument a line.
//! What differs from run to run (places, times, the version) is made equal on both sides. Standard error is for people
//! and is not compared.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::{SystemTime, UNIX_EPOCH},
};

use camino::{Utf8Path, Utf8PathBuf};
use regex::{Captures, Regex};

use crate::{
    fixture::{CommandOutput, ec_command},
    registry::Registry,
    shared::shared,
};

/// The cases with different results, and why. A case that is listed and does not differ any more fails the test.
const DIFFERENT: &[(&str, &str)] = &[
    ("out-all-pass", "in `ec` the summary's `success` is false whatever happened"),
    ("ruledata", "`json.marshal` writes numbers of data with other digits than they came with"),
];

/// `cmd.txt`: what is to be run.
struct Case {
    head: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Case {
    fn read(folder: &Path) -> Self {
        let text = fs_err::read_to_string(folder.join("cmd.txt")).unwrap();
        let mut lines = text.lines();
        let head = lines.by_ref().take_while(|line| *line != "--");
        let pair =
            |line: &str| line.split_once(':').map(|(key, value)| (key.to_owned(), value.trim().to_owned())).unwrap();
        let head = head.map(pair).collect();
        Self { head, arguments: lines.map(str::to_owned).collect() }
    }

    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.head.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// The places that a case names, each with the text it stands for.
type Names = Vec<(&'static str, String)>;

fn put(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Copies a folder, its placeholders filled in.
fn copy(from: &Path, to: &Utf8Path, names: &Names) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, names);
            continue;
        }
        let bytes = fs_err::read(entry.path()).unwrap();
        let bytes = String::from_utf8(bytes).map_or_else(|error| error.into_bytes(), |text| put(&text, names).into());
        fs_err::write(target, bytes).unwrap();
    }
}

/// All files below a folder by their path in it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs_err::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs_err::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "times between begin and end of a run are what it wrote as now")]
fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Replaces what differs from run to run.
struct Normal {
    names: Names,
    begun: f64,
    ended: f64,
}

impl Normal {
    fn text(&self, text: &str) -> String {
        let mut names = self.names.clone();
        names.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let mut text = text.to_owned();
        for (name, value) in &names {
            text = text.replace(value, &format!("{{{name}}}"));
        }
        let instant = |text: &str| text.parse::<jiff::Timestamp>().ok().map(|at| at.as_duration().as_secs_f64());
        let number = |text: &str| text.parse::<f64>().ok();
        let parse_rfc3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)";
        text = self.within(&text, parse_rfc3339, "{NOW}", &instant);
        let plain = |text: &str| instant(&format!("{}Z", text.replace(' ', "T")));
        text = self.within(&text, r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b", "{NOW}", &plain);
        text = self.within(&text, r"\b\d{19}\b", "{NOW_NS}", &|text| number(text).map(|ns| ns / 1e9));
        text = self.within(&text, r"\b\d{10}\b", "{NOW_S}", &number);
        let folder = Regex::new(r"\b(ecp_input\.)\d+").unwrap();
        text = folder.replace_all(&text, "${1}N").into_owned();
        let version = Regex::new(r#"(ec[-_]version"?: ?"?)[^",\n]+"#).unwrap();
        version.replace_all(&text, "${1}{VERSION}").into_owned()
    }

    fn within(&self, text: &str, form: &str, by: &str, timestamp: &dyn Fn(&str) -> Option<f64>) -> String {
        let form = Regex::new(form).unwrap();
        let replaced = form.replace_all(text, |found: &Captures<'_>| {
            let now = timestamp(&found[0]).is_some_and(|at| (self.begun - 5.0..=self.ended + 5.0).contains(&at));
            if now { by.to_owned() } else { found[0].to_owned() }
        });
        replaced.into_owned()
    }
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<_> = text.split('\n').collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// What the program does, in the form of the recorded files; standard error is left out.
fn replay(data: &Path, folder: &Path, case: &Case, registry: &Registry) -> BTreeMap<String, String> {
    let work = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(work.path().canonicalize().unwrap()).unwrap();
    let places = [("DIR", "in"), ("OUT", "out"), ("COMMON", "common"), ("TMP", "tmp"), ("HOME", "home")];
    let mut names: Names = places.iter().map(|(name, folder)| (*name, root.join(folder).to_string())).collect();
    names.push(("REGISTRY", registry.host()));
    for (_, place) in places {
        fs_err::create_dir_all(root.join(place)).unwrap();
    }
    copy(&data.join("common"), &root.join("common"), &names);
    copy(&folder.join("in"), &root.join("in"), &names);
    let arguments: Vec<String> = case.arguments.iter().map(|argument| put(argument, &names)).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = ec_command(&root, &arguments);
    command.current_dir(root.join("in")).stdin(Stdio::null()).env("HOME", root.join("home"));
    command.env("TMPDIR", root.join("tmp"));
    for (name, value) in case.all("env").filter_map(|pair| pair.split_once('=')) {
        command.env(name, put(value, &names));
    }
    let begun = seconds();
    let output = CommandOutput::of(&command.output().unwrap());
    let normal = Normal { names, begun, ended: seconds() };
    assert!(!output.err.contains("panicked"), "{output:?}");
    let mut got = BTreeMap::from([
        ("exit".to_owned(), format!("{}\n", output.code)),
        ("stdout".to_owned(), normal.text(&output.out)),
    ]);
    for (name, text) in files(root.join("out").as_std_path()) {
        got.insert(normal.text(&format!("out/{name}")), normal.text(&text));
    }
    if case.all("sort").any(|what| what == "lines") {
        got.values_mut().for_each(|text| *text = sorted(text));
    }
    got
}

/// The files that differ, with both contents.
fn differences(want: &BTreeMap<String, String>, got: &BTreeMap<String, String>) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = want.keys().chain(got.keys()).collect();
    let differs = |name: &&&String| want.get(**name) != got.get(**name);
    let shown = |name: &String| {
        let [want, got] = [want, got].map(|files| files.get(name).map_or("(no such file)", String::as_str));
        // The contents are long, and mostly the same.
        let same = want.chars().zip(got.chars()).take_while(|(want, got)| want == got).count();
        let [want, got] =
            [want, got].map(|text| text.chars().skip(same.saturating_sub(80)).take(300).collect::<String>());
        format!("--- {name}, recorded\n{want}\n+++ {name}, ours\n{got}")
    };
    names.iter().filter(differs).map(|name| shown(name)).collect()
}

#[test]
#[ignore = "needs shared data"]
fn recorded_results_of_ec_are_ours_too() {
    let data = shared("data/ec");
    let registry = Registry::start();
    registry.push_layout(&data.join("oci"));
    let mut folders: Vec<_> =
        fs_err::read_dir(data.join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut wrong = Vec::new();
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let case = Case::read(&folder);
        // Some need a checkout of other people's policies, or the one port that signed statements name.
        if case.all("needs").next().is_some() {
            continue;
        }
        let mut want = files(&folder.join("expected"));
        want.remove("stderr");
        let differences = differences(&want, &replay(&data, &folder, &case, &registry));
        let reason = DIFFERENT.iter().find(|(known, _)| *known == name).map(|(_, reason)| *reason);
        match (differences.is_empty(), reason) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(reason)) => wrong.push(format!("{name} is ec's result now, no longer different: {reason}")),
            (false, None) => wrong.push(format!("{name} differs\n{}", differences.join("\n"))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
