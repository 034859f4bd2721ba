//! [`Criteria`]: which findings count, by include and exclude lists.
//!
//! The rules are `ec`'s. A finding of code `path.package.rule` matches these names: `package`, `package.*`,
//! `package.rule`, each of them with `:term` for each of its terms, `*`, and `@collection` for each of its collections.
//! Where its package has a path, it also matches the same names with the full path, which `ec` never matches.
//! An item that is one of these names adds its score to the include or the exclude side; the finding counts when the
//! include side is larger. The more exactly an item names a rule, the higher its score.

/// Include and exclude lists that apply to one image at one time; see [`selection`](crate::selection).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    include: Vec<String>,
    exclude: Vec<String>,
    /// The include items that are reported if they match no rule.
    reported: Vec<String>,
}

impl Criteria {
    /// Criteria from lists. An empty include list means everything.
    #[must_use]
    pub fn new(include: &[String], exclude: &[String]) -> Self {
        let include = if include.is_empty() { vec!["*".to_owned()] } else { include.to_vec() };
        Self::exactly(include, exclude.to_vec())
    }

    /// Criteria from lists as they are: an empty include list includes nothing.
    #[must_use]
    pub fn exactly(include: Vec<String>, exclude: Vec<String>) -> Self {
        Self { reported: include.clone(), include, exclude }
    }

    /// The same, reporting these include items if they match no rule, whether they apply to the image or not.
    #[must_use]
    pub fn with_reported(mut self, mut items: Vec<String>) -> Self {
        items.sort();
        items.dedup();
        self.reported = items;
        self
    }

    /// The include and the exclude list.
    #[must_use]
    pub fn items(&self) -> [&[String]; 2] {
        [&self.include, &self.exclude]
    }

    /// Whether the same findings count by these criteria: their lists are the same, in whatever order.
    #[must_use]
    pub fn decides_as(&self, other: &Self) -> bool {
        let sorted = |items: &[String]| {
            let mut items = items.to_vec();
            items.sort();
            items
        };
        self.items().map(sorted) == other.items().map(sorted)
    }

    /// Whether findings of this code, with these terms and collections, count.
    #[must_use]
    pub fn includes(&self, code: &str, terms: &[&str], collections: &[String]) -> bool {
        let names = Names { code, terms, collections };
        names.total(&self.include) > names.total(&self.exclude)
    }

    /// Whether some finding of this code may count, whatever its terms: this decides whether a rule is evaluated at
    /// all.
    #[must_use]
    pub fn may_include(&self, code: &str, collections: &[String]) -> bool {
        let names = Names { code, terms: &[], collections };
        let with_term = |item: &String| item.split_once(':').is_some_and(|(name, _)| names.has(name));
        names.total(&self.include) > names.total(&self.exclude) || self.include.iter().any(with_term)
    }

    /// Whether an exclude item names this code or one of its terms, whatever is included. This is how the findings of
    /// plugins are treated: a plugin named on the command line needs no include.
    #[must_use]
    pub fn excludes_by_name(&self, code: &str, terms: &[&str]) -> bool {
        let names = Names { code, terms, collections: &[] };
        self.exclude.iter().any(|item| item != "*" && names.has(item))
    }

    /// The include items that do not name any of these codes, in their order. An item that does not hold for the image
    /// counts as named only by what others include, as in `ec`.
    #[must_use]
    pub fn unmatched_includes<'a>(
        &self,
        known: impl Iterator<Item = (&'a str, Vec<&'a str>, Vec<String>)>,
    ) -> Vec<&str> {
        let mut open: Vec<&String> = self.reported.iter().filter(|item| *item != "*").collect();
        for (code, terms, collections) in known {
            if open.is_empty() {
                break;
            }
            let names = Names { code, terms: &terms, collections: &collections };
            let included = names.total(&self.include) > names.total(&self.exclude);
            open.retain(|item| !(names.has(item) && (included || self.include.contains(item))));
        }
        open.into_iter().map(String::as_str).collect()
    }
}

/// Whether an item of an include or exclude list can be about findings of this code, with these collections: it is one of
/// their names, or one of these with a term.
#[must_use]
pub fn can_name(item: &str, code: &str, collections: &[String]) -> bool {
    let names = Names { code, terms: &[], collections };
    names.has(item) || item.split_once(':').is_some_and(|(name, _)| names.has(name))
}

/// All names that findings of a code match. They are compared with an item part by part: hundreds of rules and a hundred
/// images make many, and few of them are an item.
struct Names<'a> {
    code: &'a str,
    terms: &'a [&'a str],
    collections: &'a [String],
}

impl Names<'_> {
    /// Calls `each` with the score of every name that the item is.
    fn each(&self, item: &str, each: &mut dyn FnMut(u64)) {
        let (path, rule) = self.code.rsplit_once('.').unwrap_or(("", self.code));
        let package = path.rsplit_once('.').map_or(path, |(_, last)| last);
        let packages = [(false, package), (true, path)];
        // A package without a path is one name, and none is no name.
        for (is_path, package) in packages.into_iter().take(1 + usize::from(path != package)) {
            let Some(rest) = item.strip_prefix(package).filter(|_| !package.is_empty()) else { continue };
            // By its text alone a path would be a rule.
            let own = if is_path { PACKAGE * package.split('.').count() as u64 } else { score(package) };
            self.each_with_term(rest, own, each);
            for part in ["*", rule] {
                if let Some(rest) = rest.strip_prefix('.').and_then(|rest| rest.strip_prefix(part)) {
                    let name = item.get(..item.len() - rest.len()).unwrap_or_default();
                    self.each_with_term(rest, score(name), each);
                }
            }
        }
        if item == "*" {
            each(score(item));
        }
        if let Some(name) = item.strip_prefix('@') {
            self.collections.iter().filter(|collection| *collection == name).for_each(|_| each(score(item)));
        }
    }

    /// A name with this score that is followed by nothing or by one of the terms.
    fn each_with_term(&self, rest: &str, score: u64, each: &mut dyn FnMut(u64)) {
        if rest.is_empty() {
            each(score);
        }
        if let Some(term) = rest.strip_prefix(':').filter(|term| !term.is_empty()) {
            self.terms.iter().filter(|own| **own == term).for_each(|_| each(score + TERM));
        }
    }

    /// Whether an item is one of the names.
    fn has(&self, item: &str) -> bool {
        let mut found = false;
        self.each(item, &mut |_| found = true);
        found
    }

    /// What the items that are names score together.
    fn total(&self, items: &[String]) -> u64 {
        let mut total = 0;
        items.iter().for_each(|item| self.each(item, &mut |score| total += score));
        total
    }
}

/// What a term, a rule, and each part of a package count.
const TERM: u64 = 100;
const RULE: u64 = 100;
const PACKAGE: u64 = 10;

/// How exactly an item names something.
fn score(item: &str) -> u64 {
    if item.starts_with('@') {
        return PACKAGE;
    }
    let (name, term) = item.split_once(':').map_or((item, None), |(name, term)| (name, Some(term)));
    let (package, rule) = name.rsplit_once('.').map_or((name, ""), |(package, rule)| (package, rule));
    let for_term = if term.is_some_and(|term| !term.is_empty()) { TERM } else { 0 };
    let for_package = if package == "*" { 1 } else { PACKAGE * package.split('.').count() as u64 };
    let for_rule = if rule.is_empty() || rule == "*" { 0 } else { RULE };
    for_term + for_package + for_rule
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn an_item_can_be_about_a_rule_by_any_of_its_names_and_with_any_term() {
        let release = strings(&["release"]);
        for (item, want) in [
            ("*", true),
            ("build", true),
            ("build.*", true),
            ("build.signed", true),
            ("deep.build", true),
            ("build:x", true),
            ("build.signed:x:y", true),
            ("@release", true),
            ("@releas", false),
            ("buld", false),
            ("build.sign", false),
            ("deep", false),
            ("", false),
        ] {
            assert_eq!(can_name(item, "deep.build.signed", &release), want, "{item}");
        }
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

    /// The names that the module's documentation lists, with their scores.
    fn listed(code: &str, terms: &[&str], collections: &[String]) -> Vec<(String, u64)> {
        let (path, rule) = code.rsplit_once('.').unwrap_or(("", code));
        let package = path.rsplit_once('.').map_or(path, |(_, last)| last);
        let mut names = Vec::new();
        for package in
            [package, path].into_iter().take(if package == path { 1 } else { 2 }).filter(|name| !name.is_empty())
        {
            let own = if package.contains('.') { PACKAGE * package.split('.').count() as u64 } else { score(package) };
            names.push((package.to_owned(), own));
            names
                .extend([format!("{package}.*"), format!("{package}.{rule}")].map(|name| (name.clone(), score(&name))));
        }
        let of_terms = terms.iter().filter(|term| !term.is_empty());
        names.extend(
            of_terms
                .flat_map(|term| names.iter().map(move |(name, score)| (format!("{name}:{term}"), score + TERM)))
                .collect::<Vec<_>>(),
        );
        names.push(("*".to_owned(), 1));
        names.extend(collections.iter().map(|name| (format!("@{name}"), PACKAGE)));
        names
    }

    #[test]
    fn what_an_item_scores_is_what_the_names_that_it_is_score() {
        let parts = ["a", "b", "*", "a.b", "a.*", ""];
        let codes = ["a", "a.b", "b.a.b", "a.a.*", "a.b.a.b", ".a", "b.", "*.b"];
        let terms: [&[&str]; 4] = [&[], &["a"], &["a", "", "a:b"], &["*", "b", "b"]];
        let collections: [&[&str]; 3] = [&[], &["a"], &["a", "b", "a"]];
        let mut items = strings(&["@a", "@b", "@", "b.a.b", "a.a.*", "a.b.a.b", "a.b.a", "a.b.a.*", ".a", "b.", "*.*"]);
        items.extend(parts.iter().map(|part| (*part).to_owned()));
        let with_terms = items.iter().flat_map(|item| ["", "a", "b", "a:b", "*"].map(|term| format!("{item}:{term}")));
        items.extend(with_terms.collect::<Vec<_>>());
        for code in codes {
            for terms in terms {
                for collections in collections.map(strings) {
                    let names = Names { code, terms, collections: &collections };
                    let listed = listed(code, terms, &collections);
                    for item in &items {
                        let want: u64 = listed.iter().filter(|(name, _)| name == item).map(|(_, score)| score).sum();
                        let found = names.total(std::slice::from_ref(item));
                        assert_eq!(found, want, "{item} of {code} {terms:?} {collections:?}");
                        let is_listed = listed.iter().any(|(name, _)| name == item);
                        assert_eq!(names.has(item), is_listed, "{item} of {code} {terms:?} {collections:?}");
                    }
                }
            }
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
            (&["deep.er.pkg"], &[], "deep.er.pkg.rule", &[], &[], true),
            (&["deep.er.pkg.other"], &[], "deep.er.pkg.rule", &[], &[], false),
            (&["pkg.rule"], &["deep.er.pkg.*"], "deep.er.pkg.rule", &[], &[], true),
            (&["deep.er.pkg"], &["pkg.rule"], "deep.er.pkg.rule", &[], &[], false),
            (&["deep.er.pkg:x"], &["pkg.rule"], "deep.er.pkg.rule", &["x"], &[], true),
            (&["pkg"], &["deep.er.pkg.rule:x"], "deep.er.pkg.rule", &["x"], &[], false),
            (&["er.pkg"], &[], "deep.er.pkg.rule", &[], &[], false),
            (&["main"], &[], "nodots", &[], &[], false),
            (&["", "."], &[], "nodots", &[], &[], false),
            (&["*"], &["a.b:"], "a.b", &[""], &[], true),
            (&["@redhat", "a"], &["a.b"], "a.b", &[], &redhat, false),
            (&["@redhat", "a"], &["@redhat"], "a.b", &[], &redhat, true),
            (&["a", "a"], &["a"], "a.b", &[], &[], true),
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
    fn an_include_for_a_term_has_the_rule_evaluated() {
        let criteria = Criteria::new(&strings(&["a.b:t", "c"]), &strings(&["c", "d"]));
        assert!(criteria.may_include("a.b", &[]) && !criteria.includes("a.b", &[], &[]));
        assert!(!criteria.may_include("c.x", &[]) && !criteria.may_include("d.x", &[]));
    }

    #[test]
    fn an_include_that_names_nothing_is_reported() {
        let criteria = Criteria::new(&strings(&["a", "@min", "typo.rule", "*"]), &[]);
        let known = [("a.b", vec![], strings(&["min"]))];
        assert_eq!(criteria.unmatched_includes(known.clone().into_iter()), ["typo.rule"]);
        // Items for other images: `a.b` is included here by its collection, `a.c` is not.
        let criteria = Criteria::new(&strings(&["@min"]), &[]).with_reported(strings(&["a.c", "a.b", "@min", "a.c"]));
        let known = known.into_iter().chain([("a.c", vec![], vec![])]);
        assert_eq!(criteria.unmatched_includes(known), ["a.c"]);
    }

    #[test]
    fn plugins_are_excluded_only_by_name() {
        let criteria = Criteria::new(&strings(&["@min"]), &strings(&["*", "licenses.unknown", "licenses.denied:x"]));
        assert!(criteria.excludes_by_name("licenses.unknown", &[]));
        assert!(criteria.excludes_by_name("licenses.denied", &["x"]));
        assert!(!criteria.excludes_by_name("licenses.denied", &["y"]));
    }
}
