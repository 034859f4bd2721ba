//! [`read`]: what the `# METADATA` comments of a policy file say about its rules.
//!
//! The format is OPA's (its documentation, "Annotations"). The engine finds the blocks, as it finds those that
//! `rego.metadata.*` are served from; which rule a block is about follows from its position, see
//! [`rules`](crate::rules).

use std::collections::BTreeMap;

use assay_rego::Metadata;
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
    pub(crate) rule_data: BTreeMap<String, String>,
    pub(crate) pipeline_intention: Vec<String>,
}

/// What the blocks of a file say, in order.
pub(crate) fn read(blocks: &[Metadata]) -> Vec<Block> {
    let block = |block: &Metadata| Block { first: block.first, last: block.last, annotation: annotation(block) };
    blocks.iter().map(block).collect()
}

/// The fields of a block, or why there are none.
pub(crate) type Fields = Result<Map<String, Value>, String>;

/// The same with everything they say: first line, last line, and their fields or why there are none.
pub(crate) fn documents(blocks: &[Metadata]) -> Vec<(u32, u32, Fields)> {
    blocks.iter().map(|block| (block.first, block.last, fields(block).cloned())).collect()
}

fn fields(block: &Metadata) -> Result<&Map<String, Value>, String> {
    match block.document() {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(Value::Null) => Err("the METADATA block is empty".to_owned()),
        Ok(_) => Err("the METADATA block is not a list of keys with values".to_owned()),
        Err(error) => Err(format!("the METADATA block is not YAML: {error}")),
    }
}

fn annotation(block: &Metadata) -> Result<Annotation, String> {
    let fields = fields(block)?;
    let none = Map::new();
    let custom = match fields.get("custom") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(custom)) => custom,
        Some(_) => return Err("`custom` of the METADATA block holds no keys".to_owned()),
    };
    Ok(Annotation {
        scope: word(fields, "scope")?,
        title: word(fields, "title")?,
        description: word(fields, "description")?,
        short_name: word(custom, "short_name")?.filter(|name| !name.is_empty()),
        solution: text_of(custom, "solution"),
        effective_on: text_of(custom, "effective_on"),
        collections: texts(custom, "collections"),
        depends_on: words(custom, "depends_on")?,
        rule_data: named_words(custom, "rule_data"),
        pipeline_intention: texts(custom, "pipeline_intention"),
    })
}

fn word(fields: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        // A title like `2024` is meant as it is written.
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Bool(word)) => Ok(Some(word.to_string())),
        Some(_) => Err(format!("`{key}` of the METADATA block is not a string")),
    }
}

/// A text. As in `ec`, a value of another type says nothing.
fn text_of(fields: &Map<String, Value>, key: &str) -> Option<String> {
    fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The strings of a list. As in `ec`, everything else is ignored, a single string included.
fn texts(fields: &Map<String, Value>, key: &str) -> Vec<String> {
    let items = fields.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Strings by name. The key belongs to assay: what others write there in another form is ignored.
fn named_words(fields: &Map<String, Value>, key: &str) -> BTreeMap<String, String> {
    let items = fields.get(key).and_then(Value::as_object).into_iter().flatten();
    items.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect()
}

/// A list of words; a single word is a list of one.
fn words(fields: &Map<String, Value>, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`{key}` of the METADATA block is not a list of strings");
    let one = |item: &Value| match item {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(word) => Ok(word.to_string()),
        _ => Err(wrong()),
    };
    match fields.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(one).collect(),
        Some(item) => one(item).map(|item| vec![item]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(yaml: &str) -> Metadata {
        let yaml: String = yaml.lines().map(|line| format!("{}\n", line.strip_prefix('#').unwrap_or(line))).collect();
        Metadata::new(3, 16, yaml)
    }

    #[test]
    fn a_block_says_what_its_yaml_says() {
        let text = "# title: T\n# description: >-\n#   Two\n#   lines.\n# custom:\n#   short_name: s\n#   \
                    solution: Fix it: now\n#   effective_on: 2020-01-01T00:00:00Z\n#   collections:\n#   - a\n#   - b\n#   \
                    depends_on: p.other\n#   pipeline_intention: [release]\n#   failure_msg: x %s\n";
        let text = text.replace("Fix it: now", "'Fix it: now'");
        let blocks = read(&[block(&text)]);
        let [block] = blocks.as_slice() else { panic!("{blocks:?}") };
        assert_eq!((block.first, block.last), (3, 16));
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
    fn values_of_types_that_ec_does_not_read_say_nothing() {
        for (yaml, want) in [
            ("effective_on: 2099", Annotation::default()),
            ("solution: [a]", Annotation::default()),
            ("short_name: ''", Annotation::default()),
            ("collections: a", Annotation::default()),
            ("collections: {}", Annotation::default()),
            ("collections: [1, a, true]", Annotation { collections: vec!["a".to_owned()], ..Annotation::default() }),
            ("pipeline_intention: release", Annotation::default()),
            (
                "depends_on: [1, a]",
                Annotation { depends_on: vec!["1".to_owned(), "a".to_owned()], ..Annotation::default() },
            ),
            ("short_name: 1", Annotation { short_name: Some("1".to_owned()), ..Annotation::default() }),
        ] {
            let blocks = read(&[block(&format!(" custom: {{{yaml}}}"))]);
            assert_eq!(blocks.first().unwrap().annotation, Ok(want), "{yaml}");
        }
    }

    #[test]
    fn invalid_annotations_are_reported() {
        for (yaml, says) in [
            ("", "is empty"),
            (" just words", "not a list of keys"),
            (" - a", "not a list of keys"),
            (" a: b: c", "not YAML"),
            (" title: [x]", "`title`"),
            (" custom: 5", "`custom`"),
            (" custom: {short_name: {}}", "`short_name`"),
            (" custom: {depends_on: [[]]}", "`depends_on`"),
        ] {
            let blocks = read(&[block(yaml)]);
            let error = blocks.first().unwrap().annotation.as_ref().unwrap_err();
            assert!(error.contains(says), "{yaml:?}: {error}");
        }
    }
}
