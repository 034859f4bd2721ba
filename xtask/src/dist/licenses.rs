//! [`text()`]: the licenses of all crates of others, each text once with the crates that have it.

use std::{collections::BTreeMap, fmt::Write as _};

use super::crates::Crates;

/// How the files with a license begin.
const NAMES: [&str; 5] = ["LICENSE", "COPYING", "NOTICE", "UNLICENSE", "COPYRIGHT"];

/// The document.
///
/// # Errors
/// A folder or file of a crate cannot be read.
pub(super) fn text(crates: &Crates) -> anyhow::Result<String> {
    let mut list = String::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut others: Vec<_> = crates.all.values().filter(|found| !found.is_own).collect();
    others.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    for found in others {
        let name = format!("{} {}", found.name, found.version);
        writeln!(list, "{name}: {}", found.license)?;
        if !found.folder.is_dir() {
            continue;
        }
        let mut files: Vec<_> = found.folder.read_dir_utf8()?.collect::<Result<_, _>>()?;
        files.sort_by(|a, b| a.file_name().cmp(b.file_name()));
        for file in files {
            let upper = file.file_name().to_uppercase();
            if file.path().is_file() && NAMES.iter().any(|name| upper.starts_with(name)) {
                let bytes = fs_err::read(file.path())?;
                let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned();
                texts.entry(text).or_default().push(name.clone());
            }
        }
    }
    let mut out = format!("assay contains these crates, under the licenses that each names.\n\n{list}");
    for (text, mut names) in texts {
        names.dedup();
        write!(out, "\n{}\n{}\n\n{text}\n", "-".repeat(78), names.join(", "))?;
    }
    Ok(out)
}
