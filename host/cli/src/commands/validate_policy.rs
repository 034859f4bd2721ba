//! `assay validate policy`: whether a policy configuration follows its format.

use super::{fetch_policy::say, policy_sources::fetch_configuration};
use crate::{
    error::Unusable,
    exit,
    flags::policy_file::ValidatePolicyFlags,
    printer::Printer,
    settings::{SourceSettings, Surroundings, policy_of},
};

/// Reads the configuration; what is wrong with it is told.
pub(crate) fn run(flags: ValidatePolicyFlags, around: &Surroundings, printer: Printer) -> Result<u8, Unusable> {
    let settings = SourceSettings::new(&flags.sources, around);
    let text = fetch_configuration(Some(flags.policy), &settings, printer)?.unwrap_or_default();
    policy_of(&text).map_err(|why| {
        // The first words are `ec`'s.
        let fact = "policy configuration does not conform to the EnterpriseContractPolicy spec";
        let why = why.text();
        Unusable::new(format!("{fact}\n  {}", why.strip_prefix("error: ").unwrap_or(&why)))
    })?;
    say(printer, "Policy configuration conforms to the EnterpriseContractPolicy spec\n")?;
    Ok(exit::ALLOWED)
}
