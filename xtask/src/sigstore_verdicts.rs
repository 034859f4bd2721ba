//! `cargo xtask sigstore-verdicts`: bundles and layers with the verdicts of real verifiers, against ours.

use std::{io::Write as _, process::Command};

use anyhow::{Context as _, bail};
use assay_evidence::keyless::verdicts::{self, Row};
use camino::Utf8Path;
use serde_json::Value;

/// Runs a table whose files are in `folder`, by itself or with the built program, and prints a line for each row: `right` or
/// `wrong`, the code, the file, and why it was refused.
///
/// The verdict of the program is its exit code, except for rows with a window of the key, of which no verifier of files has
/// a flag: there the times that it prints are compared as well.
///
/// # Errors
/// The table cannot be read, or a verdict is wrong.
pub fn run(table: &Utf8Path, folder: &Utf8Path, program: Option<&Utf8Path>) -> anyhow::Result<()> {
    let text = fs_err::read_to_string(table)?;
    let read = |path: &str| fs_err::read(folder.join(path)).map_err(|error| error.to_string());
    let rows = match program {
        None => verdicts::run(&text, &read),
        Some(program) => verdicts::run_with(&text, &|row| {
            run_program(program, folder, &verdicts::command(row, &read)?, row.window())
        }),
    };
    let rows: Vec<Row> = rows.map_err(anyhow::Error::msg).context("the table cannot be read")?;
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

/// Whether the program accepts, the code and the reason.
fn run_program(
    program: &Utf8Path,
    folder: &Utf8Path,
    arguments: &[String],
    window: Option<(i64, i64)>,
) -> Result<(bool, String, String), String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("TUF_ROOT", folder.join("none"))
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    let code = output.status.code();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let refused = document.pointer("/refused/0");
    let text = |field: &str| refused.and_then(|refused| refused.get(field)).and_then(Value::as_str).map(str::to_owned);
    let reason = text("reason").unwrap_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned());
    let name = match code {
        Some(0) => "ok".to_owned(),
        Some(1) => text("code").unwrap_or_else(|| "none".to_owned()),
        Some(2) => "request".to_owned(),
        other => format!("exit {other:?}"),
    };
    let at = |time: &Value| time.get("at")?.as_str()?.parse::<jiff::Timestamp>().ok();
    let times = document.pointer("/signatures/0/times").and_then(Value::as_array);
    let times: Vec<i64> = times.into_iter().flatten().filter_map(at).map(jiff::Timestamp::as_second).collect();
    // The program knows no windows of keys, as cosign does not, so that it accepts a row that is refused for its window alone.
    let is_inside =
        window.is_none_or(|(start, end)| !times.is_empty() && times.iter().all(|time| (start..=end).contains(time)));
    Ok(match code {
        Some(0) if !is_inside => (false, "certificate-time".to_owned(), "the key may not sign then".to_owned()),
        code => (code == Some(0), name, reason),
    })
}
