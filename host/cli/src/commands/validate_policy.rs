//! `assay validate policy`: whether a policy configuration follows its format.

use assay_app::{ClusterAccess, fetch_configuration, parse_policy};

use super::{events::Printed, fetch_policy::print_stdout};
use crate::{
    error::CliError,
    exit,
    flags::policy_file::ValidatePolicyFlags,
    printer::Printer,
    settings::{Environment, source_settings},
};

/// Reads the configuration and reports its errors.
pub(crate) fn run(
    flags: ValidatePolicyFlags,
    env: &Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    let settings = source_settings(&flags.sources, env)?;
    let text = fetch_configuration(Some(flags.policy), &settings, cluster, &Printed::new(printer))?.unwrap_or_default();
    parse_policy(&text).map_err(|why| {
        // The first words are `ec`'s.
        let fact = "policy configuration does not conform to the EnterpriseContractPolicy spec";
        CliError::new(format!("{fact}\n  {}", why.message()))
    })?;
    print_stdout(printer, "Policy configuration conforms to the EnterpriseContractPolicy spec\n")?;
    Ok(exit::SUCCESS)
}
