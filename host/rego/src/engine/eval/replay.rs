//! What explanations look at: names, sources, and what a step gives when it is taken again.

use regorus::Value;

use crate::engine::ir::NodeId;
use crate::engine::program::{Op, Step};
use crate::engine::span::{Source, Span};

use super::Eval;

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
        let (message, top, depth, overlay) = (self.prints.len(), self.top(), self.depth, self.overlay);
        let value = match &step.op {
            Op::Lookup { base, path, .. } => self.lookup(frame, base, path, step.span),
            Op::Call { callee, args, .. } => {
                let args: Result<Vec<_>, _> = args.iter().map(|arg| self.term(frame, arg)).collect();
                args.and_then(|args| {
                    args.into_iter().for_each(|arg| self.push(arg));
                    self.call(*callee, top, step.span)
                })
            }
            _ => Ok(None),
        };
        // It was said the first time.
        self.prints.truncate(message);
        // An error would have ended the query, and left these as they were.
        self.close(top);
        (self.depth, self.overlay) = (depth, overlay);
        value.ok().flatten()
    }
}
