//! Rules that stand beside many others and each select by another value of one place, such as `input.kind == "a"`: the
//! place is read once and only the rules of its value are tried. The entry point is [`rule_index`].

use std::collections::BTreeMap;

use regorus::Value;

use crate::engine::ir::{Expr, LitKind, Path, Root, RuleIr, Slot};
use crate::engine::program::{IndexedPlace, RuleIndex};

/// Fewer rules are tried one by one, which is as quick.
const RULES: usize = 8;

/// What a rule selects by, by place.
pub(super) type Wanted = Vec<(IndexedPlace, Value)>;

/// The values that a rule cannot do without.
pub(super) fn wanted(rule: &RuleIr) -> Wanted {
    // Behind an `else` another body may hold.
    let [branch] = rule.branches.as_slice() else { return Vec::new() };
    let argument = |slot: &Slot| {
        let at = usize::try_from(*slot).ok()?;
        (at < rule.arity).then_some(at)
    };
    let found = branch.body.iter().filter_map(|lit| match &lit.kind {
        LitKind::Ref { path: Path { root, path }, out: Some(Expr::Const(value)), .. } => {
            let constant = |expr: &Expr| if let Expr::Const(key) = expr { Some(key.clone()) } else { None };
            let path: Vec<_> = path.iter().map(constant).collect::<Option<_>>()?;
            let place = match root {
                Root::Input => IndexedPlace::Input(path),
                Root::Slot(slot) => IndexedPlace::Argument(argument(slot)?, path),
                Root::Data => return None,
            };
            Some((place, value.clone()))
        }
        LitKind::Unify(Expr::Var(slot), Expr::Const(value))
        | LitKind::Unify(Expr::Const(value), Expr::Var(slot))
        | LitKind::Equal(Expr::Var(slot), Expr::Const(value))
        | LitKind::Equal(Expr::Const(value), Expr::Var(slot)) => {
            Some((IndexedPlace::Argument(argument(slot)?, Vec::new()), value.clone()))
        }
        _ => None,
    });
    found.collect()
}

/// The index of rules by the place that most of them select by; none for few rules.
pub(super) fn rule_index(rules: &[Wanted]) -> Option<RuleIndex> {
    if rules.len() < RULES {
        return None;
    }
    let mut places: BTreeMap<&IndexedPlace, usize> = BTreeMap::new();
    for wanted in rules {
        for (place, _) in wanted {
            *places.entry(place).or_default() += 1;
        }
    }
    let (place, count) = places.into_iter().max_by_key(|(_, count)| *count)?;
    if count < RULES {
        return None;
    }
    let mut index = RuleIndex { place: place.clone(), by_value: BTreeMap::new(), others: Vec::new() };
    for (at, wanted) in rules.iter().enumerate() {
        match wanted.iter().find(|(other, _)| other == place) {
            Some((_, value)) => index.by_value.entry(value.clone()).or_default().push(at),
            None => index.others.push(at),
        }
    }
    Some(index)
}
