//! [`Trace`]: what happened in an evaluation, one thing after the other.

use crate::{
    compile_error::Location,
    engine::{self, Op},
};

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// One thing after the other.
    pub steps: Vec<Step>,
    /// How many more there were than are kept.
    pub left_out: u64,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub kind: StepKind,
    /// How many rules and functions are open around it.
    pub depth: usize,
    /// Where; none for what stands in the query.
    pub location: Option<Location>,
    /// The rule's name, the expression, or what the policy says.
    pub text: String,
    /// Variables of the expression with their values.
    pub values: Vec<(String, String)>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// A definition of a rule or function is tried.
    Enter,
    /// An expression is evaluated.
    Eval,
    /// It does not hold.
    Fail,
    /// The definition holds.
    Exit,
    /// The policy calls `trace`.
    Note,
}

/// How much of it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceLevel {
    /// Everything.
    Full,
    /// What did not hold, and the way there.
    Fails,
    /// What the policy says by `trace`, and the way there.
    Notes,
}

impl Trace {
    pub(crate) fn of(trace: engine::Trace) -> Self {
        let step = |event: engine::TraceEvent| Step {
            kind: match event.op {
                Op::Enter => StepKind::Enter,
                Op::Eval => StepKind::Eval,
                Op::Fail => StepKind::Fail,
                Op::Exit => StepKind::Exit,
                Op::Note => StepKind::Note,
            },
            depth: event.depth,
            location: event.location,
            text: event.text,
            values: event.values.into_iter().map(|value| (value.text, value.value)).collect(),
        };
        Self { steps: trace.events.into_iter().map(step).collect(), left_out: trace.left_out }
    }

    /// The steps of some detail, with those that lead to them.
    #[must_use]
    pub fn at_level(&self, detail: TraceLevel) -> Vec<&Step> {
        let wanted = match detail {
            TraceLevel::Full => return self.steps.iter().collect(),
            TraceLevel::Fails => StepKind::Fail,
            TraceLevel::Notes => StepKind::Note,
        };
        let mut shown = Vec::new();
        // The definitions that are open, by depth, until they are shown.
        let mut open: Vec<Option<&Step>> = Vec::new();
        for step in &self.steps {
            open.truncate(step.depth);
            if step.kind == StepKind::Enter {
                open.resize(step.depth, None);
                open.push(Some(step));
            } else if step.kind == wanted {
                shown.extend(open.iter_mut().filter_map(Option::take));
                shown.push(step);
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(kind: StepKind, depth: usize, text: &str) -> Step {
        Step { kind, depth, location: None, text: text.to_owned(), values: Vec::new() }
    }

    #[test]
    fn what_leads_to_a_failure_is_shown_once_and_what_leads_nowhere_is_not() {
        use StepKind::{Enter, Eval, Exit, Fail};
        let steps = [
            (Enter, 0, "a"),
            (Eval, 1, "x"),
            (Enter, 1, "b"),
            (Exit, 1, "b"),
            (Enter, 1, "c"),
            (Fail, 2, "y"),
            (Fail, 2, "z"),
            (Fail, 1, "x"),
            (Enter, 0, "d"),
        ];
        let steps = steps.map(|(kind, depth, text)| step(kind, depth, text)).to_vec();
        let trace = Trace { steps, left_out: 0 };
        let shown: Vec<_> = trace.at_level(TraceLevel::Fails).into_iter().map(|step| step.text.as_str()).collect();
        assert_eq!(shown, ["a", "c", "y", "z", "x"]);
        assert_eq!(trace.at_level(TraceLevel::Notes), Vec::<&Step>::new());
        assert_eq!(trace.at_level(TraceLevel::Full).len(), 9);
    }
}
