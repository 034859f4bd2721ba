//! [`Criteria`]: which findings count, by the include and exclude lists of a policy's source group.
//!
//! The rules are `ec`'s. A finding of code `path.package.rule` answers to these names: `package`, `package.*`,
//! `package.rule`, each of them with `:term` for each of its terms, `*`, and `@collection` for each of its collections.
//! An item that is one of these names adds its score to the include or the exclude side; the finding counts when the
//! include side is larger. The more exactly an item names a rule, the higher its score.

use crate::policy::{GlobalConfig, SourceGroup};

/// Include and exclude lists, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Criteria {
    /// Criteria from lists. An empty include list means everything.
    #[must_use]
    pub fn new(include: &[String], exclude: &[String]) -> Self {
        let include = if include.is_empty() { vec!["*".to_owned()] } else { include.to_vec() };
        Self { include, exclude: exclude.to_vec() }
    }

    /// The criteria of a source group: its own, or the policy's global ones when it has none at all.
    #[must_use]
    pub fn of(group: &SourceGroup, global: Option<&GlobalConfig>) -> Self {
        match (&group.config, global) {
            (Some(own), _) if !own.include.is_empty() || !own.exclude.is_empty() => {
                Self::new(&own.include, &own.exclude)
            }
            (_, Some(global)) => {
                let mut include = global.include.clone();
                include.extend(global.collections.iter().map(|name| format!("@{name}")));
                Self::new(&include, &global.exclude)
            }
            (_, None) => Self::new(&[], &[]),
        }
    }

    /// Whether findings of this code, with these terms and collections, count.
    #[must_use]
    pub fn includes(&self, code: &str, terms: &[&str], collections: &[String]) -> bool {
        let names = names(code, terms, collections);
        total(&self.include, &names) > total(&self.exclude, &names)
    }

    /// Whether an exclude item names this code or one of its terms, whatever is included. This is how the findings of
    /// plugins are judged: a plugin named on the command line needs no include.
    #[must_use]
    pub fn excludes_by_name(&self, code: &str, terms: &[&str]) -> bool {
        let names = names(code, terms, &[]);
        self.exclude.iter().any(|item| item != "*" && names.contains(item))
    }

    /// The include items that are no name of any of these codes, in their order.
    #[must_use]
    pub fn unmatched_includes<'a>(
        &self,
        known: impl Iterator<Item = (&'a str, Vec<&'a str>, Vec<String>)>,
    ) -> Vec<&str> {
        let mut open: Vec<&String> = self.include.iter().filter(|item| *item != "*").collect();
        for (code, terms, collections) in known {
            if open.is_empty() {
                break;
            }
            let names = names(code, &terms, &collections);
            open.retain(|item| !names.contains(item));
        }
        open.into_iter().map(String::as_str).collect()
    }
}

/// All names a finding answers to.
fn names(code: &str, terms: &[&str], collections: &[String]) -> Vec<String> {
    let (path, rule) = code.rsplit_once('.').unwrap_or(("", code));
    let package = path.rsplit_once('.').map_or(path, |(_, last)| last);
    let mut names = vec![package.to_owned(), format!("{package}.*"), format!("{package}.{rule}")];
    let with_terms = names.iter().flat_map(|name| terms.iter().map(move |term| format!("{name}:{term}")));
    let with_terms: Vec<_> = with_terms.collect();
    names.extend(with_terms);
    names.push("*".to_owned());
    names.extend(collections.iter().map(|name| format!("@{name}")));
    names
}

fn total(items: &[String], names: &[String]) -> u64 {
    items.iter().map(|item| score(item) * names.iter().filter(|name| *name == item).count() as u64).sum()
}

/// How exactly an item names something.
fn score(item: &str) -> u64 {
    if item.starts_with('@') {
        return 10;
    }
    let (name, term) = item.split_once(':').map_or((item, None), |(name, term)| (name, Some(term)));
    let (package, rule) = name.rsplit_once('.').map_or((name, ""), |(package, rule)| (package, rule));
    let for_term = if term.is_some_and(|term| !term.is_empty()) { 100 } else { 0 };
    let for_package = if package == "*" { 1 } else { 10 * package.split('.').count() as u64 };
    let for_rule = if rule.is_empty() || rule == "*" { 0 } else { 100 };
    for_term + for_package + for_rule
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn scores_grow_with_exactness() {
        for (item, want) in [
            ("*", 1),
            ("pkg", 10),
            ("pkg.*", 10),
            ("pkg.rule", 110),
            ("pkg:term", 110),
            ("pkg.rule:term", 210),
            ("@collection", 10),
            ("a.b.rule", 120),
        ] {
            assert_eq!(score(item), want, "{item}");
        }
    }

    #[test]
    fn a_finding_counts_when_the_include_side_is_larger() {
        let redhat = strings(&["redhat"]);
        type Row<'a> = (&'a [&'a str], &'a [&'a str], &'a str, &'a [&'a str], &'a [String], bool);
        #[rustfmt::skip]
        let table: &[Row<'_>] = &[
            (&[], &[], "a.b", &[], &[], true),
            (&["*"], &["*"], "a.b", &[], &[], false),
            (&["*"], &["a"], "a.b", &[], &[], false),
            (&["a.b"], &["a"], "a.b", &[], &[], true),
            (&["a"], &["a.b"], "a.b", &[], &[], false),
            (&["a"], &["a.b"], "a.c", &[], &[], true),
            (&["a"], &["a.*"], "a.c", &[], &[], false),
            (&["@redhat"], &[], "a.b", &[], &redhat, true),
            (&["@redhat"], &[], "a.b", &[], &[], false),
            (&["@redhat"], &["a.b"], "a.b", &[], &redhat, false),
            (&["@redhat"], &["a.b:x"], "a.b", &["x"], &redhat, false),
            (&["@redhat"], &["a.b:x"], "a.b", &["y"], &redhat, true),
            (&["a.b:x"], &["a.b"], "a.b", &["x"], &[], true),
            (&["*"], &["a:x"], "a.b", &["w", "x"], &[], false),
            (&["pkg"], &[], "deep.er.pkg.rule", &[], &[], true),
            (&["deep.er.pkg"], &[], "deep.er.pkg.rule", &[], &[], false),
            (&["main"], &[], "nodots", &[], &[], false),
        ];
        for (include, exclude, code, terms, collections, want) in table {
            let criteria = Criteria::new(&strings(include), &strings(exclude));
            assert_eq!(
                criteria.includes(code, terms, collections),
                *want,
                "+{include:?} -{exclude:?} {code} {terms:?}"
            );
        }
    }

    #[test]
    fn a_group_without_criteria_falls_back_to_the_global_ones() {
        let global =
            GlobalConfig { collections: strings(&["min"]), exclude: strings(&["x"]), ..GlobalConfig::default() };
        let mut group = SourceGroup::default();
        assert_eq!(Criteria::of(&group, Some(&global)), Criteria::new(&strings(&["@min"]), &strings(&["x"])));
        assert_eq!(Criteria::of(&group, None), Criteria::new(&strings(&["*"]), &[]));
        group.config = Some(crate::policy::SourceConfig { exclude: strings(&["y"]), include: vec![] });
        assert_eq!(Criteria::of(&group, Some(&global)), Criteria::new(&strings(&["*"]), &strings(&["y"])));
    }

    #[test]
    fn an_include_that_names_nothing_is_told() {
        let criteria = Criteria::new(&strings(&["a", "@min", "typo.rule", "*"]), &[]);
        let known = [("a.b", vec![], strings(&["min"]))];
        assert_eq!(criteria.unmatched_includes(known.into_iter()), ["typo.rule"]);
    }

    #[test]
    fn plugins_are_excluded_only_by_name() {
        let criteria = Criteria::new(&strings(&["@min"]), &strings(&["*", "licences.unknown", "licences.denied:x"]));
        assert!(criteria.excludes_by_name("licences.unknown", &[]));
        assert!(criteria.excludes_by_name("licences.denied", &["x"]));
        assert!(!criteria.excludes_by_name("licences.denied", &["y"]));
    }
}
