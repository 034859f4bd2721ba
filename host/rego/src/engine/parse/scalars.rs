//! Numbers and strings.

use std::sync::Arc;

use regorus::Value;

use crate::engine::builtins::written_number;
use crate::engine::bytes::admitted;
use crate::engine::documents::is_beyond;
use crate::engine::lex::{Kind, Token};
use crate::engine::span::Span;

use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn number(&mut self, span: Span, negative: bool) -> Parsed<Value> {
        let sign = if negative { "-" } else { "" };
        let text = format!("{sign}{}", self.text(span));
        if is_beyond(&text) {
            return self.fail(span, "number too big");
        }
        match written_number(&text) {
            Ok(Some(value)) => Ok(value),
            _ => self.fail(span, format!("invalid number: `{text}` is out of range")),
        }
    }

    /// The text that a string token stands for.
    pub(super) fn string_text(&mut self, token: Token) -> Parsed<Arc<str>> {
        let text = self.text(token.span);
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
        if token.kind == Kind::RawString { Ok(admitted(inner).into()) } else { self.escaped(token.span, inner, false) }
    }

    /// Resolves the escapes of JSON, and `\{` of templates. As in OPA a string with escapes is JSON altogether, in which control
    /// characters do not stand.
    pub(super) fn escaped(&mut self, span: Span, text: &str, in_template: bool) -> Parsed<Arc<str>> {
        if !text.contains('\\') {
            return Ok(admitted(text).into());
        }
        if text.bytes().any(|byte| byte < b' ') {
            return self.fail(span, "illegal string literal: a control character beside an escape");
        }
        let mut out = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            if char != '\\' {
                out.push(char);
                continue;
            }
            match chars.next() {
                Some(same @ ('"' | '\\' | '/')) => out.push(same),
                Some('{') if in_template => out.push('{'),
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{c}'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('u') => {
                    let Some(unit) = hex4(&mut chars) else { return self.fail(span, "illegal escape sequence") };
                    out.push(unicode(unit, &mut chars));
                }
                _ => return self.fail(span, "illegal escape sequence"),
            }
        }
        Ok(admitted(&out).into())
    }
}

fn hex4(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit * 16 + chars.next()?.to_digit(16)?;
    }
    Some(unit)
}

/// A character from its UTF-16 unit, with the second half of a pair when there is one.
fn unicode(unit: u32, chars: &mut std::str::Chars<'_>) -> char {
    if (0xD800..0xDC00).contains(&unit) {
        let mut ahead = chars.clone();
        if ahead.next() == Some('\\')
            && ahead.next() == Some('u')
            && let Some(low) = hex4(&mut ahead)
            && (0xDC00..0xE000).contains(&low)
        {
            *chars = ahead;
            return char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)).unwrap_or('\u{FFFD}');
        }
    }
    char::from_u32(unit).unwrap_or('\u{FFFD}')
}
