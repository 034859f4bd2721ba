//! Limits of policies and their evaluation beyond those of [`assay_model::limits`], with the attack each stops.

use std::time::Duration;

/// Text of all policy and data files of one group of sources together.
pub(crate) const SOURCE_BYTES: u64 = 512 << 20;

/// Time of one evaluation. The costliest policies known need some seconds; what needs more loops for ever.
pub(crate) const EVALUATION_TIME: Duration = Duration::from_secs(120);

/// Work of the evaluator between two looks at the clock.
pub(crate) const STEPS_PER_LOOK: u32 = 128;

/// Stack of the thread that compiles: a file of the size limit that is one long sum is taken apart level by level. Only
/// what is touched becomes memory.
pub(crate) const COMPILE_STACK_BYTES: usize = 1 << 30;

/// Stack of a thread that evaluates: rules that need rules that need rules.
pub(crate) const EVALUATION_STACK_BYTES: usize = 256 << 20;

/// Expressions within one another. People write ten; a chain of operators nests as deep as it is long.
pub(crate) const EXPRESSION_DEPTH: usize = 500;

/// Brackets within one another, which the parser's time doubles with. The deepest known policy has twelve.
pub(crate) const BRACKETS: usize = 16;

/// What is kept of an evaluator's message: it may quote a whole document.
pub(crate) const MESSAGE_CHARACTERS: usize = 400;

/// Numbers that one call of `numbers.range` makes.
pub(crate) const RANGE_NUMBERS: i64 = 1_000_000;

/// Problems of a policy that are kept to be told.
pub(crate) const PROBLEMS: usize = 100;
