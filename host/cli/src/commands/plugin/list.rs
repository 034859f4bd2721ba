//! `assay plugin list`: the plugins of a list, with what the lock file says. Nothing is fetched.

use std::fmt::Write as _;

use assay_app::plugin_distribution::list_plugins;
use serde_json::json;

use super::{print_result, read_list};
use crate::{error::CliError, exit, flags::plugin::distribution::ListFlags, printer::Printer};

/// Characters of a digest that are shown to people.
const SHORT: usize = "sha256:".len() + 12;

/// Lists.
pub(crate) fn run(flags: &ListFlags, printer: Printer) -> Result<u8, CliError> {
    let (list, lock) = read_list(Some(&flags.plugins))?;
    let listed = list_plugins(&list, &lock);
    let short = |digest: &Option<String>| {
        digest.as_ref().map_or_else(|| "-".to_owned(), |text| text.chars().take(SHORT).collect())
    };
    let text_of = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut rows = vec![["NAME", "VERSION", "WORLD", "WIT", "DIGEST", "SIGNER", "VETTED"].map(str::to_owned)];
    rows.extend(listed.iter().map(|one| {
        [
            one.name.clone(),
            text_of(&one.version),
            text_of(&one.world),
            text_of(&one.wit),
            short(&one.digest),
            text_of(&one.signer),
            short(&one.vet),
        ]
    }));
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    for problem in listed.iter().filter_map(|one| one.problem.as_ref()) {
        printer.note(&format!("warning: {problem}"));
    }
    print_result(printer, flags.format, &text, &json!({"plugins": listed}))?;
    Ok(exit::SUCCESS)
}
