//! Sets: `&`, `|`, `union`, `intersection`, `set_diff`.

use regorus::Value;
use regorus::value::Set;

use super::errors::BuiltinError;
use super::operands::{set, some};
use super::types::{SET, Type};
use super::{Builtin, Outcome, builtin};

const SETS: Type = Type::Set(&SET);

pub(super) const TABLE: &[Builtin] = &[
    builtin!("and"(a: SET, b: SET) -> SET => |a: &Value, b: &Value| some(set(a, 1)?.intersection(set(b, 2)?))),
    builtin!("or"(a: SET, b: SET) -> SET => |a: &Value, b: &Value| some(set(a, 1)?.union(set(b, 2)?))),
    builtin!("set_diff"(a: SET, b: SET) -> SET => |a: &Value, b: &Value| some(set(a, 1)?.difference(set(b, 2)?))),
    builtin!("intersection"(sets: SETS) -> SET => intersection),
    builtin!("union"(sets: SETS) -> SET => union),
];

fn inner(sets: &Value) -> Result<Vec<&Set>, BuiltinError> {
    set(sets, 1)?
        .iter()
        .map(|element| match element {
            Value::Set(inner) => Ok(&**inner),
            other => Err(BuiltinError::wrong_type(1, other, &["set"])),
        })
        .collect()
}

/// What all sets have; nothing when there are none.
fn intersection(sets: &Value) -> Outcome {
    let sets = inner(sets)?;
    let Some((first, others)) = sets.split_first() else { return some(Set::new()) };
    let mut common = (*first).clone();
    for other in others {
        common = common.intersection(other);
    }
    some(common)
}

fn union(sets: &Value) -> Outcome {
    some(inner(sets)?.into_iter().flat_map(|set| set.iter().cloned()).collect::<Set>())
}
