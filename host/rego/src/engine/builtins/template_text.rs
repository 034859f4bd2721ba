//! [`parse`]: the text of a Go template (`text/template`) as [`Node`]s. Which functions there are is known to
//! [`templates`](super::templates), which runs them.

use std::collections::BTreeMap;

use super::limits;

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    /// `{{pipeline}}`, whose value is shown unless it sets a variable.
    Show(Pipe),
    /// `if`, `with`, `range`: the pipeline, what follows, and what follows `else`.
    Branch(Word, Pipe, Vec<Self>, Vec<Self>),
    /// `{{template "name" pipeline}}`
    Call(String, Option<Pipe>),
    Break,
    Continue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    If,
    With,
    Range,
}

/// Commands, each with the value of the one before as its last argument; the value may go to variables.
#[derive(Clone, Debug)]
pub(super) struct Pipe {
    pub vars: Vec<String>,
    /// `:=` and not `=`.
    pub declares: bool,
    pub commands: Vec<Vec<Term>>,
}

#[derive(Clone, Debug)]
pub(super) enum Term {
    /// `.a.b`
    Dot(Vec<String>),
    /// `$x.a`
    Var(String, Vec<String>),
    /// `(pipeline).a`
    Pipe(Box<Pipe>, Vec<String>),
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Nil,
    Function(String),
}

/// A template with those it defines, by name; its own is empty.
pub(super) type Templates = BTreeMap<String, Vec<Node>>;

/// The parts of an action's text.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Int(i64),
    Float(f64),
    Sign(char),
    Declare,
    /// Something that separates stands in front of what follows.
    Space,
}

enum Piece {
    Text(String),
    Action(Vec<Token>),
}

/// How a list of nodes ended.
enum Stop {
    Text,
    End,
    /// `{{else}}` with what stands behind it.
    Else(Vec<Token>),
}

struct Parser {
    pieces: std::vec::IntoIter<Piece>,
    templates: Templates,
    depth: usize,
}

/// Reads a template.
///
/// # Errors
/// What is wrong with the text, as Go says it.
pub(super) fn parse(text: &str) -> Result<Templates, String> {
    let mut parser = Parser { pieces: pieces(text)?.into_iter(), templates: Templates::new(), depth: 0 };
    let (nodes, end) = parser.nodes()?;
    match end {
        Stop::Text => {
            parser.templates.insert(String::new(), nodes);
            Ok(parser.templates)
        }
        Stop::End => Err("unexpected {{end}}".to_owned()),
        Stop::Else(_) => Err("unexpected {{else}}".to_owned()),
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let (mut rest, mut trim) = (text, false);
    loop {
        let (before, action) = match rest.split_once("{{") {
            Some((before, action)) => (before, Some(action)),
            None => (rest, None),
        };
        let mut before = if trim { before.trim_start() } else { before };
        let Some(mut action) = action else {
            pieces.push(Piece::Text(before.to_owned()));
            return Ok(pieces);
        };
        if let Some(inner) = action.strip_prefix('-')
            && inner.starts_with(char::is_whitespace)
        {
            before = before.trim_end();
            action = inner;
        }
        pieces.push(Piece::Text(before.to_owned()));
        if let Some(comment) = action.trim_start().strip_prefix("/*") {
            let (_, behind) = comment.split_once("*/").ok_or("unclosed comment")?;
            let behind = behind.trim_start();
            (rest, trim) = match (behind.strip_prefix("-}}"), behind.strip_prefix("}}")) {
                (Some(rest), _) => (rest, true),
                (None, Some(rest)) => (rest, false),
                (None, None) => return Err("comment ends before closing delimiter".to_owned()),
            };
            continue;
        }
        let (tokens, behind, trims) = tokens(action)?;
        pieces.push(Piece::Action(tokens));
        (rest, trim) = (behind, trims);
    }
}

/// The tokens of an action, the text behind it, and whether that loses its leading space.
fn tokens(text: &str) -> Result<(Vec<Token>, &str, bool), String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        if let Some(behind) = rest.strip_prefix("}}") {
            return Ok((tokens, behind, false));
        }
        let spaced = rest.trim_start();
        if let Some(behind) = spaced.strip_prefix("-}}")
            && spaced.len() < rest.len()
        {
            return Ok((tokens, behind, true));
        }
        if spaced.len() < rest.len() {
            tokens.push(Token::Space);
            rest = spaced;
            continue;
        }
        let first = rest.chars().next().ok_or("unclosed action")?;
        let length = match first {
            '"' | '`' | '\'' => {
                let (token, length) = quoted(rest, first)?;
                tokens.push(token);
                length
            }
            '0'..='9' | '+' | '-' => {
                let is_part = |character: char| character.is_ascii_alphanumeric() || "._+-".contains(character);
                let length = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
                let (number, _) = rest.split_at(length);
                tokens.push(match (number.replace('_', "").parse(), number.parse()) {
                    (Ok(whole), _) => Token::Int(whole),
                    (Err(_), Ok(float)) => Token::Float(float),
                    _ => return Err(format!("bad number syntax: {number:?}")),
                });
                length
            }
            ':' if rest.starts_with(":=") => {
                tokens.push(Token::Declare);
                2
            }
            '.' | '$' | '|' | '(' | ')' | ',' | '=' => {
                tokens.push(Token::Sign(first));
                1
            }
            character if character.is_alphabetic() || character == '_' => {
                let length =
                    rest.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(rest.len());
                tokens.push(Token::Word(rest.split_at(length).0.to_owned()));
                length
            }
            other => return Err(format!("unexpected {other:?} in command")),
        };
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// A text or character in quotes, and its length with them.
fn quoted(rest: &str, quote: char) -> Result<(Token, usize), String> {
    let mut out = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == quote => {
                let length = at + 1;
                return Ok(if quote == '\'' {
                    let code = out.chars().next().map_or(0, u32::from);
                    (Token::Int(i64::from(code)), length)
                } else {
                    (Token::Text(out), length)
                });
            }
            '\\' if quote != '`' => match characters.next().map(|(_, character)| character) {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(same @ ('\\' | '"' | '\'')) => out.push(same),
                _ => return Err("invalid syntax in a quoted string".to_owned()),
            },
            '\n' if quote != '`' => break,
            character => out.push(character),
        }
    }
    Err(if quote == '`' { "unterminated raw quoted string" } else { "unterminated quoted string" }.to_owned())
}

impl Parser {
    fn nodes(&mut self) -> Result<(Vec<Node>, Stop), String> {
        self.depth += 1;
        if self.depth > limits::NESTING {
            return Err("the template is nested too deeply".to_owned());
        }
        let mut nodes = Vec::new();
        let end = loop {
            let Some(piece) = self.pieces.next() else { break Stop::Text };
            let tokens = match piece {
                Piece::Text(text) if text.is_empty() => continue,
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(tokens) => tokens,
            };
            let tokens: Vec<_> = tokens.into_iter().skip_while(|token| *token == Token::Space).collect();
            let (word, rest) = match tokens.split_first() {
                Some((Token::Word(word), rest)) => (word.as_str(), rest),
                _ => ("", tokens.as_slice()),
            };
            match word {
                "end" => break Stop::End,
                "else" => break Stop::Else(rest.to_vec()),
                "if" => nodes.push(self.branch(Word::If, rest)?),
                "with" => nodes.push(self.branch(Word::With, rest)?),
                "range" => nodes.push(self.branch(Word::Range, rest)?),
                "break" => nodes.push(Node::Break),
                "continue" => nodes.push(Node::Continue),
                "define" => {
                    let (name, _) = named(rest)?;
                    self.define(name)?;
                }
                "block" => {
                    let (name, rest) = named(rest)?;
                    self.define(name.clone())?;
                    nodes.push(Node::Call(name, Some(pipe(rest)?)));
                }
                "template" => {
                    let (name, rest) = named(rest)?;
                    let argument = rest.iter().any(|token| *token != Token::Space);
                    nodes.push(Node::Call(name, if argument { Some(pipe(rest)?) } else { None }));
                }
                _ => nodes.push(Node::Show(pipe(&tokens)?)),
            }
        };
        self.depth -= 1;
        Ok((nodes, end))
    }

    fn define(&mut self, name: String) -> Result<(), String> {
        let (nodes, end) = self.nodes()?;
        if !matches!(end, Stop::End) {
            return Err("unexpected EOF".to_owned());
        }
        self.templates.insert(name, nodes);
        Ok(())
    }

    fn branch(&mut self, word: Word, rest: &[Token]) -> Result<Node, String> {
        let pipe = pipe(rest)?;
        let (then, end) = self.nodes()?;
        let otherwise = match end {
            Stop::Text => return Err("unexpected EOF".to_owned()),
            Stop::End => Vec::new(),
            Stop::Else(tokens) => {
                let tokens: Vec<_> = tokens.into_iter().skip_while(|token| *token == Token::Space).collect();
                match tokens.split_first() {
                    Some((Token::Word(again), rest)) if again == "if" => vec![self.branch(Word::If, rest)?],
                    Some((Token::Word(again), rest)) if again == "with" => vec![self.branch(Word::With, rest)?],
                    Some(_) => return Err("unexpected token in {{else}}".to_owned()),
                    None => match self.nodes()? {
                        (nodes, Stop::End) => nodes,
                        _ => return Err("unexpected EOF".to_owned()),
                    },
                }
            }
        };
        Ok(Node::Branch(word, pipe, then, otherwise))
    }
}

/// The name in front of the rest of an action.
fn named(tokens: &[Token]) -> Result<(String, &[Token]), String> {
    let at = tokens.iter().position(|token| *token != Token::Space).unwrap_or(0);
    match tokens.get(at..).and_then(<[Token]>::split_first) {
        Some((Token::Text(name), rest)) => Ok((name.clone(), rest)),
        _ => Err("a template is named by a string".to_owned()),
    }
}

fn pipe(tokens: &[Token]) -> Result<Pipe, String> {
    let mut reader = Reader { tokens, at: 0, depth: 0 };
    let pipe = reader.pipe()?;
    reader.space();
    if reader.at < tokens.len() { Err("unexpected token in command".to_owned()) } else { Ok(pipe) }
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.tokens.get(self.at) == Some(&Token::Space) {
            self.at += 1;
        }
    }

    fn eat(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }

    fn pipe(&mut self) -> Result<Pipe, String> {
        self.depth += 1;
        if self.depth > limits::NESTING {
            return Err("the template is nested too deeply".to_owned());
        }
        let mut pipe = Pipe { vars: Vec::new(), declares: true, commands: Vec::new() };
        let start = self.at;
        loop {
            self.space();
            if !self.eat(&Token::Sign('$')) {
                break;
            }
            let Some(Token::Word(name)) = self.tokens.get(self.at) else { break };
            pipe.vars.push(name.clone());
            self.at += 1;
            self.space();
            if !self.eat(&Token::Sign(',')) {
                break;
            }
        }
        pipe.declares = self.eat(&Token::Declare);
        if pipe.vars.is_empty() || !(pipe.declares || self.eat(&Token::Sign('='))) {
            pipe.vars.clear();
            self.at = start;
        }
        loop {
            let command = self.command()?;
            if command.is_empty() {
                return Err("missing value for command".to_owned());
            }
            if matches!(command.as_slice(), [Term::Nil]) {
                return Err("nil is not a command".to_owned());
            }
            pipe.commands.push(command);
            self.space();
            if !self.eat(&Token::Sign('|')) {
                self.depth -= 1;
                return Ok(pipe);
            }
        }
    }

    fn command(&mut self) -> Result<Vec<Term>, String> {
        let mut terms = Vec::new();
        loop {
            self.space();
            match self.tokens.get(self.at) {
                None | Some(Token::Sign('|' | ')')) => return Ok(terms),
                Some(_) => terms.push(self.term()?),
            }
        }
    }

    fn term(&mut self) -> Result<Term, String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        Ok(match token {
            Some(Token::Text(text)) => Term::Text(text),
            Some(Token::Int(number)) => Term::Int(number),
            Some(Token::Float(number)) => Term::Float(number),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Term::Bool(true),
                "false" => Term::Bool(false),
                "nil" => Term::Nil,
                _ => Term::Function(word),
            },
            Some(Token::Sign('.')) => {
                let mut path = Vec::new();
                if let Some(Token::Word(name)) = self.tokens.get(self.at) {
                    path.push(name.clone());
                    self.at += 1;
                    self.path(&mut path);
                }
                Term::Dot(path)
            }
            Some(Token::Sign('$')) => {
                let name = match self.tokens.get(self.at) {
                    Some(Token::Word(name)) => {
                        self.at += 1;
                        name.clone()
                    }
                    _ => String::new(),
                };
                let mut path = Vec::new();
                self.path(&mut path);
                Term::Var(name, path)
            }
            Some(Token::Sign('(')) => {
                let inner = self.pipe()?;
                self.space();
                if !self.eat(&Token::Sign(')')) {
                    return Err("unclosed left paren".to_owned());
                }
                let mut path = Vec::new();
                self.path(&mut path);
                Term::Pipe(Box::new(inner), path)
            }
            _ => return Err("unexpected token in operand".to_owned()),
        })
    }

    /// `.a.b` right behind a term.
    fn path(&mut self, path: &mut Vec<String>) {
        while let (Some(Token::Sign('.')), Some(Token::Word(name))) =
            (self.tokens.get(self.at), self.tokens.get(self.at + 1))
        {
            path.push(name.clone());
            self.at += 2;
        }
    }
}
