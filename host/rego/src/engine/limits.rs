//! Limits on what a policy may be and on what one evaluation may use, each with what it stops.

/// Bytes of one policy file: offsets are 32 bits wide, and no real policy comes near.
pub(crate) const SOURCE_BYTES: usize = 16 << 20;

/// Nested terms and bodies in a policy: the parser and the later passes follow the tree with recursion.
pub(crate) const NESTING: usize = 200;

/// Errors reported for one compilation: a hostile file must not make the report without end.
pub(crate) const COMPILE_ERRORS: usize = 200;

/// Rule calls and loops that may be open at one time in an evaluation. Each level takes a few kilobytes of stack.
pub(crate) const DEPTH: usize = 12_000;

/// Bytes of stack of the thread that evaluates: [`DEPTH`] levels fit with room to spare.
pub(crate) const STACK_BYTES: usize = 512 << 20;

/// Things that an explanation keeps: a policy that loops over everything must not fill the memory.
pub(crate) const TRACE_EVENTS: usize = 100_000;

/// What is shown of one value: it may be a whole document.
pub(crate) const VALUE_CHARACTERS: usize = 1_000;

/// Variables in one rule: slots are 32 bits wide, and a rule with more is no rule.
pub(crate) const SLOTS: usize = 100_000;

/// Results of calls kept for one overlay of a query: arguments that never come again must not fill the memory.
pub(crate) const MEMO_CALLS: usize = 200_000;

/// Elements and pieces of text that one evaluation makes, living or not: a short policy can multiply a long list by
/// itself for ever.
pub(crate) const BUILT: usize = 50_000_000;

/// Bytes of text that count as one element of what an evaluation makes.
pub(crate) const BUILT_TEXT: usize = 32;
