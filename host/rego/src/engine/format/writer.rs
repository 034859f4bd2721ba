//! [`Writer`]: lines, indentation and comments.
//!
//! Comments are written when a node behind them is: each function takes the number of the next comment and gives the one
//! that comes after. Two comments that belong to one line make a term be written as it is in the source.

use super::tree::Place;
use crate::engine::error::{CompileCode, CompileError};
use crate::engine::span::{Source, Span};

/// Bytes of a comment that an error shows.
const SHOWN_COMMENT: usize = 100;

/// A comment and its row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'a> {
    pub row: u32,
    /// From `#` on, without blanks at its end.
    pub text: &'a str,
    /// The same as it is in the source.
    pub raw: &'a str,
}

/// What the module at hand may be written with.
#[derive(Debug, Default)]
pub(super) struct Style {
    /// `contains` is a keyword.
    pub contains: bool,
    /// `if` is a keyword.
    pub ifs: bool,
    /// A head of the module has dots.
    pub dotted_heads: bool,
    /// The result is Rego v1.
    pub v1: bool,
    /// Words that cannot be names.
    pub keywords: Vec<String>,
}

/// Why a node could not be written, and the next comment.
#[derive(Debug)]
pub(super) struct Upset {
    pub next: usize,
    /// A second comment belongs to a line: what holds it is written as it is in the source.
    pub is_comment: bool,
    pub message: String,
}

/// The next comment.
pub(super) type Written = Result<usize, Upset>;

pub(super) struct Writer<'a> {
    pub source: &'a Source,
    pub out: String,
    pub style: Style,
    pub comments: Vec<Comment<'a>>,
    pub errors: Vec<CompileError>,
    /// Whether the current line has begun.
    pub inline: bool,
    /// The comment that the current line ends with.
    pub line_comment: Option<Comment<'a>>,
    /// Whether a comment in the last row of what is written as it is belongs to it.
    pub keeps_last_comment: bool,
    level: usize,
    /// The comment is for the line after the current one.
    delayed: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(source: &'a Source, comments: &[Span], style: Style) -> Self {
        let comment = |span: &Span| {
            let raw = source.slice(*span);
            Comment { row: source.row(span.start), text: raw.trim_end(), raw }
        };
        Self {
            source,
            out: String::with_capacity(source.text.len()),
            style,
            comments: comments.iter().map(comment).collect(),
            errors: Vec::new(),
            inline: false,
            line_comment: None,
            keeps_last_comment: false,
            level: 0,
            delayed: false,
        }
    }

    /// The error with all comments taken for written.
    pub(super) fn lost(&self) -> impl Fn(Upset) -> Upset + use<> {
        let all = self.comments.len();
        move |upset| Upset { next: all, ..upset }
    }

    pub(super) fn text(&self, place: Place) -> &'a str {
        self.source.slice(Span { file: 0, start: place.start, end: place.end })
    }

    pub(super) fn write(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Notes an error that ends the formatting when all is looked at.
    pub(super) fn note(&mut self, place: Place, code: CompileCode, message: impl Into<String>) {
        let span = Span { file: 0, start: place.start, end: place.end };
        self.errors.push(CompileError::at(self.source, span, code, message));
    }

    /// Begins a line with the indentation.
    pub(super) fn start_line(&mut self) {
        self.inline = true;
        for _ in 0..self.level {
            self.out.push('\t');
        }
    }

    /// Ends a line, with its comment.
    pub(super) fn end_line(&mut self) {
        self.inline = false;
        if !self.delayed
            && let Some(comment) = self.line_comment.take()
        {
            self.out.push(' ');
            self.out.push_str(comment.text);
        }
        self.delayed = false;
        self.out.push('\n');
    }

    pub(super) fn blank_line(&mut self) {
        if self.inline {
            self.end_line();
        }
        self.out.push('\n');
    }

    /// Writes a text as a line of its own.
    pub(super) fn write_line(&mut self, text: &str) {
        if !self.inline {
            self.start_line();
        }
        self.out.push_str(text);
        self.end_line();
    }

    /// Begins the lines of a collection: the comment of the line before stays where it is.
    pub(super) fn start_lines(&mut self) {
        self.end_line();
        self.up();
        self.start_line();
    }

    pub(super) fn delay_comment(&mut self) {
        self.delayed = true;
    }

    pub(super) fn up(&mut self) {
        self.level += 1;
    }

    /// # Errors
    /// The indentation is at its least.
    pub(super) fn down(&mut self) -> Result<(), Upset> {
        self.level = self.level.checked_sub(1).ok_or_else(|| self.upset("negative indentation level"))?;
        Ok(())
    }

    pub(super) fn upset(&self, message: impl Into<String>) -> Upset {
        Upset { next: self.comments.len(), is_comment: false, message: message.into() }
    }

    /// How many comments from `next` on stand above a row, and whether the next of them is in it.
    pub(super) fn comments_above(&self, next: usize, row: u32) -> usize {
        self.comments.get(next..).unwrap_or_default().iter().take_while(|comment| comment.row < row).count()
    }

    /// Writes the comments above a row; one in the row itself is kept for the end of the line. No row writes none.
    ///
    /// # Errors
    /// The line has a comment already.
    pub(super) fn insert_comments(&mut self, next: usize, row: Option<u32>) -> Written {
        let Some(row) = row else { return Ok(next) };
        let from = next + self.comments_above(next, row);
        self.write_comments(next, from);
        if from > next
            && let Some(last) = self.comments.get(from - 1)
            && row - last.row > 1
        {
            self.blank_line();
        }
        let mut after = from;
        let mut same = None;
        while let Some(comment) = self.comments.get(after).copied().filter(|comment| comment.row == row) {
            same = Some(comment);
            after += 1;
        }
        self.keep_comment(same).map_err(|message| Upset { next: after, is_comment: true, message })?;
        Ok(after)
    }

    /// Writes the comments from `from` to `to`, one a line.
    pub(super) fn write_comments(&mut self, from: usize, to: usize) {
        let mut last = None;
        for at in from..to {
            let Some(comment) = self.comments.get(at).copied() else { return };
            if last.is_some_and(|last| comment.row - last > 1) {
                self.blank_line();
            }
            self.write_line(comment.text);
            last = Some(comment.row);
        }
    }

    fn keep_comment(&mut self, comment: Option<Comment<'a>>) -> Result<(), String> {
        let Some(comment) = comment else { return Ok(()) };
        let Some(kept) = self.line_comment.take() else {
            self.line_comment = Some(comment);
            return Ok(());
        };
        Err(format!(
            "unexpected new comment ({}) on line {} because there is already a comment ({}) registered for line {}",
            shortened(comment.text),
            comment.row,
            shortened(kept.text),
            kept.row
        ))
    }

    /// Writes a node as it is in the source, and gives the next comment behind it.
    ///
    /// # Errors
    /// The node has no text.
    pub(super) fn write_as_it_is(&mut self, place: Place, next: usize) -> Written {
        let text = self.text(place);
        if text.is_empty() {
            return Err(self.upset("original unformatted text is empty"));
        }
        let rows = u32::try_from(text.matches('\n').count()).unwrap_or(0);
        self.write(text);
        let last_row = place.row + rows;
        let mut after = next;
        while let Some(comment) = self.comments.get(after).copied() {
            if self.keeps_last_comment && comment.row == last_row {
                self.write(" ");
                self.write(comment.raw);
            } else if comment.row >= last_row {
                break;
            }
            after += 1;
        }
        Ok(after)
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= SHOWN_COMMENT {
        return text.to_owned();
    }
    let mut end = SHOWN_COMMENT - 2;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", text.get(..end).unwrap_or_default())
}

/// The row of the sign that closes what the first `open` of the text opens, as OPA looks for it: strings and comments
/// count like all else. None where there is no such sign.
pub(super) fn closing_row(text: &str, row: u32, open: u8, close: u8) -> Option<u32> {
    closing(text.as_bytes(), 0, 0, open, close).map(|(_, rows)| row + rows)
}

/// The same behind the first pair of two other signs.
pub(super) fn closing_row_behind(text: &str, row: u32, skipped: (u8, u8), open: u8, close: u8) -> Option<u32> {
    let bytes = text.as_bytes();
    let (at, rows) = closing(bytes, 0, 0, skipped.0, skipped.1)?;
    closing(bytes, at, rows, open, close).map(|(_, rows)| row + rows)
}

fn closing(bytes: &[u8], from: usize, rows: u32, open: u8, close: u8) -> Option<(usize, u32)> {
    let start = from + bytes.get(from..)?.iter().position(|byte| *byte == open)?;
    let mut depth = 1_usize;
    let mut rows = rows;
    for (at, byte) in bytes.iter().enumerate().skip(start + 1) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
        } else if *byte == b'\n' {
            rows += 1;
        }
        if depth == 0 {
            return Some((at, rows));
        }
    }
    None
}
