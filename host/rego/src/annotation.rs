//! [`read`]: the `# METADATA` comments of a policy file.
//!
//! The format is OPA's (its documentation, "Annotations"): a comment line `# METADATA`, then comment lines that are
//! YAML after their `#`. A block ends where the comment lines end. Which rule a block is about is told by where it
//! stands; see [`rules`](crate::rules). Any text may be given: what is not a policy has no blocks or broken ones.

use assay_model::yaml;
use serde_json::{Map, Value};

/// One block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line of `# METADATA`, from 1.
    pub(crate) first: u32,
    /// The block's last line.
    pub(crate) last: u32,
    /// What it says, or why it says nothing.
    pub(crate) annotation: Result<Annotation, String>,
}

/// What a block says, as far as assay uses it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Annotation {
    pub(crate) scope: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) short_name: Option<String>,
    pub(crate) solution: Option<String>,
    pub(crate) effective_on: Option<String>,
    pub(crate) collections: Vec<String>,
    pub(crate) depends_on: Vec<String>,
    pub(crate) pipeline_intention: Vec<String>,
}

/// All blocks of a file, in order.
pub(crate) fn read(text: &str) -> Vec<Block> {
    opened(text).into_iter().map(Open::close).collect()
}

/// All blocks of a file with everything they say: first line, last line, and their fields or why there are none.
pub(crate) fn documents(text: &str) -> Vec<(u32, u32, Result<Map<String, Value>, String>)> {
    opened(text).into_iter().map(|block| (block.first, block.last, fields(&block.yaml))).collect()
}

fn opened(text: &str) -> Vec<Open> {
    let mut blocks: Vec<Open> = Vec::new();
    let mut open = false;
    let mut raw = false;
    for (number, line) in (1..).zip(text.lines()) {
        let Some(comment) = line.trim_start().strip_prefix('#').filter(|_| !raw) else {
            open = false;
            raw = ends_in_raw_text(line, raw);
            continue;
        };
        if comment.trim() == "METADATA" {
            blocks.push(Open { first: number, last: number, yaml: String::new() });
            open = true;
        } else if open && let Some(block) = blocks.last_mut() {
            block.last = number;
            block.yaml.push_str(comment);
            block.yaml.push('\n');
        }
    }
    blocks
}

struct Open {
    first: u32,
    last: u32,
    yaml: String,
}

impl Open {
    fn close(self) -> Block {
        Block { first: self.first, last: self.last, annotation: annotation(&self.yaml) }
    }
}

/// Whether a text in backticks, which may go over lines, is open at the end of this line.
fn ends_in_raw_text(line: &str, mut raw: bool) -> bool {
    let mut quoted = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '`' if !quoted => raw = !raw,
            _ if raw => {}
            '\\' if quoted => drop(characters.next()),
            '"' => quoted = !quoted,
            '#' if !quoted => break,
            _ => {}
        }
    }
    raw
}

fn fields(text: &str) -> Result<Map<String, Value>, String> {
    match yaml::parse(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(Value::Null) => Err("the METADATA block is empty".to_owned()),
        Ok(_) => Err("the METADATA block is not a list of keys with values".to_owned()),
        Err(error) => Err(format!("the METADATA block is not YAML: {error}")),
    }
}

fn annotation(text: &str) -> Result<Annotation, String> {
    let fields = fields(text)?;
    let custom = match fields.get("custom") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(custom)) => custom.clone(),
        Some(_) => return Err("`custom` of the METADATA block holds no keys".to_owned()),
    };
    Ok(Annotation {
        scope: word(&fields, "scope")?,
        title: word(&fields, "title")?,
        description: word(&fields, "description")?,
        short_name: word(&custom, "short_name")?,
        solution: word(&custom, "solution")?,
        effective_on: word(&custom, "effective_on")?,
        collections: words(&custom, "collections")?,
        depends_on: words(&custom, "depends_on")?,
        pipeline_intention: words(&custom, "pipeline_intention")?,
    })
}

fn word(fields: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        // A title like `2024` is meant as it is written.
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Bool(word)) => Ok(Some(word.to_string())),
        Some(_) => Err(format!("`{key}` of the METADATA block is not a text")),
    }
}

/// A list of texts; a single text is a list of one.
fn words(fields: &Map<String, Value>, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`{key}` of the METADATA block is not a list of texts");
    match fields.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(u32, u32, bool)> {
        read(text).iter().map(|block| (block.first, block.last, block.annotation.is_ok())).collect()
    }

    #[test]
    fn a_block_says_what_its_yaml_says() {
        let text = "package p\n\n# METADATA\n# title: T\n# description: >-\n#   Two\n#   lines.\n# custom:\n#   short_name: s\n#   \
                    solution: Fix it: now\n#   effective_on: 2020-01-01T00:00:00Z\n#   collections:\n#   - a\n#   - b\n#   \
                    depends_on: p.other\n#   pipeline_intention: [release]\n#   failure_msg: x %s\ndeny contains 1\n";
        let text = text.replace("Fix it: now", "'Fix it: now'");
        let blocks = read(&text);
        let [block] = blocks.as_slice() else { panic!("{blocks:?}") };
        assert_eq!((block.first, block.last), (3, 17));
        let want = Annotation {
            title: Some("T".to_owned()),
            description: Some("Two lines.".to_owned()),
            short_name: Some("s".to_owned()),
            solution: Some("Fix it: now".to_owned()),
            effective_on: Some("2020-01-01T00:00:00Z".to_owned()),
            collections: vec!["a".to_owned(), "b".to_owned()],
            depends_on: vec!["p.other".to_owned()],
            pipeline_intention: vec!["release".to_owned()],
            ..Annotation::default()
        };
        assert_eq!(block.annotation, Ok(want));
    }

    #[test]
    fn blocks_stand_only_where_comment_lines_stand() {
        type Row<'a> = (&'a str, &'a [(u32, u32, bool)]);
        #[rustfmt::skip]
        let table: &[Row<'_>] = &[
            ("", &[]),
            ("# title: x\n", &[]),
            ("#METADATA\n#title: x", &[(1, 2, true)]),
            ("  #   METADATA  \r\n  # title: x\r\n", &[(1, 2, true)]),
            ("# METADATA\n# title: x\n\n# more: y\n", &[(1, 2, true)]),
            ("# METADATA\n# title: x\n# METADATA\n# title: y\n", &[(1, 2, true), (3, 4, true)]),
            ("# METADATA\n# scope: package\n#\n# title: x\npackage p", &[(1, 4, true)]),
            ("x := 1 # METADATA\n# title: x\n", &[]),
            ("x := \"a\n# METADATA\n# title: x\n", &[(2, 3, true)]),
            ("x := `\n# METADATA\n# title: x\n`\n# METADATA\n# title: x", &[(5, 6, true)]),
            ("x := \"`\\\"`\"\n# METADATA\n# title: x", &[(2, 3, true)]),
            ("x := 1 # `\n# METADATA\n# title: x", &[(2, 3, true)]),
            ("x := `a` + `b\n# METADATA", &[]),
        ];
        for (text, want) in table {
            assert_eq!(places(text), *want, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_told() {
        for (yaml, says) in [
            ("", "is empty"),
            (" just words", "not a list of keys"),
            (" - a", "not a list of keys"),
            (" a: b: c", "not YAML"),
            (" title: [x]", "`title`"),
            (" custom: 5", "`custom`"),
            (" custom: {short_name: {}}", "`short_name`"),
            (" custom: {collections: {}}", "`collections`"),
            (" custom: {depends_on: [1]}", "`depends_on`"),
        ] {
            let blocks = read(&format!("# METADATA\n#{yaml}\n"));
            let error = blocks.first().unwrap().annotation.as_ref().unwrap_err();
            assert!(error.contains(says), "{yaml:?}: {error}");
        }
    }

    #[test]
    fn no_text_is_too_strange() {
        let pieces =
            ["# METADATA\n", "# custom:\n", "#  short_name: é`\n", "`", "\"", "\\", "\n", "\0", "# - {[&*!\n", "𝕏"];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        let text = [a, b, c, d].concat();
                        let lines = u32::try_from(text.lines().count()).unwrap();
                        assert!(read(&text).iter().all(|block| block.first <= block.last && block.last <= lines));
                    }
                }
            }
        }
    }
}
