//! [`print()`]: formats as `fmt.Sprintf` knows them, with its verbs, flags, widths and error texts.

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive};

use crate::{float, quote::is_unprintable};

/// The largest width and precision, as in Go.
const WIDTH: usize = 1_000_000;

/// An argument as Go sees it.
pub enum Operand {
    /// A whole number of 64 bits.
    Int(i64),
    /// A larger one.
    Big(BigInt),
    /// A float.
    Float(f64),
    /// A string, or what is shown as one.
    Text(String),
}

/// Puts a string in quotes, at the end of another one.
pub type Quote = fn(&mut String, &str);

/// The format with these arguments; none where it would be longer than `most` bytes.
#[must_use]
pub fn print(format: &str, values: &[Operand], most: usize, quote: Quote) -> Option<String> {
    let mut printer = Printer { values, next: 0, reordered: false, out: String::with_capacity(format.len()), quote };
    printer.print(format, most)?;
    Some(printer.out)
}

impl Operand {
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Big(_) => "*big.Int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
        }
    }

    /// What `%v` shows.
    fn plain(&self) -> String {
        match self {
            Self::Int(word) => word.to_string(),
            Self::Big(big) => big.to_string(),
            Self::Float(float) => general(*float, None, 'g', false),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What stands between the `%` and the verb.
#[derive(Clone, Copy, Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

struct Printer<'v> {
    values: &'v [Operand],
    next: usize,
    reordered: bool,
    out: String,
    quote: Quote,
}

/// The characters of the format that are still to be parsed.
type Characters<'f> = std::iter::Peekable<std::str::Chars<'f>>;

impl Printer<'_> {
    fn print(&mut self, format: &str, most: usize) -> Option<()> {
        let mut characters = format.chars().peekable();
        while let Some(character) = characters.next() {
            if character == '%' {
                self.directive(&mut characters);
            } else {
                self.out.push(character);
            }
            if self.out.len() > most {
                return None;
            }
        }
        if !self.reordered && self.next < self.values.len() {
            self.out.push_str("%!(EXTRA ");
            for (at, value) in self.values.iter().enumerate().skip(self.next) {
                if at > self.next {
                    self.out.push_str(", ");
                }
                self.out.push_str(value.type_name());
                self.out.push('=');
                self.out.push_str(&value.plain());
            }
            self.out.push(')');
        }
        Some(())
    }

    fn directive(&mut self, characters: &mut Characters<'_>) {
        let mut flags = Flags::default();
        let mut good = true;
        let mut indexed = false;
        while let Some(character) = characters.peek() {
            match character {
                '+' => flags.plus = true,
                '-' => flags.minus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                '0' => flags.zero = true,
                _ => break,
            }
            characters.next();
        }
        self.index(characters, &mut good, &mut indexed);
        if characters.next_if_eq(&'*').is_some() {
            match self.star() {
                Some(width) if width < 0 => {
                    flags.minus = true;
                    flags.zero = false;
                    flags.width = usize::try_from(-width).ok();
                }
                Some(width) => flags.width = usize::try_from(width).ok(),
                None => self.out.push_str("%!(BADWIDTH)"),
            }
            indexed = false;
        } else if let Some(width) = digits(characters) {
            flags.width = Some(width);
            // A width after an argument's index belongs in front of it.
            good &= !indexed;
        }
        if characters.next_if_eq(&'.').is_some() {
            good &= !indexed;
            self.index(characters, &mut good, &mut indexed);
            if characters.next_if_eq(&'*').is_some() {
                match self.star().and_then(|precision| usize::try_from(precision).ok()) {
                    Some(precision) => flags.precision = Some(precision),
                    None => self.out.push_str("%!(BADPREC)"),
                }
                indexed = false;
            } else {
                flags.precision = Some(digits(characters).unwrap_or(0));
            }
        }
        if !indexed {
            self.index(characters, &mut good, &mut indexed);
        }
        let Some(verb) = characters.next() else {
            self.out.push_str("%!(NOVERB)");
            return;
        };
        if verb == '%' {
            self.out.push('%');
        } else if !good {
            self.out.push_str(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(value) = self.values.get(self.next) {
            self.next += 1;
            // With `v`, `+` requests the names of fields, which no value here has; a large number is affected all the same.
            let signs = verb != 'v' || matches!(value, Operand::Big(_));
            let flags = Flags { plus: flags.plus && signs, ..flags };
            let shown = show(value, verb, flags, self.quote);
            self.out.push_str(&shown);
        } else {
            self.out.push_str(&format!("%!{verb}(MISSING)"));
        }
    }

    /// Reads `[n]`, which names the argument to go on with.
    fn index(&mut self, characters: &mut Characters<'_>, good: &mut bool, indexed: &mut bool) {
        if characters.peek() != Some(&'[') {
            return;
        }
        self.reordered = true;
        *indexed = true;
        let mut ahead = characters.clone();
        ahead.next();
        let inside: String = ahead.by_ref().take_while(|character| *character != ']').collect();
        // Without an end the bracket itself is skipped.
        if characters.clone().any(|character| character == ']') {
            *characters = ahead;
        } else {
            characters.next();
            *good = false;
            return;
        }
        match inside.parse::<usize>() {
            Ok(at) if at >= 1 && at <= self.values.len() && !inside.starts_with('+') => self.next = at - 1,
            _ => *good = false,
        }
    }

    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next);
        if value.is_some() {
            self.next += 1;
        }
        match value {
            Some(Operand::Int(word)) if word.unsigned_abs() <= WIDTH as u64 => Some(*word),
            _ => None,
        }
    }
}

fn digits(characters: &mut Characters<'_>) -> Option<usize> {
    let mut number = None;
    while let Some(digit) = characters.peek().and_then(|character| character.to_digit(10)) {
        characters.next();
        let grown = number.unwrap_or(0_usize).saturating_mul(10).saturating_add(digit as usize);
        number = Some(grown.min(WIDTH));
    }
    number
}

fn show(value: &Operand, verb: char, flags: Flags, quote: Quote) -> String {
    let shown = match (value, verb) {
        (_, 'T') => Some(pad(value.type_name().to_owned(), flags)),
        (Operand::Text(text), 'v' | 's') if !(verb == 'v' && flags.sharp) => Some(pad(cut(text, flags), flags)),
        (Operand::Text(text), 'v') => Some(quoted(text, Flags { sharp: false, ..flags }, quote)),
        (Operand::Text(text), 'q') => Some(quoted(text, flags, quote)),
        (Operand::Text(text), 'x' | 'X') => Some(pad(hex(text, verb, flags), flags)),
        (Operand::Int(word), 'c') => Some(pad(character(*word).to_string(), flags)),
        (Operand::Int(word), 'q') => Some(pad(quoted_char(*word, flags, quote), flags)),
        (Operand::Int(word), 'U') => Some(pad(code_point(*word, flags), flags)),
        (Operand::Int(word), _) => integer(&BigInt::from(*word), verb, flags),
        (Operand::Big(big), 's') => integer(big, 'd', flags),
        (Operand::Big(big), _) => integer(big, verb, flags),
        (Operand::Float(float), _) => floating(*float, verb, flags),
        (Operand::Text(_), _) => None,
    };
    shown.unwrap_or_else(|| match value {
        Operand::Big(big) => format!("%!{verb}(big.Int={big})"),
        other => format!("%!{verb}({}={})", other.type_name(), other.plain()),
    })
}

/// Fills with spaces to the width.
fn pad(text: String, flags: Flags) -> String {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    if flags.minus {
        text + &" ".repeat(missing)
    } else if flags.zero {
        "0".repeat(missing) + &text
    } else {
        " ".repeat(missing) + &text
    }
}

fn cut(text: &str, flags: Flags) -> String {
    match flags.precision {
        Some(characters) => text.chars().take(characters).collect(),
        None => text.to_owned(),
    }
}

fn quoted(text: &str, flags: Flags, quote: Quote) -> String {
    let text = cut(text, flags);
    if flags.sharp && !text.contains('`') && text.chars().all(|character| character == '\t' || !character.is_control())
    {
        return pad(format!("`{text}`"), flags);
    }
    let mut shown = String::new();
    quote(&mut shown, &text);
    if flags.plus {
        shown = shown
            .chars()
            .map(|character| match u32::from(character) {
                0..0x80 => character.to_string(),
                code @ 0x80..0x1_0000 => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            })
            .collect();
    }
    pad(shown, flags)
}

fn hex(text: &str, verb: char, flags: Flags) -> String {
    let bytes = text.as_bytes();
    let bytes = flags.precision.and_then(|count| bytes.get(..count)).unwrap_or(bytes);
    let mut shown = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if flags.space && at > 0 {
            shown.push(' ');
        }
        if flags.sharp && (flags.space || at == 0) {
            shown.push_str(if verb == 'x' { "0x" } else { "0X" });
        }
        shown.push_str(&if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") });
    }
    shown
}

fn character(word: i64) -> char {
    u32::try_from(word).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn quoted_char(word: i64, flags: Flags, quote: Quote) -> String {
    let character = character(word);
    let code = u32::from(character);
    let mut inside = String::new();
    match character {
        '\'' => inside.push_str("\\'"),
        '"' => inside.push('"'),
        _ if flags.plus && code >= 0x80 => {
            inside = if code > 0xffff { format!("\\U{code:08x}") } else { format!("\\u{code:04x}") };
        }
        character => {
            quote(&mut inside, &character.to_string());
            inside = inside.trim_matches('"').to_owned();
        }
    }
    format!("'{inside}'")
}

fn code_point(word: i64, flags: Flags) -> String {
    let width = flags.precision.unwrap_or(4).max(4);
    #[expect(clippy::cast_sign_loss, reason = "Go shows a negative one as the same 64 bits")]
    let shown = format!("U+{:0width$X}", word as u64);
    match u32::try_from(word).ok().and_then(char::from_u32) {
        Some(character) if flags.sharp && !is_unprintable(character) => format!("{shown} '{character}'"),
        _ => shown,
    }
}

fn integer(number: &BigInt, verb: char, flags: Flags) -> Option<String> {
    let (base, prefix) = match verb {
        'd' | 'v' => (10, ""),
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'O' => (8, ""),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => return None,
    };
    let mut digits = number.abs().to_str_radix(base);
    if verb == 'X' {
        digits.make_ascii_uppercase();
    }
    if flags.precision == Some(0) && number.sign() == Sign::NoSign {
        return Some(pad(String::new(), Flags { zero: false, ..flags }));
    }
    if let Some(least) = flags.precision {
        digits = "0".repeat(least.saturating_sub(digits.len())) + &digits;
    }
    if flags.sharp && base != 10 && !(verb == 'o' && digits.starts_with('0')) {
        digits.insert_str(0, prefix);
    }
    if verb == 'O' {
        digits.insert_str(0, "0o");
    }
    let sign = sign_of(number.is_negative(), flags);
    let zeros = flags.zero && !flags.minus && flags.precision.is_none();
    Some(signed(sign, digits, zeros, flags))
}

fn sign_of(negative: bool, flags: Flags) -> &'static str {
    if negative {
        "-"
    } else if flags.plus {
        "+"
    } else if flags.space {
        " "
    } else {
        ""
    }
}

/// Zeros go between the sign and the digits.
fn signed(sign: &str, mut digits: String, zeros: bool, flags: Flags) -> String {
    if zeros {
        let missing = flags.width.unwrap_or(0).saturating_sub(sign.len() + digits.chars().count());
        digits.insert_str(0, &"0".repeat(missing));
    }
    pad(format!("{sign}{digits}"), Flags { zero: false, ..flags })
}

fn floating(float: f64, verb: char, flags: Flags) -> Option<String> {
    let size = float.abs();
    let digits = match verb {
        'v' => general(size, flags.precision, 'g', flags.sharp),
        'g' | 'G' if flags.sharp && flags.precision.is_none() => with_zeros(&general(size, None, verb, false)),
        'x' | 'X' if size.is_finite() => hexadecimal(size, flags.precision, verb == 'X'),
        'g' | 'G' => general(size, flags.precision, verb, flags.sharp),
        'e' | 'E' => exponential(size, flags.precision.unwrap_or(6), verb),
        'f' | 'F' => format!("{size:.*}", flags.precision.unwrap_or(6)),
        'b' => {
            let bits = size.to_bits();
            let (fraction, exponent) = (bits & ((1 << 52) - 1), i64::try_from(bits >> 52).ok()?);
            let (fraction, exponent) = if exponent == 0 { (fraction, 1) } else { (fraction | 1 << 52, exponent) };
            format!("{fraction}p{:+}", exponent - 1075)
        }
        _ => return None,
    };
    let sign = sign_of(float.is_sign_negative(), flags);
    Some(signed(sign, digits, flags.zero && !flags.minus && float.is_finite(), flags))
}

/// With a point and zeros up to six digits.
fn with_zeros(text: &str) -> String {
    let (mantissa, exponent) = text.find(['e', 'E']).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    let known = mantissa.trim_start_matches(['0', '.']).bytes().filter(u8::is_ascii_digit).count().max(1);
    let point = if mantissa.contains('.') { "" } else { "." };
    format!("{mantissa}{point}{}{exponent}", "0".repeat(6_usize.saturating_sub(known)))
}

/// `0x1.8p+00`; without a precision as many digits as there are.
fn hexadecimal(size: f64, precision: Option<usize>, upper: bool) -> String {
    const DIGITS: u32 = 13;
    let bits = size.to_bits();
    let (mut fraction, mut exponent) = (bits & ((1 << 52) - 1), i64::try_from(bits >> 52).unwrap_or(0));
    if exponent == 0 && fraction > 0 {
        // One that is too small for a leading one gets it all the same.
        let shift = fraction.leading_zeros() - 11;
        fraction <<= shift;
        exponent = 1 - i64::from(shift);
    } else if exponent > 0 {
        fraction |= 1 << 52;
    }
    let mut exponent = if fraction == 0 { 0 } else { exponent - 1023 };
    if let Some(precision) = precision.and_then(|precision| u32::try_from(precision).ok()).filter(|one| *one < DIGITS) {
        let cut = 4 * (DIGITS - precision);
        let (half, rest) = (1_u64 << (cut - 1), fraction & ((1 << cut) - 1));
        fraction >>= cut;
        fraction += u64::from(rest > half || rest == half && fraction & 1 == 1);
        fraction <<= cut;
        if fraction >> 53 > 0 {
            fraction >>= 1;
            exponent += 1;
        }
    }
    let all = format!("{:013x}", fraction & ((1 << 52) - 1));
    let digits = match precision {
        Some(precision) => format!("{:0<precision$}", all.get(..precision.min(all.len())).unwrap_or_default()),
        None => all.trim_end_matches('0').to_owned(),
    };
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{digits}p{sign}{:02}", fraction >> 52, exponent.unsigned_abs());
    if upper { text.to_uppercase() } else { text }
}

/// `d.dde±dd`.
fn exponential(size: f64, precision: usize, verb: char) -> String {
    if !size.is_finite() {
        return unbounded(size);
    }
    let text = format!("{size:.precision$e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let character = if verb.is_ascii_uppercase() { 'E' } else { 'e' };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{character}{sign}{:02}", exponent.unsigned_abs())
}

fn unbounded(size: f64) -> String {
    if size.is_nan() { "NaN".to_owned() } else { "Inf".to_owned() }
}

/// The shorter of the two ways: an exponent below 1e-4 and from 1e6 (or the precision) on.
fn general(float: f64, precision: Option<usize>, verb: char, keep_zeros: bool) -> String {
    if !float.is_finite() {
        let sign = if float == f64::NEG_INFINITY {
            "-"
        } else if float == f64::INFINITY {
            "+"
        } else {
            ""
        };
        return format!("{sign}{}", unbounded(float));
    }
    let Some(precision) = precision.map(|precision| precision.max(1)) else {
        let text = float::general(float);
        return if verb == 'G' { text.to_uppercase() } else { text };
    };
    let rounded = format!("{float:.*e}", precision - 1);
    let (_, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: String| {
        if !keep_zeros && text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    if exponent < -4 || exponent >= precision.to_i32().unwrap_or(6) {
        let shown = exponential(float, precision - 1, verb);
        let at = if verb == 'G' { 'E' } else { 'e' };
        return match shown.split_once(at) {
            Some((digits, exponent)) => format!("{}{at}{exponent}", trim(digits.to_owned())),
            None => shown,
        };
    }
    let places = i64::try_from(precision).unwrap_or(0) - 1 - i64::from(exponent);
    trim(format!("{float:.*}", usize::try_from(places).unwrap_or(0)))
}
