//! `sprintf`: Go's format language. Strings and numbers are formatted by their verb, everything else as its Rego term.

use assay_gocompat::printf::{Operand, print};
use regorus::Value;

use super::float_kind::is_float;
use super::operands::{array, string, text, too_long};
use super::term::{quote, term};
use super::types::{ARRAY, Type};
use super::{Builtin, Outcome, builtin, limits};

pub(super) const TABLE: &[Builtin] =
    &[builtin!("sprintf"(format: Type::String, values: ARRAY) -> Type::String => sprintf)];

fn sprintf(format: &Value, values: &Value) -> Outcome {
    let format = string(format, 1)?;
    let mut length = 0;
    let mut operands = Vec::new();
    for value in array(values, 2)?.iter() {
        let operand = operand(value);
        if let Operand::Text(text) = &operand {
            length += text.len();
        }
        if length > limits::TEXT_BYTES {
            return Err(too_long());
        }
        operands.push(operand);
    }
    text(print(format, &operands, limits::TEXT_BYTES, quote).ok_or_else(too_long)?)
}

/// An argument as Go sees it.
pub(super) fn operand(value: &Value) -> Operand {
    match value {
        Value::Number(number) if number.is_integer() && !is_float(value) => match (number.as_i64(), number.to_big()) {
            (Some(word), _) => Operand::Int(word),
            (None, Ok(big)) => Operand::Big((*big).clone()),
            (None, Err(_)) => Operand::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::Number(number) => Operand::Float(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => Operand::Text(text.to_string()),
        other => Operand::Text(term(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, values: &str, want: &str) {
        let values = Value::from_json_str(values).unwrap();
        let got = sprintf(&Value::from(format), &values).unwrap().unwrap();
        assert_eq!(got, Value::from(want), "{format} of {values}");
    }

    #[test]
    fn verbs_and_flags_are_gos() {
        check("%s %v %d %q", r#"["a", "b", 3, "c\n"]"#, "a b 3 \"c\\n\"");
        check("%5d|%-5d|%05d|%+d|% d", "[7, 7, -7, 7, 7]", "    7|7    |-0007|+7| 7");
        check("%x %X %#x %o %b %#o", "[255, 255, 255, 8, 5, 8]", "ff FF 0xff 10 101 010");
        check("%x %X % x", r#"["hi", "hi", "hi"]"#, "6869 6869 68 69");
        check(
            "%.2f %8.3f|%-8.1f|%e %g",
            "[3.14159, 2.5, 2.5, 1234.5, 0.00001]",
            "3.14    2.500|2.5     |1.234500e+03 1e-05",
        );
        check("%c %U %q %#U", "[65, 65, 65, 65]", "A U+0041 'A' U+0041 'A'");
        check("%5.1s|%5s|%-5s|", r#"["abc", "abc", "abc"]"#, "    a|  abc|abc  |");
        check("%v %v %v", r#"[true, null, {"a": [1, "x"]}]"#, r#"true null {"a": [1, "x"]}"#);
        check("%v", "[1208925819614629174706175]", "1208925819614629174706175");
        check("%v %v %v", "[1.5, 0.00001, 0.1]", "1.5 1e-05 0.1");
        check("%.1f %v %d", "[9.0, 9.0, 9.0]", "9.0 9 %!d(float64=9)");
    }

    #[test]
    fn mistakes_show_up_in_the_text() {
        check("%d", r#"["x"]"#, "%!d(string=x)");
        check("%d", "[true]", "%!d(string=true)");
        check("%s", "[1]", "%!s(int=1)");
        check("%d", "[1.5]", "%!d(float64=1.5)");
        check("%s %s", r#"["x"]"#, "x %!s(MISSING)");
        check("%s", r#"["x", 1, "y"]"#, "x%!(EXTRA int=1, string=y)");
        check("100%", "[]", "100%!(NOVERB)");
        check("%z", "[1]", "%!z(int=1)");
        check("%[3]d", "[1]", "%!d(BADINDEX)");
    }

    #[test]
    fn an_argument_can_be_named_and_widths_taken_from_the_list() {
        check("%[2]v %[1]v", r#"["a", "b"]"#, "b a");
        check("%*d|%-*d|%.*f", "[4, 7, 4, 7, 1, 2.55]", "   7|7   |2.5");
        check("%%", "[]", "%");
    }
}
