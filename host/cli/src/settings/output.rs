//! [`Output`]: which reports go where.

use std::str::FromStr as _;

use assay_report::Format;
use camino::Utf8PathBuf;

use crate::error::Unusable;

/// `--output FORMAT[=FILE][?OPTION=BOOL&…]`
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) file: Option<Utf8PathBuf>,
    pub(crate) options: assay_report::Options,
}

pub(super) fn outputs(flags: &[String], options: &assay_report::Options) -> Result<Vec<Output>, Unusable> {
    let flags: Vec<&str> = flags.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let mut outputs = Vec::new();
    for text in if flags.is_empty() { vec!["text"] } else { flags } {
        let (target, query) = text.split_once('?').unwrap_or((text, ""));
        let (format, file) = match target.split_once('=') {
            Some((format, file)) => (format, Some(Utf8PathBuf::from(file))),
            None => (target, None),
        };
        let error = |what: String| Unusable::new(format!("`--output {text}`: {what}"));
        let format = if format.is_empty() { "json" } else { format };
        let format = Format::from_str(format).map_err(|why| error(why.to_string()))?;
        let mut options = *options;
        // Colours are for the terminal; a file gets none unless they are asked for.
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let value: bool = value.parse().map_err(|_| error(format!("`{value}` is neither true nor false")))?;
            match name {
                "show-successes" => options.show_successes = value,
                "show-warnings" => options.show_warnings = value,
                "show-policy-docs-link" => options.show_policy_docs_link = value,
                _ => {
                    let known = "show-successes, show-warnings, show-policy-docs-link";
                    return Err(error(format!("`{name}` is not an option")).hint(format!("options are {known}")));
                }
            }
        }
        outputs.push(Output { format, file, options });
    }
    Ok(outputs)
}
