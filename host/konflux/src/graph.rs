//! [`find_cycle`]: whether something waits for itself.

use std::collections::BTreeMap;

/// The names of a cycle, the first one repeated at its end; `None` when there is none. Edges lead from a name to those it
/// waits for; names that are not there are passed over. Works without recursion: a graph may be a chain of any length.
#[must_use]
pub fn find_cycle(edges: &BTreeMap<&str, Vec<&str>>) -> Option<Vec<String>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        Open,
        Done,
    }
    let mut marks: BTreeMap<&str, Mark> = BTreeMap::new();
    for start in edges.keys().copied() {
        if marks.contains_key(start) {
            continue;
        }
        marks.insert(start, Mark::Open);
        let mut way: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((name, next)) = way.last_mut() {
            let Some(to) = edges.get(name).and_then(|targets| targets.get(*next)).copied() else {
                marks.insert(name, Mark::Done);
                way.pop();
                continue;
            };
            *next += 1;
            match marks.get(to) {
                Some(Mark::Done) => {}
                Some(Mark::Open) => {
                    let from = way.iter().position(|(name, _)| *name == to).unwrap_or(0);
                    let mut names: Vec<_> = way.iter().skip(from).map(|(name, _)| (*name).to_owned()).collect();
                    names.push(to.to_owned());
                    return Some(names);
                }
                None => {
                    if edges.contains_key(to) {
                        marks.insert(to, Mark::Open);
                        way.push((to, 0));
                    }
                }
            }
        }
    }
    None
}

/// A cycle as a sentence shows it; a long one is cut in the middle.
#[must_use]
pub fn written(cycle: &[String]) -> String {
    const SHOWN: usize = 12;
    if cycle.len() <= SHOWN {
        return cycle.join(" → ");
    }
    let (head, tail) = (cycle.get(..SHOWN / 2).unwrap_or_default(), cycle.get(cycle.len() - 2..).unwrap_or_default());
    format!("{} → … ({} more) → {}", head.join(" → "), cycle.len() - head.len() - tail.len(), tail.join(" → "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_found_and_its_path_is_shown() {
        let edges = |pairs: &[(&'static str, &[&'static str])]| {
            pairs.iter().map(|(name, to)| (*name, to.to_vec())).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(find_cycle(&edges(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &["none"])])), None);
        let cycle = find_cycle(&edges(&[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])])).unwrap();
        assert_eq!(written(&cycle), "a → b → c → a");
        assert_eq!(written(&find_cycle(&edges(&[("a", &["a"])])).unwrap()), "a → a");
    }

    #[test]
    fn a_chain_of_any_length_is_followed_without_recursion() {
        let names: Vec<_> = (0..100_000).map(|n| format!("t{n}")).collect();
        let mut edges: BTreeMap<&str, Vec<&str>> =
            names.windows(2).map(|pair| (pair[0].as_str(), vec![pair[1].as_str()])).collect();
        assert_eq!(find_cycle(&edges), None);
        edges.insert(names.last().unwrap(), vec![&names[0]]);
        let cycle = find_cycle(&edges).unwrap();
        assert_eq!(cycle.len(), 100_001);
        assert!(written(&cycle).contains("(99993 more)"));
    }
}
