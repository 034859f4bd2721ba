//! [`RuleStory`]: how a rule came to its answer about one image, expression by expression.

use crate::{
    compile_error::Place,
    engine::{Part, Story},
};

/// How one branch of a definition came to its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleStory {
    /// The rule's code, such as `tasks.required`.
    pub code: String,
    /// The rule, such as `data.tasks.deny`.
    pub name: String,
    /// Where the branch begins.
    pub place: Place,
    /// How many results it gave.
    pub results: u64,
    /// The expressions that were reached, in the order in which they are evaluated. If the last never held, it decides.
    pub parts: Vec<StoryPart>,
}

/// An expression that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryPart {
    /// Where it begins.
    pub place: Place,
    /// Its text, on one line.
    pub text: String,
    /// How often it held.
    pub held: u64,
    /// Its variables and calls with their values: when it held first, or else when it did not.
    pub values: Vec<(String, String)>,
}

impl RuleStory {
    pub(crate) fn new(code: String, story: Story) -> Self {
        let part = |part: Part| StoryPart {
            place: part.place,
            text: part.text,
            held: part.held,
            values: part.values.into_iter().map(|value| (value.text, value.value)).collect(),
        };
        let Story { name, place, results, parts, .. } = story;
        Self { code, name, place, results, parts: parts.into_iter().map(part).collect() }
    }
}
