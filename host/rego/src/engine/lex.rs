//! Cuts a source text into tokens. The entry point is [`lex`].
//!
//! Invariant: never recursive and never fails twice for one byte; templates (`$"a {b}"`) become flat runs of tokens
//! between [`Kind::TemplateStart`] and [`Kind::TemplateEnd`].

use crate::engine::error::{CompileCode, CompileError};
use crate::engine::span::{Source, Span};

/// What a token is; its text is in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Ident,
    Number,
    /// `"…"`, with its quotes.
    String,
    /// `` `…` ``, with its quotes.
    RawString,
    /// `$"` or ``$` ``.
    TemplateStart,
    /// Text of a template in double quotes.
    TemplateText,
    /// Text of a template in backquotes.
    TemplateRaw,
    /// `{` that opens an expression in a template.
    ExprStart,
    /// `}` that closes it.
    ExprEnd,
    TemplateEnd,
    LBrace,
    RBrace,
    LBracket,
    RBracket,
    LParen,
    RParen,
    Comma,
    Semicolon,
    Colon,
    Dot,
    Assign,
    Unify,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    And,
    Or,
    End,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub kind: Kind,
    /// A line end stands between this token and the one before.
    pub newline: bool,
    /// Something stands between this token and the one before.
    pub space: bool,
    pub span: Span,
}

/// The tokens of a file, the last one [`Kind::End`], and its comments.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub tokens: Vec<Token>,
    pub comments: Vec<Span>,
}

/// What the braces that are open belong to.
enum Mode {
    /// Text of a template; `raw` for backquotes.
    Template { raw: bool },
    /// An expression in a template with this many of its own braces open.
    Expr { braces: usize },
}

struct Lexer<'a> {
    source: &'a Source,
    bytes: &'a [u8],
    file: u32,
    at: usize,
    modes: Vec<Mode>,
    tokens: Vec<Token>,
    comments: Vec<Span>,
    errors: Vec<CompileError>,
    newline: bool,
    space: bool,
}

/// Cuts `source`, the file of number `file`, into tokens.
///
/// # Errors
/// A byte that begins no token, a string without end, a bad escape: the first of them, since all after it is noise.
pub(crate) fn lex(source: &Source, file: u32) -> Result<Tokens, CompileError> {
    let bytes = source.text.as_bytes();
    let mut lexer = Lexer {
        source,
        bytes,
        file,
        at: 0,
        modes: Vec::new(),
        tokens: Vec::with_capacity(bytes.len() / 4),
        comments: Vec::new(),
        errors: Vec::new(),
        newline: true,
        space: true,
    };
    while lexer.errors.is_empty() && lexer.step() {}
    if let Some(error) = lexer.errors.pop() {
        return Err(error);
    }
    let end = lexer.at;
    lexer.push(Kind::End, end);
    Ok(Tokens { tokens: lexer.tokens, comments: lexer.comments })
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let span = Span { file: self.file, start: offset(start), end: offset(self.at) };
        self.tokens.push(Token { kind, newline: self.newline, space: self.space, span });
        self.newline = false;
        self.space = false;
    }

    fn fail(&mut self, start: usize, message: impl Into<String>) {
        let span = Span { file: self.file, start: offset(start), end: offset(self.at) };
        self.errors.push(CompileError::at(self.source, span, CompileCode::Parse, message));
    }

    /// Takes one token; false at the end of the text.
    fn step(&mut self) -> bool {
        if let Some(Mode::Template { raw }) = self.modes.last() {
            let raw = *raw;
            return self.template_text(raw);
        }
        self.blank();
        let start = self.at;
        if start >= self.bytes.len() {
            if !self.modes.is_empty() {
                self.fail(start, "non-terminated string");
            }
            return false;
        }
        let byte = self.peek(0);
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                while matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_') {
                    self.at += 1;
                }
                self.push(Kind::Ident, start);
            }
            b'0'..=b'9' => self.number(start),
            b'"' => self.string(start),
            b'`' => self.raw_string(start),
            b'$' if matches!(self.peek(1), b'"' | b'`') => {
                let raw = self.peek(1) == b'`';
                self.at += 2;
                self.push(Kind::TemplateStart, start);
                self.modes.push(Mode::Template { raw });
            }
            _ => self.punctuation(start, byte),
        }
        true
    }

    fn blank(&mut self) {
        loop {
            match self.peek(0) {
                b'\n' => {
                    self.newline = true;
                    self.space = true;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => {
                    self.space = true;
                    self.at += 1;
                }
                b'#' => {
                    let start = self.at;
                    while self.at < self.bytes.len() && self.peek(0) != b'\n' {
                        self.at += 1;
                    }
                    self.comments.push(Span { file: self.file, start: offset(start), end: offset(self.at) });
                    self.space = true;
                }
                0xEF if self.at == 0 && self.peek(1) == 0xBB && self.peek(2) == 0xBF => self.at += 3,
                _ => return,
            }
        }
    }

    fn number(&mut self, start: usize) {
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                while self.peek(0).is_ascii_digit() {
                    self.at += 1;
                }
            }
        }
        let first = self.bytes.get(start).copied().unwrap_or(0);
        let second = self.bytes.get(start + 1).copied().unwrap_or(0);
        if first == b'0' && second.is_ascii_digit() {
            self.fail(start, "expected number");
        } else if matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'_') {
            self.fail(start, "illegal number format");
        } else {
            self.push(Kind::Number, start);
        }
    }

    fn string(&mut self, start: usize) {
        self.at += 1;
        loop {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    self.push(Kind::String, start);
                    return;
                }
                b'\\' => self.at += 2,
                b'\n' => return self.fail(start, "non-terminated string"),
                0 if self.at >= self.bytes.len() => return self.fail(start, "non-terminated string"),
                _ => self.at += 1,
            }
        }
    }

    fn raw_string(&mut self, start: usize) {
        self.at += 1;
        while self.at < self.bytes.len() && self.peek(0) != b'`' {
            self.at += 1;
        }
        if self.at >= self.bytes.len() {
            return self.fail(start, "non-terminated string");
        }
        self.at += 1;
        self.push(Kind::RawString, start);
    }

    /// Text of a template up to an expression or its end.
    fn template_text(&mut self, raw: bool) -> bool {
        let start = self.at;
        let (quote, kind) = if raw { (b'`', Kind::TemplateRaw) } else { (b'"', Kind::TemplateText) };
        loop {
            let byte = self.peek(0);
            if self.at >= self.bytes.len() || (byte == b'\n' && !raw) {
                self.fail(start, "non-terminated string");
                return false;
            }
            if byte == b'\\' && (!raw || self.peek(1) == b'{') {
                self.at += 2;
            } else if byte == quote || byte == b'{' {
                break;
            } else {
                self.at += 1;
            }
        }
        if self.at > start {
            self.push(kind, start);
        }
        let mark = self.at;
        let byte = self.peek(0);
        self.at += 1;
        if byte == b'{' {
            self.push(Kind::ExprStart, mark);
            self.modes.push(Mode::Expr { braces: 0 });
        } else {
            self.push(Kind::TemplateEnd, mark);
            self.modes.pop();
        }
        true
    }

    fn punctuation(&mut self, start: usize, byte: u8) {
        let second = self.peek(1);
        let (kind, length) = match (byte, second) {
            (b':', b'=') => (Kind::Assign, 2),
            (b'=', b'=') => (Kind::Equal, 2),
            (b'!', b'=') => (Kind::NotEqual, 2),
            (b'<', b'=') => (Kind::LessEqual, 2),
            (b'>', b'=') => (Kind::GreaterEqual, 2),
            (b'=', _) => (Kind::Unify, 1),
            (b'<', _) => (Kind::Less, 1),
            (b'>', _) => (Kind::Greater, 1),
            (b'{', _) => (Kind::LBrace, 1),
            (b'}', _) => (Kind::RBrace, 1),
            (b'[', _) => (Kind::LBracket, 1),
            (b']', _) => (Kind::RBracket, 1),
            (b'(', _) => (Kind::LParen, 1),
            (b')', _) => (Kind::RParen, 1),
            (b',', _) => (Kind::Comma, 1),
            (b';', _) => (Kind::Semicolon, 1),
            (b':', _) => (Kind::Colon, 1),
            (b'.', _) => (Kind::Dot, 1),
            (b'+', _) => (Kind::Plus, 1),
            (b'-', _) => (Kind::Minus, 1),
            (b'*', _) => (Kind::Star, 1),
            (b'/', _) => (Kind::Slash, 1),
            (b'%', _) => (Kind::Percent, 1),
            (b'&', _) => (Kind::And, 1),
            (b'|', _) => (Kind::Or, 1),
            _ => {
                let text = self.source.text.get(start..).and_then(|rest| rest.chars().next()).unwrap_or('?');
                return self.fail(start, format!("illegal token: unexpected character {text:?}"));
            }
        };
        self.at += length;
        match (kind, self.modes.last_mut()) {
            (Kind::LBrace, Some(Mode::Expr { braces })) => *braces += 1,
            (Kind::RBrace, Some(Mode::Expr { braces: 0 })) => {
                self.modes.pop();
                return self.push(Kind::ExprEnd, start);
            }
            (Kind::RBrace, Some(Mode::Expr { braces })) => *braces -= 1,
            _ => {}
        }
        self.push(kind, start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        let source = Source::new("t.rego".into(), text.into());
        lex(&source, 0).unwrap().tokens.iter().map(|token| token.kind).collect()
    }

    fn message(text: &str) -> String {
        let source = Source::new("t.rego".into(), text.into());
        lex(&source, 0).unwrap_err().message
    }

    #[test]
    fn operators_are_the_longest_that_fit() {
        use Kind::{Assign, End, Equal, Ident, LessEqual, Number, Unify};
        assert_eq!(
            kinds("a := b == c <= 1 = d"),
            [Ident, Assign, Ident, Equal, Ident, LessEqual, Number, Unify, Ident, End]
        );
    }

    #[test]
    fn a_template_is_a_flat_run_of_tokens() {
        use Kind::{End, ExprEnd, ExprStart, Ident, LBrace, RBrace, TemplateEnd, TemplateStart, TemplateText};
        assert_eq!(
            kinds(r#"$"a {{b}} \{c""#),
            [TemplateStart, TemplateText, ExprStart, LBrace, Ident, RBrace, ExprEnd, TemplateText, TemplateEnd, End]
        );
    }

    #[test]
    fn a_string_without_end_is_an_error() {
        assert_eq!(message("a := \"b\nc\""), "non-terminated string");
        assert_eq!(message("`b"), "non-terminated string");
        assert_eq!(message("$\"b {c"), "non-terminated string");
        assert_eq!(message("\"b\\"), "non-terminated string");
    }

    #[test]
    fn a_number_cannot_begin_with_a_zero_or_end_in_alphabetic_characters() {
        assert_eq!(message("01"), "expected number");
        assert_eq!(message("1x"), "illegal number format");
    }

    #[test]
    fn comments_are_kept_and_are_no_tokens() {
        let source = Source::new("t.rego".into(), "a # one\n# two\nb".into());
        let tokens = lex(&source, 0).unwrap();
        let texts: Vec<_> = tokens.comments.iter().map(|span| source.slice(*span)).collect();
        assert_eq!(texts, ["# one", "# two"]);
        assert_eq!(tokens.tokens.len(), 3);
        assert!(tokens.tokens[1].newline);
    }
}
