//! Limits on what a policy may be and on what one evaluation may use, each with what it stops.

/// Bytes of one policy file: offsets are 32 bits wide, and no real policy comes near.
pub(crate) const SOURCE_BYTES: usize = 16 << 20;

/// Nested terms and bodies in a policy: the parser and the later passes follow the tree with recursion.
pub(crate) const NESTING: usize = 200;

/// Time of one compilation. The largest policies known take some seconds; what needs more was made to.
pub(crate) const COMPILE_TIME: std::time::Duration = std::time::Duration::from_secs(60);

/// Values and names that a compilation creates in addition to those in the source: each of thousands of rules may
/// require all annotations of its package, or be changed by each of thousands of `with`.
pub(crate) const COMPILE_PARTS: usize = 5_000_000;

/// Parts of one reference, package or import: passes look at all fronts of a path.
pub(crate) const PATH: usize = 500;

/// Arguments of one call or function.
pub(crate) const ARGUMENTS: usize = 1_000;

/// Errors noted before they are sorted: a hostile file may have one in each of a million lines.
pub(crate) const NOTED_ERRORS: usize = 5_000;

/// Bytes of a line that is shown below an error: a file may be one line.
pub(crate) const SHOWN_LINE: usize = 1_000;

/// Rules of a cycle that its error names.
pub(crate) const SHOWN_CYCLE: usize = 50;

/// Errors reported for one compilation: a hostile file must not make the report without end.
pub(crate) const COMPILE_ERRORS: usize = 200;

/// Rule calls and loops that may be open at one time in an evaluation. Each level takes a few kilobytes of stack.
pub(crate) const DEPTH: usize = 12_000;

/// Bytes of stack of the thread that evaluates: [`DEPTH`] levels fit with a margin.
pub(crate) const STACK_BYTES: usize = 512 << 20;

/// Things that an explanation keeps: a policy that loops over everything must not fill the memory.
pub(crate) const TRACE_EVENTS: usize = 100_000;

/// What is shown of one value: it may be a whole document.
pub(crate) const VALUE_CHARACTERS: usize = 1_000;

/// Variables in one rule: slots are 32 bits wide, and a rule with more is unrealistic.
pub(crate) const SLOTS: usize = 100_000;

/// Results of calls kept for one overlay of a query: arguments that never come again must not fill the memory.
pub(crate) const MEMO_CALLS: usize = 200_000;

/// Elements and pieces of text that one evaluation makes, living or not, copies included: a short policy can multiply a
/// long list by itself forever. An element takes some 24 to 50 bytes.
pub(crate) const BUILT: usize = 20_000_000;

/// Bytes of text that count as one part of a value, and as one element of what an evaluation makes.
pub(crate) const TEXT_PART: usize = 32;

/// Parts of one value, each counted as often as it stands there: sixty rules that each name the one before twice make a
/// value of 2^60 parts that takes no memory until it is compared, copied or written.
pub(crate) const VALUE_PARTS: usize = 4_000_000;

/// Collections within collections in one value: to compare, write and drop a value takes stack for each level, and not
/// every thread has as much as the one that evaluates. Documents from outside come nowhere near.
pub(crate) const VALUE_DEPTH: usize = 400;

/// Parts of all results of one evaluation together, which leave it as JSON: a shared value is a copy there.
pub(crate) const RESULT_PARTS: usize = 2_000_000;

/// Levels of what is read from a compiled policy that was kept: each takes stack. A term that may be written has at most
/// [`NESTING`] of them, and each of those takes three at most; values have at most [`VALUE_DEPTH`].
pub(crate) const STORED_NESTING: usize = 2_000;
