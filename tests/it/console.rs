//! The commands in the documents are run as they are written, and what they print is compared with what the documents show.
//!
//! A ```` ```console ```` block has commands after `$ `, each followed by what it prints; `echo $?` shows the exit code of the command
//! before. A command with another exit code than 0 must be followed by it. A command without output is only run. A block
//! without any `$ ` is commands alone, and a ```` ```text ```` block after `<!-- prints -->` is what the last of them prints. In output,
//! `...` stands for any number of lines and `…` for any characters of one. A block that cannot run here has
//! `<!-- not run: REASON -->` before it. A block of any language after `<!-- file: PATH -->` is written to that file. The
//! blocks of one document share a folder.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use regex::Regex;

use crate::{docs::documents, tidy::root};

/// How the documents start the program from a checkout.
const FROM_CHECKOUT: &str = "RUSTUP_AUTO_INSTALL=1 cargo run --release -p assay -- ";

/// One command with what it prints.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    command: String,
    /// What is printed, if the document shows it.
    prints: Option<Vec<String>>,
}

/// A block of commands, or a file.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    not_run: Option<String>,
    steps: Vec<Step>,
    /// The path of a file and its text, instead of commands.
    file: Option<(String, String)>,
}

/// A fenced block of a document: its first line, its language, its lines, and the line of text before it.
struct Fence<'a> {
    line: usize,
    language: &'a str,
    lines: Vec<&'a str>,
    before: &'a str,
}

fn fences(text: &str) -> Vec<Fence<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(usize, Fence<'_>)> = None;
    let mut before = "";
    for (at, line) in text.lines().enumerate() {
        let inner = line.trim_start();
        match &mut open {
            Some((indent, fence)) => {
                if inner == "```" {
                    found.extend(open.take().map(|(_, fence)| fence));
                    before = "";
                } else {
                    fence.lines.push(line.get(*indent..).unwrap_or_default());
                }
            }
            None => match inner.strip_prefix("```") {
                Some(language) => {
                    let fence = Fence { line: at + 1, language, lines: vec![], before };
                    open = Some((line.len() - inner.len(), fence));
                }
                None if !inner.is_empty() => before = inner,
                None => {}
            },
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// The blocks of commands in a document.
fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    for fence in fences(text) {
        let comment = |name: &str| {
            let inner = fence.before.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"))?;
            inner.strip_prefix(name).map(str::to_owned)
        };
        if let Some(path) = comment("file: ") {
            let text = fence.lines.iter().map(|line| format!("{line}\n")).collect();
            found.push(Block { line: fence.line, not_run: None, steps: vec![], file: Some((path, text)) });
        } else if fence.language == "text" && fence.before == "<!-- prints -->" {
            let last = found.last_mut().and_then(|block| block.steps.last_mut()).expect("a command before its output");
            last.prints = Some(fence.lines.iter().map(|line| (*line).to_owned()).collect());
        } else if fence.language == "console" {
            let not_run = comment("not run: ");
            found.push(Block { line: fence.line, not_run, steps: steps(&fence), file: None });
        }
    }
    found
}

fn steps(fence: &Fence<'_>) -> Vec<Step> {
    let only_commands = !fence.lines.iter().any(|line| line.starts_with("$ "));
    let mut steps: Vec<Step> = Vec::new();
    let mut continues = false;
    for (at, line) in fence.lines.iter().enumerate() {
        let begins = line.strip_prefix("$ ").or(only_commands.then_some(*line));
        match (steps.last_mut(), begins) {
            (Some(step), _) if continues => {
                step.command.push('\n');
                step.command.push_str(line);
            }
            (_, Some(command)) => {
                steps.push(Step { line: fence.line + at + 1, command: command.to_owned(), prints: None });
            }
            (Some(step), None) => step.prints.get_or_insert_default().push((*line).to_owned()),
            (None, None) => panic!("line {}: output before any command", fence.line + at + 1),
        }
        continues = (continues || begins.is_some()) && line.ends_with('\\');
    }
    steps
}

/// Whether lines are what is expected, where `...` stands for any lines and `…` for any characters.
fn matches(expected: &[String], lines: &[String]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first == "..." => (0..=lines.len()).any(|skip| matches(rest, &lines[skip..])),
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, others)| line_matches(first, line) && matches(rest, others))
        }
    }
}

fn line_matches(expected: &str, line: &str) -> bool {
    // What the program itself abbreviates with `…` is equal to it.
    let pattern = expected.split('…').map(regex::escape).collect::<Vec<_>>().join(".*");
    Regex::new(&format!("^{pattern}$")).unwrap().is_match(line)
}

/// Output without what differs from run to run: durations, and spaces at the end of a line.
fn settle(text: &str) -> String {
    static DURATION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b\d+(\.\d+)? ?(ms|s)\b").unwrap());
    DURATION.replace_all(text, "1 s").trim_end().to_owned()
}

/// A folder with what the documents name, and a shell that goes on from command to command.
struct Session {
    folder: tempfile::TempDir,
    current: PathBuf,
    code: i32,
}

impl Session {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        fs_err::create_dir_all(&work).unwrap();
        fs_err::create_dir_all(folder.path().join("bin")).unwrap();
        for name in ["assay", "ec"] {
            let link = folder.path().join("bin").join(name);
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_assay"), link).unwrap();
        }
        for name in ["examples", "policies", "plugins"] {
            std::os::unix::fs::symlink(root().join(name), work.join(name)).unwrap();
        }
        Self { folder, current: work, code: 0 }
    }

    /// Runs a command, and gives what it prints on both streams.
    fn run(&mut self, command: &str) -> String {
        let state = self.folder.path().join("state");
        let command = command.replace(FROM_CHECKOUT, "assay ");
        let script =
            format!("exec 2>&1\n(exit {})\n{command}\ncode=$?\npwd >'{}'\nexit $code", self.code, state.display());
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.folder.path().join("bin").display());
        // Compiled plugins are kept from test to test, as for a person.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("documents-cache");
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(&self.current)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", cache)
            .output()
            .unwrap();
        self.code = output.status.code().unwrap_or(-1);
        self.current = PathBuf::from(fs_err::read_to_string(state).unwrap_or_default().trim_end());
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Runs the blocks of a document, and returns what is wrong with each and how many ran.
fn run(document: &Path, wrong: &mut Vec<String>) -> usize {
    let text = fs_err::read_to_string(document).unwrap();
    let mut session = Session::new();
    let mut ran = 0;
    for block in blocks(&text).into_iter().filter(|block| block.not_run.is_none()) {
        if let Some((path, text)) = &block.file {
            let path = session.current.join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
            continue;
        }
        ran += 1;
        for (at, step) in block.steps.iter().enumerate() {
            if step.command.contains("cargo test --workspace") {
                continue; // This is what runs.
            }
            let printed = session.run(&step.command);
            let place = format!("{}:{}: `{}`", document.display(), step.line, step.command);
            let shows_code = block.steps.get(at + 1).is_some_and(|next| next.command == "echo $?");
            if session.code != 0 && !shows_code {
                wrong.push(format!("{place} ends with {}:\n{printed}", session.code));
            }
            let lines = |text: &str| text.lines().map(settle).collect::<Vec<_>>();
            if let Some(expected) = &step.prints {
                let expected: Vec<_> = expected.iter().map(|line| settle(line)).collect();
                if !matches(&expected, &lines(printed.trim_end())) {
                    wrong.push(format!("{place} prints:\n{printed}"));
                }
            }
        }
    }
    ran
}

#[test]
fn every_command_in_the_documents_does_what_they_show() {
    let (mut wrong, mut ran) = (Vec::new(), 0);
    for document in documents() {
        ran += run(&document, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran >= 10, "only {ran} blocks ran");
}

#[test]
fn a_block_that_is_not_run_has_a_reason_and_shells_are_blocks_of_commands() {
    for document in documents() {
        let text = fs_err::read_to_string(&document).unwrap();
        for fence in fences(&text) {
            let place = format!("{}:{}", document.display(), fence.line);
            assert!(!["sh", "shell", "bash session"].contains(&fence.language), "{place}: use ```console");
        }
        for block in blocks(&text) {
            let place = format!("{}:{}", document.display(), block.line);
            assert!(block.not_run.is_none_or(|reason| reason.split(' ').count() >= 3), "{place}: no reason");
            assert!(!block.steps.is_empty() || block.file.is_some(), "{place}: no command");
        }
    }
}

#[test]
fn blocks_are_read_with_their_commands_and_outputs() {
    let text = "a\n```console\n$ one \\\n    two\nout\n$ three\n```\n<!-- prints -->\n```text\nlast\n```\n\
                <!-- not run: it needs a cluster -->\n```console\nfour\nfive\n```\n\
                <!-- file: a/b.yaml -->\n```yaml\nk: v\n  w\n```\n";
    let step = |line, command: &str, prints: Option<&str>| Step {
        line,
        command: command.to_owned(),
        prints: prints.map(|line| vec![line.to_owned()]),
    };
    assert_eq!(
        blocks(text),
        [
            Block {
                line: 2,
                not_run: None,
                steps: vec![step(3, "one \\\n    two", Some("out")), step(6, "three", Some("last"))],
                file: None,
            },
            Block {
                line: 13,
                not_run: Some("it needs a cluster".to_owned()),
                steps: vec![step(14, "four", None), step(15, "five", None)],
                file: None,
            },
            Block {
                line: 18,
                not_run: None,
                steps: vec![],
                file: Some(("a/b.yaml".to_owned(), "k: v\n  w\n".to_owned())),
            },
        ]
    );
}

#[test]
fn outputs_are_compared_line_by_line_with_gaps() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (expected, printed, want) in [
        ("a\nb", "a\nb", true),
        ("a", "a\nb", false),
        ("a\n...\nd", "a\nb\nc\nd", true),
        ("...", "", true),
        ("a\n...\nd", "a\nb", false),
        ("sha256:… is (it)", "sha256:12ab is (it)", true),
        ("a.c", "abc", false),
    ] {
        assert_eq!(matches(&lines(expected), &lines(printed)), want, "{expected:?} {printed:?}");
    }
    assert_eq!(settle("passed in 12.4 s  "), settle("passed in 3 ms"));
}
