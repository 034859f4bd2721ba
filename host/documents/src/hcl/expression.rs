//! Expressions: what is written out is a value, everything else stays its text.

use serde_json::{Map, Number, Value};

use super::{Parser, Read};
use crate::numbers::number;

/// Operators between two operands, the longer ones first.
const OPERATORS: [&str; 13] = ["==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "%", "<", ">"];

/// An expression and where it stands.
pub(super) struct Expression {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// A number, a boolean or null.
    Literal(Value),
    /// A text, with `${…}` where something is put in.
    Template(String),
    List(Vec<Value>),
    Object(Map<String, Value>),
    /// `"${…}"`, which is what is put in.
    Wrapped(Box<Expression>),
    /// `a ? b : c`, with where the condition ends and its results as strings.
    Conditional {
        condition: (usize, usize),
        yes: String,
        no: String,
    },
    /// Names with points between them.
    Path,
    Other,
}

impl Expression {
    /// The value of an attribute or an item.
    pub(super) fn value(self, parser: &Parser<'_>) -> Value {
        match self.kind {
            Kind::Literal(value) => value,
            Kind::Template(text) => Value::String(text),
            Kind::List(items) => Value::Array(items),
            Kind::Object(fields) => Value::Object(fields),
            Kind::Wrapped(inner) => inner.value(parser),
            Kind::Conditional { .. } | Kind::Path | Kind::Other => Value::String(self.wrapped(parser)),
        }
    }

    fn wrapped(&self, parser: &Parser<'_>) -> String {
        format!("${{{}}}", parser.text.get(self.from..self.to).unwrap_or_default())
    }

    /// The expression as a part of a text.
    pub(super) fn part(&self, parser: &Parser<'_>) -> String {
        match &self.kind {
            Kind::Literal(value) => value.to_string(),
            Kind::Template(text) => text.clone(),
            Kind::Wrapped(inner) => inner.part(parser),
            Kind::Conditional { condition: (from, to), yes, no } => {
                let condition = parser.text.get(*from..*to).unwrap_or_default();
                let otherwise = if no.is_empty() { String::new() } else { format!("%{{else}}{no}") };
                format!("%{{if {condition}}}{yes}{otherwise}%{{endif}}")
            }
            Kind::List(_) | Kind::Object(_) | Kind::Path | Kind::Other => self.wrapped(parser),
        }
    }

    /// The expression as a key of an object.
    fn key(&self, parser: &Parser<'_>) -> String {
        match &self.kind {
            Kind::Path => parser.text.get(self.from..self.to).unwrap_or_default().to_owned(),
            _ => self.part(parser),
        }
    }
}

impl Parser<'_> {
    /// An expression; `at` stands behind its last word then.
    pub(super) fn expression(&mut self) -> Read<Expression> {
        self.enter()?;
        self.space()?;
        let mut found = self.term()?;
        loop {
            let end = self.at;
            self.space()?;
            // `=>` and `=` end an expression, `...` follows one.
            let Some(operator) = OPERATORS.into_iter().find(|operator| self.starts(operator)) else {
                self.at = end;
                break;
            };
            self.at += operator.len();
            self.space()?;
            let right = self.term()?;
            found = Expression { from: found.from, to: right.to, kind: Kind::Other };
        }
        let end = self.at;
        self.space()?;
        if self.take("?") {
            let yes = self.expression()?;
            self.space()?;
            self.expect(":")?;
            let no = self.expression()?;
            let kind = Kind::Conditional { condition: (found.from, found.to), yes: yes.part(self), no: no.part(self) };
            found = Expression { from: found.from, to: no.to, kind };
        } else {
            self.at = end;
        }
        self.depth -= 1;
        Ok(found)
    }

    fn term(&mut self) -> Read<Expression> {
        let from = self.at;
        let mut signs = String::new();
        while let Some(sign @ ('-' | '!')) = self.peek() {
            signs.push(sign);
            self.at += 1;
            self.space()?;
        }
        let found = self.operand()?;
        let kind = match (signs.as_str(), found.kind) {
            ("", kind) => return Ok(Expression { kind, ..found }),
            ("!", Kind::Literal(Value::Bool(is_so))) => Kind::Literal(Value::Bool(!is_so)),
            ("-", Kind::Literal(Value::Number(size))) => {
                let text = size.to_string();
                let text = text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned);
                Kind::Literal(Value::Number(text.parse::<Number>().map_err(|error| error.to_string())?))
            }
            _ => Kind::Other,
        };
        Ok(Expression { from, to: found.to, kind })
    }

    fn operand(&mut self) -> Read<Expression> {
        let from = self.at;
        let kind = match self.peek() {
            Some('"') => {
                self.at += 1;
                self.quoted()?
            }
            Some('(') => {
                self.at += 1;
                self.between(|parser| {
                    parser.expression()?;
                    parser.space()?;
                    parser.expect(")")
                })?;
                Kind::Other
            }
            Some('[') => {
                self.at += 1;
                self.between(Self::list)?
            }
            Some('{') => {
                self.at += 1;
                self.object()?
            }
            Some('0'..='9') => self.digits()?,
            Some('<') if self.starts("<<") => self.heredoc()?,
            _ => self.named()?,
        };
        let mut found = Expression { from, to: self.at, kind };
        while let Some(is_path) = self.step()? {
            let kind = if is_path && matches!(found.kind, Kind::Path) { Kind::Path } else { Kind::Other };
            found = Expression { from, to: self.at, kind };
        }
        Ok(found)
    }

    /// A step of a path: whether it is a name, and none where there is no step.
    fn step(&mut self) -> Read<Option<bool>> {
        if self.starts("...") {
            return Ok(None);
        }
        if self.take(".") {
            if self.take("*") {
                return Ok(Some(false));
            }
            if self.name().is_none() && self.while_(|one| one.is_ascii_digit()).is_empty() {
                return Err("a name is missing".to_owned());
            }
            return Ok(Some(true));
        }
        if self.take("[") {
            self.between(|parser| {
                parser.space()?;
                if !parser.take("*") {
                    parser.expression()?;
                }
                parser.space()?;
                parser.expect("]")
            })?;
            return Ok(Some(true));
        }
        Ok(None)
    }

    fn named(&mut self) -> Read<Kind> {
        let name = self.name().ok_or("a value is missing")?;
        let mut is_call = false;
        while self.take("::") {
            self.name().ok_or("a name is missing")?;
            is_call = true;
        }
        if self.take("(") {
            self.between(|parser| parser.items(")", |parser| parser.expression().map(drop)))?;
            return Ok(Kind::Other);
        }
        Ok(match name {
            _ if is_call => return Err("`(` is missing".to_owned()),
            "true" => Kind::Literal(true.into()),
            "false" => Kind::Literal(false.into()),
            "null" => Kind::Literal(Value::Null),
            _ => Kind::Path,
        })
    }

    fn digits(&mut self) -> Read<Kind> {
        let from = self.at;
        let is_digit = |one: char| one.is_ascii_digit();
        self.while_(is_digit);
        let next = |parser: &Self, at: usize| parser.rest().chars().nth(at).is_some_and(is_digit);
        if self.starts(".") && next(self, 1) {
            self.at += 1;
            self.while_(is_digit);
        }
        if let Some('e' | 'E') = self.peek() {
            let sign = self.rest().chars().nth(1).filter(|sign| matches!(sign, '+' | '-')).map_or(1, |_| 2);
            if next(self, sign) {
                self.at += sign;
                self.while_(is_digit);
            }
        }
        let text = self.text.get(from..self.at).unwrap_or_default();
        number(text).map(Kind::Literal).ok_or_else(|| "a number is too large".to_owned())
    }

    /// What stands between brackets, where line breaks mean nothing.
    pub(super) fn between<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        let outer = std::mem::replace(&mut self.newlines, true);
        let found = read(self);
        self.newlines = outer;
        found
    }

    /// Items up to `end`; the last may be followed by `...`.
    fn items(&mut self, end: &str, mut one: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        loop {
            self.space()?;
            if self.take(end) {
                return Ok(());
            }
            one(self)?;
            self.space()?;
            self.take("...");
            self.space()?;
            if !self.take(",") {
                return self.expect(end);
            }
        }
    }

    fn is_for(&self) -> bool {
        self.rest().strip_prefix("for").is_some_and(|rest| rest.starts_with(char::is_whitespace))
    }

    /// `for k, v in list`.
    pub(super) fn for_intro(&mut self) -> Read<(String, Expression)> {
        self.space()?;
        let mut names = self.name().ok_or("a name is missing")?.to_owned();
        self.space()?;
        if self.take(",") {
            self.space()?;
            names = format!("{names}, {}", self.name().ok_or("a name is missing")?);
            self.space()?;
        }
        self.expect("in")?;
        Ok((names, self.expression()?))
    }

    fn for_rest(&mut self, end: &str) -> Read<Kind> {
        self.at += "for".len();
        self.for_intro()?;
        self.space()?;
        self.expect(":")?;
        self.expression()?;
        self.space()?;
        if self.take("=>") {
            self.expression()?;
            self.space()?;
            self.take("...");
            self.space()?;
        }
        if self.take("if") {
            self.expression()?;
            self.space()?;
        }
        self.expect(end)?;
        Ok(Kind::Other)
    }

    fn list(&mut self) -> Read<Kind> {
        self.space()?;
        if self.is_for() {
            return self.for_rest("]");
        }
        let mut items = Vec::new();
        self.items("]", |parser| {
            let item = parser.expression()?.value(parser);
            items.push(item);
            Ok(())
        })?;
        Ok(Kind::List(items))
    }

    fn object(&mut self) -> Read<Kind> {
        self.lines()?;
        if self.is_for() {
            return self.between(|parser| parser.for_rest("}"));
        }
        let outer = std::mem::replace(&mut self.newlines, false);
        let mut fields = Map::new();
        loop {
            self.lines()?;
            if self.take("}") {
                break;
            }
            let key = self.expression()?.key(self);
            self.space()?;
            if !self.take("=") && !self.take(":") {
                return Err("`=` is missing".to_owned());
            }
            let value = self.expression()?.value(self);
            fields.insert(key, value);
            self.space()?;
            if !self.take(",") && !self.starts("\n") && !self.starts("}") {
                return Err("`,` or a line break is missing".to_owned());
            }
        }
        self.newlines = outer;
        Ok(Kind::Object(fields))
    }
}
