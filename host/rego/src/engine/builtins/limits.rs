//! Limits on what one call of a built-in function may build or take, each with what it stops.
//!
//! A limit that is reached halts the evaluation: it never truncates a result.

/// Bytes of a text that a function makes: a few calls of `replace` or `sprintf` could fill the memory otherwise.
pub(crate) const TEXT_BYTES: usize = 64 << 20;

/// Numbers that one call of `numbers.range` makes: `numbers.range(1, 1e12)`.
pub(super) const RANGE_NUMBERS: usize = 1_000_000;

/// Elements of an array or set that a function makes: `net.cidr_expand("10.0.0.0/4")`.
pub(super) const ELEMENTS: usize = 4_000_000;

/// Bits of a number that a function makes: `bits.lsh(1, 1e15)`, `1e100000` multiplied by itself. To write or divide one
/// takes time that grows with the square of its length.
pub(super) const NUMBER_BITS: u64 = 1 << 17;

/// Characters of a parsed number: its digits are counted before it is converted.
pub(crate) const NUMBER_DIGITS: usize = 10_000;

/// Steps that one call may take where a string or list is compared with another: each character of megabytes with each
/// of thousands of words.
pub(super) const COMPARED: usize = 1_000_000_000;

/// Nested arrays and objects in a document that is read or written: recursion must not run out of stack.
pub(super) const NESTING: usize = 256;

/// Bytes of a compiled regular expression: a short pattern can require a very large automaton.
pub(super) const REGEX_BYTES: usize = 10 << 20;

/// Compiled patterns kept by one worker, for each kind.
pub(super) const CACHED_PATTERNS: usize = 256;

/// Paths that `graph.reachable_paths` gives: their number grows like a factorial.
pub(super) const PATHS: usize = 100_000;

/// Steps of one schema check: references can make a small schema large.
pub(super) const SCHEMA_STEPS: usize = 10_000_000;

/// Pairs of states when two globs are intersected.
pub(super) const GLOB_STATES: usize = 4_000_000;

/// Elements that the operations of one `json.patch` copy on their ways: each copies the collections it goes through.
pub(super) const COPIED: usize = 50_000_000;

/// The text of a module that `rego.parse_module` reads: its tree is some hundred times as large.
pub(super) const MODULE_BYTES: usize = 1 << 18;
