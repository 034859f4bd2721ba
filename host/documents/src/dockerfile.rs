//! Dockerfiles as the list of instructions that conftest makes of them (BuildKit's parser).

use serde_json::{Value, json};

/// Instructions and how their arguments are read.
const INSTRUCTIONS: [(&str, Arguments); 18] = [
    ("add", Arguments::JsonOrWords),
    ("arg", Arguments::Quoted),
    ("cmd", Arguments::JsonOrText),
    ("copy", Arguments::JsonOrWords),
    ("entrypoint", Arguments::JsonOrText),
    ("env", Arguments::Pairs),
    ("expose", Arguments::Words),
    ("from", Arguments::Words),
    ("healthcheck", Arguments::Health),
    ("label", Arguments::Pairs),
    ("maintainer", Arguments::Text),
    ("onbuild", Arguments::Instruction),
    ("run", Arguments::JsonOrText),
    ("shell", Arguments::JsonOrText),
    ("stopsignal", Arguments::Text),
    ("user", Arguments::Text),
    ("volume", Arguments::JsonOrWords),
    ("workdir", Arguments::Text),
];

#[derive(Clone, Copy)]
enum Arguments {
    /// All of it as it is.
    Text,
    /// Words between white space.
    Words,
    /// The same, where quotes hold words together.
    Quoted,
    /// `NAME=VALUE`, or one name and the rest.
    Pairs,
    JsonOrText,
    JsonOrWords,
    Health,
    Instruction,
}

/// Reads a file: one document, which is the list of its instructions and of the comments before them.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).enumerate().peekable();
    let mut escape = '\\';
    while let Some((name, value)) = lines.peek().and_then(|(_, line)| directive(line)) {
        if name == "escape" {
            escape = match value {
                "\\" => '\\',
                "`" => '`',
                _ => return Err("`escape` is neither \\ nor ` in line 1".to_owned()),
            };
        }
        lines.next();
    }
    let (mut found, mut comments, mut stage): (Vec<Value>, Vec<String>, Option<usize>) = Default::default();
    while let Some((at, first)) = lines.next() {
        let wrong = |what: String| format!("{what} in line {}", at + 1);
        if is_comment(first) {
            comments.push(first.get(1..).unwrap_or_default().trim().to_owned());
            continue;
        }
        let (mut line, mut goes_on) = continued(first.trim_start(), escape);
        while goes_on {
            let Some((_, next)) = lines.next() else { break };
            if is_comment(next) || next.trim().is_empty() {
                continue;
            }
            let (more, again) = continued(next, escape);
            line.push_str(&more);
            goes_on = again;
        }
        if line.trim().is_empty() {
            continue;
        }
        let instruction = Instruction::read(&line, escape, false).map_err(wrong)?;
        for name in instruction.heredocs(&line) {
            let is_end = |line: &str| line == name.word || name.tabs && line.trim_start_matches('\t') == name.word;
            if !lines.by_ref().any(|(_, line)| is_end(line)) {
                return Err(wrong(format!("`{}` is missing: unterminated heredoc, which starts", name.word)));
            }
        }
        if instruction.command == "from" {
            stage = Some(stage.map_or(0, |stage| stage + 1));
        }
        let stage = stage.unwrap_or(0);
        found.extend(comments.drain(..).map(|comment| {
            json!({"Cmd": "comment", "SubCmd": "", "JSON": false, "Flags": null, "Value": [comment], "Stage": stage})
        }));
        found.push(json!({
            "Cmd": instruction.command, "SubCmd": instruction.inner, "JSON": instruction.is_json,
            "Flags": instruction.flags, "Value": instruction.values, "Stage": stage,
        }));
    }
    if found.is_empty() {
        return Err("the file has no instructions".to_owned());
    }
    Ok(Value::Array(vec![Value::Array(found)]))
}

/// `# name=value` at the beginning of a file, of the names that mean something.
fn directive(line: &str) -> Option<(&'static str, &str)> {
    let (name, value) = line.trim().strip_prefix('#')?.split_once('=')?;
    let known = ["syntax", "escape", "check"].into_iter().find(|known| name.trim().eq_ignore_ascii_case(known))?;
    Some((known, value.trim()))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// A line, and whether it goes on in the next one: it ends in the escape, and not in two of them.
fn continued(line: &str, escape: char) -> (String, bool) {
    let trimmed = line.trim_end_matches([' ', '\t']);
    match trimmed.strip_suffix(escape) {
        Some(rest) if !rest.ends_with(escape) => (rest.to_owned(), true),
        _ => (line.to_owned(), false),
    }
}

struct Instruction {
    command: String,
    /// The instruction in an `ONBUILD`, as it is written.
    inner: String,
    flags: Vec<String>,
    values: Vec<String>,
    is_json: bool,
}

/// The end of a text in the lines below.
struct Heredoc {
    word: String,
    /// Whether tabs may stand before it.
    tabs: bool,
}

impl Instruction {
    fn read(line: &str, escape: char, is_inner: bool) -> Result<Self, String> {
        let line = line.trim();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let command = name.to_lowercase();
        let shown: String = name.chars().take(40).collect();
        let (_, arguments) = INSTRUCTIONS
            .into_iter()
            .find(|(known, _)| *known == command)
            .ok_or_else(|| format!("`{shown}` is not an instruction"))?;
        let (flags, rest) = flags(rest.trim());
        if rest.is_empty() && !matches!(command.as_str(), "cmd" | "entrypoint" | "run" | "shell") {
            return Err(format!("`{shown}` has no arguments"));
        }
        let mut made = Self { command, inner: String::new(), flags, values: Vec::new(), is_json: false };
        let words = || rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match arguments {
            Arguments::Text => made.values = vec![rest.to_owned()],
            Arguments::Words => made.values = words(),
            Arguments::Quoted => made.values = quoted_words(rest, escape),
            Arguments::Pairs => made.values = pairs(rest, escape).ok_or_else(|| format!("`{shown}` has no value"))?,
            Arguments::JsonOrText => made.json_or(rest, || vec![rest.to_owned()])?,
            Arguments::JsonOrWords => made.json_or(rest, words)?,
            Arguments::Health => {
                let (kind, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                if !rest.trim().is_empty() {
                    made.json_or(rest.trim(), || vec![rest.trim().to_owned()])?;
                }
                made.values.insert(0, kind.to_owned());
            }
            Arguments::Instruction => {
                if is_inner {
                    return Err("`ONBUILD` is nested in another".to_owned());
                }
                let inner = Self::read(rest, escape, true)?;
                if matches!(inner.command.as_str(), "from" | "maintainer") {
                    return Err(format!("`ONBUILD {}` is not allowed", inner.command));
                }
                made.inner = rest.split_whitespace().next().unwrap_or_default().to_owned();
                made.values = inner.values;
                made.is_json = inner.is_json;
            }
        }
        Ok(made)
    }

    fn json_or(&mut self, rest: &str, otherwise: impl FnOnce() -> Vec<String>) -> Result<(), String> {
        let list = if rest.starts_with('[') { serde_json::from_str::<Vec<Value>>(rest).ok() } else { None };
        self.is_json = list.is_some();
        self.values = match list {
            None => otherwise(),
            Some(items) => {
                let texts = items.into_iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().ok_or("a list of arguments can only contain strings")?
            }
        };
        Ok(())
    }

    /// What `<<` names, where an instruction has here-documents in the lines below.
    fn heredocs(&self, line: &str) -> Vec<Heredoc> {
        let may = |command: &str| matches!(command, "add" | "copy" | "run");
        if self.is_json || !may(&self.command) && !may(&self.inner.to_lowercase()) {
            return Vec::new();
        }
        let one = |word: &str| {
            let word = word.trim_start_matches(|one: char| one.is_ascii_digit()).strip_prefix("<<")?;
            let tabs = word.starts_with('-');
            let word = word.trim_start_matches('-').trim_matches(['"', '\'']);
            let is_name = !word.is_empty() && word.chars().all(|one| one.is_alphanumeric() || "_-.".contains(one));
            is_name.then(|| Heredoc { word: word.to_owned(), tabs })
        };
        line.split_whitespace().filter_map(one).collect()
    }
}

/// `--name=value` at the beginning, and what follows.
fn flags(mut rest: &str) -> (Vec<String>, &str) {
    let mut found = Vec::new();
    while rest.starts_with("--") {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        rest = after.trim_start();
        if word == "--" {
            break;
        }
        found.push(word.to_owned());
    }
    (found, rest)
}

/// Words between white space that stands in no quotes; they keep their quotes.
fn quoted_words(text: &str, escape: char) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match quote {
            None if character.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            None if matches!(character, '"' | '\'') => quote = Some(character),
            Some(open) if open == character => quote = None,
            _ => {}
        }
        word.push(character);
        if character == escape && quote != Some('\'') {
            word.extend(characters.next());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Names, values and what stands between them. None where there is no value.
fn pairs(text: &str, escape: char) -> Option<Vec<String>> {
    let words = quoted_words(text, escape);
    if !words.first()?.contains('=') {
        let (name, value) = text.split_once(char::is_whitespace)?;
        return Some(vec![name.to_owned(), value.trim_start().to_owned(), String::new()]);
    }
    let pair = |word: &String| {
        let (name, value) = word.split_once('=')?;
        Some([name.to_owned(), value.to_owned(), "=".to_owned()])
    };
    Some(words.iter().map(pair).collect::<Option<Vec<_>>>()?.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Instructions as `Cmd|SubCmd|JSON|Stage|Flags|Value`.
    fn shown(text: &str) -> Vec<String> {
        let read = read(text).unwrap();
        let one = |one: &Value| {
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            format!(
                "{}|{}|{}|{}|{}|{}",
                text("Cmd"),
                text("SubCmd"),
                one["JSON"],
                one["Stage"],
                one["Flags"],
                one["Value"]
            )
        };
        read[0].as_array().unwrap().iter().map(one).collect()
    }

    #[test]
    fn instructions_are_those_of_buildkit() {
        let text = "# syntax=docker/dockerfile:1\n# escape=`\n# a comment\nARG V=1\n\nFROM --platform=linux/amd64 alpine:$V AS \
                    base\n# inner\nRUN --mount=type=cache,target=/x echo hello `\n  # in between\n\n  && echo \"a  b\"\nCMD \
                    [\"a\", \"b c\"]\nENV A=1 B=\"x y\"\nENV OLD some value\nLABEL a=b c='d e'\nEXPOSE 80 443/tcp\nCOPY --from=base \
                    [\"a\", \"b\"] /c/\nCOPY <<EOT /f\nhello\nEOT\nONBUILD RUN echo x\nHEALTHCHECK --interval=5s CMD curl x\n\
                    HEALTHCHECK NONE\nHEALTHCHECK CMD [\"a\"]\nENTRYPOINT top -b\nWORKDIR /a b\nUSER  me\nVOLUME /a /b\nSHELL \
                    [\"x\"]\nARG A=1 B=\"2 3\"\nADD a b c\nFROM scratch\nRUN [\"echo\"]\n";
        let want = [
            "comment||false|0|null|[\"a comment\"]",
            "arg||false|0|[]|[\"V=1\"]",
            "from||false|0|[\"--platform=linux/amd64\"]|[\"alpine:$V\",\"AS\",\"base\"]",
            "comment||false|0|null|[\"inner\"]",
            "run||false|0|[\"--mount=type=cache,target=/x\"]|[\"echo hello   && echo \\\"a  b\\\"\"]",
            "cmd||true|0|[]|[\"a\",\"b c\"]",
            "env||false|0|[]|[\"A\",\"1\",\"=\",\"B\",\"\\\"x y\\\"\",\"=\"]",
            "env||false|0|[]|[\"OLD\",\"some value\",\"\"]",
            "label||false|0|[]|[\"a\",\"b\",\"=\",\"c\",\"'d e'\",\"=\"]",
            "expose||false|0|[]|[\"80\",\"443/tcp\"]",
            "copy||false|0|[\"--from=base\"]|[\"[\\\"a\\\",\",\"\\\"b\\\"]\",\"/c/\"]",
            "copy||false|0|[]|[\"<<EOT\",\"/f\"]",
            "onbuild|RUN|false|0|[]|[\"echo x\"]",
            "healthcheck||false|0|[\"--interval=5s\"]|[\"CMD\",\"curl x\"]",
            "healthcheck||false|0|[]|[\"NONE\"]",
            "healthcheck||true|0|[]|[\"CMD\",\"a\"]",
            "entrypoint||false|0|[]|[\"top -b\"]",
            "workdir||false|0|[]|[\"/a b\"]",
            "user||false|0|[]|[\"me\"]",
            "volume||false|0|[]|[\"/a\",\"/b\"]",
            "shell||true|0|[]|[\"x\"]",
            "arg||false|0|[]|[\"A=1\",\"B=\\\"2 3\\\"\"]",
            "add||false|0|[]|[\"a\",\"b\",\"c\"]",
            "from||false|1|[]|[\"scratch\"]",
            "run||true|1|[]|[\"echo\"]",
        ];
        assert_eq!(shown(text), want);
        assert_eq!(shown("FROM x\nRUN a \\\\\nRUN b \\ \n c\n").last().unwrap(), "run||false|0|[]|[\"b  c\"]");
    }

    #[test]
    fn what_is_no_dockerfile_is_an_error_with_its_line() {
        for text in
            ["FROM x\nDENY y", "FROM", "FROM x\nCOPY <<E /a\nb", "FROM x\nENV a", "ONBUILD ONBUILD RUN x", "CMD [1]"]
        {
            assert!(read(text).unwrap_err().contains("line "), "{text}");
        }
        assert!(read("# only\n\n").is_err());
        assert!(read(&format!("ONBUILD {}", "ONBUILD ".repeat(100_000))).is_err());
    }
}
