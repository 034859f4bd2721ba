//! [`Memory`]: a budget of bytes that reading documents may take, which is more than the bytes of their text.
//!
//! `[1,1,1,…` takes some ninety times its length once it is a tree of values, and a compressed layer of 62 KB unpacks
//! to 60 MB of it. So readers charge what they make while they make it, and a document that would take too much is
//! refused before it is there.

use std::cell::Cell;

use serde_json::Value;

/// An item of a list. A vector that grows has up to twice the capacity it needs.
const ITEM: u64 = 2 * size_of::<Value>() as u64;

/// A field of an object without the bytes of its key: hash, key, value and its table slot, with spare capacity.
const FIELD: u64 = 2 * (size_of::<Value>() + size_of::<String>() + 3 * size_of::<usize>()) as u64;

/// The digits of a number, which are kept as text.
const NUMBER: u64 = 32;

/// What the allocator adds to each text.
const TEXT: u64 = 16;

/// What may still be taken, by several documents together.
#[derive(Debug)]
pub struct Memory {
    limit: u64,
    left: Cell<u64>,
    exhausted: Cell<bool>,
}

/// Why a document was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it would take more than {0} bytes of memory")]
pub struct OutOfMemory(u64);

impl Memory {
    /// All of it.
    #[must_use]
    pub const fn of(limit: u64) -> Self {
        Self { limit, left: Cell::new(limit), exhausted: Cell::new(false) }
    }

    /// Whether a document was refused because of it.
    #[must_use]
    pub const fn is_exhausted(&self) -> bool {
        self.exhausted.get()
    }

    pub(crate) const fn left(&self) -> u64 {
        self.left.get()
    }

    /// No document of more nodes, keys among them, fits into what is left.
    pub(crate) fn nodes(&self) -> usize {
        usize::try_from(self.left.get() / (FIELD / 2)).unwrap_or(usize::MAX)
    }

    /// Refuses a document for what its reader keeps.
    pub(crate) fn exhaust(&self) -> OutOfMemory {
        self.exhausted.set(true);
        OutOfMemory(self.limit)
    }

    /// Gives back what a document took that was thrown away.
    pub(crate) fn give_back(&self, left: u64) {
        self.left.set(left);
    }

    pub(crate) fn item(&self) -> Result<(), OutOfMemory> {
        self.take(ITEM)
    }

    pub(crate) fn field(&self, key: &str) -> Result<(), OutOfMemory> {
        self.take(FIELD + key.len() as u64)
    }

    pub(crate) fn number(&self) -> Result<(), OutOfMemory> {
        self.take(NUMBER)
    }

    pub(crate) fn text(&self, text: &str) -> Result<(), OutOfMemory> {
        self.take(TEXT + text.len() as u64)
    }

    fn take(&self, bytes: u64) -> Result<(), OutOfMemory> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(self.exhaust()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_shared_until_it_is_exhausted() {
        let memory = Memory::of(ITEM + NUMBER);
        assert_eq!((memory.item(), memory.number(), memory.is_exhausted()), (Ok(()), Ok(()), false));
        let error = memory.text("").unwrap_err();
        assert_eq!(error.to_string(), format!("it would take more than {} bytes of memory", ITEM + NUMBER));
        assert!(memory.is_exhausted());
    }
}
