//! [`Reader`]: reads the bytes that a [`Writer`](super::Writer) wrote.

use std::sync::{Arc, OnceLock};

use crate::engine::{bit_set::BitSet, builtins::HostFunction, limits::STORED_NESTING};

/// Bytes that are being read.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    texts: Vec<Arc<str>>,
    shared: Vec<Arc<OnceLock<BitSet>>>,
    /// The functions that a host implements.
    functions: &'static [HostFunction],
    files: &'a [String],
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Reads bytes.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self::of_files(bytes, &[], &[])
    }

    /// Reads bytes that are about files; functions that are none of the engine's are found among these.
    pub(crate) const fn of_files(bytes: &'a [u8], functions: &'static [HostFunction], files: &'a [String]) -> Self {
        Self { rest: bytes, texts: Vec::new(), shared: Vec::new(), functions, files, depth: 0 }
    }

    /// Whether everything was read.
    pub(crate) const fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// The next number.
    #[inline]
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // Of the tenth byte, one bit is left.
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// The number of elements that follow, each of which takes at least one byte.
    pub(crate) fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(self.number()?).ok()?;
        (length <= self.rest.len()).then_some(length)
    }

    /// Eight bytes as they are.
    pub(super) fn word(&mut self) -> Option<u64> {
        let (word, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*word))
    }

    /// The next text.
    pub fn text(&mut self) -> Option<Arc<str>> {
        let number = usize::try_from(self.number()?).ok()?;
        if let Some(known) = self.texts.get(number) {
            return Some(Arc::clone(known));
        }
        if number != self.texts.len() {
            return None;
        }
        let length = self.length()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        let text: Arc<str> = std::str::from_utf8(text).ok()?.into();
        self.texts.push(Arc::clone(&text));
        Some(text)
    }

    /// The name that a file has now.
    pub fn file(&mut self) -> Option<String> {
        let place = usize::try_from(self.number()?).ok()?;
        self.files.get(place).cloned()
    }

    /// Reads something that may hold others of its kind.
    #[inline]
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == STORED_NESTING {
            return None;
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// A set that several values share, by its number; `read` gives it where it is met for the first time.
    pub(super) fn shared(&mut self, read: impl FnOnce(&mut Self) -> Option<BitSet>) -> Option<Arc<OnceLock<BitSet>>> {
        let number = usize::try_from(self.number()?).ok()?;
        if let Some(known) = self.shared.get(number) {
            return Some(Arc::clone(known));
        }
        if number != self.shared.len() {
            return None;
        }
        let set = Arc::new(OnceLock::from(read(self)?));
        self.shared.push(Arc::clone(&set));
        Some(set)
    }

    /// A function that a host implements, by its name.
    pub(super) fn function(&self, name: &str) -> Option<&'static HostFunction> {
        self.functions.iter().find(|function| function.name() == name)
    }
}
