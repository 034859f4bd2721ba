//! [`Output`]: which reports go where.

use std::{collections::BTreeSet, str::FromStr as _};

use assay_report::Format;
use camino::{Utf8Path, Utf8PathBuf};

use super::non_empty;
use crate::{
    error::CliError,
    flags::{go, image::ReportFlags},
};

/// `--output FORMAT[=FILE][?OPTION=BOOL&…]`
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) file: Option<Utf8PathBuf>,
    pub(crate) options: assay_report::Options,
}

/// What may stand after `?`.
const OPTIONS: [&str; 3] = ["show-successes", "show-warnings", "show-policy-docs-link"];

pub(super) fn parse_outputs(flags: &ReportFlags, options: &assay_report::Options) -> Result<Vec<Output>, CliError> {
    let mut wanted = go::slice(&flags.output).map_err(|error| CliError::new(format!("`--output`: {error}")))?;
    wanted.retain(|text| !text.is_empty());
    wanted.extend(non_empty(flags.output_file.as_deref()).map(|file| format!("json={file}")));
    if wanted.is_empty() {
        wanted.push("text".to_owned());
    }
    let mut outputs = Vec::new();
    for text in &wanted {
        let (target, query) = text.split_once('?').unwrap_or((text.as_str(), ""));
        let (format, file) = match target.split_once('=') {
            Some((format, file)) => (format, non_empty(Some(file)).map(Utf8PathBuf::from)),
            None => (target, None),
        };
        let error = |what: String| CliError::new(format!("`--output {text}`: {what}"));
        let format = if format.is_empty() { "json" } else { format };
        let format = Format::from_str(format).map_err(|why| error(why.to_string()))?;
        let mut options = *options;
        // Colors are for the terminal; a file gets none unless they are requested.
        options.color &= file.is_none() || flags.color;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
            if options.ec_compat && !OPTIONS.contains(&name) {
                continue;
            }
            let value = go::parse_bool(value).ok_or_else(|| error(format!("`{value}` is not a boolean")))?;
            // `ec` has options for its text alone, does not mind others, and lists no successes without the flag.
            let applies = !options.ec_compat || format == Format::Text;
            match name {
                _ if !applies => {}
                "show-successes" if options.ec_compat => options.show_successes &= value,
                "show-successes" => options.show_successes = value,
                "show-warnings" => options.show_warnings = value,
                "show-policy-docs-link" => options.show_policy_docs_link = value,
                _ => {
                    let known = OPTIONS.join(", ");
                    return Err(error(format!("`{name}` is not an option")).hint(format!("options are {known}")));
                }
            }
        }
        outputs.push(Output { format, file, options });
    }
    Ok(outputs)
}

/// Two reports for one file would leave only the last one there.
pub(super) fn refuse_shared_files<'a>(files: impl Iterator<Item = &'a Utf8Path>) -> Result<(), CliError> {
    let mut seen = BTreeSet::new();
    for file in files {
        // Pipes and terminals take one report after another.
        let is_regular = fs_err::metadata(file).map_or(true, |found| found.is_file());
        if is_regular && !seen.insert(real(file)) {
            return Err(CliError::new(format!("`--output`: more than one report would be written to `{file}`"))
                .hint("choose a different file for each report"));
        }
    }
    Ok(())
}

/// The path without links and detours, as far as it is there.
fn real(file: &Utf8Path) -> Utf8PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    file.canonicalize_utf8().unwrap_or_else(|_| match (folder.canonicalize_utf8(), file.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => file.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        report: ReportFlags,
    }

    #[test]
    fn one_file_takes_one_report() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        fs_err::create_dir(folder.join("sub")).unwrap();
        fs_err::write(folder.join("there"), "").unwrap();
        std::os::unix::fs::symlink(folder.join("there"), folder.join("link")).unwrap();
        let refused = |files: &[&str]| {
            let files: Vec<_> = files.iter().map(|file| folder.join(file)).collect();
            refuse_shared_files(files.iter().map(AsRef::as_ref)).is_err()
        };
        assert!(!refused(&["a", "b", "there"]));
        assert!(refused(&["a", "b", "a"]) && refused(&["a", "./a"]) && refused(&["a", "sub/../a"]));
        assert!(refused(&["there", "link"]));
        let pipe = Utf8Path::new("/dev/null");
        assert!(refuse_shared_files([pipe, pipe].into_iter()).is_ok());
    }

    fn colors(arguments: &[&str]) -> Vec<bool> {
        let flags = Flags::try_parse_from(std::iter::once("assay").chain(arguments.iter().copied())).unwrap().report;
        // As on a terminal that shows colors.
        let options = assay_report::Options { color: true, ..assay_report::Options::default() };
        parse_outputs(&flags, &options).unwrap().iter().map(|output| output.options.color).collect()
    }

    #[test]
    fn a_file_has_no_colors_unless_requested() {
        assert_eq!(colors(&["--output", "text", "--output", "text=a"]), [true, false]);
        assert_eq!(colors(&["--output", "text=a", "--color"]), [true]);
    }

    #[test]
    fn called_ec_options_are_those_of_the_text_and_list_no_successes_by_default() {
        let shown = |ec_compat, show_successes, output: &str| {
            let flags = Flags::try_parse_from(["assay", "--output", output]).unwrap().report;
            let options = assay_report::Options { ec_compat, show_successes, ..assay_report::Options::default() };
            parse_outputs(&flags, &options)
                .map(|outputs| outputs.first().unwrap().options)
                .map_err(|error| error.text())
        };
        for (ec_compat, flag, output, want) in [
            (false, false, "json?show-successes=true", true),
            (true, false, "json?show-successes=true", false),
            (true, true, "json?show-successes=false", true),
            (true, true, "text?show-successes=false", false),
            (true, false, "text?show-successes=true", false),
            (true, true, "text?more=some", true),
        ] {
            assert_eq!(shown(ec_compat, flag, output).unwrap().show_successes, want, "{ec_compat} {flag} {output}");
        }
        assert!(!shown(true, false, "text?show-warnings=false").unwrap().show_warnings);
        assert!(shown(true, false, "json?show-warnings=false").unwrap().show_warnings);
        assert!(shown(false, false, "json?more=true").unwrap_err().contains("not an option"));
    }

    #[test]
    fn every_format_is_known_and_named_in_the_help() {
        let help = <Flags as clap::CommandFactory>::command().render_long_help().to_string();
        for format in Format::ALL {
            let flags = Flags::try_parse_from(["assay", "--output", format.as_str()]).unwrap().report;
            let outputs = parse_outputs(&flags, &assay_report::Options::default()).unwrap();
            assert_eq!(outputs.first().unwrap().format, format);
            assert!(help.contains(format.as_str()), "{format} is not in the help");
        }
    }
}
