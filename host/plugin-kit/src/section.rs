//! The manifest inside a component: the custom section `assay:manifest`, which can be read without running anything.
//!
//! A custom section of a component is the byte 0, a length in LEB128, a name with its length, and the content (WebAssembly's
//! `Binary.md`).

/// The name of the section.
pub const NAME: &str = "assay:manifest";

/// A component's header and the id of a custom section.
const HEADER_BYTES: usize = 8;
const CUSTOM: u8 = 0;

/// The component with this manifest in it, in the place of one that is there.
#[must_use]
pub fn write(component: &[u8], manifest: &str) -> Vec<u8> {
    let mut bytes = without(component);
    let mut section = Vec::with_capacity(manifest.len() + NAME.len() + 8);
    leb128(&mut section, NAME.len());
    section.extend_from_slice(NAME.as_bytes());
    section.extend_from_slice(manifest.as_bytes());
    bytes.push(CUSTOM);
    leb128(&mut bytes, section.len());
    bytes.extend_from_slice(&section);
    bytes
}

/// The manifest in a component. `None` if there is none, or several, or the bytes are no sequence of sections.
#[must_use]
pub fn read(component: &[u8]) -> Option<&str> {
    let mut found = sections(component).filter_map(|section| section.manifest);
    let manifest = found.next()?;
    if found.next().is_some() {
        return None;
    }
    std::str::from_utf8(manifest).ok()
}

/// The component without its manifest, which is what `describe` was called on.
#[must_use]
pub fn without(component: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let ranges: Vec<_> = sections(component).filter(|section| section.manifest.is_some()).collect();
    for section in ranges.iter().rev() {
        bytes.drain(section.start..section.end);
    }
    bytes
}

struct Section<'a> {
    start: usize,
    end: usize,
    manifest: Option<&'a [u8]>,
}

/// The sections at the top of a component, up to the first that is broken.
fn sections(component: &[u8]) -> impl Iterator<Item = Section<'_>> {
    let mut at = HEADER_BYTES;
    std::iter::from_fn(move || {
        let start = at;
        let id = *component.get(start)?;
        let (size, used) = read_leb128(component.get(start + 1..)?)?;
        let content = start + 1 + used;
        let end = content.checked_add(size)?;
        let bytes = component.get(content..end)?;
        at = end;
        let manifest = (id == CUSTOM).then(|| named(bytes)).flatten();
        Some(Section { start, end, manifest })
    })
}

/// The content of a custom section, if it is ours.
fn named(section: &[u8]) -> Option<&[u8]> {
    let (size, used) = read_leb128(section)?;
    let end = used.checked_add(size)?;
    (section.get(used..end)? == NAME.as_bytes()).then(|| section.get(end..)).flatten()
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn leb128(to: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        to.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// A length of at most 32 bits, and how many bytes it takes.
fn read_leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0_u64;
    for (place, byte) in bytes.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(u32::try_from(number).ok()?).ok()?, place + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn a_manifest_is_read_back_and_replaced() {
        let long = "x".repeat(300);
        let first = write(EMPTY, &long);
        assert_eq!(read(&first), Some(long.as_str()));
        let second = write(&first, "{}");
        assert_eq!(read(&second), Some("{}"));
        assert_eq!(without(&second), EMPTY);
        assert_eq!(read(EMPTY), None);
    }

    #[test]
    fn other_sections_stay_where_they_are() {
        let other = [EMPTY, b"\0\x06\x04nameX", b"\x01\x02ab"].concat();
        let with = write(&other, "m");
        assert!(with.starts_with(&other));
        let more = [with.as_slice(), b"\0\x06\x04nameY"].concat();
        assert_eq!(read(&more), Some("m"));
        assert_eq!(without(&more), [other.as_slice(), b"\0\x06\x04nameY"].concat());
    }

    #[test]
    fn two_manifests_or_broken_sections_are_no_manifest() {
        let one = write(EMPTY, "a");
        let twice = [one.as_slice(), one.get(EMPTY.len()..).unwrap()].concat();
        assert_eq!(read(&twice), None);
        for broken in [&b"\0asm"[..], b"\0asm\x0d\0\x01\0\0\xff\xff\xff\xff\xff\xff", b"\0asm\x0d\0\x01\0\0\x7f\x01a"] {
            assert_eq!(read(broken), None, "{broken:?}");
            assert_eq!(without(broken), broken);
        }
    }
}
