//! [`Writer`]: makes the bytes of what is [`Stored`](super::Stored).

use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;

use crate::engine::bit_set::BitSet;

/// Bytes that are being written.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    texts: HashMap<String, u64>,
    shared: HashMap<usize, u64>,
    files: Vec<String>,
}

impl Writer {
    /// Writes what is about files of these names.
    pub(crate) fn of_files(files: Vec<String>) -> Self {
        Self { files, ..Self::default() }
    }

    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes one byte.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes a number: seven bits in each byte, the lowest first.
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    /// Writes eight bytes as they are.
    pub(super) fn word(&mut self, word: u64) {
        self.bytes.extend_from_slice(&word.to_le_bytes());
    }

    /// Writes a text: its number if it was written before, else the next number, its length and its bytes.
    pub fn text(&mut self, text: &str) {
        if let Some(number) = self.texts.get(text) {
            return self.number(*number);
        }
        let number = self.texts.len() as u64;
        self.texts.insert(text.to_owned(), number);
        self.number(number);
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Writes which of the files has a name; what reads it gets the name that this file has then.
    pub fn file(&mut self, name: &str) {
        let place = self.files.iter().position(|file| file == name).unwrap_or(self.files.len());
        self.number(place as u64);
    }

    /// The number of a set that several values share, and whether it is met for the first time.
    pub(super) fn shared(&mut self, set: &Arc<OnceLock<BitSet>>) -> (u64, bool) {
        let next = self.shared.len() as u64;
        let place = Arc::as_ptr(set).addr();
        let number = *self.shared.entry(place).or_insert(next);
        (number, number == next)
    }
}
