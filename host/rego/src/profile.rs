//! [`Profile`]: what the rules and lines of policies cost in one evaluation.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{compile_error::Location, engine};

/// The costs of one evaluation, the costliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// By line.
    pub lines: Vec<LineCost>,
    /// By rule and function.
    pub rules: Vec<RuleCost>,
}

/// What the expressions of one line cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineCost {
    /// The file; empty for the query itself.
    pub file: String,
    /// The line, from 1.
    pub row: u32,
    /// How often its expressions were evaluated.
    pub evaluations: u64,
    /// How many expressions there are, those that come from the parts of one written expression counted apart.
    pub expressions: u64,
    /// Their time, without the rules and functions that they call.
    pub time: Duration,
}

/// What a rule or function costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCost {
    /// Its full name, such as `data.lib.time.parse`.
    pub name: String,
    /// Its first definition.
    pub location: Option<Location>,
    /// How often one of its definitions was tried.
    pub evaluations: u64,
    /// Its own time.
    pub own: Duration,
    /// Its time with that of the rules and functions that it calls.
    pub total: Duration,
}

impl Profile {
    pub(crate) fn of(program: &engine::Policy, profile: engine::Profile) -> Self {
        let mut lines: BTreeMap<(String, u32), (LineCost, BTreeSet<u32>)> = BTreeMap::new();
        for ((file, start), cost) in profile.expressions {
            let source = program.sources().get(file as usize);
            let (name, row) = source.map_or((String::new(), 1), |source| (source.name.clone(), source.row(start)));
            let line = || {
                let (file, time) = (name.clone(), Duration::ZERO);
                (LineCost { file, row, evaluations: 0, expressions: 0, time }, BTreeSet::new())
            };
            let (line, starts) = lines.entry((name.clone(), row)).or_insert_with(line);
            line.evaluations += cost.evaluations;
            line.time += cost.own;
            starts.insert(start);
            line.expressions = starts.len() as u64;
        }
        let rule = |(node, cost): (u32, engine::Cost)| {
            let (name, location) = program.named(node);
            RuleCost { name, location, evaluations: cost.evaluations, own: cost.own, total: cost.total }
        };
        let mut lines: Vec<_> = lines.into_values().map(|(line, _)| line).collect();
        let mut rules: Vec<_> = profile.rules.into_iter().map(rule).collect();
        lines.sort_by(|one, other| {
            other.time.cmp(&one.time).then_with(|| (&one.file, one.row).cmp(&(&other.file, other.row)))
        });
        rules.sort_by(|one, other| other.own.cmp(&one.own).then_with(|| one.name.cmp(&other.name)));
        Self { lines, rules }
    }
}
