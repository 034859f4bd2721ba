//! [`nearest`]: which known word a misspelled one may be meant to be, for hints.

/// What is compared of a word: two long texts take the product of their lengths.
pub const COMPARED_CHARACTERS: usize = 200;

/// The known word that differs least from a word, if it differs in no more than a third of it.
pub fn nearest<K: AsRef<str> + Ord>(word: &str, known: impl IntoIterator<Item = K>) -> Option<K> {
    let length = word.chars().count();
    if length > COMPARED_CHARACTERS {
        return None;
    }
    let (distance, near) = known.into_iter().map(|known| (distance(word, known.as_ref()), known)).min()?;
    (distance <= (length / 3).max(1)).then_some(near)
}

/// How many characters are to be put in, left out or changed to make one text of the other.
#[must_use]
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(2 * COMPARED_CHARACTERS).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, mine) in one.chars().enumerate() {
        let mut before = at;
        let mut left = at + 1;
        for (cell, theirs) in row.iter_mut().skip(1).zip(&other) {
            let changed = before + usize::from(mine != *theirs);
            before = *cell;
            left = changed.min(before + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_two_texts_is_the_number_of_changes() {
        for (one, other, want) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("buld", "build", 1),
            ("build", "buld", 1),
            ("biuld", "build", 2),
            ("kitten", "sitting", 3),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(one, other), want, "{one} {other}");
        }
    }

    #[test]
    fn a_word_that_is_like_no_known_one_has_no_hint() {
        let known = ["push", "pull_request", "group"];
        assert_eq!(nearest("pull-request", known), Some("pull_request"));
        assert_eq!(nearest("nightly", known), None);
        assert_eq!(nearest(&"x".repeat(COMPARED_CHARACTERS + 1), known), None);
    }
}
