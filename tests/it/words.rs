//! The words of the project: plain American technical English, without the private terms that it once had.
//!
//! Help, documents, messages, identifiers and comments are split into words, and none of [`RETIRED`] may be among them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use crate::tidy::{root, sources};

/// Words with a better one: `(retired, use instead)`.
const RETIRED: &[(&str, &str)] = &[
    ("ask", "evaluate, request"),
    ("asked", "evaluated, requested"),
    ("asking", "evaluating, requesting"),
    ("asks", "evaluates, requests"),
    ("behaviour", "behavior"),
    ("behaviours", "behaviors"),
    ("catalogue", "catalog"),
    ("colour", "color"),
    ("coloured", "colored"),
    ("colours", "colors"),
    ("door", "API, port"),
    ("doors", "APIs, ports"),
    ("errand", "fetch"),
    ("favour", "favor"),
    ("honour", "honor"),
    ("honours", "honors"),
    ("judge", "evaluate, evaluator"),
    ("judged", "evaluated"),
    ("judgement", "evaluation"),
    ("judges", "evaluates, evaluators"),
    ("judging", "evaluating"),
    ("letter", "character"),
    ("letters", "characters"),
    ("licence", "license"),
    ("licences", "licenses"),
    ("misspelt", "misspelled"),
    ("moment", "time"),
    ("moments", "times"),
    ("neighbour", "neighbor"),
    ("neighbours", "neighbors"),
    ("organise", "organize"),
    ("recognise", "recognize"),
    ("recognised", "recognized"),
    ("tell", "report, show"),
    ("telling", "reporting"),
    ("tells", "reports, shows"),
    ("told", "reported, shown"),
    ("unasked", "by default"),
    ("untidy", "strict mode, unused"),
    ("unusable", "invalid"),
    ("usual", "default"),
    ("whoever", "anyone who, the caller"),
    ("workshop", "crate"),
    ("workshops", "crates"),
];

/// Phrases with a better one: `(retired, use instead)`. White space and comment marks between their words do not count.
const RETIRED_PHRASES: &[(&str, &str)] = &[
    ("for ever", "forever"),
    ("is a text", "is a string"),
    ("is no utf-8", "is not valid UTF-8"),
    ("may not ship", "failed"),
    ("may ship", "passed"),
    ("no answer", "error, could not be evaluated"),
    ("not a moment", "invalid timestamp"),
    ("to do:", "how to fix:"),
];

/// Where a retired word or phrase is right: `(part of the path, the word, the reason)`.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("tests/it/words.rs", "*", "the list itself"),
    ("host/cli/src/main.rs", "colour", "environment variables of `ec`"),
    ("docs/plugin-contract.md", "*", "the text of the published contract"),
    ("docs/reference/environment.md", "colour", "environment variables of `ec`"),
    ("host/model/src/image.rs", "letters", "of the alphabet"),
    ("host/model/src/date.rs", "letters", "of the alphabet"),
    ("/yaml_writer/order.rs", "letters", "of the alphabet"),
    ("host/gocompat/src/time.rs", "letters", "of the alphabet"),
    ("/purl.rs", "letters", "of the alphabet"),
    ("docs/plugin-contract.md", "asked", "the published contract, which is never edited"),
    ("docs/policies.md", "ask", "people ask maintainers"),
    ("policies/", "ask", "people ask maintainers"),
    ("examples/shop/", "catalogue", "the name of an image of the example"),
    ("README.md", "catalogue", "the name of an image of the example"),
    ("host/conforma/src/source_group/tests.rs", "colour", "recorded data"),
    ("host/wasm/src/manifest.rs", "letter", "of the alphabet"),
    ("host/wasm/src/manifest.rs", "letters", "of the alphabet"),
    ("xtask/src/fixtures/shop.rs", "catalogue", "the name of an image of the example"),
];

/// Retired words of a text, split at everything that is not alphabetic, at underscores, and between `aB`.
fn retired(text: &str) -> impl Iterator<Item = (usize, &'static str, &'static str)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut word = String::new();
        let mut last_lower = false;
        for character in line.chars().chain([' ']) {
            let splits = !character.is_alphabetic() || (last_lower && character.is_uppercase());
            if splits && !word.is_empty() {
                if let Some((retired, instead)) = RETIRED.iter().find(|(retired, _)| *retired == word) {
                    found.push((at, *retired, *instead));
                }
                word.clear();
            }
            last_lower = character.is_lowercase();
            word.extend(character.to_lowercase().filter(|lower| lower.is_alphabetic()));
        }
    }
    found.into_iter()
}

/// Retired phrases of a text, as whole words.
fn retired_phrases(text: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches(['/', '!']).to_lowercase());
    let text = lines.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let is_used = move |phrase: &str| {
        text.match_indices(phrase).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text.get(at + phrase.len()..).and_then(|after| after.chars().next());
            [before, after].into_iter().flatten().all(|character: char| !character.is_alphabetic())
        })
    };
    RETIRED_PHRASES.iter().copied().filter(move |(phrase, _)| is_used(phrase))
}

fn is_allowed(path: &str, word: &str) -> bool {
    ALLOWED.iter().any(|(part, allowed, _)| path.contains(part) && (*allowed == "*" || *allowed == word))
}

/// The uses of retired words and phrases in a file, `path:line: word (use …)`.
fn uses(path: &Path, text: &str) -> Vec<String> {
    let name = path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/");
    retired(text)
        .filter(|(_, word, _)| !is_allowed(&name, word))
        .map(|(line, word, instead)| format!("{name}:{}: {word} (use: {instead})", line + 1))
        .chain(
            retired_phrases(text)
                .filter(|(phrase, _)| !is_allowed(&name, phrase))
                .map(|(phrase, instead)| format!("{name}: {phrase} (use: {instead})")),
        )
        .collect()
}

fn help(arguments: &[String]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_assay")).args(arguments).arg("--help").env_clear().output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The help of a command and of all commands below it.
fn all_help(arguments: &[String], found: &mut Vec<(String, String)>) {
    let text = help(arguments);
    let commands = text.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    for name in commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = name.split_whitespace().next().unwrap();
        if name != "help" {
            all_help(&[arguments, &[name.to_owned()]].concat(), found);
        }
    }
    found.push((arguments.join(" "), text));
}

#[test]
fn no_help_has_a_retired_word() {
    let mut all = Vec::new();
    all_help(&[], &mut all);
    assert!(all.len() >= 25, "{} commands", all.len());
    let found: Vec<_> =
        all.iter().flat_map(|(command, text)| uses(Path::new(&format!("assay {command} --help")), text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_document_has_a_retired_word() {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    let mut documents: Vec<_> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .iter()
        .chain(&["policies/README.md", "fuzz/README.md"])
        .map(|name| root().join(name))
        .collect();
    for folder in ["docs", "examples", "packaging"] {
        walk(&root().join(folder), &mut documents);
    }
    let found: Vec<_> = documents.iter().flat_map(|path| uses(path, &fs_err::read_to_string(path).unwrap())).collect();
    assert!(found.is_empty(), "{} uses\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_source_file_has_a_retired_word() {
    let files: BTreeSet<_> = sources().into_iter().collect();
    let found: Vec<_> = files.iter().flat_map(|path| uses(path, &fs_err::read_to_string(path).unwrap())).collect();
    assert!(found.is_empty(), "{} uses\n{}", found.len(), found.join("\n"));
}

#[test]
fn words_are_found_in_names_of_every_form() {
    let words = |text: &str| retired(text).map(|(line, word, _)| (line, word)).collect::<Vec<_>>();
    assert_eq!(words("fn is_told() {}\nstruct JudgeKind;\n\"the usual\""), [(0, "told"), (1, "judge"), (2, "usual")]);
    assert_eq!(words("NO_ANSWER, Prejudge, task, letterhead"), []);
}

#[test]
fn phrases_are_found_across_lines_and_only_as_whole_words() {
    let phrases = |text: &str| retired_phrases(text).map(|(phrase, _)| phrase).collect::<Vec<_>>();
    assert_eq!(phrases("/// There is No\n    /// answer, and it loops for\tever."), ["for ever", "no answer"]);
    assert_eq!(phrases("for every reader; casino answer; it is a texture"), [""; 0]);
}
