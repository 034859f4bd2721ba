//! `cargo xtask sigstore-verdicts`: bundles and layers with the verdicts of real verifiers, against ours.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use assay_evidence::keyless::verdicts;
use camino::Utf8Path;

/// Runs a table whose files are in `folder`, and prints a line for each row: `right` or `wrong`, the code, the file, and
/// why it was refused.
///
/// # Errors
/// The table cannot be read, or a verdict is wrong.
pub fn run(table: &Utf8Path, folder: &Utf8Path) -> anyhow::Result<()> {
    let text = fs_err::read_to_string(table)?;
    let read = |path: &str| fs_err::read(folder.join(path)).map_err(|error| error.to_string());
    let rows = verdicts::run(&text, &read).map_err(anyhow::Error::msg).context("the table cannot be read")?;
    let mut out = std::io::stdout().lock();
    for row in &rows {
        let verdict = if row.is_right { "right" } else { "wrong" };
        writeln!(out, "{verdict}\t{}\t{}\t{}", row.code, row.file, row.reason.replace(['\n', '\t'], " "))?;
    }
    let right = rows.iter().filter(|row| row.is_right).count();
    writeln!(out, "{right} of {} right", rows.len())?;
    if right < rows.len() {
        bail!("{} verdicts are wrong", rows.len() - right);
    }
    Ok(())
}
