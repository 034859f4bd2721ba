//! [`package()`]: a Debian package, as deb(5) describes it: an `ar` archive of a version and two tar files.

use super::archive::{Tree, tar_gz};

/// The C library that the program needs at least, if it says so itself: the highest of its symbols' versions.
fn c_library(program: &[u8]) -> Option<(u32, u32)> {
    const MARK: &[u8] = b"GLIBC_";
    let versions =
        program.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK).filter_map(|(at, _)| {
            let rest = program.get(at + MARK.len()..)?;
            let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
            let text = std::str::from_utf8(rest.get(..end)?).ok()?;
            let mut numbers = text.split('.').map_while(|number| number.parse().ok());
            Some((numbers.next()?, numbers.next()?))
        });
    versions.max()
}

/// The bytes of the package.
///
/// # Errors
/// A file has a path that is too long.
pub(super) fn package(tree: &Tree, version: &str, architecture: &str, seconds: u64) -> anyhow::Result<Vec<u8>> {
    let program = tree.files().find(|(path, _)| *path == "bin/assay").map(|(_, bytes)| bytes).unwrap_or_default();
    let depends =
        c_library(program).map_or_else(String::new, |(major, minor)| format!("Depends: libc6 (>= {major}.{minor})\n"));
    let mut control = Tree::default();
    control.file(
        "control",
        format!(
            "Package: assay\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: The assay authors\n\
             Installed-Size: {size}\n{depends}Recommends: git (>= 2.32), ca-certificates\nSection: utils\nPriority: optional\n\
             Description: verify container images and evaluate release policies\n \
             It verifies signatures and provenance, evaluates Enterprise Contract policies\n \
             and WebAssembly plugins, and explains every result.\n",
            size = tree.size().div_ceil(1024)
        )
        .into_bytes(),
    );
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", tar_gz(&control, "./", seconds)?),
        ("data.tar.gz", tar_gz(tree, "./usr/", seconds)?),
    ] {
        out.extend(format!("{name:<16}{seconds:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, "100644", bytes.len()).bytes());
        out.extend(&bytes);
        if bytes.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_symbol_decides_about_the_c_library() {
        assert_eq!(c_library(b"\0GLIBC_2.9\0GLIBC_2.34\0GLIBC_PRIVATE\0GLIBC_2.17\0"), Some((2, 34)));
        assert_eq!(c_library(b"#!/bin/sh"), None);
    }
}
