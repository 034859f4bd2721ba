//! [`format_module`]: a module as `opa fmt` writes it.
//!
//! [`mod@build`] makes a tree with the places that OPA gives its nodes, [`rules`], [`statements`] and [`terms`] write it with
//! a [`writer`]. The layout follows the rows of the source; names, strings and numbers stay as they are written.

mod build;
mod checks;
mod rules;
mod statements;
mod term_text;
mod terms;
#[cfg(test)]
mod tests;
mod tree;
mod writer;

use build::{NOWHERE, build};
use tree::{ImportNode, ModuleNode, Node, NodeKind};
use writer::{Style, Writer};

use super::error::{CompileCode, CompileError};
use super::parse::parse_with_parentheses;
use super::span::Source;
use crate::format_options::{FormatLanguage, FormatOptions};

/// Words that are no names in Rego of before 1.0.
const KEYWORDS_V0: &[&str] =
    &["not", "package", "import", "as", "default", "else", "with", "null", "true", "false", "some"];

/// Those that Rego v1 adds.
const KEYWORDS_V1: &[&str] = &["if", "contains", "in", "every"];

/// The text of a module as `opa fmt` writes it.
///
/// # Errors
/// What is no module of the language, or has what Rego v1 does not allow when it is written in that.
pub(crate) fn format_module(source: &Source, options: FormatOptions) -> Result<String, Vec<CompileError>> {
    let (module, parentheses) = parse_with_parentheses(source, options.reads_v0)?;
    let mut tree = build(source, &module, &parentheses);
    if options.writes != FormatLanguage::V0 {
        let errors = checks::problems_in_v1(source, &module, &tree);
        if !errors.is_empty() {
            return Err(errors);
        }
    }
    let comments = module.comments;
    let style = style(&tree, options.writes);
    choose_imports(&mut tree, options);
    let mut writer = Writer::new(source, &comments, style);
    if let Err(upset) = writer.module(&tree) {
        writer.note(NOWHERE, CompileCode::Format, upset.message);
    }
    if !writer.errors.is_empty() {
        return Err(writer.errors);
    }
    let mut text = writer.out;
    if text.ends_with('\n') {
        text.truncate(text.trim_end_matches('\n').len() + 1);
    }
    Ok(text)
}

fn style(module: &ModuleNode, writes: FormatLanguage) -> Style {
    let is_v1 = writes != FormatLanguage::V0;
    let mut style = Style { contains: is_v1, ifs: is_v1, v1: is_v1, ..Style::default() };
    let mut future = Vec::new();
    for import in &module.imports {
        let words = import.words();
        let words: Vec<_> = words.iter().map(|word| &**word).collect();
        match words.as_slice() {
            ["rego", "v1"] | ["future", "keywords"] => (style.contains, style.ifs) = (true, true),
            ["future", "keywords", word] => {
                style.contains |= *word == "contains";
                style.ifs |= *word == "if";
                future.push((*word).to_owned());
            }
            _ => {}
        }
    }
    style.keywords = KEYWORDS_V0.iter().map(|word| (*word).to_owned()).collect();
    style.keywords.extend(if is_v1 { KEYWORDS_V1.iter().map(|word| (*word).to_owned()).collect() } else { future });
    style.dotted_heads = module.rules.iter().filter_map(|rule| rule.first()).any(|first| {
        let parts = first.head.reference.len();
        parts > 2 || (parts == 2 && first.head.key.is_some() && first.head.value.is_none())
    });
    style
}

/// Adds and removes the imports that choose the language.
fn choose_imports(module: &mut ModuleNode, options: FormatOptions) {
    let imports = &mut module.imports;
    match options.writes {
        FormatLanguage::V1 if options.drop_v0_imports => imports.retain(|import| !import.is_rego_v1()),
        FormatLanguage::Both if !imports.iter().any(ImportNode::is_rego_v1) => {
            let word = |(at, word): (usize, &str)| Node {
                place: NOWHERE,
                kind: if at == 0 { NodeKind::Var(word.into()) } else { NodeKind::Text(word.into()) },
            };
            let path = ["rego", "v1"].into_iter().enumerate().map(word).collect();
            imports.push(ImportNode { place: NOWHERE, path, alias: None });
        }
        _ => {}
    }
    let has_rego_v1 = imports.iter().any(ImportNode::is_rego_v1);
    if has_rego_v1 || (options.drop_v0_imports && options.writes != FormatLanguage::V0) {
        imports.retain(|import| !import.is_future());
    }
}
