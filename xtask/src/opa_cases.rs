//! [`run`]: evaluation cases in OPA's format, run by the release build of the Rego engine.
//!
//! They are run by the example `opa_cases` of `assay-rego`; the cases are not part of this repository.

use std::process::Command;

use anyhow::{Context as _, ensure};
use camino::Utf8Path;

/// Runs every case of a file of JSON lines. Fails when one fails that is not known to, or a known failure passes.
pub fn run(root: &Utf8Path, file: &Utf8Path) -> anyhow::Result<()> {
    ensure!(file.is_file(), "`{file}` is not a file: name a file of cases, one JSON object a line");
    let file = file.canonicalize_utf8().with_context(|| format!("`{file}` has no path"))?;
    let mut command = Command::new("cargo");
    command.args(["run", "--quiet", "--release", "--package", "assay-rego", "--example", "opa_cases", "--"]);
    let status = command.arg(file).current_dir(root).status().context("cargo cannot be started")?;
    ensure!(status.success(), "the results differ from host/rego/known-failures.txt");
    Ok(())
}
