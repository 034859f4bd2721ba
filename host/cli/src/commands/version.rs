//! `assay version`: what this program is, and whose behavior it follows.
//!
//! `ec` lists the libraries that it is made of. assay is made of none of them; it lists, in the same form, the versions
//! whose formats and results it follows, and prints them.

use std::fmt::Write as _;

use assay_app::PUBLIC_GOOD_DATE;
use assay_gocompat::json;
use serde::Serialize;

use super::fetch_policy::print_stdout;
use crate::{error::CliError, exit, flags::version::VersionFlags, printer::Printer, settings::Environment};

/// The commit that the program was built from, if the build set it.
const SOURCE: Option<&str> = option_env!("ASSAY_SOURCE_ID");
/// The time of that commit, RFC 3339.
const CHANGED: Option<&str> = option_env!("ASSAY_CHANGED_ON");

/// What `ec` lists, and what stands for it here.
const COMPONENTS: [(&str, &str); 8] = [
    ("ECC", "v0.1.7 (format)"),
    ("OPA", "v1.15.2 (language)"),
    ("Conftest", "v0.68.2 (rules and reports)"),
    ("Cosign", "v3.0.4 (formats)"),
    ("Sigstore", "v1.10.8 (formats)"),
    ("Rekor", "v1.5.3 (formats)"),
    ("Tekton Pipeline", "v1 (bundle format)"),
    ("Kubernetes Client", "v0 (none)"),
];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    version: &'a str,
    commit: &'a str,
    changed_on: &'a str,
    components: Vec<Component>,
    trust_root: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: &'static str,
    version: &'static str,
}

/// Prints the version.
pub(crate) fn run(flags: &VersionFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    let commit = SOURCE.unwrap_or_default();
    // As Go writes a time that nobody set.
    let changed_on = CHANGED.unwrap_or("0001-01-01T00:00:00Z");
    let text = if flags.json {
        let components = COMPONENTS.into_iter().map(|(name, version)| Component { name, version }).collect();
        let document = Document { version, commit, changed_on, components, trust_root: PUBLIC_GOOD_DATE };
        json::to_string(&document).map_err(|error| CliError::from_error(&error))? + "\n"
    } else if flags.short {
        version.to_owned()
    } else {
        let mut text = format!("{:<19}{version}\n", "Version");
        // `ec` has both rows whether or not there is something to write in them.
        if env.mode.is_ec() || SOURCE.is_some() {
            let _infallible = writeln!(text, "{:<19}{commit}", "Source ID");
        }
        if env.mode.is_ec() || CHANGED.is_some() {
            let _infallible = writeln!(text, "{:<19}{}", "Change date", change_date(changed_on, env.now));
        }
        for (name, version) in COMPONENTS {
            let _infallible = writeln!(text, "{name:<19}{version}");
        }
        let _infallible = writeln!(text, "{:<19}{PUBLIC_GOOD_DATE} (public good instance of Sigstore)", "Trust root");
        text
    };
    print_stdout(printer, &text)?;
    Ok(exit::SUCCESS)
}

/// `2026-01-31 12:00:00 +0000 UTC (3 weeks ago)`
fn change_date(changed_on: &str, now: jiff::Timestamp) -> String {
    let Ok(changed) = changed_on.parse::<jiff::Timestamp>() else { return changed_on.to_owned() };
    let seconds = now.duration_since(changed).as_secs().max(0);
    let units = [("year", 365 * 86_400), ("week", 7 * 86_400), ("day", 86_400), ("hour", 3_600), ("minute", 60)];
    let (unit, length) = units.into_iter().find(|(_, length)| seconds >= *length).unwrap_or(("second", 1));
    let count = seconds / length;
    let plural = if count == 1 { "" } else { "s" };
    let date = changed_on.replace('T', " ").replace('Z', "");
    format!("{date} +0000 UTC ({count} {unit}{plural} ago)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_reported_with_its_age() {
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        for (changed, want) in [
            ("2026-06-01T11:58:30Z", "2026-06-01 11:58:30 +0000 UTC (1 minute ago)"),
            ("2026-05-01T00:00:00Z", "2026-05-01 00:00:00 +0000 UTC (4 weeks ago)"),
            ("2026-06-02T00:00:00Z", "2026-06-02 00:00:00 +0000 UTC (0 seconds ago)"),
            ("yesterday", "yesterday"),
        ] {
            assert_eq!(change_date(changed, now), want);
        }
    }

    #[test]
    fn everything_is_in_one_column() {
        assert!(COMPONENTS.iter().all(|(name, version)| name.len() < 19 && version.starts_with('v')));
    }
}
