//! [`unmatched`]: items of `include` and `exclude` lists that are about no rule of the policy, each with what it may have
//! been meant to be.
//!
//! Rules are known by their annotations and by the codes that stand in them. A rule that makes its codes while it is
//! evaluated may give any code of its package, so items about such a package always count as matched.

use std::collections::BTreeSet;

use assay_conforma::SourceGroupEvaluator;
use assay_model::{criteria::can_name, nearest, policy::GlobalConfig, port::Evaluator, rule::RuleInfo};

use crate::{error::RequestError, event::EventSink};

/// The longest item that is compared with the names of rules. Comparing takes time by the square of the length, and items
/// come from outside.
const SHOWN_CHARACTERS: usize = 100;

/// Warns of items that match no rule; under `--strict-config` they are an error.
pub(crate) fn report_unmatched(
    groups: &[SourceGroupEvaluator],
    global: Option<&GlobalConfig>,
    checks: &[&str],
    strict: bool,
    events: &dyn EventSink,
) -> Result<(), RequestError> {
    let skipped = groups.iter().flat_map(|group| group.selection().skipped()).cloned();
    let reported = unmatched(groups, global, checks);
    if !strict {
        reported.into_iter().for_each(|text| events.warn(text));
        return Ok(());
    }
    let wrong: Vec<String> = skipped.chain(reported).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(RequestError::new(format!("`--strict-config`: {}", wrong.join("\n")))
        .hint("correct the items in the policy configuration, or remove the flag to only get warnings"))
}

/// One sentence for each item, without repetitions.
fn unmatched(groups: &[SourceGroupEvaluator], global: Option<&GlobalConfig>, checks: &[&str]) -> BTreeSet<String> {
    let mut reported = BTreeSet::new();
    for group in groups {
        let known = [Known::of(group)];
        let [include, exclude] = group.selection().items();
        let place = format!(" of the source group `{}`", Evaluator::name(group));
        reported.extend(sentences("include", &include, &known, &[], &place));
        reported.extend(sentences("exclude", &exclude, &known, checks, &place));
    }
    if let Some(global) = global {
        let known: Vec<_> = groups.iter().map(Known::of).collect();
        let collections: Vec<String> = global.collections.iter().map(|name| format!("@{name}")).collect();
        for (list, items, checks) in [
            ("include", global.include.clone(), &[][..]),
            ("exclude", global.exclude.clone(), checks),
            ("collections", collections, &[]),
        ] {
            let items: Vec<&str> = items.iter().map(String::as_str).collect();
            reported.extend(sentences(list, &items, &known, checks, ""));
        }
    }
    reported
}

fn sentences(list: &str, items: &[&str], known: &[Known<'_>], checks: &[&str], place: &str) -> Vec<String> {
    let names_check = |item: &str| checks.contains(&item.split(['.', ':']).next().unwrap_or_default());
    let open = items.iter().filter(|item| !names_check(item) && !known.iter().any(|known| known.has(item)));
    open.map(|item| {
        let shown: String = item.chars().take(SHOWN_CHARACTERS).collect();
        let near = nearest(item, known);
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("the `{list}` item `{shown}`{place} matches no rule{near}")
    })
    .collect()
}

/// What can be included of one group.
struct Known<'a> {
    group: &'a SourceGroupEvaluator,
    /// The packages with rules whose codes are not known.
    open: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn of(group: &'a SourceGroupEvaluator) -> Self {
        let is_open = |rule: &&RuleInfo| rule.code == format!("{}.{}", rule.package, rule.name);
        Self { group, open: group.rules().iter().filter(is_open).map(|rule| rule.package.as_str()).collect() }
    }

    fn has(&self, item: &str) -> bool {
        item == "*"
            || self.group.rules().iter().any(|rule| can_name(item, &rule.code, &rule.collections))
            || self.open.iter().any(|package| {
                let name = item.split(':').next().unwrap_or_default();
                let of = name.rsplit_once('.').map_or(name, |(package, _)| package);
                of == *package || Some(of) == package.rsplit('.').next()
            })
    }

    /// Everything an item may be meant to be.
    fn names(&self) -> impl Iterator<Item = String> {
        self.group.rules().iter().flat_map(|rule| {
            let (path, name) = rule.code.rsplit_once('.').unwrap_or(("", rule.code.as_str()));
            let package = path.rsplit('.').next().unwrap_or_default();
            let collections = rule.collections.iter().map(|name| format!("@{name}"));
            [package.to_owned(), format!("{package}.{name}"), path.to_owned(), rule.code.clone()]
                .into_iter()
                .chain(collections)
        })
    }
}

/// The name that differs least from an item, if it is like it at all.
fn nearest(item: &str, known: &[Known<'_>]) -> Option<String> {
    let (name, term) = item.split_once(':').map_or((item, None), |(name, term)| (name, Some(term)));
    let (name, all) = name.strip_suffix(".*").map_or((name, ""), |name| (name, ".*"));
    let names: BTreeSet<String> = known.iter().flat_map(Known::names).filter(|name| !name.is_empty()).collect();
    let near = nearest::nearest(name, names)?;
    let term = term.map(|term| format!(":{term}")).unwrap_or_default();
    Some(format!("{near}{all}{term}"))
}
