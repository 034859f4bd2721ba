//! [`Problems`]: what is wrong with a document, counted or written.

use std::fmt;

/// One thing that is wrong with a document.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// Where: keys and places joined by dots; `(Root)` for the document itself.
    pub field: String,
    /// The kind of problem, one word.
    pub kind: &'static str,
    /// What is wrong.
    pub text: String,
}

/// What is wrong, and how well the rest fits: the errors of the alternative with the most points are reported.
#[derive(Debug)]
pub(super) struct Problems {
    /// How many there are.
    pub count: usize,
    pub points: i64,
    /// The problems themselves; none where they are only counted. Most alternatives that do not fit are of no interest, and
    /// the text of one that is not in a list of a thousand names all of them.
    pub written: Option<Vec<Problem>>,
}

impl Problems {
    pub(super) const fn counted() -> Self {
        Self { count: 0, points: 0, written: None }
    }

    pub(super) const fn written() -> Self {
        Self { count: 0, points: 0, written: Some(Vec::new()) }
    }

    /// None yet, written if these are.
    pub(super) const fn like(&self) -> Self {
        if self.written.is_some() { Self::written() } else { Self::counted() }
    }

    /// A problem takes two points: less than one remains of its check.
    pub(super) fn push<T: Into<String>>(
        &mut self,
        path: &DocumentPath<'_>,
        kind: &'static str,
        text: impl FnOnce() -> T,
    ) {
        if let Some(written) = &mut self.written {
            written.push(Problem { field: path.to_string(), kind, text: text().into() });
        }
        self.count += 1;
        self.points -= 2;
    }

    /// A check has come to its end.
    pub(super) const fn passed(&mut self) {
        self.points += 1;
    }

    pub(super) fn join(&mut self, other: Self) {
        if let Some(written) = &mut self.written {
            written.extend(other.written.unwrap_or_default());
        }
        self.count += other.count;
        self.points += other.points;
    }

    pub(super) const fn none(&self) -> bool {
        self.count == 0
    }
}

/// The alternative that fits best, the first of equals, with its problems.
pub(super) struct Best<T>(pub Option<(T, Problems)>);

impl<T> Best<T> {
    /// Keeps the other one if it fits better.
    pub(super) fn meet(&mut self, other: T, problems: Problems) {
        if self.0.as_ref().is_none_or(|(_, best)| best.points < problems.points) {
            self.0 = Some((other, problems));
        }
    }
}

/// Where a value stands in the document. It is written only for a problem.
#[derive(Clone, Copy)]
pub(super) enum DocumentPath<'p> {
    Whole,
    Key(&'p Self, &'p str),
    Element(&'p Self, usize),
}

impl fmt::Display for DocumentPath<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = |to: &mut fmt::Formatter<'_>, outer: &Self| match outer {
            Self::Whole => Ok(()),
            outer => write!(to, "{outer}."),
        };
        match self {
            Self::Whole => to.write_str("(Root)"),
            Self::Key(outer, key) => {
                before(to, outer)?;
                to.write_str(key)
            }
            Self::Element(outer, at) => {
                before(to, outer)?;
                write!(to, "{at}")
            }
        }
    }
}
