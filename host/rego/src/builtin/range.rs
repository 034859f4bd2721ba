//! [`range`]: OPA's `numbers.range` and `numbers.range_step`, within a limit.

use serde_json::Value;

use crate::limits::RANGE_NUMBERS;

/// The list would be longer than [`RANGE_NUMBERS`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// The whole numbers from the first argument to the second, both of them included, up or down, by the third or one.
/// None when an argument is not a whole number or the step is not above zero.
pub(super) fn range(arguments: &[Value]) -> Result<Option<Value>, TooMany> {
    let Some(numbers) = arguments.iter().map(Value::as_i64).collect::<Option<Vec<_>>>() else { return Ok(None) };
    let (from, to, step) = match numbers.as_slice() {
        [from, to] => (*from, *to, 1),
        [from, to, step] if *step > 0 => (*from, *to, *step),
        _ => return Ok(None),
    };
    let (from, to, step) = (i128::from(from), i128::from(to), i128::from(step));
    let count = (to - from).abs() / step + 1;
    if count > i128::from(RANGE_NUMBERS) {
        return Err(TooMany);
    }
    let step = if to < from { -step } else { step };
    let numbers = (0..count).filter_map(|index| i64::try_from(from + index * step).ok().map(Value::from));
    Ok(Some(numbers.collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_range_is_as_in_opa_and_never_too_long() {
        for (arguments, want) in [
            (json!([1, 3]), Ok(Some(json!([1, 2, 3])))),
            (json!([3, 1]), Ok(Some(json!([3, 2, 1])))),
            (json!([-1, -1]), Ok(Some(json!([-1])))),
            (json!([0, 7, 3]), Ok(Some(json!([0, 3, 6])))),
            (json!([7, 0, 3]), Ok(Some(json!([7, 4, 1])))),
            (json!([0, 7, 0]), Ok(None)),
            (json!([0, 7, -1]), Ok(None)),
            (json!([0.5, 7]), Ok(None)),
            (json!(["0", 7]), Ok(None)),
            (json!([0, RANGE_NUMBERS]), Err(TooMany)),
            (json!([i64::MIN, i64::MAX]), Err(TooMany)),
        ] {
            assert_eq!(range(arguments.as_array().unwrap()), want, "{arguments}");
        }
        let longest = range(&[json!(1), json!(RANGE_NUMBERS)]).unwrap().unwrap();
        assert_eq!(longest.as_array().unwrap().last(), Some(&json!(RANGE_NUMBERS)));
    }
}
