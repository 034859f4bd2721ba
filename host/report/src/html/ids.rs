//! [`Ids`]: the anchors of rules and components. They come from names alone, so that a link still leads to the same rule in
//! the report of the next build.

use std::collections::{BTreeMap, BTreeSet};

use assay_model::{digest::Digest, event::RunFinished};

use crate::{by_rule::Rule, images::Images, sanitize::cut};

/// The longest part of a name that goes into an anchor.
const CHARACTERS: usize = 80;

/// The digits of a hash that distinguish names that look alike as anchors.
const HASH_CHARACTERS: usize = 8;

/// The anchors of a page.
pub(super) struct Ids {
    rules: BTreeMap<String, Anchor>,
    /// By the places in the run's list.
    components: BTreeMap<usize, Anchor>,
}

/// An anchor.
#[derive(Clone)]
pub(super) struct Anchor {
    /// What the address ends with.
    pub(super) id: String,
    /// Its number, by which the filter knows it.
    pub(super) number: usize,
}

impl Ids {
    /// The anchors of these rules and images.
    pub(super) fn of(rules: &BTreeMap<&str, Rule<'_>>, images: &Images<'_>, end: &RunFinished) -> Self {
        let mut taken = BTreeSet::new();
        let mut anchor = |kind: &str, name: &str, number: usize| {
            let mut id = id(kind, name);
            // Two images of one name: the number is all that is left.
            while !taken.insert(id.clone()) {
                id = format!("{id}-{number}");
            }
            Anchor { id, number }
        };
        let of_rules =
            rules.keys().enumerate().map(|(at, code)| ((*code).to_owned(), anchor("rule", code, at))).collect();
        let mut components = BTreeMap::new();
        for (number, image) in images.all.iter().enumerate() {
            let first = image.members.first().and_then(|member| end.outcomes.get(member.at));
            let name = first.map(|outcome| outcome.component.name.as_str()).filter(|_| image.members.len() == 1);
            let anchor = anchor("component", name.unwrap_or(&image.name), number);
            components.extend(image.members.iter().map(|member| (member.at, anchor.clone())));
        }
        Self { rules: of_rules, components }
    }

    /// The anchor of a rule.
    pub(super) fn rule(&self, code: &str) -> Option<&Anchor> {
        self.rules.get(code)
    }

    /// The anchor of a component's image.
    pub(super) fn component(&self, at: usize) -> Option<&Anchor> {
        self.components.get(&at)
    }
}

/// The name as an anchor. A name of other characters than those of an anchor has its hash in it.
fn id(kind: &str, name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let short = cut(name, CHARACTERS);
    let plain: String = short.chars().map(|one| if is_plain(one) { one } else { '-' }).collect();
    if plain == name && !plain.is_empty() {
        return format!("{kind}-{plain}");
    }
    let hash: String = Digest::of(name.as_bytes()).hex().chars().take(HASH_CHARACTERS).collect();
    format!("{kind}-{plain}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_made_of_the_name_and_of_nothing_else() {
        assert_eq!(id("rule", "tasks.trusted"), "rule-tasks.trusted");
        let odd = id("rule", "a b\"><script>");
        assert!(odd.starts_with("rule-a-b---script--") && !odd.contains(['<', '"', ' ']), "{odd}");
        assert_ne!(id("rule", "a b"), id("rule", "a-b"));
        assert_ne!(id("rule", ""), "rule-");
        assert!(id("rule", &"x".repeat(1 << 16)).len() < 100);
    }
}
