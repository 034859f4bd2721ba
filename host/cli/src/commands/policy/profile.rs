//! What lines and rules cost, as `opa eval --profile` shows it; the costs of rules are ours.

use std::cmp::Reverse;

use assay_rego::{LineCost, Profile};
use serde_json::{Value, json};

use super::{
    table::Table,
    times::{nanoseconds, shown},
};
use crate::flags::policy::ProfileSort;

/// The lines in the requested order, at most `limit` of them; 0 is all.
fn lines<'a>(profile: &'a Profile, orders: &[ProfileSort], limit: usize) -> Vec<&'a LineCost> {
    let mut lines: Vec<_> = profile.lines.iter().collect();
    // The first order counts most; sorting is stable.
    for order in orders.iter().rev() {
        match order {
            ProfileSort::Time => lines.sort_by_key(|line| Reverse(line.time)),
            ProfileSort::Evaluations => lines.sort_by_key(|line| Reverse(line.evaluations)),
            ProfileSort::Expressions => lines.sort_by_key(|line| Reverse(line.expressions)),
            ProfileSort::File => lines.sort_by(|one, other| other.file.cmp(&one.file)),
            ProfileSort::Line => lines.sort_by_key(|line| Reverse(line.row)),
        }
    }
    lines.truncate(most(limit));
    lines
}

const fn most(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

/// Adds `profile`, in OPA's shape, and `profile_rules`.
pub(super) fn add_json(json: &mut Value, profile: &Profile, orders: &[ProfileSort], limit: usize) {
    let line = |line: &&LineCost| {
        json!({
            "total_time_ns": nanoseconds(line.time),
            "num_eval": line.evaluations,
            "num_gen_expr": line.expressions,
            "location": {"file": line.file, "row": line.row, "col": 1},
        })
    };
    json["profile"] = lines(profile, orders, limit).iter().map(line).collect();
    let rules = profile.rules.iter().take(most(limit)).map(|rule| {
        let mut json = json!({
            "name": rule.name,
            "own_time_ns": nanoseconds(rule.own),
            "total_time_ns": nanoseconds(rule.total),
            "num_eval": rule.evaluations,
        });
        if let Some(location) = &rule.location {
            json["location"] = json!({"file": location.file, "row": location.line, "col": location.column});
        }
        json
    });
    json["profile_rules"] = rules.collect();
}

/// Two tables: by line and by rule.
pub(super) fn text(profile: &Profile, orders: &[ProfileSort], limit: usize) -> String {
    let mut by_line = Table::new(&["Time", "Num Eval", "Num Gen Expr", "Location"]);
    for line in lines(profile, orders, limit) {
        let location = if line.file.is_empty() { "query:1".to_owned() } else { format!("{}:{}", line.file, line.row) };
        by_line.row(vec![shown(line.time), line.evaluations.to_string(), line.expressions.to_string(), location]);
    }
    let mut by_rule = Table::new(&["Own Time", "Total Time", "Num Eval", "Rule", "Location"]);
    for rule in profile.rules.iter().take(most(limit)) {
        let location =
            rule.location.as_ref().map_or_else(String::new, |location| format!("{}:{}", location.file, location.line));
        let (own, total) = (shown(rule.own), shown(rule.total));
        by_rule.row(vec![own, total, rule.evaluations.to_string(), rule.name.clone(), location]);
    }
    by_line.text() + &by_rule.text()
}
