//! [`CompiledCache`]: what policies and data are compiled to, kept in the cache of fetched policies.
//!
//! The names of entries have the identity of the program in them, so that only the build that wrote an entry reads it. What
//! identifies a build is what its linker noted in it; without such a note nothing is kept.

use std::io::Read as _;

use assay_model::{digest::Digest, port::DerivedCache};
use assay_oci::Cache;

/// The entries of this build of the program in a cache.
#[derive(Debug)]
pub(crate) struct CompiledCache {
    cache: Cache,
    build: Vec<u8>,
}

/// So much of the program is read: the notes are right behind the first headers.
const HEAD: u64 = 8 << 10;

impl CompiledCache {
    /// The entries of this program; none if its build cannot be distinguished from others.
    pub(crate) fn of_this_build(cache: Cache) -> Option<Self> {
        let mut head = Vec::new();
        let program = std::env::current_exe().ok()?;
        fs_err::File::open(program).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
        Some(Self { cache, build: build_id(&head)?.to_owned() })
    }

    fn name(&self, key: &Digest) -> Digest {
        Digest::of_parts(&[crate::version().as_bytes(), b"\n", &self.build, b"\n", key.as_bytes()])
    }
}

impl DerivedCache for CompiledCache {
    fn find(&self, key: &Digest) -> Option<Vec<u8>> {
        self.cache.derived(&self.name(key))
    }

    fn keep(&self, key: &Digest, bytes: &[u8]) {
        self.cache.keep_derived(&self.name(key), bytes);
    }
}

/// The name and the type of the note with which linkers identify what they made (`ld --build-id`).
const NOTE: (&[u8], u32) = (b"GNU\0", 3);

/// The identity of a program by its first bytes, an ELF file of 64 bits with the lowest byte first (elf(5)).
fn build_id(head: &[u8]) -> Option<&[u8]> {
    head.starts_with(b"\x7fELF\x02\x01").then_some(())?;
    let at = number::<8>(head, 0x20)?;
    let (size, count) = (number::<2>(head, 0x36)?, number::<2>(head, 0x38)?);
    let segments = (0..count).filter_map(|index| head.get(at.checked_add(index.checked_mul(size)?)?..));
    let is_notes = |segment: &&[u8]| number::<4>(segment, 0) == Some(4);
    segments.filter(is_notes).find_map(|segment| {
        let (start, length) = (number::<8>(segment, 8)?, number::<8>(segment, 0x20)?);
        note_of(head.get(start..start.checked_add(length)?)?)
    })
}

/// The content of the note among others.
fn note_of(mut notes: &[u8]) -> Option<&[u8]> {
    loop {
        let (name, content) = (number::<4>(notes, 0)?, number::<4>(notes, 4)?);
        let kind = number::<4>(notes, 8)?;
        let rest = notes.get(12..)?;
        let padded = |length: usize| length.checked_next_multiple_of(4);
        let behind = rest.get(padded(name)?..)?;
        let found = behind.get(..content)?;
        if rest.get(..name)? == NOTE.0 && kind == NOTE.1 as usize && !found.is_empty() {
            return Some(found);
        }
        notes = behind.get(padded(content)?..)?;
    }
}

/// A number of so many bytes, the lowest first.
fn number<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(BYTES)?)?;
    let number =
        bytes.iter().rev().try_fold(0_usize, |number, byte| Some(number.checked_mul(256)? + usize::from(*byte)))?;
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a program with one segment of notes.
    fn program(notes: &[u8]) -> Vec<u8> {
        let mut head = b"\x7fELF\x02\x01".to_vec();
        head.resize(64, 0);
        head[0x20] = 64;
        head[0x36] = 56;
        head[0x38] = 2;
        head.resize(64 + 2 * 56, 0);
        // The first segment is another one.
        head[64] = 1;
        head[64 + 56] = 4;
        head[64 + 56 + 8] = 200;
        head[64 + 56 + 0x20] = u8::try_from(notes.len()).unwrap();
        head.resize(200, 0);
        head.extend_from_slice(notes);
        head
    }

    fn note(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
        let mut note = vec![0; 12];
        note[0] = u8::try_from(name.len()).unwrap();
        note[4] = u8::try_from(content.len()).unwrap();
        note[8] = kind;
        for part in [name, content] {
            note.extend_from_slice(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn the_identity_of_a_build_is_the_note_of_its_linker() {
        let other = note(b"Linux\0", 3, b"other");
        let own = note(b"GNU\0", 3, b"the build");
        let version = note(b"GNU\0", 1, b"abi");
        assert_eq!(build_id(&program(&own)), Some(&b"the build"[..]));
        assert_eq!(build_id(&program(&[other.clone(), version.clone(), own].concat())), Some(&b"the build"[..]));
        assert_eq!(build_id(&program(&[other, version].concat())), None);
        assert_eq!(build_id(&program(&note(b"GNU\0", 3, b""))), None);
    }

    #[test]
    fn what_is_no_program_or_is_cut_short_has_no_identity() {
        let whole = program(&note(b"GNU\0", 3, b"the build"));
        for end in 0..whole.len() - 3 {
            assert_eq!(build_id(&whole[..end]), None, "{end}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] = 0xff;
            // Whatever comes of it, reading ends.
            let _any = build_id(&changed);
        }
        assert_eq!(build_id(b"#!/bin/sh\n"), None);
    }
}
