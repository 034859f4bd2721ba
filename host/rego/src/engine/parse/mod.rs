//! Makes a syntax tree of a source text. The entry point is [`parse`]; [`rules`] reads what stands at the top of a file,
//! [`bodies`] literals, [`terms`] values and operators, [`scalars`] numbers and strings.
//!
//! Invariant: a broken rule does not hide the next one; nesting beyond a limit is an error, never a crash.

mod bodies;
mod query;
mod rules;
mod scalars;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::capabilities::Capabilities;
use crate::engine::ast::{Head, Module, Name, Term};
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::lex::{Kind, Token, Tokens, lex};
use crate::engine::limits::{NESTING, SOURCE_BYTES};
use crate::engine::span::{Source, Span};

pub(crate) use query::parse_query;

/// The words that are not names, unless a dot follows directly.
const KEYWORDS: &[&str] = &[
    "as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null", "package", "some",
    "true", "with",
];

/// Those that are names in front of a bracket, too, as in OPA: `x in[1]` is none of what it looks like.
const NAMES_OF_REFERENCES: &[&str] = &["default", "else", "every", "import", "in", "not", "package", "some"];

/// Keywords that older Rego had to import; importing them is still allowed.
const FUTURE: &[&str] = &["contains", "every", "if", "in"];

/// The error is noted in the parser.
pub(crate) struct Failed;

type Parsed<T> = Result<T, Failed>;

/// The span of the outermost parentheses around terms, by where these begin and end.
pub(crate) type Parentheses = BTreeMap<(u32, u32), Span>;

struct Parser<'a> {
    source: &'a Source,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    /// Bytes of heads that were copied for further bodies.
    copied: usize,
    /// The file is Rego of before 1.0, unless it imports `rego.v1`.
    v0: bool,
    /// The language has templates, which Rego of before 1.0 has not, also where a file imports `rego.v1`.
    has_templates: bool,
    /// Words of [`FUTURE`] that a file of before 1.0 has imported.
    imported: Vec<&'static str>,
    /// A term that was read before, with where it begins and ends.
    read: Option<(usize, Term, usize)>,
    /// How many tokens were read more than once.
    read_twice: usize,
    names: BTreeMap<&'a str, Name>,
    errors: Vec<CompileError>,
    /// The keywords that Rego v1 requires and that are not there. As in OPA all are reported, if all else is right.
    missing: Vec<CompileError>,
    /// Terms in parentheses, each with the span of the outermost ones around it.
    parentheses: Parentheses,
    /// The last rule has a body without the `if` that it requires.
    lacks_if: bool,
}

/// Reads one file, the `file`th of the compilation; with `v0` in Rego of before 1.0, where `if`, `contains`, `every` and
/// `in` are names until they are imported.
///
/// # Errors
/// Everything that is not Rego, with its places.
pub(crate) fn parse(source: &Source, file: u32, v0: bool) -> Result<Module, Vec<CompileError>> {
    parse_with(source, file, v0, None)
}

/// The same with what the language is restricted to.
///
/// # Errors
/// Everything that is not Rego, with its places.
pub(crate) fn parse_with(
    source: &Source,
    file: u32,
    v0: bool,
    capabilities: Option<&Capabilities>,
) -> Result<Module, Vec<CompileError>> {
    if !v0 && capabilities.is_some_and(|capabilities| !capabilities.has_rego_v1()) {
        let message = "illegal capabilities: rego_v1 feature required for parsing v1 Rego";
        let span = Span { file, start: 0, end: 0 };
        return Err(vec![CompileError::at(source, span, CompileCode::Parse, message)]);
    }
    let Tokens { tokens, comments } = tokens(source, file)?;
    let has_templates = !v0 && capabilities.is_none_or(Capabilities::has_templates);
    let mut parser = Parser { v0, has_templates, ..Parser::new(source, &tokens) };
    let module = parser.module();
    parser.finish(module, comments)
}

/// The same with the parentheses, which the tree has not.
///
/// # Errors
/// Everything that is not Rego, with its places.
pub(crate) fn parse_with_parentheses(source: &Source, v0: bool) -> Result<(Module, Parentheses), Vec<CompileError>> {
    let Tokens { tokens, comments } = tokens(source, 0)?;
    let mut parser = Parser { v0, has_templates: !v0, ..Parser::new(source, &tokens) };
    let module = parser.module();
    let parentheses = std::mem::take(&mut parser.parentheses);
    parser.finish(module, comments).map(|module| (module, parentheses))
}

fn tokens(source: &Source, file: u32) -> Result<Tokens, Vec<CompileError>> {
    if source.text.len() > SOURCE_BYTES {
        let message = format!("the file has more than {SOURCE_BYTES} bytes");
        return Err(vec![CompileError::at(source, Span { file, start: 0, end: 0 }, CompileCode::Parse, message)]);
    }
    lex(source, file).map_err(|error| vec![error])
}

impl<'a> Parser<'a> {
    fn new(source: &'a Source, tokens: &'a [Token]) -> Self {
        Self {
            source,
            tokens,
            at: 0,
            depth: 0,
            copied: 0,
            v0: false,
            has_templates: true,
            imported: Vec::new(),
            read: None,
            read_twice: 0,
            names: BTreeMap::new(),
            errors: Vec::new(),
            missing: Vec::new(),
            parentheses: Parentheses::new(),
            lacks_if: false,
        }
    }

    fn finish(mut self, module: Parsed<Module>, comments: Vec<Span>) -> Result<Module, Vec<CompileError>> {
        if self.errors.is_empty() {
            self.errors.append(&mut self.missing);
        }
        match module {
            Ok(mut module) if self.errors.is_empty() => {
                module.comments = comments;
                Ok(module)
            }
            _ => Err(self.errors),
        }
    }

    fn token(&self, ahead: usize) -> Token {
        let last = Token { kind: Kind::End, newline: true, space: true, span: Span::default() };
        self.tokens.get(self.at + ahead).or(self.tokens.last()).copied().unwrap_or(last)
    }

    fn kind(&self) -> Kind {
        self.token(0).kind
    }

    fn span(&self) -> Span {
        self.token(0).span
    }

    /// The span of the token before.
    fn behind(&self) -> Span {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or_else(Span::default, |token| token.span)
    }

    fn since(&self, start: Span) -> Span {
        start.to(self.behind())
    }

    fn bump(&mut self) -> Token {
        let token = self.token(0);
        if self.at < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.at += 1;
        }
        found
    }

    fn text(&self, span: Span) -> &'a str {
        self.source.slice(span)
    }

    fn fail<T>(&mut self, span: Span, message: impl Into<String>) -> Parsed<T> {
        self.errors.push(CompileError::at(self.source, span, CompileCode::Parse, message));
        Err(Failed)
    }

    /// Notes a keyword that Rego v1 requires in front of a body.
    fn miss_if(&mut self, span: Span, head: &Head) {
        let what = if head.args.is_some() { "function" } else { "rule" };
        self.miss(span, format!("`if` keyword is required before {what} body"));
    }

    fn miss(&mut self, span: Span, message: impl Into<String>) {
        let mut error = CompileError::at(self.source, span, CompileCode::Parse, message);
        // The sentence says it all; there may be one for each rule.
        error.line.clear();
        self.missing.push(error);
    }

    fn unexpected<T>(&mut self, wanted: &str) -> Parsed<T> {
        let token = self.token(0);
        let found = match token.kind {
            Kind::End => "end of file".to_owned(),
            Kind::Ident if self.is_keyword(0) => format!("{} keyword", self.text(token.span)),
            Kind::Ident => format!("identifier `{}`", self.text(token.span)),
            _ => format!("`{}`", self.text(token.span)),
        };
        self.fail(token.span, format!("unexpected {found}: expected {wanted}"))
    }

    fn expect(&mut self, kind: Kind, wanted: &str) -> Parsed<Token> {
        if self.kind() == kind { Ok(self.bump()) } else { self.unexpected(wanted) }
    }

    /// Whether the next token is this keyword; a word with a dot directly behind it is a name.
    fn at_keyword(&self, word: &str) -> bool {
        let token = self.token(0);
        token.kind == Kind::Ident && self.text(token.span) == word && self.is_keyword(0)
    }

    /// Whether the identifier `ahead` is a keyword where it stands.
    fn is_keyword(&self, ahead: usize) -> bool {
        let text = self.text(self.token(ahead).span);
        let next = self.token(ahead + 1);
        KEYWORDS.contains(&text)
            && (next.space
                || match next.kind {
                    Kind::Dot => false,
                    Kind::LBracket => !NAMES_OF_REFERENCES.contains(&text),
                    _ => true,
                })
            && (!self.v0 || !FUTURE.contains(&text) || self.imported.contains(&text))
    }

    /// Whether a word is no name anywhere in this version of Rego.
    fn is_reserved(&self, word: &str) -> bool {
        KEYWORDS.contains(&word) && !(self.v0 && FUTURE.contains(&word))
    }

    fn eat_keyword(&mut self, word: &str) -> bool {
        let found = self.at_keyword(word);
        if found {
            self.at += 1;
        }
        found
    }

    fn name(&mut self, span: Span) -> Name {
        let text = self.text(span);
        self.names.entry(text).or_insert_with(|| text.into()).clone()
    }

    /// Runs `inner` one level deeper; too deep is an error.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING {
            return self.fail(self.span(), format!("nested more than {NESTING} levels deep"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}
