//! Archives of every kind, honest and hostile.

use super::*;
use crate::test_support::{gzip, tar, zstd};

fn walked(bytes: &[u8], limits: ArchiveLimits) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let mut seen = Vec::new();
    walk(&mut &*bytes, &Remaining::of(limits), |name, _, content| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(|error| ArchiveError::of(&error))?;
        seen.push((name.to_owned(), bytes));
        Ok(())
    })?;
    Ok(seen)
}

const WIDE: ArchiveLimits = ArchiveLimits { entries: 100, bytes: 1 << 20 };

#[test]
fn plain_gzip_and_zstd_archives_hold_the_same() {
    let long = format!("{}/{}.yaml", "d".repeat(150), "f".repeat(150));
    let plain = tar(&[("d/", b""), ("d/a", b"one"), (&long, b"two")]);
    let want =
        vec![("d/".to_owned(), Vec::new()), ("d/a".to_owned(), b"one".to_vec()), (long.clone(), b"two".to_vec())];
    assert_eq!(walked(&plain, WIDE).unwrap(), want);
    assert_eq!(walked(&gzip(&plain), WIDE).unwrap(), want);
    assert_eq!(walked(&zstd(&plain), WIDE).unwrap(), want);
    // Several members and frames, with one that holds no content between them.
    let (first, second) = plain.split_at(700);
    assert_eq!(walked(&[gzip(first), gzip(second)].concat(), WIDE).unwrap(), want);
    let skipped = [b"\x50\x2a\x4d\x18\x03\0\0\0".as_slice(), b"abc"].concat();
    assert_eq!(walked(&[zstd(first), skipped, zstd(second)].concat(), WIDE).unwrap(), want);
}

#[test]
fn a_name_in_pax_records_counts() {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("path", "x/é".as_bytes()), ("mtime", b"1".as_slice())]).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    header.set_path("short").unwrap();
    header.set_cksum();
    builder.append(&header, b"c".as_slice()).unwrap();
    let bytes = builder.into_inner().unwrap();
    assert_eq!(walked(&bytes, WIDE).unwrap(), [("x/é".to_owned(), b"c".to_vec())]);
}

#[test]
fn what_is_no_archive_is_malformed() {
    let whole = gzip(&tar(&[("a", &[7; 4000])]));
    let broken = |bytes: &[u8]| matches!(walked(bytes, WIDE), Err(ArchiveError::Malformed(_)));
    assert!(broken(b"just text, and a little more of it than four bytes"));
    assert!(broken(whole.get(..whole.len() / 2).unwrap()));
    assert!(broken(b"\x1f\x8bno gzip at all"));
    assert!(broken(b"\x28\xb5\x2f\xfdno zstd at all"));
    assert_eq!(walked(b"", WIDE).unwrap(), []);
}

#[test]
fn what_stands_in_a_header_that_cannot_be_read_is_not_quoted() {
    let Err(ArchiveError::Malformed(text)) = walked(&b"stolen\n".repeat(200), WIDE) else { panic!("it is an archive") };
    assert!(!text.contains("stolen") && !text.contains('\n') && !text.is_empty(), "{text:?}");
}

#[test]
fn bombs_end_at_the_limit() {
    let limited = |bytes: &[u8], limits| matches!(walked(bytes, limits), Err(ArchiveError::Limit(_)));
    let zeros = tar(&[("a", &vec![0; 3 << 20])]);
    assert!(limited(&gzip(&zeros), WIDE));
    assert!(limited(&zstd(&zeros), WIDE));
    assert!(limited(&zeros, WIDE));
    let empty: (&str, &[u8]) = ("a", b"");
    assert!(limited(&tar(&[empty; 5]), ArchiveLimits { entries: 4, ..WIDE }));
    // A name of gigabytes: the header says so, and nothing is read of it but the limit.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(4 << 30);
    header.set_cksum();
    let bytes = [header.as_bytes().as_slice(), &vec![b'n'; 70 << 10]].concat();
    assert!(limited(&bytes, WIDE));
    // A window of the memory that nobody has: magic, a descriptor without size, a window of 2^41 bytes.
    assert!(walked(b"\x28\xb5\x2f\xfd\x00\xf8\0\0\0\0", WIDE).is_err());
}
