//! `assay validate policy`: whether a policy configuration follows its format.

use super::{fetch_policy::print_stdout, policy_sources::fetch_configuration};
use crate::{
    error::CliError,
    exit,
    flags::policy_file::ValidatePolicyFlags,
    printer::Printer,
    settings::{Environment, SourceSettings, parse_policy},
};

/// Reads the configuration and reports its errors.
pub(crate) fn run(flags: ValidatePolicyFlags, env: &Environment, printer: Printer) -> Result<u8, CliError> {
    let settings = SourceSettings::new(&flags.sources, env)?;
    let text = fetch_configuration(Some(flags.policy), &settings, printer)?.unwrap_or_default();
    parse_policy(&text).map_err(|why| {
        // The first words are `ec`'s.
        let fact = "policy configuration does not conform to the EnterpriseContractPolicy spec";
        let why = why.text();
        CliError::new(format!("{fact}\n  {}", why.strip_prefix("error: ").unwrap_or(&why)))
    })?;
    print_stdout(printer, "Policy configuration conforms to the EnterpriseContractPolicy spec\n")?;
    Ok(exit::SUCCESS)
}
