//! What explanations look at: names, sources, and what a step gives when it is taken again.

use regorus::Value;

use crate::engine::ir::NodeId;
use crate::engine::program::{Op, Step, Term};
use crate::engine::span::{Source, Span};

use super::{Eval, EvalResult};

impl<'p> Eval<'p> {
    /// The full name of a rule, function or package.
    pub(crate) fn name(&self, node: NodeId) -> &'p str {
        self.program.node(node).map_or("", |node| &node.name)
    }

    /// The file that a span is in; none for that of a query.
    pub(crate) fn source(&self, span: Span) -> Option<&'p Source> {
        self.sources.get(span.file as usize)
    }

    /// What a call or a reference gives; none where it is undefined, or gives an error.
    pub(crate) fn outcome(&mut self, frame: usize, step: &'p Step) -> Option<Value> {
        match &step.op {
            Op::Lookup { base, path, .. } => self.replay(|eval| eval.lookup(frame, base, path, step.span)),
            Op::Call { callee, args, .. } => self.replay(|eval| {
                let top = eval.top();
                let args: Vec<_> = args.iter().map(|arg| eval.term(frame, arg)).collect::<Result<_, _>>()?;
                args.into_iter().for_each(|arg| eval.push(arg));
                eval.call(*callee, top, step.span)
            }),
            _ => None,
        }
    }

    /// The value of a part of an expression that was evaluated before. See [`outcome`](Self::outcome).
    pub(crate) fn value_again(&mut self, frame: usize, term: &'p Term) -> Option<Value> {
        self.replay(|eval| eval.term(frame, term).map(Some))
    }

    /// Evaluates, and leaves everything as it was.
    fn replay(&mut self, evaluate: impl FnOnce(&mut Self) -> EvalResult<Option<Value>>) -> Option<Value> {
        let (message, top, depth, overlay) = (self.prints.len(), self.top(), self.depth, self.overlay);
        let value = evaluate(self);
        // It was said the first time.
        self.prints.truncate(message);
        // An error would have ended the query, and left these as they were.
        self.close(top);
        (self.depth, self.overlay) = (depth, overlay);
        value.ok().flatten()
    }
}
