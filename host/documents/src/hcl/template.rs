//! Templates with `${…}` and `%{…}` in them: in quotes, and over several lines after `<<`.

use super::{
    Parser, Read,
    expression::{Expression, Kind},
};

/// A piece of a text.
enum Piece {
    Literal(String),
    /// Something that is put in: the text that stands for it.
    Part(String),
}

/// What a text is closed by.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Quote,
    /// The end of a heredoc's text.
    At(usize),
}

/// The word in `%{…}` that ended a run of pieces.
#[derive(PartialEq)]
enum Stop {
    End,
    Else,
    EndIf,
    EndFor,
}

/// What would be interpolated if it were not escaped.
fn escaped(literal: &str) -> String {
    literal.replace("${", "$${").replace("%{", "%%{")
}

fn joined(pieces: Vec<Piece>) -> String {
    let shown = |piece| match piece {
        Piece::Literal(text) => escaped(&text),
        Piece::Part(text) => text,
    };
    pieces.into_iter().map(shown).collect()
}

impl Parser<'_> {
    /// A text in quotes, from behind the first one.
    pub(super) fn quoted(&mut self) -> Read<Kind> {
        let before = self.at;
        let mut only = None;
        let (pieces, stop) = self.pieces(End::Quote, &mut only)?;
        if stop != Stop::End {
            return Err("a directive has no start".to_owned());
        }
        // `"${x}"` is what `x` is.
        if let (Some(inner), [Piece::Part(_)]) = (only, pieces.as_slice())
            && self.text.get(before..).is_some_and(|text| text.starts_with("${"))
        {
            return Ok(Kind::Wrapped(Box::new(inner)));
        }
        Ok(Kind::Template(joined(pieces)))
    }

    /// A text over several lines, from its `<<` on.
    pub(super) fn heredoc(&mut self) -> Read<Kind> {
        self.at += 2;
        let flush = self.take("-");
        let name = self.name().ok_or("a name is missing")?;
        self.take("\r");
        self.expect("\n")?;
        let from = self.at;
        let mut end = from;
        for line in self.rest().split_inclusive('\n') {
            if line.trim() == name {
                let (text, at) = (self.text.get(..end).unwrap_or_default(), self.at);
                let after = end + line.len() - line.trim_start().len() + name.len();
                let body = text.get(at..).unwrap_or_default();
                let indent = if flush { indent_of(body) } else { 0 };
                let text = if indent > 0 { unindented(body, indent) } else { body.to_owned() };
                let mut inner = Parser { text: &text, at: 0, depth: self.depth, newlines: false };
                let (pieces, stop) =
                    inner.pieces(End::At(text.len()), &mut None).map_err(|why| format!("{why} in the template"))?;
                if stop != Stop::End {
                    return Err("a directive has no start".to_owned());
                }
                self.at = after;
                return Ok(Kind::Template(joined(pieces)));
            }
            end += line.len();
        }
        Err(format!("`{name}` is missing: unterminated heredoc"))
    }

    /// Pieces up to the end, or to `%{ else }`, `%{ endif }` or `%{ endfor }`. `only` is the last expression.
    fn pieces(&mut self, end: End, only: &mut Option<Expression>) -> Read<(Vec<Piece>, Stop)> {
        self.enter()?;
        let mut pieces = Vec::new();
        let mut literal = String::new();
        // Whether white space is left out at the beginning of what follows.
        let mut trim = false;
        let stop = loop {
            if matches!(end, End::At(end) if self.at >= end) {
                break Stop::End;
            }
            let flush = |pieces: &mut Vec<Piece>, literal: &mut String, trim: &mut bool, trim_end: bool| {
                let mut text = std::mem::take(literal);
                if std::mem::take(trim) {
                    text = text.trim_start().to_owned();
                }
                if trim_end {
                    text.truncate(text.trim_end().len());
                }
                if !text.is_empty() {
                    pieces.push(Piece::Literal(text));
                }
            };
            match self.peek() {
                None => return Err("unterminated string".to_owned()),
                Some('"') if end == End::Quote => {
                    self.at += 1;
                    break Stop::End;
                }
                Some('\n') if end == End::Quote => return Err("a quoted string has a line break".to_owned()),
                Some('\\') if end == End::Quote => literal.push(self.escape()?),
                Some(sign @ ('$' | '%')) if self.starts("$${") || self.starts("%%{") => {
                    self.at += 3;
                    literal.push(sign);
                    literal.push('{');
                }
                Some('$') if self.take("${") => {
                    let trim_end = self.take("~");
                    flush(&mut pieces, &mut literal, &mut trim, trim_end);
                    let inner = self.between(Self::expression)?;
                    pieces.push(Piece::Part(inner.part(self)));
                    *only = Some(inner);
                    trim = self.closed()?;
                }
                Some('%') if self.take("%{") => {
                    let trim_end = self.take("~");
                    flush(&mut pieces, &mut literal, &mut trim, trim_end);
                    self.between(Self::space)?;
                    match self.name() {
                        Some("if") => {
                            pieces.push(Piece::Part(self.if_rest(end, &mut trim)?));
                        }
                        Some("for") => {
                            let (names, list) = self.between(Self::for_intro)?;
                            let list = self.text.get(list.from..list.to).unwrap_or_default().to_owned();
                            self.closed()?;
                            let (inner, stop) = self.pieces(end, &mut None)?;
                            if stop != Stop::EndFor {
                                return Err("`%{ endfor }` is missing".to_owned());
                            }
                            trim = self.closed()?;
                            pieces.push(Piece::Part(format!("%{{for {names} in {list}}}{}%{{endfor}}", joined(inner))));
                        }
                        Some("else") => break Stop::Else,
                        Some("endif") => break Stop::EndIf,
                        Some("endfor") => break Stop::EndFor,
                        _ => return Err("unknown directive".to_owned()),
                    }
                }
                Some(other) => {
                    self.at += other.len_utf8();
                    literal.push(other);
                }
            }
        };
        if trim {
            literal = literal.trim_start().to_owned();
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        self.depth -= 1;
        Ok((pieces, stop))
    }

    /// The end of `${` or `%{`; whether white space that follows is left out.
    fn closed(&mut self) -> Read<bool> {
        self.between(Self::space)?;
        let trim = self.take("~");
        self.expect("}")?;
        Ok(trim)
    }

    fn if_rest(&mut self, end: End, trim: &mut bool) -> Read<String> {
        let condition = self.between(Self::expression)?;
        let condition = self.text.get(condition.from..condition.to).unwrap_or_default().to_owned();
        let after = |pieces: Vec<Piece>, trim: bool| {
            let text = joined(pieces);
            if trim { text.trim_start().to_owned() } else { text }
        };
        let trim_yes = self.closed()?;
        let (yes, mut stop) = self.pieces(end, &mut None)?;
        let mut made = format!("%{{if {condition}}}{}", after(yes, trim_yes));
        if stop == Stop::Else {
            let trim_no = self.closed()?;
            let (no, next) = self.pieces(end, &mut None)?;
            let no = after(no, trim_no);
            if !no.is_empty() {
                made = format!("{made}%{{else}}{no}");
            }
            stop = next;
        }
        if stop != Stop::EndIf {
            return Err("`%{ endif }` is missing".to_owned());
        }
        *trim = self.closed()?;
        Ok(made + "%{endif}")
    }
}

/// The spaces that all lines of a text begin with.
fn indent_of(text: &str) -> usize {
    let lines = text.split_inclusive('\n').filter(|line| !line.trim().is_empty());
    lines.map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0)
}

fn unindented(text: &str, indent: usize) -> String {
    // As in Go, a line of nothing but spaces keeps them.
    let cut = |line| if str::trim(line).is_empty() { line } else { line.get(indent..).unwrap_or(line) };
    text.split_inclusive('\n').map(cut).collect()
}
