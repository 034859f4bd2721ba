//! Floats as Go writes them: as JSON, as `%v` shows them, and the value that Go's JSON makes of one.

use serde_json::{Number, Value};

/// A float as `encoding/json` writes it: the shortest digits that read back the same, with an exponent below 1e-6 and from
/// 1e21 on.
#[must_use]
pub fn json_text(float: f64) -> String {
    let size = float.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{float:e}");
        return text.replacen('e', if size < 1.0 { "e" } else { "e+" }, 1);
    }
    float.to_string()
}

/// A float as `strconv.FormatFloat(f, 'g', -1, 64)` writes it: the shortest digits, with an exponent below 1e-4 and from
/// 1e6 on.
pub(crate) fn general(number: f64) -> String {
    general_digits(&format!("{number:e}"), || number.to_string())
}

/// The same of a number that is written with an exponent, as in `1.5e7`, and without.
pub(crate) fn general_digits(scientific: &str, decimal: impl FnOnce() -> String) -> String {
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific.to_owned() };
    let Ok(power) = exponent.parse::<i32>() else { return scientific.to_owned() };
    if (-4..6).contains(&power) {
        return decimal();
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.unsigned_abs())
}

/// The JSON value that Go makes of a float: whole numbers become integers within the range where all of them are exact.
/// None for what JSON does not have.
#[must_use]
pub fn json_value(number: f64) -> Option<Value> {
    let exact = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within the exact range of a float")]
    if number.fract() == 0.0 && number.abs() <= exact {
        return Some((number as i64).into());
    }
    Number::from_f64(number).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_keeps_the_fewest_digits() {
        for (float, text) in [(1.5, "1.5"), (1e21, "1e+21"), (1e-7, "1e-7"), (1e20, "100000000000000000000")] {
            assert_eq!(json_text(float), text);
        }
    }
}
